"""The article of a web page, without what a site puts around and between its paragraphs.

Measured on the pages of ``tests/news_pages.py`` against trafilatura and resiliparse with
``tests/benchmarks/bench_extraction.py``; docs/measurements.md has the figures and the reasons for a rule
of our own.
"""

from __future__ import annotations

import html
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from index._formats.parsed import Block, Parsed, assemble, title_of
from index._text import decode, has_text, parse_date, plain, raised, top_matter
from index.errors import LoadError


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_NO_TEXT = _words(
    "script style noscript template iframe svg math select textarea input button canvas video audio "
    "object head title amp-ad amp-consent amp-sidebar"
)
_STRUCK_OUT = "del, s, strike"
_SURROUNDINGS = _words("nav footer aside dialog form")
_DROPPED_ROLES = _words(
    "navigation banner contentinfo complementary dialog alertdialog search menu"
)
# How words of class and id begin with which sites name what is not the article; after a separator. "widget"
# alone, and Elementor's of all its elements, may hold the article as well.
_DROPPED_NAMES = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|newsletters?|subscri\w*|signup|promos?|advert\w*|ads?|"
    r"sponsor\w*|shar(?:e|es|ing|edaddy)|social|related\w*|relatedposts|recirc\w*|"
    r"recommend(?!ation(?![\w-]))\w*|most-(?:read|popular)|trending|comments?|respond|breadcrumbs?|sidebar|menu|nav|navbar|"
    r"navigation|footer|(?<!elementor-)(?!(?<!\S)widget(?!\S))widget|skip-link|paywall|popup|modal|"
    r"screen-reader-text|sr-only|visually-hidden|topic-list|tags?-(?:list|links)|editsection|"
    # Of encyclopedias: what only editors need. Of pages of code: the numbers of the lines.
    r"noprint|ambox|catlinks|linenos?)"
    r"(?:$|[\s_-])",
    re.I,
)
_NOTE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:footnotes?|fn|noteref|references?|cite)(?:$|[\s_-])", re.I
)
_WORD_MARK = re.compile(r"\[\w{1,5}\]")
_POWER = re.compile(r"\s*[+\-−]?[0-9]+[+\-−]?\s*")
# Of formulas: the elements that hold signs, those that show nothing, and signs with a space around.
_MATH_TOKENS = _words("mi mn mo ms mtext")
_MATH_UNSEEN = _words("annotation annotation-xml mphantom")
_LIMITS = _words("munder munderover msubsup")  # below and above a sum
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\|[^|]*\|")
_MATH_SIGNS = "mi, mn, mo, ms, mtext"
_RELATIONS = frozenset("=≠<>≤≥≈≡∼≪≫→⇒⇔∈")
_ICON = re.compile(r"(?:^|[\s_-])(?:icons?|symbols?|glyphicon|fa)(?:$|[\s_-])", re.I)
_ICON_SIGNS = _words("So Sk Mn Cf")  # categories: with those that join and colour emoji
_ANSWERS = frozenset("✓✔✅✗✘❌★☆")  # yes, no, and how good something is
_STARS = re.compile(r"(?:[*•·–—_~-]\s*){3,100}")
# How a line begins that calls to read something else.
_CALL = re.compile(
    r"(?:you (?:may|might)|more (?:on|from)|follow|see also|related|most|read|share|also)\b", re.I
)
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHOWN_TITLES = "main h1, article h1, [role=main] h1"
_SHOWN_HEADINGS = f"{_SHOWN_TITLES}, main h2, article h2, [role=main] h2"
# What stands after a title: the name of the site, or, but for a bar, a subtitle.
_SITE = re.compile(r"\s+([|–—·-])\s+(\S.*)")
_QUOTED = _words("blockquote figure")  # of somebody else
# Who else is named beside an author.
_CREDIT = re.compile(r"(?:additional|edit|illustrat|photo|translat)\w*\b.*\bby\b", re.I)
# What stands between an author and the date: of phpBB, and of news.
_AFTER_NAME = re.compile(r"\s+[»|·•]\s")
# Whose ids are of the layout of a page, not of a term or heading.
_LAID_OUT = _words("div ul ol dl table td form fieldset center p")
# Of Sphinx, MkDocs and Starlight: notes and cautions, which are text.
_ASIDES = re.compile(r"(?:^|\s)(?:footnote|admonition|starlight-aside)")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCK_TAGS = _words(
    "address article blockquote body caption center dd details div dl dt fieldset figcaption figure "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr html li main ol p pre section summary table tbody td "
    "tfoot th thead tr ul"
)
_LINES = _words("br div p ul ol li")  # in a cell of a data table they do not part it
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
_OPEN_OR_CLOSE = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements without an end tag, or whose end tag is often left out: they do not nest in themselves.
_UNNESTED = _words(
    "area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead "
    "tbody tfoot option optgroup colgroup rp rt html head body "
    # Of drawings, closed at once ("<path .../>"): a chart has thousands.
    "path use rect line circle ellipse polygon polyline stop image"
)
_CODE = re.compile(rb"<!--|<script\b|<style\b")
_CODE_ENDS = {b"<!--": b"-->", b"<script": b"</script", b"<style": b"</style"}
_MAX_DEPTH = 2000  # the parser looks up through all open elements at each new one

