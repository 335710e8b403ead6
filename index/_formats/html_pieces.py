"""Which blocks of a web page are text of its article."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# How a line begins that calls to read something else.
_CALL = re.compile(
    r"(?:you (?:may|might)|more (?:on|from)|follow|see also|related|most|read|share|also)\b", re.I
)
_LINKED_SHARE = 0.5  # of a block's characters: above, it is a link to somewhere else
_LINKED_WORDS = 20  # a longer block is read whatever it links to
_PARAGRAPH_WORDS = 5
_SENTENCE_END = (".", "!", "?", "…", '."', ".'", ".”", ".’", '?"', "?”", '!"', "!”", ".)", ":")
_NOTICE = re.compile(
    r"(?:- )?(?:(?:skip )?advertisement|(?:please )?share(?: this)?(?: article| story| page| post)?:?|"
    r"(?:copyright )?©.*|copyright (?:\(c\)|\d{4}).*|\(c\) (?:copyright )?\d{4}\b.*|"
    r"(?:.*\. )?all rights reserved\.?|\d+ min(?:ute)?s? read|read more:.*|loading\.*|you are visitor number .*)",
    re.I,
)
_NOTICE_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Piece:
    """A block as the page has it.

    ``level``: 1 to 6 for headings, else 0; ``linked``: the share of it that is links; ``cells``: of a
    row; ``container``: the element around the block's own.
    """

    text: str
    level: int
    tight: bool
    linked: float
    cells: int
    container: int

    @property
    def is_notice(self) -> bool:
        """Whether it is a link to somewhere else, or what sites say among the paragraphs."""
        if len(self.text) <= _NOTICE_CHARACTERS and _NOTICE.fullmatch(self.text):
            return True
        if self.level or self.cells > 1 or self.linked <= _LINKED_SHARE or self.text.endswith("."):
            return False
        return len(self.text[:1000].split()) < _LINKED_WORDS

    @property
    def is_paragraph(self) -> bool:
        """Whether it is a sentence at least, or a row of a table that is not one of links."""
        if self.level or self.is_notice:
            return False
        if self.cells > 1:
            return self.linked <= _LINKED_SHARE
        words = len(self.text[:1000].split())
        return words >= _PARAGRAPH_WORDS and self.text.endswith(_SENTENCE_END)


def without_notices(pieces: Sequence[Piece], end: int) -> list[Piece]:
    """Drop what is no text of the article though it stands among it.

    Links to elsewhere and notices go, and what is no sentence before the headline; nothing from
    ``end`` on is taken. What would leave less than a quarter of the text is not done: such a page is
    a list.
    """
    start = next((at for at, piece in enumerate(pieces) if piece.level == 1), 0)
    listed = _listed_links(pieces[:end])
    kept = [
        piece
        for at, piece in enumerate(pieces[:end])
        if piece.level == 1
        or at in listed
        or not (piece.is_notice or (at < start and not piece.is_paragraph))
    ]
    kept = _without_empty_headings(kept)
    return kept if size_of(kept) >= size_of(pieces) / 4 else list(pieces)


def _listed_links(pieces: Sequence[Piece]) -> set[int]:
    """Return the items of lists of which half are no links, or that a line with a colon opens."""
    lists: dict[int, list[int]] = {}
    for at, piece in enumerate(pieces):
        if piece.text.startswith("- "):
            lists.setdefault(piece.container, []).append(at)
    return {
        at
        for items in lists.values()
        if (len(items) > 2 and 2 * sum(pieces[at].is_notice for at in items) <= len(items))
        or (items[0] and _introduces(pieces[items[0] - 1]))
        for at in items
    }


def _introduces(piece: Piece) -> bool:
    """Tell whether a line opens a list of its article: "The towns are:", not "Read more:"."""
    if piece.level or piece.is_notice or _CALL.match(piece.text):
        return False
    return piece.text.endswith(":") and len(piece.text[:200].split()) > 2


def size_of(pieces: Iterable[Piece]) -> int:
    """Return the characters of the pieces."""
    return sum(len(piece.text) for piece in pieces)


def _without_empty_headings(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop headings with nothing under them."""
    kept: list[Piece] = []
    below = 1  # the level of the heading that comes next; the end counts as one
    for piece in reversed(pieces):
        if piece.level > 1 and below and piece.level >= below:
            continue
        below = piece.level
        kept.append(piece)
    kept.reverse()
    return [replace(kept[0], tight=False), *kept[1:]] if kept else kept
