"""What each loader makes of an ordinary file, and what the text of every document holds."""

import datetime
import json
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index._formats.parsed import Table
from index._formats.tables import parse_csv, parse_jsonl
from index._formats.text import parse_text
from index._text import (
    byline_spans,
    clean,
    decode,
    find_date,
    has_text,
    parse_date,
    title_line,
    top_matter,
)
from index.errors import ConfigError, LoadError
from index.load import (
    FORMATS,
    Columns,
    LoadLimits,
    Sandbox,
    SourceFile,
    find_files,
    load_file,
)
from index.types import Document, Skipped, document_id
from tests.conftest import rounds
from tests.make_files import make_docx, make_pdf, save_docx
from tests.news_pages import HELD_OUT, PAGES, NewsPage

property_test = settings(max_examples=rounds(25, in_ci=150))

SENTENCES = (
    "The two delegations met in Doha for three hours. They agreed to meet again within days. "
    "Officials who were in the room said that nothing had been settled, but that the tone was calm. "
    "Both sides spoke to reporters before they left."
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as shared:
        yield shared


def load(name: str, data: bytes, sandbox: Sandbox | None = None, **limits: int) -> Document:
    documents, skipped = load_file(
        SourceFile(Path(name), f"news/{name}"), data, sandbox=sandbox, limits=LoadLimits(**limits)
    )
    assert skipped == []
    (document,) = documents
    assert document.source == f"news/{name}"
    assert document.id == document_id(document.source)
    return document


def load_rows(name: str, data: bytes) -> list[Document]:
    documents, skipped = load_file(SourceFile(Path(name), f"news/{name}"), data)
    assert skipped == []
    return documents


def reason(name: str, data: bytes, sandbox: Sandbox | None = None, **limits: int) -> str:
    documents, skipped = load_file(
        SourceFile(Path(name), f"news/{name}"), data, sandbox=sandbox, limits=LoadLimits(**limits)
    )
    assert documents == []
    (one,) = skipped
    assert one.source == f"news/{name}"
    return one.reason


def under(document: Document) -> dict[str, str]:
    """Heading to the text that its mark covers."""
    return {mark.label: document.text[mark.start : mark.end] for mark in document.headings}


# --- plain text -------------------------------------------------------------------------------


def test_text_with_title_byline_and_date() -> None:
    text = f"Talks resume in Doha\n\nBy Jane Doe\n24 October 2024\n\n{SENTENCES}\n"
    document = load("talks.txt", text.encode())
    assert document.title == "Talks resume in Doha"
    assert document.author == "Jane Doe"
    assert document.date == "2024-10-24"
    assert document.language == "en"
    assert document.text == text.strip()
    assert document.pages == document.headings == ()


def test_text_without_a_title_line_is_named_after_its_file() -> None:
    document = load("truce-talks_2024.txt", f"{SENTENCES}\n\n{SENTENCES}".encode())
    assert document.title == "Truce talks 2024"


def test_text_with_front_matter() -> None:
    data = b"---\ntitle: Talks resume\ndate: 2024-10-24\nsource: Footnote News\n---\nThe text.\n"
    document = load("a.txt", data)
    assert (document.title, document.date) == ("Talks resume", "2024-10-24")
    assert (document.author, document.publisher) == (None, "Footnote News")
    assert document.text == "The text."


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        (["Talks resume", "", "The text."], "Talks resume"),
        (["What now?", "", "The text."], "What now?"),
        (["Talks resume", "============", "The text."], "Talks resume"),
        (["Talks resume", "By Jane Doe", "The text."], "Talks resume"),
        (["Talks resume", "24 October 2024", "The text."], "Talks resume"),
        (["Talks resume", "A standfirst of many words " * 5], "Talks resume"),
        (["The talks resumed.", "", "The text."], None),
        (["The talks, which were", "held in Doha, resumed."], None),
        (["Present:", "", "Jane Doe"], None),
        (["x" * 151, "", "The text."], None),
        (["Only a line"], None),
        (["***", "", "The text."], None),
    ],
)
def test_title_line(lines: list[str], title: str | None) -> None:
    assert title_line(lines) == title


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("By Jane Doe", {"author": "Jane Doe"}),
        ("BY JANE DOE", {"author": "JANE DOE"}),
        ("by Jane Doe and Ali bin Said", {"author": "Jane Doe and Ali bin Said"}),
        ("By Jane Doe | 24 October 2024", {"author": "Jane Doe", "date": "2024-10-24"}),
        ("By Jane Doe, 24 October 2024", {"author": "Jane Doe", "date": "2024-10-24"}),
        ("Written by Zoë O’Neill-Șerban", {"author": "Zoë O’Neill-Șerban"}),
        ("Author: Jane Doe", {"author": "Jane Doe"}),
        ("Source: Footnote News", {"source": "Footnote News"}),
        ("Title: Talks resume", {"title": "Talks resume"}),
        ("Published: Oct. 24, 2024", {"date": "2024-10-24"}),
        ("Thursday, 24 October 2024", {"date": "2024-10-24"}),
        ("Footnote News, 24 October 2024", {"date": "2024-10-24"}),
        ("By Jane Doe, Footnote desk. Published on 24 May 2024.", {"author": "Jane Doe"}),
        ("By Jane Doe, who was there", {"author": "Jane Doe"}),
        ("By 2020, the river had returned.", {}),
        ("By Monday, the talks had failed.", {}),
        ("By Christmas, three had left!", {}),
        ("By Friday, 24 May 2024", {"date": "2024-05-24"}),
        ("By the end of the day nothing was settled", {}),
        ("By Monday the talks had failed in every respect", {}),
        ("On 24 October 2024 the delegations met in Doha for the second time.", {}),
    ],
)
def test_top_matter(line: str, found: dict[str, str]) -> None:
    assert top_matter(["Talks resume", "", line, SENTENCES]) == found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "Talks\n\nBy Jane Doe, News desk. 24 May 2024\n\nThey met.",
            ["By Jane Doe, News desk. 24 May 2024"],
        ),
        (
            "Talks\nBy Jane Doe\nNews desk, 24 May 2024\n\nThey met.",
            ["By Jane Doe", "News desk, 24 May 2024"],
        ),
        ("Talks\n24 May 2024\nBy Jane Doe\n\nThey met.", ["24 May 2024", "By Jane Doe"]),
        (
            "Talks\nBy Jane Doe\nDate: 24 May 2024\n\nThey met.",
            ["By Jane Doe", "Date: 24 May 2024"],
        ),
        (
            "Talks\r\n\r\n  By the world desk, May 2024  \r\n\r\nThey met.",
            ["By the world desk, May 2024"],
        ),
        ("Talks\nJane Doe\n\nThey met.", ["Jane Doe"]),
        ("Talks\nPublished: 24 May 2024\n\nThey met.", ["Published: 24 May 2024"]),
        ("Talks of 24 May 2024\nBy Jane Doe\n\nThey met.", ["By Jane Doe"]),
        ("Talks\nBy Jane Doe\nTalks begin on 24 May 2024\n\nThey met.", ["By Jane Doe"]),
        ("Talks\nBy Jane Doe\n24 May 2024: the two sides meet\n\nThen ...", ["By Jane Doe"]),
        (
            "Talks\nBy Jane Doe\nLast updated on 24 may 2024, 10 am\n\nThey met.",
            ["By Jane Doe", "Last updated on 24 may 2024, 10 am"],
        ),
        ("Concert\nDate: 24 May 2024\nVenue: the hall\n\nDoors open at 7.", []),
        ("Chronology\n\n24 May 2024\n\nThey met.\n\n25 May 2024\n\nThey parted.", []),
        ("Talks\n\nBy Monday, all was lost.\n\nBy May, 3 had left.", []),
        ("Talks\n\nBy the end, 105 had come home. By 2020, more.", []),
        ("Jane Doe runs a shop. It is hers.\n\nBy day it sells books, by night records.", []),
        ("One.\n\n" * 8 + "By Jane Doe", []),
        ("", []),
    ],
)
def test_bylines_are_the_lines_that_say_who_wrote_an_article_and_when(
    text: str, lines: list[str]
) -> None:
    author = "world desk" if "world" in text else "Jane Doe"
    assert [text[start:end] for start, end in byline_spans(text, author)] == lines
    if author == "Jane Doe" and lines != ["Jane Doe"]:
        assert [text[start:end] for start, end in byline_spans(text, None)] == lines


@given(st.text(alphabet="By Jane Doe\n\r\x0b.2024: May", max_size=200))
def test_bylines_are_lines_of_the_text_in_order(text: str) -> None:
    found = byline_spans(text, "Jane")
    assert found == sorted(found)
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in found)


# --- dates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "2024-10-24",
        "2024-10-24T23:30:00-05:00",
        "24 October 2024",
        "24th of October 2024",
        "October 24, 2024",
        "Oct. 24 2024",
        "24-Oct-2024",
        "Thu, 24 Oct 2024 23:30:00 +0000",
        "24.10.2024",
        "2024/10/24",
        "D:20241024233000Z",
        "20241024",
        datetime.date(2024, 10, 24),
        datetime.datetime(2024, 10, 24, 23, 30),
        20241024,
    ],
)
def test_dates_that_are_read(text: object) -> None:
    assert parse_date(text) == "2024-10-24"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10/11/2024",
        "31 February 2024",
        "2024-13-01",
        "yesterday",
        "2024",
        None,
        True,
        [],
        "0000-01-01",
    ],
)
def test_dates_that_are_not_guessed(text: object) -> None:
    assert parse_date(text) is None


