"""The index cannot lose, lie, or be brought down: crashes, full disks, damage, concurrent use."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from index._fs import FileSystem
from index._manifest import Manifest, Part
from index.build import remove_from_index, update_index
from index.chunk import ChunkConfig, chunk_document
from index.embed import passage_text
from index.errors import (
    ConfigError,
    FootnoteError,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    IndexWriteError,
)
from index.lexical import LexicalIndex
from index.load import find_files, load_file
from index.retrieve import Retriever
from index.store import PARTS, Generation, Store
from index.types import Chunk, Document, Hit, Vectors
from qa.uploads import FOLDER, Uploads
from tests import forks as tasks
from tests.conftest import ROOT, rounds
from tests.fakes import (
    CountingFileSystem,
    ExportingEmbedder,
    FakeEmbedder,
    RecordingFileSystem,
    UnsyncedFileSystem,
    article,
    disk_full,
    write_articles,
)
from tests.forks import Forks

OLD = {f"{number}.txt": article(number) for number in range(4)}
NEW = {**{f"{number}.txt": article(number + 2) for number in range(3)}, "new.txt": article(9)}


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.close()


def update(index: Path, folder: Path, **options: object) -> None:
    options = {"embedder": ExportingEmbedder(), "fs": UnsyncedFileSystem(), **options}
    update_index(index, [folder], confirm=True, **options)  # type: ignore[arg-type]


def texts(generation: Generation) -> dict[str, str]:
    return {document.source: document.text for document in generation.documents}


@dataclass(frozen=True)
class Scene:
    """An index of the old articles, a folder with the new ones, and how to bring one to the other."""

    template: Path
    folder: Path
    old: dict[str, str] | None
    new: dict[str, str]
    version: str
    how: str
    least: int = 30
    """Points at which it can be cut, at least."""

    def fresh(self, index: Path) -> Path:
        """Make ``index`` what it was before the update."""
        shutil.rmtree(index, ignore_errors=True)
        if self.old is not None:
            shutil.copytree(self.template, index)
        return index

    def update(self, index: Path, fs: UnsyncedFileSystem) -> None:
        if self.how in ("remove", "rollback"):
            tasks.make_change(index, self.how, fs)
            return
        embedder = ExportingEmbedder(version=self.version)
        update(index, self.folder, embedder=embedder, rebuild=self.how == "rebuild", fs=fs)

    def killed(self, forks: Forks, index: Path, cut: int) -> int:
        """Update in a child that is killed at a point; return how it ended."""
        if self.how in ("remove", "rollback"):
            return forks.run(tasks.change, index, self.how, cut)
        rebuild = self.how == "rebuild"
        return forks.run(tasks.update, index, self.folder, cut, self.version, rebuild)

    def finish(self, index: Path) -> None:
        """Do what a person would do after a cut, and what the next writer does."""
        fs = UnsyncedFileSystem()
        if self.how not in ("remove", "rollback") or self.found(index) == "old":
            self.update(index, fs)
        store = Store(index, fs)
        with store.writer():
            store.clean()

    def points(self, index: Path) -> list[str]:
        """Return every point at which the update can be cut."""
        fs = CountingFileSystem()
        self.update(self.fresh(index), fs)
        return fs.log

    def found(self, index: Path) -> str:
        """Open the index; return whether the old or the new articles stand in it."""
        try:
            generation = Store(index).open()
        except IndexMissing:
            assert self.old is None
            return "old"
        assert texts(generation) in (self.old, self.new)
        if self.old is not None:
            assert generation.recovered_from is None
            assert Store(index).check() == []
        return "new" if texts(generation) == self.new else "old"


@pytest.fixture(params=["first build", "update", "rebuild", "remove", "rollback"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    template, folder = tmp_path / "template", tmp_path / "news"
    write_articles(folder, NEW)
    update(tmp_path / "expected", folder)
    new = texts(Store(tmp_path / "expected").open())
    if request.param == "first build":
        return Scene(template, folder, None, new, "1", "update")
    for articles in ({"0.txt": OLD["0.txt"]}, {"1.txt": OLD["1.txt"]}, OLD):
        write_articles(folder, articles)
        update(template, folder)
    old = texts(Store(template).open())
    if request.param in ("remove", "rollback"):
        shutil.copytree(template, tmp_path / "changed")
        tasks.make_change(tmp_path / "changed", request.param, UnsyncedFileSystem())
        new = texts(Store(tmp_path / "changed").open())
        assert len(new) == (1 if request.param == "rollback" else len(old) - 1)
        least = 7 if request.param == "rollback" else 25
        return Scene(template, folder, old, new, "1", request.param, least)
    write_articles(folder, NEW)
    return Scene(
        template, folder, old, new, "2" if request.param == "rebuild" else "1", request.param
    )


def leavings(index: Path) -> set[str]:
    """Return names that a finished update does not leave."""
    expected = {"CURRENT", "FOOTNOTE", "encoders", "lock"}
    generations = sorted(path.name for path in index.glob("gen-??????"))[-2:]
    return {path.name for path in index.iterdir()} - expected - set(generations)


# All or nothing


def cuts(points: Sequence[str]) -> list[tuple[int, str]]:
    """Return the points to cut at, numbered: all in CI, else every second, and the last."""
    step = rounds(2, in_ci=1)
    numbered = list(enumerate(points))
    return sorted({*numbered[random.randrange(step) :: step], numbered[-1]})


def test_every_failing_operation_leaves_the_old_or_gives_the_new(
    scene: Scene, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    points = scene.points(index)
    refused = 0
    chosen = cuts(points)
    for cut, point in chosen:
        scene.fresh(index)
        try:
            scene.update(index, CountingFileSystem(cut, disk_full))
        except IndexWriteError as exc:
            refused += 1
            expected = "new" if "is in use" in str(exc) else "old"
        else:
            expected = "new"
        assert scene.found(index) == expected, point
        scene.finish(index)
        assert scene.found(index) == "new", point
        assert leavings(index) == set(), point
    assert len(points) >= scene.least
    assert scene.least / 2 <= refused * len(points) / len(chosen)
    assert refused < len(chosen)


def test_a_kill_at_every_operation_leaves_the_old_or_the_new(
    scene: Scene, tmp_path: Path, forks: Forks
) -> None:
    index = tmp_path / "index"
    points = scene.points(index)
    found = []
    for cut, point in cuts(points):
        scene.fresh(index)
        assert scene.killed(forks, index, cut) == -signal.SIGKILL, point
        found.append(scene.found(index))
        scene.finish(index)
        assert scene.found(index) == "new", point
        assert leavings(index) == set(), point
    assert found == sorted(found, reverse=True)  # "old" up to one point, "new" after it
    assert set(found) == {"old", "new"}


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "full disk"])
def test_a_cut_upload_loses_nothing_and_is_taken_up_again(
    forks: Forks, tmp_path: Path, kill: bool
) -> None:
    index, folder, template = tmp_path / "index", tmp_path / "news", tmp_path / "template"
    write_articles(folder, OLD)
    update(template, folder)
    upload(template, folder / "0.txt", UnsyncedFileSystem())
    handed_in = tmp_path / "0.txt"  # of the same name as the one that is kept
    handed_in.write_text(article(7))
    fs = CountingFileSystem()
    shutil.copytree(template, index)
    upload(index, handed_in, fs)
    finished = texts(Store(index).open())
    assert len(fs.log) >= 35
    for cut, point in cuts(fs.log):
        shutil.rmtree(index)
        shutil.copytree(template, index)
        if kill:
            assert forks.run(tasks.upload, index, handed_in, cut) == -signal.SIGKILL, point
        else:
            with suppress(ConfigError, IndexWriteError):
                upload(index, handed_in, CountingFileSystem(cut, disk_full))
        found = texts(Store(index).open())
        assert found in (texts(Store(template).open()), finished), point
        upload(index, handed_in, UnsyncedFileSystem())
        assert texts(Store(index).open()) == finished, point
        kept = {path.name: path.read_text() for path in (index / FOLDER).iterdir()}
        assert kept == {"0.txt": OLD["0.txt"], "0-2.txt": article(7)}, point


def upload(index: Path, file: Path, fs: FileSystem) -> None:
    Uploads(index, lambda _: ExportingEmbedder(), fs).add([file], lambda *_: None)


def kill_at_random(forks: Forks, tmp_path: Path, kills: int) -> None:
    index, folder, log = tmp_path / "index", tmp_path / "news", tmp_path / "log"
    folder.mkdir()
    log.write_text("0\n")
    started = time.monotonic()
    assert forks.run(tasks.write_versions, index, folder, log, 10) == 0
    lifetime = 2 * (time.monotonic() - started) / 10
    chance = random.Random(kills)
    acknowledged = int(log.read_text().split()[-1])
    for _ in range(kills):
        pid = forks.start(tasks.write_versions, index, folder, log, None)
        time.sleep(chance.uniform(0, lifetime))
        os.kill(pid, signal.SIGKILL)
        assert forks.wait(pid) == -signal.SIGKILL
        before, acknowledged = acknowledged, int(log.read_text().split()[-1])
        # About half of them get as far as a commit, however fast the machine is at the moment.
        lifetime *= 1.1 if acknowledged == before else 1 / 1.1
        generation = Store(index).open()
        assert generation.recovered_from is None
        (version,) = {c.text.split("release v")[1].split()[0] for c in generation.chunks}
        assert int(version) >= acknowledged, "a commit was lost"
        assert len(list(index.glob("gen-*"))) <= 4
        assert len(list(index.rglob("*"))) <= 40
    assert acknowledged > 10 + kills / 20, "the children were killed before they did anything"
    last = acknowledged + 1
    assert forks.run(tasks.write_versions, index, folder, log, last) == 0
    assert leavings(index) == set()
    assert Store(index).check() == []


def test_kills_at_random_moments_lose_nothing(forks: Forks, tmp_path: Path) -> None:
    kill_at_random(forks, tmp_path, rounds(20, in_ci=200))


@pytest.mark.slow
def test_a_thousand_kills_at_random_moments_lose_nothing(forks: Forks, tmp_path: Path) -> None:
    kill_at_random(forks, tmp_path, 1000)


def test_every_change_on_disk_goes_through_the_seam(forks: Forks, tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    assert forks.run(tasks.write_under_audit, tmp_path / "index", tmp_path / "news") == 0


# Power cuts


def test_nothing_is_built_on_what_a_power_cut_could_take(tmp_path: Path) -> None:
    index, folder = tmp_path / "new" / "newer" / "index", tmp_path / "news"
    for articles in (OLD, NEW):
        fs = RecordingFileSystem()
        write_articles(folder, articles)
        with fs.recording():
            update(index, folder, fs=fs)
        renamed = [event for event in fs.log if event.startswith("rename")]
        number = 1 if articles is OLD else 2
        assert renamed[-2:] == [f"rename gen-00000{number}", "rename CURRENT"]
        assert fs.log[fs.log.index("rename CURRENT") + 1] == "sync index"
        written = {event.split()[1] for event in fs.log if event.startswith("write")}
        assert {*PARTS, "manifest.json", "CURRENT.tmp"} <= written
    for how in ("remove", "rollback"):
        fs = RecordingFileSystem()
        with fs.recording():
            tasks.make_change(index, how, fs)
        assert fs.log[fs.log.index("rename CURRENT") + 1] == "sync index"


def test_uploads_are_on_disk_before_the_index_names_them(tmp_path: Path) -> None:
    index, folder = tmp_path / "index", tmp_path / "news"
    write_articles(folder, OLD)
    update(index, folder)
    fs = RecordingFileSystem()
    with fs.recording():
        Uploads(index, lambda _: ExportingEmbedder(), fs).add([folder / "1.txt"], lambda *_: None)
    assert fs.log.index("sync uploads") < fs.log.index("rename CURRENT")
    assert "uploads/1.txt" in texts(Store(index).open())


@pytest.mark.parametrize("unsynced", ["file", "folder"])
def test_a_forgotten_sync_would_be_noticed(tmp_path: Path, unsynced: str) -> None:
    class Forgetful(RecordingFileSystem):
        def _sync(self, descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode) != (unsynced == "folder"):
                super()._sync(descriptor)

    write_articles(tmp_path / "news", OLD)
    fs = Forgetful()
    with fs.recording(), pytest.raises(AssertionError, match=r"is not on disk|may be lost"):
        update(tmp_path / "index", tmp_path / "news", fs=fs)


# Full disks


def fill_the_disk(forks: Forks, tmp_path: Path, cuts: int, *, first: bool = False) -> None:
    index, folder, template = tmp_path / "index", tmp_path / "news", tmp_path / "template"
    write_articles(folder, OLD)
    old = None
    if first:
        template.mkdir()
    else:
        update(template, folder)
        old = texts(Store(template).open())
    write_articles(folder, NEW)
    shutil.copytree(template, index)
    update(index, folder)
    new = texts(Store(index).open())
    largest = max(path.stat().st_size for path in index.glob("gen-*/*"))
    succeeded = 0
    for cut in range(cuts):
        limit = cut * int(1.1 * largest) // (cuts - 1)
        if cut == 0 or succeeded:
            shutil.rmtree(index)
            shutil.copytree(template, index)
        status = forks.run(tasks.update_within, index, folder, limit)
        assert status in (0, tasks.WRITE_ERROR), limit
        if status == tasks.WRITE_ERROR and old is None:
            with pytest.raises(IndexMissing):
                Store(index).open()
        else:
            assert texts(Store(index).open()) == (new if status == 0 else old), limit
            assert Store(index).check() == []
        succeeded += status == 0
    assert 0 < succeeded < cuts / 2


def test_a_full_disk_is_never_taken_for_success(forks: Forks, tmp_path: Path) -> None:
    fill_the_disk(forks, tmp_path, rounds(20, in_ci=200))


def test_a_full_disk_is_never_taken_for_the_success_of_a_first_build(
    forks: Forks, tmp_path: Path
) -> None:
    fill_the_disk(forks, tmp_path, rounds(20, in_ci=200), first=True)


@pytest.mark.slow
def test_a_full_disk_at_two_thousand_places(forks: Forks, tmp_path: Path) -> None:
    fill_the_disk(forks, tmp_path, 2000)


# Damage


def mutate(chance: random.Random, path: Path, twin: Path | None) -> str:
    """Damage a file in one of five ways; return which."""
    data = bytearray(path.read_bytes())
    kind = chance.choice(["flip", "zero", "truncate", "delete", "swap"])
    if kind == "swap" and (twin is None or twin.read_bytes() == bytes(data)):
        kind = "flip"
    if kind == "flip":
        for _ in range(chance.choice([1, 1, 1, 8])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == "zero":
        start = 512 * chance.randrange(len(data) // 512 + 1)
        data[start : start + 512] = bytes(len(data[start : start + 512]))
    elif kind == "truncate":
        del data[chance.randrange(len(data)) :]
    if kind == "delete":
        path.unlink()
    elif kind == "swap":
        assert twin is not None
        path.write_bytes(twin.read_bytes())
        twin.write_bytes(bytes(data))
    else:
        path.write_bytes(data)
    return kind


def damage(tmp_path: Path, mutations: int, seed: int) -> None:
    """Damage a file at a time: each must be named, and no answer may come from damaged bytes."""
    index, folder = tmp_path / "index", tmp_path / "news"
    states = []
    for version, articles in (("1", OLD), ("2", NEW)):
        write_articles(folder, articles)
        update(index, folder, embedder=ExportingEmbedder(version=version), rebuild=True)
        states.append(fingerprint(Store(index).open()))
    files = sorted(path for path in index.rglob("*") if path.is_file() and path.name != "lock")
    whole = {path: path.read_bytes() for path in files}
    assert len(files) == 18  # two generations of five, two encoders of three, and two
    chance = random.Random(seed)
    kinds: dict[str, int] = {}
    done = 0
    while done < mutations:
        path = files[done % len(files)]
        twins = [other for other in files if other.name == path.name and other != path]
        twin = twins[0] if twins else None
        kind = mutate(chance, path, twin)
        if path.exists() and path.read_bytes() == whole[path]:
            continue  # zeros in place of zeros
        done += 1
        kinds[kind] = kinds.get(kind, 0) + 1
        about = f"{kind} {path.relative_to(index)}"
        try:
            named = {finding.path for finding in Store(index).check()}
        except IndexMismatch:  # the marker may also read as that of another format
            named = {"FOOTNOTE"}
        damaged = [path, twin] if kind == "swap" and twin is not None else [path]
        assert {str(one.relative_to(index)) for one in damaged} <= named, about
        try:
            generation = Store(index).open()
        except FootnoteError:
            pass
        else:
            assert fingerprint(generation) in states, about
            if generation.recovered_from is None:
                assert fingerprint(generation) == states[-1], about
        for one, data in whole.items():
            if not one.exists() or one.read_bytes() != data:
                one.write_bytes(data)
    assert Store(index).check() == []
    assert fingerprint(Store(index).open()) == states[-1]
    assert set(kinds) == {"flip", "zero", "truncate", "delete", "swap"}


def fingerprint(generation: Generation) -> tuple[object, ...]:
    """Return all that an answer depends on."""
    return (
        generation.number,
        generation.documents,
        generation.chunks,
        generation.embeddings().tobytes(),
        generation.lexical.to_bytes(),
        dict(generation.encoder_files),
    )


def test_damage_is_named_and_never_answered_from(tmp_path: Path) -> None:
    damage(tmp_path, mutations=rounds(100, in_ci=1000), seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_damages(tmp_path: Path, seed: int) -> None:
    damage(tmp_path, mutations=1000, seed=seed)


# No code from the index


@pytest.fixture
def whole_index(tmp_path: Path) -> Path:
    write_articles(tmp_path / "news", OLD)
    update(tmp_path / "whole", tmp_path / "news")
    return tmp_path / "whole"


def test_opening_and_asking_runs_no_code_of_the_index(
    forks: Forks, whole_index: Path, tmp_path: Path
) -> None:
    index = Path(shutil.copytree(whole_index, tmp_path / "index"))
    for name in ("json", "encodings", "bm25s", "sitecustomize", "index"):
        (index / f"{name}.py").write_text("raise SystemExit('code of the index ran')")
    assert forks.run(tasks.open_under_audit, whole_index, index, False) == 0


REAL_QUESTION = """
import pickle, sys
from pathlib import Path
from qa import QA

