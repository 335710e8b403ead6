"""Finished vectors of a build that has not been committed yet, so that no work is done twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from index._fs import FileSystem
from index.types import Vectors

_KEY = 32
_CHECKSUM = 16


class Journal:
    """Vectors by key (32 bytes), in files of records ``key, float32 vector, checksum``.

    A record is valid by itself: torn tails, damaged records and files that cannot be read are passed
    over, and only vectors of the embedder with this ``fingerprint`` and ``dimension`` are read. Each
    run appends to a file of its own, so a torn tail stays the last thing in its file. For one writer
    at a time.
    """

    def __init__(self, folder: Path, fingerprint: str, dimension: int, fs: FileSystem) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._dimension = dimension
        self._fs = fs
        self._stem = f"{fingerprint[:12]}-{dimension}"
        self._file: Path | None = None

    def read(self) -> dict[bytes, Vectors]:
        """Return every vector that was written whole, shape ``(dimension,)``, by its key."""
        found: dict[bytes, Vectors] = {}
        size = _KEY + 4 * self._dimension + _CHECKSUM
        for path in sorted(self._folder.glob(f"{self._stem}-*.vectors")):
            try:
                data = path.read_bytes()
            except OSError:  # what it held is embedded again
                continue
            for at in range(0, len(data) - size + 1, size):
                body = data[at : at + size - _CHECKSUM]
                if self._checksum(body) == data[at + size - _CHECKSUM : at + size]:
                    found[body[:_KEY]] = np.frombuffer(body[_KEY:], dtype="<f4")
        return found

    def add(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Append ``vectors``; they are on disk when this returns. Raises ``OSError``."""
        if self._file is None:
            self._fs.make_dir(self._folder)
            taken = len(list(self._folder.glob(f"{self._stem}-*.vectors")))
            self._file = self._folder / f"{self._stem}-{taken:06d}.vectors"
        bodies = (key + vector.astype("<f4").tobytes() for key, vector in vectors.items())
        self._fs.append_file(self._file, b"".join(body + self._checksum(body) for body in bodies))

    def _checksum(self, body: bytes) -> bytes:
        return hashlib.sha256(self._fingerprint.encode() + body).digest()[:_CHECKSUM]
