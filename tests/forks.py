"""A process that has the index imported and forks a child a task: a child then costs milliseconds.

Run as ``python -m tests.forks`` it is that process; `Forks` talks to it. Children may be killed at any
moment. A task returns, or raises; its exit status then is 0, or 1 with a traceback on stderr.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from index._fs import FileSystem
from index.build import remove_from_index, update_index
from index.embed import passage_text
from index.errors import FootnoteError, IndexWriteError
from index.store import Store
from qa.answer import QA
from qa.types import Reading, Span
from qa.uploads import Uploads
from tests.fakes import (
    CountingFileSystem,
    ExportingEmbedder,
    FakeEmbedder,
    SeamFileSystem,
    UnsyncedFileSystem,
    article,
    kill_self,
    logistic_confidence,
    write_articles,
)

WRITE_ERROR = 3
"""Exit status of a task that ended with an `IndexWriteError` which says what to do."""

UNCLEAR_ERROR = 4
"""Exit status of one whose error says something else."""


class Forks:
    """The parent's end. Close it when done; children that still run are then killed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def start(self, task: Callable[..., None], *arguments: Any) -> int:
        """Start a task of this module in a child; return its process id."""
        return int(
            self._ask(task.__name__, *(str(a) if isinstance(a, Path) else a for a in arguments))
        )

    def wait(self, pid: int) -> int:
        """Wait for a child; return its exit status, or minus the signal that killed it."""
        return int(self._ask("wait", pid))

    def run(self, task: Callable[..., None], *arguments: Any) -> int:
        """Run a task to its end; return what `wait` does."""
        return self.wait(self.start(task, *arguments))

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()

    def _ask(self, *words: Any) -> str:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(words) + "\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()


def update(index: str, folder: str, cut: int | None, version: str, rebuild: bool) -> None:
    """Update an index; die at a point if ``cut`` names one."""
    update_index(
        index,
        [folder],
        embedder=ExportingEmbedder(version=version),
        rebuild=rebuild,
        confirm=True,
        fs=CountingFileSystem(cut, kill_self),
    )


def change(index: str, how: str, cut: int) -> None:
    """Take an article out of an index, or roll it back; die at a point."""
    make_change(Path(index), how, CountingFileSystem(cut, kill_self))


def make_change(index: Path, how: str, fs: FileSystem) -> None:
    if how == "remove":
        remove_from_index(index, ["news/0.txt"], confirm=True, fs=fs)
    else:
        Store(index, fs).rollback()


def write_under_audit(index: str, folder: str) -> None:
    """Change an index in every way; whatever is changed on disk must be changed by the seam."""
    fs = SeamFileSystem()
    inside: list[str] = []
    outside: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            changes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        else:
            changes = event in CHANGES
        if changes and any(_stands_in(index, one) for one in arguments):
            (inside if fs.depth else outside).append(f"{event} {arguments!r}")

    sys.addaudithook(hook)
    for version, articles in enumerate(({"0.txt": article(0)}, {"1.txt": article(1)}), 1):
        write_articles(Path(folder), {**articles, "2.txt": article(2), "3.txt": article(3)})
        update_index(index, [folder], embedder=ExportingEmbedder(), fs=fs)
        assert Store(index).open().number == version
    Uploads(Path(index), lambda _: ExportingEmbedder(), fs).add(
        [Path(folder) / "1.txt"], lambda *_: None
    )
    remove_from_index(index, ["news/2.txt"], confirm=True, fs=fs)
    Store(index, fs).rollback()
    Path(f"{index}/gen-000003/chunks.npy").write_bytes(b"")
    assert [event.split()[0] for event in outside] == ["open"], "the hook does not hear"
    outside.clear()
    assert Store(index).check()
    update_index(index, embedder=ExportingEmbedder(), fs=fs, confirm=True)
    new = ExportingEmbedder(version="2")
    update_index(index, embedder=new, fs=fs, rebuild=True)
    update_index(index, embedder=new, fs=fs, dry_run=True)
    Store(index).open()
    events = {event.split()[0] for event in inside}
    assert events == {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}, events
    assert len(inside) > 100
    assert not outside, outside