_MAIN_SHARE = 1 / 3  # of the page's text, that the article's element has at least
_SECOND_ARTICLE = 0.4  # of the largest article's text: the page has several
_ONE_AUTHOR = 3 / 4  # of the text is by the author, beside those of other stories
_NEAR_CHARACTERS = 60  # between two authors of one article, and what each of them is
_SIGN_UP_CHARACTERS = 300  # of a box around a form
_LINKED_SHARE = 0.5  # of a block's characters: above, it is a link to somewhere else
_LINKED_WORDS = 20  # a longer block is read whatever it links to
_CELL_CHARACTERS = 400  # of a cell of several paragraphs: above, the table is for layout
_PARAGRAPH_WORDS = 5
_SENTENCE_END = (".", "!", "?", "…", '."', ".'", ".”", ".’", '?"', "?”", '!"', "!”", ".)", ":")
_NOTICE = re.compile(
    r"(?:- )?(?:(?:skip )?advertisement|(?:please )?share(?: this)?(?: article| story| page| post)?:?|"
    r"(?:copyright )?©.*|copyright (?:\(c\)|\d{4}).*|\(c\) (?:copyright )?\d{4}\b.*|"
    r"(?:.*\. )?all rights reserved\.?|\d+ min(?:ute)?s? read|read more:.*|loading\.*|you are visitor number .*)",
    re.I,
)
_NOTICE_CHARACTERS = 120


def parse_html(data: bytes) -> Parsed:
    """Read a web page: its article, without menus, forms, notices and scripts."""
    from selectolax.lexbor import LexborHTMLParser

    _check_depth(data)
    declared = _META_CHARSET.search(data[:4096])
    source = decode(data, declared[1].decode("ascii") if declared else None)
    tree = LexborHTMLParser(source.replace("\x00", ""))
    meta = _metadata(tree)
    body = tree.body or tree.root
    blocks = _article(tree, body) if body is not None else []
    text, headings = assemble(blocks)
    found = top_matter(text[:4000].split("\n"))
    return Parsed(
        text=text,
        title=meta.get("title") or title_of(blocks),
        date=meta.get("date") or found.get("date"),
        author=meta.get("author") or found.get("author"),
        publisher=meta.get("source") or found.get("source"),
        headings=headings,
    )


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _OPEN_OR_CLOSE.finditer(_without_code(data)):
        if match[2].lower().decode("ascii") in _UNNESTED:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > _MAX_DEPTH:
            raise LoadError(f"its elements are nested more than {_MAX_DEPTH:,} deep")


def _without_code(data: bytes) -> bytes:
    """Leave out comments, scripts and styles, in which "<" opens nothing; an unclosed one runs to the end."""
    lower, parts, at = data.lower(), [], 0
    while found := _CODE.search(lower, at):
        parts.append(data[at : found.start()])
        closing = _CODE_ENDS[found[0]]
        end = lower.find(closing, found.end())
        if end < 0:
            return b"".join(parts)
        at = end + len(closing)
    return b"".join((*parts, data[at:]))


# --- what the page says about itself ------------------------------------------------------------

_META_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("title", ("og:title", "twitter:title", "headline", "dc.title")),
    ("date", ("article:published_time", "datepublished", "date", "pubdate", "publish-date")),
    ("date", ("dc.date", "dc.date.issued", "dcterms.created", "parsely-pub-date")),
    ("author", ("author", "article:author", "byl", "dc.creator", "parsely-author")),
    ("source", ("og:site_name", "application-name", "publisher", "dc.publisher")),
)
_MAX_JSON_LD = 1000  # objects of a page that are looked at


