"""Retriever and reader, put together: the only place where the two meet."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Protocol

from index._text import CELL_END, byline_spans, clean
from index.chunk import sentence_spans
from index.embed import Embedder, SentenceEmbedder
from index.errors import ConfigError, FootnoteError, ReaderError
from index.lexical import LexicalIndex
from index.retrieve import Retriever
from index.spelling import Spelling, is_common_english, names_of
from index.store import Generation, Store
from index.types import ROW, Chunk, Document, Hit
from qa.candidates import (
    Candidate,
    Group,
    Place,
    also_said,
    group_answers,
    is_explanation,
    spells_out,
    whole_long_form,
)
from qa.confidence import CALIBRATED, Confidence, Signals
from qa.copies import worth_reading
from qa.metrics import normalize_answer
from qa.question import (
    REASONS,
    asked_short_form,
    asks_of_article,
    unanswerable,
    whole_characters,
    with_question_mark,
    without_false_start,
)
from qa.reader import Reader
from qa.tables import found_cells, other_cells
from qa.types import Alternative, Answer, Citation, Nearest, Reading, Refusal, Span

Progress = Callable[[int], None]
"""Called with the number of questions just answered."""

_RETRY = 30.0
"""Seconds after which an index that could not be opened is opened again though no file has changed."""

_BATCH = 16
"""Questions retrieved and read at a time in a batch."""


RECORD = 400
"""Characters of a row of a table that tells of a thing by itself; a longer one is an article."""

CLOSE_COSINE = 0.35
CLOSE_COVERAGE = 0.6
CLOSE_CONFIDENCE = 0.1
"""A passage with this cosine, or this share of the question's terms, is about its subject, and so is one with an
answer of this confidence: what tells the two reasons of a refusal apart."""


_PRONOUNS = frozenset(
    "i me my myself we us our ourselves you your yourself he him his himself she her hers herself it its "
    "itself they them their theirs themselves who whom whose which that this these those".split()
)
_STAND_FOR = re.compile(r"\s+(?:(?:is|does)\s+)?stands?\s+for\b", re.I)
_NAME = re.compile("[A-Z][a-z]{3}")
_SUBJECTS = frozenset({"he", "she", "they", "we"})
_SPELT_LIKE_PRONOUNS = frozenset({"IT", "ME", "US", "WHO"})  # abbreviations
_ASKING_LINE = re.compile(
    r"^(?:(?:\(?\d{1,3}|\(?[A-Za-z])[.):]\s+)?(?P<asked>[^\n.!?]{0,300}\?$|[^\n.!?:\"“”]{0,300}\?(?=\s))",
    re.MULTILINE,
)
"""A line that asks, or begins with a sentence that does, as one of an FAQ may go on with the answer."""

_ITEM = re.compile(
    r"^(?:\(?(?P<number>\d{1,3})[.)]|(?P<figure>\d{1,3}(?:\.\d\d){1,2})[.)]?"
    r"|\d{1,3}(?:\.\d{1,2}){1,4}[.)]?|\(?[A-Za-z][.)]"
    r"|(?:Section|Article|Clause)\s[\dIVX]+\.|(?:Sec|Sect|Art|Para)\.?\s[\dIVX]+\.?)(?=\s)",
    re.MULTILINE,
)
_YES_OR_NO = re.compile(
    r"(?:Do|Does|Did|Is|Are|Was|Were|Am|Can|Could|Will|Would|Shall|Should|May|Must|Has|Have|Had)(?:n['’]t)?\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_LONG_WORD = re.compile(r"\w{4,}")
_OF_ITEM = re.compile(
    r"\b(?:section|article|chapter|clause|paragraph|rule|step|number|item|point|version|release)s?\b",
    re.I,
)
_DOTTED = re.compile(r"(?<![^\W\d])(?<!\.)(?:(?:[A-Za-z]\.)+[A-Za-z]|Ph\.D)\Z")
_OPENING, _CLOSING = "\"'“‘«", "\"'”’»"


class Source(Protocol):
    """Where the index comes from: a `Store`, or something in memory."""

    def current(self) -> str:
        """Return a token that changes when there is a new generation. Cheap."""

    def stamp(self) -> str:
        """Return a token that changes when anything that `open` reads may have changed. Cheap."""

    def open(self, embedder: Embedder | None = None) -> Generation:
        """Open the newest generation."""


def _require_kind(name: str, given: object, attribute: str, wanted: str) -> None:
    if not hasattr(given, attribute):
        raise ConfigError(f"{name} is of type {type(given).__name__}; give {wanted}.")


def _require_number(name: str, given: object) -> None:
    if not isinstance(given, Real):
        raise ConfigError(f"{name} is of type {type(given).__name__}; give a number.")


def _require_probability(name: str, given: float) -> None:
    _require_number(name, given)
    if not 0.0 <= given <= 1.0:
        raise ConfigError(f"{name} is {given}; give a probability from 0 to 1.")


def _require_count(name: str, given: object, least: int = 1) -> None:
    if not isinstance(given, Integral):
        raise ConfigError(f"{name} is of type {type(given).__name__}; give a whole number.")
    if given < least:
        raise ConfigError(f"{name} is {given}; give at least {least}.")


@dataclass(frozen=True, slots=True)
class QAConfig:
    """How questions are answered. Raises `ConfigError` for what makes no sense."""

    passages: int = 4
    """Passages read for every question: the measured trade of F1 for time (docs/measurements.md)."""

    further: int = 4
    """Passages read besides, where those hold no sure answer."""

    sure: float = 14.0
    """The score of a first answer (`Candidate.score`, a logit) with which no further passages are read; chosen
    for the package's reader, whose golden questions are answered as with 16. Of the reader two before it, whose scores were
    higher, 10, 14, 16, 18 and always reading them gave 77.4, 77.7, 77.8, 77.9 and 77.9 F1 on 1,358 dev questions, and 236,
    239, 239, 240 and 240 of 299 golden questions right; without them 77.8 and 233 (docs/measurements.md)."""

    depth: int = 48
    """Passages looked at to find those to read among copies, and copies to cite. With three edited copies
    of each seed, the last passage read is the 15th on average and the 25th at most."""

    alternative: float = 0.05
    """The confidence that another answer needs to be offered; below it, it is noise."""

    quote: int = 600
    """Characters of a quote at most; a longer sentence is cut around the answer, between words."""

    def __post_init__(self) -> None:
        for name, least in (("passages", 1), ("further", 0), ("depth", 1), ("quote", 1)):
            _require_count(name, getattr(self, name), least)
        _require_number("sure", self.sure)
        if math.isnan(self.sure):
            raise ConfigError(f"sure is {self.sure}; give a score.")
        _require_probability("alternative", self.alternative)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was found for one question, before anything is decided.

    ``groups`` are the different answers, best first; ``signals[i]`` is what the confidence of
    ``groups[i]`` is computed from. ``hits`` are the passages that were read, ``found`` those and the
    ones that were passed over or came too late.
    """

    found: tuple[Hit, ...]
    hits: tuple[Hit, ...]
    groups: tuple[Group, ...]
    signals: tuple[Signals, ...]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One generation of the index, opened; a batch of questions is answered from one.

    ``stamp`` is the source's, from just before it was opened.
    """

    generation: Generation
    retriever: Retriever
    spelling: Spelling
    stamp: str

    def search(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        """Return the ``k`` passages closest to each question as it is searched by."""
        lexical = self.generation.lexical
        return self.retriever.search([_searched(question, lexical) for question in questions], k)

    def read_as(self, question: str) -> str:
        """Return ``question`` in the characters that documents have, its misspelt words put right, no false start."""
        return without_false_start(self.spelling.corrected(clean(question)))


class QA:
    """Answers questions from an index, in the documents' own words.

    An instance may be used from several threads. It notices a rebuilt index at the next question
    and answers from the new generation; if that one cannot be opened it goes on with the one it
    has. It keeps everything in memory and no file open, so that there is nothing to close; it cannot be
    pickled, its answers can.
    """

    def __init__(
        self,
        source: Source,
        reader: Reader,
        confidence: Confidence,
        *,
        embedder: Embedder | None = None,
        config: QAConfig = QAConfig(),
    ) -> None:
        self._source = source
        self._reader = reader
        self._confidence = confidence
        self._embedder = embedder
        self._config = config
        self._lock = threading.Lock()
        # The stamp with which the index could not be opened, and when.
        self._failed: tuple[str, float] = ("", 0.0)
        self._looking = threading.Lock()
        self._looked: tuple[str, str | None] = ("", None)  # a stamp, and what was wrong then
        self._snapshot = self._open()

    @classmethod
    def open(
        cls,
        index_dir: str | Path = ".footnote",
        *,
        embedder: Embedder | None = None,
        reader: Reader | None = None,
        config: QAConfig = QAConfig(),
    ) -> QA:
        """Open the index in ``index_dir`` and the reader that comes with the package.

        A confidence that was calibrated for this index stands in its folder and is used.
        ``embedder`` (such as a `SentenceEmbedder`) is only needed to insist on one: the index knows which
        model made it. ``reader`` is another than the package's, from `Reader.load`. Raises
        `IndexMissing`, `IndexForeign`, `IndexDamaged` or `IndexMismatch` (another embedder, another
        version), each with a sentence that says what to run, `ReaderError`, and `ConfigError` for what is of
        another type.
        """
        if not isinstance(index_dir, str | PathLike):
            raise ConfigError(f"index_dir is of type {type(index_dir).__name__}; give a path.")
        if embedder is not None:
            _require_kind("embedder", embedder, "embed", "a SentenceEmbedder")
        if reader is not None:
            _require_kind("reader", reader, "read", "what Reader.load returns")
        _require_kind("config", config, "passages", "a QAConfig")
        reader = Reader.load() if reader is None else reader
        return cls(
            Store(Path(index_dir)),
            reader,
            Confidence.for_index(Path(index_dir), reader.fingerprint),
            embedder=embedder,
            config=config,
        )

    @property
    def threshold(self) -> float:
        """The confidence below which a question is refused, unless the caller says otherwise."""
        return self._confidence.threshold

    def documents(self) -> tuple[Document, ...]:
        """Return what is indexed, ordered by source."""
        return self._current().generation.documents

    def generation_number(self) -> int:
        """Return the number of the index's generation that answers now."""
        return self._current().generation.number

    @property
    def recovered_from(self) -> str | None:
        """What is wrong with the newest generation, if an older one had to stand in for it."""
        return self._current().generation.recovered_from

    def damage(self) -> str | None:
        """Say what is wrong with the index on disk, and what to run; ``None`` if it is whole.

        Questions are answered from memory all the same. Everything is read and verified anew only
        after a file has changed; otherwise this is cheap.
        """
        snapshot = self._current()
        stamp = self._source.stamp()
        if stamp == snapshot.stamp:
            return _fallen_back(snapshot.generation)
        with self._looking:
            if stamp != self._looked[0]:
                try:
                    damage = _fallen_back(self._source.open(self._embedder))
                except FootnoteError as exc:
                    damage = str(exc)
                self._looked = (stamp, damage)
            return self._looked[1]

    def ask(self, question: str, *, threshold: float | None = None, top: int = 5) -> Answer:
        """Answer one question; see `ask_batch`."""
        return self.ask_batch([question], threshold=threshold, top=top)[0]

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        threshold: float | None = None,
        top: int = 5,
        progress: Progress | None = None,
    ) -> list[Answer]:
        """Answer questions, all from the same generation of the index.

        ``threshold`` (0 to 1; default: `threshold`) is the confidence below which an answer is
        withheld; 0 withholds none that was found. ``top`` limits the answers (the first
        and its alternatives) and the citations of each. A question is searched and read with its
        misspelt words put right and a false start cut, and its answer says so (`Answer.read_as`); how it
        ends, with a question mark or without, changes nothing, nor do characters that nobody sees. A question that cannot be asked (empty,
        too long, without words, not English) is answered with a refusal that says so.
        Raises `ConfigError` for a threshold outside 0 to 1, a ``top`` below 1, and what is of another type.
        """
        limit = self.threshold if threshold is None else threshold
        _require_probability("threshold", limit)
        _require_count("top", top)
        questions = [*map(whole_characters, _texts(questions))]
        snapshot = self._current()
        answers: list[Answer] = []
        for start in range(0, len(questions), _BATCH):
            batch = questions[start : start + _BATCH]
            cleaned = [*map(clean, batch)]
            problems = [self._problem(question, snapshot) for question in cleaned]
            sound = [q for q, problem in zip(cleaned, problems, strict=True) if problem is None]
            asked = [*map(snapshot.read_as, sound)]
            examined = iter(zip(asked, self._examine(asked, snapshot), strict=True))
            for question, plain, problem in zip(batch, cleaned, problems, strict=True):
                if problem is not None:
                    answers.append(_refusal(question, problem))
                    continue
                read_as, evidence = next(examined)
                answer = self._decide(read_as, evidence, snapshot, limit, top)
                told = None if read_as == plain else read_as
                answers.append(replace(answer, question=question, read_as=told))
            if progress is not None:
                progress(len(batch))
        return answers

    def search(self, questions: Sequence[str], k: int = 20) -> list[list[Hit]]:
        """Return the ``k`` passages closest to each question, best first, without reading them.

        Raises `ConfigError` for a ``k`` below 1, and for what is of another type.
        """
        questions = _texts(questions)
        _require_count("k", k)
        snapshot = self._current()
        asked = [with_question_mark(snapshot.read_as(question)) for question in questions]
        return snapshot.search(asked, k)

    def examine(self, questions: Sequence[str]) -> list[Evidence]:
        """Return what is known about each question before a decision; confidence is fitted on it.

        Raises `ConfigError` for what is no list of texts.
        """
        questions = _texts(questions)
        snapshot = self._current()
        return self._examine([*map(snapshot.read_as, questions)], snapshot)

    def _open(self) -> _Snapshot:
        stamp = self._source.stamp()
        generation = self._source.open(self._embedder)
        embedder = self._embedder or generation.encoder
        if embedder is None:  # a model that could not be exported asks its questions itself
            embedder = SentenceEmbedder(generation.manifest.embedder.name)
        return _Snapshot(
            generation,
            Retriever(generation, embedder),
            Spelling(
                generation.lexical,
                lambda word: embedder.count_pieces([word]) == [1],
                names_of([chunk.text for chunk in generation.chunks]),
            ),
            stamp,
        )

    def _current(self) -> _Snapshot:
        """Return the newest generation, opening it if it is new; the one in memory where that cannot be opened.

        What is in memory was verified and is whole; `damage` says what is wrong on disk. Nothing is opened
        a second time before a file has changed, or half a minute has gone: it may have been the machine's fault.
        """
        with suppress(FootnoteError):
            if self._is_new():
                with self._lock:
                    if self._is_new() and not self._failed_with(stamp := self._source.stamp()):
                        try:
                            self._snapshot = self._open()
                        except FootnoteError as exc:
                            self._failed = stamp, time.monotonic()
                            self._looked = stamp, str(exc)
        return self._snapshot

    def _failed_with(self, stamp: str) -> bool:
        failed, at = self._failed
        return stamp == failed and time.monotonic() < at + _RETRY

    def _is_new(self) -> bool:
        return self._source.current() != self._snapshot.generation.token

    def _problem(self, question: str, snapshot: _Snapshot) -> Refusal | None:
        if not snapshot.generation.chunks:
            return Refusal.EMPTY_INDEX
        return unanswerable(question, snapshot.generation.lexical.words)

    def _examine(self, questions: Sequence[str], snapshot: _Snapshot) -> list[Evidence]:
        if not questions:
            return []
        questions = [*map(with_question_mark, questions)]
        config, documents = self._config, snapshot.generation.documents_by_id
        most = config.passages + config.further
        found = snapshot.search(questions, max(most, config.depth))
        chosen = [
            worth_reading(question, hits, documents, most)
            for question, hits in zip(questions, found, strict=True)
        ]
        indexed = len(snapshot.generation.chunks)
        first = [hits[: config.passages] for hits in chosen]
        read = self._read(questions, first, documents)
        evidence = [
            _weigh(*parts, documents, indexed)
            for parts in zip(questions, found, first, read, strict=True)
        ]
        unsure = [
            at
            for at, known in enumerate(evidence)
            if len(chosen[at]) > len(first[at]) and not _is_sure(known, config.sure)
        ]
        further = [chosen[at][config.passages :] for at in unsure]
        more = self._read([questions[at] for at in unsure], further, documents) if unsure else []
        for at, readings in zip(unsure, more, strict=True):
            readings = [*read[at], *readings]
            evidence[at] = _weigh(
                questions[at], found[at], chosen[at], readings, documents, indexed
            )
        return evidence

    def _read(
        self,
        questions: Sequence[str],
        hits: Sequence[Sequence[Hit]],
        documents: Mapping[str, Document],
    ) -> list[list[Reading]]:
        return self._reader.read(
            questions,
            [[hit.chunk.text for hit in each] for each in hits],
            [[documents[hit.chunk.doc_id].title for hit in each] for each in hits],
            [
                [_no_answers(question, hit.chunk, documents[hit.chunk.doc_id]) for hit in each]
                for question, each in zip(questions, hits, strict=True)
            ],
        )

    def _decide(
        self, question: str, evidence: Evidence, snapshot: _Snapshot, threshold: float, top: int
    ) -> Answer:
        documents = snapshot.generation.documents_by_id
        sure = [self._confidence.probability(signals) for signals in evidence.signals]
        if not sure or sure[0] < threshold:
            is_close = _is_close(evidence.hits) or (sure and sure[0] >= CLOSE_CONFIDENCE)
            refusal = Refusal.NO_ANSWER if is_close else Refusal.NOTHING_CLOSE
            return Answer(
                question,
                text=None,
                confidence=sure[0] if sure else 0.0,
                refusal=refusal,
                reason=REASONS[refusal],
                nearest=_nearest(evidence, documents),
            )
        answers = []
        for group, probability in zip(evidence.groups[:top], sure, strict=False):
            citations = tuple(
                self._cite(_as_given(place, documents[place.doc_id].text, question), documents)
                for place in _proofs(group, evidence.found, documents)[:top]
            )
            # The probability of the first goes by more than what orders them.
            answers.append(Alternative(citations[0].text, min(probability, sure[0]), citations))
        return Answer(
            question,
            text=answers[0].text,
            confidence=answers[0].confidence,
            citations=answers[0].citations,
            alternatives=tuple(
                sorted(
                    (o for o in answers[1:] if o.confidence >= self._config.alternative),
                    key=lambda other: -other.confidence,
                )
            ),
        )

    def _cite(self, place: Place, documents: Mapping[str, Document]) -> Citation:
        document = documents[place.doc_id]
        start, end = quote_span(document.text, place.start, place.end, self._config.quote)
        return Citation(
            document=document,
            start=place.start,
            end=place.end,
            text=document.text[place.start : place.end],
            quote_start=start,
            quote_end=end,
            quote=document.text[start:end],
            sha256=document.sha256,
        )


