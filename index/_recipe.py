"""What decides an index besides its documents: the versions of our own code and of other packages.

An index records them by the stage of its making. Where one differs from today's, that stage is done
anew: files are read again ("load"), documents cut again ("chunk"), passages embedded ("embed") or their
words listed again ("lexical").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

from index.embed import PASSAGE_VERSION
from index.lexical import LEXICAL_VERSION

Recipe = Mapping[str, Mapping[str, str]]
"""Stage to version by package; ``footnote`` is our own code, ``passage`` what is taken of a chunk."""

_PARSERS = (
    "charset-normalizer",
    "markdown-it-py",
    "py3langid",
    "pypdf",
    "python-docx",
    "PyYAML",
    "selectolax",
)
_CHUNKER = ("sentencex", "tokenizers")
_LEXICAL = ("bm25s", "PyStemmer")
_OTHERS = (
    "cryptography",
    "faiss-cpu",
    "footnote-qa",
    "numpy",
    "onnx",
    "onnxruntime",
    "safetensors",
    "sentence-transformers",
    "torch",
    "transformers",
)
"""Recorded only: their versions change no text, and vectors by less than anybody could notice."""


@cache
def version_of(package: str) -> str:
    """Return the installed version of a package, ``""`` if there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def recipe(loader: int, chunker: int) -> Recipe:
    """Return today's recipe, with these versions of our loader and chunker."""
    return {
        "load": {"footnote": str(loader), **_versions(_PARSERS)},
        "chunk": {"footnote": str(chunker), **_versions(_CHUNKER)},
        "embed": {"passage": str(PASSAGE_VERSION)},
        "lexical": lexical_recipe(),
    }


def lexical_recipe() -> Mapping[str, str]:
    """Return what decides the word lists, and so which lists a question's words can be sought in."""
    own = {"footnote": str(LEXICAL_VERSION), "passage": str(PASSAGE_VERSION)}
    return {**own, **_versions(_LEXICAL)}


def packages() -> Mapping[str, str]:
    """Return the version of every package that an index depends on."""
    return _versions(sorted((*_PARSERS, *_CHUNKER, *_LEXICAL, *_OTHERS)))


def _versions(names: Iterable[str]) -> dict[str, str]:
    return {name: version_of(name) for name in names}
