"""One small function a format: the bytes of a file to text and what is known about it.

Pure functions, run inside the sandbox (``_sandbox.py``) for all that can be made to take all memory or
all day; so nothing here imports numpy, and each library is imported by the function that needs it.
"""

from __future__ import annotations

import csv
import email
import html
import io
import json
import logging
import re
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parseaddr
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any, Self

from index._text import (
    MAX_TITLE_LINE,
    TOP_LINES,
    clean,
    decode,
    has_text,
    one_line,
    parse_date,
    plain,
    raised,
    title_line,
    top_matter,
)
from index.errors import ConfigError, LoadError

if TYPE_CHECKING:
    from markdown_it.token import Token

LabelledSpan = tuple[int, int, str]
"""Start, end (exclusive) and label, offsets in code points of ``Parsed.text``."""


_MAX_MAIL_HEAD = 4000
_MAX_ADDRESS = 200
# Between what Project Gutenberg says of a book and its licence.
_MAX_BOOK_HEAD = 8000
_BOOK = re.compile(r"^\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*\*{3}$", re.M)
_OF_BOOK = re.compile(r"^(Title|Author): (\S.*(?:\n[ \t]+\S.*)*)$", re.M)
_BOOK_END = re.compile(
    r"^(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the |this )?Project Gutenberg)",
    re.M,
)
_LABELLED_LINE = re.compile(r"\w[\w -]{0,20}:\s|(?:article|document|item|story) \d+$", re.I)
_MAX_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """What one file may cost. Beyond it, the file is skipped with that reason.

    ``max_file_bytes`` is of the file; ``max_zip_*`` are of what a .docx unpacks to: bytes, bytes out
    for each byte in, number of members. ``memory_bytes`` (address space) and ``seconds`` (wall clock)
    bound the process that parses the file; small .txt, .csv and .jsonl files need none. macOS does not
    hold a process to ``memory_bytes``. Raises ``ConfigError`` for ``seconds`` that are not above 0, or more
    than a day.
    """

    max_file_bytes: int = 100 * 1000 * 1000
    max_zip_bytes: int = 200 * 1000 * 1000
    max_zip_ratio: int = 100
    max_zip_members: int = 5000
    memory_bytes: int = 1 << 30
    seconds: float = 20.0

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= _MAX_SECONDS:  # NaN is neither
            raise ConfigError(
                f"A file can be given up to {_MAX_SECONDS:,} seconds, not {self.seconds:g}."
            )


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of tables that hold titles and texts; ``None``: found by usual names or length.

    Compared without case, white space around them and what cannot be seen; a column that is written
    just like this comes first. A table that lacks a named column is skipped with that reason.
    """

    title: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """The text of one article; ``None`` where the file does not say.

    ``problems`` are parts that could not be read, a sentence each.
    """

    text: str
    title: str | None = None
    date: str | None = None
    author: str | None = None
    publisher: str | None = None
    pages: tuple[LabelledSpan, ...] = ()
    headings: tuple[LabelledSpan, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a .csv or .jsonl that could be read, and those that could not; numbers from 1."""

    rows: tuple[tuple[int, Parsed], ...]
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, list item or table row.

    ``level`` is 1 to 9 for headings, else 0; ``tight``: on the line below the block before it.
    """

    text: str
    level: int = 0
    tight: bool = False


def assemble(blocks: Iterable[Block]) -> tuple[str, tuple[LabelledSpan, ...]]:
    """Join blocks; each is cleaned by itself, so offsets are final when they are taken."""
    parts: list[str] = []
    starts: list[tuple[int, str]] = []
    length = 0
    for block in blocks:
        text = clean(block.text)
        if not text:
            continue
        if parts:
            gap = "\n" if block.tight else "\n\n"
            parts.append(gap)
            length += len(gap)
        if block.level:
            starts.append((length, one_line(text)))
        parts.append(text)
        length += len(text)
    ends = [*(start for start, _ in starts), length][1:]
    headings = tuple(
        (start, end, label) for (start, label), end in zip(starts, ends, strict=True) if label
    )
    return "".join(parts), headings


def title_of(blocks: Sequence[Block]) -> str:
    """Return the first heading of level 1, or the heading that comes first of all, or nothing."""
    first = [block for block in blocks[:1] if block.level]
    return next((one_line(b.text) for b in [*(b for b in blocks if b.level == 1), *first]), "")


# --- plain text -------------------------------------------------------------------------------


def parse_text(data: bytes) -> Parsed:
    """Read plain text; the first line is the title where it stands like one."""
    matter, body = _front_matter(decode(data))
    text = clean(body)
    matter = _mail(text) | matter
    if (book := _book(text)) is not None:
        said, text = book
        matter = said | matter
    lines = text.split("\n", 12)
    found = top_matter(lines[:12]) | matter
    # "Title:" may be someone's, below a headline, but not where the first line is a label as well.
    line = None if "title" in found and _LABELLED_LINE.match(lines[0]) else title_line(lines[:12])
    return Parsed(
        text=text,
        title=matter.get("title") or line or found.get("title"),
        date=found.get("date"),
        author=found.get("author"),
        publisher=found.get("source"),
    )


def _book(text: str) -> tuple[dict[str, str], str] | None:
    """Return what Project Gutenberg says of a book, and the book without its licence; ``None`` of other texts."""
    start = _BOOK.search(text[:_MAX_BOOK_HEAD])
    # An article may tell of such marks, and a file hold several books.
    if start is None or _BOOK.search(text, start.end()) is not None:
        return None
    # The date is that of the file.
    head = text[: start.start()]
    said = {
        name.lower(): (" " if name == "Title" else ", ").join(map(str.strip, value.split("\n")))
        for name, value in _OF_BOOK.findall(head)
    }
    if head and not ("title" in said and "Gutenberg" in head.partition("\n")[0]):
        return None
    end = _BOOK_END.search(text, start.end())
    return said, clean(text[start.end() : end.start() if end else len(text)])


def _mail(text: str) -> dict[str, str]:
    """Return subject, sender and date of an e-mail that was saved as text; nothing of other texts."""
    head = email.message_from_string(text[:_MAX_MAIL_HEAD])
    if "From" not in head or "Subject" not in head:
        return {}
    sender = parseaddr(str(head["From"])[:_MAX_ADDRESS])  # it nests as deep as its brackets
    found = {
        "title": plain(_decoded(head["Subject"])),
        "author": plain(_decoded(sender[0] or sender[1])),
        "date": parse_date(str(head["Date"] or head["Sent"] or "")),
    }
    return {name: value for name, value in found.items() if value}


def _decoded(value: object) -> str:
    """Return a header of an e-mail with its encoded words (RFC 2047) as text."""
    try:
        return str(make_header(decode_header(str(value))))
    except (LookupError, ValueError, HeaderParseError):  # what only looks like one
        return str(value)


# --- Markdown ---------------------------------------------------------------------------------

_FRONT_MATTER = re.compile(
    r"\A\s{0,20}---[ \t]*\n(?P<yaml>.{0,16384}?)^(?:---|\.\.\.)[ \t]*$\n?", re.S | re.M
)
_TOML_FRONT_MATTER = re.compile(
    r"\A\s{0,20}\+\+\+[ \t]*\r?\n(?P<toml>.{0,16384}?)^\+\+\+[ \t]*\r?$\n?", re.S | re.M
)
_MATTER_LINE = re.compile(r"[\w-]+:(?:\s|\Z)|\s|[-#]\s|\Z")  # of YAML as it stands above articles
_MATTER_KEYS = {
    "title": "title",
    "headline": "title",
    "date": "date",
    "published": "date",
    "pubdate": "date",
    "publishdate": "date",
    "created": "date",
    "author": "author",
    "authors": "author",
    "byline": "author",
    "source": "source",
    "publisher": "source",
}
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")  # of Obsidian
# The inline rules of a paragraph cost more than its length; no paragraph that is read is longer.
_MAX_INLINE = 10_000
_SOFT_BREAK = "\v"  # the end of a line within a paragraph
_MAX_NESTING = 100  # open elements: two for each list, one for each quotation
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
    r"<(?:!--|!\[CDATA\[|![a-z]|\?|(?:script|style|iframe|svg|del|strike|s)(?![\w-]))", re.I | re.A
)
_UNREAD = re.compile(r"<(script|style|iframe|svg|del|strike|s)(?![\w-])", re.A)
_NO_PROSE_ENDS = {
    opening: re.compile(end, re.I | re.A)
    for opening, end in {
        "<!--": "-->",
        "<![cdata[": r"\]\]>",
        "<?": r"\?>",
        **{
            f"<{name}": rf"</{name}\s*>"
            for name in ("script", "style", "iframe", "svg", "del", "strike", "s")
        },
    }.items()
}
_DECLARATION_END = re.compile(">")
_NOTE = re.compile(r"^ {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*", re.M)
_NOTE_MARK = re.compile(r"(?<!`)\[\^[^\]\s]{1,60}\](?!`)")
_SUPERSCRIPT = re.compile(r"<sup(?:\s[^<>]*)?>([^<>]*)</sup\s*>", re.I)

_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.S)
_HIDDEN_CODE = re.compile("\x00([0-9]+)\x00")
_NOTES = (
    "abstract|attention|bug|caution|danger|error|example|failure|hint|important|info|note|question|quote|seealso|"
    "success|tip|warning"
)
_ATTRIBUTE = r"(?:[#.][A-Za-z]|[\w-]+=[\"']|(?:width|height|target|rel|loading)=\w)[^{}\n]{0,200}"
_IMPORTED = r"(?:[\w$]+|\*\s+as\s+\w+|(?:\w+,\s*)?\{[^{}]{0,300}\})"
_DIALECTS = tuple(
    (re.compile(pattern, re.M), plain_text)
    for pattern, plain_text in (
        # Shortcodes of Jekyll, by themselves or where a link leads, and of Hugo.
        (r"^[ \t]*(?:\{%(?:[^%]|%(?!\})){0,300}%\}[ \t]*)+$", ""),
        (r"(?<=\]\()\{%[^%\n]{0,300}%\}(?=\))", ""),
        (r"\{\{(?:<(?s:.{0,300}?)>|%(?s:.{0,300}?)%)\}\}", ""),
        (r"\A(?:[^\n]{1,40}\n)?\{:toc\}\s*\Z|\A\[(?:\[_?)?(?i:toc)(?:_?\])?\]\Z", ""),
        # Attributes of kramdown, by themselves or after what they are of, and of Pandoc after a link.
        (rf"^[ \t]*\{{:(?:[ \t]*{_ATTRIBUTE}|[:/][^{{}}\n]{{1,200}})\}}[ \t]*$", ""),
        (rf"(?<=[)\]*_\x00])\{{:[ \t]*{_ATTRIBUTE}\}}", ""),
        (rf"(\](?:\([^()\n]{{0,500}}\))?)\{{{_ATTRIBUTE}\}}", r"\1"),
        # Obsidian's pictures, links, marks, comments and names of paragraphs.
        (r"!\[\[[^\[\]\n]{1,300}\]\]", ""),
        (r"(?<![\w)\]\x00])\[\[([^\[\]|\n]{1,300})\|([^\[\]|\n]{1,300})\]\](?![(\[])", r"\2"),
        (
            r"(?<![\w)\]\x00])\[\[(?![\d\s,.;-]+\])#?([^\s\[\]|#\"][^\[\]|#\n]{0,300})(?:#[^\[\]|\n]{0,300})?\]\](?![(\[])",
            r"\1",
        ),
        (r"(?<![=\w<>!)\]\x00])==(?=[^\s=>])([^=\n]{1,300})(?<=[^\s<!])==(?![=\w>(\[\x00])", r"\1"),
        (r"^[ \t]*%%(?=\s|\w[^%\s]*\s)[^%]{1,2000}%%[ \t]*$", ""),
        (r"(?<=[^\s\d])[ \t]\^(?=[a-f]*\d)[\da-f]{6}\Z", ""),
        # Notes of GitHub and Obsidian, of MkDocs, of Docusaurus and Pandoc: their title is a line by itself.
        (r"\A\[!\w{1,30}\][+-]?[ \t]*(.*)$", r"\1  "),
        (
            rf"^(?:!!!|\?\?\?\+?) (?:{_NOTES})(?: inline(?: end)?)?(?: \"([^\"\n]*)\")?[ \t]*$",
            r"\1  ",
        ),
        (
            r"^:::+[ \t]*(?:\{[^{}\n]{0,200}\}|[\w-]{1,30})?(?:\[([^\]\n]*)\]|[ \t]+([^\s{][^\n]*))?[ \t]*$",
            r"\1\2  ",
        ),
        # MDX's modules.
        (
            rf"\A(?:import\s+(?:{_IMPORTED}\s+from\s+)?(['\"])[^'\"\n]{{1,200}}\1;?[ \t]*(?:\n|\Z))+\Z",
            "",
        ),
    )
)
"""What tools add to Markdown, and what is read in its place. What stands within a sentence may be told of."""
_DIALECT_SIGN = re.compile(
    r"\{|\[\[|\[!|\[toc\]|==|%%|[ \t]\^|^(?:!!!|\?\?\?|:::)|\Aimport\s", re.I | re.M
)
_NAME = r"[#.][\w:.-]{1,100}"
_HEADING_ATTRIBUTES = re.compile(
    rf"(?<=\S)[ \t]{{1,10}}\{{(?:-|:?[ \t]*{_NAME}(?:[ \t]+(?:{_NAME}|[\w-]{{1,30}}=\S{{1,100}})){{0,9}}[ \t]*)\}}$"
)


def parse_markdown(data: bytes) -> Parsed:
    """Read Markdown (CommonMark and tables), without its syntax."""
    source = decode(data)
    matter, body = _toml_front_matter(source) or _front_matter(source)
    blocks = list(_markdown_blocks(_without_note_marks(body)))
    text, headings = assemble(blocks)
    found = top_matter(text[:4000].split("\n")) | matter
    title = matter.get("title") or title_of(blocks) or found.get("title")
    return Parsed(
        text=text,
        title=title,
        date=found.get("date"),
        author=found.get("author"),
        publisher=found.get("source"),
        headings=headings,
    )


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """Split YAML front matter off; its known keys, and the text after it."""
    import yaml

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        loaded = yaml.safe_load(match["yaml"])
    except (yaml.YAMLError, ValueError, RecursionError):
        lines = match["yaml"].split("\n")
        if not all(map(_MATTER_LINE.match, lines)):  # a paragraph between two rules
            return {}, text
        # `title: Talks: what we know` is no YAML, yet what everyone writes.
        loaded = dict(line.split(":", 1) for line in lines if re.match(r"\w+:\s", line))
    if not isinstance(loaded, dict):
        return {}, text
    found = _matter(loaded)
    if not found and any(_is_prose(str(key), value) for key, value in loaded.items()):
        return {}, text
    return found, text[match.end() :]


def _toml_front_matter(text: str) -> tuple[dict[str, str], str] | None:
    """Split TOML front matter off, as `_front_matter` does; ``None`` where there is none."""
    match = _TOML_FRONT_MATTER.match(text)
    if match is None:
        return None
    try:
        loaded = tomllib.loads(match["toml"].replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return None
    return _matter(loaded), text[match.end() :]


def _is_prose(key: str, value: object) -> bool:
    """Tell "The minister said: no deal" and "Update: The minister resigned." from keys and values."""
    if " " in key.strip():
        return True
    ends = isinstance(value, str) and value.rstrip().endswith((".", "!", "?"))
    return ends and not key[:1].islower()


def _without_note_marks(source: str) -> str:
    """Return Markdown without the marks of its notes, whose texts are paragraphs then."""
    marks = {f"[^{note[1]}]" for note in _NOTE.finditer(source)}
    marks &= {  # of others, such as those that tell of regular expressions, none stands after a word
        mark[0]
        for mark in _NOTE_MARK.finditer(source)
        if source[max(0, mark.start() - 1) : mark.start()].strip()
    }
    if not marks:
        return source
    return _NOTE_MARK.sub(lambda mark: "" if mark[0] in marks else mark[0], _NOTE.sub("\n", source))


def _matter(values: Mapping[Any, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    # When a note was made is its date where it has no other.
    for key, value in sorted(
        values.items(), key=lambda item: item[0] in ("created", "Created", "CREATED")
    ):
        name = _MATTER_KEYS.get(key.strip().lower()) if isinstance(key, str) else None
        if name is None:
            continue
        try:
            text = parse_date(value) if name == "date" else plain(value)
        except ValueError:  # a number of more digits than Python writes out
            continue
        if text:
            found.setdefault(name, text if name == "title" else _LINK.sub(r"\1", text))
    return found


def _markdown_blocks(source: str) -> Iterable[Block]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.disable("inline")
    environment: dict[str, Any] = {}
    numbers: list[int | None] = []  # of the open lists; None: bulleted
    prefix = ""
    hidden = first = False
    level = 0
    cells: list[str] | None = None
    for token in parser.parse(source, environment):
        kind = token.type
        if token.level >= _MAX_NESTING - 1:  # the parser leaves out what is deeper
            raise LoadError(f"its lists and quotations are nested more than {_MAX_NESTING} deep")
        if kind == "heading_open":
            level, hidden = int(token.tag[1:]), False
        elif kind == "heading_close":
            level = 0
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            first = not numbers
            numbers.append(int(token.attrs.get("start", 1)) if kind[0] == "o" else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            numbers.pop()
        elif kind == "list_item_open":
            number = numbers[-1]
            prefix = "- " if number is None else f"{number}. "
            numbers[-1] = None if number is None else number + 1
        elif kind == "list_item_close":
            prefix = ""  # of an empty item
        elif kind == "paragraph_open":
            hidden = token.hidden
        elif kind == "tr_open":
            cells = []
        elif kind == "tr_close" and cells is not None:
            yield Block(" | ".join(cells), tight=not first)
            cells, first = None, False
        elif kind == "table_open":
            first = True
        elif kind == "inline":
            text = _inline_text(token, parser, environment, is_heading=level > 0)
            if cells is not None:
                cells.append(text)
            elif text:
                yield Block(prefix + text, level, tight=hidden and not first)
                prefix, first = "", False
        elif kind in {"fence", "code_block"}:
            yield Block(token.content)
        elif kind == "html_block":
            yield from _html_blocks(token.content)


def _html_blocks(source: str) -> Iterator[Block]:
    """Yield the headings and paragraphs of a block of HTML."""
    if "<pre" in source.lower():
        prose = [_prose_of_html(source)]
    else:
        marked = _HEADING_TAG.sub(lambda tag: f"{tag[0]}\x01{tag[1]}", source.replace("\x01", ""))
        prose = _prose_of_markup(marked, loose=False).split("\n\n")
    for text in filter(has_text, prose):
        if text[:1] != "\x01":
            yield Block(text)
        elif has_text(text[2:]):
            yield Block(text[2:], int(text[1]))


def _prose_of_html(source: str, *, loose: bool = False) -> str:
    """Return a block of HTML without comments, scripts and the like, and with a space for each tag between words.

    ``loose`` text only may hold HTML: only what is surely a tag goes, and nothing unclosed takes the rest with it.
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


