"""Question files, the three measurements with fakes for what is measured, and predictions."""

import gzip
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.errors import ConfigError, QuestionFileError
from index.types import Chunk, Hit
from qa import evaluate
from qa.types import Answer, Difference, Example, Prediction, Reading, Refusal, Span
from tests.conftest import rounds


def row(number, **changes):
    fields = {
        "id": f"q{number}",
        "source": "news",
        "title": "Talks",
        "context": "They met in Doha.",
        "question": "Where did they meet?",
        "answers": {"text": ["Doha"], "answer_start": [12]},
    }
    return fields | changes


def write(path: Path, rows, opener=open):
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(each) + "\n" for each in rows)
    return path


def example(number, context="They met in Doha.", answers=("Doha",), source="news", title=""):
    return Example(f"q{number}", f"Question {number}?", context, answers, (), source, title)


# --- question files


@pytest.mark.parametrize(
    ("name", "opener"),
    [("q.jsonl", open), ("q.jsonl.gz", gzip.open), ("zipped-but-named.jsonl", gzip.open)],
)
def test_load_reads_plain_and_gzipped(tmp_path, name, opener):
    rows = [row(1), row(2, answers={"text": [], "answer_start": []})]
    first, second = evaluate.load_examples(write(tmp_path / name, rows, opener))
    assert first == Example(
        "q1", "Where did they meet?", "They met in Doha.", ("Doha",), (12,), "news", "Talks"
    )
    assert second.answers == ()


def test_load_takes_rows_without_the_optional_fields(tmp_path):
    bare = row(1, answers={"text": ["Doha"]})
    del bare["source"], bare["title"]
    path = tmp_path / "q.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(bare).encode() + b"\r\n\r\n")
    [read] = evaluate.load_examples(path)
    assert (read.source, read.title, read.answer_starts) == ("", "", ())


MET = evaluate.context_sha256("They met in Doha.")


def test_a_row_may_name_its_context(tmp_path):
    named = {"id": "q2", "question": "Where?", "context_sha256": MET, "spans": [[12, 16]]}
    none = {"id": "q3", "question": "When?", "context_sha256": MET, "spans": []}
    _, second, third = evaluate.load_examples(write(tmp_path / "q.jsonl", [row(1), named, none]))
    assert second == Example("q2", "Where?", "They met in Doha.", ("Doha",), (12,), "", "Talks")
    assert (third.context, third.answers) == (second.context, ())


MALFORMED = {
    "cut off": (b'{"id": "q2", ', "is not JSON in UTF-8"),
    "not UTF-8": (b'{"id": "\xff"}', "is not JSON in UTF-8"),
    "deep": (b"[" * 100_000, "is not JSON in UTF-8"),
    "a list": (b"[1, 2]", "is not a JSON object"),
    "no answers": (json.dumps(row(2, answers=None)), 'no list "answers.text"'),
    "answers as a string": (json.dumps(row(2, answers={"text": "Doha"})), 'no list "answers.text"'),
    "an answer that is a number": (json.dumps(row(2, answers={"text": [7]})), "answers.text"),
    "an empty answer": (json.dumps(row(2, answers={"text": [" "]})), "empty answer"),
    "too few starts": (
        json.dumps(row(2, answers={"text": ["Doha", "met"], "answer_start": [12]})),
        "2 answers but 1 answer starts",
    ),
    "a start that is a string": (
        json.dumps(row(2, answers={"text": ["Doha"], "answer_start": ["12"]})),
        "no list of integers",
    ),
    "an id that is a number": (json.dumps(row(2, id=2)), 'no text as "id"'),
    "no question": (json.dumps(row(2, question=None)), 'no text as "question"'),
    "no context": (json.dumps({k: v for k, v in row(2).items() if k != "context"}), '"context"'),
    "an answer without a context": (json.dumps(row(2, context=" ")), "empty context"),
    "a title that is a list": (json.dumps(row(2, title=[])), 'no text as "title"'),
    "half a character": (json.dumps(row(2, question="\ud83d")), "lone surrogate"),
    "a context that is nowhere": (
        json.dumps({"id": "q2", "question": "Where?", "context_sha256": "0" * 64, "spans": []}),
        "names a context, by its SHA-256, that no row before it has",
    ),
    "a context that is named by a list": (
        json.dumps({"id": "q2", "question": "Where?", "context_sha256": [MET], "spans": []}),
        'has no text as "context_sha256"',
    ),
    "a context without spans": (
        json.dumps({"id": "q2", "question": "Where?", "context_sha256": MET}),
        'has no "spans" of its context',
    ),
    "a span beyond its context": (
        json.dumps({"id": "q2", "question": "Where?", "context_sha256": MET, "spans": [[0, 99]]}),
        "empty answer",
    ),
    "an id given twice": (json.dumps(row(1)), "the id 'q1' of line 1"),
}


