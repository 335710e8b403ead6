"""Question to cited answer."""

__version__ = "0.1.0"