def _inline_text(
    token: Token, parser: Any, environment: dict[str, Any], *, is_heading: bool = False
) -> str:
    if len(token.content) > _MAX_INLINE:
        return token.content
    source = _without_dialects(token.content)
    if is_heading:
        source = _HEADING_ATTRIBUTES.sub("", source)
    children: list[Token] = []
    parser.inline.parse(source, parser, environment, children)
    parts: list[str] = []
    sup: int | None = None  # the part with which an open superscript begins
    unread: tuple[str, int] | None = None  # an open script or the like, and its first part
    struck: list[int] = []  # the parts with which what is open and struck out begins
    for child in children:
        tag = child.content.lower() if child.type == "html_inline" else ""
        if child.type == "softbreak":
            parts.append(_SOFT_BREAK)
        elif child.type == "hardbreak" or tag.startswith("<br"):
            parts.append("\n")
        elif child.type == "s_open":
            struck.append(len(parts))
        elif child.type == "s_close":
            del parts[struck.pop() :]
        elif unread is not None and tag.startswith(f"</{unread[0]}"):
            del parts[unread[1] :]
            unread = None
        elif (name := _UNREAD.match(tag)) and not tag.endswith("/>"):
            unread = unread or (name[1], len(parts))
        elif tag.startswith(("<sup>", "<sup ")):
            sup = len(parts)
        elif tag.startswith("</sup") and sup is not None:
            parts[sup:] = map(raised, parts[sup:])
            sup = None
        elif not tag:  # text, code, and an image's description
            parts.append(child.content)
    return _on_one_line("".join(parts).split(_SOFT_BREAK))


