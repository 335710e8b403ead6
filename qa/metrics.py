"""Measures of answers, rankings and confidences. Pure: numpy in, numbers out, no I/O.

Rates are fractions in [0, 1]; a measure that its input leaves undefined (the mean of nothing, AUROC
of one class) is ``nan``. No result depends on the order of the rows, ties included.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
"""One number a row, shape ``(n,)``."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_COUNT_TOLERANCE = 1e-9
"""Keeps 0.8 * 5 correct of 5 from failing by the last bit of a float."""


@lru_cache(maxsize=1024)
def normalize_answer(text: str) -> str:
    """Lower the case, drop ASCII punctuation and the articles a, an, the, and squeeze white space.

    The steps and their order are those of the SQuAD v1.1 evaluation (Rajpurkar et al. 2016,
    arXiv 1606.05250), so that figures compare with published ones.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str | None, answers: Sequence[str]) -> float:
    """Return 1.0 if the prediction equals an accepted answer after normalisation, else 0.0.

    ``None`` is "no answer": right, as in SQuAD 2.0 (Rajpurkar et al. 2018, arXiv 1806.03822), exactly
    where ``answers`` is empty.
    """
    if prediction is None or not answers:
        return float(prediction is None and not answers)
    normal = normalize_answer(prediction)
    return float(any(normal == normalize_answer(answer) for answer in answers))


def f1(prediction: str | None, answers: Sequence[str]) -> float:
    """Return the best token F1 of the prediction with an accepted answer, in [0, 1].

    Tokens are those of the normalised texts, counted with repetition. Where one side has no token
    left, and for ``None`` and empty ``answers``, it is the exact match (SQuAD 2.0).
    """
    if prediction is None or not answers:
        return exact_match(prediction, answers)
    tokens = normalize_answer(prediction).split()
    return max(_token_f1(tokens, normalize_answer(answer).split()) for answer in answers)


def _token_f1(predicted: list[str], accepted: list[str]) -> float:
    if not predicted or not accepted:
        return float(predicted == accepted)
    common = (Counter(predicted) & Counter(accepted)).total()
    # 2PR / (P + R) with the common factor cancelled: exact at 0 and 1.
    return 2 * common / (len(predicted) + len(accepted))


def recall_at_k(ranks: Sequence[int | None], k: int) -> float:
    """Return the share of ``ranks`` (from 1; ``None``: not found) that are at most ``k``."""
    if not ranks:
        return float("nan")
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float:
    """Return the mean of 1/rank, where ranks count from 1 and ``None`` (not found) gives 0."""
    if not ranks:
        return float("nan")
    return sum(0.0 if rank is None else 1 / rank for rank in ranks) / len(ranks)


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 10) -> float:
    """Return the mean gap between confidence and accuracy over the bins of `reliability`, in [0, 1].

    Guo et al. 2017 (arXiv 1706.04599).
    """
    rows = reliability(confidence, correct, bins)
    total = sum(count for _, _, count in rows)
    if not total:
        return float("nan")
    return sum(count * abs(sure - right) for sure, right, count in rows) / total


def reliability(
    confidence: ArrayLike, correct: ArrayLike, bins: int = 10
) -> list[tuple[float, float, int]]:
    """Return mean confidence, share of right ones and number of rows of each bin, least sure first.

    ``confidence`` is in [0, 1] and ``correct`` 0 or 1, both ``(n,)``. The bins hold equally many rows,
    not equal widths (the adaptive scheme of Nixon et al. 2019, arXiv 1904.01685). Rows of one confidence
    share the bin that the first of them falls in; a bin without rows is left out.
    """
    sure, right = _pair(confidence, correct)
    if not len(sure):
        return []
    ordered = np.sort(sure)
    bin_of = np.searchsorted(ordered, sure, side="left") * bins // len(sure)
    counts, sums, hits = (
        np.bincount(bin_of, weights=weights, minlength=bins) for weights in (None, sure, right)
    )
    return [
        (float(total / count), float(hit / count), int(count))
        for count, total, hit in zip(counts, sums, hits, strict=True)
        if count
    ]


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the probability that a row labelled 1 scores above one labelled 0; a tie counts half.

    Shapes ``(n,)``. Computed from mid-ranks (the Mann-Whitney statistic); ``nan`` unless both labels
    occur.
    """
    values, marks = _pair(scores, labels)
    positive = marks > 0
    n_positive = int(positive.sum())
    n_negative = len(values) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, side="left")
    through = np.searchsorted(ordered, values, side="right")
    mid_ranks = (below + through + 1) / 2
    wins = mid_ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(wins / (n_positive * n_negative))


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """What each threshold gives when rows of at least that confidence are answered.

    Arrays of one entry a distinct confidence, highest first: ``threshold``, ``coverage`` (the share of
    rows answered, rising to 1) and ``risk`` (the share of wrong ones among the answered).
    """

    threshold: Floats
    coverage: Floats
    risk: Floats

    @property
    def area(self) -> float:
        """The area under risk over coverage, in [0, 1]; lower is better.

        Geifman & El-Yaniv 2017 (arXiv 1705.08500) as the mean risk over all rows, each row with the
        risk of its own threshold.
        """
        if not len(self.risk):
            return float("nan")
        return float(np.sum(np.diff(self.coverage, prepend=0.0) * self.risk))


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """Return risk and coverage at every threshold; shapes ``(n,)``, ``correct`` 0 or 1."""
    sure, right = _pair(confidence, correct)
    threshold, answered, hits = _cumulative(sure, right)
    total = max(len(sure), 1)
    return RiskCoverage(threshold, answered / total, 1 - hits / answered)


