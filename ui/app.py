"""The web chat: Gradio's wiring around a QA that is handed in. It loads no model.

:func:`serve` starts the page, the endpoint ``/ask`` (``gradio_client`` calls it) and ``/healthz``.
Nothing leaves the machine: no analytics, no fonts or scripts from elsewhere, and a content security
policy that tells the browser so.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

# Gradio reads both when it is imported, and would report home or look for themes and models.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.errors import ConfigError, FootnoteError
from index.load import FORMATS
from index.types import Document
from qa.types import Answer
from ui import render
from ui.examples import find_examples

logger = logging.getLogger(__name__)

SUFFIXES = tuple(FORMATS)
"""Endings of the files that can be added in the page."""

MAX_FILE_BYTES = 25 * 2**20
"""Largest file that can be added in the page; bigger ones go in with ``footnote index``."""

MAX_FILES = 100
"""Files that can be added at once in the page."""

MAX_TOP = 20
"""Most answers (the first and its alternatives) that one call of ``/ask`` can have."""

MAX_WAITING = 200
"""Requests that may wait for their turn; one more is turned away."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's page has its configuration in an inline script and evaluates its templates.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "frame-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }.items()
)

_EMPTY_PANEL = "Ask a question, or open an article from the list: its text appears here."
_FAILED = (
    "Something inside Footnote failed; the terminal it runs in says what. Ask again, or in other "
    "words. If it fails each time, run `footnote check` to verify the index."
)

_STILL = "Your last question is still being read; Clear starts anew."
_BUSY = "Too many questions are waiting for their turn. Ask again in a moment."

_Messages = list[dict[str, Any]]

_Pending = tuple[str, _Messages]
"""A question that has no answer yet, and the conversation up to it."""


class ChatQA(Protocol):
    """What the chat needs of a `qa.QA`. It is called from several threads at once."""

    @property
    def threshold(self) -> float:
        """The confidence below which it refuses unless another is asked for."""
        ...

    def ask(self, question: str, *, threshold: float | None = None, top: int = 5) -> Answer:
        """Answer one question from the newest generation of the index."""
        ...

    def ask_batch(
        self, questions: Sequence[str], *, threshold: float | None = None, top: int = 5
    ) -> list[Answer]:
        """Answer several questions."""
        ...

    def documents(self) -> tuple[Document, ...]:
        """Return the documents of the newest generation."""
        ...

    def generation_number(self) -> int:
        """Return the number of the newest generation."""
        ...

    def damage(self) -> str | None:
        """Say what is wrong with the index on disk; ``None`` if it would open again."""
        ...


Progress = Callable[[float, str], None]
"""Takes how much is done, from 0 to 1, and what is being done, as a short phrase."""

Rebuild = Callable[[list[Path], Progress], render.Report]
"""Keeps copies of the files, updates the index from them, and returns what changed."""


@dataclass(frozen=True)
class Server:
    """A chat that is being served; ``url`` is where."""

    url: str
    _blocks: Any
    _closed: threading.Event

    def wait(self) -> None:
        """Block until :meth:`close` or Ctrl-C, which closes it."""
        try:
            self._closed.wait()
        except KeyboardInterrupt:
            self.close()

    def close(self) -> None:
        """Stop serving."""
        self._blocks.close(verbose=False)
        self._closed.set()


