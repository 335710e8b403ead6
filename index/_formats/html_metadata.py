"""What a web page says about itself: title, date, author and site."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Set
from itertools import pairwise
from typing import Any

from index._formats.html_elements import (
    has_dropped_name,
    headline_selector,
    is_surrounding,
)
from index._text import parse_date, plain, top_matter

_SHOWN_TITLES = "main h1, article h1, [role=main] h1"
_SHOWN_HEADINGS = f"{_SHOWN_TITLES}, main h2, article h2, [role=main] h2"
# What stands after a title: the name of the site, or, but for a bar, a subtitle.
_SITE = re.compile(r"\s+([|–—·-])\s+(\S.*)")
_QUOTED = frozenset("blockquote figure".split())  # of somebody else
# Who else is named beside an author.
_CREDIT = re.compile(r"(?:additional|edit|illustrat|photo|translat)\w*\b.*\bby\b", re.I)
# What stands between an author and the date: of phpBB, and of news.
_AFTER_NAME = re.compile(r"\s+[»|·•]\s")
_ONE_AUTHOR = 3 / 4  # of the text is by the author, beside those of other stories
_NEAR_CHARACTERS = 60  # between two authors of one article, and what each of them is
_META_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("title", ("og:title", "twitter:title", "headline", "dc.title")),
    ("date", ("article:published_time", "datepublished", "date", "pubdate", "publish-date")),
    ("date", ("dc.date", "dc.date.issued", "dcterms.created", "parsely-pub-date")),
    ("author", ("author", "article:author", "byl", "dc.creator", "parsely-author")),
    ("source", ("og:site_name", "application-name", "publisher", "dc.publisher")),
)
_MAX_JSON_LD = 1000  # objects of a page that are looked at


def page_metadata(tree: Any) -> dict[str, str]:
    """Return title, date, author and source as JSON-LD, meta elements and the page's elements say."""
    found: dict[str, str] = {}
    title = tree.css_first("head title")
    page_title = "" if title is None else title.text()
    page = page_title.lower()

    def note(key: str, value: object) -> None:
        text = parse_date(value) if key == "date" else plain(value)
        if text and not (key == "author" and text.startswith("http")):
            found.setdefault(key, text)

    for article in _json_ld_articles(tree):
        name, shown = plain(article.get("name")), plain(article.get("headline"))
        if name and page.strip().startswith(name.lower()) and shown.lower() not in page:
            shown = name  # Wikipedia's "headline" is its short description
        note("title", html.unescape(shown))
        note("date", article.get("datePublished"))
        note("author", article.get("author"))
        note("source", article.get("publisher"))
    metas = _meta_elements(tree)
    for key, names in _META_NAMES:
        for name in names:
            note(key, metas.get(name))
    on_a_line = " ".join(page_title.split())
    name = found.get("title") or on_a_line
    if shown := _shown_title(tree, name, found.get("source", "")):
        found["title"] = shown
    if (node := tree.css_first(headline_selector(tree))) is not None:
        headline = _text_of(node)
        # A first headline that the title does not hold is the site's name.
        if title is None or headline.lower() in on_a_line.lower():
            note("title", headline)
    note("title", page_title)
    if (node := tree.css_first("time[datetime]")) is not None:
        note("date", node.attributes.get("datetime"))
    author = _named_author(tree)
    note("author", top_matter([author]).get("author") or (author if len(author) <= 60 else ""))
    if "author" in found:
        found["author"] = top_matter([found["author"]]).get("author", found["author"])
    return found


def _meta_elements(tree: Any) -> dict[str, str]:
    """Return what the meta elements of a page say, by their names in lower case."""
    metas: dict[str, str] = {}
    for node in tree.css("meta"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        if name and attributes.get("content"):
            metas.setdefault(name.lower(), attributes["content"])
    return metas


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
    return list(filter(None, map(_text_of, tree.css(selector)[:5])))


def _text_of(heading: Any) -> str:
    """Return what a heading says on one line, without the mark of a link to it."""
    return " ".join(heading.text(separator=" ").split()).rstrip(" ¶")


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
        elif not node.is_element_node or is_surrounding(node) or node.tag in _QUOTED:
            continue
        elif node.mem_id in authors:
            name = _author_of(node)
            if name and not _CREDIT.match(name) and (not starts or at - end > _NEAR_CHARACTERS):
                starts.append((name, at))
            at = end = at + len(node.text().strip())
        elif node.tag == "body" or not has_dropped_name(node):
            stack.extend(reversed(list(node.iter(include_text=True))))
    return [(name, end - start) for (name, start), (_, end) in pairwise([*starts, ("", at)])]


def _json_ld_articles(tree: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a page's JSON-LD that tell of an article."""
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
