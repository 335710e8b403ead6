"""Documents that are nearly the same: one story twice, lightly edited. Pure.

Two texts are compared by their runs of three words: how many of the two's runs stand in both. The
comparison is exact; a prefix filter (Chaudhuri et al. 2006, Bayardo et al. 2007) only spares pairs
that cannot be alike, so 10,000 articles are not 50 million comparisons.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.types import Document

LIKE = 0.7
"""The share of runs in common from which two documents are near-duplicates. Light edits of the seeds
left .82 and more, two parts of a series that share half of their text have .52, and two different
reports of one event .05 (docs/measurements.md)."""

LEAST_RUNS = 100
"""Texts with fewer runs are only told to be the same to the character: in a row of a table one other
number makes another fact, in an article it is a light edit."""

COMMON = 50
"""Runs that stand in more documents than this are a template's or a site's, and are not counted. It
also bounds the work: a run brings together so many documents at most."""

_WORD = re.compile(r"\w+")
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))  # odd, so nothing is lost

Runs = NDArray[np.uint64]
"""Distinct hashes of a text's runs of three words, ascending."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A document that is nearly the same as another one, ``original``, which comes before it by source.

    ``similarity`` is the share of the two's runs of three words that stand in both (2 x common / all);
    ``identical`` tells that the texts are the same to the character.
    """

    source: str
    original: str
    similarity: float
    identical: bool = False

    @property
    def note(self) -> str:
        """What there is to say about ``source``: ``93% the same as seeds/a.md``."""
        share = "" if self.identical else f"{min(99, math.floor(100 * self.similarity))}% "
        return f"{share}the same as {self.original}"


def words(text: str) -> list[str]:
    """Return the words of ``text``, without case and punctuation."""
    return _WORD.findall(text.casefold())


def find_duplicates(documents: Sequence[Document]) -> tuple[Duplicate, ...]:
    """Find near-duplicates; of a group of ``n`` documents, ``n - 1`` pairs that hold it together.

    They are the group's most similar pairs (a maximum spanning tree), so that each document of a group
    is named, with the one it is most like. The result is ordered by source and does not depend on the
    order of ``documents``.
    """
    ordered = sorted(documents, key=lambda document: document.source)
    first: dict[str, int] = {}
    pairs: list[tuple[float, int, int]] = []
    for row, document in enumerate(ordered):
        same = first.setdefault(document.sha256, row)
        if same != row:
            pairs.append((2.0, same, row))  # before all that only have the same words
    rows = list(first.values())
    pairs += (
        (similarity, rows[one], rows[other])
        for similarity, one, other in _similar([ordered[row].text for row in rows])
    )
    kept = _spanning(sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])), len(ordered))
    return tuple(
        Duplicate(ordered[b].source, ordered[a].source, min(1.0, similarity), similarity > 1.0)
        for similarity, a, b in sorted(kept, key=lambda pair: (pair[2], pair[1]))
    )


def _spanning(
    pairs: Sequence[tuple[float, int, int]], size: int
) -> Iterator[tuple[float, int, int]]:
    """Yield the pairs that join what no pair before them joined (Kruskal)."""
    parent = list(range(size))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for similarity, one, other in pairs:
        a, b = root(one), root(other)
        if a != b:
            parent[max(a, b)] = min(a, b)
            yield similarity, one, other


def _similar(texts: Sequence[str]) -> Iterator[tuple[float, int, int]]:
    """Yield similarity and rows of all pairs of texts that are alike, the lower row first."""
    hashes: dict[str, int] = {}
    runs = {}
    for row, text in enumerate(texts):
        found = _runs(text, hashes)
        if found.size >= LEAST_RUNS:
            runs[row] = found
    if len(runs) < 2:
        return
    everywhere, index, counts = np.unique(
        np.concatenate(list(runs.values())), return_inverse=True, return_counts=True
    )
    del everywhere
    start = 0
    sharing: dict[int, list[int]] = {}
    for row, found in list(runs.items()):
        frequency = counts[index[start : start + found.size]]
        start += found.size
        own = frequency <= COMMON
        runs[row] = found = found[own]
        if found.size < LEAST_RUNS:
            continue
        # Of two alike texts' runs, ordered alike, some stand in both beginnings of this length.
        # With the rarest runs first, those of most texts stand nowhere else.
        beginning = found.size - math.ceil(LIKE / (2 - LIKE) * found.size) + 1
        rarest = np.lexsort((found, frequency[own]))[:beginning]
        rare = found[rarest[frequency[own][rarest] > 1]]
        near: set[int] = set()
        for run in rare.tolist():
            others = sharing.setdefault(run, [])
            near.update(others)
            others.append(row)
        for other in sorted(near):
            common = np.intersect1d(runs[other], found, assume_unique=True).size
            similarity = 2 * common / (runs[other].size + found.size)
            if similarity >= LIKE:
                yield similarity, other, row


def _runs(text: str, hashes: dict[str, int]) -> Runs:
    """Return the runs of a text; ``hashes`` remembers those of words."""
    found = words(text)
    if len(found) < LEAST_RUNS + 2:
        return np.zeros(0, dtype=np.uint64)
    for word in found:
        if word not in hashes:
            # 64 bits: among ten million runs, two are taken for one once in 400,000 times.
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            hashes[word] = int.from_bytes(digest, "big")
    one = np.array([hashes[word] for word in found], dtype=np.uint64)
    return np.unique(one[:-2] * _MIX[0] + one[1:-1] * _MIX[1] + one[2:])
