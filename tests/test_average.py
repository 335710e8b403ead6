"""Averages of readers."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from index.errors import ConfigError
from qa.training.__main__ import main
from tests.conftest import later

torch, transformers = later("torch"), later("transformers")
export, average = later("qa.training.export"), later("qa.training.average")


def checkpoint(folder: Path, seed: int, width: int = 16) -> Path:
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=64,  # the exporter tries the first 48
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=512,
    )
    model = transformers.BertForQuestionAnswering(config)
    for parameter in model.parameters():  # the exporter stores those that are alike only once
        torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d"]
    pieces = models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]")
    Tokenizer(pieces).save(str(folder / "tokenizer.json"))
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    reader = export.load_checkpoint(folder)
    export.tell_cases(reader.model)
    return reader.state_dict()


def test_every_weight_is_the_weighted_mean(tmp_path: Path) -> None:
    first, second = (checkpoint(tmp_path / str(seed), seed) for seed in (1, 2))
    assert main(["average", f"{first}=1", f"{second}=3", "--out", str(tmp_path / "mean")]) == 0
    mean, one, two = (weights(folder) for folder in (tmp_path / "mean", first, second))
    for name, tensor in mean.items():
        assert torch.allclose(tensor, one[name] / 4 + two[name] * 3 / 4, atol=1e-6), name
    tokenizer = (tmp_path / "mean" / "tokenizer.json").read_bytes()
    assert tokenizer == (first / "tokenizer.json").read_bytes()


def test_an_average_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transformers.utils.logging.enable_progress_bar()
    first, second = (checkpoint(tmp_path / str(seed), seed) for seed in (1, 2))
    capsys.readouterr()
    assert main(["average", f"{first}=1", f"{second}=3", "--out", str(tmp_path / "mean")]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"The average of 2 readers is in {tmp_path / 'mean'}")
    assert said.out.count("\n") == 1
    assert said.err == ""


def test_an_exported_reader_may_be_one_of_them(tmp_path: Path) -> None:
    first = checkpoint(tmp_path / "first", 1)
    exported = tmp_path / "exported"
    export.export(first, exported, "fp32", "small", "nothing")
    average.average([(str(first), 1), (str(exported), 1)], tmp_path / "mean")
    mean, one = (weights(folder) for folder in (tmp_path / "mean", first))
    assert all(torch.allclose(tensor, one[name], atol=1e-6) for name, tensor in mean.items())


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, 0.0], [2.0, -1.0], [1.0, math.nan], [math.inf, 1.0]]
)
def test_too_few_and_weights_that_are_no_shares_are_refused(
    tmp_path: Path, weights: list[float]
) -> None:
    with pytest.raises(ConfigError, match="two readers or more"):
        average.average([(str(tmp_path), weight) for weight in weights], tmp_path / "mean")


def test_a_model_that_is_there_is_not_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (checkpoint(tmp_path / str(seed), seed) for seed in (1, 2))
    before = (first / "model.safetensors").read_bytes()
    assert main(["average", f"{first}=1", f"{second}=1", "--out", str(first)]) == 1
    assert f"{first} holds a model already" in capsys.readouterr().err
    assert (first / "model.safetensors").read_bytes() == before


def test_a_file_is_no_place_for_an_average(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (checkpoint(tmp_path / str(seed), seed) for seed in (1, 2))
    out = tmp_path / "file"
    out.write_text("mine")
    assert main(["average", f"{first}=1", f"{second}=1", "--out", str(out)]) == 1
    assert f"{out} could not be written" in capsys.readouterr().err


def test_readers_of_two_kinds_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, wide = checkpoint(tmp_path / "first", 1), checkpoint(tmp_path / "wide", 1, width=32)
    other = tmp_path / "other"
    shutil.copytree(first, other)
    text = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text.replace('"d":', '"e":'))
    for second in (wide, other):
        out = str(tmp_path / "mean")
        assert main(["average", f"{first}=1", f"{second}=1", "--out", out]) == 1
        assert f"{second} has another shape or tokenizer" in capsys.readouterr().err
        assert not (tmp_path / "mean").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_broken_checkpoint_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    first, second = (checkpoint(tmp_path / str(seed), seed) for seed in (1, 2))
    (second / name).write_bytes(b"rubbish")
    assert main(["average", f"{first}=1", f"{second}=1", "--out", str(tmp_path / "mean")]) == 1
    assert f"The checkpoint {second} cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "mean").exists()
