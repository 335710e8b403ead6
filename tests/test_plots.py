"""The plots of the model card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from qa.confidence import CONFIDENCE_FILE, Confidence
from qa.training.confidence import measure
from tests.conftest import later
from tests.fakes import logistic_confidence

plots = later("qa.training.plots")


def fitted() -> Confidence:
    generator = np.random.default_rng(4)
    predicted = generator.random(500)
    right = generator.random(500) < predicted
    return replace(logistic_confidence(), measured=measure(predicted, right, right, 0.5))


def test_what_is_drawn_is_what_was_measured() -> None:
    model = fitted()
    _, line = plots.calibration(model).axes[0].lines
    rows = np.array(model.measured["reliability"])
    assert np.array_equal(np.asarray(line.get_xydata()), rows[:, :2])
    assert rows[:, 2].sum() == 500
    assert np.abs(rows[:, 0] - rows[:, 1]).max() < 0.2
    line = plots.risk_coverage(model).axes[0].lines[0]
    assert np.array_equal(np.asarray(line.get_xydata()), model.measured["risk_coverage"])
    assert line.get_xydata()[-1][0] == 1.0


def test_the_command_draws_both_and_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "confidence.json").write_bytes(CONFIDENCE_FILE.read_bytes())
    plots.main([str(tmp_path)])
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert set(first) == {"calibration.png", "risk-coverage.png"}
    plots.main([str(tmp_path)])
    assert first == {path.name: path.read_bytes() for path in tmp_path.glob("*.png")}