@property_test
@given(st.dates())
def test_every_date_is_read_in_each_way_it_is_written(date: datetime.date) -> None:
    for shape in ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%Y-%m-%d"):
        written = date.strftime(shape).replace(str(date.year), f"{date.year:04d}")
        if len(str(date.year)) == 4:
            assert find_date(f"({written})") == date.isoformat()


# --- Markdown ---------------------------------------------------------------------------------

MARKDOWN = """---
title: "Talks: what we know"
date: 2024-10-24
author: [Jane Doe, John Roe]
tags: [a, b]
---
# The talks

Some **bold** [link](http://x.example "t") and `code`
on two lines.

![the room](room.png)

## Who came &amp; why

- one
- two
  1. nested

| who | from |
|-----|------|
| A   | B    |

> Quoted *text*.

<!-- a note -->
<script>alert(1)</script>

```
literal *text*
```
"""


def test_markdown_is_read_without_its_syntax() -> None:
    document = load("a.md", MARKDOWN.encode())
    assert document.title == "Talks: what we know"
    assert document.date == "2024-10-24"
    assert document.author == "Jane Doe, John Roe"
    assert document.text == (
        "The talks\n\nSome bold link and code on two lines.\n\nthe room\n\nWho came & why\n\n"
        "- one\n- two\n1. nested\n\nwho | from\nA | B\n\nQuoted text.\n\nliteral *text*"
    )
    assert list(under(document)) == ["The talks", "Who came & why"]
    assert under(document)["The talks"].startswith("The talks\n\nSome bold")
    assert under(document)["Who came & why"].endswith("literal *text*")
    assert document.heading_at(document.text.index("nested")) == "Who came & why"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<!--more-->The minister resigned.", "The minister resigned."),
        (
            "<!-- wp:paragraph --><p>Text &amp; more.</p><!-- /wp:paragraph -->\n\n<!-- a > b -->",
            "Text & more.",
        ),
        (
            '<iframe src="https://x.example" title="a > b"></iframe>\nThe minister resigned.',
            "The minister resigned.",
        ),
        ('<iframe src="x" />\nThe minister resigned.', "The minister resigned."),
        ("<IFRAME src=x>\nThe minister resigned.", "The minister resigned."),
        (
            "<div>\n<!-- a > b -->\n<script>var a=1;</script>\nText.\n<STYLE>p {}</Style >\n</div>",
            "Text.",
        ),
        ("<div><svg><title>Logo</title><svg-x/></svg>Text.</div>", "Text."),
        ("<script>alert(1)</script> Text.\n\n<style>p {}</style>", "Text."),
        ("<div><script>alert(1)\n</div>\n\nText.", "Text."),
        ("<?php echo 1 ?>Text.\n\n<!doctype html>\n\n<![CDATA[ a > b ]]>More.", "Text.\n\nMore."),
        ("<!-->Text.", "Text."),
        ("<div><style-guide>Text.</style-guide> 1 < 2 <svg</div>", "Text. 1 < 2 <svg"),
        ("About 10<sup>8</sup> of <b>1<sup>st</sup></b>.", "About 10⁸ of 1st."),
        ("<p>About 10<sup>-8</sup> of it.</p>", "About 10⁻⁸ of it."),
        ("No<sup>8", "No8"),
        ("No 8</sup> 9", "No 8 9"),
        ("A <script>var a = 1;</script>b <style>p {}</style>c.", "A b c."),
        ("A <svg><style>p {}</style><text>t</text></svg>b<svg/> c.", "A b c."),
        ("A <script>b, and nothing ends it.", "A b, and nothing ends it."),
    ],
)
def test_html_in_markdown_costs_no_text(source: str, text: str) -> None:
    document = load("a.md", f"{source}\n\n## Why\n\nMore.".encode())
    assert document.text == f"{text}\n\nWhy\n\nMore."


def test_a_comment_above_the_title_is_no_paragraph() -> None:
    assert load("a.md", b"<!-- draft -->\n\n## Talks\n\nThey met.").title == "Talks"


@pytest.mark.parametrize(
    "part", ["<svg ", "<svg>", "<iframe>x", "<svg/>", "<!--", "<!-- -->", "<sup>", "<script>", "<?"]
)
def test_html_in_markdown_takes_time_that_grows_with_it(part: str, sandbox: Sandbox) -> None:
    data = b"<div>" + part.encode() * (900_000 // len(part)) + b"</div>\n\nText."
    assert load("a.md", data, sandbox).text.endswith("Text.")


def test_markdown_title_is_the_first_heading_without_front_matter() -> None:
    assert load("a.markdown", b"Some text.\n\n# The *talks*\n\nMore.").title == "The talks"
    assert load("truce.md", b"Some text.").title == "Truce"
    assert load("truce.md", b"Some text.\n\n## Background\n\nMore.").title == "Truce"
    assert load("truce.md", b"## Talks\n\nSome text.").title == "Talks"


@pytest.mark.parametrize(
    "matter",
    ["title: Talks: what we know", 'title: "Talks: what we know"', "TITLE:  'Talks: what we know'"],
)
def test_front_matter_that_is_no_yaml_is_still_read(matter: str) -> None:
    document = load("a.md", f"---\r\n{matter}\r\n---\r\nThe text.".encode())
    assert document.title == "Talks: what we know"
    assert document.text == "The text."


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    document = load("a.md", b"---\nThe text begins.\n\n---\nAnd goes on.")
    assert "The text begins." in document.text
    assert "And goes on." in document.text


@pytest.mark.parametrize(
    "line",
    [
        'The minister said: "no deal": the talks were over, and it will take years.',
        "The minister said: no deal.",
        "About the bridge: it opened in 1932: a great day.",
    ],
)
def test_a_paragraph_between_two_rules_is_not_lost(line: str) -> None:
    for name in ("a.md", "a.txt"):
        text = load(name, f"---\n\n{line}\n\nMore: of it.\n\n---\n\nThe rest.".encode()).text
        assert "ore: of it." in text
        assert "The rest." in text
        assert line.split(":")[0] in text


def test_the_mark_of_an_empty_item_does_not_go_to_the_next_paragraph() -> None:
    text = load("a.md", b"- one\n-\n\nParagraph one.\n\n1. two\n2.\n\nParagraph two.").text
    assert text.split("\n") == ["- one", "", "Paragraph one.", "", "1. two", "", "Paragraph two."]


def test_front_matter_that_is_no_yaml_may_hold_lists_and_remarks() -> None:
    matter = "# by hand\ntitle: Talks: what we know\ntags:\n  - one\n- two\nreading-time: 5\n"
    document = load("a.md", f"---\n{matter}---\nThe text.".encode())
    assert (document.title, document.text) == ("Talks: what we know", "The text.")


def test_front_matter_of_references_is_not_expanded() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(20)
    )
    document = load("a.md", f"---\n{bomb}author: *u\n---\nThe text.".encode())
    assert document.text == "The text."


# --- HTML -------------------------------------------------------------------------------------

HTML = """<!doctype html><html lang="en"><head><title>Talks resume | Footnote News</title>
<meta property="og:title" content="Talks resume &amp; go on">
<meta property="article:published_time" content="2024-10-24T10:00:00Z">
<meta name="author" content="Jane Doe"><style>p { color: red }</style></head>
<body><header>Footnote News</header><nav><a href="/">Home</a></nav>
<div class="cookie-notice">We use cookies</div>
<main><article><header><h1>Talks  resume</h1><p>By Jane Doe</p></header>
<p>First <b>para</b>graph<br>of two lines.<p>Second paragraph.
<script>document.write("<p>no</p>")</script>
<h2>Who came</h2><ul><li>one<li>two</ul>
<table><tr><th>who<th>from<tr><td>A<td>B</table>
<pre>x   y
 z</pre>
<div class="share-buttons">Share this</div><p hidden>hidden</p></article></main>
<aside>Most read</aside><footer>(c) Footnote News</footer></body></html>"""


def test_html_is_read_without_what_surrounds_the_article(sandbox: Sandbox) -> None:
    document = load("a.html", HTML.encode(), sandbox)
    assert document.title == "Talks resume & go on"
    assert document.date == "2024-10-24"
    assert document.author == "Jane Doe"
    assert document.text == (
        "Talks resume\n\nBy Jane Doe\n\nFirst paragraph\nof two lines.\n\nSecond paragraph.\n\n"
        "Who came\n\n- one\n- two\n\nwho | from\nA | B\n\nx   y\n z"
    )
    assert list(under(document)) == ["Talks resume", "Who came"]


def test_html_metadata_of_json_ld(sandbox: Sandbox) -> None:
    data = {
        "@graph": [
            {"@type": "WebSite", "name": "Footnote News"},
            {
                "@type": ["NewsArticle"],
                "headline": "Talks resume",
                "datePublished": "2024-10-24",
                "author": [{"name": "Jane Doe"}, {"name": "John Roe"}],
            },
        ]
    }
    page = f'<script type="application/ld+json">{json.dumps(data)}</script><p>The text.'
    document = load("a.htm", page.encode(), sandbox)
    assert document.title == "Talks resume"
    assert document.date == "2024-10-24"
    assert document.author == "Jane Doe, John Roe"
    assert document.text == "The text."