def _without_dialects(source: str) -> str:
    """Return a paragraph without what tools add to Markdown: `_DIALECTS`; code stays as it is."""
    if not _DIALECT_SIGN.search(source):  # most paragraphs
        return source
    codes: list[str] = []  # no NUL is left in a text that the parser has read

    def hide(code: re.Match[str]) -> str:
        codes.append(code[0])
        return f"\x00{len(codes) - 1}\x00"

    hidden = text = _CODE_SPAN.sub(hide, source)
    for pattern, plain_text in _DIALECTS:
        text = pattern.sub(plain_text, text)
    if text == hidden:
        return source
    text = re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", text)
    text = _HIDDEN_CODE.sub(lambda place: codes[int(place[1])], text)
    return re.sub(r"\n\s*\n", "\n", text).strip()


def _on_one_line(lines: Sequence[str]) -> str:
    """Join a paragraph's lines, but for those that say who wrote an article, and when."""
    if not 1 < len(lines) <= TOP_LINES:
        return " ".join(lines)
    told = [bool(top_matter([line])) for line in lines]
    gaps = ["\n" if above and below else " " for above, below in pairwise(told)]
    return "".join(chain.from_iterable(zip(lines, [*gaps, ""], strict=True)))


# --- PDF --------------------------------------------------------------------------------------

