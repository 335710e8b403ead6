"""Fit the confidence on questions run through the whole product.

``python -m qa.training.confidence --questions FILE [FILE ...] [--corpus FILE ...]``

Each source of the questions becomes a corpus of its own: all its contexts. Of the articles (contexts
with the same title), two thirds are left whole, a sixth are left out, and of a sixth every second
passage is left out: so that three of four questions have an answer, some are about nothing that is
there, and some about the right subject with the fact absent. Every question is asked of what is left.
An answer is right if its F1 with an accepted answer is at least 0.5. The weights are a logistic
regression's (L2, scikit-learn); the measurements beside them are of predictions made in ten-fold
cross-validation by article, so that no article's questions were seen by what predicts them.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, track

from index.embed import Embedder
from qa import metrics
from qa.confidence import CONFIDENCE_FILE, Confidence, Signals
from qa.evaluate import RIGHT_F1, corpus, load_examples, sample
from qa.reader import Reader
from qa.types import Example
from qa.workbench import temporary_qa

PRECISION = 0.8
"""What the default threshold is chosen for: of the answers given to questions that the corpus answers,
four of five are right. The weights are fitted on all that was asked."""

_ASK_BATCH = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, asked: the signals of its first answer, whether that is right, its article."""

    signals: Signals
    right: bool
    answerable: bool
    article: str
    source: str


def ask_all(
    examples: Sequence[Example],
    contexts: Iterable[Example],
    reader: Reader,
    embedder: Embedder | None = None,
) -> list[Asked]:
    """Ask ``examples``, of one source, of what `keep` leaves of ``contexts`` and their own."""
    every = [*examples, *contexts]
    left = [example for example in every if keep(example)]
    there = {example.context for example in left}
    asked: list[Asked] = []
    with Progress(transient=True) as bar:
        task = bar.add_task("embed", total=None)
        with temporary_qa(
            corpus(left),
            embedder=embedder,
            reader=reader,
            confidence=_UNFITTED,
            progress=lambda stage: bar.update(task, total=stage.total, completed=stage.done),
        ) as qa:
            bar.stop()
            batches = [examples[at : at + _ASK_BATCH] for at in range(0, len(examples), _ASK_BATCH)]
            for batch in track(batches, f"ask {examples[0].source}", transient=True):
                found = qa.examine([example.question for example in batch])
                for example, evidence in zip(batch, found, strict=True):
                    if not evidence.groups:
                        continue
                    answer = evidence.groups[0].text
                    asked.append(
                        Asked(
                            evidence.signals[0],
                            right=metrics.f1(answer, example.answers) >= RIGHT_F1,
                            answerable=example.context in there,
                            article=article(example),
                            source=example.source,
                        )
                    )
    return asked


def article(example: Example) -> str:
    """Return the name of the article that the example's context is from."""
    return f"{example.source}/{example.title or example.context}"


def keep(example: Example) -> bool:
    """Tell whether the example's context stays in the corpus; the same on every machine."""
    draw = _draw(article(example))
    return draw < 4 / 6 or (draw < 5 / 6 and _draw(example.context) < 0.5)


def _draw(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


def fit(asked: Sequence[Asked], regularisation: float = 1.0) -> Confidence:
    """Fit the logistic model; ``regularisation`` is scikit-learn's ``C`` over standardised signals."""
    from sklearn.model_selection import GroupKFold, cross_val_predict

    features = np.array([astuple(one.signals) for one in asked])
    right = np.array([one.right for one in asked])
    articles = [one.article for one in asked]
    model = _logistic(regularisation)
    predicted: NDArray[np.float64] = cross_val_predict(
        model,
        features,
        right,
        groups=articles,
        cv=GroupKFold(10),
        method="predict_proba",
    )[:, 1]
    answerable = np.array([one.answerable for one in asked])
    threshold = metrics.precision_threshold(predicted[answerable], right[answerable], PRECISION)
    if threshold is None:
        raise SystemExit(f"No threshold reaches {PRECISION:.0%} precision on these questions.")
    model.fit(features, right)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return Confidence(
        weights={
            field.name: round(float(weight), 6)
            for field, weight in zip(fields(Signals), weights, strict=True)
        },
        intercept=round(float(regression.intercept_[0] - weights @ scaler.mean_), 6),
        threshold=round(float(threshold), 4),
        measured=measure(predicted, right, answerable, round(float(threshold), 4)),
    )


def _logistic(regularisation: float) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=regularisation, max_iter=1000))


