"""An index on disk: whole generations, each verified before it is used, swapped in atomically.

::

    <index>/
      FOOTNOTE                 marks the folder as ours, and names the format
      CURRENT                  "gen-000007 <sha256 of its manifest>": the generation in use
      lock, lock.owner         the one writer's, and who it is
      encoders/<fingerprint>/  the question encoder, shared by generations
      work/                    finished vectors of a build under way
      gen-000007/              manifest.json, documents.jsonl, chunks.npy, vectors.faiss, lexical.npz

A generation is written beside the others and never changed; replacing ``CURRENT`` commits it. The
newest two are kept. A reader loads all of a generation into memory under a shared lock on its
manifest, and the writer removes only what nobody holds; afterwards readers need the disk no more.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shlex
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import faiss
import numpy as np
from filelock import Timeout

from index._fs import FileSystem
from index._journal import Journal
from index._manifest import FORMAT, Manifest, Part, Salvage, UnknownFormatError, salvage
from index._parts import (
    chunks_from_bytes,
    chunks_to_bytes,
    documents_from_bytes,
    documents_to_bytes,
)
from index._recipe import lexical_recipe, packages
from index.embed import Embedder, QuestionEncoder, passage_text
from index.errors import (
    EmbedderError,
    IndexDamaged,
    IndexError_,
    IndexForeign,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    IndexWriteError,
)
from index.lexical import LexicalIndex
from index.load import INDEX_MARKER
from index.types import Chunk, Document, Scores, Vectors

DEFAULT_PATH = Path(".footnote")
"""Where an index is that nobody gave another place."""

PARTS = ("chunks.npy", "documents.jsonl", "lexical.npz", "vectors.faiss")
"""The files of a generation, besides its manifest."""

MARKER = f"footnote index, format {FORMAT}\n".encode()
"""What the file `INDEX_MARKER` holds."""

_OWN = {INDEX_MARKER, "CURRENT", "CURRENT.tmp", "lock", "lock.owner", "encoders", "uploads", "work"}
_GENERATION = re.compile(r"gen-(\d{6,})")
_CURRENT = re.compile(rb"gen-(\d{6,}) ([0-9a-f]{64})\n")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

_LOCK_TIMEOUT = 0.5
"""Seconds a second writer waits before it is refused."""

_ATTEMPTS = 100
"""How often a reader starts again because the writer replaced what it was about to open."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with the index: ``path`` is relative to it, ``problem`` a short sentence.

    ``denied`` tells that permissions are in the way of what may be whole.
    """

    path: str
    problem: str
    denied: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@dataclass(frozen=True)
class Generation:
    """One whole, verified, immutable state of the index, in memory.

    Row ``i`` of ``vectors`` and of ``lexical`` belongs to ``chunks[i]``; chunks are in the order of
    their documents' sources, then of their starts. ``encoder_files`` are the question encoder's,
    empty if it has none or was not asked for. ``recovered_from`` says what was wrong with a newer
    generation that this one stands in for, and is ``None`` in the ordinary case; ``repair`` is then the
    command that makes a whole one.
    """

    number: int
    manifest: Manifest
    documents: tuple[Document, ...]
    chunks: tuple[Chunk, ...]
    vectors: faiss.IndexFlatIP = field(repr=False)
    lexical: LexicalIndex = field(repr=False)
    encoder_files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    recovered_from: str | None = None
    repair: str = ""
    token: str = ""

    @cached_property
    def encoder(self) -> QuestionEncoder | None:
        """The question encoder, loaded at the first use. Raises `EmbedderError`."""
        return QuestionEncoder(self.encoder_files) if self.encoder_files else None

    @cached_property
    def documents_by_id(self) -> Mapping[str, Document]:
        """The documents by their ids."""
        return {document.id: document for document in self.documents}

    def embeddings(self) -> Vectors:
        """Return a copy of the vectors, shape ``(len(chunks), dimension)``."""
        return self._rows.copy()

    def similarities(self, questions: Vectors) -> Scores:
        """Return the cosines of ``questions`` and all chunks, shape ``(len(questions), len(chunks))``.

        Fusing needs every passage's score, and for all of them one matrix product over FAISS' own
        memory took half to a seventh of the time of its search (20,000 chunks, 1 and 64 questions).
        """
        scores: Scores = questions @ self._rows.T
        return scores

    @cached_property
    def _rows(self) -> Vectors:
        """FAISS' own memory, not a copy: it must not outlive ``vectors``."""
        size, dimension = self.vectors.ntotal, self.vectors.d
        if not size:
            return np.zeros((0, dimension), dtype=np.float32)
        rows: Vectors = faiss.rev_swig_ptr(self.vectors.get_xb(), size * dimension)
        return rows.reshape(size, dimension)