_SOFT_HYPHEN = re.compile("\xad(?=[ \t]*\n)")
_HYPHENATED = re.compile(r"((?:\w+[-\u2010])*[^\W\d_]+)[-\u2010]$")
_SUSPENDED = re.compile(r"(?:and|or)\s+\w+[-\u2010]\w")
_MAX_WORD = 80  # characters of a line's end in which its last word begins
_TENS = frozenset("twenty thirty forty fifty sixty seventy eighty ninety".split())
_UNITS = frozenset(
    "one two three four five six seven eight nine first second third fourth fifth sixth seventh eighth "
    "ninth".split()
)
_WITHIN_COMPOUNDS = ("-and", "-by", "-in", "-of", "-on", "-the", "-to", "-up")  # "state-of-the-art"
_WORD = re.compile(r"\w+(?:[-\u2010]\w+)*")
_SENTENCE_END = (".", "!", "?", ":", '"', "”", "’", "…")
_RAISED = re.compile(r"\s*[+\-\u2212]?[0-9]{1,3}\s*")
# Of the text beside: where it adjoins, as browsers print it at 0.83; and behind a gap, where it may be of a table.
_RAISED_SIZE, _APART_SIZE = 0.9, 0.8
_LEAST_RISE = 0.1  # of the size of the text beside
_MOST_WIDTH = (
    0.75  # of a character, in its size, with the gaps of a line that is filled: half is usual
)
_ITEM = re.compile(r"\(?(?:(\d{1,2})|([a-z]))[.)]\s")
_NEAR_LINES = 4  # above and below, that tell how wide a column is
_COLUMN = 30  # characters of a line in the narrowest column of prose
_PAGE_LINES = 2  # at the top and at the bottom of a page, where running lines stand
# What browsers print around a page: when and its title, and its address and which page it is.
_PRINTED_WHEN = re.compile(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}, \d{1,2}:\d{2}(?:\s[AP]M)?(?:\s.*)?")
_PRINTED_PAGE = re.compile(rf"\d+ of \d+\s+{_PRINTED_WHEN.pattern}|(?:https?|file)://\S*\s+\d+/\d+")
_NO_TITLES = re.compile(
    r"^(?:untitled|microsoft word|document\d*|.*\.(?:docx?|pdf|indd|qxd|tmp))\b", re.I
)


def parse_pdf(data: bytes) -> Parsed:
    """Read a PDF page by page. Raises ``LoadError`` where it is locked or holds no text."""
    import pypdf

    problems: list[str] = []
    raw: list[str] = []
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        count = len(reader.pages) if not locked else 0
        info: Mapping[str, Any] = {} if locked else reader.metadata or {}
    except MemoryError:
        raise
    except Exception as exc:  # damaged files raise all there is
        raise LoadError(f"is not a PDF that can be read ({_why(exc)})") from exc
    if locked:
        raise LoadError("is locked with a password; save a copy without one")
    for number in range(count):
        with _warnings_of("pypdf") as warnings:
            try:
                # `clean` drops soft hyphens; at a line's end they divide a word that `_unwrap` joins.
                page = clean(_SOFT_HYPHEN.sub("-", _pdf_text(reader.pages[number])))
            except MemoryError:
                raise
            except Exception as exc:  # noqa: BLE001 - damaged files raise all there is
                page = ""
                warnings.append(_why(exc))
        raw.append(page)
        # The library passes over what it cannot decode; with text there, it is no loss.
        if warnings and not page:
            problems.append(f"page {number + 1} could not be read ({warnings[0]})")
    if not any(has_text(page) for page in raw):
        if problems:
            raise LoadError(f"none of its pages could be read: {problems[0]}")
        raise LoadError("holds no text: scanned pages? run OCR on it first")
    kept = _without_running_lines(raw)
    words = {word for page in kept for word in _WORD.findall(page.lower())}
    text, pages = _join_pages([_unwrap(page, words) for page in kept], words)
    lines = text[:4000].split("\n")
    found = top_matter(lines)
    title = plain(_pdf_string(info, "/Title"))
    if not has_text(title) or _NO_TITLES.match(title):
        title = found.get("title") or title_line(lines) or ""
    return Parsed(
        text=text,
        title=title or None,
        date=found.get("date") or parse_date(_pdf_string(info, "/CreationDate")),
        author=found.get("author") or plain(_pdf_string(info, "/Author")) or None,
        publisher=found.get("source"),
        pages=pages,
        problems=tuple(problems),
    )


def _pdf_text(page: Any) -> str:
    """Return the text of a page, with raised digits apart from the number before them."""
    parts: list[str] = []
    # Of the last text that stands on the line; ``end`` at the furthest.
    size = height = start = end = 0.0

    def visit(text: str, cm: Any, tm: Any, _font: object, font_size: float) -> None:
        nonlocal size, height, start, end
        own, at = abs(font_size * tm[3] * cm[3]), tm[5] * cm[3] + cm[5]
        left = tm[4] * cm[0] + cm[4]
        if text.strip():
            before = "".join(parts[-2:])
            apart = before[-1:].isspace() or text[0].isspace()
            most = (_APART_SIZE if apart else _RAISED_SIZE) * size
            small = own < most and _LEAST_RISE * size < at - height < size
            beside = start < left < end and "\n" not in before
            if small and beside and _RAISED.fullmatch(text):
                text = raised(text)
            else:
                size, height = own, at
                start, end = left, left + own * (1 + _MOST_WIDTH * len(text))
        parts.append(text)

    whole = page.extract_text(visitor_text=visit)
    told = "".join(parts)
    return told if len(told) == len(whole) else whole