warm, index = (str(Path(one).resolve()) for one in sys.argv[1:])
heard, listening = [], None

def hook(event, arguments):
    if event == "pickle.find_class":
        heard.append((event, ascii(arguments)))
    elif event in ("exec", "import", "marshal.loads"):  # numpy parses headers, but runs none
        # In the warm-up libraries run code of their own; of the index's, there must be none at all.
        code = getattr(arguments[0], "co_filename", arguments)
        if listening or warm in ascii(code) or index in ascii(code):
            heard.append((event, ascii(code)))
    elif event == "open" and str(arguments[0]).startswith((warm, index)):
        if str(arguments[0]).endswith((".py", ".pyc", ".so", ".pth")):
            heard.append((event, ascii(arguments)))

sys.addaudithook(hook)
question = "When was Chandrayaan-3 launched?"
first = QA.open(warm).ask(question)
listening = True
answer = QA.open(index).ask(question)
listening = False
assert answer.text and answer.text == first.text, answer
assert all(citation.verify() for citation in answer.citations)
found = list(heard)
pickle.loads(pickle.dumps(Path))
exec(compile("1", index + "/x.py", "exec"))
assert {event for event, _ in heard[len(found):]} >= {"pickle.find_class", "exec"}, "it does not hear"
assert not found, found
"""


def test_a_real_question_runs_no_code_of_the_index(seeds_index: Path, tmp_path: Path) -> None:
    places = [Path(shutil.copytree(seeds_index, tmp_path / name)) for name in ("warm", "index")]
    for name in ("json", "onnxruntime", "tokenizers", "faiss", "sitecustomize"):
        for place in places:
            (place / f"{name}.py").write_text("raise SystemExit('code of the index ran')")
    done = subprocess.run(
        [sys.executable, "-c", REAL_QUESTION, *places],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("part", ["chunks.npy", "lexical.npz", "vectors.faiss", "documents.jsonl"])
def test_pickles_with_the_right_hash_are_refused(
    forks: Forks, whole_index: Path, tmp_path: Path, part: str
) -> None:
    index = Path(shutil.copytree(whole_index, tmp_path / "index"))
    folder = index / "gen-000001"
    array = np.array([Trap(tmp_path / "sprung")], dtype=object)
    buffer = io.BytesIO()
    if part == "lexical.npz":
        names = ("data", "indices", "indptr", "vocabulary", "size")
        np.savez(buffer, **dict.fromkeys(names, array))  # type: ignore[arg-type]
    else:
        np.save(buffer, array, allow_pickle=True)
    (folder / part).write_bytes(buffer.getvalue())
    manifest = Manifest.from_bytes((folder / "manifest.json").read_bytes())
    parts = {**manifest.parts, part: Part.of(buffer.getvalue())}
    data = replace(manifest, parts=parts).to_bytes()
    (folder / "manifest.json").write_bytes(data)
    (index / "CURRENT").write_text(f"gen-000001 {Part.of(data).sha256}\n")
    assert forks.run(tasks.open_under_audit, whole_index, index, True) == 0
    assert not (tmp_path / "sprung").exists()


# Update equals rebuild

FILES = ("a.txt", "b.txt", "sub/c.txt", "sub/d.csv", "e.jsonl")
WORDS = ("harbour", "minister", "glacier", "orchestra", "truce", "vaccine")


def render(name: str, words: list[str]) -> str:
    """Return a file of this name's format about these words."""
    sentences = [
        f"The {word} was seen again by {number} people." for number, word in enumerate(words)
    ]
    if name.endswith(".csv"):
        return "title,text\n" + "".join(f"{w},{s}\n" for w, s in zip(words, sentences, strict=True))
    if name.endswith(".jsonl"):
        rows = zip(words, sentences, strict=True)
        return "".join(json.dumps({"title": w, "text": s}) + "\n" for w, s in rows)
    return f"{' '.join(words[:1])}\n\n" + "\n\n".join(sentences)


