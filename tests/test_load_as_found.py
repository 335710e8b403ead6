"""Files as people's tools write them: what is read of each is what its reader sees."""

import json
from email.header import Header

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from index._sandbox import Sandbox
from index._text import title_line, top_matter
from tests.make_files import make_pdf, page_content, save_docx, stream
from tests.test_load import SENTENCES, load, load_rows, under


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as shared:
        yield shared


# --- what is struck out ---------------------------------------------------------------------------


def test_what_a_page_strikes_out_is_not_read(sandbox: Sandbox) -> None:
    source = (
        "<h1>Tunnel</h1><p>It cost <del>12</del><ins>14</ins> million crowns. <s>Anna Vale</s> Petra Lund "
        f"led the work.</p><p>{SENTENCES}</p>"
    )
    text = load("a.html", source.encode(), sandbox).text
    assert "It cost 14 million crowns. Petra Lund led the work." in text


def test_a_mark_that_is_never_closed_costs_no_text(sandbox: Sandbox) -> None:
    source = (
        f"<h1>Tunnel</h1><p>It cost <s>14 million crowns.</p><p>{SENTENCES}</p><p>It is open.</p>"
    )
    assert SENTENCES in load("a.html", source.encode(), sandbox).text


@pytest.mark.parametrize(
    "source",
    [
        "It cost ~~300~~ 350 crowns.",
        "It cost ~~*300*\nor so~~ 350 crowns.",
        "It cost <del>300</del> 350 crowns.",
        "<p>It cost <strike>300</strike>\n350 crowns.</p>",
    ],
)
def test_what_markdown_strikes_out_is_not_read(source: str, sandbox: Sandbox) -> None:
    assert " ".join(load("a.md", source.encode(), sandbox).text.split()) == "It cost 350 crowns."


@pytest.mark.parametrize("source", ["It cost <s>350 crowns.", "<p>It cost <del>350 crowns.</p>"])
def test_a_mark_that_markdown_never_closes_costs_no_text(source: str, sandbox: Sandbox) -> None:
    assert "350 crowns." in load("a.md", source.encode(), sandbox).text


# --- exports of content management systems --------------------------------------------------------


def test_html_in_a_cell_is_read_as_prose() -> None:
    body = (
        '<!-- wp:paragraph --><p>The mill was closed by <a href="https://a.example/?a=1">Marr&nbsp;&amp; '
        "Sons</a>, on\n3&nbsp;May.</p><h2>After</h2><ul><li>Calder</li><li>Orrin</li></ul>"
        "<table><tr><th>who</th><th>from</th></tr><tr><td>A</td><td>B</td></tr></table>One<br>Two"
    )
    [document] = load_rows(
        "a.jsonl",
        json.dumps({"title": "Bridge opens &#8211; at <em>last</em>", "body": body}).encode(),
    )
    assert document.title == "Bridge opens – at last"
    assert document.text == (
        "The mill was closed by Marr & Sons, on 3 May.\n\nAfter\n\n- Calder\n- Orrin\n\n"
        "who | from\nA | B\n\nOne\nTwo"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "Never allow a <script> tag.<br>It is dangerous.",
            "Never allow a  tag.\nIt is dangerous.",
        ),
        ("Jane <jane@x.example> wrote:<br>Hello", "Jane <jane@x.example> wrote:\nHello"),
        ("x < 5 and y > 3 holds.<br>Next", "x < 5 and y > 3 holds.\nNext"),
    ],
)
def test_what_is_no_tag_of_a_cell_is_text(body: str, text: str) -> None:
    [document] = load_rows("a.jsonl", json.dumps({"title": "A", "body": body}).encode())
    assert " ".join(document.text.split()) == " ".join(text.split())


@pytest.mark.parametrize("text", ["if a < b and b > c\nthen a & b &lt; c", "AT&T&copy and R&D <3"])
def test_a_cell_without_tags_is_read_as_it_stands(text: str) -> None:
    [document] = load_rows("a.jsonl", json.dumps({"title": text, "body": text}).encode())
    assert document.text == text
    assert document.title == " ".join(text.split()).replace("&lt;", "<")


def test_wordpress_rows() -> None:
    row = {
        "title": {"rendered": "Bridge opens"},
        "date": "2024-05-04T10:00:00",
        "content": {"rendered": "<p>It was opened by <b>Ines Carrow</b>.</p>", "protected": False},
        "link": "https://x.example/bridge",
    }
    [document] = load_rows("a.jsonl", json.dumps(row).encode())
    assert (document.title, document.date) == ("Bridge opens", "2024-05-04")
    assert document.text == "It was opened by Ines Carrow."


# --- PDF: words over a line's end -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "following", "read"),
    [
        ("The paper said that the govern-", "ment had fallen.", "government"),
        ("They were built by a Franco-", "German firm.", "Franco-German"),
        ("They were built in mid-", "2024 by a firm.", "mid-2024"),
        ("It is a two-", "or three-weekly paper.", "two- or three-weekly"),
        ("It cost them twenty-", "two million pounds.", "twenty-two"),
        ("It is called state-of-the-", "art there.", "state-of-the-art"),
        ("It cost them ten thous-", "and pounds.", "thousand pounds"),
        ("It is an anti-govern-", "ment paper.", "anti-government"),
    ],
)
def test_a_word_goes_on_in_the_next_line(
    line: str, following: str, read: str, sandbox: Sandbox
) -> None:
    text = load("a.pdf", make_pdf([[line, following]]), sandbox).text
    assert read in text
    assert "\n" not in text


def test_a_word_goes_on_on_the_next_page(sandbox: Sandbox) -> None:
    document = load("a.pdf", make_pdf([["It was the govern-"], ["ment that fell."]]), sandbox)
    assert document.text == "It was the government that fell."
    assert [document.text[page.start : page.end] for page in document.pages] == [
        "It was the govern",
        "ment that fell.",
    ]


# --- bylines, dates and titles --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "author"),
    [
        ("Author: Jane Doe\nPublished: 4 May 2024", "Jane Doe"),
        ("By Jane Doe\n4 May 2024", "Jane Doe"),
        ("**By Jane Doe**\n*4 May 2024*", "Jane Doe"),
    ],
)
def test_lines_about_an_article_stay_lines_in_markdown(
    lines: str, author: str, sandbox: Sandbox
) -> None:
    document = load("a.md", f"# Ferry sinks\n\n{lines}\n\n{SENTENCES}\n".encode(), sandbox)
    assert (document.title, document.author, document.date) == ("Ferry sinks", author, "2024-05-04")


def test_a_paragraph_of_keys_at_the_top_of_markdown(sandbox: Sandbox) -> None:
    source = f"Title: Bridge opens\nAuthor: Jane Doe\nDate: 2024-05-04\n\n{SENTENCES}\n"
    document = load("a.md", source.encode(), sandbox)
    assert document.title == "Bridge opens"
    assert (document.author, document.date) == ("Jane Doe", "2024-05-04")


def test_the_lines_of_a_paragraph_in_markdown_are_one(sandbox: Sandbox) -> None:
    source = "By Friday\nthey had left. It was\nlate."
    assert load("a.md", source.encode(), sandbox).text == source.replace("\n", " ")


@pytest.mark.parametrize(
    "line",
    [
        "The storm of 15 October 1987: what we remember",
        "Date of birth: 3 May 1980",
        "1998: The works were founded by Ida Moe on 3 May 1998",
    ],
)
def test_a_date_that_is_told_of_is_not_the_articles(line: str) -> None:
    assert top_matter([line, "", SENTENCES]) == {}


