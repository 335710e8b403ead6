"""The chat as it is served: its endpoints over HTTP, its page in a real headless Chromium."""

from __future__ import annotations

import io
import itertools
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pypdf import PdfReader
from starlette.requests import Request
from test_render import HOSTILE

from index.errors import ConfigError, EmbedderError
from index.types import Document, Mark
from qa import QA
from qa.question import REASONS, unanswerable
from tests.commands import Command, until
from tests.conftest import ROOT
from tests.fake_qa import FakeQA, document, fake_rebuild, serve_fake
from ui import render

if TYPE_CHECKING:
    from ui.app import Progress, Rebuild

CHROMIUM = Path(shutil.which("chromium") or "/usr/bin/chromium")

TALKS = document(
    "articles/talks.md",
    "\n\n".join(
        [
            "The harbour strike",
            *(f"Paragraph {n} tells of another matter altogether. " * 3 for n in range(20)),
            "What was agreed",
            "Mora Linde was named chief negotiator of the union. She flies to Oslo.\nThe union meets.",
            *(f"Section {n} is about something else again. " * 3 for n in range(20)),
        ]
    ),
    "The harbour strike and its end",
    date="2024-03-09",
    author="Ines Aldo",
)
TALKS = Document(
    **{
        **TALKS.__dict__,
        "headings": (Mark(TALKS.text.index("What was"), len(TALKS.text), "What was agreed"),),
    }
)
REPORT = document(
    "articles/report.pdf",
    "The union lost much. The union named a chief negotiator: Mora Linde.",
    "Report on the union",
    pages=(Mark(0, 20, "1"), Mark(20, 68, "2")),
)
BRIDGE = document(
    "articles/bridge.txt", "The Alder Bridge was opened on 3 May 1931 by the mayor.", "Alder Bridge"
)
QUESTION = "Who was named chief negotiator of the union?"
BROKEN = "What breaks?"


def three_articles() -> FakeQA:
    return FakeQA([TALKS, REPORT, BRIDGE], fail_on={BROKEN: RuntimeError("a secret detail")})


@pytest.fixture
def qa() -> FakeQA:
    return three_articles()


@pytest.fixture(scope="module")
def app() -> Any:
    """The module of the chat; Gradio loads with it, and need not where other tests are run."""
    from ui import app

    return app


class Chat:
    """A chat that is being served in a process of its own."""

    def __init__(self, processes: Any, qa: FakeQA, with_rebuild: bool, options: dict[str, Any]):
        self._pipe, theirs = processes.Pipe()
        self._process = processes.Process(
            target=serve_fake, args=(theirs, qa, with_rebuild, options), daemon=True
        )
        self._process.start()
        theirs.close()
        self.url = self._receive().rstrip("/")

    def add(self, *documents: Document) -> None:
        """Make a new generation with these documents, as another process would."""
        self._tell(documents, {})

    def ask(self, question: str, **options: Any) -> Any:
        """Call the endpoint ``/ask``; return its reply, or the message of its error."""
        return self._tell((), {"question": question, **options})

    def endpoints(self) -> Any:
        """Return what a client is told about the endpoints."""
        return self._tell((), {})["named_endpoints"]

    def terminal(self) -> str:
        """Return what the server has written to its terminal."""
        self._pipe.send("terminal")
        return str(self._receive())

    def close(self) -> list[str]:
        """Stop serving; return the hosts that the server asked for anything."""
        self._pipe.send(None)
        asked = self._receive()
        self._process.join(20)
        self._process.close()
        self._pipe.close()
        return list(asked)

    def _tell(self, documents: tuple[Document, ...], question: dict[str, Any]) -> Any:
        self._pipe.send((documents, question))
        return self._receive()

    def _receive(self) -> Any:
        assert self._pipe.poll(60), "the chat does not answer"
        return self._pipe.recv()