@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("opener", [open, gzip.open])
def test_a_malformed_line_is_named(tmp_path, case, opener):
    line, said = MALFORMED[case]
    path = tmp_path / "questions.jsonl"
    good = json.dumps(row(1)).encode()
    with opener(path, "wb") as stream:
        # A blank line counts, so that the number is the one that an editor shows.
        stream.write(good + b"\n\n" + (line if isinstance(line, bytes) else line.encode()) + b"\n")
    with pytest.raises(QuestionFileError) as caught:
        evaluate.load_examples(path)
    assert f"{path}, line 3 " in str(caught.value)
    assert said in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
    missing = tmp_path / "none.jsonl"
    with pytest.raises(QuestionFileError, match=re.escape(f"no question file at {missing}")):
        evaluate.load_examples(missing)
    with pytest.raises(QuestionFileError, match="could not be read"):
        evaluate.load_examples(tmp_path)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(QuestionFileError, match="holds no question"):
        evaluate.load_examples(empty)
    whole = gzip.compress("\n".join(json.dumps(row(at)) for at in range(200)).encode())
    damaged = tmp_path / "damaged.jsonl.gz"
    for data in (whole[: len(whole) // 2], whole[:60] + b"\xff\xff" + whole[62:], whole + b"junk"):
        damaged.write_bytes(data)
        with pytest.raises(QuestionFileError, match=r"damaged\.jsonl\.gz"):
            evaluate.load_examples(damaged)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 3))
def test_samples_are_repeatable_nested_and_in_file_order(small, large, seed):
    examples = [example(at) for at in range(20)]
    few = evaluate.sample(examples, min(small, large), seed)
    many = evaluate.sample(examples, max(small, large), seed)
    assert len(few) == min(small, large, 20)
    assert few == evaluate.sample(examples, min(small, large), seed)
    assert set(few) <= set(many)
    assert few == [each for each in examples if each in few]


def test_limit_samples_by_seed(tmp_path):
    path = write(tmp_path / "q.jsonl", [row(at) for at in range(50)])
    drawn = {
        tuple(each.id for each in evaluate.load_examples(path, limit=10, seed=seed))
        for seed in (0, 0, 1, 2)
    }
    assert len(drawn) == 3
    with pytest.raises(ConfigError, match="limit is 0"):
        evaluate.load_examples(path, limit=0)


# --- the corpus


def test_corpus_holds_each_context_once_with_its_title():
    documents = evaluate.corpus(
        [
            example(1, "one", title="Second-wave_feminism"),
            example(2, "two", title="https://example.org/two"),
            example(3, "one", source="other"),
            example(4, "", answers=()),
            example(5, "three", source=""),
        ]
    )
    assert [(each.text, each.title, each.source) for each in documents] == [
        ("one", "Second-wave feminism", "news/1"),
        ("two", "", "news/2"),
        ("three", "", "context/3"),
    ]
    assert len({each.id for each in documents}) == 3


# --- reading


class FakeReader:
    """Answers each passage as told by its text."""

    def __init__(self, readings):
        self.readings = readings
        self.asked = []

    def read(self, questions, passages):
        self.asked += zip(questions, passages, strict=True)
        return [[self.readings[text] for text in texts] for texts in passages]


