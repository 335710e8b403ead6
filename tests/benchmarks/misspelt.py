"""The golden questions as people type them: ``python tests/benchmarks/misspelt.py [INDEX]``

INDEX is that of seeds/ (default: .footnote). Each question is asked as it stands, made messy as
`qa.training.messy` does, and with typos alone, one draw a question by its id; once as the product reads it,
and once with no word put right. Prints of the answerable questions F1, the share that is right (F1 of 0.5 and more)
without a threshold and at the default one, and how many of the others are refused.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from index.spelling import Spelling
from qa import QA
from qa.metrics import f1
from qa.training.messy import messy_question, typos
from qa.types import Answer
from tests.test_golden import GOLDEN

Change = Callable[[str, np.random.Generator], str]

WAYS: dict[str, Change] = {
    "as they stand": lambda question, _: question,
    "messy": messy_question,
    "typos": typos,
}


def figures(answers: Sequence[Answer], threshold: float) -> str:
    scores = [
        (f1(answer.text, golden.answers), answer.confidence >= threshold)
        for golden, answer in zip(GOLDEN, answers, strict=True)
        if golden.answers
    ]
    refused = sum(
        answer.confidence < threshold
        for golden, answer in zip(GOLDEN, answers, strict=True)
        if not golden.answers
    )
    return (
        f"F1 {100 * fmean(score for score, _ in scores):.1f}  "
        f"right {sum(score >= 0.5 for score, _ in scores)}  "
        f"right and answered {sum(score >= 0.5 and sure for score, sure in scores)}  "
        f"refused {refused}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("index", nargs="?", default=".footnote", metavar="INDEX")
    qa = QA.open(parser.parse_args().index)
    corrected = Spelling.corrected
    for name, change in WAYS.items():
        asked = [
            change(golden.question, np.random.default_rng(zlib.crc32(golden.id.encode())))
            for golden in GOLDEN
        ]
        print(
            f"{name:14} put right:  {figures(qa.ask_batch(asked, threshold=0), qa.threshold)}",
            flush=True,
        )
        Spelling.corrected = lambda _, question: question  # type: ignore[method-assign]
        print(
            f"{name:14} as typed:   {figures(qa.ask_batch(asked, threshold=0), qa.threshold)}",
            flush=True,
        )
        Spelling.corrected = corrected  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
