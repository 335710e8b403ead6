"""CSV and JSON lines: each row an article, or, where no cell holds prose, all of them one table."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self

from index._formats.markup import markup_prose
from index._formats.parsed import Columns, Parsed, Table, why
from index._text import CELL_END, clean, decode, has_text, one_line, parse_date, plain, title_line
from index.errors import LoadError

_TITLE_COLUMNS = ("title", "headline", "name")
_TEXT_COLUMNS = ("text", "body", "content", "article")
_DATE_COLUMNS = ("date", "published", "publication_date", "pubdate", "created")
_AUTHOR_COLUMNS = ("author", "authors", "byline", "creator")
_PUBLISHER_COLUMNS = ("publisher", "source")
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?\r?\n', re.I)  # what Excel writes before the header
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_MARKUP = re.compile(
    r"</(?:a|b|blockquote|div|em|figure|h[1-6]|i|li|ol|p|span|strong|table|ul)\s*>|<br\s*/?>",
    re.I | re.A,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});", re.I | re.A)
_MAX_SHORT = 100  # characters of a cell; a longer one is prose
_MAX_NAMES = 20  # of columns in a message, and characters of each
_MAX_NAME = 60


def parse_csv(data: bytes, columns: Columns) -> Table | Parsed:
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
    rows: list[tuple[int, list[str]]] = []
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
                rows.append((number, fields))
    except MemoryError:
        # While it is short of memory, CPython before 3.14 goes round in circles at a handler that does not
        # match (gh-132508): make room first.
        rows.clear()
        raise
    if columns == Columns():
        one = _one_table(header, (fields for _, fields in rows), problems)  # of doubled names, all
        if one is not None:
            return one
    records = [(number, dict(zip(header, fields, strict=True))) for number, fields in rows]
    return _articles(records, problems, columns, header)


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
            wrong = wrong or why(exc)
        if at >= free:
            free = len(text) if lines.is_over else lines.start
        line = _LINE.match(text, at)
        at = len(text) if line is None else line.end()
    if wrong:
        yield [], _not_csv(wrong, passed)


def _not_csv(reason: str, passed: int) -> str:
    """Return what is said of a row that is not CSV and of the ``passed`` lines after it that are none either."""
    lines = f", nor are the {passed:,} lines after it" if passed else ""
    lines = ", nor is the line after it" if passed == 1 else lines
    return f"is not CSV{lines} ({reason})"


def parse_jsonl(data: bytes, columns: Columns) -> Table | Parsed:
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
            problems.append((number, f"is not JSON ({why(exc)})"))
            continue
        if isinstance(record, dict):
            records.append((number, record))
        else:
            problems.append((number, "is not a JSON object"))
    names = list(dict.fromkeys(name for _, record in records for name in record))
    # Of objects that have nothing in common nearly all cells would be empty: a table of their number squared.
    alike = 10 * sum(len(record) for _, record in records) >= len(records) * len(names)
    if columns == Columns() and alike:
        lines = ([record.get(name) for name in names] for _, record in records)
        one = _one_table(names, lines, problems)
        if one is not None:
            return one
    return _articles(records, problems, columns, names)


def _articles(
    records: Sequence[tuple[int, Mapping[str, Any]]],
    problems: list[tuple[int, str]],
    columns: Columns,
    names: Sequence[str],
) -> Table:
    """Make articles of the records; ``names`` are of all columns, in order, doubled or not."""
    title_column, text_column = _title_and_text(records, *_named(columns, names))
    date_column = _column(names, _DATE_COLUMNS)
    author_column = _column(names, _AUTHOR_COLUMNS)
    publisher_column = _column(names, _PUBLISHER_COLUMNS)
    rows: list[tuple[int, Parsed]] = []
    for number, record in records:
        text = clean(_prose(_cell(record, text_column)) or "")
        if not has_text(text):
            problems.append((number, "holds no text"))
            continue
        article = Parsed(
            text=text,
            title=_metadata(_cell(record, title_column)) or title_line(text.split("\n", 2)),
            date=parse_date(_cell(record, date_column)),
            author=_metadata(_cell(record, author_column)) or None,
            publisher=_metadata(_cell(record, publisher_column)) or None,
        )
        rows.append((number, article))
    return Table(tuple(rows), tuple(sorted(problems)))


def _one_table(
    names: Sequence[str], lines: Iterable[Sequence[Any]], problems: Iterable[tuple[int, str]]
) -> Parsed | None:
    """Return all rows as one article, the names of the columns first, as tables of pages are read.

    ``None`` where a cell is prose, none says anything, or a column is of texts by its name or the only one.
    """
    if len(names) < 2 or _column(names, _TEXT_COLUMNS) is not None:
        return None
    rows = [CELL_END.join(map(_words, names))]
    for values in lines:
        cells = [*map(_words, values)]
        if max(map(len, cells)) > _MAX_SHORT or any(map(_is_long, values)):
            return None
        if any(cells):
            rows.append(CELL_END.join(cells))
    if len(rows) == 1:
        return None
    text = clean("\n".join(rows))
    if not problems:
        return Parsed(text)
    (number, reason), *more = sorted(problems)
    others = f" (nor could {len(more):,} more be read)" if more else ""
    return Parsed(text, problems=(f"row {number} {reason}{others}",))


def _words(value: Any) -> str:
    """Return what a table's cell says, on one line; `clean` is for all cells together, which is faster."""
    text = value if isinstance(value, str) else plain(value)
    return " ".join((_metadata(text) if "<" in text or "&" in text else text).split())