def _metadata(tree: Any) -> dict[str, str]:
    """Title, date, author and source as JSON-LD, meta elements and the page's elements say."""
    found: dict[str, str] = {}

    def note(key: str, value: object) -> None:
        text = parse_date(value) if key == "date" else plain(value)
        if text and not (key == "author" and text.startswith("http")):
            found.setdefault(key, text)

    for article in _json_ld_articles(tree):
        name, shown = plain(article.get("name")), plain(article.get("headline"))
        page = " ".join(node.text() for node in tree.css("head title")[:1]).lower()
        if name and page.strip().startswith(name.lower()) and shown.lower() not in page:
            shown = name  # Wikipedia's "headline" is its short description
        note("title", html.unescape(shown))
        note("date", article.get("datePublished"))
        note("author", article.get("author"))
        note("source", article.get("publisher"))
    metas: dict[str, str] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name and attributes.get("content"):
            metas.setdefault(name.lower(), attributes["content"])
    for key, names in _META_NAMES:
        for name in names:
            note(key, metas.get(name))
    titles = [" ".join(title.text().split()) for title in tree.css("head title")[:1]]
    name = found.get("title") or "".join(titles)
    if shown := _shown_title(tree, name, found.get("source", "")):
        found["title"] = shown
    for node in tree.css(_headlines(tree))[:1]:
        headline = " ".join(node.text(separator=" ").split()).rstrip(" ¶")
        # A first headline that the title does not hold is the site's name.
        if not titles or headline.lower() in titles[0].lower():
            note("title", headline)
    for node in tree.css("head title")[:1]:
        note("title", node.text())
    for node in tree.css("time[datetime]")[:1]:
        note("date", node.attributes.get("datetime"))
    author = _named_author(tree)
    note("author", top_matter([author]).get("author") or (author if len(author) <= 60 else ""))
    if "author" in found:
        found["author"] = top_matter([found["author"]]).get("author", found["author"])
    return found


def _shown_title(tree: Any, name: str, site: str) -> str:
    """Return the heading of the article that ``name`` says before the name of the site, or nothing.

    After a dash, the page must say the same name elsewhere: a subtitle is a part of the title.
    """
    headings = _first_texts(tree, _SHOWN_HEADINGS)
    sites = {site, *_first_texts(tree, "h1")}
    for at, shown in enumerate(headings):
        after = _SITE.fullmatch(name, len(shown)) if name.startswith(shown) else None
        if after is None or name in headings:
            continue
        sign, rest = after.groups()
        told = sign == "|" and shown in _first_texts(tree, _SHOWN_TITLES)
        of_site = rest in sites and rest not in headings[at:]  # "Opinion" stands above the headline
        if of_site or (told and not any(map(rest.startswith, headings))):
            return shown
    return ""


def _first_texts(tree: Any, selector: str) -> list[str]:
    """Return what the first headings of a selector say, without those that say nothing."""
    nodes = tree.css(selector)[:5]
    texts = (" ".join(node.text(separator=" ").split()).rstrip(" ¶") for node in nodes)
    return list(filter(None, texts))


def _named_author(tree: Any) -> str:
    """Return what an element says that is there for the author; nothing where several wrote a page's parts."""
    nodes = tree.css("[rel=author], [itemprop=author], .byline, .author")
    sizes: dict[str, int] = {}
    if len(nodes) > 1 and tree.body is not None:
        for name, size in _parts_of_authors(tree.body, {node.mem_id for node in nodes}):
            sizes[name] = sizes.get(name, 0) + size
    if not sizes:
        return _author_of(nodes[0]) if nodes else ""
    most = max(sizes, key=lambda name: sizes[name])
    return most if sizes[most] >= _ONE_AUTHOR * sum(sizes.values()) else ""


def _author_of(node: Any) -> str:
    """Return what an element says of an author up to the date or the name of the site."""
    said = (node.css_first("[itemprop=name]") or node).text(separator=" ")
    return _AFTER_NAME.split(re.sub(r"^by\s+", "", " ".join(said.split())), maxsplit=1)[0]


def _parts_of_authors(body: Any, authors: Set[int]) -> list[tuple[str, int]]:
    """Return what the elements for the authors say, each with the characters up to the next one.

    Those near each other are one: the article's two authors. Related stories, comments and quotations do not count.
    """
    starts: list[tuple[str, int]] = []
    at = end = 0
    stack = [body]
    while stack:
        node = stack.pop()
        if node.is_text_node:
            at += len((node.text_content or "").strip())
        elif not node.is_element_node or _is_surrounding(node) or node.tag in _QUOTED:
            continue
        elif node.mem_id in authors:
            name = _author_of(node)
            if name and not _CREDIT.match(name) and (not starts or at - end > _NEAR_CHARACTERS):
                starts.append((name, at))
            at = end = at + len(node.text().strip())
        elif node.tag == "body" or not _is_named(_DROPPED_NAMES, _names(node)):
            stack.extend(reversed(list(node.iter(include_text=True))))
    return [(name, end - start) for (name, start), (_, end) in pairwise([*starts, ("", at)])]


