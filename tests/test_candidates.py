"""Spans to answers: one scale, agreement, places, near-duplicates."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from index.types import Chunk, Hit
from qa.candidates import (
    Candidate,
    Place,
    also_said,
    best_wording,
    group_answers,
    is_explanation,
    spells_out,
    whole_long_form,
)
from qa.metrics import exact_match, f1


def candidate(
    text: str,
    doc: str = "a",
    start: int = 0,
    score: float = 1.0,
    null: float = 0.0,
    rank: int = 1,
    passage: str = "…",
    retrieval: float = 0.0,
) -> Candidate:
    hit = Hit(Chunk(f"{doc}:0-999", doc, 0, 999, passage), score=retrieval, rank=rank)
    return Candidate(hit, Place(doc, start, start + len(text)), text, score, null)


def stands_in(passage: str, text: str) -> Candidate:
    """Return ``text`` as it stands in a passage that is not its document's first."""
    chunk = Chunk("a:500-999", "a", 500, 500 + len(passage), passage)
    start = 500 + passage.index(text)
    return Candidate(Hit(chunk, 0.0, 1), Place("a", start, start + len(text)), text, 1.0, 0.0)


def test_the_same_answer_in_two_documents_adds_up_and_both_places_are_kept() -> None:
    first, second = group_answers(
        [
            candidate("Paris", "a", score=2.0),
            candidate("the Rome", "b", score=1.6),
            candidate("Rome", "c", score=1.5),
        ]
    )
    assert (first.text, first.documents) == ("the Rome", 2)
    assert first.places == (Place("b", 0, 8), Place("c", 0, 4))
    assert second.text == "Paris"
    assert first.share + second.share == pytest.approx(1)
    assert first.share > second.share


def test_what_overlaps_a_place_of_an_answer_is_that_answer() -> None:
    [group] = group_answers(
        [
            candidate("14 July", "a", score=3.0),
            candidate("14 July", "b", start=20, score=2.0),
            candidate("July 2024", "b", start=23, score=1.0),
        ]
    )
    assert group.text == "14 July"


def test_an_answer_is_what_its_best_span_says_not_what_was_added_to_it() -> None:
    groups = group_answers(
        [
            candidate("June", "a", score=3.0),
            candidate("June or July", "a", score=2.0),
            candidate("July", "b", score=1.0),
        ]
    )
    assert [group.text for group in groups] == ["June", "July"]


@pytest.mark.parametrize("better", [{"score": 2.0}, {"null": -1.0}, {"retrieval": 1.0}])
def test_margins_and_passages_scores_are_logits_of_one_softmax(better: dict[str, float]) -> None:
    rome, paris = group_answers([candidate("Paris", "a"), candidate("Rome", "b", **better)])
    assert (rome.text, paris.text) == ("Rome", "Paris")
    assert rome.share / paris.share == pytest.approx(math.e)


PLACES = st.builds(
    lambda doc, start, length: Place(doc, start, start + length),
    st.sampled_from("ab"),
    st.integers(0, 3),
    st.integers(1, 2),
)


@given(PLACES, PLACES)
def test_places_overlap_where_they_share_a_character(one: Place, other: Place) -> None:
    ones, others = ({(at.doc_id, n) for n in range(at.start, at.end)} for at in (one, other))
    assert one.overlaps(other) == bool(ones & others)


def test_where_a_passage_does_not_answer_the_same_words_prove_nothing() -> None:
    # Seen: "How many layers does Webb's sunshield have?" cited, besides, "the five galaxies of Stephan's Quintet".
    sure, even, no = (
        candidate("five", doc, score=score, null=2.0)
        for doc, score in (("a", 9.0), ("b", 2.0), ("c", 1.9))
    )
    [group] = group_answers([no, even, sure])
    assert group.places == (sure.place, even.place)
    [alone] = group_answers([no])
    assert alone.places == (no.place,)


def test_a_place_that_two_passages_hold_counts_once() -> None:
    twice = [candidate("Rome", score=1.0, rank=1), candidate("Rome", score=0.9, rank=2)]
    first, second = group_answers([*twice, candidate("Paris", "b", score=1.0)])
    assert first.share == pytest.approx(second.share)
    assert {len(first.places), len(second.places)} == {1}


