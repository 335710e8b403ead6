"""Passages that repeat others: what is read, who counts as a witness, where else it is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import Chunk, Document, Hit
from qa.copies import repeated, runs, witnesses, worth_reading

PASSAGE = (
    "The bridge over the strait was closed after a ship had struck one of its piers in the fog. "
    "Engineers looked at the damage for two days and found a crack as long as a man. The town wants "
    "to know by the end of the week when lorries may cross again."
)
NEXT = (
    " The owner of the ship offered to pay for the repair. A ferry that was to be sold in spring "
    "takes cars to the other side for the time being, and pupils go to school by boat."
)
EDITED = PASSAGE.replace("looked at the damage", "inspected the damage")
QUESTION = "How long was the crack in the bridge?"


def chosen(question: str, texts: Sequence[tuple[str, str, int, int]], limit: int = 9) -> list[int]:
    """Return which of the passages ``(document, its text, start, end)`` are read."""
    documents = {name: Document(name, name, text, name) for name, text, _, _ in texts}
    hits = [
        Hit(Chunk(f"{name}:{start}-{end}", name, start, end, text[start:end]), 1.0, rank)
        for rank, (name, text, start, end) in enumerate(texts, 1)
    ]
    read = worth_reading(question, hits, documents, limit)
    return [hits.index(hit) for hit in read]


def whole(name: str, text: str) -> tuple[str, str, int, int]:
    return name, text, 0, len(text)


def test_a_copy_is_not_read_twice_and_the_limit_goes_to_others() -> None:
    texts = [whole("a", PASSAGE), whole("b", EDITED), whole("c", PASSAGE), whole("d", NEXT)]
    assert chosen(QUESTION, texts) == [0, 3]
    assert chosen(QUESTION, texts, limit=2) == [0, 3]
    assert chosen(QUESTION, texts, limit=1) == [0]
    assert chosen(QUESTION, []) == []


def test_a_copy_that_is_cut_elsewhere_is_not_read_either() -> None:
    story, middle = PASSAGE + NEXT, PASSAGE.index("Engineers")
    texts = [
        ("a", story, 0, len(PASSAGE)),
        ("b", story, middle, len(story)),  # half of it stands behind a's passage
        ("a", story, len(PASSAGE) + 1, len(story)),  # and is read there
    ]
    assert chosen(QUESTION, texts) == [0, 2]


def test_a_corrected_figure_is_read() -> None:
    corrected = PASSAGE.replace("two days", "11 days")
    assert chosen(QUESTION, [whole("a", PASSAGE), whole("b", corrected)]) == [0, 1]


def test_the_row_that_is_asked_for_is_read() -> None:
    rows = [
        whole(
            place, f"In {place} the bus stops at the school, the mill and the old harbour at noon."
        )
        for place in ("Oster", "Lund", "Vik")
    ]
    assert chosen("Where does the bus stop in Vik?", rows) == [0, 2]


def test_other_words_are_read() -> None:
    other = "A pier has a crack as long as a man since a ship ran into it; nobody may drive across."
    assert chosen(QUESTION, [whole("a", PASSAGE), whole("b", other)]) == [0, 1]


def test_copies_are_one_witness_and_other_reports_are_more() -> None:
    assert witnesses([runs(PASSAGE), runs(EDITED), runs(PASSAGE + NEXT)]) == 1
    assert witnesses([runs(PASSAGE), runs(NEXT), runs(EDITED)]) == 2
    assert witnesses([runs("Yes."), runs("Yes."), runs("No.")]) == 2
    assert witnesses([runs("…"), runs("!")]) == 2  # without words nothing is known


def places(text: str, answer: str, other: str) -> list[str]:
    start = text.index(answer)
    found = list(repeated(text, start, start + len(answer), other))
    assert all(other[low:high] == answer for low, high in found)
    return [other[low - 6 : high + 6] for low, high in found]


def test_the_same_sentence_lightly_edited_says_it_again() -> None:
    assert places(PASSAGE, "two days", EDITED) == ["e for two days and f"]
    assert places(PASSAGE, "two days", NEXT + " " + EDITED) == ["e for two days and f"]


def test_another_sentence_or_a_part_of_a_word_does_not() -> None:
    assert places(PASSAGE, "two days", "He was in town for two days.") == []
    assert places(PASSAGE, "two days", PASSAGE.replace("two days", "forty-two daystars")) == []
    assert places(PASSAGE, "two days", PASSAGE.replace("two", "Two")) == []
    twice = PASSAGE + " It rained for two days."
    assert places(PASSAGE, "two days", twice) == ["e for two days and f"]


@pytest.mark.parametrize(
    "corrected", ["1,500", "0.500", "-500", "−500", "500.5", "500,000", "500:1", "3-500", "500/2"]
)
def test_a_figure_is_not_found_inside_another(corrected: str) -> None:
    # Seen: the copy that corrects 500 to 1,500 was cited for 500.
    text = "The museum in the old harbour drew 500 visitors in its first week."
    assert places(text, "500", text.replace("500", corrected)) == []
    assert places(text, "500", text.replace("500 visitors", "500, visitors")) == [" drew 500, visi"]


@given(
    st.lists(
        st.sampled_from("a ship 27 piers, “fog” crack é 🚢 in".split()), min_size=1, unique=True
    ),
    st.sampled_from([PASSAGE, EDITED, NEXT]),
    st.sampled_from([PASSAGE, EDITED, NEXT, ""]),
    st.data(),
)
def test_the_words_of_a_copied_sentence_are_found_to_the_character(
    said: list[str], before: str, before_copy: str, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(said) - 1))
    last = data.draw(st.integers(first, len(said) - 1))
    sentence, answer = f"The {' '.join(said)} end.", " ".join(said[first : last + 1])
    start = len(" ".join(["The", *said[:first], ""]))
    text, copy = f"{before} {sentence}", f"{before_copy} {sentence}"
    start, there = (len(whole) - len(sentence) + start for whole in (text, copy))
    found = list(repeated(text, start, start + len(answer), copy))
    assert (there, there + len(answer)) in found
    assert all(copy[low:high] == answer for low, high in found)


@given(
    st.lists(st.sampled_from([PASSAGE, EDITED, NEXT, "Yes.", ""]), max_size=8), st.integers(1, 4)
)
def test_what_is_read_is_in_order_and_within_the_limit(texts: list[str], limit: int) -> None:
    read = chosen(QUESTION, [whole(str(n), text) for n, text in enumerate(texts)], limit)
    assert read == sorted(set(read))
    assert len(read) <= limit
    assert read[:1] == ([0] if texts else [])
