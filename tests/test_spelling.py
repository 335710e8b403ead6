"""Misspelt words of a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex
from index.spelling import Spelling, names_of

TEXTS = [
    "Penicillin cures; the Hubble telescope flew.",
    "Chandrayaan landed. The stated price of doges is 1976 pounds.",
    "Alcaraz won Wimbledon before the market closed.",
    "Another market, another telescope.",
]
SEEDS = ["The open idea of Ruth and Pedro: a melon", "Djokovic lost Wimbledon", "the Nobel Prize"]
KNOWN = frozenset({"telescom"})


def spelling(texts: list[str] = TEXTS, names: frozenset[str] | None = None) -> Spelling:
    lexical = LexicalIndex.build(texts)
    if names is None:
        return Spelling(lexical, KNOWN.__contains__)
    return Spelling(lexical, KNOWN.__contains__, names.__contains__)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("penicilin", "penicillin"),  # a letter missing
        ("pennicillin", "penicillin"),  # too many
        ("penicillim", "penicillin"),  # wrong
        ("hubbel", "hubble"),  # swapped
        ("chandraayn", "chandrayaan"),  # two slips in a long word
        ("Hubbel", "Hubble"),
        ("WIMBELDON", "WIMBLEDON"),
        ("whihc", "which"),  # in no text, but every question may hold it
        ("who won wimbeldon, and whn?", "who won wimbledon, and when?"),
        ("Wht hav they won?", "What have they won?"),
        ("who won teh market", "who won the market"),
        ("telescopy", "telescope"),  # which has its stem, and is no inflection of it
        ("Télescope🦊", "Telescope🦊"),
        ("Did the telescpoe's mirror work?", "Did the telescope's mirror work?"),
        (
            "is it a.penicilin@b.example, or wimbeldon?",
            "is it a.penicilin@b.example, or wimbledon?",
        ),
        ("who won wimbeldon.and whn?", "who won wimbledon.and when?"),
        ("Penicilin/wimbeldon?", "Penicillin/wimbledon?"),
    ],
)
def test_a_misspelt_word_is_put_right(typed: str, meant: str) -> None:
    assert spelling().corrected(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "telescopes",  # inflected
        "states",  # so is "stated"
        "markers",  # a word, if one that no text holds
        "telescom",  # somebody knows it
        "dog",  # short
        "ive",
        "wen",  # a word, if one that is seldom meant
        "WHT hbl",  # capitals; no stop word
        "1967",
        "tubble",  # another first letter
        "markxts",  # two slips in a short word
        "mar-ket a_b_c",
        "penicillin" * 4,
        "penicilin@marke.example",
        "who answers j.penicilin@telescpoe-marke.example.org?",
        "what is on https://wimbeldon.example/penicilin?of=markez",
        "what does www.wimbeldon.example/penicilin say",
        "Https://wimbeldon.example/penicilin",
        "",
    ],
)
def test_other_words_stay(typed: str) -> None:
    assert spelling().corrected(typed) == typed


def test_of_several_words_the_nearest_is_meant_then_the_commonest() -> None:
    texts = ["markel", "market", "market", "marched"]
    assert spelling(texts).corrected("markez") == "market"
    # A letter missing, doubled, swapped, or beside the one that was meant is likelier than another one.
    texts = ["store", "score score", "dress", "dreads", "players players", "player"]
    assert spelling(texts).corrected("srore playerr wher markez") == "store player where markez"
    assert (
        spelling(["sixteenths", "seventeenth seventeen"]).corrected("seventeenht") == "seventeenth"
    )


def test_how_many_is_put_right_though_no_text_holds_many() -> None:
    found = spelling(["Grace May must go."])
    assert found.corrected("How mnay, and how mcuh?") == "How many, and how much?"


@given(st.lists(st.text("abcdehilmorst ", max_size=30), max_size=4), st.text("abcdehilmorst ?"))
def test_a_corrected_question_is_not_corrected_again(texts: list[str], question: str) -> None:
    found = spelling(texts)
    once = found.corrected(question)
    assert found.corrected(once) == once
    assert len(once.split()) == len(question.split())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "who was assasinated in the retirment home?",
            "who was assassinated in the retirement home?",
        ),
        ("a wellknown transaltor", "a wellknown translator"),
        ("Assasinated", "Assasinated"),  # a capital: a name, as far as can be told
        ("lottey", "lottery"),
        ("lotry", "lotry"),  # short
        ("automobizle", "automobizle"),  # no likely slip
        ("marsalla", "marsalla"),  # of a word that is seldom used
    ],
)
def test_what_no_text_holds_is_read_as_a_common_word_of_english(typed: str, meant: str) -> None:
    assert spelling().corrected(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("garantee", "guarantee"),  # one slip in a word of English, two in "granted"
        ("semisters", "semesters"),  # and in "sisters"
        ("arguement", "argument"),  # an unlikely slip, yet only one
        ("granetd", "granted"),  # one slip in a word of the texts
        ("vergastrand", "vargastrand"),  # a name of the texts
        ("vrgastrnd", "vargastrand"),  # no word of English is one slip away
        ("Garantees", "Garantees"),  # it may be a name
    ],
)
def test_one_slip_in_a_word_of_english_is_likelier_than_two_in_one_of_the_texts(
    typed: str, meant: str
) -> None:
    # Seen: of a lamp's "garantee" it was asked as of what was granted.
    texts = ["The sisters granted Vargastrand an agreement."]
    assert spelling(texts).corrected(f"the {typed}") == f"the {meant}"


@pytest.mark.parametrize(
    ("typed", "held"),
    [("organzation", "organisation"), ("recognzed", "recognised"), ("garantee", "guarantees")],
)
def test_a_word_that_the_texts_spell_otherwise_is_read_as_they_spell_it(
    typed: str, held: str
) -> None:
    assert spelling([f"It is {held} here."]).corrected(f"the {typed}") == f"the {held}"


@pytest.mark.parametrize(
    "question",
    [
        "Who heads OPEC?",
        "Does IAEA chief Grossi agree?",
        "Who is DJOKOVITCH?",  # in capitals, if nearly a name of the texts
        "Who is William Ruto?",
        "Who beat Petro?",
        "Is Meloni Italian?",
        "Meloni age",
        "OPEC",
        "who heads opec?",
        "WHO HEADS OPEC?",  # no likely slip
    ],
)
def test_a_name_that_the_texts_lack_stays(question: str) -> None:
    assert spelling(SEEDS).corrected(question) == question


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Did Djokovitch win Wimbeldon?", "Did Djokovic win Wimbledon?"),
        ("did djokovitch win wimbeldon?", "did djokovic win wimbledon?"),
        ("DID DJOKOVIC WIN WIMBELDON?", "DID DJOKOVIC WIN WIMBLEDON?"),
        ("Who won the Nobel Pirze?", "Who won the Nobel Prize?"),
        ("Whech did Nobel win?", "Which did Nobel win?"),  # the first word, and a stop word
        ("Who is Pwdro?", "Who is Pedro?"),
        ("who is petro?", "who is pedro?"),  # without a capital a name is a word like any other
    ],
)
def test_a_name_that_the_texts_hold_is_put_right(typed: str, meant: str) -> None:
    assert spelling(SEEDS).corrected(typed) == meant


@pytest.mark.parametrize(
    "question",
    [
        "Did Michael Gove resign?",
        "Who was Chiang Kai-shek?",
        "Where is Holyrood?",
        "Where is Mena Street?",
        "What is the Smoot-Hawley act?",
        "Who was Mudd?",
        "Who is Noor?",
        "What did Kamerlingh Onnes find?",
    ],
)
def test_a_name_is_no_ordinary_word_of_english(question: str) -> None:
    texts = ["give she mean smooth mud nor ones", "Hollywood gave; what is it? Michael Chiang"]
    assert spelling(texts, frozenset({"hollywood"})).corrected(question) == question


def test_a_name_that_is_a_word_of_english_too_is_put_right() -> None:
    names = frozenset({"israel", "gaza", "philadelphia", "hollywood"})
    found = spelling(
        ["israel hamas market philadelphia hollywood gaza far reaching world development"], names
    )
    for typed, meant in (
        ("the Isreal-Hamas war", "the Israel-Hamas war"),
        ("in Gazs", "in Gaza"),
        ("the Wolrd Cup", "the World Cup"),
        ("the Developmen Bank", "the Development Bank"),
        ("in Philedelpia", "in Philadelphia"),
        ("in Holywood", "in Hollywood"),
        ("the stock-markte", "the stock-market"),
        ("Far-reachng", "Far-reaching"),
        ("Markte day", "Market day"),
    ):
        assert found.corrected(typed) == meant


def test_of_an_abbreviation_two_letters_swapped_or_one_doubled_are_put_right() -> None:
    found = spelling(["html brics isro"])
    assert found.corrected("Is HTLM of BRRICS?") == "Is HTML of BRICS?"
    assert found.corrected("Is ISEO of BRIC?") == "Is ISEO of BRIC?"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("why didnt they win", "why didn't they win"),
        ("Isnt it? It wasnt; it doesnt.", "Isn't it? It wasn't; it doesn't."),
        ("DIDNT THEY", "DIDN'T THEY"),
        ("what theyre saying", "what they're saying"),
        ("whats the market, and hows wimbledon", "what's the market, and how's wimbledon"),
        ("Wheres it? WHENS IT?", "Where's it? WHEN'S IT?"),
        ("why didn't they", "why didn't they"),
        ("the wont cant", "the wont cant"),  # words of English
    ],
)
def test_a_contraction_gets_its_apostrophe(typed: str, meant: str) -> None:
    assert spelling().corrected(typed) == meant
    assert spelling().corrected(meant) == meant


@pytest.mark.parametrize("text", ["foo_barbaz", "abc123defgh", "x-rayed_photos, o'neill’s"])
def test_a_part_of_a_word_of_the_texts_stays(text: str) -> None:
    found = spelling([text])
    for word in text.replace("_", " ").replace("123", " ").split():
        assert found.corrected(word) == word


def test_without_texts_only_stop_words_and_common_ones_are_known() -> None:
    assert spelling([]).corrected("Whihc wimbeldon colection?") == "Which wimbledon collection?"


def test_a_name_is_what_the_texts_write_with_a_capital() -> None:
    is_name = names_of(
        [
            "Talks in Israel will\nGive way. They give it, and give and give, to a strip of land.",
            "Give it to the Gaza Strip, Egypt. Ones that Israelis gave.",
        ]
    )
    names = [word for word in "israel give strip egypt ones gave way".split() if is_name(word)]
    assert names == ["israel", "strip", "egypt"]
