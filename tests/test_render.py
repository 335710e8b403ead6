"""Every string of `ui.render` is one inert block that shows exactly the text it was given."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.duplicates import Duplicate
from index.types import Document, Mark, Skipped
from qa.types import Alternative, Answer, Nearest, Refusal
from tests.fake_qa import FakeReport, citation, document
from ui import render
from ui.render import Place

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=http://example.com/x.png onerror=alert(1)>",
    "![alt](http://example.com/x.png)",
    '"><svg onload=alert(1)>',
    "'><b onclick='alert(1)'>",
    "</div></article><form action=http://example.com><input name=x>",
    '<div style="position:fixed;inset:0;background:url(http://example.com/x)">',
    "$$\\href{javascript:alert(1)}{x}$$ and $x$ and \\(y\\)",
    "`code` **bold** [link](javascript:alert(1))\n\n# heading\n\n```js\nalert(1)\n```",
    "${alert(1)} {{value}} {{{value}}} @children",
    "nul \x00 bell \x07 escape \x1b end",
    "\u202eright to left\u202c שלום مرحبا",
    "a" * 5000,
    "lone \ud800 surrogate",
    "line\r\nline\rline\u2028line\u2029line\x85line\x0cline",
    "&lt;script&gt; &amp; &#x3c;",
]
texts = st.one_of(
    st.text(max_size=80),
    st.sampled_from(HOSTILE),
    st.text(alphabet="<>&\"'`\n\r\u2028 \x00ab[]()!#*$\\{}", max_size=60),
)
ALLOWED = "article bdi blockquote br button div em h1 h2 header li mark ol p span strong sup table td th tr ul"
TAGS = frozenset(ALLOWED.split())
NAMED = "aria-hidden aria-label class dir name role scope tabindex title type value"
ATTRIBUTES = frozenset(NAMED.split())
VOID = frozenset({"br"})


class Page(HTMLParser):
    """Parses HTML, checks that it is well formed and harmless, and keeps its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        assert "\n" not in source
        assert "\r" not in source
        self.open: list[tuple[str, ...]] = []  # tag and classes
        self.text: list[str] = []
        self.inside: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name == "class":
                assert re.fullmatch(r"fn-[a-z-]+( fn-[a-z]+)*", value or ""), value
        self.attributes += attrs
        name = dict(attrs).get("class") or ""
        if tag == "br":
            self._keep("\n")
        elif name == "fn-gap":
            self._keep("\n\n")
        if tag not in VOID:
            self.open.append((tag, *name.split()))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        pytest.fail(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        pytest.fail(f"a processing instruction: {data}")

    def _keep(self, data: str) -> None:
        self.text.append(data)
        for key in {key for names in self.open for key in names}:
            self.inside.setdefault(key, []).append(data)

    def within(self, key: str) -> str:
        """Return the text in elements with this tag or class."""
        return "".join(self.inside.get(key, []))


def shown(text: str) -> str:
    """Return what a browser should show of ``text``, spaces aside."""
    text = "".join("\ufffd" if _unshowable(char) else char for char in text)
    return "".join(text.split())


def _unshowable(char: str) -> bool:
    code = ord(char)
    return (
        code < 9 or 14 <= code < 28 or 127 <= code <= 132 or 134 <= code < 160
    ) or 0xD800 <= code < 0xE000


def squeezed(text: str) -> str:
    return "".join(text.split())


# What is indexed has been encoded; a title or a heading from elsewhere may not have been.
encodable = texts.map(lambda text: text.replace("\ud800", ""))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.lists(encodable, min_size=1, max_size=4).map("\n\n".join).filter(len))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    labels = draw(st.lists(texts, min_size=len(cuts), max_size=len(cuts)))
    marks = tuple(
        Mark(start, end, label)
        for start, end, label in zip(cuts, [*cuts[1:], len(text)], labels, strict=False)
        if start < end
    )
    as_headings = draw(st.booleans())
    return document(
        draw(encodable),
        text,
        draw(texts),
        date=draw(st.none() | texts),
        author=draw(st.none() | texts),
        publisher=draw(st.none() | texts),
        pages=() if as_headings else marks,
        headings=marks if as_headings else (),
    )


@st.composite
def cited(draw: st.DrawFn) -> tuple[Document, int, int, int, int]:
    one = draw(documents())
    size = len(one.text)
    start = draw(st.integers(0, size - 1))
    end = draw(st.integers(start + 1, size))
    return one, start, end, draw(st.integers(0, start)), draw(st.integers(end, size))


