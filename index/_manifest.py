"""What a generation says about itself: how it was made, from which files, and its parts' hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from index._formats.parsed import Columns
from index._recipe import Recipe
from index.types import Skipped

FORMAT = 1
"""Version of the layout on disk."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the index as it was written: its length in bytes and its hexadecimal SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, data: bytes) -> Part:
        """Describe ``data``."""
        return cls(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """The embedding model the vectors come from."""

    name: str
    fingerprint: str
    dimension: int


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """A folder the index follows: sources in it begin with ``label/``.

    ``path`` is absolute, or relative to the folder that holds the index.
    ``removed`` maps sources that were taken out by hand to the SHA-256 of their bytes; they stay
    out until the bytes change or they are restored. ``columns`` are those of its tables, none in an index from before they
    could be named.
    """

    path: str
    label: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was read: its bytes, the ids of its documents, and what in it was skipped.

    ``sha256`` is empty where the file is to be read again even if its bytes do not change.
    ``mtime_ns`` is when it had last changed, in nanoseconds since 1970, as of its indexing.
    """

    sha256: str
    size: int
    mtime_ns: int
    documents: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """How a generation was made, and the size and hash of each of its parts.

    ``recipe`` is empty in an index from before there were recipes; ``loader_version``, a part of it now,
    stays for the versions of Footnote that read only that.
    ``files`` are by source. ``skipped`` are files that could not be opened at all; what was skipped
    inside a file is in its record. ``parts`` are the files of the generation's folder, ``encoder``
    those of the question encoder that it shares with other generations (empty if it has none).
    """

    embedder: EmbedderRecord
    chunking: Mapping[str, int]
    loader_version: int
    recipe: Recipe = field(default_factory=dict)
    folders: tuple[FolderRecord, ...] = ()
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    number: int = 0
    created: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    documents: int = 0
    chunks: int = 0
    parts: Mapping[str, Part] = field(default_factory=dict)
    encoder: Mapping[str, Part] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the JSON form, which holds a SHA-256 of the rest of itself."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "number": self.number,
            "created": self.created,
            "embedder": {
                "name": self.embedder.name,
                "fingerprint": self.embedder.fingerprint,
                "dimension": self.embedder.dimension,
            },
            "chunking": dict(self.chunking),
            "loader_version": self.loader_version,
            "recipe": {stage: dict(versions) for stage, versions in self.recipe.items()},
            "packages": dict(self.packages),
            "folders": [
                {
                    "path": folder.path,
                    "label": folder.label,
                    "include": list(folder.include),
                    "exclude": list(folder.exclude),
                    "removed": dict(folder.removed),
                    "columns": {"title": folder.columns.title, "text": folder.columns.text},
                }
                for folder in self.folders
            ],
            "files": {
                source: {
                    "sha256": record.sha256,
                    "size": record.size,
                    "mtime_ns": record.mtime_ns,
                    "documents": list(record.documents),
                    "skipped": _skipped_to_json(record.skipped),
                }
                for source, record in self.files.items()
            },
            "skipped": _skipped_to_json(self.skipped),
            "documents": self.documents,
            "chunks": self.chunks,
            "parts": _parts_to_json(self.parts),
            "encoder": _parts_to_json(self.encoder),
        }
        content["checksum"] = hashlib.sha256(_render(content)).hexdigest()
        return _render(content)

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read what `to_bytes` gave, to the byte.

        Raises ``ValueError`` if anything else is found, and `UnknownFormatError` if it is a whole
        manifest of another format.
        """
        try:
            content = json.loads(data)
            checksum = content.pop("checksum")
            if checksum != hashlib.sha256(_render(content)).hexdigest():
                raise ValueError("its checksum does not fit")
            if _render({**content, "checksum": checksum}) != data:
                raise ValueError("it is not as it was written")
            if content["format"] != FORMAT:
                raise UnknownFormatError(content["format"])
            return cls(
                number=int(content["number"]),
                created=str(content["created"]),
                embedder=EmbedderRecord(**content["embedder"]),
                chunking=content["chunking"],
                loader_version=int(content["loader_version"]),
                recipe=content.get("recipe", {}),
                packages=content["packages"],
                folders=tuple(
                    FolderRecord(
                        path=folder["path"],
                        label=folder["label"],
                        include=tuple(folder["include"]),
                        exclude=tuple(folder["exclude"]),
                        removed=folder["removed"],
                        columns=Columns(**folder.get("columns", {})),
                    )
                    for folder in content["folders"]
                ),
                files={
                    source: FileRecord(
                        sha256=record["sha256"],
                        size=record["size"],
                        mtime_ns=record["mtime_ns"],
                        documents=tuple(record["documents"]),
                        skipped=_skipped_from_json(record["skipped"]),
                    )
                    for source, record in content["files"].items()
                },
                skipped=_skipped_from_json(content["skipped"]),
                documents=int(content["documents"]),
                chunks=int(content["chunks"]),
                parts={name: Part(**part) for name, part in content["parts"].items()},
                encoder={name: Part(**part) for name, part in content["encoder"].items()},
            )
        except (TypeError, KeyError, AttributeError, RecursionError) as exc:
            raise ValueError("it does not have the expected fields") from exc


@dataclass(frozen=True, slots=True)
class Salvage:
    """What of a manifest is enough to make its index anew.

    ``embedder`` is the model's name. ``whole`` tells whether the manifest is as it was written.
    """

    folders: tuple[FolderRecord, ...] = ()
    embedder: str | None = None
    whole: bool = False


def salvage(data: bytes) -> Salvage | None:
    """Read what can be read of a manifest that is damaged, or of another format."""
    try:
        content = json.loads(data)
        checksum = content.pop("checksum", None)
        folders = tuple(
            FolderRecord(
                path=_text(folder["path"]),
                label=_text(folder["label"]),
                include=tuple(map(_text, _list(folder.get("include", [])))),
                exclude=tuple(map(_text, _list(folder.get("exclude", [])))),
                removed={_text(k): _text(v) for k, v in folder.get("removed", {}).items()},
                columns=_columns(folder.get("columns", {})),
            )
            for folder in _list(content["folders"])
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    labels = {folder.label for folder in folders}
    if len(labels) < len(folders) or not all(label and "/" not in label for label in labels):
        return None
    embedder = content.get("embedder")
    name = embedder.get("name") if isinstance(embedder, dict) else None
    whole = checksum == hashlib.sha256(_render(content)).hexdigest()
    return Salvage(folders, name if isinstance(name, str) else None, whole)


def _columns(value: Any) -> Columns:
    names = {role: None if name is None else _text(name) for role, name in value.items()}
    return Columns(**names)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


class UnknownFormatError(Exception):
    """A whole manifest, but of another format than `FORMAT`."""


def _render(content: Mapping[str, Any]) -> bytes:
    # Without an indent, which would put json's ten times slower pure Python encoder to work.
    return json.dumps(content, sort_keys=True).encode("ascii") + b"\n"


def _parts_to_json(parts: Mapping[str, Part]) -> dict[str, dict[str, Any]]:
    return {name: {"size": part.size, "sha256": part.sha256} for name, part in parts.items()}


def _skipped_to_json(skipped: tuple[Skipped, ...]) -> list[list[str]]:
    return [[one.source, one.reason] for one in skipped]


def _skipped_from_json(rows: list[list[str]]) -> tuple[Skipped, ...]:
    return tuple(Skipped(source, reason) for source, reason in rows)
