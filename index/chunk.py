"""Document to chunks: whole sentences up to a size, never across a heading, offsets exact. Pure.

Sentence boundaries are sentencex's (MIT; Wikimedia), which knows abbreviations, initials, decimals
and quotations; what it does not know, where a line of plain text ends a paragraph, is added here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sentencex

from index.types import Chunk, Document

CountPieces = Callable[[Sequence[str]], Sequence[int]]
"""Texts to their lengths in word pieces."""

Offsets = tuple[int, int]
"""Start and end, in characters of the document."""

CHUNKER_VERSION = 2
"""Raised when the same Document would give other chunks."""

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE_END = re.compile(r"[.!?…:;。！？؟।][\"'”’»)\]]*\s*$")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)])\s+\S")
_WIDE_STOP = re.compile("[。！？｡][」』”’）》】〉]*")
_PORTION = 2000  # characters
_WORD_CHARACTERS = 1000
"""A longer word is cut."""

_WORD = re.compile(rf"\S{{1,{_WORD_CHARACTERS}}}\s*")
_PIECE_CHARACTERS = 25
"""So many characters count as a word piece at least: the tokenizer makes one piece of any word that it
does not know, and none of white space. (A sentence of the seeds has 8 a piece at most.)"""

_SHORT_LINE = 0.7
"""A line shorter than this share of its block's longest one was ended on purpose, not wrapped."""

_PARAGRAPH_LINE = 200
"""Nobody wraps lines this long: in a block with one, each line is a paragraph."""


@dataclass(frozen=True, slots=True)
class ChunkConfig:
    """How documents are cut: ``max_pieces`` in word pieces of the embedder, ``overlap`` in sentences.

    About 100 words a passage with one normalisation over passages is what Wang et al. 2019
    (arXiv 1908.08167) found best for reading; the embedder truncates at 256 pieces.
    """

    max_pieces: int = 160
    overlap: int = 1


def sentence_spans(text: str) -> list[Offsets]:
    """Return the sentences of ``text`` as offsets, in order, without surrounding white space."""
    spans: list[Offsets] = []
    for start, end in (part for block in _paragraphs(text) for part in _portions(text, *block)):
        for sentence in sentencex.get_sentence_boundaries("en", text[start:end]):
            span = _strip(text, start + sentence["start_index"], start + sentence["end_index"])
            if span is not None:
                spans.append(span)
    return spans


def chunk_document(document: Document, config: ChunkConfig, count: CountPieces) -> list[Chunk]:
    """Cut ``document`` into chunks of at most ``config.max_pieces``, in order of their start.

    A sentence that is longer by itself is cut between words, and a word of more than 1,000
    characters within. 25 characters count as a piece at least, which bounds a chunk's length too; only
    a word can be longer than that allows.
    """
    text = document.text
    chunks: list[Chunk] = []
    for section in _sections(document):
        sentences = [
            (section[0] + start, section[0] + end)
            for start, end in sentence_spans(text[section[0] : section[1]])
        ]
        lengths = count([text[start:end] for start, end in sentences])
        pieces = list(_cut_long(text, sentences, lengths, config.max_pieces, count))
        chunks += [
            Chunk(f"{document.id}:{start}-{end}", document.id, start, end, text[start:end])
            for start, end in _pack(pieces, config)
        ]
    return chunks


def _sections(document: Document) -> list[Offsets]:
    cuts = sorted({0, len(document.text), *(mark.start for mark in document.headings)})
    return [(start, end) for start, end in pairwise(cuts) if start < end]


def _paragraphs(text: str) -> Iterator[Offsets]:
    start = 0
    for gap in _BLANK_LINE.finditer(text):
        yield from _unwrapped(text, start, gap.start())
        start = gap.end()
    yield from _unwrapped(text, start, len(text))


def _unwrapped(text: str, start: int, end: int) -> Iterator[Offsets]:
    """Split a block at the line ends that end a paragraph; line ends that only wrap stay inside."""
    lines = text[start:end].splitlines(keepends=True)
    longest = max((len(line) for line in lines), default=0)
    at = opened = start
    for line, following in pairwise(lines):
        at += len(line)
        if (
            longest > _PARAGRAPH_LINE
            or _SENTENCE_END.search(line)
            or _LIST_ITEM.match(following)
            or (len(line) < _SHORT_LINE * longest and not following.lstrip()[:1].islower())
        ):
            yield opened, at
            opened = at
    if opened < end:
        yield opened, end


def _portions(text: str, start: int, end: int) -> Iterator[Offsets]:
    """Cut a paragraph of sentences without spaces between them, for which sentencex takes the square."""
    opened = start
    for stop in _WIDE_STOP.finditer(text, start, end):
        if stop.end() - opened >= _PORTION:
            yield opened, stop.end()
            opened = stop.end()
    if opened < end:
        yield opened, end


def _strip(text: str, start: int, end: int) -> Offsets | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


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
        if _length(length, end - start) <= limit:
            yield (start, end), _length(length, gap + end - start)
            continue
        words = [(start + w.start(), start + w.end()) for w in _WORD.finditer(text[start:end])]
        word_lengths = count([text[a:b] for a, b in words])
        opened, total = start, -(-gap // _PIECE_CHARACTERS)
        for (word_start, word_end), pieces in zip(words, word_lengths, strict=True):
            word_length = _length(pieces, word_end - word_start)
            if opened < word_start and total + word_length > limit:
                yield (opened, opened + len(text[opened:word_start].rstrip())), total
                opened, total = word_start, 0
            total += word_length
        yield (opened, end), total


def _length(pieces: int, characters: int) -> int:
    return max(pieces, -(-characters // _PIECE_CHARACTERS))


def _pack(pieces: Sequence[tuple[Offsets, int]], config: ChunkConfig) -> Iterator[Offsets]:
    """Fill chunks greedily; the last ``overlap`` sentences open the next one if all still fits."""
    first = 0
    while first < len(pieces):
        last, total = first, pieces[first][1]
        while last + 1 < len(pieces) and total + pieces[last + 1][1] <= config.max_pieces:
            last += 1
            total += pieces[last][1]
        yield pieces[first][0][0], pieces[last][0][1]
        if last + 1 == len(pieces):
            return
        following = last + 1
        shared = following
        room = config.max_pieces - pieces[following][1]
        while shared > max(first + 1, following - config.overlap) and pieces[shared - 1][1] <= room:
            shared -= 1
            room -= pieces[shared][1]
        first = shared
