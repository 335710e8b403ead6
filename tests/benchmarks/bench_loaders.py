"""Speed of each loader and of the chunker, and what doubling a file does to its time.

    python tests/benchmarks/bench_loaders.py

For each family of files (ordinary ones, and such as make parsers slow): megabytes a second, and the
time of a file of twice the size over the time of the file, each the best of several runs. The promise
is a ratio of at most 2.5; ``pytest -m slow tests/test_hostile_files.py`` asserts it. Word pieces are
counted by the words, so that the chunker's own time is what is measured.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(path) for path in Path(__file__).resolve().parents[1:3]]

import docx
from rich.console import Console
from rich.table import Table

from index._formats.docx import parse_docx
from index._formats.html import parse_html
from index._formats.markdown import parse_markdown
from index._formats.parsed import Columns, LoadLimits
from index._formats.pdf import parse_pdf
from index._formats.tables import parse_csv, parse_jsonl
from index._formats.text import parse_text
from index.chunk import ChunkConfig, chunk_document
from index.types import Document
from tests.make_files import make_docx, make_pdf, save_docx

SENTENCE = "The two delegations met in Doha for three hours and agreed to meet again. "
PARAGRAPH = SENTENCE * 6
LATIN = "Le président a déclaré que les négociations reprendraient dès demain. "
RUNS = 3


@dataclass(frozen=True)
class Family:
    """Files of one kind; ``make(n)`` is one whose size grows with ``n``."""

    loader: str
    name: str
    make: Callable[[int], bytes]
    n: int


def _table_docx(rows: int) -> bytes:
    made = docx.Document()
    table = made.add_table(rows=1, cols=3)
    row = table._tbl.tr_lst[0]
    for _ in range(rows - 1):
        row.addnext(docx.oxml.parse_xml(docx.oxml.xmlchemy.serialize_for_reading(row)))
    return save_docx(made)


def _page(at: int) -> list[str]:
    return [f"{at} {line} {SENTENCE}" for line in range(40)]


def _lines(count: int) -> list[str]:
    return [f"{line} {SENTENCE}" for line in range(count)]


def _pieces(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def _chunk(data: bytes) -> object:
    document = Document("d", "Title", data.decode(), "folder/d.txt")
    return chunk_document(document, ChunkConfig(), _pieces)


PARSERS: dict[str, Callable[[bytes], object]] = {
    ".txt": parse_text,
    ".md": parse_markdown,
    ".html": parse_html,
    ".pdf": parse_pdf,
    ".docx": lambda data: parse_docx(data, LoadLimits()),
    ".csv": lambda data: parse_csv(data, Columns()),
    ".jsonl": lambda data: parse_jsonl(data, Columns()),
    "chunks": _chunk,
}

FAMILIES = (
    Family(".txt", "paragraphs", lambda n: f"{PARAGRAPH}\n\n".encode() * n, 10_000),
    Family(".txt", "one line", lambda n: SENTENCE.encode() * n, 50_000),
    Family(".txt", "spaces", lambda n: (" " * n + "x\n").encode() * 9, 500_000),
    Family(".txt", "marks", lambda n: ("a" + "\u0301\u0316" * n).encode(), 200_000),
    Family(".txt", "Windows-1252", lambda n: f"{LATIN}\n".encode("cp1252") * n, 40_000),
    Family(".md", "paragraphs", lambda n: f"## Head\n\n{PARAGRAPH}\n\n".encode() * n, 700),
    Family(".md", "one line", lambda n: SENTENCE.encode() * n, 50_000),
    Family(".md", "links", lambda n: (b"[a](b) *c* " * 40 + b"\n\n") * n, 100),
    Family(".md", "lists", lambda n: b"- a\n  - b\n" * n, 3_000),
    Family(".md", "table", lambda n: b"|a|b|\n|-|-|\n" + b"|1|2|\n" * n, 3_000),
    Family(".md", "brackets", lambda n: (b"[" * 2000 + b"\n\n") * n, 8),
    Family(".md", "references", lambda n: b"[a]: b\n" * n, 8_000),
    Family(".html", "paragraphs", lambda n: f"<h2>Head</h2><p>{PARAGRAPH}".encode() * n, 2_000),
    Family(".html", "one text", lambda n: SENTENCE.encode() * n, 50_000),
    Family(".html", "divs", lambda n: b"<div><span>a b c</span></div>" * n, 6_000),
    Family(".html", "deep", lambda n: b"<div>" * 1900 + f"<p>{SENTENCE}".encode() * n, 6_000),
    Family(".html", "list", lambda n: b"<ul>" + b"<li>a" * n, 10_000),
    Family(".html", "forms", lambda n: b"<div>" * 500 + b"<input type=email>" * n, 20_000),
    Family(".html", "comments", lambda n: b"a<!-- b -->" * n, 100_000),
    Family(".pdf", "pages", lambda n: make_pdf([_page(at) for at in range(n)]), 20),
    # With more than half a megabyte of text on one page, pypdf begins to take longer than that.
    Family(".pdf", "one page", lambda n: make_pdf([_lines(n)]), 1_600),
    Family(".docx", "paragraphs", lambda n: make_docx(*[PARAGRAPH] * n), 1_000),
    Family(".docx", "table", _table_docx, 1_000),
    Family(".csv", "rows", lambda n: b"title,text\n" + f"A,{PARAGRAPH}\n".encode() * n, 8_000),
    Family(".csv", "one field", lambda n: b"title,text\nA," + SENTENCE.encode() * n, 100_000),
    Family(".csv", "quotes", lambda n: b'title,text\nA,"' + b'""x ' * n + b'"\n', 500_000),
    Family(".jsonl", "rows", lambda n: f"{json.dumps({'text': PARAGRAPH})}\n".encode() * n, 8_000),
    Family(".jsonl", "bad rows", lambda n: b"{bad\n" * n, 40_000),
    Family(".jsonl", "deep", lambda n: (b"[" * 900 + b"]" * 900 + b"\n") * n, 1_000),
    Family("chunks", "paragraphs", lambda n: f"{PARAGRAPH}\n\n".encode() * n, 1_000),
    Family("chunks", "wrapped", lambda n: f"{SENTENCE}\n".encode() * n, 5_000),
    Family("chunks", "one line", lambda n: SENTENCE.encode() * n, 5_000),
    Family("chunks", "no full stops", lambda n: SENTENCE.replace(".", "").encode() * n, 5_000),
    Family("chunks", "no full stops, lines", lambda n: b"two words\n" * n, 20_000),
    Family("chunks", "short lines", lambda n: b"Ten.\n" * n, 20_000),
    Family("chunks", "list", lambda n: b"- a thing of many\n" * n, 20_000),
    Family("chunks", "stops", lambda n: b". . . " * n, 20_000),
    Family("chunks", "dots", lambda n: b"." * n, 5_000_000),
    Family("chunks", "quotes", lambda n: "“He said: ”No.” ".encode() * n, 10_000),
    Family("chunks", "open quotes", lambda n: b'"( ' * n, 20_000),
    Family("chunks", "abbreviations", lambda n: b"Dr. J. R. U.S. e.g. " * n, 10_000),
    Family("chunks", "unbroken", lambda n: b"x" * n, 5_000_000),
    Family("chunks", "unbroken, stops", lambda n: b"x." * n, 500_000),
    Family("chunks", "Chinese", lambda n: "谈判将在几天内恢复。".encode() * n, 10_000),
    Family("chunks", "Chinese, no stops", lambda n: "谈判将在几天内恢复".encode() * n, 20_000),
    Family("chunks", "spaces", lambda n: b"a" + b" " * n + b"b\n\n" + b" " * n + b"c", 5_000_000),
    Family("chunks", "blank lines", lambda n: b"a" + b"\n \t" * n + b"b", 2_000_000),
)


def best_time(parse: Callable[[bytes], object], data: bytes) -> float:
    """Seconds of processor time of the fastest of several runs, collected between as in the sandbox."""
    times = []
    gc.disable()
    try:
        for _ in range(RUNS):
            gc.collect()
            start = time.process_time()
            parse(data)
            times.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(times)


def doubling_ratio(family: Family) -> float:
    """Processor time of a file of twice the size over that of the file."""
    parse = PARSERS[family.loader]
    one, two = family.make(family.n), family.make(2 * family.n)
    parse(family.make(2))  # what is imported and cached
    ratio = best_time(parse, two) / best_time(parse, one)
    for _ in range(2):
        # The machine may have been busy with something else during one of the two.
        if ratio > 2.2:
            ratio = min(ratio, best_time(parse, two) / best_time(parse, one))
    return ratio


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    table = Table("loader", "family", "MB", "MB/s", "ratio", title="Loaders")
    for family in FAMILIES:
        parse = PARSERS[family.loader]
        data = family.make(family.n)
        ratio = doubling_ratio(family)
        speed = len(data) / best_time(parse, data) / 1e6
        table.add_row(
            family.loader, family.name, f"{len(data) / 1e6:.2f}", f"{speed:.1f}", f"{ratio:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
