"""The article of a web page: Footnote's own rule against libraries, on the pages of tests/news_pages.py.

    pip install trafilatura lxml_html_clean resiliparse   # none is a dependency of Footnote
    python tests/benchmarks/bench_extraction.py

``kept``: paragraphs and headings of the articles that are in the text. ``leaked``: pieces of what
surrounds them that are. ``deep``: whether a paragraph inside 1,000 nested elements is in the text.

The figures, and why the rule is our own, stand in docs/measurements.md.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(path) for path in Path(__file__).resolve().parents[1:3]]

from rich.console import Console
from rich.table import Table

from index._formats.html import parse_html
from tests.news_pages import HELD_OUT, PAGES, NewsPage

Extractor = Callable[[str], str]


def extractors() -> dict[str, Extractor]:
    """Footnote's rule and the libraries that are installed."""
    found: dict[str, Extractor] = {"Footnote": lambda html: parse_html(html.encode()).text}
    try:
        import trafilatura
    except ImportError as exc:
        print(f"without trafilatura: {exc}", file=sys.stderr)
    else:
        for name, options in (
            ("trafilatura", {}),
            ("trafilatura, recall", {"favor_recall": True}),
            ("trafilatura, precision", {"favor_precision": True}),
        ):
            found[name] = lambda html, options=options: (
                trafilatura.extract(html, include_comments=False, **options) or ""
            )
    try:
        from resiliparse.extract.html2text import extract_plain_text
    except ImportError as exc:
        print(f"without resiliparse: {exc}", file=sys.stderr)
    else:
        found["resiliparse"] = lambda html: extract_plain_text(
            html, main_content=True, alt_texts=False, links=False
        )
    return found


def one_line(text: str) -> str:
    return " ".join(text.split())


def measure(extract: Extractor, pages: tuple[NewsPage, ...]) -> str:
    kept = leaked = 0
    for page in pages:
        text = one_line(extract(page.html))
        kept += sum(one_line(part) in text for part in page.kept)
        leaked += sum(one_line(part) in text for part in page.dropped)
    all_kept = sum(len(page.kept) for page in pages)
    all_dropped = sum(len(page.dropped) for page in pages)
    return f"{kept}/{all_kept}, {leaked}/{all_dropped}"


def reads_deep(extract: Extractor) -> bool:
    paragraph = "<p>" + "A long sentence of the article says something about the river. " * 4
    deep = "<div>" * 1000 + paragraph.replace("river", "depths") + "</div>" * 1000
    return "depths" in extract(
        f"<html><body><article>{paragraph}</p>{deep}</article></body></html>"
    )


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    table = Table("", "five pages", "held-out pages", "deep", "ms a page", title="kept, leaked")
    for name, extract in extractors().items():
        start = time.perf_counter()
        cells = measure(extract, PAGES), measure(extract, HELD_OUT)
        taken = (time.perf_counter() - start) / len(PAGES + HELD_OUT) * 1000
        table.add_row(name, *cells, "yes" if reads_deep(extract) else "no", f"{taken:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
