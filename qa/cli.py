"""The ``footnote`` command: arguments and printing; no logic.

Exit status: 0, 1 for a failure that the user can act on (one line on stderr), 2 for wrong usage, 130 after
Ctrl-C.
Heavy libraries are imported by the commands that need them: ``footnote ask`` must not wait.
"""

from __future__ import annotations

import errno
import io
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.errors import ConfigError, FootnoteError
from qa import __version__

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from index.build import BuildReport
    from index.build import Progress as Stage
    from index.embed import Embedder
    from index.load import LoadLimits
    from index.store import Generation
    from index.types import Document
    from index.watch import Trouble
    from qa.answer import QA
    from qa.types import Answer, Citation, Difference, Report

DEFAULT_INDEX = ".footnote"

_PLACES = {"n_answerable": 0, "latency_ms": 0} | dict.fromkeys(
    ("mrr", "ece", "auroc", "aurc", "threshold"), 3
)
"""Decimals of a metric in a table; rates in percent have one."""

_JOINERS = "\u200c\u200d"
"""Within words of Persian and emoji of several parts."""

_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a disk says that takes no more."""

DUPLICATES_SHOWN = 50
"""Near-duplicates that `footnote index` names; a table with rows repeated thousands of times has more."""


class _Command(click.Group):
    """A group whose commands turn a `FootnoteError` into one line on stderr and status 1.

    So does stdout that cannot be written; whoever opens other files says what is wrong with them.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as exc:
            if exc.filename is not None or exc.errno not in _REFUSED:
                raise
            click.echo(
                f"footnote: The output could not be written ({exc.strerror}); free space or send "
                "it elsewhere.",
                err=True,
            )
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):  # as stderr does, and not all are UTF-8
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except FootnoteError as exc:
            click.echo(f"footnote: {exc}", err=True)
            ctx.exit(1)
        except BrokenPipeError:
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("footnote: Interrupted.", err=True)
            ctx.exit(128 + signal.SIGINT)


_index_option = click.option(
    "--index",
    "index_dir",
    type=click.Path(readable=False, path_type=Path),  # the store says what is wrong with it
    default=DEFAULT_INDEX,
    show_default=True,
    help="The folder that holds the index.",
)


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="footnote")
def main() -> None:
    """Ask a folder of articles; the answer is in their own words, with the footnote that proves it."""


