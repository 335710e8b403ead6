"""Following folders: every change reaches the index, and nothing else makes an update."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from index import build
from index.build import BuildReport, update_index
from index.embed import Embedder
from index.errors import IndexDamaged, IndexMissing
from index.store import Store
from index.watch import Pace, Trouble, follow, following
from qa.uploads import Uploads
from tests.commands import SECONDS, Command, until
from tests.fakes import FakeEmbedder, UnsyncedFileSystem, article

PACE = Pace(quiet=0.2, longest=5, look=0.1, retry=0.1)


class Followed:
    """An index that follows folders in this process; what it did is in ``events`` and ``calls``.

    ``during`` is called in each update, when it has read the folders.
    """

    def __init__(self, tmp_path: Path) -> None:
        self.index = tmp_path / "index"
        self.folder = tmp_path / "articles"
        self.folder.mkdir()
        self.write("one", "two", "three")
        self.events: list[BuildReport | Trouble] = []
        self.calls: list[tuple[Path, ...]] = []
        self.done = 0
        self.during: Callable[[], None] = lambda: None

    def write(self, *names: str, folder: Path | None = None) -> None:
        for name in names:
            (folder or self.folder).joinpath(f"{name}.txt").write_text(f"{name}\n\nText of {name}.")

    def build(self, *folders: Path) -> None:
        update_index(
            self.index, folders, embedder=FakeEmbedder(), fs=UnsyncedFileSystem(), confirm=True
        )

    def build_other(self) -> Path:
        """Add a second folder, with the text "else", to the index, and return it."""
        other = self.folder.with_name("other")
        other.mkdir()
        self.write("else", folder=other)
        self.build(other)
        return other

    def update(self, folders: Sequence[Path], progress: Callable[[Any], None]) -> BuildReport:
        self.calls.append(tuple(folders))
        try:
            return update_index(
                self.index,
                folders,
                embedder=FakeEmbedder(),
                fs=UnsyncedFileSystem(),
                progress=progress,
            )
        finally:
            self.during()
            self.done += 1

    @contextmanager
    def following(self, *folders: Path, pace: Pace = PACE) -> Iterator[None]:
        """Follow, from when the first update is done."""
        with following(self.index, folders, self.update, self.events.append, pace=pace):
            assert until(lambda: self.done > 0)
            yield

    def sources(self) -> set[str]:
        found = Store(self.index).open(encoder=False).documents
        return {Path(document.source).with_suffix("").as_posix() for document in found}

    def holds(self, *names: str) -> bool:
        """Tell whether just these articles are in the index before long."""
        return until(lambda: self.sources() == {f"articles/{name}" for name in names})

    def rests(self) -> bool:
        """Tell whether updates cease; those that wake themselves never do."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            done = self.done
            if not until(lambda before=done: self.done > before, 4 * PACE.quiet):
                return True
        return False

    def reports(self) -> list[BuildReport]:
        return [event for event in self.events if isinstance(event, BuildReport)]

    def troubles(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Trouble)]


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    made = Followed(tmp_path)
    made.build(made.folder)
    return made


# --- what changes -------------------------------------------------------------------------------


def test_a_burst_of_changes_is_one_update(followed: Followed) -> None:
    # Far longer than between two files, even on a busy machine; the burst takes over a second.
    with followed.following(pace=Pace(quiet=3, look=0.2)):
        for number in range(30):
            time.sleep(0.04)
            (followed.folder / f"more{number}.txt").write_text(article(number))
            (followed.folder / "one.txt").write_text(f"One\n\nDraft {number}.")
        assert until(lambda: len(followed.events) > 0)
    assert followed.done == 2  # the one at the start and this one
    [report] = followed.reports()
    assert len(report.added) == 30
    assert report.changed == ("articles/one.txt",)


def test_changes_that_never_cease_are_updated_all_the_same(followed: Followed) -> None:
    enough = threading.Event()

    def write() -> None:
        number = 0
        while not enough.wait(0.05):
            number += 1
            (followed.folder / "one.txt").write_text(f"One\n\nDraft {number}.")

    writer = threading.Thread(target=write)
    with followed.following(pace=Pace(quiet=5, longest=1, look=0.2)):
        writer.start()
        try:
            assert until(lambda: len(followed.reports()) > 1)
        finally:
            enough.set()
            writer.join()