class Store:
    """The index at ``path``. Reading needs nothing; writing needs `writer` around it.

    ``fs`` is what changes the disk; a test hands in one that fails.
    """

    def __init__(self, path: str | Path, fs: FileSystem | None = None) -> None:
        self.path = Path(path)
        self._fs = FileSystem() if fs is None else fs
        self._writing = False

    # Reading

    def current(self) -> str:
        """Return a token that changes with every commit, or ``""`` without an index. Cheap."""
        try:
            return (self.path / "CURRENT").read_bytes().decode("ascii", "replace").strip()
        except OSError:
            return ""

    def stamp(self) -> str:
        """Return a token that changes with any file that `open` may read. It reads none of them.

        A file whose size and time are what they were counts as unchanged.
        """
        folders = [self.path / _name(number) for number in self._numbers()]
        folders += _within(self.path / "encoders")
        files = [self.path / "CURRENT", self.path / INDEX_MARKER]
        files += [path for folder in folders for path in _within(folder)]
        seen = []
        for path in files:
            if path.suffix != ".tmp":
                with suppress(OSError):
                    about = path.stat()
                    seen.append(f"{path} {about.st_size} {about.st_mtime_ns} {about.st_ino}")
        return hashlib.sha256("\n".join(seen).encode(errors="surrogateescape")).hexdigest()

    def open(self, embedder: Embedder | None = None, *, encoder: bool = True) -> Generation:
        """Load the newest generation, every byte verified before anything interprets it.

        If it is damaged, the newest older one that verifies stands in, and says so in its
        ``recovered_from``. With an ``embedder`` the index must have been made with just that one.
        Its own question encoder is read unless an ``embedder`` is given or ``encoder`` is false.

        Raises `IndexMissing`, `IndexForeign`, `IndexDamaged` or `IndexMismatch`.
        """
        with_encoder = encoder and embedder is None
        for _ in range(_ATTEMPTS):
            token = self.current()
            self._look()
            generation, findings = self._newest(with_encoder)
            # Generations are immutable: if CURRENT has not moved meanwhile, what is wrong is damage.
            if (generation and not findings) or self.current() == token:
                break
        if generation is None:
            if not findings:
                raise self._missing()
            denied = next((finding for finding in findings if finding.denied), None)
            if denied is not None:
                raise IndexDamaged(
                    f"The index at '{self.path}' cannot be opened ({denied}); check who owns it."
                )
            raise IndexDamaged(
                f"The index at '{self.path}' is damaged ({findings[0]}) and no older generation "
                f"is whole; run `{self.rebuild_command()}`."
            )
        if embedder is not None:
            self.require_embedder(generation.manifest, embedder)
        if findings:
            problem = f"{findings[0]}; generation {generation.number} is used instead"
            repair = self.command("index")
            return replace(generation, recovered_from=problem, repair=repair, token=token)
        return replace(generation, token=token)

    def require_embedder(self, manifest: Manifest, embedder: Embedder) -> None:
        """Raise `IndexMismatch` unless the index was made with just this ``embedder``."""
        made_with = manifest.embedder
        if made_with.name != embedder.name:
            raise IndexMismatch(
                f"The index at '{self.path}' was made with the embedding model "
                f"'{made_with.name}', not '{embedder.name}'; use that one, or run "
                f"`{self.rebuild_command(embedder.name)}`."
            )
        if made_with.fingerprint != embedder.fingerprint:
            raise IndexMismatch(
                f"The index at '{self.path}' was made with another version of the embedding model "
                f"'{made_with.name}'; run `{self.rebuild_command()}`."
            )

    def salvage(self) -> Salvage:
        """Return what can be read of how the index was made, though it is damaged or another format's.

        The generation in use comes first, then newer before older, but whole manifests before others.
        """
        found = []
        for number in self._newest_first():
            with suppress(OSError):
                found.append(salvage((self.path / _name(number) / "manifest.json").read_bytes()))
        read = [one for one in found if one is not None]
        return next((one for one in read if one.whole), read[0] if read else Salvage())

    def command(self, *words: str) -> str:
        """Return Footnote's command of these words for this index, as it must be typed."""
        return " ".join(["footnote", *words, *self._option()])

    def rebuild_command(self, model: str | None = None) -> str:
        """Return the command that makes the index anew, as it must be typed: what is lost is asked for."""
        folders = [] if self.salvage().folders else ["FOLDER ..."]
        embedded = [] if model is None else [f"--model {shlex.quote(model)}"]
        return " ".join([self.command("index", "--rebuild", *folders), *embedded])

    def _option(self) -> list[str]:
        return [] if self.path == DEFAULT_PATH else [f"--index {shlex.quote(str(self.path))}"]

    def check(self) -> list[Finding]:
        """Verify every byte of every kept generation; return all that is wrong.

        Raises `IndexMissing` or `IndexForeign` if there is nothing to verify, `IndexDamaged` if it may not
        be looked into, and `IndexMismatch` for an index of another format.
        """
        for _ in range(_ATTEMPTS):
            token = self.current()
            findings = self._check()
            if not findings or self.current() == token:
                break
        return findings

    def verdict(self, findings: Sequence[Finding]) -> str:
        """Say in a sentence what the ``findings`` of `check` come to, and what to do."""
        denied = sum(finding.denied for finding in findings)
        if denied:
            return f"{denied} in '{self.path}' cannot be read; check who owns it."
        damaged = f"{len(findings)} damaged or missing in"
        try:
            generation = self.open()
        except IndexError_:
            return (
                f"{damaged} '{self.path}'; run `{self.rebuild_command()}` to make the index anew."
            )
        if generation.recovered_from is not None:
            return f"{damaged} '{self.path}'; run `{generation.repair}`."
        if all(finding.problem == _FOREIGN for finding in findings):
            return f"The index at '{self.path}' is whole; remove what does not belong to it."
        return (
            f"The index at '{self.path}' is whole; {damaged} the generation before it, which goes with "
            f"the next update that changes something, or now with `{self.rebuild_command()}`."
        )

    def exposure(self) -> str | None:
        """Say that other users can get at the index, as at one that was copied, and what to run."""
        if not self.path.stat().st_mode & 0o077:
            return None
        return (
            f"The folder of the index at '{self.path}' is open to other users; run "
            f"`chmod 700 {shlex.quote(str(self.path))}`."
        )

    # Writing

    @contextmanager
    def writer(self, *, make: bool = True) -> Iterator[None]:
        """Hold the index for writing, and make its folder if need be, unless ``make`` is false.

        Raises `IndexLocked` within a second if another process writes, and says which; a dead process
        holds nothing. Raises `IndexMissing` where none is made, `IndexForeign` or `IndexWriteError`.
        """
        with suppress(IndexDamaged, IndexMismatch, *([IndexMissing] if make else [])):
            self._look()
        owner = self.path / "lock.owner"
        about = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": _now(),
        }
        with self.write_errors():
            missing = [one for one in (self.path, *self.path.parents) if not one.exists()]
            self._fs.make_dir(self.path)
            for one in missing:
                self._fs.sync_dir(one.parent)
            try:
                lock = self._fs.lock(self.path / "lock", _LOCK_TIMEOUT)
            except Timeout as exc:
                raise IndexLocked(
                    f"The index at '{self.path}' is being written to by {_describe(owner)}; "
                    f"wait for it to end and run the command again."
                ) from exc
        try:
            with self.write_errors():
                self._fs.write_file(owner, json.dumps(about).encode())
            self._writing = True
            yield
        finally:
            self._writing = False
            with suppress(OSError):
                self._fs.remove_file(owner)
            lock.release()

    def commit(
        self,
        manifest: Manifest,
        documents: Sequence[Document],
        chunks: Sequence[Chunk],
        vectors: Vectors,
        lexical: LexicalIndex,
        *,
        encoder: Mapping[str, bytes] | None = None,
        base: int | None = None,
    ) -> int:
        """Write a generation and make it the current one; return its number. Needs `writer`.

        ``documents`` are sorted by source, ``chunks`` in their order and then by start; ``vectors``
        has shape ``(len(chunks), dimension)``. Number, date, counts and hashes of ``manifest`` are
        filled in; its ``encoder`` stands unless files of one are given. ``base`` is the generation
        this one was made from, which is kept beside it; all others go.

        Raises `IndexWriteError`; the current generation is then what it was.
        """
        self._require_writer()
        with self.write_errors():
            number = max(self._numbers(), default=0) + 1
            self.clean(base)
            if encoder is not None:
                manifest = replace(
                    manifest, encoder=self._put_encoder(manifest.embedder.fingerprint, encoder)
                )
            data = {
                "chunks.npy": chunks_to_bytes(documents, chunks),
                "documents.jsonl": documents_to_bytes(documents),
                "lexical.npz": lexical.to_bytes(),
                "vectors.faiss": _vectors_to_bytes(vectors, manifest.embedder.dimension),
            }
            manifest = replace(
                manifest,
                number=number,
                created=_now(),
                packages=packages(),
                documents=len(documents),
                chunks=len(chunks),
                parts={name: Part.of(data[name]) for name in PARTS},
            )
            folder = self.path / _name(number)
            try:
                self._write_generation(folder, manifest.to_bytes(), data)
                self._set_current(number, Part.of(manifest.to_bytes()).sha256)
            except BaseException:
                self.clean(base)
                raise
        self._confirm(number)
        self._remove({number, base})
        return number

    def rollback(self) -> int:
        """Make the newest older generation that is whole the current one; return its number.

        Raises `IndexMissing` if there is none, and what `writer` and `open` raise.
        """
        with self.writer(make=False):
            generation: Generation | None = self.open(encoder=False)
            assert generation is not None  # noqa: S101 - tells mypy
            current = generation.number
            if generation.recovered_from is None:
                older = (number for number in self._numbers() if number < current)
                loaded = (self._load(number, None, encoder=True)[0] for number in older)
                generation = next((one for one in loaded if one is not None), None)
            if generation is None:
                raise IndexMissing(
                    f"The index at '{self.path}' holds no generation older than {current} to go "
                    f"back to."
                )
            with self.write_errors():
                self._set_current(generation.number, Part.of(generation.manifest.to_bytes()).sha256)
            self._confirm(generation.number)
            return generation.number

    def clean(self, base: int | None = None) -> None:
        """Remove what interrupted writers left, as far as the disk lets it. Needs `writer`.

        What stays: the current generation, ``base``, and the newest older one.
        """
        self._require_writer()
        named = self._named()
        keep = {base, named[0] if named else None}
        newest = max((number for number in keep if number is not None), default=0)
        keep |= {max((n for n in self._numbers() if n < newest), default=None)}
        self._remove(keep)

    def journal(self, fingerprint: str, dimension: int) -> Journal:
        """Return the journal of finished vectors of one embedder. For the writer."""
        return Journal(self.path / "work", fingerprint, dimension, self._fs)

    def discard_work(self) -> None:
        """Remove the journals, as far as the disk lets it. Needs `writer`."""
        self._require_writer()
        if (self.path / "work").exists():
            self._discard(self.path / "work")

    @contextmanager
    def write_errors(self) -> Iterator[None]:
        """Turn every ``OSError`` within into an `IndexWriteError` that says what to do."""
        try:
            yield
        except OSError as exc:
            raise IndexWriteError(
                f"The index at '{self.path}' could not be written ({exc.strerror or exc}); what "
                f"was there before still stands. Free space or fix the permissions, then run the "
                f"command again."
            ) from exc

    def encoder(self, manifest: Manifest) -> QuestionEncoder | None:
        """Return the question encoder this manifest names, if there is one and it can be loaded.

        It is to embed passages, and takes all cores.
        """
        files, damage = self._read_encoder(manifest)
        try:
            return (
                QuestionEncoder(files, threads=os.cpu_count() or 1)
                if files and not damage
                else None
            )
        except EmbedderError:
            return None

    def encoder_intact(self, manifest: Manifest) -> bool:
        """Tell whether the question encoder this manifest names is on disk to the byte."""
        return not self._read_encoder(manifest)[1]

    def require_encoder(self, manifest: Manifest) -> None:
        """Raise `IndexDamaged` unless `encoder_intact`."""
        findings = self._read_encoder(manifest)[1]
        if any(finding.denied for finding in findings):
            raise IndexDamaged(
                f"The question encoder of the index at '{self.path}' cannot be read ({findings[0]}); "
                "check who owns it."
            )
        if findings:
            raise IndexDamaged(
                f"The question encoder of the index at '{self.path}' is damaged; run "
                f"`{self.rebuild_command()}` first."
            )

    # Looking at the folder as a whole

    def _look(self) -> None:
        """Raise unless this is a folder of ours that may hold an index of this format."""
        try:
            names = {entry.name for entry in self.path.iterdir()}
        except FileNotFoundError as exc:
            raise self._missing() from exc
        except NotADirectoryError as exc:
            raise IndexForeign(
                f"'{self.path}' is a file, not an index; name another place with `--index`."
            ) from exc
        except OSError as exc:
            raise self._unreadable(exc) from exc
        generations = any(_number(name) is not None for name in names)
        try:
            marker = (self.path / INDEX_MARKER).read_bytes()
        except PermissionError as exc:
            raise self._unreadable(exc) from exc
        except OSError:
            if not generations and any(n not in _OWN and not n.endswith(".tmp") for n in names):
                raise IndexForeign(
                    f"'{self.path}' holds files, but no Footnote index; name another folder with "
                    f"`--index`."
                ) from None
            marker = b""
        if marker == MARKER:
            return
        if not generations and "CURRENT" not in names:
            raise self._missing()
        if re.fullmatch(rb"footnote index, format \d+\n", marker):
            raise IndexMismatch(
                f"The index at '{self.path}' was made by another version of Footnote; run "
                f"`{self.rebuild_command()}`."
            )
        raise IndexDamaged(
            f"The index at '{self.path}' is damaged (its file {INDEX_MARKER} is not as it was written); "
            f"run `{self.rebuild_command()}`."
        )

    def _missing(self) -> IndexMissing:
        return IndexMissing(
            f"There is no index at '{self.path}'; run `{self.command('index', 'FOLDER')}` to make one."
        )

    def _unreadable(self, exc: OSError) -> _Unreadable:
        return _Unreadable(
            f"The index at '{self.path}' cannot be read ({exc.strerror}); check its path and who owns it."
        )

    def _numbers(self) -> list[int]:
        """Return the numbers of the generations on disk, newest first."""
        try:
            names = [path.name for path in self.path.iterdir()]
        except OSError:
            return []
        return sorted((n for n in map(_number, names) if n is not None), reverse=True)

    def _newest_first(self) -> list[int]:
        """Return the numbers on disk, newest first; those newer than CURRENT's at last."""
        named = self._named()
        return sorted(self._numbers(), key=lambda n: (bool(named and n > named[0]), -n))

    def _named(self) -> tuple[int, str] | None:
        """Return what CURRENT says: the number and its manifest's hash; ``None`` if it is torn."""
        try:
            found = _CURRENT.fullmatch((self.path / "CURRENT").read_bytes())
        except OSError:
            return None
        return (int(found[1]), found[2].decode()) if found else None

    def _current_finding(self) -> Finding:
        try:
            (self.path / "CURRENT").read_bytes()
        except FileNotFoundError:
            return Finding("CURRENT", _MISSING)
        except OSError as exc:
            return _unread("CURRENT", exc)
        return Finding("CURRENT", "is not as it was written")

    # Loading

    def _newest(self, encoder: bool) -> tuple[Generation | None, list[Finding]]:
        """Load what CURRENT names, or else the newest older generation that is whole.

        The findings say why it is not the one CURRENT names; none and no generation: no index.
        """
        named = self._named()
        findings: list[Finding] = []
        if named is not None:
            generation, findings = self._load(*named, encoder=encoder)
            if generation is not None:
                return generation, []
        elif (self.path / "CURRENT").exists():
            findings = [self._current_finding()]
        # CURRENT itself may be what is damaged, so newer ones are tried too, at last.
        for number in self._newest_first():
            generation, problems = self._load(number, None, encoder=encoder)
            if generation is not None:
                return generation, findings or [self._current_finding()]
            findings += (problem for problem in problems if problem not in findings)
        return None, findings

    def _load(
        self, number: int, sha256: str | None, *, encoder: bool
    ) -> tuple[Generation | None, list[Finding]]:
        """Load a generation, or return all that is wrong with it.

        ``sha256`` is its manifest's where CURRENT names it.
        """
        name = _name(number)
        manifest_name = f"{name}/manifest.json"
        try:
            with (self.path / manifest_name).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                content = file.read()
                try:
                    manifest = Manifest.from_bytes(content)
                except UnknownFormatError as exc:
                    raise IndexMismatch(
                        f"Generation {number} of the index at '{self.path}' was made by another "
                        f"version of Footnote; run `{self.rebuild_command()}`."
                    ) from exc
                except ValueError as exc:
                    return None, [Finding(manifest_name, f"is damaged: {exc}")]
                if manifest.number != number or set(manifest.parts) != set(PARTS):
                    return None, [Finding(manifest_name, "is another generation's")]
                if sha256 is not None and Part.of(content).sha256 != sha256:
                    return None, [Finding("CURRENT", f"does not fit {manifest_name}")]
                if not all(
                    _PLAIN_NAME.fullmatch(one)
                    for one in (*manifest.encoder, manifest.embedder.fingerprint)
                ):
                    return None, [Finding(manifest_name, "names files outside of the index")]
                parts, findings = self._read_parts(name, manifest.parts)
                files: Mapping[str, bytes] = {}
                if encoder:
                    files, more = self._read_encoder(manifest)
                    findings += more
        except FileNotFoundError:
            return None, [Finding(manifest_name, _MISSING)]
        except OSError as exc:
            return None, [_unread(manifest_name, exc)]
        if findings:
            return None, findings
        try:
            return _assemble(manifest, parts, files), []
        except (IndexError_, LookupError, ValueError, TypeError, RuntimeError) as exc:
            return None, [Finding(name, f"cannot be understood: {exc}")]

    def _read_parts(
        self, folder: str, parts: Mapping[str, Part]
    ) -> tuple[dict[str, bytes], list[Finding]]:
        """Read files that must be what ``parts`` says; return those that are, and the findings."""
        read: dict[str, bytes] = {}
        findings: list[Finding] = []
        for name, part in parts.items():
            path = f"{folder}/{name}"
            try:
                data = (self.path / path).read_bytes()
            except FileNotFoundError:
                findings.append(Finding(path, _MISSING))
            except OSError as exc:
                findings.append(_unread(path, exc))
            else:
                if len(data) != part.size:
                    findings.append(Finding(path, f"has {len(data)} bytes instead of {part.size}"))
                elif Part.of(data) != part:
                    findings.append(Finding(path, "holds other bytes than were written"))
                else:
                    read[name] = data
        return read, findings

    def _read_encoder(self, manifest: Manifest) -> tuple[dict[str, bytes], list[Finding]]:
        return self._read_parts(_encoder_folder(manifest.embedder.fingerprint), manifest.encoder)

    def _check(self) -> list[Finding]:
        findings: list[Finding] = []
        try:
            self._look()
        except _Unreadable:
            raise
        except IndexDamaged:
            findings.append(Finding(INDEX_MARKER, "is not as it was written"))
        named = self._named()
        numbers = self._numbers()
        if named is None:
            if not numbers and not (self.path / "CURRENT").exists():
                raise self._missing()
            findings.append(self._current_finding())
        elif named[0] not in numbers:
            findings.append(Finding("CURRENT", f"names {_name(named[0])}, which is missing"))
        for number in numbers:
            # A newer one than CURRENT names was never committed, or was rolled back.
            if named is None or number <= named[0]:
                is_current = named is not None and number == named[0]
                sha256 = named[1] if named and is_current else None
                generation, problems = self._load(number, sha256, encoder=True)
                if generation is not None:
                    folder = self.path / _name(number)
                    extra = {path.name for path in _within(folder)} - {*PARTS, "manifest.json"}
                    problems = [
                        Finding(f"{folder.name}/{name}", _FOREIGN) for name in sorted(extra)
                    ]
                findings += (p for p in problems if p not in findings)
        return findings

    # Changing the disk

    def _require_writer(self) -> None:
        if not self._writing:
            raise RuntimeError("the index may be changed only inside `with store.writer()`")

    def _write_generation(self, folder: Path, manifest: bytes, data: Mapping[str, bytes]) -> None:
        marker = self.path / INDEX_MARKER
        if not marker.exists() or marker.read_bytes() != MARKER:
            self._fs.write_file(self.path / f"{INDEX_MARKER}.tmp", MARKER)
            self._fs.replace(self.path / f"{INDEX_MARKER}.tmp", marker)
        # Under another name until all of it is there: what is called a generation is a whole one.
        unfinished = folder.with_name(f"{folder.name}.tmp")
        self._fs.make_dir(unfinished)
        for name in PARTS:
            self._fs.write_file(unfinished / name, data[name])
        self._fs.write_file(unfinished / "manifest.json", manifest)
        self._fs.sync_dir(unfinished)
        self._fs.replace(unfinished, folder)
        self._fs.sync_dir(self.path)

    def _set_current(self, number: int, sha256: str) -> None:
        temporary = self.path / "CURRENT.tmp"
        self._fs.write_file(temporary, f"{_name(number)} {sha256}\n".encode())
        self._fs.replace(temporary, self.path / "CURRENT")

    def _confirm(self, number: int) -> None:
        """Wait until the disk holds what CURRENT says now; it stands even if that fails."""
        try:
            self._fs.sync_dir(self.path)
        except OSError as exc:
            raise IndexWriteError(
                f"Generation {number} of the index at '{self.path}' is in use, but the disk did "
                f"not confirm that it will outlast a power cut ({exc.strerror}); check the disk."
            ) from exc

    def _put_encoder(self, fingerprint: str, files: Mapping[str, bytes]) -> dict[str, Part]:
        """Bring the encoder's files to disk where they are not there already."""
        parts = {name: Part.of(data) for name, data in files.items()}
        relative = _encoder_folder(fingerprint)
        present, _ = self._read_parts(relative, parts)
        folder = self.path / relative
        if files:
            self._fs.make_dir(self.path / "encoders")
            self._fs.make_dir(folder)
        for name in sorted(set(files) - set(present)):
            self._fs.write_file(folder / f"{name}.tmp", files[name])
            self._fs.replace(folder / f"{name}.tmp", folder / name)
        if set(files) - set(present):
            self._fs.sync_dir(folder)
            self._fs.sync_dir(folder.parent)
        return parts

    def _remove(self, keep: Collection[int | None]) -> None:
        """Remove leavings, generations not in ``keep``, and encoders no generation names."""
        for path in sorted(self.path.glob("*.tmp")):
            self._discard(path)
        for number in self._numbers():
            if number not in keep:
                self._retire(self.path / _name(number))
        self._remove_unused_encoders()

    def _remove_unused_encoders(self) -> None:
        used = set()
        for number in self._numbers():
            try:
                content = json.loads((self.path / _name(number) / "manifest.json").read_bytes())
                used.add(_encoder_folder(content["embedder"]["fingerprint"]))
            except (OSError, ValueError, KeyError, TypeError):
                return  # it cannot be asked which encoder it needs
        for path in sorted(self.path.glob("encoders/*")):
            if f"encoders/{path.name}" not in used:
                self._discard(path)

    def _retire(self, folder: Path) -> None:
        """Remove a generation unless a reader is just loading it."""
        try:
            with (folder / "manifest.json").open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._rename_and_discard(folder)
        except OSError:  # damaged: nobody reads it
            self._rename_and_discard(folder)

    def _rename_and_discard(self, folder: Path) -> None:
        # Renamed first, so that half a generation is never taken for a damaged one.
        leaving = folder.with_name(f"{folder.name}.tmp")
        with suppress(OSError):
            self._fs.replace(folder, leaving)
            self._discard(leaving)

    def _discard(self, path: Path) -> None:
        """Remove a file or a folder; what cannot be removed is left to the next writer."""
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                self._fs.remove_tree(path)
            else:
                self._fs.remove_file(path)


