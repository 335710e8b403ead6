"""Commands that run beside the tests, and waiting for what they do."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import FOOTNOTE

SECONDS = 30
"""Until something that must happen counts as not happening."""


def until(condition: Callable[[], bool], seconds: float = SECONDS, every: float = 0.05) -> bool:
    """Tell whether the condition comes true in time; look every so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


class Command:
    """A command that runs beside the tests; what it prints is in ``out`` and ``err``."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        # A shell may run the tests with Ctrl-C ignored, which a child would inherit.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.process = subprocess.Popen(
                [FOOTNOTE, *arguments], cwd=folder, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        finally:
            signal.signal(signal.SIGINT, before)
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=lines.extend, args=(pipe,))
            for lines, pipe in ((self.out, self.process.stdout), (self.err, self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
