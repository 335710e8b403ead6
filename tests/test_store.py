"""The index on disk: what is written is what is read, and what is wrong is named."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import stat
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from filelock import BaseFileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from index._formats.parsed import Columns
from index._journal import Journal
from index._manifest import EmbedderRecord, FileRecord, FolderRecord, Manifest, UnknownFormatError
from index._parts import (
    chunks_from_bytes,
    chunks_to_bytes,
    documents_from_bytes,
    documents_to_bytes,
)
from index.errors import (
    IndexDamaged,
    IndexForeign,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    IndexWriteError,
)
from index.lexical import LexicalIndex
from index.store import MARKER, Finding, Generation, Store
from index.types import Chunk, Document, Mark, Skipped, document_id
from tests.conftest import rounds
from tests.fakes import (
    CountingFileSystem,
    ExportingEmbedder,
    FakeEmbedder,
    UnsyncedFileSystem,
    disk_full,
    refuse_to_read,
)


def documents_of(texts: list[str]) -> list[Document]:
    sources = [f"news/{number:03d}.md" for number in range(len(texts))]
    return [
        Document(document_id(source), f"Title {number}", text, source)
        for number, (source, text) in enumerate(zip(sources, texts, strict=True))
    ]


def commit(store: Store, texts: list[str], *, base: int | None = None, version: str = "1") -> int:
    """Commit a generation with one chunk a text."""
    embedder = ExportingEmbedder(version=version)
    documents = documents_of(texts)
    chunks = [Chunk(f"{d.id}:0-{len(d.text)}", d.id, 0, len(d.text), d.text) for d in documents]
    manifest = Manifest(
        EmbedderRecord(embedder.name, embedder.fingerprint, embedder.dimension),
        chunking={"max_pieces": 160, "overlap": 1},
        loader_version=1,
        folders=(FolderRecord("/home/reader/news", "news"),),
        files={d.source: FileRecord(d.sha256, len(d.text), 1, (d.id,)) for d in documents},
    )
    with store.writer():
        return store.commit(
            manifest,
            documents,
            chunks,
            embedder.embed([chunk.text for chunk in chunks]),
            LexicalIndex.build(texts),
            encoder=embedder.export_encoder(),
            base=base,
        )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with two generations; the newer one says "new"."""
    store = Store(tmp_path / "index", UnsyncedFileSystem())
    commit(store, ["an old text", "another old text"])
    commit(store, ["a new text", "another new text", "a third new text"], base=1)
    return store


# Round trips


def test_a_document_is_shown_without_its_text(store: Store) -> None:
    marks = tuple(Mark(n, n + 1, f"part {n}") for n in range(100))
    document = replace(store.open().documents[0], pages=marks, headings=marks)
    assert "news/000.md" in repr(document)
    assert "a new text" not in repr(document)
    assert len(repr(document)) < 300


def test_what_is_committed_is_what_is_opened(store: Store) -> None:
    generation = store.open()
    assert generation.number == 2
    assert generation.documents[0].text == "a new text"
    assert [c.text for c in generation.chunks] == [d.text for d in generation.documents]
    assert isinstance(generation.vectors, faiss.IndexFlatIP)
    expected = FakeEmbedder().embed([c.text for c in generation.chunks])
    assert np.array_equal(generation.embeddings(), expected)
    assert len(generation.lexical) == 3
    assert generation.encoder_files == ExportingEmbedder().export_encoder()
    assert generation.recovered_from is None
    manifest = generation.manifest
    assert (manifest.documents, manifest.chunks) == (3, 3)
    assert manifest.packages["numpy"] == np.__version__
    assert manifest.created.startswith("20")


def test_similarities_are_those_of_faiss(store: Store) -> None:
    generation = store.open()
    question = FakeEmbedder().embed(["one", "two"])
    scores, rows = generation.vectors.search(question, 3)
    ours = generation.similarities(question)
    assert ours.shape == (2, 3)
    assert np.allclose(np.take_along_axis(ours, rows, axis=1), scores, atol=1e-6)


def test_embeddings_outlive_their_generation(store: Store) -> None:
    rows = store.open().embeddings()
    assert np.array_equal(rows, store.open().embeddings())


