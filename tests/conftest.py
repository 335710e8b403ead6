"""What all tests share: no network, one index of the seeds, built once, and how often chance is tried."""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

os.environ.update(
    OMP_NUM_THREADS="1",  # pytest-xdist's processes share the cores: more threads would wait for one another
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="False",
    NO_PROXY="127.0.0.1,localhost",
    no_proxy="127.0.0.1,localhost",
)

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"
FOOTNOTE = Path(sys.executable).with_name("footnote")

LONGEST = ("chat", "durability", "golden", "hostile_files", "watch", "cli", "fit", "readme")
"""Files with the tests that take longest, the longest first."""


def rounds(here: int, in_ci: int) -> int:
    """Return how much of what it could try a test tries: ``in_ci`` where ``CI=true``, else ``here``."""
    return in_ci if os.environ.get("CI") == "true" else here


class _Later:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__") or attribute == "_mock_name":
            # Pytest looks for these in everything that a test file names.
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self._name), attribute)


def later(name: str) -> Any:
    """Return a module that is imported at its first use.

    Each of pytest-xdist's processes imports every test file; what is slow to load is loaded by those
    that run the tests that need it.
    """
    return _Later(name)


def pytest_configure() -> None:
    """Hypothesis draws anew each time here, and the same examples each time in CI.

    So CI fails on a change for what the change did, and whoever runs the tests keeps looking further. There is
    no deadline: what a test says holds on a busy machine as well.
    """
    settings.register_profile(
        "tests",
        settings.get_profile("default"),
        max_examples=rounds(25, in_ci=100),
        derandomize=os.environ.get("CI") == "true",
        deadline=None,
    )
    settings.load_profile("tests")
    gc.disable()  # until all are collected: what is made until then stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that pytest-xdist's processes end together."""
    places = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """Have Python look for garbage again, but not among modules and tests."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let sockets reach this machine only."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host != "localhost" and not host.startswith("127.") and host != "::1":
                raise AssertionError(f"a test asked the network for {host}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_reader() -> Iterator[None]:
    """Load the reader that ships once in a process: it is most of what opening an index takes."""
    from qa.reader import Reader

    load = Reader.load
    shipped = functools.cache(load)

    def once(*given: Any, **options: Any) -> Any:
        return load(*given, **options) if given or options else shipped()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "load", once)
        yield


@pytest.fixture(scope="session")
def seeds_index(pytestconfig: pytest.Config) -> Path:
    """The index of the seeds, beside a copy of them; made by the README's own command.

    One of pytest-xdist's processes makes it for all, and for later runs, until a seed or anything that
    makes an index changes. No test changes it: those that would, copy it.
    """
    digest = hashlib.sha256()
    makers = [ROOT / "constraints.txt", ROOT / "qa" / "cli.py", *(ROOT / "index").glob("*.py")]
    for path in sorted([*makers, *SEEDS.iterdir()]):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    kept = pytestconfig.cache.mkdir("over-seeds")
    folder = kept / digest.hexdigest()[:16]
    with FileLock(kept / "lock"):
        if not folder.exists():
            for old in kept.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            making = kept / "making"
            shutil.copytree(SEEDS, making / "seeds")
            subprocess.run([FOOTNOTE, "index", "seeds"], check=True, cwd=making)
            making.rename(folder)
    return folder / ".footnote"


@pytest.fixture(scope="session")
def embedder(seeds_index: Path) -> Any:
    """The embedding model, as it was exported with the index of the seeds: it loads without torch."""
    from index.embed import QuestionEncoder
    from index.store import Store

    files = Store(seeds_index).open().encoder_files

    class Exported(QuestionEncoder):
        def export_encoder(self) -> Any:
            return files

    return Exported(files)


@pytest.fixture(scope="session")
def seeds_qa(seeds_index: Path) -> Any:
    """The product over the seeds."""
    from qa.answer import QA

    return QA.open(seeds_index)
