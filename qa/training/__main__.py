"""``python -m qa.training``: make the reader's weights."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from qa.confidence import CALIBRATED
from qa.evaluate import load_examples
from qa.training._command import exit_status
from qa.training._files import CHECKPOINT, check_folder, write_atomically
from qa.training.confidence import calibrate_index
from qa.training.config import FitConfig
from qa.training.data import DataConfig

_FIT_HELP = {
    "minutes": "train for so long, by the clock; the learning rate ends at 0 then",
    "epochs": "train for so many passes over the rows, such as 0.5",
    "lr": "highest learning rate",
    "batch": "questions a step",
    "seed": "what all that is drawn depends on",
    "dropout": "share of activations dropped",
    "weight_decay": "AdamW's, of matrices only",
    "warmup": "share of the run over which the learning rate rises",
    "clip": "largest norm of a gradient",
    "head": "times the learning rate, for the two output vectors",
    "types": "times the learning rate, for the token types",
    "layer_decay": "times the learning rate, for every layer above",
    "freeze": "lowest layers that are not trained, nor the embeddings below them",
    "average": "decay of the moving average of weights",
    "evaluations": "how often dev is read",
    "patience": "evaluations without a better F1 before it stops",
    "dev_limit": "dev questions read each time",
    "checkpoint_minutes": "minutes between checkpoints",
    "log_every": "steps between rows of the curve",
    "temperature": "softens the teacher's and the student's distributions",
    "teacher_weight": "the teacher's share of the loss",
    "device": "cpu or cuda; by default cuda where there is one",
    "precision": "of matrix products, fp32 or bf16; by default bf16 where the hardware has it",
}

_DATA_HELP = {
    "negatives": "hard negative passages a question, on average",
    "near": "share of the negatives that come from the same article",
    "unanswerable": "share of the questions whose gold passage is taken away",
    "headed": "share of the contexts that begin with their title",
    "untitled": "share of the questions whose passages are read without titles",
    "messy": "share of the questions made messy",
    "pieces": "word pieces of a passage",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    given = vars(parser().parse_args(arguments))
    return exit_status(lambda: given["run"](given))


def _fit(given: dict[str, Any]) -> None:
    from qa.training.fit import fit  # loads torch, which `calibrate` does without

    out = given["out"]
    config = FitConfig(**{name: given[name] for name in _FIT_HELP})
    data = DataConfig(
        weights=dict(given["weights"]),
        joined=tuple(given["joined"]),
        **{name: given[name] for name in _DATA_HELP},
    )
    try:
        record = fit(
            given["train"],
            given["dev"],
            given["base"],
            out,
            config,
            data,
            teacher=given["teacher"],
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped; the same command goes on from the last checkpoint in {out}."
            if (out / CHECKPOINT).exists()
            else "Stopped before the first checkpoint; the same command begins anew."
        ) from None
    scores = record["dev_scores"]
    for name in sorted(scores, key=lambda one: (one != "all", one)):
        one = scores[name]
        print(f"{name:12} n={one['n']:<5} EM {one['em']:5.1f}  F1 {one['f1']:5.1f}")


def _average(given: dict[str, Any]) -> None:
    from qa.training.average import average

    out = given["out"]
    average(given["readers"], out)
    print(
        f"The average of {len(given['readers'])} readers is in {out}; export it with `python -m qa.training.export`."
    )


def _calibrate(given: dict[str, Any]) -> None:
    examples = load_examples(*given["questions"], passages=False)
    used = given["index"] / CALIBRATED
    out = given["out"] or used
    if given["out"]:
        check_folder(out)
    model = calibrate_index(given["index"], examples, [file.name for file in given["questions"]])
    write_atomically(out, model.to_bytes())
    found = model.measured
    then = (
        "a chat that runs takes it when it is started again"
        if out.resolve() == used.resolve()
        else f"the index uses it when it is copied to {used}"
    )
    print(
        f"{found['questions']} questions, {found['right']} answered right. ECE {found['ece']:.3f}, "
        f"AUROC {found['auroc']:.3f}; the threshold is now {model.threshold:.2f}, at which it answers "
        f"{found['at_threshold']['answerable_answered']:.0%} of the answerable questions and "
        f"{found['at_threshold']['precision']:.0%} of its answers are right. Written to {out}; {then}."
    )


def parser() -> argparse.ArgumentParser:
    """Return what understands the arguments."""
    found = argparse.ArgumentParser(prog="python -m qa.training", description=__doc__)
    commands = found.add_subparsers(required=True, metavar="COMMAND")
    _add_average(commands)
    _add_calibrate(commands)
    command = commands.add_parser(
        "fit",
        help="train a reader on question files",
        description="Train a reader on question files (JSON lines, plain or gzipped, as `footnote eval --help` "
        "shows them). A run that was broken off in --out is taken up.",
    )
    command.set_defaults(run=_fit)
    command.add_argument(
        "--train", type=Path, nargs="+", required=True, metavar="FILE", help="questions to learn"
    )
    command.add_argument(
        "--dev",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="questions with answers that choose the best weights",
    )
    command.add_argument(
        "--base",
        required=True,
        help="a folder of transformers or sentence-transformers, or of a reader (qa/models/reader), or all-MiniLM-L6-v2",
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="where the checkpoint, the curve and the record go",
    )
    command.add_argument(
        "--teacher", metavar="DIR", help="a reader to learn from, as fit wrote it or exported"
    )
    command.add_argument(
        "--weights",
        type=_weight,
        nargs="+",
        default=[],
        metavar="SOURCE=WEIGHT",
        help="how often a source's rows come in an epoch: 0.3 for three in ten, 0 for none",
    )
    command.add_argument(
        "--joined",
        nargs="*",
        default=["qamr"],
        metavar="SOURCE",
        help="sources of single sentences, to be read among others of their file",
    )
    length = command.add_mutually_exclusive_group(required=True)
    for config, texts in ((FitConfig, _FIT_HELP), (DataConfig, _DATA_HELP)):
        defaults: dict[str, Any] = {one.name: one.default for one in fields(config)}
        for name, text in texts.items():
            default = defaults[name]
            kind = float if default is None or default is MISSING else type(default)
            target = length if name in ("minutes", "epochs") else command
            note = text if default in (None, "") else f"{text} (default: {default})"
            target.add_argument(
                f"--{name.replace('_', '-')}", type=kind, default=default, help=note
            )
    return found


def _add_average(commands: Any) -> None:
    command = commands.add_parser(
        "average",
        help="average the weights of readers",
        description="Average the weights of readers that were trained on from one another, into a "
        "checkpoint to be exported.",
    )
    command.set_defaults(run=_average)
    command.add_argument(
        "readers",
        type=_weight,
        nargs="+",
        metavar="READER=WEIGHT",
        help="checkpoints or exported readers, such as qa/models/reader=3",
    )
    command.add_argument("--out", type=Path, required=True, metavar="DIR")


def _add_calibrate(commands: Any) -> None:
    command = commands.add_parser(
        "calibrate",
        help="fit the confidence to your own questions",
        description="Ask an index questions whose answers are known, and fit to them how sure answers "
        "are. The reader stays as it is.",
    )
    command.set_defaults(run=_calibrate)
    command.add_argument(
        "--questions",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="JSON lines: id, question and answers.text, empty where the index "
        "holds no answer; 20 at least",
    )
    command.add_argument("--index", type=Path, required=True, metavar="DIR")
    command.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"by default {CALIBRATED} in the index, which uses it",
    )


def _weight(text: str) -> tuple[str, float]:
    source, sign, weight = text.rpartition("=")
    try:
        return source, float(weight) if sign else float("x")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=WEIGHT, such as amazon=0.3 or runs/mine=2"
        ) from exc


if __name__ == "__main__":
    raise SystemExit(main())
