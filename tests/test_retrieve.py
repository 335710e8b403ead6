"""Fusing dense and lexical scores: against a twin in plain Python, and the oracle for FAISS."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.fusion import ranks_of
from hypothesis import given
from hypothesis import strategies as st

from index.build import index_documents
from index.lexical import LexicalIndex
from index.retrieve import Retriever, standardised
from index.store import Generation, Store
from index.types import Chunk, Document
from tests.fakes import FakeEmbedder

TEXTS = [
    "Alcaraz beat Djokovic in the final at Wimbledon.",
    "Apollo 13 came home after an oxygen tank failed.",
    "Djokovic won the final in another year.",
    "The euro came in 2002.",
    "Rice is boiled.",
]


def generation_of(texts: Sequence[str], folder: Path) -> Generation:
    documents = [
        Document(f"d{number}", "", text, f"f/{number:04}.txt") for number, text in enumerate(texts)
    ]
    index_documents(folder / "index", documents, embedder=FakeEmbedder())
    return Store(folder / "index").open()


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Generation:
    return generation_of(TEXTS, tmp_path_factory.mktemp("retrieve"))


def z(values: list[float]) -> list[float]:
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    return [(value - mean) / spread if spread > 1e-6 else 0.0 for value in values]


@pytest.mark.parametrize("question", ["Who won the final?", "oxygen", "zzz", "the"])
def test_ids_and_scores_are_those_of_an_exact_twin(generation: Generation, question: str) -> None:
    embedder = FakeEmbedder()
    vector = embedder.embed([question])[0].tolist()
    dense = [
        sum(a * b for a, b in zip(vector, embedder.embed([chunk.text])[0].tolist(), strict=True))
        for chunk in generation.chunks
    ]
    lexical = LexicalIndex.build(TEXTS).scores(question).tolist()
    fused = [a + b for a, b in zip(z(dense), z(lexical), strict=True)]
    order = sorted(range(len(TEXTS)), key=lambda row: -fused[row])
    [hits] = Retriever(generation, embedder).search([question], k=3)
    assert [hit.chunk.text for hit in hits] == [TEXTS[row] for row in order[:3]]
    assert [hit.score for hit in hits] == pytest.approx([fused[r] for r in order[:3]], abs=1e-4)
    assert [hit.dense for hit in hits] == pytest.approx([dense[r] for r in order[:3]], abs=1e-5)
    assert [hit.lexical for hit in hits] == pytest.approx([lexical[r] for r in order[:3]])
    coverage = LexicalIndex.build(TEXTS).coverage(question)
    assert [hit.coverage for hit in hits] == pytest.approx([coverage[r] for r in order[:3]])
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_ties_go_to_the_passage_that_comes_first() -> None:
    texts = [f"{'Fig' if row % 3 else 'Plum'} {row}" for row in range(90)]
    generation = SimpleNamespace(
        chunks=[Chunk(str(row), "d", row, row + 1, text) for row, text in enumerate(texts)],
        lexical=LexicalIndex.build(texts),
        similarities=lambda questions: np.zeros((len(questions), len(texts)), dtype=np.float32),
    )
    [hits] = Retriever(generation, FakeEmbedder()).search(["plum"], k=90)
    assert [hit.chunk.start for hit in hits] == sorted(
        range(90), key=lambda row: (row % 3 > 0, row)
    )


def test_faiss_finds_what_the_product_of_matrices_finds(generation: Generation) -> None:
    questions = FakeEmbedder().embed(["one", "two", "three"])
    exact = generation.similarities(questions)
    scores, rows = generation.vectors.search(questions, len(TEXTS))
    order = np.argsort(-exact, axis=1, kind="stable")
    assert np.array_equal(rows, order)
    assert scores == pytest.approx(np.take_along_axis(exact, order, axis=1), abs=1e-6)


def test_a_batch_gives_what_single_questions_give(generation: Generation) -> None:
    retriever = Retriever(generation, FakeEmbedder())
    questions = [f"question {number} of the final" for number in range(70)]
    together = retriever.search(questions)
    alone = [retriever.search([question])[0] for question in questions]
    for batch, single in zip(together, alone, strict=True):
        assert [hit.chunk.id for hit in batch] == [hit.chunk.id for hit in single]
        assert [h.score for h in batch] == pytest.approx([h.score for h in single], abs=1e-4)
    assert retriever.search([]) == []


def test_more_hits_than_passages_are_all_passages(generation: Generation) -> None:
    [hits] = Retriever(generation, FakeEmbedder()).search(["x"], k=50)
    assert {hit.chunk.text for hit in hits} == set(TEXTS)


def test_one_passage_alone_is_found(tmp_path: Path) -> None:
    generation = generation_of(["Only this."], tmp_path)
    [[hit]] = Retriever(generation, FakeEmbedder()).search(["what"])
    assert (hit.chunk.text, hit.score) == ("Only this.", 0.0)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    assert Retriever(generation_of([], tmp_path), FakeEmbedder()).search(["what"]) == [[]]


@given(st.lists(st.floats(-100, 100, width=32), max_size=30))
def test_standardised_scores(values: list[float]) -> None:
    scores = np.array(values, dtype=np.float32)
    found = standardised(scores)
    assert found.shape == scores.shape
    assert np.isfinite(found).all()
    if found.any():
        assert found.mean() == pytest.approx(0, abs=1e-3)
        assert found.std() == pytest.approx(1, abs=1e-3)


def test_the_benchmark_ranks_ties_as_the_search_does() -> None:
    """A passage that shares no word with the question, as the others, is not found first."""
    scores = np.array([[0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 2.0, 4.0]])
    for gold in range(4):
        order = np.argsort(-scores, axis=1, kind="stable")
        expected = [row.tolist().index(gold) + 1 for row in order]
        assert ranks_of(scores, [gold] * len(scores)) == expected
