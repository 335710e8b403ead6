"""A QA without a model, for tests of the chat: real answers found by searching for words."""

from __future__ import annotations

import io
import re
import socket
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from index.duplicates import Duplicate
from index.errors import ConfigError
from index.types import Document, Skipped, document_id
from qa.question import REASONS, unanswerable
from qa.types import Alternative, Answer, Citation, Nearest, Refusal

_SENTENCE = re.compile(r"[^.!?\n](?:[^.!?\n]|\n(?!\n))*[.!?]?")
_WORD = re.compile(r"\w+")
_STOPPED = (
    "a an and are at by did do does for from had has have how in is it many of on that the this to "
    "was were what when where which who why will with"
)
_STOP = frozenset(_STOPPED.split())


def document(source: str, text: str, title: str | None = None, **more: object) -> Document:
    """Return a document with the id that its source has."""
    return Document(
        document_id(source), Path(source).stem if title is None else title, text, source, **more
    )  # type: ignore[arg-type]


def citation(of: Document, start: int, end: int, quote: tuple[int, int] | None = None) -> Citation:
    """Return the citation of ``of.text[start:end]``; the quote is the whole text by default."""
    low, high = quote or (0, len(of.text))
    return Citation(of, start, end, of.text[start:end], low, high, of.text[low:high], of.sha256)


class FakeQA:
    """Answers with the words of the best sentence that are not in the question.

    ``fail_on`` maps a question to the exception that it raises, ``damage`` is what is wrong with the
    index on disk, and ``delay`` is how long an answer takes, in seconds. While there is a folder
    ``hold``, each question leaves a file in it and waits until the folder is gone.
    """

    threshold = 0.5

    def __init__(
        self,
        documents: Sequence[Document],
        fail_on: dict[str, Exception] | None = None,
        damage: str | None = None,
        delay: float = 0.0,
        hold: Path | None = None,
    ) -> None:
        self._documents = tuple(documents)
        self._fail_on = fail_on or {}
        self._damage = damage
        self._delay = delay
        self._hold = hold
        self._generation = 1

    def documents(self) -> tuple[Document, ...]:
        return self._documents

    def generation_number(self) -> int:
        return self._generation

    def damage(self) -> str | None:
        return self._damage

    def add(self, documents: Sequence[Document]) -> None:
        """Make a new generation with these documents, replacing those with the same source."""
        kept = {one.source: one for one in self._documents}
        kept.update({one.source: one for one in documents})
        self._documents = tuple(kept.values())
        self._generation += 1

    def ask(self, question: str, *, threshold: float | None = None, top: int = 5) -> Answer:
        time.sleep(self._delay)
        if self._hold is not None and self._hold.is_dir():
            (self._hold / uuid.uuid4().hex).touch()
            while self._hold.is_dir():
                time.sleep(0.02)
        return self.ask_batch([question], threshold=threshold, top=top)[0]

    def ask_batch(
        self, questions: Sequence[str], *, threshold: float | None = None, top: int = 5
    ) -> list[Answer]:
        least = self.threshold if threshold is None else threshold
        if not 0.0 <= least <= 1.0:
            raise ConfigError(f"threshold is {least}; give a probability from 0 to 1.")
        if top < 1:
            raise ConfigError(f"top is {top}; give at least 1.")
        return [self._ask(question, least, top) for question in questions]

    def _ask(self, question: str, threshold: float, top: int) -> Answer:
        if question in self._fail_on:
            raise self._fail_on[question]
        problem = unanswerable(question)
        if problem is not None:
            return Answer(question, None, 0.0, refusal=problem, reason=REASONS[problem])
        words = {word for word in _words(question) if word not in _STOP}
        words = words or {""}  # stop words alone are found nowhere
        found = sorted(
            (
                (
                    len(words.intersection(_words(match[0]))) / len(words),
                    -n,
                    -match.start(),
                    one,
                    match,
                )
                for n, one in enumerate(self._documents)
                for match in _SENTENCE.finditer(one.text)
                if _WORD.search(match[0])
            ),
            key=lambda row: row[:3],
            reverse=True,
        )
        if not found or found[0][0] == 0:
            return Answer(
                question,
                None,
                0.0,
                refusal=Refusal.NOTHING_CLOSE,
                reason="None of the articles has a passage about this.",
            )
        confidence, _, _, best, match = found[0]
        if confidence < threshold:
            return Answer(
                question,
                None,
                confidence,
                refusal=Refusal.NO_ANSWER,
                reason="Passages came close, but none holds an answer that is sure enough.",
                nearest=Nearest(best, match.start(), match.end(), match[0]),
            )
        citations = tuple(
            _cite(one, at, words) for score, _, _, one, at in found[:3] if score == confidence
        )
        others = [(score, _cite(one, at, words)) for score, _, _, one, at in found[3 : top + 2]]
        return Answer(
            question,
            citations[0].text,
            min(confidence, 0.97),
            citations,
            tuple(Alternative(c.text, score / 3, (c,)) for score, c in others if score > 0),
        )


