"""Fitting the confidence: what is asked of what, and whether the fit finds what is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from index.errors import ConfigError, ReaderError
from index.types import Chunk, Hit
from qa.answer import QA, Evidence
from qa.candidates import Candidate, Group, Place
from qa.confidence import CALIBRATED, RIGHT, Confidence, Signals
from qa.reader import Reader
from qa.training import confidence as training_confidence
from qa.training import plots
from qa.training.__main__ import main
from qa.training.confidence import (
    Asked,
    article,
    ask_all,
    calibrate,
    fit,
    keep,
    measure,
    measure_half,
    part,
)
from qa.types import Example, Reading, Span
from tests.conftest import ROOT
from tests.fakes import FakeEmbedder, logistic_confidence

NAMES = [field.name for field in fields(Signals)]


def asked(number: int, generator: np.random.Generator) -> Asked:
    values = dict(zip(NAMES, generator.normal(size=len(NAMES)).tolist(), strict=True))
    there = 1.5 * values["dense"] + 1.0
    is_it = 3.0 * values["gap"] + values["margin"] + 1.0
    answerable = bool(generator.random() < 1 / (1 + np.exp(-there)))
    right = answerable and bool(generator.random() < 1 / (1 + np.exp(-is_it)))
    return Asked(Signals(**values), right, answerable, f"article {number % 97}", "made")


def test_the_threshold_keeps_its_precision_to_the_last_digit() -> None:
    generator = np.random.default_rng(11)
    for _ in range(20):
        measured = fit([asked(number, generator) for number in range(200)]).measured
        assert measured["at_threshold"]["precision"] >= 0.8


def test_the_fit_finds_the_weights_and_is_calibrated() -> None:
    generator = np.random.default_rng(3)
    model = fit([asked(number, generator) for number in range(4000)])
    assert model.answerable.weights["dense"] == pytest.approx(1.5, abs=0.2)
    assert max(abs(model.answerable.weights[name]) for name in ("margin", "coverage")) < 0.15
    assert model.right.weights["gap"] == pytest.approx(3.0, abs=0.3)
    assert model.right.weights["margin"] == pytest.approx(1.0, abs=0.2)
    others = [model.right.weights[name] for name in RIGHT if name not in {"gap", "margin"}]
    assert max(map(abs, others)) < 0.15
    assert model.right.intercept == pytest.approx(1.0, abs=0.2)
    assert model.measured["at_threshold"]["precision"] >= 0.8
    assert model.measured["questions"] == 4000
    json.loads(model.to_bytes())


def test_a_question_without_an_answer_weighs_twice_as_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(3)
    every = [asked(number, generator) for number in range(4000)]
    weighed = fit(every)
    monkeypatch.setattr(training_confidence, "_UNANSWERABLE_WEIGHT", 1.0)
    alike = fit(every)
    assert alike.answerable.intercept == pytest.approx(1.0, abs=0.15)
    assert weighed.answerable.intercept == pytest.approx(1.0 - np.log(2.0), abs=0.15)
    assert weighed.answerable.weights["dense"] == pytest.approx(1.5, abs=0.2)
    assert weighed.right == alike.right
    assert alike.measured["ece"] < 0.03


def test_near_misses_are_fitted_on_and_measured_apart() -> None:
    generator = np.random.default_rng(3)
    every = [asked(number, generator) for number in range(2000)]
    # Their cosine says nothing, as the texts are about what is asked: the margin does.
    near = [
        replace(
            one,
            signals=replace(one.signals, margin=one.signals.margin + (2.0 if number % 2 else -2.0)),
            answerable=bool(number % 2),
            right=bool(number % 2) and number % 10 != 9,
            near=True,
        )
        for number, one in enumerate(asked(number, generator) for number in range(1000))
    ]
    alone, both = fit(every), fit([*every, *near])
    assert both.measured["questions"] == 2000
    assert both.measured["near_misses"]["questions"] == 1000
    assert "near_misses" not in alone.measured
    assert both.measured["at_threshold"]["precision"] >= 0.8
    assert abs(alone.answerable.weights["margin"]) < 0.15
    assert both.answerable.weights["margin"] > 0.3
    assert both.measured["near_misses"]["auroc_answerable"] > 0.85  # without them .78
    assert fit(near).measured["questions"] == 1000


def test_a_right_answer_to_a_question_without_one_counts_as_one_with() -> None:
    generator = np.random.default_rng(3)
    every = [asked(number, generator) for number in range(2000)]
    found = [replace(one, answerable=one.answerable and not one.right) for one in every]
    assert fit(found).right == fit(every).right


def test_the_shipped_confidence_is_calibrated_whatever_share_is_answerable() -> None:
    measured = Confidence.load().measured
    assert measured["ece"] <= 0.03
    assert measured["half_answerable"]["ece"] <= 0.03
    assert measured["half_answerable"]["auroc"] >= 0.9
    assert measured["half_answerable"]["answered_at_90"] >= 0.5


def test_what_can_not_reach_the_precision_says_so() -> None:
    generator = np.random.default_rng(3)
    noise = [asked(number, generator) for number in range(200)]
    wrong = [
        replace(one, right=one.answerable and number % 10 == 0) for number, one in enumerate(noise)
    ]
    with pytest.raises(ConfigError, match="80%"):
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


def test_parts_are_of_whole_articles_and_about_as_large() -> None:
    parts = [part(one, 8) for one in EXAMPLES]
    assert {part(one, 1) for one in EXAMPLES} == {0}
    assert len({(article(one), at) for one, at in zip(EXAMPLES, parts, strict=True)}) == 100
    sizes = [parts.count(at) for at in range(8)]
    assert sum(sizes) == len(EXAMPLES)
    assert 4 <= min(sizes) < max(sizes) <= 120
    # Which part an article is in says nothing of whether it is kept.
    assert all(
        0.4 < np.mean([keep(e) for e in EXAMPLES if part(e, 2) == at]) < 0.95 for at in (0, 1)
    )


class EchoReader:
    """Points at the passage's last word."""

    def read(self, questions, passages, *more):  # type: ignore[no-untyped-def]
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
    assert not any(one.near for one in found)


