"""A question file -> a Report, for the reader, the retriever or the whole product. Prints nothing.

Question files are JSON lines, plain or gzipped, in the form of SQuAD flattened: ``{id, question, context,
answers: {text: [...], answer_start: [...]}, source, title}``; ``source``, ``title`` and ``answer_start``
may be missing, and an empty ``answers.text`` says that the context holds no answer. A row may name its context by
``context_sha256``, the SHA-256 of its UTF-8, in the place of ``context`` and ``title``, which are then those of a row
before it; its answers are ``spans``, pairs of offsets, in the place of ``answers``.

What is measured comes as arguments (a reader, a function that builds a searcher or a QA over documents),
so this module loads no model and opens no index.

Metrics: rates are in percent (``em``, ``f1``, ``sentence``, ``recall@k``, ``coverage``, ``precision``,
``refused``, ``coverage@80``), the rest is not (``mrr``, ``ece``, ``auroc``, ``aurc`` and ``threshold`` in [0, 1],
``latency_ms`` in milliseconds, ``n_answerable`` a count). A metric without a row to measure is left out.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import time
import zlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from statistics import fmean, median
from typing import Any, Protocol

from index.chunk import sentence_spans
from index.errors import ConfigError, QuestionFileError
from index.types import Document, Hit, document_id
from qa.candidates import best_wording
from qa.metrics import (
    auroc,
    bootstrap_interval,
    coverage_at_precision,
    exact_match,
    expected_calibration_error,
    f1,
    mean_reciprocal_rank,
    paired_bootstrap,
    recall_at_k,
    risk_coverage,
)
from qa.types import Answer, Difference, Example, Prediction, Reading, Report, Span

RIGHT_F1 = 0.5
"""An answer counts as right from this F1 with an accepted answer on."""

RECALL_DEPTHS = (1, 5, 20)

SEARCH_DEPTH = 100
"""Chunks asked for a question: enough that 20 distinct contexts are among them."""

TARGET_PRECISION = 0.8
"""The precision at which ``coverage@80`` is taken."""

_CHOSEN = frozenset({"precision"})
"""Metrics over rows that a run chose itself."""

_SEARCH_BATCH = 32
_BOOTSTRAP_SEED = 0
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b"

Progress = Callable[[int], None]
"""Called with the number of questions just done."""

Contexts = dict[str, tuple[str, str]]
"""Contexts that rows have brought, and their titles, by `context_sha256`."""


class ReaderLike(Protocol):
    """What ``evaluate_reading`` needs of a reader."""

    def read(
        self, questions: Sequence[str], passages: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[Reading]]:
        """Return a Reading for each passage of each question."""
        ...


class SearcherLike(Protocol):
    """What ``evaluate_retrieval`` needs of a retriever."""

    def search(self, questions: Sequence[str], k: int = 20) -> Sequence[Sequence[Hit]]:
        """Return at most ``k`` hits a question, best first."""
        ...


class QALike(SearcherLike, Protocol):
    """What ``evaluate_answers`` needs of the product."""

    @property
    def threshold(self) -> float:
        """The confidence below which it refuses unless told otherwise."""
        ...

    def ask_batch(
        self, questions: Sequence[str], *, threshold: float | None = None, top: int = 5
    ) -> Sequence[Answer]:
        """Return an Answer a question."""
        ...


def load_examples(
    *paths: str | Path, limit: int | None = None, seed: int = 0, passages: bool = True
) -> list[Example]:
    """Read question files, gzipped or not, and return their rows, or ``limit`` of them (``sample``).

    Without ``passages``, for questions to an index that is there, contexts may be missing.
    Raises QuestionFileError, naming the file and the line, for the first row that cannot be used.
    """
    examples: list[Example] = []
    seen: dict[str, str] = {}
    contexts: Contexts = {}
    for file in map(Path, paths):
        before = len(examples)
        for number, line in question_lines(file):
            where = f"{file}, line {number}"
            try:
                example = _example(parse_row(line, contexts, passages=passages), passages)
            except RowError as exc:
                raise QuestionFileError(f"{where} {exc}") from exc
            if example.id in seen:
                first = seen[example.id].removeprefix(f"{file}, ")
                raise QuestionFileError(
                    f"{where} has the id {example.id!r} of {first}; give each question its own."
                )
            seen[example.id] = where
            examples.append(example)
        if len(examples) == before:
            raise QuestionFileError(f"{file} holds no question; it needs one JSON object a line.")
    return examples if limit is None else sample(examples, limit, seed)


def sample(examples: Sequence[Example], limit: int, seed: int = 0) -> list[Example]:
    """Return ``limit`` of the examples (all, if there are fewer), drawn by ``seed``, in file order.

    Drawn by a hash of seed and id, so the same on every machine, and a smaller sample is part of a
    larger one. Raises ConfigError if ``limit`` is below 1.
    """
    if limit < 1:
        raise ConfigError(f"The limit is {limit}; give at least 1 question.")
    draw = [hashlib.sha256(f"{seed}:{example.id}".encode()).digest() for example in examples]
    kept = sorted(range(len(examples)), key=lambda at: draw[at])[:limit]
    return [examples[at] for at in sorted(kept)]


def question_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a question file that are not blank, numbered from 1; gzipped or not.

    Raises QuestionFileError if there is no such file or it cannot be read to its end.
    """
    try:
        with file.open("rb") as raw:  # once: a pipe cannot be opened again
            zipped = raw.peek(len(_GZIP_MAGIC)).startswith(_GZIP_MAGIC)
            with gzip.open(raw) if zipped else raw as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        yield number, line
    except FileNotFoundError as exc:
        raise QuestionFileError(f"There is no question file at {file}; check the path.") from exc
    except (OSError, EOFError, zlib.error) as exc:
        raise QuestionFileError(
            f"{file} could not be read ({exc}); check that it is a whole .jsonl or .jsonl.gz file."
        ) from exc


