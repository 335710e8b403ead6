"""The reader: windows, batches and offsets with a made-up model, then the weights that ship."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from index._marks import paired_marks
from index.errors import ConfigError, ReaderError
from qa.reader import READER_DIRECTORY, Reader, ReaderConfig, _balanced, word_cases, word_offsets
from qa.types import Reading
from tests.conftest import rounds

CLS, SEP, PAD = 101, 102, 0


class FakeSession:
    """A model whose logits depend on a token alone, so that no window or batch can change them."""

    def __init__(self) -> None:
        generator = np.random.default_rng(5)
        self.starts = generator.normal(size=40_000).astype(np.float32)
        self.ends = generator.normal(size=40_000).astype(np.float32)
        self.batches: list[dict[str, np.ndarray[Any, Any]]] = []

    def run(
        self, outputs: Sequence[str], feeds: dict[str, np.ndarray[Any, Any]]
    ) -> list[np.ndarray[Any, Any]]:
        assert list(outputs) == ["start_logits", "end_logits"]
        self.batches.append(feeds)
        ids = feeds["input_ids"]
        return [self.starts[ids], self.ends[ids]]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    loaded = Tokenizer.from_file(str(READER_DIRECTORY / "tokenizer.json"))
    loaded.encode_special_tokens = True
    return loaded


def make(tokenizer: Tokenizer, **config: int) -> tuple[Reader, FakeSession]:
    session = FakeSession()
    return Reader(session, tokenizer, "fake", ReaderConfig(**config)), session  # type: ignore[arg-type]


SMALL = {"window": 28, "overlap": 6, "max_question": 8, "max_title": 4, "max_answer": 6}

WORDS = st.lists(
    st.sampled_from(
        "the envoy flew to doha on sunday unbelievably 1918 é naïve 東京 😀 ok, ( )".split()
    ),
    max_size=60,
).map(" ".join)

ANY_TEXT = st.one_of(
    st.text(max_size=60),  # surrogates and unassigned code points included
    st.text(
        "aé東e\u0301\u0308한😀👩‍👩‍👧 \r\n\t\x1c\x85\u200b\u2028\u00a0\ufffd\ud800شل.½ßİ🇶🇦",
        max_size=60,
    ),
    WORDS,
)


# --- what the model is given ---------------------------------------------------------------------


def test_a_pair_is_laid_out_as_the_model_was_trained(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer)
    reader.read(["Who flew?"], [["An envoy flew.", "He did so on Sunday."]])
    (feeds,) = session.batches
    rows = [
        tokenizer.encode("Who flew?", text) for text in ("He did so on Sunday.", "An envoy flew.")
    ]
    short = len(rows[0].ids) - len(rows[1].ids)
    assert short == 2
    assert feeds["input_ids"].tolist() == [rows[0].ids, rows[1].ids + [PAD] * short]
    assert feeds["token_type_ids"].tolist() == [rows[0].type_ids, rows[1].type_ids + [0] * short]
    assert feeds["attention_mask"].tolist() == [
        [1] * len(rows[0].ids),
        [1] * len(rows[1].ids) + [0] * short,
    ]
    assert all(values.dtype == np.int64 for values in feeds.values())


def test_a_model_of_four_token_types_is_told_the_case_of_words(tokenizer: Tokenizer) -> None:
    passage = "An envoy of NATO flew to Antananarivo\u2019s A-ring, é Élan"
    told = {}
    for types in (2, 4):
        session = FakeSession()
        reader = Reader(session, tokenizer, "fake", token_types=types)  # type: ignore[arg-type]
        reader.read(["Who Flew?"], [[passage]], [["Big News"]])
        (feeds,) = session.batches
        told[types] = feeds["token_type_ids"][0].tolist()
    assert told[2] == [0] * 5 + [1] * (len(told[2]) - 5)
    pieces = [tokenizer.id_to_token(one) for one in feeds["input_ids"][0].tolist()]
    assert told[4][:7] == [0] * 5 + [1] * 2  # neither the question nor the title
    of_case = {
        case: [piece for piece, one in zip(pieces, told[4], strict=True) if one == case]
        for case in (2, 3)
    }
    assert of_case[2] == ["an", "ant", "##ana", "##nar", "##ivo", "a", "el", "##an"]
    assert of_case[3] == ["nato"]


@given(ANY_TEXT)
@settings(max_examples=rounds(40, in_ci=300))
def test_the_pieces_of_a_word_have_the_case_of_the_word(text: str) -> None:
    tokenizer = Tokenizer.from_file(str(READER_DIRECTORY / "tokenizer.json"))
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    offsets = word_offsets(tokenizer.encode(text, add_special_tokens=False))
    cases = word_cases(text, offsets)
    assert cases.shape == (len(offsets),)
    for (start, end), case in zip(offsets.tolist(), cases.tolist(), strict=True):
        word = text[start:end]
        assert (case > 0) == word[:1].isupper()
        assert (case == 2) == (word[:1].isupper() and len(word) > 1 and word.isupper())


def test_a_long_question_is_cut_and_the_passage_is_still_read(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer, max_question=64)
    ((reading,),) = reader.read(["why " * 25_000], [["Because."]])
    assert session.batches[0]["input_ids"].shape == (1, 1 + 64 + 1 + 2 + 1)
    assert reading.spans


def test_the_markers_of_the_model_are_plain_text_in_a_passage(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer)
    reader.read(["[CLS] who [SEP]"], [["It was [SEP] him [CLS] [PAD]."]])
    ids = session.batches[0]["input_ids"][0].tolist()
    assert (ids.count(CLS), ids.count(SEP), ids.count(PAD)) == (1, 2, 0)


@pytest.mark.parametrize("passage", ["", "   ", "\n\t", "\u200b", "\ud800"])
def test_a_passage_without_words_has_no_span(tokenizer: Tokenizer, passage: str) -> None:
    reader, session = make(tokenizer)
    ((reading,),) = reader.read(["Who?"], [[passage]])
    assert reading == Reading((), float(session.starts[CLS]) + float(session.ends[CLS]))


def test_no_question_and_no_passage_is_no_reading(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer)
    assert reader.read([], []) == []
    assert reader.read(["Who?", "When?"], [[], []]) == [[], []]
    assert session.batches == []


def test_questions_and_passages_of_different_number_are_refused(tokenizer: Tokenizer) -> None:
    reader, _ = make(tokenizer)
    with pytest.raises(ValueError, match="2 questions, but passages for 1"):
        reader.read(["Who?", "When?"], [["Now."]])


# --- batches and windows change nothing ----------------------------------------------------------


@settings(max_examples=rounds(15, in_ci=60))
@given(
    st.lists(st.tuples(WORDS, st.lists(WORDS, max_size=4)), max_size=4),
    st.sampled_from([1, 40, 200, 10_000]),
)
def test_a_batch_equals_its_pairs_read_alone(
    tokenizer: Tokenizer, asked: list[tuple[str, list[str]]], budget: int
) -> None:
    reader, session = make(tokenizer, **SMALL, batch_tokens=budget)
    together = reader.read([q for q, _ in asked], [texts for _, texts in asked])
    assert all(
        feeds["input_ids"].size <= budget or len(feeds["input_ids"]) == 1
        for feeds in session.batches
    )
    assert all(feeds["input_ids"].shape[1] <= SMALL["window"] for feeds in session.batches)
    alone, _ = make(tokenizer, **SMALL, batch_tokens=1)
    assert together == [[alone.read([q], [[text]])[0][0] for text in texts] for q, texts in asked]


@settings(max_examples=rounds(25, in_ci=100))
@given(WORDS, WORDS)
def test_overlapping_windows_find_what_one_long_window_finds(
    tokenizer: Tokenizer, question: str, passage: str
) -> None:
    cut, session = make(tokenizer, **SMALL)
    whole, _ = make(tokenizer, **{**SMALL, "window": 500})
    assert cut.read([question], [[passage]]) == whole.read([question], [[passage]])
    pieces = len(tokenizer.encode(passage, add_special_tokens=False).ids)
    rows = sum(len(feeds["input_ids"]) for feeds in session.batches)
    assert (rows > 1) == (pieces > SMALL["window"] - 3 - cut_length(tokenizer, question))


def cut_length(tokenizer: Tokenizer, question: str) -> int:
    pieces = len(tokenizer.encode(question, add_special_tokens=False).ids)
    return min(pieces, SMALL["max_question"])


def test_windows_cover_the_passage_and_share_the_overlap(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer, **SMALL, batch_tokens=1)
    passage = " ".join(str(n) for n in range(30, 80))  # one piece a word
    reader.read(["who"], [[passage]])
    ids = tokenizer.encode(passage, add_special_tokens=False).ids
    assert len(ids) == 50
    rows = sorted(
        (feeds["input_ids"][0].tolist()[3:-1] for feeds in session.batches),
        key=lambda row: ids.index(row[0]),
    )
    room = 28 - 1 - 3
    assert rows == [ids[at : at + room] for at in (0, 18, 36)]


# --- offsets -------------------------------------------------------------------------------------


@settings(max_examples=rounds(50, in_ci=400))
@given(ANY_TEXT, ANY_TEXT)
def test_every_span_is_a_trimmed_slice_of_the_passage(
    tokenizer: Tokenizer, question: str, passage: str
) -> None:
    reader, _ = make(tokenizer, **SMALL, spans_per_passage=20)
    ((reading,),) = reader.read([question], [[passage]])
    for span in reading.spans:
        assert 0 <= span.start < span.end <= len(passage)
        text = passage[span.start : span.end]
        assert text == text.strip()
    places = [(span.start, span.end) for span in reading.spans]
    assert len(set(places)) == len(places)
    assert [span.score for span in reading.spans] == sorted(
        (span.score for span in reading.spans), reverse=True
    )
    assert np.isfinite(reading.null_score)


@pytest.mark.parametrize(
    ("passage", "word"),
    [
        ("Zoë Müller-Lüdenscheidt flog nach Genf.", "Genf"),
        ("cafe\u0301 noir de\u0301ja\u0300 vu a Geneve", "Geneve"),  # combining accents
        ("👩‍👩‍👧 😀🇶🇦 met in Doha today", "Doha"),
        ("他们在東京会面 in Tokyo", "Tokyo"),
        ("서울에서 한국어 Seoul", "Seoul"),
        ("\r\n\r\nline one\r\n\tGeneva", "Geneva"),
        ("التقوا في الدوحة Doha", "Doha"),
        ("zero\u200bwidth\u00adsoft \u2028 Doha", "Doha"),
        ("İstanbul ve ßstraße ½ Ankara", "Ankara"),
        ("half \ud800 pair Doha", "Doha"),
    ],
)
def test_offsets_are_characters_of_the_text_as_it_was_given(
    tokenizer: Tokenizer, passage: str, word: str
) -> None:
    reader, session = make(tokenizer)
    piece = tokenizer.encode(word, add_special_tokens=False).ids
    session.starts[piece[0]] = session.ends[piece[-1]] = 100.0
    ((reading,),) = reader.read(["Where?"], [[passage]])
    best = reading.spans[0]
    assert passage[best.start : best.end] == word


def test_a_span_ends_after_a_combining_accent(tokenizer: Tokenizer) -> None:
    passage = "He said de\u0301ja\u0300 twice"
    reader, session = make(tokenizer)
    piece = tokenizer.encode("deja", add_special_tokens=False).ids
    session.starts[piece[0]] = session.ends[piece[-1]] = 100.0
    ((reading,),) = reader.read(["What?"], [[passage]])
    best = reading.spans[0]
    assert passage[best.start : best.end] == "de\u0301ja\u0300"


def test_an_answer_is_never_half_a_word(tokenizer: Tokenizer) -> None:
    passage = "They spoke unbelievably fast"
    reader, session = make(tokenizer)
    pieces = tokenizer.encode("unbelievably", add_special_tokens=False).ids
    assert len(pieces) >= 3
    session.starts[pieces[1]] = session.ends[pieces[1]] = 100.0
    ((reading,),) = reader.read(["How?"], [[passage]])
    best = reading.spans[0]
    assert passage[best.start : best.end] == "unbelievably"


def best_of(tokenizer: Tokenizer, passage: str, words: str) -> str:
    """Return the answer of a reader that points at ``words`` in ``passage``."""
    reader, session = make(tokenizer)
    pieces = tokenizer.encode(passage, add_special_tokens=False)
    at = passage.index(words)
    first = next(i for i, (start, _) in enumerate(pieces.offsets) if start >= at)
    last = max(i for i, (_, end) in enumerate(pieces.offsets) if end <= at + len(words))
    session.starts[pieces.ids[first]] = session.ends[pieces.ids[last]] = 100.0
    ((reading,),) = reader.read(["What?"], [[passage]])
    best = reading.spans[0]
    return passage[best.start : best.end]


@pytest.mark.parametrize(
    ("passage", "words", "answer"),
    [
        ('He said "yet another one" of it', '"yet another one', "yet another one"),
        ('terms such as "GF" (girlfriend)', 'GF"', "GF"),
        ("members called it an “attack.” Then", "an “attack", "an “attack.”"),
        ("a mean of 27 °C (81 °F), at most", "27 °C (81 °F", "27 °C (81 °F)"),
        ('the name "Doha" comes from', 'Doha" comes from', '"Doha" comes from'),
        (
            "in “Family” and “At Twelve,” two books",
            "Family” and “At Twelve",
            "“Family” and “At Twelve,”",
        ),
        ("a “listening tour,” he said", "listening tour,”", "listening tour"),
        ("closure (BRAC) rounds", "(BRAC", "BRAC"),
        ("closure (BRAC) rounds", "closure (", "closure"),
        ("closure (BRAC) rounds", ") rounds", "rounds"),
        ("closure (the rounds of BRAC) ended", "BRAC)", "BRAC"),
        ("It is held (again", "(again", "(again"),  # never closed: no pair
        ("the talks (in Doha) of May", "talks (in Doha) of", "talks (in Doha) of"),
        ("he presents “Carnaval and Fantasie” there", "presents “Carnaval", "presents “Carnaval"),
        ("the players' bus in the '60s", "players' bus in the '60s", "players' bus in the '60s"),
    ],
)
def test_of_two_marks_that_belong_together_an_answer_holds_both_or_none(
    tokenizer: Tokenizer, passage: str, words: str, answer: str
) -> None:
    assert best_of(tokenizer, passage, words) == answer


@pytest.mark.parametrize(
    ("passage", "words", "answer"),
    [
        ("Write to help@quill.example, or call", "help@quill", "help@quill.example"),
        ("Write to help@quill.example, or call", "quill.example", "quill.example"),
        (
            "See https://quill.example/help?a=1. Or",
            "https://quill",
            "https://quill.example/help?a=1",
        ),
        ("some 1,250.5 tonnes", "some 1", "some 1,250.5"),
        ("some 1,250.5 tonnes", "250", "1,250.5"),
        ("some 1.5 kg of it", "5 kg", "1.5 kg"),
        ("on 12.05.2023 in Doha", "2023", "2023"),  # a date, of which a part may be asked
        ("in 1950,1951 and later", "1951", "1951"),
    ],
)
def test_figures_and_addresses_are_not_cut(
    tokenizer: Tokenizer, passage: str, words: str, answer: str
) -> None:
    # Seen: "What is the address of Quill support?" was answered with "https://quill".
    assert best_of(tokenizer, passage, words) == answer


def test_a_mark_alone_is_no_answer(tokenizer: Tokenizer) -> None:
    passage = "closure (BRAC) rounds"
    reader, session = make(tokenizer)
    (piece,) = tokenizer.encode("(", add_special_tokens=False).ids
    session.starts[piece] = session.ends[piece] = 100.0
    ((reading,),) = reader.read(["What?"], [[passage]])
    assert all(passage[span.start : span.end].strip("()") for span in reading.spans)


@settings(max_examples=rounds(100, in_ci=1000))
@given(st.text("ab .,()[]“”\"'’‘«»„", max_size=40))
def test_mended_spans_are_trimmed_distinct_and_stay_as_they_are(
    tokenizer: Tokenizer, passage: str
) -> None:
    reader, _ = make(tokenizer, spans_per_passage=20)
    ((reading,),) = reader.read(["What?"], [[passage]])
    for span in reading.spans:
        text = passage[span.start : span.end]
        assert text
        assert text == text.strip()
        assert _balanced(span, passage, paired_marks(passage)) == span
        assert not any(
            # A mark at an end has its partner in the span.
            (opening in (span.start, span.end - 1) and span.end <= closing)
            or (closing in (span.start, span.end - 1) and opening < span.start)
            for opening, closing in paired_marks(passage)
        )
    assert len({(span.start, span.end) for span in reading.spans}) == len(reading.spans)


# --- the configuration ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"window": 235},  # 235 - 64 - 40 - 3 leaves no more than the overlap
        {"overlap": 28},  # an answer of 30 pieces might stand whole in no window
        {"max_question": 0},
        {"max_title": 0},
        {"max_answer": 0},
        {"spans_per_passage": 0},
        {"batch_tokens": 0},
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="no way to read"):
        ReaderConfig(**config)


def test_a_window_longer_than_the_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="600 word pieces is more than the 512"):
        Reader.load(config=ReaderConfig(window=600))


# --- damaged weights -----------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    target = tmp_path / "reader"
    shutil.copytree(READER_DIRECTORY, target)
    return target


def edit_manifest(directory: Path, **changes: object) -> None:
    path = directory / "reader.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"no reader's weights in .*absent"):
        Reader.load(str(tmp_path / "absent"))


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ReaderError, match=f"{name} cannot be read"):
        Reader.load(copy)


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json"])
def test_one_flipped_bit_is_found(copy: Path, name: str) -> None:
    path = copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ReaderError, match=f"{name} is damaged: its SHA-256"):
        Reader.load(copy)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 1}', "\x00", '{"format": 1, "file": 3']
)
def test_a_damaged_manifest_is_named(copy: Path, text: str) -> None:
    (copy / "reader.json").write_text(text)
    with pytest.raises(ReaderError, match=r"reader.json is damaged"):
        Reader.load(copy)


def test_a_manifest_of_another_format_is_named(copy: Path) -> None:
    edit_manifest(copy, format=99)
    with pytest.raises(ReaderError, match="has format 99, and this version reads format 1"):
        Reader.load(copy)


def test_weights_that_are_no_model_are_named(copy: Path) -> None:
    (copy / "reader.onnx").write_bytes(b"not a model")
    edit_manifest(copy, sha256="6dba4c5d0d5a8a4b0ee2c4ea5fa8cb0a5e4a4d2c8e4f0f4e1a0c2f4b1f6d7c11")
    with pytest.raises(ReaderError, match="damaged: its SHA-256"):
        Reader.load(copy)
    import hashlib

    edit_manifest(copy, sha256=hashlib.sha256(b"not a model").hexdigest())
    with pytest.raises(ReaderError, match="does not load"):
        Reader.load(copy)


# --- the weights that ship -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Reader:
    return Reader.load(threads=1)


@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        (
            "Where did the envoys meet?",
            "On Tuesday the envoys met in Doha for five hours. No one spoke to reporters.",
            "Doha",
        ),
        (
            "Who discovered penicillin?",
            "Penicillin was discovered in 1928 by Alexander Fleming, a physician in London.",
            "Alexander Fleming",
        ),
        (
            "When was the bridge opened?",
            "The bridge, 2,737 metres long, was opened to walkers on 27 May 1937.",
            "27 May 1937",
        ),
    ],
)
def test_the_shipped_reader_points_at_the_answer(
    shipped: Reader, question: str, passage: str, answer: str
) -> None:
    ((reading, beside),) = shipped.read([question], [[passage, "Bananas ripen faster in a bag."]])
    best = reading.spans[0]
    assert passage[best.start : best.end] == answer
    assert best.score - reading.null_score > beside.spans[0].score - beside.null_score


def test_the_shipped_reader_reads_far_into_a_long_passage(shipped: Reader) -> None:
    filler = "The committee met again and agreed on nothing of importance that day. "
    passage = filler * 50 + "The treaty was signed in Lisbon by all members. " + filler * 20
    ((reading,),) = shipped.read(["Where was the treaty signed?"], [[passage]])
    best = reading.spans[0]
    assert passage[best.start : best.end] == "Lisbon"


def test_the_fingerprint_names_the_weights(shipped: Reader) -> None:
    manifest = json.loads((READER_DIRECTORY / "reader.json").read_text())
    assert shipped.fingerprint == manifest["sha256"]
    assert (READER_DIRECTORY / manifest["file"]).stat().st_size == manifest["size"] < 50_000_000


def test_reading_needs_no_torch() -> None:
    code = (
        "import sys\nfrom qa.reader import Reader\n"
        "Reader.load(threads=1).read(['Who?'], [['Me.']])\n"
        "print(sorted({'torch', 'transformers', 'gradio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_title_is_read_before_the_passage_and_never_pointed_at(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer)
    [[reading]] = reader.read(["who"], [["one two three"]], [["four five"]])
    [feeds] = session.batches
    pieces = [tokenizer.id_to_token(number) for number in feeds["input_ids"][0]]
    assert pieces == ["[CLS]", "who", "[SEP]", "four", "five", "one", "two", "three", "[SEP]"]
    assert feeds["token_type_ids"][0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    words = {"one two three"[span.start : span.end] for span in reading.spans}
    assert words <= {"one", "two", "three", "one two", "two three", "one two three"}
    assert reader.read(["who"], [["one two three"]], [[""]]) == reader.read(
        ["who"], [["one two three"]]
    )


def test_titles_of_another_number_are_refused(tokenizer: Tokenizer) -> None:
    reader, _ = make(tokenizer)
    with pytest.raises(ValueError, match="one title a passage"):
        reader.read(["who"], [["one", "two"]], [["three"]])


def test_what_is_masked_is_read_and_never_pointed_at(tokenizer: Tokenizer) -> None:
    reader, session = make(tokenizer, spans_per_passage=50)
    passage = "one two three four five"
    masked = passage.index("wo"), passage.index(" three")
    [[reading]] = reader.read(["who"], [[passage]], masked=[[[masked]]])
    [feeds] = session.batches
    pieces = [tokenizer.id_to_token(number) for number in feeds["input_ids"][0]]
    assert pieces[3:-1] == passage.split()
    words = {passage[span.start : span.end] for span in reading.spans}
    below = {"three", "four", "five", "three four", "four five", "three four five"}
    assert words == {"one"} | below


@settings(max_examples=rounds(25, in_ci=100))
@given(WORDS, WORDS, st.data())
def test_no_span_of_any_window_touches_what_is_masked(
    tokenizer: Tokenizer, question: str, passage: str, data: st.DataObject
) -> None:
    reader, _ = make(tokenizer, **SMALL, spans_per_passage=50)
    words = [word.span() for word in re.finditer(r"\S+", passage)]
    masked = [place for place in words if data.draw(st.booleans())]
    [[free]] = reader.read([question], [[passage]])
    [[reading]] = reader.read([question], [[passage]], masked=[[masked]])
    assert reading.null_score == free.null_score
    for span in reading.spans:
        assert not any(span.start < end and start < span.end for start, end in masked)


def test_masks_of_another_number_are_refused(tokenizer: Tokenizer) -> None:
    reader, _ = make(tokenizer)
    with pytest.raises(ValueError, match="one list a passage"):
        reader.read(["who"], [["one", "two"]], masked=[[[(0, 3)]]])
