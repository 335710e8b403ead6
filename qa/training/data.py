"""Rows of question files -> what the reader is trained on: a question and several passages.

A group is a question with its gold passage and hard negatives, or with negatives alone. Passages are
the product's own: chunks of the context, read after their title. Negatives are what BM25 brings from
the other contexts of the same source; a row without answers has none, as another context may answer
it. Everything that is drawn (which rows an epoch has, their order, negatives, titles left out, messy
questions) is a function of seed, epoch and row alone, so that a run can be taken up anywhere.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from index.chunk import ChunkConfig, chunk_document
from index.embed import passage_text
from index.errors import ConfigError, QuestionFileError
from index.lexical import LexicalIndex
from index.types import Chunk, Document, document_id
from qa.evaluate import (
    Contexts,
    RowError,
    UnknownContextError,
    parse_row,
    question_lines,
)
from qa.metrics import normalize_answer
from qa.reader import ReaderConfig, word_cases, word_offsets
from qa.training.messy import messy_question
from qa.types import Example

Pieces = NDArray[np.int32]
"""Ids of word pieces, shape ``(pieces,)``."""

Progress = Callable[[int], None]
"""Called with the number of things just done."""

CANDIDATES = 24
"""Negatives that are kept for a row to draw from, of the same article and of all, each."""

_MOST_NEGATIVES = 1000
"""Of these a question asks at most; more than twice ``CANDIDATES`` no row has."""

_LOOK_AT = 60
"""Passages, best first, that are looked at to find them."""

_SAME_TEXT = 0.8
"""A passage that shares this part of its distinct words with the gold one is the same text in another
version (nqconf replaces names in it): it may hold the answer in words that are not among the accepted."""

_ONE_ARTICLE = 100
"""Contexts that a title may have and still be an article's; what more have is the collection's name."""

_READER = ReaderConfig()
_SPECIAL_TOKENS = 3
_ROOM = _READER.window - _READER.max_question - _READER.max_title - _SPECIAL_TOKENS

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\w+:\d+")
_SUFFIX = re.compile(r"\.[a-z]{2,5}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DataConfig:
    """What the reader is shown.

    ``weights``: how often a source's rows come in an epoch (1: once; 0.3: three rows in ten, drawn anew
    every epoch). ``negatives``: hard negatives a question, on average. ``near``: the share of them that is
    of the same article, where it has one. ``unanswerable``: the share of questions whose gold passage
    is taken away. ``headed``: the share of contexts that begin with their title, as articles do, where it is one
    of words and of theirs alone. ``untitled``: the share read without titles. ``messy``: the share of messy questions.
    ``joined``: sources whose contexts are single sentences, to be joined with others of the file.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    negatives: float = 0.6
    near: float = 0.5
    unanswerable: float = 0.1
    headed: float = 0.0
    untitled: float = 0.2
    messy: float = 0.15
    joined: tuple[str, ...] = ("qamr",)
    pieces: int = 160

    def __post_init__(self) -> None:
        shares = (self.near, self.unanswerable, self.headed, self.untitled, self.messy)
        if not all(0 <= share <= 1 for share in shares):
            raise ConfigError(
                "near, unanswerable, headed, untitled and messy are shares: give 0 to 1."
            )
        if not all(0 <= one < math.inf for one in (self.negatives, *self.weights.values())):
            raise ConfigError("The number of negatives and the weights are numbers, not below 0.")
        if self.negatives > _MOST_NEGATIVES:
            raise ConfigError(
                f"negatives is {self.negatives:g}; no question has more than {2 * CANDIDATES} to draw from: "
                f"give {_MOST_NEGATIVES:,} at most."
            )
        if not 16 <= self.pieces <= _ROOM:
            raise ConfigError(
                f"Passages of {self.pieces} pieces cannot be read; give 16 to {_ROOM}."
            )