@pytest.mark.parametrize(
    "line",
    [
        "Minutes of the council meeting, 4 May 2024",
        "Weekly report - May 4, 2024",
        "Press release (4 May 2024)",
        "Posted by admin on 4 May 2024",
        "Last reviewed 4 May 2024 by the board",
        "Updated 4 May 2024 at 10:30 am",
        "Minutes of the council meeting held on 4 May 2024",
        "This article was published on 4 May 2024",
        "May 4, 2024 · 5 min read",
        "Jane Doe • May 4, 2024 • 4 min read",
        "4 May 2024 by admin",
        "2024-05-04 10:30 | 3 comments",
        "4 May 2024 in politics",
        "For immediate release: May 4, 2024",
        "Effective date: 4 May 2024",
        "wednesday 4 may 2024",
    ],
)
def test_a_date_that_is_set_off_is_the_articles(line: str) -> None:
    assert top_matter([line, "", SENTENCES]) == {"date": "2024-05-04"}


def test_front_matter_of_keys_that_are_not_known(sandbox: Sandbox) -> None:
    source = (
        '---\nsidebar_label: Leave\ndescription: "How leave is booked."\n---\nIt is booked online.'
    )
    document = load("leave.md", source.encode(), sandbox)
    assert (document.title, document.text) == ("Leave", "It is booked online.")


def test_the_first_line_of_a_word_file_without_a_title_style(sandbox: Sandbox) -> None:
    made = docx.Document()
    made.add_paragraph("Offices of Calder Works")
    for heading in ("Introduction", "Costs"):
        made.add_heading(heading, level=1)
        made.add_paragraph(SENTENCES)
    assert load("a.docx", save_docx(made), sandbox).title == "Offices of Calder Works"


@pytest.mark.parametrize("line", ["4 May 2024", "CONFIDENTIAL"])
def test_a_date_or_a_stamp_is_no_title(line: str, sandbox: Sandbox) -> None:
    made = docx.Document()
    made.add_paragraph(line)
    for heading in ("Bridge report", "Costs"):
        made.add_heading(heading, level=1)
        made.add_paragraph(SENTENCES)
    assert load("a.docx", save_docx(made), sandbox).title == "Bridge report"


def test_a_heading_of_contents_is_no_heading(sandbox: Sandbox) -> None:
    made = docx.Document()
    made.styles["TOC Heading"].base_style = made.styles["Heading 1"]
    made.add_paragraph("Contents", style="TOC Heading")
    made.add_heading("Introduction", level=1)
    made.add_paragraph(SENTENCES)
    assert load("a.docx", save_docx(made), sandbox).title == "Introduction"


def test_an_email_that_was_saved_as_text() -> None:
    mail = (
        "From: Petra Lund <petra@calder.example>\nSent: Monday, 4 March 2024 10:12\n"
        "To: all@calder.example\nSubject: Canteen closed from 11 March\n\nHello all,\n\n"
        + SENTENCES
    )
    document = load("a.txt", mail.encode())
    assert document.title == "Canteen closed from 11 March"
    assert (document.author, document.date) == ("Petra Lund", "2024-03-04")
    assert document.text == mail


def test_a_title_that_someone_has_is_not_the_articles() -> None:
    text = (
        f"Interview with the head of finance\n\nName: Jane Doe\nTitle: Chief Officer\n\n{SENTENCES}"
    )
    assert load("a.txt", text.encode()).title == "Interview with the head of finance"
    assert title_line(["Title: Chief Officer", "", SENTENCES]) is None


# --- notes, tables and boxes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[^abc]: any but a, b, c", "Write `[^abc]`, that is [^abc]:\n\n[^abc]: any but those"]
)
def test_what_looks_like_a_note_of_markdown_is_text(text: str, sandbox: Sandbox) -> None:
    assert load("a.md", text.encode(), sandbox).text.startswith(text.split("`")[0])
    assert load("a.md", text.encode(), sandbox).text.count("[^abc]") >= text.count("[^abc]") - 1


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("URL: https://x.example\nTitle: Bridge opens", "Bridge opens"),
        ("Article 12\n\nTitle: Bridge opens", "Bridge opens"),
    ],
)
def test_a_title_below_a_label_is_the_articles(head: str, title: str) -> None:
    assert load("a.txt", f"{head}\n\n{SENTENCES}".encode()).title == title


def test_brackets_without_end_in_an_email_cost_nothing() -> None:
    mail = f"From: {'(' * 1500}\nSubject: Canteen\n\n{SENTENCES}"
    assert load("a.txt", mail.encode()).title == "Canteen"


def test_marks_of_notes_in_markdown_are_not_read(sandbox: Sandbox) -> None:
    source = (
        "Laptops come from **Nils Berg**[^1] on day one.[^b] A set is `[^a-z]` or [^x].\n\n"
        "[^1]: https://wiki.example/nils\n[^b]: Since 2020."
    )
    assert load("a.md", source.encode(), sandbox).text == (
        "Laptops come from Nils Berg on day one. A set is [^a-z] or [^x].\n\n"
        "https://wiki.example/nils\n\nSince 2020."
    )


def test_the_mark_of_a_wikis_editor_is_no_heading(sandbox: Sandbox) -> None:
    source = (
        f"<h1>Orrin</h1><p>{SENTENCES}</p><h2><span>Fishing</span><span class='mw-editsection'>[<a>edit"
        f"</a>]</span></h2><p>{SENTENCES}</p>"
    )
    assert list(under(load("a.html", source.encode(), sandbox))) == ["Orrin", "Fishing"]


def test_a_list_in_a_cell_is_a_part_of_its_row(sandbox: Sandbox) -> None:
    source = (
        f"<h1>Offices</h1><p>{SENTENCES}</p><table><tr><th>City</th><th>Contacts</th></tr>"
        "<tr><td>Bergen</td><td>Both: <ul><li>Ida Moe</li><li><p>Tor Vik</p></li></ul></td></tr>"
        "<tr><td>Molde</td><td><ul><li>Eva Dahl</li></ul></td></tr></table>"
    )
    text = load("a.html", source.encode(), sandbox).text
    assert text.endswith("City | Contacts\nBergen | Both: Ida Moe, Tor Vik\nMolde | Eva Dahl")


def test_a_term_stands_apart_from_the_one_before_it(sandbox: Sandbox) -> None:
    source = f"<h1>Bridge</h1><p>{SENTENCES}</p><dl><dt>Length</dt><dd>1,200 m</dd><dt>Cost</dt><dd>3 m</dd></dl>"
    text = load("a.html", source.encode(), sandbox).text
    assert text.endswith("Length\n1,200 m\n\nCost\n3 m")


def test_an_empty_cell_of_a_word_file_keeps_its_place(sandbox: Sandbox) -> None:
    made = docx.Document()
    table = made.add_table(2, 3)
    for cell, text in zip(
        table._cells, ["Office", "Phone", "Fax", "Oslo", "", "22 33"], strict=True
    ):
        cell.text = text
    assert load("a.docx", save_docx(made), sandbox).text == "Office | Phone | Fax\nOslo |  | 22 33"


