"""(question, passage) pairs -> spans, with a small BERT that points at an answer.

Runs on onnxruntime and ``tokenizers`` alone: no torch, no transformers, nothing of index's I/O.
The weights that come with the package are described in ``qa/models/reader/README.md``; how they
were made is in ``qa/training``.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index._marks import paired_marks
from index.errors import ConfigError, ReaderError
from qa.spans import best_spans_batch, merge_windows
from qa.types import Reading, Span

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

READER_DIRECTORY = Path(__file__).parent / "models" / "reader"
"""The weights that come with the package."""

MANIFEST = "reader.json"
FORMAT = 1

_SPECIAL_TOKENS = 3  # [CLS] question [SEP] passage [SEP]
_SURROGATE = re.compile("[\ud800-\udfff]")
_AT_CLOSING = ".,;:!?…'\"’”»)]"
"""What may stand between an answer and the mark that closes its quotation or bracket."""

_FIGURE = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)(?![.,]?\d)")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"“”()]*[\w/]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
"""What the word pieces divide and no answer should: a figure, and an address on the web or for mail."""


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """How passages are read. Lengths are in word pieces."""

    window: int = 384
    """Question, passage and special tokens of one window, as in the model card's evaluation; 9% of
    the dev questions need more than one."""

    overlap: int = 128
    """Word pieces that two neighbouring windows of a long passage share; at least ``max_answer - 1``,
    so that every answer stands whole in a window."""

    max_question: int = 64
    """What is beyond this in a question is not read: 2 of 57,931 train and dev questions have more."""

    max_title: int = 40
    """What is beyond this in a title is not read."""

    max_answer: int = 30
    """The longest answer, as in the model card's evaluation; 0.06% of the dev answers are longer."""

    spans_per_passage: int = 8
    """How many spans of each passage are returned. F1 of the best wording among 5, 8 and 12 of them, mean
    of four sources: 78.0, 78.3, 78.2 (docs/measurements.md)."""

    batch_tokens: int = 512
    """Tokens, with padding, that go through the model at once. CPU time for six passages of 130 to
    160 pieces, against one window at a time: 400: 1.00, 512: 1.01, 800: 1.05, 1600: 1.11 (padding
    and cache misses cost more than calls); shorter passages gain from company."""

    def __post_init__(self) -> None:
        room = self.window - self.max_question - self.max_title - _SPECIAL_TOKENS
        counts = (
            self.max_question,
            self.max_title,
            self.max_answer,
            self.spans_per_passage,
            self.batch_tokens,
        )
        if min(counts) < 1 or not self.max_answer - 1 <= self.overlap < room:
            raise ConfigError(
                f"{self} leaves no way to read a passage: every number must be positive, overlap at "
                "least max_answer - 1, and window - max_question - max_title - 3 larger than overlap."
            )


