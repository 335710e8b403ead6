"""A process that has the index imported and forks a child a task: a child then costs milliseconds.

Run as ``python -m tests.forks`` it is that process; `Forks` talks to it. Children may be killed at any
moment. A task returns, or raises; its exit status then is 0, or 1 with a traceback on stderr.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from index.build import update_index
from index.embed import passage_text
from index.errors import FootnoteError, IndexWriteError
from index.store import Store
from tests.fakes import (
    CountingFileSystem,
    ExportingEmbedder,
    FakeEmbedder,
    UnsyncedFileSystem,
    article,
    kill_self,
    write_articles,
)

WRITE_ERROR = 3
"""Exit status of a task that ended with an `IndexWriteError`."""


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


def update_within(index: str, folder: str, limit: int) -> None:
    """Update an index where no file may grow beyond ``limit`` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        update_index(
            index, [folder], embedder=ExportingEmbedder(), confirm=True, fs=UnsyncedFileSystem()
        )
    except IndexWriteError:
        os._exit(WRITE_ERROR)


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


def read_versions(index: str, stop: str, outcome: str) -> None:
    """Ask whatever generation is newest until told to stop; every answer must be of one piece."""
    store = Store(index)
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
        asked += 1
        time.sleep(0.002)
    assert versions == sorted(versions)
    Path(outcome).write_text(json.dumps({"opened": opened, "asked": asked}))


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