def test_html_in_a_declared_encoding(sandbox: Sandbox) -> None:
    page = '<meta charset="windows-1251"><title>Переговоры</title><p>Они встретились.'
    document = load("a.html", page.encode("cp1251"), sandbox)
    assert document.title == "Переговоры"
    assert document.text == "Они встретились."


@pytest.mark.parametrize("page", PAGES + HELD_OUT, ids=lambda page: page.name)
def test_news_pages_are_read_without_boilerplate(page: NewsPage, sandbox: Sandbox) -> None:
    document = load("a.html", page.html.encode(), sandbox)
    assert document.title == page.title
    assert document.author == page.author
    assert document.date == page.date
    assert tuple(mark.label for mark in document.headings) == page.headings
    text = " ".join(document.text.split())
    places = [text.find(" ".join(kept.split())) for kept in page.kept]
    assert -1 not in places
    assert places == sorted(places)
    assert [dropped for dropped in page.dropped if dropped in text] == list(page.tolerated)


def test_a_plain_page_loses_nothing(sandbox: Sandbox) -> None:
    page = (
        "<title>Report</title><p>A preface stands before the headline here.</p><h1>Copyright law</h1>"
        "<p>The law was changed in 1998 and again in 2003.</p><blockquote><p>It was time to do "
        "so.</p></blockquote><h2>Countries</h2><ul><li>Norway<li>Peru</ul><p>No full stop here"
    )
    text = load("a.html", page.encode(), sandbox).text
    assert text == (
        "A preface stands before the headline here.\n\nCopyright law\n\nThe law was changed in 1998 "
        "and again in 2003.\n\nIt was time to do so.\n\nCountries\n\n- Norway\n- Peru\n\n"
        "No full stop here"
    )


@pytest.mark.parametrize("name", ["with-sidebar", "menu-open", "has-comments"])
def test_a_name_does_not_cost_the_page(name: str, sandbox: Sandbox) -> None:
    page = f'<title>T</title><div class="{name}"><p>{SENTENCES}</p></div>'
    assert load("a.html", page.encode(), sandbox).text == SENTENCES


def test_the_sites_name_is_not_the_title(sandbox: Sandbox) -> None:
    page = (
        "<title>Talks resume</title><h1>The Daily</h1><h2>Talks resume</h2><p>They met in Doha.</p>"
    )
    assert load("a.html", page.encode(), sandbox).title == "Talks resume"


def test_a_page_of_links_is_kept_whole(sandbox: Sandbox) -> None:
    links = [f"Link number {at} to somewhere" for at in range(30)]
    items = "".join(f"<li><a href=x>{link}</a></li>" for link in links)
    document = load(
        "a.html", f"<title>Links</title><h1>Links</h1><ul>{items}</ul>".encode(), sandbox
    )
    assert all(link in document.text for link in links)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('in 1998<sup><a href="#fn1">1</a></sup> in Kesten', "in 1998 in Kesten"),
        ('in 1998<sup>[<a href="#a">1</a>, <a href="#b">2</a>]</sup> in', "in 1998 in"),
        ('in 1998<a href="#fn1"><sup>1</sup></a> in Kesten', "in 1998 in Kesten"),
        (
            'in 1998<sup class="reference"><a href="https://w.example/K#cite_note-1">[1]</a></sup>.',
            "in 1998.",
        ),
        ('in 1998<sup role="doc-noteref">1</sup> in', "in 1998 in"),
        ('in 1998<a href="n.html#1" role="doc-noteref"><sup>1</sup></a> in', "in 1998 in"),
        ('in 1998<sup><a href="n.html" class="footnote-ref">1</a></sup> in', "in 1998 in"),
        ('in 1998<sup class="FootnoteRef">1</sup> in', "in 1998 in"),
        ("10<sup>8</sup> cells on 5 m<sup> 2 </sup>", "10⁸ cells on 5 m²"),
        ("10<sup>-12</sup> m, 10<sup>\u22126</sup> m, Ca<sup>2+</sup>", "10⁻¹² m, 10⁻⁶ m, Ca²⁺"),
        ('10<sup><a href="/powers">9</a></sup> and x<sup><i>3</i></sup>', "10⁹ and x³"),
        ("the 1<sup>st</sup> H<sub>2</sub>O", "the 1st H2O"),
        ('<span class="references">10<sup>8</sup></span>', "10⁸"),
        ('<a class="reference" href="#fit">its R<sup>2</sup></a>', "its R²"),
        ('the law <sup>as of <a href="#p4">1998</a></sup>', "the law as of 1998"),
    ],
)
def test_superscripts_are_note_marks_powers_or_text(
    markup: str, text: str, sandbox: Sandbox
) -> None:
    page = f"<title>T</title><h1>Works</h1><p>They opened {markup}</p><p>{SENTENCES}</p>"
    document = load("a.html", page.encode(), sandbox)
    assert document.text == f"Works\n\nThey opened {text}\n\n{SENTENCES}"


PLANT = f"<h2>The plant</h2><p>{SENTENCES}</p>"
ELEMENTOR = '<div class="elementor-element elementor-widget elementor-widget-{}"><div class="elementor-widget-container">{}</div></div>'
ABOUT = (
    '<div class="sidebar section"><div class="widget Text"><p>I live in this town.</p></div></div>'
)


@pytest.mark.parametrize(
    "parts",
    [
        ELEMENTOR.format("text-editor", PLANT)
        + ELEMENTOR.format("social-icons", "<p>Find us on all of the networks.</p>"),
        f'<div class="widget Blog" id="Blog1"><div class="post">{PLANT}</div></div>{ABOUT}',
        f'<section id="social-impact">{PLANT}</section>',
        f'<div id="related-work" class="section level2">{PLANT}</div>',
        PLANT.replace("<h2>", '<h2 id="social-impact" class="widget-title">'),
    ],
    ids=["Elementor", "Blogger", "section", "R Markdown", "heading"],
)
@pytest.mark.parametrize("main", ["main", "div"])
def test_no_name_costs_an_article_or_its_parts(main: str, parts: str, sandbox: Sandbox) -> None:
    page = f"<title>T</title><{main}><h1>Works</h1>{parts}</{main}>"
    document = load("a.html", page.encode(), sandbox)
    assert document.text == f"Works\n\nThe plant\n\n{SENTENCES}"


def test_names_that_would_leave_no_sentence_are_not_believed(sandbox: Sandbox) -> None:
    site_origin = f'<div class="so-panel widget widget_sow-editor">{PLANT}</div>'
    page = f"<title>T</title><main><h1>Works</h1>{site_origin}</main>"
    document = load("a.html", page.encode(), sandbox)
    assert document.text == f"Works\n\nThe plant\n\n{SENTENCES}"

    help_box = '<div id="help-popup"><p>Press Escape to hide this again.</p></div>'
    page = f"<title>T</title>{help_box}<main><h1>Works</h1></main>"
    assert load("a.html", page.encode(), sandbox).text == "Works"


@pytest.mark.parametrize(
    "box",
    [
        '<div class="sidebar"><div class="widget"><h2>About</h2><p>I live in this town.</p></div></div>',
        '<div class="widget-area"><p>I have lived in this town for years.</p></div>',
        '<div class="widget widget_text"><p>I have lived in this town for years.</p></div>',
        '<div class="weather-widget"><p>It will be rather cloudy this evening.</p></div>',
        '<section class="related-posts"><h2>Related</h2><p>The council met again this evening.</p></section>',
        '<section id="comments" class="comments-area"><p>I have said so for many years.</p></section>',
        '<div id="comments"><h2>Comments</h2><p>I have said so for many years.</p></div>',
        '<div id="social"><p>Find us on all of the networks.</p></div>',
    ],
)
def test_boxes_of_a_site_are_told_by_name(box: str, sandbox: Sandbox) -> None:
    page = f"<title>T</title><main><h1>Works</h1><p>{SENTENCES}</p>{box}<p>{SENTENCES}</p></main>"
    document = load("a.html", page.encode(), sandbox)
    assert document.text == f"Works\n\n{SENTENCES}\n\n{SENTENCES}"


def test_comments_longer_than_the_article_are_none_of_it(sandbox: Sandbox) -> None:
    comments = f"<p>{SENTENCES}</p>" * 30
    page = f'<title>T</title><main><h1>Works</h1><p>It opened at last in May.</p><div id="comments">{comments}</div></main>'
    document = load("a.html", page.encode(), sandbox)
    assert document.text == "Works\n\nIt opened at last in May."


def test_rows_of_links_are_rows_of_a_table(sandbox: Sandbox) -> None:
    rows = "".join(
        f"<tr><td><a href=/y>{year}</a></td><td><a href=/c>{club}</a></td></tr>"
        for year, club in [(2002, "Obermoor United"), (2003, "Kesten Rovers")]
    )
    page = (
        "<title>T</title><table><tr><td><a href=/>Home</a></td><td><a href=/n>News</a></td></tr></table>"
        f"<div><h1>Winners</h1><p>{SENTENCES}</p><table>{rows}</table></div>"
        "<table><tr><td><a href=/i>Imprint</a></td><td><a href=/m>Mail</a></td></tr></table>"
    )
    text = load("a.html", page.encode(), sandbox).text
    assert text == f"Winners\n\n{SENTENCES}\n\n2002 | Obermoor United\n2003 | Kesten Rovers"