def test_whatever_happens_to_files_and_folders_is_followed(followed: Followed) -> None:
    folder = followed.folder
    with followed.following():
        (folder / "one.txt").unlink()
        assert followed.holds("two", "three")
        (folder / "two.txt").rename(folder / "four.txt")
        assert followed.holds("three", "four")
        (folder / "deep" / "deeper").mkdir(parents=True)
        followed.write("five", folder=folder / "deep" / "deeper")
        assert followed.holds("three", "four", "deep/deeper/five")
        followed.write("six", folder=folder / "deep" / "deeper")
        assert followed.holds("three", "four", "deep/deeper/five", "deep/deeper/six")
        (folder / "deep").rename(folder / "sunk")
        assert followed.holds("three", "four", "sunk/deeper/five", "sunk/deeper/six")
        followed.write("seven", folder=folder / "sunk" / "deeper")
        assert until(lambda: "articles/sunk/deeper/seven" in followed.sources())
    assert followed.troubles() == []


def test_a_change_while_an_update_runs_is_not_lost(followed: Followed) -> None:
    late = iter(["late", "later"])
    followed.during = lambda: followed.write(*(name for name in [next(late, "")] if name))
    with followed.following():
        assert followed.holds("one", "two", "three", "late", "later")


def test_a_change_before_the_first_update_is_found(followed: Followed) -> None:
    followed.write("before")
    with followed.following():
        assert followed.holds("one", "two", "three", "before")


def test_nothing_new_is_not_reported(followed: Followed) -> None:
    with followed.following():
        os.utime(followed.folder / "one.txt")
        assert until(lambda: followed.done > 1)
        assert followed.rests()
        done = followed.done
        (followed.folder / ".hidden.txt").write_text("Hidden.")
        (followed.folder / ".git").mkdir()
        (followed.folder / ".git" / "HEAD.txt").write_text("Hidden.")
        assert followed.rests()
        assert followed.done == done
    assert followed.events == []


def test_what_was_skipped_before_is_not_told_again(followed: Followed) -> None:
    (followed.folder / "old.jpg").write_bytes(b"\xff")
    followed.build(followed.folder)
    with followed.following():
        (followed.folder / "new.jpg").write_bytes(b"\xff")
        assert until(lambda: len(followed.events) > 0)
    [report] = followed.reports()
    assert [one.source for one in report.skipped] == ["articles/new.jpg"]


@pytest.mark.parametrize("name", ["inner", "deep/inner"])
def test_an_index_inside_its_folder_does_not_wake_itself(followed: Followed, name: str) -> None:
    followed.index = followed.folder / name
    followed.build(followed.folder)
    with followed.following():
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
        assert followed.rests()
        assert len(followed.events) == 1


def test_a_folder_inside_the_index_is_followed(followed: Followed) -> None:
    """As that of the uploads is, also where the index lies inside another folder."""
    followed.index = followed.folder / "inner"
    uploads = followed.index / "uploads"
    followed.build(followed.folder)
    uploads.mkdir()
    followed.write("first", folder=uploads)
    followed.build(uploads)
    with followed.following():
        followed.write("second", folder=uploads)
        assert until(lambda: "uploads/second" in followed.sources())
        assert followed.rests()


# --- which folders ------------------------------------------------------------------------------


