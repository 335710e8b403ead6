"""Scores to a calibrated probability that an answer is right: a logistic model over a few numbers.

`qa.training.confidence` fits it; how well it is calibrated stands beside its coefficients.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from index.errors import ReaderError
from index.types import Hit
from qa.candidates import Group

CONFIDENCE_FILE = Path(__file__).parent / "models" / "reader" / "confidence.json"
"""The coefficients that belong to the package's reader."""

CALIBRATED = "confidence.json"
"""The file in an index's folder that holds coefficients calibrated for it; generations come and go
beside it."""

FORMAT = 1

_LOGIT_LIMIT = 8.0
"""Shares closer to 0 or 1 than this are rounding; beyond it a feature would drown the others."""

_SIZES = (100, 2000)
"""Passages of the smallest and the largest index that tell sizes apart."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the confidence in one answer is computed from. Logits are natural logarithms of odds."""

    share: float
    """Logit of the answer's probability among all spans of all passages."""

    gap: float
    """Logarithm of its probability over that of the best different answer."""

    span_score: float
    """The reader's score of its best span."""

    margin: float
    """That score over the null score of the span's passage."""

    null_best: float
    """Margin of the passage that the reader is surest holds an answer, whichever it is."""

    dense: float
    """Cosine of the question and the answer's passage."""

    dense_best: float
    """The highest cosine of a passage."""

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
        margins = [other.best.span_score - other.best.null_score for other in groups]
        return cls(
            share=_logit(group.share),
            gap=_clip(math.log(group.share / max(others))) if others else _LOGIT_LIMIT,
            span_score=best.span_score,
            margin=best.span_score - best.null_score,
            null_best=max(margins),
            dense=best.hit.dense,
            dense_best=max(hit.dense for hit in hits),
            coverage=best.hit.coverage,
            retrieval=best.hit.score,
            behind=best.hit.score - hits[0].score,
            agreement=math.log(group.documents),
            length=math.log(1 + len(group.text.split())),
            size=math.log(min(max(passages, _SIZES[0]), _SIZES[1])),
        )


@dataclass(frozen=True)
class Confidence:
    """A fitted logistic model: ``sigmoid(intercept + sum(weight * signal))``.

    ``threshold`` is the default below which an answer is withheld, ``measured`` what was measured
    when it was fitted (ECE, AUROC, risk-coverage, data, date).
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float
    measured: Mapping[str, Any]

    @classmethod
    def for_index(cls, index_dir: Path, reader: str) -> Confidence:
        """Return the model that was calibrated for an index, or the package's if there is none.

        ``reader`` is the fingerprint of the reader in use. Raises `ReaderError` as `load`, and for a
        model that was calibrated with another reader.
        """
        own = index_dir / CALIBRATED
        if not own.exists():
            return cls.load()
        try:
            model = cls.load(own)
            # A digit that changed in its place would still be read, and change every answer.
            if model.to_bytes() != own.read_bytes():
                why = "is not as it was written"
            elif model.measured.get("reader") != reader:
                why = "was calibrated with another reader"
            else:
                return model
        except (ReaderError, OSError):
            why = "cannot be read"
        raise ReaderError(
            f"The confidence in {own} {why}; run `python -m qa.training calibrate` again, or remove "
            "that file."
        )

    @classmethod
    def load(cls, path: Path = CONFIDENCE_FILE) -> Confidence:
        """Read coefficients. Raises `ReaderError` if they are missing, damaged, or of other signals."""
        names = {field.name for field in fields(Signals)}
        try:
            raw = json.loads(path.read_bytes())
            weights = {str(name): float(weight) for name, weight in raw["weights"].items()}
            model = cls(weights, float(raw["intercept"]), float(raw["threshold"]), raw["measured"])
            whole = (
                raw["format"] == FORMAT
                and set(weights) == names
                and 0.0 <= model.threshold <= 1.0
                and all(map(math.isfinite, (*weights.values(), model.intercept)))
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
            "weights": {name: float(weight) for name, weight in self.weights.items()},
            "intercept": float(self.intercept),
            "threshold": float(self.threshold),
            "measured": dict(self.measured),
        }
        content["sha256"] = hashlib.sha256(json.dumps(content).encode()).hexdigest()
        return (json.dumps(content, indent=1) + "\n").encode()

    def logit(self, signals: Signals) -> float:
        """Return the logit of `probability`."""
        names = (field.name for field in fields(Signals))
        weighted = (
            self.weights[n] * value for n, value in zip(names, astuple(signals), strict=True)
        )
        return float(self.intercept + sum(weighted))

    def probability(self, signals: Signals) -> float:
        """Return the probability, between 0 and 1, that the answer with these signals is right."""
        # The logistic function, without its overflow.
        return (1.0 + math.tanh(self.logit(signals) / 2.0)) / 2.0


def _logit(share: float) -> float:
    if share >= 1.0:
        return _LOGIT_LIMIT
    return _clip(math.log(share / (1.0 - share))) if share > 0.0 else -_LOGIT_LIMIT


def _clip(value: float) -> float:
    return max(-_LOGIT_LIMIT, min(_LOGIT_LIMIT, value))
