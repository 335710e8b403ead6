"""A number that a question names and the ranges that hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.ranges import Number, holds, numbers


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("how much for a child of 12 kg", [Number("12", 12.0, "kg")]),
        ("a week for a 9 metre yacht", [Number("9", 9.0, "m")]),
        ("Does a 10-year-old pay?", [Number("10", 10.0, "year")]),
        ("1,500.5 litres of oil", [Number("1,500.5", 1500.5, "l")]),
        ("I'm 67, is it free? At 25%?", [Number("67", 67.0, ""), Number("25", 25.0, "%")]),
        ("dust limit 1 to 5 MW", []),  # a range itself
        ("the bus at 9:30 on 12/5/2020 from stop A4", []),
    ],
)
def test_numbers_of_a_question(question: str, found: list[Number]) -> None:
    assert numbers(question) == found


@pytest.mark.parametrize(
    ("text", "number", "held"),
    [
        ("10 to 15.9 kg", "12 kg", True),
        ("10 to 15.9 kg", "16 kg", False),
        ("10 to 15.9 kg", "12 ml", False),
        ("10 to 15.9 kg", "12", True),
        ("10–15.9", "12 kg", True),
        ("6m - 8m", "7 m", True),
        ("Junior (8 to 15)", "10", True),
        ("Senior (over 60)", "67", True),
        ("Up to 12 people", "8 people", True),
        ("65+", "70 years", True),
        ("12 and over", "11", False),
        ("under 5 years", "4 months", False),
        ("1,000 to 5,000 litres", "2,500 l", True),
        ("ATR 72-600", "228", False),  # a name
        ("06:00–22:00", "9", False),  # times
        ("3–0", "2", False),
        ("01-05-2024", "3", False),  # a date
        ("0-800-555", "12", False),  # to be called
        ("from 10 to 15 kg", "20 kg", False),
        ("15", "15", False),  # no range
    ],
)
def test_a_range_holds_what_lies_in_it_and_counts_the_same(
    text: str, number: str, held: bool
) -> None:
    [named] = numbers(number)
    assert holds(text, named) is held


@given(*[st.integers(0, 10**6)] * 3)
def test_a_range_holds_its_ends_and_what_is_between(low: int, high: int, value: int) -> None:
    for written in (str(value), f"{value:,}"):
        assert holds(f"{low:,} to {high} kg", numbers(written)[0]) == (low <= value <= high)
