"""Which cells of a table may answer a question: those in the row and the column that it names. Pure.

A small reader sees a table as a run of words, and points at what is of the right kind in any row. So it is not
left to it to look up a row: the other cells are masked (`Reader.read`), it chooses among the rest, and how much of
the question their row and column tell is added to its scores.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import Stemmer

from index._text import CELL_END
from index.lexical import FUNCTION_WORDS
from qa.ranges import holds, numbers

_PROSE = 100
"""A table with a cell of more characters is read as text is."""

_AROUND = 4000
"""Characters of a table that are looked at before a passage and after it, and of a line at the most."""

_WHO_OR_WHERE = re.compile(r"\b(?:who(?:m|se)?|where)\b", re.IGNORECASE)
_FIGURE = re.compile(r"[\W\d_]*(?:\d[\W_]*[a-z]*)?")
"""A cell without letters, or a figure with its unit: "3 weeks"."""

_BORDER = re.compile(r"(?:(?<=\n)| )\|(?= |$)")
_STOP_WORDS = FUNCTION_WORDS | set(
    "per how much many what which who whom whose when where why do does did have has had should would could i my me "
    "you your we our whats wheres whens whos hows".split()
)

_ASKING = frozenset(
    Stemmer.Stemmer("english").stemWords(
        "amount belong come cost day fee get give go keep last live long name need number often old pay people period "
        "population price take time year".split()
    )
)
"""Stems of words with which questions ask for what a head calls otherwise."""

_WEIGHT = 20.0
"""Logits for how far the square of the share that is told is above that of a half. Chosen, to a round number, on 438
questions about 24 articles with tables, `tests/golden/tables-dev.jsonl` (docs/measurements.md, Reading)."""

_CERTAIN = 7.0
"""The score from which on a cell answers: 116 of those questions found such a one; it was the answer of 115, and one had none."""

_NOTHING = re.compile(r"[-–—.…?]*")
"""A cell that says that there is nothing to say."""

_APOSTROPHE = re.compile("['’]")
_WORD = re.compile(  # "6.4" and "4,500" are one
    r"\d+(?:,\d{3})*\.\d+(?![.\w])|\d+(?:,\d{3})+|\w+"
)

_IRREGULAR = dict(
    pair.split(":")
    for pair in (
        "began:begin begun:begin bought:buy broke:break broken:break built:build caught:catch chose:choose chosen:choose "
        "drawn:draw drew:draw driven:drive drove:drive fallen:fall fell:fall flew:fly flown:fly gave:give given:give "
        "grew:grow grown:grow held:hold kept:keep led:lead left:leave lost:lose made:make met:meet paid:pay ran:run "
        "risen:rise rose:rise sent:send sold:sell spent:spend taught:teach took:take taken:take won:win written:write "
        "wrote:write"
    ).split()
)
"""Forms of verbs that a stemmer does not know, to those that it does."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """Offsets and stems of a cell; ``terms`` are those of its words that tell something, if it has any."""

    start: int
    end: int
    stems: frozenset[str]
    terms: frozenset[str]


_Row = Sequence[_Cell]
_NO_HEAD = _Cell(-1, -1, frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up says of a cell: offsets, and the logits that it adds to the score of a span there."""

    start: int
    end: int
    score: float

    @property
    def is_certain(self) -> bool:
        """Tell whether it answers as good as certainly, and then as a whole."""
        return self.score >= _CERTAIN


def other_cells(
    question: str, title: str, text: str, start: int, end: int
) -> list[tuple[int, int]]:
    """Return the offsets of the cells of tables in ``text[start:end]`` that do not answer ``question``, and of borders.

    A table is two lines or more with cells; the first is the head, and it may stand before ``start``. The row asked
    about is the one that holds most of the question's terms, each weighed by its inverse frequency among the rows; of
    equal ones all, and the first line where that is no head. (Below a head that is named too, a cell of which the
    question tells all counts twice, "15 points", and another half.) In that row, what the question tells itself is no
    answer, and where it names the heads of columns, only what stands below the one that it names most of is; a row
    of another length than the head has none. Of a table without the question's terms below its first line nothing is
    returned, nor of one that leaves only figures where a person or a place is asked for. Where a cell is as good as certain to answer
    (`found_cells`), all but it is returned; with it too, if it says nothing ("-").
    """
    found = found_cells(question, title, text, start, end)
    sure = [c for c in found if c.is_certain and start <= c.start and c.end <= end]
    if sure:
        sure = [cell for cell in sure if not _NOTHING.fullmatch(text, cell.start, cell.end)]
        starts, ends = [start, *(cell.end for cell in sure)], [*(cell.start for cell in sure), end]
        return [*zip(starts, ends, strict=True)]
    asked = _cell(question, 0, len(question))
    places: list[tuple[int, int]] = []
    for lines in _ranged(question, text, _tables(text, start, end)):
        kept = _looked_up(question, asked, text, lines)
        for row in lines if kept else []:
            places += [(cell.start, cell.end) for cell in row if cell not in kept]
            places += [(cell.end, after.start) for cell, after in pairwise(row)]
    return places