def test_a_text_box_of_a_word_file_is_apart_from_its_paragraph(sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph()
    paragraph._p.append(
        parse_xml(
            f"<w:r {nsdecls('w')}><w:pict><w:txbxContent><w:p><w:r><w:t>A bridge for all</w:t></w:r></w:p>"
            "</w:txbxContent></w:pict></w:r>"
        )
    )
    paragraph.add_run("It was opened in 2023.")
    text = load("a.docx", save_docx(made), sandbox).text
    assert text == "A bridge for all\nIt was opened in 2023."


@pytest.mark.parametrize("mark", ["strike", "dstrike", "vanish"])
def test_what_a_word_file_strikes_out_or_hides_is_not_read(mark: str, sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("It cost ")
    setattr(
        paragraph.add_run("12").font,
        {"dstrike": "double_strike", "vanish": "hidden"}.get(mark, mark),
        True,
    )
    shown = paragraph.add_run("14 crowns.")
    shown.font.strike = False
    assert load("a.docx", save_docx(made), sandbox).text == "It cost 14 crowns."


def test_a_style_made_from_a_headings_is_a_headings(sandbox: Sandbox) -> None:
    made = docx.Document()
    style = made.styles.add_style("Chapter title", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = made.styles["Heading 1"]
    made.add_paragraph("Costs", style="Chapter title")
    made.add_paragraph(SENTENCES)
    assert list(under(load("a.docx", save_docx(made), sandbox))) == ["Costs"]


def test_a_clause_whose_style_is_made_from_a_headings_is_text(sandbox: Sandbox) -> None:
    made = docx.Document()
    style = made.styles.add_style("Clause", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = made.styles["Heading 2"]
    made.add_paragraph("Delivery", style="Heading 1")
    for text in (
        "Goods",
        "The Supplier shall deliver the goods within 30 days.",
        "the Buyer has paid the price; and",
    ):
        made.add_paragraph(text, style="Clause")
    made.add_paragraph("Why was it so late in 1998.", style="Heading 2")
    made.add_paragraph(SENTENCES, style="Heading 2")
    marks = list(under(load("a.docx", save_docx(made), sandbox)))
    assert marks == ["Delivery", "Goods", "Why was it so late in 1998."]


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("Heading 1", f"What is known {'and what is not ' * 10}of it"),
        ("Own", "It rained all night long."),
    ],
)
def test_what_stands_first_in_a_headings_style_is_the_title(
    style: str, text: str, sandbox: Sandbox
) -> None:
    made = docx.Document()
    made.styles.add_style("Own", WD_STYLE_TYPE.PARAGRAPH).base_style = made.styles["Heading 1"]
    made.add_paragraph(text, style=style)
    made.add_paragraph(SENTENCES)
    made.add_paragraph("Costs", style="Heading 1")
    document = load("a.docx", save_docx(made), sandbox)
    assert document.title == text
    assert list(under(document)) == [text, "Costs"]


@pytest.mark.parametrize(("style_level", "own_level"), [("0", ""), ("", "0"), ("9", "0")])
def test_outline_levels_of_a_word_file_are_headings(
    style_level: str, own_level: str, sandbox: Sandbox
) -> None:
    made = docx.Document()
    style = made.styles.add_style("Kapitel", WD_STYLE_TYPE.PARAGRAPH)
    paragraph = made.add_paragraph("Costs", style="Kapitel")
    for element, level in ((style.element, style_level), (paragraph._p, own_level)):
        if level:
            element.get_or_add_pPr().append(
                parse_xml(f"<w:outlineLvl {nsdecls('w')} w:val='{level}'/>")
            )
    made.add_paragraph(SENTENCES)
    assert list(under(load("a.docx", save_docx(made), sandbox))) == ["Costs"]


def test_body_text_by_its_outline_level_is_no_heading(sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("Costs", style="Heading 1")
    paragraph._p.get_or_add_pPr().append(parse_xml(f"<w:outlineLvl {nsdecls('w')} w:val='9'/>"))
    made.add_paragraph(SENTENCES)
    assert not under(load("a.docx", save_docx(made), sandbox))


# --- pages ----------------------------------------------------------------------------------------


def page(body: str, head: str = "") -> bytes:
    return f"<html><head>{head}</head><body><main>{body}<p>{SENTENCES}</p></main></body></html>".encode()


def test_an_encyclopedias_title_is_not_its_short_description(sandbox: Sandbox) -> None:
    about = {"@type": "Article", "name": "Paris", "headline": "capital and largest city of France"}
    head = f'<title>Paris - Wikipedia</title><script type="application/ld+json">{json.dumps(about)}</script>'
    assert load("a.html", page("<h1>Paris</h1>", head), sandbox).title == "Paris"


def test_json_ld_with_entities_and_a_raw_line_break(sandbox: Sandbox) -> None:
    about = (
        '{"@type": "NewsArticle", "headline": "Mayor&#039;s aide quits", "author": "Jane\n Doe"}'
    )
    document = load(
        "a.html", page("", f'<script type="application/ld+json">{about}</script>'), sandbox
    )
    assert (document.title, document.author) == ("Mayor's aide quits", "Jane Doe")


def test_clause_c_is_no_notice_of_copyright(sandbox: Sandbox) -> None:
    body = "<h1>Act</h1><p>(b) the address;</p><p>(c) the fee that was paid; and</p><p>(c) 2024 Herald Ltd</p>"
    text = load("a.html", page(body), sandbox).text
    assert "(c) the fee that was paid; and" in text
    assert "Herald" not in text


def test_a_question_that_is_a_button_is_the_heading_of_its_answer(sandbox: Sandbox) -> None:
    body = (
        "<h1>FAQ</h1><h2><button>How much is a transfer?</button></h2>"
        "<div hidden='until-found'><p>It costs 34 pounds.</p></div><div hidden>no</div><button>Menu</button>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text.startswith(
        "FAQ\n\nHow much is a transfer?\n\nIt costs 34 pounds.\n\nThe two delegations"
    )


def test_icons_and_buttons_beside_a_heading_are_not_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Bridge <button>Save for later</button></h1><p>Share <i class='material-icons' aria-hidden='true'>"
        "thumb_up</i> this <span class='material-symbols-outlined' aria-hidden='true'>arrow</span> story.</p>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text.startswith("Bridge\n\nShare this story.\n\nThe two delegations")


def test_lists_of_links_with_one_word_of_text_are_not_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Bridge</h1><ul><li>Tags</li><li><a href='/1'>Rome</a></li><li><a href='/2'>Oslo</a></li></ul>"
        "<p>You may also like:</p><ul><li><a href='/3'>Paris falls</a></li></ul>"
    )
    text = load("a.html", page(body), sandbox).text
    assert "Rome" not in text
    assert "Paris" not in text


def test_what_is_seen_but_not_heard_is_read_within_a_line(sandbox: Sandbox) -> None:
    body = (
        "<h1>Bread</h1><p>It takes 20<span class='sr-only'> minutes</span> "
        "<span aria-hidden='true'>mins</span>.</p><div aria-hidden='true'>Menu</div>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text.startswith("Bread\n\nIt takes 20 mins.\n\nThe two delegations")


def test_links_in_a_list_of_other_items_are_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Bread</h1><ul><li>500 g <a href='/f'>flour</a></li><li><a href='/s'>salt</a></li><li>1 tsp yeast"
        "</li></ul><p>Paris is twinned with:</p><ul><li><a href='/r'>Rome</a></li></ul>"
        "<p><a name='b'>Contact us in Bath</a></p><h2>More</h2><ul><li><a href='/1'>Rome falls</a></li>"
        "<li><a href='/2'>Oslo rises</a></li></ul>"
    )
    text = load("a.html", page(body), sandbox).text
    for kept in (
        "- 500 g flour\n- salt\n- 1 tsp yeast",
        "twinned with:\n\n- Rome",
        "Contact us in Bath",
    ):
        assert kept in text
    assert "Oslo rises" not in text


def test_the_id_of_a_heading_or_term_is_no_name_of_junk(sandbox: Sandbox) -> None:
    body = (
        f"<h1>Flask</h1><h2><span id='Social_media'>Social media</span></h2><p>{SENTENCES}</p>"
        "<dl><dt id='SESSION_COOKIE_NAME'>SESSION_COOKIE_NAME</dt><dd>The name of the cookie.</dd></dl>"
        "<div class='recommendation'><p>Recommendation 1: The state should pay.</p></div>"
        "<div id='comments'><p>Nice one, thank you all for this.</p></div>"
    )
    document = load("a.html", page(body), sandbox)
    assert list(under(document)) == ["Flask", "Social media"]
    assert "SESSION_COOKIE_NAME\nThe name of the cookie." in document.text
    assert "Recommendation 1: The state should pay." in document.text
    assert "Nice one" not in document.text


def test_a_link_to_a_heading_is_no_part_of_it(sandbox: Sandbox) -> None:
    body = "<h1>Handling<a class='headerlink' href='#h'>¶</a></h1>"
    document = load("a.html", page(body, "<title>Handling — Docs (3.0)</title>"), sandbox)
    assert (document.title, list(under(document))) == ("Handling", ["Handling"])


@pytest.mark.parametrize("name", ["title", "MsoTitle"])
def test_the_paragraph_for_the_title_is_the_headline(name: str, sandbox: Sandbox) -> None:
    body = f"<p class='{name}'>The Bridge Plan</p><h1>Costs</h1><p>{SENTENCES}</p><h1>Risks</h1>"
    document = load("a.html", page(body), sandbox)
    assert document.title == "The Bridge Plan"
    assert list(under(document)) == ["The Bridge Plan", "Costs", "Risks"]


def test_notes_and_cautions_beside_a_text_are_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Setup</h1><aside class='admonition caution'><p>It needs 8 GB of memory.</p></aside>"
        "<aside class='promo'><p>Buy our other books today.</p></aside>"
    )
    text = load("a.html", page(body), sandbox).text
    assert "It needs 8 GB of memory." in text
    assert "other books" not in text


# --- PDF: items, powers, running titles -----------------------------------------------------------


def test_the_items_of_a_list_are_lines(sandbox: Sandbox) -> None:
    lines = [
        "1. Put the plug of the machine into the socket on the kitchen table",
        "2. Press the green button on the front until the lamp shines in blue",
        "3. Wait until the lamp on the front goes out and take the bread out",
        "and let it cool for an hour before you cut it with a knife for all",
    ]
    text = load("a.pdf", make_pdf([lines]), sandbox).text
    assert text.split("\n") == [*lines[:2], f"{lines[2]} {lines[3]}"]


def test_raised_figures_of_a_pdf_are_raised(sandbox: Sandbox) -> None:
    drawn = (
        b"BT /F1 12 Tf 72 700 Td (It was founded in 1998) Tj ET BT /F1 7 Tf 200 704 Td (1) Tj ET "
        b"BT /F1 12 Tf 206 700 Td ( and weighs 10) Tj ET BT /F1 7 Tf 290 704 Td (8) Tj ET "
        b"BT /F1 12 Tf 296 700 Td ( pounds.) Tj ET"
    )
    data = make_pdf([["no"]]).replace(stream(page_content(["no"])), stream(drawn))
    text = load("a.pdf", data, sandbox).text
    assert text.replace(" ", "") == "Itwasfoundedin1998¹andweighs10⁸pounds."


def test_low_figures_of_a_pdf_that_is_drawn_from_the_top_are_not_raised(sandbox: Sandbox) -> None:
    drawn = (
        b"1 0 0 -1 0 792 cm BT /F1 12 Tf 1 0 0 -1 72 100 Tm (The gas is CO) Tj /F1 8 Tf 1 0 0 -1 165 103 Tm (2) Tj "
        b"/F1 12 Tf 1 0 0 -1 172 100 Tm ( and 10) Tj /F1 8 Tf 1 0 0 -1 215 95 Tm (8) Tj ET"
    )
    data = make_pdf([["no"]]).replace(stream(page_content(["no"])), stream(drawn))
    text = load("a.pdf", data, sandbox).text.replace(" ", "")
    assert "CO2" in text
    assert "10⁸" in text


def test_rows_at_the_edge_of_two_pages_are_text(sandbox: Sandbox) -> None:
    pages = [
        [f"20{n:02} 25 36" if n in {1, 3, 4} else f"It was so{'o' * n}.", *SENTENCES.split(". ")]
        for n in range(1, 7)
    ]
    text = load("a.pdf", make_pdf(pages), sandbox).text
    assert "2003 25 36" in text


def test_running_titles_of_facing_pages_are_dropped(sandbox: Sandbox) -> None:
    pages = [
        [
            f"The money of the bridge {n}" if n % 2 else f"{n} Annual Report",
            *SENTENCES.split(". "),
            f"Page {n} says {'so' * n}.",
        ]
        for n in range(1, 9)
    ]
    text = load("a.pdf", make_pdf(pages), sandbox).text
    assert "The money of the bridge" not in text
    assert "Annual Report" not in text


def test_a_heading_after_a_list_of_markdown_is_apart_from_it(sandbox: Sandbox) -> None:
    source = "## Pets\n\n- Cats are allowed.\n- Dogs need consent\n\n## Smoking\n\nNo."
    text = load("a.md", source.encode(), sandbox).text
    assert text == "Pets\n\n- Cats are allowed.\n- Dogs need consent\n\nSmoking\n\nNo."


# --- figures beside a title, dashes at a line's end -----------------------------------------------


def test_a_page_number_beside_a_title_is_not_raised(sandbox: Sandbox) -> None:
    drawn = (
        b"BT /F1 14 Tf 72 700 Td (Annual report) Tj ET BT /F1 9 Tf 540 705 Td (24) Tj ET "
        b"BT /F1 12 Tf 72 660 Td (It was a good year.) Tj ET"
    )
    data = make_pdf([["no"]]).replace(stream(page_content(["no"])), stream(drawn))
    text = load("a.pdf", data, sandbox).text
    assert "²" not in text
    assert "24" in text


def test_figures_that_a_browser_raises_in_a_pdf_are_raised(sandbox: Sandbox) -> None:
    drawn = (
        b"BT /F1 12 Tf 72 700 Td (The area is 10) Tj ET BT /F1 10 Tf 149.4 704.7 Td (8) Tj ET "
        b"BT /F1 12 Tf 155 700 Td ( yards.) Tj ET"
    )
    data = make_pdf([["no"]]).replace(stream(page_content(["no"])), stream(drawn))
    assert "10⁸ yards." in load("a.pdf", data, sandbox).text


def test_a_figure_beside_a_word_of_a_larger_size_is_not_raised(sandbox: Sandbox) -> None:
    drawn = b"BT /F1 15 Tf 72 700 Td (Items) Tj ET BT /F1 12.75 Tf 117 702.2 Td (12) Tj ET"
    data = make_pdf([["no"]]).replace(stream(page_content(["no"])), stream(drawn))
    assert load("a.pdf", data, sandbox).text == "Items 12"


def test_a_dash_at_the_end_of_a_short_line_joins_no_words(sandbox: Sandbox) -> None:
    lines = [
        "Notes-",
        "Jane Doe",
        "The bridge was opened by the mayor of the town on the third of May, and then",
        "the band of the fire brigade played for an hour on the square near the hall of",
        "the market.",
    ]
    assert load("a.pdf", make_pdf([lines]), sandbox).text.startswith("Notes-\nJane Doe\nThe bridge")


def test_a_name_that_a_lines_end_divides_at_its_hyphen_is_joined(sandbox: Sandbox) -> None:
    lines = [
        "The bridge was opened by the mayor of the town on the third of May, and then",
        "the cranes were built for it by Coca-",
        "Cola engineers in mid-",
        "2024, who had come from the far end of the land for as long as the work took.",
    ]
    text = load("a.pdf", make_pdf([lines]), sandbox).text
    assert "by Coca-Cola engineers" in text


# --- front matter of Hugo -------------------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_front_matter_in_toml(newline: str, sandbox: Sandbox) -> None:
    source = (
        "+++\n# by hand\ntitle = 'Bridge opens'\ndate = 2024-05-04T10:00:00+02:00\ndraft = false\n"
        'authors = ["Jane Doe", "Ben Marr"]\n[menu.main]\nweight = 3\n+++\n\n## Costs\n\nIt cost 14 crowns.\n'
    )
    document = load("a.md", source.replace("\n", newline).encode(), sandbox)
    assert (document.title, document.date) == ("Bridge opens", "2024-05-04")
    assert document.author == "Jane Doe, Ben Marr"
    assert document.text == "Costs\n\nIt cost 14 crowns."


@pytest.mark.parametrize("inside", ["The text = all of it.", "Plus and plus.", "title = [[[[[[[[["])
def test_what_is_no_toml_between_plus_signs_is_text(inside: str, sandbox: Sandbox) -> None:
    text = load("a.md", f"+++\n{inside}\n+++\n\nThe rest.".encode(), sandbox).text
    assert inside in text
    assert text.endswith("The rest.")


# --- formulas, and who wrote a page ---------------------------------------------------------------

MATH = (
    "<math><semantics><mrow>\n <mi>E</mi> <mo>=</mo> <mi>m</mi><mo>&#x2062;</mo><msup><mi>c</mi><mn>2</mn></msup>"
    '</mrow><annotation encoding="application/x-tex">E=mc^{2}</annotation></semantics></math>'
)


@pytest.mark.parametrize(
    "shown",
    [
        MATH,
        # An encyclopedia, KaTeX, MathJax 2 and 3.
        f'<span><span style="display: none;">{MATH}</span><img src="e.svg" alt="E=mc^2" aria-hidden="true"></span>',
        (
            f'<span class="katex"><span class="katex-mathml">{MATH}</span><span class="katex-html" '
            'aria-hidden="true"><span>E</span><span>=</span><span>mc</span><span>2</span></span></span>'
        ),
        (
            f'<span class="MathJax"><nobr aria-hidden="true"><span>E=mc2</span></nobr><span>{MATH}</span></span>'
            '<script type="math/tex">E=mc^2</script>'
        ),
        (
            f'<mjx-container><mjx-math aria-hidden="true"></mjx-math><mjx-assistive-mml>{MATH}</mjx-assistive-mml>'
            "</mjx-container>"
        ),
    ],
)
def test_a_formula_is_read_once(shown: str, sandbox: Sandbox) -> None:
    body = f"<h1>Mass</h1><p>It is known that {shown}, which Einstein found.</p>"
    text = load("a.html", page(body), sandbox).text
    assert "It is known that E = mc², which Einstein found." in text


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<msqrt><mi>x</mi></msqrt><mo>&lt;</mo><msup><mi>e</mi><mi>x</mi></msup>", "√x < e^x"),
        ("<msub><mi>H</mi><mn>2</mn></msub><mi>O</mi>", "H2O"),
        ("<mi>f</mi><msup><mi>x</mi><mo>′</mo></msup>", "fx′"),
        ("<mn>5</mn><mspace width='1em'/><mtext>km</mtext>", "5 km"),
        ("<mn>1</mn><mfrac><mn>1</mn><mn>2</mn></mfrac><mtext>,</mtext>", "1 1/2,"),
        ("<msup><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></msup>", "(a+b)²"),
        ("<msup><mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow><mi>n</mi></msup>", "(a)^n"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "x^(1/3)"),
        ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover><mi>i</mi>", "∑_1^n i"),
        ("<munder><mi>lim</mi><mi>n</mi></munder><mi>f</mi>", "lim_n f"),
        ("<msubsup><mo>∫</mo><mn>0</mn><mi>∞</mi></msubsup><mi>x</mi>", "∫_0^∞ x"),
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "xi²"),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", "sin x"),
    ],
)
def test_the_parts_of_a_formula(formula: str, text: str, sandbox: Sandbox) -> None:
    body = f"<h1>Sums</h1><p>It is <math>{formula}</math> there.</p>"
    assert f"It is {text} there." in load("a.html", page(body), sandbox).text