def _texts(questions: object) -> list[str]:
    """Return ``questions`` as a list. Raises `ConfigError` for one text alone, and for what is no text."""
    if isinstance(questions, str):
        raise ConfigError("questions is one text; give a list of them.")
    if not isinstance(questions, Iterable):
        raise ConfigError(f"questions is of type {type(questions).__name__}; give a list of them.")
    texts = list(questions)
    for text in texts:
        if not isinstance(text, str):
            raise ConfigError(f"A question is of type {type(text).__name__}; give text.")
    return texts


def _is_short(name: str) -> bool:
    """Tell an abbreviation from a name, such as DeSantis."""
    return sum(map(str.isupper, name)) > 1 and not _NAME.search(name)


def _searched(question: str, lexical: LexicalIndex) -> str:
    """Return what passages are searched by: of "What does REM stand for?" no "stand", which others hold."""
    short = asked_short_form(question)
    if short is None or short.lower() not in lexical.words:
        return question
    is_short = _is_short(short) or not is_common_english(short.lower())
    return _STAND_FOR.sub("", question) if is_short else question


def _proofs(group: Group, found: Sequence[Hit], documents: Mapping[str, Document]) -> list[Place]:
    """Return where an answer stands, and where else its sentence does, but in rows of the same table about others."""
    first = documents[group.places[0].doc_id]
    table, row, _ = first.source.partition(ROW)

    def is_another(document: Document) -> bool:
        return (
            bool(row)
            and len(document.text) <= RECORD
            and document.source.startswith(table + row)
            and document.title != first.title
        )

    also = also_said(group, found)
    return [*group.places, *(at for at in also if not is_another(documents[at.doc_id]))]


