"""Answers, documents and reports as HTML that is safe to show. Pure: strings in, strings out.

Everything that comes from a document, a file name or a person passes through :func:`escape` or
:func:`inline`, so none of it can become markup. Each function returns one block without a newline:
the chat's Markdown renderer takes such a block as raw HTML and looks for no Markdown in it, where
``![](http://...)`` in an article would otherwise load a picture from outside.

A button named ``fn-open`` carries a :class:`Place` as its value; the page opens that place in the
panel. Only elements and attributes that Gradio's sanitizer keeps are used in messages.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from index._text import clean
from index.duplicates import Duplicate
from index.types import Document, Mark, Skipped
from qa.types import Alternative, Answer, Citation, Nearest, Refusal

OPEN = "fn-open"
"""Name of the buttons that open a place of a document in the panel."""

PANEL_LIMIT = 400_000
"""Characters of a document that the panel shows at once; a longer one is cut around the mark."""

LIST_LIMIT = 2_000
"""Documents, or rows of a report, that are listed by name; the rest is counted."""

QUESTION_LIMIT = 600
"""Characters of a question that the chat repeats."""

_LINE_BREAK = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"(?:<br>){2,}")
_LINE_ENDS = re.compile(r"(?:<br>)+")
# What no browser shows (C0 and C1 controls) or no JSON encoder takes (lone surrogates).
_UNSHOWABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_PLACE = re.compile(r"(\w{1,64}):(\d{1,12}):(\d{1,12}):(\d{1,12}):(\d{1,12}):(\w{1,64})", re.ASCII)


class Report(Protocol):
    """What an update of the index did, as `index.build.BuildReport` says it: names of sources."""

    @property
    def added(self) -> Sequence[str]:
        """Sources that are new in the index."""
        ...

    @property
    def changed(self) -> Sequence[str]:
        """Sources whose text is no longer what it was."""
        ...

    @property
    def removed(self) -> Sequence[str]:
        """Sources that are gone."""
        ...

    @property
    def skipped(self) -> Sequence[Skipped]:
        """What could not be read, and why."""
        ...

    @property
    def duplicates(self) -> Sequence[Duplicate]:
        """What is nearly the same as something else."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a document that the panel can open, as a button's value carries it.

    Offsets are those of the answer and of the quote around it; without an answer ``start == end``,
    without a quote ``quote_start == quote_end``. ``sha256`` (its first 16 digits) tells whether the
    document is still the one that was cited.
    """

    doc_id: str
    start: int
    end: int
    quote_start: int
    quote_end: int
    sha256: str

    @classmethod
    def of_citation(cls, citation: Citation) -> Place:
        """Return the place a citation points at."""
        return cls(
            citation.document.id,
            citation.start,
            citation.end,
            citation.quote_start,
            citation.quote_end,
            citation.sha256[:16],
        )

    @classmethod
    def of_nearest(cls, nearest: Nearest) -> Place:
        """Return the place of a passage that holds no answer."""
        sha256 = nearest.document.sha256[:16]
        start = nearest.start
        return cls(nearest.document.id, start, start, start, nearest.end, sha256)

    @classmethod
    def of_document(cls, document: Document) -> Place:
        """Return the beginning of a document."""
        return cls(document.id, 0, 0, 0, 0, document.sha256[:16])

    @classmethod
    def parse(cls, value: str) -> Place | None:
        """Return the place that :meth:`__str__` wrote, or ``None`` if ``value`` is no place."""
        match = _PLACE.fullmatch(value)
        if match is None:
            return None
        doc_id, *offsets, sha256 = match.groups()
        start, end, quote_start, quote_end = map(int, offsets)
        return cls(doc_id, start, end, quote_start, quote_end, sha256)

    def __str__(self) -> str:
        """Return the value of a button that opens this place."""
        return (
            f"{self.doc_id}:{self.start}:{self.end}:{self.quote_start}:{self.quote_end}"
            f":{self.sha256}"
        )


# --- text ----------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """Return ``text`` as inert HTML on one line: markup escaped, line breaks as ``<br>``."""
    shown = html.escape(_UNSHOWABLE.sub("\ufffd", text), quote=True)
    return _LINE_BREAK.sub("<br>", shown)


def inline(text: str) -> str:
    """Return ``text`` as inert HTML in which white space of any kind is one space."""
    return escape(_SPACES.sub(" ", text))


def percent(probability: float) -> str:
    """Return a probability as a whole percentage; an estimate is never shown as 100%."""
    return f"{_points(probability)}%"


def _points(probability: float) -> int:
    return min(99, max(0, round(100 * probability)))


def confidence_words(probability: float) -> str:
    """Return a calibrated probability of being right in words, those of its `percent`."""
    points = _points(probability)
    if points >= 90:
        return "Very likely right"
    if points >= 70:
        return "Likely right"
    if points >= 50:
        return "More likely right than not"
    return "Unsure"


def count(number: int, noun: str) -> str:
    """Return ``1 article``, ``2,000 articles``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- messages ------------------------------------------------------------------------------------