def context_sha256(context: str) -> str:
    """Return the SHA-256 of a context's UTF-8, by which a row may name it."""
    return hashlib.sha256(context.encode()).hexdigest()


class RowError(ValueError):
    """A line is no row of a question file; it reads on from the line's name: "... is not JSON"."""


class UnknownContextError(RowError):
    """A row names a context that none of the rows before it has."""


def parse_row(line: bytes, contexts: Contexts, *, passages: bool = True) -> dict[str, Any]:
    """Return a row of a question file with its context, and add that to ``contexts``.

    Its ``id``, ``question``, ``context``, ``source`` and ``title`` are strings, ``answers["text"]`` is a
    list of them; ``answers["answer_start"]`` is as it stands, if it is there. Whether the answers are in
    the context is for the caller to see: an answer whose span is none of the context is empty. Without
    ``passages`` the context may be missing. Raises `RowError`, `UnknownContextError` where it names one
    that ``contexts`` does not have.
    """
    try:
        raw = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise RowError(f"is not JSON in UTF-8 ({exc}); write one JSON object a line.") from exc
    if not isinstance(raw, dict):
        raise RowError("is not a JSON object; write one JSON object a line.")
    row: dict[str, Any] = _with_context(raw, contexts) if "context_sha256" in raw else raw
    answers = row.get("answers")
    if not isinstance(answers, dict) or not isinstance(answers.get("text"), list):
        raise RowError('has no list "answers.text"; give the accepted answers, or [] for none.')
    for text in answers["text"]:
        _string({"answers.text": text}, "answers.text")
    defaults = {"context": None if passages else "", "source": "", "title": ""}
    for name in ("context", "id", "question", "source", "title"):
        row[name] = _string(row, name, defaults.get(name))
    contexts.setdefault(context_sha256(row["context"]), (row["context"], row["title"]))
    return row