def _fallen_back(generation: Generation) -> str | None:
    if generation.recovered_from is None:
        return None
    return (
        f"The newest index on disk is damaged ({generation.recovered_from} when it is opened "
        f"again); run `{generation.repair}`."
    )


def _no_answers(question: str, chunk: Chunk, document: Document) -> list[tuple[int, int]]:
    """Return the offsets of what, in a passage of ``document``, is no answer, though readers point at it.

    Who wrote the article and when, unless that is asked for; and of answers to frequent questions the lines of
    which most is asked, or that ask for yes or no as the question does, and what answers the others where a line
    asks just this.
    """
    text = chunk.text
    lines = [*_ASKING_LINE.finditer(text)]
    just_this = [normalize_answer(line["asked"]) == normalize_answer(question) for line in lines]
    ends = [*(line.start() for line in lines), len(text)][1:]
    places = [
        (line.start(), end if any(just_this) and not same else line.end())
        for line, end, same in zip(lines, ends, just_this, strict=True)
        if any(just_this) or _asks_alike(line["asked"], question)
    ]
    cells = other_cells(
        question, document.title, document.text, chunk.start, chunk.start + len(text)
    )
    places += [(start - chunk.start, end - chunk.start) for start, end in cells]
    if not asks_of_article(question):
        bylines = byline_spans(document.text, document.author)
        places += [(start - chunk.start, end - chunk.start) for start, end in bylines]
    return places


