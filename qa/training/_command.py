"""What the commands of the training have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable

from index.errors import FootnoteError


def exit_status(command: Callable[[], None]) -> int:
    """Run a command and return its exit status; what is wrong is said in its sentence."""
    try:
        command()
    except FootnoteError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0
