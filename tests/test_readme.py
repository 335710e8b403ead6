"""The README's commands and Python snippets run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FOOTNOTE, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SNIPPETS = [code for language, code in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, code in BLOCKS
    if not language
    for line in code.splitlines()
    if line.startswith("footnote ")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, seeds_index: Path) -> Path:
    """A folder as the README's reader has it: seeds, and their index in the default place."""
    return shutil.copytree(seeds_index.parent, tmp_path_factory.mktemp("readme") / "folder")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[int]:
    """`footnote chat`, on a free port; the snippets' 7860 is replaced by it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([FOOTNOTE, "chat", "--port", str(port)], cwd=folder) as process:
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5):
                        break
                except OSError:
                    assert process.poll() is None
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def test_there_is_something_to_run() -> None:
    assert len(SNIPPETS) >= 2
    assert {command.split()[1] for command in COMMANDS} >= {"index", "ask", "chat"}
    assert "footnote index seeds" in COMMANDS  # which has made the index of all tests


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith("footnote chat")])
def test_commands(command: str, folder: Path) -> None:
    done = subprocess.run(
        [FOOTNOTE, *shlex.split(command)[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_nothing_is_noted_down_to_be_reported(folder: Path, tmp_path: Path) -> None:
    """onnxruntime would keep a number for the machine at home, and send it to its maker with what runs here."""
    ours = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    ours |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    ask = [FOOTNOTE, "ask", "When was Chandrayaan-3 launched?"]
    subprocess.run(ask, capture_output=True, check=True, cwd=folder, env=ours)
    assert [*tmp_path.rglob("*")] == []


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if "7860" not in s])
def test_snippets(snippet: str, folder: Path) -> None:
    assert run(snippet, folder).strip()


@pytest.mark.parametrize("snippet", [s for s in SNIPPETS if "7860" in s])
def test_snippets_that_need_the_chat(snippet: str, folder: Path, server: int) -> None:
    assert run(snippet.replace("7860", str(server)), folder).strip()


def run(snippet: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error:::qa", "-c", snippet],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_make_target_exists() -> None:
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert {"chat", "test"} <= set(targets)
    subprocess.run(["make", "-n", *targets], check=True, capture_output=True, cwd=ROOT)


def test_make_mends_a_virtual_environment_that_was_broken_off(tmp_path: Path) -> None:
    """Debian's Python without its venv package leaves one with a python and without pip."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    inner = '#!/bin/sh\nexec test -e "$(dirname "$0")/pip"\n'  # all it is asked for is pip

    def run(makes: str, status: int) -> int:
        python.write_text(
            '#!/bin/sh\nif [ "$2" = venv ]; then\nmkdir -p "$3/bin"\n'
            f"cat > \"$3/bin/python\" <<'END'\n{inner}END\n"
            f'chmod +x "$3/bin/python"\n{makes}\nexit {status}\nfi\n'
        )
        python.chmod(0o755)
        done = subprocess.run(
            ["make", ".venv/installed", f"PYTHON={python}"],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
        )
        return done.returncode

    assert run("", 1) != 0
    assert (tmp_path / ".venv/bin/python").exists()
    assert run('touch "$3/bin/pip"', 0) == 0
    assert run("", 1) == 0  # nothing is made again


def test_the_training_commands_are_understood() -> None:
    from qa.training import __main__, confidence, export

    lines = [line for _, code in BLOCKS for line in code.splitlines() if "qa.training" in line]
    for page in ("qa/models/reader/README.md", "docs/measurements.md"):
        text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", "")
        lines += re.findall(r"^    (python -m qa\.training.*[^.\n])$", text, re.MULTILINE)
        lines += re.findall(r"`(python -m qa\.training average [^`]+)`", text)
    parsers = {
        "qa.training": __main__.parser,
        "qa.training.export": export.parser,
        "qa.training.confidence": confidence.parser,
    }
    assert len(lines) >= 16
    for line in lines:
        python, dash, module, *arguments = shlex.split(line)
        assert (python, dash) == ("python", "-m")
        parsers[module]().parse_args(arguments)


def test_every_command_and_option_in_the_table_exists() -> None:
    from qa.cli import main

    rows = re.findall(r"^\| `footnote (\w+).*?` \| (.*) \|$", README, re.MULTILINE)
    assert {name for name, _ in rows} == set(main.commands)
    for name, description in rows:
        options = {option for p in main.commands[name].params for option in p.opts}
        named = set(re.findall(r"--[a-z-]+", description))
        assert named == {option for option in options if option.startswith("--")} - {"--index"}


@pytest.mark.parametrize(
    "page", ["README.md", "docs/measurements.md", "qa/models/reader/README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_default_threshold_is_the_one_of_the_readers_confidence() -> None:
    from qa.confidence import Confidence

    assert f"below the threshold, {Confidence.load().threshold:.2f} unless told otherwise" in README


def test_the_commands_that_take_an_index_are_those_the_readme_says() -> None:
    from qa.cli import main

    without = {
        name
        for name, command in main.commands.items()
        if not any("--index" in option.opts for option in command.params)
    }
    assert without == set(re.findall(r"^All but `(\w+)` take `--index DIR`", README, re.MULTILINE))