def _json_ld_articles(tree: Any) -> list[Mapping[str, Any]]:
    articles: list[Mapping[str, Any]] = []
    for node in tree.css('script[type="application/ld+json"]')[:20]:
        try:
            pending = [json.loads(node.text(), strict=False)]
        except (ValueError, RecursionError):
            continue
        for item in pending:  # it grows
            if len(pending) > _MAX_JSON_LD:
                break
            if isinstance(item, list):
                pending += item
            elif isinstance(item, dict):
                pending.append(item.get("@graph"))
                if "Article" in str(item.get("@type")) or "headline" in item:
                    articles.append(item)
    return articles


# --- which elements hold the article -------------------------------------------------------------


def _article(tree: Any, body: Any) -> list[Block]:
    """Return the blocks of the article, in reading order."""
    sizes = _text_sizes(body)
    main = _main_element(tree, body, sizes)
    headline = next(
        (
            node
            for node in tree.css(_headlines(tree))
            if node.mem_id in sizes and _holds(main, node)
        ),
        None,
    )
    # What holds the headline or the article is never dropped for its name: a page may be wrapped in
    # <div class="with-sidebar"> or in a form.
    kept = {main.mem_id}
    for node in filter(None, (main, headline)):
        while node is not None:
            kept.add(node.mem_id)
            node = node.parent
    # Where nothing tells the article, no name is believed of what holds half of the page's text.
    half = sizes.get(body.mem_id, 0) / 2
    told = main.mem_id != body.mem_id
    believed = math.inf if told or headline is not None else half
    boxes = _sign_up_boxes(tree, sizes, kept) | _struck_out(tree, sizes, half)
    title = 0 if headline is None else headline.mem_id
    reader = _Reader(kept, boxes, half, believed, title)
    pieces = _walk(main, reader, sizes)
    little = _size(pieces) < sizes.get(main.mem_id, 0) / 4
    if told and little and not any(piece.is_paragraph for piece in pieces):
        reader = _Reader(kept, boxes, half, believed, title, by_name=False)
        pieces = _walk(main, reader, sizes)
    end = len(pieces) if told else reader.end_of_article()
    return [Block(piece.text, piece.level, piece.tight) for piece in _without_notices(pieces, end)]


def _struck_out(tree: Any, sizes: Mapping[int, int], most: float) -> set[int]:
    """Elements whose text is taken back: what stands there instead follows.

    None where they hold more than ``most`` characters: then one was never closed.
    """
    struck = [node.mem_id for node in tree.css(_STRUCK_OUT)]
    return set(struck) if sum(sizes.get(node, 0) for node in struck) <= most else set()


def _headlines(tree: Any) -> str:
    """Return the selector of what may be the headline: Word and Google Docs have paragraphs for it."""
    is_told = tree.css_first("head title") is not None or len(tree.css("h1")) == 1
    titles = 'p.title[id^="h."]' if is_told else "p.title"
    return f"h1, p.MsoTitle, {titles}"


def _holds(outer: Any, node: Any) -> bool:
    while node is not None:
        if node.mem_id == outer.mem_id:
            return True
        node = node.parent
    return False


def _text_sizes(body: Any) -> dict[int, int]:
    """Characters of text under each element that is not itself part of a page's surroundings."""
    sizes: dict[int, int] = {}
    # An explicit stack: pages nest deeper than Python's. True: the element ends here.
    stack: list[tuple[Any, int, bool]] = [(body, 0, False)]
    while stack:
        node, parent, ends = stack.pop()
        if ends:
            sizes[parent] = sizes.get(parent, 0) + sizes[node.mem_id]
        elif node.is_text_node:
            sizes[parent] = sizes.get(parent, 0) + len((node.text_content or "").strip())
        elif node.is_element_node and not _is_surrounding(node):
            own = node.mem_id
            sizes[own] = 0
            stack.append((node, parent, True))
            stack.extend((child, own, False) for child in node.iter(include_text=True))
    return sizes


def _is_surrounding(node: Any) -> bool:
    return node.tag in _NO_TEXT or (node.tag in _SURROUNDINGS and node.tag != "form")


