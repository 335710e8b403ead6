"""QA: retriever and reader put together, with a reader that finds words instead of reading."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.build import index_documents
from index.errors import IndexDamaged, IndexForeign, IndexMismatch, IndexMissing
from index.store import Store
from index.types import Document, Mark
from qa import QA, Refusal
from qa.answer import QAConfig, quote_span
from qa.confidence import Confidence, Signals
from qa.types import Reading, Span
from tests.fakes import FakeEmbedder


@dataclass
class WordReader:
    """Points at every word of the passage that begins with ``letter``; the longer, the surer."""

    letter: str = "z"
    fingerprint: str = "words"

    def read(
        self,
        questions: Sequence[str],
        passages: Sequence[Sequence[str]],
        titles: Sequence[Sequence[str]] | None = None,
    ) -> list[list[Reading]]:
        assert titles is not None
        assert [len(texts) for texts in titles] == [len(texts) for texts in passages]
        return [[self._read(text) for text in texts] for texts in passages]

    def _read(self, text: str) -> Reading:
        words = re.finditer(rf"\b{self.letter}\w*", text)
        spans = [Span(w.start(), w.end(), float(len(w.group()))) for w in words]
        return Reading(tuple(sorted(spans, key=lambda s: -s.score)[:5]), null_score=0.0)


def confidence(threshold: float = 0.5) -> Confidence:
    weights = {field.name: 0.0 for field in fields(Signals)} | {"margin": 1.0}
    return Confidence(weights, intercept=-4.0, threshold=threshold, measured={})


def document(name: str, text: str, **more: object) -> Document:
    return Document(name, f"Title of {name}", text, f"folder/{name}.txt", **more)  # type: ignore[arg-type]


def qa_of(folder: Path, *documents: Document, config: QAConfig | None = None) -> QA:
    index_documents(folder / "index", documents, embedder=FakeEmbedder())
    return QA(
        Store(folder / "index"),
        WordReader(),  # type: ignore[arg-type]
        confidence(),
        embedder=FakeEmbedder(),
        config=config or QAConfig(),
    )


def test_an_answer_with_its_citations(tmp_path: Path) -> None:
    text = "Nothing here. They met in zanzibar last year. More."
    qa = qa_of(
        tmp_path,
        document("one", text, pages=(Mark(0, 14, "1"), Mark(14, 51, "2"))),
        document("two", "Also zanzibar.", headings=(Mark(0, 14, "Also"),)),
        document("three", "And zoo."),
    )
    answer = qa.ask("Where did they meet?")
    assert answer.text == "zanzibar"
    assert 0.5 <= answer.confidence <= 1
    assert answer.refusal is answer.reason is answer.nearest is None
    assert {citation.quote for citation in answer.citations} == {
        "They met in zanzibar last year.",
        "Also zanzibar.",
    }
    by_source = {citation.source: citation for citation in answer.citations}
    one = by_source["folder/one.txt"]
    assert (one.page, one.heading, one.title) == ("2", None, "Title of one")
    assert by_source["folder/two.txt"].heading == "Also"
    assert text[one.start : one.end] == "zanzibar"
    assert all(citation.verify() for citation in answer.citations)
    assert [alternative.text for alternative in answer.alternatives] == ["zoo"]


def test_a_changed_document_does_not_verify(tmp_path: Path) -> None:
    [citation] = qa_of(tmp_path, document("one", "In zanzibar.")).ask("Where is it?").citations
    assert citation.verify()
    other = replace(citation.document, text="In Zanzibar!")
    assert not replace(citation, document=other).verify()
    assert not replace(citation, start=citation.start + 1).verify()
    assert not replace(citation, quote="In").verify()


def test_a_refusal_says_why_and_shows_the_nearest_passage(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, document("one", "The meeting was about zoo animals."))
    answer = qa.ask("What was the meeting about?")
    assert answer.text is None
    assert answer.citations == answer.alternatives == ()
    assert answer.refusal is Refusal.NO_ANSWER
    assert answer.reason
    assert answer.nearest is not None
    assert answer.nearest.text == "The meeting was about zoo animals."
    assert 0 < answer.confidence < qa.threshold
    assert qa.ask("What was the meeting about?", threshold=0).text == "zoo"


def test_nothing_close_is_another_reason(tmp_path: Path) -> None:
    class Orthogonal(FakeEmbedder):
        def embed(self, texts, progress=None):  # type: ignore[no-untyped-def]
            rows = super().embed(texts, progress)
            rows[:] = 0
            rows[:, 0 if len(texts) > 1 else 1] = 1
            return rows

    documents = [document("one", "About zoo animals."), document("two", "More zoo.")]
    index_documents(tmp_path / "index", documents, embedder=Orthogonal())
    qa = QA(
        Store(tmp_path / "index"),
        WordReader(),  # type: ignore[arg-type]
        confidence(),
        embedder=Orthogonal(),
    )
    assert qa.ask("Who paints yellow submarines?").refusal is Refusal.NOTHING_CLOSE


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        ("", Refusal.EMPTY_QUESTION),
        ("   ", Refusal.EMPTY_QUESTION),
        ("what " * 20_000, Refusal.LONG_QUESTION),
        ("😀😀", Refusal.NO_WORDS),
        ("Wer hat gestern gewonnen und warum?", Refusal.OTHER_LANGUAGE),
    ],
)
def test_questions_that_cannot_be_asked_get_a_sentence(
    tmp_path: Path, question: str, refusal: Refusal
) -> None:
    answer = qa_of(tmp_path, document("one", "zanzibar")).ask(question, threshold=0)
    assert (answer.text, answer.refusal, answer.confidence) == (None, refusal, 0.0)
    assert answer.reason is not None
    assert answer.reason.endswith(".")


def test_an_index_without_text_says_so(tmp_path: Path) -> None:
    assert qa_of(tmp_path).ask("Who is it?", threshold=0).refusal is Refusal.EMPTY_INDEX


def test_a_passage_without_spans_is_refused_even_at_threshold_0(tmp_path: Path) -> None:
    answer = qa_of(tmp_path, document("one", "No such word.")).ask("Who is it?", threshold=0)
    assert answer.text is None
    assert answer.confidence == 0.0


def test_a_batch_gives_what_single_questions_give(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, *(document(f"d{n}", f"At z{'o' * n} number {n}.") for n in range(9)))
    questions = ["Where?", "", "What is number 3?", "Who is it?"] * 9
    done: list[int] = []
    assert qa.ask_batch(questions, progress=done.append) == [qa.ask(one) for one in questions]
    assert sum(done) == len(questions)
    assert qa.ask_batch([]) == []


def test_top_limits_answers_and_citations(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, *(document(f"d{n}", f"At zanzibar. And z{n}.") for n in range(6)))
    answer = qa.ask("Where?", top=2, threshold=0)
    assert len(answer.citations) == 2
    assert len(answer.alternatives) == 1


@pytest.mark.parametrize(("threshold", "top"), [(-0.1, 5), (1.1, 5), (0.5, 0)])
def test_arguments_out_of_range(tmp_path: Path, threshold: float, top: int) -> None:
    with pytest.raises(ValueError, match="give"):
        qa_of(tmp_path, document("one", "zoo")).ask("Who?", threshold=threshold, top=top)


def test_to_dict_is_what_the_design_says(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, document("one", "In zanzibar."), document("two", "In zoo."))
    answer = qa.ask("Where is it?").to_dict()
    assert {"question", "text", "confidence", "reason", "citations", "alternatives"} <= set(answer)
    assert set(answer["citations"][0]) == {
        "title",
        "source",
        "start",
        "end",
        "quote",
        "page",
        "heading",
        "author",
        "publisher",
        "date",
        "language",
        "sha256",
    }
    assert answer["alternatives"][0]["text"] == "zoo"
    assert qa.ask("", threshold=0).to_dict()["reason"]


def test_it_answers_from_a_new_generation_without_being_opened_again(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, document("one", "In zanzibar."))
    first = qa.generation_number()
    assert qa.ask("Where?").text == "zanzibar"
    index_documents(tmp_path / "index", [document("two", "In zimbabwe.")], embedder=FakeEmbedder())
    assert qa.ask("Where?").text == "zimbabwe"
    assert qa.generation_number() == first + 1
    assert [d.id for d in qa.documents()] == ["two"]


def test_a_damaged_new_generation_leaves_it_with_the_one_it_has(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, document("one", "In zanzibar."))
    for file in (tmp_path / "index").rglob("*"):
        if file.is_file() and file.name != "CURRENT":
            file.write_bytes(b"")
    (tmp_path / "index" / "CURRENT").write_text("gen-000009 00\n")
    assert qa.ask("Where?").text == "zanzibar"


def test_many_threads_and_a_swap(tmp_path: Path) -> None:
    qa = qa_of(tmp_path, document("one", "In zanzibar."))
    answers: list[str | None] = []

    def ask() -> None:
        answers.extend(qa.ask("Where?").text for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    index_documents(tmp_path / "index", [document("two", "In zimbabwe.")], embedder=FakeEmbedder())
    for thread in threads:
        thread.join()
    assert len(answers) == 80
    assert set(answers) <= {"zanzibar", "zimbabwe"}


class TestOpen:
    def test_no_index(self, tmp_path: Path) -> None:
        with pytest.raises(IndexMissing, match="footnote index FOLDER"):
            QA.open(tmp_path / "nothing", reader=WordReader())  # type: ignore[arg-type]

    def test_a_foreign_folder(self, tmp_path: Path) -> None:
        (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8")
        with pytest.raises(
            IndexForeign, match="no Footnote index; name another folder with `--index`"
        ):
            QA.open(tmp_path, reader=WordReader())  # type: ignore[arg-type]

    def test_a_damaged_index(self, tmp_path: Path) -> None:
        qa_of(tmp_path, document("one", "In zanzibar."))
        [vectors] = (tmp_path / "index").rglob("vectors.faiss")
        vectors.write_bytes(vectors.read_bytes()[:-1] + b"!")
        with pytest.raises(IndexDamaged, match="footnote index --rebuild"):
            QA.open(tmp_path / "index", reader=WordReader())  # type: ignore[arg-type]

    def test_another_embedder(self, tmp_path: Path) -> None:
        qa_of(tmp_path, document("one", "In zanzibar."))
        for other in (FakeEmbedder(name="other"), FakeEmbedder(version="2")):
            with pytest.raises(IndexMismatch, match="footnote index --rebuild"):
                QA.open(tmp_path / "index", embedder=other, reader=WordReader())  # type: ignore[arg-type]


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "zebra ",
                "z",
                "zoë",
                "ze\u0301ro",
                "😀",
                "👩‍👩‍👧 ",
                "\r\n",
                "שלום ",
                "مرحبا ",
                "\u202ez. ",
                ". ",
                "\n\n",
            ]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    ),
    min_size=1,
    max_size=40,
).map("".join)


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), limit=st.integers(1, 60))
def test_answers_are_slices_of_their_documents(
    texts: list[str], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    documents = [document(f"d{number}", text) for number, text in enumerate(texts)]
    qa = qa_of(tmp_path_factory.mktemp("qa"), *documents, config=QAConfig(quote=limit))
    answer = qa.ask("What is it?", threshold=0)
    if answer.text is None:
        return
    first = answer.citations[0]
    assert first.document.text[first.start : first.end] == answer.text
    for one in (answer, *answer.alternatives):
        assert one.citations[0].text == one.text
        for citation in one.citations:
            assert citation.verify()
            assert citation.document.text == texts[int(citation.document.id[1:])]


def test_the_quote_of_an_endless_sentence_is_cut_between_words() -> None:
    text = "word " * 200 + "zanzibar " + "word " * 200
    start = text.index("zanzibar")
    low, high = quote_span(text, start, start + 8, limit=100)
    assert low < start < start + 8 < high
    assert high - low <= 100
    assert all(word in {"word", "zanzibar"} for word in text[low:high].split())
    assert quote_span(text, start, start + 8, limit=1) == (start, start + 8)