def test_words_beside_a_formula_that_are_not_heard_are_read(sandbox: Sandbox) -> None:
    body = f"<h1>Mass</h1><p>It was <span aria-hidden='true'>never</span> {MATH} there.</p>"
    assert "It was never E = mc² there." in load("a.html", page(body), sandbox).text


def post(author: str, text: str) -> str:
    return f'<div class="post"><p class="author">by {author} » Mon 4 May 2024 1:00 pm</p><p>{text}</p></div>'


def test_posts_of_several_people_have_no_author(sandbox: Sandbox) -> None:
    posts = "".join(post(name, SENTENCES) for name in ("alice", "bob", "carol"))
    assert load("a.html", page(f"<h1>My old boiler</h1>{posts}"), sandbox).author is None


def test_the_author_of_a_post_without_long_answers(sandbox: Sandbox) -> None:
    posts = post("alice", SENTENCES * 9) + post("bob", "Thanks!")
    assert load("a.html", page(f"<h1>My old boiler</h1>{posts}"), sandbox).author == "alice"


@pytest.mark.parametrize(
    "around",
    [
        '{}<div class="teaser"><h3>Other</h3><p class="byline">By Ben Marr</p><p>It rained.</p></div>',
        '{}<div class="comments"><p class="author">Ben Marr</p><p>' + SENTENCES * 4 + "</p></div>",
        (
            '<div class="teaser"><h3>Other</h3><p class="byline">By Ben Marr</p><p>It rained all the week long in '
            "the north of the land, and the sun did not come out.</p></div>{}"
        ),
    ],
)
def test_the_author_among_those_of_other_stories(around: str, sandbox: Sandbox) -> None:
    story = (
        '<div class="story"><h1>Bridge opens</h1><p class="byline">By <span class="author">Jane Doe</span>, '
        f'Bonn correspondent, and <span class="author">Ann Vale</span></p><p>{SENTENCES}</p></div>'
    )
    assert load("a.html", page(around.format(story)), sandbox).author == "Jane Doe"


