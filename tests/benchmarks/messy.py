"""Write a question file with its questions made messy: ``python tests/benchmarks/messy.py FILE OUT``

As `qa.training.messy` makes them, one draw a question by its id: no capitals, typos, keywords, false
starts. Ask both files, and compare the two runs::

    footnote eval answers FILE --predictions clean.jsonl
    footnote eval answers OUT --predictions messy.jsonl
    footnote eval answers FILE --compare clean.jsonl messy.jsonl
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import zlib
from pathlib import Path

import numpy as np

from qa.evaluate import question_lines
from qa.training.messy import messy_question


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("out", type=Path, metavar="OUT")
    given = parser.parse_args()
    source, out = given.file, given.out
    if out.exists() and out.samefile(source):
        sys.exit(f"{out} is the question file itself; name another to write.")
    with gzip.open(out, "wt", encoding="utf-8") if out.suffix == ".gz" else out.open("w") as file:
        for _, line in question_lines(source):
            row = json.loads(line)
            rng = np.random.default_rng(zlib.crc32(row["id"].encode()))
            row["question"] = messy_question(row["question"], rng)
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