def _weigh(
    question: str,
    found: Sequence[Hit],
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    documents: Mapping[str, Document],
    indexed: int,
) -> Evidence:
    """Gather what was read for one question, ``readings[i]`` of ``hits[i]``, of ``indexed`` passages.

    Where the long form of a short one is asked for, spans are left out that neither spell it out nor stand
    beside it as what it is short for. A cell of a table that is certain to answer does so as a whole.
    """
    candidates: list[Candidate] = []
    for hit, reading in zip(hits, readings, strict=True):
        chunk, document = hit.chunk, documents[hit.chunk.doc_id]
        cells = found_cells(question, document.title, document.text, chunk.start, chunk.end)
        for span in _answering(reading.spans, chunk.text, question):
            start, end = chunk.start + span.start, chunk.start + span.end
            cell = next((c for c in cells if c.start <= start and end <= c.end), None)
            if cell and cell.is_certain and chunk.start <= cell.start and cell.end <= chunk.end:
                start, end = cell.start, cell.end
            candidates.append(
                Candidate(
                    hit=hit,
                    place=Place(chunk.doc_id, start, end),
                    text=document.text[start:end],
                    span_score=span.score,
                    null_score=reading.null_score,
                    looked_up=cell.score if cell else 0.0,
                )
            )
    if short := asked_short_form(question):
        spelt = [
            whole_long_form(c, short)
            for c in candidates
            if spells_out(c.text, short) or is_explanation(c, short)
        ]
        # Neither "What does the president stand for?" nor "What does DeSantis stand for?" is one of these
        # questions, "What does NASA stand for?" is.
        candidates = spelt if spelt or _is_short(short) else candidates
    groups = group_answers(candidates)
    signals = tuple(Signals.of(group, groups, hits, indexed) for group in groups)
    return Evidence(tuple(found), tuple(hits), tuple(groups), signals)