# --- what editors, readers of code and sites' own tools put in a page -----------------------------


def test_what_only_editors_of_an_encyclopedia_need_is_not_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Orne Bridge</h1><label aria-hidden='true' for='l'>14 languages</label><div class='noprint'>From the "
        "free encyclopedia</div><table class='plainlinks metadata ambox'><tr><td></td><td>This article needs more "
        "sources.</td></tr></table><p>It cost 14 crowns.<sup class='noprint Inline-Template'>[<i><a href='/w'>"
        "citation needed</a></i>]</sup></p><div class='catlinks'>Hidden categories: <ul><li>Old</li></ul></div>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text == f"Orne Bridge\n\nIt cost 14 crowns.\n\n{SENTENCES}"


def test_the_numbers_of_lines_of_code_are_not_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Setup</h1><p>Do this first.</p><table><tr><td class='linenos'><pre>1\n2</pre></td><td class='code'>"
        "<pre>import orne\norne.open()</pre></td></tr></table>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text == f"Setup\n\nDo this first.\n\nimport orne\norne.open()\n\n{SENTENCES}"


def test_labels_are_words_by_themselves(sandbox: Sandbox) -> None:
    body = "<h1>Setup</h1><div><label>Linux</label><label>macOS</label></div>"
    assert "\n\nLinux macOS\n\n" in load("a.html", page(body), sandbox).text