@dataclass(frozen=True, slots=True)
class Target:
    """Where the accepted answers stand in a passage: pieces they start with and end with."""

    passage: int
    starts: tuple[int, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A question and its passages, to be read under one normalisation.

    ``passages`` are triples: the title's pieces, the passage's, and the cases of the passage's
    (`qa.reader.word_cases`); ``target.passage`` counts them. No target: none of them holds an answer.
    """

    question: Pieces
    passages: tuple[tuple[Pieces, Pieces, Pieces], ...]
    target: Target | None


@dataclass(frozen=True, slots=True)
class _Passage:
    """A chunk. ``firsts`` and ``lasts`` are, for each piece, the first and last piece of its word."""

    context: int
    title: Pieces
    pieces: Pieces
    cases: Pieces
    chunk: Chunk
    offsets: NDArray[np.int64]
    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Row:
    """A question: gold passages (or, without answers, those of its context) and its negatives."""

    id: str
    source: str
    question: str
    targets: tuple[Target, ...]
    own: tuple[int, ...]
    near: tuple[int, ...]
    far: tuple[int, ...]


class Rejected:
    """Rows that are not trained on: their names, by reason, in the order they were met."""

    def __init__(self) -> None:
        self.reasons: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, name: str) -> None:
        """Note that the row ``name`` was left out for ``reason``."""
        self.reasons[reason].append(name)

    def counts(self) -> dict[str, int]:
        """Return how many rows were left out for each reason."""
        return {reason: len(names) for reason, names in sorted(self.reasons.items())}


def load_rows(files: Sequence[Path], rejected: Rejected) -> list[Example]:
    """Read question files, gzipped or not; rows that cannot be trained on go to ``rejected``.

    Of several answers, those whose offset does not match are dropped; a row that loses all is
    rejected. A row may name the context of one before it (`qa.evaluate`), in the same or an earlier file, so that
    questions can be passed on without the texts they are about. Raises
    `QuestionFileError` when a file cannot be read or no row of it can be used.
    """
    rows: list[Example] = []
    seen: set[str] = set()
    contexts: Contexts = {}
    for file in files:
        before, earlier = len(rows), Counter(rejected.counts())
        for number, line in question_lines(file):
            name = f"{file.name}, line {number}"
            row = _example(line, contexts)
            if isinstance(row, str):
                rejected.add(row, name)
            elif row.id in seen:
                rejected.add("its id was there before", f"{name} ({row.id})")
            else:
                seen.add(row.id)
                rows.append(row)
        if len(rows) == before:
            new = Counter(rejected.counts()) - earlier
            why = "; ".join(f"{count:,} rows: {reason}" for reason, count in new.items())
            raise QuestionFileError(
                f"{file} holds no row that can be used ({why or 'it is empty'}); `footnote eval --help` "
                "shows the form."
            )
    return rows


def _example(line: bytes, contexts: Contexts) -> Example | str:
    """Return the example of a row to learn from, or the reason why nothing can be learnt from it.

    Its context goes to ``contexts`` all the same.
    """
    no_row = "it is not a row of a question file"
    try:
        row = parse_row(line, contexts)
    except UnknownContextError:
        return "its context is in none of the rows before it"
    except RowError:
        return no_row
    context, texts = row["context"], row["answers"]["text"]
    starts = row["answers"].get("answer_start", []) if texts else []
    if not isinstance(starts, list):
        return no_row
    if not row["question"].strip():
        return "its question is empty"
    if not context.strip():
        return "its context is empty"
    if texts and "answer_start" not in row["answers"]:
        return "its answers have no answer_start, without which nothing can be learnt from them"
    if len(texts) != len(starts):
        return "answers and offsets differ in number"
    good = [
        (text, start)
        for text, start in zip(texts, starts, strict=True)
        if type(start) is int
        and start >= 0
        and text.strip()
        and context[start : start + len(text)] == text
    ]
    if texts and not good:
        return "no offset of its answers matches"
    return Example(
        id=row["id"],
        question=row["question"],
        context=context,
        answers=tuple(text for text, _ in good),
        answer_starts=tuple(start for _, start in good),
        source=row["source"],
        title=row["title"],
    )


def readable_title(title: str) -> str:
    """Return a row's title as a document would have it; empty if it says nothing.

    A wiki's underscores become spaces; of a URL the words of its last part stay. An identifier
    (``wikipedia:16016``) is no title.
    """
    if _URL.match(title):
        try:
            path = urlsplit(title).path
        except ValueError:  # such as "http://[draft"
            return ""
        parts = [unquote(part) for part in path.split("/") if part]
        words = re.split(r"[-_+\s]+", _SUFFIX.sub("", parts[-1])) if parts else []
        title = " ".join(word for word in words if word)
        title = title[:1].upper() + title[1:]
    else:
        title = "" if _IDENTIFIER.fullmatch(title) else title.replace("_", " ").strip()
    return title if any(character.isalpha() for character in title) else ""


def _check_sources(rows: Sequence[Example], config: DataConfig) -> None:
    there = sorted({row.source for row in rows})
    known = ", ".join(source or "(no source)" for source in there)
    if rows and (unknown := sorted(set(config.weights) - set(there))):
        raise ConfigError(
            f"There are weights for {', '.join(unknown)}, but the rows are of {known}; "
            "name sources that are there."
        )
    unknown = sorted(set(config.joined) - set(there))
    if unknown and config.joined != DataConfig().joined:
        raise ConfigError(
            f"No rows are of {', '.join(unknown)}, whose sentences were to be joined, but of {known}."
        )


def join_sentences(rows: Sequence[Example], sources: Sequence[str], seed: int) -> list[Example]:
    """Return the rows with each context of ``sources`` amid one to three others of its source.

    Others of the same article come first; the offsets of answers move along. Questions on one context
    keep one context.
    """
    contexts: dict[str, dict[str, str]] = {source: {} for source in sources}
    for row in rows:
        if row.source in contexts:
            contexts[row.source].setdefault(row.context, row.title)
    joined: dict[tuple[str, str], tuple[str, int]] = {}
    for source, titles in contexts.items():
        every = list(titles)
        articles = defaultdict(list)
        for context, title in titles.items():
            articles[title].append(context)
        for number, (context, title) in enumerate(titles.items()):
            rng = np.random.default_rng([seed, 1, number])
            siblings = [other for other in articles[title] if other != context]
            strangers = [every[int(at)] for at in rng.integers(len(every), size=6)]
            order = [siblings[int(at)] for at in rng.permutation(len(siblings))]
            pool = dict.fromkeys(other for other in (*order, *strangers) if other != context)
            parts = list(pool)[: int(rng.integers(1, 4))]
            at = int(rng.integers(len(parts) + 1))
            before = "".join(f"{part} " for part in parts[:at])
            after = "".join(f" {part}" for part in parts[at:])
            joined[source, context] = before + context + after, len(before)
    moved: list[Example] = []
    for row in rows:
        context, shift = joined.get((row.source, row.context), (row.context, 0))
        starts = tuple(start + shift for start in row.answer_starts)
        moved.append(
            Example(row.id, row.question, context, row.answers, starts, row.source, row.title)
        )
    return moved


def put_titles(rows: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Return the rows with a share of the contexts, those that have a title, below it, as articles begin.

    The offsets of answers move along; questions on one context keep one context. Addresses are no titles
    that stand above a text, nor is what more than ``_ONE_ARTICLE`` contexts of a source have in common.
    """
    shared = Counter(
        (source, title) for source, title, _ in {(r.source, r.title, r.context) for r in rows}
    )
    found: list[Example] = []
    for row in rows:
        title = "" if _URL.match(row.title) else readable_title(row.title)
        draw = hashlib.sha256(f"{seed} {row.source} {row.context}".encode()).digest()
        if (
            not title
            or shared[row.source, row.title] > _ONE_ARTICLE
            or row.context.startswith(title)
            or int.from_bytes(draw[:4], "big") >= share * 2**32
        ):
            found.append(row)
            continue
        context = f"{title}\n\n{row.context}"
        shift = len(context) - len(row.context)
        starts = tuple(start + shift for start in row.answer_starts)
        found.append(
            Example(row.id, row.question, context, row.answers, starts, row.source, row.title)
        )
    return found


class TrainingData:
    """Rows with their passages and negatives; ``len()`` is the number of rows.

    ``rejected`` names the rows left out; ``counts`` says how many rows each source has, and how
    many passages there are.
    """

    def __init__(
        self,
        rows: Sequence[_Row],
        passages: Sequence[_Passage],
        tokenizer: Tokenizer,
        config: DataConfig,
        seed: int,
        rejected: Rejected,
    ) -> None:
        self.config = config
        self.rejected = rejected
        self._rows = rows
        self._passages = passages
        self._tokenizer = tokenizer
        self._seed = seed
        self._sources: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            self._sources[row.source].append(number)
        if not self.epoch_size:
            raise ConfigError("No row is left to train on; give more rows or larger weights.")

    @classmethod
    def build(
        cls,
        examples: Sequence[Example],
        tokenizer: Tokenizer,
        config: DataConfig = DataConfig(),
        seed: int = 0,
        rejected: Rejected | None = None,
        progress: Progress | None = None,
    ) -> TrainingData:
        """Cut the contexts into passages, find gold and negatives.

        ``tokenizer`` is the reader's, without truncation; ``progress`` counts the examples once.
        """
        rejected = Rejected() if rejected is None else rejected
        _check_sources(examples, config)
        examples = join_sentences(examples, config.joined, seed)
        examples = put_titles(examples, config.headed, seed)
        passages, places = _cut(examples, tokenizer, config)
        by_source: dict[str, list[Example]] = defaultdict(list)
        for example in examples:
            by_source[example.source].append(example)
        rows: list[_Row] = []
        for own in by_source.values():
            pool = _Pool(own, passages, places)
            for example in own:
                row = pool.row(example)
                if row is None:
                    rejected.add("no passage holds the whole answer", f"row {example.id}")
                else:
                    rows.append(row)
                if progress is not None:
                    progress(1)
        return cls(rows, passages, tokenizer, config, seed, rejected)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def epoch_size(self) -> int:
        """The number of rows in an epoch, every epoch the same."""
        return sum(self._drawn(source) for source in self._sources)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each source has, and ``passages``."""
        sizes = {source or "(no source)": len(rows) for source, rows in self._sources.items()}
        return {**sizes, "passages": len(self._passages)}

    def _drawn(self, source: str) -> int:
        return round(len(self._sources[source]) * self.config.weights.get(source, 1.0))

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Return the rows of an epoch in their order, shape ``(epoch_size,)``."""
        rng = np.random.default_rng([self._seed, 2, number])
        chosen: list[NDArray[np.int64]] = []
        for source, rows in self._sources.items():
            whole, rest = divmod(self._drawn(source), len(rows))
            numbers = np.array(rows, dtype=np.int64)
            chosen += [numbers] * whole + [rng.choice(numbers, size=rest, replace=False)]
        return rng.permutation(np.concatenate(chosen))

    def group(self, epoch: int, place: int, row: int) -> Group:
        """Return the group of a row, at ``place`` in ``epoch``."""
        rng = np.random.default_rng([self._seed, 3, epoch, place])
        one = self._rows[row]
        question = one.question
        if rng.random() < self.config.messy:
            question = messy_question(question, rng)
        number = int(self.config.negatives) + (rng.random() < self.config.negatives % 1)
        target = one.targets[int(rng.integers(len(one.targets)))] if one.targets else None
        if target is not None and rng.random() < self.config.unanswerable and (one.near or one.far):
            target, number = None, max(1, number)
        if target is not None:
            kept = [target.passage]
        elif not one.targets and one.own:
            kept = [one.own[int(rng.integers(len(one.own)))]]
        else:
            kept = []
        kept += self._negatives(one, number, rng)
        order = [kept[int(at)] for at in rng.permutation(len(kept))]
        untitled = rng.random() < self.config.untitled
        nothing = np.zeros(0, dtype=np.int32)
        passages = [self._passages[at] for at in order]
        return Group(
            encode(self._tokenizer, question)[: _READER.max_question],
            tuple((nothing if untitled else one.title, one.pieces, one.cases) for one in passages),
            None
            if target is None
            else Target(order.index(target.passage), target.starts, target.ends),
        )

    def _negatives(self, row: _Row, number: int, rng: np.random.Generator) -> list[int]:
        found: list[int] = []
        for _ in range(number):
            near = rng.random() < self.config.near
            for pool in (row.near, row.far) if near else (row.far, row.near):
                left = [at for at in pool if at not in found]
                if left:
                    # Mostly the hardest: the place in the list is the lesser of two draws.
                    found.append(left[int(rng.integers(len(left), size=2).min())])
                    break
        return found


def encode(tokenizer: Tokenizer, text: str) -> Pieces:
    """Return the ids of a text's pieces, without special tokens."""
    return np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int32)