def test_signing_in_is_a_notice_only_as_a_link(sandbox: Sandbox) -> None:
    page = (
        '<title>T</title><main><h1>Router</h1><p><a href="/in">Log in</a></p>'
        f"<h2>Log in to the router</h2><p>{SENTENCES}</p><ul>"
        "<li>Sign in with the user name admin and the password on the label</li>"
        '<li><a href="/up">Sign up for the newsletter</a></li></ul>'
        f"<h2>Sign up for alerts</h2><p>{SENTENCES}</p></main>"
    )
    text = load("a.html", page.encode(), sandbox).text
    assert text == (
        f"Router\n\nLog in to the router\n\n{SENTENCES}\n\n"
        "- Sign in with the user name admin and the password on the label\n\n"
        f"Sign up for alerts\n\n{SENTENCES}"
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            "<tr><th><p>Town<th><p>People<tr><td><p>Kesten</p></td>\n<td><div><p>34,000</p></div></td>",
            "Town | People\nKesten | 34,000",
        ),
        (
            "<tr><td><p>Pavel</p><p>Stern</p></td><td>born<br>1760</td></tr>",
            "Pavel Stern | born 1760",
        ),
        (
            f"<tr><td><p>Obermoor</p></td><td><p>{SENTENCES}</p></td></tr>",
            f"Obermoor | {SENTENCES}",
        ),
        ("<tr><td>1</td><td><pre>x  y<br>z</pre></td></tr>", "1\n\nx  y\nz"),
        # For layout.
        ("<tr><td>Left</td><td><h2>Right</h2><p>One.</p></td></tr>", "Left\n\nRight\n\nOne."),
        (
            "<tr><td>Left</td><td><table><tr><td><p>a</p></td><td>b</td></tr></table><p>One.</p></td></tr>",
            "Left\n\na | b\n\nOne.",
        ),
        (
            "<tr><td><p>One.</p><p>Two.</p></td></tr><tr><td>Three.</td></tr>",
            "One.\n\nTwo.\nThree.",
        ),
        (
            f"<tr><td>Left</td><td><p>{SENTENCES}</p><p>{SENTENCES}</p></td></tr>",
            f"Left\n\n{SENTENCES}\n\n{SENTENCES}",
        ),
    ],
)
def test_paragraphs_in_a_cell_are_one_cell(rows: str, text: str, sandbox: Sandbox) -> None:
    page = f"<title>T</title><main><h1>Works</h1><table>{rows}</table><p>The end.</p></main>"
    document = load("a.html", page.encode(), sandbox)
    assert document.text == f"Works\n\n{text}\n\nThe end."


# --- PDF --------------------------------------------------------------------------------------


def test_pdf_has_pages(sandbox: Sandbox) -> None:
    data = make_pdf(
        [["Talks resume", "", "The first page ends"], ["in the second one.", "It has more."], []],
        {"Title": "Talks resume", "Author": "Jane Doe", "CreationDate": "D:20241024120000Z"},
    )
    document = load("a.pdf", data, sandbox)
    assert document.title == "Talks resume"
    assert document.author == "Jane Doe"
    assert document.date == "2024-10-24"
    assert [mark.label for mark in document.pages] == ["1", "2"]
    assert document.page_at(document.text.index("first page")) == "1"
    assert document.page_at(document.text.index("second one")) == "2"


def test_pdf_without_a_useful_title_takes_its_first_line(sandbox: Sandbox) -> None:
    page = [
        "Talks resume in Doha",
        "By Jane Doe",
        "24 October 2024",
        SENTENCES[:80],
        SENTENCES[80:],
    ]
    document = load("a.pdf", make_pdf([page], {"Title": "Microsoft Word - talks.docx"}), sandbox)
    assert document.title == "Talks resume in Doha"
    assert document.author == "Jane Doe"
    assert document.date == "2024-10-24"


def test_pdf_lines_become_paragraphs_again(sandbox: Sandbox) -> None:
    page = [
        "The delegations met for three hours in Doha and agreed on inter-",
        "national talks that are to be held within days, as their hosts had",
        "asked.",
        "A second paragraph begins here and it also runs over the line's end",
        "and stops.",
    ]
    document = load("a.pdf", make_pdf([page]), sandbox)
    first, second = document.text.split("\n")
    assert first.endswith(
        "agreed on international talks that are to be held within days, as their hosts had asked."
    )
    assert (
        second == "A second paragraph begins here and it also runs over the line's end and stops."
    )


def test_pdf_hyphens_of_words_stay(sandbox: Sandbox) -> None:
    page = ["A well-", "known town and its neigh-", "bours came. It is well-known."]
    text = load("a.pdf", make_pdf([page]), sandbox).text
    assert "A well-known town and its neighbours" in text


def test_pdf_soft_hyphens_divide_words_only_at_line_ends(sandbox: Sandbox) -> None:
    page = [
        "On Monday the inter\xad",
        "national commission met the govern\xad",
        "ment in Or\xadlen.",
    ]
    text = load("a.pdf", make_pdf([page]), sandbox).text
    assert text == "On Monday the international commission met the government in Orlen."


def test_pdf_title_over_columns_leaves_their_lines_together(sandbox: Sandbox) -> None:
    body = [
        "The dam at Orlen was built by the",
        "Ministry of Water between 1962 and",
        "1968. It holds back the river Selm",
        "and feeds two canals. It was opened",
        "on 5 May 1968 by the President, Ivo",
        "Brandt, and the first director was",
        "Maria Kessler, who stayed ten years.",
    ]
    title = "How a dam changed the valley of the Selm: sixty years of water and of quarrels about who owns it"
    names = "Johanna Reit, Institute of Rivers, and Peter Ostler, Delft"
    alone = load("a.pdf", make_pdf([body]), sandbox).text
    assert alone == " ".join(body)
    assert load("b.pdf", make_pdf([[title, *body]]), sandbox).text == f"{title}\n{alone}"
    assert load("c.pdf", make_pdf([[title, names, *body]]), sandbox).text.endswith(f"\n{alone}")


def test_pdf_short_lines_beside_prose_stay_apart(sandbox: Sandbox) -> None:
    rows = ["flour, 200 g", "sugar, 100 g", "butter, 50 g", "Obermoor 34,000", "Low Tarn 9,500"]
    prose = "Everything is mixed in one bowl and left to stand for an hour by the stove before it is baked."
    text = load("a.pdf", make_pdf([[*rows, prose]]), sandbox).text
    assert text.split("\n") == [*rows, prose]


def test_pdf_running_lines_are_dropped(sandbox: Sandbox) -> None:
    bodies = [
        f"The body of page {word} says its own thing." for word in ("one", "two", "three", "four")
    ]
    pages = [["Footnote News", body, f"Page {at} of 4"] for at, body in enumerate(bodies, 1)]
    document = load("a.pdf", make_pdf(pages), sandbox)
    assert document.text.split("\n\n") == bodies


def test_pdf_without_text_is_named_as_such(sandbox: Sandbox) -> None:
    assert "no text: scanned pages? run OCR" in reason("a.pdf", make_pdf([[], []]), sandbox)


# --- DOCX -------------------------------------------------------------------------------------