def question(text: str) -> str:
    """Return a person's question, shortened where it is very long."""
    if len(text) > QUESTION_LIMIT:
        text = f"{text[:QUESTION_LIMIT]} … ({len(text):,} characters)"
    return f'<div class="fn-question" dir="auto">{escape(text)}</div>'


def waiting() -> str:
    """Return what stands in the answer's place until it is there."""
    return '<div class="fn-waiting">Reading the articles …</div>'


def apology(sentence: str) -> str:
    """Return what is said when something failed; ``sentence`` tells what to do."""
    return (
        '<div class="fn-reply fn-apology"><p class="fn-lead">Sorry, that did not work.</p>'
        f'<p class="fn-reason" dir="auto">{escape(sentence)}</p></div>'
    )


def reply(answer: Answer, threshold: float) -> str:
    """Return an answer with its citations, or a refusal that explains itself.

    ``threshold`` is the confidence that was asked for; a refusal names it.
    """
    return _refused(answer, threshold) if answer.text is None else _answered(answer, answer.text)


def _answered(answer: Answer, text: str) -> str:
    articles = len({citation.document.id for citation in answer.citations})
    agree = f'<span class="fn-agree">stands in {count(articles, "article")}</span>'
    first, *others = answer.citations
    notes = _note(1, first, with_quote=False)
    notes += "".join(
        _note(number, other, with_quote=True) for number, other in enumerate(others, 2)
    )
    return (
        f'<div class="fn-reply">{_read_as(answer)}'
        f'<p class="fn-answer" dir="auto">{inline(text)}</p>'
        f'<p class="fn-meta">{_chip(answer.confidence)}{agree if articles > 1 else ""}</p>'
        f'<blockquote class="fn-quote" dir="auto">{_quote(first)}<sup>1</sup>'
        "</blockquote>"
        f'<ol class="fn-notes">{notes}</ol>'
        f"{_alternatives(answer.alternatives)}</div>"
    )


def _read_as(answer: Answer) -> str:
    """Return the question as it was read, the words marked that were put right; "" if none was."""
    if answer.read_as is None:
        return ""
    typed = set(clean(answer.question).split())
    words = [
        escape(word) if word in typed else f"<em>{escape(word)}</em>"
        for word in answer.read_as.split()
    ]
    return f'<p class="fn-read-as" dir="auto">Read as: {" ".join(words)}</p>'


def _chip(confidence: float) -> str:
    points = _points(confidence)
    level = "high" if points >= 70 else "middle" if points >= 50 else "low"
    return (
        f'<span class="fn-chip fn-{level}" title="Confidence: the estimated probability that the '
        f'answer is right">{confidence_words(confidence)} · {percent(confidence)}</span>'
    )


def _quote(citation: Citation) -> str:
    text = citation.document.text
    return (
        f"{inline(text[citation.quote_start : citation.start])}"
        f"<mark>{inline(text[citation.start : citation.end])}</mark>"
        f"{inline(text[citation.end : citation.quote_end])}"
    )


def _note(number: int, citation: Citation, *, with_quote: bool) -> str:
    quote = f'<span class="fn-said" dir="auto">{_quote(citation)}</span>' if with_quote else ""
    return f'<li><sup class="fn-number">{number}</sup>{_open_citation(citation)}{quote}</li>'


def _where(document: Document, at: int) -> str:
    page, heading = document.page_at(at), document.heading_at(at)
    return _joined(
        document.source, page and f"page {page}", heading if heading != document.title else None
    )