def _cut(
    examples: Sequence[Example], tokenizer: Tokenizer, config: DataConfig
) -> tuple[list[_Passage], dict[tuple[str, str], list[int]]]:
    """Return all passages, and for a source and context the numbers of its own."""

    def count(texts: Sequence[str]) -> list[int]:
        found = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in found]

    passages: list[_Passage] = []
    places: dict[tuple[str, str], list[int]] = {}
    titles: dict[str, Pieces] = {}
    chunking = ChunkConfig(max_pieces=config.pieces)
    for example in examples:
        key = (example.source, example.context)
        if key in places:
            continue
        title = readable_title(example.title)
        if title not in titles:
            titles[title] = encode(tokenizer, title)[: _READER.max_title]
        source = f"{example.source}/{len(places)}"
        document = Document(document_id(source), title, example.context, source)
        chunks = chunk_document(document, chunking, count)
        encodings = tokenizer.encode_batch([c.text for c in chunks], add_special_tokens=False)
        first = len(passages)
        passages += [
            _passage(len(places), titles[title], chunk, encoding)
            for chunk, encoding in zip(chunks, encodings, strict=True)
        ]
        places[key] = list(range(first, len(passages)))
    return passages, places


def _passage(context: int, title: Pieces, chunk: Chunk, encoding: Encoding) -> _Passage:
    words = np.array(encoding.word_ids[:_ROOM], dtype=np.int64)
    return _Passage(
        context,
        title,
        np.array(encoding.ids[:_ROOM], dtype=np.int32),
        word_cases(chunk.text, word_offsets(encoding))[:_ROOM].astype(np.int32),
        chunk,
        np.array(encoding.offsets[:_ROOM], dtype=np.int64).reshape(-1, 2),
        np.searchsorted(words, words, side="left"),
        np.searchsorted(words, words, side="right") - 1,
    )