def _is_long(value: Any) -> bool:
    """Tell whether a value that is no text, an object within another, holds more than a cell says."""
    return isinstance(value, Mapping | list) and len(str(value)) > _MAX_SHORT


def _title_and_text(
    records: Iterable[tuple[int, Mapping[str, Any]]], title: str | None, text: str | None
) -> tuple[str | None, str | None]:
    """Return the columns of titles and texts: the named ones, else those of usual names.

    Of texts, else the one that holds most. What is named for the one is not found for the other.
    """
    sizes: dict[str, int] = {}
    for _, record in records:
        for name, value in record.items():
            prose = _prose(value)
            if prose is not None:
                sizes[name] = sizes.get(name, 0) + len(prose)
    if text is None:
        text = _column((name for name in sizes if name != title), _TEXT_COLUMNS)
    if title is None:
        title = _column((name for name in sizes if name != text), _TITLE_COLUMNS)
    if text is None and sizes:
        text = max(sizes.keys() - {title} or sizes, key=lambda name: (sizes[name], name))
    return title, text


def _cell(record: Mapping[str, Any], column: str | None) -> Any:
    """Return what a record has in a column, or ``None``."""
    return None if column is None else record.get(column)  # "" is a name: pandas writes it


def _prose(value: Any) -> str | None:
    """Return what a cell holds as text: a string, or strings, one a paragraph; of HTML its prose."""
    if isinstance(value, Mapping):
        value = value.get("rendered")  # WordPress
    if isinstance(value, list) and all(isinstance(paragraph, str) for paragraph in value):
        value = "\n\n".join(value)
    if not isinstance(value, str):
        return None
    return markup_prose(value, loose=True) if _MARKUP.search(value) else value


def _metadata(value: Any) -> str:
    """Return a metadata value of a table on one line, without the entities and tags of HTML."""
    text = plain(value)
    if _MARKUP.search(text):
        text = one_line(markup_prose(text, loose=True))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _named(columns: Columns, names: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the names, as the table writes them, of its columns for title and text.

    ``None`` where none is named. Raises ``LoadError`` where the table has columns, but not a named one.
    """
    wanted = (columns.title, columns.text)
    if wanted == (None, None) or not names:  # without columns, there is something else to say
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
    """Return a name as it is compared: without case, white space around it and what cannot be seen."""
    return one_line(name).casefold()


def _column(names: Iterable[str], usual: Sequence[str]) -> str | None:
    """Return the column with the first of the usual names, in any case, or ``None``."""
    by_name = {name.strip().lower(): name for name in reversed(list(names))}
    return next((by_name[name] for name in usual if name in by_name), None)