def test_a_question_without_accepted_answers_has_none_wherever_it_is_asked() -> None:
    some = [
        replace(one, answers=(), answer_starts=()) if number % 2 else one
        for number, one in enumerate(EXAMPLES[:40])
    ]
    found = ask_all(some, [], EchoReader(), FakeEmbedder())  # type: ignore[arg-type]
    assert len(found) == 40
    assert all(one.near for one in found)
    assert not any(one.answerable or one.right for one in found[1::2])
    assert {one.answerable for one in found[::2]} == {True, False}


def test_a_fitted_model_is_read_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    model = fit([asked(number, generator) for number in range(1000)])
    (tmp_path / "confidence.json").write_bytes(model.to_bytes())
    assert Confidence.load(tmp_path / "confidence.json") == model


def test_what_is_measured_where_half_is_answerable() -> None:
    # 30 of 40 answerable questions are answered right, all surer than anything wrong; 10 are not answerable.
    right = np.arange(50) < 30
    answerable = np.arange(50) < 40
    predicted = np.linspace(0.99, 0.01, 50)
    found = measure_half(predicted, right, answerable, draws=200)
    assert found["questions"] == 20
    assert found["auroc"] == 1.0
    assert found["auroc_answerable"] == 1.0
    # Of ten answerable ones 7.5 are right; at 90% precision a wrong one may come along.
    assert found["answered_at_90"] == pytest.approx(0.75, abs=0.06)
    assert found["answered_at_80"] == pytest.approx(0.75 / 0.8, abs=0.04)
    assert measure_half(predicted[:40], right[:40], answerable[:40]) == {}


SHIPPED = logistic_confidence(margin=1.0)


class Examined:
    """A QA whose answer to every question is "yes", with the margin that the question names."""

    def examine(self, questions: list[str]) -> list[Evidence]:
        return [
            self._evidence(float(re.findall(r"-?\d\S*\d", question)[0])) for question in questions
        ]

    def _evidence(self, margin: float) -> Evidence:
        hit = Hit(Chunk("a:0-3", "a", 0, 3, "yes"), 1.0, 1)
        place = Place("a", 0, 3)
        group = Group("yes", (place,), 0.5, Candidate(hit, place, "yes", margin, 0.0), 1)
        signals = Signals(**dict.fromkeys(NAMES, 0.0) | {"margin": margin})
        return Evidence((hit,), (hit,), (group,), (signals,))


