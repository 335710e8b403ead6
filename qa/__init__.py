"""Question to cited answer: ``QA.open(index_dir).ask(question)``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.answer import QA, QAConfig
    from qa.types import Alternative, Answer, Citation, Nearest, Refusal

__version__ = "0.1.0"

__all__ = ["QA", "Alternative", "Answer", "Citation", "Nearest", "QAConfig", "Refusal"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load what answers when it is asked for: that takes a second, for which no command needs to wait."""
        if name in {"answer", "types"}:  # they are there after `import qa`
            return import_module(f"qa.{name}")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module("qa.answer" if name.startswith("QA") else "qa.types"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
