"""What passes between the rooms of the index: documents, chunks, hits. No I/O.

All offsets count Unicode code points of a ``str`` (Python's own), end exclusive.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Rows of L2-normalised embeddings, shape ``(n, dimension)``."""

Scores = NDArray[np.float32]
"""One score a candidate, shape ``(n,)``; higher is better."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A labelled span over a document's text: a page (label ``"3"``) or the part under a heading.

    ``start`` and ``end`` are offsets into ``Document.text``. Marks of one kind are ordered and do
    not overlap. Text before the first heading has no heading mark.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Document:
    """One article.

    ``id`` is a function of ``source`` alone; ``source`` is what a person would recognise: the
    folder's name and the path in it (``seeds/talks.md``), with ``#row=7`` for a row of a table.
    ``date`` is ISO 8601 (``2024-10-24``) where it could be read, else ``None``. ``language`` is an
    ISO 639-1 code. ``author`` and ``publisher`` are as the file names them; who published an article
    is not taken for its author. ``pages`` and ``headings`` are spans over ``text``. The ``repr``, which
    every answer holds many of, is without these three.
    """

    id: str
    title: str
    text: str = field(repr=False)
    source: str
    date: str | None = None
    author: str | None = None
    publisher: str | None = None
    language: str | None = None
    pages: tuple[Mark, ...] = field(default=(), repr=False)
    headings: tuple[Mark, ...] = field(default=(), repr=False)

    @property
    def byline(self) -> str | None:
        """Author and publisher on one line, as far as they are known."""
        author, publisher = self.author, self.publisher
        if author and publisher and publisher.casefold() not in author.casefold():
            return f"{author}, {publisher}"
        return author or publisher

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of ``text`` in UTF-8."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def page_at(self, offset: int) -> str | None:
        """Label of the page that holds the character at ``offset``, if pages are known."""
        return label_at(self.pages, offset)

    def heading_at(self, offset: int) -> str | None:
        """Text of the heading above the character at ``offset``, if there is one."""
        return label_at(self.headings, offset)


def label_at(marks: tuple[Mark, ...], offset: int) -> str | None:
    """Return the label of the mark that covers ``offset``, or ``None``."""
    at = bisect_right(marks, offset, key=lambda mark: mark.start) - 1
    if at < 0 or offset >= marks[at].end:
        return None
    return marks[at].label


def document_id(source: str) -> str:
    """Return the id of the document with this source: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:16]


ROW = "#row="
"""What stands in the source of a row of a table between the file's and its number."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document; always ``document.text[start:end] == text``."""

    id: str
    doc_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk.

    ``score`` is the fused score the ranking goes by, ``rank`` counts from 1. What it was fused from,
    for the confidence model: ``dense`` is the cosine of question and chunk, ``lexical`` the BM25
    score, ``coverage`` the share (0 to 1) of the question's terms, by weight, that the chunk holds.
    """

    chunk: Chunk
    score: float
    rank: int
    dense: float = 0.0
    lexical: float = 0.0
    coverage: float = 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a row of one, that did not get into the index, and why (one plain sentence).

    ``unread`` tells, where it was just looked for, that it is there and nobody knows what is in it: it, or
    the folder of this ``source``, could not be opened, or it did not stand still.
    """

    source: str
    reason: str
    unread: bool = field(default=False, compare=False)
