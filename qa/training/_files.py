"""Files that a run leaves, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from index.errors import ConfigError


def check_folder(path: Path) -> None:
    """Raise `ConfigError` where there is no folder to write ``path`` in: said before hours of work, not after."""
    if not path.absolute().parent.is_dir():
        raise ConfigError(
            f"There is no folder {path.parent} to write {path.name} in; make it, or name another."
        )


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whatever happens meanwhile."""
    scratch = path.with_name(f"{path.name}.tmp")
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
