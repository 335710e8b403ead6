"""Files to Documents. Finds them in a folder, reads them within limits, and never splits.

A bad file costs only itself: whatever is wrong with it becomes a ``Skipped`` with the reason.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from index._formats.parsed import Columns, LabelledSpan, LoadLimits, Parsed, Table
from index._sandbox import PARSERS, Sandbox
from index._text import has_text, one_line
from index.errors import LoadError
from index.types import ROW, Document, Mark, Skipped, document_id

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

__all__ = [
    "FORMATS",
    "INDEX_MARKER",
    "LOADER_VERSION",
    "Columns",
    "LoadLimits",
    "Sandbox",
    "SourceFile",
    "find_files",
    "is_of_hidden_files",
    "is_table",
    "load_file",
    "name_on_disk",
    "printable",
]

LOADER_VERSION = 11
"""Raised when the same bytes would give another Document."""

FORMATS: Mapping[str, str] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".csv": "csv",
    ".jsonl": "jsonl",
}
"""Suffix (in lower case) to format."""

INDEX_MARKER = "FOOTNOTE"
"""The file that marks a folder as an index."""

_UNSUPPORTED = f"is not in a format Footnote reads ({', '.join(FORMATS)})"

_LIGHT = frozenset({"text", "csv", "jsonl"})
"""Formats for which small files are worth no process of their own: our own code and Python's reads
them in time that grows with their size (front matter is no longer than 16 KB)."""

_TABLES = frozenset({"csv", "jsonl"})

_LIGHT_BYTES = 1 << 18
"""The worst that was made of this size, a table of rows of one letter, takes a second and 60 MB.
A hundred megabytes of it would take minutes and 24 GB."""

_HIDDEN = ".*"  # stands for them where a file's name would; no other entry ends like this
_MAX_HIDDEN_NAMES = 5
_MAX_ROW_REASONS = 100  # of a table; further bad rows are counted
_LANGUAGE_CHARACTERS = 4000
_LANGUAGE_LETTERS = 200  # fewer are guessed wrong too often
_LANGUAGE_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file found in a folder, not yet read. ``source`` is the folder's label and the path in it."""

    path: Path
    source: str


def find_files(
    folder: Path,
    label: str,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> tuple[list[SourceFile], list[Skipped]]:
    """Find the files under ``folder`` that have a suffix of ``FORMATS``, sorted by ``source``.

    ``include`` (none: everything) and ``exclude`` are ``fnmatch`` patterns on the path inside the
    folder, where ``*`` also matches ``/`` and ``**/`` nothing as well; a ``./`` before them and a ``/`` after
    them do not count, and that of a folder is of all that is in it. Every other file that is left out is in the second list,
    also sorted; so is a folder that holds an index. Hidden files are one entry of it, however many they are: the first are named, the rest
    is counted, and a hidden folder counts as one. Raises ``LoadError`` where ``folder`` is no folder
    or cannot be listed.
    """
    try:
        root = folder.resolve(strict=True)
        entries = _list(root)
    except (OSError, RuntimeError) as exc:
        raise LoadError(f"{folder} cannot be listed: {_os_reason(exc)}") from exc
    include, exclude = _plain_patterns(include), _plain_patterns(exclude)
    include += [f"{pattern}/*" for pattern in include]
    found: list[SourceFile] = []
    skipped: list[Skipped] = []
    hidden: list[str] = []
    pending = [("", entry) for entry in entries]
    while pending:
        inside, entry = pending.pop()
        path = f"{inside}{name_on_disk(entry.name)}"
        if any(fnmatchcase(path, pattern) for pattern in exclude):
            continue
        source = printable(f"{label}/{path}")
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and include and not any(fnmatchcase(path, p) for p in include):
                continue
            if entry.name.startswith("."):
                hidden.append(path)
            elif is_folder:
                pending += ((f"{path}/", child) for child in _list_articles(entry.path))
            else:
                _check_entry(entry, path, root)
                found.append(SourceFile(Path(entry.path), source))
        except LoadError as exc:
            skipped.append(Skipped(source, str(exc)))
        except OSError as exc:
            unread = not isinstance(exc, FileNotFoundError | NotADirectoryError)  # else gone
            skipped.append(Skipped(source, f"cannot be opened: {_os_reason(exc)}", unread))
    if hidden:
        skipped.append(Skipped(f"{label}/{_HIDDEN}", _name_hidden(hidden)))
    return sorted(found, key=lambda file: file.source), sorted(skipped, key=lambda s: s.source)


_ANY_FOLDERS = re.compile(r"(?:^|(?<=/))\*\*/")


def _plain_patterns(patterns: Sequence[str]) -> list[str]:
    """Return patterns for ``fnmatch`` alone: one with ``**/`` is also one without it."""
    plain = [pattern.removeprefix("./").rstrip("/") for pattern in patterns]
    for pattern in plain:  # grows meanwhile
        shorter = (
            pattern[: any_folders.start()] + pattern[any_folders.end() :]
            for any_folders in _ANY_FOLDERS.finditer(pattern)
        )
        plain += [one for one in dict.fromkeys(shorter) if one not in plain]
    return plain


def is_of_hidden_files(skipped: Skipped) -> bool:
    """Tell whether this is what `find_files` says of the hidden files of a folder."""
    return skipped.source.endswith(f"/{_HIDDEN}")


def _name_hidden(paths: Sequence[str]) -> str:
    names = sorted(map(printable, paths))
    many = len(names) > 1
    what = f"{len(names):,} hidden files or folders are" if many else "1 hidden file or folder is"
    listed = ", ".join(names[:_MAX_HIDDEN_NAMES])
    more = len(names) - _MAX_HIDDEN_NAMES
    return f"{what} not read: {listed}{f' and {more:,} more' if more > 0 else ''}"


def _list(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _list_articles(folder: str) -> list[os.DirEntry[str]]:
    entries = _list(folder)
    if any(entry.name == INDEX_MARKER and entry.is_file() for entry in entries):
        raise LoadError("is an index of Footnote, not articles")
    return entries


def name_on_disk(name: str) -> str:
    """Return a file's name as its bytes on disk spell it in UTF-8, whatever the locale's encoding.

    Bytes that are not UTF-8 are surrogates, as where that is the locale's.
    """
    return os.fsencode(name).decode("utf-8", "surrogateescape")


_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def printable(name: str) -> str:
    r"""Write a file's name with bytes that are not UTF-8, and controls, as ``\x..``."""
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: ascii(match.group())[1:-1], name)


def _check_entry(entry: os.DirEntry[str], path: str, root: Path) -> None:
    """Raise ``LoadError`` where the entry of a folder is not a file to read."""
    if any("\udc80" <= character <= "\udcff" for character in path):  # bytes; see `name_on_disk`
        raise LoadError("its name is not plain UTF-8 text; rename it")
    if printable(path) != path:
        raise LoadError("its name holds a control or invisible character; rename it")
    if entry.is_symlink():
        try:
            target = Path(entry.path).resolve(strict=True)
        except RuntimeError as exc:
            raise LoadError("is a link that leads back to itself") from exc
        except FileNotFoundError as exc:
            raise LoadError("is a link to a file that is not there") from exc
        if not target.is_relative_to(root):
            raise LoadError(
                "is a link that leads out of the folder; copy the file here to index it"
            )
        if target.is_dir():
            raise LoadError("is a link to a folder inside this one, read under its own name")
    mode = entry.stat().st_mode
    if not stat.S_ISREG(mode):
        raise LoadError(f"is {_file_kind(mode)}, not a file")
    if Path(path).suffix.lower() not in FORMATS:
        raise LoadError(_UNSUPPORTED)


def _file_kind(mode: int) -> str:
    for test, name in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return name
    return "something else"


def _os_reason(exc: Exception) -> str:
    return (getattr(exc, "strerror", None) or str(exc)).lower()


class _UnreadError(LoadError):
    """A file is there, and could not be read for now."""


def is_table(path: Path) -> bool:
    """Tell whether the file's rows are documents, so that `Columns` are for it."""
    return FORMATS.get(path.suffix.lower()) in _TABLES


def load_file(
    file: SourceFile,
    data: bytes | None = None,
    *,
    columns: Columns | None = None,
    limits: LoadLimits | None = None,
    sandbox: Sandbox | None = None,
) -> tuple[list[Document], list[Skipped]]:
    """Read one file: its documents (one; of a table with prose one a row) and what of it could not be read.

    ``data`` are the file's bytes, where the caller has read them. ``columns`` are for tables only;
    without them, title and text are found. ``sandbox`` parses everything but small text files and
    tables; one that is shared over many files saves a process start (0.2 s) for each, and its limits
    are then those that count. Never raises for a bad file.
    """
    try:
        return _load(file, data, columns or Columns(), limits or LoadLimits(), sandbox)
    except LoadError as exc:
        return [], [Skipped(file.source, str(exc), isinstance(exc, _UnreadError))]
    except MemoryError:
        return [], [Skipped(file.source, "needs more memory than there is")]
    except Exception as exc:  # noqa: BLE001 - unforeseen, yet it must not take the others along
        reason = f"could not be parsed ({type(exc).__name__}: {one_line(str(exc), 120)})"
        return [], [Skipped(file.source, reason)]


def _load(
    file: SourceFile,
    data: bytes | None,
    columns: Columns,
    limits: LoadLimits,
    sandbox: Sandbox | None,
) -> tuple[list[Document], list[Skipped]]:
    kind = FORMATS.get(file.path.suffix.lower())
    if kind is None:
        raise LoadError(_UNSUPPORTED)
    limits = sandbox.limits if sandbox is not None else limits
    if data is None:
        data = _read(file.path, limits)
    if len(data) > limits.max_file_bytes:
        raise LoadError(_too_large(len(data), limits))
    if not data:
        raise LoadError("is empty")
    parsed: Parsed | Table
    if kind in _LIGHT and len(data) <= _LIGHT_BYTES:
        parsed = PARSERS[kind](data, limits, columns)
    elif sandbox is not None:
        parsed = sandbox.parse(kind, data, columns)
    else:
        with Sandbox(limits) as own:
            parsed = own.parse(kind, data, columns)
    if isinstance(parsed, Table):
        return _rows(file, parsed)
    if not has_text(parsed.text):
        raise LoadError("holds no text")
    document = _document(file.source, parsed, _readable(file.path))
    return [document], [Skipped(file.source, problem) for problem in parsed.problems]


def _read(path: Path, limits: LoadLimits) -> bytes:
    """Return the bytes of a regular file that stands still while it is read."""
    try:
        # O_NONBLOCK: a pipe that took the file's place since it was found must not block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as opened:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise LoadError(f"is {_file_kind(before.st_mode)}, not a file")
            if before.st_size > limits.max_file_bytes:
                raise LoadError(_too_large(before.st_size, limits))
            data = opened.read(limits.max_file_bytes + 1)
            after = os.fstat(descriptor)
    except FileNotFoundError as exc:
        raise LoadError("is gone: it was deleted or renamed since it was found") from exc
    except IsADirectoryError as exc:
        raise LoadError("is a folder, not a file") from exc
    except (OSError, ValueError) as exc:
        raise _UnreadError(f"cannot be opened: {_os_reason(exc)}") from exc
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != after.st_size:
        raise _UnreadError("was changed while it was read; index it again")
    return data


def _too_large(size: int, limits: LoadLimits) -> str:
    return f"has {size:,} bytes; {limits.max_file_bytes:,} are allowed"


def _rows(file: SourceFile, table: Table) -> tuple[list[Document], list[Skipped]]:
    stem = _readable(file.path)
    documents = [
        _document(f"{file.source}{ROW}{number}", parsed, f"{stem}, row {number}")
        for number, parsed in table.rows
    ]
    skipped = [
        Skipped(f"{file.source}{ROW}{number}", reason)
        for number, reason in table.problems[:_MAX_ROW_REASONS]
    ]
    more = len(table.problems) - len(skipped)
    if more:
        skipped.append(Skipped(file.source, f"{more:,} more rows could not be read"))
    if not documents and not skipped:
        skipped.append(Skipped(file.source, "holds no rows"))
    return documents, skipped


def _document(source: str, parsed: Parsed, fallback_title: str) -> Document:
    return Document(
        id=document_id(source),
        title=one_line(parsed.title or "") or fallback_title,
        text=parsed.text,
        source=source,
        date=parsed.date,
        author=one_line(parsed.author or "") or None,
        publisher=one_line(parsed.publisher or "") or None,
        language=_language(parsed.text),
        pages=_marks(parsed.pages),
        headings=_marks(parsed.headings),
    )


def _marks(spans: Iterable[LabelledSpan]) -> tuple[Mark, ...]:
    return tuple(Mark(start, end, label) for start, end, label in spans)


def _readable(path: Path) -> str:
    """Make a title of a file's name: ``truce-talks_2024.txt`` is ``Truce talks 2024``."""
    stem = name_on_disk(path.stem)
    words = " ".join(re.sub(r"[-_.+\s]+", " ", stem).split()) or stem
    return words[:1].upper() + words[1:]


def _language(text: str) -> str | None:
    """ISO 639-1 code of the text's language, where there is enough of it to tell."""
    sample = text[:_LANGUAGE_CHARACTERS]
    if sum(character.isalpha() for character in sample) < _LANGUAGE_LETTERS:
        return None
    language, confidence = _identifier().classify(sample)
    return language if confidence >= _LANGUAGE_CONFIDENCE else None


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
