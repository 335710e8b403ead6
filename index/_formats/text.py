"""Plain text, and what is saved as such: e-mails, and books of Project Gutenberg."""

from __future__ import annotations

import email
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parseaddr

from index._formats.front_matter import split_yaml
from index._formats.parsed import Parsed
from index._text import clean, decode, parse_date, plain, title_line, top_matter

_TOP_LINES = 12  # among which stands what is said about an article
_MAX_MAIL_HEAD = 4000
_MAX_ADDRESS = 200
_MAX_BOOK_HEAD = 8000
# Between what Project Gutenberg says of a book and its licence.
_BOOK_START = re.compile(r"^\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*\*{3}$", re.M)
_OF_BOOK = re.compile(r"^(Title|Author): (\S.*(?:\n[ \t]+\S.*)*)$", re.M)
_BOOK_END = re.compile(
    r"^(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the |this )?Project Gutenberg)",
    re.M,
)
_LABELLED_LINE = re.compile(r"\w[\w -]{0,20}:\s|(?:article|document|item|story) \d+$", re.I)


def parse_text(data: bytes) -> Parsed:
    """Read plain text; the first line is the title where it stands like one."""
    matter, body = split_yaml(decode(data))
    text = clean(body)
    matter = _mail(text) | matter
    if (book := _book(text)) is not None:
        said, text = book
        matter = said | matter
    lines = text.split("\n", _TOP_LINES)[:_TOP_LINES]
    found = top_matter(lines) | matter
    # "Title:" may be someone's, below a headline, but not where the first line is a label as well.
    line = None if "title" in found and _LABELLED_LINE.match(lines[0]) else title_line(lines)
    return Parsed(
        text=text,
        title=matter.get("title") or line or found.get("title"),
        date=found.get("date"),
        author=found.get("author"),
        publisher=found.get("source"),
    )


def _book(text: str) -> tuple[dict[str, str], str] | None:
    """Return what Project Gutenberg says of a book, and the book without its licence; ``None`` of other texts."""
    start = _BOOK_START.search(text[:_MAX_BOOK_HEAD])
    # An article may tell of such marks, and a file hold several books.
    if start is None or _BOOK_START.search(text, start.end()) is not None:
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
