"""The one seam through which the index changes the disk, so that a test can cut at each operation."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from filelock import BaseFileLock, FileLock

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


class FileSystem:
    """Every change that the index makes on disk is one call of a method here.

    All methods raise ``OSError``. A written file has reached the disk when the call returns; its
    name has when `sync_dir` of its folder returns.
    """

    def make_dir(self, path: Path) -> None:
        """Make ``path`` and what is missing above it; only its owner may enter it."""
        path.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o777 != _DIRECTORY_MODE:
            path.chmod(_DIRECTORY_MODE)

    def write_file(self, path: Path, data: bytes) -> None:
        """Make or overwrite ``path`` with ``data`` and wait until the disk holds it."""
        self._write(path, data, os.O_CREAT | os.O_TRUNC)

    def append_file(self, path: Path, data: bytes) -> None:
        """Add ``data`` at the end of ``path`` (made if need be) and wait until the disk holds it."""
        self._write(path, data, os.O_CREAT | os.O_APPEND)

    def replace(self, source: Path, target: Path) -> None:
        """Give ``source`` the name ``target``, atomically."""
        source.replace(target)

    def remove_file(self, path: Path) -> None:
        """Remove a file or a link."""
        path.unlink()

    def remove_dir(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and what is in it, one operation an entry; links are not followed."""
        for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                self.remove_tree(Path(entry.path))
            else:
                self.remove_file(Path(entry.path))
        self.remove_dir(path)

    def sync_dir(self, path: Path) -> None:
        """Wait until the disk holds the names in a folder."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, path: Path, timeout: float) -> BaseFileLock:
        """Return the lock, held; `filelock.Timeout` after ``timeout`` seconds.

        The kernel drops it when its process ends, however it ends.
        """
        lock = FileLock(path, mode=_FILE_MODE, thread_local=False)
        lock.acquire(timeout=timeout)
        return lock

    def _write(self, path: Path, data: bytes, flags: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, _FILE_MODE)
        try:
            rest = memoryview(data)
            while rest:
                written = os.write(descriptor, rest)
                if written <= 0:
                    raise OSError(errno.EIO, "The disk took no more bytes", str(path))
                rest = rest[written:]
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def _sync(self, descriptor: int) -> None:
        os.fsync(descriptor)