def _facts(document: Document) -> str:
    return _joined(document.source, document.date, document.byline, document.language)


def _joined(*facts: str | None) -> str:
    """Return facts side by side; one that runs from right to left does not carry the next along."""
    return " · ".join(f"<bdi>{inline(fact)}</bdi>" for fact in facts if fact)


def _open_citation(citation: Citation) -> str:
    where = _where(citation.document, citation.start)
    return _open(Place.of_citation(citation), citation.title, where)


def _open(place: Place, title: str, where: str) -> str:
    return (
        f'<button type="button" class="fn-open" name="{OPEN}" value="{place}" '
        f'title="Show this place in the article">'
        f'<span class="fn-title" dir="auto">{inline(title)}</span> '
        f'<span class="fn-where">{where}</span></button>'
    )


def _alternatives(alternatives: Sequence[Alternative]) -> str:
    if not alternatives:
        return ""
    items = "".join(
        f'<li><span class="fn-other" dir="auto">{inline(other.text)}</span> '
        f'<span class="fn-share">{percent(other.confidence)}</span>'
        + "".join(_open_citation(citation) for citation in other.citations[:1])
        + "</li>"
        for other in alternatives
    )
    return f'<div class="fn-also"><p class="fn-label">Other answers</p><ul>{items}</ul></div>'


def _refused(answer: Answer, threshold: float) -> str:
    lead = f'<p class="fn-lead">{escape(answer.reason or "")}</p>'
    parts = [f'<div class="fn-reply fn-refusal">{_read_as(answer)}{lead}']
    if answer.refusal is Refusal.NO_ANSWER and 0 < answer.confidence < threshold:
        parts.append(
            f'<p class="fn-meta"><span class="fn-chip fn-low">Best guess withheld · '
            f"{percent(min(answer.confidence, threshold - 0.01))}</span>"
            f'<span class="fn-agree">{percent(threshold)} is asked for</span></p>'
        )
    if answer.nearest:
        near = answer.nearest
        where = _where(near.document, near.start)
        parts.append(
            '<p class="fn-label">The nearest passage</p>'
            f'<blockquote class="fn-near" dir="auto">{inline(near.text)}</blockquote>'
            f'<ol class="fn-notes"><li>{_open(Place.of_nearest(near), near.document.title, where)}'
            "</li></ol>"
        )
    parts.append("</div>")
    return "".join(parts)


# --- the panel -----------------------------------------------------------------------------------


def panel_note(sentence: str) -> str:
    """Return the panel when it shows no document."""
    return f'<div class="fn-empty">{escape(sentence)}</div>'


def panel(document: Document, place: Place) -> str:
    """Return the whole document with the place marked, cut around it where it is very long.

    The answer is in ``<mark>`` (in several, where a page or a heading begins inside it). A place of
    another version of the document marks nothing and says so.
    """
    text = document.text
    stale = not document.sha256.startswith(place.sha256)
    start, end, quote_start, quote_end = (
        (0, 0, 0, 0)
        if stale
        else (
            min(at, len(text))
            for at in (place.start, place.end, place.quote_start, place.quote_end)
        )
    )
    low, high = _window(len(text), quote_start)
    facts = _facts(document)
    note = (
        '<p class="fn-stale">This article has changed since that answer was given. '
        "Ask again to see where it stands now.</p>"
        if stale
        else ""
    )
    body = _body(document, low, high, (start, end), (quote_start, quote_end))
    return (
        '<article class="fn-doc"><header class="fn-doc-head">'
        f'<h2 dir="auto">{inline(document.title)}</h2><p>{facts}</p>{note}</header>'
        '<div class="fn-doc-text" role="region" aria-label="Text of the article" tabindex="0" '
        f'dir="auto">{_left_out(low, "before")}{body}{_left_out(len(text) - high, "after")}'
        "</div></article>"
    )