def _main_element(tree: Any, body: Any, sizes: Mapping[int, int]) -> Any:
    """Find the element that says that it holds the article; else it is the whole ``body``."""
    whole = sizes.get(body.mem_id, 0)
    for selector in ("article", "main", "[role=main]", "[itemprop=articleBody]"):
        sized = sorted(
            ((sizes.get(node.mem_id, 0), -at, node) for at, node in enumerate(tree.css(selector))),
            key=lambda entry: entry[:2],
            reverse=True,
        )
        if not sized or sized[0][0] < _MAIN_SHARE * whole:
            continue
        several = len(sized) > 1 and sized[1][0] > _SECOND_ARTICLE * sized[0][0]
        if not several or _holds(sized[0][2], sized[1][2]):
            return sized[0][2]
    return body


def _sign_up_boxes(tree: Any, sizes: Mapping[int, int], kept: set[int]) -> set[int]:
    """Small elements around a form: they ask for an address, whatever their class is."""
    boxes: set[int] = set()
    seen = set(kept)
    for form in tree.css("form, input[type=email]"):
        node, box = form, None
        while (
            node is not None
            and node.mem_id not in seen
            and sizes.get(node.mem_id, 0) <= _SIGN_UP_CHARACTERS
        ):
            seen.add(node.mem_id)
            box, node = node, node.parent
        if box is not None:
            boxes.add(box.mem_id)
    return boxes


def _names(node: Any) -> str:
    """Return class and id of an element; the id of a section is made of its heading, and left out."""
    names, own = node.attributes.get("class") or "", node.attributes.get("id") or ""
    return f"{names} {own}" if node.tag in _LAID_OUT and "section" not in names.split() else names


def _is_named(pattern: re.Pattern[str], names: str) -> bool:
    return pattern.search(_CAMEL_CASE.sub("-", names[:500])) is not None


def _is_note_mark(sup: Any) -> bool:
    """Tell whether a superscript refers to a note: it is a link within the page, or named as such."""
    if sup.parent.tag == "a" and sup.parent.text().strip() == sup.text().strip():
        links, unlinked = [sup.parent], ""
    else:
        links, unlinked = sup.css("a"), sup.text(deep=False)
    attributes = [node.attributes for node in (sup, *links)]
    if any(
        each.get("role") == "doc-noteref" or _is_named(_NOTE_NAMES, each.get("class") or "")
        for each in attributes
    ):
        return True
    within = all((each.get("href") or "").startswith("#") for each in attributes[1:])
    return bool(links) and within and not any(map(str.isalnum, unlinked))


def _is_heading(button: Any) -> bool:
    """Tell whether a button is all that a heading holds: it opens what stands below."""
    heading = button.parent
    return heading.tag in _HEADINGS and heading.text().strip() == button.text().strip()


def _is_permalink(link: Any) -> bool:
    """Tell whether a link shows no word and leads to a place on the page: "¶" after a heading, "^" of a note.

    So does the mark of a note in what Word writes.
    """
    href = link.attributes.get("href") or ""
    if href.startswith(("#_ftn", "#_edn")):
        return _WORD_MARK.fullmatch(link.text().strip()) is not None
    return href.startswith("#") and not has_text(link.text())


def _is_power(node: Any) -> bool:
    return node.tag == "sup" and _POWER.fullmatch(node.text()) is not None


def _is_formula(node: Any) -> bool:
    """Tell whether all that an element holds is a formula: an encyclopedia hides it behind its picture."""
    formula = node.css_first("math")
    return formula is not None and formula.text().strip() == node.text().strip()


def _is_drawn_formula(node: Any) -> bool:
    """Tell whether an element draws the formula that stands beside it (KaTeX, MathJax 2)."""
    around = node.parent
    return around.tag == "span" and around.css_first("math") is not None


def _formula(math: Any) -> str:
    """Return a formula of MathML as it is written on a line: E = mc², (a+b)/2."""
    parts: list[str] = []
    stack: list[Any] = [math]  # elements, and signs between them
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag in _MATH_TOKENS:
            token = node.text().strip().replace("\u2061", " ")  # after the name of a function
            apart = token in _RELATIONS or (node.tag == "mtext" and (not token or has_text(token)))
            parts.append(f" {token} " if apart else token)
        elif node.tag == "mspace":
            parts.append(" ")
        elif node.tag not in _MATH_UNSEEN:
            if node.tag == "mfrac" and parts and parts[-1][-1:].isdigit():
                parts.append(" ")  # 1 1/2
            stack.extend(reversed(_signed(node.tag, list(node.iter()))))
    return " ".join("".join(parts).split())


