"""Quotation marks and brackets that belong together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index._marks import paired_marks

PAIRS = {"(": ")", "[": "]", "“": "”", "„": "“", "«": "»", "‘": "’", '"': '"', "'": "'"}


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('such as "GF" (girlfriend)', ['"GF"', "(girlfriend)"]),
        ("in “Family” and “At Twelve,” too", ["“Family”", "“At Twelve,”"]),
        ("a (b [c] d) e", ["(b [c] d)", "[c]"]),
        ("sie sagte „Nein“ und ging", ["„Nein“"]),
        ("the players' bus of the '60s didn’t go", []),
        ('a 5" pipe and (never closed', []),
        ('"It goes on.\n\n"In the next one," he said.', ['"In the next one,"']),
        (f"({'x' * 299})", [f"({'x' * 299})"]),
        (f"({'x' * 300})", []),  # too far apart
        ("", []),
    ],
)
def test_marks_that_belong_together(text: str, pairs: list[str]) -> None:
    assert [text[first : last + 1] for first, last in paired_marks(text)] == pairs


@given(st.text("ab .,()[]“”„\"'‘’«»", max_size=60))
def test_a_pair_opens_before_it_closes_and_shares_no_mark(text: str) -> None:
    pairs = paired_marks(text)
    assert pairs == sorted(pairs)
    assert all(first < last and PAIRS[text[first]] == text[last] for first, last in pairs)
    assert len({mark for pair in pairs for mark in pair}) == 2 * len(pairs)