def test_docx_has_headings_lists_and_tables(sandbox: Sandbox) -> None:
    made = docx.Document()
    made.add_heading("Talks resume", 0)
    made.add_paragraph("By Jane Doe")
    made.add_paragraph("24 October 2024")
    made.add_heading("Who came", 1)
    made.add_paragraph("Two delegations.")
    made.add_paragraph("one", style="List Bullet")
    made.add_paragraph("two", style="List Bullet")
    table = made.add_table(rows=2, cols=2)
    for at, text in enumerate(("who", "from", "A", "B")):
        table.cell(at // 2, at % 2).text = text
    made.add_heading("What next", 2)
    made.add_paragraph("More talks.")
    document = load("a.docx", save_docx(made), sandbox)
    assert document.title == "Talks resume"
    assert document.author == "Jane Doe"
    assert document.date == "2024-10-24"
    assert document.text == (
        "Talks resume\n\nBy Jane Doe\n\n24 October 2024\n\nWho came\n\nTwo delegations.\n\n"
        "- one\n- two\n\nwho | from\nA | B\n\nWhat next\n\nMore talks."
    )
    assert list(under(document)) == ["Who came", "What next"]


def test_docx_properties_and_no_template_defaults(sandbox: Sandbox) -> None:
    made = docx.Document()
    made.add_paragraph("The text.")
    plain = load("truce.docx", save_docx(made), sandbox)
    assert (plain.title, plain.author, plain.date) == ("Truce", None, None)
    made.core_properties.title = "Talks resume"
    made.core_properties.author = "Jane Doe"
    made.core_properties.created = datetime.datetime(2024, 10, 24, 12)
    document = load("truce.docx", save_docx(made), sandbox)
    assert (document.title, document.author, document.date) == (
        "Talks resume",
        "Jane Doe",
        "2024-10-24",
    )


def test_docx_tables_in_tables_are_read_once(sandbox: Sandbox) -> None:
    made = docx.Document()
    cell = made.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "outer"
    cell.add_table(rows=1, cols=1).cell(0, 0).text = "inner"
    text = load("a.docx", save_docx(made), sandbox).text
    assert text.split() == ["outer", "inner"]


def test_docx_rows_and_cells_in_controls_keep_their_places(sandbox: Sandbox) -> None:
    made = docx.Document()
    table = made.add_table(3, 2)
    for row in range(3):
        for column in range(2):
            table.cell(row, column).text = f"r{row}c{column}"
    rows = [row._tr for row in table.rows]

    def wrap(element: Any, *names: str) -> None:
        for name in reversed(names):
            around = docx.oxml.OxmlElement(name)
            element.getparent().replace(element, around)
            around.append(element)
            element = around

    wrap(rows[1].tc_lst[1], "w:sdt", "w:sdtContent")
    wrap(rows[0], "w:sdt", "w:sdtContent")
    wrap(made.add_paragraph("In a mark.")._p, "w:customXml")
    text = load("a.docx", save_docx(made), sandbox).text
    assert text.split() == "r0c0 | r0c1 r1c0 | r1c1 r2c0 | r2c1 In a mark.".split()


def test_docx_tracked_changes_and_controls(sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("Kept ")
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    for xml in (
        f"<w:ins {namespace}><w:r><w:t>inserted</w:t></w:r></w:ins>",
        f"<w:del {namespace}><w:r><w:delText>deleted</w:delText></w:r></w:del>",
        f"<w:moveFrom {namespace}><w:r><w:t>moved</w:t></w:r></w:moveFrom>",
    ):
        paragraph._p.append(docx.oxml.parse_xml(xml))
    wrapped = (
        f"<w:sdt {namespace}><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt>"
    )
    made.element.body.insert(0, docx.oxml.parse_xml(wrapped))
    assert load("a.docx", save_docx(made), sandbox).text == "In a control\n\nKept inserted"


def test_docx_superscripts_stay_apart_from_the_line(sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("It has 3 × 10")
    paragraph.add_run("-8").font.superscript = True
    paragraph.add_run(" of them, on the 1")
    paragraph.add_run("st").font.superscript = True
    paragraph.add_run(" of May 1998")
    paragraph.add_run("2").font.superscript = True
    paragraph.add_run(".")
    text = load("a.docx", save_docx(made), sandbox).text
    assert text == "It has 3 × 10⁻⁸ of them, on the 1st of May 1998²."


# --- tables -----------------------------------------------------------------------------------


def test_csv_rows_are_documents() -> None:
    data = 'Headline,Body,Date,Author\nTalks,"He said ""yes"".\r\nThen left.",2024-10-24,Jane Doe\n'
    data += "\nNo text,,,\nToo short\nMore,Second text.,,\n"
    documents, skipped = load_file(SourceFile(Path("a.csv"), "news/a.csv"), data.encode())
    assert [document.source for document in documents] == ["news/a.csv#row=1", "news/a.csv#row=4"]
    assert documents[0].title == "Talks"
    assert documents[0].text == 'He said "yes".\nThen left.'
    assert (documents[0].date, documents[0].author) == ("2024-10-24", "Jane Doe")
    assert skipped == [
        Skipped("news/a.csv#row=2", "holds no text"),
        Skipped("news/a.csv#row=3", "has 1 fields where the header has 4"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiters_and_unusual_names(delimiter: str) -> None:
    data = f"id{delimiter}what was said\n7{delimiter}{'A long text.' * 9}\n"
    documents, skipped = load_file(SourceFile(Path("wire.csv"), "news/wire.csv"), data.encode())
    assert skipped == []
    assert documents[0].text == "A long text." * 9
    assert documents[0].title == "Wire, row 1"


PRICES = ["product,price,stock", "Oak table,€480,3", "Bench,€95,12"]


def load_table(lines: Sequence[str], **more: Columns) -> tuple[list[Document], list[Skipped]]:
    file = SourceFile(Path("prices.csv"), "shop/prices.csv")
    return load_file(file, "\n".join(lines).encode(), **more)


def test_a_table_without_prose_is_one_document() -> None:
    # Seen: of each row its longest word was kept, without the price.
    (document,), skipped = load_table(PRICES)
    assert skipped == []
    assert (document.source, document.title) == ("shop/prices.csv", "Prices")
    assert document.text == "product | price | stock\nOak table | €480 | 3\nBench | €95 | 12"
    (document,), (problem, *none) = load_table([*PRICES, "Chair,€60", "Stool", "Desk,€300,1"])
    assert document.text.endswith("\nBench | €95 | 12\nDesk | €300 | 1")
    assert problem.source == "shop/prices.csv"
    assert problem.reason == "row 3 has 2 fields where the header has 3 (nor could 1 more be read)"
    assert none == []


def test_of_json_lines_without_prose_too() -> None:
    rows = [{"city": "Tolm", "people": 2_000, "open": True}, {"city": "Arden", "mayor": "B. Lind"}]
    data = "\n".join(map(json.dumps, rows)).encode()
    (document,), _ = load_file(SourceFile(Path("a.jsonl"), "a.jsonl"), data)
    assert document.text.split("\n")[0] == "city | people | open | mayor"
    assert document.text.split("\n")[1].startswith("Tolm | 2000 | ")
    assert document.text.split("\n")[2].startswith("Arden | ")


def test_columns_of_a_table_that_have_the_same_name_are_all_kept() -> None:
    # Seen: of two columns without a name, as spreadsheets write them, the second was kept.
    (document,), _ = load_table(["town,2022,,2023,", "Tolm,5,6,7,8", ",,,,", "Arden,1,2,3,"])
    assert document.text == "town | 2022 |  | 2023 |\nTolm | 5 | 6 | 7 | 8\nArden | 1 | 2 | 3 |"


@pytest.mark.parametrize(
    "rows",
    [
        [{f"town {number}": "Tolm", "n": 1} for number in range(30)],  # most cells would be empty
        [{"town": "Tolm", "told": {"text": "a long story " * 9}}],  # it is no table of towns
        [{"town": "Tolm", "told": ["one", ["a long story " * 9]]}],
    ],
)
def test_other_json_lines_are_a_document_a_row(rows: Sequence[dict[str, object]]) -> None:
    data = "\n".join(map(json.dumps, rows)).encode()
    documents, skipped = load_file(SourceFile(Path("a.jsonl"), "a.jsonl"), data)
    assert all(one.source.startswith("a.jsonl#row=") for one in (*documents, *skipped))


@pytest.mark.parametrize(
    "lines",
    [
        [*PRICES, f"Stool,{'a stool of beech ' * 6},2"],  # prose in a cell
        ["product,text", "Oak table,€480"],  # a column of the usual name
        ["product", "Oak table", "Bench"],  # a list
        PRICES[:1],
    ],
)
def test_other_tables_are_a_document_a_row(lines: Sequence[str]) -> None:
    documents, _ = load_table(lines)
    assert [d.source for d in documents] == [
        f"shop/prices.csv#row={number}" for number in range(1, len(lines))
    ]


def test_where_a_column_is_named_rows_are_documents() -> None:
    for named in (Columns(text="price"), Columns(title="product")):
        documents, _ = load_table(PRICES, columns=named)
        assert [d.source for d in documents] == [
            "shop/prices.csv#row=1",
            "shop/prices.csv#row=2",
        ]


def csv_rows(*lines: str) -> tuple[list[str], list[str]]:
    """Return title and text of each row under a header, and what is said of the others."""
    data = "\n".join(("title,text", *lines)).encode()
    documents, skipped = load_file(SourceFile(Path("a.csv"), "a.csv"), data)
    numbered = [f"{d.source.rpartition('=')[2]}: {d.title}: {d.text}" for d in documents]
    return numbered, [f"{one.source.rpartition('=')[2]}: {one.reason}" for one in skipped]


GOOD = ("B,Good text", 'C,"Good ""text"",', 'of two lines."', "D,More")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("bad", "passed"),
    [
        (['A,"He said "no" loud"'], ""),
        (['A,"He said "no" loud.', "", "Then he left. So did she.", 'They met."'], "2"),
        (['A,"He said "no".', 'Then left."'], "1"),
        (['A,"He said'], ""),
        (['A,"He said', '"So it is" - not a row'], "1"),
    ],
)
def test_a_stray_quote_costs_only_its_row(bad: list[str], passed: str, newline: str) -> None:
    rows, problems = csv_rows(newline.join(("Z,First", *bad, *GOOD)))
    assert rows == [
        "1: Z: First",
        "3: B: Good text",
        '4: C: Good "text",\nof two lines.',
        "5: D: More",
    ]
    (problem,) = problems
    lines = {"": "is not CSV (", "1": "is not CSV, nor is the line after it ("}
    assert problem.startswith("2: " + lines.get(passed, f"is not CSV, nor are the {passed} lines"))


def test_the_last_row_with_a_stray_quote_is_named() -> None:
    rows, problems = csv_rows("A,One", 'B,"Two', "Three", "", "Four")
    assert rows == ["1: A: One"]
    assert problems == ["2: is not CSV, nor are the 2 lines after it (unexpected end of data)"]


def test_a_space_before_a_quotation_mark_is_no_text() -> None:
    rows, problems = csv_rows('A, "He said, no"', "B, Good")
    assert (rows, problems) == (["1: A: He said, no", "2: B: Good"], [])


@pytest.mark.parametrize("line", ['a",b,"x', 'A,"x', '"', 'A,"He "no"', 'A,"x\n",""', '"",x"'])
def test_stray_quotes_take_time_that_grows_with_them(line: str, sandbox: Sandbox) -> None:
    data = ("title,text\n" + f"{line}\n" * (600_000 // len(line)) + 'Last,"The text."').encode()
    table = sandbox.parse("csv", data)
    assert isinstance(table, Table)
    assert table.rows or table.problems


def test_jsonl_rows_are_documents_named_by_their_lines() -> None:
    lines = [
        '{"title": "A", "text": "One."}',
        "",
        "{bad",
        "[1]",
        '{"title": 5, "text": "Two \\ud800."}',
    ]
    documents, skipped = load_file(
        SourceFile(Path("a.jsonl"), "news/a.jsonl"), "\r\n".join(lines).encode()
    )
    assert [document.source for document in documents] == [
        "news/a.jsonl#row=1",
        "news/a.jsonl#row=5",
    ]
    assert documents[1].text == "Two \ufffd."
    assert documents[1].title == "5"
    assert [one.source for one in skipped] == ["news/a.jsonl#row=3", "news/a.jsonl#row=4"]
    assert "is not JSON" in skipped[0].reason
    assert skipped[1].reason == "is not a JSON object"


@pytest.mark.parametrize("columns", [None, Columns(text="text"), Columns(title="title")])
def test_a_list_of_paragraphs_is_a_text(columns: Columns | None) -> None:
    rows = [
        {"title": "A title", "text": ["Paragraph one.", "Two."], "author": ["Jane Doe", "Li"]},
        {"title": "Another", "text": "Plain."},
        {"title": "Nothing", "text": []},
        {"title": "Numbers", "text": ["One.", 2]},
    ]
    documents, skipped = load_file(
        SourceFile(Path("a.jsonl"), "a.jsonl"),
        "\n".join(map(json.dumps, rows)).encode(),
        columns=columns,
    )
    assert [document.text for document in documents] == ["Paragraph one.\n\nTwo.", "Plain."]
    assert [document.title for document in documents] == ["A title", "Another"]
    assert documents[0].author == "Jane Doe, Li"
    assert [one.source for one in skipped] == ["a.jsonl#row=3", "a.jsonl#row=4"]
    assert {one.reason for one in skipped} == {"holds no text"}


def test_a_table_of_bad_rows_is_summed_up() -> None:
    documents, skipped = load_file(SourceFile(Path("a.jsonl"), "news/a.jsonl"), b"x\n" * 5000)
    assert documents == []
    assert len(skipped) == 101
    assert skipped[-1] == Skipped("news/a.jsonl", "4,900 more rows could not be read")


cells = st.text(st.characters(categories=("L", "N", "P", "Zs", "Mn", "So")), max_size=9)


@settings(max_examples=rounds(15, in_ci=50))
@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=9))
def test_a_process_of_its_own_changes_nothing(
    sandbox: Sandbox, rows: list[tuple[str, str, str]]
) -> None:
    """Large text files and tables are read in one, small ones are not."""
    lines = [json.dumps(dict(zip(("title", "text", "author"), row, strict=True))) for row in rows]
    jsonl = "\n".join([*lines, "{bad"]).encode()
    csv = "\n".join(["title,text,author", *(",".join(row) for row in rows)])
    data = csv.encode("utf-8", "replace")
    assert sandbox.parse("jsonl", jsonl) == parse_jsonl(jsonl, Columns())
    assert sandbox.parse("csv", data) == parse_csv(data, Columns())
    assert sandbox.parse("text", data) == parse_text(data)


WIRE = [
    {"id": 7, "Head Line": "Talks", "body": "He left.", "notes": "A long note of the desk. " * 9},
    {"id": 8, "Head Line": 1984, "body": "She came.", "notes": ""},
]


def wire(kind: str, columns: Columns | None = None) -> tuple[list[Document], list[Skipped]]:
    """Read `WIRE` as a file of this kind."""
    if kind == "jsonl":
        lines = [json.dumps(row) for row in WIRE]
    else:
        lines = [",".join(map(str, row)) for row in ([*WIRE[0]], *(row.values() for row in WIRE))]
    file = SourceFile(Path(f"a.{kind}"), f"news/a.{kind}")
    return load_file(file, "\n".join(lines).encode(), columns=columns)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("text", ["notes", " NOTES\t", "Notes"])
def test_named_columns_are_taken_instead_of_found_ones(kind: str, text: str) -> None:
    assert [document.text for document in wire(kind)[0]] == ["He left.", "She came."]
    (document,), (empty,) = wire(kind, Columns(title="head line", text=text))
    assert document.title == "Talks"
    assert document.text == clean("A long note of the desk. " * 9)
    assert empty == Skipped(f"news/a.{kind}#row=2", "holds no text")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_one_named_column_leaves_the_other_to_be_found(kind: str) -> None:
    documents, _ = wire(kind, Columns(title="head line"))
    assert [(d.title, d.text) for d in documents] == [("Talks", "He left."), ("1984", "She came.")]
    documents, _ = wire(kind, Columns(title="body"))
    assert documents[0].text.startswith("A long note")
    assert documents[0].title == "He left."
    documents, _ = wire(kind, Columns(text="id"))
    assert [d.text for d in documents] == (["7", "8"] if kind == "csv" else [])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_named_columns_hold_for_large_tables_too(kind: str, sandbox: Sandbox) -> None:
    note = "A long note. " * 50_000
    data = f"body,notes\nHe left.,{note}" if kind == "csv" else json.dumps({"b": "", "notes": note})
    file = SourceFile(Path(f"a.{kind}"), f"news/a.{kind}")
    (document,), _ = load_file(
        file, data.encode(), columns=Columns(title="NOTES", text="notes"), sandbox=sandbox
    )
    assert document.text == clean(note)
    assert document.title.startswith("A long note. A long")
    _, (skipped,) = load_file(file, data.encode(), columns=Columns(text="x"), sandbox=sandbox)
    assert skipped.reason.startswith("has no column 'x'; it has ")


def test_a_column_named_for_the_text_is_not_found_for_the_title() -> None:
    data = b"title,name\nThe whole article stands here.,Talks\n"
    file = SourceFile(Path("a.csv"), "news/a.csv")
    (document,), _ = load_file(file, data, columns=Columns(text="title"))
    assert (document.title, document.text) == ("Talks", "The whole article stands here.")


@pytest.mark.parametrize("name", ["Überschrift", "ÜBERSCHRIFT", "U\u0308berschrift "])
@pytest.mark.parametrize("header", ["Überschrift", "U\u0308berschrift", " überschrift\ufeff"])
def test_names_of_columns_are_compared_as_they_look(name: str, header: str) -> None:
    data = f"text,{header}\nHe left.,Gespräche\n"
    file = SourceFile(Path("a.csv"), "news/a.csv")
    (document,), _ = load_file(file, data.encode(), columns=Columns(title=name))
    assert document.title == "Gespräche"


def test_a_column_named_as_it_is_written_comes_before_one_in_another_case() -> None:
    data = json.dumps({"Note": "One.", "note": "Two.", "NOTE": "Three."}).encode()
    file = SourceFile(Path("a.jsonl"), "news/a.jsonl")
    texts = [
        load_file(file, data, columns=Columns(text=name))[0][0].text
        for name in ("Note", "note", "NOTE", "nOTE")
    ]
    assert texts == ["One.", "Two.", "Three.", "One."]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_named_column_that_is_not_there_is_said_with_those_that_are(kind: str) -> None:
    assert wire(kind, Columns(text="boddy")) == (
        [],
        [
            Skipped(
                f"news/a.{kind}", "has no column 'boddy'; it has 'id', 'Head Line', 'body', 'notes'"
            )
        ],
    )
    _, (skipped,) = wire(kind, Columns(title="x", text="y"))
    assert skipped.reason.startswith("has no column 'x' or 'y'; it has 'id', ")
    documents, (skipped,) = wire(kind, Columns(title="x", text="body"))
    assert documents == []
    assert skipped.reason.startswith("has no column 'x'; ")


def test_many_columns_are_not_all_named() -> None:
    row = {f"{number}\ud800\u202e" + "n" * 500: "text" for number in range(5000)}
    _, (skipped,) = load_file(
        SourceFile(Path("a.jsonl"), "news/a.jsonl"),
        json.dumps(row).encode(),
        columns=Columns(text="body"),
    )
    assert skipped.reason.endswith(" and 4,980 more")
    assert len(skipped.reason) < 2000
    assert skipped.reason.isprintable()
    assert skipped.reason.encode()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"\n\n", "holds no rows"),
        ("a.jsonl", b"\n\n", "holds no rows"),
        ("a.jsonl", b"[1]\n", "is not a JSON object"),
        ("a.csv", b"id,body\n", "holds no rows"),
        ("a.csv", b"id,body\n1\n", "has 1 fields where the header has 2"),
    ],
)
def test_named_columns_hide_no_other_reason(name: str, data: bytes, reason: str) -> None:
    file = SourceFile(Path(name), f"news/{name}")
    documents, (skipped,) = load_file(file, data, columns=Columns(text="body"))
    assert documents == []
    assert skipped.reason == reason


def docx_by(*lines: str) -> bytes:
    return make_docx("Talks resume", *lines, SENTENCES)


def page_with(meta: str) -> bytes:
    return f"<html><head>{meta}</head><body><h1>Talks</h1><p>{SENTENCES}</body></html>".encode()


LINKED = json.dumps(
    {"@type": "NewsArticle", "headline": "Talks", "publisher": {"name": "Footnote News"}}
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", f"Talks resume\n\nSource: Footnote News\n\n{SENTENCES}".encode()),
        ("a.md", f"---\npublisher: Footnote News\n---\n{SENTENCES}".encode()),
        ("a.md", f"# Talks\n\nPublisher: Footnote News\n\n{SENTENCES}".encode()),
        ("a.html", page_with('<meta property="og:site_name" content="Footnote News">')),
        ("a.html", page_with(f'<script type="application/ld+json">{LINKED}</script>')),
        ("a.pdf", make_pdf([["Talks resume", "Source: Footnote News", SENTENCES[:80]]])),
        ("a.docx", docx_by("Source: Footnote News")),
        ("a.csv", f'text,publisher\n"{SENTENCES}",Footnote News\n'.encode()),
        ("a.jsonl", json.dumps({"text": SENTENCES, "source": "Footnote News"}).encode()),
    ],
)
def test_a_publisher_is_no_author(name: str, data: bytes, sandbox: Sandbox) -> None:
    (document,), skipped = load_file(SourceFile(Path(name), f"n/{name}"), data, sandbox=sandbox)
    assert skipped == []
    assert (document.author, document.publisher) == (None, "Footnote News")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", f"Talks\n\nBy Jane Doe\nSource: Footnote News\n\n{SENTENCES}".encode()),
        ("a.jsonl", json.dumps({"text": SENTENCES, "author": "Jane Doe", "publisher": "Footnote News"}).encode()),
        ("a.html", page_with('<meta name="author" content="Jane Doe"><meta property="og:site_name" content="Footnote News">')),
        ("a.docx", docx_by("By Jane Doe", "Source: Footnote News")),
    ],
)  # fmt: skip
def test_author_and_publisher_are_two_facts(name: str, data: bytes, sandbox: Sandbox) -> None:
    (document,), _ = load_file(SourceFile(Path(name), f"n/{name}"), data, sandbox=sandbox)
    assert (document.author, document.publisher) == ("Jane Doe", "Footnote News")
    assert document.byline == "Jane Doe, Footnote News"


