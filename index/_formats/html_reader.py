"""The text of an element of a web page, piece by piece."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Set
from typing import Any

from index._formats.html_elements import (
    CELL_CHARACTERS,
    HEADINGS,
    NO_TEXT,
    SURROUNDINGS,
    has_dropped_name,
    holds_one_formula,
    is_data_table,
    is_drawn_formula,
    is_note_mark,
    is_permalink,
    is_power,
    is_whole_heading,
)
from index._formats.html_pieces import Piece
from index._formats.mathml import formula_text
from index._text import CELL_END, has_text, raised

_DROPPED_ROLES = frozenset(
    "navigation banner contentinfo complementary dialog alertdialog search menu".split()
)
_ICON = re.compile(r"(?:^|[\s_-])(?:icons?|symbols?|glyphicon|fa)(?:$|[\s_-])", re.I)
_ICON_SIGNS = frozenset("So Sk Mn Cf".split())  # categories: with those that join and colour emoji
_ANSWERS = frozenset("✓✔✅✗✘❌★☆")  # yes, no, and how good something is
_STARS = re.compile(r"(?:[*•·–—_~-]\s*){3,100}")
# Of Sphinx, MkDocs and Starlight: notes and cautions, which are text.
_ASIDES = re.compile(r"(?:^|\s)(?:footnote|admonition|starlight-aside)")
_BLOCK_TAGS = frozenset(
    """
    address article blockquote body caption center dd details div dl dt fieldset figcaption figure form h1 h2 h3 h4 h5
    h6 header hgroup hr html li main ol p pre section summary table tbody td tfoot th thead tr ul
    """.split()
)
_LINES = frozenset("br div p ul ol li".split())  # in a cell of a data table they do not part it


class PieceReader:
    """Reads an element of a page: ``pieces`` of text in reading order, one for each block-level element.

    Elements are known by their ``mem_id``: ``sizes`` are of `text_sizes`; what is in ``kept`` is never
    dropped for what it is called, what is in ``dropped`` always; ``headline`` is a heading of level 1,
    whatever its tag. A form of more than ``half`` characters is read. No attribute is believed of an
    element of more than ``believed`` characters, and no name where not ``by_name``.
    """

    def __init__(
        self,
        sizes: Mapping[int, int],
        *,
        kept: Set[int],
        dropped: Set[int],
        headline: int,
        half: float,
        believed: float,
        by_name: bool = True,
    ) -> None:
        self.pieces: list[Piece] = []
        self._sizes, self._kept, self._dropped, self._headline = sizes, kept, dropped, headline
        self._half, self._believed, self._by_name = half, believed, by_name
        self._open: list[int] = []  # block-level elements
        self._parents: dict[int, int] = {}
        self._extents: dict[int, tuple[int, int]] = {}  # the pieces of an element
        self._parts: list[str] = []
        self._characters = self._linked = 0
        # Open elements of these kinds.
        self._links = self._articles = self._preformatted = self._powers = 0
        self._data_table = 0  # the open one; they do not nest
        self._prefix = ""
        self._cells = 0
        self._first = False  # of a list or table
        self._tight = False

    def read(self, root: Any) -> None:
        """Read the element ``root``."""
        # An explicit stack: pages nest deeper than Python's. True: the element ends here.
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            node, ends = stack.pop()
            if ends:
                self._close_element(node)
            elif node.is_text_node:
                self._add(node.text_content or "")
            elif node.tag == "math":
                self._add(formula_text(node))
            elif node.is_element_node:
                size = self._sizes.get(node.mem_id, 0)
                if self._drops(node, size):
                    continue
                self._open_element(node, size)
                stack.append((node, True))
                children = list(node.iter(include_text=True))
                stack.extend((child, False) for child in reversed(children))
        self._flush()

    def _drops(self, node: Any, size: int) -> bool:
        """Tell whether an element of ``size`` characters is no part of an article."""
        tag = node.tag
        if tag in NO_TEXT and not (tag == "button" and is_whole_heading(node)):
            return True
        if (tag == "sup" and is_note_mark(node)) or (tag == "a" and is_permalink(node)):
            return True
        if node.mem_id in self._kept:
            return False
        if node.mem_id in self._dropped or (tag == "header" and not self._articles):
            return True
        attributes = node.attributes
        is_note = tag == "aside" and _ASIDES.search(attributes.get("class") or "") is not None
        if tag in SURROUNDINGS and not (tag == "form" and size > self._half) and not is_note:
            return True
        if not attributes or size > self._believed:
            return False
        if "hidden" in attributes and attributes["hidden"] != "until-found":
            return True
        # What is hidden from those who hear a page is seen, within a line.
        if attributes.get("aria-hidden") == "true" and (
            tag in _BLOCK_TAGS
            or tag in {"i", "label"}
            or _ICON.search(attributes.get("class") or "")
            or not has_text(node.text())
            or is_drawn_formula(node)
        ):
            return True
        if (attributes.get("role") or "").lower() in _DROPPED_ROLES:
            return True
        if "display:none" in (attributes.get("style") or "").replace(" ", "").lower():
            return not holds_one_formula(node)
        return self._by_name and tag not in HEADINGS and has_dropped_name(node)

    def _add(self, text: str) -> None:
        """Take a text node; its white space collapses, unless preformatted."""
        if not self._preformatted:
            ends = (" " if text[:1].isspace() else "", " " if text[-1:].isspace() else "")
            text = " ".join(text.split()).join(ends) if text.strip() else " "
        if self._powers:
            text = raised(text.strip())
        size = len(text.strip())
        self._characters += size
        self._linked += size if self._links else 0
        self._parts.append(text)

    def _open_element(self, node: Any, size: int) -> None:
        """Begin an element of ``size`` characters."""
        tag = node.tag
        if self._is_within_cell(tag):
            self._parts.append(self._item_gap() if tag == "li" else " ")
            return
        if tag == "br":
            self._parts.append("\n")
        elif tag == "label":
            self._parts.append(" ")
        elif tag == "a" and node.attributes.get("href"):
            self._links += 1
        elif is_power(node):
            self._powers += 1
        if tag not in _BLOCK_TAGS:
            return
        # The long cell of a table that lays out a page is apart from the lines of the menu beside it.
        laid_out = size > CELL_CHARACTERS and not self._data_table and "\n" in self._parts
        if tag not in {"td", "th"} or laid_out:
            self._flush()
        self._parents[node.mem_id] = self._open[-1] if self._open else 0
        self._open.append(node.mem_id)
        self._extents[node.mem_id] = (len(self.pieces), len(self.pieces))
        if tag in {"article", "main"}:
            self._articles += 1
        elif tag == "pre":
            self._preformatted += 1
        elif is_data_table(node):
            self._data_table = node.mem_id
        if tag in {"ul", "ol", "dl", "table"}:
            self._first = True
        elif tag in {"li", "tr", "dt", "dd"}:
            self._prefix = "- " if tag == "li" else ""
            self._tight, self._first = not self._first and tag != "dt", False

    def _close_element(self, node: Any) -> None:
        """End an element."""
        tag = node.tag
        if self._is_within_cell(tag):
            self._parts.append(" ")
            return
        if tag == "a" and node.attributes.get("href"):
            self._links -= 1
        elif is_power(node):
            self._powers -= 1
        if tag not in _BLOCK_TAGS:
            return
        if tag in {"td", "th"}:
            self._parts.append(CELL_END)
            self._cells += 1
        else:
            level = HEADINGS.index(tag) + 1 if tag in HEADINGS else 0
            self._flush(1 if node.mem_id == self._headline else level)
        self._open.pop()
        start = self._extents[node.mem_id][0]
        self._extents[node.mem_id] = (start, len(self.pieces))
        if tag in {"li", "tr"} and start == len(self.pieces):  # nothing to be below
            self._first, self._tight = not self._tight, False
        if tag in {"article", "main"}:
            self._articles -= 1
        elif tag == "pre":
            self._preformatted -= 1
        elif node.mem_id == self._data_table:
            self._data_table = 0
        elif tag == "li":
            self._prefix = ""

    def _item_gap(self) -> str:
        """Return what parts an item of a list from what stands before it in its cell."""
        while self._parts and self._parts[-1].isspace():
            self._parts.pop()
        return ", " if self._parts and self._parts[-1][-1:].isalnum() else " "

    def _is_within_cell(self, tag: str) -> bool:
        """Tell whether an element is a line of a cell, which stays one line with the others."""
        return self._data_table != 0 and not self._preformatted and tag in _LINES

    def _flush(self, level: int = 0) -> None:
        """End the piece that is being collected."""
        text = "".join(self._parts)
        if not self._preformatted:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        text = text.strip(" |\n\t")
        if text and (self._preformatted or not _is_ornament(text)):
            linked = self._linked / max(self._characters, 1)
            container = self._open[-2] if len(self._open) > 1 else 0
            self.pieces.append(
                Piece(self._prefix + text, level, self._tight, linked, self._cells, container)
            )
            self._prefix, self._tight = "", False
        self._parts.clear()
        self._characters = self._linked = self._cells = 0

    def end_of_article(self) -> int:
        """Return how many of the pieces there are up to the end of the article's element.

        That is the innermost one around the last paragraph with half of all paragraphs' text.
        """
        sums = [0]
        for piece in self.pieces:
            sums.append(sums[-1] + len(piece.text) * piece.is_paragraph)
        last = next((p for p in reversed(self.pieces) if p.is_paragraph), None)
        element = last.container if last is not None else 0
        while element:
            start, end = self._extents[element]
            if sums[end] - sums[start] >= sums[-1] / 2:
                return end
            element = self._parents[element]
        return len(self.pieces)


def _is_ornament(text: str) -> bool:
    """Tell whether a text is an icon or a line of stars; "&&" may be what a page tells of."""
    icons = all(unicodedata.category(sign) in _ICON_SIGNS for sign in text if not sign.isspace())
    return (icons and _ANSWERS.isdisjoint(text)) or _STARS.fullmatch(text) is not None