def _why(exc: Exception) -> str:
    """Shorten the message of a library's exception."""
    return one_line(str(exc), 120).rstrip(".") or type(exc).__name__


@contextmanager
def _warnings_of(logger_name: str) -> Iterator[list[str]]:
    """Collect what a library logs, in place of printing it."""
    logger = logging.getLogger(logger_name)
    handler = _Collector()
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield handler.messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.messages) < 10:
            self.messages.append(one_line(record.getMessage(), 120).rstrip("."))


def _pdf_string(info: Mapping[str, Any], key: str) -> str:
    try:
        value = info.get(key)
    except Exception:  # noqa: BLE001 - a broken reference
        return ""
    return str(value) if isinstance(value, str) else ""


def _without_running_lines(pages: Sequence[str]) -> list[str]:
    """Drop page numbers and running titles: lines at the edge of most pages, digits aside, and a browser's."""
    split = [page.split("\n") for page in pages]
    running: set[str] = set()
    for facing in (split, split[::2], split[1::2]):  # left and right pages have their own
        if len(facing) > 2:
            running |= _running_lines(facing)
    kept: list[str] = []
    for lines in split:
        last = len(lines) - _PAGE_LINES
        edges = {line for at, line in enumerate(lines) if not _PAGE_LINES <= at < last}
        printed = set(filter(_PRINTED_PAGE.fullmatch, edges))
        if printed:  # without it, a message of a chat may begin with when it was sent
            printed |= set(filter(_PRINTED_WHEN.fullmatch, edges))
        kept.append(
            "\n".join(
                line
                for at, line in enumerate(lines)
                if _PAGE_LINES <= at < last or not (_shape(line) in running or line in printed)
            )
        )
    return kept


def _running_lines(pages: Sequence[Sequence[str]]) -> set[str]:
    """Return the shapes of the lines that stand at the edge of most pages."""
    edges = Counter(
        shape
        for lines in pages
        for shape in {_shape(line) for line in (*lines[:_PAGE_LINES], *lines[-_PAGE_LINES:])}
    )
    return {shape for shape, count in edges.items() if shape and count > max(len(pages) / 2, 2)}


def _shape(line: str) -> str:
    return re.sub(r"\d+", "0", line.strip())


