"""What the parsers of all formats take and make: limits and columns; articles, tables and blocks of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index._text import clean, one_line
from index.errors import ConfigError

LabelledSpan = tuple[int, int, str]
"""Start, end (exclusive) and label, offsets in code points of ``Parsed.text``."""

_MAX_SECONDS = 24 * 60 * 60
_TOP_CHARACTERS = 4000


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
    """Join blocks to a text, and return it with its headings, each up to the next.

    Each block is cleaned by itself, so offsets are final when they are taken.
    """
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
    """Return the first heading of level 1, else the one that stands first of all, or nothing."""
    headings = [block for block in blocks if block.level == 1]
    headings += [block for block in blocks[:1] if block.level]
    return one_line(headings[0].text) if headings else ""


def first_lines(text: str) -> list[str]:
    """Return the lines at an article's top, among which stands what is said about it."""
    return text[:_TOP_CHARACTERS].split("\n")


def why(exc: Exception) -> str:
    """Shorten the message of a library's exception."""
    return one_line(str(exc), 120).rstrip(".") or type(exc).__name__
