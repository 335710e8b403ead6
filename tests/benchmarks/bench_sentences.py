"""Sentences and chunks: how many golden cases come out right, and how fast.

    pip install nupunkt sentencesplit semantic-text-splitter   # none is a dependency of Footnote
    python tests/benchmarks/bench_sentences.py [FILE]

With FILE, rows as `footnote eval` reads them, only the speed on its contexts, by source, and on the
articles of seeds/ is shown, each text by itself. Otherwise, first table: the cases of
tests/golden/boundaries.jsonl by who splits them: Footnote, and libraries alone (on the whole text) and
below Footnote's own rule for lines. Second table: megabytes of UTF-8 a second of processor time (the
best of nine runs) of `sentence_spans`, of `chunk_document` with a counter that costs nothing, and of the
embedder's own counter, which takes its time besides; and the time of a text of twice the size over that
of the text, which `pytest -m slow tests/test_boundaries.py` holds to 2.5.
"""

import argparse
import gc
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":
    sys.path[:0] = [str(path) for path in Path(__file__).resolve().parents[1:3]]

import sentencex
from rich.console import Console
from rich.table import Table

from index._sentences import _paragraphs, sentence_spans
from index.chunk import ChunkConfig, chunk_document
from index.types import Document
from qa.evaluate import load_examples
from tests.boundaries import CASES, Case, words

DENSE = (
    "Mr. Blinken met U.S. officials in Doha at 9:30 a.m. on Jan. 5, according to J. K. Rao of Acme Inc. "
    'Talks had begun a week before. "We will not yield," the minister said. "We never have." It cost '
    "$3.5 billion (2.1% of what was planned). “Will they?” she asked. No. 10 declined to comment.[3] "
)
NEWS = (
    "Nobody on either side would say when the two delegations would meet again, though diplomats from three "
    "of the countries around the gulf expect it to be soon. The draft that was handed round on Sunday leaves "
    "open who is to run the crossings, how many trucks may pass in a day and what becomes of those who were "
    "driven from their homes in the first months of the war. A ceasefire, if there is one, would hold for six "
    "weeks. Families of the missing waited outside in the rain until the last of the cars had gone. "
)
PARAGRAPH = DENSE + NEWS
SEEDS = Path(__file__).resolve().parents[2] / "seeds"
ARTICLES = "\n\n".join(
    path.read_text("utf-8") for path in sorted(SEEDS.iterdir()) if path.suffix in {".md", ".txt"}
)
RUNS = 9
T = TypeVar("T")


@dataclass(frozen=True)
class Family:
    """Texts of one kind; ``make(n)`` is one whose size grows with ``n``."""

    name: str
    make: Callable[[int], str]
    n: int


FAMILIES = (
    Family("articles (seeds)", lambda n: f"{ARTICLES}\n\n" * n, 8),
    Family("news, a line a paragraph", lambda n: f"{PARAGRAPH}\n\n" * n, 2_000),
    Family("news, wrapped", lambda n: (textwrap.fill(PARAGRAPH, 80) + "\n\n") * n, 2_000),
    Family("one paragraph", lambda n: PARAGRAPH * n, 2_000),
    Family("a stop every 26 characters", lambda n: f"{DENSE}\n\n" * n, 3_000),
    Family("dialogue", lambda n: '"Where were you?"\n"At home. All night," he said.\n' * n, 10_000),
    Family("list", lambda n: "- Wash the rice. Use cold water.\n- Boil it\n" * n, 10_000),
    Family("table", lambda n: "Leeds | 3.5 | approx. 9\nYork | 4.1 | none\n" * n, 10_000),
    Family("small words", lambda n: "so she said fine and they left " * n, 20_000),
    Family("verses", lambda n: "The river runs below the hill\nGrey herons stand\n" * n, 10_000),
    Family("open quotations", lambda n: "“Go. " * n, 50_000),
    Family("open brackets", lambda n: "(Go. " * n, 50_000),
    Family("nothing but marks", lambda n: "([{“«" * n, 50_000),
    Family("full stops", lambda n: "." * n, 200_000),
    Family("closing marks", lambda n: "." + "”" * n, 200_000),
    Family("spaces", lambda n: ("Go. " + " " * n + "\n") * 9, 50_000),
    Family("initials", lambda n: "J. K. L. M. " * n, 20_000),
    Family("addresses", lambda n: "a.Bc@d.Ef/" * n, 20_000),
)


