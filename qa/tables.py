"""Which cells of a table may answer a question: those in the row and the column that it names. Pure.

A small reader sees a table as a run of words, and points at what is of the right kind in any row. So it is not
left to it to look up a row: the other cells are masked (`Reader.read`), and it chooses among the rest.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import Stemmer
from bm25s.stopwords import STOPWORDS_EN

CELL_END = " | "
"""What loaders put between the cells of a row."""

_PROSE = 100
"""A table with a cell of more characters is read as text is."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Cell:
    """Offsets and stems of a cell; ``terms`` are those of its words that tell something, if it has any."""

    start: int
    end: int
    stems: frozenset[str]
    terms: frozenset[str]


_Row = Sequence[_Cell]


def other_cells(question: str, text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the offsets of the cells of tables in ``text[start:end]`` that do not answer ``question``.

    A table is two lines or more with as many cells; the first is the head, and it may stand before ``start``. The
    row asked about is the one that holds most of the question's terms, each weighed by its inverse frequency among
    the rows, and twice in a column whose head is asked for too; of equal ones all. In it, what the question tells
    itself is no answer, and where it names the heads of columns, only what stands below the one that it names most of
    is. Of a table without the question's terms below its head nothing is returned.
    """
    asked = _cell(question, 0)
    return [
        (cell.start, cell.end)
        for head, rows in _tables(text, start, end)
        for cell in _others(asked, head, rows)
    ]


def _others(asked: _Cell, head: _Row, rows: Sequence[_Row]) -> list[_Cell]:
    # What a cell says that its head does not.
    own = [
        [cell.terms - above.terms for cell, above in zip(row, head, strict=True)] for row in rows
    ]
    frequency = Counter(term for row in own for term in frozenset().union(*row))
    shares = [len(cell.terms & asked.stems) / max(1, len(cell.terms)) for cell in head]

    def weight(row: Sequence[frozenset[str]]) -> float:
        found: dict[str, float] = {}
        for terms, share in zip(row, shares, strict=True):
            for term in terms & asked.terms:
                inverse = math.log((len(rows) + 1) / frequency[term]) * (2 if share else 1)
                found[term] = max(found.get(term, 0.0), inverse)
        return sum(found.values())

    weights = [weight(row) for row in own]
    most = max(weights)
    if most == 0.0:
        return []
    chosen = [at for at, one in enumerate(weights) if math.isclose(one, most)]
    told = [[bool(terms) and terms <= asked.terms for terms in own[at]] for at in chosen]
    open_shares = [
        0.0 if all(cells) else share
        for share, cells in zip(shares, zip(*told, strict=True), strict=True)
    ]
    kept = {
        cell
        for at, is_told in zip(chosen, told, strict=True)
        for cell, known, share in zip(rows[at], is_told, open_shares, strict=True)
        if not known and share == max(open_shares)
    }
    return [cell for row in (head, *rows) for cell in row if cell not in kept]


def _tables(text: str, start: int, end: int) -> list[tuple[_Row, list[_Row]]]:
    """Return the head and the other rows of each table."""
    at = start = text.rfind("\n", 0, start) + 1
    first = _first_line(text, start)
    groups = [[_row(text[first : text.index("\n", first)], first)] if first < start else []]
    for line in text[start:end].split("\n"):
        row = _row(line, at) if CELL_END in line else []
        if not row or (groups[-1] and len(groups[-1][0]) != len(row)):
            groups.append([])
        if row:
            groups[-1].append(row)
        at += len(line) + 1
    return [
        (rows[0], rows[1:])
        for rows in groups
        if len(rows) > 1 and all(cell.end - cell.start <= _PROSE for row in rows for cell in row)
    ]


def _first_line(text: str, start: int) -> int:
    """Return where the first line of the table begins that has a line at ``start``."""
    line_end = text.find("\n", start)
    if CELL_END not in text[start : len(text) if line_end < 0 else line_end]:
        return start
    while start > 0:
        before = text.rfind("\n", 0, start - 1) + 1
        if CELL_END not in text[before:start]:
            break
        start = before
    return start


def _row(line: str, at: int) -> _Row:
    cells = []
    for part in line.split(CELL_END):
        cells.append(_cell(part, at))
        at += len(part) + len(CELL_END)
    return cells


def _cell(text: str, at: int) -> _Cell:
    words = _WORD.findall(text.lower())
    telling = [word for word in words if word not in STOPWORDS_EN] or words
    stem = Stemmer.Stemmer("english").stemWords
    return _Cell(at, at + len(text), frozenset(stem(words)), frozenset(stem(telling)))
