"""Follow folders: bring the index up to date whenever something in them changes. Prints nothing.

An event is only a hint that it is time for an update, which then compares every file with the
index. So no event needs to be understood, and one thing must hold: an update begins after the last
change. It holds because each round subscribes first, to all folders as they then are, and updates
next; whatever happens after the subscription starts another round once all is quiet.
"""

from __future__ import annotations

import math
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import watchfiles

from index.build import BuildReport, Progress, followed_folders
from index.errors import FootnoteError, IndexError_, IndexLocked, IndexMissing, LoadError
from index.load import find_files
from index.store import Store
from index.types import Skipped

_STEP = 0.1
"""Seconds between two looks at a flag: ten a second cost nothing that could be measured."""

_BUSY = 10
"""Where events cannot be had, looking takes at most a tenth of the time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast changes are followed, in seconds."""

    quiet: float = 1.0
    """An update begins when nothing has changed for so long: an editor saves in several steps, and
    copying many files is one change. A person waits longer for the embedding than for this."""

    longest: float = 10.0
    """While changes never cease an update begins all the same after so long."""

    look: float = 1.0
    """Between looks at what makes no event: a folder that is gone, back or another one, a list of
    followed folders that another process changed."""

    retry: float = 5.0
    """Between tries while another process writes to the index."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps an update back, as a sentence; following goes on."""

    message: str


class Update(Protocol):
    """Updates the index from these folders, and calls ``progress`` now and then meanwhile."""

    def __call__(
        self, folders: Sequence[Path], progress: Callable[[Progress], None], /
    ) -> BuildReport:
        """Return what changed; raise what `index.build.update_index` raises."""


def follow(
    index_dir: str | Path,
    folders: Sequence[str | Path],
    update: Update,
    *,
    stop: threading.Event,
    pace: Pace = Pace(),
) -> Iterator[BuildReport | Trouble]:
    """Call ``update`` at once and after every change in ``folders``, until ``stop`` is set.

    Without ``folders``, those that the index follows are watched, as they are at any time; of ``folders``,
    those that it follows. One that is taken out of the index is said and left, and when none
    that was named is left, following ends. Yields
    the report of each update that wrote a generation, its ``skipped`` without what the report
    before had, and a `Trouble` for each update that failed. That is tried again at the next change;
    one that found the index locked also after a while, which is said once. A folder that is gone
    is said once and left out, so that its articles stay in the index, until it is back. Hidden files and
    the index's own are no change. ``stop`` also ends an update under way, between two files or two
    batches of texts, by an exception in ``progress``.

    Changes are had from the operating system. Where it cannot watch (too many folders), they are
    looked for, which is said once; a hidden file then makes an update that finds nothing. A file
    system that never tells (of another machine) needs the variable ``WATCHFILES_FORCE_POLLING``:
    watchfiles then compares times, in whole seconds, so the last of several saves within one may
    wait for the next change.

    Raises `IndexMissing` where ``index_dir`` is relative and the current folder is gone.
    """
    return _Follower(index_dir, folders, update, stop, pace).run()