def _window(length: int, at: int) -> tuple[int, int]:
    if length <= PANEL_LIMIT:
        return 0, length
    low = max(0, min(at - PANEL_LIMIT // 2, length - PANEL_LIMIT))
    return low, low + PANEL_LIMIT


def _left_out(characters: int, side: str) -> str:
    if not characters:
        return ""
    return f'<p class="fn-page">{characters:,} characters {side} this are not shown</p>'


def _body(
    document: Document, low: int, high: int, marked: tuple[int, int], quoted: tuple[int, int]
) -> str:
    text = document.text
    headings = [_heading_line(text, mark) for mark in document.headings]
    pages = {mark.start: mark.label for mark in document.pages}
    # Where blank lines are rare (in a PDF, one a page), the lines are the paragraphs.
    paragraph_ends = _LINE_ENDS if text.count("\n") > 4 * text.count("\n\n") else _BLANK_LINES
    cuts = {low, high, *marked, *quoted, *pages, *(at for line in headings for at in line)}
    edges = sorted(at for at in cuts if low <= at <= high)
    lines = {start: end for start, end in headings if start < end}
    parts: list[str] = []
    heading_end = 0
    for start, end in pairwise(edges):
        if start in pages:
            parts.append(f'<span class="fn-page">Page {inline(pages[start])}</span>')
        heading_end = max(heading_end, lines.get(start, 0))
        piece = paragraph_ends.sub('<span class="fn-gap"></span>', escape(text[start:end]))
        if marked[0] <= start and end <= marked[1]:
            piece = f"<mark>{piece}</mark>"
        if quoted[0] <= start and end <= quoted[1]:
            piece = f'<span class="fn-around">{piece}</span>'
        if end <= heading_end:
            piece = f'<strong class="fn-heading">{piece}</strong>'
        parts.append(piece)
    return "".join(parts)


def _heading_line(text: str, mark: Mark) -> tuple[int, int]:
    """Return the span of the heading itself, if the part under it begins with its words."""
    if mark.label and text.startswith(mark.label, mark.start):
        return mark.start, mark.start + len(mark.label)
    return mark.start, mark.start


# --- what is indexed -----------------------------------------------------------------------------


def documents(indexed: Sequence[Document]) -> str:
    """Return the list of what is indexed; each entry opens in the panel."""
    if not indexed:
        return '<div class="fn-empty">Nothing is indexed yet.</div>'
    ordered = sorted(indexed, key=lambda document: (document.title.casefold(), document.source))
    items = "".join(
        "<li>"
        + _open(
            Place.of_document(document),
            document.title,
            _facts(document),
        )
        + "</li>"
        for document in ordered[:LIST_LIMIT]
    )
    rest = len(ordered) - LIST_LIMIT
    more = f'<p class="fn-label">and {count(rest, "more article")}</p>' if rest > 0 else ""
    return f'<div class="fn-listing"><ul class="fn-documents">{items}</ul>{more}</div>'


def masthead(articles: int) -> str:
    """Return the head of the page."""
    return (
        '<header class="fn-masthead"><h1>Footnote<sup aria-hidden="true">1</sup></h1>'
        "<p>Answers in the articles’ own words, with the place they stand in.</p>"
        f'<p class="fn-size">{count(articles, "article")}</p></header>'
    )


def rebuilt(report: Report) -> str:
    """Return the table of what an update of the index did, first what it did not, of many rows the first."""
    rows = [("Skipped", skipped.source, skipped.reason) for skipped in report.skipped]
    rows += [("Added", source, "") for source in report.added]
    rows += [("Changed", source, "") for source in report.changed]
    rows += [("Removed", source, "") for source in report.removed]
    rows += [("Duplicate", one.source, one.note) for one in report.duplicates]
    counts = Counter(kind for kind, _, _ in rows)
    sums = ", ".join(f"{number:,} {kind.lower()}" for kind, number in counts.items())
    if not rows:
        return '<div class="fn-report"><p class="fn-lead">Nothing has changed.</p></div>'
    body = "".join(
        f'<tr class="fn-{kind.lower()}"><th scope="row">{kind}</th>'
        f"<td><bdi>{inline(source)}</bdi>"
        + (f'<span class="fn-why" dir="auto">{inline(why)}</span>' if why else "")
        + "</td></tr>"
        for kind, source, why in rows[:LIST_LIMIT]
    )
    rest = len(rows) - LIST_LIMIT
    more = f'<p class="fn-label">and {count(rest, "more row")}</p>' if rest > 0 else ""
    return f'<div class="fn-report"><p class="fn-lead">{sums}</p><table>{body}</table>{more}</div>'