_MISSING = "is missing"
_FOREIGN = "does not belong to the index"


class _Unreadable(IndexDamaged):
    """The folder of the index, or its marker, cannot be read: nothing is known of the rest."""


def _unread(path: str, exc: OSError) -> Finding:
    return Finding(path, f"cannot be read: {exc.strerror}", isinstance(exc, PermissionError))


def _within(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted; nothing if it has just gone (`Path.glob` would raise)."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _name(number: int) -> str:
    return f"gen-{number:06d}"


def _number(name: str) -> int | None:
    found = _GENERATION.fullmatch(name)
    return int(found[1]) if found and _name(int(found[1])) == name else None


def _encoder_folder(fingerprint: str) -> str:
    return f"encoders/{fingerprint[:12]}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _describe(owner: Path) -> str:
    try:
        about = json.loads(owner.read_bytes())
        return f"process {about['pid']} on {about['host']} since {about['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _vectors_to_bytes(vectors: Vectors, dimension: int) -> bytes:
    flat = faiss.IndexFlatIP(dimension)
    if len(vectors):
        flat.add(np.ascontiguousarray(vectors, dtype=np.float32))
    return bytes(faiss.serialize_index(flat))


def _lexical(
    manifest: Manifest, data: bytes, documents: Sequence[Document], chunks: Sequence[Chunk]
) -> LexicalIndex:
    """Read the word lists, or make them anew: words of a question must be sought in lists of its kind.

    They are made in memory, until the next update writes them: 10,000 passages took 1.5 s of one core.
    """
    if manifest.recipe.get("lexical") == lexical_recipe():
        return LexicalIndex.from_bytes(data)
    titles = {document.id: document.title for document in documents}
    return LexicalIndex.build([passage_text(titles[c.doc_id], c.text) for c in chunks])


def _assemble(
    manifest: Manifest, parts: Mapping[str, bytes], encoder_files: Mapping[str, bytes]
) -> Generation:
    """Build a generation from verified bytes; raises ``ValueError`` if the parts do not agree."""
    documents = documents_from_bytes(parts["documents.jsonl"])
    chunks = chunks_from_bytes(parts["chunks.npy"], documents)
    vectors = faiss.deserialize_index(np.frombuffer(parts["vectors.faiss"], dtype=np.uint8))
    if not isinstance(vectors, faiss.IndexFlatIP):
        raise ValueError(f"vectors.faiss holds a {type(vectors).__name__}, not an IndexFlatIP")  # noqa: TRY004
    lexical = _lexical(manifest, parts["lexical.npz"], documents, chunks)
    counts = (len(documents), len(chunks), vectors.ntotal, len(lexical), vectors.d)
    expected = (
        manifest.documents,
        manifest.chunks,
        manifest.chunks,
        manifest.chunks,
        manifest.embedder.dimension,
    )
    if counts != expected:
        raise ValueError(
            f"documents, chunks, vectors, texts and dimension are {counts}, not {expected}"
        )
    return Generation(
        number=manifest.number,
        manifest=manifest,
        documents=documents,
        chunks=chunks,
        vectors=vectors,
        lexical=lexical,
        encoder_files=encoder_files,
    )
