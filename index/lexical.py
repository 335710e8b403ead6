"""BM25 over passages (bm25s with Snowball stems), and how much of a question a passage covers."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from zipfile import BadZipFile

import bm25s
import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN, STOPWORDS_EN_PLUS
from numpy.typing import NDArray

from index.errors import IndexDamaged
from index.types import Scores

LEXICAL_VERSION = 2
"""Raised when the same texts would give other word lists, or a question other words."""

_WORD_PATTERN = r"(?u)\b\w+\b"

_K1 = 0.6
_B = 0.75
"""Chosen on the dev questions of SQuADShifts with the fusion of `index.retrieve`: a passage of a
hundred words gains little from a term's second occurrence. The table is in docs/measurements.md."""

STOP_WORDS = frozenset(STOPWORDS_EN_PLUS)
"""Words that say nothing of a text's subject; they are not indexed."""

FUNCTION_WORDS = frozenset(STOPWORDS_EN)
"""The few of them that join other words: articles, prepositions, forms of "to be" (Lucene's list)."""

_LETTERS = re.compile(r"[^\W\d_]+")


class LexicalIndex:
    """An immutable BM25 index; row ``i`` is the ``i``-th text it was built from.

    The variant is Lucene's (Kamphuis et al. 2020), bm25s' default. ``words`` are the texts' words as they
    stand there, in lower case, with the number of texts that hold each.
    """

    def __init__(self, model: bm25s.BM25, size: int, words: Mapping[str, int]) -> None:
        self.words = words
        self._model = model
        self._size = size
        frequency = np.diff(np.asarray(model.scores["indptr"], dtype=np.float64))
        # Robertson and Sparck Jones' weight as Lucene smooths it; an unseen term weighs the most.
        self._idf = np.log1p((size - frequency + 0.5) / (frequency + 0.5))
        self._idf_unseen = float(np.log1p((size + 0.5) / 0.5))

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Index ``texts``."""
        model = bm25s.BM25(k1=_K1, b=_B)
        tokens = _tokens(texts)
        if any(tokens):
            # In order: bm25s would number them as a set gives them, in each process another way.
            numbers = {token: row for row, token in enumerate(sorted(set().union(*tokens)))}
            rows = [[numbers[token] for token in text] for text in tokens]
            model.index((rows, numbers), create_empty_token=False, show_progress=False)
        else:
            _restore(model, np.zeros(0, np.float32), np.zeros(0, np.int32), np.zeros(1, np.int64))
            model.vocab_dict = {}
        words = Counter(word for text in texts for word in {*_LETTERS.findall(text.lower())})
        return cls(model, len(texts), dict(sorted(words.items())))

    def __len__(self) -> int:
        """Return the number of texts."""
        return self._size

    def scores(self, question: str) -> Scores:
        """Return the BM25 score of every text, shape ``(len(self),)``; 0 where no term is shared."""
        vocabulary = self._model.vocab_dict
        known = [vocabulary[term] for term in _terms(question) if term in vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        scores: Scores = self._model.get_scores_from_ids(known)
        return scores

    def coverage(self, question: str) -> Scores:
        """Return the share of the question's terms that each text holds, shape ``(len(self),)``.

        Terms are weighted by inverse document frequency; a term that no text holds counts fully. The
        share is between 0 and 1, and 0 for a question without terms.
        """
        terms = set(_terms(question))
        vocabulary = self._model.vocab_dict
        known = sorted(vocabulary[term] for term in terms if term in vocabulary)
        total = self._idf_unseen * (len(terms) - len(known)) + float(self._idf[known].sum())
        covered = np.zeros(self._size, dtype=np.float32)
        if total <= 0.0:
            return covered
        indptr, indices = self._model.scores["indptr"], self._model.scores["indices"]
        for term in known:
            covered[indices[indptr[term] : indptr[term + 1]]] += self._idf[term] / total
        return covered

    def holds(self, word: str) -> bool:
        """Tell whether a text holds ``word`` or an inflection of it; a stop word counts as held."""
        return all(term in self._model.vocab_dict for term in _terms(word))

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
            words=np.frombuffer(json.dumps([*self.words]).encode(), dtype=np.uint8),
            counts=np.array([*self.words.values()], dtype=np.int64),
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
                words = json.loads(arrays["words"].tobytes())
                counts = dict(zip(words, arrays["counts"].tolist(), strict=True))
                model = bm25s.BM25(k1=_K1, b=_B)
                _restore(model, arrays["data"], arrays["indices"], arrays["indptr"], size)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as exc:
            raise IndexDamaged(
                "The index's word lists cannot be read; run `footnote index --rebuild`."
            ) from exc
        model.vocab_dict = {token: number for number, token in enumerate(ordered)}
        return cls(model, size, counts)


def _restore(
    model: bm25s.BM25,
    data: NDArray[np.float32],
    indices: NDArray[np.int32],
    indptr: NDArray[np.int64],
    size: int = 0,
) -> None:
    model.scores = {"data": data, "indices": indices, "indptr": indptr, "num_docs": size}
    model.nonoccurrence_array = None


def _terms(question: str) -> list[str]:
    return _tokens([question])[0]


def _tokens(texts: Sequence[str]) -> list[list[str]]:
    """Return the terms of each text; all at once take a third of the time that one by one take."""
    found = bm25s.tokenize(
        list(texts),
        token_pattern=_WORD_PATTERN,
        stopwords="english_plus",
        stemmer=Stemmer.Stemmer("english"),
        return_ids=False,
        show_progress=False,
        allow_empty=False,
    )
    return [[str(token) for token in tokens if token] for tokens in found]
