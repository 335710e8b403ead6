"""The command line: what it prints, its exit status, its single line for what can be mended."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from index._manifest import Manifest
from index.embed import Embedder, QuestionEncoder, SentenceEmbedder
from index.store import Store
from index.types import Document
from qa.cli import _progress, main
from qa.confidence import CALIBRATED, Confidence
from tests.conftest import FOOTNOTE, ROOT, SEEDS
from tests.fakes import FakeEmbedder, article, write_articles

QUESTION = "Who told reporters in October 2024 that talks about Gaza would resume within days?"


@pytest.fixture(autouse=True)
def _loaded_once(embedder: QuestionEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands embed with the model that is loaded, rather than load it again."""

    def made(name: str = embedder.name) -> Embedder:
        return embedder if name == embedder.name else SentenceEmbedder(name)

    for module in ("index.build", "index.embed", "qa.workbench"):
        monkeypatch.setattr(f"{module}.SentenceEmbedder", made)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def one_line(result: Result) -> str:
    """The one line on stderr of a failure that the user can act on."""
    assert result.exit_code == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("footnote: ")
    return lines[0]


def test_help_names_the_commands() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("index", "ask", "chat", "check", "eval"):
        assert command in result.output


@pytest.mark.parametrize(
    "arguments",
    [["ask"], ["nonsense"], ["ask", "x", "--threshold", "2"], ["ask", "x", "--top", "0"],
     ["index", "/no/such/folder"], ["index", "--max-seconds", "0"], ["index", "--max-memory", "9"],
     ["eval", "nonsense", "x"], ["chat", "--auth", "nobody"], ["index", "--watch", "--dry-run"]],
)  # fmt: skip
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_ask_without_an_index_says_what_to_run(tmp_path: Path) -> None:
    line = one_line(run("ask", "Who?", "--index", tmp_path / "none"))
    assert "footnote index FOLDER" in line


def test_ask_prints_answer_quote_and_place(seeds_index: Path) -> None:
    result = run("ask", QUESTION, "--index", seeds_index, "--threshold", "0")
    assert result.exit_code == 0
    assert "Blinken" in result.stdout
    assert "confidence" in result.stdout
    assert "[[" in result.stdout  # the answer, marked in its sentence
    # Its place, who says so and when, in which language.
    assert re.search(r" · seeds/.* · .*Footnote Seeds.* · 20\d\d-\d\d-\d\d · en\n", result.stdout)


def test_ask_says_how_a_misspelt_question_was_read(seeds_index: Path) -> None:
    typed = QUESTION.replace("Gaza", "Gzaa")
    assert typed != QUESTION
    result = run("ask", typed, "--index", seeds_index, "--threshold", "0")
    assert result.stdout.startswith(f"Read as: {QUESTION}\n")
    assert "Blinken" in result.stdout


def test_ask_json_is_the_answer_as_a_dict(seeds_index: Path) -> None:
    result = run(
        "ask", QUESTION, "--index", seeds_index, "--json", "--threshold", "0", "--top", "2"
    )
    answer = json.loads(result.stdout)
    assert answer["question"] == QUESTION
    assert answer["text"]
    assert len(answer["alternatives"]) <= 1
    assert 1 <= len(answer["citations"]) <= 2
    assert len(answer["citations"][0]["sha256"]) == 64


def test_a_refusal_explains_itself(seeds_index: Path) -> None:
    result = run("ask", QUESTION, "--index", seeds_index, "--threshold", "1")
    assert result.exit_code == 0
    assert "nearest passage" in result.stdout
    assert json.loads(run("ask", "", "--index", seeds_index, "--json").stdout)["text"] is None


def test_check(seeds_index: Path, tmp_path: Path) -> None:
    assert "Every byte" in run("check", "--index", seeds_index).stdout
    assert "footnote index" in one_line(run("check", "--index", tmp_path / "none"))