def _unwrap(page: str, words: Set[str]) -> str:
    """Undo hyphenation at line ends, and line breaks inside paragraphs; ``words`` as for `_before_rest`."""
    lines = page.split("\n")
    widths = _line_widths(lines)
    marks = [_item_mark(line) for line in lines]
    known = {mark for mark in marks if mark}
    parts: list[str] = []
    for line, following, width, next_width, mark in zip(
        lines, [*lines[1:], ""], widths, [*widths[1:], 0], [*marks[1:], None], strict=True
    ):
        # Letters differ in width, so lines of one width differ in length.
        slack = width // 8
        room = width - len(line)
        # Where the next line's first word had no room, the paragraph goes on, unless in another column.
        full = bool(line and following) and len(following.split(None, 1)[0]) >= room - slack
        before = _before_rest(line, following, words)
        # "Notes-" above "Jane Doe" ends in a dash.
        if before is not None and (len(line) > width // 4 or following[0].islower()):
            parts.append(before)
            continue
        narrower = len(line) > next_width + slack
        ends = line.endswith(_SENTENCE_END) and room > slack
        # An item stands beside the one before or after it; "12. Then" alone is the end of a sentence.
        item = mark is not None and any((mark[0], mark[1] + step) in known for step in (-1, 1))
        parts.append(line + (" " if full and not ends and not narrower and not item else "\n"))
    return "".join(parts)


def _item_mark(line: str) -> tuple[str, int] | None:
    """Return the kind and the place of the item that a line opens: "2." or "(b)"."""
    found = _ITEM.match(line)
    if found is None:
        return None
    return ("number", int(found[1])) if found[1] else ("letter", ord(found[2]))


def _before_rest(line: str, following: str, words: Set[str]) -> str | None:
    """Return ``line`` as it stands before ``following``, where a word goes on there; else ``None``.

    ``words`` of the document, in lower case, tell whether a hyphen is part of its word.
    """
    hyphenated = _HYPHENATED.search(line[-_MAX_WORD:])
    rest = re.match(r"[^\W_]+", following)
    if hyphenated is None or rest is None:
        return None
    first, second = hyphenated[1].lower(), rest[0].lower()
    if _SUSPENDED.match(following):  # "two- or three-weekly"
        return line + " "
    if (
        not rest[0][0].islower()  # "Franco-German", "mid-2024"
        or f"{first}-{second}" in words
        or (first in _TENS and second in _UNITS)
        or first.endswith(_WITHIN_COMPOUNDS)
    ):
        return line
    return line[:-1]


def _line_widths(lines: Sequence[str]) -> list[int]:
    """Return for each line the length of a full one there, in characters.

    That is the longest line around it that goes on in lower case, so the width of a column, though a
    title may span several; where none does, the page's longest.
    """
    widest = max(map(len, lines))
    running = [
        len(line) if following[:1].islower() else 0
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
    ]
    near = [
        max(running[max(0, at - _NEAR_LINES) : at + _NEAR_LINES + 1]) for at in range(len(lines))
    ]
    return [
        widest if width < _COLUMN or len(line) > width + width // 8 else width
        for line, width in zip(lines, near, strict=True)
    ]


def _join_pages(pages: Sequence[str], words: Set[str]) -> tuple[str, tuple[LabelledSpan, ...]]:
    parts: list[str] = []
    spans: list[LabelledSpan] = []
    length = 0
    for number, page in enumerate(pages, start=1):
        text = clean(page)
        if not text:
            continue
        before = _before_rest(parts[-1], text, words) if parts and text[0].islower() else None
        if before is not None:
            length += len(before) - len(parts[-1])
            parts[-1] = before
            spans[-1] = (spans[-1][0], length, spans[-1][2])
        elif parts:
            # A sentence that runs on to the next page stays one.
            gap = "\n\n" if parts[-1].endswith(_SENTENCE_END) else "\n"
            parts.append(gap)
            length += len(gap)
        spans.append((length, length + len(text), str(number)))
        parts.append(text)
        length += len(text)
    return "".join(parts), tuple(spans)


# --- DOCX -------------------------------------------------------------------------------------

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_OLE = b"\xd0\xcf\x11\xe0"
_HEADING_STYLE = re.compile(r"Heading ([1-9])$")
_CLAUSE_ENDS = (".", ";", "; and", "; or")
_CLAUSE_WORDS = 5
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FORMULA = f"{_M}oMath"
_MAX_BASES = 10  # styles made from one another
_DEFAULT_AUTHOR = "python-docx"
_XML_ERR_NO_MEMORY = 2  # libxml2's xmlParserErrors


def parse_docx(data: bytes, limits: LoadLimits) -> Parsed:
    """Read a Word file: paragraphs, lists and tables of its body; heading styles are headings."""
    _check_zip(data, limits)
    import docx

    try:
        document = docx.Document(io.BytesIO(data))
        body = document.element.body
        styles = {style.style_id: _style(style) for style in document.styles}
        properties = document.core_properties
        core = (properties.title, properties.author, properties.created)
        blocks = list(_docx_blocks(body, styles))
        notes = list(_docx_notes(document.part))
    except MemoryError:
        raise
    except Exception as exc:  # damaged files raise all there is
        if getattr(exc, "code", None) == _XML_ERR_NO_MEMORY:
            raise MemoryError from exc
        raise LoadError(f"is not a Word file that can be read ({_why(exc)})") from exc
    text, headings = assemble(block for _, block in blocks)
    styled = next((clean(block.text) for style, block in blocks if style == "Title"), "")
    lines = text[:4000].split("\n")
    found = top_matter(lines)
    title, author, created = core
    made_by_library = author == _DEFAULT_AUTHOR
    return Parsed(
        text="\n\n".join(filter(None, (text, *map(clean, notes)))),
        title=one_line(styled)
        or plain(title)
        or found.get("title")
        or _docx_title([block for _, block in blocks], lines),
        date=found.get("date") or (None if made_by_library else parse_date(created)),
        author=found.get("author") or ("" if made_by_library else plain(author)) or None,
        publisher=found.get("source"),
        headings=headings,
    )


def _style(style: Any) -> tuple[str, int]:
    """Return the name of a style, and the level of heading that it is, or is made from; else 0."""
    own = style.name or ""
    base = None if own.lower().startswith(("toc", "title", "subtitle")) else style
    for _ in range(_MAX_BASES):
        if base is None:
            break
        named = _HEADING_STYLE.match(base.name or "")
        if named is not None:
            return own, int(named[1])
        if outline := _value(base.element.find(f"{_W}pPr"), "outlineLvl"):
            return own, _outline_level(outline)
        base = getattr(base, "base_style", None)
    return own, 0


def _docx_title(blocks: Sequence[Block], lines: list[str]) -> str | None:
    """Return the heading that tells the title, or the first line, where headings follow it that part the text."""
    parts = [block for block in blocks if block.level == 1]
    line = title_line(lines)
    # Neither a date nor a stamp ("CONFIDENTIAL").
    is_title = line is not None and not line.isupper() and not top_matter([line])
    if is_title and len(parts) > 1 and not blocks[0].level:
        return line
    return title_of(blocks) or line


def _check_zip(data: bytes, limits: LoadLimits) -> None:
    """Refuse what is no zip, and what would unpack to too much, before anything is unpacked."""
    if data.startswith(_OLE):
        raise LoadError(
            "is an old .doc file or locked with a password; save it as .docx without one"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as exc:
        raise LoadError(f"is not a Word file that can be read ({_why(exc)})") from exc
    unpacked = sum(member.file_size for member in members)
    if len(members) > limits.max_zip_members:
        raise LoadError(
            f"unpacks to {len(members):,} files; {limits.max_zip_members:,} are allowed"
        )
    if unpacked > limits.max_zip_bytes:
        raise LoadError(f"unpacks to {unpacked:,} bytes; {limits.max_zip_bytes:,} are allowed")
    if unpacked > limits.max_zip_ratio * max(len(data), 10_000):
        raise LoadError(
            f"unpacks to {unpacked // max(len(data), 1)} times its size; "
            f"{limits.max_zip_ratio} times is allowed"
        )
    if any(member.flag_bits & 1 for member in members):
        raise LoadError("is locked with a password; save a copy without one")


def _docx_blocks(body: Any, styles: Mapping[str, tuple[str, int]]) -> Iterable[tuple[str, Block]]:
    """Style name and block for each paragraph and table row under ``body``."""
    stack = [iter(body)]
    tight = False
    opens = True  # what stands first may be a long title
    while stack:
        element = next(stack[-1], None)
        if element is None:
            stack.pop()
        elif element.tag == f"{_W}p":
            properties = element.find(f"{_W}pPr")
            style, level = styles.get(_value(properties, "pStyle"), ("", 0))
            text = _docx_text(element)
            if not text.strip() or style.lower().startswith("toc "):
                continue
            if outline := _value(properties, "outlineLvl"):
                level = _outline_level(outline)
            elif not (opens or _HEADING_STYLE.match(style)) and _is_clause(text):
                level = 0  # a numbered paragraph, whose style is made from a heading's
            if len(text) > MAX_TITLE_LINE and not opens:
                level = 0
            opens = False
            listed = properties is not None and properties.find(f"{_W}numPr") is not None
            listed = not level and (listed or style.startswith("List"))
            yield style, Block(f"- {text}" if listed else text, level, tight and listed)
            tight = listed
        elif element.tag == f"{_W}tbl":
            first = True
            for row in _docx_children(element, f"{_W}tr"):
                cells = [_docx_text(cell) for cell in _docx_children(row, f"{_W}tc")]
                # An empty cell keeps its place between others.
                yield "", Block(" | ".join(map(str.strip, cells)).strip(" |"), tight=not first)
                first = False
        elif element.tag in _DOCX_AROUND:
            stack.append(iter(element))


_DOCX_AROUND = frozenset(
    f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "smartTag", "customXml")
)
"""What may stand around paragraphs, rows and cells: content controls, tracked insertions, a form's own marks."""


def _docx_children(element: Any, tag: str) -> Iterator[Any]:
    """Yield the rows of a table, or the cells of a row, in their order, whatever stands around them."""
    stack = [iter(element)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag == tag:
            yield child
        elif child.tag in _DOCX_AROUND:
            stack.append(iter(child))


def _is_clause(text: str) -> bool:
    """Tell whether a paragraph is a sentence, or a part of one that is set apart."""
    return text.rstrip().endswith(_CLAUSE_ENDS) and len(text.split()) >= _CLAUSE_WORDS


def _docx_notes(part: Any) -> Iterator[str]:
    """Yield the texts of footnotes and endnotes, which are read after the body."""
    from docx.oxml import parse_xml

    for relation in part.rels.values():
        if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
            continue
        for note in parse_xml(relation.target_part.blob):
            text = "\n".join(_docx_text(paragraph) for paragraph in note.iter(f"{_W}p"))
            if has_text(text):
                yield text


def _outline_level(value: str) -> int:
    """Return the level of heading: Word counts outline levels from 0; its 9 is body text."""
    return int(value) + 1 if value in set("012345678") else 0


def _value(properties: Any, name: str) -> str:
    element = None if properties is None else properties.find(f"{_W}{name}")
    return "" if element is None else element.get(f"{_W}val") or ""


def _is_struck(run: Any) -> bool:
    """Tell whether a run is struck out or hidden."""
    for name in ("strike", "dstrike", "vanish"):
        mark = run.find(f"{_W}rPr/{_W}{name}")
        if mark is not None and mark.get(f"{_W}val", "1") not in {"0", "false", "off"}:
            return True
    return False


def _docx_text(element: Any) -> str:
    """Text of a paragraph or cell with tracked insertions, without deletions and doubles."""
    parts: list[str] = []
    box = None  # the text box that was read last
    for node in element.iter(
        *(f"{_W}{name}" for name in ("t", "tab", "br", "cr", "noBreakHyphen", "p")),
        _FORMULA,
    ):
        around = {parent.tag: parent for parent in node.iterancestors()}
        if not around.keys().isdisjoint((f"{_W}moveFrom", f"{_W}del", _MC_FALLBACK, _FORMULA)):
            continue
        if node.tag == f"{_W}t" and _is_struck(node.getparent()):
            continue
        if box is not around.get(f"{_W}txbxContent"):
            box = around.get(f"{_W}txbxContent")
            parts.append("\n")
        if node.tag == f"{_W}t":
            text = node.text or ""
            raises = node.getparent().find(f"{_W}rPr/{_W}vertAlign[@{_W}val='superscript']")
            parts.append(text if raises is None else raised(text))
        elif node.tag == _FORMULA:
            parts.append(_formula(node))
        elif node.tag == f"{_W}noBreakHyphen":
            parts.append("-")
        elif node.tag == f"{_W}tab":
            parts.append("\t")
        elif parts:
            parts.append("\n" if node.tag != f"{_W}p" else " ")
    return "".join(parts)


def _formula(node: Any) -> str:
    """Return a part of a formula of Word as it is written on a line: E=mc², (a+b)/2, √x."""
    kind = node.tag.rpartition("}")[2]
    if kind == "t":
        return str(node.text or "")
    if kind in {"del", "moveFrom"}:
        return ""
    children = [(child.tag.rpartition("}")[2], _formula(child)) for child in node.iterchildren("*")]
    part: dict[str, str] = dict(children)
    base = part.get("e", "")
    if kind == "f":
        return f"{_bracketed(part.get('num', ''))}/{_bracketed(part.get('den', ''))}"
    if kind == "rad":
        return f"{raised(part.get('deg', ''))}√{_bracketed(base)}"
    if kind in {"sSup", "sSubSup"}:
        return base + part.get("sub", "") + _power(part.get("sup", ""))
    if kind == "nary":
        sign = _formula_sign(node, "chr", "∫")
        return f"{sign}{part.get('sub', '')}{_power(part.get('sup', ''))} {base}"
    if kind == "d":
        between = _formula_sign(node, "sepChr", "|").join(t for name, t in children if name == "e")
        return f"{_formula_sign(node, 'begChr', '(')}{between}{_formula_sign(node, 'endChr', ')')}"
    joined = ""
    for name, text in children:
        mixed = name == "f" and joined[-1:].isdigit()  # 1 1/2
        joined += f" {text}" if mixed else text
    return joined + (" " if kind == "fName" else "")


def _formula_sign(node: Any, name: str, usual: str) -> str:
    """Return the sign that a sum or a pair of brackets is drawn with."""
    sign = node.find(f"{_M}{node.tag.rpartition('}')[2]}Pr/{_M}{name}")
    return usual if sign is None else str(sign.get(f"{_M}val", ""))


def _power(text: str) -> str:
    if _RAISED.fullmatch(text):
        return raised(text)
    return f"^{_bracketed(text)}" if has_text(text) else text  # no prime


def _bracketed(text: str) -> str:
    """Put brackets around a part of a formula that is more than one number or name."""
    return text if text.isalpha() or re.fullmatch(r"[\d.,]*", text) else f"({text})"


# --- tables -----------------------------------------------------------------------------------

_TITLE_COLUMNS = ("title", "headline", "name")
_TEXT_COLUMNS = ("text", "body", "content", "article")
_DATE_COLUMNS = ("date", "published", "publication_date", "pubdate", "created")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_AUTHOR_COLUMNS = ("author", "authors", "byline", "creator")
_PUBLISHER_COLUMNS = ("publisher", "source")
_MARKUP = re.compile(
    r"</(?:a|b|blockquote|div|em|figure|h[1-6]|i|li|ol|p|span|strong|table|ul)\s*>|<br\s*/?>",
    re.I | re.A,
)
_HEADING_TAG = re.compile(r"<h([1-6])(?:\s[^<>]*)?>", re.I | re.A)
_BLOCK_TAG = re.compile(
    r"</?(?:blockquote|dd|div|dl|dt|figcaption|figure|h[1-6]|hr|ol|p|pre|section|table|ul)(?:\s[^<>]*)?/?>",
    re.I | re.A,
)
_ITEM_TAG = re.compile(r"<li(?:\s[^<>]*)?>", re.I | re.A)
_LINE_TAG = re.compile(r"<(?:br|tr)(?:\s[^<>]*)?/?>", re.I | re.A)
_CELL_END = re.compile(r"</t[dh]\s*>", re.I | re.A)
_SINGLE_NEWLINE = re.compile(r"(?<!\n)\n(?!\n)")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});", re.I | re.A)
_MAX_NAMES = 20  # of columns in a message, and characters of each
_MAX_NAME = 60