def _signed(tag: str, children: list[Any]) -> list[Any]:
    """Return the children of an element of a formula with the signs that its place says."""
    if tag == "mfrac" and len(children) == 2:
        return [*_bracketed(children[:1]), "/", *_bracketed(children[1:])]
    if tag == "msqrt":
        return ["√", *_bracketed(children)]
    if tag == "mroot" and len(children) == 2:
        return [*_bracketed(children[:1]), "^(1/", children[1], ")"]
    if tag in _LIMITS and len(children) > 1 and (tag != "msubsup" or children[0].tag == "mo"):
        over = ["^", *_bracketed(children[2:])] if len(children) > 2 else []
        return [children[0], "_", *_bracketed(children[1:2]), *over, " "]
    if tag in {"msup", "msubsup"} and len(children) > 1:
        power = children[-1].text().strip()
        base = _bracketed(children[:1]) + children[1:-1]
        if _POWER.fullmatch(power):
            return [*base, raised(power)]
        if has_text(power):  # no prime
            return [*base, "^", *_bracketed(children[-1:])]
    return [" ", *children] if tag in {"mtr", "mtd"} else children


def _bracketed(nodes: list[Any]) -> list[Any]:
    """Put brackets around elements of a formula with more than one sign, but for those that have them."""
    text = "".join(node.text() for node in nodes).strip()
    if _BRACKETED.fullmatch(text):
        return nodes
    several = len(text.split()) > 1 or any(len(node.css(_MATH_SIGNS)) > 1 for node in nodes)
    return ["(", *nodes, ")"] if several or len(nodes) > 1 else nodes


def _is_ornament(text: str) -> bool:
    """Tell whether a text is an icon or a line of stars; "&&" may be what a page tells of."""
    icons = all(unicodedata.category(sign) in _ICON_SIGNS for sign in text if not sign.isspace())
    return (icons and _ANSWERS.isdisjoint(text)) or _STARS.fullmatch(text) is not None


