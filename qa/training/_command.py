"""What the commands of the training have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable

from index.errors import FootnoteError


def exit_status(command: Callable[[], None]) -> int:
    """Run a command and return its exit status; what is wrong is said in its sentence.

    Ctrl-C ends it with 130, as a shell has it, and the sentence of the `KeyboardInterrupt`, if it has one.
    """
    try:
        command()
    except FootnoteError as exc:
        print(exc, file=sys.stderr)
        return 1
    except KeyboardInterrupt as exc:
        print(str(exc) or "Stopped.", file=sys.stderr)
        return 130
    return 0
