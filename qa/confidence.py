"""Scores to a calibrated probability that an answer is right: two logistic models over a few numbers.

`qa.training.confidence` fits them; how well they are calibrated stands beside their coefficients.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import ReaderError
from index.types import Hit
from qa.candidates import Group

CONFIDENCE_FILE = Path(__file__).parent / "models" / "reader" / "confidence.json"
"""The coefficients that belong to the package's reader."""

CALIBRATED = "confidence.json"
"""The file in an index's folder that holds coefficients calibrated for it; generations come and go
beside it."""

FORMAT = 2

ANSWERABLE = ("margin", "dense", "coverage")
"""The signals that tell whether there is an answer. How far the first one is ahead of the others is not
among them: a question without an answer has a winner too."""

RIGHT = ("gap", "margin", "retrieval", "behind", "agreement", "length", "size")
"""The signals that tell whether the answer is the right one, if there is one."""

_GAP_LIMIT = 8.0
"""Gaps beyond this are rounding, and would drown the other signals."""

_SIZES = (100, 2000)
"""Passages of the smallest and the largest index that tell sizes apart."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence in one answer is computed from."""

    gap: float
    """Logarithm of the answer's probability over that of the best different one, both among all spans of
    all passages."""

    margin: float
    """The reader's score of its best span over the null score of the span's passage, and what a table adds."""

    dense: float
    """Cosine of the question and the answer's passage."""

    coverage: float
    """Share of the question's terms, by weight, that the answer's passage holds."""

    retrieval: float
    """Fused retrieval score of the answer's passage."""

    behind: float
    """How far that is behind the first passage's (0 or negative)."""

    agreement: float
    """Logarithm of the number of documents that say it."""

    length: float
    """Logarithm of the answer's number of words."""

    size: float
    """Logarithm of the number of passages in the index: the more there are to choose from, the less the
    same scores mean. Counted as 100 at least and 2,000 at most, about what it was fitted on."""

    @classmethod
    def of(
        cls, group: Group, groups: Sequence[Group], hits: Sequence[Hit], passages: int
    ) -> Signals:
        """Gather the signals of ``group``, one of ``groups``, found in ``hits`` (best first).

        ``passages`` is the number of those in the index.
        """
        best = group.best
        others = [other.share for other in groups if other is not group]
        gap = math.log(group.share / max(others)) if others else _GAP_LIMIT
        return cls(
            gap=max(-_GAP_LIMIT, min(_GAP_LIMIT, gap)),
            margin=best.margin,
            dense=best.hit.dense,
            coverage=best.hit.coverage,
            retrieval=best.hit.score,
            behind=best.hit.score - hits[0].score,
            agreement=math.log(group.documents),
            length=math.log(1 + len(group.text.split())),
            size=math.log(min(max(passages, _SIZES[0]), _SIZES[1])),
        )


