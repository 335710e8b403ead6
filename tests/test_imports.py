"""The rooms and who may enter which: ``ui -> qa -> index``, heavy libraries in their places."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("index", "qa", "ui")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAY_IMPORT = {"index": {"index"}, "qa": {"index", "qa"}, "ui": {"index", "qa", "ui"}}

# The command line is the front door: it starts the chat, and nothing else of qa knows of ui.
FRONT_DOOR = "qa/cli.py"

PLACES = {
    "torch": ("index/embed.py", "qa/reader.py", "qa/training/"),
    "sentence_transformers": ("index/embed.py", "qa/training/"),
    "transformers": ("index/embed.py", "qa/training/"),
    "onnxruntime": ("index/embed.py", "qa/reader.py", "qa/training/"),
    "onnx": ("qa/training/",),
    "sklearn": ("qa/training/",),
    "matplotlib": ("qa/training/",),
    "faiss": ("index/store.py",),
    "bm25s": ("index/lexical.py",),
    "gradio": ("ui/app.py",),
    "watchfiles": ("index/watch.py",),
    "charset_normalizer": ("index/_text.py",),
    "docx": ("index/_formats/docx.py",),
    "markdown_it": ("index/_formats/markdown.py",),
    "pypdf": ("index/_formats/pdf.py",),
    "selectolax": ("index/_formats/html.py",),
    "yaml": ("index/_formats/front_matter.py",),
    "pickle": (),
    "marshal": (),
    "shelve": (),
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    names = imported(path)
    allowed = MAY_IMPORT[name.split("/")[0]] | ({"ui"} if name == FRONT_DOOR else set())
    assert names & set(ROOMS) <= allowed
    for library, places in PLACES.items():
        assert library not in names or name.startswith(places or "nowhere"), library


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("index/_marks.py", set()),
        ("index/_text.py", {"index.errors"}),
        ("index/_formats/parsed.py", {"index._text", "index.errors"}),
        ("index/_sentences.py", {"index._marks"}),
        ("index/chunk.py", {"index._sentences", "index._text", "index.types"}),
        ("index/lexical.py", {"index.errors", "index.types"}),
        ("index/spelling.py", {"index.lexical"}),
        ("index/retrieve.py", {"index.embed", "index.lexical", "index.types"}),
        ("index/embed.py", {"index.errors", "index.types"}),
        ("qa/metrics.py", set()),
        ("qa/spans.py", {"qa.types"}),
        ("qa/reader.py", {"index._marks", "index.errors", "qa.spans", "qa.types"}),
        ("qa/candidates.py", {"index.types", "qa.copies", "qa.metrics"}),
        ("qa/ranges.py", {"index.lexical"}),
        ("qa/tables.py", {"index._text", "index.lexical", "qa.ranges"}),
    ],
)
def test_what_a_pure_module_knows_of_the_others(name: str, allowed: set[str]) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {m for m in modules if m and m.split(".")[0] in ROOMS} <= allowed


@pytest.mark.parametrize(
    "path", sorted((ROOT / "index/_formats").glob("*.py")), ids=lambda p: p.name
)
def test_a_parser_knows_text_and_the_other_parsers(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {m for m in modules if m and m.split(".")[0] in ROOMS}
    assert {m for m in ours if not m.startswith("index._formats.")} <= {
        "index._text",
        "index.errors",
    }


def test_the_library_of_a_format_is_loaded_when_a_file_needs_it() -> None:
    code = "import index._sandbox, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert {name.split(".")[0] for name in done.stdout.split()}.isdisjoint(
        {"charset_normalizer", "docx", "markdown_it", "numpy", "pypdf", "selectolax", "yaml"}
    )


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    owners = packages_distributions()
    for path in FILES:
        declared = {*project["dependencies"]}
        if path.parent.name == "training":
            declared |= {*extras["train"]}
        names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in declared}
        for library in imported(path) - set(ROOMS) - sys.stdlib_module_names:
            owned = {owner.lower() for owner in owners[library]}
            assert owned & names, f"{path.name} imports {library}, of {owned}"


def test_types_do_no_input_or_output() -> None:
    for name in ("index/types.py", "qa/types.py"):
        assert imported(ROOT / name).isdisjoint({"os", "io", "pathlib", "json", "socket"})


@pytest.mark.parametrize(
    "statement", ["import qa", "from qa import QA", "import qa.cli", "import qa.training.__main__"]
)
def test_importing_qa_loads_no_torch_and_no_gradio(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"torch", "gradio", "sentence_transformers", "transformers"})


def test_the_command_line_is_there_at_once() -> None:
    """What is loaded before `qa.cli.main` runs can be broken off by Ctrl-C only with a traceback."""
    code = "import qa.cli, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert {name.split(".")[0] for name in done.stdout.split()}.isdisjoint(
        {"faiss", "numpy", "rich"}
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import qa; qa.QA, qa.Answer",
        "import qa; qa.answer.QA, qa.types.Answer",
        "from qa import *; QA, QAConfig, Answer, Refusal",
        "import qa; assert set(qa.__all__) <= set(dir(qa)); assert not hasattr(qa, 'nothing')",
    ],
)
def test_what_qa_offers_is_there_when_it_is_asked_for(statement: str) -> None:
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=ROOT)
