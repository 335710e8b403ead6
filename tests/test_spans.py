"""Spans against an exact naive twin, and hand-made logits with traps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.spans import best_spans_batch, merge_windows
from qa.types import Reading, Span
from tests.conftest import rounds

SPECIAL = (0, 0)


def window(
    passage: str, question_tokens: int = 2, padding: int = 0
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Offsets and mask of ``[CLS] question [SEP] passage [SEP]``, one token a word of ``passage``."""
    places = []
    at = 0
    for word in passage.split():
        at = passage.index(word, at)
        places.append((at, at + len(word)))
        at += len(word)
    head = 2 + question_tokens
    # The question's tokens carry offsets too, as a tokenizer gives them: they must not be mistaken.
    question = [(4 * n, 4 * n + 3) for n in range(question_tokens)]
    rows = [SPECIAL, *question, SPECIAL, *places, SPECIAL, *[SPECIAL] * padding]
    mask = np.zeros(len(rows), dtype=np.bool_)
    mask[head : head + len(places)] = True
    return np.array(rows, dtype=np.int64), mask


def logits(size: int, **at: float) -> np.ndarray[Any, Any]:
    """Logits of -5 but where said: ``logits(9, t4=2.0)``."""
    values = np.full(size, -5.0, dtype=np.float32)
    for name, value in at.items():
        values[int(name[1:])] = value
    return values


PASSAGE = "the envoys flew to Doha on Sunday"
# tokens: 0 [CLS], 1-2 question, 3 [SEP], 4 the 5 envoys 6 flew 7 to 8 Doha 9 on 10 Sunday, 11 [SEP]


def best_spans(*window: np.ndarray[Any, Any], **options: int) -> Reading:
    """The spans of a window that is alone in its batch."""
    (reading,) = best_spans_batch(*(part[None] for part in window), **options)
    return reading


def text_of(reading: Reading, rank: int = 0) -> str:
    span = reading.spans[rank]
    return PASSAGE[span.start : span.end]


def test_the_best_span_is_the_best_sum_of_start_and_end() -> None:
    offsets, mask = window(PASSAGE)
    reading = best_spans(logits(12, t8=3.0, t4=1.0), logits(12, t8=2.0, t10=1.5), offsets, mask)
    assert text_of(reading) == "Doha"
    assert reading.spans[0].score == 5.0
    assert text_of(reading, 1) == "Doha on Sunday"
    assert reading.spans[1].score == 4.5
    assert reading.null_score == -10.0


def test_a_span_never_ends_before_it_starts() -> None:
    offsets, mask = window(PASSAGE)
    reading = best_spans(logits(12, t10=9.0), logits(12, t4=9.0), offsets, mask, top=50)
    assert all(span.start < span.end for span in reading.spans)
    assert reading.spans[0].score == 4.0  # 9 on one end, -5 on the other


@pytest.mark.parametrize("trap", [0, 1, 2, 3, 11, 12, 13])
def test_specials_question_and_padding_are_never_chosen(trap: int) -> None:
    offsets, mask = window(PASSAGE, padding=2)
    start, end = logits(14, t8=1.0), logits(14, t8=1.0)
    start[trap] = end[trap] = 50.0
    reading = best_spans(start, end, offsets, mask)
    assert text_of(reading) == "Doha"
    assert reading.spans[0].score == 2.0
    assert reading.null_score == (100.0 if trap == 0 else -10.0)


def test_a_span_does_not_cross_a_masked_token() -> None:
    offsets, mask = window(PASSAGE)
    mask[9] = False
    reading = best_spans(logits(12, t8=5.0), logits(12, t10=5.0), offsets, mask, top=50)
    assert "Doha on Sunday" not in {text_of(reading, n) for n in range(len(reading.spans))}


def test_the_longest_answer_has_max_answer_tokens() -> None:
    offsets, mask = window(PASSAGE)
    start, end = logits(12, t4=5.0), logits(12, t10=5.0)
    assert text_of(best_spans(start, end, offsets, mask, max_answer_tokens=7)) == PASSAGE
    shorter = best_spans(start, end, offsets, mask, max_answer_tokens=6, top=50)
    assert all(len(text_of(shorter, n).split()) <= 6 for n in range(len(shorter.spans)))
    assert shorter.spans[0].score == 0.0


