"""The article of a web page: which element holds it, and the blocks of its text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from functools import partial
from itertools import chain
from typing import Any

from index._formats.html_elements import headline_selector, text_sizes, with_ancestors
from index._formats.html_pieces import size_of, without_notices
from index._formats.html_reader import PieceReader
from index._formats.parsed import Block

_STRUCK_OUT = "del, s, strike"
_MAIN_SHARE = 1 / 3  # of the page's text, that the article's element has at least
_SECOND_ARTICLE = 0.4  # of the largest article's text: the page has several
_SIGN_UP_CHARACTERS = 300  # of a box around a form


def article_blocks(tree: Any, body: Any) -> list[Block]:
    """Return the blocks of the article, in reading order."""
    sizes = text_sizes(body)
    main = _main_element(tree, body, sizes)
    headlines = tree.css(headline_selector(tree))
    headline = next((h for h in headlines if h.mem_id in sizes and _holds(main, h)), None)
    # What holds the headline or the article is never dropped for its name: a page may be wrapped in
    # <div class="with-sidebar"> or in a form.
    kept = {node.mem_id for node in chain(with_ancestors(main), with_ancestors(headline))}
    half = sizes.get(body.mem_id, 0) / 2
    told = main.mem_id != body.mem_id
    new_reader = partial(
        PieceReader,
        sizes,
        kept=kept,
        dropped=_sign_up_boxes(tree, sizes, kept) | _struck_out(tree, sizes, half),
        headline=0 if headline is None else headline.mem_id,
        half=half,
        # Where nothing tells the article, no name is believed of what holds half of the page's text.
        believed=math.inf if told or headline is not None else half,
    )
    reader = new_reader()
    reader.read(main)
    little = size_of(reader.pieces) < sizes.get(main.mem_id, 0) / 4
    if told and little and not any(piece.is_paragraph for piece in reader.pieces):
        reader = new_reader(by_name=False)
        reader.read(main)
    end = len(reader.pieces) if told else reader.end_of_article()
    pieces = without_notices(reader.pieces, end)
    return [Block(piece.text, piece.level, piece.tight) for piece in pieces]


def _holds(outer: Any, node: Any) -> bool:
    """Tell whether an element is the other, or stands within it."""
    return any(around.mem_id == outer.mem_id for around in with_ancestors(node))


def _struck_out(tree: Any, sizes: Mapping[int, int], most: float) -> set[int]:
    """Return elements whose text is taken back: what stands there instead follows.

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


def _sign_up_boxes(tree: Any, sizes: Mapping[int, int], kept: Set[int]) -> set[int]:
    """Return small elements around a form: they ask for an address, whatever their class is."""
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
