"""A tiny random checkpoint -> ONNX, in every form of weights, against torch."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from index.errors import ConfigError
from qa.reader import READER_DIRECTORY, Reader, ReaderConfig
from qa.training._command import exit_status
from tests.conftest import later

torch, transformers = later("torch"), later("transformers")
export = later("qa.training.export")

PASSAGES = ["the envoy flew to doha on sunday", "no one spoke", ""]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("checkpoint")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.save(str(directory / "tokenizer.json"))
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    transformers.BertForQuestionAnswering(config).half().save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> export._StartEnd:
    return export.load_checkpoint(checkpoint)


@pytest.fixture(scope="module")
def graph(model: export._StartEnd) -> onnx.ModelProto:
    return export.export_graph(model)


def test_the_graph_computes_what_torch_computes(
    model: export._StartEnd, graph: onnx.ModelProto
) -> None:
    mean, largest = export.difference(model, graph)
    assert mean < 1e-5
    assert largest < 1e-4


@pytest.mark.parametrize(
    ("variant", "mean", "share"),
    [("fp32", 1e-5, 1.01), ("fp16", 1e-5, 0.6), ("int8", 0.1, 0.4), ("int8-dynamic", 0.1, 0.5)],
)
def test_a_form_of_weights_is_as_small_and_as_near_as_it_should_be(
    model: export._StartEnd, graph: onnx.ModelProto, variant: str, mean: float, share: float
) -> None:
    before = graph.SerializeToString(deterministic=True)
    stored = export.store_weights(graph, variant)
    assert graph.SerializeToString(deterministic=True) == before
    assert export.difference(model, stored)[0] < mean
    assert stored.ByteSize() < share * graph.ByteSize() + 100_000  # the nodes themselves


def test_every_weight_is_within_half_a_step_of_its_group(graph: onnx.ModelProto) -> None:
    stored = {
        t.name: numpy_helper.to_array(t)
        for t in export.store_weights(graph, "int8").graph.initializer
    }
    originals = {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}
    packed = [name.removesuffix(".integers") for name in stored if name.endswith(".integers")]
    assert len(packed) >= 2 * 6  # four matrices of attention and two more a layer, at least
    for name in packed:
        integers, scale = stored[f"{name}.integers"], stored[f"{name}.scale"].astype(np.float32)
        assert integers.dtype == np.int8
        assert np.prod(integers.shape) / np.prod(scale.shape) > 32
        assert stored[f"{name}.shape"].tolist() == list(originals[name].shape)
        error = np.abs(integers * scale - originals[name].reshape(integers.shape))
        # Half a step, and the last step's rounding of the scale to fp16 (1/2048 of 127 steps).
        assert (error <= scale * (0.5 + 127 / 2048)).all()


def test_a_row_of_zeros_stays_zero() -> None:
    values = np.zeros((64, 96), dtype=np.float32)
    values[3] = 0.5
    tensors, _ = export._groups("table", values, True)
    integers, scale = (numpy_helper.to_array(tensor) for tensor in tensors[:2])
    widened = (integers * scale.astype(np.float32)).reshape(values.shape)
    np.testing.assert_allclose(widened, values, rtol=1e-3)


@pytest.mark.parametrize(("length", "size"), [(384, 128), (1536, 128), (96, 96), (130, 65), (7, 7)])
def test_a_group_divides_the_axis(length: int, size: int) -> None:
    assert export._group_size(length) == size


def test_what_the_command_writes_is_what_the_reader_loads(
    checkpoint: Path, model: export._StartEnd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "reader"
    export.main([str(checkpoint), str(out), "--variant", "fp32", "--name", "tiny"])
    manifest = json.loads((out / "reader.json").read_text())
    assert json.loads(capsys.readouterr().out) == manifest
    assert manifest["name"] == "tiny"
    assert manifest["max_length"] == 64
    assert manifest["size"] == (out / "reader.onnx").stat().st_size
    reader = Reader.load(
        out,
        threads=1,
        config=ReaderConfig(window=64, overlap=8, max_question=20, max_title=8, max_answer=8),
    )
    ((*readings, empty),) = reader.read(["who flew"], [PASSAGES])
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    question = tokenizer.encode("who flew").ids
    for passage, reading in zip(PASSAGES, readings, strict=False):
        assert reading.spans
        pieces = tokenizer.encode(passage).ids
        ids = torch.tensor([[2, *question, 3, *pieces, 3]])
        types = torch.tensor([[0] * (len(question) + 2) + [1] * (len(pieces) + 1)])
        with torch.no_grad():
            starts, ends = model(ids, torch.ones_like(ids), types)
        assert reading.null_score == pytest.approx(float(starts[0, 0] + ends[0, 0]), abs=1e-4)
    assert empty.spans == ()


def test_the_cases_of_words_are_read_once_they_are_learnt(checkpoint: Path, tmp_path: Path) -> None:
    cased = shutil.copytree(checkpoint, tmp_path / "cased")
    small = ReaderConfig(window=64, overlap=8, max_question=20, max_title=8, max_answer=8)

    def read(folder: Path, name: str, types: int) -> list[list[list[float]]]:
        export.main([str(folder), str(tmp_path / name), "--variant", "fp32"])
        manifest = json.loads((tmp_path / name / "reader.json").read_text())
        assert manifest["token_types"] == types
        reader = Reader.load(tmp_path / name, threads=1, config=small)
        texts = ["the envoy flew", "the Envoy flew", "the ENVOY flew"]
        (readings,) = reader.read(["who flew"], [texts])
        return [[[span.start, span.end, span.score] for span in one.spans] for one in readings]

    two = read(checkpoint, "two", 2)
    assert two[0] == two[1] == two[2]
    model = export.load_checkpoint(cased).model
    export.tell_cases(model)
    model.save_pretrained(cased)
    assert np.allclose(read(cased, "copies", 4), two, atol=1e-5)
    torch.nn.init.normal_(model.bert.embeddings.token_type_embeddings.weight.data[2])
    model.save_pretrained(cased)
    small_word, capital, capitals = read(cased, "learnt", 4)
    assert np.allclose([small_word, capitals], two[:2], atol=1e-5)
    assert not np.allclose(capital, small_word, atol=1e-2)


def test_the_same_checkpoint_gives_the_same_bytes(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        export.main([str(checkpoint), str(tmp_path / name)])
    manifest = json.loads((tmp_path / "first" / "reader.json").read_text())
    assert manifest["name"] == checkpoint.name  # and not as one of ours
    for name in ("reader.onnx", "tokenizer.json", "reader.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_full_disk_leaves_the_reader_that_was_there(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export.export(checkpoint, tmp_path, "int8", "first", "none")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"could not be written \(No space left"):
        export.export(checkpoint, tmp_path, "fp32", "second", "none")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    with pytest.raises(ConfigError, match="could not be written"):
        export.export(checkpoint, tmp_path / "reader.json", "int8", "third", "none")


def test_the_shipped_manifest_says_how_it_was_made() -> None:
    manifest = json.loads((READER_DIRECTORY / "reader.json").read_text())
    assert manifest["variant"] in export.VARIANTS
    assert manifest["license"] == "Apache-2.0"
    assert manifest["base"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_what_is_no_reader_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Seen: transformers draws at random what a checkpoint lacks, and the reader was noise.
    shape: dict[str, Any] = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2, "intermediate_size": 32}
    electra = transformers.ElectraConfig(embedding_size=16, **shape)
    transformers.ElectraForQuestionAnswering(electra).save_pretrained(tmp_path / "electra")
    bert = transformers.BertModel(transformers.BertConfig(**shape))
    bert.save_pretrained(tmp_path / "bert")
    for name, message in (("electra", "is a electra model"), ("bert", "is no reader (qa_outputs")):
        with pytest.raises(ConfigError, match=re.escape(message)):
            export.load_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b"rubbish"),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "nosuch"}'),
        ("config.json", b'{"model_type": "bert", "hidden_size": "wide"}'),
        ("tokenizer.json", None),
        ("tokenizer.json", b"{}"),
    ],
)
def test_a_broken_checkpoint_is_said(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(checkpoint, broken)
    (broken / name).unlink()
    if content is not None:
        (broken / name).write_bytes(content)
    assert exit_status(lambda: export.main([str(broken), str(tmp_path / "out")])) == 1
    assert f"The checkpoint {broken} cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