def test_reading_takes_the_best_span_and_lets_null_win_only_without_answers():
    sure = Reading((Span(3, 7, 5.0), Span(0, 2, 1.0)), null_score=-900.0)
    unsure = Reading((Span(3, 7, 1.0),), null_score=2.0)
    reader = FakeReader(
        {
            "in Doha": sure,
            "in Rome": unsure,
            "in Oslo": unsure,
            "in Lima": sure,
            "": Reading((), 0.0),
        }
    )
    examples = [
        example(1, "in Doha", ("Doha",)),
        example(2, "in Rome", ("Rome today",), source="wiki"),
        example(3, "in Oslo", ()),
        example(4, "in Lima", (), source="wiki"),
        example(5, "", ()),
    ]
    done = []
    report = evaluate.evaluate_reading(examples, reader, done.append)

    assert reader.asked[1] == ("Question 2?", ["in Rome"])
    assert done == [1] * 5
    assert [each.text for each in report.predictions] == ["Doha", "Rome", None, "Lima", None]
    assert report.predictions[0].confidence == 1.0
    assert report.predictions[1].confidence == pytest.approx(0.26894142)  # 1 / (1 + e)
    assert {each.passage_rank for each in report.predictions} == {None}
    assert (report.kind, report.n) == ("reading", 5)
    # Right: Doha, the refusals of 3 and 5; F1 of "Rome" with "Rome today" is 2/3.
    assert report.metrics["em"] == pytest.approx(60)
    assert report.metrics["f1"] == pytest.approx(100 * (3 + 2 / 3) / 5)
    assert report.metrics["refused"] == pytest.approx(200 / 3)
    assert report.metrics["n_answerable"] == 2
    assert report.metrics["latency_ms"] >= 0
    assert set(report.intervals) == {"em", "f1", "sentence", "refused"}
    assert {name: part.n for name, part in report.sources.items()} == {"news": 3, "wiki": 2}
    assert report.sources["wiki"].metrics["f1"] == pytest.approx(100 / 3)
    assert report.sources["wiki"].intervals["em"] == (0, 0)


@pytest.mark.parametrize(
    ("spans", "starts", "right"),
    [
        ([(20, 24)], (), 100.0),  # "Doha" in the second sentence, where it first stands
        ([(12, 19)], (), 100.0),  # other words of that sentence
        ([(37, 41)], (), 100.0),  # "Doha" again, in the third
        ([(37, 41)], (20,), 0.0),  # which is not meant
        ([(37, 41)], (20, 37), 100.0),  # or is
        ([(0, 4)], (), 0.0),
        ([(0, 4), (20, 24)], (), 0.0),  # only the best span counts
        ([], (), 0.0),
    ],
)
def test_the_sentence_is_right_where_an_accepted_answer_begins_in_it(spans, starts, right):
    text = "Rome slept. He left Doha. It was not Doha."
    answers = ("Doha",) * max(1, len(starts))
    one = Example("q", "Where?", text, answers, starts, "news", "")
    found = tuple(Span(start, end, 9.0 - at) for at, (start, end) in enumerate(spans))
    reader = FakeReader({text: Reading(found, 0.0)})
    assert evaluate.evaluate_reading([one], reader).metrics["sentence"] == right


# --- retrieval and answers


@dataclass
class FakeQA:
    """Finds and answers what it is told, by question."""

    finds: dict[str, list[str]]
    replies: dict[str, Answer] = field(default_factory=dict)
    threshold: float = 0.5
    documents: list = field(default_factory=list)
    calls: list = field(default_factory=list)

    def make(self, documents):
        self.documents = list(documents)
        return self

    def search(self, questions, k=20):
        ids = {document.text: document.id for document in self.documents}
        self.calls.append((len(questions), k))
        return [
            [
                Hit(Chunk(f"{text}{at}", ids[text], 0, 1, text[:1]), -at, at + 1)
                for at, text in enumerate(self.finds.get(question, []))
            ]
            for question in questions
        ]

    def ask_batch(self, questions, *, threshold=None, top=5):
        assert threshold == 0
        return [self.replies[question] for question in questions]


def test_gold_rank_counts_distinct_contexts_not_chunks():
    examples = [
        example(1, "one"),
        example(2, "two"),
        example(3, "three", source="wiki"),
        example(4, "four", answers=()),
    ]
    fake = FakeQA(
        {
            "Question 1?": ["one", "two"],
            "Question 2?": ["one", "one", "one", "two", "two"],
            "Question 3?": ["one", "two"],
            "Question 4?": ["one", "four"],
        }
    )
    done = []
    report = evaluate.evaluate_retrieval(examples, fake.make, progress=done.append)

    assert [document.text for document in fake.documents] == ["one", "two", "three", "four"]
    assert fake.calls == [(4, evaluate.SEARCH_DEPTH)]
    assert sum(done) == 4
    assert [each.passage_rank for each in report.predictions] == [1, 2, None, None]
    assert all(each.text is None for each in report.predictions)
    # Row 4 has no answer, so its context is no right passage: three rows count.
    assert report.metrics == {
        "recall@1": pytest.approx(100 / 3),
        "recall@5": pytest.approx(200 / 3),
        "recall@20": pytest.approx(200 / 3),
        "mrr": pytest.approx(0.5),
        "n_answerable": 3,
    }
    assert set(report.intervals) == set(report.metrics) - {"n_answerable"}
    assert report.sources["wiki"].metrics["recall@20"] == 0