_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
"""What Excel writes before the header."""


def parse_csv(data: bytes, columns: Columns) -> Table:
    """Read a table with a header line, separated by commas, semicolons, tabs or bars.

    A row that is not CSV costs itself, and lines after it that are no rows.

    Raises ``LoadError`` where the header lacks a named column.
    """
    text = decode(data).replace("\x00", "").lstrip("\r\n")
    # A limit of the whole process (131,072 by default). The file's size is the real one.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    if named := _SEPARATOR_LINE.match(text):
        text, delimiter = text[named.end() :], named[1]
    else:
        header_line = text.split("\n", 1)[0]
        delimiter = max(",;\t|", key=header_line.count)
    records: list[tuple[int, Mapping[str, Any]]] = []
    problems: list[tuple[int, str]] = []
    header: list[str] = []
    try:
        for number, (fields, problem) in enumerate(_csv_rows(text, delimiter)):
            if problem:
                problems.append((max(number, 1), problem))
            elif not number:
                header = [one_line(name) for name in fields]
            elif len(fields) != len(header):
                problems.append(
                    (number, f"has {len(fields)} fields where the header has {len(header)}")
                )
            else:
                records.append((number, dict(zip(header, fields, strict=True))))
    except MemoryError:
        # While it is short of memory, CPython before 3.14 goes round in circles at a handler that does not
        # match (gh-132508): make room first.
        records.clear()
        raise
    return _table(records, problems, columns, header)