def test_overlapping_spans_and_longer_names_fold_into_one_answer() -> None:
    groups = group_answers(
        [
            candidate("Antony Blinken", "a", start=19, score=3.0),
            candidate("Secretary of State Antony Blinken", "a", start=0, score=2.0),
            candidate("Blinken", "b", score=2.5),
            candidate("Biden", "b", start=50, score=1.0),
        ]
    )
    assert [group.text for group in groups] == ["Antony Blinken", "Biden"]
    assert groups[0].places == (Place("a", 19, 33),)  # only where just this stands
    assert groups[0].documents == 2


def test_a_number_inside_a_longer_answer_is_another_answer() -> None:
    groups = group_answers([candidate("14 July 2024", "a"), candidate("14", "b")])
    assert len(groups) == 2


def test_the_wording_that_most_say_is_the_answer() -> None:
    groups = group_answers(
        [
            candidate("Carlos Alcaraz", "a", score=1.2),
            candidate("Alcaraz", "b", score=1.0),
            candidate("Alcaraz", "c", score=1.0),
        ]
    )
    assert [group.text for group in groups] == ["Alcaraz"]
    assert len(groups[0].places) == 2


def test_copies_of_a_story_are_one_witness() -> None:
    story = "Rome will hold the games, said the committee after a vote that took the whole night."
    edited = story.replace("a vote", "the vote") + " Nobody was surprised."
    other = "The games go to Rome. A vote of the committee went on until the morning, it is said."
    said = [candidate("Rome", "a", passage=story), candidate("Rome", "b", passage=edited)]
    [group] = group_answers(said)
    assert (group.documents, len(group.places)) == (1, 2)
    [group] = group_answers([*said, candidate("Rome", "c", passage=other)])
    assert (group.documents, len(group.places)) == (2, 3)


def test_where_else_its_sentence_stands_an_answer_is_cited() -> None:
    found = stands_in("It rained. The bridge was closed for two days.", "two days")
    edited = "The bridge was closed for about two days. It had rained."
    hits = [
        Hit(Chunk(f"{doc}:{first}-999", doc, first, 999, text), 0.0, 2)
        for doc, first, text in (
            ("b", 300, edited),
            ("b", 310, edited[10:]),  # overlaps it
            ("c", 0, "He was in town for two days."),
        )
    ]
    [group] = group_answers([found])
    start = 300 + edited.index("two days")
    assert also_said(group, [found.hit, *hits]) == [Place("b", start, start + len("two days"))]


def test_nothing_gives_nothing() -> None:
    assert group_answers([]) == []


SPANS = st.lists(
    st.builds(
        candidate,
        st.sampled_from(["Rome", "the Rome", "Paris", "14", "in Paris, France", "!"]),
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.floats(-50, 50),
        st.floats(-50, 50),
        st.integers(1, 6),
    ),
    min_size=1,
    max_size=12,
)


@given(SPANS, st.randoms(use_true_random=False))
def test_shares_add_up_and_the_order_of_spans_does_not_matter(
    spans: list[Candidate], draw: random.Random
) -> None:
    # No two passages have one rank.
    candidates = [
        replace(span, hit=replace(span.hit, rank=rank)) for rank, span in enumerate(spans)
    ]
    groups = group_answers(candidates)
    assert math.isclose(sum(group.share for group in groups), 1.0, rel_tol=1e-9)
    assert [g.share for g in groups] == sorted((g.share for g in groups), reverse=True)
    for group in groups:
        assert group.places[0] == group.best.place
        assert not any(one.overlaps(other) for one, other in combinations(group.places, 2))
        assert group.documents >= len({place.doc_id for place in group.places})
    draw.shuffle(candidates)
    assert group_answers(candidates) == groups


def test_the_best_wording_is_the_one_closest_to_all() -> None:
    texts = ["a deal of 40 days", "forty", "40 days", "40 days of calm"]
    assert best_wording(texts, [0.25, 0.2, 0.3, 0.25]) == 2
    assert best_wording(texts, [0.1, 0.8, 0.1, 0.0]) == 1
    assert best_wording(["The truce", "truce."], [0.5, 0.5]) == 0, "of equal ones the first"
    with pytest.raises(ValueError, match="empty"):
        best_wording([], [])


