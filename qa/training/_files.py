"""Files that a run leaves, whole or not at all."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from index.errors import ConfigError
from qa.reader import MANIFEST

CHECKPOINT = "checkpoint.safetensors"
"""Where a run of `fit` is, until it has ended."""


def check_folder(path: Path) -> None:
    """Raise `ConfigError` where no file ``path`` can be: said before hours of work, not after."""
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file to write.")
    if not path.absolute().parent.is_dir():
        raise ConfigError(
            f"There is no folder {path.parent} to write {path.name} in; make it, or name another."
        )


def check_unused(folder: Path) -> None:
    """Raise `ConfigError` where ``folder`` holds a model or a run, which what is written there would overwrite."""
    if any((folder / name).exists() for name in ("config.json", CHECKPOINT, MANIFEST)):
        raise ConfigError(f"{folder} holds a model already; name another folder.")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a library raises within, of a checkpoint it cannot use, into a `ConfigError` that names ``path``."""
    try:
        yield
    except Exception as exc:  # transformers and tokenizers raise all kinds, bare ones too
        raise ConfigError(
            f"The checkpoint {path} cannot be read ({type(exc).__name__}: {brief(exc)}); copy it there "
            "anew, or name another."
        ) from exc


def brief(exc: Exception) -> str:
    """Return what a library says in one line; some list every weight."""
    return textwrap.shorten(str(exc), 200, placeholder=" ...")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses within into a `ConfigError` that names ``path``."""
    try:
        yield
    except (OSError, SafetensorError) as exc:
        raise ConfigError(
            f"{path} could not be written ({getattr(exc, 'strerror', None) or exc}); free space, or "
            "name another place."
        ) from exc


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, whatever happens meanwhile. Raises `ConfigError`."""
    scratch = path.with_name(f"{path.name}.tmp")
    with writing(path):
        try:
            with scratch.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        except OSError:
            with suppress(OSError):
                scratch.unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