def _with_context(row: Mapping[str, Any], contexts: Contexts) -> dict[str, Any]:
    """Return a row that names its context, with it, its title and its answers."""
    known = contexts.get(_string(row, "context_sha256"))
    if known is None:
        raise UnknownContextError(
            "names a context, by its SHA-256, that no row before it has; give the texts in "
            "an earlier row, or leave this one out."
        )
    context, title = known
    try:
        spans = [(start, end) for start, end in row["spans"]]
        texts = [context[a:b] if 0 <= a < b <= len(context) else "" for a, b in spans]
    except (KeyError, TypeError, ValueError) as exc:
        raise RowError(
            'has no "spans" of its context; give pairs of offsets, or [] for no answer.'
        ) from exc
    answers = {"text": texts, "answer_start": [start for start, _ in spans]}
    return {**row, "context": context, "title": title, "answers": answers}


def _string(row: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = row.get(name, default)
    if not isinstance(value, str):
        raise RowError(f'has no text as "{name}"; give a string.')
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise RowError(
            f'has half a character (a lone surrogate) in "{name}"; write the file again in UTF-8.'
        ) from exc
    return value


def _example(row: Mapping[str, Any], passages: bool) -> Example:
    """Return the example of a row to be asked; `RowError` if anything is wrong with its answers."""
    texts, starts = row["answers"]["text"], row["answers"].get("answer_start", [])
    if not all(text.strip() for text in texts):
        raise RowError("has an empty answer; give [] where there is no answer.")
    if not isinstance(starts, list) or any(type(start) is not int for start in starts):
        raise RowError('has an "answers.answer_start" that is no list of integers.')
    if starts and len(starts) != len(texts):
        raise RowError(
            f"has {len(texts)} answers but {len(starts)} answer starts; give one for each."
        )
    if passages and texts and not row["context"].strip():
        raise RowError("has answers but an empty context; give the passage.")
    return Example(
        id=row["id"],
        question=row["question"],
        context=row["context"],
        answers=tuple(texts),
        answer_starts=tuple(starts),
        source=row["source"],
        title=row["title"],
    )


def corpus(examples: Sequence[Example]) -> list[Document]:
    """Return the contexts of the examples as documents, each distinct one once, in file order.

    The title is the row's, with a wiki's underscores as spaces; a URL makes no title. A row without
    a context (a question that nothing in the file answers) adds none.
    """
    documents: dict[str, Document] = {}
    for example in examples:
        if example.context.strip() and example.context not in documents:
            source = f"{example.source or 'context'}/{len(documents) + 1}"
            title = "" if _URL.match(example.title) else example.title.replace("_", " ")
            documents[example.context] = Document(
                id=document_id(source), title=title, text=example.context, source=source
            )
    return list(documents.values())


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one example.

    ``seconds`` is what the measured call took; ``sentence`` tells whether the answer stands in the right
    one, where that was looked at.
    """

    example: Example
    text: str | None = None
    confidence: float = 0.0
    rank: int | None = None
    seconds: float = 0.0
    sentence: bool | None = None


@dataclass(frozen=True, slots=True)
class _Scores:
    """``rows``: name -> one value a row, whose mean is the metric; ``totals``: metrics as they are.

    A row that does not count for a metric has ``None`` there.
    """

    rows: Mapping[str, Sequence[float | None]]
    totals: Mapping[str, float]


def evaluate_reading(
    examples: Sequence[Example], reader: ReaderLike, progress: Progress | None = None
) -> Report:
    """Measure the reader on its own: each question is read in its gold passage, one call a question.

    The answer is worded as the product words it (`qa.candidates.best_wording`). For a row without
    accepted answers "none" is open to it too, and it is its choice where the null score is above the best
    span's. ``em`` and ``f1`` are over all rows (SQuAD 2.0), ``sentence`` is the share of the rows with
    answers whose answer begins in a sentence in which an accepted one does, ``refused`` is the share of
    the rows without answers where it found none. A prediction's confidence is the logistic of best span
    over null score: uncalibrated.
    """
    outcomes = []
    for example in examples:
        started = time.perf_counter()
        [[reading]] = reader.read([example.question], [[example.context]])
        seconds = time.perf_counter() - started
        text, confidence, right = None, 0.0, False
        if reading.spans:
            margin = reading.spans[0].score - reading.null_score
            confidence = (1 + math.tanh(margin / 2)) / 2  # the logistic, without its overflow
            if example.answers or margin >= 0:
                span = _worded(example.context, reading.spans)
                text = example.context[span.start : span.end]
                right = _in_right_sentence(example, span)
        outcomes.append(
            _Outcome(
                example,
                text,
                confidence,
                seconds=seconds,
                sentence=right if example.answers else None,
            )
        )
        _tell(progress, 1)
    return _report("reading", outcomes, _score_reading)


def _worded(context: str, spans: Sequence[Span]) -> Span:
    """Return the span of a reading that is best worded."""
    weights = [math.exp(span.score - spans[0].score) for span in spans]
    return spans[best_wording([context[span.start : span.end] for span in spans], weights)]


def _in_right_sentence(example: Example, span: Span) -> bool:
    """Tell whether the span begins in a sentence in which an accepted answer begins.

    Where no offsets are given, that is every place where an answer stands in whole words.
    """
    starts = example.answer_starts or [
        found.start()
        for text in example.answers
        for found in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", example.context)
    ]
    return any(
        start <= span.start < end and any(start <= answer < end for answer in starts)
        for start, end in sentence_spans(example.context)
    )


def evaluate_retrieval(
    examples: Sequence[Example],
    make_searcher: Callable[[Sequence[Document]], SearcherLike],
    *,
    documents: Sequence[Document] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure how well the gold passages are found among ``documents``.

    ``documents`` are by default ``corpus(examples)``; give the corpus of a whole file when
    ``examples`` are a sample of it. A context may be cut into several chunks: its rank is its place
    among the distinct contexts in the order of their first hit, within the first ``SEARCH_DEPTH``
    chunks. Rows without answers are searched but not measured: their context is no right passage.
    """
    found = corpus(examples) if documents is None else documents
    ranks = _gold_ranks(examples, make_searcher(found), found, progress)
    outcomes = [_Outcome(example, rank=rank) for example, rank in zip(examples, ranks, strict=True)]
    return _report("retrieval", outcomes, _score_retrieval)


def evaluate_answers(
    examples: Sequence[Example],
    make_qa: Callable[[Sequence[Document]], QALike],
    *,
    documents: Sequence[Document] | None = None,
    threshold: float | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure the whole product over ``documents`` (by default ``corpus(examples)``).

    Every question is asked once, alone, with threshold 0; what the product would have refused at
    ``threshold`` (default: its own) follows from the confidence. Over rows with answers: ``em`` and
    ``f1`` of the first answer with nothing refused (as other systems report them),
    ``em_at_threshold`` and ``f1_at_threshold`` with a refusal as 0, recall and MRR of the gold passage
    as in ``evaluate_retrieval``. Over all rows: ``coverage`` (the share answered at the threshold),
    ``precision`` (the share of those that is right: F1 of at least ``RIGHT_F1``) and ``coverage@80`` (the
    largest share that can be answered with 80% of it right). Over the rows for which any answer was found,
    which leaves out questions that are not read (empty, not English): ``ece``, ``auroc`` and ``aurc`` of the
    confidence.
    ``refused`` is the share of the rows without answers that is refused at the threshold. ``latency_ms`` is
    the median of one question.
    ``n`` counts all rows, ``n_answerable`` those with answers. Raises ConfigError for a threshold outside 0 to 1.
    """
    _require_probability(threshold)
    known = corpus(examples) if documents is None else documents
    product = make_qa(known)
    limit = product.threshold if threshold is None else threshold
    ranks = _gold_ranks(examples, product, known, None)
    outcomes = []
    for example, rank in zip(examples, ranks, strict=True):
        started = time.perf_counter()
        [answer] = product.ask_batch([example.question], threshold=0.0, top=1)
        seconds = time.perf_counter() - started
        outcomes.append(_Outcome(example, answer.text, answer.confidence, rank, seconds))
        _tell(progress, 1)
    return _report("answers", outcomes, lambda rows: _score_answers(rows, limit), limit)


def write_predictions(path: str | Path, kind: str, predictions: Sequence[Prediction]) -> None:
    """Write one JSON object a prediction: ``kind, id, text, confidence, passage_rank, source, withheld``.

    ``kind`` is that of the run: "reading", "retrieval" or "answers". Raises ConfigError if the file
    cannot be written.
    """
    rows = [
        {
            "kind": kind,
            "id": prediction.id,
            "text": prediction.text,
            "confidence": prediction.confidence,
            "passage_rank": prediction.passage_rank,
            "source": prediction.source,
            "withheld": prediction.withheld,
        }
        for prediction in predictions
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as exc:
        raise ConfigError(
            f"The predictions could not be written to {path} ({exc.strerror}); choose another path."
        ) from exc


def read_predictions(path: str | Path, kind: str) -> dict[str, Prediction]:
    """Read what `write_predictions` wrote of a run of this kind, by id.

    Raises QuestionFileError, naming the file and the line, for the first row that is something else.
    """
    file = Path(path)
    found: dict[str, Prediction] = {}
    line_of: dict[str, int] = {}
    for number, line in question_lines(file):
        where = f"{file}, line {number}"
        try:
            row = json.loads(line)
            of, text, rank, withheld = (
                row[n] for n in ("kind", "text", "passage_rank", "withheld")
            )
            prediction = Prediction(
                _string(row, "id"),
                None if text is None else str(text),
                float(row["confidence"]),
                None if rank is None else int(rank),
                str(row["source"]),
                None if withheld is None else str(withheld),
            )
        except RowError as exc:
            raise QuestionFileError(f"{where} {exc}") from exc
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
            raise QuestionFileError(
                f"{where} is no prediction ({exc}); give two files that "
                "`footnote eval --predictions` wrote."
            ) from exc
        if of != kind:
            raise QuestionFileError(
                f"{where} is of `footnote eval {of}`; compare it as that, or give "
                f"what `footnote eval {kind} --predictions` wrote."
            )
        if prediction.passage_rank is not None and prediction.passage_rank < 1:
            raise QuestionFileError(f'{where} has a "passage_rank" below 1; ranks count from 1.')
        if prediction.id in line_of:
            raise QuestionFileError(
                f"{where} has the id {prediction.id!r} of line {line_of[prediction.id]}; "
                "give the predictions of one run."
            )
        line_of[prediction.id] = number
        found[prediction.id] = prediction
    return found


def compare(
    kind: str,
    examples: Sequence[Example],
    first: Mapping[str, Prediction],
    second: Mapping[str, Prediction],
    *,
    threshold: float | None = None,
) -> dict[str, list[Difference]]:
    """Compare two runs over the same questions; return the differences by source and of the whole (`name_of_whole`).

    ``kind`` is that of the runs: "reading", "retrieval" or "answers". Of "answers", each run has refused what it says it
    has, or with a ``threshold`` both what is below it. Metrics that are means over the
    same rows in both runs are compared; those over what a run chose to answer (``precision``), over all
    of it (``ece``) or of time are not, nor is ``sentence``, which predictions do not hold. Raises ConfigError where the runs differ in their questions, or
    have some that ``examples`` do not hold, and for a threshold outside 0 to 1.
    """
    _require_probability(threshold)
    known = {example.id: example for example in examples}
    for one, other in ((first, second), (second, first), (first, known)):
        missing = sorted(one.keys() - other.keys())
        if missing:
            raise ConfigError(
                f"The runs and the questions do not belong together ({len(missing)} ids are in one "
                f"and not in the other, {missing[0]!r} for one); compare runs over one file."
            )
    score: Callable[[Sequence[_Outcome], float], _Scores] = {
        "reading": lambda rows, _: _score_reading(rows),
        "retrieval": lambda rows, _: _score_retrieval(rows),
        "answers": _score_answers,
    }[kind]
    runs = [
        (run, _threshold_of(run) if threshold is None else threshold) for run in (first, second)
    ]
    asked = [example for example in examples if example.id in first]
    if not asked:
        raise ConfigError("The runs hold no question to compare.")
    parts = {
        name: [example for example in asked if example.source == name]
        for name in sorted({example.source for example in asked} - {""})
    }
    # A source that all are of would be the same twice.
    shown = {name: rows for name, rows in parts.items() if len(rows) < len(asked)}
    return {
        name: _differences(score, rows, runs)
        for name, rows in {**shown, name_of_whole(shown): asked}.items()
    }


def name_of_whole(sources: Iterable[str]) -> str:
    """Return what a report on all rows is called beside those by source: "all", or "(all)" if one of them is."""
    name, taken = "all", set(sources)
    while name in taken:
        name = f"({name})"
    return name


def _threshold_of(run: Mapping[str, Prediction]) -> float:
    """Return a threshold that refuses what the run has refused: the confidence of its least sure answer."""
    return min((one.confidence for one in run.values() if one.text is not None), default=math.inf)


def _differences(
    score: Callable[[Sequence[_Outcome], float], _Scores],
    examples: Sequence[Example],
    runs: Sequence[tuple[Mapping[str, Prediction], float]],
) -> list[Difference]:
    one, two = (
        score([_outcome(example, run[example.id]) for example in examples], threshold).rows
        for run, threshold in runs
    )
    found = []
    for name in one:
        before, passages = _counted(one[name], examples)
        after, _ = _counted(two[name], examples)
        if name in _CHOSEN or not before:
            continue
        low, high, p = paired_bootstrap(before, after, _BOOTSTRAP_SEED, groups=passages)
        found.append(Difference(name, len(before), fmean(before), fmean(after), low, high, p))
    return found


def _counted(
    values: Sequence[float | None], examples: Sequence[Example]
) -> tuple[list[float], list[Hashable]]:
    """Return a metric's values, and beside each the passage that its question is about.

    By it rows are resampled: some passages are asked fifty questions, some questions stand ten times. A
    question without a passage is by itself.
    """
    kept: list[tuple[float, Hashable]] = [
        (value, example.context if example.context.strip() else ("no passage", example.id))
        for value, example in zip(values, examples, strict=True)
        if value is not None
    ]
    return [value for value, _ in kept], [passage for _, passage in kept]


def _outcome(example: Example, prediction: Prediction) -> _Outcome:
    text = prediction.withheld if prediction.text is None else prediction.text
    return _Outcome(example, text, prediction.confidence, prediction.passage_rank)


def _gold_ranks(
    examples: Sequence[Example],
    searcher: SearcherLike,
    documents: Sequence[Document],
    progress: Progress | None,
) -> list[int | None]:
    """Return the rank (from 1) of each example's context among the documents its question finds."""
    gold = {document.text: document.id for document in documents}
    ranks: list[int | None] = []
    for at in range(0, len(examples), _SEARCH_BATCH):
        batch = examples[at : at + _SEARCH_BATCH]
        found = searcher.search([example.question for example in batch], SEARCH_DEPTH)
        for example, hits in zip(batch, found, strict=True):
            order = list(dict.fromkeys(hit.chunk.doc_id for hit in hits))
            wanted = gold.get(example.context)
            ranks.append(order.index(wanted) + 1 if wanted in order else None)
        _tell(progress, len(batch))
    return ranks


def _require_probability(threshold: float | None) -> None:
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise ConfigError(f"threshold is {threshold}; give a probability from 0 to 1.")


def _tell(progress: Progress | None, done: int) -> None:
    if progress is not None:
        progress(done)


def _score_reading(rows: Sequence[_Outcome]) -> _Scores:
    return _Scores(
        {
            "em": [100 * exact_match(row.text, row.example.answers) for row in rows],
            "f1": [100 * f1(row.text, row.example.answers) for row in rows],
            "sentence": [None if row.sentence is None else 100.0 * row.sentence for row in rows],
            "refused": [
                None if row.example.answers else 100.0 * (row.text is None) for row in rows
            ],
        },
        {"n_answerable": _n_answerable(rows), "latency_ms": _latency(rows)},
    )


def _score_retrieval(rows: Sequence[_Outcome]) -> _Scores:
    ranks = [[row.rank] if row.example.answers else None for row in rows]
    scores = {
        f"recall@{k}": [None if rank is None else 100 * recall_at_k(rank, k) for rank in ranks]
        for k in RECALL_DEPTHS
    }
    scores["mrr"] = [None if rank is None else mean_reciprocal_rank(rank) for rank in ranks]
    return _Scores(scores, {"n_answerable": _n_answerable(rows)})


def _score_answers(rows: Sequence[_Outcome], threshold: float) -> _Scores:
    em = [100 * exact_match(row.text, row.example.answers) for row in rows]
    overlap = [100 * f1(row.text, row.example.answers) for row in rows]
    answered = [row.text is not None and row.confidence >= threshold for row in rows]
    # A refusal is never "right" here: precision and calibration are about what was said.
    right = [
        row.text is not None and value >= 100 * RIGHT_F1
        for row, value in zip(rows, overlap, strict=True)
    ]

    def answerable(values: Sequence[float]) -> list[float | None]:
        return [
            value if row.example.answers else None for row, value in zip(rows, values, strict=True)
        ]

    said = [at for at, row in enumerate(rows) if row.text is not None]
    confidence = [rows[at].confidence for at in said]
    correct = [float(right[at]) for at in said]
    retrieval = _score_retrieval(rows)
    return _Scores(
        {
            "em": answerable(em),
            "f1": answerable(overlap),
            "em_at_threshold": answerable([*map(mul, em, answered)]),
            "f1_at_threshold": answerable([*map(mul, overlap, answered)]),
            "coverage": [100.0 * flag for flag in answered],
            "precision": [
                100.0 * good if flag else None for good, flag in zip(right, answered, strict=True)
            ],
            "refused": [
                None if row.example.answers else 100.0 * (not flag)
                for row, flag in zip(rows, answered, strict=True)
            ],
            **retrieval.rows,
        },
        {
            **retrieval.totals,
            "threshold": threshold,
            "ece": expected_calibration_error(confidence, correct),
            "auroc": auroc(confidence, correct),
            "aurc": risk_coverage(confidence, correct).area,
            "coverage@80": 100
            * coverage_at_precision(confidence, correct, TARGET_PRECISION)
            * len(said)
            / len(rows),
            "latency_ms": _latency(rows),
        },
    )


def _n_answerable(rows: Sequence[_Outcome]) -> int:
    return sum(bool(row.example.answers) for row in rows)


def _latency(rows: Sequence[_Outcome]) -> float:
    return 1000 * median(row.seconds for row in rows)


def _report(
    kind: str,
    outcomes: Sequence[_Outcome],
    score: Callable[[Sequence[_Outcome]], _Scores],
    threshold: float = 0.0,
) -> Report:
    """Return the report over all rows, with one for each named source under ``sources``.

    In its predictions, answers below ``threshold`` are withheld.
    """
    if not outcomes:
        raise ConfigError("There is no question to measure; give at least one.")
    names = sorted({row.example.source for row in outcomes} - {""})
    sources = {
        name: _summary(kind, score, [row for row in outcomes if row.example.source == name])
        for name in names
    }
    predictions = tuple(
        Prediction(
            row.example.id,
            row.text if row.confidence >= threshold else None,
            row.confidence,
            row.rank if row.example.answers else None,
            row.example.source,
            None if row.confidence >= threshold else row.text,
        )
        for row in outcomes
    )
    return _summary(kind, score, outcomes, sources, predictions)


def _summary(
    kind: str,
    score: Callable[[Sequence[_Outcome]], _Scores],
    rows: Sequence[_Outcome],
    sources: Mapping[str, Report] | None = None,
    predictions: tuple[Prediction, ...] = (),
) -> Report:
    scores = score(rows)
    examples = [row.example for row in rows]
    counted = {name: _counted(values, examples) for name, values in scores.rows.items()}
    measured = {name: pair for name, pair in counted.items() if pair[0]}
    totals = {name: value for name, value in scores.totals.items() if math.isfinite(value)}
    return Report(
        kind=kind,
        n=len(rows),
        metrics={name: fmean(values) for name, (values, _) in measured.items()} | totals,
        intervals={
            name: bootstrap_interval(values, _BOOTSTRAP_SEED, groups=passages)
            for name, (values, passages) in measured.items()
        },
        sources=sources or {},
        predictions=predictions,
    )
