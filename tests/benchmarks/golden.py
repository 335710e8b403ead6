"""The golden questions, all of them: ``python tests/benchmarks/golden.py``

Indexes seeds/ anew in a temporary folder, so that the figures are those of the code and the seeds as they stand. Prints
how many of the answerable questions are answered rightly and of the others refused, at the default threshold and at the lowest that
refuses so many as are asked for, how many first answers are right without a threshold (`tests.test_golden.is_right`), and
how long one question took, asked alone: the median, of all and of those for which further passages were read.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from index.build import update_index
from index.embed import SentenceEmbedder
from qa import QA
from tests.conftest import ROOT
from tests.test_golden import GOLDEN, is_right

REFUSED = (80, 90, 92)
"""Refused questions to give the right ones at."""


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory(prefix="footnote-") as folder:
        index = Path(folder) / "index"
        update_index(index, [ROOT / "seeds"], embedder=SentenceEmbedder())
        qa = QA.open(index)
        qa.ask(GOLDEN[0].question)
        answers, seconds = [], []
        for golden in GOLDEN:
            started = time.perf_counter()
            answers.append(qa.ask(golden.question, threshold=0))
            seconds.append(time.perf_counter() - started)
        read = [len(known.hits) for known in qa.examine([golden.question for golden in GOLDEN])]
    asked = list(zip(GOLDEN, answers, strict=True))
    right = [a.confidence for golden, a in asked if golden.answers and is_right(golden, a)]
    others = [(golden.kind, a.confidence) for golden, a in asked if not golden.answers]
    answerable = len(asked) - len(others)

    def show(threshold: float, name: str) -> None:
        kept = sum(sure >= threshold for sure in right)
        refused = [kind for kind, sure in others if sure < threshold]
        print(
            f"{name}: {kept} of {answerable} right ({100 * kept / answerable:.1f}%), "
            f"{len(refused)} of {len(others)} refused "
            f"(far off {refused.count('far')}, near misses {refused.count('near')})"
        )

    further = [taken for taken, number in zip(seconds, read, strict=True) if number > min(read)]
    print(
        f"median of a question: {1000 * median(seconds):.0f} ms; of the {len(further)} for which {max(read)} passages "
        f"were read instead of {min(read)}: {1000 * median(further):.0f} ms"
    )
    show(0.0, "no threshold")
    show(qa.threshold, f"default threshold, {qa.threshold:.3f}")
    by_confidence = sorted(sure for _, sure in others)
    for wanted in REFUSED:
        # Just above the confidence of the last one that is to be refused.
        threshold = by_confidence[wanted - 1] + 1e-9
        show(threshold, f"threshold {threshold:.3f}")


if __name__ == "__main__":
    main()
