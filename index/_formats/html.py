"""The article of a web page, without what a site puts around and between its paragraphs.

Measured on the pages of ``tests/news_pages.py`` against trafilatura and resiliparse with
``tests/benchmarks/bench_extraction.py``; docs/measurements.md has the figures and the reasons for a rule
of our own. What the page says about itself is read by ``html_metadata.py``; ``html_article.py`` finds the
element that holds the article, ``html_reader.py`` reads it piece by piece, and ``html_pieces.py`` drops
those that are no text of it.
"""

from __future__ import annotations

import re

from index._formats.html_article import article_blocks
from index._formats.html_metadata import page_metadata
from index._formats.parsed import Parsed, assemble, first_lines, title_of
from index._text import decode, top_matter
from index.errors import LoadError

_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.I)
_OPEN_OR_CLOSE = re.compile(rb"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements without an end tag, or whose end tag is often left out: they do not nest in themselves. Those of
# drawings are closed at once ("<path .../>"), and a chart has thousands.
_UNNESTED = frozenset(
    """
    area base br col embed hr img input link meta param source track wbr p li dt dd tr td th thead tbody tfoot option
    optgroup colgroup rp rt html head body path use rect line circle ellipse polygon polyline stop image
    """.split()
)
_CODE = re.compile(rb"<!--|<script\b|<style\b")
_CODE_ENDS = {b"<!--": b"-->", b"<script": b"</script", b"<style": b"</style"}
_MAX_DEPTH = 2000  # the parser looks up through all open elements at each new one


def parse_html(data: bytes) -> Parsed:
    """Read a web page: its article, without menus, forms, notices and scripts."""
    from selectolax.lexbor import LexborHTMLParser

    _check_depth(data)
    declared = _META_CHARSET.search(data[:4096])
    source = decode(data, declared[1].decode("ascii") if declared else None)
    tree = LexborHTMLParser(source.replace("\x00", ""))
    body = tree.body or tree.root
    blocks = article_blocks(tree, body) if body is not None else []
    text, headings = assemble(blocks)
    meta, found = page_metadata(tree), top_matter(first_lines(text))
    return Parsed(
        text=text,
        title=meta.get("title") or title_of(blocks),
        date=meta.get("date") or found.get("date"),
        author=meta.get("author") or found.get("author"),
        publisher=meta.get("source") or found.get("source"),
        headings=headings,
    )


def _check_depth(data: bytes) -> None:
    """Raise ``LoadError`` for a page whose elements are nested so deeply that the parser would take all day."""
    depth = 0
    for match in _OPEN_OR_CLOSE.finditer(_without_code(data)):
        if match[2].lower().decode("ascii") in _UNNESTED:
            continue
        depth = max(0, depth - 1) if match[1] else depth + 1
        if depth > _MAX_DEPTH:
            raise LoadError(f"its elements are nested more than {_MAX_DEPTH:,} deep")


def _without_code(data: bytes) -> bytes:
    """Leave out comments, scripts and styles, in which "<" opens nothing; an unclosed one runs to the end."""
    lower = data.lower()
    parts: list[bytes] = []
    at = 0
    while found := _CODE.search(lower, at):
        parts.append(data[at : found.start()])
        closing = _CODE_ENDS[found[0]]
        end = lower.find(closing, found.end())
        if end < 0:
            return b"".join(parts)
        at = end + len(closing)
    return b"".join((*parts, data[at:]))