def found_cells(question: str, title: str, text: str, start: int, end: int) -> list[Found]:
    """Return what looking up ``question`` says of the cells of tables in ``text[start:end]``, but of other ones.

    It goes by the share of the question's terms, without those that only the document's ``title`` tells, that the other
    cells of the row and the head of the column tell, and the heads of what the question names ("15 points"), divided
    by the square root of the number of cells that may answer; where nothing is looked up it is 0. Of `_ASKING` a term
    is missing only where a head of the table holds it.
    """
    asked, named = (_cell(words, 0, len(words)) for words in (question, title))
    found: list[Found] = []
    for lines in _ranged(question, text, _tables(text, start, end)):
        if not _is_table(lines):
            continue
        kept = _looked_up(question, asked, text, lines)
        head, rows = _head_and_rows(asked, lines)
        called = frozenset().union(*(cell.stems for cell in head))
        if not kept:
            found += [Found(c.start, c.end, -_WEIGHT / 4) for row in lines for c in row]
            continue
        for row in rows:
            pairs = [
                *zip(row, head if len(head) == len(row) else [_NO_HEAD] * len(row), strict=True)
            ]
            says = [
                cell.stems | above.stems if _is_told(cell, above, asked) else cell.stems
                for cell, above in pairs
            ]
            for at, (cell, above) in enumerate(pairs):
                if cell in kept:
                    told = asked.terms & above.stems.union(*says[:at], *says[at + 1 :])
                    untold = asked.terms - told - named.stems - (_ASKING - called)
                    share = _share(told, untold) / math.sqrt(len(kept))
                    found.append(Found(cell.start, cell.end, _WEIGHT * (share**2 - 0.25)))
    return found


def _share(told: Set[str], untold: Set[str]) -> float:
    """Return the share of terms that are told; a number that is not counts twice."""
    missing = sum(2 if any(map(str.isdigit, term)) else 1 for term in untold)
    return len(told) / max(1, len(told) + missing)


def _looked_up(question: str, asked: _Cell, text: str, lines: Sequence[_Row]) -> set[_Cell]:
    """Return the cells of a table that may answer, none where they cannot: no figure is a person or a place."""
    kept = _answering(asked, lines)
    if _WHO_OR_WHERE.search(question) and all(
        _FIGURE.fullmatch(text, cell.start, cell.end) for cell in kept
    ):
        return set()
    return kept


def _answering(asked: _Cell, lines: Sequence[_Row]) -> set[_Cell]:
    """Return the cells of a table that may answer: none, if none is looked up."""
    head, rows = _head_and_rows(asked, lines)
    heads = [head if len(row) == len(head) else [_NO_HEAD] * len(row) for row in rows]
    # What a cell says that its head does not.
    own = [
        [cell.terms - above.terms for cell, above in zip(*pair, strict=True)]
        for pair in zip(rows, heads, strict=True)
    ]
    frequency = Counter(term for row in own for term in frozenset().union(*row))

    def weight(row: Sequence[frozenset[str]], above: _Row) -> float:
        found: dict[str, float] = {}
        for terms, named in zip(row, above, strict=True):
            times = 1.0 if not named.terms & asked.stems else 2.0 if terms <= asked.terms else 0.5
            for term in terms & asked.terms:
                inverse = math.log((len(rows) + 1) / frequency[term]) * times
                found[term] = max(found.get(term, 0.0), inverse)
        return sum(found.values())

    weights = [weight(*pair) for pair in zip(own, heads, strict=True)]
    if not any(weights if head else weights[1:]):
        return set()
    most = max(weights)
    cells = [
        (cell, above, _is_told(cell, above, asked))
        for one, *parts in zip(weights, rows, heads, strict=True)
        if math.isclose(one, most) or (not head and parts[0] is rows[0])
        for cell, above in zip(*parts, strict=True)
    ]
    shares = {
        cell: len(above.terms & asked.stems) / max(1, len(above.terms))
        for cell, above, is_told in cells
        if not is_told
    }
    if any(above is _NO_HEAD for _, above, _ in cells):
        return set(shares)
    named = max(shares.values(), default=0.0)
    return {cell for cell, share in shares.items() if share == named}


def _is_told(cell: _Cell, above: _Cell, asked: _Cell) -> bool:
    """Tell whether the question says what a cell says that its head does not, or all of it where that is nothing."""
    own = cell.terms - above.terms
    return bool(cell.stems) and (own <= asked.terms if own else cell.stems <= asked.stems)