def test_a_sample_is_searched_in_the_corpus_that_is_given():
    everything = [example(at, f"context {at}") for at in range(40)]
    fake = FakeQA({f"Question {at}?": ["context 0", f"context {at}"] for at in range(40)})
    report = evaluate.evaluate_retrieval(
        everything[:35], fake.make, documents=evaluate.corpus(everything)
    )
    assert len(fake.documents) == 40
    assert [calls[0] for calls in fake.calls] == [32, 3]
    assert report.predictions[34].passage_rank == 2


def reply(question, text, confidence):
    refusal = Refusal.NOTHING_CLOSE if text is None else None
    return Answer(question, text, confidence, refusal=refusal)


def test_answers_are_scored_with_and_without_the_threshold():
    examples = [
        example(1, "one", ("in Doha",)),
        example(2, "two", ("Cairo",)),
        example(3, "three", ("Rome",), source="wiki"),
        example(4, "one", ("Oslo",), source="wiki"),
        example(5, "", (), source=""),
        example(6, "", (), source=""),
    ]
    said = [("Doha", 0.9), ("Cairo", 0.2), ("Lima", 0.5), (None, 0.0), ("Bonn", 0.1), ("Bern", 0.8)]
    fake = FakeQA(
        {"Question 1?": ["one"], "Question 3?": ["one", "three"]},
        {f"Question {at}?": reply(f"Question {at}?", *pair) for at, pair in enumerate(said, 1)},
    )
    done = []
    report = evaluate.evaluate_answers(examples, fake.make, progress=done.append)

    assert [document.text for document in fake.documents] == ["one", "two", "three"]
    assert done == [1] * 6
    assert report.predictions[:2] == (
        Prediction("q1", "Doha", 0.9, 1, "news"),
        Prediction("q2", None, 0.2, None, "news", withheld="Cairo"),
    )
    assert [each.passage_rank for each in report.predictions] == [1, None, 2, None, None, None]
    measured = dict(report.metrics)
    assert measured.pop("latency_ms") >= 0
    assert measured == {
        "n_answerable": 4,
        "em": pytest.approx(25),  # Cairo
        "f1": pytest.approx(100 * (2 / 3 + 1) / 4),
        "em_at_threshold": 0,  # Cairo is withheld
        "f1_at_threshold": pytest.approx(100 * (2 / 3) / 4),
        "coverage": pytest.approx(50),  # Doha, Lima (exactly at the threshold), Bern
        "precision": pytest.approx(100 / 3),  # Doha alone
        "refused": pytest.approx(50),  # Bonn is, Bern is not
        "recall@1": pytest.approx(25),
        "recall@5": pytest.approx(50),
        "recall@20": pytest.approx(50),
        "mrr": pytest.approx((1 + 1 / 2) / 4),
        "threshold": 0.5,
        # Five said something: right are Doha .9 and Cairo .2; each is a bin of its own.
        "ece": pytest.approx((0.1 + 0.8 + 0.5 + 0.1 + 0.8) / 5),
        "auroc": pytest.approx((3 + 1) / 6),
        "aurc": pytest.approx((0 + 1 / 2 + 2 / 3 + 2 / 4 + 3 / 5) / 5),
        "coverage@80": pytest.approx(100 / 6),
    }
    assert report.intervals["precision"] == (0, 100)
    assert set(report.sources) == {"news", "wiki"}  # rows without a source count in the whole only
    assert "refused" not in report.sources["news"].metrics
    assert "auroc" not in report.sources["news"].metrics  # both right: undefined
    json.dumps(report.to_dict(), allow_nan=False)