@main.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@_index_option
@click.option("--model", default=None, help="The sentence-transformers model that embeds.")
@click.option("--rebuild", is_flag=True, help="Build anew, with another model for example.")
@click.option(
    "--include",
    multiple=True,
    metavar="PATTERN",
    help="Only files like this (*.md); see --exclude.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="No files like this (drafts/*). Of --include and --exclude one replaces both that are remembered.",
)
@click.option("--title-column", metavar="NAME", help="Of .csv, .jsonl: holds titles ('': found).")
@click.option("--text-column", metavar="NAME", help="Of .csv, .jsonl: holds texts ('': found).")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option(
    "--yes",
    is_flag=True,
    help="Go ahead even if over half of the index would go, or what a folder held that is gone or empty.",
)
@click.option(
    "--max-seconds",
    type=click.FloatRange(0, min_open=True),
    default=20,
    show_default=True,
    help="Skip a file that takes longer to read.",
)
@click.option(
    "--max-memory",
    type=click.IntRange(128),
    default=1024,
    show_default=True,
    metavar="MB",
    help="Skip a file that takes more memory to read (not on macOS).",
)
@click.option("--watch", is_flag=True, help="Then follow changes until Ctrl-C.")
def index(
    folders: tuple[Path, ...],
    index_dir: Path,
    model: str | None,
    rebuild: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    title_column: str | None,
    text_column: str | None,
    dry_run: bool,
    yes: bool,
    max_seconds: float,
    max_memory: int,
    watch: bool,
) -> None:
    """Build the index of FOLDERS, or update it: only what changed is read and embedded again.

    Without FOLDERS, every folder that is already in the index is updated.
    """
    if watch and dry_run:
        raise click.UsageError("--watch and --dry-run exclude each other")
    columns_named = title_column is not None or text_column is not None
    if columns_named and not folders:
        raise click.UsageError("--title-column and --text-column are for FOLDERS: name them too")
    if (include or exclude) and not folders:
        raise click.UsageError("--include and --exclude are for FOLDERS: name them too")
    with _until_stopped() if watch else nullcontext(threading.Event()) as stop:
        from index.build import update_index
        from index.embed import DEFAULT_MODEL, SentenceEmbedder
        from index.load import Columns, LoadLimits
        from index.store import Store

        embedder = None if model is None else SentenceEmbedder(model)
        limits = LoadLimits(seconds=max_seconds, memory_bytes=max_memory << 20)
        with _progress() as bar:
            report = update_index(
                index_dir,
                folders,
                embedder=embedder,
                rebuild=rebuild,
                include=include,
                exclude=exclude,
                columns=Columns(title_column or None, text_column or None)
                if columns_named
                else None,
                dry_run=dry_run,
                confirm=yes,
                progress=_stages(bar),
                limits=limits,
            )
        _print_build(report, dry_run=dry_run)
        if watch:
            # One for all updates: a model that could not be exported is loaded for the first alone.
            kept = embedder or SentenceEmbedder(
                Store(index_dir).salvage().embedder or DEFAULT_MODEL
            )
            _watch(index_dir, folders, kept, limits, stop, confirm=yes)


@main.command()
@click.argument("question")
@_index_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option(
    "--top",
    type=click.IntRange(1, 50),
    default=5,
    show_default=True,
    help="Answers, and citations of each, at most.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=None,
    help="Confidence below which to refuse; 0: only where nothing is found.",
)
def ask(question: str, index_dir: Path, as_json: bool, top: int, threshold: float | None) -> None:
    """Answer QUESTION from the index, with the places that say so."""
    from qa.answer import QA

    qa = QA.open(index_dir)
    _warn(qa, index_dir)
    answer = qa.ask(question, threshold=threshold, top=top)
    if as_json:
        _print_json(answer.to_dict())
    else:
        _print_answer(answer)


@main.command()
@_index_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True)
@click.option("--auth", metavar="USER:PASSWORD", default=None, help="Ask visitors for these.")
@click.option("--open/--no-open", "open_browser", default=False, help="Open a browser.")
@click.option("--watch", is_flag=True, help="Follow changes in the folders of the index.")
def chat(
    index_dir: Path, host: str, port: int, auth: str | None, open_browser: bool, watch: bool
) -> None:
    """Serve the web chat."""
    user, colon, password = (auth or "").partition(":")
    if auth is not None and not (user and colon and password):
        raise click.UsageError("--auth takes USER:PASSWORD, both not empty")

    from qa.answer import QA
    from qa.uploads import Uploads

    qa = QA.open(index_dir)
    _warn(qa, index_dir)

    from ui.app import serve  # loads Gradio: what is wrong is said before

    uploads = Uploads(index_dir)
    followed: AbstractContextManager[None] = nullcontext()
    if watch:
        from index.watch import following

        followed = following(index_dir, (), uploads.update, _show_change)
    with followed:
        server = serve(
            qa,
            host=host,
            port=port,
            auth=(user, password) if auth else None,
            rebuild=uploads.add,
            open_browser=open_browser,
            block=False,
        )
        click.echo(f"The chat is on {server.url} - Ctrl-C ends it.", err=True)
        server.wait()


@main.command()
@_index_option
def check(index_dir: Path) -> None:
    """Verify every byte of the index."""
    from index.store import Store
    from qa.answer import confidence_problem

    store = Store(index_dir)
    findings = store.check()
    for finding in findings:
        click.echo(str(finding), err=True)
    problems = [one for one in (confidence_problem(index_dir), store.exposure()) if one is not None]
    if findings:
        for problem in problems:
            click.echo(problem, err=True)
        raise FootnoteError(store.verdict(findings))
    if problems:
        raise FootnoteError(" ".join(problems))
    click.echo(f"Every byte of {str(index_dir)!r} is what its manifest says.")


@main.command("list")
@_index_option
def list_documents(index_dir: Path) -> None:
    """List what is indexed: documents, passages, dates, last changes, near-duplicates; a total."""
    from collections import Counter

    from index.duplicates import find_duplicates
    from index.store import Store

    generation = Store(index_dir).open(encoder=False)
    _warn(generation, index_dir)
    passages = Counter(chunk.doc_id for chunk in generation.chunks)
    changed = {
        document: _minute(record.mtime_ns)
        for record in generation.manifest.files.values()
        for document in record.documents
    }
    _print_table(
        ("source", "title", "date", "passages", "changed"),
        [
            (
                document.source,
                document.title,
                document.date or "",
                f"{passages[document.id]:,}",
                changed.get(document.id, ""),
            )
            for document in generation.documents
        ],
    )
    counts = ((len(generation.documents), "document"), (len(generation.chunks), "passage"))
    click.echo(", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counts))
    duplicates = find_duplicates(generation.documents)
    _print_table((), [("duplicate", f"{one.source}: {one.note}") for one in duplicates])


@main.command()
@click.argument("names", nargs=-1, required=True)
@_index_option
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@click.option("--yes", is_flag=True, help="Go ahead even if over half of the index would go.")
def remove(names: tuple[str, ...], index_dir: Path, dry_run: bool, yes: bool) -> None:
    """Take NAMES, folders or sources as `footnote list` shows them, out of the index.

    The files themselves stay. A file that was taken out comes back when it changes, and
    one that was added in the chat when it is added there again.
    """
    from dataclasses import replace

    from index.build import remove_from_index

    report = remove_from_index(index_dir, names, confirm=yes, dry_run=dry_run)
    _print_build(replace(report, skipped=()), dry_run=dry_run)  # no folder was looked into


@main.command()
@_index_option
def rollback(index_dir: Path) -> None:
    """Go back to the generation of the index before this one."""
    from index.store import Store

    number = Store(index_dir).rollback()
    click.echo(f"The index in {str(index_dir)!r} is generation {number} again.")


@main.command()
@_index_option
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list of what was timed, for programs."
)
def bench(index_dir: Path, as_json: bool) -> None:
    """Measure how fast this machine answers from the index; close other programs first."""
    from dataclasses import asdict

    from qa.bench import benchmark

    timings = benchmark(index_dir)
    if as_json:
        click.echo(json.dumps([asdict(timing) for timing in timings], indent=2))
        return
    _print_table(
        ("", "median ms", "slowest ms", "runs"),
        [
            (timing.what, f"{timing.median:,.0f}", f"{timing.slowest:,.0f}", str(timing.runs))
            for timing in timings
        ],
    )


@main.command("eval")
@click.argument("kind", type=click.Choice(["reading", "retrieval", "answers"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--limit", type=click.IntRange(1), default=None, help="Ask only so many, drawn at random."
)
@click.option("--seed", type=int, default=None, help="Of that draw; 0 where none is given.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=None,
    help="For answers: confidence below which to refuse.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
@click.option(
    "--predictions",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write a row a question to this .jsonl.",
)
@click.option(
    "--compare",
    "runs",
    nargs=2,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="A B",
    help="Ask nothing: compare two files that --predictions wrote of FILE.",
)
def evaluate(
    kind: str,
    file: Path,
    limit: int | None,
    seed: int | None,
    threshold: float | None,
    as_json: bool,
    predictions: Path | None,
    runs: tuple[Path, Path] | None,
) -> None:
    """Measure reading, retrieval or answers on a question FILE (.jsonl or .jsonl.gz).

    A row: {"id", "source", "title", "context", "question", "answers": {"text": [...],
    "answer_start": [...]}}; no texts: the context holds no answer. `reading` gives the reader the
    context; `answers` and `retrieval` index all contexts of the file, each once. With `--compare`,
    the metrics of two runs that are means over the same questions, but for `sentence`, and whether
    they differ by more than chance (a paired bootstrap over passages, each with all questions about it);
    of `answers` with what each run refused, or with one --threshold for both.
    """
    from qa import evaluate as measuring
    from qa.reader import Reader
    from qa.workbench import temporary_qa

    if runs is not None and (limit is not None or predictions is not None):
        raise click.UsageError("--compare asks nothing; leave --limit and --predictions away.")
    if seed is not None and limit is None:
        raise click.UsageError("--seed is for the draw of --limit; give both, or leave it away.")
    if threshold is not None and kind != "answers":
        raise click.UsageError("--threshold is for `eval answers`; leave it away.")
    if predictions is not None and not predictions.absolute().parent.is_dir():
        raise ConfigError(
            f"There is no folder {predictions.parent} to write predictions to; choose another path."
        )
    if predictions is not None and predictions.resolve() == file.resolve():
        raise click.UsageError("--predictions is the question FILE itself; choose another path.")
    rows = measuring.load_examples(file)
    if runs is not None:
        first, second = (measuring.read_predictions(run, kind) for run in runs)
        found = measuring.compare(kind, rows, first, second, threshold=threshold)
        _print_comparison(found, as_json=as_json)
        return
    examples = rows if limit is None else measuring.sample(rows, limit, seed or 0)
    with _progress() as bar:
        ask_task = bar.add_task("ask", total=len(examples), visible=False)

        def asked(done: int) -> None:
            bar.update(ask_task, visible=True, advance=done)

        if kind == "reading":
            report = measuring.evaluate_reading(examples, Reader.load(), asked)
        else:
            documents = measuring.corpus(rows)
            with temporary_qa(documents, progress=_stages(bar)) as qa:
                if kind == "retrieval":
                    report = measuring.evaluate_retrieval(
                        examples, lambda _: qa, documents=documents, progress=asked
                    )
                else:
                    report = measuring.evaluate_answers(
                        examples,
                        lambda _: qa,
                        documents=documents,
                        threshold=threshold,
                        progress=asked,
                    )
    if as_json:
        _print_json(report.to_dict())
    else:
        _print_report(report)
    if predictions is not None:
        measuring.write_predictions(predictions, kind, report.predictions)


def _minute(mtime_ns: int) -> str:
    """Return date and time here of nanoseconds since 1970; nothing beyond the years from 1 to 9999."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(mtime_ns / 1e9, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # a broken clock or archive dates a file so
        return ""


def _warn(opened: QA | Generation, index_dir: Path) -> None:
    if opened.recovered_from is not None:
        from index.store import Store

        click.echo(
            f"footnote: the newest index is damaged ({opened.recovered_from}); run "
            f"`{Store(index_dir).command('index')}`.",
            err=True,
        )


@contextmanager
def _until_stopped() -> Iterator[threading.Event]:
    """Take Ctrl-C or SIGTERM for the end that is meant; the event is set then."""
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()  # a library may swallow the exception
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield stop
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(
    index_dir: Path,
    folders: Sequence[Path],
    embedder: Embedder,
    limits: LoadLimits,
    stop: threading.Event,
    *,
    confirm: bool,
) -> None:
    """Follow changes in ``folders`` and print each update."""
    from index.build import update_index
    from index.watch import Trouble, follow

    def update(folders: Sequence[Path], progress: Callable[[Stage], None]) -> BuildReport:
        with _progress() as bar:
            show = _stages(bar)

            def both(stage: Stage) -> None:
                progress(stage)
                show(stage)

            return update_index(
                index_dir,
                folders,
                embedder=embedder,
                confirm=confirm,
                progress=both,
                limits=limits,
            )

    click.echo("Following changes - Ctrl-C ends it.", err=True)
    for event in follow(index_dir, folders, update, stop=stop):
        if isinstance(event, Trouble):
            click.echo(f"footnote: {event.message}", err=True)
        else:
            _print_build(event, dry_run=False)


def _show_change(event: BuildReport | Trouble) -> None:
    """Say in a line on stderr what an update beside the chat did."""
    from index.watch import Trouble

    text = event.message if isinstance(event, Trouble) else _summary(event)
    click.echo(f"footnote: {text}", err=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show progress on stderr, with rate and time left; nothing where nobody would see it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f}/s" if speed else "", style="dim")

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as bar:
        yield bar


def _stages(bar: Progress) -> Callable[[Stage], None]:
    """Return what shows the stages of a build on ``bar``."""
    tasks: dict[str, TaskID] = {}

    def show(stage: Stage) -> None:
        if stage.stage not in tasks:
            tasks[stage.stage] = bar.add_task(stage.stage)
        bar.update(tasks[stage.stage], completed=stage.done, total=stage.total)

    return show


def _print_build(report: BuildReport, *, dry_run: bool) -> None:
    rows = [
        *(("added", source) for source in report.added),
        *(("changed", source) for source in report.changed),
        *(("removed", source) for source in report.removed),
        *(("skipped", f"{one.source}: {one.reason}") for one in report.skipped),
        *(
            ("duplicate", f"{one.source}: {one.note}")
            for one in report.duplicates[:DUPLICATES_SHOWN]
        ),
    ]
    if len(report.duplicates) > DUPLICATES_SHOWN:
        more = len(report.duplicates) - DUPLICATES_SHOWN
        rows.append(("duplicate", f"and {more:,} more; `footnote list` names them"))
    _print_table((), rows)
    if dry_run:
        click.echo(f"Would be: {_changes(report) or 'nothing'}. Nothing was changed.")
    else:
        click.echo(_summary(report))


def _changes(report: BuildReport) -> str:
    return ", ".join(
        f"{count:,} {verb}"
        for verb, count in (
            ("added", len(report.added)),
            ("changed", len(report.changed)),
            ("removed", len(report.removed)),
            ("unchanged", report.unchanged),
            ("skipped", len(report.skipped)),
            (
                "near-duplicate" if len(report.duplicates) == 1 else "near-duplicates",
                len(report.duplicates),
            ),
        )
        if count
    )


def _summary(report: BuildReport) -> str:
    return (
        f"{_changes(report) or 'No articles'}. The index holds {report.documents:,} documents in "
        f"{report.chunks:,} passages ({report.embedded:,} embedded now, {report.seconds:.1f} s)."
    )


def _print_json(found: Mapping[str, Any]) -> None:
    """Print JSON; letters beyond ASCII are escaped where stdout may not hold them."""
    encoding = getattr(sys.stdout, "encoding", None) or ""
    utf = encoding.lower().startswith("utf")
    click.echo(json.dumps(found, ensure_ascii=not utf, indent=2))


def _print_answer(answer: Answer) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    if answer.read_as is not None:
        console.print(Text(f"Read as: {_one_line(answer.read_as)}", style="dim"))
    if answer.text is None:
        console.print(Text(answer.reason or "", style="yellow"))
        if answer.nearest is not None:
            nearest = answer.nearest
            console.print(Text("\nThe nearest passage:", style="dim"))
            console.print(Text(_one_line(nearest.text)))
            place = (
                nearest.document.page_at(nearest.start),
                nearest.document.heading_at(nearest.start),
            )
            console.print(Text(_where(nearest.document, *place), style="dim"))
        return
    console.print(Text(_one_line(answer.text), style="bold"))
    console.print(Text(f"confidence {answer.confidence:.0%}\n", style="dim"))
    for number, citation in enumerate(answer.citations, start=1):
        _print_citation(console, number, citation)
    if answer.alternatives:
        console.print(Text("Other answers:", style="dim"))
        for other in answer.alternatives:
            first = other.citations[0]
            console.print(
                Text(f"  {_one_line(other.text)}  ").append(
                    f"{other.confidence:.0%}, {_where(first.document, first.page, first.heading)}",
                    style="dim",
                )
            )


def _print_citation(console: Console, number: int, citation: Citation) -> None:
    from rich.text import Text

    before = citation.document.text[citation.quote_start : citation.start]
    after = citation.document.text[citation.end : citation.quote_end]
    # Where no style is shown, brackets mark it.
    mark = ("[[", "]]") if console.color_system is None else ("", "")
    console.print(
        Text(f"[{number}] ")
        .append(_inline(before))
        .append(f"{mark[0]}{_inline(citation.text)}{mark[1]}", style="bold reverse")
        .append(_inline(after))
    )
    where = _where(citation.document, citation.page, citation.heading)
    console.print(Text(f"    {where}\n", style="dim"))


def _where(document: Document, page: str | None, heading: str | None) -> str:
    parts = [document.title, document.source]
    if page is not None:
        parts.append(f"page {page}")
    if heading is not None and heading != document.title:
        parts.append(f"under “{_one_line(heading)}”")
    parts += filter(None, (document.byline, document.date, document.language))
    return " · ".join(parts)


def _inline(text: str) -> str:
    """Return ``text`` on one line, its ends kept; control characters cannot reach the terminal, joiners of letters can."""
    return "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)


def _one_line(text: str) -> str:
    return " ".join(_inline(text).split())


def _print_report(report: Report) -> None:
    """Print a row a metric and a column a source, with 95% intervals."""
    from qa.evaluate import name_of_whole

    # A source that all are of is the same column twice.
    sources = {name: part for name, part in report.sources.items() if part.n < report.n}
    parts = {**sources, name_of_whole(sources): report}
    counts = ("questions", *(f"{part.n:,}" for part in parts.values()))
    rows = [(name, *(_figure(part, name) for part in parts.values())) for name in report.metrics]
    _print_table(("", *parts), [counts, *rows])


def _print_comparison(parts: Mapping[str, Sequence[Difference]], *, as_json: bool) -> None:
    from dataclasses import asdict

    def row(source: str, one: Difference) -> tuple[str, ...]:
        places = max(2, _PLACES.get(one.metric, 2))  # one more than a rate has alone
        return (
            source,
            one.metric,
            f"{one.n:,}",
            f"{one.first:.{places}f}",
            f"{one.second:.{places}f}",
            f"{one.second - one.first:+.{places}f}",
            f"{one.low:+.{places}f} to {one.high:+.{places}f}",
            f"{one.p:.3f}",
        )

    if as_json:
        found = {name: [asdict(one) for one in differences] for name, differences in parts.items()}
        click.echo(json.dumps(found, indent=2))
        return
    _print_table(
        ("source", "metric", "n", "A", "B", "B - A", "95%", "p"),
        [row(source, one) for source, differences in parts.items() for one in differences],
    )


def _figure(report: Report, metric: str) -> str:
    value = report.metrics.get(metric)
    if value is None:
        return "-"
    places = _PLACES.get(metric, 1)
    text = f"{value:,.{places}f}"
    if metric in report.intervals:
        low, high = report.intervals[metric]
        text += f" ({low:.{places}f}-{high:.{places}f})"
    return text


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, pad_edge=False, show_header=bool(header))
    for column in header or rows[0]:
        table.add_column(Text(column if header else ""), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console = Console(highlight=False, width=1_000_000)  # a pipe has no width; fold no line
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().rstrip("\n").split("\n"):
        print(line.rstrip())  # nor pad any to the longest


if __name__ == "__main__":
    main()
