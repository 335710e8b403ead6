"""Messy questions: what each change does, and that what is asked stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.training import messy
from tests.conftest import ROOT

QUESTION = "Who founded the Observatory of Lisbon in 1861?"

QUESTIONS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from("Who what did was the a Qatar founded Øre 1861 l'été I, in ?".split()),
        max_size=10,
    ).map(" ".join),
)


def test_the_benchmark_does_not_write_over_its_questions(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    row = {"id": "1", "question": QUESTION, "context": "It was.", "answers": {"text": []}}
    file.write_text(json.dumps(row) + "\n")
    before = file.read_bytes()
    program = [sys.executable, "tests/benchmarks/messy.py", str(file)]
    done = subprocess.run([*program, str(file)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the question file itself" in done.stderr
    assert file.read_bytes() == before
    out = tmp_path / "messy.jsonl"
    subprocess.run([*program, str(out)], cwd=ROOT, check=True)
    assert json.loads(out.read_text())["id"] == "1"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_capitals_marks_and_articles_go() -> None:
    assert messy.lowercase(QUESTION, rng()) == QUESTION.lower()
    assert messy.unpunctuated(QUESTION, rng()) == QUESTION[:-1]
    assert messy.unpunctuated("Why ?", rng()) == "Why"
    expected = "Who founded Observatory of Lisbon in 1861?"
    assert messy.without_articles(QUESTION, rng()) == expected


def test_keywords_are_the_words_that_matter() -> None:
    expected = "who founded observatory lisbon 1861"
    assert {messy.keywords(QUESTION, rng(seed)).lower() for seed in range(9)} == {expected}
    assert messy.keywords("Is it?", rng()) == "Is it?"


def test_typos_are_few_and_leave_short_words_first_letters_and_numbers() -> None:
    for seed in range(60):
        typed = messy.typos(QUESTION, rng(seed))
        assert typed != QUESTION or "ss" in typed
        words, before = typed.split(), QUESTION.split()
        assert [word[0] for word in words] == [word[0] for word in before]
        changed = [(a, b) for a, b in zip(before, words, strict=True) if a != b]
        assert 1 <= len(changed) <= 3
        assert not {a for a, _ in changed} & {"Who", "the", "of", "in", "1861?"}


def test_a_replaced_letter_is_next_to_it_on_the_keyboard() -> None:
    assert {messy._neighbour("g", rng(seed)) for seed in range(20)} == {"f", "h"}
    assert {messy._neighbour("Q", rng(seed)) for seed in range(20)} == {"W"}


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        (QUESTION, "who founded the Observatory of Lisbon in 1861?"),
        ("When was it built?", "when was it built?"),
        ("In which year did he die?", "In which year did he die?"),
    ],
)
def test_a_false_start_is_broken_off_and_the_question_follows_whole(
    question: str, asked: str
) -> None:
    for seed in range(20):
        broken, correction, rest = messy.false_start(question, rng(seed)).split(", ", 2)
        assert rest == asked
        assert correction in messy._CORRECTIONS
        assert 1 <= len(broken.split()) <= 2
        assert not asked.startswith(f"{broken.lower()} ")
        assert broken[0].isupper()


def test_half_of_the_ways_are_seen_in_a_hundred_questions() -> None:
    seen = [messy.messy_question(QUESTION, rng(seed)) for seed in range(100)]
    assert all(question != QUESTION for question in seen)
    assert len(set(seen)) > 50
    assert sum(any(c in q for c in messy._CORRECTIONS[:4]) for q in seen) >= 3
    assert sum(q.islower() for q in seen) > 30
    assert sum("?" not in q for q in seen) > 30


@given(QUESTIONS, st.integers(0, 1000))
def test_a_question_stays_a_question_and_a_seed_gives_one(question: str, seed: int) -> None:
    typed = messy.messy_question(question, rng(seed))
    assert typed == messy.messy_question(question, rng(seed))
    assert bool(typed.strip()) == bool(question.strip())
    assert "\n" not in typed
    kept = [word for word in question.split() if word.isdecimal() and word.isascii()]
    assert all(word in typed for word in kept)