@given(cited(), texts, texts)
def test_an_answer_shows_its_text_quote_and_places(
    place: tuple[Document, int, int, int, int], asked: str, other: str
) -> None:
    one, start, end, low, high = place
    found = citation(one, start, end, (low, high))
    answer = Answer(
        asked, found.text, 0.8, (found, found), (Alternative(other, 0.1, (found,)),), None, None
    )
    page = Page(render.reply(answer, 0.5))
    assert squeezed(page.within("fn-answer")) == shown(found.text)
    assert squeezed(page.within("fn-quote")) == shown(found.quote) + "1"
    assert squeezed(page.within("fn-said")) == shown(found.quote)
    assert squeezed(page.within("mark")) == 2 * shown(found.text)
    assert squeezed(page.within("fn-other")) == shown(other)
    assert squeezed(page.within("fn-title")) == 3 * shown(one.title)
    heading = found.heading if found.heading != one.title else None
    where = (one.source, found.page and f"page{found.page}", heading)
    assert squeezed(page.within("fn-where")) == 3 * shown("·".join(part for part in where if part))
    values = [value for name, value in page.attributes if name == "value"]
    assert values == 3 * [str(Place.of_citation(found))]


@given(texts, texts, st.booleans())
def test_what_a_question_was_read_as_is_shown(asked: str, read_as: str, answered: bool) -> None:
    one = Document("one", "Title", "In 1887.", "one.txt")
    citations = (citation(one, 3, 7),) if answered else ()
    text = "1887" if answered else None
    answer = Answer(asked, text, 0.8, citations, refusal=Refusal.NO_ANSWER, read_as=read_as)
    assert squeezed(Page(render.reply(answer, 0.5)).within("fn-read-as")) == shown(
        f"Readas:{read_as}"
    )
    plain = Page(render.reply(replace(answer, read_as=None), 0.5))
    assert plain.within("fn-read-as") == ""


def test_words_that_were_put_right_are_marked() -> None:
    answer = Answer("who wn it?", None, 0.0, refusal=Refusal.NO_ANSWER, read_as="who won it?")
    assert "Read as: who <em>won</em> it?" in render.reply(answer, 0.5)
    composed = replace(answer, question="who wn the cafe\u0301?", read_as="who won the caf\u00e9?")
    assert "who <em>won</em> the caf\u00e9?" in render.reply(composed, 0.5)


@given(cited())
def test_the_panel_shows_the_whole_document_and_marks_the_answer(
    place: tuple[Document, int, int, int, int],
) -> None:
    one, start, end, low, high = place
    found = citation(one, start, end, (low, high))
    page = Page(render.panel(one, Place.of_citation(found)))
    pages = "".join("Page" + shown(mark.label) for mark in one.pages)
    text = squeezed(page.within("fn-doc-text"))
    assert squeezed(page.within("fn-page")) == pages
    assert len(text) == len(shown(one.text)) + len(pages)
    assert not one.pages or text != shown(one.text)
    assert one.pages or text == shown(one.text)
    assert squeezed(page.within("mark")) == shown(found.text)
    assert squeezed(page.within("fn-around")) == shown(found.quote)
    assert squeezed(page.within("h2")) == shown(one.title)


@given(documents(), texts, texts, st.sampled_from(Refusal), st.floats(0, 1))
def test_a_refusal_explains_itself(
    one: Document, asked: str, reason: str, refusal: Refusal, confidence: float
) -> None:
    nearest = Nearest(one, 0, len(one.text), one.text)
    answer = Answer(asked, None, confidence, (), (), refusal, reason, nearest)
    page = Page(render.reply(answer, 0.5))
    assert squeezed(page.within("fn-lead")) == shown(reason)
    assert squeezed(page.within("fn-near")) == shown(one.text)
    is_withheld = refusal is Refusal.NO_ANSWER and 0 < confidence < 0.5
    assert bool(page.within("fn-meta")) == is_withheld
    assert page.within("mark") == ""
    panel = Page(render.panel(one, Place.of_nearest(nearest)))
    assert panel.within("mark") == ""
    assert squeezed(panel.within("fn-around")) == shown(one.text)


@given(st.lists(documents(), max_size=3), texts, texts)
def test_everything_else_is_inert_too(indexed: list[Document], text: str, more: str) -> None:
    assert squeezed(Page(render.question(text)).within("fn-question")).startswith(
        shown(text[: render.QUESTION_LIMIT])
    )
    assert shown(text) in squeezed(Page(render.apology(text)).within("fn-reason"))
    assert squeezed("".join(Page(render.panel_note(text)).text)) == shown(text)
    Page(render.masthead(len(indexed)))
    Page(render.waiting())
    listed = squeezed("".join(Page(render.documents(indexed)).text))
    assert all(shown(one.title) in listed and shown(one.source) in listed for one in indexed)
    report = squeezed("".join(Page(render.rebuilt(FakeReport([text], [Skipped(text, more)]))).text))
    assert report.count(shown(text)) >= 2
    assert shown(more) in report


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_opens_no_element(text: str) -> None:
    assert re.findall("<[^>]*>", render.escape(text).replace("<br>", "")) == []
    assert "<" not in render.inline(text)