marks = st.lists(
    st.builds(Mark, st.integers(0, 50), st.integers(0, 50), st.text(max_size=5)), max_size=3
).map(tuple)
documents = st.lists(
    st.builds(
        Document,
        id=st.uuids().map(str),
        title=st.text(max_size=20),
        text=st.text(min_size=1, max_size=60),
        source=st.text(max_size=20),
        date=st.none() | st.text(max_size=10),
        author=st.none() | st.text(max_size=10),
        publisher=st.none() | st.text(max_size=10),
        language=st.none() | st.text(max_size=2),
        pages=marks,
        headings=marks,
    ),
    max_size=4,
    unique_by=lambda d: d.id,
)


@given(documents, st.data())
@settings(max_examples=rounds(25, in_ci=100))
def test_documents_and_chunks_survive_any_text(
    written: list[Document], data: st.DataObject
) -> None:
    assert documents_from_bytes(documents_to_bytes(written)) == tuple(written)
    chunks = []
    for document in written:
        start = data.draw(st.integers(0, len(document.text) - 1))
        end = data.draw(st.integers(start + 1, len(document.text)))
        name = f"{document.id}:{start}-{end}"
        chunks.append(Chunk(name, document.id, start, end, document.text[start:end]))
    assert chunks_from_bytes(chunks_to_bytes(written, chunks), written) == tuple(chunks)


@pytest.mark.parametrize("row", [(0, 0, 5), (0, 2, 2), (0, -1, 2), (-1, 0, 1), (1, 0, 1)])
def test_chunks_outside_of_their_document_are_refused(row: tuple[int, int, int]) -> None:
    import io

    buffer = io.BytesIO()
    np.save(buffer, np.array([row], dtype=np.int64))
    with pytest.raises((ValueError, IndexError)):
        chunks_from_bytes(buffer.getvalue(), documents_of(["text"]))


words = st.text(max_size=10)
manifests = st.builds(
    Manifest,
    embedder=st.builds(EmbedderRecord, words, words, st.integers(1, 1000)),
    chunking=st.dictionaries(words, st.integers(), max_size=2),
    loader_version=st.integers(0, 9),
    recipe=st.dictionaries(words, st.dictionaries(words, words, max_size=2), max_size=2),
    folders=st.lists(
        st.builds(
            FolderRecord,
            words,
            words,
            st.lists(words, max_size=2).map(tuple),
            st.lists(words, max_size=2).map(tuple),
            st.dictionaries(words, words, max_size=2),
            st.builds(Columns, st.none() | words, st.none() | words),
        ),
        max_size=2,
    ).map(tuple),
    files=st.dictionaries(
        words,
        st.builds(
            FileRecord,
            words,
            st.integers(0, 9),
            st.integers(0, 9),
            st.lists(words, max_size=2).map(tuple),
            st.lists(st.builds(Skipped, words, words), max_size=2).map(tuple),
        ),
        max_size=2,
    ),
    skipped=st.lists(st.builds(Skipped, words, words), max_size=2).map(tuple),
    number=st.integers(0, 10**7),
)


@given(manifests)
@settings(max_examples=rounds(25, in_ci=100))
def test_a_manifest_survives(manifest: Manifest) -> None:
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


def signed(content: dict[str, Any]) -> bytes:
    """Return a manifest of these fields, with the checksum that belongs to them."""

    def render() -> bytes:
        return json.dumps(content, sort_keys=True).encode("ascii") + b"\n"

    content.pop("checksum")
    content["checksum"] = hashlib.sha256(render()).hexdigest()
    return render()


def test_a_manifest_from_before_columns_could_be_named_opens() -> None:
    folder = FolderRecord("news", "news", include=("*.csv",))
    manifest = Manifest(EmbedderRecord("fake", "f", 8), {}, 1, folders=(folder,))
    content = json.loads(manifest.to_bytes())
    del content["folders"][0]["columns"]
    assert Manifest.from_bytes(signed(content)).folders == (folder,)


@pytest.mark.parametrize("field", ["parts", "embedder", "folders", "number"])
def test_a_manifest_without_a_field_is_refused(field: str) -> None:
    content = json.loads(Manifest(EmbedderRecord("fake", "f", 8), {}, 1).to_bytes())
    del content[field]
    with pytest.raises(ValueError, match="does not have the expected fields"):
        Manifest.from_bytes(signed(content))


