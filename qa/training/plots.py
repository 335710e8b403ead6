"""The plots of a model card: ``python -m qa.training.plots [DIR]``.

Draws ``calibration.png`` and ``risk-coverage.png`` of what was measured when the confidence in
``DIR/confidence.json`` was fitted (default: the package's own).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from index.errors import ConfigError
from qa.confidence import CONFIDENCE_FILE, Confidence
from qa.training._command import exit_status

_DRAWN = ("questions", "ece", "auroc", "reliability", "risk_coverage")
_INK = "#8a1c1c"
_SOFT = "#8c857b"


def calibration(confidence: Confidence) -> Figure:
    """Draw the share of right answers against the confidence, a point for each tenth of the questions."""
    rows = confidence.measured["reliability"]
    figure, axes = _axes("confidence", "share of answers that are right")
    axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle="--")
    axes.plot([row[0] for row in rows], [row[1] for row in rows], color=_INK, marker="o")
    axes.set_title(
        f"{confidence.measured['questions']:,} questions, ECE {confidence.measured['ece']:.3f}"
    )
    return figure


def risk_coverage(confidence: Confidence) -> Figure:
    """Draw the share of wrong answers against the share of questions answered, the surest first."""
    rows = confidence.measured["risk_coverage"]
    figure, axes = _axes("share of questions answered", "share of answers that are wrong")
    axes.plot([row[0] for row in rows], [row[1] for row in rows], color=_INK, marker=".")
    axes.axhline(0.2, color=_SOFT, linewidth=1, linestyle="--")
    axes.set_title(f"AUROC {confidence.measured['auroc']:.3f}; dashed: 80% precision")
    return figure


def _axes(across: str, up: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.add_subplot(xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw both."""
    parser = argparse.ArgumentParser(prog="python -m qa.training.plots", description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?", default=CONFIDENCE_FILE.parent)
    directory = parser.parse_args(arguments).directory
    path = directory / CONFIDENCE_FILE.name
    confidence = Confidence.load(path)
    if any(confidence.measured.get(name) is None for name in _DRAWN):
        raise ConfigError(f"{path} holds nothing measured to draw; fit or calibrate it first.")
    for name, draw in (("calibration", calibration), ("risk-coverage", risk_coverage)):
        # No date or version inside: the same figures give the same bytes.
        draw(confidence).savefig(directory / f"{name}.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
