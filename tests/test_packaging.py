"""The wheel holds what a user needs and nothing else, and works where nothing else is; the sdist holds all."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist and the wheel that is built from it; without isolation, as there is no network."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("footnote_qa-*.whl")
    return path


def test_the_sdist_is_the_whole_checkout(built: Path) -> None:
    [path] = built.glob("footnote_qa-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in (".ci", "docs", "index", "qa", "seeds", "tests", "ui"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert file.relative_to(ROOT).as_posix() in names
    assert {"CHANGELOG.md", "LICENSE", "Makefile", "README.md", "constraints.txt"} <= names
    assert not any(name.endswith(".pyc") for name in names)


def test_contents(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "index/store.py",
        "index/py.typed",
        "qa/cli.py",
        "qa/py.typed",
        "qa/training/confidence.py",
        "qa/models/reader/reader.onnx",
        "qa/models/reader/reader.json",
        "qa/models/reader/tokenizer.json",
        "qa/models/reader/confidence.json",
        "qa/models/reader/README.md",
        "ui/app.py",
        "ui/assets/chat.css",
    ):
        assert needed in names
    for room in ("index", "qa", "ui"):
        for file in (ROOT / room).rglob("*.py"):
            assert file.relative_to(ROOT).as_posix() in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"index", "qa", "ui"}
    for licence in ("LICENSE", "qa/models/reader/LICENSE", "ui/assets/source-serif-4-LICENSE.txt"):
        assert any(name.endswith(f"licenses/{licence}") for name in names)
    assert not any("__pycache__" in name or name.endswith(".gz") for name in names)
    assert wheel.stat().st_size < 50_000_000


def test_installed_into_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """The dependencies are this environment's: what is tested is the wheel, not a registry."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", wheel],
        check=True,
        capture_output=True,
        env=bare,
    )  # fmt: skip
    [site] = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    # A .pth file would bring this checkout's editable install along; a link to each library does not.
    for library in Path(ours).iterdir():
        unwanted = library.suffix == ".pth" or library.name.startswith(("__editable__", "footnote"))
        if not unwanted and not (site / library.name).exists():
            (site / library.name).symlink_to(library)
    code = (
        "import qa, index, qa.reader as r\n"
        f"assert qa.__file__.startswith({str(tmp_path)!r}), qa.__file__\n"
        "print(r.Reader.load().read(['Where was it?'], [['It was in Rome.']])[0][0].spans[0])\n"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=bare
    )
    assert done.returncode == 0, done.stderr
    assert "Span(" in done.stdout
    helped = subprocess.run(
        [tmp_path / "venv" / "bin" / "footnote", "--help"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=bare,
    )  # fmt: skip
    assert helped.returncode == 0, helped.stderr
    assert "index" in helped.stdout