def _tables(text: str, start: int, end: int) -> list[list[_Row]]:
    """Return the lines of each table that has one in ``text[start:end]``.

    Of a table that goes on before or after, it is `_AROUND` characters there, and its first line.
    """
    start, end = text.rfind("\n", 0, start) + 1, _line_end(text, end)
    low = _first_line(text, start, max(0, start - _AROUND))
    first = _first_line(text, low, 0)
    high = _last_line(text, end, end + _AROUND)
    tables: list[list[_Row]] = [[_row(text, first)] if first < low else []]
    at = low
    while at <= high:
        stop = _line_end(text, at)
        if _has_cells(text, at, stop):
            tables[-1].append(_row(text, at))
        elif tables[-1]:
            tables.append([])
        at = stop + 1
    return tables


def _head_and_rows(asked: _Cell, lines: Sequence[_Row]) -> tuple[_Row, Sequence[_Row]]:
    """Return the head of a table, empty if it has none, and the rows; none of what is prose in cells.

    A head that is one cell short has none above the names of the rows. Of two columns what seems the head is a row
    ("Born | 1921") where its first cell is the only one of the table that the question tells.
    """
    if not _is_table(lines):
        return [], []
    head, *rows = lines
    told = [[bool(cell.terms) and cell.terms <= asked.stems for cell in row] for row in lines]
    if told[0] == [True, False] and sum(map(sum, told)) == 1:
        return [], lines
    [(length, _)] = Counter(map(len, rows)).most_common(1)
    if length == len(head) + 1:
        head = [_Cell(head[0].start, head[0].start, frozenset(), frozenset()), *head]
    return head, rows


def _ranged(question: str, text: str, tables: Iterable[Sequence[_Row]]) -> Iterator[Sequence[_Row]]:
    """Yield the lines of each table with the question's numbers in the place of the ranges that hold them.

    Of a child of 12 kg it is the row "10 to 15.9 kg" that tells, and none with 12 of something else.
    """
    asked = [(number, _stems(number.text)[0]) for number in numbers(question)]
    for lines in tables:
        for number, stems in asked:
            holding = {
                cell for row in lines for cell in row if holds(text[cell.start : cell.end], number)
            }
            if holding:
                lines = [
                    [
                        _with_number(cell, stems) if cell in holding else _without(cell, stems)
                        for cell in row
                    ]
                    for row in lines
                ]
        yield lines


def _with_number(cell: _Cell, stems: Set[str]) -> _Cell:
    words, terms = (
        frozenset(term for term in found if not term[0].isdigit()) | stems
        for found in (cell.stems, cell.terms)
    )
    return replace(cell, stems=words, terms=terms)


def _without(cell: _Cell, stems: Set[str]) -> _Cell:
    return replace(cell, stems=cell.stems - stems, terms=cell.terms - stems)


def _is_table(lines: Sequence[_Row]) -> bool:
    return len(lines) > 1 and all(cell.end - cell.start <= _PROSE for row in lines for cell in row)


def _has_cells(text: str, start: int, end: int) -> bool:
    """Tell whether a line is a row, also one whose last cell is empty: at its end no space is left."""
    return text.find(CELL_END, start, end) >= 0 or text.endswith(CELL_END.rstrip(), start, end)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _first_line(text: str, start: int, least: int) -> int:
    """Return where the first line of a table begins, from the line at ``start`` up to ``least``."""
    if not _has_cells(text, start, _line_end(text, start)):
        return start
    while start > least:
        before = text.rfind("\n", 0, start - 1) + 1
        if not _has_cells(text, before, start - 1):
            break
        start = before
    return start


def _last_line(text: str, end: int, most: int) -> int:
    """Return where the last line of a table ends, from the line that ends at ``end`` down to ``most``."""
    if not _has_cells(text, text.rfind("\n", 0, end) + 1, end):
        return end
    while end < min(most, len(text)):
        after = _line_end(text, end + 1)
        if not _has_cells(text, end + 1, after):
            break
        end = after
    return end


def _row(text: str, at: int) -> _Row:
    """Return the cells of the line that begins at ``at``, of a long one those of `_AROUND` characters."""
    end = min(_line_end(text, at), at + _AROUND)
    borders = [(found.start(), found.end()) for found in _BORDER.finditer(text, at, end)]
    starts = [at, *(after for _, after in borders)]
    ends = [*(before for before, _ in borders), end]
    return [_cell(text, *pair) for pair in zip(starts, ends, strict=True)]


def _cell(text: str, start: int, end: int) -> _Cell:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return _Cell(start, start + len(part.strip()), *_stems(part.strip()))


@lru_cache(10_000)
def _stems(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems of the words of a text, and of those that tell something, or of all if none does."""
    words = [
        _IRREGULAR.get(word, word) for word in _WORD.findall(_APOSTROPHE.sub("", text.lower()))
    ]
    telling = [word for word in words if word not in _STOP_WORDS] or words
    stem = Stemmer.Stemmer("english").stemWords
    return frozenset(stem(words)), frozenset(stem(telling))
