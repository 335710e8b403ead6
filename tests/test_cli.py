"""The command line: what it prints, its exit status, its single line for what can be mended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa.cli import main
from tests.conftest import ROOT, SEEDS

QUESTION = "Who told reporters in October 2024 that talks about Gaza would resume within days?"


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
     ["index", "/no/such/folder"], ["eval", "nonsense", "x"], ["chat", "--auth", "nobody"]],
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
    assert "seeds/" in result.stdout


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


def test_bench_measures_each_way_of_asking(seeds_index: Path) -> None:
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
    assert all(
        set(row) == {"id", "text", "confidence", "passage_rank", "source"} for row in written
    )


def test_eval_prints_a_table_by_source(tmp_path: Path) -> None:
    table = run("eval", "reading", rows(tmp_path), "--limit", "3", "--seed", "1").stdout
    assert "bridge" in table
    assert "all" in table


def test_eval_of_a_bad_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "1"}\n', encoding="utf-8")
    assert "line 1" in one_line(run("eval", "reading", path))


def test_the_console_script_leaves_no_traceback(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("footnote")
    done = subprocess.run(
        [script, "ask", "Who?", "--index", tmp_path / "none"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