@pytest.mark.parametrize(
    ("author", "publisher", "byline"),
    [
        (None, None, None),
        ("Jane Doe", None, "Jane Doe"),
        (None, "Footnote News", "Footnote News"),
        ("Jane Doe, Footnote news", "Footnote News", "Jane Doe, Footnote news"),
    ],
)
def test_byline(author: str | None, publisher: str | None, byline: str | None) -> None:
    assert Document("d", "T", "x", "n/d", author=author, publisher=publisher).byline == byline


# --- encodings and clean text -----------------------------------------------------------------

POLYGLOT = "Zoë said “10 °C” — naïve café. Σήμερα. Переговоры. 停戦交渉 🙂"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_encodings(encoding: str) -> None:
    assert decode(POLYGLOT.encode(encoding)) == POLYGLOT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark(encoding: str) -> None:
    assert decode(SENTENCES.encode(encoding)) == SENTENCES


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (
            "cp1252",
            "Zoë’s café in Málaga sold “naïve” paintings — for 10 € each, señor Nuñez said. ",
        ),
        ("cp1251", "Переговоры о перемирии возобновились в Дохе, сообщили официальные лица. "),
        ("shift_jis", "停戦交渉は数日以内にドーハで再開されると当局者は述べた。"),
        ("gb18030", "官员们说，停火谈判将在几天内在多哈恢复，但没有给出具体时间表。"),
    ],
)
def test_older_encodings_are_guessed(encoding: str, text: str) -> None:
    assert decode((text * 10).encode(encoding)) == text * 10


