"""Compare ways to fuse dense and lexical scores: ``python tests/benchmarks/fusion.py FILE...``

The first FILE holds the questions; the contexts of all files, by source, are the passages (whole,
as in published tables). Prints recall@1, @5, @20 and MRR of the gold passage.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.embed import SentenceEmbedder
from index.lexical import LexicalIndex
from index.retrieve import standardised
from qa.evaluate import load_examples
from qa.metrics import mean_reciprocal_rank, recall_at_k

Matrix = NDArray[np.float64]
Fusion = Callable[[Matrix, Matrix, Matrix], Matrix]


def z(scores: Matrix) -> Matrix:
    return np.stack([standardised(row) for row in scores.astype(np.float32)])


def reciprocal(scores: Matrix) -> Matrix:
    return 1.0 / (60.0 + (-scores).argsort(axis=1).argsort(axis=1) + 1)


def over_best(scores: Matrix) -> Matrix:
    return scores / (scores.max(axis=1, keepdims=True) + 1e-9)


FUSIONS: dict[str, Fusion] = {
    "dense": lambda dense, bm25, share: dense,
    "BM25": lambda dense, bm25, share: bm25,
    "reciprocal rank fusion, k = 60": lambda dense, bm25, share: (
        reciprocal(dense) + reciprocal(bm25)
    ),
    "share of the best score": lambda dense, bm25, share: over_best(dense) + over_best(bm25),
    "z-scores, dense weighs 0.5": lambda dense, bm25, share: 0.5 * z(dense) + z(bm25),
    "z-scores": lambda dense, bm25, share: z(dense) + z(bm25),
    "z-scores, and 0.5 of coverage's": lambda dense, bm25, share: (
        z(dense) + z(bm25) + 0.5 * z(share)
    ),
}


def ranks_of(scores: Matrix, gold: Sequence[int]) -> list[int]:
    """Return the rank, from 1, of each row's gold passage; ties go to the passage that comes first."""
    columns = np.asarray(gold)[:, None]
    found = np.take_along_axis(scores, columns, axis=1)
    before = np.arange(scores.shape[1]) < columns
    return (1 + ((scores > found) | ((scores == found) & before)).sum(axis=1)).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    questions, *others = [load_examples(file) for file in parser.parse_args().files]
    embedder = SentenceEmbedder()
    for source in dict.fromkeys(example.source for example in questions):
        asked = [example for example in questions if example.source == source and example.answers]
        every = [e for rows in (questions, *others) for e in rows if e.source == source]
        contexts = list(dict.fromkeys(example.context for example in every))
        gold = [contexts.index(example.context) for example in asked]
        lexical = LexicalIndex.build(contexts)
        texts = [example.question for example in asked]
        dense = (embedder.embed(texts) @ embedder.embed(contexts).T).astype(np.float64)
        bm25 = np.stack([lexical.scores(text) for text in texts]).astype(np.float64)
        share = np.stack([lexical.coverage(text) for text in texts]).astype(np.float64)
        print(f"{source}: {len(asked)} questions, {len(contexts)} passages")
        for name, fuse in FUSIONS.items():
            scores = fuse(dense, bm25, share)
            ranks = ranks_of(scores, gold)
            recalls = " ".join(f"{recall_at_k(ranks, k):.3f}" for k in (1, 5, 20))
            print(f"  {name:32} {recalls} {mean_reciprocal_rank(ranks):.3f}", flush=True)


if __name__ == "__main__":
    main()