def upload(index: str, file: str, cut: int) -> None:
    """Hand a file in; die at a point."""
    fs = CountingFileSystem(cut, kill_self)
    Uploads(Path(index), lambda _: ExportingEmbedder(), fs).add([Path(file)], lambda *_: None)


CHANGES = {
    *("os.chflags", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.removexattr"),
    *("os.rename", "os.rmdir", "os.setxattr", "os.symlink", "os.truncate", "os.utime"),
}
"""Audit events, besides ``open``, that change a disk."""


def _stands_in(folder: str, path: Any) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    return Path(os.fsdecode(path)).resolve().is_relative_to(Path(folder).resolve())


def update_within(index: str, folder: str, limit: int) -> None:
    """Update an index where no file may grow beyond ``limit`` bytes; the error must be a clear one."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        update_index(
            index, [folder], embedder=ExportingEmbedder(), confirm=True, fs=UnsyncedFileSystem()
        )
    except IndexWriteError as exc:
        clear = f"'{index}' could not be written (File too large)" in str(exc)
        os._exit(WRITE_ERROR if clear and "Free space" in str(exc) else UNCLEAR_ERROR)


def write_versions(index: str, folder: str, log: str, last: int | None) -> None:
    """Write every article anew with a number in it, update, note the number; go on up to ``last``."""
    with Path(log).open("ab", buffering=0) as acknowledged:
        version = int(Path(log).read_text().split()[-1])
        while last is None or version < last:
            version += 1
            for number in range(4):
                text = f"Item {number}\n\nThis is release v{version} of item {number}."
                (Path(folder) / f"{number}.txt").write_text(text)
            update_index(index, [folder], embedder=FakeEmbedder(), fs=UnsyncedFileSystem())
            acknowledged.write(f"{version}\n".encode())


class ReleaseReader:
    """Points at every word like ``v7``."""

    fingerprint = "release"

    def read(
        self,
        questions: Sequence[str],
        passages: Sequence[Sequence[str]],
        titles: Sequence[Sequence[str]] | None = None,
        masked: Sequence[Sequence[Sequence[tuple[int, int]]]] | None = None,
    ) -> list[list[Reading]]:
        return [[self._read(text) for text in texts] for texts in passages]

    def _read(self, text: str) -> Reading:
        found = re.finditer(r"\bv\d+", text)
        return Reading(tuple(Span(one.start(), one.end(), 5.0) for one in found), null_score=0.0)


def open_qa(index: str) -> QA:
    return QA(
        Store(index),
        ReleaseReader(),  # type: ignore[arg-type]
        logistic_confidence(),
        embedder=FakeEmbedder(),
    )


def ask_version(qa: QA) -> int:
    """Ask more questions than are answered at a time; return the release that all answers name."""
    answers = qa.ask_batch(["Which release is the item?"] * 17, threshold=0)
    named = {answer.text for answer in answers}
    assert len(named) == 1, f"answers of one batch name {named}"
    for answer in answers:
        assert not answer.alternatives, f"an answer mixes generations: {answer.alternatives}"
        assert len({citation.document.id for citation in answer.citations}) == 4
        assert all(citation.verify() for citation in answer.citations)
    return int(str(named.pop()).removeprefix("v"))


def read_versions(index: str, stop: str, outcome: str) -> None:
    """Ask whatever generation is newest until told to stop; every answer must be of one piece.

    What was last answered from is in a file beside ``outcome``.
    """
    store, qa = Store(index), open_qa(index)
    answered: list[int] = []
    opened = asked = 0
    generation = store.open()
    versions: list[int] = []
    while not Path(stop).exists():
        if store.current() != generation.token:
            generation = store.open()
            opened += 1
        assert generation.recovered_from is None
        words = {chunk.text.split("release v")[1].split()[0] for chunk in generation.chunks}
        assert len(words) == 1, f"generation {generation.number} mixes {words}"
        assert len(generation.documents) == len(generation.chunks) == 4
        word = words.pop()
        assert generation.lexical.scores(f"v{word}").min() > 0
        titles = {document.id: document.title for document in generation.documents}
        texts = [passage_text(titles[chunk.doc_id], chunk.text) for chunk in generation.chunks]
        vectors = FakeEmbedder().embed(texts)
        assert np.allclose(np.diag(generation.similarities(vectors)), 1.0, atol=1e-5)
        versions.append(int(word))
        answered.append(ask_version(qa))
        assert qa.recovered_from is None
        if answered[-1:] != answered[-2:-1]:
            Path(f"{outcome}.tmp").write_text(str(answered[-1]))
            Path(f"{outcome}.tmp").replace(f"{outcome}.now")
        asked += 1
        time.sleep(0.002)
    assert versions == sorted(versions)
    assert answered == sorted(answered)
    Path(outcome).write_text(
        json.dumps({"opened": opened, "asked": asked, "answered": len(set(answered))})
    )


def hold_the_lock(index: str, held: str) -> None:
    """Become the writer, say so, and never let go."""
    with Store(index).writer():
        Path(held).touch()
        time.sleep(600)


def embed_and_die(index: str, folder: str, texts: int) -> None:
    """Build an index and die when more than so many texts would be embedded."""

    class Mortal(FakeEmbedder):
        def embed(self, batch, progress=None):  # type: ignore[no-untyped-def]
            if len(self.embedded) + len(batch) > texts:
                kill_self()
            return super().embed(batch, progress)

    update_index(index, [folder], embedder=Mortal(), fs=UnsyncedFileSystem())


def open_under_audit(warm: str, index: str, refused: bool) -> None:
    """Open an index and ask it, while no event may come that could run code from it."""
    _open_and_ask(warm)  # so that what libraries import at their first use is imported
    forbidden: list[str] = []
    listening = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event in {"pickle.find_class", "exec", "import", "marshal.loads"}:
            forbidden.append(f"{event} {arguments!r}"[:300])

    sys.addaudithook(hook)
    sys.path.insert(0, index)
    was_refused = False
    try:
        _open_and_ask(index)
    except FootnoteError:
        was_refused = True
    assert was_refused == refused
    seen = list(forbidden)
    pickle.loads(pickle.dumps(Path))
    assert len(forbidden) > len(seen), "the hook does not hear"
    listening = False
    assert not seen, seen


def _open_and_ask(index: str) -> None:
    generation = Store(index).open()
    generation.similarities(FakeEmbedder().embed(["anything"]))
    generation.lexical.scores("The harbour of the town")
    generation.lexical.coverage("The harbour of the town")


def _warm_up() -> None:
    """Let libraries import and load what they do at their first use, once for all children."""
    with tempfile.TemporaryDirectory() as place:
        write_articles(Path(place) / "news", {"a.txt": article(1)})
        update(f"{place}/index", f"{place}/news", None, "1", rebuild=False)
        _open_and_ask(f"{place}/index")
        write_articles(Path(place) / "releases", {f"{n}.txt": f"The v1 of {n}." for n in range(4)})
        update(f"{place}/other", f"{place}/releases", None, "1", rebuild=False)
        ask_version(open_qa(f"{place}/other"))


def serve() -> None:
    """Fork a child a line of stdin, until there is none; a wait is answered when the child is gone."""
    # bm25s' progress bars start a thread, and share a lock with all children: one that is killed
    # while it holds that lock would block the others for ever.
    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())
    _warm_up()
    assert threading.active_count() == 1
    assert "torch" not in sys.modules, "a child would pay for torch"
    children: set[int] = set()
    for line in sys.stdin:
        task, *arguments = json.loads(line)
        if task == "wait":
            _, status = os.waitpid(arguments[0], 0)
            children.discard(arguments[0])
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            signal.alarm(300)  # a child that hangs fails its test
            try:
                globals()[task](*arguments)
            except BaseException:  # noqa: BLE001 - the parent is told
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.add(pid)
        print(pid, flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    serve()