@pytest.mark.parametrize(
    "line",
    [
        "It’s over",
        "A £5bn bill, “Never again” – at last…",
        "25°C on Monday",
        "São Paulo votes",
        "Beyoncé’s ½ share",
    ],
)
def test_english_with_few_signs_is_windows_1252(line: str) -> None:
    for text in (f"{line}\n\n{SENTENCES}", f"{SENTENCES} {line}.\n{SENTENCES}\n"):
        assert decode(text.encode("cp1252")) == text


def test_a_name_in_another_script_is_not_windows_1252() -> None:
    text = f"{SENTENCES * 15}\nПереговоры о перемирии возобновились\n{SENTENCES}"
    assert decode(text.encode("cp1251")) == text


def test_bytes_of_two_encodings() -> None:
    data = "Zoë came.\n".encode() * 3 + "Málaga too.\n".encode("cp1252") + "Zoë \xff".encode()[:-1]
    assert decode(data) == "Zoë came.\n" * 3 + "Málaga too.\n" + "Zoë \ufffd"


@pytest.mark.parametrize("data", [bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9])
def test_binary_data_is_no_text(data: bytes) -> None:
    with pytest.raises(LoadError, match="binary"):
        decode(data)


@property_test
@given(st.text(st.characters(codec=None), max_size=300))
def test_clean_text(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", cleaned
    )
    assert not re.search("[\ud800-\udfff]", cleaned)
    assert "\n\n\n" not in cleaned
    assert cleaned == cleaned.strip()
    assert has_text(cleaned) == has_text(text)


@property_test
@given(
    st.lists(
        st.sampled_from(["a", "\u0301", "\u0316", "\u0344", "ा", "\u200d", "\u1100", "\u1161"]),
        max_size=200,
    )
)
def test_clean_text_of_many_marks(parts: list[str]) -> None:
    cleaned = clean("".join(parts))
    assert clean(cleaned) == cleaned
    run = 0
    for character in cleaned:
        run = run + 1 if unicodedata.combining(character) else 0
        assert run <= 30


def test_the_letters_of_a_text_stay() -> None:
    assert clean("a\r\nb\rc\u2028d\x0ce") == "a\nb\nc\nd\ne"
    assert clean("10\xa0000 inter\xadnational \u202eevil\u202c") == "10 000 international evil"
    assert clean("می\u200cخواهم 👩\u200d👧") == "می\u200cخواهم 👩\u200d👧"
    assert (
        clean("oﬃcer ﬁfteen ﬂoods aﬀair baﬄe ﬅ ﬆ") == "officer fifteen floods affair baffle st st"
    )
    assert clean("  indented\n\n\n\n\nnext  \n") == "indented\n\nnext"


words = st.lists(
    st.one_of(
        st.text(st.characters(categories=("L", "N", "P", "Zs", "Mn", "So")), max_size=20),
        st.sampled_from(
            ["\r\n", "\r", "\n\n", "# ", "**", "a\u0301", "🙂", "שלום", "\u202e", "[x](y)", "\x00"]
        ),
    ),
    max_size=30,
).map("".join)


@property_test
@given(text=words, suffix=st.sampled_from([".txt", ".md", ".html"]))
def test_marks_of_any_text_fit(sandbox: Sandbox, text: str, suffix: str) -> None:
    file = SourceFile(Path(f"a{suffix}"), f"news/a{suffix}")
    documents, skipped = load_file(file, text.encode(), sandbox=sandbox)
    assert len(documents) + len(skipped) == 1
    for document in documents:
        check_document(document)


def check_document(document: Document) -> None:
    assert has_text(document.text)
    assert document.title
    assert "\n" not in document.title
    assert clean(document.text) == document.text
    for marks in (document.pages, document.headings):
        at = 0
        for mark in marks:
            assert at <= mark.start < mark.end <= len(document.text)
            at = mark.end
    for mark in document.headings:
        covered = " ".join(document.text[mark.start : mark.end].split())
        assert covered.startswith(mark.label.removesuffix("…"))


@property_test
@given(st.lists(st.text(max_size=8), min_size=1, max_size=8, unique=True), st.data())
def test_any_column_can_be_named_as_it_is_written(names: list[str], data: st.DataObject) -> None:
    row = {name: f"Text {number}." for number, name in enumerate(names)}
    name = data.draw(st.sampled_from(names))
    documents, _ = load_file(
        SourceFile(Path("a.jsonl"), "n/a.jsonl"),
        json.dumps(row).encode(),
        columns=Columns(text=name),
    )
    assert [document.text for document in documents] == [row[name]]


@property_test
@given(st.lists(st.tuples(words, words), max_size=8))
def test_any_rows_survive_csv_and_jsonl(rows: list[tuple[str, str]]) -> None:
    lines = "\n".join(json.dumps({"title": title, "text": text}) for title, text in rows)
    documents, _ = load_file(SourceFile(Path("a.jsonl"), "n/a.jsonl"), lines.encode())
    assert [document.text for document in documents] == [clean(t) for _, t in rows if has_text(t)]
    for document in documents:
        check_document(document)


# --- files ------------------------------------------------------------------------------------


