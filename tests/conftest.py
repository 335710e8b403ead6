"""What all tests share: no network, one index of the seeds, built once, and how often chance is tried."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

os.environ.update(
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="False",
    NO_PROXY="127.0.0.1,localhost",
    no_proxy="127.0.0.1,localhost",
)

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"


def rounds(here: int, in_ci: int) -> int:
    """Return how many times a test draws by chance: all of ``in_ci`` where ``CI=true``, else ``here``.

    A test that goes through every case, rather than through some by chance, never asks.
    """
    return in_ci if os.environ.get("CI") == "true" else here


def pytest_configure() -> None:
    """Keep each of pytest-xdist's processes on a core of its own, with all that it starts.

    Their models' threads would otherwise wait for one another on the same cores. Hypothesis draws
    anew each time in CI too, where by itself it would draw the same examples for ever.
    """
    settings.load_profile("default")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


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


@pytest.fixture(scope="session")
def seeds_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the seeds, made with the real embedder; by one of pytest-xdist's processes for all.

    No test changes it: those that would, take a copy.
    """
    from index.build import update_index
    from index.embed import SentenceEmbedder

    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # the folder above is that of all processes of this run
        place = place.parent
    index_dir = place / "seeds-index"
    with FileLock(place / "seeds-index.lock"):
        if not (index_dir / "CURRENT").exists():
            update_index(index_dir, [SEEDS], embedder=SentenceEmbedder())
    return index_dir


@pytest.fixture(scope="session")
def seeds_qa(seeds_index: Path) -> Any:
    """The product over the seeds."""
    from qa.answer import QA

    return QA.open(seeds_index)