def _is_data_table(node: Any) -> bool:
    """Tell whether an element is a table of rows and columns, not one that lays out a page."""
    if node.tag != "table" or any(
        part.css_first("table, h1, h2, h3, h4, h5, h6") is not None for part in node.iter()
    ):
        return False
    cells = node.css("td, th")
    return len(cells) > len(node.css("tr")) and not any(
        len(cell.text()) > _CELL_CHARACTERS and len(cell.css("br, div, p, li")) > 1
        for cell in cells
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block as the page has it.

    ``level``: 1 to 6 for headings, else 0; ``linked``: the share of it that is links; ``cells``: of a
    row; ``container``: the element around the block's own.
    """

    text: str
    level: int
    tight: bool
    linked: float
    cells: int
    container: int

    @property
    def is_notice(self) -> bool:
        """Whether it is a link to somewhere else, or what sites say among the paragraphs."""
        if len(self.text) <= _NOTICE_CHARACTERS and _NOTICE.fullmatch(self.text):
            return True
        if self.level or self.cells > 1 or self.linked <= _LINKED_SHARE or self.text.endswith("."):
            return False
        return len(self.text[:1000].split()) < _LINKED_WORDS

    @property
    def is_paragraph(self) -> bool:
        """Whether it is a sentence at least, or a row of a table that is not one of links."""
        if self.level or self.is_notice:
            return False
        if self.cells > 1:
            return self.linked <= _LINKED_SHARE
        words = len(self.text[:1000].split())
        return words >= _PARAGRAPH_WORDS and self.text.endswith(_SENTENCE_END)


def _walk(root: Any, reader: _Reader, sizes: Mapping[int, int]) -> list[_Piece]:
    """Text of an element in reading order, a piece for each block-level element."""
    stack: list[tuple[Any, bool]] = [(root, False)]
    while stack:
        node, ends = stack.pop()
        if ends:
            reader.close(node)
        elif node.is_text_node:
            reader.add(node.text_content or "")
        elif node.tag == "math":
            reader.add(_formula(node))
        elif node.is_element_node and not reader.drops(node, sizes.get(node.mem_id, 0)):
            reader.open(node, sizes.get(node.mem_id, 0))
            stack.append((node, True))
            children = list(node.iter(include_text=True))
            stack.extend((child, False) for child in reversed(children))
    reader.flush()
    return reader.pieces


class _Reader:
    """Collects text into pieces while an element is walked."""

    def __init__(
        self,
        kept: set[int],
        boxes: set[int],
        half: float,
        believed: float,
        title: int,
        by_name: bool = True,
    ) -> None:
        self.pieces: list[_Piece] = []
        self._title = title
        self._by_name = by_name
        self._kept, self._boxes, self._half, self._believed = kept, boxes, half, believed
        self._open: list[int] = []  # block-level elements
        self._parents: dict[int, int] = {}
        self._extents: dict[int, tuple[int, int]] = {}  # the pieces of an element
        self._parts: list[str] = []
        self._characters = self._linked = 0
        # Open elements of these kinds.
        self._links = self._articles = self._preformatted = self._powers = 0
        self._data_table = 0  # the open one; they do not nest
        self._prefix = ""
        self._cells = 0
        self._first = False  # of a list or table
        self._tight = False

    def drops(self, node: Any, size: int) -> bool:
        """Tell whether the element is no part of an article."""
        tag = node.tag
        if tag in _NO_TEXT and not (tag == "button" and _is_heading(node)):
            return True
        if (tag == "sup" and _is_note_mark(node)) or (tag == "a" and _is_permalink(node)):
            return True
        if node.mem_id in self._kept:
            return False
        if node.mem_id in self._boxes or (tag == "header" and not self._articles):
            return True
        attributes = node.attributes
        is_note = tag == "aside" and _ASIDES.search(attributes.get("class") or "") is not None
        if tag in _SURROUNDINGS and not (tag == "form" and size > self._half) and not is_note:
            return True
        if not attributes or size > self._believed:
            return False
        if "hidden" in attributes and attributes["hidden"] != "until-found":
            return True
        # What is hidden from those who hear a page is seen, within a line.
        if attributes.get("aria-hidden") == "true" and (
            tag in _BLOCK_TAGS
            or tag in {"i", "label"}
            or _ICON.search(attributes.get("class") or "")
            or not has_text(node.text())
            or _is_drawn_formula(node)
        ):
            return True
        if (attributes.get("role") or "").lower() in _DROPPED_ROLES:
            return True
        if "display:none" in (attributes.get("style") or "").replace(" ", "").lower():
            return not _is_formula(node)
        return self._by_name and tag not in _HEADINGS and _is_named(_DROPPED_NAMES, _names(node))

    def add(self, text: str) -> None:
        """Take a text node; its white space collapses, unless preformatted."""
        if not self._preformatted:
            ends = (" " if text[:1].isspace() else "", " " if text[-1:].isspace() else "")
            text = " ".join(text.split()).join(ends) if text.strip() else " "
        if self._powers:
            text = raised(text.strip())
        size = len(text.strip())
        self._characters += size
        self._linked += size if self._links else 0
        self._parts.append(text)

    def open(self, node: Any, size: int) -> None:
        """Begin an element of ``size`` characters."""
        tag = node.tag
        if self._is_within_cell(tag):
            self._parts.append(self._item_gap() if tag == "li" else " ")
            return
        if tag == "br":
            self._parts.append("\n")
        elif tag == "label":
            self._parts.append(" ")
        elif tag == "a" and node.attributes.get("href"):
            self._links += 1
        elif _is_power(node):
            self._powers += 1
        if tag not in _BLOCK_TAGS:
            return
        # The long cell of a table that lays out a page is apart from the lines of the menu beside it.
        laid_out = size > _CELL_CHARACTERS and not self._data_table and "\n" in self._parts
        if tag not in {"td", "th"} or laid_out:
            self.flush()
        self._parents[node.mem_id] = self._open[-1] if self._open else 0
        self._open.append(node.mem_id)
        self._extents[node.mem_id] = (len(self.pieces), len(self.pieces))
        if tag in {"article", "main"}:
            self._articles += 1
        elif tag == "pre":
            self._preformatted += 1
        elif _is_data_table(node):
            self._data_table = node.mem_id
        if tag in {"ul", "ol", "dl", "table"}:
            self._first = True
        elif tag in {"li", "tr", "dt", "dd"}:
            self._prefix = "- " if tag == "li" else ""
            self._tight, self._first = not self._first and tag != "dt", False

    def close(self, node: Any) -> None:
        """End an element."""
        tag = node.tag
        if self._is_within_cell(tag):
            self._parts.append(" ")
            return
        if tag == "a" and node.attributes.get("href"):
            self._links -= 1
        elif _is_power(node):
            self._powers -= 1
        if tag not in _BLOCK_TAGS:
            return
        if tag in {"td", "th"}:
            self._parts.append(" | ")
            self._cells += 1
        else:
            level = _HEADINGS.index(tag) + 1 if tag in _HEADINGS else 0
            self.flush(1 if node.mem_id == self._title else level)
        self._open.pop()
        start = self._extents[node.mem_id][0]
        self._extents[node.mem_id] = (start, len(self.pieces))
        if tag in {"li", "tr"} and start == len(self.pieces):  # nothing to be below
            self._first, self._tight = not self._tight, False
        if tag in {"article", "main"}:
            self._articles -= 1
        elif tag == "pre":
            self._preformatted -= 1
        elif node.mem_id == self._data_table:
            self._data_table = 0
        elif tag == "li":
            self._prefix = ""

    def _item_gap(self) -> str:
        """Return what parts an item of a list from what stands before it in its cell."""
        while self._parts and self._parts[-1].isspace():
            self._parts.pop()
        return ", " if self._parts and self._parts[-1][-1:].isalnum() else " "

    def _is_within_cell(self, tag: str) -> bool:
        return self._data_table != 0 and not self._preformatted and tag in _LINES

    def flush(self, level: int = 0) -> None:
        """End the piece that is being collected."""
        text = "".join(self._parts)
        if not self._preformatted:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n"))
        text = text.strip(" |\n\t")
        if text and (self._preformatted or not _is_ornament(text)):
            linked = self._linked / max(self._characters, 1)
            container = self._open[-2] if len(self._open) > 1 else 0
            self.pieces.append(
                _Piece(self._prefix + text, level, self._tight, linked, self._cells, container)
            )
            self._prefix, self._tight = "", False
        self._parts.clear()
        self._characters = self._linked = self._cells = 0

    def end_of_article(self) -> int:
        """Return how many of the pieces there are up to the end of the article's element.

        That is the innermost one around the last paragraph with half of all paragraphs' text.
        """
        sums = [0]
        for piece in self.pieces:
            sums.append(sums[-1] + len(piece.text) * piece.is_paragraph)
        last = next((p for p in reversed(self.pieces) if p.is_paragraph), None)
        element = last.container if last is not None else 0
        while element:
            start, end = self._extents[element]
            if sums[end] - sums[start] >= sums[-1] / 2:
                return end
            element = self._parents[element]
        return len(self.pieces)


# --- which of their blocks are the article -------------------------------------------------------


def _without_notices(pieces: Sequence[_Piece], end: int) -> list[_Piece]:
    """Drop what is no text of the article though it stands among it.

    Links to elsewhere and notices go, and what is no sentence before the headline; nothing from
    ``end`` on is taken. What would leave less than a quarter of the text is not done: such a page is
    a list.
    """
    start = next((at for at, piece in enumerate(pieces) if piece.level == 1), 0)
    listed = _listed_links(pieces[:end])
    kept = [
        piece
        for at, piece in enumerate(pieces[:end])
        if piece.level == 1
        or at in listed
        or not (piece.is_notice or (at < start and not piece.is_paragraph))
    ]
    kept = _without_empty_headings(kept)
    return kept if _size(kept) >= _size(pieces) / 4 else list(pieces)


def _listed_links(pieces: Sequence[_Piece]) -> set[int]:
    """Return the items of lists of which half are no links, or that a line with a colon opens."""
    lists: dict[int, list[int]] = {}
    for at, piece in enumerate(pieces):
        if piece.text.startswith("- "):
            lists.setdefault(piece.container, []).append(at)
    return {
        at
        for items in lists.values()
        if (len(items) > 2 and 2 * sum(pieces[at].is_notice for at in items) <= len(items))
        or (items[0] and _introduces(pieces[items[0] - 1]))
        for at in items
    }


def _introduces(piece: _Piece) -> bool:
    if piece.level or piece.is_notice or _CALL.match(piece.text):
        return False
    return piece.text.endswith(":") and len(piece.text[:200].split()) > 2


def _size(pieces: Iterable[_Piece]) -> int:
    return sum(len(piece.text) for piece in pieces)


def _without_empty_headings(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Drop headings with nothing under them."""
    kept: list[_Piece] = []
    below = 1  # the level of the heading that comes next; the end counts as one
    for piece in reversed(pieces):
        if piece.level > 1 and below and piece.level >= below:
            continue
        below = piece.level
        kept.append(piece)
    kept.reverse()
    return [replace(kept[0], tight=False), *kept[1:]] if kept else kept