@given(
    st.lists(
        st.tuples(st.text(alphabet="ab .", max_size=8), st.floats(0.01, 1)), min_size=1, max_size=6
    )
)
def test_no_other_wording_expects_more(rows: list[tuple[str, float]]) -> None:
    texts, weights = [text for text, _ in rows], [weight for _, weight in rows]
    expected = [
        sum(w * (exact_match(one, [other]) + f1(one, [other])) for other, w in rows)
        for one in texts
    ]
    chosen = best_wording(texts, weights)
    assert expected[chosen] == pytest.approx(max(expected))
    assert best_wording(texts, [8 * weight for weight in weights]) == chosen


def test_an_answer_is_worded_as_most_of_its_spans_come_closest_to() -> None:
    (group,) = group_answers(
        [
            candidate("in late May", start=0, score=3.0),
            candidate("late May 2024", start=3, score=2.95),
            candidate("late May", start=3, score=2.95),
        ]
    )
    assert group.text == "late May"
    assert group.places == (Place("a", 3, 11),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$1.5 million", "$15 million"),
        ("1.5%", "15%"),
        ("2-1", "21"),
        ("2–1", "21"),
        ("3/4", "34"),
        ("10:30", "1030"),
        ("-5 degrees", "5 degrees"),
        ("1,5 metres", "15 metres"),
        ("C++", "C#"),
        ("15 million people", "1.5 million"),
        ("1.5 million people", "5 million"),
        ("hepatitis A", "hepatitis B"),
        ("Group A", "the group B"),
        ("vitamin A, D and E", "vitamin D and E"),
        ("not guilty", "guilty"),
        ("no new talks", "new talks"),
        ("5%", "5"),
        ("20 %", "20"),
        ("$100", "100"),
        ("half a million euros", "a million euros"),
        ("two hundred thousand", "two hundred"),
        ("two thirds", "two"),
        ("twenty five people", "five people"),
        ("the deputy mayor", "the mayor"),
        ("Vice President", "President"),
        ("Deputy Prime Minister", "Prime Minister"),
        ("the UN", "UN inspectors"),
    ],
)
def test_another_figure_is_another_answer(one: str, other: str) -> None:
    # Seen: "$15 million" of another article, cited for "$1.5 million" and counted as its second witness.
    assert len(group_answers([candidate(one, "a"), candidate(other, "b")])) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,500 people", "1500 people"),
        ("2-1", "2–1"),
        ("the U.S.", "US"),
        ("(1869)", "1869"),
        ("In 1969.", "in 1969"),
        ("about 12,345,678", "About 12345678"),
        ('"Blinken",', "Antony Blinken"),
        ("hepatitis A", "Hepatitis A."),
        ("A star", "a star"),
        ("a plan without precedent", "plan without precedent"),
        ("$1,500", "$1500"),
        ("5%.", "5 %"),
        ("$300 billion", "300 billion dollars"),
        ("deputy mayor Anna Lund", "Anna Lund"),
        ("deputy mayor Anna Lund", "mayor Anna Lund"),
        ("the seven-day truce", "truce"),
        ("the two brothers", "brothers"),
        ("Rio", "Rio de Janeiro"),
        ("one of the founders", "the founders"),
        ("one million dollars", "a million dollars"),
        ("three people, including two children", "three people"),
        ("Deputy Prime Minister Dominic Raab", "Prime Minister Dominic Raab"),
    ],
)
def test_one_answer_in_two_spellings_is_one(one: str, other: str) -> None:
    [group] = group_answers([candidate(one, "a"), candidate(other, "b")])
    assert group.share == pytest.approx(1)


def test_an_answer_far_behind_still_has_a_share() -> None:
    groups = group_answers(
        [candidate("Rome", "a", score=900.0), candidate("Paris", "b", score=0.0)]
    )
    assert all(group.share > 0 for group in groups)


@pytest.mark.parametrize(
    ("text", "short", "spelt"),
    [
        ("Base Realignment and Closure", "BRAC", True),
        ("Conference of the Parties", "COP28", True),
        ("the random-access memory", "ram", True),
        ("Richmond, Fredericksburg and Potomac Railroad", "R.F.&P.", True),
        ("radio detection and ranging", "RADAR", True),
        ("New York Mercantile Exchange", "NYMEX", True),
        ("Closure", "BRAC", False),
        ("Closure (BRAC)", "BRAC", False),
        ("European Space Agency", "NASA", False),
        ("personal identification number", "RAM", False),
        ("access memory, random", "RAM", False),
        ("BRAC", "BRAC", False),
        ("X of XX", "XX", False),
        ("Europe", "e", False),
        ("", "BRAC", False),
        ("2,000", "2000", False),
    ],
)
def test_a_long_form_begins_its_words_with_the_letters_of_the_short_one(
    text: str, short: str, spelt: bool
) -> None:
    assert spells_out(text, short) == spelt


