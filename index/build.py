"""Folders to a new generation of the index, re-using whatever has not changed."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path, PurePath
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np

from index._fs import FileSystem
from index._manifest import EmbedderRecord, FileRecord, FolderRecord, Manifest, Part
from index._recipe import lexical_recipe, recipe
from index.chunk import CHUNKER_VERSION, ChunkConfig, chunk_document
from index.duplicates import Duplicate, find_duplicates
from index.embed import DEFAULT_MODEL, Embedder, SentenceEmbedder, passage_text
from index.errors import (
    ConfigError,
    EmbedderError,
    IndexDamaged,
    IndexMismatch,
    IndexMissing,
    LoadError,
)
from index.lexical import LexicalIndex
from index.load import (
    INDEX_MARKER,
    LOADER_VERSION,
    Columns,
    LoadLimits,
    Sandbox,
    SourceFile,
    find_files,
    is_of_hidden_files,
    is_table,
    load_file,
    name_on_disk,
    printable,
)
from index.store import Generation, Store
from index.types import ROW, Chunk, Document, Skipped, Vectors

EMBED_BATCH = 64
"""Texts embedded between two entries in the journal: two seconds of work on two cores."""

_REMOVED = "was removed from the index; it comes back when it changes"

_STAY = "; its articles stay in the index (an update with `--yes` takes them out)"
"""Names no index: it is stored, and where an index is named differently nothing has changed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: files read, chunks embedded, or the generation written."""

    stage: Literal["read", "embed", "write"]
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an update did, or would do.

    ``added``, ``changed`` and ``removed`` are sources of files, ``unchanged`` counts them; a file
    without any document counts as none. ``skipped`` holds everything that stands in a folder and
    is not in the index. ``documents`` and ``chunks`` count what the index now holds, ``embedded`` the
    texts embedded by this run and ``reused`` the chunks that needed no embedding; in a dry run these
    three are 0. ``generation`` is the current one's number (0: none), ``written`` whether it is new.
    ``duplicates`` are the near-duplicates in which a document that is new or has changed takes part.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    skipped: tuple[Skipped, ...]
    documents: int
    chunks: int
    embedded: int
    reused: int
    seconds: float
    generation: int
    written: bool
    duplicates: tuple[Duplicate, ...] = ()


@runtime_checkable
class ExportsEncoder(Protocol):
    """An embedder whose questions can be embedded by files that are stored with the index."""

    def export_encoder(self) -> dict[str, bytes]:
        """Return the files of a `QuestionEncoder`; none if that is not possible."""


@dataclass(frozen=True)
class _Contents:
    """What the folders hold: file records and their documents, both by the files' sources."""

    folders: tuple[FolderRecord, ...]
    files: Mapping[str, FileRecord]
    documents: Mapping[str, tuple[Document, ...]]
    skipped: tuple[Skipped, ...]

    @classmethod
    def of(cls, base: Generation | None) -> _Contents:
        if base is None:
            return cls((), {}, {}, ())
        by_id = base.documents_by_id
        files = base.manifest.files
        documents = {s: tuple(by_id[i] for i in r.documents) for s, r in files.items()}
        return cls(base.manifest.folders, files, documents, base.manifest.skipped)

    def file_of(self, row: str) -> str | None:
        """Return the source of the table that a row with this source is in."""
        holding = (s for s, group in self.documents.items() for one in group if one.source == row)
        return next(holding, None)

    def all_documents(self) -> list[Document]:
        """Return the documents in the order of the index: by source."""
        every = (document for group in self.documents.values() for document in group)
        return sorted(every, key=lambda document: document.source)

    def all_skipped(self) -> tuple[Skipped, ...]:
        inside = (one for record in self.files.values() for one in record.skipped)
        return tuple(sorted((*self.skipped, *inside), key=lambda one: one.source))

    def says_the_same(self, other: _Contents) -> bool:
        """Tell whether nothing differs but hidden files, and when files were last touched."""

        def untimed(files: Mapping[str, FileRecord]) -> dict[str, FileRecord]:
            return {source: replace(record, mtime_ns=0) for source, record in files.items()}

        def without_hidden(skipped: Sequence[Skipped]) -> list[Skipped]:
            # Editors make and remove them all day.
            return [one for one in skipped if not is_of_hidden_files(one)]

        return (
            self.folders == other.folders
            and without_hidden(self.skipped) == without_hidden(other.skipped)
            and untimed(self.files) == untimed(other.files)
            and self.documents == other.documents
        )


