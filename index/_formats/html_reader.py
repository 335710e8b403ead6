"""The text of an element of a web page, a piece for each block."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from index._formats.html_elements import (
    _CELL_CHARACTERS,
    _DROPPED_NAMES,
    _HEADINGS,
    _NO_TEXT,
    _SURROUNDINGS,
    _is_data_table,
    _is_drawn_formula,
    _is_formula,
    _is_heading,
    _is_named,
    _is_note_mark,
    _is_permalink,
    _is_power,
    _names,
    _words,
)
from index._formats.html_pieces import _Piece
from index._formats.mathml import _formula
from index._text import has_text, raised

_DROPPED_ROLES = _words(
    "navigation banner contentinfo complementary dialog alertdialog search menu"
)
_ICON = re.compile(r"(?:^|[\s_-])(?:icons?|symbols?|glyphicon|fa)(?:$|[\s_-])", re.I)
_ICON_SIGNS = _words("So Sk Mn Cf")  # categories: with those that join and colour emoji
_ANSWERS = frozenset("✓✔✅✗✘❌★☆")  # yes, no, and how good something is
_STARS = re.compile(r"(?:[*•·–—_~-]\s*){3,100}")
# Of Sphinx, MkDocs and Starlight: notes and cautions, which are text.
_ASIDES = re.compile(r"(?:^|\s)(?:footnote|admonition|starlight-aside)")
_BLOCK_TAGS = _words(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr html li main ol p pre section summary table tbody td "
    "tfoot th thead tr ul"
)
_LINES = _words("br div p ul ol li")  # in a cell of a data table they do not part it


def _is_ornament(text: str) -> bool:
    """Tell whether a text is an icon or a line of stars; "&&" may be what a page tells of."""
    icons = all(unicodedata.category(sign) in _ICON_SIGNS for sign in text if not sign.isspace())
    return (icons and _ANSWERS.isdisjoint(text)) or _STARS.fullmatch(text) is not None


def _walk(root: Any, reader: _Reader, sizes: Mapping[int, int]) -> list[_Piece]:
    """Text of an element in reading order, a piece for each block-level element."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, ends = stack.pop()
        if ends:
            reader.close(node)
        elif node.is_text_node:
            reader.add(node.text_content or "")
        elif node.tag == "math":
            reader.add(_formula(node))
        elif node.is_element_node and not reader.drops(node, sizes.get(node.mem_id, 0)):
            reader.open(node, sizes.get(node.mem_id, 0))
            stack.append((node, True))
            children = list(node.iter(include_text=True))
            stack.extend((child, False) for child in reversed(children))
    reader.flush()
    return reader.pieces


class _Reader:
    """Collects text into pieces while an element is walked."""

    def __init__(
        self,
        kept: set[int],
        boxes: set[int],
        half: float,
        believed: float,
        title: int,
        by_name: bool = True,
    ) -> None:
        self.pieces: list[_Piece] = []
        self._title = title
        self._by_name = by_name
        self._kept, self._boxes, self._half, self._believed = kept, boxes, half, believed
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

    def drops(self, node: Any, size: int) -> bool:
        """Tell whether the element is no part of an article."""
        tag = node.tag
        if tag in _NO_TEXT and not (tag == "button" and _is_heading(node)):
            return True
        if (tag == "sup" and _is_note_mark(node)) or (tag == "a" and _is_permalink(node)):
            return True
        if node.mem_id in self._kept:
            return False
        if node.mem_id in self._boxes or (tag == "header" and not self._articles):
            return True
        attributes = node.attributes
        is_note = tag == "aside" and _ASIDES.search(attributes.get("class") or "") is not None
        if tag in _SURROUNDINGS and not (tag == "form" and size > self._half) and not is_note:
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
            or _is_drawn_formula(node)
        ):
            return True
        if (attributes.get("role") or "").lower() in _DROPPED_ROLES:
            return True
        if "display:none" in (attributes.get("style") or "").replace(" ", "").lower():
            return not _is_formula(node)
        return self._by_name and tag not in _HEADINGS and _is_named(_DROPPED_NAMES, _names(node))

    def add(self, text: str) -> None:
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

    def open(self, node: Any, size: int) -> None:
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
        elif _is_power(node):
            self._powers += 1
        if tag not in _BLOCK_TAGS:
            return
        # The long cell of a table that lays out a page is apart from the lines of the menu beside it.
        laid_out = size > _CELL_CHARACTERS and not self._data_table and "\n" in self._parts
        if tag not in {"td", "th"} or laid_out:
            self.flush()
        self._parents[node.mem_id] = self._open[-1] if self._open else 0
        self._open.append(node.mem_id)
        self._extents[node.mem_id] = (len(self.pieces), len(self.pieces))
        if tag in {"article", "main"}:
            self._articles += 1
        elif tag == "pre":
            self._preformatted += 1
        elif _is_data_table(node):
            self._data_table = node.mem_id
        if tag in {"ul", "ol", "dl", "table"}:
            self._first = True
        elif tag in {"li", "tr", "dt", "dd"}:
            self._prefix = "- " if tag == "li" else ""
            self._tight, self._first = not self._first and tag != "dt", False

    def close(self, node: Any) -> None:
        """End an element."""
        tag = node.tag
        if self._is_within_cell(tag):
            self._parts.append(" ")
            return
        if tag == "a" and node.attributes.get("href"):
            self._links -= 1
        elif _is_power(node):
            self._powers -= 1
        if tag not in _BLOCK_TAGS:
            return
        if tag in {"td", "th"}:
            self._parts.append(" | ")
            self._cells += 1
        else:
            level = _HEADINGS.index(tag) + 1 if tag in _HEADINGS else 0
            self.flush(1 if node.mem_id == self._title else level)
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
        return self._data_table != 0 and not self._preformatted and tag in _LINES

    def flush(self, level: int = 0) -> None:
        """End the piece that is being collected."""
        text = "".join(self._parts)
        if not self._preformatted:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        text = text.strip(" |\n\t")
        if text and (self._preformatted or not _is_ornament(text)):
            linked = self._linked / max(self._characters, 1)
            container = self._open[-2] if len(self._open) > 1 else 0
            self.pieces.append(
                _Piece(self._prefix + text, level, self._tight, linked, self._cells, container)
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