def _target(number: int, passage: _Passage, example: Example) -> Target | None:
    """Return where the passage holds whole answers, if it does.

    Targets are whole words, as the reader answers in whole words.
    """
    chunk, offsets = passage.chunk, passage.offsets
    starts: set[int] = set()
    ends: set[int] = set()
    for text, start in zip(example.answers, example.answer_starts, strict=True):
        opened, closed = start - chunk.start, start + len(text) - chunk.start
        inside = np.flatnonzero((offsets[:, 1] > opened) & (offsets[:, 0] < closed))
        whole = opened >= 0 and closed <= len(chunk.text)
        # Beyond the last piece that fits the reader's window, nothing can be pointed at.
        cut = len(offsets) == _ROOM and closed > offsets[-1, 1]
        if whole and inside.size and not cut:
            starts.add(int(passage.firsts[inside[0]]))
            ends.add(int(passage.lasts[inside[-1]]))
    return Target(number, tuple(sorted(starts)), tuple(sorted(ends))) if starts else None


class _Pool:
    """The passages of one source, to find a row's negatives in."""

    def __init__(
        self,
        examples: Sequence[Example],
        passages: Sequence[_Passage],
        places: Mapping[tuple[str, str], list[int]],
    ) -> None:
        self._passages = passages
        self._places = places
        contexts = dict.fromkeys((example.source, example.context) for example in examples)
        self._numbers = [number for key in contexts for number in places[key]]
        titles = {(e.source, e.context): e.title for e in examples}
        texts = [passages[number].chunk.text for number in self._numbers]
        named = [titles[key] for key in contexts for _ in places[key]]
        self._lexical = LexicalIndex.build(
            [passage_text(readable_title(t), x) for t, x in zip(named, texts, strict=True)]
        )
        articles: dict[str, list[int]] = defaultdict(list)
        for at, title in enumerate(named):
            articles[title].append(at)
        self._named = named
        self._articles = {title: np.array(rows) for title, rows in articles.items() if title}
        self._normal = [f" {normalize_answer(text)} " for text in texts]
        self._words = [frozenset(text.split()) for text in self._normal]
        self._index = {number: at for at, number in enumerate(self._numbers)}
        asked: dict[str, set[int]] = defaultdict(set)
        for example in examples:
            own = places[example.source, example.context]
            asked[normalize_answer(example.question)].update(passages[at].context for at in own)
        self._asked = asked

    def row(self, example: Example) -> _Row | None:
        """Return the row of an example, or ``None`` if it has answers and no passage holds one."""
        own = self._places[example.source, example.context]
        found = [_target(number, self._passages[number], example) for number in own]
        targets = tuple(target for target in found if target is not None)
        if not own or (example.answers and not targets):
            return None
        # Without answers, nothing says that another context does not hold one.
        near, far = self._search(example, own) if example.answers else ((), ())
        return _Row(example.id, example.source, example.question, targets, tuple(own), near, far)

    def _search(
        self, example: Example, own: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the best negatives of the same article, and of all."""
        scores = self._lexical.scores(example.question)
        accepted = [normalize_answer(text) for text in example.answers]
        held = [f" {text} " for text in accepted if text]
        here = [self._index[number] for number in own]
        around = frozenset().union(*(self._words[at] for at in here))
        barred = self._asked[normalize_answer(example.question)]

        def best(rows: NDArray[np.int64]) -> tuple[int, ...]:
            ranked = rows[np.argsort(-scores[rows], kind="stable")[:_LOOK_AT]]
            kept = [
                self._numbers[int(at)]
                for at in ranked
                if scores[at] > 0
                and self._passages[self._numbers[int(at)]].context not in barred
                and not any(answer in self._normal[int(at)] for answer in held)
                and len(self._words[int(at)] & around) < _SAME_TEXT * len(self._words[int(at)])
            ]
            return tuple(kept[:CANDIDATES])

        everything = np.flatnonzero(scores > 0)
        if len(everything) > _LOOK_AT:
            cut = len(everything) - _LOOK_AT
            everything = np.sort(everything[np.argpartition(scores[everything], cut)[cut:]])
        article = self._articles.get(self._named[here[0]], np.zeros(0, dtype=np.int64))
        far = best(everything)
        return (far if len(article) == len(scores) else best(article)), far


@dataclass(frozen=True, slots=True)
class Batch:
    """Groups laid out for a model, their passages sorted by length into parts of similar length.

    ``parts`` are the model's inputs, each of shape (rows, tokens): ids, attention, token types, and
    which tokens belong to the passage. ``order[g, p]`` is the row, counted through all parts, of passage
    ``p`` of group ``g``, shape (groups, most passages); -1 where the group has no such passage. ``starts`` and ``ends`` mark the targets, shape (groups, 1 + most passages * width),
    the null first; ``width`` is the number of tokens of the longest row.
    """

    parts: tuple[
        tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]], ...
    ]
    order: NDArray[np.int64]
    starts: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    width: int
    tokens: int


def collate(groups: Sequence[Group], cls: int, sep: int, budget: int) -> Batch:
    """Lay groups out as ``[CLS] question [SEP] title passage [SEP]``, as qa.reader does.

    ``budget`` is the number of tokens, with padding, of a part.
    """
    rows = [
        (len(g.question) + len(title) + len(body) + _SPECIAL_TOKENS, number, place)
        for number, g in enumerate(groups)
        for place, (title, body, _) in enumerate(g.passages)
    ]
    rows.sort(key=lambda row: -row[0])
    width, most = rows[0][0], max(len(g.passages) for g in groups)
    order = np.full((len(groups), most), -1, dtype=np.int64)
    starts = np.zeros((len(groups), 1 + most * width), dtype=np.bool_)
    ends = np.zeros_like(starts)
    parts = []
    at = 0
    while at < len(rows):
        longest = rows[at][0]
        taken = rows[at : at + max(1, budget // longest)]
        shape = (len(taken), longest)
        ids, attention, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        context = np.zeros(shape, dtype=np.bool_)
        for line, (size, number, place) in enumerate(taken):
            group = groups[number]
            title, body, cases = group.passages[place]
            second = len(group.question) + 2
            first = second + len(title)
            ids[line, 0] = cls
            ids[line, 1 : second - 1] = group.question
            ids[line, [second - 1, size - 1]] = sep
            ids[line, second:first] = title
            ids[line, first : size - 1] = body
            attention[line, :size] = 1
            types[line, second:size] = 1
            types[line, first : size - 1] += cases
            context[line, first : size - 1] = True
            order[number, place] = at + line
            if group.target is not None and group.target.passage == place:
                shift = 1 + place * width + first
                starts[number, shift + np.array(group.target.starts)] = True
                ends[number, shift + np.array(group.target.ends)] = True
        parts.append((ids, attention, types, context))
        at += len(taken)
    for number, group in enumerate(groups):
        if group.target is None:
            starts[number, 0] = ends[number, 0] = True
    return Batch(tuple(parts), order, starts, ends, width, sum(size for size, _, _ in rows))