@pytest.mark.parametrize("content", [None, b"{}", b"garbage"])
def test_check_names_what_is_damaged(tmp_path: Path, quick: None, content: bytes | None) -> None:
    write_articles(tmp_path / "news", {"a.txt": "A\n\nText of a."})
    index = tmp_path / "index"
    run("index", tmp_path / "news", "--index", index)
    names = ("gen-000001/vectors.faiss", "gen-000001/documents.jsonl")
    for name in names:
        data = (index / name).read_bytes()
        (index / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    if content is not None:
        (index / CALIBRATED).write_bytes(content)
    result = run("check", "--index", index)
    assert result.exit_code == 1
    *named, last = result.stderr.strip().splitlines()
    assert [line.split()[0] for line in named[:2]] == sorted(names)
    assert "2 damaged or missing" in last
    assert "footnote index --rebuild" in last
    assert [CALIBRATED in line for line in named[2:]] == ([] if content is None else [True])


def test_check_reads_the_calibrated_confidence(tmp_path: Path, quick: None) -> None:
    write_articles(tmp_path / "news", {"a.txt": "A\n\nText of a."})
    index = tmp_path / "index"
    run("index", tmp_path / "news", "--index", index)
    model = Confidence.load()
    (index / CALIBRATED).write_bytes(model.to_bytes())
    assert run("check", "--index", index).exit_code == 0
    damaged = replace(model, shift=3.0).to_bytes().replace(b"3.0", b"7.0")
    (index / CALIBRATED).write_bytes(damaged)
    line = one_line(run("check", "--index", index))
    assert CALIBRATED in line
    assert "calibrate" in line


def test_check_does_not_call_an_index_damaged_that_others_can_enter(
    tmp_path: Path, quick: None
) -> None:
    write_articles(tmp_path / "news", {"a.txt": "A\n\nText of a."})
    index = tmp_path / "an index"
    run("index", tmp_path / "news", "--index", index)
    index.chmod(0o755)
    line = one_line(run("check", "--index", index))
    assert f"chmod 700 '{index}'" in line
    assert "damaged" not in line
    (index / "gen-000001/vectors.faiss").unlink()
    *named, last = run("check", "--index", index).stderr.strip().splitlines()
    assert "chmod" in named[-1]
    assert "1 damaged or missing" in last
    run("index", tmp_path / "news", "--index", index, "--rebuild")
    assert "Every byte" in run("check", "--index", index).stdout


def test_bench_measures_each_way_of_asking(
    seeds_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.bench.ROUNDS", 2)
    monkeypatch.setattr("qa.bench.STARTS", 1)
    assert "JSON list" in run("bench", "--help").stdout
    timings = json.loads(run("bench", "--index", seeds_index, "--json").stdout)
    assert len(timings) == 4
    assert all(0 < timing["median"] <= timing["slowest"] for timing in timings)


def test_a_damaged_newest_index_is_said_once_and_the_older_one_answers(tmp_path: Path) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    (folder / "one.txt").write_text("One\n\nThe fair opened in Lyon.", encoding="utf-8")
    run("index", folder, "--index", index)
    (folder / "two.txt").write_text("Two\n\nThe bridge opened in Nice.", encoding="utf-8")
    run("index", folder, "--index", index)
    newest = max(index.glob("gen-*"))
    (newest / "vectors.faiss").write_bytes(b"")
    result = run("ask", "Where did the fair open?", "--index", index, "--threshold", "0")
    assert result.exit_code == 0
    assert result.stderr.count("\n") == 1
    assert "damaged" in result.stderr


def test_index_reports_a_table_and_updates(tmp_path: Path) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    (folder / "one.txt").write_text("One\n\nThe fair opened in Lyon in 1894.", encoding="utf-8")
    (folder / "two.txt").write_text("Two\n\nThe bridge is 300 metres long.", encoding="utf-8")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    first = run("index", folder, "--index", index)
    assert first.exit_code == 0
    assert "added    articles/one.txt" in first.stdout
    assert "skipped  articles/photo.jpg" in first.stdout
    assert "2 documents" in first.stdout
    (folder / "one.txt").write_text("One\n\nThe fair opened in Nice in 1894.", encoding="utf-8")
    (folder / "two.txt").rename(folder / "three.txt")
    dry = run("index", "--index", index, "--dry-run")
    assert "Would be: 1 added, 1 changed, 1 removed" in dry.stdout
    second = run("index", "--index", index)
    for row in (
        "changed  articles/one.txt",
        "removed  articles/two.txt",
        "added    articles/three.txt",
    ):
        assert row in second.stdout
    assert "(1 embedded now" in second.stdout
    third = run("index", "--index", index)
    assert "2 unchanged" in third.stdout
    assert "(0 embedded now" in third.stdout


def test_index_takes_limits_for_a_file(tmp_path: Path) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    (folder / "one.txt").write_text("One\n\nThe fair opened in Lyon in 1894.", encoding="utf-8")
    (folder / "big.csv").write_bytes(b"text\n" + b"a\n" * 20_000_000)
    slow = run("index", folder, "--index", index, "--max-seconds", "0.5").stdout
    assert "articles/big.csv: took longer than 0.5 seconds to read; `footnote index" in slow
    big = run("index", "--index", index, "--max-memory", "128", "--max-seconds", "120").stdout
    assert "articles/big.csv: needs more than 128 MiB of memory to read; `footnote index" in big
    assert "1 unchanged" in big


def test_index_takes_the_columns_of_tables_by_name(tmp_path: Path) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    note = "The desk has added a long note, which seems to be the article. " * 2
    (folder / "wire.csv").write_text(
        f'head,report,notes\nTalks,He left.,"{note}"\n', encoding="utf-8"
    )
    (folder / "one.txt").write_text("One\n\nThe fair opened in Lyon in 1894.", encoding="utf-8")

    def wire() -> Document:
        return next(d for d in Store(index).open().documents if "wire.csv" in d.source)

    run("index", folder, "--index", index)
    assert wire().text == note.strip()
    named = run(
        "index", folder, "--index", index, "--title-column", "HEAD", "--text-column", "report"
    )
    assert "changed  articles/wire.csv" in named.stdout
    assert (wire().title, wire().text) == ("Talks", "He left.")
    run("index", folder, "--index", index, "--text-column", "report")
    assert wire().title != "Talks"
    bad = run("index", folder, "--index", index, "--text-column", "boddy")
    assert "has no column 'boddy'; it has 'head', 'report', 'notes'" in bad.stdout
    nameless = run("index", "--index", index, "--text-column", "notes")
    assert nameless.exit_code == 2
    assert "name them too" in nameless.stderr
    run("index", folder, "--index", index, "--text-column", "")
    assert wire().text == note.strip()


def test_list_remove_and_rollback(tmp_path: Path) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.txt").write_text(f"Title {name}\n\nText of {name}.", encoding="utf-8")
    run("index", folder, "--index", index)
    assert "articles/one.txt" in run("list", "--index", index).stdout
    assert "removed  articles/one.txt" in run("remove", "articles/one.txt", "--index", index).stdout
    assert "articles/one.txt" not in run("list", "--index", index).stdout
    assert "--yes" in one_line(run("remove", "articles", "--index", index))
    assert "footnote list" in one_line(run("remove", "nonsense", "--index", index))
    assert "generation" in run("rollback", "--index", index).stdout
    assert "articles/one.txt" in run("list", "--index", index).stdout


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `footnote index` embed with a fake."""
    for module in ("index.build", "index.embed"):
        monkeypatch.setattr(f"{module}.SentenceEmbedder", FakeEmbedder)


@pytest.mark.usefixtures("quick")
def test_list_shows_passages_dates_changes_and_a_total(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    write_articles(
        folder,
        {
            "a.txt": "A\n\nText of a.",
            "b.md": "---\ntitle: The long one\ndate: 2024-10-24\n---\n" + article(3, words=3000),
        },
    )
    os.utime(folder / "a.txt", (1_700_000_000, 1_700_000_000))
    run("index", folder, "--index", index)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    header, *lines, total = run("list", "--index", index).stdout.strip().splitlines()
    monkeypatch.undo()
    time.tzset()
    assert header.split() == ["source", "title", "date", "passages", "changed"]
    first, second = (re.split(r" {2,}", line.strip()) for line in lines)
    assert first == ["news/a.txt", "A", "1", "2023-11-14 17:13"]
    passages = len(Store(index).open().chunks)
    assert second[:4] == ["news/b.md", "The long one", "2024-10-24", str(passages - 1)]
    assert total == f"2 documents, {passages} passages"
    assert passages > 10


@pytest.mark.usefixtures("quick")
def test_list_says_that_the_newest_index_is_damaged(tmp_path: Path) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    write_articles(folder, {"a.txt": "A\n\nText of a."})
    run("index", folder, "--index", index)
    (folder / "b.txt").write_text("B\n\nText of b.", encoding="utf-8")
    run("index", "--index", index)
    (index / "gen-000002" / "documents.jsonl").write_bytes(b"")
    result = run("list", "--index", index)
    assert "1 document, " in result.stdout
    assert "the newest index is damaged (gen-000002/documents.jsonl has 0 bytes" in result.stderr
    assert result.stderr.endswith(f"); run `footnote index --index {index}`.\n")


@pytest.mark.usefixtures("quick")
def test_list_of_an_index_without_documents(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run("index", tmp_path / "empty", "--index", tmp_path / "index")
    assert run("list", "--index", tmp_path / "index").stdout == "0 documents, 0 passages\n"


@pytest.mark.usefixtures("quick")
def test_include_and_exclude_choose_files_and_are_remembered(tmp_path: Path) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    names = ("a.txt", "b.txt", "draft-a.txt", "c.md")
    write_articles(folder, {name: f"{name}\n\nText of {name}." for name in names})
    first = run("index", folder, "--index", index, "--include", "*.txt", "--exclude", "draft*")
    assert first.exit_code == 0
    assert "The index holds 2 documents" in first.stdout
    (folder / "d.md").write_text("D\n\nText of d.")
    (folder / "draft-d.txt").write_text("D\n\nText of d.")
    assert "2 unchanged. The index holds 2" in run("index", "--index", index).stdout
    more = run("index", folder, "--index", index, "--include", "*.txt", "--include", "c.*")
    assert "added  news/c.md" in more.stdout
    assert "added  news/draft-a.txt" in more.stdout
    assert "d.md" not in more.stdout
    for option in ("--include", "--exclude"):
        nameless = run("index", "--index", index, option, "*.md")
        assert nameless.exit_code == 2
        assert "--include and --exclude are for FOLDERS: name them too" in nameless.stderr


@pytest.mark.usefixtures("quick")
def test_index_asks_before_most_of_it_goes(tmp_path: Path) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    write_articles(folder, {f"{name}.txt": f"{name}\n\nText of {name}." for name in "abc"})
    run("index", folder, "--index", index)
    for name in "ab":
        (folder / f"{name}.txt").unlink()
    assert "2 of the 3" in one_line(run("index", "--index", index))
    assert "3 documents" in run("list", "--index", index).stdout
    done = run("index", "--index", index, "--yes")
    assert done.exit_code == 0
    assert "2 removed" in done.stdout
    assert "1 document, 1 passage\n" in run("list", "--index", index).stdout


def damage_marker(index: Path) -> None:
    (index / "FOOTNOTE").write_bytes(b"?")


def another_format(index: Path) -> None:
    (index / "FOOTNOTE").write_bytes(b"footnote index, format 99\n")


def write_manifest(index: Path, data: bytes) -> None:
    (index / "gen-000001" / "manifest.json").write_bytes(data)
    (index / "CURRENT").write_text(f"gen-000001 {hashlib.sha256(data).hexdigest()}\n")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seconds", [10**12, -(10**12), 10**30])
def test_list_leaves_the_date_blank_of_a_file_from_a_year_without_four_digits(
    tmp_path: Path, seconds: int
) -> None:
    index = tmp_path / "index"
    write_articles(tmp_path / "news", {"a.txt": "A\n\nText of a."})
    run("index", tmp_path / "news", "--index", index)
    manifest = Manifest.from_bytes((index / "gen-000001" / "manifest.json").read_bytes())
    files = {s: replace(f, mtime_ns=seconds * 10**9) for s, f in manifest.files.items()}
    write_manifest(index, replace(manifest, files=files).to_bytes())
    result = run("list", "--index", index)
    assert result.exit_code == 0
    assert re.split(r" {2,}", result.stdout.splitlines()[1].strip()) == ["news/a.txt", "A", "1"]


def another_manifest(index: Path) -> None:
    path = index / "gen-000001" / "manifest.json"
    manifest = Manifest.from_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("index._manifest.FORMAT", 99)
        write_manifest(index, manifest.to_bytes())


def damage_part(index: Path) -> None:
    (index / "gen-000001" / "chunks.npy").write_bytes(b"")


def damage_manifest(index: Path) -> None:
    path = index / "gen-000001" / "manifest.json"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("command", [["rollback"], ["remove", "articles"], ["check"], ["list"]])
def test_a_missing_index_is_named_and_not_made(tmp_path: Path, command: list[str]) -> None:
    index = tmp_path / "none"
    failed = run(*command, "--index", index)
    assert failed.exit_code == 1
    assert "There is no index" in failed.stderr
    assert not index.exists()


@pytest.mark.parametrize(
    ("damage", "folder_needed"),
    [
        (damage_marker, False),
        (another_format, False),
        (another_manifest, False),
        (damage_part, False),
        (damage_manifest, True),
    ],
)
@pytest.mark.parametrize(
    "command", [["check"], ["list"], ["index"], ["rollback"], ["remove", "articles/one.txt"]]
)
def test_the_command_that_is_advised_mends_the_index(
    tmp_path: Path, damage: Callable[[Path], None], folder_needed: bool, command: list[str]
) -> None:
    folder, index = tmp_path / "my articles", tmp_path / "an index"
    write_articles(folder, {f"{name}.txt": f"{name}\n\nText of {name}." for name in "abc"})
    assert run("index", folder, "--index", index, "--exclude", "c*").exit_code == 0
    damage(index)
    failed = run(*command, "--index", index)
    assert failed.exit_code == 1
    last = failed.stderr.strip().splitlines()[-1]
    [advice] = re.findall("`(footnote index --rebuild[^`]*)`", last)
    words = shlex.split(advice)[1:]
    assert ("FOLDER" in words) == folder_needed
    if folder_needed:
        at = words.index("FOLDER")
        words[at : at + 2] = [str(folder), "--exclude", "c*"]  # FOLDER ...
    mended = run(*words)
    assert mended.exit_code == 0, mended.stderr
    assert run("check", "--index", index).exit_code == 0
    listed = run("list", "--index", index).stdout
    assert "my articles/a.txt" in listed
    assert "my articles/c.txt" not in listed


@pytest.mark.usefixtures("quick")
def test_the_advice_names_the_index_only_where_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_articles(tmp_path / "news", {"a.txt": "A\n\nText of a."})
    run("index", "news")
    another_format(tmp_path / ".footnote")
    assert "run `footnote index --rebuild`." in one_line(run("ask", "Who?"))


@pytest.mark.usefixtures("quick")
def test_a_rebuild_keeps_the_model_of_a_damaged_index(tmp_path: Path) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    write_articles(folder, {"a.txt": "A\n\nText of a."})
    run("index", folder, "--index", index, "--model", "other")
    line = one_line(run("index", "--index", index, "--model", "third"))
    assert "--rebuild" in line
    assert "--model third`" in line
    damage_part(index)
    assert run("index", "--rebuild", "--index", index).exit_code == 0
    assert Store(index).open().manifest.embedder.name == "other"


def test_near_duplicates_are_named_by_index_and_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    story = (SEEDS / "g20-new-delhi-2023.md").read_text(encoding="utf-8")
    (folder / "a.md").write_text(story, encoding="utf-8")
    (folder / "b.md").write_text(f"{story}\nFollow us for more news.\n", encoding="utf-8")
    (folder / "c.md").write_text(story, encoding="utf-8")
    rows = [
        "duplicate  articles/b.md: 99% the same as articles/a.md",
        "duplicate  articles/c.md: the same as articles/a.md",
    ]
    dry = run("index", folder, "--index", index, "--dry-run")
    assert "Would be: 3 added, 2 near-duplicates." in dry.stdout
    built = run("index", folder, "--index", index)
    listed = run("list", "--index", index)
    for result in (dry, built, listed):
        assert [
            line.rstrip() for line in result.stdout.splitlines() if "duplicate " in line
        ] == rows
    assert "duplicate" not in run("index", "--index", index).stdout  # it has been said
    monkeypatch.setattr("qa.cli.DUPLICATES_SHOWN", 1)
    many = run("index", folder, "--index", tmp_path / "other", "--dry-run").stdout
    assert "duplicate  and 1 more; `footnote list` names them" in many
    assert rows[1] not in many


def rows(tmp_path: Path) -> Path:
    contexts = {
        "fair": "The fair opened in Lyon in 1894. It was large.",
        "bridge": "The bridge over the river is 300 metres long. It was built in 1931.",
    }
    questions = [
        ("1", "fair", "Where did the fair open?", ["Lyon", "in Lyon"]),
        ("2", "fair", "When did the fair open?", ["1894"]),
        ("3", "bridge", "How long is the bridge?", ["300 metres"]),
        ("4", "bridge", "Who painted the bridge?", []),
    ]
    path = tmp_path / "questions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number, name, question, answers in questions:
            context = contexts[name]
            row = {
                "id": number, "source": name, "title": name, "context": context,
                "question": question,
                "answers": {"text": answers, "answer_start": [context.index(a) for a in answers]},
            }  # fmt: skip
            file.write(json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize(
    ("kind", "metrics"),
    [
        ("reading", {"em", "f1"}),
        ("retrieval", {"recall@1", "recall@5", "recall@20", "mrr"}),
        ("answers", {"em", "f1", "coverage", "precision", "auroc", "latency_ms"}),
    ],
)
def test_eval(kind: str, metrics: set[str], tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"
    result = run("eval", kind, rows(tmp_path), "--json", "--predictions", out)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["n"] == 4
    assert metrics <= set(report)
    assert set(report["sources"]) == {"fair", "bridge"}
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in written] == ["1", "2", "3", "4"]
    names = {"kind", "id", "text", "confidence", "passage_rank", "source", "withheld"}
    assert all(set(row) == names for row in written)


def test_eval_prints_a_table_by_source(tmp_path: Path) -> None:
    table = run("eval", "reading", rows(tmp_path), "--limit", "3", "--seed", "1").stdout
    lines = [line.split() for line in table.splitlines()]
    assert lines[0] == ["bridge", "fair", "all"] or lines[0] == ["all"]
    assert lines[1][0] == "questions"
    assert lines[1][-1] == "3"
    [em] = [line for line in lines if line[0] == "em"]
    assert re.fullmatch(r"\d+\.\d \(\d+\.\d-\d+\.\d\)", " ".join(em[-2:]))
    assert [line[0] for line in lines].count("n_answerable") == 1


def test_answers_below_the_threshold_are_withheld_in_the_predictions(tmp_path: Path) -> None:
    out = tmp_path / "predictions.jsonl"
    run("eval", "answers", rows(tmp_path), "--threshold", "1", "--predictions", out)
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["text"] for row in written} == {None}
    assert any(row["withheld"] for row in written)


def test_progress_shows_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr("rich.console.Console", lambda **_: console)
    with _progress() as bar:
        task = bar.add_task("embed", total=400)
        for _ in range(3):
            bar.update(task, advance=100)
            bar.refresh()
            time.sleep(0.02)
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "300/400" in shown
    assert re.search(r"[\d,]+/s", shown)
    assert re.search(r"0:00:0\d", shown)


@pytest.mark.parametrize(
    ("question", "title", "place"),
    [
        ("When was smallpox declared eradicated?", "mallpox", "page "),
        ("Who chaired the talks that led to the Good Friday Agreement?", "Good Friday", "under “"),
    ],
)
def test_ask_prints_title_and_page_or_heading(
    question: str, title: str, place: str, seeds_index: Path
) -> None:
    printed = run("ask", question, "--index", seeds_index, "--threshold", "0").stdout
    where = next(line for line in printed.splitlines() if "seeds/" in line)
    assert title in where
    assert place in where


def test_eval_of_a_bad_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "1"}\n', encoding="utf-8")
    assert "line 1" in one_line(run("eval", "reading", path))


def test_the_console_script_leaves_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [FOOTNOTE, "ask", "Who?", "--index", tmp_path / "none"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_eval_compares_ranks_to_three_decimals_as_it_reports_them(tmp_path: Path) -> None:
    row = {"question": "Where?", "context": "In Rome.", "answers": {"text": ["Rome"]}}
    (tmp_path / "q.jsonl").write_text(json.dumps({"id": "1", **row}) + "\n")
    for rank in (3, 2):
        told = {"id": "1", "kind": "retrieval", "text": None, "confidence": 0.0, "source": ""}
        told |= {"passage_rank": rank, "withheld": None}
        (tmp_path / f"{rank}.jsonl").write_text(json.dumps(told) + "\n")
    files = [tmp_path / name for name in ("q.jsonl", "3.jsonl", "2.jsonl")]
    result = run("eval", "retrieval", files[0], "--compare", *files[1:])
    assert result.exit_code == 0, result.output
    assert re.search(r"all +mrr +1 +0\.333 +0\.500 +\+0\.167", result.stdout)


def test_eval_compares_two_runs(tmp_path: Path) -> None:
    questions, first, second = (tmp_path / name for name in ("q.jsonl", "a.jsonl", "b.jsonl"))
    row = {"question": "Where?", "context": "In Rome.", "answers": {"text": ["Rome"]}}
    given = [{"id": str(n), **row} for n in range(8)]
    questions.write_text("".join(json.dumps(one) + "\n" for one in given), encoding="utf-8")
    for path, text in ((first, None), (second, "Rome")):
        told = {"kind": "reading", "text": text, "confidence": 0.9, "passage_rank": None}
        told |= {"source": "", "withheld": None}
        path.write_text(
            "".join(json.dumps({"id": one["id"], **told}) + "\n" for one in given), encoding="utf-8"
        )
    result = run("eval", "reading", questions, "--compare", first, second)
    assert result.exit_code == 0, result.output
    assert re.search(r"all +em +8 +0.00 +100.00 +\+100.00", result.stdout)
    found = json.loads(
        run("eval", "reading", questions, "--compare", first, second, "--json").stdout
    )
    assert found["all"][0]["metric"] == "em"
    assert run("eval", "reading", questions, "--compare", first, questions).exit_code == 1
    other = run("eval", "answers", questions, "--compare", first, second)
    assert other.exit_code == 1
    assert "is of `footnote eval reading`" in " ".join(other.output.split())


def test_eval_says_at_once_what_it_will_not_do(tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    row = {"id": "1", "question": "Where?", "context": "In Rome.", "answers": {"text": ["Rome"]}}
    questions.write_text(json.dumps(row) + "\n", encoding="utf-8")
    told = ("eval", "reading", questions)
    for more in (("--limit", "3"), ("--predictions", tmp_path / "p.jsonl")):
        result = run(*told, "--compare", questions, questions, *more)
        assert result.exit_code == 2
        assert "--compare asks nothing" in result.output
    result = run(*told, "--predictions", tmp_path / "none" / "p.jsonl")
    assert result.exit_code == 1
    assert "There is no folder" in result.output


def test_a_source_is_printed_as_it_stands(tmp_path: Path) -> None:
    questions = rows(tmp_path)
    text = questions.read_text(encoding="utf-8")
    text = text.replace('"bridge"', '"[/wire]"').replace('"fair"', '"[bold] fair"')
    questions.write_text(text, encoding="utf-8")
    result = run("eval", "reading", questions)
    assert result.exit_code == 0, result.exception
    header = result.stdout.splitlines()[0]
    assert re.split(r" {2,}", header.strip()) == ["[/wire]", "[bold] fair", "all"]


def test_a_source_that_is_called_all_has_its_column(tmp_path: Path) -> None:
    questions = rows(tmp_path)
    text = questions.read_text(encoding="utf-8").replace('"bridge"', '"all"')
    questions.write_text(text, encoding="utf-8")
    header, counts = run("eval", "reading", questions).stdout.splitlines()[:2]
    assert header.split() == ["all", "fair", "(all)"]
    assert counts.split() == ["questions", "2", "2", "4"]


def test_predictions_are_not_written_over_the_questions(tmp_path: Path) -> None:
    questions = rows(tmp_path)
    before = questions.read_bytes()
    result = run("eval", "reading", questions, "--predictions", tmp_path / "." / questions.name)
    assert result.exit_code == 2
    assert "choose another path" in result.output
    assert questions.read_bytes() == before


def test_what_was_measured_is_printed_though_predictions_cannot_be_written(tmp_path: Path) -> None:
    nowhere = tmp_path / ("p" * 300)
    result = run("eval", "reading", rows(tmp_path), "--json", "--predictions", nowhere)
    assert "choose another path" in one_line(result)
    assert json.loads(result.stdout)["n"] == 4


def test_a_seed_is_for_a_limit(tmp_path: Path) -> None:
    result = run("eval", "reading", rows(tmp_path), "--seed", "1")
    assert result.exit_code == 2
    assert "--seed is for the draw of --limit" in result.output


@pytest.mark.parametrize("kind", ["reading", "retrieval"])
def test_a_threshold_is_for_answers(kind: str, tmp_path: Path) -> None:
    result = run("eval", kind, rows(tmp_path), "--threshold", "0.5")
    assert result.exit_code == 2
    assert "--threshold is for `eval answers`" in result.output


@pytest.mark.usefixtures("quick")
def test_no_line_in_a_pipe_is_padded(tmp_path: Path) -> None:
    # Seen: each of thousands of rows was as long as the longest.
    names = {f"{name}.txt": "Same\n\nThe text." for name in ("a", "b" * 200)}
    write_articles(tmp_path / "news", names)
    for command in (["index", tmp_path / "news"], ["list"]):
        lines = run(*command, "--index", tmp_path / "index").stdout.splitlines()
        assert len(lines) in (4, 5)
        assert [line for line in lines if line.endswith(" ")] == []


@pytest.mark.usefixtures("quick")
def test_remove_tells_what_it_removes_and_not_what_was_skipped(tmp_path: Path) -> None:
    write_articles(
        tmp_path / "news", {f"{name}.txt": f"{name}\n\nText of {name}." for name in "abc"}
    )
    (tmp_path / "news" / "photo.jpg").write_bytes(b"\xff")
    run("index", tmp_path / "news", "--index", tmp_path / "index")
    for options in (["--dry-run"], []):
        removed = run("remove", "news/a.txt", "--index", tmp_path / "index", *options)
        assert "removed  news/a.txt\n" in removed.stdout
        assert "skipped" not in removed.stdout


@pytest.mark.usefixtures("quick")
def test_a_row_is_one_line_in_a_pipe(tmp_path: Path) -> None:
    folder, index = tmp_path / "news", tmp_path / "index"
    title, name = " ".join(["A long title"] * 7), f"{'n' * 120}.txt"
    write_articles(folder, {name: f"{title}\n\nText of a."})
    run("index", folder, "--index", index)
    [_, line, _] = run("list", "--index", index).stdout.splitlines()
    assert line.startswith(f"news/{name}  {title}  ")


@pytest.mark.usefixtures("quick")
def test_letters_that_stdout_cannot_hold_are_escaped(tmp_path: Path) -> None:
    write_articles(tmp_path / "news", {"a.txt": "Zoë’s fair\n\nZoë’s fair opened in Orléans."})
    run("index", tmp_path / "news", "--index", tmp_path / "index")
    listing = ["list", "--index", str(tmp_path / "index")]
    result = CliRunner(charset="ascii").invoke(main, listing)
    assert result.exit_code == 0, result.exception
    assert r"Zo\xeb\u2019s fair" in result.stdout


@pytest.mark.parametrize("arguments", [["ask", "Who?"], ["index", str(SEEDS)], ["chat"]])
def test_ctrl_c_is_one_line_and_status_130(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("qa.answer.QA.open", "index.build.update_index"):
        monkeypatch.setattr(name, press)
    result = run(*arguments, "--index", tmp_path / "index")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == "footnote: Interrupted.\n"


def test_names_are_those_on_disk_in_any_locale(tmp_path: Path) -> None:
    names = ("Käse.txt", "Жук.txt", "plain.txt")
    write_articles(
        tmp_path / "Nachrichten für Köln", {n: f"Käse {n}\n\nText of {n}." for n in names}
    )
    (tmp_path / "Nachrichten für Köln" / "untitled-ö.csv").write_text("text\nA row.\n")
    script = (
        "import sys, index.embed, tests.fakes; from qa.cli import main; "
        "index.embed.SentenceEmbedder = tests.fakes.FakeEmbedder; main(sys.argv[1:])"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def command(*arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], cwd=tmp_path, text=True, encoding="utf-8",
            capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    command("index", "Nachrichten für Köln", **plain)
    documents = Store(tmp_path / ".footnote").open(encoder=False).documents
    assert {one.source for one in documents} == {
        *(f"Nachrichten für Köln/{name}" for name in names),
        "Nachrichten für Köln/untitled-ö.csv#row=1",
    }
    assert "Untitled ö, row 1" in {one.title for one in documents}
    for locale in ({}, plain):
        assert "4 unchanged" in command("index", **locale)
        assert "4 unchanged" in command("index", "Nachrichten für Köln", **locale)
    assert "1 removed" in command("remove", "Nachrichten für Köln/Käse.txt", **plain)
    assert "1 removed" in command("remove", "Nachrichten für Köln/Жук.txt")
    command("index", "Nachrichten für Köln", "--rebuild")
    assert "2 unchanged" in command("index", **plain)


def test_json_is_json_in_any_encoding(tmp_path: Path) -> None:
    questions = rows(tmp_path)
    text = questions.read_text(encoding="utf-8").replace('"bridge"', '"brücke"')
    questions.write_text(text, encoding="utf-8")
    told = ["eval", "reading", str(questions), "--json"]
    result = CliRunner(charset="ascii").invoke(main, told)
    assert result.exit_code == 0, result.exception
    assert set(json.loads(result.stdout)["sources"]) == {"brücke", "fair"}
    assert '"brücke"' in run(*told).stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk")
@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["ask", QUESTION], ["ask", "", "--json"]]
)
def test_output_that_a_full_disk_refuses_is_one_sentence(
    arguments: list[str], seeds_index: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [FOOTNOTE, *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=seeds_index.parent,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "footnote: The output could not be written (No space left on device); free space or send "
        "it elsewhere.\n"
    )