def test_no_passage_token_means_no_span() -> None:
    offsets, mask = window("", padding=1)
    reading = best_spans(logits(6, t1=9.0), logits(6, t1=9.0), offsets, mask)
    assert reading == Reading((), -10.0)


UNUSABLE = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("bad", UNUSABLE)
def test_a_token_with_an_unusable_logit_is_not_pointed_at_by_it(bad: float) -> None:
    offsets, mask = window(PASSAGE)
    start, end = logits(12, t5=1.0), logits(12, t8=2.0)
    start[4] = end[6] = bad
    reading = best_spans(start, end, offsets, mask, top=100)
    found = {text_of(reading, n) for n in range(len(reading.spans))}
    assert text_of(reading) == "envoys flew to Doha"
    assert all(math.isfinite(span.score) for span in reading.spans)
    assert "the envoys" not in found  # starts on the bad start
    assert "envoys flew" not in found  # ends on the bad end
    assert "flew to" in found  # only its end was bad


@pytest.mark.parametrize("start", [*UNUSABLE, 1.0])
@pytest.mark.parametrize("end", UNUSABLE)
def test_an_unusable_null_score_counts_as_zero(start: float, end: float) -> None:
    offsets, mask = window(PASSAGE)
    for one, other in ((start, end), (end, start)):
        assert best_spans(logits(12, t0=one), logits(12, t0=other), offsets, mask).null_score == 0.0


def test_nothing_usable_at_all_gives_no_span() -> None:
    offsets, mask = window(PASSAGE)
    nothing = np.full(12, math.nan, dtype=np.float32)
    assert best_spans(nothing, nothing, offsets, mask) == Reading((), 0.0)


def test_ties_go_to_the_earlier_then_the_shorter_span() -> None:
    offsets, mask = window(PASSAGE)
    flat = np.zeros(12, dtype=np.float32)
    reading = best_spans(flat, flat, offsets, mask, top=9)
    found = [text_of(reading, n) for n in range(9)]
    assert found[:3] == ["the", "the envoys", "the envoys flew"]
    assert found[6:] == [PASSAGE, "envoys", "envoys flew"]


def test_tokens_that_share_their_characters_give_one_span() -> None:
    # One Hangul syllable is three letters to the tokenizer: three tokens over one character.
    offsets = np.array([SPECIAL, SPECIAL, (0, 1), (0, 1), (0, 1), (1, 2), SPECIAL], dtype=np.int64)
    mask = np.array([0, 0, 1, 1, 1, 1, 0], dtype=np.bool_)
    start, end = logits(7, t2=1.0, t3=2.0), logits(7, t3=3.0, t4=1.0)
    reading = best_spans(start, end, offsets, mask, top=3)
    assert [(span.start, span.end) for span in reading.spans] == [(0, 1), (0, 2), (1, 2)]
    assert reading.spans[0].score == 5.0


def test_a_token_without_characters_is_no_answer() -> None:
    offsets = np.array([SPECIAL, SPECIAL, (3, 3), (3, 6), SPECIAL], dtype=np.int64)
    mask = np.array([0, 0, 1, 1, 0], dtype=np.bool_)
    reading = best_spans(logits(5, t2=9.0), logits(5, t2=9.0), offsets, mask)
    assert [(span.start, span.end) for span in reading.spans] == [(3, 6)]


@pytest.mark.parametrize(("max_answer_tokens", "top"), [(0, 5), (30, 0), (-1, 5)])
def test_lengths_below_one_are_refused(max_answer_tokens: int, top: int) -> None:
    offsets, mask = window(PASSAGE)
    with pytest.raises(ValueError, match="at least 1"):
        best_spans(
            logits(12), logits(12), offsets, mask, max_answer_tokens=max_answer_tokens, top=top
        )


# --- the naive twin ------------------------------------------------------------------------------

FLOATS = st.one_of(
    st.integers(-3, 3).map(float),  # ties
    st.floats(width=32, allow_nan=True, allow_infinity=True),
)


