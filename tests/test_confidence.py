"""The confidence model, and the measurements that come with its coefficients."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import IndexDamaged, ReaderError
from index.types import Chunk, Hit
from qa.answer import QA
from qa.candidates import Candidate, Place, group_answers
from qa.confidence import CALIBRATED, CONFIDENCE_FILE, RIGHT, Confidence, Logistic, Signals
from tests.conftest import rounds
from tests.fakes import logistic_confidence, refuse_to_read

NAMES = [field.name for field in fields(Signals)]


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def hit(rank: int, score: float, dense: float, coverage: float = 0.5, doc: str = "a") -> Hit:
    return Hit(Chunk(f"{doc}:0-99", doc, 0, 99, "…"), score, rank, dense, 1.0, coverage)


def test_signals_worked_out_by_hand() -> None:
    first, second = hit(1, 3.0, 0.4), hit(2, 1.0, 0.7, 0.9, "b")
    groups = group_answers(
        [
            Candidate(second, Place("b", 0, 4), "Rome", 5.0, 2.0),
            Candidate(first, Place("a", 0, 5), "Paris", 5.0, -1.0),
            Candidate(second, Place("b", 50, 54), "Oslo", 1.0, 2.0),
        ]
    )
    [rome] = [group for group in groups if group.text == "Rome"]
    [paris] = [group for group in groups if group.text == "Paris"]
    signals = Signals.of(rome, groups, [first, second], 500)
    assert signals.gap == pytest.approx(math.log(rome.share / paris.share))
    assert Signals.of(paris, groups, [first, second], 500).gap == pytest.approx(-signals.gap)
    assert (signals.margin, signals.dense, signals.coverage) == (3.0, 0.7, 0.9)
    assert (signals.retrieval, signals.behind) == (1.0, -2.0)
    assert signals.agreement == 0.0
    assert signals.length == pytest.approx(math.log(2))
    assert signals.size == pytest.approx(math.log(500))
    for passages, counted in ((1, 100), (100, 100), (2000, 2000), (10**6, 2000)):
        other = Signals.of(rome, groups, [first, second], passages)
        assert other == replace(signals, size=math.log(counted))


def test_a_single_answer_has_finite_signals() -> None:
    groups = group_answers([Candidate(hit(1, 3.0, 0.4), Place("a", 0, 4), "Rome", 900.0, -900.0)])
    signals = Signals.of(groups[0], groups, [hit(1, 3.0, 0.4)], 1)
    assert all(math.isfinite(getattr(signals, name)) for name in NAMES)


def test_probability_is_the_product_of_two_logistic_functions() -> None:
    model = Confidence(
        Logistic({"margin": 2.0, "dense": -1.0, "coverage": 0.0}, 0.5),
        Logistic(dict.fromkeys(RIGHT, 0.0) | {"margin": 1.0}, -1.0),
        threshold=0.5,
        measured={},
    )
    signals = Signals(**dict.fromkeys(NAMES, 0.0) | {"margin": 1.5, "dense": 0.25})
    product = sigmoid(3.25) * sigmoid(0.5)
    assert model.probability(signals) == pytest.approx(product)
    assert model.logit(signals) == pytest.approx(math.log(product / (1 - product)))
    assert model.probability(replace(signals, margin=1e6)) == 1.0
    assert model.probability(replace(signals, margin=-1e6)) == 0.0
    calibrated = replace(model, slope=2.0, shift=-1.0)
    assert calibrated.logit(signals) == pytest.approx(2.0 * model.logit(signals) - 1.0)


@given(st.floats(-800, 800), st.floats(-800, 800))
def test_the_logit_of_the_product_is_exact_however_sure_it_is(there: float, right: float) -> None:
    signals = Signals(**dict.fromkeys(NAMES, 0.0))
    model = Confidence(Logistic({}, there), Logistic({}, right), 0.5, {})
    with localcontext() as context:
        context.prec = 800
        product = 1 / ((1 + Decimal(-there).exp()) * (1 + Decimal(-right).exp()))
        exact = (product / (1 - product)).ln()
    assert model.logit(signals) == pytest.approx(float(exact), rel=1e-9, abs=1e-9)


def test_bytes_and_back(tmp_path: Path) -> None:
    model = replace(
        logistic_confidence(-1.0, 0.4, gap=0.25), measured={"ece": 0.02}, slope=1.5, shift=-0.5
    )
    (tmp_path / "c.json").write_bytes(model.to_bytes())
    assert Confidence.load(tmp_path / "c.json") == model


def test_the_shipped_coefficients_say_how_they_were_made() -> None:
    model = Confidence.load()
    assert 0 < model.threshold < 1
    reader = json.loads((CONFIDENCE_FILE.parent / "reader.json").read_bytes())
    assert model.measured["reader"] == reader["sha256"]
    assert {"data", "date", "questions", "ece", "auroc", "risk_coverage"} <= set(model.measured)
    assert model.measured["at_threshold"]["precision"] >= 0.8
    coverage = [point[0] for point in model.measured["risk_coverage"]]
    assert coverage == sorted(coverage)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "weights": {"margin": 1}, "intercept": 0, "threshold": 0.5, "measured": {}}',
        logistic_confidence().to_bytes().replace(b'"gap"', b'"share"'),
        logistic_confidence().to_bytes().replace(b'"dense"', b'"sparse"'),
        logistic_confidence(gap=math.inf).to_bytes(),
        logistic_confidence(math.nan).to_bytes(),
        replace(logistic_confidence(), threshold=1.01).to_bytes(),
        replace(logistic_confidence(), threshold=-0.01).to_bytes(),
        logistic_confidence().to_bytes().replace(b'"slope": 1.0', b'"slope": NaN'),
        logistic_confidence().to_bytes().replace(b'"format": 2', b'"format": 3'),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "confidence.json"
    path.write_bytes(content)
    with pytest.raises(ReaderError, match="install the package again"):
        Confidence.load(path)


def calibrated(folder: Path) -> Confidence:
    """Return a model that is written into ``folder`` as one that was calibrated for the index there."""
    measured = {"reader": "r", "points": [(1, 0.5)], "data": ["é.jsonl"]}
    model = replace(logistic_confidence(-1, 0.4, gap=1), measured=measured)
    (folder / CALIBRATED).write_bytes(model.to_bytes())
    return model


def test_an_index_has_its_own_confidence_or_the_packages(tmp_path: Path) -> None:
    assert Confidence.for_index(tmp_path, "r") == Confidence.load()
    model = calibrated(tmp_path)
    assert Confidence.for_index(tmp_path, "r").right == model.right
    with pytest.raises(ReaderError, match="was calibrated with another reader"):
        Confidence.for_index(tmp_path, "s")
    earlier = {
        "format": 1,
        "weights": {"margin": 1},
        "intercept": 0,
        "threshold": 0.5,
        "measured": {},
    }
    (tmp_path / CALIBRATED).write_text(json.dumps(earlier))
    with pytest.raises(ReaderError, match="is damaged, or another version's; run"):
        Confidence.for_index(tmp_path, "r")


def test_an_index_that_may_not_be_looked_into_is_the_stores_to_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        IndexDamaged, match=r"\(File name too long\); check its path and who owns it"
    ):
        QA.open(tmp_path / ("i" * 300))
    refuse_to_read(tmp_path / "index", monkeypatch)
    with pytest.raises(
        IndexDamaged, match=r"\(Permission denied\); check its path and who owns it"
    ):
        QA.open(tmp_path / "index")


def test_a_calibrated_confidence_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated(tmp_path)
    refuse_to_read(tmp_path / CALIBRATED, monkeypatch)
    with pytest.raises(
        ReaderError, match=r"cannot be read \(Permission denied\); check who owns it"
    ):
        Confidence.for_index(tmp_path, "r")


@settings(max_examples=rounds(50, in_ci=300))
@given(st.data())
def test_any_other_byte_in_a_calibrated_confidence_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("index")
    calibrated(folder)
    whole = (folder / CALIBRATED).read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    for other in (whole[:at] + bytes([byte]) + whole[at + 1 :], whole[:at], whole + whole[:at]):
        if other != whole:
            (folder / CALIBRATED).write_bytes(other)
            with pytest.raises(ReaderError, match=r"confidence\.json.*run `.*calibrate"):
                Confidence.for_index(folder, "r")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"none\.json"):
        Confidence.load(tmp_path / "none.json")
