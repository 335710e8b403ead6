"""The training loop with a tiny random BERT: the loss, a run, a run taken up, a teacher, the export."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from test_training_data import raw_rows, write_rows
from tokenizers import Tokenizer

from index.errors import ConfigError, QuestionFileError, ReaderError
from qa.reader import READER_DIRECTORY, Reader
from qa.training import __main__ as command
from qa.training._command import exit_status
from qa.training.data import Batch, DataConfig, Group, Target, collate
from tests.conftest import later

torch, transformers = later("torch"), later("transformers")
safetensors = later("safetensors.torch")
export, fit = later("qa.training.export"), later("qa.training.fit")

TRAINED = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
DATA = DataConfig(negatives=1.0, unanswerable=0.2)


def bert(**changes: int) -> transformers.BertConfig:
    shape = {
        "vocab_size": 30522,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 384,
    }
    return transformers.BertConfig(**(shape | changes))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder: an encoder without a head, texts cut at 128 pieces."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(3)
    transformers.BertModel(bert()).save_pretrained(folder)
    tokenizer = Tokenizer.from_file(str(READER_DIRECTORY / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding()
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "BertTokenizer", "max_length": 128, "model_max_length": 128}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    (folder / "modules.json").write_text(json.dumps([{"path": ""}, {"path": "1_Pooling"}]))
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rows")
    rows = raw_rows(12)
    rows[4]["answers"]["answer_start"] = [1]
    return write_rows(folder / "train.jsonl.gz", rows[:20]), write_rows(
        folder / "dev.jsonl", rows[20:]
    )


def config(**changes: Any) -> fit.FitConfig:
    given = {
        "epochs": 2.0,
        "batch": 4,
        "evaluations": 3,
        "lr": 1e-3,
        "device": "cpu",
        "log_every": 2,
    }
    return fit.FitConfig(**(given | changes))


def run(
    base: Path | str, files: tuple[Path, Path], out: Path, given: fit.FitConfig, **more: Any
) -> tuple[dict[str, Any], str]:
    said = io.StringIO()
    console = Console(file=said, width=200)
    record = fit.fit([files[0]], [files[1]], str(base), out, given, DATA, console=console, **more)
    return record, said.getvalue()


@pytest.fixture(scope="module")
def trained(
    base: Path, files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], str]:
    out = tmp_path_factory.mktemp("trained") / "out"
    return out, *run(base, files, out, config())


def test_a_run_leaves_a_checkpoint_a_curve_and_a_record(
    trained: tuple[Path, dict[str, Any], str],
) -> None:
    out, record, said = trained
    assert {file.name for file in out.iterdir()} == {*TRAINED, "curve.csv", "fit.json"}
    assert json.loads((out / "fit.json").read_text()) == json.loads(json.dumps(record))
    assert record["steps"] == 10
    assert record["rows"] == {"made": 19, "passages": 10}
    assert record["rejected"] == {"no offset of its answers matches": ["train.jsonl.gz, line 5"]}
    assert "1 rows left out: no offset of its answers matches (train.jsonl.gz, line 5)" in said
    assert record["dev_scores"]["all"]["n"] == record["dev_scores"]["made"]["n"] == 4
    with (out / "curve.csv").open() as file:
        curve = list(csv.DictReader(file))
    assert [row["step"] for row in curve] == ["2", "4", "6", "7", "8", "10"]
    assert tuple(curve[0]) == fit.CURVE_COLUMNS
    assert [bool(row["dev_f1"]) for row in curve] == [False, True, False, True, False, True]
    rates = [float(row["lr"]) for row in curve]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0.0
    best = max(float(row["dev_f1"]) for row in curve if row["dev_f1"])
    assert record["dev_scores"]["all"]["f1"] == pytest.approx(best)


def test_a_run_of_one_step_learns(base: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    record, _ = run(base, files, tmp_path / "out", config(epochs=1, batch=64, average=0.0))
    assert record["steps"] == 1
    learnt, before = (
        next(
            tensor
            for name, tensor in safetensors.load_file(folder / "model.safetensors").items()
            if name.endswith("word_embeddings.weight")
        )
        for folder in (tmp_path / "out", base)
    )
    assert not torch.equal(learnt, before)


def test_dev_is_read_as_often_as_was_asked(
    base: Path, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[dict[str, dict[str, float]]] = []
    evaluate = fit._Trainer.evaluate

    def counted(trainer: fit._Trainer) -> dict[str, dict[str, float]]:
        found.append(evaluate(trainer))
        return found[-1]

    monkeypatch.setattr(fit._Trainer, "evaluate", counted)
    record, _ = run(base, files, tmp_path / "out", config())
    assert len(found) == 3
    assert record["dev_scores"] == max(found, key=lambda scores: scores["all"]["f1"])


@pytest.mark.parametrize(
    ("has", "precision"),
    [({"amx_bf16"}, "bf16"), ({"avx512_bf16"}, "bf16"), ({"avx512_f", "avx2"}, "fp32")],
)
def test_products_are_in_bf16_where_the_processor_multiplies_it(
    base: Path,
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has: set[str],
    precision: str,
) -> None:
    known = torch.cpu.get_capabilities()
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: known | {n: n in has for n in fit._BF16}
    )
    record, _ = run(base, files, tmp_path / "out", config(epochs=0.5, evaluations=1))
    assert record["precision"] == precision


def test_the_checkpoint_exports_to_a_reader(
    trained: tuple[Path, dict[str, Any], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _, _ = trained
    tokenizer = transformers.AutoTokenizer.from_pretrained(out, local_files_only=True)
    assert len(tokenizer("word " * 300)["input_ids"]) == 302
    export.main([str(out), str(tmp_path / "reader"), "--variant", "fp32"])
    capsys.readouterr()
    reader = Reader.load(tmp_path / "reader", threads=1)
    ((reading,),) = reader.read(["who slept?"], [["ada slept in town. " * 40]])
    model = transformers.BertForQuestionAnswering.from_pretrained(out, local_files_only=True).eval()
    assert model.config.hidden_dropout_prob == 0.1
    assert len(reading.spans) == reader.config.spans_per_passage


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
def test_an_exported_reader_is_trained_on(
    trained: tuple[Path, dict[str, Any], str],
    files: tuple[Path, Path],
    tmp_path: Path,
    variant: str,
) -> None:
    reader = tmp_path / "reader"
    export.export(trained[0], reader, variant, "tiny", "none")
    export.restore(reader, tmp_path / "restored")
    before = safetensors.load_file(trained[0] / "model.safetensors")
    after = safetensors.load_file(tmp_path / "restored" / "model.safetensors")
    assert after.keys() == before.keys()
    for name, tensor in before.items():
        step = tensor.abs().max() / (100 if variant == "int8" else 1000)
        assert (tensor - after[name]).abs().max() <= (0 if variant == "fp32" else step), name
    record, _ = run(reader, files, tmp_path / "out", config(epochs=0.5))
    assert record["base"] == str(reader)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *TRAINED,
        "curve.csv",
        "fit.json",
    }


def test_the_shipped_reader_can_be_trained_on(tmp_path: Path) -> None:
    export.restore(READER_DIRECTORY, tmp_path)  # it compares the logits itself
    assert fit.locate(str(tmp_path)) == tmp_path


def test_what_is_no_reader_is_not_trained_on(
    trained: tuple[Path, dict[str, Any], str], tmp_path: Path
) -> None:
    export.export(trained[0], tmp_path, "int8-dynamic", "tiny", "none")
    with pytest.raises(ConfigError, match="holds no reader to train on from"):
        export.restore(tmp_path, tmp_path / "restored")
    (tmp_path / "reader.onnx").write_bytes(b"no graph")
    with pytest.raises(ReaderError, match="is damaged"):
        export.restore(tmp_path, tmp_path / "restored")


def test_a_reader_that_is_not_as_it_says_is_not_trained_on(tmp_path: Path) -> None:
    reader = tmp_path / "reader"
    shutil.copytree(READER_DIRECTORY, reader)
    manifest = json.loads((reader / "reader.json").read_text())
    (reader / "reader.json").write_text(json.dumps(manifest | {"heads": 6}))
    with pytest.raises(ConfigError, match="is not what its manifest says"):
        export.restore(reader, tmp_path / "restored")


BROKEN = {
    "no weights": ("model.safetensors", None),
    "cut weights": ("model.safetensors", b"\x10"),
    "no weights' file": ("model.safetensors", b"x" * 1000),
    "config": ("config.json", b"{"),
    "config of another kind": ("config.json", b"[]"),
    "config without numbers": ("config.json", b'{"model_type": "bert", "hidden_size": "wide"}'),
    "unknown kind": ("config.json", b'{"model_type": "nosuch"}'),
    "kind that cannot point": ("config.json", b'{"model_type": "vit"}'),
    "tokenizer": ("tokenizer.json", b"{}"),
    "no text": ("tokenizer.json", b"\xff"),
    "no pieces": ("tokenizer.json", b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}'),
    "tokenizer's settings": ("tokenizer_config.json", b"{"),
    "settings of another kind": ("tokenizer_config.json", b"[]"),
    "modules": ("modules.json", b"{"),
    "no modules": ("modules.json", b"[]"),
    "modules without a path": ("modules.json", b"[{}]"),
    "modules of another kind": ("modules.json", b"\xff"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_base_that_is_broken_is_said_before_anything_is_read(
    base: Path, files: tuple[Path, Path], tmp_path: Path, what: str
) -> None:
    name, content = BROKEN[what]
    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    (broken / name).unlink()
    if content is not None:
        (broken / name).write_bytes(content)
    missing = (tmp_path / "missing", files[1])
    with pytest.raises(ConfigError, match=re.escape(str(broken))) as found:
        run(broken, missing, tmp_path / "out", config())
    assert len(str(found.value)) < 600
    assert "\n" not in str(found.value)
    assert not (tmp_path / "out").exists()


def test_a_teacher_that_is_broken_is_said(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    teacher = tmp_path / "teacher"
    shutil.copytree(trained[0], teacher)
    (teacher / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(ConfigError, match=rf"checkpoint {teacher} cannot be read"):
        run(base, files, tmp_path / "out", config(), teacher=str(teacher))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"max_position_embeddings": 256}, "reads 256 pieces at once, and a reader 384"),
        ({"vocab_size": 1000}, "has 30,522 pieces, and the model beside it 1,000"),
    ],
)
def test_a_base_that_is_too_small_is_refused_before_anything_is_read(
    base: Path, files: tuple[Path, Path], tmp_path: Path, shape: dict[str, int], said: str
) -> None:
    small = tmp_path / "small"
    shutil.copytree(base, small)
    transformers.BertModel(bert(**shape)).save_pretrained(small)
    with pytest.raises(ConfigError, match=said):
        run(small, (tmp_path / "missing", files[1]), tmp_path / "out", config())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [{"layers": "six"}, {"layers": 1}, {"heads": 7}, {"width": None}])
def test_a_reader_whose_shape_is_wrong_is_said_in_a_sentence(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    reader = tmp_path / "reader"
    shutil.copytree(READER_DIRECTORY, reader)
    manifest = json.loads((reader / "reader.json").read_text())
    (reader / "reader.json").write_text(json.dumps(manifest | wrong))
    with pytest.raises(ConfigError, match="holds no reader to train on from") as found:
        export.restore(reader, tmp_path / "restored")
    assert len(str(found.value)) < 600
    assert "\n" not in str(found.value)


def test_a_base_that_is_a_reader_leaves_nothing_beside_the_run(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(QuestionFileError, match="no question file"):
        run(READER_DIRECTORY, (tmp_path / "missing", files[1]), out, config())
    assert not out.exists()


def test_a_folder_that_is_in_out_is_left_alone(
    trained: tuple[Path, dict[str, Any], str], files: tuple[Path, Path], tmp_path: Path
) -> None:
    reader, own = tmp_path / "reader", tmp_path / "out" / "base"
    export.export(trained[0], reader, "fp32", "tiny", "none")
    shutil.copytree(trained[0], own)
    before = {file.name: file.read_bytes() for file in own.iterdir()}
    run(reader, files, tmp_path / "out", config(epochs=0.5))
    assert {file.name: file.read_bytes() for file in own.iterdir()} == before


def test_two_runs_do_not_write_to_one_folder(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out, given = tmp_path / "out", config(checkpoint_minutes=0.0, evaluations=1)

    def another(step: int) -> None:
        if step == 3:
            with pytest.raises(ConfigError, match=rf"Another run is writing to {out}"):
                run(base, files, out, given)

    run(base, files, out, given, on_step=another)
    assert {file.name for file in out.iterdir()} == {*TRAINED, "curve.csv", "fit.json"}


def test_a_dev_source_that_is_called_all_is_counted_once(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = raw_rows(12)[20:]
    dev = write_rows(tmp_path / "dev.jsonl", [*rows[:-1], {**rows[-1], "source": "all"}])
    record, _ = run(base, (files[0], dev), tmp_path / "out", config(epochs=0.5, evaluations=1))
    assert [record["dev_scores"][name]["n"] for name in ("all", "made")] == [4, 3]


def test_half_a_checkpoint_of_a_killed_run_does_not_stay(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / f"{fit.CHECKPOINT}.tmp").write_bytes(b"half a checkpoint")
    run(base, files, tmp_path, config(epochs=0.5, evaluations=1))
    assert {file.name for file in tmp_path.iterdir()} == {*TRAINED, "curve.csv", "fit.json"}


def test_a_killed_run_ends_as_one_that_was_not(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def kill_at(step: int) -> Any:
        def on_step(number: int) -> None:
            if number == step:
                raise Killed

        return on_step

    # One evaluation, so that what is kept are the last weights.
    whole, out = tmp_path / "whole", tmp_path / "out"
    given = config(checkpoint_minutes=0.0, evaluations=1)
    expected, _ = run(base, files, whole, given)
    assert expected["best_step"] == 10
    for step in (3, 7):
        with pytest.raises(Killed):
            run(base, files, out, given, on_step=kill_at(step))
        (out / f"{fit.CHECKPOINT}.tmp").write_bytes(b"half a checkpoint")
    record, said = run(base, files, out, given)
    assert "Taken up at step 7." in said
    assert record["tokens"] == expected["tokens"]
    weights, resumed = (safetensors.load_file(o / "model.safetensors") for o in (whole, out))
    assert weights.keys() == resumed.keys()
    for name, tensor in weights.items():
        assert torch.equal(tensor, resumed[name]), name
    curves = [list(csv.reader((o / "curve.csv").read_text().splitlines())) for o in (whole, out)]
    unclocked = [[[*row[:1], *row[2:]] for row in curve] for curve in curves]
    assert unclocked[0] == unclocked[1]


def test_a_run_whose_loss_is_no_number_is_stopped(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = config(lr=1e9, warmup=0.0, clip=math.inf, checkpoint_minutes=0.0)
    with pytest.raises(ConfigError, match=r"loss of step \d+ is nan; .* smaller lr than 1e\+09"):
        run(base, files, out, given)
    assert not (out / "model.safetensors").exists()


def test_a_run_that_ends_early_says_why(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    _, said = run(base, files, tmp_path / "out", config(lr=1e-12, evaluations=5, patience=2))
    assert "Stopped at step 6: dev F1 was not better in 2 evaluations." in said


def test_a_teacher_may_be_an_exported_reader(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    reader = tmp_path / "reader"
    export.export(trained[0], reader, "fp32", "tiny", "none")
    weights = []
    for teacher in (trained[0], reader):
        out = tmp_path / f"of {teacher.name}"
        run(base, files, out, config(epochs=0.5), teacher=str(teacher))
        weights.append((out / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


def test_a_run_learns(base: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = config(epochs=8.0, lr=5e-3, dropout=0.0, evaluations=1, log_every=10)
    run(base, files, out, given)
    with (out / "curve.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.6 * losses[0]


def test_a_finished_run_and_another_one_are_left_alone(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="holds a finished reader"):
        run(base, files, trained[0], config())

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    given = config(checkpoint_minutes=0.0)
    with pytest.raises(KeyboardInterrupt):
        run(base, files, tmp_path, given, on_step=stop)
    with pytest.raises(ConfigError, match="a run with other arguments"):
        run(base, files, tmp_path, config(checkpoint_minutes=0.0, lr=1e-4))
    checkpoint = tmp_path / fit.CHECKPOINT
    tensors = safetensors.load_file(checkpoint)
    with fit.safe_open(checkpoint, framework="pt") as file:
        about = file.metadata()
    state = json.loads(about["state"])
    earlier = {"best_f1": 0.0, **{n: one for n, one in state.items() if n != "best_scores"}}
    safetensors.save_file(tensors, checkpoint, about | {"state": json.dumps(earlier)})
    with pytest.raises(ConfigError, match="another version"):
        run(base, files, tmp_path, given)
    checkpoint.write_bytes(b"rubbish")
    with pytest.raises(ConfigError, match="cannot be read"):
        run(base, files, tmp_path, given)


def test_a_model_that_is_no_run_is_not_written_over(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    own = tmp_path / "own"
    shutil.copytree(base, own)
    reader = tmp_path / "reader"
    shutil.copytree(READER_DIRECTORY, reader)
    for out in (own, reader):
        before = {file: file.read_bytes() for file in out.iterdir()}
        with pytest.raises(ConfigError, match="holds a model already"):
            run(out, files, out, config())
        assert {file: file.read_bytes() for file in out.iterdir()} == before


def test_what_the_disk_refuses_is_said_and_costs_no_checkpoint(
    base: Path, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(ConfigError, match="could not be written"):
            run(base, files, out, config())
    assert (tmp_path / "file").read_text() == "mine"
    out, given = tmp_path / "out", config(checkpoint_minutes=0.0)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(step: int) -> None:
        if step == 3:
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ConfigError, match=r"could not be written \(No space left"):
        run(base, files, out, given, on_step=fill)
    monkeypatch.undo()
    assert [file.name for file in out.glob("*.tmp")] == []
    assert "Taken up at step 3." in run(base, files, out, given)[1]


def test_the_clock_ends_a_run_with_its_rate_at_0(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    given = config(epochs=None, minutes=0.01, evaluations=1)
    record, _ = run(base, files, tmp_path / "out", given)
    curve = (tmp_path / "out" / "curve.csv").read_text().splitlines()
    assert record["seconds"] >= 0.6
    assert curve[-1].split(",")[4] == "0"


def test_it_stops_when_dev_no_longer_improves(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    given = config(lr=1e-12, evaluations=5, patience=2)
    record, _ = run(base, files, tmp_path / "out", given)
    assert (record["steps"], record["best_step"]) == (6, 2)


def test_a_teacher_changes_the_weights_and_must_have_the_same_tokenizer(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
) -> None:
    teacher = trained[0]
    record, _ = run(base, files, tmp_path / "out", config(), teacher=str(teacher))
    assert record["teacher"] == str(teacher)
    alone, taught = (
        safetensors.load_file(o / "model.safetensors") for o in (teacher, tmp_path / "out")
    )
    assert any(not torch.equal(tensor, taught[name]) for name, tensor in alone.items())

    cased = tmp_path / "cased"
    shutil.copytree(teacher, cased)
    tokenizer = json.loads((cased / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (cased / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ConfigError, match=r"the teacher .*cased cuts texts differently"):
        run(base, files, tmp_path / "none", config(), teacher=str(cased))
    # Seen: its outputs were drawn at random, anew in every run, and learned from.
    with pytest.raises(ConfigError, match=r"teacher .* is no reader \(qa_outputs"):
        run(base, files, tmp_path / "none", config(), teacher=str(base))


def test_a_teacher_may_number_the_same_pieces_otherwise() -> None:
    own = fit.load_tokenizer(READER_DIRECTORY)
    raw = json.loads(own.to_str())
    renamed = {"[CLS]": "<s>", "[SEP]": "</s>"}
    shifted = {renamed.get(piece, piece): n + 4 for piece, n in raw["model"]["vocab"].items()}
    kept = [token for token in raw["added_tokens"] if token["content"] not in renamed]
    for token in kept:
        token["id"] += 4
    other = Tokenizer.from_str(
        json.dumps(
            raw
            | {
                "model": raw["model"] | {"vocab": shifted},
                "added_tokens": kept,
                "post_processor": None,
            }
        )
    )
    table = fit.translation(own, other, "another")
    assert table.tolist() == [number + 4 for number in range(30522)]
    short = {piece: n for piece, n in shifted.items() if piece != "observatory"}
    other = Tokenizer.from_str(
        json.dumps(
            raw
            | {
                "model": raw["model"] | {"vocab": short},
                "added_tokens": kept,
                "post_processor": None,
            }
        )
    )
    with pytest.raises(ConfigError, match=r"does not know 1 of 30522 pieces \('observatory'"):
        fit.translation(own, other, "another")


def small_batch() -> Batch:
    """Two groups over made-up pieces; a piece's logits are its number."""
    body = np.array([5, 7], dtype=np.int32)
    other = np.array([6], dtype=np.int32)
    none = np.zeros(0, dtype=np.int32)
    asked = np.array([3], dtype=np.int32)
    groups = [
        Group(asked, ((none, other, other * 0), (none, body, body * 0)), Target(1, (0, 1), (1,))),
        Group(asked, ((none, body, body * 0),), None),
    ]
    return collate(groups, cls=4, sep=0, budget=12)


