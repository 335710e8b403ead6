"""Which elements of a web page hold its article."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from index._formats.html_elements import _headlines, _holds, _text_sizes
from index._formats.html_pieces import _size, _without_notices
from index._formats.html_reader import _Reader, _walk
from index._formats.parsed import Block

_STRUCK_OUT = "del, s, strike"
_MAIN_SHARE = 1 / 3  # of the page's text, that the article's element has at least
_SECOND_ARTICLE = 0.4  # of the largest article's text: the page has several
_SIGN_UP_CHARACTERS = 300  # of a box around a form


def _article(tree: Any, body: Any) -> list[Block]:
    """Return the blocks of the article, in reading order."""
    sizes = _text_sizes(body)
    main = _main_element(tree, body, sizes)
    headline = next(
        (
            node
            for node in tree.css(_headlines(tree))
            if node.mem_id in sizes and _holds(main, node)
        ),
        None,
    )
    # What holds the headline or the article is never dropped for its name: a page may be wrapped in
    # <div class="with-sidebar"> or in a form.
    kept = {main.mem_id}
    for node in filter(None, (main, headline)):
        while node is not None:
            kept.add(node.mem_id)
            node = node.parent
    # Where nothing tells the article, no name is believed of what holds half of the page's text.
    half = sizes.get(body.mem_id, 0) / 2
    told = main.mem_id != body.mem_id
    believed = math.inf if told or headline is not None else half
    boxes = _sign_up_boxes(tree, sizes, kept) | _struck_out(tree, sizes, half)
    title = 0 if headline is None else headline.mem_id
    reader = _Reader(kept, boxes, half, believed, title)
    pieces = _walk(main, reader, sizes)
    little = _size(pieces) < sizes.get(main.mem_id, 0) / 4
    if told and little and not any(piece.is_paragraph for piece in pieces):
        reader = _Reader(kept, boxes, half, believed, title, by_name=False)
        pieces = _walk(main, reader, sizes)
    end = len(pieces) if told else reader.end_of_article()
    return [Block(piece.text, piece.level, piece.tight) for piece in _without_notices(pieces, end)]


def _struck_out(tree: Any, sizes: Mapping[int, int], most: float) -> set[int]:
    """Elements whose text is taken back: what stands there instead follows.

    None where they hold more than ``most`` characters: then one was never closed.
    """
    struck = [node.mem_id for node in tree.css(_STRUCK_OUT)]
    return set(struck) if sum(sizes.get(node, 0) for node in struck) <= most else set()


def _main_element(tree: Any, body: Any, sizes: Mapping[int, int]) -> Any:
    """Find the element that says that it holds the article; else it is the whole ``body``."""
    whole = sizes.get(body.mem_id, 0)
    for selector in ("article", "main", "[role=main]", "[itemprop=articleBody]"):
        sized = sorted(
            ((sizes.get(node.mem_id, 0), -at, node) for at, node in enumerate(tree.css(selector))),
            key=lambda entry: entry[:2],
            reverse=True,
        )
        if not sized or sized[0][0] < _MAIN_SHARE * whole:
            continue
        several = len(sized) > 1 and sized[1][0] > _SECOND_ARTICLE * sized[0][0]
        if not several or _holds(sized[0][2], sized[1][2]):
            return sized[0][2]
    return body


def _sign_up_boxes(tree: Any, sizes: Mapping[int, int], kept: set[int]) -> set[int]:
    """Small elements around a form: they ask for an address, whatever their class is."""
    boxes: set[int] = set()
    seen = set(kept)
    for form in tree.css("form, input[type=email]"):
        node, box = form, None
        while (
            node is not None
            and node.mem_id not in seen
            and sizes.get(node.mem_id, 0) <= _SIGN_UP_CHARACTERS
        ):
            seen.add(node.mem_id)
            box, node = node, node.parent
        if box is not None:
            boxes.add(box.mem_id)
    return boxes
