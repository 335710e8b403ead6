"""Question to cited answer."""

from qa.answer import QA, QAConfig
from qa.types import Alternative, Answer, Citation, Nearest, Refusal

__version__ = "0.1.0"