def cheap_count(texts: Sequence[str]) -> list[int]:
    return [len(text) // 4 + 1 for text in texts]


def chunk(text: str) -> object:
    return chunk_document(Document("d", "Title", text, "d.txt"), ChunkConfig(), cheap_count)


def best_time(work: Callable[[T], object], text: T) -> float:
    """Seconds of processor time, the least of several runs: the others were disturbed."""
    times = []
    gc.disable()
    try:
        for _ in range(RUNS):
            gc.collect()
            start = time.process_time()
            work(text)
            times.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(times)


def doubling_ratio(family: Family, work: Callable[[str], object] = chunk) -> float:
    """Processor time of a text of twice the size over that of the text."""
    one, two = family.make(family.n), family.make(2 * family.n)
    ratio = best_time(work, two) / best_time(work, one)
    for _ in range(2):
        # The machine may have been busy with something else during one of the two.
        if ratio > 2.2:
            ratio = min(ratio, best_time(work, two) / best_time(work, one))
    return ratio


Splitter = Callable[[str], list[str]]


def splitters() -> dict[str, Splitter]:
    """Sentence splitters that are installed."""
    found: dict[str, Splitter] = {"sentencex": lambda text: sentencex.segment("en", text)}
    try:
        import nupunkt
    except ImportError as exc:
        print(f"without nupunkt: {exc}", file=sys.stderr)
    else:
        found["nupunkt"] = nupunkt.sent_tokenize
    try:
        import sentencesplit
    except ImportError as exc:
        print(f"without sentencesplit: {exc}", file=sys.stderr)
    else:
        found["sentencesplit"] = sentencesplit.Segmenter(language="en", clean=False).segment
    return found


def by_lines(split: Splitter, text: str) -> Iterator[str]:
    for start, end in _paragraphs(text):
        yield from split(text[start:end])


def stripped(parts: Sequence[str] | Iterator[str]) -> list[str]:
    return [part.strip() for part in parts if part.strip()]


def accuracy(cases: Sequence[Case]) -> Table:
    table = Table(
        "", "alone", "with Footnote's lines", title="sentences: golden cases that are right"
    )
    every = [case for case in cases if case.sentences is not None]
    for name, split in splitters().items():
        alone = sum(stripped(split(case.text)) == case.sentences for case in every)
        lines = sum(stripped(by_lines(split, case.text)) == case.sentences for case in every)
        table.add_row(name, f"{alone}/{len(every)}", f"{lines}/{len(every)}")
    right = sum(case.found_sentences() == case.sentences for case in every)
    table.add_row("Footnote", "", f"{right}/{len(every)}")
    return table


def chunk_accuracy(cases: Sequence[Case]) -> Table:
    # The other has no overlap in sentences, and sees no headings but Markdown's.
    plain = [case for case in cases if case.chunks is not None and not case.overlap]
    plain = [case for case in plain if not case.headings]
    table = Table("", "right", title="chunks: golden cases without overlap or marked headings")
    try:
        from semantic_text_splitter import TextSplitter
    except ImportError as exc:
        print(f"without semantic-text-splitter: {exc}", file=sys.stderr)
    else:
        right = 0
        for case in plain:
            splitter = TextSplitter.from_callback(lambda text: words([text])[0], case.max_pieces)
            right += stripped(splitter.chunks(case.text)) == case.chunks
        table.add_row("semantic-text-splitter", f"{right}/{len(plain)}")
    right = sum(case.found_chunks() == case.chunks for case in plain)
    table.add_row("Footnote", f"{right}/{len(plain)}")
    return table


def speed() -> Table:
    from index.embed import SentenceEmbedder

    embedder = SentenceEmbedder()
    embedder.count_pieces(["loads the tokenizer"])

    def pieces(text: str) -> object:
        return embedder.count_pieces([text[start:end] for start, end in sentence_spans(text)])

    table = Table("text", "MB", "sentences", "chunks", "tokenizer", "ratio", title="MB/s")
    for family in FAMILIES:
        text = family.make(family.n)
        size = len(text.encode()) / 1e6
        spans = best_time(sentence_spans, text)
        cells = [f"{size / spans:.1f}", f"{size / best_time(chunk, text):.1f}"]
        news = family.name.startswith("news")
        cells.append(f"{size / (best_time(pieces, text) - spans):.1f}" if news else "")
        table.add_row(family.name, f"{size:.2f}", *cells, f"{doubling_ratio(family):.2f}")
    return table


def article_speed(path: Path) -> Table:
    """Megabytes a second over whole texts, one at a time."""
    sets = {"seeds": [p.read_text("utf-8") for p in SEEDS.iterdir() if p.suffix in {".md", ".txt"}]}
    for row in load_examples(path):
        sets.setdefault(row.source or "(no source)", []).append(row.context)
    table = Table("texts", "MB", "sentences", "chunks", title="MB/s")
    for source, every in sets.items():
        texts = list(dict.fromkeys(every))
        size = sum(len(text.encode()) for text in texts) / 1e6
        times = (best_time(partial(each, work), texts) for work in (sentence_spans, chunk))
        table.add_row(source, f"{size:.2f}", *(f"{size / seconds:.1f}" for seconds in times))
    return table


def each(work: Callable[[str], object], texts: Sequence[str]) -> None:
    for text in texts:
        work(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE")
    file = parser.parse_args().file
    console = Console()
    if file is not None:
        console.print(article_speed(file))
        return
    console.print(accuracy(CASES))
    console.print(chunk_accuracy(CASES))
    console.print(speed())


if __name__ == "__main__":
    main()