@given(st.from_type(Place))
def test_a_place_survives_its_button(place: Place) -> None:
    sound = Place(
        "0f" * 8,
        *(abs(at) % 10**12 for at in (place.start, place.end, place.quote_start, place.quote_end)),
        sha256="ab" * 8,
    )
    assert Place.parse(str(sound)) == sound


@given(st.lists(st.integers(0, 12) | st.integers(0, 10**12 - 1), min_size=4, max_size=4))
def test_a_made_up_place_marks_text_or_nothing(offsets: list[int]) -> None:
    one = document("a.txt", "Some text.")
    place = Place.parse(f"{one.id}:{':'.join(map(str, offsets))}:{one.sha256[:16]}")
    assert place is not None
    start, end, quote_start, quote_end = offsets
    page = Page(render.panel(one, place))
    assert page.within("fn-doc-text") == one.text
    assert page.within("mark") == one.text[start:end]
    assert page.within("fn-around") == one.text[quote_start:quote_end]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "a:1:2:3:b",
        "a:1:2:3:4:b:5",
        "a:1:2:3:x:b",
        "<b>:1:2:3:4:b",
        "a:1:2:3:-4:b",
        f"a:1:2:3:{10**12}:b",
    ],
)
def test_what_is_no_place_is_none(value: str) -> None:
    assert Place.parse(value) is None


def test_a_document_opens_at_its_beginning_without_a_mark() -> None:
    one = document("a.txt", "Some text.")
    page = Page(render.panel(one, Place.of_document(one)))
    assert page.within("fn-doc-text") == "Some text."
    assert page.within("mark") == page.within("fn-around") == page.within("fn-stale") == ""


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 articles"), (1, "1 article"), (2000, "2,000 articles")]
)
def test_articles_are_counted_in_words(number: int, shown: str) -> None:
    assert Page(render.masthead(number)).within("fn-size") == shown


def test_a_place_past_the_end_shows_the_document() -> None:
    one = document("a.txt", "Some text.")
    page = Page(render.panel(one, Place(one.id, 4, 900, 0, 10**11, one.sha256[:16])))
    assert page.within("fn-doc-text") == "Some text."
    assert page.within("mark") == " text."


def test_a_changed_document_marks_nothing_and_says_so() -> None:
    found = citation(document("a.txt", "It was blue."), 7, 11)
    changed = dataclasses.replace(found.document, text="It is not blue.")
    page = Page(render.panel(changed, Place.of_citation(found)))
    assert page.within("fn-doc-text") == "It is not blue."
    assert page.within("mark") == page.within("fn-around") == ""
    assert "has changed since" in page.within("fn-stale")


def test_a_very_long_document_is_cut_around_the_mark() -> None:
    text = "x" * render.PANEL_LIMIT + "needle" + "y" * render.PANEL_LIMIT
    found = citation(document("a.txt", text), render.PANEL_LIMIT, render.PANEL_LIMIT + 6)
    near = dataclasses.replace(found, quote_start=found.start, quote_end=found.end)
    page = Page(render.panel(found.document, Place.of_citation(near)))
    assert page.within("mark") == "needle"
    assert "200,000 characters before this are not shown" in page.within("fn-page")
    kept = page.within("fn-doc-text").replace(page.within("fn-page"), "")
    assert len(page.within("fn-doc-text")) - len(page.within("fn-page")) == render.PANEL_LIMIT
    assert "needle" in kept


def test_pages_and_headings_are_told() -> None:
    text = "Opening words.\nThe flood\nIt began on Monday. It ended on Friday."
    at = text.index("Friday")
    one = document(
        "a/b.pdf",
        text,
        "Two days",
        date="2024-05-01",
        author="R. Ames",
        publisher="The Mail",
        language="en",
        pages=(Mark(0, 15, "iv"), Mark(15, len(text), "5")),
        headings=(Mark(15, len(text), "The flood"),),
    )
    found = citation(one, at, at + 6, (text.index("It ended"), len(text)))
    page = Page(render.reply(Answer("When?", "Friday", 0.93, (found,)), 0.5))
    assert page.within("fn-where") == "a/b.pdf · page 5 · The flood"
    assert page.within("fn-chip") == "Very likely right · 93%"
    panel = Page(render.panel(one, Place.of_citation(found)))
    assert panel.within("fn-heading") == "The flood"
    assert panel.within("fn-page") == "Page ivPage 5"
    assert panel.within("fn-doc-head") == "Two daysa/b.pdf · 2024-05-01 · R. Ames, The Mail · en"
    listed = Page(render.documents([one]))
    assert listed.within("fn-where") == "a/b.pdf · 2024-05-01 · R. Ames, The Mail · en"


