"""Document to chunks: whole sentences up to a size, never across a heading, offsets exact. Pure.

Where sentences end is `_sentences.py`'s; here they are put together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index._sentences import Offsets, ends_sentence, is_item_or_row, sentence_spans
from index._text import MAX_TITLE_LINE
from index.types import Chunk, Document

__all__ = ["CHUNKER_VERSION", "ChunkConfig", "chunk_document", "sentence_spans"]

CHUNKER_VERSION = 5
"""Raised when the same Document would give other Chunks."""

CountPieces = Callable[[Sequence[str]], Sequence[int]]
"""Texts to their lengths in word pieces."""

_WORD_CHARACTERS = 1000
"""A longer word is cut."""

_WORD = re.compile(rf"\S{{1,{_WORD_CHARACTERS}}}\s*")
_PIECE_CHARACTERS = 25
"""So many characters count as a word piece at least: the tokenizer makes one piece of any word that it
does not know, and none of white space. (A sentence of the seeds has 8 a piece at most.)"""

_MOST_LEADS = 3
"""A title, a byline and a date."""


@dataclass(frozen=True, slots=True)
class ChunkConfig:
    """How documents are cut: ``max_pieces`` in word pieces of the embedder, ``overlap`` in sentences.

    About 100 words a passage with one normalisation over passages is what Wang et al. 2019
    (arXiv 1908.08167) found best for reading; the embedder truncates at 256 pieces.
    """

    max_pieces: int = 160
    overlap: int = 1


def chunk_document(document: Document, config: ChunkConfig, count: CountPieces) -> list[Chunk]:
    """Cut ``document`` into chunks of at most ``config.max_pieces``, in order of their start.

    A sentence that is longer by itself is cut between words, and a word of more than 1,000
    characters within. 25 characters count as a piece at least, which bounds a chunk's length too; only
    a word can be longer than that allows.
    """
    text = document.text
    chunks: list[Chunk] = []
    for section in _sections(document):
        at = section[0]
        spans = sentence_spans(text[at : section[1]])
        sentences = [(at + start, at + end) for start, end in spans] if at else spans
        lengths = count([text[start:end] for start, end in sentences])
        pieces = list(_cut_long(text, sentences, lengths, config.max_pieces, count))
        leads = _leads(text, [piece for piece, _ in pieces])
        chunks += [
            Chunk(f"{document.id}:{start}-{end}", document.id, start, end, text[start:end])
            for start, end in _pack(pieces, leads, config)
        ]
    return chunks


def _sections(document: Document) -> list[Offsets]:
    cuts = sorted({0, len(document.text), *(mark.start for mark in document.headings)})
    return [(start, end) for start, end in pairwise(cuts) if start < end]


def _cut_long(
    text: str,
    sentences: Sequence[Offsets],
    lengths: Sequence[int],
    limit: int,
    count: CountPieces,
) -> Iterator[tuple[Offsets, int]]:
    """Yield sentences with their lengths, those over ``limit`` as runs of whole words.

    A sentence's length includes the white space before it.
    """
    before = sentences[0][0] if sentences else 0
    for (start, end), length in zip(sentences, lengths, strict=True):
        gap, before = start - before, end
        whole = _length(length, gap + end - start)
        if whole <= limit or _length(length, end - start) <= limit:
            yield (start, end), whole
            continue
        words = [(start + w.start(), start + w.end()) for w in _WORD.finditer(text[start:end])]
        word_lengths = count([text[a:b] for a, b in words])
        opened, total = start, 0
        for (word_start, word_end), pieces in zip(words, word_lengths, strict=True):
            before_it = gap if word_start == start else 0
            word_length = _length(pieces, before_it + word_end - word_start)
            if opened < word_start and total + word_length > limit:
                yield (opened, opened + len(text[opened:word_start].rstrip())), total
                opened, total = word_start, 0
            total += word_length
        yield (opened, end), total


def _length(pieces: int, characters: int) -> int:
    least = -(-characters // _PIECE_CHARACTERS)
    return pieces if pieces > least else least  # this takes half the time of max()


def _leads(text: str, pieces: Sequence[Offsets]) -> list[bool]:
    """Tell of each piece whether it leads to the next: a heading in plain text, or "You need:".

    Of more than `_MOST_LEADS` lines without full stops the first ones do not: they are verses, names.
    """
    leads = [False] * len(pieces)
    run = 0
    is_next_bare: bool | None = None
    for at in reversed(range(len(pieces) - 1)):
        start, end = pieces[at]
        following = pieces[at + 1]
        if text.find("\n", end, following[0]) < 0:
            run, is_next_bare = 0, None  # most pieces: whether they are bare is not asked
            continue
        is_bare = _is_bare(text, start, end)
        if is_bare and not run and is_next_bare is None:
            is_next_bare = _is_bare(text, *following)
        run = run + 1 if is_bare and (run or not is_next_bare) else 0
        leads[at] = 0 < run <= _MOST_LEADS
        is_next_bare = is_bare
    return leads


def _is_bare(text: str, start: int, end: int) -> bool:
    """Tell whether a piece is short, and neither a sentence nor an item of a list nor a table's row."""
    if end - start > MAX_TITLE_LINE:
        return False
    line = text[start:end]
    return line.endswith(":") or not (ends_sentence(line) or is_item_or_row(line))


def _pack(
    pieces: Sequence[tuple[Offsets, int]], leads: Sequence[bool], config: ChunkConfig
) -> Iterator[Offsets]:
    """Fill chunks greedily; the last ``overlap`` sentences open the next one if all still fits.

    What leads to the next sentence goes to the next chunk with it, unless there is nothing else.
    """
    first = 0
    while first < len(pieces):
        last, total = first, pieces[first][1]
        while last + 1 < len(pieces) and total + pieces[last + 1][1] <= config.max_pieces:
            last += 1
            total += pieces[last][1]
        if last + 1 < len(pieces):
            last = _before_leads(leads, first, last)
        yield pieces[first][0][0], pieces[last][0][1]
        if last + 1 == len(pieces):
            return
        shared = following = led = last + 1
        room = config.max_pieces - pieces[following][1]
        while leads[led]:
            led += 1
            room -= pieces[led][1]
        while shared > max(first + 1, following - config.overlap) and pieces[shared - 1][1] <= room:
            shared -= 1
            room -= pieces[shared][1]
        first = shared


def _before_leads(leads: Sequence[bool], first: int, last: int) -> int:
    end = last
    while end > first and leads[end]:
        end -= 1
    return last if leads[end] else end
