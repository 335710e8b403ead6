"""Answers over an open corpus, beside simpler ways: ``python tests/benchmarks/open_corpus.py DEV TRAIN``.

The contexts of both files, by source, are the documents; the questions of DEV are asked. Prints EM and
F1 of the first answer, nothing refused, and recall of the gold context in the first 1, 5 and 20, each
with its 95% bootstrap interval, for

- the product,
- the product with BM25 alone as its retriever,
- the first sentence of the passage that comes first, instead of a reader,
- with ``--reader DIR``, the product with another reader (as `qa.training.export` writes it).

``--predictions DIR`` keeps every run there, for `footnote eval answers DEV --compare`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from index.build import index_documents
from index.chunk import sentence_spans
from index.embed import SentenceEmbedder
from index.store import Store
from index.types import Document, Vectors
from qa.answer import QA
from qa.confidence import Confidence
from qa.evaluate import (
    QALike,
    corpus,
    evaluate_answers,
    load_examples,
    sample,
    write_predictions,
)
from qa.reader import Reader
from qa.types import Answer, Example, Report
from qa.workbench import temporary_qa

METRICS = ("em", "f1", "recall@1", "recall@5", "recall@20")


class Blind:
    """An embedder to which all texts are alike, so that BM25 alone decides."""

    name = fingerprint = "blind"
    dimension = 2

    def embed(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        if progress is not None:
            progress(len(texts))
        return np.tile(np.array([1.0, 0.0], dtype=np.float32), (len(texts), 1))

    def __init__(self) -> None:
        self.count_pieces = SentenceEmbedder().count_pieces  # the product's own chunks


class FirstSentence:
    """Answers with the first sentence of the passage that comes first."""

    def __init__(self, qa: QA) -> None:
        self.threshold = qa.threshold
        self.search = qa.search

    def ask_batch(
        self, questions: Sequence[str], *, threshold: float | None = None, top: int = 5
    ) -> list[Answer]:
        passages = [hits[0].chunk.text for hits in self.search(questions, 1)]
        spans = [sentence_spans(text)[0] for text in passages]
        return [
            Answer(question, text[start:end], 0.5)
            for question, text, (start, end) in zip(questions, passages, spans, strict=True)
        ]


@contextmanager
def systems(documents: Sequence[Document], other: Path | None) -> Iterator[dict[str, QALike]]:
    with TemporaryDirectory() as folder, temporary_qa(documents, embedder=Blind()) as lexical:
        index_documents(Path(folder) / "index", documents, embedder=SentenceEmbedder())
        store = Store(Path(folder) / "index")
        qa = QA(store, Reader.load(), Confidence.load())
        found: dict[str, QALike] = {
            "footnote": qa,
            "bm25": lexical,
            "first-sentence": FirstSentence(qa),
        }
        if other is not None:
            found[other.name] = QA(store, Reader.load(other), Confidence.load())
        yield found


def measure(examples: Sequence[Example], documents: Sequence[Document], system: QALike) -> Report:
    return evaluate_answers(examples, lambda _: system, documents=documents)


def show(source: str, name: str, report: Report, folder: Path | None, more: str = "") -> None:
    """Print a system's row, and keep what it answered in ``folder``."""
    cells = [
        f"{metric} {report.metrics[metric]:.1f} "
        f"({report.intervals[metric][0]:.1f}-{report.intervals[metric][1]:.1f})"
        for metric in METRICS
    ]
    print(f"  {name:16} {'  '.join(cells)}{more}", flush=True)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        write_predictions(folder / f"{source}-{name}.jsonl", report.kind, report.predictions)


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what benchmarks over these corpora take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dev", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--sources", nargs="+", default=["nyt", "newwiki"])
    parser.add_argument("--limit", type=int, help="so many questions a source")
    parser.add_argument("--predictions", type=Path)
    return parser


def corpora(
    given: argparse.Namespace,
) -> Iterator[tuple[str, Sequence[Example], Sequence[Document]]]:
    """Give each source, what is asked of it, and its documents; print how many there are."""
    dev, train = load_examples(given.dev), load_examples(given.train)
    for source in given.sources:
        asked = [row for row in dev if row.source == source and row.answers]
        documents = corpus([row for row in (*dev, *train) if row.source == source])
        if given.limit is not None:
            asked = sample(asked, given.limit)
        print(f"{source}: {len(asked)} questions, {len(documents)} contexts", flush=True)
        yield source, asked, documents


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--reader", type=Path)
    given = parser.parse_args()
    for source, asked, documents in corpora(given):
        with systems(documents, given.reader) as found:
            for name, system in found.items():
                report = measure(asked, documents, system)
                show(source, name, report, given.predictions)


if __name__ == "__main__":
    main()
