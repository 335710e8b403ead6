"""What all tests share: no network, and one index of the seeds, built once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="False",
    NO_PROXY="127.0.0.1,localhost",
    no_proxy="127.0.0.1,localhost",
)

ROOT = Path(__file__).parents[1]
SEEDS = ROOT / "seeds"


def pytest_configure() -> None:
    """Keep each of pytest-xdist's processes on a core of its own, with all that it starts.

    Their models' threads would otherwise wait for one another on the same cores.
    """
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
    """The index of the seeds, made with the real embedder."""
    from index.build import update_index
    from index.embed import SentenceEmbedder

    index_dir = tmp_path_factory.mktemp("seeds") / "index"
    update_index(index_dir, [SEEDS], embedder=SentenceEmbedder())
    return index_dir


@pytest.fixture(scope="session")
def seeds_qa(seeds_index: Path) -> Any:
    """The product over the seeds."""
    from qa.answer import QA

    return QA.open(seeds_index)
