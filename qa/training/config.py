"""How a reader is trained: what ``python -m qa.training fit`` is told. Loads without torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

from index.errors import ConfigError

_LARGEST_SEED = 10**12
"""torch takes 64 bits, and a step's is a million times the run's."""


@dataclass(frozen=True, slots=True)
class FitConfig:
    """How the reader is trained. One of ``minutes`` and ``epochs`` says for how long.

    ``head`` multiplies the learning rate of the two output vectors, ``layer_decay`` that of each layer
    for every layer above it. ``types`` multiplies that of the four token types, whose two of capitals begin as
    copies: at the rate of the other weights they hardly move. With ``freeze`` above 0 so many of the lowest layers, and
    the embeddings, are not trained, which is faster. ``average`` is the decay of the moving average of the weights, which is
    what is measured and kept. ``evaluations`` are spread evenly over the run; after ``patience`` of them
    without a better F1 it stops. ``temperature`` and ``teacher_weight`` are those with which a larger
    reader's distillation gained 1.1 to 1.4 F1 in published runs. ``precision``, fp32 or bf16, is that of
    matrix products; by default bf16 on graphics cards and processors that multiply it in hardware, where it trains
    twice as fast (AMX) or 1.5 times (AVX512_BF16). ``dropout`` is that of hidden states; attention has none,
    as torch's fast attention on a CPU cannot drop, and costs a third of the speed where it does.
    """

    minutes: float | None = None
    epochs: float | None = None
    lr: float = 6e-5
    batch: int = 32
    seed: int = 0
    dropout: float = 0.1
    weight_decay: float = 0.01
    warmup: float = 0.06
    clip: float = 1.0
    head: float = 5.0
    types: float = 30.0
    layer_decay: float = 1.0
    freeze: int = 0
    average: float = 0.999
    evaluations: int = 10
    patience: int = 4
    dev_limit: int = 600
    checkpoint_minutes: float = 3.0
    log_every: int = 50
    temperature: float = 1.5
    teacher_weight: float = 0.75
    device: str = ""
    precision: str = ""

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            endless = one.name in ("clip", "checkpoint_minutes")  # not clipped, none written
            if isinstance(value, float) and not (math.isfinite(value) or (endless and value > 0)):
                raise ConfigError(f"{one.name} is {value}; give a number.")
        if (self.minutes is None) == (self.epochs is None):
            raise ConfigError("Say how long to train: either minutes or epochs, not both.")
        if (self.minutes or self.epochs or 0) <= 0:
            raise ConfigError("The minutes or epochs to train must be more than 0.")
        whole = (self.batch, self.evaluations, self.patience, self.dev_limit, self.log_every)
        if min(whole) < 1 or min(self.lr, self.temperature, self.clip) <= 0:
            raise ConfigError(
                "batch, evaluations, patience, dev_limit and log_every must be at least 1, "
                "lr, temperature and clip above 0."
            )
        if self.freeze < 0:
            raise ConfigError("The number of layers to freeze cannot be below 0.")
        if min(self.weight_decay, self.head, self.types, self.layer_decay) < 0:
            raise ConfigError("weight_decay, head, types and layer_decay cannot be below 0.")
        if not 0 <= self.seed <= _LARGEST_SEED:
            raise ConfigError(f"seed is {self.seed}; give a number from 0 to {_LARGEST_SEED:,}.")
        if not re.fullmatch(r"((cpu|cuda)(:\d+)?)?", self.device):
            raise ConfigError(f"device is cpu or cuda, not {self.device!r}.")
        if self.precision not in ("", "fp32", "bf16"):
            raise ConfigError(f"precision is fp32 or bf16, not {self.precision!r}.")
        shares = (self.dropout, self.warmup, self.average, self.teacher_weight)
        if not all(0 <= share <= 1 for share in shares):
            raise ConfigError("dropout, warmup, average and teacher_weight must be from 0 to 1.")
