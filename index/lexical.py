"""BM25 over passages (bm25s with Snowball stems), and how much of a question a passage covers."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Sequence
from zipfile import BadZipFile

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from index.errors import IndexDamaged
from index.types import Scores

LEXICAL_VERSION = 1
"""Raised when the same texts would give other word lists, or a question other words."""

_WORD_PATTERN = r"(?u)\b\w+\b"

_K1 = 0.6
_B = 0.75
"""Chosen on the dev questions of SQuADShifts with the fusion of `index.retrieve`: a passage of a
hundred words gains little from a term's second occurrence. The table is in docs/measurements.md."""


_SLIP = 5
_TWO_SLIPS = 9
"""Letters of a stem from which on it may have one slip, or two. Four letters with one slip are
mostly another word."""


class LexicalIndex:
    """An immutable BM25 index; row ``i`` is the ``i``-th text it was built from.

    The variant is Lucene's (Kamphuis et al. 2020), bm25s' default.
    """

    def __init__(self, model: bm25s.BM25, size: int) -> None:
        self._model = model
        self._size = size
        frequency = np.diff(np.asarray(model.scores["indptr"], dtype=np.float64))
        # Robertson and Sparck Jones' weight as Lucene smooths it; an unseen term weighs the most.
        self._idf = np.log1p((size - frequency + 0.5) / (frequency + 0.5))
        self._idf_unseen = float(np.log1p((size + 0.5) / 0.5))
        self._frequency = frequency
        self._initials: dict[str, list[str]] = defaultdict(list)
        for term in model.vocab_dict:
            self._initials[term[:1]].append(term)

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Index ``texts``."""
        model = bm25s.BM25(k1=_K1, b=_B)
        tokens = [_tokens(text) for text in texts]
        if any(tokens):
            model.index(tokens, show_progress=False)
            # bm25s adds an empty token, of no text, to the vocabulary.
            model.vocab_dict = {token: row for token, row in model.vocab_dict.items() if token}
        else:
            _restore(model, np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64))
            model.vocab_dict = {}
        return cls(model, len(texts))

    def __len__(self) -> int:
        """Return the number of texts."""
        return self._size

    def scores(self, question: str) -> Scores:
        """Return the BM25 score of every text, shape ``(len(self),)``; 0 where no term is shared.

        A term that no text holds counts as the one that was most likely meant (`_meant`), if any.
        """
        known = [row for row in map(self._meant, _tokens(question)) if row is not None]
        if not known or not self._size:
            return np.zeros(self._size, dtype=np.float32)
        scores: Scores = self._model.get_scores_from_ids(known)[: self._size]
        return scores

    def coverage(self, question: str) -> Scores:
        """Return the share of the question's terms that each text holds, shape ``(len(self),)``.

        Terms are weighted by inverse document frequency; a term that no text holds counts fully,
        whether or not another one may have been meant: then it is covered as far as that one weighs.
        The share is between 0 and 1, and 0 for a question without terms.
        """
        terms = set(_tokens(question))
        unseen = [term for term in terms if term not in self._model.vocab_dict]
        known = {row for row in map(self._meant, terms) if row is not None}
        seen = [self._model.vocab_dict[term] for term in terms if term in self._model.vocab_dict]
        total = self._idf_unseen * len(unseen) + float(self._idf[seen].sum())
        covered = np.zeros(self._size, dtype=np.float32)
        if total <= 0.0:
            return covered
        indptr, indices = self._model.scores["indptr"], self._model.scores["indices"]
        for term in sorted(known):
            covered[indices[indptr[term] : indptr[term + 1]]] += self._idf[term] / total
        return covered

    def _meant(self, term: str) -> int | None:
        """Return the row of a term, or of the one it is a misspelling of; ``None`` if there is none.

        That is a term of the texts with the same first letter, at one slip's distance (two for long
        words; a letter wrong, missing, too many, or swapped with its neighbour), the nearest, and of
        several the one that most texts hold. Short words and numbers are never taken for others.
        """
        row: int | None = self._model.vocab_dict.get(term)
        if row is not None or len(term) < _SLIP or not term.isalpha():
            return row
        near = process.extract(
            term,
            self._initials.get(term[0], []),
            scorer=OSA.distance,
            score_cutoff=1 if len(term) < _TWO_SLIPS else 2,
            limit=None,
        )
        rows = [
            (slips, self._model.vocab_dict[other]) for other, slips, _ in near if other.isalpha()
        ]
        return min(
            rows, key=lambda one: (one[0], -self._frequency[one[1]], one[1]), default=(0, None)
        )[1]

    def to_bytes(self) -> bytes:
        """Return the index as one ``.npz`` (no pickle in it); equal indexes give equal bytes."""
        buffer = io.BytesIO()
        ordered = sorted(self._model.vocab_dict, key=self._model.vocab_dict.__getitem__)
        np.savez(
            buffer,
            data=np.asarray(self._model.scores["data"], dtype=np.float32),
            indices=np.asarray(self._model.scores["indices"], dtype=np.int32),
            indptr=np.asarray(self._model.scores["indptr"], dtype=np.int64),
            vocabulary=np.frombuffer(json.dumps(ordered).encode(), dtype=np.uint8),
            size=np.array(self._size, dtype=np.int64),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> LexicalIndex:
        """Read what `to_bytes` gave. Raises `IndexDamaged` if it is something else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                size = int(arrays["size"])
                ordered = json.loads(arrays["vocabulary"].tobytes())
                model = bm25s.BM25(k1=_K1, b=_B)
                _restore(model, arrays["data"], arrays["indices"], arrays["indptr"], size)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as exc:
            raise IndexDamaged(
                "The index's word lists cannot be read; run `footnote index --rebuild`."
            ) from exc
        model.vocab_dict = {token: number for number, token in enumerate(ordered)}
        return cls(model, size)


def _restore(
    model: bm25s.BM25,
    data: NDArray[np.float32],
    indices: NDArray[np.int32],
    indptr: NDArray[np.int64],
    size: int = 0,
) -> None:
    model.scores = {"data": data, "indices": indices, "indptr": indptr, "num_docs": size}
    model.nonoccurrence_array = None


def _tokens(text: str) -> list[str]:
    tokens = bm25s.tokenize(
        [text],
        token_pattern=_WORD_PATTERN,
        stopwords="english_plus",
        stemmer=Stemmer.Stemmer("english"),
        return_ids=False,
        show_progress=False,
        allow_empty=False,
    )[0]
    return [str(token) for token in tokens if token]