def test_a_group_is_normalised_over_the_margins_of_its_passages_and_one_null() -> None:
    batch = small_batch()

    def pointer(
        ids: torch.Tensor, _attention: torch.Tensor, _types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return ids.float(), -ids.float()

    starts, ends = fit.group_margins(pointer, batch, "cpu")
    # Margins of pieces 6, 5, 7 over [CLS], which is 4; the null's is 0.
    both = 1 + math.exp(2) + math.exp(1) + math.exp(3)
    alone = 1 + math.exp(1) + math.exp(3)
    wanted = (-math.log((math.exp(1) + math.exp(3)) / both) + math.log(alone)) / 2
    loss = fit.group_loss(starts, torch.from_numpy(batch.starts))
    assert float(loss) == pytest.approx(wanted, rel=1e-5)
    falling = 1 + math.exp(-2) + math.exp(-1) + math.exp(-3)
    end = -math.log(math.exp(-3) / falling) + math.log(1 + math.exp(-1) + math.exp(-3))
    assert float(fit.group_loss(ends, torch.from_numpy(batch.ends))) == pytest.approx(
        end / 2, rel=1e-5
    )


def test_distillation_is_0_for_the_teacher_itself_and_has_finite_gradients() -> None:
    batch = small_batch()
    margins = torch.randn(2, batch.starts.shape[1], requires_grad=True)
    hidden = margins.masked_fill(torch.arange(margins.shape[1]) > 6, -1e4)
    same = fit.distillation_loss(hidden, hidden.detach(), 1.5)
    assert float(same.detach()) == pytest.approx(0, abs=1e-6)
    other = hidden.detach().roll(1, dims=0)
    loss = fit.distillation_loss(hidden, other, 1.5)
    loss.backward()
    assert torch.isfinite(margins.grad).all()
    soft, hard = (torch.softmax(x / 1.5, 1) for x in (other, hidden.detach()))
    expected = (soft * (soft.log() - hard.log()).nan_to_num()).sum(1).mean() * 1.5**2
    assert float(expected) > 0
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4)