def coverage_at_precision(confidence: ArrayLike, correct: ArrayLike, precision: float) -> float:
    """Return the largest share that can be answered with at least this precision, else 0.0."""
    sure, right = _pair(confidence, correct)
    _, answered, hits = _cumulative(sure, right)
    fit = np.flatnonzero(hits >= precision * answered - _COUNT_TOLERANCE)
    return float(answered[fit[-1]] / len(sure)) if len(fit) else 0.0


def precision_threshold(
    confidence: ArrayLike, correct: ArrayLike, precision: float
) -> float | None:
    """Return the lowest confidence from which upward the answers have at least this precision.

    It answers the most; ``None`` if no threshold reaches the precision.
    """
    sure, right = _pair(confidence, correct)
    threshold, answered, hits = _cumulative(sure, right)
    fit = np.flatnonzero(hits >= precision * answered - _COUNT_TOLERANCE)
    return float(threshold[fit[-1]]) if len(fit) else None


def _cumulative(sure: Floats, right: Floats) -> tuple[Floats, Floats, Floats]:
    """Return thresholds, falling, and how many rows each answers and how many of them rightly."""
    values, group, sizes = np.unique(-sure, return_inverse=True, return_counts=True)
    hits = np.bincount(group, weights=right, minlength=len(values))
    return -values, np.cumsum(sizes).astype(np.float64), np.cumsum(hits)


def bootstrap_interval(
    values: ArrayLike, seed: int, samples: int = 1000, *, groups: Sequence[Hashable] | None = None
) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the mean of ``values``, shape ``(n,)``.

    Rows are resampled with replacement (Efron & Tibshirani 1993, chapter 13); the same seed gives the
    same interval. With ``groups``, one label a row, all rows of a label come or stay away together (the
    cluster bootstrap of Davison & Hinkley 1997, section 3.8): questions about one passage are right or
    wrong together, and an interval that takes them for independent is too narrow. A single group tells
    nothing of others; its rows are resampled one by one.
    """
    rows = np.asarray(values, dtype=np.float64)
    if not len(rows):
        return float("nan"), float("nan")
    low, high = np.percentile(_resampled_means(rows, seed, samples, groups), [2.5, 97.5])
    return float(low), float(high)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    seed: int,
    samples: int = 2000,
    *,
    groups: Sequence[Hashable] | None = None,
) -> tuple[float, float, float]:
    """Return the 95% interval of the mean of ``second - first``, both ``(n,)``, and a p-value.

    Rows are resampled together (Efron & Tibshirani 1993, chapter 16), whole ``groups`` of them if given
    (as in `bootstrap_interval`). The p-value is two-sided: the share of samples of the centred
    differences whose mean is at least as far from 0 as the one found, with 1 added to both counts
    (Davison & Hinkley 1997, section 4.2), so that it is never 0. Nor is it below 2 / 2**n for n rows
    or groups, which is what exchanging the two runs at random gives at the least (Fisher 1935): one
    question proves nothing.
    """
    one, two = _pair(first, second)
    if not len(one):
        return float("nan"), float("nan"), float("nan")
    differences = two - one
    found = differences.mean()
    means = _resampled_means(differences, seed, samples, groups)
    low, high = np.percentile(means, [2.5, 97.5])
    as_far = np.abs(means - found) >= abs(found) - _COUNT_TOLERANCE
    labels = 0 if groups is None else len(set(groups))
    independent = labels if labels > 1 else len(one)
    p = max((1 + as_far.sum()) / (1 + samples), 2.0 ** (1 - min(independent, 64)))
    return float(low), float(high), float(p)


def _resampled_means(
    rows: Floats, seed: int, samples: int, groups: Sequence[Hashable] | None
) -> Floats:
    """Return the mean of each of ``samples`` draws of as many groups as there are, shape ``(samples,)``."""
    sums, sizes = rows, np.ones_like(rows)
    if groups is not None and len(set(groups)) > 1:
        numbers = {group: at for at, group in enumerate(dict.fromkeys(groups))}
        label = [numbers[group] for group in groups]
        sums, sizes = np.zeros((2, len(numbers)))
        np.add.at(sums, label, rows)
        np.add.at(sizes, label, 1.0)
    generator = np.random.default_rng(seed)
    # A sample at a time, not one (samples, n) matrix: 54,000 questions would take 400 MB.
    draws = (generator.integers(len(sums), size=len(sums)) for _ in range(samples))
    return np.array([sums[draw].sum() / sizes[draw].sum() for draw in draws])


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    one: Floats = np.asarray(first, dtype=np.float64)
    two: Floats = np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise ValueError(
            f"needs two rows of numbers of one length, was given shapes {one.shape} and {two.shape}"
        )
    return one, two
