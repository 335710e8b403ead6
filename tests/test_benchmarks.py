"""The benchmarks say what they measure and what they take; what they measure is in docs/measurements.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.conftest import ROOT

HELP = """
import contextlib, io, json, runpy, sys
found = {}
for path in sys.argv[1:]:
    said = io.StringIO()
    sys.argv = [path, "--help"]
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        runpy.run_path(path, run_name="__main__")
        said.write("ran on")
    found[path] = said.getvalue()
print(json.dumps(found))
"""


def test_each_says_what_it_measures() -> None:
    files = sorted((ROOT / "tests" / "benchmarks").glob("*.py"))
    assert len(files) >= 10
    done = subprocess.run(
        [sys.executable, "-c", HELP, *map(str, files)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100"},
        check=True,
        capture_output=True,
        text=True,
    )
    for path, said in json.loads(done.stdout).items():
        usage, about = said.split("\n\n", 1)
        assert usage.startswith("usage: "), path
        assert "ran on" not in about, path
        name = path.rsplit("/", 1)[1]
        assert f"python tests/benchmarks/{name}" in about, path
        first = about.splitlines()[0]
        assert first in (ROOT / "tests" / "benchmarks" / name).read_text(), path
