"""A checkpoint of the reader -> the ONNX file that ships, ``python -m qa.training.export``, and back.

The graph takes ``input_ids``, ``attention_mask`` and ``token_type_ids`` (int64, batch x tokens) and
gives ``start_logits`` and ``end_logits`` (float32, batch x tokens). Weights are stored in one of
the forms of ``VARIANTS``; what each costs in bytes, F1 and time is in the model card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from transformers import AutoConfig, BertConfig, BertForQuestionAnswering
from transformers.utils.logging import disable_progress_bar

from index.errors import ConfigError
from qa.reader import FORMAT, MANIFEST, Reader
from qa.training._command import exit_status
from qa.training._files import brief, readable, write_atomically, writing

VARIANTS = {
    "fp32": "as they are",
    "fp16": "half precision, widened when the model is loaded; computation in fp32",
    "int8": "8-bit integers with a scale for every 128 weights, widened when the model is loaded; "
    "computation in fp32",
    "int8-dynamic": "8-bit integers, and activations rounded to 8 bits on the way; computation in "
    "integers",
}
"""How weights are stored."""

GROUP = 128
"""Weights that share a scale in ``int8``. Mean |logit - fp32 logit| on 200 dev questions, and MB:
384: 0.027, 22.9; 128: 0.023, 23.1; 64: 0.022, 23.5; 32: 0.019, 24.2."""

TOKEN_TYPES = 4
"""Of a reader that is trained: question; title and small words; words with a capital; in capitals."""

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_OUTPUTS = ("start_logits", "end_logits")
_SAME = 1e-3  # between logits of torch and of onnxruntime
_SMALL = 4096  # biases and layer norms below this many numbers stay as they are


class _StartEnd(torch.nn.Module):  # type: ignore[misc]  # mypy skips torch
    """A reader with its inputs in a fixed order and its logits as a pair."""

    def __init__(self, model: BertForQuestionAnswering) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, ids: torch.Tensor, attention: torch.Tensor, types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        out = self.model(input_ids=ids, attention_mask=attention, token_type_ids=types)
        return out.start_logits, out.end_logits


def load_checkpoint(checkpoint: Path) -> _StartEnd:
    """Return the reader in ``checkpoint`` in fp32, ready to infer.

    Raises `ConfigError` for a folder without a checkpoint, for one that is broken, for another architecture
    than BERT, and for one without a reader's weights: they would be drawn at random.
    """
    if not (checkpoint / "config.json").is_file():
        raise ConfigError(
            f"There is no checkpoint in {checkpoint}; name a folder that `fit` wrote."
        )
    with readable(checkpoint):
        kind = AutoConfig.from_pretrained(checkpoint, local_files_only=True).model_type
    if kind != "bert":
        raise ConfigError(
            f"{checkpoint} is a {kind} model; a reader that ships is BERT. Train one from a BERT "
            "checkpoint; this one can be its --teacher."
        )
    # Eager attention: SDPA's graph has guards against NaN that a reader has no use for.
    with readable(checkpoint):
        model, about = BertForQuestionAnswering.from_pretrained(
            checkpoint,
            dtype=torch.float32,
            attn_implementation="eager",
            local_files_only=True,
            output_loading_info=True,
        )
    if missing := sorted(about["missing_keys"]):
        raise ConfigError(
            f"{checkpoint} is no reader ({missing[0]} is missing); name a folder that `fit` wrote."
        )
    # Export restores a wrapper's training mode: the wrapper itself must be in eval mode.
    reader = _StartEnd(model)
    reader.eval()
    return reader


def tell_cases(model: torch.nn.Module) -> None:
    """Give a BERT of two token types, in place, the two of `qa.reader.word_cases`, as copies of the second.

    It reads as before until it is trained. One that has more stays as it is.
    """
    embeddings = model.bert.embeddings
    rows = embeddings.token_type_embeddings.weight.detach()
    if len(rows) == 2:
        wider = torch.nn.Embedding(TOKEN_TYPES, rows.shape[1])
        wider.weight.data = rows[[0, 1, 1, 1]].clone()
        embeddings.token_type_embeddings = wider
        model.config.type_vocab_size = TOKEN_TYPES


def export_graph(model: _StartEnd) -> onnx.ModelProto:
    """Return the fp32 graph of a reader, with free batch and sequence axes."""
    ids = torch.arange(2 * 24).reshape(2, 24)
    attention = torch.ones_like(ids)
    attention[1, 18:] = 0
    types = torch.zeros_like(ids)
    types[:, 8:] = 1
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        # The TorchScript exporter is deprecated; its successor needs onnxscript.
        warnings.simplefilter("ignore")
        path = Path(scratch) / "reader.onnx"
        torch.onnx.export(
            model,
            (ids, attention, types),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=list(_INPUTS),
            output_names=list(_OUTPUTS),
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in (*_INPUTS, *_OUTPUTS)},
        )
        return onnx.load(path)


def store_weights(model: onnx.ModelProto, variant: str) -> onnx.ModelProto:
    """Return the graph with its weights in the form ``variant``; ``model`` is not changed."""
    if variant == "int8-dynamic":
        return _dynamic(model)
    stored = onnx.ModelProto()
    stored.CopyFrom(model)
    if variant != "fp32":
        rows = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
        kept: list[onnx.TensorProto] = []
        widen: list[onnx.NodeProto] = []
        for tensor in model.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.dtype != np.float32 or values.ndim != 2 or values.size < _SMALL:
                kept.append(tensor)
                continue
            pack = _halves if variant == "fp16" else _groups
            tensors, nodes = pack(tensor.name, values, tensor.name in rows)
            kept.extend(tensors)
            widen.extend(nodes)
        nodes = [*widen, *stored.graph.node]
        del stored.graph.initializer[:], stored.graph.node[:]
        stored.graph.initializer.extend(kept)
        stored.graph.node.extend(nodes)
    return stored


def _halves(
    name: str, values: NDArray[np.float32], _by_row: bool
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Store a matrix in half precision."""
    half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
    return [half], [helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)]