@st.composite
def windows(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], ...]:
    """A batch of windows: any logits, any mask, offsets that rise but may repeat or be empty."""
    rows, tokens = draw(st.integers(1, 4)), draw(st.integers(1, 14))
    values = st.lists(FLOATS, min_size=rows * tokens, max_size=rows * tokens)
    start = np.array(draw(values), dtype=np.float32).reshape(rows, tokens)
    end = np.array(draw(values), dtype=np.float32).reshape(rows, tokens)
    mask = np.array(
        draw(st.lists(st.booleans(), min_size=rows * tokens, max_size=rows * tokens))
    ).reshape(rows, tokens)
    steps = np.array(
        draw(st.lists(st.integers(0, 2), min_size=rows * tokens * 2, max_size=rows * tokens * 2))
    )
    offsets = steps.reshape(rows, tokens * 2).cumsum(axis=1).reshape(rows, tokens, 2)
    if draw(st.booleans()):  # characters shared by two tokens
        offsets[:, 1:] = np.where(mask[:, 1:, None], offsets[:, :-1], offsets[:, 1:])
    return start, end, offsets.astype(np.int64), mask


def naive(
    start: np.ndarray[Any, Any],
    end: np.ndarray[Any, Any],
    offsets: np.ndarray[Any, Any],
    mask: np.ndarray[Any, Any],
    longest: int,
    top: int,
) -> Reading:
    """The definition, written down: every pair of tokens, sorted, without repeats."""
    spans = []
    for i in range(len(mask)):
        for j in range(i, min(i + longest, len(mask))):
            score = float(start[i]) + float(end[j])
            first, last = int(offsets[i][0]), int(offsets[j][1])
            if all(mask[i : j + 1]) and math.isfinite(score) and first < last:
                spans.append(((-score, i, j), Span(first, last, score)))
    best: dict[tuple[int, int], Span] = {}
    for _, span in sorted(spans, key=lambda pair: pair[0]):
        best.setdefault((span.start, span.end), span)
    null = float(start[0]) + float(end[0])
    return Reading(tuple(best.values())[:top], null if math.isfinite(null) else 0.0)


@settings(max_examples=rounds(50, in_ci=300))
@given(windows(), st.integers(1, 16), st.integers(1, 40))
def test_the_batch_equals_the_naive_twin(
    batch: tuple[np.ndarray[Any, Any], ...], longest: int, top: int
) -> None:
    found = best_spans_batch(*batch, max_answer_tokens=longest, top=top)
    assert found == [naive(*row, longest, top) for row in zip(*batch, strict=True)]


@given(windows(), st.integers(1, 16), st.integers(1, 10))
def test_a_row_does_not_depend_on_its_batch(
    batch: tuple[np.ndarray[Any, Any], ...], longest: int, top: int
) -> None:
    together = best_spans_batch(*batch, max_answer_tokens=longest, top=top)
    alone = [
        best_spans(*row, max_answer_tokens=longest, top=top) for row in zip(*batch, strict=True)
    ]
    assert together == alone


# --- windows of one passage ----------------------------------------------------------------------


def test_a_span_of_two_windows_counts_once_with_its_better_score() -> None:
    left = Reading((Span(5, 9, 3.0), Span(1, 4, 1.0)), null_score=2.0)
    right = Reading((Span(5, 9, 4.0), Span(20, 24, 3.5)), null_score=-1.0)
    merged = merge_windows([left, right])
    assert merged.spans == (Span(5, 9, 4.0), Span(20, 24, 3.5), Span(1, 4, 1.0))
    assert merged.null_score == -1.0
    assert merge_windows([right, left]) == merged


def test_merging_keeps_the_best_and_breaks_ties_by_place() -> None:
    parts = [Reading((Span(n, n + 1, 1.0),), 0.0) for n in (4, 2, 9)]
    assert merge_windows(parts, top=2).spans == (Span(2, 3, 1.0), Span(4, 5, 1.0))


def test_one_window_is_its_own_merge() -> None:
    reading = Reading((Span(0, 3, 2.0), Span(4, 8, 1.0)), 0.5)
    assert merge_windows([reading]) == reading


def test_no_window_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"empty|no window"):
        merge_windows([])