def serve(
    qa: ChatQA,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: tuple[str, str] | list[tuple[str, str]] | None = None,
    rebuild: Rebuild | None = None,
    open_browser: bool = False,
    block: bool = True,
) -> Server:
    """Serve the chat on ``host`` and ``port`` (0: any free one), with ``auth`` as (user, password).

    Without ``rebuild`` the page offers no upload. With ``block`` it returns when the chat is closed.
    ``/healthz``, with its two counts and what is wrong with the index, is open to anyone who reaches
    the port, whatever ``auth`` is.

    Raises:
        ConfigError: the port is in use or not allowed, or the host is not this machine's.
    """
    port = _free_port(host, port)
    _bypass_proxy(host)
    blocks = build_app(qa, rebuild=rebuild)
    blocks.queue(max_size=MAX_WAITING)
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            auth=auth,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=[],
            allowed_paths=[],
            max_file_size=MAX_FILE_BYTES,
            favicon_path=str(files("ui") / "assets" / "icon.svg"),
            theme=_theme(),
            css=_asset("chat.css"),
            app_kwargs={
                # The API pages of FastAPI would load scripts from elsewhere.
                "docs_url": None,
                "redoc_url": None,
                "routes": [Route("/healthz", _health(qa)), Mount("/fonts", _fonts())],
                "middleware": [Middleware(_SecurityHeaders)],
            },
        )
    except OSError as exc:
        raise ConfigError(
            f"The chat could not be served on {host}, port {port}: {exc}. "
            "Choose another port with --port."
        ) from exc
    server = Server(f"http://{host}:{port}", blocks, threading.Event())
    if block:
        server.wait()
    return server