def _is_sure(evidence: Evidence, score: float) -> bool:
    """Tell whether the best answer has this score, so that further passages would hardly change it."""
    return bool(evidence.groups) and evidence.groups[0].best.score >= score


def _answering(spans: Sequence[Span], text: str, question: str) -> list[Span]:
    """Leave out spans that no answer is, but that unsure readers point at.

    One that runs over the end of a sentence, or of a table's cell: on 850 questions over open corpora it raised F1 from 69.6 to
    70.1 (docs/measurements.md), no table among them. A pronoun alone, which tells a person nothing ("he"). And one that breaks off
    between a subject and its verb ("some years before he"), as 3 of 122,000 accepted answers do. The number of
    an item, unless that is asked for.
    """
    sentences = sentence_spans(text)
    numbers = [] if _OF_ITEM.search(question) else _numbers_of_items(text)
    return [
        span
        for span in spans
        if any(start <= span.start and span.end <= end for start, end in sentences)
        and CELL_END not in text[span.start : span.end]
        and not _is_pronoun(text, span, sentences)
        and not _breaks_off(text, span)
        and not any(start <= span.start and span.end <= end for start, end in numbers)
    ]


def _asks_alike(line: str, question: str) -> bool:
    """Tell whether both ask for yes or no, or most of what a line asks is what the question asks.

    That goes by how words of four letters or more begin.
    """
    if _YES_OR_NO.match(line) and _YES_OR_NO.match(question):
        return True
    words, asked = (
        {word[:5] for word in _LONG_WORD.findall(text.lower())} for text in (line, question)
    )
    return 2 * len(words & asked) >= len(words)