def test_icons_by_themselves_are_no_paragraphs(sandbox: Sandbox) -> None:
    body = (
        "<h1>Setup</h1><figure><div>💡</div><div>It needs 8 GB of memory.</div></figure><p>* * *</p>"
        "<ul><li><div>⚠</div><div>Unplug it first, please.</div></li></ul>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text == f"Setup\n\nIt needs 8 GB of memory.\n\n- Unplug it first, please.\n\n{SENTENCES}"


@pytest.mark.parametrize(
    ("named", "headline", "title"),
    [
        ("Bridges | Orne", "Bridges", "Bridges"),
        ("Bridges – Orne Post", "Bridges¶", "Bridges"),
        ("Bridges – A history", "Bridges", "Bridges – A history"),
        ("Review - Dune - Orne Post", "Review", "Review - Dune - Orne Post"),
        (
            "News | Costs of it | Orne Post",
            "News</h1><h2>Costs of it</h2><h1>",
            "News | Costs of it | Orne Post",
        ),
        ("Bridge – opens", "Bridge</h1><h1>Bridge – opens", "Bridge – opens"),
        ("Bridges of Orne", "Bridges", "Bridges of Orne"),
        ("Bridges: a history", "Bridges", "Bridges: a history"),
        ("The Orne Post - Bridges", "Bridges", "The Orne Post - Bridges"),
    ],
)
def test_the_name_of_a_site_is_no_part_of_a_title(
    named: str, headline: str, title: str, sandbox: Sandbox
) -> None:
    head = (
        f'<title>{named}</title><meta property="og:title" content="{named}">'
        '<meta property="og:site_name" content="Orne Post">'
    )
    document = load("a.html", page(f"<h1>{headline}</h1>", head), sandbox)
    assert document.title == title


def test_the_title_above_the_only_heading_of_a_google_doc(sandbox: Sandbox) -> None:
    source = (
        '<html><head></head><body class="doc-content"><p class="c3 title" id="h.1">The Bridge Plan</p>'
        f'<p class="c3 subtitle" id="h.2">A draft</p><p>{SENTENCES}</p><h1 id="h.3">Costs</h1><p>None.</p></body></html>'
    )
    document = load("a.html", source.encode(), sandbox)
    assert document.title == "The Bridge Plan"
    assert document.text.startswith("The Bridge Plan\n\nA draft\n\nThe two")


def test_notices_of_an_amp_page_are_not_read(sandbox: Sandbox) -> None:
    body = "<h1>Bridges</h1><amp-ad><div>It loads.</div></amp-ad><amp-consent>We use cookies.</amp-consent>"
    assert load("a.html", page(body), sandbox).text == f"Bridges\n\n{SENTENCES}"


# --- what tools add to Markdown -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text"),
    [
        # Obsidian
        (
            "It is at [[Calder Dam]], by [[Ines Carrow|the mayor]].",
            "It is at Calder Dam, by the mayor.",
        ),
        ("See [[Calder Dam#Costs]] and [[#Costs]].", "See Calder Dam and Costs."),
        ("![[photo.png]]\n![[photo.png|300]]\n\nIt is ==old==. ^37066d", "It is old."),
        ("%% not for all %%\n\nIt is old.", "It is old."),
        ('> [!warning]- Mind the "gap"\n> It is old.', 'Mind the "gap"\nIt is old.'),
        ("> [!tip] Mind the gap\n>\n> It is old.", "Mind the gap\n\nIt is old."),
        # GitHub
        ("> [!NOTE]\n> It is old.", "It is old."),
        (
            '<div align="center">\n  <h1 align="center">Bridge</h1>\n  <p>\n    It\n    is <b>old</b>.\n  </p>\n</div>',
            "Bridge\n\nIt is old.",
        ),
        # Jekyll and Hugo
        ("* TOC\n{:toc}\n\nIt is old.\n{: .lead}", "It is old."),
        ("{% include a.html width='5%' %}{% raw %}\nIt is [old]({% link a.md %}).", "It is old."),
        (
            'It is [old](x){:target="_blank"} and [new](y){: .b}, *so*{:.c} `x`{:.d}',
            "It is old and new, so x",
        ),
        ("It is {{< x >}} old. Is it?", "It is old. Is it?"),
        ("{% include figure.html src='x' %}\n\nIt is old.", "It is old."),
        (
            '{{< figure src="x.jpg" >}}\n\n{{% notice note %}}\nIt is old.\n{{% /notice %}}',
            "It is old.",
        ),
        (
            "## Costs {#costs .x}\n\nNone.\n\n## More {-}\n\nNone.",
            "Costs\n\nNone.\n\nMore\n\nNone.",
        ),
        # Pandoc, Docusaurus, MkDocs
        ("::: {.callout-note}\nIt is old.\n:::", "It is old."),
        (":::tip[Mind the gap]\n\nIt is old.\n\n:::", "Mind the gap\n\nIt is old."),
        ('!!! note "Mind the gap"\n    It is old.', "Mind the gap\nIt is old."),
        ("> [!note] Use `x` now\n> It is old.", "Use x now\nIt is old."),
        ("## Costs {: #costs .x }\n\nNone.", "Costs\n\nNone."),
        ("import {\n  a,\n} from 'x';\nimport * as b from 'y'\n\nIt is old.", "It is old."),
        ("[TOC]\n\n![A plan](plan.png){width=50%}", "A plan"),
        ("import Tabs from '@theme/Tabs';\nimport './x.css';\n\nIt is old.", "It is old."),
    ],
)
def test_what_tools_add_to_markdown_is_not_read(source: str, text: str, sandbox: Sandbox) -> None:
    assert load("a.md", source.encode(), sandbox).text == text


@pytest.mark.parametrize(
    "text",
    [
        "It was 5 [[1]](x) and names[[i]] and [[ -f x ]] and [[1, 2], [3, 4]] and [[12]].".replace(
            "(x)", ""
        ),
        "If a == b or b==c, then a ==b.",
        "The set {1, 2} and f(x){return x} and {:a 1} are written {x: 1}.",
        "It rose by 100%% of 50%% of it.",
        "!!! Do not touch the lamp",
        "!!! Stop",
        "The sum is x ^2 and not 3 ^y",
        "import duties fell, 'as planned'.",
        'It is called "[!" there: [!x]',
        "Use {{ site.title }} for it.",
        "In Jinja, {% if x %} opens a condition and {% endif %} closes it.",
        "Python writes {:.2f} and '{:#x}'.format(x) and {:name=value}.",
        "{:#x} is how Python writes hex.",
        "The tag is {:toc}",
        "It costs (about){.small} and f(x){.y}, and map(x){width=5}.",
        'Of f(x)[["a"]] and [["a", "b"]] it is known.',
        "If a ==> b, and b <== c, then a <==> c, or a !==b && c!== d.",
        "Dear %%NAME%% you like '%%a%%' and %%b%% of it.",
        "In C, write %% for one of them, and in a batch file %% too.",
        "If (a)==(b) and (c)==(d), then x[0]==y and z ==[0] of it.",
        "It was said by ^jane-doe",
        "It is 10 ^100000",
        "import statements are 'good'",
        "import the goods from 'abroad'",
    ],
)
def test_what_looks_like_something_of_tools_is_text(text: str, sandbox: Sandbox) -> None:
    assert load("a.md", text.encode(), sandbox).text == text


def test_a_heading_of_a_template_tag_stays(sandbox: Sandbox) -> None:
    for heading in ("{#if x}", "Use of {#if x}", "The sets {a, b}"):
        assert load("a.md", f"## {heading}\n\nIt is old.".encode(), sandbox).title == heading


