"""What passes between the rooms of the answer: spans, citations, answers, examples, reports.

All offsets count Unicode code points, end exclusive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from index.types import Document


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a passage. ``score`` is start logit + end logit, comparable across passages."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found in one passage.

    ``spans`` are distinct and best first; empty when the passage holds no token to point at.
    ``null_score`` is the score of "this passage holds no answer", on the scale of ``Span.score``.
    """

    spans: tuple[Span, ...]
    null_score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a document that holds the answer, and the sentence around it.

    ``document.text[start:end] == text`` and ``document.text[quote_start:quote_end] == quote``: offsets
    are into the text that was read out of the file, not into the file. ``sha256`` is that of this text,
    as it stood when it was indexed.
    """

    document: Document
    start: int
    end: int
    text: str
    quote_start: int
    quote_end: int
    quote: str
    sha256: str

    @property
    def title(self) -> str:
        """The document's title."""
        return self.document.title

    @property
    def source(self) -> str:
        """The document's path or URL, as a person would recognise it."""
        return self.document.source

    @property
    def page(self) -> str | None:
        """The page the answer starts on, where the document has pages."""
        return self.document.page_at(self.start)

    @property
    def heading(self) -> str | None:
        """The heading above the answer, where the document has headings."""
        return self.document.heading_at(self.start)

    def verify(self) -> bool:
        """Tell whether answer, quote and document are still what this citation says they are."""
        text = self.document.text
        return (
            hashlib.sha256(text.encode("utf-8")).hexdigest() == self.sha256
            and text[self.start : self.end] == self.text
            and text[self.quote_start : self.quote_end] == self.quote
            and self.quote_start <= self.start < self.end <= self.quote_end
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as ``footnote ask --json`` and the chat's endpoint give it.

        The offsets are into the document's text, which is not in it (``sha256`` tells which text); ``text`` stands in
        ``quote`` from ``start - quote_start`` to ``end - quote_start``.
        """
        return {
            "title": self.title,
            "source": self.source,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "quote_start": self.quote_start,
            "quote_end": self.quote_end,
            "quote": self.quote,
            "page": self.page,
            "heading": self.heading,
            "author": self.document.author,
            "publisher": self.document.publisher,
            "date": self.document.date,
            "language": self.document.language,
            "sha256": self.sha256,
        }


class Refusal(StrEnum):
    """Why there is no answer; the value is stable, for programs.

    The first two say that the index was searched: no passage is about the question's subject, or some
    are and none answers it with enough confidence. The others say that it was not: of the question, that
    it is empty, too long, without words or not English, and of the index, that it holds no text.
    """

    NOTHING_CLOSE = "nothing_close"
    NO_ANSWER = "no_answer"
    EMPTY_QUESTION = "empty_question"
    LONG_QUESTION = "long_question"
    NO_WORDS = "no_words"
    OTHER_LANGUAGE = "other_language"
    EMPTY_INDEX = "empty_index"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another answer that was found; ``confidence`` and ``citations`` are as in `Answer`."""

    text: str
    confidence: float
    citations: tuple[Citation, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "text": self.text,
            "confidence": self.confidence,
            "citations": [citation.to_dict() for citation in self.citations],
        }


@dataclass(frozen=True, slots=True)
class Nearest:
    """The passage that came closest when there was no answer; ``document.text[start:end] == text``."""

    document: Document
    start: int
    end: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "title": self.document.title,
            "source": self.document.source,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "page": self.document.page_at(self.start),
            "heading": self.document.heading_at(self.start),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question.

    An answer has ``text`` (a slice of ``citations[0].document.text``), ``confidence`` (a calibrated
    probability, 0 to 1, that it is right) and one citation for each place that says it, best first; ``alternatives``
    are the other answers, the most confident first. A refusal
    has ``text is None``, no citations, a ``refusal`` code, its ``reason`` as a sentence, and the
    ``nearest`` passage where one was read; ``confidence`` is then that of the answer withheld (0.0
    where nothing was read). ``read_as`` is the question with its misspelt words put right and a false
    start cut, ``None`` if it was read as it stands.
    """

    question: str
    text: str | None
    confidence: float
    citations: tuple[Citation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    refusal: Refusal | None = None
    reason: str | None = None
    nearest: Nearest | None = None
    read_as: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: plain dicts, lists, strings and numbers only."""
        return {
            "question": self.question,
            "read_as": self.read_as,
            "text": self.text,
            "confidence": self.confidence,
            "reason": self.reason,
            "refusal": None if self.refusal is None else self.refusal.value,
            "citations": [citation.to_dict() for citation in self.citations],
            "alternatives": [alternative.to_dict() for alternative in self.alternatives],
            "nearest": None if self.nearest is None else self.nearest.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Example:
    """A row of a question file. No ``answers`` means that ``context`` holds none."""

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    answer_starts: tuple[int, ...]
    source: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was answered to one example.

    ``text`` is ``None`` for a refusal; what was then ``withheld`` below the threshold is beside it.
    ``passage_rank`` is the gold passage's (from 1), if there is one and it was found.
    """

    id: str
    text: str | None
    confidence: float
    passage_rank: int | None
    source: str
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Metrics over a question file, in percent where a rate, with 95% bootstrap intervals.

    ``metrics`` maps a name (``em``, ``f1``, ``recall@5``, ...) to its value; ``intervals`` maps the
    same names to (low, high), where an interval makes sense; passages are resampled, with all questions
    about each. ``sources`` holds the same by source.
    """

    kind: str
    n: int
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    sources: Mapping[str, Report] = field(default_factory=dict)
    predictions: tuple[Prediction, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: one object with ``n``, every metric, intervals and ``sources``."""
        return {
            "kind": self.kind,
            "n": self.n,
            **self.metrics,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "sources": {
                name: {
                    "n": report.n,
                    **report.metrics,
                    "intervals": {key: list(pair) for key, pair in report.intervals.items()},
                }
                for name, report in self.sources.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of two runs over the same rows: ``second`` minus ``first``, in the metric's own unit.

    ``low`` and ``high`` are the 95% interval of the difference, ``p`` the two-sided probability of one
    at least so large if the two were alike; all by a paired bootstrap over passages.
    """

    metric: str
    n: int
    first: float
    second: float
    low: float
    high: float
    p: float