def _numbers_of_items(text: str) -> list[tuple[int, int]]:
    """Return where lines begin with the number or letter of an item.

    A bare number has another one next to it, and so has one like "9.15", which otherwise is a time, a price or a date.
    """
    found = [(item, tuple(map(int, _DIGITS.findall(item[0])))) for item in _ITEM.finditer(text)]
    known = {number for _, number in found}
    return [
        item.span()
        for item, number in found
        if not (item["number"] or item["figure"])
        or any((*number[:-1], number[-1] + step) in known for step in (-1, 1))
    ]


def _as_given(place: Place, text: str, question: str) -> Place:
    """Return ``place`` in ``text``, a document's, as it is given for an answer.

    With the last full stop of an abbreviation that has one after each letter ("7 p.m.", "U.S."), and without the number
    of an item before what the item says ("2. Owls"), unless that is asked for.
    """
    start, end = place.start, place.end
    if text[end : end + 1] == "." and _DOTTED.search(text, start, end):
        end += 1
    number = None if _OF_ITEM.search(question) else _ITEM.match(text, start)
    if (
        number
        and number["number"]
        and number.end() < end
        and number.span() in _numbers_of_items(text)
    ):
        start = end - len(text[number.end() : end].lstrip())
    return replace(place, start=start, end=end)