@dataclass(frozen=True, slots=True)
class _Passage:
    """A text in word pieces: ids and cases of shape (pieces,), character offsets of shape (pieces, 2).

    The offsets of a piece are those of its whole word, so that no answer is half a word.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    cases: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Window:
    """Pieces ``start`` to ``stop`` of a passage, to be read with a question and after a title.

    ``readable``, shape (pieces,), tells which pieces of the passage an answer may be in.
    """

    pair: int
    question: NDArray[np.int64]
    title: NDArray[np.int64]
    passage: _Passage
    readable: NDArray[np.bool_]
    start: int
    stop: int

    def __len__(self) -> int:
        pieces = len(self.question) + len(self.title) + (self.stop - self.start)
        return pieces + _SPECIAL_TOKENS


class Reader:
    """An extractive reader; ``Reader.load()`` gives the one that comes with the package.

    ``fingerprint`` names the weights (the SHA-256 of the model file). An instance holds no state
    between calls and may be used from several threads. ``token_types`` is how many the model knows: 2
    (question; title and passage), or 4, which also tell the case of a passage's words (`word_cases`).
    """

    def __init__(
        self,
        session: InferenceSession,
        tokenizer: Tokenizer,
        fingerprint: str,
        config: ReaderConfig = ReaderConfig(),
        token_types: int = 2,
    ) -> None:
        self.fingerprint = fingerprint
        self.config = config
        self._session = session
        self._tokenizer = tokenizer
        self._last_type = token_types - 1
        self._cls = _special_id(tokenizer, "[CLS]")
        self._sep = _special_id(tokenizer, "[SEP]")

    @classmethod
    def load(
        cls,
        directory: str | Path | None = None,
        threads: int | None = None,
        config: ReaderConfig = ReaderConfig(),
    ) -> Reader:
        """Return the reader whose weights are in ``directory`` (default: the package's own).

        ``threads`` is the number of CPU threads for one batch; by default onnxruntime chooses one a
        core. Raises ``ReaderError`` when a file is missing, is not what the manifest says, or cannot
        be run.
        """
        directory = READER_DIRECTORY if directory is None else Path(directory)
        manifest = _read_manifest(directory)
        if config.window > manifest.max_length:
            raise ConfigError(
                f"A window of {config.window} word pieces is more than the {manifest.max_length} "
                f"that the reader in {directory} was made for; choose a smaller window."
            )
        weights = _read_checked(directory, manifest.file, manifest.sha256)
        vocabulary = _read_checked(directory, manifest.tokenizer, manifest.tokenizer_sha256)
        try:
            import onnxruntime
            from tokenizers import Tokenizer

            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            if threads is not None:
                options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(
                weights, options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_buffer(vocabulary)
            # "[SEP]" in a document is text, not the end of the passage.
            tokenizer.encode_special_tokens = True
        except Exception as exc:  # both libraries raise bare Exception subclasses of their own
            raise ReaderError(
                f"The reader in {directory} does not load with this onnxruntime ({exc}); "
                "install the package again, or export the weights anew."
            ) from exc
        return cls(session, tokenizer, manifest.sha256, config, manifest.token_types)

    def read(
        self,
        questions: Sequence[str],
        passages: Sequence[Sequence[str]],
        titles: Sequence[Sequence[str]] | None = None,
        masked: Sequence[Sequence[Sequence[tuple[int, int]]]] | None = None,
    ) -> list[list[Reading]]:
        """Return a ``Reading`` for every passage of every question.

        ``passages[i]`` are read with ``questions[i]``, and the result has the same shape. A passage
        is read after its title, ``titles`` having the shape of ``passages``; no span is in it.
        ``masked[i][j]`` are the offsets of what is read, but no answer: no word of it is in a span.
        Offsets count characters of the passage; no span starts or ends with white space. A passage
        without words gives a ``Reading`` without spans. Raises ``ValueError`` when the shapes
        differ.
        """
        if len(questions) != len(passages):
            raise ValueError(
                f"{len(questions)} questions, but passages for {len(passages)}; give one list of "
                "passages a question."
            )
        if titles is None:
            titles = [[""] * len(texts) for texts in passages]
        elif [len(texts) for texts in titles] != [len(texts) for texts in passages]:
            raise ValueError("titles and passages differ in number; give one title a passage.")
        if masked is None:
            masked = [[()] * len(texts) for texts in passages]
        elif [len(texts) for texts in masked] != [len(texts) for texts in passages]:
            raise ValueError("masked and passages differ in number; give one list a passage.")
        asked = [piece.ids[: self.config.max_question] for piece in self._encode(questions)]
        distinct = dict.fromkeys(text for texts in passages for text in texts)
        encoded = dict(zip(distinct, self._encode(list(distinct)), strict=True))
        named = dict.fromkeys(title for texts in titles for title in texts)
        leads = {
            title: piece.ids[: self.config.max_title]
            for title, piece in zip(named, self._encode(list(named)), strict=True)
        }
        pairs = [
            (number, title, text, _readable(encoded[text], places))
            for number, texts in enumerate(passages)
            for title, text, places in zip(titles[number], texts, masked[number], strict=True)
        ]
        windows = [
            _Window(pair, asked[number], leads[title], encoded[text], readable, start, stop)
            for pair, (number, title, text, readable) in enumerate(pairs)
            for start, stop in self._cut(
                len(asked[number]) + len(leads[title]), len(encoded[text].ids)
            )
        ]
        found: list[list[Reading]] = [[] for _ in pairs]
        for batch in _batches(windows, self.config.batch_tokens):
            for window, reading in zip(batch, self._read_batch(batch), strict=True):
                found[window.pair].append(reading)
        top = self.config.spans_per_passage
        readings = iter(
            _tidied(merge_windows(parts, top=top), text)
            for parts, (_, _, text, _) in zip(found, pairs, strict=True)
        )
        return [[next(readings) for _ in texts] for texts in passages]

    def _encode(self, texts: Sequence[str]) -> list[_Passage]:
        """Cut texts into word pieces, without special tokens."""
        # Half a UTF-16 pair is no character and cannot be encoded; its place must be kept.
        clean = [_SURROGATE.sub("\ufffd", text) for text in texts]
        return [
            _passage(text, encoding)
            for text, encoding in zip(
                clean, self._tokenizer.encode_batch(clean, add_special_tokens=False), strict=True
            )
        ]

    def _cut(self, before: int, passage: int) -> Iterator[tuple[int, int]]:
        """Yield the windows over a passage of so many pieces, with so many before it."""
        room = self.config.window - before - _SPECIAL_TOKENS
        start = 0
        while start + room < passage:
            yield start, start + room
            start += room - self.config.overlap
        yield start, passage

    def _read_batch(self, batch: Sequence[_Window]) -> list[Reading]:
        """Run windows through the model."""
        shape = (len(batch), max(map(len, batch)))
        ids = np.zeros(shape, dtype=np.int64)
        attention = np.zeros(shape, dtype=np.int64)
        types = np.zeros(shape, dtype=np.int64)
        context = np.zeros(shape, dtype=np.bool_)
        offsets = np.zeros((*shape, 2), dtype=np.int64)
        for row, window in enumerate(batch):
            title = len(window.question) + 2
            body = title + len(window.title)
            size = len(window)
            ids[row, 0] = self._cls
            ids[row, 1 : title - 1] = window.question
            ids[row, [title - 1, size - 1]] = self._sep
            ids[row, title:body] = window.title
            part = slice(window.start, window.stop)
            ids[row, body : size - 1] = window.passage.ids[part]
            attention[row, :size] = 1
            types[row, title:size] = 1
            types[row, body : size - 1] += window.passage.cases[part]
            context[row, body : size - 1] = window.readable[part]
            offsets[row, body : size - 1] = window.passage.offsets[part]
        np.minimum(types, self._last_type, out=types)
        feeds = {"input_ids": ids, "attention_mask": attention, "token_type_ids": types}
        starts, ends = self._session.run(["start_logits", "end_logits"], feeds)
        return best_spans_batch(
            starts,
            ends,
            offsets,
            context,
            max_answer_tokens=self.config.max_answer,
            top=self.config.spans_per_passage,
        )


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a directory of weights says about itself."""

    file: str
    sha256: str
    tokenizer: str
    tokenizer_sha256: str
    max_length: int
    token_types: int


def _read_manifest(directory: Path) -> _Manifest:
    path = directory / MANIFEST
    try:
        raw = json.loads(path.read_bytes())
        if raw["format"] != FORMAT:
            raise ReaderError(
                f"{path} has format {raw['format']}, and this version reads format {FORMAT}; "
                "install the package again, or export the weights anew."
            )
        return _Manifest(
            file=str(raw["file"]),
            sha256=str(raw["sha256"]),
            tokenizer=str(raw["tokenizer"]),
            tokenizer_sha256=str(raw["tokenizer_sha256"]),
            max_length=int(raw["max_length"]),
            token_types=int(raw.get("token_types", 2)),
        )
    except OSError as exc:
        raise ReaderError(
            f"There are no reader's weights in {directory} ({exc.strerror}: {MANIFEST}); "
            "install the package again."
        ) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise ReaderError(f"{path} is damaged ({exc}); install the package again.") from exc


def _read_checked(directory: Path, name: str, sha256: str) -> bytes:
    """Return the bytes of a file; ``ReaderError`` if they are not those of the manifest."""
    path = directory / name
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ReaderError(
            f"The reader's file {path} cannot be read ({exc.strerror}); install the package again."
        ) from exc
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ReaderError(
            f"The reader's file {path} is damaged: its SHA-256 begins with {found[:12]}, and "
            f"{MANIFEST} says {sha256[:12]}; install the package again."
        )
    return data


def _special_id(tokenizer: Tokenizer, token: str) -> int:
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ReaderError(f"The reader's tokenizer has no {token}; it does not fit the model.")
    return int(number)


def word_cases(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the case of the word of each piece, shape (pieces,): what pieces without capitals lose.

    0: it begins with no capital, 1: with one, 2: it is in capitals, and longer than one character.
    ``offsets``, shape (pieces, 2), are those of the pieces' whole words in ``text``.
    """
    spans, which = np.unique(offsets, axis=0, return_inverse=True)
    words = [text[start:end] for start, end in spans.tolist()]
    cases = [
        int(word[:1].isupper()) + (len(word) > 1 and word[:1].isupper() and word.isupper())
        for word in words
    ]
    return np.array(cases, dtype=np.int64)[which.reshape(-1)]


def _passage(text: str, encoding: Encoding) -> _Passage:
    """Return a text that is cut into pieces."""
    offsets = word_offsets(encoding)
    ids = np.array(encoding.ids, dtype=np.int64)
    return _Passage(ids, offsets, word_cases(text, offsets))


def _readable(passage: _Passage, masked: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which pieces of a passage have no character in ``masked``, shape (pieces,)."""
    starts, ends = passage.offsets.T
    readable = np.ones(len(passage.ids), dtype=np.bool_)
    for start, end in masked:
        readable &= (ends <= start) | (end <= starts)
    return readable


def word_offsets(encoding: Encoding) -> NDArray[np.int64]:
    """Return the offsets of the word that each piece is part of, shape (pieces, 2)."""
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
    words = np.array(encoding.word_ids, dtype=np.int64)
    # The words of a text are numbered in order, so a word's pieces lie between two searches.
    first = np.searchsorted(words, words, side="left")
    last = np.searchsorted(words, words, side="right") - 1
    return np.stack([offsets[first, 0], offsets[last, 1]], axis=1)


def _batches(windows: Sequence[_Window], budget: int) -> Iterator[list[_Window]]:
    """Yield all windows, longest first, in batches of at most ``budget`` tokens with padding."""
    ordered = sorted(windows, key=len, reverse=True)
    start = 0
    while start < len(ordered):
        stop = start + max(1, budget // len(ordered[start]))
        yield ordered[start:stop]
        start = stop


def _tidied(reading: Reading, passage: str) -> Reading:
    """Mend the ends of spans, which stand where words end.

    The tokenizer's normaliser drops combining marks: those of the last letter belong to the answer. It
    also drops, inside a word, what Python counts as white space (U+001C, say): at the ends that does not.
    A figure or an address is not cut, and of two brackets or quotation marks that belong together an answer
    holds both or none.
    """
    pairs = paired_marks(passage)
    figures, addresses = (
        [found.span() for found in pattern.finditer(passage)] for pattern in (_FIGURE, _ADDRESS)
    )
    mended: dict[tuple[int, int], Span] = {}
    for span in reading.spans:
        whole = _whole(_tidy(span, passage), figures, addresses)
        tidy = _balanced(whole, passage, pairs)
        if tidy.start < tidy.end:
            mended.setdefault((tidy.start, tidy.end), tidy)
    return Reading(tuple(mended.values()), reading.null_score)


def _tidy(span: Span, passage: str) -> Span:
    end = span.end
    while end < len(passage) and unicodedata.category(passage[end]).startswith("M"):
        end += 1
    return _trimmed(span.start, end, span.score, passage)


def _whole(
    span: Span, figures: Sequence[tuple[int, int]], addresses: Sequence[tuple[int, int]]
) -> Span:
    """Return ``span`` with the rest of the figures and addresses in which it begins or ends.

    Of an address it may be a part that is not its beginning ("quill.example").
    """
    start, end = span.start, span.end
    for first, last in (*figures, *addresses):
        is_part = first < span.start and span.end <= last and (first, last) not in figures
        if first < span.end and span.start < last and not is_part:
            start, end = min(start, first), max(end, last)
    return Span(start, end, span.score)


def _trimmed(start: int, end: int, score: float, passage: str) -> Span:
    text = passage[start:end]
    start += len(text) - len(text.lstrip())
    return Span(start, start + len(text.strip()), score)


def _balanced(span: Span, passage: str, pairs: Sequence[tuple[int, int]]) -> Span:
    """Return ``span`` with both or none of each of ``pairs``, marks of ``passage`` that belong together.

    A mark at an end is dropped, and a comma before it ("(BRAC" is "BRAC"); to one further inside the other is
    added where at most punctuation lies between ("27 °C (81 °F" is "27 °C (81 °F)"). What that does not mend
    stays as it is. The span may become empty.
    """
    for opening, closing in pairs:
        start, end = span.start, span.end
        if start <= opening < end <= closing:
            if opening == start:
                start += 1
            elif opening == end - 1:
                end -= 1
            elif not passage[end:closing].strip(_AT_CLOSING):
                end = closing + 1
        elif opening < start <= closing < end:
            if closing == start:
                start += 1
            elif closing == end - 1:
                end = start + len(passage[start:closing].rstrip(" ,;"))
            elif opening == start - 1:
                start -= 1
        if (start, end) != (span.start, span.end):
            return _balanced(_trimmed(start, end, span.score, passage), passage, pairs)
    return span
