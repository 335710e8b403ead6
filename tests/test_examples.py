"""Example questions come from the index's own sentences and are kept only if they are answered."""

from __future__ import annotations

import pytest

from qa.types import Answer
from tests.fake_qa import FakeQA, citation, document
from ui import examples
from ui.examples import Candidate, candidates, find_examples, question_of


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "The Alder Bridge was opened to traffic on 19 March 1932.",
            "When was the Alder Bridge opened to traffic?",
        ),
        (
            "Perseverance landed in Jezero crater on 18 February 2021, after seven months.",
            "When did Perseverance land in Jezero crater?",
        ),
        (
            "The Alder Treaty was signed in Oslo by 195 states.",
            "Where was the Alder Treaty signed?",
        ),
        ("David Barnea is the director of Mossad.", "Who is David Barnea?"),
        ("Marie Curie was a physicist.", "Who was Marie Curie?"),
        ("The Suez Canal is a waterway.", "What is the Suez Canal?"),
        (
            "In Doha, US Secretary of State Antony Blinken said so.",
            "Who is the US Secretary of State?",
        ),
        ("Ana Ruiz, the mayor of Lisbon, was there.", "Who is the mayor of Lisbon?"),
        ("Prime Minister Ana Ruiz was there.", None),
        ("When President Ana Ruiz came, it rained.", None),
        ("Ian Moe is a friend.", None),
        ("He was born in 1920.", None),
        ("It was built in Rome in 1920.", None),
        ("The ship was built in 1920.", None),
        ("Slovenia was the first to join.", None),
        ("Observations started again in 2020.", None),
        ("When Kabul fell in 2021 he left.", None),
        ("The Netherlands ended this period in 2002.", None),
        ("Nothing of the kind.", None),
        ("", None),
    ],
)
def test_a_sentence_shows_what_it_answers(sentence: str, question: str | None) -> None:
    assert question_of(sentence, frozenset({"Perseverance", "Slovenia"})) == question


def test_documents_take_turns_and_no_question_comes_twice() -> None:
    one = document("a.txt", "Bo Li is a writer. The Alder Bridge was opened in 1932.")
    two = document("b.txt", "Bo Li is a writer.\n\nThe Elm Bridge was opened in 1940.")
    assert candidates([one, two]) == [
        Candidate("Who is Bo Li?", one.id),
        Candidate("When was the Alder Bridge opened?", one.id),
        Candidate("When was the Elm Bridge opened?", two.id),
    ]


def test_what_the_title_names_comes_first() -> None:
    text = "Bo Li is a writer. The Alder Bridge was opened in 1932."
    first, second = candidates([document("a.txt", text, "A bridge at Alder")])
    assert first.question == "When was the Alder Bridge opened?"
    assert second.question == "Who is Bo Li?"


def test_a_large_index_is_looked_at_evenly() -> None:
    many = [document(f"{n}.txt", f"The Bridge {n} was opened in 1932.") for n in range(1000)]
    asked = [candidate.question for candidate in candidates(many)]
    assert len(asked) == examples.MOST_DOCUMENTS
    assert asked[1] == "When was the Bridge 16 opened?"


def test_examples_are_answered_each_from_its_own_document() -> None:
    texts = [f"The Bridge {name} was opened on {n} May 1931." for n, name in enumerate("ABCDE", 1)]
    qa = FakeQA([document(f"{n}.txt", text) for n, text in enumerate(texts)])
    found = find_examples(qa.documents(), qa.ask_batch)
    assert len(found) == 3
    sources = [qa.ask(question).citations[0].source for question in found]
    assert len(set(sources)) == 3
    assert find_examples(qa.documents(), qa.ask_batch, wanted=1)[0] in found


def test_what_is_refused_misplaced_or_echoed_is_no_example() -> None:
    right = document("right.txt", "The Alder Bridge was opened in 1932.")
    wrong = document("wrong.txt", "In 1932.")
    asked: list[str] = []

    def answering(answer: Answer) -> tuple[str, ...]:
        def ask_batch(questions: object) -> list[Answer]:
            asked.extend(questions)  # type: ignore[call-overload]
            return [answer]

        return find_examples([right], ask_batch)

    def answer(text: str, start: int, of: object = right) -> Answer:
        return Answer("?", text, 0.9, (citation(of, start, start + len(text)),))  # type: ignore[arg-type]

    assert answering(answer("1932", 31)) == ("When was the Alder Bridge opened?",)
    assert answering(Answer("?", None, 0.2)) == ()
    assert answering(answer("1932", 3, wrong)) == ()
    assert answering(answer("Alder Bridge", 4)) == ()
    assert asked == 4 * ["When was the Alder Bridge opened?"]


def test_a_wall_of_capitals_is_not_looked_through() -> None:
    name = "The Harbour Bridge was opened in 1932."
    assert question_of(name) is not None
    assert question_of("AB " * 3000 + name) is None