class _Lines:
    """The lines of a text from ``start`` on, or that one ``alone``; of the last one, where it is."""

    def __init__(self, text: str, start: int, *, alone: bool) -> None:
        # Not from a StringIO, which takes four bytes a character.
        self._found = islice(_LINE.finditer(text, start), 1 if alone else None)
        self.start = self.end = start
        self.is_over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._found, None)
        if line is None:
            self.is_over = True
            raise StopIteration
        self.start, self.end = line.span()
        return line.group()


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield the fields of the header and of each row, or what is wrong with it.

    With a row that is not CSV, the lines after it are passed over to the next that is one: that has as
    many fields as the header, and quotation marks in pairs. Linear: the lines that the bad row took, but for
    the last, are then rows alone or none. One that went on in the next line would be within quotation marks
    there as the bad row was, and so end as that did.
    """
    at = free = width = passed = 0
    wrong = ""
    while at < len(text):
        lines = _Lines(text, at, alone=at < free)
        try:
            for fields in csv.reader(
                lines, delimiter=delimiter, skipinitialspace=True, strict=True
            ):
                if wrong and fields:
                    if len(fields) != width or text.count('"', at, lines.end) % 2:
                        passed += 1
                        break
                    yield [], _not_csv(wrong, passed)
                    wrong = ""
                at, width = lines.end, width or len(fields)
                if fields:
                    yield fields, ""
            else:
                continue
        except MemoryError:  # first of all: see `parse_csv`
            raise
        except csv.Error as exc:
            passed = passed + 1 if wrong else 0
            wrong = wrong or _why(exc)
        if at >= free:
            free = len(text) if lines.is_over else lines.start
        line = _LINE.match(text, at)
        at = len(text) if line is None else line.end()
    if wrong:
        yield [], _not_csv(wrong, passed)


def _not_csv(why: str, passed: int) -> str:
    lines = f", nor are the {passed:,} lines after it" if passed else ""
    lines = ", nor is the line after it" if passed == 1 else lines
    return f"is not CSV{lines} ({why})"


def parse_jsonl(data: bytes, columns: Columns) -> Table:
    """Read JSON lines: an object a line; row numbers are line numbers; a text may be a list of paragraphs.

    Raises ``LoadError`` where no object has a named column.
    """
    records: list[tuple[int, Mapping[str, Any]]] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(decode(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except MemoryError:
            records.clear()  # as in `parse_csv`
            raise
        except (ValueError, RecursionError) as exc:
            problems.append((number, f"is not JSON ({_why(exc)})"))
            continue
        if isinstance(record, dict):
            records.append((number, record))
        else:
            problems.append((number, "is not a JSON object"))
    names = (name for _, record in records for name in record)
    return _table(records, problems, columns, names)


def _table(
    records: Sequence[tuple[int, Mapping[str, Any]]],
    problems: list[tuple[int, str]],
    columns: Columns,
    names: Iterable[str],
) -> Table:
    """Make documents of the records; ``names`` are of all columns, in order, doubled or not."""
    names = list(dict.fromkeys(names))
    named_title, named_text = _named(columns, names)
    sizes: dict[str, int] = {}
    for _, record in records:
        for name, value in record.items():
            prose = _prose(value)
            if prose is not None:
                sizes[name] = sizes.get(name, 0) + len(prose)
    # What is named for the one is not found for the other.
    text_column = named_text
    if text_column is None:
        text_column = _column((name for name in sizes if name != named_title), _TEXT_COLUMNS)
    title_column = named_title
    if title_column is None:
        title_column = _column((name for name in sizes if name != text_column), _TITLE_COLUMNS)
    if text_column is None and sizes:
        text_column = max(
            sizes.keys() - {title_column} or sizes, key=lambda name: (sizes[name], name)
        )
    date_column = _column(names, _DATE_COLUMNS)
    author_column = _column(names, _AUTHOR_COLUMNS)
    publisher_column = _column(names, _PUBLISHER_COLUMNS)
    rows: list[tuple[int, Parsed]] = []
    for number, record in records:

        def cell(column: str | None, record: Mapping[str, Any] = record) -> Any:
            return None if column is None else record.get(column)  # "" is a name: pandas writes it

        text = clean(_prose(cell(text_column)) or "")
        if not has_text(text):
            problems.append((number, "holds no text"))
            continue
        rows.append(
            (
                number,
                Parsed(
                    text=text,
                    title=_metadata(cell(title_column)) or title_line(text.split("\n", 2)),
                    date=parse_date(cell(date_column)),
                    author=_metadata(cell(author_column)) or None,
                    publisher=_metadata(cell(publisher_column)) or None,
                ),
            )
        )
    return Table(tuple(rows), tuple(sorted(problems)))


def _prose(value: Any) -> str | None:
    """Return what a cell holds as text: a string, or strings, one a paragraph; of HTML its prose."""
    if isinstance(value, Mapping):
        value = value.get("rendered")  # WordPress
    if isinstance(value, list) and all(isinstance(paragraph, str) for paragraph in value):
        value = "\n\n".join(value)
    if not isinstance(value, str):
        return None
    return _prose_of_markup(value) if _MARKUP.search(value) else value


def _prose_of_markup(source: str, *, loose: bool = True) -> str:
    """Return the paragraphs, items and rows of a piece of HTML, as content management systems store articles.

    ``loose`` as for `_prose_of_html`.
    """
    source = source.replace("\r\n", "\n")
    if _BLOCK_TAG.search(source):
        source = _SINGLE_NEWLINE.sub(" ", source)
    source = _CELL_END.sub(" | ", _LINE_TAG.sub("\n", _ITEM_TAG.sub("\n- ", source)))
    text = _prose_of_html(_BLOCK_TAG.sub("\n\n", source), loose=loose)
    return "\n".join(" ".join(line.split()).strip(" |") for line in text.split("\n"))


def _metadata(value: Any) -> str:
    """Return a metadata value of a table on one line, without the entities and tags of HTML."""
    text = plain(value)
    if _MARKUP.search(text):
        text = one_line(_prose_of_markup(text))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _named(columns: Columns, names: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the names, as the table writes them, of its columns for title and text.

    ``None`` where none is named. Raises ``LoadError`` where the table has columns, but not a named one.
    """
    wanted = (columns.title, columns.text)
    if wanted == (None, None):
        return None, None
    if not names:  # there is something else to say about such a table
        return None, None
    alike = {_alike(name): name for name in reversed(names)}
    found = [name if name is None or name in names else alike.get(_alike(name)) for name in wanted]
    missing = [
        name
        for name, column in zip(wanted, found, strict=True)
        if name is not None and column is None
    ]
    if missing:
        listed = ", ".join(f"'{one_line(name, _MAX_NAME)}'" for name in names[:_MAX_NAMES])
        more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
        lacked = "' or '".join(one_line(name, _MAX_NAME) for name in missing)
        raise LoadError(f"has no column '{lacked}'; it has {listed}{more}")
    return found[0], found[1]


def _alike(name: str) -> str:
    return one_line(name).casefold()


def _column(names: Iterable[str], usual: Sequence[str]) -> str | None:
    """Return the column with the first of the usual names, in any case, or ``None``."""
    by_name = {name.strip().lower(): name for name in reversed(list(names))}
    return next((by_name[name] for name in usual if name in by_name), None)