def update_index(
    index_dir: str | Path,
    folders: Sequence[str | Path] = (),
    *,
    embedder: Embedder | None = None,
    chunking: ChunkConfig | None = None,
    rebuild: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    columns: Columns | None = None,
    restore: Sequence[str | Path] = (),
    confirm: bool = False,
    dry_run: bool = False,
    progress: Callable[[Progress], None] | None = None,
    limits: LoadLimits | None = None,
    fs: FileSystem | None = None,
) -> BuildReport:
    """Bring the index at ``index_dir`` to what stands in its folders; make it if there is none.

    ``folders`` are added, or updated if the index follows them already; the others it follows are
    left as they are. Without ``folders`` all of them are updated. ``include`` and ``exclude``
    (patterns as in `find_files`) hold for the named folders and are remembered, both together; without any, those
    remembered hold, unless a ``rebuild`` names the folder anew. So do ``columns`` (title and text
    together), and the folder's tables are parsed again when they change. The files of ``restore`` are
    taken in though they were taken out by `remove_from_index`. A file whose bytes have not
    changed is not parsed again, a text that was embedded before is not embedded again, and without any
    change nothing is written, but for a question encoder that is damaged. Without an ``embedder`` it is the model
    that the index was made with, `DEFAULT_MODEL` for a new one. New passages are embedded by the index's own question encoder, which is made with
    the index; where it has one, only the name of ``embedder`` is used, so a lazy one loads no model.
    What was made with other versions of a parser, of the chunker or of the word lists' tokenizer is made
    anew with today's (`index._recipe`). ``rebuild`` re-uses nothing but the list of folders, which it
    also reads from an index that is damaged or of another format, and what an interrupted run has
    finished; it is how to change embedder or ``chunking``. With ``dry_run`` nothing is written, chunked or embedded.

    An update that would take more than half of the documents out raises `ConfigError` unless
    ``confirm`` is true; moved files do not count. Unless it is, the articles of a followed folder that cannot
    be listed, or has become empty, stay, which ``skipped`` says, if any other can be; so do those of a file or
    subfolder that is there and cannot be opened, or of a file that changes while it is read. Raises also `ConfigError` for a folder that cannot
    be read or none at all, `IndexMismatch` for another embedder or ``chunking``, `IndexDamaged`,
    `IndexForeign`, `IndexLocked`, `IndexWriteError`, and what the embedder raises.
    """
    for name, given in (
        ("folders", folders),
        ("include", include),
        ("exclude", exclude),
        ("restore", restore),
    ):
        _require_list(name, given)
    started = time.perf_counter()
    report = progress or _silent
    chunking = chunking or ChunkConfig()
    store = Store(index_dir, fs)
    with nullcontext() if dry_run else store.writer():
        base, before = _open_base(store, rebuild)
        if embedder is None:
            known = store.salvage().embedder if base is None else base.manifest.embedder.name
            embedder = SentenceEmbedder(known or DEFAULT_MODEL)
        if base is not None and not rebuild:
            _require_settings(store, base.manifest, embedder.name, chunking)
        today = recipe(LOADER_VERSION, CHUNKER_VERSION)
        # An index from before there were recipes took its passages as version 1 does.
        made_by = {"embed": {"passage": "1"}, **({} if base is None else base.manifest.recipe)}
        stale = {stage for stage in today if made_by.get(stage) != today[stage]}
        # An older generation that stands in may be behind in any folder.
        whole = rebuild or (
            base is not None and ("load" in stale or base.recovered_from is not None)
        )
        followed, in_scope = _choose_folders(
            store.path, before.folders, folders, include, exclude, columns, rebuild
        )
        if restore:
            followed = [_restore(folder, restore, store.path) for folder in followed]
        if base is None and not confirm:
            _require_salvaged(before.folders, store.path)
        contents, some_stay = _read_folders(
            store.path,
            before,
            followed,
            {folder.label for folder in followed} if whole else in_scope,
            trust_hashes=not whole,
            drop_absent=confirm,
            limits=limits or LoadLimits(),
            report=report,
        )
        if not confirm:
            _require_most_to_stay(before, contents, store.command("index"))
        changes = _compare(before, contents)
        unchanged = (
            base is not None
            and not whole
            and not stale
            and base.recovered_from is None
            and contents.says_the_same(before)
            and store.encoder_intact(base.manifest)
        )
        if not unchanged:
            changes = replace(changes, duplicates=_duplicates(before, contents))
        if dry_run or unchanged:
            if base is not None and not dry_run:
                store.clean(base.number)
                store.discard_work()
            return replace(
                changes,
                chunks=len(base.chunks) if base is not None and unchanged else 0,
                reused=len(base.chunks) if base is not None and unchanged else 0,
                generation=0 if base is None else base.number,
                seconds=time.perf_counter() - started,
            )
        source = None if rebuild else base
        documents = contents.all_documents()
        chosen = cache(partial(_embedder_of, store, source, embedder))
        chunks = _chunk(source, documents, chosen, chunking, reuse="chunk" not in stale)
        record = (
            EmbedderRecord(embedder.name, embedder.fingerprint, embedder.dimension)
            if (source is None)
            else source.manifest.embedder
        )
        texts = _texts(documents, chunks)
        vectors, embedded = _embed(store, source, texts, chosen, report, reuse="embed" not in stale)
        parts, files = _encoder(store, base, record, embedder, rebuild=rebuild)
        manifest = Manifest(
            embedder=record,
            chunking=asdict(chunking),
            loader_version=LOADER_VERSION,
            # What stays without being read was not made as today's; it is read when its folder is back.
            recipe={**today, "load": made_by.get("load", {})} if whole and some_stay else today,
            folders=contents.folders,
            files=contents.files,
            skipped=contents.skipped,
            encoder=parts,
        )
        report(Progress("write", 0, 1))
        number = store.commit(
            manifest,
            documents,
            chunks,
            vectors,
            LexicalIndex.build(texts),
            encoder=files,
            base=None if base is None else base.number,
        )
        store.discard_work()
        report(Progress("write", 1, 1))
        return replace(
            changes,
            chunks=len(chunks),
            embedded=embedded,
            reused=len(chunks) - embedded,
            generation=number,
            written=True,
            seconds=time.perf_counter() - started,
        )


