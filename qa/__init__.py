"""Question to cited answer: ``QA.open(index_dir).ask(question)``."""

from qa.answer import QA, QAConfig
from qa.types import Alternative, Answer, Citation, Nearest, Refusal

__version__ = "0.1.0"

__all__ = ["QA", "Alternative", "Answer", "Citation", "Nearest", "QAConfig", "Refusal"]
