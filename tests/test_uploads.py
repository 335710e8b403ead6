"""Files that are handed in through the chat: kept, indexed, never overwritten."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unicodedata import normalize

import pytest

from index.build import remove_from_index, update_index
from index.errors import ConfigError
from index.store import Store
from qa.uploads import FOLDER, Uploads
from tests.fakes import FakeEmbedder, UnsyncedFileSystem


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "one.txt").write_text("One\n\nText of one.", encoding="utf-8")
    update_index(tmp_path / "index", [folder], embedder=FakeEmbedder())
    return tmp_path / "index"


def upload(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def sources(index: Path) -> set[str]:
    return {document.source for document in Store(index).open(encoder=False).documents}


def test_an_upload_is_kept_and_indexed_beside_what_was_there(index: Path, tmp_path: Path) -> None:
    steps: list[float] = []
    report = Uploads(index, FakeEmbedder).add(
        [upload(tmp_path / "up", "new.txt", "New\n\nText of new.")],
        lambda share, _: steps.append(share),
    )
    assert report.added == ("uploads/new.txt",)
    assert sources(index) == {"articles/one.txt", "uploads/new.txt"}
    assert steps == sorted(steps)
    assert 0 <= steps[0] <= steps[-1] == pytest.approx(1)


def test_another_file_of_the_same_name_does_not_replace_the_first(
    index: Path, tmp_path: Path
) -> None:
    uploads = Uploads(index, FakeEmbedder)
    for number, text in enumerate(("First text.", "Second text.", "First text.")):
        uploads.add([upload(tmp_path / f"up{number}", "new.txt", text)], lambda *_: None)
    kept = {path.name: path.read_text() for path in (index / FOLDER).iterdir()}
    assert kept == {"new.txt": "First text.", "new-2.txt": "Second text."}
    assert {"uploads/new.txt", "uploads/new-2.txt"} <= sources(index)


def test_an_upload_that_was_removed_comes_back_when_it_is_handed_in_again(
    index: Path, tmp_path: Path
) -> None:
    uploads = Uploads(index, FakeEmbedder)
    new, other = (
        upload(tmp_path / "up", name, f"Text of {name}.") for name in ("new.txt", "b.txt")
    )
    uploads.add([new, other], lambda *_: None)
    remove_from_index(index, ["uploads/new.txt", "uploads/b.txt"], confirm=True)
    assert sources(index) == {"articles/one.txt"}
    report = uploads.add([new], lambda *_: None)
    assert (report.added, report.skipped) == (("uploads/new.txt",), ())
    assert sources(index) == {"articles/one.txt", "uploads/new.txt"}
    assert {path.name for path in (index / FOLDER).iterdir()} == {"new.txt", "b.txt"}
    uploads.update((), lambda _: None)
    assert sources(index) == {"articles/one.txt", "uploads/new.txt"}
    assert uploads.add([other], lambda *_: None).added == ("uploads/b.txt",)


def test_files_handed_in_at_once_are_all_kept(index: Path, tmp_path: Path) -> None:
    class Slow(UnsyncedFileSystem):
        def write_file(self, path: Path, data: bytes) -> None:
            super().write_file(path, data)
            time.sleep(0.05 if path.parent.name == FOLDER else 0)

    uploads = Uploads(index, FakeEmbedder, Slow())
    files = [upload(tmp_path / f"up{n}", "new.txt", f"Text number {n}.") for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda file: uploads.add([file], lambda *_: None), files))
    assert len(reports) == 4
    kept = sorted(path.read_text() for path in (index / FOLDER).iterdir())
    assert kept == [f"Text number {n}." for n in range(4)]
    assert len(sources(index)) == 5


def test_only_what_is_handed_in_is_told_as_skipped(index: Path, tmp_path: Path) -> None:
    (tmp_path / "articles" / "photo.jpg").write_bytes(b"")
    uploads = Uploads(index, FakeEmbedder)
    blank = upload(tmp_path / "up", "blank.txt", " ")
    table = upload(tmp_path / "up", "table.csv", "title,text\nA,One.\nB,Two.,x\n")
    first = uploads.add([blank, table], lambda *_: None)
    assert [one.source for one in first.skipped] == ["uploads/blank.txt", "uploads/table.csv#row=2"]
    good = upload(tmp_path / "up", "good.txt", "Some text.")
    assert uploads.add([good], lambda *_: None).skipped == ()
    again = uploads.add([good, blank], lambda *_: None)
    assert [one.source for one in again.skipped] == ["uploads/blank.txt"]


@pytest.mark.parametrize("name", [".hidden.txt", "a\nb.txt", "ü 😀.txt"])
def test_odd_names_become_names_that_are_indexed(index: Path, tmp_path: Path, name: str) -> None:
    report = Uploads(index, FakeEmbedder).add(
        [upload(tmp_path / "up", name, "Some text.")], lambda *_: None
    )
    assert len(report.added) == 1


def test_uploads_that_were_removed_all_at_once_come_back_one_by_one(
    index: Path, tmp_path: Path
) -> None:
    uploads = Uploads(index, FakeEmbedder)
    first, second, third = (
        upload(tmp_path / "up", name, f"Text of {name}.") for name in ("p.md", "q.md", "r.md")
    )
    uploads.add([first, second], lambda *_: None)
    remove_from_index(index, [FOLDER], confirm=True)
    assert uploads.add([third], lambda *_: None).added == ("uploads/r.md",)
    assert uploads.add([first], lambda *_: None).added == ("uploads/p.md",)


def test_a_name_with_accents_stays_as_it_is(index: Path, tmp_path: Path) -> None:
    decomposed = normalize("NFD", "Café São José.txt")  # as archives from a Mac have it
    report = Uploads(index, FakeEmbedder).add(
        [upload(tmp_path / "up", decomposed, "Some text.")], lambda *_: None
    )
    assert report.added == (normalize("NFC", "uploads/Café São José.txt"),)


def test_a_folder_that_cannot_be_written_is_named(index: Path, tmp_path: Path) -> None:
    (index / FOLDER).write_text("in the way")
    with pytest.raises(ConfigError, match="could not be kept"):
        Uploads(index, FakeEmbedder).add(
            [upload(tmp_path / "up", "new.txt", "Text.")], lambda *_: None
        )