@dataclass(frozen=True)
class Logistic:
    """A fitted logistic model: ``sigmoid(intercept + sum(weight * signal))`` of the signals it names."""

    weights: Mapping[str, float]
    intercept: float

    def logit(self, signals: Signals) -> float:
        """Return the logarithm of the odds."""
        weighted = (weight * getattr(signals, name) for name, weight in self.weights.items())
        return float(self.intercept + sum(weighted))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        weights = {name: float(weight) for name, weight in self.weights.items()}
        return {"weights": weights, "intercept": float(self.intercept)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Logistic:
        """Read the JSON form.

        Raises `AttributeError`, `KeyError`, `TypeError` or `ValueError` for anything else.
        """
        weights = {str(name): float(weight) for name, weight in raw["weights"].items()}
        return cls(weights, float(raw["intercept"]))


@dataclass(frozen=True)
class Confidence:
    """A fitted model: the probability that there is an answer, times that it is this one if there is.

    ``answerable`` is the first, of the signals in ``ANSWERABLE``, ``right`` the second, of those in
    ``RIGHT``. To calibrate it for an index (Platt 1999) the logit of the product is multiplied by
    ``slope``, and ``shift`` is added. ``threshold`` is the default below which an answer is withheld,
    ``measured`` what was measured when it was fitted (ECE, AUROC, risk-coverage, data, date).
    """

    answerable: Logistic
    right: Logistic
    threshold: float
    measured: Mapping[str, Any]
    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def for_index(cls, index_dir: Path, reader: str) -> Confidence:
        """Return the model that was calibrated for an index, or the package's if there is none.

        ``reader`` is the fingerprint of the reader in use. Raises `ReaderError` as `load`, and for a
        model that was calibrated with another reader.
        """
        own = index_dir / CALIBRATED
        # `Path.exists` raises where the index may not be looked into: that is for the store to say.
        if not os.path.exists(own):  # noqa: PTH110
            return cls.load()
        try:
            written = own.read_bytes()
            model = cls.load(own)
            # A digit that changed in its place would still be read, and change every answer.
            if model.to_bytes() != written:
                why = "is not as it was written"
            elif model.measured.get("reader") != reader:
                why = "was calibrated with another reader"
            else:
                return model
        except PermissionError as exc:
            raise ReaderError(
                f"The confidence in {own} cannot be read ({exc.strerror}); check who owns it."
            ) from exc
        except (ReaderError, OSError):
            why = "is damaged, or another version's"
        raise ReaderError(
            f"The confidence in {own} {why}; run `python -m qa.training calibrate` again, or remove "
            "that file."
        )

    @classmethod
    def load(cls, path: Path = CONFIDENCE_FILE) -> Confidence:
        """Read coefficients. Raises `ReaderError` if they are missing, damaged, or of other signals."""
        try:
            raw = json.loads(path.read_bytes())
            model = cls(
                Logistic.from_dict(raw["answerable"]),
                Logistic.from_dict(raw["right"]),
                float(raw["threshold"]),
                raw["measured"],
                float(raw["slope"]),
                float(raw["shift"]),
            )
            numbers = [model.slope, model.shift]
            for one in (model.answerable, model.right):
                numbers += [*one.weights.values(), one.intercept]
            whole = (
                raw["format"] == FORMAT
                and set(model.answerable.weights) == set(ANSWERABLE)
                and set(model.right.weights) == set(RIGHT)
                and 0.0 <= model.threshold <= 1.0
                and all(map(math.isfinite, numbers))
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise ReaderError(
                f"The confidence model {path} cannot be read; install the package again."
            ) from exc
        if not whole:
            raise ReaderError(
                f"The confidence model {path} does not fit this version; install the package again."
            )
        return model

    def to_bytes(self) -> bytes:
        """Return the JSON form that `load` reads, which holds a SHA-256 of the rest of itself."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "answerable": self.answerable.to_dict(),
            "right": self.right.to_dict(),
            "slope": float(self.slope),
            "shift": float(self.shift),
            "threshold": float(self.threshold),
            "measured": dict(self.measured),
        }
        content["sha256"] = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return (json.dumps(content, indent=1) + "\n").encode()

    def logit(self, signals: Signals) -> float:
        """Return the logit of `probability`."""
        answerable, right = self.answerable.logit(signals), self.right.logit(signals)
        # Logarithms, as either probability may be too near 0 or 1 for a number: with p = a * r the odds
        # are a * r against (1 - a) + a * (1 - r).
        for_it = _log_sigmoid(answerable) + _log_sigmoid(right)
        against = np.logaddexp(
            _log_sigmoid(-answerable), _log_sigmoid(answerable) + _log_sigmoid(-right)
        )
        return float(self.slope * (for_it - against) + self.shift)

    def probability(self, signals: Signals) -> float:
        """Return the probability, between 0 and 1, that the answer with these signals is right."""
        # The logistic function, without its overflow.
        return (1.0 + math.tanh(self.logit(signals) / 2.0)) / 2.0


def _log_sigmoid(logit: float) -> float:
    return -float(np.logaddexp(0.0, -logit))
