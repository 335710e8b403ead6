"""Articles that are handed in through the chat: kept beside the index, then indexed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from index.build import BuildReport, Progress, update_index
from index.embed import Embedder, SentenceEmbedder
from index.errors import ConfigError
from index.store import Store

FOLDER = "uploads"
"""Where uploads are kept, inside the index's folder."""

_UNSAFE = re.compile(r"[^\w. ()-]+")

_STAGES = {
    "read": (0.0, 0.2, "Reading the files"),
    "embed": (0.2, 0.7, "Embedding passages"),
    "write": (0.9, 0.1, "Writing the index"),
}
"""Where each stage begins on a bar from 0 to 1, its share of the bar, and its name."""


class Uploads:
    """Adds files to the index at ``index_dir`` while it is being asked."""

    def __init__(
        self, index_dir: Path, make_embedder: Callable[[str], Embedder] = SentenceEmbedder
    ) -> None:
        self._index_dir = index_dir
        self._make_embedder = make_embedder

    def add(self, files: Sequence[Path], progress: Callable[[float, str], None]) -> BuildReport:
        """Keep copies of ``files`` and update the index from them; return what changed.

        A file that is already kept is not kept twice; one with a name that is taken gets another
        name, so that nothing kept is ever overwritten. ``progress`` takes how much is done, from 0 to
        1, and what is being done. Raises `ConfigError` if a copy cannot be made, and what
        `update_index` raises.
        """
        folder = self._index_dir / FOLDER
        model = Store(self._index_dir).open(encoder=False).manifest.embedder.name
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            for file in files:
                _keep(file, folder)
        except OSError as exc:
            raise ConfigError(
                f"The uploads could not be kept in {str(folder)!r} ({exc.strerror}); free space or "
                "fix its permissions."
            ) from exc

        def show(stage: Progress) -> None:
            start, share, name = _STAGES[stage.stage]
            progress(start + share * stage.done / max(1, stage.total), name)

        return update_index(
            self._index_dir, [folder], embedder=self._make_embedder(model), progress=show
        )


def _keep(file: Path, folder: Path) -> None:
    data = file.read_bytes()
    name = Path(_UNSAFE.sub("_", file.name).lstrip(".") or "article.txt")
    target, number = folder / name, 1
    while target.exists():
        if target.read_bytes() == data:
            return
        number += 1
        target = folder / f"{name.stem}-{number}{name.suffix}"
    unfinished = folder / f".{target.name}.part"  # hidden files are not indexed
    unfinished.write_bytes(data)
    unfinished.replace(target)