@dataclass(frozen=True)
class Scratch:
    """What an index made of documents from nothing holds, without any disk in between."""

    documents: tuple[Document, ...]
    chunks: tuple[Chunk, ...]
    vectors: Vectors
    lexical: LexicalIndex

    @classmethod
    def of(cls, folder: Path) -> Scratch:
        files, _ = find_files(folder, folder.name)
        return cls.made(document for file in files for document in load_file(file)[0])

    @classmethod
    def made(cls, documents: Iterable[Document]) -> Scratch:
        embedder = FakeEmbedder()
        ordered = sorted(documents, key=lambda document: document.source)
        pairs = [
            (chunk, passage_text(document.title, chunk.text))
            for document in ordered
            for chunk in chunk_document(document, CHUNKING, embedder.count_pieces)
        ]
        passages = [text for _, text in pairs]
        return cls(
            tuple(ordered),
            tuple(chunk for chunk, _ in pairs),
            embedder.embed(passages),
            LexicalIndex.build(passages),
        )

    def similarities(self, questions: Vectors) -> Vectors:
        return questions @ self.vectors.T


CHUNKING = ChunkConfig(max_pieces=12)

LABELS = ("news", "other")

INCLUDE = st.sampled_from([(), ("*.txt",), ("sub/*", "a*", "e*")])
EXCLUDE = st.sampled_from([(), ("sub/*",), ("b.txt", "*.jsonl"), ("nothing*",)])


