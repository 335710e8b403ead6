"""Near-duplicates: ``python tests/benchmarks/duplicates.py alike|time FILE...``.

``alike`` edits the seeds and the news stories of the question FILEs and prints how alike the versions
are, ``time`` finds near-duplicates among 10,000 documents made of the FILEs' contexts and among rows
of tables.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from index.build import update_index
from index.chunk import sentence_spans
from index.duplicates import find_duplicates
from index.embed import SentenceEmbedder
from index.store import Store
from index.types import Document
from qa.copies import runs
from qa.evaluate import load_examples

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
NOTICE = "\n\nReporting by Jane Roe in Doha; editing by John Doe. Follow us for more news, and subscribe."
DRAW = random.Random(1)


def seeds() -> list[Document]:
    with tempfile.TemporaryDirectory() as folder:
        update_index(folder, [SEEDS], embedder=SentenceEmbedder())
        return list(Store(folder).open(encoder=False).documents)


def contexts(files: Sequence[Path]) -> dict[tuple[str, str], list[str]]:
    """Return the contexts of each article, each once."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for file in files:
        for row in load_examples(file):
            found.setdefault((row.source, row.title), {})[row.context] = None
    return {article: list(texts) for article, texts in found.items()}


def alike(one: str, other: str) -> float:
    a, b = runs(one), runs(other)
    return 2 * len(a & b) / (len(a) + len(b))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def misspelt(text: str, share: float) -> str:
    def swap(word: str) -> str:
        at = DRAW.randrange(len(word) - 1)
        return f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"

    words = text.split(" ")
    return " ".join(swap(w) if len(w) > 3 and DRAW.random() < share else w for w in words)


def changed(text: str, count: int, others: Sequence[str]) -> str:
    parts = sentences(text)
    for at in DRAW.sample(range(len(parts)), min(count, len(parts))):
        parts[at] = DRAW.choice(others)
    return " ".join(parts)


def shorter(text: str, count: int) -> str:
    parts = sentences(text)
    at = DRAW.randrange(max(1, len(parts) - count + 1))
    return " ".join(parts[:at] + parts[at + count :])


def edits(others: Sequence[str]) -> Mapping[str, Callable[[str], str]]:
    return {
        "another headline": lambda text: " ".join([DRAW.choice(others), *sentences(text)[1:]]),
        "1 sentence changed": lambda text: changed(text, 1, others),
        "3 sentences changed": lambda text: changed(text, 3, others),
        "a fifth left out": lambda text: shorter(text, max(1, len(sentences(text)) // 5)),
        "a notice more": lambda text: text + NOTICE,
        "3% misspelt": lambda text: misspelt(text, 0.03),
        "2 sentences, a notice, 1% misspelt": lambda text: (
            misspelt(changed(text, 2, others), 0.01) + NOTICE
        ),
    }


def show_alike(files: Sequence[Path]) -> None:
    articles = [document.text for document in seeds()]
    stories = ["\n\n".join(c) for (source, _), c in contexts(files).items() if source == "nyt"]
    stories = [story for story in stories if len(story.split()) >= 250]
    others = [sentence for story in stories for sentence in sentences(story)]
    for name, texts in (("seeds", articles), ("news", stories)):
        for edit, make in edits(others).items():
            shares = [alike(text, make(text)) for text in texts]
            low, few, middle = np.quantile(shares, [0, 0.05, 0.5])
            print(f"{name} ({len(texts)}), {edit}: {low:.2f} {few:.2f} {middle:.2f}")
        most = max(alike(a, b) for at, a in enumerate(texts) for b in texts[:at])
        print(f"{name}, different ones: {most:.2f} at most")


def show_time(files: Sequence[Path]) -> None:
    every = [text for texts in contexts(files).values() for text in texts]
    DRAW.shuffle(every)
    cuts = [at * len(every) // 10_000 for at in range(10_001)]
    articles = ["\n\n".join(every[a:b]) for a, b in pairwise(cuts)]
    long = " ".join(" ".join(articles[:5]).split()[:150])

    def edited(text: str) -> str:
        parts = text.split(" ")
        for _ in range(max(1, len(parts) // 25)):
            parts[DRAW.randrange(len(parts))] = "edited"
        return " ".join(parts)

    cases = {
        "10,000 articles": articles,
        "5,000 and an edited copy of each": [*articles[:5000], *map(edited, articles[:5000])],
        "200 in 50 edited copies": [edited(text) for text in articles[:200] for _ in range(50)],
        "100,000 rows of 8 words": [
            f"Row {n}: {n % 97} mm fell on day {n}" for n in range(100_000)
        ],
        "20,000 rows of 160 words by one template": [f"Row {n}: {long} {n}" for n in range(20_000)],
    }
    for name, texts in cases.items():
        documents = [Document(str(n), "", text, f"{n:06}") for n, text in enumerate(texts)]
        started = time.perf_counter()
        found = len(find_duplicates(documents))
        print(f"{name}: {found:,} found in {time.perf_counter() - started:.1f} s", flush=True)


def main() -> None:
    shown = {"alike": show_alike, "time": show_time}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=shown)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    given = parser.parse_args()
    shown[given.what](given.files)


if __name__ == "__main__":
    main()
