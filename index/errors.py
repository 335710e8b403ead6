"""Every exception that Footnote raises on purpose.

The tree::

    FootnoteError            catch this one to catch them all
    ├── LoadError            a file could not be read; it costs only itself
    ├── ConfigError          an argument or a setting makes no sense
    ├── EmbedderError        an embedding model could not be loaded or used
    ├── ReaderError          the reader's weights are missing or damaged
    ├── QuestionFileError    a file of questions for `footnote eval` is malformed
    └── IndexError_          anything about the index on disk
        ├── IndexMissing     there is no index at that path
        ├── IndexForeign     the path holds something that is not a Footnote index
        ├── IndexDamaged     bytes of the index are not what the manifest says
        ├── IndexMismatch    the index was made by another version or another embedder
        ├── IndexLocked      another process is writing to the index
        └── IndexWriteError  the disk refused a write; the old generation still stands

A message says what was found, where, and what to do. Exceptions of other libraries are translated
once, at the boundary where they arise, with ``from exc``.
"""


class FootnoteError(Exception):
    """Base of every error that Footnote raises on purpose; its text is meant for people."""


class LoadError(FootnoteError):
    """A file could not be read as a document; the text is the reason, without the path."""


class ConfigError(FootnoteError):
    """An argument or a setting makes no sense."""


class EmbedderError(FootnoteError):
    """An embedding model could not be loaded or used."""


class ReaderError(FootnoteError):
    """The reader's weights are missing, damaged, or do not fit this version."""


class QuestionFileError(FootnoteError):
    """A question file has a row that cannot be used; the text names the file and the line."""


class IndexError_(FootnoteError):  # noqa: N801, N818 - IndexError is Python's own
    """Anything about the index on disk."""


class IndexMissing(IndexError_):
    """There is no index at that path."""


class IndexForeign(IndexError_):
    """The path holds something that is not a Footnote index."""


class IndexDamaged(IndexError_):
    """Bytes of the index are not what its manifest says they are."""


class IndexMismatch(IndexError_):
    """The index was made by another version, or with another embedder."""


class IndexLocked(IndexError_):
    """Another process is writing to the index."""


class IndexWriteError(IndexError_):
    """The disk refused a write; what was there before is untouched."""