class Crash(BaseException):
    """Ends an update as a signal would."""


@dataclass(frozen=True)
class Rules:
    """What an index was told about one of its folders; ``removed`` are hashes by source."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Model:
    """What an index should hold: rules by folder; by source of a file, its hash and documents."""

    folders: Mapping[str, Rules]
    files: Mapping[str, tuple[str, tuple[Document, ...]]]

    def documents(self) -> list[Document]:
        return [document for _, group in self.files.values() for document in group]

    def texts(self) -> dict[str, str]:
        return {document.source: document.text for document in self.documents()}

    def updated(
        self,
        place: Path,
        named: Sequence[str],
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
    ) -> Model:
        """Return what an update of the named folders (of all, without a name) should make of it."""
        folders = dict(self.folders)
        for label in named:
            rules = folders.get(label, Rules())
            if include or exclude:
                rules = replace(rules, include=include, exclude=exclude)
            folders[label] = rules
        scope = set(named or folders)
        files = {
            source: file for source, file in self.files.items() if folder_of(source) not in scope
        }
        for label in scope:
            rules = folders[label]
            removed = dict(rules.removed)
            found, _ = find_files(
                place / label, label, include=rules.include, exclude=rules.exclude
            )
            for file in found:
                digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
                out = removed.get(file.source) == digest
                files[file.source] = (digest, () if out else tuple(load_file(file)[0]))
            staying = {
                source: digest
                for source, digest in removed.items()
                if source not in files or files[source][0] == digest
            }
            folders[label] = replace(rules, removed=tuple(staying.items()))
        return Model(folders, files)

    def without(self, name: str) -> Model:
        """Return what should be left when a folder or a file is removed."""
        folders = dict(self.folders)
        if name in folders:
            del folders[name]
            files = {s: file for s, file in self.files.items() if folder_of(s) != name}
        else:
            rules = folders[folder_of(name)]
            removed = {**dict(rules.removed), name: self.files[name][0]}
            folders[folder_of(name)] = replace(rules, removed=tuple(removed.items()))
            files = {s: file for s, file in self.files.items() if s != name}
        return Model(folders, files)


def folder_of(source: str) -> str:
    return source.split("/")[0]


class UpdateEqualsRebuild(RuleBasedStateMachine):
    """Whatever happens to the folders and to the runs, an update gives what a build from nothing gives.

    ``models`` says what each generation that was committed should hold, by the index's token.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.place = Path(self.directory.name)
        self.index = self.place / "index"
        for label in LABELS:
            (self.place / label / "sub").mkdir(parents=True)
        self.models = {"": Model({}, {})}

    @property
    def model(self) -> Model:
        return self.models[Store(self.index).current()]

    def files(self) -> list[Path]:
        return sorted(p for label in LABELS for p in (self.place / label).rglob("*") if p.is_file())

    @rule(
        label=st.sampled_from(LABELS),
        name=st.sampled_from(FILES),
        words=st.lists(st.sampled_from(WORDS), max_size=4),
    )
    def write(self, label: str, name: str, words: list[str]) -> None:
        (self.place / label / name).write_text(render(name, words))

    @precondition(lambda self: self.files())
    @rule(
        data=st.data(),
        label=st.sampled_from(LABELS),
        name=st.sampled_from([n for n in FILES if n.endswith(".txt")]),
    )
    def rename(self, data: st.DataObject, label: str, name: str) -> None:
        data.draw(st.sampled_from(self.files())).rename(self.place / label / name)

    @precondition(lambda self: self.files())
    @rule(data=st.data(), moment=st.integers(0, 2**31))
    def touch(self, data: st.DataObject, moment: int) -> None:
        os.utime(data.draw(st.sampled_from(self.files())), (moment, moment))

    @precondition(lambda self: self.files())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.files())).unlink()

    @rule(chance=st.randoms(use_true_random=False))
    def reorder(self, chance: random.Random) -> None:
        contents = [(path, path.read_bytes()) for path in self.files()]
        chance.shuffle(contents)
        for path, _ in contents:
            path.unlink()
        for path, data in contents:
            path.write_bytes(data)

    @rule(cut=st.integers(0, 60), named=st.sampled_from([LABELS, LABELS[:1]]))
    def crash(self, cut: int, named: tuple[str, ...]) -> None:
        def stop() -> None:
            raise Crash

        before = Store(self.index).current()
        expected = self.model.updated(self.place, named)
        with suppress(Crash):
            self.run(named, fs=CountingFileSystem(cut, stop))
        if Store(self.index).current() != before:
            self.committed(expected)
        try:
            found = texts(Store(self.index).open())
        except IndexMissing:
            assert before == ""
        else:
            assert found == self.model.texts()

    @precondition(lambda self: self.model.folders)
    @rule()
    def rollback(self) -> None:
        store = Store(self.index, UnsyncedFileSystem())
        with suppress(IndexMissing):
            store.rollback()
        self.compare(self.model)

    @rule(named=st.sampled_from([LABELS, *((label,) for label in LABELS)]))
    def update(self, named: tuple[str, ...]) -> None:
        expected = self.model.updated(self.place, named)
        self.run(named)
        self.committed(expected)

    @precondition(lambda self: self.model.folders)
    @rule()
    def update_what_is_followed(self) -> None:
        expected = self.model.updated(self.place, ())
        self.run(())
        self.committed(expected)

    @rule(label=st.sampled_from(LABELS), include=INCLUDE, exclude=EXCLUDE)
    def choose(self, label: str, include: tuple[str, ...], exclude: tuple[str, ...]) -> None:
        expected = self.model.updated(self.place, [label], include, exclude)
        self.run([label], include=include, exclude=exclude)
        self.committed(expected)

    @precondition(lambda self: self.model.folders)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        model = self.model
        files = sorted(source for source, (_, group) in model.files.items() if group)
        name = data.draw(st.sampled_from([*files, *sorted(model.folders)]))
        remove_from_index(self.index, [name], confirm=True, fs=UnsyncedFileSystem())
        self.committed(model.without(name))

    def run(
        self,
        named: Sequence[str],
        *,
        fs: UnsyncedFileSystem | None = None,
        include: tuple[str, ...] = (),
        exclude: tuple[str, ...] = (),
    ) -> None:
        update_index(
            self.index,
            [self.place / label for label in named],
            embedder=FakeEmbedder(),
            chunking=CHUNKING,
            include=include,
            exclude=exclude,
            confirm=True,
            fs=fs or UnsyncedFileSystem(),
        )

    def committed(self, expected: Model) -> None:
        self.models[Store(self.index).current()] = expected
        self.compare(expected)

    def compare(self, expected: Model) -> None:
        generation, scratch = Store(self.index).open(), Scratch.made(expected.documents())
        assert generation.recovered_from is None
        assert generation.documents == scratch.documents
        assert generation.chunks == scratch.chunks
        assert np.array_equal(generation.embeddings(), scratch.vectors)
        assert generation.lexical.to_bytes() == scratch.lexical.to_bytes()
        questions = ["Who saw the glacier?", "Was it the minister or the vaccine?"]
        ours, theirs = (hits(one, questions) for one in (generation, scratch))
        assert ours == theirs
        followed = {
            folder.label: (folder.include, folder.exclude, dict(folder.removed))
            for folder in generation.manifest.folders
        }
        assert followed == {
            label: (rules.include, rules.exclude, dict(rules.removed))
            for label, rules in expected.folders.items()
        }

    def teardown(self) -> None:
        with self.directory:  # goes even where a rule failed
            self.update(LABELS)
            assert Store(self.index).check() == []
            assert leavings(self.index) <= {"encoders"}