def rows(number: int, slope: float, shift: float) -> list[Example]:
    """Questions whose answer "yes" is right with the odds ``slope * margin + shift``."""
    generator = np.random.default_rng(11)
    margins = generator.normal(scale=2.0, size=number)
    right = generator.random(number) < 1 / (1 + np.exp(-(slope * margins + shift)))
    return [
        Example(str(at), f"Is it {margin:.4f} now?", "", ("yes",) if good else (), ())
        for at, (margin, good) in enumerate(zip(margins.tolist(), right.tolist(), strict=True))
    ]


def unread(question: str) -> Example:
    return Example(question, question, "", ("yes",), ())


def test_calibrating_finds_how_sharp_and_how_sure_it_should_be() -> None:
    model = calibrate(Examined(), SHIPPED, rows(4000, 1.7, -0.6))  # type: ignore[arg-type]
    assert model.slope == pytest.approx(1.7, abs=0.15)
    assert model.shift == pytest.approx(-0.6, abs=0.15)
    assert (model.answerable, model.right) == (SHIPPED.answerable, SHIPPED.right)
    again = calibrate(Examined(), model, rows(4000, 1.7, -0.6))  # type: ignore[arg-type]
    assert (again.slope, again.shift) == pytest.approx((model.slope, model.shift), abs=1e-2)
    assert model.measured["ece"] < 0.03
    assert model.measured["at_threshold"]["precision"] >= 0.8


@pytest.mark.parametrize("shift", [-1.0, -0.3, 0.4])
def test_what_is_measured_is_what_the_calibrated_model_gives(shift: float) -> None:
    asked = rows(60, 1.7, shift)
    model = calibrate(Examined(), SHIPPED, asked)  # type: ignore[arg-type]
    found = Examined().examine([example.question for example in asked])
    sure = np.array([model.probability(evidence.signals[0]) for evidence in found])
    right = np.array([bool(example.answers) for example in asked])
    assert min(abs(sure - model.threshold)) > 1e-6
    given = sure >= model.threshold
    assert model.measured["at_threshold"]["precision"] == round(float(right[given].mean()), 4)
    assert model.measured["at_threshold"]["right_kept"] == round(float(given[right].mean()), 4)