def build_app(qa: ChatQA, *, rebuild: Rebuild | None = None) -> gr.Blocks:
    """Return the page and its endpoint; :func:`serve` gives it its look and its headers."""
    examples = _Examples(qa)

    def take(
        event: gr.EventData, typed: str, history: _Messages, pending: _Pending | None
    ) -> tuple[Any, Any, Any]:
        """Show a question, typed or an example, at once, unless another is pending."""
        is_example = isinstance(event.target, gr.Chatbot)  # a copy of the log, with another id
        if pending is not None:  # it is answered first; what is typed stays in the box
            if is_example or typed:
                gr.Info(_STILL)
            return gr.skip(), gr.skip(), gr.skip()
        question = str(event.value["text"]) if is_example else typed
        asked = [*history, {"role": "user", "content": render.question(question)}]
        waiting = {"role": "assistant", "content": render.waiting()}
        return (question, asked), [*asked, waiting], gr.skip() if is_example else ""

    def answer(pending: _Pending | None) -> dict[Any, Any]:
        """Answer the question that is pending; whatever fails ends in an apology."""
        if pending is None:
            return {taken: None}
        question, asked = pending
        try:
            found = qa.ask(question)
            message, shown = render.reply(found, qa.threshold), _opened(found)
        except FootnoteError as exc:
            message, shown = render.apology(str(exc)), None
        except Exception:  # an exception here would leave the page waiting for ever
            logger.exception("The chat could not answer a question")
            message, shown = render.apology(_FAILED), None
        update = {taken: None, log: [*asked, {"role": "assistant", "content": message}]}
        if shown is not None:
            update |= {panel: shown, tabs: gr.Tabs(selected="article")}
        return update

    def turned_away(pending: _Pending | None) -> tuple[Any, Any, Any, Any]:
        """Say that the question found no place among those that wait, which are `MAX_WAITING`."""
        if pending is None:
            return None, gr.skip(), gr.skip(), gr.skip()
        _, asked = pending
        log = [*asked, {"role": "assistant", "content": render.apology(_BUSY)}]
        return None, log, gr.skip(), gr.skip()

    def open_place(event: gr.EventData) -> tuple[str, Any]:
        shown = _open(qa, str(getattr(event, "place", "")))
        return shown, gr.Tabs(selected="article")

    def contents(seen: int | None) -> tuple[Any, Any, Any]:
        """List what is indexed, if that is another generation than the page has ``seen``."""
        generation = qa.generation_number()
        if generation == seen:
            return gr.skip(), gr.skip(), gr.skip()
        indexed = qa.documents()
        return generation, render.masthead(len(indexed)), render.documents(indexed)

    def suggestions() -> Any:
        return gr.Chatbot(examples=[{"text": question} for question in examples.get()])

    def ask(question: str, threshold: float | None = None, top: int = 5) -> dict[str, Any]:
        """Answer a question from the articles, or refuse; the reply is that of `footnote ask --json`.

        `threshold` is the confidence, from 0 to 1, below which it refuses; without one, the
        product's own. `top` is the number of answers, 20 at most: the first and its alternatives. What cannot
        be answered so is an error whose message is one sentence. Over plain HTTP,
        `/gradio_api/call/v2/ask` takes `{"question": ...}` with or without the others, and
        `/gradio_api/call/ask` only `{"data": [question, threshold, top]}` with all three.
        """
        try:
            _require_types(question, threshold, top)
            return qa.ask(question, threshold=threshold, top=min(top, MAX_TOP)).to_dict()
        except FootnoteError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

    with gr.Blocks(
        title="Footnote", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)
    ) as blocks:
        seen = gr.State()
        taken = gr.State()  # the question that is pending
        head = gr.HTML(elem_id="fn-head", apply_default_css=False)
        with gr.Row(elem_id="fn-main", equal_height=False):
            with gr.Column(elem_id="fn-chat", scale=5, min_width=320):
                log = gr.Chatbot(
                    elem_id="fn-log",
                    show_label=False,
                    label="Conversation",
                    container=False,
                    height=None,
                    layout="panel",
                    buttons=[],
                    feedback_options=None,
                    allow_tags=False,
                    latex_delimiters=[],
                    group_consecutive_messages=False,
                    autoscroll=False,
                    placeholder=_asset("welcome.html"),
                )
                box = gr.Textbox(
                    elem_id="fn-box",
                    label="Your question",
                    show_label=False,
                    container=False,
                    placeholder="Ask the articles a question",
                    lines=1,
                    max_lines=4,
                    submit_btn=True,
                    autofocus=True,
                )
            with (
                gr.Column(elem_id="fn-side", scale=4, min_width=320),
                gr.Tabs(selected="article", elem_id="fn-tabs") as tabs,
            ):
                with gr.Tab("Article", id="article"):
                    panel = gr.HTML(
                        render.panel_note(_EMPTY_PANEL),
                        elem_id="fn-panel",
                        apply_default_css=False,
                        js_on_load=_asset("open.js"),
                    )
                with gr.Tab("All articles", id="articles"):
                    listing = gr.HTML(elem_id="fn-list", apply_default_css=False)
                if rebuild is not None:
                    with gr.Tab("Add articles", id="add"):
                        uploads = gr.File(
                            elem_id="fn-files",
                            label=f"Files to add ({', '.join(SUFFIXES)})",
                            file_count="multiple",
                            file_types=list(SUFFIXES),
                            height=180,
                        )
                        start = gr.Button("Add to the index", elem_id="fn-add", variant="primary")
                        report = gr.HTML(
                            elem_id="fn-report",
                            apply_default_css=False,
                            js_on_load='element.role = "status"',  # is read out when it changes
                        )

        # What is quick does not queue, so that it is done however many questions wait.
        reveal = {"fn": None, "js": _asset("reveal.js"), "api_visibility": "private"}
        listed = {
            "fn": contents,
            "inputs": [seen],
            "outputs": [seen, head, listing],
            "queue": False,
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        # One event for both: the conversation has one question at a time, so that none is overwritten.
        answered = gr.on(
            [box.submit, log.example_select],
            take,
            [box, log, taken],
            [taken, log, box],
            trigger_mode="once",
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        ).then(
            answer,
            [taken],
            [taken, log, panel, tabs],
            trigger_mode="once",
            show_progress="hidden",
            concurrency_id="ask",
            concurrency_limit=2,
            api_visibility="private",
        )
        answered.failure(
            turned_away,
            [taken],
            [taken, log, panel, tabs],  # all that Gradio has written "Error" over
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        answered.then(**reveal).then(**listed)
        # What was cleared would come back with the answer.
        log.clear(
            lambda: None,
            outputs=[taken],
            cancels=[answered],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        log.change(fn=None, js=_asset("latest.js"), api_visibility="private")
        panel.open(
            open_place,
            outputs=[panel, tabs],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        ).then(**reveal)
        suggested = {
            "fn": suggestions,
            "outputs": [log],
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        uncovered = {**listed, "fn": gr.skip, "inputs": None, "outputs": [log]}
        blocks.load(fn=None, js=_asset("name.js"), api_visibility="private")
        blocks.load(**listed)
        blocks.load(**suggested).failure(**uncovered)
        if rebuild is not None:

            def add(
                uploads: list[str] | None,
                progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio finds it by its default
            ) -> tuple[str, Any]:
                report, added = _add(
                    rebuild, uploads or [], lambda done, what: progress(done, desc=what)
                )
                # Files that could not be added stay chosen: one may be taken out, or all tried again.
                return report, None if added else gr.skip()

            uploads.change(fn=None, js=_asset("more.js"), api_visibility="private")
            start.click(
                add,
                [uploads],
                [report, uploads],
                show_progress_on=[report],
                concurrency_limit=1,
                api_visibility="private",
            ).then(**listed).then(**suggested)
        gr.api(ask, api_name="ask", concurrency_id="ask", concurrency_limit=2)
    return blocks


def _opened(answer: Answer) -> str | None:
    """Return the panel that an answer opens by itself: its first citation, or what came nearest."""
    if answer.citations:
        first = answer.citations[0]
        return render.panel(first.document, render.Place.of_citation(first))
    if answer.nearest:
        return render.panel(answer.nearest.document, render.Place.of_nearest(answer.nearest))
    return None


def _open(qa: ChatQA, value: str) -> str:
    """Return the panel for the place that a button names."""
    place = render.Place.parse(value)
    try:
        for document in qa.documents():
            if place is not None and document.id == place.doc_id:
                return render.panel(document, place)
    except FootnoteError as exc:
        return render.panel_note(str(exc))
    return render.panel_note("That article is no longer in the index. Ask again.")


def _require_types(question: object, threshold: object, top: object) -> None:
    """Raise `ConfigError` unless a call has the types of ``/ask``: Gradio tells them, checks none."""
    for name, value, types, wanted in (
        ("question", question, str, "text"),
        ("threshold", threshold, int | float | None, "a number"),
        ("top", top, int, "a whole number"),
    ):
        if not isinstance(value, types):
            raise ConfigError(f"{name} is of type {type(value).__name__}; send {wanted}.")


def _add(rebuild: Rebuild, uploads: Sequence[str], progress: Progress) -> tuple[str, bool]:
    """Update the index from uploaded files; return the report of it and true, or why not and false."""
    paths = [Path(upload) for upload in uploads]
    if not paths:
        return render.panel_note("Choose files first, then add them."), False
    if len(paths) > MAX_FILES:
        why = (
            f"These are {len(paths):,} files; at most {MAX_FILES} can be added at once here. Put "
            "more into a folder and run `footnote index FOLDER`."
        )
        return render.apology(why), False
    unread = sorted({path.suffix for path in paths if path.suffix.lower() not in SUFFIXES})
    if unread:
        named = ", ".join(filter(None, unread))
        kinds = [f"{named} files"] if named else []
        if "" in unread:
            kinds.append("files without an ending")
        why = f"Footnote does not read {' or '.join(kinds)}. Choose {', '.join(SUFFIXES)}."
        return render.apology(why), False
    try:
        progress(0.0, "Reading the files")
        return render.rebuilt(rebuild(paths, progress)), True
    except FootnoteError as exc:
        return render.apology(str(exc)), False
    except Exception:  # the chat must go on with the index it has
        logger.exception("The chat could not add the uploaded files")
        why = (
            "The files could not be added; the terminal that Footnote runs in says why. The index "
            "is as it was."
        )
        return render.apology(why), False


class _Examples:
    """Example questions, found once a generation, on first demand."""

    def __init__(self, qa: ChatQA) -> None:
        self._qa = qa
        self._lock = threading.Lock()
        self._generation: int | None = None
        self._questions: tuple[str, ...] = ()

    def get(self) -> tuple[str, ...]:
        """Return up to three questions; none if they cannot be had, which costs nothing else."""
        with self._lock:
            try:
                generation = self._qa.generation_number()
                if generation != self._generation:
                    self._questions = find_examples(self._qa.documents(), self._qa.ask_batch)
                    self._generation = generation
            except Exception:  # the page is whole without examples
                logger.exception("No example questions could be found")
                return ()
            return self._questions


def _health(qa: ChatQA) -> Callable[[Request], JSONResponse]:
    """Return what answers ``/healthz``: ``ok``, or ``degraded`` and what is wrong on disk.

    Both come with status 200, for both answer questions. A 503 would have a supervisor restart the
    chat, or a balancer drop it, and from a damaged index it could not start again.
    """

    def healthz(_: Request) -> JSONResponse:
        counts = {"generation": qa.generation_number(), "documents": len(qa.documents())}
        damage = qa.damage()
        if damage is not None:
            return JSONResponse({"status": "degraded", "reason": damage, **counts})
        return JSONResponse({"status": "ok", **counts})

    return healthz


def _fonts() -> StaticFiles:
    return StaticFiles(packages=[("ui", "assets")])


class _SecurityHeaders:
    """ASGI middleware that adds the headers above to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _free_port(host: str, port: int) -> int:
    """Return ``port`` if it can be listened on (a free one for 0), before Gradio tries others."""
    if not 0 <= port <= 65535:  # beyond, the resolver takes the remainder
        raise ConfigError(f"{port} is no port: choose one from 1 to 65535 with --port.")
    if _is_ipv6(host):  # Gradio writes these without the brackets that they need in an address
        raise ConfigError(
            f"The chat does not listen on IPv6 ({host}): give --host a name or an IPv4 address, such as "
            "127.0.0.1, or 0.0.0.0 for all."
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except (OSError, UnicodeError) as exc:  # the second for what cannot be a name, as "127.0..1"
        number = exc.errno if isinstance(exc, OSError) else None
        if number == errno.EADDRINUSE:
            why = "is in use: stop what runs there, or choose another with --port"
        elif number == errno.EACCES:
            why = "is reserved for the system: choose one above 1023 with --port"
        else:
            raise ConfigError(
                f"The chat cannot listen on {host}, which is no address of this machine: choose "
                "another with --host."
            ) from exc
        raise ConfigError(f"Port {port} on {host} {why}.") from exc


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _bypass_proxy(host: str) -> None:
    """Keep Gradio's check of its own address from being sent through a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        more = [part for part in ("127.0.0.1", "localhost", host) if part not in known]
        os.environ[name] = ",".join([*known, *more])


def _asset(name: str) -> str:
    return (files("ui") / "assets" / name).read_text(encoding="utf-8")


def _theme() -> gr.themes.Base:
    """Return the theme: ink on paper, fonts that come with Gradio."""
    theme = gr.themes.Base(
        primary_hue="red",
        neutral_hue="stone",
        radius_size="md",
        font=(gr.themes.LocalFont("IBM Plex Sans", (400, 700)), "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", (400, 700)), "ui-monospace", "monospace"),
    )
    theme.custom_css = _asset("colours.css")  # for light and for dark
    return theme.set(
        link_text_color="var(--fn-accent)",
        link_text_color_dark="var(--fn-accent)",
        body_background_fill="var(--fn-paper)",
        body_background_fill_dark="var(--fn-paper)",
        body_text_color="var(--fn-ink)",
        body_text_color_dark="var(--fn-ink)",
        body_text_color_subdued="var(--fn-soft)",
        body_text_color_subdued_dark="var(--fn-soft)",
        background_fill_primary="var(--fn-paper)",
        background_fill_primary_dark="var(--fn-paper)",
        background_fill_secondary="var(--fn-card)",
        background_fill_secondary_dark="var(--fn-card)",
        block_background_fill="var(--fn-card)",
        block_background_fill_dark="var(--fn-card)",
        border_color_primary="var(--fn-line)",
        border_color_primary_dark="var(--fn-line)",
        border_color_accent="var(--fn-accent)",
        border_color_accent_dark="var(--fn-accent)",
        color_accent="var(--fn-accent)",
        button_primary_background_fill="var(--fn-ink)",
        button_primary_background_fill_dark="var(--fn-ink)",
        button_primary_background_fill_hover="var(--fn-accent)",
        button_primary_background_fill_hover_dark="var(--fn-accent)",
        button_primary_text_color="var(--fn-paper)",
        button_primary_text_color_dark="var(--fn-paper)",
    )