def hits(found: Generation | Scratch, questions: list[str]) -> list[list[Hit]]:
    return Retriever(found, FakeEmbedder()).search(questions, 5)


def run_machine(examples: int) -> None:
    run_state_machine_as_test(
        UpdateEqualsRebuild,
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("part", range(4))
def test_an_update_equals_a_rebuild(part: int) -> None:
    run_machine(rounds(2, in_ci=50))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_an_update_equals_a_rebuild_five_thousand_times(part: int) -> None:
    run_machine(250)


# One writer, many readers


def test_eight_readers_never_see_half_of_a_swap(forks: Forks, tmp_path: Path) -> None:
    index, folder, log, stop = (tmp_path / name for name in ("index", "news", "log", "stop"))
    folder.mkdir()
    log.write_text("0\n")
    assert forks.run(tasks.write_versions, index, folder, log, 1) == 0
    outcomes = [tmp_path / f"outcome-{number}" for number in range(8)]
    readers = [forks.start(tasks.read_versions, index, stop, outcome) for outcome in outcomes]
    swaps = rounds(8, in_ci=100)
    for quarter in range(1, 5):  # all readers have answered from the one before the next comes
        last = 1 + quarter * swaps // 4
        assert forks.run(tasks.write_versions, index, folder, log, last) == 0
        reported = [outcome.with_name(f"{outcome.name}.now") for outcome in outcomes]
        patience = time.monotonic() + 120
        while not all(one.exists() and int(one.read_text()) == last for one in reported):
            assert time.monotonic() < patience, "the readers did not follow"
            time.sleep(0.01)
    stop.touch()
    assert [forks.wait(reader) for reader in readers] == [0] * 8
    found = [json.loads(outcome.read_text()) for outcome in outcomes]
    assert all(one["opened"] >= 3 for one in found), found
    assert all(one["asked"] >= one["answered"] >= 4 for one in found), found
    assert Store(index).open().number == 1 + swaps


def test_a_dead_writers_lock_is_not_in_the_way(forks: Forks, tmp_path: Path) -> None:
    index, folder, held = tmp_path / "index", tmp_path / "news", tmp_path / "held"
    write_articles(folder, OLD)
    update(index, folder)
    holder = forks.start(tasks.hold_the_lock, index, held)
    while not held.exists():
        time.sleep(0.01)
    write_articles(folder, NEW)
    with pytest.raises(IndexLocked, match=f"process {holder} on "):
        update(index, folder)
    os.kill(holder, signal.SIGKILL)
    forks.wait(holder)
    update(index, folder)
    assert Store(index).open().number == 2


# Work is not lost


def test_an_interrupted_build_goes_on_where_it_was(forks: Forks, tmp_path: Path) -> None:
    index, folder = tmp_path / "index", tmp_path / "news"
    write_articles(folder, {f"{n}.txt": f"Note {n} tells of matter {n * 7}." for n in range(2000)})
    assert forks.run(tasks.embed_and_die, index, folder, 1200) == -signal.SIGKILL
    embedder = FakeEmbedder()
    report = update_index(index, [folder], embedder=embedder, fs=UnsyncedFileSystem())
    assert report.documents == report.chunks == 2000
    assert 0 < len(embedder.embedded) == report.embedded < 0.45 * 2000
    assert leavings(index) == set()
    expected = Scratch.of(folder)
    assert np.array_equal(Store(index).open().embeddings(), expected.vectors)