def followed_folders(index_dir: str | Path) -> tuple[Path, ...]:
    """Return the folders that the index follows, sorted; they need not be there any more.

    Raises `IndexMissing`, `IndexForeign`, `IndexDamaged` or `IndexMismatch`.
    """
    store = Store(index_dir)
    generation = store.open(encoder=False)
    folders: Sequence[FolderRecord] = generation.manifest.folders
    if generation.recovered_from is not None:  # the older one may lack some
        folders = store.salvage().folders or folders
    return tuple(sorted(_actual_path(folder, Path(index_dir)) for folder in folders))


def index_documents(
    index_dir: str | Path,
    documents: Sequence[Document],
    *,
    embedder: Embedder,
    chunking: ChunkConfig | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> int:
    """Make a generation of documents that are in memory and follow no folder; return its number.

    Raises what `update_index` raises for the embedder and the disk.
    """
    report = progress or _silent
    chunking = chunking or ChunkConfig()
    store = Store(index_dir)
    ordered = sorted(documents, key=lambda document: document.source)
    with store.writer():
        chunks = _chunk(None, ordered, lambda: embedder, chunking)
        texts = _texts(ordered, chunks)
        vectors, _ = _embed(store, None, texts, lambda: embedder, report)
        record = EmbedderRecord(embedder.name, embedder.fingerprint, embedder.dimension)
        manifest = Manifest(
            embedder=record,
            chunking=asdict(chunking),
            loader_version=LOADER_VERSION,
            recipe=recipe(LOADER_VERSION, CHUNKER_VERSION),
        )
        lexical = LexicalIndex.build(texts)
        _, files = _encoder(store, None, record, embedder, rebuild=False)
        number = store.commit(manifest, ordered, chunks, vectors, lexical, encoder=files)
        store.discard_work()
        return number


def _require_list(name: str, given: object) -> None:
    """Raise `ConfigError` for one text or path alone: a text would be taken letter by letter."""
    if isinstance(given, (str, Path)):
        raise ConfigError(f"{name} is '{given}' alone; give a list.")


def remove_from_index(
    index_dir: str | Path,
    names: Sequence[str | Path],
    *,
    confirm: bool = False,
    dry_run: bool = False,
    fs: FileSystem | None = None,
) -> BuildReport:
    """Take folders (by label or path) or single files (by source) out of the index.

    A folder is not followed any more. A file stays out until it changes or is restored. No model is loaded and no
    file of the user is touched. Raises `ConfigError` for a name that is not in the index, or where
    more than half of the documents would go and ``confirm`` is false, and `IndexDamaged` where an older
    generation stands in for a damaged one; otherwise as `update_index`.
    """
    _require_list("names", names)
    started = time.perf_counter()
    store = Store(index_dir, fs)
    with nullcontext() if dry_run else store.writer(make=False):
        base = store.open(encoder=False)
        if base.recovered_from is not None:
            raise IndexDamaged(
                f"The newest index at '{store.path}' is damaged ({base.recovered_from} when it is "
                f"opened); run `{store.command('index')}` first."
            )
        before = _Contents.of(base)
        contents = before
        for name in names:
            contents = _without(contents, name, store.path)
        if not confirm:
            _require_most_to_stay(before, contents, store.command("remove"))
        changes = replace(_compare(before, contents), generation=base.number)
        if dry_run:
            return replace(changes, seconds=time.perf_counter() - started)
        store.require_encoder(base.manifest)
        documents = contents.all_documents()
        staying = {document.id for document in documents}
        rows = [row for row, chunk in enumerate(base.chunks) if chunk.doc_id in staying]
        chunks = [base.chunks[row] for row in rows]
        number = store.commit(
            replace(
                base.manifest,
                recipe={**base.manifest.recipe, "lexical": lexical_recipe()},
                folders=contents.folders,
                files=contents.files,
                skipped=contents.skipped,
            ),
            documents,
            chunks,
            base.embeddings()[rows],
            LexicalIndex.build(_texts(documents, chunks)),
            base=base.number,
        )
        return replace(
            changes,
            chunks=len(chunks),
            reused=len(chunks),
            generation=number,
            written=True,
            seconds=time.perf_counter() - started,
        )


# What there is, and what is asked for


def _silent(_: Progress) -> None:
    """Report progress to nobody."""


def _open_base(store: Store, rebuild: bool) -> tuple[Generation | None, _Contents]:
    """Return the index as it is; of one that cannot be opened and is rebuilt, its list of folders.

    Where an older generation stands in, the list is that of the damaged one, if it can be read.
    """
    try:
        base = store.open(encoder=False)
    except IndexMissing:
        return None, _Contents.of(None)
    except (IndexDamaged, IndexMismatch):
        if rebuild:
            return None, replace(_Contents.of(None), folders=store.salvage().folders)
        raise
    before = _Contents.of(base)
    if base.recovered_from is not None:
        before = replace(before, folders=store.salvage().folders or before.folders)
    return base, before


def _require_salvaged(folders: Sequence[FolderRecord], index_dir: Path) -> None:
    """Raise `ConfigError` if a folder is gone or empty: how many documents it would cost cannot be told."""
    for folder in folders:
        path = _actual_path(folder, index_dir)
        if _is_bare(path):
            state = "is empty or cannot be read" if path.is_dir() else "is not there"
            raise ConfigError(
                f"The folder '{path}' of the index that is made anew {state}; bring it back, "
                f"or run the command again with `--yes` to go on without its articles."
            )


def _require_settings(
    store: Store, manifest: Manifest, embedder_name: str, chunking: ChunkConfig
) -> None:
    made_with = manifest.embedder.name
    if made_with != embedder_name:
        raise IndexMismatch(
            f"The index at '{store.path}' was made with the embedding model '{made_with}', not "
            f"'{embedder_name}'; use that one, or run `{store.rebuild_command(embedder_name)}`."
        )
    if dict(manifest.chunking) != asdict(chunking):
        raise IndexMismatch(
            f"The index at '{store.path}' was made with chunks of {dict(manifest.chunking)}, not "
            f"{asdict(chunking)}; run `{store.rebuild_command()}`."
        )


def _choose_folders(
    index_dir: Path,
    known: Sequence[FolderRecord],
    named: Sequence[str | Path],
    include: Sequence[str],
    exclude: Sequence[str],
    columns: Columns | None,
    rebuild: bool,
) -> tuple[list[FolderRecord], set[str]]:
    """Return the folders to follow from now on, and the labels of those to look into now."""
    by_path = {_actual_path(folder, index_dir): folder for folder in known}
    in_scope: set[str] = set()
    for one in named:
        if not Path(one).is_dir():
            raise ConfigError(f"'{one}' is not a folder; name a folder of articles.")
        path = _path_of(one, by_path)
        folder = by_path.get(path)
        if folder is None:
            if path.resolve() == index_dir.resolve() or (path / INDEX_MARKER).is_file():
                raise ConfigError(
                    f"'{one}' is an index of Footnote, not a folder of articles; name the folder that "
                    f"holds them, and the index with `--index`."
                )
            taken = {other.label for other in by_path.values()}
            folder = FolderRecord(_recorded_path(path, index_dir), _label(path, taken))
        if include or exclude or rebuild:
            folder = replace(folder, include=tuple(include), exclude=tuple(exclude))
        if columns is not None or rebuild:
            folder = replace(folder, columns=columns or Columns())
        by_path[path] = folder
        in_scope.add(folder.label)
    if not by_path:
        again = ["--rebuild"] if rebuild else []
        command = Store(index_dir).command("index", *again, "FOLDER")
        raise ConfigError(f"No folder to index: name one, as in `{command}`.")
    followed = sorted(by_path.values(), key=lambda folder: folder.label)
    return followed, in_scope or {folder.label for folder in followed}


def _path_of(name: str | Path, known: Iterable[Path]) -> Path:
    """Return the path of a folder: of ``known`` the one of this name, or else one that leads to the same.

    Of an unknown one a link stays a link: where it leads later is followed then.
    """
    path = Path(os.path.abspath(name))  # noqa: PTH100 - resolve() follows links
    real = os.path.realpath(name)
    if os.path.realpath(path) != real:  # `..` after a link is above where that leads
        path = Path(real)
    if path in known:
        return path
    return next((one for one in known if os.path.realpath(one) == real), path)


def _recorded_path(path: Path, index_dir: Path) -> str:
    """Return how a folder is written down: from the index's own folder on, if it stands in there.

    So an index that is moved together with its articles goes on following them.
    """
    own = index_dir.resolve()
    if path.resolve().is_relative_to(own):
        path = path.resolve()
    homes = (one for one in (path, *path.parents) if one.resolve() == own.parent)
    return name_on_disk(next((path.relative_to(home).as_posix() for home in homes), str(path)))


def _actual_path(folder: FolderRecord, index_dir: Path) -> Path:
    own = index_dir.resolve()
    recorded = os.fsdecode(folder.path.encode("utf-8", "surrogateescape"))
    path = own.parent / recorded
    parts = PurePath(recorded).parts
    if len(parts) < 2 or (own.parent / parts[0]).exists():
        return path
    # What stands in the index moves with it when that gets another name.
    within = own.joinpath(*parts[1:])
    return within if within.is_dir() else path


def _label(path: Path, taken: set[str]) -> str:
    name = printable(name_on_disk(path.name)) or "folder"
    label, number = name, 1
    while label in taken:
        number += 1
        label = f"{name}-{number}"
    return label


# Reading


def _read_folders(
    index_dir: Path,
    before: _Contents,
    followed: Sequence[FolderRecord],
    in_scope: set[str],
    *,
    trust_hashes: bool,
    drop_absent: bool,
    limits: LoadLimits,
    report: Callable[[Progress], None],
) -> tuple[_Contents, bool]:
    """Read what changed in the folders in scope; keep what the index holds of the others.

    Of one that cannot be listed too, or has become empty, unless ``drop_absent`` or there is no other, or
    what it held has come up in another, and of a file or subfolder that is there and cannot be opened, unless
    ``drop_absent``; the second value tells whether any stay.
    """
    held = set() if drop_absent else _holding(before.documents)
    looked = {
        f.label: _find(f, index_dir, held=printable(f.label) in held)
        for f in followed
        if f.label in in_scope
    }
    absent = {label: here for label, here in looked.items() if isinstance(here, LoadError)}
    staying = set() if drop_absent or len(absent) == len(followed) else set(absent)
    kept = {printable(f.label) for f in followed if f.label not in in_scope or f.label in staying}
    files = {s: record for s, record in before.files.items() if _label_of(s) in kept}
    documents = {s: group for s, group in before.documents.items() if _label_of(s) in kept}
    skipped = [
        one for one in before.skipped if _label_of(one.source) in kept and one.source not in staying
    ]
    found: list[tuple[SourceFile, FolderRecord]] = []
    columns = {folder.label: folder.columns for folder in before.folders}
    unread: set[str] = set()  # of folders within the followed ones
    some_stay = False
    for folder in followed:
        here = looked.get(folder.label)
        if here is not None and not isinstance(here, LoadError):
            found += ((file, folder) for file in here[0])
            within = {} if drop_absent else _within_unread(before, folder, here[1])
            for source in within:
                other_columns = is_table(Path(source)) and columns[folder.label] != folder.columns
                files[source] = _kept(before.files[source], other_columns)
                documents[source] = before.documents[source]
            unread |= within.keys()
            places = set(within.values())
            skipped += (
                replace(one, reason=f"{one.reason}{_STAY}") if one.source in places else one
                for one in here[1]
            )
    taken = {document.id for group in documents.values() for document in group}
    hashes: dict[str, str] = {}
    report(Progress("read", 0, len(found)))
    with Sandbox(limits) as sandbox:
        for done, (file, folder) in enumerate(found, 1):
            other_columns = is_table(file.path) and columns.get(folder.label) != folder.columns
            trusted = trust_hashes and not other_columns
            read = _read_bytes(file.path, limits.max_file_bytes)
            if read is not None:
                hashes[file.source] = read.sha256
            record, group = _read_file(file, read, folder, before, trusted, sandbox)
            known = () if drop_absent else before.documents.get(file.source, ())
            if known and any(one.unread for one in record.skipped):
                skipped += (replace(one, reason=f"{one.reason}{_STAY}") for one in record.skipped)
                record, group = _kept(before.files[file.source], other_columns), known
                some_stay = True
            record, group = _admit(record, group, taken)
            files[file.source], documents[file.source] = record, group
            report(Progress("read", done, len(found)))
    moved = {sha256 for source, sha256 in hashes.items() if source not in before.files}
    away = {printable(label) for label in staying}
    staying_files = [s for s in files if _label_of(s) in away or s in unread]
    for source in [s for s in staying_files if files[s].sha256 in moved]:
        del files[source], documents[source]
    holding = _holding(documents)
    for label, problem in absent.items():
        stay = _STAY if printable(label) in holding else ""
        moved_out = label in staying and not stay and isinstance(problem, _EmptiedError)
        if not moved_out:
            skipped.append(Skipped(label, f"{problem}{stay}"))
    contents = _Contents(
        tuple(_forget_changed(folder, files.keys(), hashes) for folder in followed),
        dict(sorted(files.items())),
        documents,
        tuple(sorted(skipped, key=lambda one: (one.source, one.reason))),
    )
    return contents, some_stay or bool(unread) or not holding.isdisjoint(away)


def _within_unread(
    before: _Contents, folder: FolderRecord, skipped: Iterable[Skipped]
) -> dict[str, str]:
    """Return the files of ``before`` that stand where a folder cannot be opened now, and where that is.

    None for other patterns than before: which of the files they leave out is not looked up.
    """
    places = {one.source for one in skipped if one.unread}
    patterns = {f.label: (f.include, f.exclude) for f in before.folders}
    if not places or patterns.get(folder.label) != (folder.include, folder.exclude):
        return {}
    found = {}
    for source in (source for source, group in before.documents.items() if group):
        for place in (source, *map(str, PurePath(source).parents)):
            if place in places:
                found[source] = place
    return found


def _kept(record: FileRecord, other_columns: bool) -> FileRecord:
    """Return the record of a file that stays as it was, and that is to be read for other columns."""
    return replace(record, sha256="") if other_columns else record


def _label_of(source: str) -> str:
    return source.split("/", 1)[0]


def _holding(documents: Mapping[str, Sequence[Document]]) -> set[str]:
    """Return the labels, as sources begin with them, of the folders that hold documents."""
    return {_label_of(source) for source, group in documents.items() if group}


class _EmptiedError(LoadError):
    """A folder that held articles has nothing in it."""


def _find(
    folder: FolderRecord, index_dir: Path, *, held: bool
) -> tuple[list[SourceFile], list[Skipped]] | LoadError:
    """Find the files of a folder, and what is left out; where it cannot be listed, why.

    One with nothing in it at all that ``held`` articles is rather where a disk is mounted, and is not now.
    """
    path, index = _actual_path(folder, index_dir), index_dir.resolve()
    real = os.path.realpath(path)  # resolve() raises at a loop of links
    exclude = folder.exclude
    if index.is_relative_to(real):  # the index's own files are no articles
        exclude = (*exclude, glob.escape(index.relative_to(real).as_posix()))
    try:
        found = find_files(path, folder.label, include=folder.include, exclude=exclude)
    except LoadError as exc:
        return exc
    return _EmptiedError(f"{path} is empty now") if held and _is_bare(path) else found


def _is_bare(folder: Path) -> bool:
    """Tell whether there is nothing at all in a folder, hidden files included, or it cannot be listed."""
    return not any(next(os.walk(folder), ("", [], []))[1:])


def _read_file(
    file: SourceFile,
    read: _Bytes | None,
    folder: FolderRecord,
    before: _Contents,
    trust_hashes: bool,
    sandbox: Sandbox,
) -> tuple[FileRecord, tuple[Document, ...]]:
    if read is None:
        # Not a file that can be read in one piece: the loader knows what to say about it.
        loaded, skipped = load_file(file, columns=folder.columns, sandbox=sandbox)
        return FileRecord("", 0, 0, (), tuple(skipped)), tuple(loaded)
    data, mtime_ns, sha256 = read
    if folder.removed.get(file.source) == sha256:
        out = (Skipped(file.source, _REMOVED),)
        return FileRecord(sha256, len(data), mtime_ns, (), out), ()
    known = before.files.get(file.source)
    # One that had been taken out is recorded with its hash and no document.
    if trust_hashes and known is not None and known.sha256 == sha256 and known.documents:
        return replace(known, mtime_ns=mtime_ns), before.documents[file.source]
    loaded, skipped = load_file(file, data, columns=folder.columns, sandbox=sandbox)
    # That nothing could be read may be the machine's fault: it is tried again the next time.
    remembered = sha256 if loaded else ""
    return FileRecord(remembered, len(data), mtime_ns, (), tuple(skipped)), tuple(loaded)


class _Bytes(NamedTuple):
    """What a file held, when it last changed, and the hash of the first."""

    data: bytes
    mtime_ns: int
    sha256: str


def _read_bytes(path: Path, limit: int) -> _Bytes | None:
    """Return what a regular file holds, or ``None`` where that cannot be had in one piece."""
    try:
        # O_NONBLOCK: a pipe may have taken the file's place since it was found.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as opened:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode) or before.st_size > limit:
                return None
            data = opened.read(limit + 1)
            after = os.fstat(descriptor)
    except (OSError, ValueError):
        return None
    still = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if not still or len(data) != after.st_size:
        return None
    return _Bytes(data, after.st_mtime_ns, hashlib.sha256(data).hexdigest())


def _admit(
    record: FileRecord, documents: Iterable[Document], taken: set[str]
) -> tuple[FileRecord, tuple[Document, ...]]:
    """Let in the documents that are new and that UTF-8 can hold, and record them."""
    admitted: list[Document] = []
    skipped: list[Skipped] = []
    for document in documents:
        try:
            f"{document.title}{document.text}{document.byline}".encode()
        except UnicodeEncodeError:
            skipped.append(Skipped(document.source, "holds characters that are no text"))
            continue
        if document.id in taken:
            skipped.append(Skipped(document.source, "has the same name as another document"))
        else:
            taken.add(document.id)
            admitted.append(document)
    record = replace(record, documents=tuple(document.id for document in admitted))
    if skipped:  # depends on other files, so it is looked at afresh each time
        record = replace(record, sha256="", skipped=(*record.skipped, *skipped))
    return record, tuple(admitted)


def _restore(folder: FolderRecord, files: Sequence[str | Path], index_dir: Path) -> FolderRecord:
    """Forget that ``files`` were taken out by hand."""
    root = os.path.realpath(_actual_path(folder, index_dir))  # resolve() raises at a loop of links
    paths = [path.parent.resolve() / path.name for path in map(Path, files)]
    sources = {
        printable(f"{folder.label}/{name_on_disk(path.relative_to(root).as_posix())}")
        for path in paths
        if path.is_relative_to(root)
    }
    removed = {source: sha256 for source, sha256 in folder.removed.items() if source not in sources}
    return replace(folder, removed=removed)


def _forget_changed(
    folder: FolderRecord, found: Set[str], hashes: Mapping[str, str]
) -> FolderRecord:
    """Drop files that were taken out by hand but have changed since.

    ``hashes`` lacks what was found but could not be read: of that nothing is known, and it stays out.
    """
    removed = {
        source: sha256
        for source, sha256 in folder.removed.items()
        if source not in found or hashes.get(source, sha256) == sha256
    }
    return replace(folder, removed=removed)


def _without(contents: _Contents, name: str | Path, index_dir: Path) -> _Contents:
    """Take a folder or a file out of ``contents``."""
    text = str(name)
    file = printable(text)
    paths = {_actual_path(folder, index_dir): folder for folder in contents.folders}
    labels = {folder.label: folder for folder in contents.folders}
    gone = labels.get(text) or paths.get(_path_of(name, paths))
    if gone is not None:

        def stays(source: str) -> bool:
            return _label_of(source) != printable(gone.label)

        folders = tuple(folder for folder in contents.folders if folder != gone)
        if _actual_path(gone, index_dir).is_relative_to(index_dir.resolve()):
            # Uploads: their copies stay, and what comes to them later does not bring them all back.
            hashes = {s: record.sha256 for s, record in contents.files.items() if not stays(s)}
            folders += (replace(gone, removed={**gone.removed, **hashes}),)
    elif file in contents.files:

        def stays(source: str) -> bool:
            return source != file

        folders = tuple(
            replace(folder, removed={**folder.removed, file: contents.files[file].sha256})
            if printable(folder.label) == _label_of(file)
            else folder
            for folder in contents.folders
        )
    elif table := contents.file_of(file):
        raise ConfigError(
            f"'{text}' is a row of '{table}', and a table is removed as a whole; give '{table}', "
            "or take the row out of the file and update."
        )
    else:
        raise ConfigError(
            f"'{text}' is neither a folder nor a file of the index at '{index_dir}'; "
            f"`{Store(index_dir).command('list')}` shows what it holds."
        )
    return _Contents(
        folders,
        {source: record for source, record in contents.files.items() if stays(source)},
        {source: group for source, group in contents.documents.items() if stays(source)},
        tuple(one for one in contents.skipped if stays(one.source)),
    )


# Comparing


def _compare(before: _Contents, after: _Contents) -> BuildReport:
    old = {source: group for source, group in before.documents.items() if group}
    new = {source: group for source, group in after.documents.items() if group}
    changed = {
        source
        for source in old.keys() & new.keys()
        if old[source] != new[source] or before.files[source].sha256 != after.files[source].sha256
    }
    return BuildReport(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(changed)),
        removed=tuple(sorted(old.keys() - new.keys())),
        unchanged=len(old.keys() & new.keys()) - len(changed),
        skipped=after.all_skipped(),
        documents=sum(map(len, new.values())),
        chunks=0,
        embedded=0,
        reused=0,
        seconds=0.0,
        generation=0,
        written=False,
    )


