"""Stand-ins for models and disks, handed in as arguments."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from filelock import BaseFileLock

from index._fs import FileSystem
from index.types import Vectors
from qa.confidence import ANSWERABLE, RIGHT, Confidence, Logistic


def logistic_confidence(
    intercept: float = 0.0, threshold: float = 0.5, **weights: float
) -> Confidence:
    """Return a confidence that is logistic in a few signals: there always is an answer."""
    return Confidence(
        Logistic(dict.fromkeys(ANSWERABLE, 0.0), 100.0),
        Logistic(dict.fromkeys(RIGHT, 0.0) | weights, intercept),
        threshold,
        {},
    )


@dataclass
class FakeEmbedder:
    """A text's vector is a function of its SHA-256; words count as word pieces. Embedded texts are kept."""

    name: str = "fake"
    dimension: int = 8
    version: str = "1"
    embedded: list[str] = field(default_factory=list)
    stop_after: int | None = None

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name} {self.version} {self.dimension}".encode()).hexdigest()

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        if self.stop_after is not None and len(self.embedded) + len(texts) > self.stop_after:
            raise KeyboardInterrupt
        self.embedded += texts
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            digest = hashlib.sha512(f"{self.version} {text}".encode()).digest()
            rows[row] = np.frombuffer(digest, dtype=np.uint8)[: self.dimension].astype(np.float32)
            rows[row] -= 127.5
            rows[row] /= np.linalg.norm(rows[row])
        if progress is not None:
            progress(len(texts))
        return rows

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


class ExportingEmbedder(FakeEmbedder):
    """A fake whose question encoder is stored with the index."""

    exports = 0

    def export_encoder(self) -> dict[str, bytes]:
        self.exports += 1
        return {
            "encoder.onnx": b"weights " * 100,
            "encoder.json": self.fingerprint.encode(),
            "tokenizer.json": b"{}",
        }


class LazyEmbedder(FakeEmbedder):
    """Fails when anything but its name is asked for."""

    @property
    def fingerprint(self) -> str:
        raise AssertionError("the model was loaded")

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        raise AssertionError("the model was loaded")


class UnsyncedFileSystem(FileSystem):
    """Does not wait for the disk: for tests about contents, not about power cuts."""

    def _sync(self, descriptor: int) -> None:
        pass