def _is_pronoun(text: str, span: Span, sentences: Sequence[tuple[int, int]]) -> bool:
    """Tell whether the span is a pronoun, and not a name spelt like one: the film Her, the novel "It", I for iodine."""
    word = text[span.start : span.end]
    if word.lower() not in _PRONOUNS or word in _SPELT_LIKE_PRONOUNS:
        return False
    before, after = text[: span.start][-1:], text[span.end :][:1]
    if before and before in _OPENING and after and after in _CLOSING:
        return False
    if word == "I":
        return text[span.end :].lstrip(" ")[:1].islower()
    begins = any(
        start <= span.start < end and not text[start : span.start].strip(_OPENING + " \n")
        for start, end in sentences
    )
    return not word.istitle() or begins or (before != "" and before in _OPENING)


def _breaks_off(text: str, span: Span) -> bool:
    """Tell whether the last word is a subject and the next one, so its verb, is left out."""
    follows = text[span.end :].lstrip(" ")[:1]
    return text[span.start : span.end].split()[-1] in _SUBJECTS and follows.isalpha()


def confidence_problem(index_dir: Path) -> str | None:
    """Say what is wrong with the confidence that was calibrated for an index, and what to do.

    ``None`` if it is whole, or if there is none. Raises `ReaderError` if the package's reader cannot be
    loaded.
    """
    if not (index_dir / CALIBRATED).exists():
        return None
    reader = Reader.load()
    try:
        Confidence.for_index(index_dir, reader.fingerprint)
    except ReaderError as exc:
        return str(exc)
    return None


def quote_span(text: str, start: int, end: int, limit: int) -> tuple[int, int]:
    """Return the offsets of the sentence, or sentences, around ``text[start:end]``.

    If they are longer than ``limit`` characters, they are cut between words around the answer, which
    is always inside, however long it is.
    """
    # A sentence ends at a blank line, and of a book all the others need not be found.
    opens, closes = max(0, text.rfind("\n\n", 0, start)), text.find("\n\n", end)
    around = text[opens : closes + 2] if closes >= 0 else text[opens:]
    first, last = start, end
    for low, high in sentence_spans(around):
        if opens + low < end and start < opens + high:
            first, last = min(first, opens + low), max(last, opens + high)
    if last - first <= limit:
        return first, last
    spare = max(0, limit - (end - start)) // 2
    low, high = max(first, start - spare), min(last, end + spare)
    while first < low < start and not text[low - 1].isspace():
        low += 1
    while end < high < last and not text[high].isspace():
        high -= 1
    return low, high


def _is_close(hits: Sequence[Hit]) -> bool:
    """Tell whether any passage is about what the question is about."""
    return any(hit.dense >= CLOSE_COSINE or hit.coverage >= CLOSE_COVERAGE for hit in hits)


def _nearest(evidence: Evidence, documents: Mapping[str, Document]) -> Nearest | None:
    if not evidence.hits:
        return None
    chunk = evidence.hits[0].chunk
    return Nearest(documents[chunk.doc_id], chunk.start, chunk.end, chunk.text)


def _refusal(question: str, refusal: Refusal) -> Answer:
    return Answer(question, None, 0.0, refusal=refusal, reason=REASONS[refusal])