def test_imports_without_an_end_are_read_in_time(sandbox: Sandbox) -> None:
    source = "import a 'b'c'" * 500
    assert load("a.md", source.encode(), sandbox).text == source


def test_code_that_shows_what_tools_add_stays(sandbox: Sandbox) -> None:
    source = "Write `[[Calder Dam]]` or ``{% x %}`` or `==a==`.\n\n```\n{{< figure >}}\n:::tip\n```"
    text = load("a.md", source.encode(), sandbox).text
    assert text == "Write [[Calder Dam]] or {% x %} or ==a==.\n\n{{< figure >}}\n:::tip"


def test_a_note_of_obsidian_says_who_wrote_it_and_when(sandbox: Sandbox) -> None:
    source = '---\ncreated: 2024-05-04\nauthor: "[[Jane Doe]]"\n---\nIt is old.'
    document = load("a.md", source.encode(), sandbox)
    assert (document.author, document.date) == ("Jane Doe", "2024-05-04")


def test_a_note_that_was_made_before_it_was_published(sandbox: Sandbox) -> None:
    source = (
        "---\ncreated: 2019-01-02\npublished: 2024-05-04\ntitle: Use of [[nodiscard]]\n"
        'author: "[[Jane Doe|Jane]]"\n---\nIt is old.'
    )
    document = load("a.md", source.encode(), sandbox)
    assert (document.title, document.date) == ("Use of [[nodiscard]]", "2024-05-04")
    assert document.author == "Jane"


# --- notes and formulas of Word -------------------------------------------------------------------


def test_notes_of_a_word_file_are_read(sandbox: Sandbox) -> None:
    made = docx.Document()
    made.add_paragraph("Bridge", style="Heading 1")
    made.add_paragraph("It was opened in 1932.")
    notes = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:id='0' w:type='separator'><w:p/></w:footnote><w:footnote "
        "w:id='2'><w:p><w:r><w:footnoteRef/></w:r><w:r><w:t> By Marr</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    part = Part(
        PackURI("/word/footnotes.xml"), "application/xml", notes.encode(), made.part.package
    )
    made.part.relate_to(part, kind)
    document = load("a.docx", save_docx(made), sandbox)
    assert document.text == "Bridge\n\nIt was opened in 1932.\n\nBy Marr"
    assert document.author is None
    assert under(document) == {"Bridge": "Bridge\n\nIt was opened in 1932."}


def run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def power(base: str, exponent: str) -> str:
    return f"<m:sSup><m:e>{base}</m:e><m:sup>{exponent}</m:sup></m:sSup>"


def fraction(above: str, below: str) -> str:
    return f"<m:f><m:num>{run(above)}</m:num><m:den>{run(below)}</m:den></m:f>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (run("E=m") + power(run("c"), run("2")), "E=mc²"),
        (power(run("c"), run("x")), "c^x"),
        (power(run("e"), run("2x")), "e^(2x)"),
        (power(run("2"), run("1000")), "2^1000"),
        (power(run("90"), run("∘")), "90∘"),
        (power(f"<m:d><m:e>{run('a+b')}</m:e></m:d>", run("-2")), "(a+b)⁻²"),
        (fraction("1", "2"), "1/2"),
        (f"{run('1')}{fraction('1', '2')}", "1 1/2"),
        (fraction("a+b", "2c"), "(a+b)/(2c)"),
        (f"{run('90 ')}{fraction('km', 'h')}", "90 km/h"),
        (f"<m:rad><m:deg/><m:e>{run('x')}</m:e></m:rad>", "√x"),
        (
            (
                f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{run('i')}</m:sub><m:sup>{run('n')}</m:sup>"
                f"<m:e>{run('x')}</m:e></m:nary>"
            ),
            "∑i^n x",
        ),
        (
            f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=''/></m:dPr><m:e>{run('x')}</m:e></m:d>",
            "[x",
        ),
        (f"<m:func><m:fName>{run('sin')}</m:fName><m:e>{run('x')}</m:e></m:func>", "sin x"),
    ],
)
def test_formulas_of_a_word_file_are_read(formula: str, text: str, sandbox: Sandbox) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("It is known that ")
    space = "xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'"
    paragraph._p.append(parse_xml(f"<m:oMath {space}>{formula}</m:oMath>"))
    paragraph.add_run(", as all say.")
    assert load("a.docx", save_docx(made), sandbox).text == f"It is known that {text}, as all say."


# --- plain text -----------------------------------------------------------------------------------

BOOK = "*** START OF THE PROJECT GUTENBERG EBOOK THE BRIDGE ***"
BOOK_END = BOOK.replace("START", "END")


def test_a_book_of_project_gutenberg_is_read_without_the_licence() -> None:
    source = (
        "\ufeffThe Project Gutenberg eBook of The Bridge\n\n"
        + "This ebook is for the use of anyone.\n" * 8
        + "\nTitle: "
        "The Bridge\n\nAuthor: Jane Doe\n\nRelease date: May 4, 2004 [eBook #123]\n\nLanguage: English\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK THE BRIDGE ***\n\n[Illustration]\n\nCHAPTER I.\n\nIt was so.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK THE BRIDGE ***\n\nSection 1. General Terms of Use.\n"
    )
    document = load("a.txt", source.replace("\n", "\r\n").encode())
    assert (document.title, document.author, document.date) == ("The Bridge", "Jane Doe", None)
    assert document.text == "[Illustration]\n\nCHAPTER I.\n\nIt was so."


@pytest.mark.parametrize(
    "source",
    [
        f"How books are marked\n\n{SENTENCES}\n\n{BOOK}\n\n{BOOK_END}\n\nThat is all.",
        f"{SENTENCES}\n\n{BOOK_END}\n\nThat is all.",
        f"How books are marked\n\nTitle: One\n\n{BOOK}\n\n{SENTENCES}\n\n{BOOK_END}\n\nThat is all.",
        f"Title: One\n\n{BOOK}\n\n{SENTENCES}\n\n{BOOK_END}\n\nTitle: Two\n\n{BOOK}\n\nMore.\n\n{BOOK_END}",
    ],
)
def test_what_is_no_single_book_of_project_gutenberg_is_read_as_a_whole(source: str) -> None:
    assert load("a.txt", source.encode()).text == source


def test_a_long_title_and_two_authors_of_a_book() -> None:
    head = "The Project Gutenberg eBook of The Bridge\n\nTitle: The Bridge; Or,\n        The Town\n\nAuthor: Jane Doe\n        Ben Marr"
    document = load("a.txt", f"{head}\n\n{BOOK}\n\n{SENTENCES}".encode())
    assert (document.title, document.author) == ("The Bridge; Or, The Town", "Jane Doe, Ben Marr")


def test_a_book_of_project_gutenberg_without_what_is_said_of_it() -> None:
    source = f"{BOOK}\n\n{SENTENCES}\n\n{BOOK_END}\n\nSection 1."
    assert load("a.txt", source.encode()).text == SENTENCES


def test_encoded_words_of_an_email_are_decoded() -> None:
    source = "From: =?utf-8?Q?Jane_D=C3=B6e?= <jane@x.example>\nTo: ben@y.example\nSubject: =?utf-8?B?w5ZybmU=?=\n\nIt is so."
    document = load("a.txt", source.encode())
    assert (document.title, document.author) == ("Örne", "Jane Döe")
    odd = load("a.txt", b"From: a@x.example\nSubject: =?nope?B?w5ZybmU=?=\n\nIt is so.")
    assert odd.title == "=?nope?B?w5ZybmU=?="


