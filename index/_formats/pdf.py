"""PDF: the lines of its pages to paragraphs."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from index._formats.parsed import LabelledSpan, Parsed, first_lines, why
from index._text import (
    RAISED,
    clean,
    has_text,
    one_line,
    parse_date,
    plain,
    raised,
    title_line,
    top_matter,
)
from index.errors import LoadError

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

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
# Of the text beside: where it adjoins, as browsers print it at 0.83; and behind a gap, where it may be of a table.
_RAISED_SIZE, _APART_SIZE = 0.9, 0.8
_LEAST_RISE = 0.1  # of the size of the text beside
# Of a character, in its size, with the gaps of a line that is filled: half is usual.
_MOST_WIDTH = 0.75
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
    reader, count, info = _open(data)
    raw, problems = _page_texts(reader, count)
    kept = _without_running_lines(raw)
    words = {word for page in kept for word in _WORD.findall(page.lower())}
    text, pages = _join_pages([_unwrap(page, words) for page in kept], words)
    lines = first_lines(text)
    found = top_matter(lines)
    title = plain(_string(info, "/Title"))
    if not has_text(title) or _NO_TITLES.match(title):
        title = found.get("title") or title_line(lines) or ""
    return Parsed(
        text=text,
        title=title or None,
        date=found.get("date") or parse_date(_string(info, "/CreationDate")),
        author=found.get("author") or plain(_string(info, "/Author")) or None,
        publisher=found.get("source"),
        pages=pages,
        problems=tuple(problems),
    )


def _open(data: bytes) -> tuple[PdfReader, int, Mapping[str, Any]]:
    """Return what reads the pages, their number, and what the file says about itself. Raises ``LoadError``."""
    import pypdf

    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
        count = len(reader.pages) if not locked else 0
        info: Mapping[str, Any] = {} if locked else reader.metadata or {}
    except MemoryError:
        raise
    except Exception as exc:  # damaged files raise all there is
        raise LoadError(f"is not a PDF that can be read ({why(exc)})") from exc
    if locked:
        raise LoadError("is locked with a password; save a copy without one")
    return reader, count, info


def _page_texts(reader: PdfReader, count: int) -> tuple[list[str], list[str]]:
    """Return the text of each page, and what could not be read. Raises ``LoadError`` where there is no text."""
    texts: list[str] = []
    problems: list[str] = []
    for number in range(count):
        with _warnings_of("pypdf") as warnings:
            try:
                # `clean` drops soft hyphens; at a line's end they divide a word that `_unwrap` joins.
                text = clean(_SOFT_HYPHEN.sub("-", _page_text(reader.pages[number])))
            except MemoryError:
                raise
            except Exception as exc:  # noqa: BLE001 - damaged files raise all there is
                text = ""
                warnings.append(why(exc))
        texts.append(text)
        # The library passes over what it cannot decode; with text there, it is no loss.
        if warnings and not text:
            problems.append(f"page {number + 1} could not be read ({warnings[0]})")
    if not any(map(has_text, texts)):
        if problems:
            raise LoadError(f"none of its pages could be read: {problems[0]}")
        raise LoadError("holds no text: scanned pages? run OCR on it first")
    return texts, problems


def _page_text(page: PageObject) -> str:
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
            if small and beside and RAISED.fullmatch(text):
                text = raised(text)
            else:
                size, height = own, at
                start, end = left, left + own * (1 + _MOST_WIDTH * len(text))
        parts.append(text)

    whole = page.extract_text(visitor_text=visit)
    told = "".join(parts)
    return told if len(told) == len(whole) else whole


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


def _string(info: Mapping[str, Any], key: str) -> str:
    """Return what a file says about itself under a key, or nothing."""
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
        edges = {at: line for at, line in enumerate(lines) if not _PAGE_LINES <= at < last}
        printed = set(filter(_PRINTED_PAGE.fullmatch, edges.values()))
        if printed:  # without it, a message of a chat may begin with when it was sent
            printed |= set(filter(_PRINTED_WHEN.fullmatch, edges.values()))
        dropped = {at for at, line in edges.items() if line in printed or _shape(line) in running}
        kept.append("\n".join(line for at, line in enumerate(lines) if at not in dropped))
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
    """Return a line with each of its numbers as 0."""
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
    """Join the pages to one text, and return it with where each of them stands; ``words`` as for `_before_rest`."""
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