def test_what_needs_both_kinds_is_none_without_them() -> None:
    sure, all_right = np.array([0.3, 0.9]), np.array([True, True])
    found = measure(sure, all_right, all_right, 0.5)
    assert (found["auroc"], found["auroc_answerable"]) == (None, None)
    assert "NaN" not in json.dumps(found)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (rows(19, 1.0, 0.0), "19 questions"),
        # The product refuses to read what is not English.
        (
            [
                *rows(19, 1.0, 0.0),
                unread("Wann wurde die Brücke über den Fluss 1.25 eröffnet?"),
            ],
            "19 questions",
        ),
        (rows(100, 1.0, 50.0), "100 were answered right"),
        (rows(400, -1.0, 0.0), "no surer than wrong ones"),
    ],
)
def test_questions_that_cannot_calibrate_are_refused(examples: list[Example], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        calibrate(Examined(), SHIPPED, examples)  # type: ignore[arg-type]


def test_an_index_uses_the_confidence_that_was_calibrated_for_it(
    seeds_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    shutil.copytree(seeds_index, index)
    golden = (ROOT / "tests" / "golden" / "seeds.jsonl").read_text(encoding="utf-8").splitlines()
    questions = tmp_path / "mine.jsonl"
    with questions.open("w", encoding="utf-8") as file:
        for row in map(json.loads, golden[::19]):
            mine = {key: row[key] for key in ("id", "question")}
            file.write(json.dumps({**mine, "answers": {"text": row["answers"]}}) + "\n")
    before = QA.open(index)
    told = ["calibrate", "--questions", str(questions), "--index", str(index)]
    aside = tmp_path / "aside.json"
    assert main([*told, "--out", str(aside)]) == 0
    said = capsys.readouterr().out
    assert (
        f"Written to {aside}; the index uses it when it is copied to {index / CALIBRATED}" in said
    )
    assert QA.open(index).threshold == before.threshold
    assert main(told) == 0
    said = capsys.readouterr().out
    assert f"Written to {index / CALIBRATED}; a chat that runs takes it when" in said
    assert (index / CALIBRATED).read_bytes() == aside.read_bytes()
    after = QA.open(index)
    assert after.threshold == Confidence.load(index / CALIBRATED).threshold != before.threshold
    # Another reader's calibration is not this one's.
    model = Confidence.load(index / CALIBRATED)
    other = replace(model, measured={**model.measured, "reader": "other"})
    (index / CALIBRATED).write_bytes(other.to_bytes())
    with pytest.raises(ReaderError, match="calibrate"):
        QA.open(index)
    (index / CALIBRATED).write_bytes(b"{")
    with pytest.raises(ReaderError, match="is damaged, or another version's; run"):
        QA.open(index)


def test_few_articles_are_as_many_parts_and_one_is_too_few() -> None:
    generator = np.random.default_rng(5)
    rows = [asked(number, generator) for number in range(400)]
    few = [replace(one, article=f"article {at % 3}") for at, one in enumerate(rows)]
    assert fit(few).measured["questions"] == 400
    with pytest.raises(ConfigError, match="about 1 articles"):
        fit([replace(one, article="the same") for one in rows])
    with pytest.raises(ConfigError, match="and 400 answered rightly"):
        fit([replace(one, right=True) for one in rows])
    with pytest.raises(ConfigError, match="400 of them with an answer"):
        fit([replace(one, answerable=True) for one in rows])
    # Of all that is not about the one article every question has an answer.
    alone = [replace(one, article=str(one.answerable or one.right)) for one in few]
    apart = [replace(one, article=f"{one.article} {at % 3}") for at, one in enumerate(alone)]
    with pytest.raises(ConfigError, match="about 2 articles"):
        fit(alone)
    assert fit(apart).measured["questions"] == 400


def test_where_to_write_is_looked_at_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "q.jsonl"
    row = {"id": "1", "question": "Where?", "context": "Rome.", "answers": {"text": []}}
    questions.write_text(json.dumps(row) + "\n", encoding="utf-8")
    out = str(tmp_path / "none" / "c.json")
    told = ["--questions", str(questions), "--index", str(tmp_path), "--out", out]
    assert main(["calibrate", *told]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert main(["calibrate", *told[:-1], str(tmp_path)]) == 1
    assert "is a folder; name a file" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["confidence", "--questions", str(questions), "--out", out])
    with pytest.raises(ConfigError, match="There is no folder"):
        training_confidence.main()


def test_a_source_is_cut_into_one_corpus_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["confidence", "--questions", "q.jsonl", "--parts", "1", "0",
                     "--out", str(tmp_path / "c.json")]
    )  # fmt: skip
    with pytest.raises(ConfigError, match="--parts is 0"):
        training_confidence.main()


def test_plots_of_a_confidence_that_measured_nothing_say_so(tmp_path: Path) -> None:
    (tmp_path / "confidence.json").write_bytes(SHIPPED.to_bytes())
    with pytest.raises(ConfigError, match="holds nothing measured to draw"):
        plots.main([str(tmp_path)])


def test_sources_that_are_not_there_are_named_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = tmp_path / "q.jsonl"
    row = {"id": "1", "question": "Where?", "context": "Rome.", "answers": {"text": []}}
    questions.write_text(json.dumps(row | {"source": "wire"}) + "\n", encoding="utf-8")
    told = ["--questions", str(questions), "--out", str(tmp_path / "c.json"), "--sources"]
    monkeypatch.setattr("sys.argv", ["confidence", *told, "wire", "wier"])
    monkeypatch.setattr(Reader, "load", lambda: pytest.fail("the reader was loaded"))
    with pytest.raises(ConfigError, match="no questions of wier, but of wire;"):
        training_confidence.main()


@pytest.mark.parametrize("command", ["confidence", "plots", "export"])
def test_the_other_commands_say_what_is_wrong_in_a_sentence(command: str, tmp_path: Path) -> None:
    told = {"confidence": ["--questions", "no.jsonl"], "plots": ["no"], "export": ["no", "out"]}[
        command
    ]
    done = subprocess.run(
        [sys.executable, "-m", f"qa.training.{command}", *told],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no" in done.stderr
