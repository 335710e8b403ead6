"""Readers of one shape -> their average, ``python -m qa.training average``.

Weights of models that were trained on from one another can be averaged, and the average often reads
better than each, most of all on texts that the later training was not about (Wortsman et al. 2022,
arXiv 2109.01903).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from index.errors import ConfigError
from qa.training._files import check_unused, writing
from qa.training.export import load_checkpoint, tell_cases
from qa.training.fit import checkpoint_of


def average(readers: Sequence[tuple[str, float]], out: Path) -> None:
    """Write the weighted mean of ``readers`` to ``out``, as a checkpoint with the first one's tokenizer.

    Each is a checkpoint or an exported reader, as `checkpoint_of` takes it. Raises `ConfigError` if there
    are fewer than two, if a weight is no number above 0, if their shapes or tokenizers differ, or if
    ``out`` holds a model, and `ReaderError` as `Reader.load`.
    """
    total = sum(weight for _, weight in readers)
    if len(readers) < 2 or not all(0 < weight < math.inf for _, weight in readers):
        raise ConfigError("Name two readers or more to average, each with a weight above 0.")
    check_unused(out)
    disable_progress_bar()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [
            checkpoint_of(name, Path(scratch) / str(n)) for n, (name, _) in enumerate(readers)
        ]
        tokenizer = (folders[0] / "tokenizer.json").read_bytes()
        mean = load_checkpoint(folders[0])
        tell_cases(mean.model)
        weights = mean.state_dict()
        for tensor in weights.values():
            tensor.mul_(readers[0][1] / total)
        for folder, (name, weight) in zip(folders[1:], readers[1:], strict=True):
            reader = load_checkpoint(folder)
            tell_cases(reader.model)
            other = reader.state_dict()
            shapes = [{key: one.shape for key, one in each.items()} for each in (weights, other)]
            if shapes[0] != shapes[1] or (folder / "tokenizer.json").read_bytes() != tokenizer:
                raise ConfigError(
                    f"{name} has another shape or tokenizer than {readers[0][0]}; average readers that "
                    "were trained on from one another."
                )
            for key, tensor in weights.items():
                tensor.add_(other[key], alpha=weight / total)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        mean.model.save_pretrained(out)
        (out / "tokenizer.json").write_bytes(tokenizer)
