"""Rows -> groups: what is rejected, where targets stand, which passages are negatives."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from index.errors import ConfigError, QuestionFileError
from qa.metrics import normalize_answer
from qa.reader import READER_DIRECTORY, ReaderConfig
from qa.training.data import (
    DataConfig,
    Group,
    Rejected,
    Target,
    TrainingData,
    collate,
    encode,
    join_sentences,
    load_rows,
    put_titles,
    readable_title,
)
from qa.types import Example
from tests.conftest import ROOT

PLAIN = DataConfig(negatives=0.0, unanswerable=0.0, untitled=0.0, messy=0.0)
NAMES = "Ada Berta Clara Doris Edith Frida Greta Helga Irma Judith Klara Lotte".split()
THINGS = "observatory library museum theatre harbour brewery".split()


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_file(str(READER_DIRECTORY / "tokenizer.json"))
    loaded.encode_special_tokens = True
    return loaded


def raw_rows(size: int = 24) -> list[dict[str, Any]]:
    """Rows about who founded what; two contexts an article."""
    rows = []
    for number in range(size):
        name = f"{NAMES[number % 12]} {NAMES[number // 12 % 12]}son"
        thing, year = THINGS[number // 2 % 6], 1800 + number
        context = (
            f"The {thing} of town {number} stands on a hill. It was founded by {name} in {year}. "
            f"Its rooms hold {', '.join(f'{thing[:3]}{letter}{number}' for letter in 'abcdefgh')}."
        )
        for asked, answer in (
            (f"Who founded the {thing} of town {number}?", name),
            (f"When was the {thing} of town {number} founded?", str(year)),
        ):
            answers = {"text": [answer], "answer_start": [context.index(answer)]}
            rows.append(
                {
                    "id": f"{number}-{answer}",
                    "source": "made",
                    "title": f"The_{thing}",
                    "context": context,
                    "question": asked,
                    "answers": answers,
                }
            )
    return rows


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    data = gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode()
    path.write_bytes(data)
    return path


def examples(tmp_path: Path, rows: list[dict[str, Any]] | None = None) -> list[Example]:
    given = raw_rows() if rows is None else rows
    return load_rows([write_rows(tmp_path / "rows.jsonl.gz", given)], Rejected())


def example(context: str, *answers: str, name: str = "x", question: str = "who?") -> Example:
    starts = tuple(context.index(answer) for answer in answers)
    return Example(name, question, context, answers, starts)


def text_of(tokenizer: Tokenizer, pieces: np.ndarray[Any, Any]) -> str:
    return str(tokenizer.decode(pieces.tolist()))


def answer_of(tokenizer: Tokenizer, group: Group) -> set[str]:
    assert group.target is not None
    body = group.passages[group.target.passage][1]
    return {
        text_of(tokenizer, body[start : end + 1])
        for start in group.target.starts
        for end in group.target.ends
    }


def test_bad_rows_are_counted_by_reason_and_named(tmp_path: Path) -> None:
    good, moved, empty, silent, uneven, again, *others = raw_rows()
    moved["answers"]["answer_start"] = [3]
    empty["context"] = " "
    silent["question"] = " "
    uneven["answers"]["answer_start"] = []
    again["id"] = good["id"]
    text = others[0]["context"]  # offsets that Python would take
    others[0]["answers"] = {"text": [text[-5:-1], text[1:5]], "answer_start": [-5, True]}
    others[1]["answers"] = {"text": []}
    others[2]["answers"]["text"].append("nowhere")
    others[2]["answers"]["answer_start"].append(0)
    path = write_rows(
        tmp_path / "a.jsonl", [good, moved, empty, silent, uneven, again, *others[:3]]
    )
    with path.open("a") as file:
        file.write('[1]\n{"id": 3}\n{\n')
        for answers in (
            {"text": ["town"]},
            {"text": ["town"], "answer_start": 5},
            {"text": ["town"], "answer_start": None},
            {"text": "", "answer_start": []},
        ):
            file.write(json.dumps({**others[3], "answers": answers}) + "\n")
    rejected = Rejected()
    rows = load_rows([path], rejected)
    assert [row.id for row in rows] == [good["id"], others[1]["id"], others[2]["id"]]
    assert rows[1].answers == ()
    assert len(rows[2].answers) == 1
    assert rejected.counts() == {
        "answers and offsets differ in number": 1,
        "it is not a row of a question file": 6,
        "its answers have no answer_start, without which nothing can be learnt from them": 1,
        "its context is empty": 1,
        "its id was there before": 1,
        "its question is empty": 1,
        "no offset of its answers matches": 2,
    }
    assert rejected.reasons["no offset of its answers matches"][0] == "a.jsonl, line 2"


def test_a_file_without_rows_and_one_that_is_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionFileError, match=r"no question file at .*none\.jsonl"):
        load_rows([tmp_path / "none.jsonl"], Rejected())
    wrong = r"a\.jsonl holds no row .*\(2 rows: it is not a row of a question file\)"
    with pytest.raises(QuestionFileError, match=wrong):
        load_rows([write_rows(tmp_path / "a.jsonl", [{"id": "1"}] * 2)], Rejected())
    # What an earlier file lost is no reason of a later one.
    some = write_rows(tmp_path / "some.jsonl", [{"id": "1"}, *raw_rows(1)])
    with pytest.raises(QuestionFileError, match=r"b\.jsonl holds no row .*\(it is empty\)"):
        load_rows([some, write_rows(tmp_path / "b.jsonl", [])], Rejected())


@pytest.mark.parametrize(
    ("title", "readable"),
    [
        (
            "https://x.org/2016/opinion/hope-and-dread-are-infused.html",
            "Hope and dread are infused",
        ),
        ("https://x.org/wiki/Mount_Rainier/", "Mount Rainier"),
        ("https://x.org/caf%C3%A9-life?page=2", "Café life"),
        ("https://x.org", ""),
        ("http://[draft]x/hope", ""),
        ("https://x.org/2015/04", ""),
        ("Armenian_Apostolic_Church", "Armenian Apostolic Church"),
        ("wikipedia:16016", ""),
        ("", ""),
    ],
)
def test_titles_are_as_a_document_would_have_them(title: str, readable: str) -> None:
    assert readable_title(title) == readable


def test_a_target_is_the_answer_in_its_own_passage(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = examples(tmp_path)
    data = TrainingData.build(rows, tokenizer, PLAIN)
    assert len(data) == data.epoch_size == 48
    for number, row in enumerate(rows):
        group = data.group(0, number, number)
        ((title, body, _),) = group.passages
        assert answer_of(tokenizer, group) == {row.answers[0].lower()}
        assert text_of(tokenizer, group.question) == row.question.lower()
        assert text_of(tokenizer, title) == row.title.lower().replace("_", " ")
        assert len(body) <= PLAIN.pieces


def test_all_answers_are_targets_in_whole_words(tokenizer: Tokenizer) -> None:
    context = "He played for the Yankees of unbelievable New York."
    row = example(context, "Yankee", "the Yankees", "New York", "believable")
    group = TrainingData.build([row], tokenizer, PLAIN).group(0, 0, 0)
    assert group.target is not None
    body = group.passages[0][1]
    words = tokenizer.encode(context, add_special_tokens=False)
    starts = {words.word_ids[at] for at in group.target.starts}
    ends = {words.word_ids[at] for at in group.target.ends}
    assert (starts, ends) == ({3, 4, 6, 7}, {4, 6, 8})
    assert text_of(tokenizer, body[group.target.starts[1] :]).startswith("yankees")


def test_a_long_context_is_read_in_chunks_that_hold_the_answer(tokenizer: Tokenizer) -> None:
    sentences = [f"Number {n} is the favourite of person {n} in this town." for n in range(60)]
    context = " ".join(sentences)
    answer = "person 41"
    group = TrainingData.build([example(context, answer)], tokenizer, PLAIN).group(0, 0, 0)
    assert answer_of(tokenizer, group) == {answer}
    assert len(group.passages[0][1]) <= 160


def test_an_answer_that_no_passage_holds_whole_rejects_its_row(tokenizer: Tokenizer) -> None:
    sentences = " ".join(f"Sentence {n} says a few words more." for n in range(60))
    rejected = Rejected()
    rows = [example(sentences, sentences[5:-5], name="long"), example("It is red.", "red")]
    data = TrainingData.build(rows, tokenizer, PLAIN, rejected=rejected)
    assert len(data) == 1
    assert rejected.reasons == {"no passage holds the whole answer": ["row long"]}


def test_a_row_names_its_context_by_its_digest(tmp_path: Path) -> None:
    known = raw_rows(1)[0]
    digest = hashlib.sha256(known["context"].encode()).hexdigest()
    at = known["context"].index("a hill")

    def row(name: str, sha256: Any, *spans: Any) -> dict[str, Any]:
        about = {"id": name, "source": "own", "question": "On what?", "spans": spans}
        return about | {"context_sha256": sha256}

    rows = [
        row("asked", digest, [at, at + 6], [at + 2, at + 6]),
        row("unanswered", digest),
        row("beyond", digest, [at, 9999]),
        row("unknown", "0" * 64, [0, 3]),
        row("no digest", [digest], [0, 3]),
        row("no pair", digest, [0]),
    ]
    files = [write_rows(tmp_path / "known.jsonl", [known])]
    files += [write_rows(tmp_path / "own.jsonl.gz", rows)]
    rejected = Rejected()
    _, asked, unanswered = load_rows(files, rejected)
    assert asked == Example(
        "asked",
        "On what?",
        known["context"],
        ("a hill", "hill"),
        (at, at + 2),
        source="own",
        title=known["title"],
    )
    assert (unanswered.context, unanswered.answers) == (known["context"], ())
    assert dict(rejected.reasons) == {
        "no offset of its answers matches": ["own.jsonl.gz, line 3"],
        "its context is in none of the rows before it": ["own.jsonl.gz, line 4"],
        "it is not a row of a question file": ["own.jsonl.gz, line 5", "own.jsonl.gz, line 6"],
    }


def test_a_row_that_is_left_out_still_brings_its_context(tmp_path: Path) -> None:
    known = raw_rows(1)[0]
    wrong = known | {"answers": {"text": ["a hill"], "answer_start": [1]}}
    named = {
        "id": "asked",
        "question": "On what?",
        "context_sha256": hashlib.sha256(known["context"].encode()).hexdigest(),
        "spans": [],
    }
    rejected = Rejected()
    [asked] = load_rows([write_rows(tmp_path / "a.jsonl", [wrong, named])], rejected)
    assert (asked.id, asked.context, asked.title) == ("asked", known["context"], known["title"])
    assert rejected.counts() == {"no offset of its answers matches": 1}


def test_sources_to_join_that_are_not_there_are_named(tokenizer: Tokenizer) -> None:
    rows = [example("It is red.", "red")]
    with pytest.raises(ConfigError, match="No rows are of nosuch, whose sentences"):
        TrainingData.build(rows, tokenizer, replace(PLAIN, joined=("nosuch",)))
    assert len(TrainingData.build(rows, tokenizer, replace(PLAIN, joined=("qamr",)))) == 1


@pytest.mark.parametrize(
    ("name", "least", "sources"),
    [
        ("questions", 30_000, {"own", "own-more", "own-pairs", "own-wiki"}),
        ("near", 30_000, {"own-near", "own-rivals"}),
    ],
)
def test_the_questions_that_ship_have_no_texts(name: str, least: int, sources: set[str]) -> None:
    with gzip.open(ROOT / f"qa/training/{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert len({row["id"] for row in rows}) == len(rows) > least
    assert {row["source"] for row in rows} == sources
    for row in rows:
        assert row.keys() == {"id", "source", "context_sha256", "question", "spans"}
        assert re.fullmatch("[0-9a-f]{64}", row["context_sha256"])
        assert row["question"] == row["question"].strip() != ""
        assert all(0 <= start < end for start, end in row["spans"])


@pytest.mark.parametrize(
    ("name", "least", "kinds"),
    [
        ("articles", 40_000, {"own-articles", "own-stories", "own-subjects", "own-encyclopedia"}),
        ("headlines", 6_000, {"own-headlines"}),
        ("families", 8_000, {"own-sections", "own-families"}),
    ],
)
def test_the_articles_that_ship_can_be_trained_on_as_they_are(
    name: str, least: int, kinds: set[str]
) -> None:
    file = ROOT / f"qa/training/{name}.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        raw = [json.loads(line) for line in lines]
    rejected = Rejected()
    rows = load_rows([file], rejected)
    assert rejected.counts() == {}
    assert len(rows) == len(raw) > least
    assert {row.source for row in rows} == kinds
    assert all(row.title for row in rows)
    # A text stands once; the other rows about it name it.
    texts = [row["context"] for row in raw if "context" in row]
    assert len(set(texts)) == len(texts) == len({row.context for row in rows})


@pytest.mark.parametrize("name", ["headlines", "families"])
def test_the_articles_to_measure_with_are_none_that_was_trained_on(name: str) -> None:
    learnt = load_rows([ROOT / f"qa/training/{name}.jsonl.gz"], Rejected())
    rows = load_rows([ROOT / f"tests/golden/{name}.jsonl.gz"], rejected := Rejected())
    assert rejected.counts() == {}
    assert not {row.title for row in rows} & {row.title for row in learnt}
    assert not {row.question.lower() for row in rows} & {row.question.lower() for row in learnt}
    assert all(row.context.startswith(f"{row.title}\n\n") for row in [*rows, *learnt])


def test_the_headlines_to_measure_with_say_where_the_answer_stands() -> None:
    rejected = Rejected()
    rows = load_rows([ROOT / "tests/golden/headlines.jsonl.gz"], rejected)
    assert rejected.counts() == {}
    assert {row.source for row in rows} == {"headline", "text", "nothing"}
    for row in rows:
        assert row.source in (("headline", "text") if row.answers else ("nothing",))
        if row.source == "headline":
            (answer,) = set(row.answers)
            assert answer in row.title
            assert answer not in row.context[len(row.title) :]


@pytest.mark.parametrize("name", ["qa/training/folders", "tests/golden/folders"])
def test_the_folders_are_articles_with_near_misses(name: str) -> None:
    file = ROOT / f"{name}.jsonl.gz"
    rejected = Rejected()
    rows = load_rows([file], rejected)
    assert rejected.counts() == {}
    by_article: dict[str, list[Example]] = {}
    for row in rows:
        by_article.setdefault(row.context, []).append(row)
    assert len(by_article) >= 40
    assert len({row.title for row in rows}) == len(by_article)
    for article, about in by_article.items():
        assert 400 <= len(article.split()) <= 700
        assert [sum(bool(row.answers) is kind for row in about) for kind in (True, False)] == [8, 7]


def test_the_folders_to_measure_with_are_none_that_was_fitted_to() -> None:
    fitted, measured = (
        {row.context for row in load_rows([ROOT / name], Rejected())}
        for name in ("qa/training/folders.jsonl.gz", "tests/golden/folders.jsonl.gz")
    )
    assert fitted.isdisjoint(measured)


def test_negatives_hold_no_answer_and_are_of_other_contexts(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    rows = examples(tmp_path)
    config = DataConfig(negatives=3.0, near=0.5, unanswerable=0.0, untitled=0.0, messy=0.0)
    data = TrainingData.build(rows, tokenizer, config)
    contexts = {f" {normalize_answer(row.context)} ": row.context for row in rows}
    assert len(contexts) == 24
    for number, row in enumerate(rows):
        group = data.group(0, number, number)
        assert group.target is not None
        texts = [text_of(tokenizer, body) for _, body, _ in group.passages]
        assert len(set(texts)) == len(texts) == 4
        normal = [f" {normalize_answer(text)} " for text in texts]
        held = [f" {normalize_answer(row.answers[0])} " in text for text in normal]
        assert [place for place, holds in enumerate(held) if holds] == [group.target.passage]


def test_near_negatives_are_of_the_same_article(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = examples(tmp_path)
    for near in (1.0, 0.0):
        config = DataConfig(negatives=1.0, near=near, unanswerable=0.0, untitled=0.0, messy=0.0)
        data = TrainingData.build(rows, tokenizer, config)
        same = [
            len({text_of(tokenizer, title) for title, _, _ in data.group(0, n, n).passages}) == 1
            for n in range(len(rows))
        ]
        assert all(same) if near else not all(same)


def test_another_version_of_the_gold_text_is_no_negative(tokenizer: Tokenizer) -> None:
    text = "The war of the roses was won by {} on a cold field near the small town of Bosworth."
    other = "The war of the pumpkins was lost on Tuesday."
    rows = [
        example(text.format("Henry"), "Henry", name="1", question="Who won the war of the roses?"),
        example(text.format("Ada"), "Bosworth", name="2", question="Where was the war won?"),
        example(other, "Tuesday", name="3", question="When was the war of pumpkins?"),
    ]
    config = DataConfig(negatives=5.0, unanswerable=0.0, messy=0.0)
    group = TrainingData.build(rows, tokenizer, config).group(0, 0, 0)
    texts = {text_of(tokenizer, body) for _, body, _ in group.passages}
    assert len(texts) == 2
    assert not any("ada" in text for text in texts)


def test_a_taken_gold_passage_leaves_the_null(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = examples(tmp_path)
    config = DataConfig(negatives=0.0, unanswerable=1.0, messy=0.0)
    data = TrainingData.build(rows, tokenizer, config)
    for number, row in enumerate(rows):
        group = data.group(0, number, number)
        assert group.target is None
        assert len(group.passages) == 1
        assert row.answers[0].lower() not in text_of(tokenizer, group.passages[0][1])


def test_a_long_question_is_cut_as_the_reader_cuts_it(tokenizer: Tokenizer) -> None:
    row = example("It is red.", question="what colour " * 99)
    group = TrainingData.build([row], tokenizer, PLAIN).group(0, 0, 0)
    assert len(group.question) == ReaderConfig().max_question


def test_a_row_without_answers_is_read_in_its_context(tokenizer: Tokenizer) -> None:
    group = TrainingData.build([example("It is red.")], tokenizer, PLAIN).group(0, 0, 0)
    assert group.target is None
    assert text_of(tokenizer, group.passages[0][1]) == "it is red."


def test_a_row_without_answers_has_no_negatives_as_they_may_hold_one(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    raw = raw_rows()
    asked = raw[0] | {"id": "elsewhere", "context": raw[2]["context"]}  # another context answers it
    asked["answers"] = {"text": [], "answer_start": []}
    config = DataConfig(negatives=5.0, unanswerable=0.0, messy=0.0)
    data = TrainingData.build(examples(tmp_path, [*raw, asked]), tokenizer, config)
    group = data.group(0, 0, len(raw))
    assert group.target is None
    assert [text_of(tokenizer, body) for _, body, _ in group.passages] == [asked["context"].lower()]


def test_shares_are_what_the_settings_say(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = examples(tmp_path)
    config = DataConfig(negatives=0.6, unanswerable=0.2, untitled=0.25, messy=0.3)
    data = TrainingData.build(rows, tokenizer, config)
    groups = [data.group(epoch, row, row) for epoch in range(20) for row in range(len(rows))]
    untitled = np.mean([not any(len(title) for title, _, _ in g.passages) for g in groups])
    refused = np.mean([g.target is None for g in groups])
    held = [len(g.passages) - 1 for g in groups if g.target is not None]
    asked = {row.question.lower() for row in rows}
    messy = np.mean([tokenizer.decode(g.question.tolist()) not in asked for g in groups])
    assert untitled == pytest.approx(0.25, abs=0.06)
    assert refused == pytest.approx(0.2, abs=0.06)
    assert np.mean(held) == pytest.approx(0.6, abs=0.08)
    assert 0.2 < messy < 0.4


def test_weights_say_how_often_a_source_comes(tmp_path: Path, tokenizer: Tokenizer) -> None:
    raw = raw_rows()
    for row in raw[:20]:
        row["source"] = "few"
    rows = examples(tmp_path, raw)
    config = DataConfig(weights={"few": 0.3, "made": 2.0})
    data = TrainingData.build(rows, tokenizer, config)
    assert data.epoch_size == 6 + 56
    first, second = data.epoch(0).tolist(), data.epoch(1).tolist()
    assert sum(row < 20 for row in first) == 6
    assert len(set(first)) == 6 + 28
    assert sorted(first) != sorted(second)
    with pytest.raises(ConfigError, match=r"weights for absent.*of few, made"):
        # Before any passage is cut, for which it takes a tokenizer, and minutes.
        TrainingData.build(rows, None, DataConfig(weights={"absent": 1.0}))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="No row is left"):
        TrainingData.build(rows, tokenizer, DataConfig(weights={"few": 0.0, "made": 0.0}))


def test_weights_of_sources_that_are_not_there_are_named(tokenizer: Tokenizer) -> None:
    weighed = DataConfig(weights={"mine": 2.0})
    with pytest.raises(ConfigError, match=r"weights for mine, but .* of \(no source\);"):
        TrainingData.build([example("Ada slept.", "Ada")], tokenizer, weighed)
    with pytest.raises(ConfigError, match="No row is left"):
        TrainingData.build([example("\u200b", "\u200b")], tokenizer)


def test_a_seed_gives_one_order_and_one_group(tmp_path: Path, tokenizer: Tokenizer) -> None:
    rows = examples(tmp_path)
    once, twice, other = (TrainingData.build(rows, tokenizer, seed=seed) for seed in (1, 1, 2))
    assert once.epoch(3).tolist() == twice.epoch(3).tolist() != other.epoch(3).tolist()
    for place in range(30):
        a, b = once.group(3, place, 5), twice.group(3, place, 5)
        assert a.question.tolist() == b.question.tolist()
        assert [p[1].tolist() for p in a.passages] == [p[1].tolist() for p in b.passages]
        assert a.target == b.target


def test_single_sentences_are_read_among_others() -> None:
    rows = [
        Example(
            f"{n}-{q}", "who?", f"Person {n} slept.", (f"Person {n}",), (0,), "qamr", f"a:{n // 3}"
        )
        for n in range(9)
        for q in range(2)
    ]
    joined = join_sentences(rows, ["qamr"], seed=3)
    for row, before in zip(joined, rows, strict=True):
        (start,), (answer,) = row.answer_starts, row.answers
        assert row.context[start : start + len(answer)] == answer
        assert before.context in row.context
        assert 2 <= row.context.count("slept.") <= 4
    assert [a.context for a in joined[::2]] == [b.context for b in joined[1::2]]
    assert len({row.context.index(b.context) for row, b in zip(joined, rows, strict=True)}) > 1
    assert join_sentences(rows, [], seed=3) == rows


def test_a_share_of_contexts_is_put_below_their_titles() -> None:
    rows = [
        Example(
            id=f"{number}-{asked}",
            question=f"Who slept in hut {number}?",
            context=f"Ada slept in hut {number}.",
            answers=("Ada",),
            answer_starts=(0,),
            source="huts",
            title="" if number % 10 == 9 else f"Hut_{number % 150}",
        )
        for number in range(600)
        for asked in range(2)
    ]
    named = [replace(row, source="addresses", title="https://a.test/Hut") for row in rows]
    same = [replace(row, source="a collection", title="Huts") for row in rows]
    assert put_titles([*named, *same], 1.0, seed=3) == [*named, *same]
    assert put_titles(rows, 0.0, seed=3) == rows
    whole = put_titles(rows, 1.0, seed=3)
    for before, row in zip(rows, whole, strict=True):
        (start,), (answer,) = row.answer_starts, row.answers
        assert row.context[start : start + len(answer)] == answer
        lead = before.title.replace("_", " ") + "\n\n" if before.title else ""
        assert row == replace(before, context=lead + before.context, answer_starts=(len(lead),))
    assert put_titles(whole, 1.0, seed=3) == whole
    half = put_titles(rows, 0.5, seed=3)
    moved = [row != before for row, before in zip(half, rows, strict=True)]
    assert moved[::2] == moved[1::2]
    assert np.mean(moved) == pytest.approx(0.45, abs=0.06)


def test_the_cases_of_a_passage_are_those_of_its_words(tokenizer: Tokenizer) -> None:
    one = example("The Ever Given, of NATO, was freed.", "Ever Given")
    ((_, body, cases),) = TrainingData.build([one], tokenizer, PLAIN).group(0, 0, 0).passages
    told = [
        (tokenizer.id_to_token(int(one)), int(case)) for one, case in zip(body, cases, strict=True)
    ]
    assert [word for word, case in told if case == 1] == ["the", "ever", "given"]
    assert [word for word, case in told if case == 2] == ["nato"]


def test_a_batch_is_laid_out_as_the_reader_reads(tokenizer: Tokenizer) -> None:
    def ids(text: str) -> np.ndarray[Any, Any]:
        return encode(tokenizer, text)

    title, gold, long = ids("news"), ids("ada flew home"), ids("nobody flew to any town " * 4)
    none = np.zeros(0, dtype=np.int32)
    small, cases = np.zeros_like(long), np.array([1, 0, 2], dtype=np.int32)
    groups = [
        Group(ids("who flew"), ((title, long, small), (title, gold, cases)), Target(1, (0,), (0,))),
        Group(ids("who slept"), ((none, gold, cases),), None),
    ]
    batch = collate(groups, 101, 102, budget=40)
    assert batch.width == 2 + 1 + len(long) + 3
    assert batch.order.tolist() == [[0, 1], [2, -1]]
    assert [part[0].shape for part in batch.parts] == [(1, 26), (2, 9)]
    row, attention, types, context = (array.tolist() for array in batch.parts[1])
    assert row[0] == [101, *groups[0].question, 102, *title, *gold, 102]
    assert row[1] == [101, *groups[1].question, 102, *gold, 102, 0]
    assert attention[1] == [1] * 8 + [0]
    assert types[0] == [0] * 4 + [1, 2, 1, 3, 1]
    assert [at for at, inside in enumerate(context[0]) if inside] == [5, 6, 7]
    assert np.flatnonzero(batch.starts[0]).tolist() == [1 + batch.width + 5]
    assert np.flatnonzero(batch.ends[1]).tolist() == [0]
    assert batch.tokens == 26 + 9 + 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"messy": 1.5},
        {"negatives": -1.0},
        {"negatives": math.nan},
        {"negatives": 1e9},
        {"weights": {"a": -1.0}},
        {"weights": {"a": math.inf}},
        {"pieces": 1000},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DataConfig(**wrong)
