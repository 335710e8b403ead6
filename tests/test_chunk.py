"""Documents to chunks: offsets, whole sentences, sizes, headings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.chunk import ChunkConfig, chunk_document, sentence_spans
from index.types import Document, Mark
from tests.conftest import rounds

TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab .!?\n\r\t'\"-1A"),
        st.sampled_from(["é", "e\u0301", "😀", "👩‍👩‍👧", "שלום", "مرحبا", "\u202e", "字"]).flatmap(
            lambda s: st.sampled_from(list(s))
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=400,
)


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def document(text: str, headings: tuple[Mark, ...] = ()) -> Document:
    return Document("d", "Title", text, "folder/d.txt", headings=headings)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


LONG = st.builds(
    lambda parts, times: "".join(part * times for part in parts),
    st.lists(st.sampled_from([*"xa.é字。", " ", "\n", "one ", "A b. ", "\n\n"]), max_size=12),
    st.integers(1, 900),
)
"""Words, runs of spaces and lines that can be thousands of characters long."""


@settings(max_examples=rounds(75, in_ci=300))
@given(
    TEXTS | LONG, st.integers(1, 12), st.integers(0, 2), st.lists(st.integers(0, 200), max_size=3)
)
def test_chunks_are_slices_in_order_that_lose_no_word(
    text: str, size: int, overlap: int, cuts: list[int]
) -> None:
    headings = tuple(Mark(at, len(text), "") for at in sorted(cuts) if at < len(text))
    chunks = chunk_document(document(text, headings), ChunkConfig(size, overlap), words)
    assert not any(chunk.start < at.start < chunk.end for chunk in chunks for at in headings)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(chunk.text == chunk.text.strip() != "" for chunk in chunks)
    starts = [chunk.start for chunk in chunks]
    assert starts == sorted(set(starts))
    ends = [chunk.end for chunk in chunks]
    assert ends == sorted(set(ends))  # none lies inside another
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    covered = {at for chunk in chunks for at in range(chunk.start, chunk.end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(text))


@settings(max_examples=rounds(50, in_ci=200))
@given(TEXTS | LONG, st.sampled_from([2, 3, 5, 8, 12, 100]))
def test_no_chunk_is_larger_than_asked(text: str, size: int) -> None:
    chunks = chunk_document(document(text), ChunkConfig(size, 1), words)
    assert all(len(chunk.text) <= max(1000, 25 * size) for chunk in chunks)
    # The pieces' lengths add up to a little more than the chunk's: words never merge, though.
    assert all(words([chunk.text])[0] <= size for chunk in chunks)


@settings(max_examples=rounds(50, in_ci=200))
@given(TEXTS | LONG)
def test_sentences_are_slices_in_order_that_lose_no_word(text: str) -> None:
    spans = sentence_spans(text)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    covered = {at for start, end in spans for at in range(start, end)}
    assert all(at in covered or character.isspace() for at, character in enumerate(text))


def test_sentences_without_spaces_are_told_apart_in_any_number() -> None:
    one = "谈判将在几天内恢复。她说：“好！”他走了。"
    assert sentences(one * 500) == sentences(one) * 500


@pytest.mark.parametrize("space", ["\xa0", "\u2003", "\u202f", "\u3000"])
def test_a_wide_space_before_a_full_stop_is_survived(space: str) -> None:
    # sentencex 1.0.32 panics at it, and a panic is no Exception.
    assert sentences(f"It rained. Then I{space}. He left Doha.") == [
        "It rained.",
        f"Then I{space}.",
        "He left Doha.",
    ]


def test_a_panic_of_the_splitter_costs_no_more_than_its_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class PanicException(BaseException):
        """What pyo3 raises."""

    def panic(language: str, text: str) -> list[str]:
        raise PanicException

    monkeypatch.setattr("sentencex.segment", panic)
    assert sentences("The envoy arrived. He left Doha.") == ["The envoy arrived.", "He left Doha."]

    def interrupt(language: str, text: str) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("sentencex.segment", interrupt)
    with pytest.raises(KeyboardInterrupt):
        sentences("The envoy arrived. He left Doha.")


def test_one_sentence_of_overlap() -> None:
    text = "One one one. Two two two. Three three three. Four four four."
    chunks = chunk_document(document(text), ChunkConfig(6, 1), words)
    assert [chunk.text for chunk in chunks] == [
        "One one one. Two two two.",
        "Two two two. Three three three.",
        "Three three three. Four four four.",
    ]


def test_an_overlap_that_does_not_fit_is_left_out() -> None:
    text = "One one one one. Two two two two two. Three."
    chunks = chunk_document(document(text), ChunkConfig(5, 1), words)
    assert [chunk.text for chunk in chunks] == [
        "One one one one.",
        "Two two two two two.",
        "Three.",
    ]


def test_a_sentence_far_behind_the_one_before_is_whole() -> None:
    text = f"One two.{' ' * 5000}Three four five."
    chunks = chunk_document(document(text), ChunkConfig(), words)
    assert [chunk.text for chunk in chunks] == ["One two.", "Three four five."]


def test_the_white_space_before_a_long_sentence_counts_once() -> None:
    gap = " " * 2000  # as long as 80 pieces
    chunks = chunk_document(document(f"One.{gap}{'Word ' * 400}"), ChunkConfig(160), words)
    assert [len(chunk.text.split()) for chunk in chunks] == [1, 80, 160, 160]
    text = f"One.{gap}{'x' * 600} {'y' * 600}"
    assert len(chunk_document(document(text), ChunkConfig(40), words)) == 3


def test_an_overlap_leaves_room_for_what_a_heading_leads_to() -> None:
    text = "Aa bb cc. Dd ee ff.\n\nThe end\n\nGg hh ii jj."
    chunks = chunk_document(document(text), ChunkConfig(6, 1), words)
    assert [chunk.text for chunk in chunks] == ["Aa bb cc. Dd ee ff.", "The end\n\nGg hh ii jj."]


def test_no_chunk_crosses_a_heading() -> None:
    text = "Before. First\nUnder the first. Second\nUnder the second."
    first, second = text.index("First"), text.index("Second")
    headings = (Mark(first, second, "First"), Mark(second, len(text), "Second"))
    chunks = chunk_document(document(text, headings), ChunkConfig(100, 1), words)
    assert [chunk.text for chunk in chunks] == [
        "Before.",
        "First\nUnder the first.",
        "Second\nUnder the second.",
    ]


LONG_LINE = f"The {'very ' * 30}end"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (5, ["One two three.", "The end\n\nFour five six."]),
        (5, ["One two three.", "You need:\nFour five six."]),
        (5, ["One two three.", "2. Tools:\n\nFour five six."]),
        (8, ["One two three.", "Title\nBy Ann\nMay 5\n\nFour five six."]),
        # Of more lines the first may be names, or verses, of which all lines may be without full stops.
        (10, ["One two three.\n\nTitle", "By Ann\nIn Rome\nMay 5\nFour five six."]),
        (6, ["One two three.\n\nRoses are red", "Violets are blue\n\nSugar is sweet"]),
        (6, ["One two three.\n\n- a thing", "Four five six."]),
        (5, ["The\n\nend", "Four five six seven."]),  # there is nothing else
        (40, [f"One two three.\n\n{LONG_LINE}", "Four five six seven eight nine."]),
    ],
)
def test_what_leads_to_a_sentence_goes_with_it(size: int, expected: list[str]) -> None:
    before = "Far down in an article. " * 9
    text = before + "\n\n".join(expected)
    headings = (Mark(len(before), len(text), "Heading"),)
    chunks = chunk_document(document(text, headings), ChunkConfig(size, 0), words)
    assert [chunk.text for chunk in chunks if chunk.start >= len(before)] == expected


def test_what_stands_far_down_is_cut_as_it_is_at_the_top() -> None:
    under = "The first sentence. The second one."
    text = f"{'Before it. ' * 500}\n\n{under}"
    headings = (Mark(text.index(under), len(text), "Under"),)
    chunks = chunk_document(document(text, headings), ChunkConfig(), words)
    assert chunks[-1].text == under


def test_a_sentence_without_end_is_cut_between_words() -> None:
    text = " ".join(f"word{number}" for number in range(25))
    chunks = chunk_document(document(text), ChunkConfig(10, 1), words)
    assert [len(chunk.text.split()) for chunk in chunks] == [10, 10, 5]


@pytest.mark.parametrize("text", ["x" * 200_001, "a" + " " * 200_000 + "b"])
def test_text_without_words_is_cut_all_the_same(text: str) -> None:
    """A tokenizer counts a word that it does not know as one piece, however long it is."""
    chunks = chunk_document(document(text), ChunkConfig(), words)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert max(len(chunk.text) for chunk in chunks) <= 4000
    assert sum(len(chunk.text.replace(" ", "")) for chunk in chunks) == len(text.replace(" ", ""))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith met Mr. J. R. Jones. He left.", ["Dr. Smith met Mr. J. R. Jones.", "He left."]),
        ("It grew 2.1% in the U.S. economy. Good.", ["It grew 2.1% in the U.S. economy.", "Good."]),
        ('"We met. We talked." He left.', ['"We met. We talked."', "He left."]),
        ("A title without an end\n\nA sentence.", ["A title without an end", "A sentence."]),
        (
            "Short title\nA much longer line that makes a sentence here.",
            ["Short title", "A much longer line that makes a sentence here."],
        ),
        (
            "A line that was wrapped at some\nwidth goes on here.",
            ["A line that was wrapped at some\nwidth goes on here."],
        ),
        ("- one thing\n- another thing", ["- one thing", "- another thing"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected
