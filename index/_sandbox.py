"""Parsing in a process of its own, which may be killed: bounded memory, bounded time.

The child (``python -c "... serve()"``) imports the parsers only: no torch, no numpy. Parent and child
speak over the child's stdin and stdout in frames: eight bytes of length (big-endian), then the
payload. A request is two frames, JSON (``kind``, ``limits``, ``columns``) and the file's bytes; a reply is one,
the JSON of a ``Parsed`` or a ``Table``, or of an error.

Time is bounded everywhere. Memory is bounded by RLIMIT_AS, which Linux and the BSDs hold to; macOS
takes it and ignores it, so that there a file can use what memory there is until its time is up.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from index._formats.docx import parse_docx
from index._formats.html import parse_html
from index._formats.markdown import parse_markdown
from index._formats.parsed import Columns, LoadLimits, Parsed, Table
from index._formats.pdf import parse_pdf
from index._formats.tables import parse_csv, parse_jsonl
from index._formats.text import parse_text
from index._text import one_line
from index.errors import LoadError

_LENGTH = struct.Struct(">Q")
_ROOT = str(Path(__file__).resolve().parents[1])
# -I: nothing from the environment or the current folder is imported.
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from index._sandbox import serve; serve()"
# A row has no pages, headings or problems.
_ROW_FIELDS = ("text", "title", "date", "author", "publisher")
_GRACE_SECONDS = 5  # of processor time, beyond which the kernel ends a child that lost its parent

PARSERS: Mapping[str, Callable[[bytes, LoadLimits, Columns], Parsed | Table]] = {
    "text": lambda data, _, __: parse_text(data),
    "markdown": lambda data, _, __: parse_markdown(data),
    "html": lambda data, _, __: parse_html(data),
    "pdf": lambda data, _, __: parse_pdf(data),
    "docx": lambda data, limits, _: parse_docx(data, limits),
    "csv": lambda data, _, columns: parse_csv(data, columns),
    "jsonl": lambda data, _, columns: parse_jsonl(data, columns),
}


class Sandbox:
    """A child process that parses files, one after another; started at the first.

    A context manager; ``close`` (or leaving it) ends the child. Not for use by two threads at once.
    """

    def __init__(self, limits: LoadLimits | None = None) -> None:
        self.limits = limits or LoadLimits()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        child.wait()

    def parse(
        self,
        kind: str,
        data: bytes,
        columns: Columns = Columns(),  # noqa: B008 - frozen
    ) -> Parsed | Table:
        """Parse the bytes of a file of this kind (a key of ``PARSERS``); ``columns`` are for tables.

        Raises ``LoadError`` where the file cannot be parsed, or not within the limits.
        """
        try:
            reply = self._ask(kind, data, columns)
        except BaseException:
            self.close()
            raise
        if reply.get("retire"):
            self.close()
        if "error" in reply:
            raise LoadError(reply["error"])
        if "rows" in reply:
            rows = tuple((number, Parsed(**row)) for number, row in reply["rows"])
            return Table(rows, tuple((number, problem) for number, problem in reply["problems"]))
        return _parsed(reply)

    def _ask(self, kind: str, data: bytes, columns: Columns) -> dict[str, Any]:
        if self._child is None:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-c", _CHILD, _ROOT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        child = self._child
        deadline = time.monotonic() + self.limits.seconds
        request = _dump({"kind": kind, "limits": asdict(self.limits), "columns": asdict(columns)})
        if child.stdin is None or child.stdout is None:
            raise ValueError("the sandbox's child has no pipes")
        try:
            for frame in (request, data):
                _write_frame(child.stdin, frame)
        except OSError:
            return {"error": _cause_of_death(child), "retire": True}
        return self._reply(child, child.stdout, deadline)

    def _reply(
        self, child: subprocess.Popen[bytes], pipe: IO[bytes], deadline: float
    ) -> dict[str, Any]:
        received = bytearray()
        wanted = _LENGTH.size
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while len(received) < wanted:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return {"error": _too_slow(self.limits), "retire": True}
                part = os.read(pipe.fileno(), 1 << 20)
                if not part:
                    return {"error": _cause_of_death(child), "retire": True}
                received += part
                if wanted == _LENGTH.size and len(received) >= wanted:
                    wanted += _LENGTH.unpack_from(received)[0]
                    if wanted > self.limits.max_file_bytes:
                        text = f"holds more text than {self.limits.max_file_bytes:,} bytes"
                        return {"error": text, "retire": True}
        reply: dict[str, Any] = json.loads(received[_LENGTH.size :])
        return reply


def _too_slow(limits: LoadLimits) -> str:
    return (
        f"took longer than {limits.seconds:g} seconds to read; "
        "`footnote index --max-seconds` allows more"
    )


def _too_big(limits: LoadLimits) -> str:
    return (
        f"needs more than {_size(limits.memory_bytes)} of memory to read; "
        "`footnote index --max-memory` allows more"
    )


def _cause_of_death(child: subprocess.Popen[bytes]) -> str:
    child.kill()
    status = child.wait()
    return f"made its parser crash (status {status})"


def _parsed(reply: Mapping[str, Any]) -> Parsed:
    return Parsed(
        text=reply["text"],
        title=reply["title"],
        date=reply["date"],
        author=reply["author"],
        publisher=reply["publisher"],
        pages=tuple((start, end, label) for start, end, label in reply["pages"]),
        headings=tuple((start, end, label) for start, end, label in reply["headings"]),
        problems=tuple(reply["problems"]),
    )


def _write_frame(pipe: IO[bytes], payload: bytes) -> None:
    pipe.write(_LENGTH.pack(len(payload)))
    pipe.write(payload)
    pipe.flush()


def _read_frame(pipe: IO[bytes]) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pipe.read(_LENGTH.unpack(head)[0])


def serve() -> None:
    """Answer requests on stdin until it ends. The child's main function."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    # What a library prints must not get among the replies.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    # Looking through a growing tree again and again takes more time than building it; between files
    # is soon enough, and memory is bounded.
    gc.disable()
    while (head := _read_frame(requests)) is not None:
        request = json.loads(head)
        limits = LoadLimits(**request["limits"])
        _limit_process(limits)
        try:
            data, columns = _read_frame(requests) or b"", Columns(**request["columns"])
            reply = _encode(PARSERS[request["kind"]](data, limits, columns))
        except LoadError as exc:
            reply = _dump({"error": str(exc)})
        except MemoryError:
            # Libraries are not to be trusted after this one: the parent starts a new child.
            reply = _dump({"error": _too_big(limits), "retire": True})
        except RecursionError:
            reply = _dump({"error": "is nested too deeply to read", "retire": True})
        except Exception as exc:  # noqa: BLE001 - a bad file costs only itself
            reason = f"could not be parsed ({type(exc).__name__}: {one_line(str(exc), 120)})"
            reply = _dump({"error": reason})
        _write_frame(replies, reply)
        del reply
        gc.collect()


def _dump(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def _encode(parsed: Parsed | Table) -> bytes:
    if isinstance(parsed, Parsed):
        return _dump(asdict(parsed))
    # Row by row, without what a row does not have: there may be a million of them.
    reply = bytearray(b'{"rows": [')
    for at, (number, row) in enumerate(parsed.rows):
        fields = {name: getattr(row, name) for name in _ROW_FIELDS}
        known = {name: value for name, value in fields.items() if value is not None}
        reply += b", " * bool(at) + _dump((number, known))
    return bytes(reply + b'], "problems": ' + _dump(parsed.problems) + b"}")


def _size(count: int) -> str:
    return f"{count / (1 << 30):g} GiB" if count >= 1 << 30 else f"{count / (1 << 20):g} MiB"


def _limit_process(limits: LoadLimits) -> None:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + limits.seconds) + _GRACE_SECONDS
    for which, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(which)[1]
        with contextlib.suppress(ValueError, OSError):  # a system without this limit
            resource.setrlimit(which, (value if hard < 0 else min(value, hard), hard))