def _duplicates(before: _Contents, after: _Contents) -> tuple[Duplicate, ...]:
    """Find near-duplicates, and leave out what an earlier run has said."""
    old = {document.id: document.text for document in before.all_documents()}
    documents = after.all_documents()
    fresh = {d.source for d in documents if old.get(d.id) != d.text}
    if not fresh:
        return ()
    found = find_duplicates(documents)
    return tuple(one for one in found if one.source in fresh or one.original in fresh)


def _require_most_to_stay(before: _Contents, after: _Contents, command: str) -> None:
    old = {document.id: document for document in before.all_documents()}
    new = {document.id: document for document in after.all_documents()}
    lost = old.keys() - new.keys()
    if 2 * len(lost) <= len(old):
        return
    moved = {new[i].sha256 for i in new.keys() - old.keys()}
    # Rows that now are one table are not lost.
    sources = {document.source for document in new.values()}
    lost = {
        i
        for i in lost
        if old[i].sha256 not in moved and old[i].source.rpartition(ROW)[0] not in sources
    }
    if 2 * len(lost) > len(old):
        of = {s for s, group in before.documents.items() if any(d.id in lost for d in group)}
        folders = {_label_of(source) for source in of}
        why = next(
            (
                f": '{s.source}' {s.reason}" if s.source in of else f": {s.reason}"
                for s in after.all_skipped()
                if s.source in of or s.source in folders  # of a folder the reason names the path
            ),
            "",
        )
        raise ConfigError(
            f"This would remove {len(lost)} of the {len(old)} documents in the index{why}; "
            f"give `--yes` to `{command}` if that is meant."
        )


