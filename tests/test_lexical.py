"""BM25 and coverage, against the formulas worked out slowly."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import IndexDamaged
from index.lexical import LexicalIndex
from tests.conftest import ROOT, rounds

WORDS = st.sampled_from("zoo apple pear plum the fig kiwi".split()) | st.text(max_size=9)
TEXTS = ["The cat sat on the mat.", "A dog chased the cats.", "Birds sing at dawn.", ""]


def test_scores_rank_by_shared_terms() -> None:
    scores = LexicalIndex.build(TEXTS).scores("Which cat sat?")
    assert scores.shape == (4,)
    assert scores[0] > scores[1] > 0
    assert scores[2] == scores[3] == 0


def test_scores_follow_the_formula() -> None:
    texts = ["apple apple pear", "apple plum", "plum plum plum plum"]
    k1, b, mean = 0.6, 0.75, 3.0
    idf = math.log1p((3 - 2 + 0.5) / (2 + 0.5))
    expected = [
        idf * tf / (tf + k1 * (1 - b + b * length / mean))
        for tf, length in ((2, 3), (1, 2), (0, 4))
    ]
    assert LexicalIndex.build(texts).scores("apple") == pytest.approx(expected, rel=1e-5)


def test_a_figure_or_a_letter_is_a_term() -> None:
    scores = LexicalIndex.build(["Apollo 8", "Apollo 13", "plan B"]).scores("8 b")
    assert (scores > 0).tolist() == [True, False, True]


def test_coverage_is_the_weighted_share_of_terms() -> None:
    index = LexicalIndex.build(["apple pear", "apple", "plum zoo"])
    rare, common = math.log1p(2.5 / 1.5), math.log1p(1.5 / 2.5)
    assert index.coverage("apple pear apple") == pytest.approx(
        [1.0, common / (rare + common), 0.0], rel=1e-5
    )


def test_a_term_that_nothing_holds_counts_as_the_rarest() -> None:
    index = LexicalIndex.build(["apple", "plum"])
    held, nowhere = math.log1p(1.5 / 1.5), math.log1p(2.5 / 0.5)
    assert index.coverage("apple zebra") == pytest.approx([held / (held + nowhere), 0.0], rel=1e-5)


@pytest.mark.parametrize("question", ["", "the of", "😀", "zebra"])
def test_a_question_without_known_terms_scores_nothing(question: str) -> None:
    index = LexicalIndex.build(TEXTS)
    assert not index.scores(question).any()
    assert not index.coverage(question).any()


@pytest.mark.parametrize("texts", [[], [""], ["the"], ["", ""]])
def test_texts_without_terms(texts: list[str]) -> None:
    index = LexicalIndex.from_bytes(LexicalIndex.build(texts).to_bytes())
    assert len(index) == len(texts)
    assert index.scores("cat").tolist() == index.coverage("cat").tolist() == [0.0] * len(texts)


@settings(max_examples=rounds(15, in_ci=60))
@given(st.lists(st.lists(WORDS).map(" ".join), max_size=8), st.lists(WORDS).map(" ".join))
def test_bytes_and_back_give_the_same_scores(texts: list[str], question: str) -> None:
    index = LexicalIndex.build(texts)
    again = LexicalIndex.from_bytes(index.to_bytes())
    assert again.to_bytes() == index.to_bytes()
    assert np.array_equal(again.scores(question), index.scores(question))
    assert np.array_equal(again.coverage(question), index.coverage(question))
    assert (index.coverage(question) <= 1 + 1e-6).all()


def test_the_same_texts_give_the_same_bytes_in_any_process() -> None:
    code = f"""if True:
        import sys
        from index.lexical import LexicalIndex
        sys.stdout.buffer.write(LexicalIndex.build({[*TEXTS, "zoo apple pear plum fig"]}).to_bytes())"""
    one, other = (
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    )
    assert one == other


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(IndexDamaged, match="rebuild"):
        LexicalIndex.from_bytes(data)


def test_words_are_counted_by_the_texts_that_hold_them() -> None:
    index = LexicalIndex.build(["The Harbour, the harbour's 3 cranes", "Le Café d'Or", "a harbour"])
    assert index.words == {
        **dict.fromkeys(["the", "s", "cranes", "le", "café", "d", "or", "a"], 1),
        "harbour": 2,
    }
    assert list(index.words) == sorted(index.words)
    assert LexicalIndex.from_bytes(index.to_bytes()).words == index.words


@pytest.mark.parametrize(
    ("word", "held"),
    [("cranes", True), ("craned", True), ("the", True), ("whom", True), ("crate", False)],
)
def test_a_word_is_held_in_any_inflection(word: str, held: bool) -> None:
    assert LexicalIndex.build(["harbour crane"]).holds(word) is held