def measure(
    predicted: NDArray[np.float64],
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    threshold: float,
) -> dict[str, Any]:
    """Return ECE, AUROC (of being right, and of being answerable), and the risk-coverage curve."""
    curve = metrics.risk_coverage(predicted, right)
    at = [int(np.searchsorted(curve.coverage, share)) for share in np.arange(0.1, 1.01, 0.1)]
    at = [min(row, len(curve.coverage) - 1) for row in at]
    given = predicted >= threshold
    return {
        "questions": len(right),
        "answerable": int(answerable.sum()),
        "right": int(right.sum()),
        "ece": round(metrics.expected_calibration_error(predicted, right), 4),
        "auroc": round(metrics.auroc(predicted, right), 4),
        "auroc_answerable": round(metrics.auroc(predicted, answerable), 4),
        "aurc": round(curve.area, 4),
        "coverage_at_80": round(metrics.coverage_at_precision(predicted, right, 0.8), 4),
        "coverage_at_90": round(metrics.coverage_at_precision(predicted, right, 0.9), 4),
        "at_threshold": {
            "coverage": round(float(given[answerable].mean()), 4),
            "precision": round(float(right[given & answerable].mean()), 4),
            "unanswerable_refused": round(float(1 - given[~answerable].mean()), 4),
            "right_kept": round(float(given[right].mean()), 4),
        },
        "risk_coverage": [
            [round(float(curve.coverage[row]), 3), round(float(curve.risk[row]), 4)] for row in at
        ],
    }


_UNFITTED = Confidence({field.name: 0.0 for field in fields(Signals)}, 0.0, 0.0, {})


def main() -> None:
    """Ask, fit, and write the coefficients."""
    parser = argparse.ArgumentParser(prog="python -m qa.training.confidence")
    parser.add_argument("--questions", type=Path, nargs="+", required=True)
    parser.add_argument("--corpus", type=Path, nargs="*", default=[], help="more contexts")
    parser.add_argument("--sources", nargs="*", help="only these sources of the questions")
    parser.add_argument("--limit", type=int, help="so many questions a source")
    parser.add_argument("--contexts", type=int, help="so many more contexts' rows a source")
    parser.add_argument("--out", type=Path, default=CONFIDENCE_FILE)
    parser.add_argument("--signals", type=Path, help="also keep the signals here (.npz)")
    arguments = parser.parse_args()
    questions = [example for file in arguments.questions for example in load_examples(file)]
    more = [example for file in arguments.corpus for example in load_examples(file)]
    sources = arguments.sources or sorted({example.source for example in questions})
    reader = Reader.load()
    asked: list[Asked] = []
    for source in sources:
        own = [e for e in questions if e.source == source and e.answers]
        own = own if arguments.limit is None else sample(own, arguments.limit)
        around = [e for e in more if e.source == source]
        around = around if arguments.contexts is None else sample(around, arguments.contexts)
        asked += ask_all(own, around, reader)
    if arguments.signals:
        np.savez(
            arguments.signals,
            signals=np.array([astuple(one.signals) for one in asked]),
            right=np.array([one.right for one in asked]),
            answerable=np.array([one.answerable for one in asked]),
            article=np.array([one.article for one in asked]),
        )
    model = fit(asked)
    about = {
        "data": [file.name for file in arguments.questions],
        "corpus": [file.name for file in arguments.corpus],
        "sources": sources,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "reader": reader.fingerprint,
    }
    model = Confidence(model.weights, model.intercept, model.threshold, {**about, **model.measured})
    arguments.out.write_bytes(model.to_bytes())
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
