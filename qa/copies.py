"""Passages that repeat others: not read twice, no second witness, and yet cited. Pure.

Passages are compared, not documents: two copies of a story are cut at other sentences once one was
added, a story may be reprinted inside a longer one, and what matters is what the passages say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from index.chunk import sentence_spans
from index.duplicates import words
from index.types import Document, Hit

Run = tuple[str, ...]
"""Three words in a row; all the words of a text that has fewer."""

NEW = 0.3
"""A passage is read if more than this share of its runs is new. With three edited copies of each
seed, the first six passages come from 2.3 articles (without the copies from 2.4, and with all
passages taken as they are found from 1.5); without copies no passage of the seeds is left out, whatever
is asked (docs/measurements.md)."""

_SAME_STORY = 0.3
"""Passages that share this much of the shorter one's runs are from one story. Where two copies hold the
same sentence, 98% of their passages do, though they are cut elsewhere; passages of different seeds share
.23 at most (docs/measurements.md)."""

_SAME_SENTENCE = 0.7
"""Sentences with this share of their words in common (2 x common / all) are one, lightly edited."""

_NUMBER = re.compile(r"\w*\d\w*")

_BEFORE_FIGURE = re.compile(r"\d[.,:/–-]\Z|(?:\A|[^\w.,])[+−-]\Z")
_AFTER_FIGURE = re.compile(r"[.,:/–-]\d")
"""With which a figure is a part of a longer one: "500" in "1,500", "-500" and "500.5"."""


def runs(text: str) -> frozenset[Run]:
    """Return the runs of three words of ``text``."""
    found = words(text)
    if len(found) < 3:
        return frozenset({tuple(found)} if found else ())
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def worth_reading(
    question: str, hits: Sequence[Hit], documents: Mapping[str, Document], limit: int
) -> list[Hit]:
    """Return the first ``limit`` hits that say something the ones before them do not.

    Left out is a passage whose text, but for light edits, stands in another document where a
    passage is read already: there, or within a passage's length of it. A number or a word of the
    question that does not stand there brings it back: it may be a corrected figure, or the row of a
    table that is asked for.
    """
    asked = set(words(question))
    chosen: list[Hit] = []
    read: list[tuple[str, frozenset[Run], set[str]]] = []
    for hit in hits:
        if len(chosen) == limit:
            break
        chunk = hit.chunk
        said = runs(chunk.text)
        new_runs, new_words = set(said), set(words(chunk.text))
        for doc_id, its_runs, its_words in read:
            if doc_id != chunk.doc_id:
                new_runs -= its_runs
                new_words -= its_words
        if (
            chosen
            and len(new_runs) <= NEW * len(said)
            and not new_words & asked
            and not any(map(_NUMBER.fullmatch, new_words))
        ):
            continue
        chosen.append(hit)
        length = len(chunk.text)
        around = documents[chunk.doc_id].text[max(0, chunk.start - length) : chunk.end + length]
        read.append((chunk.doc_id, runs(around), set(words(around))))
    return chosen


def witnesses(passages: Sequence[frozenset[Run]]) -> int:
    """Count the passages (their `runs`) that are not from a story that was counted before."""
    counted: list[frozenset[Run]] = []
    for said in passages:
        if not any(
            said and len(said & other) >= _SAME_STORY * min(len(said), len(other))
            for other in counted
            if other
        ):
            counted.append(said)
    return len(counted)


def repeated(text: str, start: int, end: int, other: str) -> Iterator[tuple[int, int]]:
    """Yield where ``other`` says ``text[start:end]``, to the character, in the same sentence.

    The sentence may be lightly edited around it; elsewhere in ``other`` the same words may be
    about something else.
    """
    places = list(_whole_words(text[start:end], other))
    if not places:
        return
    sentence = _around(text, start, end)
    for low, high in places:
        there = _around(other, low, high)
        if 2 * len(sentence & there) >= _SAME_SENTENCE * (len(sentence) + len(there)) > 0:
            yield low, high


def _whole_words(wanted: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        if not (
            text[max(start - 1, 0) : start].isalnum()
            or text[end : end + 1].isalnum()
            or (wanted[0].isdigit() and _BEFORE_FIGURE.search(text[max(start - 2, 0) : start]))
            or (wanted[-1].isdigit() and _AFTER_FIGURE.match(text, end))
        ):
            yield start, end
        start = text.find(wanted, end)


def _around(text: str, start: int, end: int) -> set[str]:
    """Return the words of the sentences that ``text[start:end]`` stands in."""
    return {
        word
        for low, high in sentence_spans(text)
        if low < end and start < high
        for word in words(text[low:high])
    }
