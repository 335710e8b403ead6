"""Pieces of HTML within something else: Markdown, and the cells of tables; pages are read by ``html.py``."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from index._formats.parsed import Block
from index._text import CELL_END, has_text, raised

UNREAD_TAGS = ("script", "style", "iframe", "svg", "del", "strike", "s")
"""What stands in these elements is no text, or is struck out."""

_HEADING_TAG = re.compile(r"<h([1-6])(?:\s[^<>]*)?>", re.I | re.A)
_BLOCK_TAG = re.compile(
    r"</?(?:blockquote|dd|div|dl|dt|figcaption|figure|h[1-6]|hr|ol|p|pre|section|table|ul)(?:\s[^<>]*)?/?>",
    re.I | re.A,
)
_ITEM_TAG = re.compile(r"<li(?:\s[^<>]*)?>", re.I | re.A)
_LINE_TAG = re.compile(r"<(?:br|tr)(?:\s[^<>]*)?/?>", re.I | re.A)
_CELL_TAG = re.compile(r"</t[dh]\s*>", re.I | re.A)
_SINGLE_NEWLINE = re.compile(r"(?<!\n)\n(?!\n)")
_TAG = re.compile(r"<[^<>]*>")
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|cite|code|em|font|i|kbd|mark|q|small|span|strong|su[bp]|tt|u|var)(?:\s[^<>]*)?>",
    re.I | re.A,
)
_SURELY_TAG = re.compile(
    r"<(?:/?[a-z][a-z0-9]*(?:\s[^<>]*)?/?|/?[a-z]+:[^<>]*|!--[^<>]*)>", re.I | re.A
)
_REST_OF_TAG = re.compile(r"[^<>]*>")
_NO_PROSE = re.compile(
    rf"<(?:!--|!\[CDATA\[|![a-z]|\?|(?:{'|'.join(UNREAD_TAGS)})(?![\w-]))", re.I | re.A
)
_NO_PROSE_ENDS = {
    opening: re.compile(end, re.I | re.A)
    for opening, end in {
        "<!--": "-->",
        "<![cdata[": r"\]\]>",
        "<?": r"\?>",
        **{f"<{name}": rf"</{name}\s*>" for name in UNREAD_TAGS},
    }.items()
}
_DECLARATION_END = re.compile(">")
_SUPERSCRIPT = re.compile(r"<sup(?:\s[^<>]*)?>([^<>]*)</sup\s*>", re.I)


def markup_blocks(source: str) -> Iterator[Block]:
    """Yield the headings and paragraphs of a block of HTML."""
    if "<pre" in source.lower():
        prose = [_without_tags(source, loose=False)]
    else:
        marked = _HEADING_TAG.sub(lambda tag: f"{tag[0]}\x01{tag[1]}", source.replace("\x01", ""))
        prose = markup_prose(marked, loose=False).split("\n\n")
    for text in filter(has_text, prose):
        if text[:1] != "\x01":
            yield Block(text)
        elif has_text(text[2:]):
            yield Block(text[2:], int(text[1]))


def markup_prose(source: str, *, loose: bool) -> str:
    """Return the paragraphs, items and rows of a piece of HTML, as content management systems store articles.

    ``loose`` as for `_without_tags`.
    """
    source = source.replace("\r\n", "\n")
    if _BLOCK_TAG.search(source):
        source = _SINGLE_NEWLINE.sub(" ", source)
    source = _CELL_TAG.sub(CELL_END, _LINE_TAG.sub("\n", _ITEM_TAG.sub("\n- ", source)))
    text = _without_tags(_BLOCK_TAG.sub("\n\n", source), loose=loose)
    return "\n".join(" ".join(line.split()).strip(" |") for line in text.split("\n"))


def _without_tags(source: str, *, loose: bool) -> str:
    """Return a block of HTML without comments, scripts and the like, and with a space for each tag between words.

    ``loose`` text may hold no HTML at all: only what is surely a tag goes, and nothing unclosed takes the rest with it.
    """
    parts: list[str] = []
    unclosed: set[str] = set()
    at = 0
    while opening := _NO_PROSE.search(source, at):
        kind = opening[0].lower()
        parts.append(source[at : opening.start()])
        at = opening.end()
        if kind == "<!--":
            at -= 2  # "<!-->" is a whole comment
        elif kind[1].isalpha():
            tag = _REST_OF_TAG.match(source, at)
            if tag is None:
                parts.append(opening[0])
                continue
            at = tag.end()
            if tag[0].endswith("/>") or kind in unclosed:
                continue
        end = _NO_PROSE_ENDS.get(kind, _DECLARATION_END).search(source, at)
        if end is not None:
            at = end.end()
        elif not loose and (kind in {"<script", "<style"} or not kind[1].isalpha()):
            at = len(source)
        else:
            unclosed.add(kind)
    source = _SUPERSCRIPT.sub(lambda sup: raised(sup[1]), "".join((*parts, source[at:])))
    if not loose:
        return html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", source)))
    return html.unescape(_SURELY_TAG.sub("", source))