@given(manifests, st.data())
@settings(max_examples=rounds(50, in_ci=200))
def test_any_other_byte_in_a_manifest_is_noticed(manifest: Manifest, data: st.DataObject) -> None:
    whole = manifest.to_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    with pytest.raises((ValueError, UnknownFormatError)):
        Manifest.from_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    with pytest.raises(ValueError):  # noqa: PT011 - any
        Manifest.from_bytes(whole[:at])
    with pytest.raises(ValueError, match="not as it was written"):
        Manifest.from_bytes(whole + b" ")


# What is there


def test_no_index(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        store = Store(path)
        with pytest.raises(
            IndexMissing, match=r"There is no index at .*`footnote index FOLDER --index "
        ):
            store.open()
        with pytest.raises(IndexMissing):
            store.check()
        assert store.current() == ""


def test_a_foreign_folder_or_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        store = Store(path)
        with pytest.raises(IndexForeign, match="--index"):
            store.open()
        with pytest.raises(IndexForeign):
            commit(store, ["text"])
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_uploads_alone_are_no_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    with pytest.raises(IndexMissing):
        Store(tmp_path).open()
    assert commit(Store(tmp_path), ["text"]) == 1
    assert (tmp_path / "uploads").is_dir()


def test_another_embedder_is_named(store: Store) -> None:
    assert store.open(ExportingEmbedder()).encoder_files == {}
    with pytest.raises(IndexMismatch, match=r"'fake', not 'other'.*--rebuild"):
        store.open(FakeEmbedder(name="other"))
    with pytest.raises(IndexMismatch, match="another version"):
        store.open(FakeEmbedder(version="2"))


def test_another_format_says_what_to_run(store: Store) -> None:
    (store.path / "FOOTNOTE").write_bytes(b"footnote index, format 99\n")
    with pytest.raises(IndexMismatch, match="--rebuild"):
        store.open()
    commit(store, ["text"])
    assert (store.path / "FOOTNOTE").read_bytes() == MARKER


def test_a_manifest_of_another_format_says_what_to_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("index._manifest.FORMAT", 99)
        commit(store, ["text"], base=2)
    with pytest.raises(IndexMismatch, match="--rebuild"):
        store.open()


def test_the_index_is_its_owners_alone(store: Store) -> None:
    for path in [store.path, *store.path.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_folder_made_by_hand_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir(mode=0o755)
    store = Store(tmp_path / "index")
    commit(store, ["text"])
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o700
    assert store.exposure() is None
    store.path.chmod(0o755)
    assert store.check() == []
    assert f"chmod 700 {store.path}" in (store.exposure() or "")


# Generations


def test_two_generations_are_kept(store: Store) -> None:
    for number in range(3, 6):
        assert commit(store, [f"text {number}"], base=number - 1) == number
        kept = {path.name for path in store.path.glob("gen-*")}
        assert kept == {f"gen-{number - 1:06d}", f"gen-{number:06d}"}
    assert store.check() == []


def test_the_token_changes_with_every_commit(store: Store) -> None:
    first = store.current()
    assert store.open().token == first
    commit(store, ["text"], base=2)
    second = store.current()
    assert second != first
    store.rollback()
    assert store.current() == first


def test_rollback_goes_back_one(store: Store) -> None:
    assert store.rollback() == 1
    generation = store.open()
    assert (generation.number, generation.recovered_from) == (1, None)
    assert store.check() == []
    with pytest.raises(IndexMissing, match="no generation older than 1"):
        store.rollback()
    assert commit(store, ["text"], base=1) == 3  # a number is not used twice
    assert store.open().number == 3
    assert {path.name for path in store.path.glob("gen-*")} == {"gen-000001", "gen-000003"}


def test_rollback_from_a_damaged_generation(store: Store) -> None:
    (store.path / "gen-000002" / "lexical.npz").unlink()
    assert store.rollback() == 1
    assert store.open().recovered_from is None


def test_a_generation_being_read_is_not_removed(store: Store) -> None:
    old = store.path / "gen-000001"
    with (old / "manifest.json").open("rb") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        commit(store, ["text"], base=2)
        assert len(list(old.iterdir())) == 5
    commit(store, ["text"], base=3)
    assert not old.exists()


def test_a_generation_stays_until_its_reader_has_all_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Store(store.path)
    real = Store._read_parts
    overtaken = False

    def read(self, folder, parts):  # type: ignore[no-untyped-def]
        nonlocal overtaken
        if self is reader and not overtaken:
            overtaken = True
            commit(store, ["three"], base=2)
            commit(store, ["four"], base=3)
        return real(self, folder, parts)

    monkeypatch.setattr(Store, "_read_parts", read)
    assert reader.open().number == 2  # although two commits have gone by
    assert reader.open().number == 4


def test_a_reader_that_is_overtaken_starts_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Store(store.path)
    real = Store._load
    overtaken = False

    def load(self, number, sha256, *, encoder):  # type: ignore[no-untyped-def]
        nonlocal overtaken
        if self is reader and not overtaken:
            overtaken = True
            commit(store, ["three"], base=2)
            commit(store, ["four"], base=3)
        return real(self, number, sha256, encoder=encoder)

    monkeypatch.setattr(Store, "_load", load)
    generation = reader.open()
    assert (generation.number, generation.recovered_from) == (4, None)


def test_leavings_are_removed_by_the_next_writer(store: Store) -> None:
    (store.path / "gen-000003").mkdir()
    (store.path / "gen-000003" / "chunks.npy").write_bytes(b"half")
    shutil.copytree(store.path / "gen-000001", store.path / "gen-000000.tmp")
    (store.path / "CURRENT.tmp").write_bytes(b"gen-0000")
    assert store.open().number == 2
    assert store.check() == []
    assert commit(store, ["text"], base=2) == 4
    names = {path.name for path in store.path.iterdir()}
    assert names == {"CURRENT", "FOOTNOTE", "encoders", "gen-000002", "gen-000004", "lock"}


def test_without_a_finished_generation_there_is_no_index(tmp_path: Path) -> None:
    log = CountingFileSystem()
    commit(Store(tmp_path / "whole", log), ["text"])
    cut = log.log.index("half of write_file manifest.json")
    store = Store(tmp_path / "index", CountingFileSystem(cut, disk_full))
    with pytest.raises(IndexWriteError):
        commit(store, ["text"])
    with pytest.raises(IndexMissing):
        store.open()


# Damage


def test_the_stamp_changes_with_every_file_that_is_read_and_with_no_other(store: Store) -> None:
    stamps = [store.stamp()]

    def assert_new() -> None:
        assert store.stamp() not in stamps
        stamps.append(store.stamp())

    for name in ("gen-000002/vectors.faiss", "gen-000001/manifest.json", "CURRENT", "FOOTNOTE"):
        path = store.path / name
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)  # as long as before
        assert_new()
        path.unlink()
        assert_new()
    (store.path / "uploads").mkdir()
    (store.path / "uploads" / "a.txt").write_text("Kept.")
    (store.path / "lock.owner").write_text("{}")
    (store.path / "gen-000003.tmp").mkdir()
    (store.path / "gen-000003.tmp" / "vectors.faiss").write_bytes(b"half")
    assert store.stamp() == stamps[-1]
    shutil.rmtree(store.path)
    assert_new()


@pytest.mark.parametrize("name", ["scandir", "listdir"])
def test_a_generation_that_goes_while_it_is_looked_at_is_no_error(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    listed = getattr(os, name)

    def list_or_miss(path: str | os.PathLike[str] = ".") -> object:
        if os.fspath(path).endswith("gen-000001"):
            raise FileNotFoundError(path)
        return listed(path)

    monkeypatch.setattr(os, name, list_or_miss)
    assert store.stamp()
    assert isinstance(store.check(), list)


def test_damage_falls_back_and_says_so(store: Store) -> None:
    path = store.path / "gen-000002" / "vectors.faiss"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    generation = store.open()
    assert generation.number == 1
    assert generation.recovered_from == (
        "gen-000002/vectors.faiss holds other bytes than were written; generation 1 is used instead"
    )
    assert store.check() == [
        Finding("gen-000002/vectors.faiss", "holds other bytes than were written")
    ]


def test_no_whole_generation_is_an_error(store: Store) -> None:
    for number in (1, 2):
        (store.path / f"gen-00000{number}" / "documents.jsonl").write_bytes(b"")
    with pytest.raises(IndexDamaged, match=r"gen-000002/documents.jsonl.*--rebuild"):
        store.open()
    assert len(store.check()) == 2


@pytest.mark.parametrize(
    "locked", [".", "FOOTNOTE", "encoders", "encoders/{}/encoder.onnx", "gen-*/vectors.faiss"]
)
def test_what_may_not_be_read_is_not_called_damaged(
    locked: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = ExportingEmbedder().fingerprint[:12]
    for path in store.path.glob(locked.format(encoder)) if locked != "." else [store.path]:
        refuse_to_read(path, monkeypatch)
    with pytest.raises(
        IndexDamaged, match=r"cannot be read.*[Pp]ermission denied.*who owns it"
    ) as told:
        store.open()
    assert "--rebuild" not in str(told.value)
    assert "damaged" not in str(told.value)
    try:
        advice = store.verdict(store.check())
    except IndexDamaged as exc:
        advice = str(exc)
    assert "who owns it" in advice
    assert "--rebuild" not in advice


def test_a_current_that_may_not_be_read_is_not_called_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_read(store.path / "CURRENT", monkeypatch)
    assert str(store.check()[0]) == "CURRENT cannot be read: Permission denied"
    assert "who owns it" in store.verdict(store.check())
    assert store.open().number == 2


def test_a_question_encoder_that_may_not_be_read_is_not_called_damaged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = store.open().manifest
    refuse_to_read(store.path / "encoders", monkeypatch)
    assert store.open(encoder=False).number == 2
    with pytest.raises(IndexDamaged, match=r"cannot be read.*check who owns it"):
        store.require_encoder(manifest)


def test_what_is_wrong_with_an_older_generation_does_not_ask_for_a_rebuild(store: Store) -> None:
    (store.path / "gen-000001" / "documents.jsonl").write_bytes(b"")
    verdict = store.verdict(store.check())
    assert f"'{store.path}' is whole; 1 damaged or missing in the generation before it" in verdict
    assert "goes with the next update that changes something" in verdict
    assert store.open().recovered_from is None
    commit(store, ["text"], base=2)
    assert store.check() == []


def test_an_older_generation_that_stands_in_asks_for_an_update_alone(store: Store) -> None:
    (store.path / "gen-000002" / "documents.jsonl").write_bytes(b"")
    assert f"; run `footnote index --index {store.path}`." in store.verdict(store.check())
    (store.path / "gen-000001" / "documents.jsonl").write_bytes(b"")
    assert "--rebuild" in store.verdict(store.check())


def test_a_lost_current_is_recovered_from(store: Store) -> None:
    (store.path / "CURRENT").unlink()
    generation = store.open()
    assert generation.number == 2
    assert generation.recovered_from == "CURRENT is missing; generation 2 is used instead"
    assert store.check() == [Finding("CURRENT", "is missing")]
    commit(store, ["text"], base=2)
    assert store.check() == []


def test_a_lost_marker_is_damage(store: Store) -> None:
    (store.path / "FOOTNOTE").unlink()
    with pytest.raises(IndexDamaged, match="FOOTNOTE"):
        store.open()
    assert store.check() == [Finding("FOOTNOTE", "is not as it was written")]


def test_a_file_that_does_not_belong_is_named(store: Store) -> None:
    (store.path / "gen-000002" / "notes.txt").write_text("?")
    assert store.check() == [Finding("gen-000002/notes.txt", "does not belong to the index")]
    assert "is whole; remove what does not belong to it" in store.verdict(store.check())


def test_a_manifest_cannot_point_outside(store: Store) -> None:
    generation = store.open()
    manifest = generation.manifest
    outside = replace(manifest, encoder={"../../../secret": next(iter(manifest.encoder.values()))})
    data = outside.to_bytes()
    (store.path / "gen-000002" / "manifest.json").write_bytes(data)
    (store.path / "CURRENT").unlink()
    assert store.open().number == 1
    assert Finding("gen-000002/manifest.json", "names files outside of the index") in store.check()


def test_parts_that_do_not_agree_are_refused(store: Store) -> None:
    embedder = FakeEmbedder()
    documents = documents_of(["one", "two"])
    chunks = [Chunk(f"{d.id}:0-3", d.id, 0, 3, d.text) for d in documents]
    manifest = store.open().manifest
    with store.writer():
        store.commit(
            manifest,
            documents,
            chunks,
            embedder.embed(["one"]),
            LexicalIndex.build(["one"]),
            base=2,
        )
    generation = store.open()
    assert generation.number == 2
    assert "gen-000003 cannot be understood" in str(generation.recovered_from)


# The lock


def test_a_second_writer_is_refused_within_a_second_and_told_who_writes(store: Store) -> None:
    started = time.monotonic()
    with store.writer(), pytest.raises(IndexLocked, match=f"process {os.getpid()} on .* since 20"):
        commit(Store(store.path), ["text"])
    assert time.monotonic() - started < 5  # a second by design; a loaded machine gets more
    commit(Store(store.path), ["text"], base=2)


def test_a_second_writer_waits_for_the_lock_for_a_second_at_most(store: Store) -> None:
    class Asked(UnsyncedFileSystem):
        timeouts: list[float] = []

        def lock(self, path: Path, timeout: float) -> BaseFileLock:
            self.timeouts.append(timeout)
            return super().lock(path, timeout)

    owner = f"process {os.getpid()} on {socket.gethostname()} since 20"
    with store.writer(), pytest.raises(IndexLocked, match=re.escape(owner)):
        commit(Store(store.path, Asked()), ["text"])
    assert len(Asked.timeouts) == 1
    assert 0 <= Asked.timeouts[0] <= 1


def test_an_unreadable_owner_is_another_process(store: Store) -> None:
    with store.writer():
        (store.path / "lock.owner").write_bytes(b"{")
        with pytest.raises(IndexLocked, match="by another process"):
            commit(Store(store.path), ["text"])


def test_a_dead_writers_note_is_not_in_the_way(store: Store) -> None:
    (store.path / "lock.owner").write_text(json.dumps({"pid": 1, "host": "x", "since": "y"}))
    assert commit(store, ["text"], base=2) == 3


def test_readers_need_no_lock(store: Store) -> None:
    opened: list[Generation] = []
    with store.writer():
        thread = threading.Thread(target=lambda: opened.append(Store(store.path).open()))
        thread.start()
        thread.join(30)
    assert [generation.number for generation in opened] == [2]


def test_changes_need_the_writer(store: Store) -> None:
    for change in (store.clean, store.discard_work):
        with pytest.raises(RuntimeError, match="writer"):
            change()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((IndexWriteError, IndexForeign), match="file"):
        commit(Store(tmp_path / "file" / "index"), ["text"])


# The journal


def test_a_journal_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    for number in (1, 2):
        Journal(tmp_path, "a" * 64, 8, UnsyncedFileSystem()).add(
            {bytes([number]) * 32: np.zeros(8, dtype=np.float32)}
        )
    first = min(tmp_path.iterdir())
    first.unlink()
    first.mkdir()
    assert list(Journal(tmp_path, "a" * 64, 8, UnsyncedFileSystem()).read()) == [b"\x02" * 32]


def test_the_journal_gives_back_what_was_added(tmp_path: Path) -> None:
    fs = UnsyncedFileSystem()
    rows = FakeEmbedder().embed([str(number) for number in range(10)])
    vectors = {bytes([number]) * 32: rows[number] for number in range(10)}
    first, second = dict(list(vectors.items())[:6]), dict(list(vectors.items())[6:])
    Journal(tmp_path, "a" * 64, 8, fs).add(first)
    Journal(tmp_path, "a" * 64, 8, fs).add(second)
    read = Journal(tmp_path, "a" * 64, 8, fs).read()
    assert read.keys() == vectors.keys()
    assert all(np.array_equal(read[key], vectors[key]) for key in vectors)
    assert Journal(tmp_path, "b" * 64, 8, fs).read() == {}
    assert Journal(tmp_path, "a" * 64, 9, fs).read() == {}


@given(st.integers(0, 10 * 80), st.integers(0, 7))
@settings(max_examples=rounds(25, in_ci=100))
def test_a_torn_or_damaged_journal_gives_only_whole_vectors(
    tmp_path_factory: pytest.TempPathFactory, size: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    rows = FakeEmbedder().embed([str(number) for number in range(10)])
    journal = Journal(folder, "a" * 64, 8, UnsyncedFileSystem())
    journal.add({bytes([number]) * 32: rows[number] for number in range(10)})
    path = next(folder.iterdir())
    data = bytearray(path.read_bytes()[:size])
    if data:
        data[len(data) // 2] ^= 1 << bit
    path.write_bytes(data)
    read = journal.read()
    assert len(read) >= size // 80 - 1
    assert all(np.array_equal(row, rows[key[0]]) for key, row in read.items())
