"""How fast this machine answers, from an index that is there."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.errors import ConfigError
from qa.answer import QA

ROUNDS = 30
"""Questions asked one by one, after three that warm up."""

STARTS = 3
"""Times that the index, and a shell, are opened anew."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One measurement: ``median`` and ``slowest`` in milliseconds, over ``runs`` runs."""

    what: str
    median: float
    slowest: float
    runs: int


def benchmark(index_dir: str | Path, questions: Sequence[str] = ()) -> list[Timing]:
    """Time a warm ``ask``, one question of a batch, opening the index, and a cold shell.

    ``questions`` are by default the titles of the indexed documents: like most questions they need no further
    passages read (`QAConfig.further`); one that does takes half as long again (docs/measurements.md).
    Raises `ConfigError` for an index without documents, and what `QA.open` raises.
    """
    qa = QA.open(index_dir)
    asked = list(questions) or [f"What about {d.title}?"[:200] for d in qa.documents()]
    if not asked:
        raise ConfigError(f"The index at '{index_dir}' holds no documents to ask about.")
    each = [asked[number % len(asked)] for number in range(ROUNDS)]
    qa.ask_batch(each[:3])
    warm = [_milliseconds(partial(qa.ask, question)) for question in each]
    batch = _milliseconds(lambda: qa.ask_batch(each)) / len(each)
    opened = [_milliseconds(lambda: QA.open(index_dir)) for _ in range(STARTS)]
    command = [sys.executable, "-m", "qa.cli", "ask", each[0], "--index", str(index_dir)]
    cold = [
        _milliseconds(lambda: subprocess.run(command, capture_output=True, check=True))
        for _ in range(STARTS)
    ]
    return [
        _timing("ask, warm", warm),
        _timing(f"ask_batch of {len(each)}, a question", [batch]),
        _timing("open the index and the reader", opened),
        _timing("footnote ask from a cold shell", cold),
    ]


def _timing(what: str, values: Sequence[float]) -> Timing:
    return Timing(what, statistics.median(values), max(values), len(values))


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)