@pytest.fixture(scope="module")
def processes() -> Any:
    """Processes that start with Gradio loaded, and with what it loads at its first event.

    A server of Gradio's leaves event loops open, for which later tests would be blamed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ui.app", "gradio_client", "matplotlib.backends.backend_agg",
                                    "matplotlib.pyplot", "tests.fake_qa"])  # fmt: skip
    return context


@pytest.fixture
def chat(processes: Any) -> Iterator[Callable[..., Chat]]:
    """Serve a chat; at the end, its server may have asked nobody outside."""
    served: list[Chat] = []

    def start(qa: FakeQA, *, with_rebuild: bool = False, **options: Any) -> Chat:
        served.append(Chat(processes, qa, with_rebuild, options))
        return served[-1]

    yield start
    assert [asked for one in served for asked in one.close()] == []


@pytest.fixture(scope="module")
def unchanged(processes: Any) -> Iterator[Chat]:
    """A chat over three articles, for tests that leave it as it is."""
    served = Chat(processes, three_articles(), with_rebuild=False, options={})
    yield served
    assert served.close() == []


# --- over HTTP -----------------------------------------------------------------------------------


def test_health_counts_what_is_indexed(qa: FakeQA, chat: Callable[..., Chat]) -> None:
    served = chat(qa)
    url = served.url
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "generation": 1, "documents": 3}
    served.add(document("articles/new.txt", "New."))
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "generation": 2, "documents": 4}


def test_health_is_degraded_with_the_reason(chat: Callable[..., Chat]) -> None:
    damage = "vectors.faiss is damaged: run `footnote index`."
    reply = httpx.get(f"{chat(FakeQA([BRIDGE], damage=damage)).url}/healthz")
    assert reply.status_code == 200  # it answers, and would not after a restart
    assert reply.json() == {
        "status": "degraded",
        "reason": damage,
        "generation": 1,
        "documents": 1,
    }


@pytest.mark.parametrize("deleted", [False, True])
def test_health_of_the_product_over_a_lost_index(
    app: Any, seeds_index: Path, tmp_path: Path, deleted: bool
) -> None:
    index = shutil.copytree(seeds_index, tmp_path / "index")
    qa = QA.open(index)

    def health() -> dict[str, Any]:
        reply: dict[str, Any] = json.loads(app._health(qa)(Request({"type": "http"})).body)
        return reply

    well = health()
    assert well == {"status": "ok", "generation": 1, "documents": len(qa.documents())}
    if deleted:
        shutil.rmtree(index)
    else:
        (index / "gen-000001" / "vectors.faiss").write_bytes(b"no vectors")
    ill = health()
    assert ill.pop("status") == "degraded"
    assert ("There is no index" if deleted else "vectors.faiss has 10 bytes") in ill.pop("reason")
    assert ill == {"generation": 1, "documents": well["documents"]}
    assert qa.ask("When was Chandrayaan-3 launched?").text is not None


def test_every_response_forbids_what_the_page_does_not_need(unchanged: Chat) -> None:
    url = unchanged.url
    for path in ("/", "/healthz", "/config", "/fonts/source-serif-4-latin-400.woff2", "/nowhere"):
        headers = httpx.get(url + path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["connect-src"] == "'self'", path
        assert policy["frame-ancestors"] == policy["object-src"] == "'none'", path
        assert "http" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
    assert httpx.get(f"{url}/docs").status_code == 404


def test_the_endpoint_gives_what_the_answer_says(qa: FakeQA, unchanged: Chat) -> None:
    reply = unchanged.ask(QUESTION)
    assert reply == qa.ask(QUESTION).to_dict()
    assert reply["text"] == "Mora Linde"
    assert [one["page"] for one in reply["citations"]] == [None, "2"]
    refused = unchanged.ask("Which chief penguin sings on Mars?", threshold=0.9)
    assert refused["text"] is None
    assert refused["refusal"] == "no_answer"
    assert refused["nearest"]["source"] == TALKS.source
    assert unchanged.ask(QUESTION, top=1) == qa.ask(QUESTION, top=1).to_dict()


def test_the_endpoint_is_typed_and_the_only_one(qa: FakeQA, chat: Callable[..., Chat]) -> None:
    endpoints = chat(qa, with_rebuild=True).endpoints()
    assert list(endpoints) == ["/ask"]
    parameters = endpoints["/ask"]["parameters"]
    types = {one["parameter_name"]: one["python_type"]["type"].split(" | ") for one in parameters}
    assert types == {"question": ["str"], "threshold": ["None", "float"], "top": ["int"]}
    assert [one["parameter_has_default"] for one in parameters] == [False, True, True]
    assert parameters[2]["parameter_default"] == 5


def test_the_endpoint_says_why_it_failed(chat: Callable[..., Chat]) -> None:
    why = EmbedderError("The embedding model is not on this machine: run `footnote index`.")
    served = chat(FakeQA([BRIDGE], fail_on={"How?": why}))
    assert served.ask("How?") == str(why)
    assert served.ask(QUESTION, top=0) == "top is 0; give at least 1."
    beyond = "threshold is 2; give a probability from 0 to 1."
    assert served.ask(QUESTION, threshold=2) == beyond
    assert served.ask(QUESTION, threshold="high") == "threshold is of type str; send a number."
    assert served.ask(QUESTION, top=None) == "top is of type NoneType; send a whole number."
    assert served.ask([QUESTION]) == "question is of type list; send text."
    assert served.ask(QUESTION, top=1)["citations"] == []
    assert "Traceback" not in served.terminal()


def test_plain_http_reaches_the_endpoint_as_the_readme_says(qa: FakeQA, unchanged: Chat) -> None:
    api = f"{unchanged.url}/gradio_api/call"

    def reply(path: str, sent: dict[str, Any]) -> Any:
        told = httpx.post(f"{api}/{path}", json=sent).json()["event_id"]
        stream = httpx.get(f"{api}/ask/{told}", timeout=60).text
        data = re.search(r"^event: complete\ndata: (.*)$", stream, re.MULTILINE)
        assert data is not None, stream
        return json.loads(data[1])

    by_default = [qa.ask(QUESTION).to_dict()]
    assert reply("v2/ask", {"question": QUESTION}) == by_default
    assert reply("v2/ask", {"question": QUESTION, "threshold": None}) == by_default
    one = [qa.ask(QUESTION, top=1).to_dict()]
    assert reply("v2/ask", {"question": QUESTION, "top": 1}) == one
    assert reply("ask", {"data": [QUESTION, None, 5]}) == by_default
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "`/gradio_api/call/v2/ask`" in readme
    assert '`{"data": [question, threshold, top]}`, all three' in readme


def test_a_password_covers_all_but_health(qa: FakeQA, chat: Callable[..., Chat]) -> None:
    url = chat(qa, auth=("ann", "tide")).url
    assert httpx.get(f"{url}/config").status_code == 401
    assert httpx.get(f"{url}/healthz").status_code == 200
    login = {"username": "ann", "password": "ebb"}
    assert httpx.post(f"{url}/login", data=login).status_code == 400
    with httpx.Client() as client:
        assert client.post(f"{url}/login", data={**login, "password": "tide"}).status_code == 200
        assert client.get(f"{url}/config").status_code == 200


def test_nothing_but_health_is_open_without_the_password(
    qa: FakeQA, chat: Callable[..., Chat]
) -> None:
    url = chat(qa, with_rebuild=True, auth=("ann", "tide")).url
    api = f"{url}/gradio_api"
    with httpx.Client() as client:
        for path in ("/config", "/gradio_api/info", "/gradio_api/openapi.json"):
            assert client.get(url + path).status_code == 401, path
        for path in ("queue/data?session_hash=s", "call/ask/1", "upload_progress?upload_id=1"):
            assert client.get(f"{api}/{path}").status_code == 401, path
        assert client.get(f"{api}/file=chat.css").status_code == 401
        call = {"data": [QUESTION, None, 5], "fn_index": 0, "session_hash": "s"}
        for path in ("queue/join", "run/ask", "api/ask", "call/ask", "call/v2/ask"):
            assert client.post(f"{api}/{path}", json=call).status_code == 401, path
        sent = client.post(f"{api}/upload", files={"files": ("a.txt", b"text")})
        assert sent.status_code == 401


def test_a_file_of_the_machine_is_neither_served_nor_taken_for_an_upload(
    app: Any, qa: FakeQA, chat: Callable[..., Chat], tmp_path: Path
) -> None:
    foreign = tmp_path / "diary.txt"
    foreign.write_text("The diary was kept by Edith Marrow.")
    served = chat(qa, with_rebuild=True)
    api = f"{served.url}/gradio_api"
    for path in ("/etc/passwd", foreign, Path(app.__file__)):
        assert httpx.get(f"{api}/file={path}").status_code == 403, path
    file = {"path": str(foreign), "meta": {"_type": "gradio.FileData"}}
    said = [{"role": "user", "content": [{"type": "file", "file": file}]}]
    events = httpx.get(f"{served.url}/config").json()["dependencies"]
    kinds = {
        one["id"]: one["type"] for one in httpx.get(f"{served.url}/config").json()["components"]
    }
    asking = (["textbox", "chatbot", "state"], [QUESTION, said, None])
    for inputs, data in ((["file"], [[file]]), asking):
        [event] = [
            one
            for one in events
            if one["backend_fn"] and [kinds[id_] for id_ in one["inputs"]] == inputs
        ]
        call = {"data": data, "fn_index": event["id"], "session_hash": inputs[0]}
        if not event["queue"]:
            refused = httpx.post(f"{api}/run/predict", json=call)
            assert refused.status_code == 500
            assert "Edith" not in refused.text
            continue
        assert httpx.post(f"{api}/queue/join", json=call).status_code == 200
        stream = httpx.get(f"{api}/queue/data?session_hash={inputs[0]}", timeout=60).text
        assert '"success":false' in stream.replace(" ", "")
        assert "Edith" not in stream
    assert served.terminal().count("InvalidPathError: Cannot move") == 2
    assert "Edith" not in str(served.ask("Who kept the diary?"))
    assert httpx.get(f"{api}/file={foreign}").status_code == 403


def test_two_questions_are_read_at_once_and_a_bounded_number_waits(
    app: Any, chat: Callable[..., Chat], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.mkdir()
    url = f"{chat(FakeQA([BRIDGE], hold=hold)).url}/gradio_api/call/ask"
    with httpx.Client(timeout=60) as client:
        first = client.post(url, json={"data": [QUESTION, None, 5]}).json()["event_id"]
        accepted = 1
        while (reply := client.post(url, json={"data": [QUESTION, None, 5]})).is_success:
            accepted += 1
            assert accepted <= app.MAX_WAITING + 2
        assert reply.status_code == 503
        assert "full" in reply.text
        assert accepted >= app.MAX_WAITING
        for _ in range(3000):
            if len(list(hold.iterdir())) >= 2:
                break
            time.sleep(0.01)
        assert len(list(hold.iterdir())) == 2
        shutil.rmtree(hold)
        assert "complete" in client.get(f"{url}/{first}").text


def test_an_upload_is_capped(app: Any, qa: FakeQA, chat: Callable[..., Chat]) -> None:
    url = chat(qa, with_rebuild=True).url
    small, big = (
        httpx.post(f"{url}/gradio_api/upload", files={"files": ("a.txt", b"x" * size)}, timeout=30)
        for size in (900, app.MAX_FILE_BYTES + 1)
    )
    assert small.status_code == 200
    assert big.status_code == 413


def test_a_port_in_use_is_named(app: Any, qa: FakeQA, unchanged: Chat) -> None:
    port = int(unchanged.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigError, match=rf"^Port {port} on 127\.0\.0\.1 is in use: .* --port"):
        app.serve(qa, port=port, block=False)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 0, "no address of this machine"),
        ("127.0..1", 0, "cannot listen on 127.0..1, which is no address of this machine"),
        ("a" * 70, 0, "no address of this machine"),
        ("localhost:7860", 0, "cannot listen on localhost:7860, which is no address of this mach"),
        ("http://127.0.0.1", 0, "no address of this machine"),
        ("::1", 0, "does not listen on IPv6"),
        ("[::1]", 0, "does not listen on IPv6"),
        ("fe80::1%lo", 0, "does not listen on IPv6"),
        ("127.0.0.1", 70_000, "70000 is no port"),
    ],
)
def test_a_wrong_address_is_named(app: Any, qa: FakeQA, host: str, port: int, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        app.serve(qa, host=host, port=port, block=False)


def test_the_address_is_told_when_the_chat_listens_there(seeds_index: Path) -> None:
    running = Command(seeds_index.parent, "chat", "--port", "0")
    try:
        assert until(lambda: bool(running.err), 120)
        [line] = running.err
        told = re.fullmatch(r"The chat is on (http://127\.0\.0\.1:\d+) - Ctrl-C ends it\.\n", line)
        assert told is not None, line
        assert httpx.get(f"{told[1]}/healthz", timeout=30).json()["status"] == "ok"
        assert running.end(signal.SIGINT) == 0
        assert running.err == [line]
    finally:
        running.close()


# --- what the page's events do, without a browser -------------------------------------------------


def event(served: Chat, kind: str, of: str) -> dict[str, Any]:
    """Return the event of the component with this id, and what follows it, as the page is told."""
    config = httpx.get(f"{served.url}/config").json()
    [component] = [one for one in config["components"] if one["props"].get("elem_id") == of]
    events = config["dependencies"]
    [found] = [
        one
        for one in events
        if [component["id"], kind] in one["targets"]
        or (kind == "load" and one["outputs"] == [component["id"]] and one["trigger_after"] is None)
    ]
    after = [one for one in events if one["trigger_after"] == found["id"] and one["backend_fn"]]
    told = {"trigger": component["id"]}
    return {**found, **told, "after": [{**one, **told} for one in after]}


def fire(
    served: Chat,
    event: dict[str, Any],
    *data: Any,
    chosen: str | None = None,
    session: str = "page",
) -> list[Any]:
    """Do what the page does for an event, with the example chosen; return its outputs in the end."""
    api = f"{served.url}/gradio_api"
    call = {
        "data": data,
        "fn_index": event["id"],
        "session_hash": session,
        "trigger_id": event["trigger"],
        "event_data": None if chosen is None else {"index": 0, "value": {"text": chosen}},
    }
    if not event["queue"]:
        reply = httpx.post(f"{api}/run/predict", json=call, timeout=60)
        assert reply.status_code == 200
        return list(reply.json()["data"])
    assert httpx.post(f"{api}/queue/join", json=call).status_code == 200
    stream = httpx.get(f"{api}/queue/data?session_hash={session}", timeout=60).text
    told = [json.loads(line[5:]) for line in stream.splitlines() if line.startswith("data:")]
    [done] = [one for one in told if one["msg"] == "process_completed"]
    assert done["success"]
    return list(done["output"]["data"])


def said(log: list[dict[str, Any]]) -> list[str]:
    """Return the words of the conversation that an event has shown, an entry a message."""
    return [
        " ".join(re.sub("<[^>]*>", " ", part["text"]).split())
        for message in log
        for part in message["content"]
    ]


AS_IT_WAS = {"__type__": "update"}


def test_a_typed_question_and_an_example_wait_for_one_another(unchanged: Chat) -> None:
    typed = event(unchanged, "submit", "fn-box")
    example = event(unchanged, "example_select", "fn-log")
    assert typed["id"] == example["id"]  # what is pending for one is pending for the other
    assert typed["trigger_mode"] == "once"
    [answering] = typed["after"]
    opened = "When was the Alder Bridge opened?"
    suggested = event(unchanged, "load", "fn-log")

    def fired(one: dict[str, Any], *data: Any, chosen: str | None = None) -> list[Any]:
        return fire(unchanged, one, *data, chosen=chosen, session="both")

    assert fired(suggested)[0]["examples"]  # as the page has it when it opens
    _, log, box = fired(typed, QUESTION, [], None)
    assert said(log)[0] == QUESTION
    assert box == ""
    assert fired(example, "half", log, None, chosen=opened)[1:] == [AS_IT_WAS, AS_IT_WAS]
    assert fired(typed, "Who flies to Oslo?", log, None)[1:] == [AS_IT_WAS, AS_IT_WAS]
    log = fired(answering, None)[1]
    assert said(log)[0] == QUESTION
    assert "Mora Linde" in said(log)[1]
    assert fired(answering, None)[1] == AS_IT_WAS  # nothing is pending
    _, log, box = fired(example, "half", log, None, chosen=opened)
    assert box == AS_IT_WAS  # what is half typed
    log = fired(answering, None)[1]
    assert [said(log)[n] for n in (0, 2)] == [QUESTION, opened]
    assert "Mora Linde" in said(log)[1]
    assert "Alder Bridge" in said(log)[3]
    assert len(log) == 4


def test_a_question_is_shown_at_once_while_others_are_read(
    chat: Callable[..., Chat], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.mkdir()
    served = chat(FakeQA([BRIDGE], hold=hold))
    typed = event(served, "submit", "fn-box")
    url = f"{served.url}/gradio_api/call/ask"
    for _ in range(4):
        assert httpx.post(url, json={"data": [QUESTION, None, 5]}).is_success
    assert until(lambda: len(list(hold.iterdir())) == 2)
    opened = "When was the Alder Bridge opened?"
    _, log, box = fire(served, typed, opened, [], None)
    assert said(log)[0] == opened
    assert "fn-waiting" in log[1]["content"][0]["text"]
    assert box == ""
    shutil.rmtree(hold)
    log = fire(served, typed["after"][0], None)[1]
    assert said(log)[0] == opened
    assert "Alder Bridge" in said(log)[1]
    assert len(log) == 2


def test_files_stay_chosen_until_they_are_added(qa: FakeQA, chat: Callable[..., Chat]) -> None:
    served = chat(qa, with_rebuild=True)
    click = event(served, "click", "fn-add")

    def add(*contents: bytes) -> tuple[str, Any]:
        files = [("files", (f"{n}.txt", content)) for n, content in enumerate(contents)]
        paths = httpx.post(f"{served.url}/gradio_api/upload", files=files).json()
        given = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
        report, chosen = fire(served, click, given)
        return report, chosen

    report, chosen = add(b"The lamp was lit.", b"\xff no UTF-8")
    assert "The files could not be added" in report
    assert chosen == {"__type__": "update"}  # as it was
    report, chosen = add(b"The lamp was lit.")
    assert "uploads/0.txt" in report
    assert chosen is None


# --- what is added, without a browser ------------------------------------------------------------


def test_adding_reports_what_failed(app: Any, qa: FakeQA, tmp_path: Path) -> None:
    def broken(paths: list[Path], progress: Progress) -> render.Report:
        raise error

    def add(rebuild: Rebuild, *names: str) -> str:
        report, added = app._add(rebuild, [str(tmp_path / n) for n in names], lambda *_: None)
        assert not added
        return str(report)

    assert "Choose files first" in add(fake_rebuild(qa))
    assert "does not read .exe files. " in add(fake_rebuild(qa), "a.txt", "b.exe")
    assert "does not read files without an ending. " in add(fake_rebuild(qa), "README", "a.txt")
    several = add(fake_rebuild(qa), "README", "b.exe", "c.bin")
    assert "does not read .bin, .exe files or files without an ending. " in several
    assert "at most 100" in add(fake_rebuild(qa), *(f"{n}.txt" for n in range(101)))
    error: Exception = ConfigError("The disk is full: make room.")
    assert "The disk is full: make room." in add(broken, "a.txt")
    error = RuntimeError("a secret detail")
    assert "The index is as it was" in add(broken, "a.txt")
    assert "secret" not in add(broken, "a.txt")
    assert qa.generation_number() == 1


def test_a_place_that_is_gone_says_so(app: Any, qa: FakeQA) -> None:
    gone = document("articles/gone.txt", "Gone.")
    for value in (str(render.Place.of_document(gone)), "", "<script>", "1:2:3"):
        assert "no longer in the index" in app._open(qa, value)


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    missing = None if CHROMIUM.exists() else f"there is no Chromium at {CHROMIUM}"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed"
    if missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI must test the page")
        pytest.skip(f"{missing}: `apt-get install chromium`, `pip install playwright`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page; at the end, no page may have asked outside, run foreign code or failed."""
    pages: list[Any] = []
    outside: list[str] = []
    trouble: list[str] = []

    def open_page(url: str, **options: Any) -> Any:
        page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **options})
        pages.append(page)
        page.set_default_timeout(15_000)
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("popup", lambda popup: trouble.append(popup.url))
        page.on("request", lambda request: outside.append(request.url) if away(request) else None)
        page.goto(url)
        page.wait_for_selector("textarea[data-testid=textbox]")
        page.wait_for_selector(".fn-size")
        return page

    def away(request: Any) -> bool:
        return not request.url.startswith(("http://127.0.0.1:", "data:", "blob:"))

    yield open_page
    for page in pages:
        page.close()
    assert outside == []
    assert trouble == []