@pytest.mark.parametrize("subject", ["=?utf-8?B?a?=", "Is =?it?= so =?x?Q?=", "long " * 40 + "end"])
def test_a_subject_that_only_looks_encoded_stays(subject: str) -> None:
    document = load("a.txt", f"From: a@x.example\nSubject: {subject}\n\nIt is so.".encode())
    assert document.title == subject


def test_a_long_encoded_subject_is_decoded_to_its_end() -> None:
    subject = "Протокол заседания правления товарищества от четвёртого мая о ремонте моста"
    source = f"From: a@x.example\nSubject: {Header(subject, 'utf-8').encode()}\n\nIt is so."
    assert load("a.txt", source.encode()).title == subject


def test_a_title_between_rules() -> None:
    text = f"===========\nOrne Bridge\n===========\n\n{SENTENCES}"
    assert load("a.txt", text.encode()).title == "Orne Bridge"
    assert load("a.txt", f"-----\n\n{SENTENCES}".encode()).title == "A"


def test_what_a_browser_prints_around_a_page_is_not_read(sandbox: Sandbox) -> None:
    pages = [
        [
            "Bridge opens",
            "The town paid for it",
            "5/4/24, 6:53 PM Bridge opens",
            "https://x.example/a 1/2",
        ],
        ["with a loan of thirty years.", "04.05.24, 18:53 Bridge opens", "file:///home/a.html 2/2"],
    ]
    text = load("a.pdf", make_pdf(pages), sandbox).text
    assert text == "Bridge opens\nThe town paid for it\nwith a loan of thirty years."


def test_addresses_and_times_that_are_told_of_are_read(sandbox: Sandbox) -> None:
    lines = [
        "It began at 5/4/24, 6:53 PM.",
        "See https://x.example/a 1/2 of it.",
        "5/4/24: it rained.",
        "5/4/24, 6:53 PM - Jane: I am on the bridge now.",
        "04.05.24, 18:54 Departure",
    ]
    text = load("a.pdf", make_pdf([lines]), sandbox).text
    assert text.split() == " ".join(lines).split()


def test_marks_of_notes_in_a_page_of_word_are_not_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Bridge</h1><p>It is old.<a href='#_ftn1' name='_ftnref1'><span>[1]</span></a> See <a href='#_ftn2'>the "
        "second note</a> of it.</p>"
    )
    text = load("a.html", page(body), sandbox).text
    assert "It is old. See the second note of it." in text


def test_the_name_of_an_author_among_what_is_said_of_them(sandbox: Sandbox) -> None:
    body = (
        f"<h1>How do I open it?</h1><p>{SENTENCES}</p><div itemprop='author'><a href='/u'>al</a> <span "
        "itemprop='name'>alice</span> <b>1,234</b></div>"
    )
    assert load("a.html", page(body), sandbox).author == "alice"


def test_the_menu_beside_a_page_that_a_table_lays_out_is_not_read(sandbox: Sandbox) -> None:
    source = (
        "<title>Bridge</title><h1>Bridge</h1><table><tr><td><a href='a'>Home</a><br><a href='b'>Links</a></td>"
        f"<td>{SENTENCES}<p>{SENTENCES}<ul><li>one<li>two</ul></td></tr></table>"
    )
    text = load("a.html", source.encode(), sandbox).text
    assert text == f"Bridge\n\n{SENTENCES}\n\n{SENTENCES}\n\n- one\n- two"


def test_the_term_beside_a_long_cell_is_read(sandbox: Sandbox) -> None:
    cell = f"{SENTENCES * 4}<br>one<br>two"
    body = f"<h1>Bridge</h1><table><tr><td><a href='a'>Toll</a></td><td>{cell}</td></tr></table>"
    assert "Bridge\n\nToll | The two" in load("a.html", page(body), sandbox).text


def test_signs_that_a_page_tells_of_are_read(sandbox: Sandbox) -> None:
    body = (
        "<h1>Signs</h1><h2>&&, ||, !</h2><p>They join.</p><dl><dt>**</dt><dd>A power.</dd></dl>"
        "<table><tr><td>✓</td><td>✗</td></tr></table><p>€</p>"
    )
    text = load("a.html", page(body), sandbox).text
    assert text == (
        f"Signs\n\n&&, ||, !\n\nThey join.\n\n**\nA power.\n\n✓ | ✗\n\n€\n\n{SENTENCES}"
    )


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ("<ul><li>❤</li><li>One.</li><li>Two.</li></ul>", "- One.\n- Two."),
        ("<ul><li>One.</li><li>❤</li><li>Two.</li></ul>", "- One.\n- Two."),
        ("<ul><li>One.</li><li>❤</li></ul>", "- One."),
        ("<table><tr><td>❤</td></tr><tr><td>A</td><td>✓</td></tr></table>", "A | ✓"),
    ],
)
def test_items_without_words_leave_a_list_apart(items: str, text: str, sandbox: Sandbox) -> None:
    body = f"<h1>Bridge</h1><p>It is known of old.</p>{items}"
    expected = f"Bridge\n\nIt is known of old.\n\n{text}\n\n{SENTENCES}"
    assert load("a.html", page(body), sandbox).text == expected


def test_the_author_is_not_of_a_quotation_or_of_the_pictures(sandbox: Sandbox) -> None:
    quotation = f"<blockquote><p>{SENTENCES}</p><p class='author'>Ben Marr</p></blockquote>"
    pictures = "<p class='byline'>Photographs by Ben Marr</p>"
    story = f"<p class='author'>Jane Doe</p><p>{SENTENCES}</p>"
    for body in (story + quotation + story, story + pictures + story):
        document = load("a.html", page(f"<h1>Bridge</h1>{body}"), sandbox)
        assert document.author == "Jane Doe"


@pytest.mark.parametrize(
    "around",
    [
        "{}<footer><a rel='author'>Jane Doe</a><a rel='author'>Ben Marr</a></footer>",
        "<p class='author'></p><p class='author'></p>{}<div class='related'><p class='author'>Jane Doe</p></div>",
    ],
)
def test_a_page_whose_authors_all_stand_outside_it_is_read(around: str, sandbox: Sandbox) -> None:
    document = load("a.html", page(around.format(f"<h1>Bridge</h1><p>{SENTENCES}</p>")), sandbox)
    assert document.text.startswith(f"Bridge\n\n{SENTENCES}")


def test_marks_that_answer_are_read(sandbox: Sandbox) -> None:
    body = "<h1>Lamp</h1><dl><dt>Dimmed</dt><dd>✓</dd><dt>Rating</dt><dd>★★★★☆</dd></dl>"
    text = load("a.html", page(body), sandbox).text
    assert text == f"Lamp\n\nDimmed\n✓\n\nRating\n★★★★☆\n\n{SENTENCES}"


def test_what_stands_above_a_headline_is_not_the_title(sandbox: Sandbox) -> None:
    source = (
        "<title>Opinion | The end of an era</title><article><h2>Opinion</h2><h1>The end of an era</h1>"
        f"<p>{SENTENCES}</p></article>"
    )
    assert load("a.html", source.encode(), sandbox).title != "Opinion"


def test_the_name_of_a_blog_is_no_part_of_a_title(sandbox: Sandbox) -> None:
    source = (
        "<head><title>Bridge opens – Orne Blog</title></head><h1>Orne Blog</h1><main><article>"
        f"<h2>Bridge opens</h2><p>{SENTENCES}</p></article></main>"
    )
    assert load("a.html", source.encode(), sandbox).title == "Bridge opens"


def test_a_long_answer_makes_nobody_the_author(sandbox: Sandbox) -> None:
    posts = post("alice", SENTENCES) + post("bob", SENTENCES * 2)
    assert load("a.html", page(f"<h1>My old boiler</h1>{posts}"), sandbox).author is None