def test_another_threshold_changes_what_is_withheld():
    fake = FakeQA({}, {"Question 1?": reply("Question 1?", "Doha", 0.4)})
    for threshold, answered in ((None, 0), (0.4, 100), (0.0, 100), (0.41, 0)):
        report = evaluate.evaluate_answers([example(1)], fake.make, threshold=threshold)
        assert report.metrics["coverage"] == answered
        assert report.metrics["f1_at_threshold"] == answered
        assert report.metrics["f1"] == 100


def test_nothing_to_measure_is_said():
    with pytest.raises(ConfigError, match="no question"):
        evaluate.evaluate_reading([], FakeReader({}))


# Each draws some 40 bootstrap intervals.
@settings(max_examples=rounds(8, in_ci=25))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Doha", "in Doha", "Rome", None]),
            st.floats(0, 1),
            st.sampled_from([(), ("Doha",), ("Rome",)]),
            st.sampled_from(["", "news", "wiki"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_what_holds_for_any_answers(rows):
    examples = [
        example(at, "c", answers, source) for at, (_, _, answers, source) in enumerate(rows)
    ]
    fake = FakeQA(
        {f"Question {at}?": ["c"] for at in range(len(rows))},
        {
            f"Question {at}?": reply(f"Question {at}?", text, confidence)
            for at, (text, confidence, _, _) in enumerate(rows)
        },
    )
    report = evaluate.evaluate_answers(examples, fake.make)
    no_rate = {"latency_ms", "threshold", "n_answerable"}
    for part in (report, *report.sources.values()):
        got = part.metrics
        assert all(0 <= value <= 100 for name, value in got.items() if name not in no_rate)
        if "em" in got:
            assert got["em"] <= got["f1"]
            assert got["f1_at_threshold"] <= got["f1"]
        for name, (low, high) in part.intervals.items():
            assert low - 1e-9 <= got[name] <= high + 1e-9
    assert sum(part.n for part in report.sources.values()) <= report.n
    json.dumps(report.to_dict(), allow_nan=False)


def test_predictions_are_written_a_row_a_question(tmp_path):
    path = tmp_path / "out.jsonl"
    rows = (
        Prediction("q1", "Café\u2028“Doha”", 0.25, 3, "news"),
        Prediction("q2", None, 0.0, None, "", withheld="Bonn"),
    )
    evaluate.write_predictions(path, "answers", rows)
    written = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert written == [
        {
            "kind": "answers",
            "id": "q1",
            "text": "Café\u2028“Doha”",
            "confidence": 0.25,
            "passage_rank": 3,
            "source": "news",
            "withheld": None,
        },
        {
            "kind": "answers",
            "id": "q2",
            "text": None,
            "confidence": 0.0,
            "passage_rank": None,
            "source": "",
            "withheld": "Bonn",
        },
    ]
    assert evaluate.read_predictions(path, "answers") == {row.id: row for row in rows}
    with pytest.raises(QuestionFileError, match=r"line 1 is of `footnote eval answers`"):
        evaluate.read_predictions(path, "reading")
    with pytest.raises(ConfigError, match="could not be written"):
        evaluate.write_predictions(tmp_path / "no" / "folder.jsonl", "answers", rows)


def run_of(rows: Sequence[Example], texts: Sequence[str | None]) -> dict[str, Prediction]:
    return {
        row.id: Prediction(row.id, text, 0.9, 1, row.source)
        for row, text in zip(rows, texts, strict=True)
    }


def test_two_runs_are_compared_row_by_row(tmp_path: Path) -> None:
    rows = [
        Example(str(n), "q", "Rome or Paris", ("Rome",), (0,), source="ab"[n % 2])
        for n in range(40)
    ]
    first = run_of(rows, ["Paris"] * 20 + ["Rome"] * 20)
    second = run_of(rows, ["Rome"] * 30 + ["Paris"] * 2 + ["Rome"] * 8)
    for name, run in (("a.jsonl", first), ("b.jsonl", second)):
        evaluate.write_predictions(tmp_path / name, "reading", list(run.values()))
    read = [
        evaluate.read_predictions(tmp_path / name, "reading") for name in ("a.jsonl", "b.jsonl")
    ]
    assert read == [first, second]
    found = evaluate.compare("reading", rows, *read, threshold=0.5)
    assert list(found) == ["a", "b", "all"]
    [em] = [one for one in found["all"] if one.metric == "em"]
    assert (em.n, em.first, em.second) == (40, 50.0, 95.0)
    assert 20 < em.low < 45 < em.high < 70
    assert em.p < 0.01
    same = evaluate.compare("answers", rows, first, first, threshold=0.5)
    assert {(one.low, one.high, one.p) for one in same["all"]} == {(0.0, 0.0, 1.0)}
    assert "precision" not in {one.metric for one in same["all"]}


def test_runs_are_compared_with_what_each_refused_unless_a_threshold_is_given() -> None:
    # Seen: two runs of one product, one with `--threshold 0.9`, had the same coverage to the question.
    rows = [Example(str(n), "q", f"Rome, {n}", ("Rome",), (0,)) for n in range(10)]

    def asked(limit: float) -> dict[str, Prediction]:
        found: dict[str, Prediction] = {}
        for n, row in enumerate(rows):
            text, withheld = ("Rome", None) if n / 10 >= limit else (None, "Rome")
            found[row.id] = Prediction(row.id, text, n / 10, 1, "", withheld)
        return found

    def coverage(threshold: float | None, *limits: float) -> tuple[float, float]:
        first, second = map(asked, limits)
        found = evaluate.compare("answers", rows, first, second, threshold=threshold)["all"]
        assert {(one.first, one.second) for one in found if one.metric == "em"} == {(100.0, 100.0)}
        return next((one.first, one.second) for one in found if one.metric == "coverage")

    assert coverage(None, 0.2, 0.9) == (80.0, 10.0)
    assert coverage(None, 0.9, 0.2) == (10.0, 80.0)
    assert coverage(None, 0.0, 1.0) == (100.0, 0.0)
    assert coverage(0.5, 0.2, 0.9) == (50.0, 50.0)


@pytest.mark.parametrize("threshold", [-0.1, 24.0, float("nan")])
def test_a_threshold_that_is_no_probability(threshold: float) -> None:
    rows = [Example("1", "q", "Rome", ("Rome",), (0,))]
    run = run_of(rows, ["Rome"])
    message = f"^threshold is {threshold}; give a probability from 0 to 1.$"
    with pytest.raises(ConfigError, match=message):
        evaluate.compare("answers", rows, run, run, threshold=threshold)
    with pytest.raises(ConfigError, match=message):  # before anything is indexed or asked
        evaluate.evaluate_answers(rows, lambda _: pytest.fail("asked"), threshold=threshold)


def test_a_source_beside_rows_without_one_is_compared() -> None:
    rows = [
        Example(str(n), "q", "Rome", ("Rome",), (0,), source=name)
        for n, name in enumerate(["a", ""])
    ]
    run = run_of(rows, ["Rome", "Paris"])
    assert list(evaluate.compare("reading", rows, run, run, threshold=0.5)) == ["a", "all"]
    [alone, run] = rows[:1], {"0": run["0"]}
    assert list(evaluate.compare("reading", alone, run, run, threshold=0.5)) == ["all"]


def test_files_are_read_as_one(tmp_path: Path) -> None:
    named = {"id": "q2", "question": "Where?", "context_sha256": MET, "spans": [[12, 16]]}
    files = [write(tmp_path / "a.jsonl", [row(1)]), write(tmp_path / "b.jsonl", [named])]
    assert [each.id for each in evaluate.load_examples(*files)] == ["q1", "q2"]
    with pytest.raises(QuestionFileError, match=r"a\.jsonl, line 1 has the id 'q1' of line 1;"):
        evaluate.load_examples(files[0], files[0])
    with pytest.raises(
        QuestionFileError, match=r"c\.jsonl, line 1 has the id 'q1' of .*a\.jsonl, line 1;"
    ):
        evaluate.load_examples(files[0], write(tmp_path / "c.jsonl", [row(1)]))


def test_the_whole_has_another_name_than_each_source() -> None:
    rows = [
        Example(str(n), "q", "Rome", ("Rome",), (0,), source=name)
        for n, name in enumerate(["all", "all", "wire"])
    ]
    run = run_of(rows, ["Rome", "Paris", "Rome"])
    found = evaluate.compare("reading", rows, run, run, threshold=0.5)
    assert {name: differences[0].n for name, differences in found.items()} == {
        "all": 2,
        "wire": 1,
        "(all)": 3,
    }
    assert evaluate.name_of_whole(["a"]) == "all"
    assert evaluate.name_of_whole(["(all)", "all"]) == "((all))"


def test_intervals_are_over_passages_and_not_over_questions() -> None:
    rows = [
        Example(f"{n} {copy}", "q", f"Rome or Paris, {n}", ("Rome",), (0,))
        for copy in range(5)
        for n in range(20)
    ]
    first, second = run_of(rows, ["Rome"] * 100), run_of(rows, (["Rome"] * 15 + ["Paris"] * 5) * 5)

    def em(asked: Sequence[Example]) -> Difference:
        runs = [{row.id: run[row.id] for row in asked} for run in (first, second)]
        found = evaluate.compare("answers", asked, *runs, threshold=0)["all"]
        return next(one for one in found if one.metric == "em")

    many, once = em(rows), em(rows[:20])
    assert (many.low, many.high, many.p) == pytest.approx((once.low, once.high, once.p))
    assert many.low < -25 < many.high


def test_questions_without_a_passage_are_resampled_one_by_one() -> None:
    asked = [Example(str(n), "q", f"Rome, {n}", ("Rome",), (0,)) for n in range(20)]
    nowhere = [Example(f"no {n}", "q", "", (), ()) for n in range(20)]
    each = [replace(example, context=f"Nothing, {n}") for n, example in enumerate(nowhere)]

    def coverage(rows: Sequence[Example]) -> Difference:
        first, second = run_of(rows, [None] * 40), run_of(rows, ["Rome"] * 20 + [None] * 20)
        found = evaluate.compare("answers", rows, first, second, threshold=0)["all"]
        return next(one for one in found if one.metric == "coverage")

    assert coverage([*asked, *nowhere]) == coverage([*asked, *each])


def test_runs_over_other_questions_are_not_compared(tmp_path: Path) -> None:
    rows = [Example(str(n), "q", "Rome", ("Rome",), (0,)) for n in range(3)]
    whole, part = run_of(rows, ["Rome"] * 3), run_of(rows[:2], ["Rome"] * 2)
    with pytest.raises(ConfigError, match="do not belong together"):
        evaluate.compare("reading", rows, whole, part, threshold=0.5)
    with pytest.raises(ConfigError, match="do not belong together"):
        evaluate.compare("reading", rows[:2], whole, whole, threshold=0.5)
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"n": 3, "em": 50.0}\n', encoding="utf-8")
    with pytest.raises(QuestionFileError, match=r"bad\.jsonl, line 1"):
        evaluate.read_predictions(bad, "answers")


def test_load_reads_a_pipe(tmp_path):
    out, into = os.pipe()
    os.write(into, write(tmp_path / "q.jsonl.gz", [row(1), row(2)], gzip.open).read_bytes())
    os.close(into)
    try:
        assert [each.id for each in evaluate.load_examples(f"/dev/fd/{out}")] == ["q1", "q2"]
    finally:
        os.close(out)


@pytest.mark.parametrize(
    "changes", [{"id": None}, {"id": 7}, {"passage_rank": 0}, {"passage_rank": -1}]
)
def test_a_prediction_that_cannot_be_names_its_line(tmp_path: Path, changes: dict) -> None:
    path = tmp_path / "p.jsonl"
    evaluate.write_predictions(path, "retrieval", [Prediction("1", None, 0.0, 2, "")])
    path.write_text(json.dumps(json.loads(path.read_text()) | changes) + "\n", encoding="utf-8")
    with pytest.raises(QuestionFileError, match=r"p\.jsonl, line 1 has "):
        evaluate.read_predictions(path, "retrieval")


def test_predictions_nested_too_deep_are_none(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(QuestionFileError, match=r"p\.jsonl, line 1 is no prediction"):
        evaluate.read_predictions(path, "reading")


def test_a_run_answers_each_question_once(tmp_path: Path) -> None:
    rows = [Example(str(n), "q", "Rome", ("Rome",), (0,)) for n in range(3)]
    predictions = list(run_of(rows, ["Rome"] * 3).values())
    both = tmp_path / "both.jsonl"
    evaluate.write_predictions(both, "reading", [*predictions, replace(predictions[1], text="X")])
    with pytest.raises(QuestionFileError, match=r"both\.jsonl, line 4 has the id '1' of line 2"):
        evaluate.read_predictions(both, "reading")