@given(st.lists(st.text("abcXYZé", min_size=1, max_size=5), min_size=2, max_size=6))
def test_what_has_its_initials_is_spelt_out(words: list[str]) -> None:
    short = "".join(word[0] for word in words)
    assume(all(word.lower() != short.lower() for word in words))
    assert spells_out(" of ".join(words), short)


@pytest.mark.parametrize(
    ("passage", "text", "short", "explained"),
    [
        ("It is carbon dioxide (CO2).", "carbon dioxide", "CO2", True),
        ("It is carbon dioxide(CO2).", "carbon dioxide", "CO2", True),
        ("The “deoxyribonucleic acid” (the “DNA”) is", "deoxyribonucleic acid", "dna", True),
        (
            "COVID-19, short for coronavirus disease 2019, is",
            "coronavirus disease 2019",
            "COVID-19",
            True,
        ),
        ("CERN stands for the European Organization", "European Organization", "CERN", True),
        ("FARC (the Revolutionary Armed Forces) left", "Revolutionary Armed Forces", "farc", True),
        ("RAM is fast and a number (PIN) is not", "number", "RAM", False),
        ("RAM is fast memory", "fast memory", "RAM", False),
        ("PROGRAM (a list) ran", "list", "RAM", False),
        ("a list (PROGRAMS)", "list", "PROGRAM", False),
    ],
)
def test_a_short_form_is_explained_beside_it(
    passage: str, text: str, short: str, explained: bool
) -> None:
    assert is_explanation(stands_in(passage, text), short) == explained


@pytest.mark.parametrize(
    ("passage", "text", "short", "whole"),
    [
        (
            "The European Bank for Reconstruction and Development (EBRD) paid",
            "Reconstruction and Development",
            "EBRD",
            "European Bank for Reconstruction and Development",
        ),
        (
            "NIPH (the National Institute of Public Health) left",
            "National Institute",
            "NIPH",
            "National Institute of Public Health",
        ),
        (
            "National Institute of Public Health",
            "Institute of Public Health",
            "NIPH",
            "National Institute of Public Health",
        ),
        ("National Institute", "Institute", "NI", "National Institute"),
        ("NI is the National Institute", "National", "NI", "National Institute"),
        ("NIPH (the National Institute of Public) Health", "National Institute", "NIPH", None),
        # of two letters four words, of six eleven
        ("Agency for the Bureau (AB)", "Bureau", "AB", "Agency for the Bureau"),
        ("Agency for the new Bureau (AB)", "Bureau", "AB", None),
        ("a body, the Agency for the new town Bureau (AB)", "for the new town Bureau", "AB", None),
        ("AB, Agency for the Bureau", "Agency", "AB", "Agency for the Bureau"),
        ("AB, Agency for the new Bureau", "Agency", "AB", None),
        ("AB, Agency of the new town, Bureau of it", "Agency of the new town", "AB", None),
        (
            "Union of the new and of the very quiet X Zoo (UNVQXZ)",
            "Zoo",
            "UNVQXZ",
            "Union of the new and of the very quiet X Zoo",
        ),
        ("Union of the new and of the very, very quiet X Zoo (UNVQXZ)", "Zoo", "UNVQXZ", None),
        ("World Health Organization (WHO)", "World Health Organization", "WHO", None),
        ("World Wide Fund for Nature (WWF)", "World Wide Fund for Nature", "WWF", None),
        ("the Bank of England (BOE)", "Bank of England", "BOE", None),
        (
            "VHF (very high frequency): the band that boats use",
            "(very high frequency): the band that boats use",
            "VHF",
            "very high frequency",
        ),
        ("So. Bank of Europe. Reconstruction and Development (BRD)", "Development", "BRD", None),
        ("It is carbon dioxide (CO2).", "dioxide", "CO2", None),
        ("the deoxyribonucleic acid (DNA)", "acid", "DNA", None),
        ("random, and access, and then some more words to a memory (RAM)", "memory", "RAM", None),
    ],
)
def test_a_long_form_is_whole(passage: str, text: str, short: str, whole: str | None) -> None:
    found = whole_long_form(stands_in(passage, text), short)
    start, end = found.place.start - 500, found.place.end - 500
    assert found.text == passage[start:end] == (whole or text)
