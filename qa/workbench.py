"""The whole product over documents that are in memory: for measuring and for fitting confidence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from index.build import Progress, index_documents
from index.embed import Embedder, SentenceEmbedder
from index.store import Store
from index.types import Document
from qa.answer import QA, QAConfig
from qa.confidence import Confidence
from qa.reader import Reader


@contextmanager
def temporary_qa(
    documents: Sequence[Document],
    *,
    embedder: Embedder | None = None,
    reader: Reader | None = None,
    confidence: Confidence | None = None,
    config: QAConfig = QAConfig(),  # noqa: B008 - frozen
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[QA]:
    """Index ``documents`` in a temporary folder, with the product's own chunks, and ask them.

    ``progress`` is told how far the indexing is.
    """
    with tempfile.TemporaryDirectory(prefix="footnote-") as folder:
        index_documents(
            Path(folder) / "index",
            documents,
            embedder=SentenceEmbedder() if embedder is None else embedder,
            progress=progress,
        )
        yield QA(
            Store(Path(folder) / "index"),
            Reader.load() if reader is None else reader,
            Confidence.load() if confidence is None else confidence,
            embedder=embedder,
            config=config,
        )