@contextmanager
def following(
    index_dir: str | Path,
    folders: Sequence[str | Path],
    update: Update,
    show: Callable[[BuildReport | Trouble], None],
    *,
    pace: Pace = Pace(),
) -> Iterator[None]:
    """Do what `follow` does in a thread and hand ``show`` what it yields; leaving it ends the thread."""
    stop = threading.Event()

    def run() -> None:
        try:
            for event in follow(index_dir, folders, update, stop=stop, pace=pace):
                show(event)
        except IndexMissing as exc:
            show(Trouble(str(exc)))

    thread = threading.Thread(target=run, name="footnote-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class _StoppedError(Exception):
    """An update was told to stop."""


_Identity = tuple[int, int]
"""Device and inode."""


class _Follower:
    def __init__(
        self,
        index_dir: str | Path,
        folders: Sequence[str | Path],
        update: Update,
        stop: threading.Event,
        pace: Pace,
    ) -> None:
        self._index_dir = Path(index_dir)
        self._named = {os.path.realpath(folder) for folder in folders}
        self._update = update
        self._stop = stop
        self._pace = pace
        self._followed = tuple(sorted(map(Path, self._named)))
        self._followed_at = ""
        self._unopened = ""
        self._updating: tuple[Path, ...] = ()
        self._events = True
        self._locked = False
        self._skipped: frozenset[Skipped] = frozenset()

    def run(self) -> Iterator[BuildReport | Trouble]:
        gone: set[Path] = set()
        roots: tuple[Path, ...] = ()
        while not self._stop.is_set():
            before, roots = roots, self._roots()
            for root in before:
                if root not in roots:
                    yield Trouble(
                        f"The folder '{root}' was taken out of the index; it is followed no longer."
                    )
            if self._named and not roots:
                yield Trouble("None of the folders to follow is in the index; following ends.")
                return
            if self._unopened and not roots:  # otherwise the update says so
                yield Trouble(self._unopened)
            present = _present(roots)
            for root in roots:
                if root not in present and root not in gone:
                    yield Trouble(
                        f"The folder '{root}' is gone; its articles stay in the index, and it is "
                        f"followed again when it is back."
                    )
            gone = set(roots) - present.keys()
            self._updating = roots
            with _Changes(present, self._where(), self._pace, events=self._events) as changes:
                if present:
                    yield from self._bring_up_to_date(tuple(present))
                self._wait(changes, roots, present)
                self._settle(changes)
            # A folder that went just before it was subscribed to is merely left out next time.
            if changes.failure is not None and not isinstance(changes.failure, FileNotFoundError):
                self._events = False
                yield Trouble(
                    f"Changes cannot be had from the system ({changes.failure}); they are looked "
                    f"for every {self._pace.look:g} seconds instead."
                )

    def _bring_up_to_date(self, folders: Sequence[Path]) -> Iterator[BuildReport | Trouble]:
        try:
            report = self._update(folders, self._check)
        except _StoppedError:
            return
        except IndexLocked:
            if not self._locked:
                yield Trouble(
                    f"Another process is writing to the index at '{self._index_dir}'; the update "
                    f"is tried again every {self._pace.retry:g} seconds."
                )
            self._locked = True
            return
        except FootnoteError as exc:
            self._locked = False
            yield Trouble(str(exc))
            return
        self._locked = False
        before, self._skipped = self._skipped, frozenset(report.skipped)
        if report.written:
            yield replace(report, skipped=tuple(s for s in report.skipped if s not in before))

    def _where(self) -> Path:
        try:
            return self._index_dir.resolve()
        except FileNotFoundError as exc:
            raise IndexMissing(
                f"Changes are followed no longer: the current folder is gone, and with it the index "
                f"at '{self._index_dir}'; begin again in the folder where it is."
            ) from exc

    def _check(self, progress: Progress) -> None:
        # At its first call an update holds the lock: what was taken out just before is not put back.
        begins = (progress.stage, progress.done) == ("read", 0)
        if self._stop.is_set() or (begins and self._roots() != self._updating):
            raise _StoppedError

    def _roots(self) -> tuple[Path, ...]:
        """Return the folders to follow; those known before while the index cannot be opened."""
        token = Store(self._index_dir).current()
        if token != self._followed_at:
            try:
                followed = followed_folders(self._index_dir)
            except IndexError_ as exc:
                self._unopened = str(exc)
            else:
                self._unopened = ""
                self._followed_at = token
                self._followed = tuple(folder for folder in followed if self._is_named(folder))
        return self._followed

    def _is_named(self, folder: Path) -> bool:
        # One that is gone, or another one, was followed before under the name that the index has for it.
        named = folder in self._followed or os.path.realpath(folder) in self._named
        return named or not self._named

    def _moved(self, roots: tuple[Path, ...], present: Mapping[Path, _Identity]) -> bool:
        """Tell whether the subscription is to other folders than those to follow now."""
        now = self._roots()
        return now != roots or _present(now) != present

    def _wait(
        self, changes: _Changes, roots: tuple[Path, ...], present: Mapping[Path, _Identity]
    ) -> None:
        """Wait for a change, or whatever else asks for a new round."""
        now = time.monotonic()
        retry = now + self._pace.retry if self._locked else math.inf
        look = now + self._pace.look
        while not changes.count and now < retry and not self._stop.wait(_STEP):
            now = time.monotonic()
            if now >= look:
                if self._moved(roots, present):
                    return
                look = now + self._pace.look

    def _settle(self, changes: _Changes) -> None:
        """Wait until nothing changes any more, or for long enough."""
        now = started = time.monotonic()
        quiet = started + self._pace.quiet
        while now < min(quiet, started + self._pace.longest) and not self._stop.wait(_STEP):
            now = time.monotonic()
            quiet = max(started, changes.last) + self._pace.quiet


class _Changes:
    """Counts the changes under folders from the moment it is made until it is left.

    ``count`` only grows, ``last`` is when it last did. ``failure`` is why changes can no longer be
    had from the system, which counts as a change.
    """

    def __init__(self, roots: Collection[Path], index: Path, pace: Pace, *, events: bool) -> None:
        self.count = 0
        self.last = -math.inf
        self.failure: Exception | None = None
        self._roots = tuple(Path(os.path.realpath(root)) for root in roots)
        self._index = index
        self._pause = pace.look
        self._ready = threading.Event()
        self._left = threading.Event()
        self._thread = threading.Thread(
            target=self._receive if events else self._look,
            name="footnote-changes",
            daemon=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left.set()
        self._thread.join()

    def is_set(self) -> bool:
        """Tell watchfiles whether to stop. It asks every step, and first when it has subscribed."""
        self._ready.set()
        return self._left.is_set()

    def _note(self) -> None:
        self.last = time.monotonic()
        self.count += 1

    def _receive(self) -> None:
        step = round(1000 * _STEP)
        try:
            # Without a timeout: at each one, watchfiles forgets what has just come in.
            for _ in watchfiles.watch(
                *self._directories(),
                recursive=False,
                watch_filter=lambda _, path: self._is_news(Path(path)),
                debounce=step,
                step=step,
                stop_event=self,
                rust_timeout=0,
            ):
                self._note()
        except (OSError, RuntimeError, ValueError) as exc:
            # No more watches, a name that is not UTF-8, a folder that went after it was found.
            self.failure = exc
            self._note()
        finally:
            self._ready.set()

    def _directories(self) -> Iterator[str]:
        """Yield every folder that an update would look into, one by one.

        Left to itself, watchfiles goes into hidden folders and follows links out of the roots; and
        at one that it may not read it loses those that come after.
        """
        for root in self._roots:
            for parent, names, _ in os.walk(root):
                yield parent
                names[:] = [name for name in names if self._is_news(Path(parent, name))]

    def _look(self) -> None:
        before = self._listing()
        self._ready.set()
        pause = self._pause
        while not self._left.wait(pause):
            started = time.monotonic()
            now = self._listing()
            if now != before:
                before = now
                self._note()
            pause = max(self._pause, _BUSY * (time.monotonic() - started))

    def _listing(self) -> set[tuple[str, int, int, int]]:
        """Return path, inode, size and time of every file that an update would read, and every folder.

        The time of a folder tells of a file that has come and gone between two looks: an update
        may have read it.
        """
        listing = set()
        for folder in self._directories():
            with suppress(OSError):
                found = Path(folder).stat()
                listing.add((folder, found.st_ino, 0, found.st_mtime_ns))
        for root in self._roots:
            with suppress(LoadError):
                for file in find_files(root, root.name)[0]:
                    if self._is_news(file.path):
                        with suppress(OSError):
                            found = file.path.stat()
                            listing.add(
                                (str(file.path), found.st_ino, found.st_size, found.st_mtime_ns)
                            )
        return listing

    def _is_news(self, path: Path) -> bool:
        """Tell whether a change there can matter: neither hidden nor the index's own."""
        for root in self._roots:
            if path.is_relative_to(root):
                own = path.is_relative_to(self._index) and not root.is_relative_to(self._index)
                hidden = any(name.startswith(".") for name in path.relative_to(root).parts)
                if not own and not hidden:
                    return True
        return False


def _present(roots: Collection[Path]) -> dict[Path, _Identity]:
    """Return the folders that are there, and which they are."""
    present = {}
    for root in roots:
        with suppress(OSError):
            found = root.stat()
            if stat.S_ISDIR(found.st_mode):
                present[root] = (found.st_dev, found.st_ino)
    return present
