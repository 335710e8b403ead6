"""Fitting the confidence: what is asked of what, and whether the fit finds what is there."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from qa.confidence import Confidence, Signals
from qa.training.confidence import Asked, article, ask_all, fit, keep
from qa.types import Example, Reading, Span
from tests.fakes import FakeEmbedder

NAMES = [field.name for field in fields(Signals)]


def asked(number: int, generator: np.random.Generator) -> Asked:
    values = dict(zip(NAMES, generator.normal(size=len(NAMES)).tolist(), strict=True))
    odds = 2.0 * values["margin"] + values["dense"] - 0.5
    right = bool(generator.random() < 1 / (1 + np.exp(-odds)))
    return Asked(Signals(**values), right, right, f"article {number % 97}", "made")


def test_the_fit_finds_the_weights_and_is_calibrated() -> None:
    generator = np.random.default_rng(3)
    model = fit([asked(number, generator) for number in range(4000)])
    assert model.weights["margin"] == pytest.approx(2.0, abs=0.25)
    assert model.weights["dense"] == pytest.approx(1.0, abs=0.2)
    others = [model.weights[name] for name in NAMES if name not in {"margin", "dense"}]
    assert max(map(abs, others)) < 0.15
    assert model.intercept == pytest.approx(-0.5, abs=0.2)
    assert model.measured["ece"] < 0.04
    assert model.measured["at_threshold"]["precision"] >= 0.8
    assert model.measured["questions"] == 4000
    json.loads(model.to_bytes())


def test_what_can_not_reach_the_precision_says_so() -> None:
    generator = np.random.default_rng(3)
    noise = [asked(number, generator) for number in range(200)]
    wrong = [Asked(one.signals, number % 10 == 0, True, one.article, "made")
             for number, one in enumerate(noise)]  # fmt: skip
    with pytest.raises(SystemExit, match="80%"):
        fit(wrong)


def example(number: int, title: str) -> Example:
    context = f"Fact {number} of {title} is zanzibar{number}."
    return Example(str(number), f"What is fact {number}?", context, (f"zanzibar{number}",), (0,),
                   source="made", title=title)  # fmt: skip


EXAMPLES = [example(number, f"title {number // 4}") for number in range(400)]


def test_what_is_kept_is_the_same_each_time_and_follows_articles() -> None:
    kept = [keep(one) for one in EXAMPLES]
    assert kept == [keep(one) for one in EXAMPLES]
    assert 0.65 < sum(kept) / len(kept) < 0.85
    by_article: dict[str, list[bool]] = {}
    for one, is_kept in zip(EXAMPLES, kept, strict=True):
        by_article.setdefault(article(one), []).append(is_kept)
    kinds = {"whole": 0, "out": 0, "partly": 0}
    for group in by_article.values():
        kinds["whole" if all(group) else "partly" if any(group) else "out"] += 1
    assert min(kinds.values()) > 5


class EchoReader:
    """Points at the passage's last word."""

    def read(self, questions, passages, titles=None):  # type: ignore[no-untyped-def]
        return [
            [Reading((Span(text.rindex(" ") + 1, len(text) - 1, 1.0),), 0.0) for text in texts]
            for texts in passages
        ]


def test_questions_are_asked_of_what_is_left() -> None:
    reader = EchoReader()
    found = ask_all(EXAMPLES[:40], EXAMPLES[40:60], reader, FakeEmbedder())  # type: ignore[arg-type]
    assert len(found) == 40
    assert {one.answerable for one in found} == {True, False}
    assert not any(one.right and not one.answerable for one in found)


def test_a_fitted_model_is_read_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    model = fit([asked(number, generator) for number in range(1000)])
    (tmp_path / "confidence.json").write_bytes(model.to_bytes())
    assert Confidence.load(tmp_path / "confidence.json") == model
