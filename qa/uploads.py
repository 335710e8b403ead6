"""Articles that are handed in through the chat: kept beside the index, then indexed."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize

from index._fs import FileSystem
from index.build import BuildReport, Progress, update_index
from index.embed import Embedder, SentenceEmbedder
from index.errors import ConfigError
from index.store import Store
from index.types import ROW

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
    """Adds files to the index at ``index_dir`` while it is being asked.

    May be used from several threads: updates take turns, and share one embedding model.
    ``fs`` is what changes the disk; a test hands in one that fails.
    """

    def __init__(
        self,
        index_dir: Path,
        make_embedder: Callable[[str], Embedder] = SentenceEmbedder,
        fs: FileSystem | None = None,
    ) -> None:
        self._index_dir = index_dir
        self._fs = FileSystem() if fs is None else fs
        self._embedder = lru_cache(maxsize=1)(make_embedder)
        self._keeping = threading.Lock()
        self._turn = threading.Lock()

    def add(self, files: Sequence[Path], progress: Callable[[float, str], None]) -> BuildReport:
        """Keep copies of ``files`` and update the index from them; return what changed.

        A file that is already kept is not kept twice, and comes back if it was taken out of the
        index; one with a name that is taken gets another
        name, so that nothing kept is ever overwritten. Of what is skipped only these files, and their
        rows, are in the report. ``progress`` takes how much is done, from 0 to
        1, and what is being done. Raises `ConfigError` if a copy cannot be made, and what
        `update_index` raises.
        """
        folder = self._index_dir / FOLDER
        model = self._model()
        try:
            with self._keeping:
                self._fs.make_dir(folder)
                names = {self._keep(file, folder) for file in files}
                # What is handed in may be the only copy: it must outlast a power cut.
                self._fs.sync_dir(folder)
                self._fs.sync_dir(folder.parent)
        except OSError as exc:
            raise ConfigError(
                f"The uploads could not be kept in {str(folder)!r} ({exc.strerror}); free space or "
                "fix its permissions."
            ) from exc

        def show(stage: Progress) -> None:
            start, share, name = _STAGES[stage.stage]
            progress(start + share * stage.done / max(1, stage.total), name)

        report = self._update(model, [folder], show, [folder / name for name in names])
        told = (one for one in report.skipped if _file_name(one.source) in names)
        return replace(report, skipped=tuple(told))

    def update(self, folders: Sequence[Path], progress: Callable[[Progress], None]) -> BuildReport:
        """Update ``folders`` in the index, with the model that it was made with.

        Raises what `update_index` and `Store.open` raise.
        """
        return self._update(self._model(), folders, progress)

    def _model(self) -> str:
        return Store(self._index_dir).open(encoder=False).manifest.embedder.name

    def _update(
        self,
        model: str,
        folders: Sequence[Path],
        progress: Callable[[Progress], None],
        restore: Sequence[Path] = (),
    ) -> BuildReport:
        with self._turn:
            return update_index(
                self._index_dir,
                folders,
                embedder=self._embedder(model),
                restore=restore,
                progress=progress,
                fs=self._fs,
            )

    def _keep(self, file: Path, folder: Path) -> str:
        """Return the name under which ``file`` is in ``folder`` now."""
        data = file.read_bytes()
        name = Path(_UNSAFE.sub("_", normalize("NFC", file.name)).lstrip(".") or "article.txt")
        target, number = folder / name, 1
        while target.exists():
            if target.read_bytes() == data:
                return target.name
            number += 1
            target = folder / f"{name.stem}-{number}{name.suffix}"
        unfinished = folder / f".{target.name}.part"  # hidden files are not indexed
        self._fs.write_file(unfinished, data)
        self._fs.replace(unfinished, target)
        return target.name


def _file_name(source: str) -> str:
    """Return the name of the file that a document, or a row of a table, was read from."""
    return source.split(ROW)[0].rpartition("/")[2]