def test_files_are_found_sorted_and_others_named(tmp_path: Path) -> None:
    for name in ("b.txt", "a.MD", "sub/c.html", "sub/d.xyz", ".hidden.txt", ".git/e.txt", "f"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("The text.")
    found, skipped = find_files(tmp_path, "news")
    assert [file.source for file in found] == ["news/a.MD", "news/b.txt", "news/sub/c.html"]
    assert [file.path for file in found] == [
        tmp_path / "a.MD",
        tmp_path / "b.txt",
        tmp_path / "sub/c.html",
    ]
    hidden, *others = skipped
    assert [one.source for one in others] == ["news/f", "news/sub/d.xyz"]
    assert all("is not in a format Footnote reads (.txt, .md" in one.reason for one in others)
    assert hidden == Skipped("news/.*", "2 hidden files or folders are not read: .git, .hidden.txt")


def test_hidden_files_are_counted_in_one_line(tmp_path: Path) -> None:
    def hidden(**patterns: list[str]) -> list[Skipped]:
        return find_files(tmp_path, "n", **patterns)[1]

    (tmp_path / ".git" / "objects").mkdir(parents=True)
    (tmp_path / ".git" / "objects" / "a.txt").write_text("The text.")
    assert hidden() == [Skipped("n/.*", "1 hidden file or folder is not read: .git")]
    for at in range(9):
        (tmp_path / f"sub{at}").mkdir()
        (tmp_path / f"sub{at}" / ".DS_Store").write_bytes(b"x")
    assert hidden() == [
        Skipped(
            "n/.*",
            "10 hidden files or folders are not read: "
            ".git, sub0/.DS_Store, sub1/.DS_Store, sub2/.DS_Store, sub3/.DS_Store and 5 more",
        )
    ]
    assert hidden(exclude=[".git", "*.DS_Store"]) == []
    assert hidden(include=["*.txt"]) == [
        Skipped("n/.*", "1 hidden file or folder is not read: .git")
    ]
    (tmp_path / ".git").rename(tmp_path / ".g\nit")
    (one,) = hidden(exclude=["*.DS_Store"])
    assert one.reason == "1 hidden file or folder is not read: .g\\nit"


def test_patterns_choose_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.md", "drafts/c.txt", "old/x/d.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("The text.")

    def sources(**patterns: list[str]) -> list[str]:
        found, skipped = find_files(tmp_path, "n", **patterns)
        assert skipped == []
        return [file.source for file in found]

    assert sources(include=["*.txt"]) == ["n/a.txt", "n/drafts/c.txt", "n/old/x/d.txt"]
    assert sources(include=["drafts/"]) == ["n/drafts/c.txt"]
    assert sources(exclude=["drafts", "old/*"]) == ["n/a.txt", "n/b.md"]
    assert sources(include=["*.txt"], exclude=["*/c.*"]) == ["n/a.txt", "n/old/x/d.txt"]


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("drafts/", ["drafts/c.txt", "drafts/sub/d.txt"]),
        ("./drafts", ["drafts/c.txt", "drafts/sub/d.txt"]),
        ("./drafts/*", ["drafts/c.txt", "drafts/sub/d.txt"]),
        ("**/*.txt", ["a.txt", "drafts/c.txt", "drafts/sub/d.txt"]),
        ("drafts/**/*.txt", ["drafts/c.txt", "drafts/sub/d.txt"]),
        ("**/drafts/**/d.txt", ["drafts/sub/d.txt"]),
        ("**/sub/", ["drafts/sub/d.txt"]),
        ("d**/c.txt", ["drafts/c.txt"]),
        ("./", []),
    ],
)
def test_patterns_are_read_as_shells_write_them(
    tmp_path: Path, pattern: str, chosen: list[str]
) -> None:
    names = ["a.txt", "b.md", "drafts/c.txt", "drafts/sub/d.txt"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("The text.")
    found, skipped = find_files(tmp_path, "n", exclude=[pattern])
    assert skipped == []
    assert [file.source for file in found] == [f"n/{n}" for n in names if n not in chosen]
    if pattern.endswith((".txt", "*")):
        found, _ = find_files(tmp_path, "n", include=[pattern])
        assert [file.source for file in found] == [f"n/{n}" for n in chosen]


def test_an_index_in_the_folder_is_passed_over(tmp_path: Path) -> None:
    for name in (
        "a.txt",
        "sub/ix/FOOTNOTE",
        "sub/ix/gen-000001/documents.jsonl",
        "b/FOOTNOTE/c.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("The text.")
    found, skipped = find_files(tmp_path, "n")
    assert [file.source for file in found] == ["n/a.txt", "n/b/FOOTNOTE/c.txt"]
    assert skipped == [Skipped("n/sub/ix", "is an index of Footnote, not articles")]
    assert find_files(tmp_path, "n", exclude=["sub/ix"])[1] == []


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="cannot be listed"):
        find_files(tmp_path / "none", "none")


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"The text.")
    (file,), _ = find_files(tmp_path, "news")
    (document,), skipped = load_file(file)
    assert (document.text, document.title, skipped) == ("The text.", "A", [])


def test_a_file_that_went_away_or_grew_too_large(tmp_path: Path) -> None:
    gone = SourceFile(tmp_path / "gone.txt", "news/gone.txt")
    assert "is gone" in load_file(gone)[1][0].reason
    assert "has 12 bytes; 10 are allowed" in reason("a.txt", b"x" * 12, max_file_bytes=10)
    (tmp_path / "a.txt").write_bytes(b"x" * 12)
    (file,), _ = find_files(tmp_path, "news")
    _, (skipped,) = load_file(file, limits=LoadLimits(max_file_bytes=10))
    assert "has 12 bytes; 10 are allowed" in skipped.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"The text.")
    path.chmod(0)
    (file,), _ = find_files(tmp_path, "news")
    assert "permission denied" in load_file(file)[1][0].reason


def test_language_is_told_only_from_enough_text() -> None:
    german = (
        "Die Unterhändler trafen sich in Doha und vereinbarten, die Gespräche fortzusetzen. " * 4
    )
    assert load("a.txt", german.encode()).language == "de"
    assert load("a.txt", b"Die Gespr").language is None


def test_one_sandbox_reads_many_files_and_ends(sandbox: Sandbox) -> None:
    for word in ("one", "two"):
        assert load("a.docx", make_docx(f"Text {word}."), sandbox).text == f"Text {word}."
    assert load("a.html", b"<p>Alone.").text == "Alone."


def test_formats_are_lower_case_suffixes() -> None:
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in FORMATS)


def test_the_column_without_a_name_is_not_what_a_table_lacks() -> None:
    # pandas writes its index so; it had become title, author, publisher and date.
    made = b",text\n2024-01-01,The bridge was opened in spring.\n1,The ship left the harbour.\n"
    first, second = load_file(SourceFile(Path("a.csv"), "news/a.csv"), made)[0]
    assert (first.title, second.title) == ("A, row 1", "A, row 2")
    assert {(one.author, one.publisher, one.date) for one in (first, second)} == {
        (None, None, None)
    }


@pytest.mark.parametrize(
    "more",
    [
        "<svg>" + '<path d="M0 0"/><use href="#a"/>' * 2100 + "</svg>",
        "<script>" + "for(i=0;i<n;i++){a(b<c)}" * 2100 + "</script>",
        "<SCRIPT>" + "i<n;" * 2100 + "</SCRIPT>",
        "<style>" + "/* a<b */" * 2100 + "</style>",
        "<!--" + "<div>" * 2100 + "-->",
    ],
)
def test_what_does_not_nest_is_no_depth(more: str, sandbox: Sandbox) -> None:
    page = f"<html><body><article><h1>Talks</h1><p>{SENTENCES}</p>{more}</article></body></html>"
    assert SENTENCES[:40] in load("a.html", page.encode(), sandbox).text


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("inf"), float("nan"), 1e7])
def test_seconds_that_no_clock_can_wait_are_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match="up to 86,400 seconds"):
        LoadLimits(seconds=seconds)


@pytest.mark.parametrize(
    "title",
    [
        "'Wicked' breaks records",
        "'I was wrong', says PM",
        "PM: 'I was wrong'",
        "“We will not stop,” says minister",
        "'Wicked' and 'Cats'",
    ],
)
def test_a_title_keeps_the_quotation_in_it(title: str) -> None:
    row = json.dumps({"title": title, "text": "They met in Doha for three hours."})
    assert load_rows("a.jsonl", row.encode())[0].title == title
    quoted = f'---\ntitle: "{title}"\n---\nThey met in Doha for three hours.\n'
    assert load("a.md", quoted.encode()).title == title


@pytest.mark.parametrize("first", ["Update: The minister resigned.", "Correction: Who wrote this?"])
def test_a_sentence_between_two_rules_is_text(first: str) -> None:
    document = load("a.md", f"---\n\n{first}\n\n---\n\nBody text follows here.\n".encode())
    assert first in document.text
    matter = load("b.md", b"---\nlayout: post\n---\n\nBody text follows here.\n")
    assert "layout" not in matter.text


def test_the_first_row_says_who_wrote_it_though_no_cell_is_a_string() -> None:
    row = {
        "source": {"id": "mail", "name": "The Mail"},
        "authors": [{"name": "R. Ames"}],
        "title": "Talks",
        "content": "They met in Doha for three hours.",
        "date": 20241024,
    }
    (document,) = load_rows("a.jsonl", json.dumps(row).encode())
    assert (document.publisher, document.author, document.date) == (
        "The Mail",
        "R. Ames",
        "2024-10-24",
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_that_names_the_separator_is_no_row(delimiter: str, quote: str) -> None:
    lines = [f"{quote}sep={delimiter}{quote}", delimiter.join(("title", "text"))]
    lines += [delimiter.join(("Talks", "They met; in Doha" if delimiter == "," else "In, Doha"))]
    (document,) = load_rows("a.csv", "\r\n".join(lines).encode())
    assert document.title == "Talks"