@pytest.mark.parametrize(
    ("probability", "words", "number"),
    [
        (1.0, "Very likely right", "99%"),
        (0.9, "Very likely right", "90%"),
        (0.7, "Likely right", "70%"),
        (0.5, "More likely right than not", "50%"),
        (0.8951, "Very likely right", "90%"),
        (0.4949, "Unsure", "49%"),
        (0.0, "Unsure", "0%"),
    ],
)
def test_confidence_in_words_and_number(probability: float, words: str, number: str) -> None:
    assert render.confidence_words(probability) == words
    assert render.percent(probability) == number


@pytest.mark.parametrize(
    ("confidence", "level"),
    [(0.95, "high"), (0.6951, "high"), (0.69, "middle"), (0.4951, "middle"), (0.49, "low")],
)
def test_confidence_has_one_of_three_colours(confidence: float, level: str) -> None:
    found = citation(document("a.txt", "In 1887."), 3, 7)
    page = Page(render.reply(Answer("When?", "1887", confidence, (found,)), 0.5))
    words = f"{render.confidence_words(confidence)} · {render.percent(confidence)}"
    assert page.within(f"fn-{level}") == words
    assert page.within("fn-also") == ""  # there are no others


def test_a_long_question_is_shortened() -> None:
    limit = render.QUESTION_LIMIT
    assert Page(render.question("a" * limit)).within("fn-question") == "a" * limit
    short = f"{'a' * limit} … ({limit + 1:,} characters)"
    assert Page(render.question("a" * (limit + 1))).within("fn-question") == short


def test_agreement_counts_articles_not_places() -> None:
    first, second = document("a.txt", "In 1887."), document("b.txt", "Since 1887. Yes, 1887.")
    twice = (citation(second, 6, 10), citation(second, 17, 21))
    same = Page(render.reply(Answer("When?", "1887", 0.8, twice), 0.5))
    assert same.within("fn-agree") == ""
    both = Page(render.reply(Answer("When?", "1887", 0.8, (citation(first, 3, 7), *twice)), 0.5))
    assert both.within("fn-agree") == "stands in 2 articles"
    assert both.within("fn-number") == "123"


def test_a_withheld_guess_gives_both_numbers() -> None:
    refused = Answer("When?", None, 0.31, refusal=Refusal.NO_ANSWER, reason="Too unsure.")
    page = Page(render.reply(refused, 0.62))
    assert page.within("fn-meta") == "Best guess withheld · 31%62% is asked for"
    close = Page(render.reply(replace(refused, confidence=0.499), 0.5))
    assert close.within("fn-meta") == "Best guess withheld · 49%50% is asked for"


def test_long_lists_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "LIST_LIMIT", 2)
    page = Page(render.documents([document(f"{n}.txt", "x") for n in range(5)]))
    assert page.within("fn-title") == "01"
    assert page.within("fn-label") == "and 3 more articles"
    assert "Nothing is indexed" in "".join(Page(render.documents([])).text)


def test_a_report_without_changes_says_so() -> None:
    assert Page(render.rebuilt(FakeReport([]))).within("fn-lead") == "Nothing has changed."
    full = Page(render.rebuilt(FakeReport(["a.txt", "b.txt"], [Skipped("c.pdf", "It is locked.")])))
    assert full.within("fn-lead") == "1 skipped, 2 added"
    assert full.within("fn-why") == "It is locked."


def test_a_long_report_says_first_what_was_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "LIST_LIMIT", 2)
    report = FakeReport(["a.txt", "b.txt", "c.txt"], [Skipped("d.pdf", "It is locked.")])
    page = Page(render.rebuilt(report))
    assert page.within("fn-lead") == "1 skipped, 3 added"
    assert page.within("fn-why") == "It is locked."
    assert page.within("fn-label") == "and 2 more rows"


def test_a_report_names_near_duplicates() -> None:
    report = FakeReport(["b.txt"], duplicates=[Duplicate("b.txt", "<a>.txt", 0.934)])
    page = Page(render.rebuilt(report))
    assert page.within("fn-lead") == "1 added, 1 duplicate"
    assert page.within("fn-why") == "93% the same as <a>.txt"