# Chunking and embedding


def _embedder_of(store: Store, base: Generation | None, given: Embedder) -> Embedder:
    """Return what embeds for ``base``: its own question encoder, where it has one, else ``given``.

    The encoder is the model that ``base`` was made with, gives the same vectors, and loads without torch.
    Raises `IndexMismatch` if ``given`` is needed and is another one.
    """
    if base is None:
        return given
    encoder = store.encoder(base.manifest)
    if encoder is None:
        store.require_embedder(base.manifest, given)
        return given
    return encoder


def _chunk(
    base: Generation | None,
    documents: Sequence[Document],
    embedder: Callable[[], Embedder],
    chunking: ChunkConfig,
    *,
    reuse: bool = True,
) -> list[Chunk]:
    """Return the chunks of ``documents`` in their order; ``reuse`` keeps those of documents as they were."""
    known: Mapping[str, Document] = {}
    known_chunks: dict[str, list[Chunk]] = {}
    if base is not None:
        known = base.documents_by_id if reuse else {}
        for chunk in base.chunks:
            known_chunks.setdefault(chunk.doc_id, []).append(chunk)
    chunks: list[Chunk] = []
    for document in documents:
        if known.get(document.id) == document:
            chunks += known_chunks.get(document.id, ())
        else:
            fresh = chunk_document(document, chunking, embedder().count_pieces)
            chunks += sorted(fresh, key=lambda chunk: (chunk.start, chunk.end))
    return chunks