def ask(page: Any, question: str) -> Any:
    """Type a question, press Enter, and return the reply when it is there."""
    replies = page.locator(".fn-reply")
    before = replies.count()
    box = page.locator("#fn-box textarea")
    box.fill(question)
    box.press("Enter")
    replies.nth(before).wait_for()
    return replies.nth(before)


def in_view(page: Any, selector: str) -> bool:
    """Tell whether the element is inside the visible part of the panel's text."""
    return bool(
        page.wait_for_function(
            """selector => {
                const place = document.querySelector(selector).getBoundingClientRect();
                const text = document.querySelector("#fn-panel .fn-doc-text");
                const seen = text.getBoundingClientRect();
                return place.height > 0 && place.top >= seen.top && place.bottom <= seen.bottom;
            }""",
            arg=selector,
        )
    )


def tab_to(page: Any, target: Any, presses: int) -> None:
    """Press Tab until the target has the focus, and shows it."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            assert target.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
            return
    pytest.fail(f"Tab does not reach {target}")


@pytest.mark.browser
def test_ask_and_see_the_place(unchanged: Chat, visit: Callable[..., Any]) -> None:
    page = visit(unchanged.url)
    reply = ask(page, QUESTION)
    assert page.locator(".fn-question").inner_text() == QUESTION
    assert page.locator("#fn-box textarea").input_value() == ""
    assert reply.locator(".fn-answer").inner_text() == "Mora Linde"
    assert reply.locator(".fn-quote mark").inner_text() == "Mora Linde"
    assert "was named chief negotiator" in reply.locator(".fn-quote").inner_text()
    assert re.fullmatch(r".* right · \d\d%", reply.locator(".fn-chip").first.inner_text())
    assert reply.locator(".fn-agree").inner_text() == "stands in 2 articles"
    notes = reply.locator(".fn-notes .fn-open")
    assert notes.count() == 2
    assert notes.nth(0).inner_text().split("\n") == [
        TALKS.title,
        f"{TALKS.source} · What was agreed",
    ]
    assert notes.nth(1).inner_text().split("\n") == [REPORT.title, f"{REPORT.source} · page 2"]
    assert all(notes.nth(n).is_visible() for n in range(2))
    # The first citation opens by itself: the whole document, at its mark.
    panel = page.locator("#fn-panel")
    assert panel.locator("h2").inner_text() == TALKS.title
    assert panel.locator("mark").inner_text() == "Mora Linde"
    assert "Paragraph 0" in panel.inner_text()
    assert "Section 19" in panel.inner_text()
    assert in_view(page, "#fn-panel mark")
    also = reply.locator(".fn-also li")
    assert also.locator(".fn-other").all_inner_texts() == ["lost much"]
    assert also.locator(".fn-other").is_visible()
    assert also.locator(".fn-share").inner_text() == "8%"
    also.locator(".fn-open").click()
    panel.locator("h2", has_text=REPORT.title).wait_for()
    assert panel.locator("mark").inner_text() == "lost much"
    assert in_view(page, "#fn-panel mark")


def chosen_by_keyboard(page: Any) -> Any:
    """Press Enter on the upload until the dialog opens: Gradio may still be drawing the tab anew."""
    opened: list[Any] = []
    page.on("filechooser", lambda chooser: opened.append(chooser))
    for _ in range(8):
        page.locator("#fn-files button").first.press("Enter")
        for _ in range(20):
            page.wait_for_timeout(100)
            if opened:
                return opened[0]
    raise AssertionError("Enter opens no file dialog")


@pytest.mark.browser
def test_a_citation_opens_by_keyboard_and_from_an_address_with_a_theme(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(f"{chat(qa, with_rebuild=True).url}/?__theme=dark")
    address = page.url
    reply = ask(page, QUESTION)
    page.locator("#fn-panel mark").wait_for()
    page.evaluate("document.querySelector('#fn-panel .fn-doc-text').scrollTop = 0")
    page.locator("body").press("Home")
    second = reply.locator(".fn-notes .fn-open").nth(1)
    tab_to(page, second, 12)  # the citations come soon after the head of the page
    page.keyboard.press("Enter")
    page.locator("#fn-panel h2", has_text=REPORT.title).wait_for()
    assert page.locator("#fn-panel .fn-page").all_inner_texts() == ["Page 1", "Page 2"]
    small = "element => getComputedStyle(element).fontSize"
    assert page.locator("#fn-panel .fn-page").first.evaluate(small) == "13px"
    reply.locator(".fn-notes .fn-open").nth(0).click()
    page.locator("#fn-panel h2", has_text=TALKS.title).wait_for()
    assert in_view(page, "#fn-panel mark")
    assert page.url == address
    page.locator("#fn-box textarea").focus()
    tab_to(page, page.get_by_role("tab", name="Add articles"), 5)
    page.keyboard.press("Enter")
    tab_to(page, page.locator("#fn-files button").first, 3)
    chooser = chosen_by_keyboard(page)
    lamp = tmp_path / "lamp.txt"
    lamp.write_text("The lamp was lit in 1887.")
    chooser.set_files(lamp)
    page.locator("#fn-files tr", has_text="lamp").wait_for()
    tab_to(page, page.locator("#fn-add"), 8)
    page.keyboard.press("Enter")
    page.locator(".fn-report tr", has_text="uploads/lamp.txt").wait_for()


@pytest.mark.browser
def test_a_refusal_explains_itself_and_shows_the_nearest_passage(
    unchanged: Chat, visit: Callable[..., Any]
) -> None:
    page = visit(unchanged.url)
    reply = ask(page, "Which chief penguin sings on Mars?")
    assert "none holds an answer" in reply.locator(".fn-lead").inner_text()
    assert "25%" in reply.locator(".fn-chip").inner_text()
    assert "chief negotiator" in reply.locator(".fn-near").inner_text()
    assert reply.locator(".fn-where").inner_text() == f"{TALKS.source} · What was agreed"
    assert page.locator("mark").count() == 0
    label, near = (reply.locator(at).bounding_box() for at in (".fn-label", ".fn-near"))
    assert 0 < near["y"] - label["y"] - label["height"] < 16
    assert in_view(page, "#fn-panel .fn-around")
    nothing = ask(page, "zyzzyva quokka")
    assert "None of the articles" in nothing.locator(".fn-lead").inner_text()
    assert nothing.locator(".fn-near").count() == 0


@pytest.mark.browser
def test_an_example_fits_the_index_and_is_answered(
    chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    page = visit(chat(FakeQA([BRIDGE])).url)
    example = page.locator("#fn-log button.example")
    example.wait_for()
    assert example.inner_text() == "When was the Alder Bridge opened?"
    example.click()
    page.locator(".fn-answer").wait_for()
    assert page.locator(".fn-question").inner_text() == "When was the Alder Bridge opened?"
    assert page.locator("#fn-panel h2").inner_text() == "Alder Bridge"


@pytest.mark.browser
def test_an_upload_becomes_answerable(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    lamp, empty = tmp_path / "lamp.txt", tmp_path / "empty.md"
    lamp.write_text("The Port Alder lamp was lit in 1887 by Edith Marrow.")
    empty.write_text("\n")
    page = visit(chat(qa, with_rebuild=True).url)
    assert (
        "None of the articles" in ask(page, "Edith Marrow lamp?").locator(".fn-lead").inner_text()
    )
    page.get_by_role("tab", name="Add articles").click()
    page.set_input_files("#fn-files input[type=file]", [lamp, empty])
    page.locator("#fn-files tr", has_text="empty").wait_for()
    page.click("#fn-add")
    rows = page.locator(".fn-report tr")
    rows.first.wait_for()
    assert rows.nth(0).inner_text().split(maxsplit=2) == [
        "Skipped",
        "uploads/empty.md",
        "The file is empty.",
    ]
    assert rows.nth(1).inner_text().split() == ["Added", "uploads/lamp.txt"]
    page.locator(".fn-size", has_text="4 articles").wait_for()
    page.get_by_role("tab", name="All articles").click()
    listed = page.locator("#fn-list .fn-open", has_text="uploads/lamp.txt")
    listed.click()
    page.locator("#fn-panel h2", has_text="lamp").wait_for()
    reply = ask(page, "When was the Port Alder lamp lit?")
    assert "1887" in reply.locator(".fn-quote").inner_text()
    assert reply.locator(".fn-where").first.inner_text() == "uploads/lamp.txt"


@pytest.fixture
def product(seeds_index: Path, tmp_path: Path) -> Iterator[tuple[str, Path, Command]]:
    """`footnote chat --watch` over a copy of the seeds and their index: address, folder, command."""
    home = shutil.copytree(seeds_index.parent, tmp_path / "home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    running = Command(home, "chat", "--watch", "--port", str(port))

    def healthy() -> bool:
        assert running.process.poll() is None, running.err
        try:
            return httpx.get(f"{url}/healthz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    try:
        assert until(healthy, 120, every=0.2), running.err
        yield url, home, running
    finally:
        running.close()


@pytest.mark.browser
def test_the_product_answers_from_what_is_added_and_outlives_its_index(
    product: tuple[str, Path, Command], visit: Callable[..., Any], tmp_path: Path
) -> None:
    url, home, running = product
    lamp = tmp_path / "lamp.txt"
    lamp.write_text(
        "The lamp of Port Alder\n\nPort Alder lies on the coast. The lamp above its harbour was "
        "first lit by Edith Marrow in 1887. Ships have found their way by it ever since.\n"
    )
    page = visit(url, viewport={"width": 390, "height": 844})
    page.locator(".fn-size", has_text="24 articles").wait_for()
    page.get_by_role("tab", name="Add articles").click()
    page.set_input_files("#fn-files input[type=file]", lamp)
    page.locator("#fn-files tr", has_text="lamp").wait_for()
    page.click("#fn-add")
    page.wait_for_function(
        """() => {
            const bar = document.querySelector("#fn-report [role=progressbar]");
            if (!bar) return false;
            const place = bar.getBoundingClientRect();
            const bottom = place.bottom + scrollY;
            return place.height > 0 && bottom <= document.documentElement.scrollHeight;
        }"""
    )
    page.locator(".fn-report tr", has_text="uploads/lamp.txt").wait_for(timeout=60_000)
    page.locator(".fn-size", has_text="25 articles").wait_for()
    reply = ask(page, "Who first lit the lamp of Port Alder?")
    assert reply.locator(".fn-answer").inner_text() == "Edith Marrow"
    assert reply.locator(".fn-quote mark").inner_text() == "Edith Marrow"
    assert reply.locator(".fn-where").first.inner_text() == "uploads/lamp.txt"
    assert page.locator("#fn-panel h2").inner_text() == "The lamp of Port Alder"
    assert page.locator("#fn-panel mark").inner_text() == "Edith Marrow"
    assert in_view(page, "#fn-panel mark")
    assert httpx.get(f"{url}/healthz").json()["status"] == "ok"

    # A file that is dropped into the folder that is followed
    text = "The lighthouse\n\nThe lighthouse was designed by Ada Quill in 1871."
    (home / "seeds" / "lighthouse.txt").write_text(text)
    assert until(lambda: any("1 added" in line for line in running.err), 120), running.err
    reply = ask(page, "Who designed the lighthouse?")
    assert reply.locator(".fn-answer").inner_text() == "Ada Quill"
    told = [line for line in running.err if line.startswith("footnote: ")]
    assert told == [line for line in running.err if "1 added" in line]

    shutil.rmtree(home / ".footnote")
    assert httpx.get(f"{url}/healthz").json()["status"] == "degraded"
    again = ask(page, "When was the lamp of Port Alder lit?")
    assert again.locator(".fn-answer").inner_text() == "1887"
    assert running.end(signal.SIGINT) == 0
    assert "Traceback" not in "".join(running.err)


@pytest.mark.browser
def test_a_new_generation_is_answered_from_and_listed(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    served = chat(qa)
    page = visit(served.url)
    ask(page, QUESTION)
    page.locator(".fn-size", has_text="3 articles").wait_for()
    served.add(document("articles/kite.txt", "The red kite flew over Marl Hill."))
    reply = ask(page, "What flew over Marl Hill?")
    assert reply.locator(".fn-where").first.inner_text() == "articles/kite.txt"
    page.locator(".fn-size", has_text="4 articles").wait_for()
    # A citation of a document that has changed since is not shown in the wrong place.
    served.add(document(TALKS.source, "Nothing is settled.", TALKS.title))
    page.locator(".fn-notes .fn-open", has_text=TALKS.title).click()
    page.locator("#fn-panel .fn-stale").wait_for()
    assert page.locator("#fn-panel mark").count() == 0


ODD = (
    "",
    " \u00a0\t ",
    "penguin " * 12_500,
    "\U0001f600\U0001f389\U0001f600",
    "Wie hoch ist der Berg am Ende der Straße heute?",
)


@pytest.mark.browser
def test_an_odd_question_or_an_error_leaves_the_input_usable(
    unchanged: Chat, visit: Callable[..., Any]
) -> None:
    page = visit(unchanged.url, viewport={"width": 390, "height": 844})
    box = page.locator("#fn-box textarea")
    for question in ODD:
        reply = ask(page, question)
        assert REASONS[unanswerable(question)] == reply.locator(".fn-lead").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert box.input_value() == ""
        assert box.is_editable()
        assert box.bounding_box()["height"] < 100
    assert "(100,000 characters)" in page.locator(".fn-question").nth(2).inner_text()
    reply = ask(page, BROKEN)
    assert "Sorry" in reply.inner_text()
    assert "Ask again" in reply.inner_text()
    assert "secret" not in page.locator("body").inner_text()
    assert ask(page, QUESTION).locator(".fn-answer").inner_text() == "Mora Linde"


@pytest.mark.browser
def test_hostile_text_is_inert(chat: Callable[..., Chat], visit: Callable[..., Any]) -> None:
    hostile = [text.replace("\ud800", "") for text in HOSTILE]
    attack = " zebra ".join(" ".join(text.split()) for text in hostile)
    attacker = document(
        f"bad/{hostile[1]}.txt",
        f"Zebra opening {attack} closing stripes",
        hostile[3],
        date=hostile[4],
        author=hostile[6],
        headings=(Mark(0, 5000, hostile[5]),),
        pages=(Mark(0, 5000, hostile[0]),),
    )
    other = document("bad/other.txt", f"zebra\n\n{hostile[8]}\n\nzebra {hostile[2]}", hostile[2])
    qa = FakeQA([attacker, other])
    page = visit(chat(qa).url, viewport={"width": 390, "height": 844})
    first = ask(page, f"zebra opening {hostile[1]} {hostile[2]} {hostile[7]}")
    for text in hostile[:10]:
        asked = ask(page, f"zebra {text}")
        assert asked.is_visible()
    page.get_by_role("tab", name="All articles").click()
    for button in page.locator("#fn-list .fn-open").all():
        button.click()
        page.locator("#fn-panel .fn-doc").wait_for()
        page.get_by_role("tab", name="All articles").click()
    page.wait_for_timeout(300)
    ours = page.locator(".message-content, #fn-panel, #fn-list")
    body = "\n".join(ours.evaluate_all("all => all.map(one => one.textContent)"))
    for text in hostile[:7]:
        assert text in body, text
    assert hostile[2] in page.locator(".fn-question").first.inner_text()
    assert first.is_visible()
    made = ours.evaluate_all(
        """all => all.flatMap(one => [...one.querySelectorAll(
            "script, img, svg, form, input, iframe, style, link, math, .katex, a, code, [onclick]"
        )].map(found => found.outerHTML))"""
    )
    assert made == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# WCAG 2.2, success criterion 1.4.3: a contrast of 4.5 to 1 for text.
POOR_CONTRAST = """() => {
    const parse = colour => colour.match(/[\\d.]+/g).map(Number);
    const luminance = rgb => {
        const [r, g, b] = rgb.slice(0, 3).map(value => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const seen = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.checkVisibility()) continue;
        seen.push([element, getComputedStyle(element).color]);
    }
    for (const box of document.querySelectorAll("#fn-box textarea")) {
        seen.push([box, getComputedStyle(box).color]);
        seen.push([box, getComputedStyle(box, "::placeholder").color]);
    }
    const found = [];
    for (const [element, colour] of seen) {
        const [a, b] = [
            luminance(parse(colour)),
            luminance(behind(element)),
        ].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) found.push([element.className, element.textContent, ratio]);
    }
    return found;
}"""


@pytest.mark.browser
def test_every_width_and_scheme_is_legible(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(chat(qa, with_rebuild=True).url, color_scheme="dark")
    files = [tmp_path / f"{'long-' * 12}lamp.txt", tmp_path / "empty.md"]
    for file in files:
        file.write_text("The lamp was lit." if file.suffix == ".txt" else "")

    def assert_legible(shown: str) -> None:
        page.locator(shown).first.wait_for()
        for width, scheme in itertools.product((1280, 390), ("dark", "light")):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme=scheme)
            is_dark = str(scheme == "dark").lower()
            page.wait_for_function(f"document.body.classList.contains('dark') === {is_dark}")
            for _ in range(30):  # colours change by a transition
                page.wait_for_timeout(200)
                poor = page.evaluate(POOR_CONTRAST)
                if not poor:
                    break
            assert poor == [], shown
            assert page.evaluate("document.documentElement.scrollWidth") <= width, shown
            chat_box, side = (page.locator(at).bounding_box() for at in ("#fn-chat", "#fn-side"))
            if width == 390:
                assert side["y"] >= chat_box["y"] + chat_box["height"]
            else:
                assert side["x"] >= chat_box["x"] + chat_box["width"]

    assert_legible("#fn-log .example")
    ask(page, "Which chief penguin sings on Mars?")
    ask(page, QUESTION)
    assert_legible("#fn-panel mark")
    page.get_by_role("tab", name="All articles").click()
    assert_legible("#fn-list .fn-open")
    page.get_by_role("tab", name="Add articles").click()
    assert_legible("#fn-files button")
    page.set_input_files("#fn-files input[type=file]", files)
    assert_legible("#fn-files tr")
    page.click("#fn-add")
    assert_legible(".fn-report .fn-skipped")


@pytest.mark.browser
def test_a_question_asked_while_another_is_read_is_kept(
    chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    page = visit(chat(FakeQA([TALKS], delay=1.0)).url)
    box = page.locator("#fn-box textarea")
    box.fill(QUESTION)
    box.press("Enter")
    page.locator(".fn-waiting").wait_for()
    box.fill("Who flies to Oslo?")
    page.locator(".fn-reply").wait_for()
    assert page.locator(".fn-waiting").count() == 0
    assert box.input_value() == "Who flies to Oslo?"
    box.press("Enter")
    page.locator(".fn-reply").nth(1).wait_for()
    assert page.locator(".fn-question").all_inner_texts() == [QUESTION, "Who flies to Oslo?"]


@pytest.mark.browser
def test_an_example_and_a_typed_question_are_both_answered(
    chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    page = visit(chat(FakeQA([TALKS, BRIDGE], delay=1.0)).url)
    box = page.locator("#fn-box textarea")
    example = page.locator("#fn-log button.example").first
    example.wait_for()
    box.fill(QUESTION)
    chosen = example.inner_text()
    example.click()
    page.locator(".fn-waiting").wait_for()
    assert box.input_value() == QUESTION
    box.press("Enter")  # the example is answered first
    page.locator(".fn-reply").wait_for()
    assert page.locator(".fn-question").all_inner_texts() == [chosen]
    assert box.input_value() == QUESTION
    box.press("Enter")
    page.locator(".fn-reply").nth(1).wait_for()
    assert page.locator(".fn-question").all_inner_texts() == [chosen, QUESTION]
    assert box.input_value() == ""


@pytest.mark.browser
def test_a_page_is_usable_while_all_places_to_wait_are_taken(
    chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.mkdir()
    url = chat(FakeQA([TALKS, BRIDGE], hold=hold)).url
    page = visit(url)
    page.locator("#fn-log .example").first.wait_for()
    with httpx.Client() as client:
        call = {"data": [QUESTION, None, 5]}
        while client.post(f"{url}/gradio_api/call/ask", json=call).is_success:
            pass
    later = visit(url)
    turned_away = ask(page, QUESTION)
    assert "Too many questions are waiting" in turned_away.inner_text()
    assert "Ask again" in turned_away.inner_text()
    assert page.locator(".fn-waiting").count() == 0
    for opened in (page, later):
        opened.get_by_role("tab", name="All articles").click()
        opened.locator("#fn-list .fn-open", has_text=BRIDGE.title).click()
        opened.locator("#fn-panel h2", has_text=BRIDGE.title).wait_for()
        # Gradio covers what an event that fails was to change.
        opened.wait_for_function(
            """() => [...document.querySelectorAll(".wrap .error")].every(
                one => !one.checkVisibility())"""
        )
    shutil.rmtree(hold)
    assert ask(page, QUESTION).locator(".fn-answer").inner_text() == "Mora Linde"
    assert page.locator(".fn-question").all_inner_texts() == [QUESTION, QUESTION]


@pytest.mark.browser
def test_a_conversation_that_is_cleared_does_not_come_back(
    chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    page = visit(chat(FakeQA([TALKS, BRIDGE], delay=2.0)).url)
    ask(page, QUESTION)
    box = page.locator("#fn-box textarea")
    box.fill("Who flies to Oslo?")
    box.press("Enter")
    page.locator(".fn-waiting").wait_for()
    page.locator("#fn-log").get_by_role("button", name="Clear").press("Enter")
    page.locator("#fn-log .fn-welcome").wait_for()
    page.wait_for_function("document.activeElement.matches('#fn-box textarea')")
    opened = "When was the Alder Bridge opened?"
    assert "Alder Bridge" in ask(page, opened).locator(".fn-quote").inner_text()
    page.wait_for_timeout(2_500)
    assert page.locator(".fn-question").all_inner_texts() == [opened]


@pytest.mark.browser
def test_what_a_screen_reader_says_is_in_words(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(chat(qa, with_rebuild=True).url)
    assert page.get_by_role("heading", name="Footnote", exact=True).count() == 1
    page.get_by_role("textbox", name="Your question", exact=True).fill(QUESTION)
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(".fn-reply").wait_for()
    assert QUESTION in page.get_by_role("group", name="Question", exact=True).inner_text()
    said = page.get_by_role("group", name="Answer", exact=True)
    said.wait_for()
    assert said.locator(".fn-answer").inner_text() == "Mora Linde"
    assert said.get_by_role("button", name=f"{REPORT.title} {REPORT.source}").count() == 2
    page.get_by_role("tab", name="Add articles").click()
    lamp = tmp_path / "lamp.txt"
    lamp.write_text("The lamp was lit.")
    page.set_input_files("#fn-files input[type=file]", lamp)
    page.locator("#fn-files").get_by_role("button", name="Choose more files").wait_for()
    page.click("#fn-add")
    page.get_by_role("status").filter(has_text="1 added").wait_for()
    for name in ("Article", "All articles", "Add articles"):
        page.get_by_role("tab", name=name, exact=True).click()
        assert page.get_by_role("button").count() > 2
        assert page.get_by_role("button", name=re.compile(r"^\s*$")).count() == 0
    labels = page.evaluate("[...document.querySelectorAll('[aria-label]')].map(e => e.ariaLabel)")
    assert [label for label in labels if re.search(r"[<>]|\w\.\w", label)] == []


@pytest.mark.browser
def test_an_answer_comes_into_view_on_a_narrow_page(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(chat(qa, with_rebuild=True).url, viewport={"width": 390, "height": 844})
    ask(page, QUESTION).locator(".fn-notes .fn-open").nth(1).click()
    page.locator("#fn-panel h2", has_text=REPORT.title).wait_for()
    page.wait_for_function("scrollY > 300")  # the box is at the top, the conversation above it
    reply = ask(page, "Who flies to Oslo?")
    page.wait_for_function("scrollY < 100")
    assert page.locator(".fn-question").nth(1).bounding_box()["y"] >= 0
    assert reply.locator(".fn-lead, .fn-answer").bounding_box()["y"] < 400
    # What is added further down does not move the page.
    page.get_by_role("tab", name="Add articles").click()
    lamp = tmp_path / "lamp.txt"
    lamp.write_text("The Port Alder lamp was lit in 1887.")
    page.set_input_files("#fn-files input[type=file]", lamp)
    page.locator("#fn-files tr", has_text="lamp").wait_for()
    label = page.locator("#fn-files [data-testid=block-label]").bounding_box()
    more = page.locator("#fn-files").get_by_role("button", name="Choose more files").bounding_box()
    assert label["x"] + label["width"] <= more["x"]  # which endings are taken can be read
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    before = page.evaluate("scrollY")
    assert page.locator("#fn-log").bounding_box()["y"] < 0
    page.click("#fn-add")
    page.locator(".fn-size", has_text="4 articles").wait_for(state="attached")
    page.wait_for_timeout(600)
    assert page.evaluate("scrollY") == before


@pytest.mark.browser
def test_a_file_of_a_wrong_kind_leaves_the_files_in_reach(
    qa: FakeQA, chat: Callable[..., Chat], visit: Callable[..., Any], tmp_path: Path
) -> None:
    page = visit(chat(qa, with_rebuild=True).url)
    wrong, lamp, bell = (tmp_path / name for name in ("tool.exe", "lamp.txt", "bell.txt"))
    for file in (wrong, lamp, bell):
        file.write_text("The lamp was lit.")
    page.get_by_role("tab", name="Add articles").click()
    page.set_input_files("#fn-files input[type=file]", wrong)
    page.get_by_text("Invalid file type: tool.exe").wait_for()
    with page.expect_file_chooser() as opened:
        page.locator("#fn-files button", has_text="Click to Upload").click(timeout=3_000)
    opened.value.set_files([lamp, bell])
    page.locator("#fn-files tr", has_text="bell").get_by_role("button").click(timeout=3_000)
    page.locator("#fn-files tr", has_text="bell").wait_for(state="detached")
    assert page.locator("#fn-files tr", has_text="lamp").count() == 1


@pytest.mark.browser
def test_the_whole_conversation_and_article_are_printed(
    unchanged: Chat, visit: Callable[..., Any]
) -> None:
    page = visit(unchanged.url)
    oslo, mars = "Who flies to Oslo?", "Which chief penguin sings on Mars?"
    for question in (QUESTION, oslo, mars, QUESTION):
        ask(page, question)
    printed = " ".join(
        " ".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(page.pdf())).pages).split()
    )
    assert printed.count(QUESTION) == 2
    for shown in (oslo, mars, "none holds an answer", "Paragraph 0", "Section 19 is about"):
        assert shown in printed, shown
    assert "Add articles" not in printed


@pytest.mark.browser
def test_what_is_dark_on_the_screen_is_printed_in_dark_ink(
    unchanged: Chat, visit: Callable[..., Any]
) -> None:
    page = visit(unchanged.url, color_scheme="dark")
    ask(page, QUESTION)
    ink = "() => getComputedStyle(document.querySelector('.fn-answer')).color"
    assert page.evaluate(ink) == "rgb(236, 231, 220)"
    page.emulate_media(media="print")
    assert page.evaluate(ink) == "rgb(31, 29, 26)"


@pytest.mark.browser
def test_nothing_moves_where_motion_is_unwanted(
    chat: Callable[..., Chat], visit: Callable[..., Any]
) -> None:
    page = visit(chat(FakeQA([TALKS], delay=1.0)).url, reduced_motion="reduce")
    page.locator("#fn-box textarea").fill(QUESTION)
    page.locator("#fn-box textarea").press("Enter")
    page.locator(".fn-waiting").wait_for()
    moving = """() => [...document.querySelectorAll(".contain *")].filter(one => {
        const style = getComputedStyle(one);
        return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    }).map(one => one.className)"""
    assert page.evaluate(moving) == []


@pytest.mark.browser
def test_the_page_that_asks_for_a_password_has_the_look_of_the_chat(
    qa: FakeQA, chat: Callable[..., Chat], browser: Any
) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(chat(qa, auth=("ann", "tide")).url)
    enter = page.get_by_role("button", name="Login")
    enter.wait_for()
    filled = "element => getComputedStyle(element).backgroundColor"
    assert enter.evaluate(filled) == "rgb(236, 231, 220)"
    for name, text in (("username", "ann"), ("password", "tide")):
        page.get_by_role("textbox", name=name).fill(text)
    enter.click()
    page.wait_for_selector(".fn-size")
    assert page.locator("gradio-app").evaluate(filled) == "rgb(23, 22, 20)"
    page.close()