class CountingFileSystem(UnsyncedFileSystem):
    """Calls ``at_cut`` at a chosen point; points are counted over all operations on the disk.

    Each operation has a point before it; one that writes bytes has another one half way. ``log``
    names all points that were passed.
    """

    def __init__(self, cut: int | None = None, at_cut: Callable[[], None] = lambda: None) -> None:
        self.log: list[str] = []
        self._cut = cut
        self._at_cut = at_cut

    def _point(self, what: str) -> bool:
        self.log.append(what)
        return len(self.log) - 1 == self._cut

    @contextmanager
    def _operation(self, what: str, path: Path) -> Iterator[None]:
        if self._point(f"{what} {path.name}"):
            self._at_cut()
        yield

    def make_dir(self, path: Path) -> None:
        with self._operation("make_dir", path):
            super().make_dir(path)

    def write_file(self, path: Path, data: bytes) -> None:
        with self._operation("write_file", path):
            if self._point(f"half of write_file {path.name}"):
                super().write_file(path, data[: len(data) // 2])
                self._at_cut()
            super().write_file(path, data)

    def append_file(self, path: Path, data: bytes) -> None:
        with self._operation("append_file", path):
            if self._point(f"half of append_file {path.name}"):
                super().append_file(path, data[: len(data) // 2])
                self._at_cut()
            super().append_file(path, data)

    def replace(self, source: Path, target: Path) -> None:
        with self._operation("replace", target):
            super().replace(source, target)

    def remove_file(self, path: Path) -> None:
        with self._operation("remove_file", path):
            super().remove_file(path)

    def remove_dir(self, path: Path) -> None:
        with self._operation("remove_dir", path):
            super().remove_dir(path)

    def sync_dir(self, path: Path) -> None:
        with self._operation("sync_dir", path):
            super().sync_dir(path)


class SeamFileSystem(UnsyncedFileSystem):
    """Knows whether one of its methods is just running: all changes of the index must come from there."""

    depth = 0

    @contextmanager
    def _inside(self) -> Iterator[None]:
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def make_dir(self, path: Path) -> None:
        with self._inside():
            super().make_dir(path)

    def write_file(self, path: Path, data: bytes) -> None:
        with self._inside():
            super().write_file(path, data)

    def append_file(self, path: Path, data: bytes) -> None:
        with self._inside():
            super().append_file(path, data)

    def replace(self, source: Path, target: Path) -> None:
        with self._inside():
            super().replace(source, target)

    def remove_file(self, path: Path) -> None:
        with self._inside():
            super().remove_file(path)

    def remove_dir(self, path: Path) -> None:
        with self._inside():
            super().remove_dir(path)

    def lock(self, path: Path, timeout: float) -> BaseFileLock:
        with self._inside():
            return super().lock(path, timeout)


class RecordingFileSystem(FileSystem):
    """Notes which bytes and names a power cut could still take, and refuses to build on them.

    Inside `recording`, the calls of the operating system themselves are heard. ``log`` names what was
    written, waited for and renamed, in order.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self._unsaved: dict[int, Path] = {}  # by inode
        self._writing: Path | None = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        write, fsync = os.write, os.fsync

        def note_write(descriptor: int, data: memoryview) -> int:
            if self._writing is not None:
                self._unsaved[os.fstat(descriptor).st_ino] = self._writing
            return write(descriptor, data)

        def note_fsync(descriptor: int) -> None:
            fsync(descriptor)
            synced = self._unsaved.pop(os.fstat(descriptor).st_ino, None)
            self.log.append(f"sync {synced.name if synced else ''}")

        os.write, os.fsync = note_write, note_fsync  # type: ignore[assignment]
        try:
            yield
        finally:
            os.write, os.fsync = write, fsync

    def unsaved(self) -> set[str]:
        """Return the names of what a power cut could take, but for notes that nobody would miss."""
        return {path.name for path in self._unsaved.values()} - {"work"}

    def make_dir(self, path: Path) -> None:
        made = [one for one in (path, *path.parents) if not one.exists()]
        super().make_dir(path)
        for one in made:
            self._named(one)

    def write_file(self, path: Path, data: bytes) -> None:
        existed, self._writing = path.exists(), path
        super().write_file(path, data)
        self._writing = None
        assert path.stat().st_ino not in self._unsaved, f"{path.name} is not on disk"
        if not existed and path.name != "lock.owner":  # a note to other writers
            self._named(path)
        self.log.append(f"write {path.name}")

    def append_file(self, path: Path, data: bytes) -> None:
        existed, self._writing = path.exists(), path
        super().append_file(path, data)
        self._writing = None
        assert path.stat().st_ino not in self._unsaved, f"{path.name} is not on disk"
        if not existed:
            self._named(path)

    def replace(self, source: Path, target: Path) -> None:
        inside = {one.stat().st_ino for one in (source, *source.rglob("*"))}
        assert not inside & self._unsaved.keys(), f"{target.name} is not on disk"
        if target.name == "CURRENT":
            assert not self.unsaved(), f"CURRENT names what may be lost: {self.unsaved()}"
        super().replace(source, target)
        self._named(target)
        self.log.append(f"rename {target.name}")

    def _named(self, path: Path) -> None:
        if path.suffix not in (".tmp", ".part"):  # the name it gets later is what counts
            self._unsaved[path.parent.stat().st_ino] = path.parent


def disk_full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse_to_read(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file, or a folder with all that is in it, refused as by its permissions: root has all of them."""

    def refusing(real: Callable[..., object], *, itself: bool) -> Callable[..., object]:
        def call(path: object, *given: object, **options: object) -> object:
            if isinstance(path, str | os.PathLike):
                asked = Path(path)
                if locked in asked.parents or (itself and asked == locked):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return real(path, *given, **options)

        return call

    for module, name in ((os, "open"), (os, "scandir"), (os, "listdir"), (io, "open")):
        monkeypatch.setattr(module, name, refusing(getattr(module, name), itself=True))
    monkeypatch.setattr(os, "stat", refusing(os.stat, itself=False))


def write_articles(folder: Path, articles: dict[str, str]) -> None:
    """Make ``folder`` hold just these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in articles.items():
        (folder / name).write_text(text, encoding="utf-8")


def article(number: int, words: int = 60) -> str:
    """A text of several sentences that differs from number to number."""
    subjects = ["harbour", "minister", "telescope", "glacier", "orchestra", "railway", "vaccine"]
    lines = [f"Report {number}", ""]
    for at in range(words // 10):
        subject = subjects[(number + at) % len(subjects)]
        lines.append(f"The {subject} of town {number * 31 + at} was seen by {at + 3} people today.")
    return "\n".join(lines) + "\n"
