"""Fit the confidence on questions run through the whole product.

``python -m qa.training.confidence --questions FILE [FILE ...] [--corpus FILE ...]`` makes the one that
comes with a reader. ``python -m qa.training calibrate`` fits that one to the questions that a user asks
of an index (`calibrate`, below).

Each source of the questions becomes a corpus of its own, all its contexts; and, once more, several
smaller ones, each of some of its articles: folders are of all sizes, and the same scores mean less in a
large one (``--parts``). Of the articles (contexts
with the same title), two thirds are left whole, a sixth are left out, and of a sixth every second
passage is left out: so that three of four questions have an answer, some are about nothing that is
there, and some about the right subject with the fact absent. Every question is asked of what is left.
A question without accepted answers is one that
nothing answers, whatever is left: a near miss, if its text comes close to it. An answer is right if its F1 with an accepted answer is at least 0.5. Two logistic regressions (L2, scikit-learn) are fitted: whether there is
an answer, to all questions (one that was answered rightly has one, wherever it was found), and whether the first answer is right, to those that have one.
In the first, questions without an answer weigh twice as much, and all of sources with near misses about a third: how many a folder is asked of them
nobody knows, and so the probabilities are off by less than .03 both where the corpus answers three of four and where
it answers half (``half_answerable``). The measurements beside the weights are of predictions made in ten-fold
cross-validation by article, so that no article's questions were seen by what predicts them.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, track

from index.embed import Embedder, SentenceEmbedder
from index.errors import ConfigError
from index.store import Store
from qa import metrics
from qa.answer import QA, Evidence
from qa.confidence import ANSWERABLE, CONFIDENCE_FILE, RIGHT, Confidence, Logistic, Signals
from qa.evaluate import RIGHT_F1, corpus, load_examples, sample
from qa.question import unanswerable
from qa.reader import Reader
from qa.training._command import exit_status
from qa.training._files import check_folder, write_atomically
from qa.types import Example
from qa.workbench import temporary_qa

PRECISION = 0.8
"""What the default threshold is chosen for: of all answers that are given, to questions that the corpus
answers and to those that it does not, four of five are right."""

_LEAST = 20
"""Questions that calibrating needs, and _LEAST_EACH of them answered right and not right: two numbers
are fitted, and fewer rows would move them by chance."""
_LEAST_EACH = 5

_FOLDS = 10
"""Parts, of whole articles, each predicted by a model of the others; fewer articles are as many parts."""

_UNANSWERABLE_WEIGHT = 2.0
"""Of a question that the corpus does not answer. ECE on all questions and on a half of each kind: 1.5: .018, .027;
2: .026, .025; 2.5: .032, .023; 3: .037, .023; AUROC and coverage move by less than .004 (docs/measurements.md)."""

_NEAR_WEIGHT = 0.3
"""Of a question of a source with near misses. ECE on the other sources and on a half of each kind of theirs: 0.2: .026,
.019; 0.25: .028, .019; 0.3: .029, .018; 0.35: .031, .018."""

_ASK_BATCH = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, asked: the signals of its first answer, whether that is right, its article.

    ``near`` tells that its source has near misses, questions which its texts do not answer.
    """

    signals: Signals
    right: bool
    answerable: bool
    article: str
    source: str
    near: bool = False