def _words(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(text)]


def _cite(one: Document, sentence: re.Match[str], words: set[str]) -> Citation:
    """Cite the last run of words of the sentence that the question does not have."""
    runs: list[list[re.Match[str]]] = [[]]
    for word in _WORD.finditer(one.text, sentence.start(), sentence.end()):
        if word[0].casefold() in words | _STOP:
            runs.append([])
        else:
            runs[-1].append(word)
    runs = [run for run in runs if run] or [list(_WORD.finditer(one.text, *sentence.span()))]
    start, end = runs[-1][0].start(), runs[-1][-1].end()
    return citation(one, start, end, sentence.span())


class _Terminal(io.StringIO):
    """Keeps what is written to stderr, and lets it through."""

    def write(self, text: str) -> int:
        assert sys.__stderr__ is not None
        sys.__stderr__.write(text)
        return super().write(text)


class FakeReport:
    """What a rebuild reports."""

    def __init__(
        self,
        added: Sequence[str],
        skipped: Sequence[Skipped] = (),
        duplicates: Sequence[Duplicate] = (),
    ) -> None:
        self.added = tuple(added)
        self.changed: tuple[str, ...] = ()
        self.removed: tuple[str, ...] = ()
        self.skipped = tuple(skipped)
        self.duplicates = tuple(duplicates)


def fake_rebuild(
    qa: FakeQA,
) -> Callable[[list[Path], Callable[[float, str], None]], FakeReport]:
    """Return a rebuild that reads text files into ``qa`` and skips empty ones."""

    def rebuild(paths: list[Path], progress: Callable[[float, str], None]) -> FakeReport:
        documents, skipped = [], []
        for done, path in enumerate(paths, 1):
            text = path.read_text(encoding="utf-8")
            source = f"uploads/{path.name}"
            if text.strip():
                documents.append(document(source, text))
            else:
                skipped.append(Skipped(source, "The file is empty."))
            progress(done / len(paths), f"Reading {path.name}")
        qa.add(documents)
        return FakeReport([one.source for one in documents], skipped)

    return rebuild


def serve_fake(pipe: Connection, qa: FakeQA, with_rebuild: bool, options: dict[str, Any]) -> None:
    """Serve a chat in this process, as `test_chat` runs it: beside the tests, not among them.

    Sends the address, then does what it is told until it receives ``None``; then sends the hosts
    outside this machine that were asked for anything. It is told to add documents, or to call the
    endpoint ``/ask`` as a client (with what arguments), or to describe it (with none); or, by
    ``"terminal"``, to send what it has written to stderr.
    """
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    from ui import app

    asked: list[str] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            asked.append(str(address[0]))
            raise OSError(f"a test asked the network for {address[0]}")
        connect(self, address)

    socket.socket.connect = watched  # type: ignore[assignment, method-assign]
    sys.stderr = terminal = _Terminal()
    rebuild = fake_rebuild(qa) if with_rebuild else None
    server = app.serve(qa, port=0, block=False, rebuild=rebuild, **options)
    client = cache(lambda: Client(server.url, verbose=False))
    pipe.send(server.url)
    while (told := pipe.recv()) is not None:
        if told == "terminal":
            pipe.send(terminal.getvalue())
            continue
        documents, question = told
        if documents:
            qa.add(documents)
            pipe.send(None)
        elif question:
            try:
                pipe.send(client().predict(api_name="/ask", **question))
            except AppError as exc:
                pipe.send(str(exc))
        else:
            pipe.send(client().view_api(print_info=False, return_format="dict"))
    server.close()
    pipe.send(asked)
