"""The golden cases of tests/golden/boundaries.jsonl, written and decided by hand.

A row has ``text`` and either ``sentences``, its parts with the white space around them taken off, or
``chunks`` for ``max_pieces`` (counted in words) and ``overlap``, with ``headings`` as a loader would
mark them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from index.chunk import ChunkConfig, chunk_document, sentence_spans
from index.types import Document, Mark

FILE = Path(__file__).parent / "golden" / "boundaries.jsonl"


def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@dataclass(frozen=True)
class Case:
    """A text, and where it is to be cut."""

    id: str
    kind: str
    text: str
    sentences: list[str] | None = None
    chunks: list[str] | None = None
    max_pieces: int = 0
    overlap: int = 0
    headings: tuple[str, ...] = ()

    def found_sentences(self) -> list[str]:
        return [self.text[start:end] for start, end in sentence_spans(self.text)]

    def found_chunks(self) -> list[str]:
        starts = [self.text.index(heading) for heading in self.headings]
        marks = tuple(
            Mark(start, end, self.text[start:end])
            for start, end in pairwise([*starts, len(self.text)])
        )
        document = Document("d", "Title", self.text, "folder/d.txt", headings=marks)
        config = ChunkConfig(self.max_pieces, self.overlap)
        return [chunk.text for chunk in chunk_document(document, config, words)]


CASES = [Case(**json.loads(line)) for line in FILE.read_text(encoding="utf-8").splitlines()]