def ask_all(
    examples: Sequence[Example],
    contexts: Iterable[Example],
    reader: Reader,
    embedder: Embedder | None = None,
) -> list[Asked]:
    """Ask ``examples``, of one source, of what `keep` leaves of ``contexts`` and their own."""
    if not examples:
        return []
    every = [*examples, *contexts]
    left = [example for example in every if keep(example)]
    there = {example.context for example in left}
    near = not all(example.answers for example in examples)
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
                    if not evidence.groups or unanswerable(example.question) is not None:
                        continue
                    asked.append(
                        Asked(
                            evidence.signals[0],
                            right=_is_right(evidence, example),
                            answerable=bool(example.answers) and example.context in there,
                            article=article(example),
                            source=example.source,
                            near=near,
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


def part(example: Example, parts: int) -> int:
    """Return which of ``parts`` corpora the example's article belongs to; the same on every machine."""
    return _number(f"part {article(example)}") % parts


def _draw(text: str) -> float:
    return _number(text) / 2**32


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def fit(asked: Sequence[Asked], regularisation: float = 1.0) -> Confidence:
    """Fit the two logistic models; ``regularisation`` is scikit-learn's ``C`` over standardised signals.

    What is measured, and the threshold, is of the sources without near misses, if there are any; of the others it is
    under ``near_misses``. Raises `ConfigError` for questions about a single article, and where all, or all but those about a
    tenth of the articles, have an answer or none, or are answered rightly or not.
    """
    from sklearn.model_selection import GroupKFold

    right = np.array([one.right for one in asked])
    answerable = np.array([one.answerable for one in asked])
    articles = [one.article for one in asked]
    folds = min(_FOLDS, len(set(articles)))
    parts = list(GroupKFold(folds).split(right, groups=articles)) if folds > 1 else []
    if not parts or not all(_varied([asked[row] for row in seen]) for seen, _ in parts):
        raise ConfigError(
            f"{len(asked)} questions about {len(set(articles))} articles, {answerable.sum()} of them with an "
            f"answer and {right.sum()} answered rightly, are too few to fit a confidence to; give more, about "
            "several articles."
        )
    predicted = np.empty(len(asked))
    for seen, left in parts:
        model = _fit([asked[row] for row in seen], regularisation)
        predicted[left] = [model.probability(asked[row].signals) for row in left]
    near = np.array([one.near for one in asked])
    of = np.ones_like(near) if near.all() else ~near
    threshold = _threshold(predicted[of], right[of])
    measured = {
        **measure(predicted[of], right[of], answerable[of], threshold),
        "half_answerable": measure_half(predicted[of], right[of], answerable[of]),
    }
    if not of.all():
        measured["near_misses"] = measure(predicted[near], right[near], answerable[near], threshold)
    return replace(_fit(asked, regularisation), threshold=threshold, measured=measured)


def _varied(asked: Sequence[Asked]) -> bool:
    """Tell whether there are questions with and without an answer, and the former right and not."""
    kinds = {(one.answerable or one.right, one.right) for one in asked}
    return len(kinds) == 3  # what is right has an answer


def _fit(asked: Sequence[Asked], regularisation: float) -> Confidence:
    has_answer = np.array([one.answerable or one.right for one in asked])
    weighed = np.where([one.answerable or one.near for one in asked], 1.0, _UNANSWERABLE_WEIGHT)
    weighed[[one.near for one in asked]] *= _NEAR_WEIGHT
    answered = [one for one, has in zip(asked, has_answer, strict=True) if has]
    return Confidence(
        answerable=_fit_logistic(asked, ANSWERABLE, has_answer, weighed, regularisation),
        right=_fit_logistic(
            answered,
            RIGHT,
            np.array([one.right for one in answered]),
            np.ones(len(answered)),
            regularisation,
        ),
        threshold=0.0,
        measured={},
    )


def _fit_logistic(
    asked: Sequence[Asked],
    names: Sequence[str],
    target: NDArray[np.bool_],
    weighed: NDArray[np.float64],
    regularisation: float,
) -> Logistic:
    features = np.array([[getattr(one.signals, name) for name in names] for one in asked])
    model = _logistic(regularisation)
    model.fit(features, target, logisticregression__sample_weight=weighed)
    scaler, regression = model[0], model[1]
    weights = regression.coef_[0] / scaler.scale_
    return Logistic(
        {name: round(float(weight), 6) for name, weight in zip(names, weights, strict=True)},
        round(float(regression.intercept_[0] - weights @ scaler.mean_), 6),
    )


def calibrate(qa: QA, shipped: Confidence, examples: Sequence[Example]) -> Confidence:
    """Fit ``shipped`` to questions asked of an index: how sure it is in general, and how sharply.

    A logistic regression on the logit of its probability (Platt 1999), two numbers, so that a few
    dozen questions are enough; the order of answers by confidence stays. A row without accepted
    answers is a question that the index does not answer; one that is not read (empty, not English) is
    left out. Raises `ConfigError` where there are fewer than 20 questions, fewer than 5 of them answered
    right or wrong, where its confidence says nothing about which are right, or where no threshold gives 80% precision.
    """
    asked = [
        (evidence.signals[0], _is_right(evidence, example), bool(example.answers))
        for at in range(0, len(examples), _ASK_BATCH)
        for example, evidence in zip(
            examples[at : at + _ASK_BATCH],
            qa.examine([example.question for example in examples[at : at + _ASK_BATCH]]),
            strict=True,
        )
        if evidence.groups and unanswerable(example.question) is None
    ]
    right = np.array([one[1] for one in asked], dtype=np.bool_)
    if len(asked) < _LEAST or min(right.sum(), (~right).sum()) < _LEAST_EACH:
        raise ConfigError(
            f"Of {len(asked)} questions that found a passage {right.sum()} were answered right; "
            f"calibrating needs {_LEAST}, and {_LEAST_EACH} each of right and wrong. Add questions, "
            "some of them without an answer in the index."
        )
    logits = np.array([shipped.logit(one[0]) for one in asked])
    answerable = np.array([one[2] for one in asked])
    model = _logistic(_PLATT_REGULARISATION).fit(logits[:, None], right)
    slope = float(model[1].coef_[0, 0] / model[0].scale_[0])
    shift = float(model[1].intercept_[0] - slope * model[0].mean_[0])
    if slope <= 0:
        raise ConfigError(
            "On these questions right answers are no surer than wrong ones; check that their accepted "
            "answers are in the words of the index's documents."
        )
    fitted = replace(
        shipped,
        slope=round(slope * shipped.slope, 6),
        shift=round(slope * shipped.shift + shift, 6),
    )
    predicted = np.array([fitted.probability(one[0]) for one in asked])
    threshold = _threshold(predicted, right)
    return replace(
        fitted,
        threshold=threshold,
        measured=measure(predicted, right, answerable, threshold),
    )


def calibrate_index(
    index_dir: Path, examples: Sequence[Example], data: Sequence[str]
) -> Confidence:
    """Calibrate the package's confidence on questions to the index in ``index_dir``.

    ``data`` names the question files in the result. Raises as `calibrate` and `QA.open`.
    """
    reader, shipped = Reader.load(), Confidence.load()
    qa = QA(Store(index_dir), reader, shipped)
    model = calibrate(qa, shipped, examples)
    about = {
        "data": list(data),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "reader": reader.fingerprint,
    }
    return replace(model, measured={**about, **model.measured})


_PLATT_REGULARISATION = 10.0
"""scikit-learn's ``C`` for two numbers: next to none."""


def _threshold(predicted: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    threshold = metrics.precision_threshold(predicted, right, PRECISION)
    if threshold is None:
        raise ConfigError(f"No threshold reaches {PRECISION:.0%} precision on these questions.")
    # Halfway to the question below it: asked alone or with others, one differs in the eighth decimal.
    return (threshold + float(predicted[predicted < threshold].max(initial=0.0))) / 2


def _is_right(evidence: Evidence, example: Example) -> bool:
    return metrics.f1(evidence.groups[0].text, example.answers) >= RIGHT_F1


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
    """Return ECE, AUROC (of being right, and of being answerable), reliability and risk-coverage.

    What needs questions of both kinds is None where all are right, or answerable, or none is.
    """
    curve = metrics.risk_coverage(predicted, right)
    at = [int(np.searchsorted(curve.coverage, share)) for share in np.arange(0.05, 1.01, 0.05)]
    at = [min(row, len(curve.coverage) - 1) for row in at]
    given = predicted >= threshold
    return {
        "questions": len(right),
        "answerable": int(answerable.sum()),
        "right": int(right.sum()),
        "ece": round(metrics.expected_calibration_error(predicted, right), 4),
        "auroc": _auroc(predicted, right),
        "auroc_answerable": _auroc(predicted, answerable),
        "aurc": round(curve.area, 4),
        "coverage_at_80": round(metrics.coverage_at_precision(predicted, right, 0.8), 4),
        "coverage_at_90": round(metrics.coverage_at_precision(predicted, right, 0.9), 4),
        "at_threshold": {
            "precision": _share(right[given]),
            "answerable_answered": _share(given[answerable]),
            "unanswerable_refused": _share(~given[~answerable]),
            "right_kept": _share(given[right]),
        },
        "reliability": [
            [round(sure, 4), round(share, 4), count]
            for sure, share, count in metrics.reliability(predicted, right)
        ],
        "risk_coverage": [
            [round(float(curve.coverage[row]), 3), round(float(curve.risk[row]), 4)] for row in at
        ],
    }


def measure_half(
    predicted: NDArray[np.float64],
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    draws: int = 20,
) -> dict[str, Any]:
    """Return what is measured where the corpus answers half of the questions; the mean of ``draws``.

    ``answered_at_80`` and ``answered_at_90`` are the largest shares of the answerable questions that are
    answered while so many percent of all answers are right; a share of all questions could not be above
    half. Empty unless there are questions of both kinds.
    """
    kinds = [np.flatnonzero(answerable), np.flatnonzero(~answerable)]
    count = min(map(len, kinds))
    if not count:
        return {}
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(draws):
        rows = np.concatenate([rng.choice(kind, count, replace=False) for kind in kinds])
        sure, well, able = predicted[rows], right[rows], answerable[rows]
        found["ece"].append(metrics.expected_calibration_error(sure, well))
        found["auroc"].append(metrics.auroc(sure, well))
        found["auroc_answerable"].append(metrics.auroc(sure, able))
        for percent in (80, 90):
            threshold = metrics.precision_threshold(sure, well, percent / 100)
            given = sure >= (np.inf if threshold is None else threshold)
            found[f"answered_at_{percent}"].append(float(given[able].mean()))
    means = {
        name: None if np.isnan(values).any() else round(fmean(values), 4)
        for name, values in found.items()
    }
    return {"questions": 2 * count, **means}


def _auroc(predicted: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    if positive.all() or not positive.any():
        return None
    return round(metrics.auroc(predicted, positive), 4)


def _share(flags: NDArray[np.bool_]) -> float | None:
    return round(float(flags.mean()), 4) if flags.size else None


_UNFITTED = Confidence(Logistic({}, 0.0), Logistic({}, 0.0), 0.0, {})


def parser() -> argparse.ArgumentParser:
    """Return what understands the arguments."""
    found = argparse.ArgumentParser(
        prog="python -m qa.training.confidence",
        description="Fit the confidence that comes with the package's reader, on questions asked of their own "
        "contexts, some of which are left out.",
    )
    found.add_argument(
        "--questions", type=Path, nargs="+", required=True, metavar="FILE", help="what is asked"
    )
    found.add_argument(
        "--corpus", type=Path, nargs="*", default=[], metavar="FILE", help="more contexts"
    )
    found.add_argument(
        "--sources", nargs="*", metavar="SOURCE", help="only these sources of the questions"
    )
    found.add_argument("--limit", type=int, help="so many questions a source")
    found.add_argument("--contexts", type=int, help="so many more contexts' rows a source")
    found.add_argument(
        "--parts",
        type=int,
        nargs="+",
        default=[1, 8],
        help="into how many corpora a source is cut, by article; its questions are asked each time "
        "(default: %(default)s)",
    )
    found.add_argument(
        "--out",
        type=Path,
        default=CONFIDENCE_FILE,
        metavar="FILE",
        help=f"by default {CONFIDENCE_FILE.name} beside the package's reader, which uses it",
    )
    found.add_argument(
        "--signals", type=Path, metavar="FILE", help="also keep the signals here (.npz)"
    )
    return found


def main(given: Sequence[str] | None = None) -> None:
    """Ask, fit, and write the coefficients."""
    arguments = parser().parse_args(given)
    for path in filter(None, (arguments.out, arguments.signals)):
        check_folder(path)
    if min(arguments.parts) < 1:
        raise ConfigError(
            f"--parts is {min(arguments.parts)}; a source is cut into 1 corpus or more."
        )
    questions = load_examples(*arguments.questions)
    more = load_examples(*arguments.corpus) if arguments.corpus else []
    there = sorted({example.source for example in questions})
    sources = arguments.sources or there
    if unknown := sorted(set(sources) - set(there)):
        known = ", ".join(source or "(no source)" for source in there)
        raise ConfigError(
            f"There are no questions of {', '.join(unknown)}, but of {known}; name sources that are there."
        )
    reader, embedder = Reader.load(), SentenceEmbedder()
    asked: list[Asked] = []
    for source in sources:
        own = [e for e in questions if e.source == source]
        own = own if arguments.limit is None else sample(own, arguments.limit)
        around = [e for e in more if e.source == source]
        around = around if arguments.contexts is None else sample(around, arguments.contexts)
        for parts in arguments.parts:
            for at in range(parts):
                some = [e for e in own if part(e, parts) == at]
                asked += ask_all(
                    some, [e for e in around if part(e, parts) == at], reader, embedder
                )
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
        "parts": arguments.parts,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "reader": reader.fingerprint,
    }
    model = replace(model, measured={**about, **model.measured})
    write_atomically(arguments.out, model.to_bytes())
    print(arguments.out.read_text())


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