def test_the_rate_rises_over_the_warm_up_and_ends_at_0() -> None:
    assert [fit.learning_rate(at, 0.1) for at in (0.0, 0.05, 0.1)] == pytest.approx([0, 0.5, 1])
    assert fit.learning_rate(0.55, 0.1) == pytest.approx(0.5)
    assert fit.learning_rate(1.0, 0.1) == 0.0
    assert fit.learning_rate(0.0, 0.0) == 1.0


def test_each_layer_has_its_rate(base: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    """One step of Adam moves a weight by the rate, here half of the highest: the run's middle is the step's."""
    given = config(
        epochs=0.1, layer_decay=0.25, warmup=0.0, average=0.0, weight_decay=0.0, head=1.0, lr=2e-3
    )
    record, _ = run(base, files, tmp_path / "out", given)
    assert record["steps"] == 1
    before = safetensors.load_file(base / "model.safetensors")
    after = safetensors.load_file(tmp_path / "out" / "model.safetensors")

    def moved(part: str) -> float:
        one, other = after[f"bert.{part}.weight"], before[f"{part}.weight"]
        return float((one - other).abs().max())

    top = moved("encoder.layer.1.output.dense")
    assert top == pytest.approx(1e-3, rel=0.02)
    assert moved("encoder.layer.0.output.dense") == pytest.approx(top / 4, rel=0.02)
    assert moved("embeddings.word_embeddings") == pytest.approx(top / 16, rel=0.02)


def test_frozen_layers_and_what_is_below_them_stay_as_they_are(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    run(base, files, tmp_path / "out", config(epochs=0.1, freeze=1, average=0.0, warmup=0.0))
    before = safetensors.load_file(base / "model.safetensors")
    after = safetensors.load_file(tmp_path / "out" / "model.safetensors")
    changed = {
        name
        for name, one in before.items()
        if f"bert.{name}" in after and not one.equal(after[f"bert.{name}"][: len(one)])
    }
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)
    with pytest.raises(ConfigError, match="has 2 layers"):
        run(base, files, tmp_path / "other", config(epochs=0.1, freeze=2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"minutes": 1.0},
        {"epochs": None},
        {"epochs": 0.0},
        {"batch": 0},
        {"dropout": 2.0},
        {"device": "gpu"},
        {"freeze": -1},
        {"lr": math.inf},
        {"epochs": math.nan},
        {"epochs": None, "minutes": math.nan},
        {"weight_decay": math.nan},
        {"clip": -1.0},
        {"clip": 0.0},
        {"checkpoint_minutes": -math.inf},
        {"seed": -1},
        {"seed": 2**63},
        {"device": "cpu:x"},
        {"device": ":"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        config(**wrong)


def test_a_killed_run_is_not_taken_up_with_a_file_of_train_in_dev(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    class Killed(BaseException):
        pass

    def kill(number: int) -> None:
        raise Killed

    more = write_rows(
        tmp_path / "more.jsonl", [{**row, "id": f"m{row['id']}"} for row in raw_rows(4)]
    )
    train, dev = files
    given = config(checkpoint_minutes=0.0)
    console = Console(quiet=True)
    with pytest.raises(Killed):
        fit.fit(
            [train, more], [dev], str(base), tmp_path / "out", given, console=console, on_step=kill
        )
    with pytest.raises(ConfigError, match="other"):
        fit.fit([train], [more, dev], str(base), tmp_path / "out", given, console=console)


def broken_off(
    base: Path, files: tuple[Path, Path], out: Path, given: fit.FitConfig, **more: Any
) -> None:
    """A run of ``given`` that was stopped after its first step and left a checkpoint."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(base, files, out, given, on_step=stop, **more)
    assert (out / fit.CHECKPOINT).is_file()


def nudge(folder: Path) -> None:
    """Change one weight of a checkpoint by a little."""
    weights = safetensors.load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    weights[name][7, 3] += 0.5
    safetensors.save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("changed", ["base", "base's tokenizer", "base's shape", "teacher"])
def test_a_killed_run_is_not_taken_up_with_another_base_or_teacher_of_the_same_name(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
    changed: str,
) -> None:
    own, teacher = tmp_path / "base", tmp_path / "teacher"
    shutil.copytree(base, own)
    shutil.copytree(trained[0], teacher)
    given = config(checkpoint_minutes=0.0)
    broken_off(own, files, tmp_path / "out", given, teacher=str(teacher))
    if changed == "base's tokenizer":
        vocabulary = (own / "tokenizer.json").read_text()
        swapped = vocabulary.replace('"observatory":', '"x":').replace(
            '"library":', '"observatory":'
        )
        (own / "tokenizer.json").write_text(swapped.replace('"x":', '"library":'))
        about = json.loads((teacher / "tokenizer.json").read_text())
        assert json.loads((own / "tokenizer.json").read_text())["model"] != about["model"]
    elif changed == "base's shape":
        about = json.loads((own / "config.json").read_text())
        (own / "config.json").write_text(json.dumps(about | {"num_attention_heads": 4}))
    else:
        nudge(own if changed == "base" else teacher)
    with pytest.raises(ConfigError, match="other arguments, data, base or teacher"):
        run(own, files, tmp_path / "out", given, teacher=str(teacher))


@pytest.mark.parametrize("kind", ["encoder", "reader"])
def test_a_killed_run_is_taken_up_when_its_base_and_teacher_have_moved(
    base: Path,
    files: tuple[Path, Path],
    trained: tuple[Path, dict[str, Any], str],
    tmp_path: Path,
    kind: str,
) -> None:
    own, teacher = tmp_path / "base", tmp_path / "teacher"
    if kind == "encoder":
        shutil.copytree(base, own)
    else:
        export.export(trained[0], own, "int8", "tiny", "none")
    shutil.copytree(trained[0], teacher)
    given = config(checkpoint_minutes=0.0, epochs=0.5)
    broken_off(own, files, tmp_path / "out", given, teacher=str(teacher))
    (own / "README.md").write_text("what I think of it")
    moved = own.rename(tmp_path / "moved"), teacher.rename(tmp_path / "moved teacher")
    _, said = run(moved[0], files, tmp_path / "out", given, teacher=str(moved[1]))
    assert "Taken up at step 1." in said


def test_a_pipe_is_not_trained_on(base: Path, files: tuple[Path, Path], tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "train.jsonl")
    with pytest.raises(
        ConfigError, match="is a pipe, and a run that is taken up reads its files again"
    ):
        run(base, (pipe, files[1]), tmp_path / "out", config())


def test_rows_that_are_left_out_are_named_as_they_are_and_where_none_is_left(
    base: Path, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {"text": ["\u200b"], "answer_start": [0]}
    row = {**raw_rows(1)[0], "id": "q[/x]", "context": "\u200b", "answers": answers}
    train = write_rows(tmp_path / "train.jsonl", [row, row])
    said = ["fit", "--train", str(train), "--dev", str(files[1]), "--base", str(base)]
    assert command.main([*said, "--out", str(tmp_path / "out"), "--epochs", "1"]) == 1
    found = " ".join(capsys.readouterr().err.split())
    assert "its id was there before (train.jsonl, line 2 (q[/x]))" in found
    assert "no passage holds the whole answer (row q[/x])" in found
    assert "No row is left to train on" in found


def test_a_device_that_is_not_there_is_named(
    base: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no device cuda:99 here"):
        run(base, files, tmp_path / "out", config(device="cuda:99"))


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ("0", "Stopped; the same command goes on from the last checkpoint in {out}."),
        ("9", "Stopped before the first checkpoint; the same command begins anew."),
    ],
)
def test_ctrl_c_says_in_a_line_how_to_go_on(
    base: Path,
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    minutes: str,
    said: str,
) -> None:
    taken: list[int] = []
    learn = fit._Trainer.train_step

    def interrupted(trainer: fit._Trainer, batch: Batch) -> float:
        taken.append(trainer.state.step)
        if len(taken) == 3:
            raise KeyboardInterrupt
        return float(learn(trainer, batch))

    monkeypatch.setattr(fit._Trainer, "train_step", interrupted)
    out = tmp_path / "out"
    given = ["fit", "--train", str(files[0]), "--dev", str(files[1]), "--base", str(base)]
    given += ["--out", str(out), "--epochs", "2", "--batch", "4", "--device", "cpu"]
    given += ["--evaluations", "1", "--checkpoint-minutes", minutes]
    assert command.main(given) == 130
    last = capsys.readouterr().err.rstrip("\n").splitlines()[-1]
    assert last == said.format(out=out)
    assert command.main(given) == 0
    assert taken[3] == (2 if minutes == "0" else 0)


def test_ctrl_c_ends_every_command_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert exit_status(interrupted) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_attention_off_the_cpu_is_of_the_precision_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On CUDA `--precision fp32` attended in bf16: autocast was turned on again for attention."""
    seen: list[bool] = []

    def attend(_module: Any, query: torch.Tensor, *_: Any, **_more: Any) -> tuple[Any, None]:
        seen.append(torch.is_autocast_enabled("cpu"))
        return query, None

    monkeypatch.setattr("qa.training.fit.sdpa_attention_forward", attend)
    for kind in ("meta", "cpu"):
        query = torch.zeros(1, 1, 2, 4, device=kind)
        for wanted in (False, True):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=wanted):
                fit._attention(torch.nn.Identity(), query, query, query, None)
    assert seen == [False, True, False, False]


@pytest.mark.parametrize(
    ("device", "wanted", "hardware", "precision"),
    [
        ("cuda", "", True, "bf16"),
        ("cuda:1", "", False, "fp32"),
        ("cuda", "bf16", False, "bf16"),
        ("cuda", "fp32", True, "fp32"),
    ],
)
def test_products_are_in_bf16_where_the_graphics_card_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, device: str, wanted: str, hardware: bool, precision: str
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return hardware or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert fit._precision(device, wanted) == precision


def test_the_command_trains_and_says_the_scores(
    base: Path, files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["fit", "--train", str(files[0]), "--dev", str(files[1]), "--base", str(base)]
    said += ["--out", str(tmp_path / "out"), "--epochs", "0.5", "--batch", "8", "--device", "cpu"]
    assert command.main([*said, "--weights", "made=0.5", "--negatives", "0"]) == 0
    assert capsys.readouterr().out.startswith("all          n=4 ")
    record = json.loads((tmp_path / "out" / "fit.json").read_text())
    assert record["data"]["weights"] == {"made": 0.5}
    assert (record["fit"]["epochs"], record["epoch_rows"], record["steps"]) == (0.5, 10, 1)
    assert command.main(said) == 1
    assert "holds a finished reader" in capsys.readouterr().err
    said[said.index(str(base))] = "no-such-model"
    said[said.index(str(tmp_path / "out"))] = str(tmp_path / "other")
    assert command.main(said) == 1
    assert "'no-such-model' is no checkpoint" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main([*said, "--weights", "made"])
