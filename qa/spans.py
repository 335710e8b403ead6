"""Logits -> spans. Numpy only; knows no model and no text.

A row is one window: ``[CLS] question [SEP] passage [SEP]`` and padding. Position 0 is ``[CLS]``,
whose start + end logits are the score of "no answer here". Scores are sums of raw logits, as in
Devlin et al. 2019, section 4.3; no softmax over a window, so that spans of all windows and all
passages stand on one scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qa.types import Reading, Span

Logits = NDArray[np.float32]
"""One logit a token, shape ``(tokens,)``, or ``(windows, tokens)`` for a batch."""

Offsets = NDArray[np.int64]
"""First character and end (exclusive) of every token in its passage, shape ``(..., tokens, 2)``."""

Mask = NDArray[np.bool_]
"""Which tokens an answer may hold: the passage's, but for what is masked, shape ``(..., tokens)``."""


def best_spans_batch(
    start_logits: Logits,
    end_logits: Logits,
    offsets: Offsets,
    context_mask: Mask,
    *,
    max_answer_tokens: int = 30,
    top: int = 5,
) -> list[Reading]:
    """Return the ``top`` best distinct spans of every window, best first.

    Logits and ``context_mask`` have shape ``(windows, tokens)``, ``offsets`` ``(windows, tokens, 2)``;
    ``tokens`` is at least 1, for ``[CLS]``.
    A span starts and ends on tokens of ``context_mask``, covers no other token, has from 1 to
    ``max_answer_tokens`` of them and at least one character. A token whose logit is NaN or infinite
    is not pointed at by it; a null score that is not finite counts as 0. Two spans of tokens that
    cover the same characters are one, with the better score. Of equal scores the one that starts
    first comes first, then the shorter one.
    """
    if max_answer_tokens < 1 or top < 1:
        raise ValueError(
            f"max_answer_tokens and top must be at least 1, not {max_answer_tokens} and {top}"
        )
    scores = _span_scores(start_logits, end_logits, offsets, context_mask, max_answer_tokens)
    # In float64 no sum of two finite logits overflows; of two infinite ones it may be NaN.
    usable = np.isfinite(start_logits[:, 0]) & np.isfinite(end_logits[:, 0])
    null = np.where(usable, start_logits[:, 0].astype(np.float64), 0.0)
    null += np.where(usable, end_logits[:, 0], 0.0)
    return [
        Reading(_top_spans(row, spots, top), float(score))
        for row, spots, score in zip(scores, offsets, null, strict=True)
    ]


def merge_windows(readings: Sequence[Reading], *, top: int = 5) -> Reading:
    """Return what overlapping windows of one passage found, as one reading.

    A span seen in two windows counts once, with its better score. The null score is the lowest of
    the windows', as in the SQuAD 2 code published with BERT: a passage holds no answer only if no
    window does. Raises ``ValueError`` when there is no window.
    """
    best: dict[tuple[int, int], Span] = {}
    for reading in readings:
        for span in reading.spans:
            known = best.get((span.start, span.end))
            if known is None or span.score > known.score:
                best[span.start, span.end] = span
    ranked = sorted(best.values(), key=lambda span: (-span.score, span.start, span.end))
    return Reading(tuple(ranked[:top]), min(reading.null_score for reading in readings))


def _span_scores(
    start_logits: Logits,
    end_logits: Logits,
    offsets: Offsets,
    context_mask: Mask,
    max_answer_tokens: int,
) -> NDArray[np.float64]:
    """Return float64 scores, shape ``(windows, tokens, lengths)``; -inf where there is no such span.

    Element ``[w, i, d]`` belongs to the span from token ``i`` to token ``i + d``.
    """
    lengths = min(max_answer_tokens, start_logits.shape[1])
    ahead = ((0, 0), (0, lengths - 1))
    starts = np.where(context_mask & np.isfinite(start_logits), start_logits, -np.inf)
    ends = np.where(context_mask & np.isfinite(end_logits), end_logits, -np.inf)
    ends = sliding_window_view(np.pad(ends, ahead, constant_values=-np.inf), lengths, axis=1)
    # Tokens that no span holds, seen so far: equal at both ends of a span exactly if it holds none.
    outside = np.cumsum(~context_mask, axis=1)
    outside = sliding_window_view(np.pad(outside, ahead, mode="edge"), lengths, axis=1)
    stops = sliding_window_view(np.pad(offsets[:, :, 1], ahead), lengths, axis=1)
    inside = (outside == outside[:, :, :1]) & (stops > offsets[:, :, :1])
    return np.where(inside, starts[:, :, None].astype(np.float64) + ends, -np.inf)


def _top_spans(scores: NDArray[np.float64], offsets: Offsets, top: int) -> tuple[Span, ...]:
    """Return the best distinct spans of one window from its scores, shape ``(tokens, lengths)``."""
    lengths = scores.shape[1]
    flat = scores.ravel()
    wanted = top
    while True:
        if wanted < flat.size:
            # All that tie with the last one wanted stay, so that order alone breaks the tie.
            threshold = np.partition(flat, flat.size - wanted)[flat.size - wanted]
            candidates = np.flatnonzero((flat >= threshold) & (flat > -np.inf))
        else:
            candidates = np.flatnonzero(flat > -np.inf)
        ranked = candidates[np.argsort(-flat[candidates], kind="stable")]
        best: dict[tuple[int, int], float] = {}
        for at in ranked:
            first, length = divmod(int(at), lengths)
            place = (int(offsets[first, 0]), int(offsets[first + length, 1]))
            best.setdefault(place, float(flat[at]))
            if len(best) == top:
                break
        if len(best) == top or wanted >= flat.size:
            return tuple(Span(start, end, score) for (start, end), score in best.items())
        wanted *= 4  # several spans of tokens shared their characters: look further down