def test_links_out_of_a_folder_are_not_followed(followed: Followed, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (followed.folder / "link").symlink_to(outside)
    (followed.folder / "loop").symlink_to(followed.folder)
    followed.build(followed.folder)
    with followed.following():
        followed.write("unseen", folder=outside)
        assert followed.rests()
        assert followed.done == 1
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")


def test_only_named_folders_are_followed(followed: Followed) -> None:
    other = followed.build_other()
    with followed.following(followed.folder):
        followed.write("unseen", folder=other)
        followed.write("four")
        assert until(lambda: "articles/four" in followed.sources())
    assert "other/unseen" not in followed.sources()
    assert set(followed.calls) == {(followed.folder,)}


def test_folders_that_another_process_adds_and_removes(followed: Followed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    followed.write("else", folder=other)
    with followed.following():
        followed.build(other)
        assert until(lambda: followed.calls[-1] == (followed.folder, other))
        followed.write("more", folder=other)
        assert until(lambda: "other/more" in followed.sources())
        build.remove_from_index(followed.index, ["other"])
        assert until(lambda: followed.calls[-1] == (followed.folder,))
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")


def test_a_named_folder_that_was_taken_out_stays_out(followed: Followed) -> None:
    other = followed.build_other()
    with followed.following(followed.folder, other):
        build.remove_from_index(followed.index, ["other"])
        followed.write("more", folder=other)
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
        assert followed.calls[-1] == (followed.folder,)
        [trouble] = followed.troubles()
        assert f"'{other}' was taken out of the index" in trouble
        followed.build(other)  # and put back
        followed.write("most", folder=other)
        assert until(lambda: "other/most" in followed.sources())
        assert followed.calls[-1] == (followed.folder, other)


def test_following_ends_when_all_that_was_named_is_taken_out(followed: Followed) -> None:
    followed.build_other()
    with followed.following(followed.folder):
        build.remove_from_index(followed.index, ["articles"], confirm=True)
        followed.write("four")
        assert until(lambda: len(followed.troubles()) == 2)
        assert "was taken out" in followed.troubles()[0]
        assert followed.troubles()[1].endswith("following ends.")
        assert until(lambda: not any(t.name == "footnote-watch" for t in threading.enumerate()))
    assert followed.sources() == {"other/else"}


def test_a_folder_is_not_put_back_that_was_taken_out_as_an_update_began(followed: Followed) -> None:
    followed.build_other()

    def update(folders: Sequence[Path], progress: Callable[[Any], None]) -> BuildReport:
        if "other/else" in followed.sources() and followed.calls:
            build.remove_from_index(followed.index, ["other"])  # just before it has the lock
        return followed.update(folders, progress)

    with following(followed.index, (), update, followed.events.append, pace=PACE):
        assert until(lambda: followed.done > 0)
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
    assert len(followed.troubles()) == 1


def test_a_folder_that_goes_and_comes_back(followed: Followed, tmp_path: Path) -> None:
    other, away = followed.build_other(), tmp_path / "away"
    with followed.following():
        shutil.rmtree(other)
        assert until(lambda: len(followed.troubles()) == 1)
        assert str(other) in followed.troubles()[0]
        followed.write("four")  # the others are followed meanwhile
        assert until(lambda: "articles/four" in followed.sources())
        assert "other/else" in followed.sources()
        other.mkdir()
        followed.write("new", folder=other)
        assert until(lambda: "other/new" in followed.sources())
        assert "other/else" not in followed.sources()
        other.rename(away)
        assert until(lambda: len(followed.troubles()) == 2)
        followed.write("newer", folder=away)
        away.rename(other)
        assert until(lambda: "other/newer" in followed.sources())
    assert len(followed.troubles()) == 2


def test_the_only_folder_goes_with_all_above_it(followed: Followed, tmp_path: Path) -> None:
    above = tmp_path / "above"
    (above / "articles").mkdir(parents=True)
    followed.folder = above / "articles"
    followed.index = tmp_path / "second"
    followed.write("one")
    followed.build(followed.folder)
    with followed.following():
        above.rename(tmp_path / "elsewhere")
        assert until(lambda: len(followed.troubles()) == 1)
        (tmp_path / "elsewhere").rename(above)
        followed.write("two")
        assert followed.holds("one", "two")


def test_a_folder_that_became_a_link_stays_the_same_folder(
    followed: Followed, tmp_path: Path
) -> None:
    followed.folder.rename(tmp_path / "moved")
    followed.folder.symlink_to(tmp_path / "moved")
    with followed.following():
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")


def test_a_link_is_followed_to_where_it_leads_now(followed: Followed, tmp_path: Path) -> None:
    link, other = tmp_path / "link", tmp_path / "other"
    other.mkdir()
    followed.write("one", "two", "three", "four", folder=other)
    link.symlink_to(followed.folder)
    followed.index = tmp_path / "another"
    followed.build(link)
    with followed.following(link):
        link.unlink()
        link.symlink_to(other)
        assert until(lambda: "link/four" in followed.sources())
        followed.write("five", folder=other)
        assert until(lambda: "link/five" in followed.sources())


def test_an_index_inside_a_folder_that_is_a_link_does_not_wake_itself(
    followed: Followed, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(followed.folder)
    followed.index = link / "index"
    followed.build(link)
    with followed.following(link):
        followed.write("four")
        assert until(lambda: "link/four" in followed.sources())
        assert followed.rests()


# --- what fails ---------------------------------------------------------------------------------


def test_an_update_that_fails_is_tried_again_at_the_next_change(followed: Followed) -> None:
    with followed.following():
        for name in ("one", "two"):
            (followed.folder / f"{name}.txt").unlink()
        assert until(lambda: len(followed.troubles()) == 1)
        assert "--yes" in followed.troubles()[0]
        assert len(followed.sources()) == 3
        followed.write("one", "four")
        assert followed.holds("one", "three", "four")


def test_a_locked_index_is_said_once_and_waited_for(followed: Followed) -> None:
    with followed.following():
        with Store(followed.index).writer():
            followed.write("four")
            assert until(lambda: followed.done > 3)
            assert followed.sources() == {"articles/one", "articles/two", "articles/three"}
        assert followed.holds("one", "two", "three", "four")
    assert len(followed.troubles()) == 1
    assert "Another process" in followed.troubles()[0]


def test_a_damaged_index_is_said_and_followed_when_it_is_whole(followed: Followed) -> None:
    with followed.following():
        marker = followed.index / "FOOTNOTE"
        content = marker.read_bytes()
        marker.write_bytes(b"x")
        with pytest.raises(IndexDamaged):
            followed.sources()
        followed.write("four")
        assert until(lambda: len(followed.troubles()) == 1)
        marker.write_bytes(content)
        followed.write("five")
        assert followed.holds("one", "two", "three", "four", "five")


def test_a_folder_that_only_the_damaged_generation_holds_is_followed(followed: Followed) -> None:
    other = followed.build_other()
    (followed.index / "gen-000002" / "vectors.faiss").unlink()
    with followed.following(other):
        followed.write("more", folder=other)
        assert until(lambda: "other/more" in followed.sources())
    assert followed.troubles() == []


def test_an_index_that_cannot_be_opened_yet_is_followed_later(followed: Followed) -> None:
    marker = followed.index / "FOOTNOTE"
    content = marker.read_bytes()
    marker.write_bytes(b"x")
    with following(followed.index, (), followed.update, followed.events.append, pace=PACE):
        assert until(lambda: len(followed.troubles()) == 1)
        assert "damaged" in followed.troubles()[0]
        followed.write("four")
        marker.write_bytes(content)
        assert followed.holds("one", "two", "three", "four")
    assert len(followed.troubles()) == 1


def test_a_current_folder_that_is_gone_is_said(
    followed: Followed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    folder, followed.index, followed.folder = followed.folder, Path("index"), here / "articles"
    shutil.copytree(folder, followed.folder)
    followed.build(followed.folder)
    with followed.following():
        shutil.rmtree(here)
        assert until(lambda: "the current folder is gone" in " ".join(followed.troubles()))
    with pytest.raises(IndexMissing, match="the current folder is gone"):
        list(follow("index", [folder], followed.update, stop=threading.Event(), pace=PACE))


def test_names_that_are_not_utf_8_do_not_end_it(followed: Followed) -> None:
    with followed.following():
        with Path(os.fsdecode(os.fsencode(followed.folder) + b"/\xff.txt")).open("w") as file:
            file.write("Text.")
        assert until(lambda: len(followed.troubles()) == 1)
        assert "looked for" in followed.troubles()[0]
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
        (followed.folder / "four.txt").unlink()
        assert followed.holds("one", "two", "three")
        assert len(followed.troubles()) == 1


@pytest.mark.parametrize("error", [OSError("OS file watch limit reached."), RuntimeError("none")])
def test_without_events_changes_are_looked_for(
    followed: Followed, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def watch(*_: Any, **__: Any) -> Iterator[Any]:
        raise error

    monkeypatch.setattr(watchfiles, "watch", watch)
    followed.index = followed.folder / "inner"
    followed.build(followed.folder)
    with followed.following():
        assert until(lambda: len(followed.troubles()) == 1)
        assert str(error) in followed.troubles()[0]
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
        assert followed.rests()
        (followed.folder / "four.txt").write_text("Four\n\nAnother text.")
        assert until(lambda: followed.reports()[-1].changed == ("articles/four.txt",))
        shutil.move(followed.folder / "four.txt", followed.folder / "five.txt")
        assert followed.holds("one", "two", "three", "five")


def test_what_comes_and_goes_between_two_looks_is_not_missed(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update has read the file, so another must find that it is gone."""

    def watch(*_: Any, **__: Any) -> Iterator[Any]:
        raise OSError("OS file watch limit reached.")

    def update(folders: Sequence[Path], progress: Callable[[Any], None]) -> BuildReport:
        if followed.done != 1:  # the second is the first since changes are looked for
            return followed.update(folders, progress)
        followed.write("four")
        report = followed.update(folders, progress)
        (followed.folder / "four.txt").unlink()
        return report

    monkeypatch.setattr(watchfiles, "watch", watch)
    seldom = replace(PACE, look=1)
    with following(followed.index, (), update, followed.events.append, pace=seldom):
        assert until(lambda: len(followed.reports()) > 0)
        assert followed.reports()[0].added == ("articles/four.txt",)
        assert followed.holds("one", "two", "three")
        assert followed.rests()


def test_polling_can_be_asked_for(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")
    with followed.following():
        followed.write("four")
        assert followed.holds("one", "two", "three", "four")
        (followed.folder / "four.txt").unlink()
        assert followed.holds("one", "two", "three")
    assert followed.troubles() == []


# --- its end ------------------------------------------------------------------------------------


def test_the_end_does_not_wait_for_a_long_update(tmp_path: Path) -> None:
    """An update that embeds for ever ends where it reports progress."""
    followed = Followed(tmp_path)
    followed.build(followed.folder)
    begun = threading.Event()

    def update(folders: Sequence[Path], progress: Callable[[Any], None]) -> BuildReport:
        begun.set()
        while True:
            progress(build.Progress("embed", 0, 1))
            time.sleep(0.01)

    with following(followed.index, (), update, followed.events.append, pace=PACE):
        assert begun.wait(SECONDS)
    assert "footnote-watch" not in {thread.name for thread in threading.enumerate()}
    assert followed.events == []


def test_an_upload_and_a_followed_update_take_turns(followed: Followed, tmp_path: Path) -> None:
    """Neither finds the index locked, and the model is made once."""
    made: list[str] = []

    def make(name: str) -> FakeEmbedder:
        made.append(name)
        return FakeEmbedder(name)

    uploads = Uploads(followed.index, make)
    started, go_on = threading.Event(), threading.Event()

    def wait(_: Any) -> None:
        started.set()
        assert go_on.wait(SECONDS)

    def added() -> None:
        upload = tmp_path / "new.txt"
        upload.write_text("New\n\nText of new.")
        uploads.add([upload], lambda *_: None)

    updating = threading.Thread(target=uploads.update, args=([followed.folder], wait))
    adding = threading.Thread(target=added)
    updating.start()
    assert started.wait(SECONDS)
    adding.start()
    assert until(lambda: (followed.index / "uploads" / "new.txt").exists())
    go_on.set()
    updating.join()
    adding.join()
    assert "uploads/new" in followed.sources()
    assert made == ["fake"]


# --- the commands -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """A folder with articles and their index, made with the real model."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "articles").mkdir()
    for name, city in (("fair", "Lyon"), ("bridge", "Nice")):
        text = f"The {name}\n\nThe {name} was opened in {city} by the mayor."
        (folder / "articles" / f"{name}.txt").write_text(text)
    update_index(folder / ".footnote", [folder / "articles"], embedder=embedder)
    return folder


@pytest.fixture
def command(real: Path) -> Iterator[Callable[..., Command]]:
    running: list[Command] = []

    def start(*arguments: str) -> Command:
        running.append(Command(real, *arguments))
        return running[-1]

    yield start
    for one in running:
        one.close()


def indexed(folder: Path) -> set[str]:
    return {one.source for one in Store(folder / ".footnote").open(encoder=False).documents}


def test_index_follows_until_ctrl_c(real: Path, command: Callable[..., Command]) -> None:
    running = command("index", "articles", "--watch")
    assert until(lambda: any("Ctrl-C" in line for line in running.err), 60), running.err
    (real / "articles" / "tower.txt").write_text("The tower\n\nThe tower is 90 metres high.")
    (real / "articles" / "odd.xyz").write_text("?")
    assert until(lambda: "articles/tower.txt" in indexed(real), 120, every=0.2), running.err
    (real / "articles" / "tower.txt").unlink()
    assert until(lambda: "articles/tower.txt" not in indexed(real), 60, every=0.2), running.err
    assert until(lambda: len(running.out) >= 5, 60)
    assert running.end(signal.SIGINT) == 0
    assert "2 unchanged. The index holds 2 documents" in running.out[0]
    assert running.out[1].split() == ["added", "articles/tower.txt"]
    assert running.out[2].split()[:2] == ["skipped", "articles/odd.xyz:"]
    assert running.out[3].startswith("1 added, 2 unchanged, 1 skipped. The index holds 3")
    assert running.out[4].split() == ["removed", "articles/tower.txt"]
    assert running.err == ["Following changes - Ctrl-C ends it.\n"]


def test_index_follows_the_folders_it_knows_until_sigterm(command: Callable[..., Command]) -> None:
    running = command("index", "--watch")
    assert until(lambda: any("Ctrl-C" in line for line in running.err), 60), running.err
    assert running.end(signal.SIGTERM) == 0
    assert len(running.err) == 1


def test_the_first_update_fails_as_without_watching(
    tmp_path: Path, command: Callable[..., Command]
) -> None:
    running = command("index", "--watch", "--index", str(tmp_path / "none"))
    assert running.process.wait(60) == 1
    assert until(lambda: len(running.err) == 1)
    assert "No folder to index" in running.err[0]