def _groups(
    name: str, values: NDArray[np.float32], by_row: bool
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Store a matrix as integers of -127 to 127 times the scale (fp16) of their group.

    A group is a stretch of the axis that is summed over: of a column in a matrix product, of a row
    in a table of embeddings (``by_row``).
    """
    rows, columns = values.shape
    size = _group_size(columns if by_row else rows)
    shape = (rows, -1, size) if by_row else (-1, size, columns)
    grouped = values.reshape(shape)
    widest = np.abs(grouped).max(axis=2 if by_row else 1, keepdims=True)
    scale = np.maximum(widest / 127, np.finfo(np.float16).tiny).astype(np.float16)
    integers = np.clip(np.rint(grouped / scale.astype(np.float32)), -127, 127).astype(np.int8)
    tensors = [
        numpy_helper.from_array(integers, f"{name}.integers"),
        numpy_helper.from_array(scale, f"{name}.scale"),
        numpy_helper.from_array(np.array(values.shape, dtype=np.int64), f"{name}.shape"),
    ]
    to = onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", [f"{name}.integers"], [f"{name}.float"], to=to),
        helper.make_node("Cast", [f"{name}.scale"], [f"{name}.factor"], to=to),
        helper.make_node("Mul", [f"{name}.float", f"{name}.factor"], [f"{name}.groups"]),
        helper.make_node("Reshape", [f"{name}.groups", f"{name}.shape"], [name]),
    ]
    return tensors, nodes


def _group_size(length: int) -> int:
    """Return the largest divisor of ``length`` that is at most ``GROUP``."""
    return max(size for size in range(1, min(GROUP, length) + 1) if length % size == 0)


def _dynamic(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with integer matrix products, as onnxruntime's own tool makes it."""
    with tempfile.TemporaryDirectory() as scratch:
        before, after = Path(scratch) / "before.onnx", Path(scratch) / "after.onnx"
        onnx.save(model, before)
        quantize_dynamic(
            before,
            after,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,  # without VNNI, products of full 8-bit numbers saturate
        )
        return onnx.load(after)


def difference(model: _StartEnd, graph: onnx.ModelProto, seed: int = 0) -> tuple[float, float]:
    """Return the mean and the largest |logit of the graph - logit of the torch model|.

    Measured on random pieces, in batches of several lengths, some rows padded; logits of padding
    do not count.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    generator = torch.Generator().manual_seed(seed)
    config = model.model.config
    errors: list[NDArray[np.float32]] = []
    for rows, tokens in ((1, 5), (3, 40), (4, min(192, config.max_position_embeddings))):
        ids = torch.randint(0, config.vocab_size, (rows, tokens), generator=generator)
        attention = torch.ones_like(ids)
        attention[-1, tokens - tokens // 4 :] = 0
        types = torch.zeros_like(ids)
        types[:, tokens // 3 :] = 1
        types[:, tokens // 2 :] = config.type_vocab_size - 1
        feeds = dict(zip(_INPUTS, (ids.numpy(), attention.numpy(), types.numpy()), strict=True))
        with torch.no_grad():
            wanted = [logits.numpy() for logits in model(ids, attention, types)]
        found = session.run(list(_OUTPUTS), feeds)
        real = attention.numpy().astype(np.bool_)
        errors += [np.abs(a - b)[real] for a, b in zip(found, wanted, strict=True)]
    every = np.concatenate(errors)
    return float(every.mean()), float(every.max())


def write_reader(
    directory: Path, graph: onnx.ModelProto, tokenizer: Tokenizer, about: dict[str, Any]
) -> dict[str, Any]:
    """Write ``reader.onnx``, ``tokenizer.json`` and the manifest; return the manifest.

    ``about`` is added to what ``qa.reader`` needs to load the files.
    """
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    weights = graph.SerializeToString(deterministic=True)
    vocabulary = tokenizer.to_str().encode("utf-8")
    manifest = {
        "format": FORMAT,
        "file": "reader.onnx",
        "size": len(weights),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "tokenizer": "tokenizer.json",
        "tokenizer_sha256": hashlib.sha256(vocabulary).hexdigest(),
        **about,
    }
    # The largest first: a full disk leaves a reader that is there as it is.
    write_atomically(directory / manifest["file"], weights)
    write_atomically(directory / manifest["tokenizer"], vocabulary)
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    write_atomically(directory / MANIFEST, text.encode())
    return manifest


def export(checkpoint: Path, out: Path, variant: str, name: str, base: str) -> dict[str, Any]:
    """Export the reader in ``checkpoint`` to the directory ``out``; return the manifest.

    ``checkpoint`` holds what ``BertForQuestionAnswering.save_pretrained`` writes and a
    ``tokenizer.json``.
    """
    model = load_checkpoint(checkpoint)
    with readable(checkpoint):
        tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    graph = store_weights(export_graph(model), variant)
    mean, largest = difference(model, graph)
    config = model.model.config
    return write_reader(
        out,
        graph,
        tokenizer,
        {
            "name": name,
            "base": base,
            "variant": variant,
            "license": "Apache-2.0",
            "max_length": config.max_position_embeddings,
            "token_types": config.type_vocab_size,
            "layers": config.num_hidden_layers,
            "width": config.hidden_size,
            "heads": config.num_attention_heads,
            "inputs": list(_INPUTS),
            "labels": list(_OUTPUTS),
            "torch_difference": {"mean": round(mean, 7), "max": round(largest, 7)},
        },
    )


def restore(directory: Path, out: Path) -> None:
    """Write the reader in ``directory`` to ``out`` as a checkpoint, to train on from there.

    The weights are those that the reader computes with, rounded as they were stored. Raises
    `ReaderError` as `Reader.load`, and `ConfigError` for a reader of integer products
    (``int8-dynamic``) or one that is not what its manifest says.
    """
    Reader.load(directory, threads=1)
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        graph = onnx.load(directory / manifest["file"])
        weights = _weights(graph)
        table, inner = (
            weights[f"bert.{name}"]
            for name in (
                "embeddings.word_embeddings.weight",
                "encoder.layer.0.intermediate.dense.weight",
            )
        )
        config = BertConfig(
            vocab_size=len(table),
            hidden_size=manifest["width"],
            num_hidden_layers=manifest["layers"],
            num_attention_heads=manifest["heads"],
            intermediate_size=len(inner),
            max_position_embeddings=manifest["max_length"],
            type_vocab_size=manifest.get("token_types", 2),
        )
        model = BertForQuestionAnswering._from_config(config, attn_implementation="eager")
        model.load_state_dict(weights)
    except Exception as exc:  # transformers and torch raise all kinds
        raise ConfigError(
            f"{directory} holds no reader to train on from ({type(exc).__name__}: {brief(exc)}); "
            "export it again."
        ) from exc
    reader = _StartEnd(model)
    reader.eval()
    largest = difference(reader, graph)[1]
    if largest > _SAME:
        raise ConfigError(
            f"The reader in {directory} is not what its manifest says: as a checkpoint its logits "
            f"differ by {largest:.2g}; export it again."
        )
    model.save_pretrained(out)
    Tokenizer.from_file(str(directory / manifest["tokenizer"])).save(str(out / "tokenizer.json"))


def _weights(graph: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """Return a graph's weights under the names of `BertForQuestionAnswering`, in fp32."""
    stored = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    found: dict[str, NDArray[Any]] = {}
    for name, values in stored.items():
        whole, _, form = name.rpartition(".")
        if form == "integers":
            scale = stored[f"{whole}.scale"].astype(np.float32)
            found[whole] = (values * scale).reshape(stored[f"{whole}.shape"])
        elif form not in ("scale", "shape"):
            found[whole if form == "half" else name] = values
    # The exporter turns matrices round, and names them anew; their products are named by module.
    for node in graph.graph.node:
        if node.op_type == "MatMul" and node.input[1] in found:
            module = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            found[f"{module}.weight"] = found[node.input[1]].T
    return {
        name.removeprefix("model."): torch.from_numpy(values.astype(np.float32))
        for name, values in found.items()
        if name.startswith("model.")
    }


def parser() -> argparse.ArgumentParser:
    """Return what understands the arguments."""
    found = argparse.ArgumentParser(
        prog="python -m qa.training.export", description="Export a reader's checkpoint to ONNX."
    )
    found.add_argument("checkpoint", type=Path, help="directory of a BertForQuestionAnswering")
    found.add_argument("out", type=Path, help="directory to write, such as qa/models/reader")
    found.add_argument(
        "--variant",
        choices=VARIANTS,
        default="int8",
        help="; ".join(f"{name}: weights {text}" for name, text in VARIANTS.items()),
    )
    found.add_argument(
        "--name", help="what the manifest calls it; by default as CHECKPOINT's folder"
    )
    found.add_argument(
        "--base", default="sentence-transformers/all-MiniLM-L6-v2", help="what it was tuned from"
    )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = parser().parse_args(arguments)
    disable_progress_bar()
    name = given.name or given.checkpoint.resolve().name
    manifest = export(given.checkpoint, given.out, given.variant, name, given.base)
    print(json.dumps(manifest, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