def _texts(documents: Sequence[Document], chunks: Sequence[Chunk]) -> list[str]:
    """Return what is embedded and indexed of each chunk."""
    titles = {document.id: document.title for document in documents}
    return [passage_text(titles[chunk.doc_id], chunk.text) for chunk in chunks]


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _embed(
    store: Store,
    base: Generation | None,
    texts: Sequence[str],
    embedder: Callable[[], Embedder],
    report: Callable[[Progress], None],
    *,
    reuse: bool = True,
) -> tuple[Vectors, int]:
    """Return one vector a text, and how many of the texts had to be embedded.

    Vectors of equal texts are taken from ``base`` (with ``reuse``) and from an interrupted run's journal, to which
    each finished batch is added.
    """
    keys = [_key(text) for text in texts]
    known: dict[bytes, Vectors] = {}
    if base is not None and reuse:
        base_keys = map(_key, _texts(base.documents, base.chunks))
        known.update(zip(base_keys, base.embeddings(), strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        model = embedder()
        journal = store.journal(model.fingerprint, model.dimension)
        known.update(journal.read())
        missing = {key: text for key, text in missing.items() if key not in known}
        for fresh in _embed_in_batches(missing, model, report):
            known.update(fresh)
            with store.write_errors():
                journal.add(fresh)
    dimension = embedder().dimension if base is None else base.manifest.embedder.dimension
    vectors = np.zeros((len(texts), dimension), dtype=np.float32)
    for row, key in enumerate(keys):
        vectors[row] = known[key]
    return vectors, len(missing)


def _embed_in_batches(
    missing: Mapping[bytes, str],
    embedder: Embedder,
    report: Callable[[Progress], None],
) -> Iterator[dict[bytes, Vectors]]:
    """Embed texts and yield their vectors by key, two seconds of work at a time.

    Equal lengths together waste no padding; longest first, the time left is not underestimated.
    """
    keys = sorted(missing, key=lambda key: -len(missing[key]))
    done = 0

    def count(texts: int) -> None:
        nonlocal done
        done += texts
        report(Progress("embed", done, len(keys)))

    report(Progress("embed", 0, len(keys)))
    for start in range(0, len(keys), EMBED_BATCH):
        batch = keys[start : start + EMBED_BATCH]
        rows = embedder.embed([missing[key] for key in batch], count)
        if rows.shape != (len(batch), embedder.dimension) or not np.isfinite(rows).all():
            raise EmbedderError(
                f"The embedding model '{embedder.name}' gave an array of shape {rows.shape}, or "
                f"values that are no numbers, where {(len(batch), embedder.dimension)} was due."
            )
        yield dict(zip(batch, rows, strict=True))


def _encoder(
    store: Store,
    base: Generation | None,
    record: EmbedderRecord,
    embedder: Embedder,
    *,
    rebuild: bool,
) -> tuple[Mapping[str, Part], Mapping[str, bytes] | None]:
    """Return the question encoder as it is on disk, or else (second) the files to store."""
    if base is not None and base.manifest.embedder == record:
        known = base.manifest.encoder
        if store.encoder_intact(base.manifest) and (known or not rebuild):
            return known, None
        store.require_embedder(base.manifest, embedder)
    return {}, embedder.export_encoder() if isinstance(embedder, ExportsEncoder) else {}
