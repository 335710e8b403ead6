"""A bad file costs only itself: it is read, or skipped with a named reason; its neighbours are loaded."""

import gzip
import io
import json
import os
import random
import socket
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import docx
import pypdf
import pytest
from benchmarks.bench_loaders import FAMILIES, Family, doubling_ratio

from index import build, load
from index.build import update_index
from index.errors import LoadError
from index.load import LoadLimits, Sandbox, SourceFile, find_files, load_file
from index.store import Store
from index.types import Document, Skipped
from qa import cli
from tests.conftest import rounds
from tests.fakes import FakeEmbedder, UnsyncedFileSystem
from tests.make_files import (
    change_zip,
    make_docx,
    make_pdf,
    page_content,
    pdf_from_objects,
    save_docx,
    stream,
)

LIMITS = LoadLimits(seconds=20, memory_bytes=1 << 30)
GOOD = "The good neighbour says that the bridge opened in 1931."
WORDS = "The delegations met in Doha for three hours and agreed to meet again. "
NOISE = random.Random(7).randbytes(20_000)


@dataclass(frozen=True)
class Case:
    """A file; it is skipped with ``reason`` in the reason, or read with ``holds`` in the text."""

    name: str
    make: Callable[[], bytes]
    reason: str = ""
    holds: str = ""
    limits: LoadLimits = LIMITS


# --- makers -----------------------------------------------------------------------------------


def deep(tag: str, count: int = 100_000) -> bytes:
    return f"<p>{WORDS}</p>".encode() + f"<{tag}>".encode() * count + b"The deep words are here."


def attributes(count: int) -> bytes:
    return b"<p " + b" ".join(b"a%d=1" % at for at in range(count)) + b">" + WORDS.encode()


def one_page(content: bytes, extra: bytes = b"", **objects: bytes) -> bytes:
    """A PDF of a page; further objects are called ``o7=...``, their number after the letter."""
    return pdf_from_objects(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % extra,
            2: b"<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
            3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            5: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 6 0 R /Resources "
            b"<< /Font << /F1 3 0 R >> /XObject << /X 7 0 R >> >> >>",
            6: content,
            **{int(name[1:]): body for name, body in objects.items()},
        }
    )


def form(content: bytes, child: int) -> bytes:
    resources = b"/Resources << /Font << /F1 3 0 R >> /XObject << /X %d 0 R >> >>" % child
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] " + resources)


def doubling_forms(depth: int, pages: int) -> bytes:
    """Each form draws the next one twice, and each page the first."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /Contents 6 0 R /Resources << /XObject << /X 7 0 R >> >> >>"
    )
    numbers = range(100, 100 + pages)
    return pdf_from_objects(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [%s] /Count %d >>"
            % (b" ".join(b"%d 0 R" % number for number in numbers), pages),
            3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            6: stream(b"/X Do"),
            **{at: form(b"/X Do /X Do", at + 1) for at in range(7, 7 + depth)},
            7 + depth: form(page_content(["x"]), 7),
            **dict.fromkeys(numbers, page),
        }
    )


def page_tree(kids: bytes, count: int = 1) -> bytes:
    return pdf_from_objects(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids %s /Count %d >>" % (kids, count),
            5: b"<< /Type /Page /Parent 2 0 R >>",
        }
    )


def locked_pdf(user_password: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf([[WORDS.strip()]])))
    writer.encrypt(user_password, "owner", algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def document_xml(body: str, before: str = "") -> bytes:
    return (
        f"{before}<w:document "
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f"<w:body>{body}</w:body></w:document>"
    ).encode()


def docx_with(body: str, before: str = "") -> bytes:
    return change_zip(make_docx("x"), {"word/document.xml": document_xml(body, before)})


def docx_of_size(count: int) -> bytes:
    """A Word file with ``count`` bytes that hardly compress (random digits in one comment)."""
    padding = b"%x" % random.Random(3).getrandbits(4 * count)
    return change_zip(make_docx("x"), {"word/media/a.bin": padding})


def docx_of_zeros(count: int) -> bytes:
    """A Word file that unpacks to over ``count`` bytes, and to no more than 100 times its size."""
    return change_zip(docx_of_size(count // 60), {"word/media/b.bin": bytes(count)})


def lying_docx() -> bytes:
    """The size that the zip's directory gives of a member is not its size."""
    data = bytearray(docx_with(PARAGRAPH * 10_000))
    at = data.rindex(b"word/document.xml")
    data[at - 46 + 24 : at - 46 + 28] = struct.pack("<I", 100)
    return bytes(data)


def flagged_zip() -> bytes:
    data = bytearray(make_docx("x"))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def plain_zip(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def nested_zip(depth: int) -> bytes:
    inner = b"0" * 10_000_000
    for _ in range(depth):
        inner = plain_zip(a=inner)
    return change_zip(make_docx(WORDS), {"word/embeddings/a.docx": inner})


def python_tag_front_matter() -> bytes:
    return b'---\ntitle: !!python/object/apply:os.mkdir ["pwned"]\n---\n' + WORDS.encode()


def aliases_front_matter() -> bytes:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for one, other in zip("abcdefghij", "bcdefghijk", strict=True):
        lines.append(f"{other}: &{other} [{', '.join(['*' + one] * 9)}]")
    return ("---\n" + "\n".join(lines) + "\nauthor: *k\n---\n" + WORDS).encode()


def jsonl_with_a_bad_line() -> bytes:
    lines = [json.dumps({"title": f"T{at}", "text": WORDS}) for at in range(10_000)]
    lines[6_000] = lines[6_000][:-9]
    return "\n".join(lines).encode()


def merging_front_matter() -> bytes:
    """Each mapping merges nine of the one before: 9**9 keys where none is dropped."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{at}: &a{at} {{<<: [{f'*a{at - 1}, ' * 9}]}}" for at in range(1, 10)]
    return ("---\n" + "\n".join(lines) + "\ntitle: Merged\n---\n" + WORDS).encode()


ENTITIES = '<!DOCTYPE w [<!ENTITY a0 "aaaaaaaaaa">' + "".join(
    f'<!ENTITY a{at} "{f"&a{at - 1};" * 10}">' for at in range(1, 10)
)
STORM = "a" + "\u0301\u0316" * 100_000
PARAGRAPH = f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>"

CASES = [
    # what is no text
    Case("empty.txt", lambda: b"", "is empty"),
    Case("empty.pdf", lambda: b"", "is empty"),
    Case("empty.jsonl", lambda: b"", "is empty"),
    Case("blank.txt", lambda: b" \n\t\r\n" * 999, "holds no text"),
    Case("only-a-mark.txt", lambda: b"\xef\xbb\xbf", "holds no text"),
    Case("only-signs.md", lambda: b"*** --- ***\n\n---\n", "holds no text"),
    Case("noise.txt", lambda: NOISE, "binary"),
    Case("noise.md", lambda: NOISE, "binary"),
    Case("noise.html", lambda: NOISE, "binary"),
    Case("noise.csv", lambda: NOISE, "binary"),
    Case("noise.pdf", lambda: NOISE, "is not a PDF"),
    Case("noise.docx", lambda: NOISE, "is not a Word file"),
    Case("gzip.txt", lambda: gzip.compress(NOISE), "binary"),
    Case("picture.txt", lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0" + NOISE, "binary"),
    Case("zeros.txt", lambda: bytes(5000), "binary"),
    # encodings
    Case("nul.txt", lambda: (WORDS + "a\0b").encode(), holds="hours and agreed to meet again. ab"),
    Case("latin1.txt", lambda: ("Le président a déclaré que les négociations reprendraient dès demain. " * 9).encode("cp1252"), holds="Le président a déclaré"),
    Case(
        "mixed.txt",
        lambda: "Zoë came.\nMálaga too.\n".encode() * 9 + "Nîmes".encode("cp1252"),
        holds="Nîmes",
    ),
    Case("utf16.txt", lambda: f"Zoë. {WORDS}".encode("utf-16"), holds="Zoë. The delegations"),
    Case("utf16le.txt", lambda: WORDS.encode("utf-16-le"), holds="The delegations met"),
    Case("utf16be.md", lambda: WORDS.encode("utf-16-be"), holds="The delegations met"),
    Case("utf32.html", lambda: WORDS.encode("utf-32"), holds="The delegations met"),
    Case("utf16odd.txt", lambda: WORDS.encode("utf-16") + b"x", holds="The delegations met"),
    Case("cut.txt", lambda: f"{WORDS}Zoë, Zoë, Zoë".encode()[:-1], holds="Zoë, Zoë, Zo\ufffd"),
    Case("surrogate.txt", lambda: f"{WORDS}\ud800.".encode("utf-8", "surrogatepass"), holds="hours"),
    Case("surrogate.jsonl", lambda: b'{"text": "One \\ud800 two \\udc00."}', holds="One \ufffd two"),
    Case("overlong.txt", lambda: WORDS.encode() + b"\xc0\xaf\xe0\x80\xaf", holds="The delegations"),
    # front matter of plain text, which is read without a process of its own
    Case("merges.txt", merging_front_matter, holds="The delegations met"),
    Case("deep-yaml.txt", lambda: b"---\na: " + b"[" * 16_000 + b"\n---\nText.", holds="Text."),
    Case("digits.txt", lambda: b"---\ntitle: 0x" + b"f" * 9000 + b"\n---\nText.", holds="Text."),
    Case("digits.md", lambda: b"---\n0x" + b"f" * 9000 + b": " + b"1" * 9000 + b"\n---\nText.", holds="Text."),
    # text that misleads or overwhelms
    Case("bidi.txt", lambda: f"\u202eevil\u202c \u2066x\u2069 {WORDS}".encode(), holds="evil x The"),
    Case("zero-width.md", lambda: "p\u200ba\u2060s\ufeffs word".encode(), holds="pass word"),
    Case("storm.txt", lambda: f"{WORDS}{STORM}".encode(), holds="The delegations met"),
    Case("storm.html", lambda: f"{WORDS}{STORM}".encode(), holds="The delegations met"),
    Case("long-line.txt", lambda: WORDS.encode() * 150_000, holds="The delegations met"),
    Case("long-line.md", lambda: WORDS.encode() * 150_000, holds="The delegations met"),
    Case("long-line.html", lambda: WORDS.encode() * 150_000, holds="The delegations met"),
    Case("long-line.jsonl", lambda: json.dumps({"text": WORDS * 150_000}).encode(), holds="Doha"),
    # Markdown
    Case("python-tag.md", python_tag_front_matter, holds="The delegations met"),
    Case("aliases.md", aliases_front_matter, holds="The delegations met"),
    Case("open-matter.md", lambda: b"---\ntitle: x\n" + WORDS.encode(), holds="The delegations"),
    Case("deep-yaml.md", lambda: b"---\na: " + b"[" * 3000 + b"\n---\nText.", holds="Text."),
    Case("brackets.md", lambda: b"[" * 200_000 + b"x", holds="[x"),
    Case("images.md", lambda: b"![" * 3000 + b"x", holds="![x"),
    Case("quotes.md", lambda: b">" * 200_000 + b" x", "nested more than 100 deep"),
    Case("lists.md", lambda: b"- " * 20_000 + b"x", "nested more than 100 deep"),
    Case("comments.md", lambda: b"<!--" * 50_000 + b"\n\n" + WORDS.encode(), "holds no text"),
    # HTML
    Case("deep-div.html", lambda: deep("div"), "nested more than 2,000 deep"),
    Case("deep-b.html", lambda: deep("b"), "nested more than 2,000 deep"),
    Case("deep-table.html", lambda: deep("table><tr><td"), "nested more than 2,000 deep"),
    Case("rather-deep.html", lambda: deep("div", 1900), holds="The deep words"),
    Case("unclosed-p.html", lambda: deep("p", 50_000), holds="The deep words"),
    Case("scripts.html", lambda: b"<script>var a = 'text';</script>" * 999, "holds no text"),
    Case("comment.html", lambda: WORDS.encode() + b"<!-- " * 50_000, holds="The delegations met"),
    Case("less-than.html", lambda: WORDS.encode() + b"<" * 200_000, holds="The delegations met"),
    Case("entities.html", lambda: WORDS.encode() + b"&#x110000;&bogus;" * 50_000, holds="Doha"),
    Case("charset.html", lambda: b'<meta charset="utf-7">Caf\xe9 ' + WORDS.encode(), holds="Caf"),
    Case("attributes.html", lambda: attributes(200_000), "longer than 3 seconds", "", replace(LIMITS, seconds=3)),
    # PDF
    Case("no-text.pdf", lambda: make_pdf([[], []]), "holds no text: scanned pages?"),
    Case("locked.pdf", lambda: locked_pdf("secret"), "is locked with a password"),
    Case("unlocked.pdf", lambda: locked_pdf(""), holds="The delegations met"),
    Case("page-loop.pdf", lambda: page_tree(b"[2 0 R]"), "is not a PDF that can be read"),
    Case("many-pages.pdf", lambda: page_tree(b"[" + b"5 0 R " * 200_000 + b"]"), "is not a PDF"),
    Case("page-count.pdf", lambda: page_tree(b"[]", 10**9), "holds no text"),
    Case("nested-array.pdf", lambda: page_tree(b"[" * 100_000), "is not a PDF"),
    Case("form-loop.pdf", lambda: one_page(stream(b"/X Do"), o7=form(b"/X Do " + page_content([WORDS]), 7)), holds="The delegations met"),
    Case("doubling.pdf", lambda: doubling_forms(40, 200), "longer than 3 seconds", "", replace(LIMITS, seconds=3)),
    Case("bomb.pdf", lambda: one_page(stream(zlib.compress(b"(" + b"A" * 100_000_000), b"/Filter /FlateDecode")), "none of its pages could be read"),
    Case("prev-loop.pdf", lambda: make_pdf([[WORDS]]).replace(b"/Root", b"/Prev 9 /Root"), holds="Doha"),
    Case("cut.pdf", lambda: make_pdf([[WORDS]])[:400], "is not a PDF that can be read"),
    Case("header.pdf", lambda: b"%PDF-1.7\n", "is not a PDF that can be read"),
    Case("text.pdf", lambda: WORDS.encode(), "is not a PDF that can be read"),
    Case("actions.pdf", lambda: one_page(stream(page_content([WORDS])), b"/OpenAction << /S /Launch /F (/bin/touch) /JS (x) >>"), holds="The delegations met"),
    # DOCX
    Case("bomb-ratio.docx", lambda: change_zip(make_docx("x"), {"word/media/a.bin": bytes(50_000_000)}), "times its size"),
    Case("bomb-size.docx", lambda: docx_of_zeros(201_000_000), "bytes; 200,000,000 are allowed"),
    Case("bomb-limit.docx", lambda: docx_of_size(3_000_000), "bytes; 1,000,000 are allowed", "", replace(LIMITS, max_zip_bytes=1_000_000)),
    Case("bomb-count.docx", lambda: change_zip(make_docx("x"), {f"a/{at}": b"" for at in range(6000)}), "files; 5,000 are allowed"),
    Case("nested-zip.docx", lambda: nested_zip(3), holds="The delegations met"),
    Case("lying-sizes.docx", lying_docx, "is not a Word file that can be read"),
    Case("flagged.docx", flagged_zip, "is locked with a password"),
    Case("old.doc.docx", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), "old .doc file or locked"),
    Case("cut.docx", lambda: make_docx(WORDS)[:-400], "is not a Word file that can be read"),
    Case("zip.docx", lambda: plain_zip(a=b"x"), "is not a Word file that can be read"),
    Case("no-body.docx", lambda: change_zip(make_docx("x"), {"word/document.xml": b"<x/>"}), "is not a Word file"),
    Case("bad-xml.docx", lambda: change_zip(make_docx("x"), {"word/document.xml": b"<w:document"}), "is not a Word file"),
    Case("laughs.docx", lambda: docx_with(f"{PARAGRAPH}<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>", f"{ENTITIES}]>"), "is not a Word file that can be read"),
    Case("entity.docx", lambda: docx_with(f"{PARAGRAPH}<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", '<!DOCTYPE w [<!ENTITY e SYSTEM "file:///etc/passwd">]>'), holds="The delegations met"),
    Case("deep.docx", lambda: docx_with("<w:sdt><w:sdtContent>" * 5000 + "</w:sdtContent></w:sdt>" * 5000), "is not a Word file"),
    Case("paths.docx", lambda: change_zip(make_docx(WORDS), {"../../pwned": b"x", "/tmp/pwned": b"x"}), holds="The delegations met"),
    Case("memory.docx", lambda: docx_with("<w:p/>" * 4_000_000), "memory", "", replace(LIMITS, max_zip_ratio=10**6, memory_bytes=1 << 29, seconds=120)),
    # tables
    Case("field.csv", lambda: b"title,text\nA," + WORDS.encode() * 20_000 + b"\n", holds="Doha"),
    Case("open-quote.csv", lambda: b'title,text\nA,One.\nB,"Two.\nC,Three.\n', "is not CSV", "One."),
    Case("ragged.csv", lambda: b"title,text\nA,One.\nB,Two.,x\nC\n", "fields where the header has 2", "One."),
    Case("nul.csv", lambda: ("title,text\nA," + WORDS + "o\0ne.\n").encode(), holds="one."),
    Case("mark.csv", lambda: "\ufefftitle,text\nA,One.\n".encode(), holds="One."),
    Case("header.csv", lambda: b"title,text\n", "holds no rows"),
    Case("columns.csv", lambda: b"," * 200_000 + b"\n" + b"," * 200_000 + b"One.\n", holds="One."),
    Case("letters.csv", lambda: b"text\n" + b"a\n" * 20_000_000, "needs more than 256 MiB of memory", "", replace(LIMITS, memory_bytes=1 << 28, seconds=120)),
    Case("letters.jsonl", lambda: b"x\n" * 20_000_000, "longer than 3 seconds", "", replace(LIMITS, seconds=3)),
    Case("lists.jsonl", lambda: b'{"text": "One.", "a": [' + b"[]," * 10_000_000 + b"[]]}", "needs more than 256 MiB of memory", "", replace(LIMITS, memory_bytes=1 << 28, seconds=120)),
    Case("lines.txt", lambda: b"ab\n" * 10_000_000, "needs more than 256 MiB of memory", "", replace(LIMITS, memory_bytes=1 << 28, seconds=120)),
    Case("ten-thousand.jsonl", jsonl_with_a_bad_line, "is not JSON", WORDS.strip()),
    Case("deep.jsonl", lambda: b"[" * 200_000 + b'\n{"text": "One."}', "is not JSON", "One."),
    Case("number.jsonl", lambda: b'{"a": ' + b"9" * 9999 + b'}\n{"text": "One."}', "is not JSON", "One."),
    Case("nan.jsonl", lambda: b'{"a": NaN, "text": "One."}', holds="One."),
    Case("array.jsonl", lambda: b'[{"text": "One."}]', "is not a JSON object"),
    Case("no-text.jsonl", lambda: b'{"a": null}\n{"b": {}}', "holds no text"),
]  # fmt: skip


# --- the promise ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(LIMITS) as shared:
        yield shared


def read_folder(
    folder: Path, sandbox: Sandbox
) -> tuple[dict[str, list[Document]], dict[str, list[Skipped]]]:
    """Load all of a folder, as an index does: documents and reasons by file name."""
    found, passed_over = find_files(folder, "n")
    documents: dict[str, list[Document]] = {}
    skipped = {one.source.removeprefix("n/"): [one] for one in passed_over}
    for file in found:
        loaded, bad = load_file(file, sandbox=sandbox)
        name = file.source.removeprefix("n/")
        if loaded:
            documents[name] = loaded
        if bad:
            skipped[name] = bad
    return documents, skipped


def add_neighbours(folder: Path) -> None:
    (folder / "aaa.txt").write_text(GOOD)
    (folder / "zzz.docx").write_bytes(make_docx(GOOD))


def take_neighbours(documents: dict[str, list[Document]]) -> None:
    """Assert that the good neighbours were loaded, and take them out."""
    for name in ("aaa.txt", "zzz.docx"):
        (document,) = documents.pop(name)
        assert document.text == GOOD


def index_folder(
    folder: Path, limits: LoadLimits | None = None
) -> tuple[dict[str, list[Document]], dict[str, list[Skipped]]]:
    """Index a folder, into one beside it: what the index holds and what was skipped, by file name.

    The index is whole to the byte, and every document in it has chunks.
    """
    index = folder.parent / "index"
    report = update_index(
        index, [folder], embedder=FakeEmbedder(), fs=UnsyncedFileSystem(), limits=limits
    )
    store = Store(index)
    assert store.check() == []
    generation = store.open()
    assert {chunk.doc_id for chunk in generation.chunks} == set(generation.documents_by_id)
    documents: dict[str, list[Document]] = {}
    skipped: dict[str, list[Skipped]] = {}
    for group, everything in ((documents, generation.documents), (skipped, report.skipped)):
        for one in everything:
            name = one.source.removeprefix(f"{folder.name}/").split("#row=")[0]
            group.setdefault(name, []).append(one)
    return documents, skipped


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_file_costs_only_itself(
    case: Case, tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    (folder / case.name).write_bytes(case.make())
    with Sandbox(case.limits) as own:
        documents, skipped = read_folder(folder, sandbox if case.limits is LIMITS else own)
    take_neighbours(documents)
    assert bool(case.holds) == bool(documents)
    assert bool(case.reason) == bool(skipped)
    for document in documents.get(case.name, ()):
        assert "root:" not in document.text
    if case.holds:
        assert case.holds in documents[case.name][0].text
    if case.reason:
        assert case.reason in skipped[case.name][0].reason
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def check_index_of(cases: Sequence[Case], tmp_path: Path, limits: LoadLimits | None = None) -> None:
    """Assert that of a folder with all of these files nothing but the bad ones is missing."""
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    for case in cases:
        (folder / case.name).write_bytes(case.make())
    documents, skipped = index_folder(folder, limits)
    take_neighbours(documents)
    assert documents.keys() | skipped.keys() == {case.name for case in cases}
    for case in cases:
        if case.limits is not LIMITS and case.limits != limits:
            continue  # what becomes of it depends on the limits; it was read or named all the same
        texts = [document.text for document in documents.get(case.name, ())]
        reasons = [one.reason for one in skipped.get(case.name, ())]
        assert bool(case.holds) == bool(texts), case.name
        assert bool(case.reason) == bool(reasons), case.name
        assert case.holds in "".join(texts[:1]), case.name
        assert case.reason in "".join(reasons[:1]), case.name


def test_an_index_of_all_bad_files_lacks_nothing_but_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Of the files that the slow form has besides: 3 of 4 lines of 10 MB, and 20 seconds each for two.
    passed_over = {"long-line.md", "long-line.html", "long-line.jsonl"}
    quick = [case for case in CASES if case.limits is LIMITS and case.name not in passed_over]
    drawn = random.sample(quick, rounds(len(quick) // 3, in_ci=len(quick)))
    check_index_of(drawn, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "index"}


@pytest.mark.slow
def test_an_index_of_every_bad_file_lacks_nothing_but_them(tmp_path: Path) -> None:
    check_index_of(CASES, tmp_path)


def test_an_index_is_built_within_limits_of_ones_own(tmp_path: Path) -> None:
    limits = replace(LIMITS, seconds=3)
    slow = [case for case in CASES if case.limits == limits]
    assert len(slow) == 3
    check_index_of(random.sample(slow, rounds(1, in_ci=3)), tmp_path, limits)


def test_one_bad_line_in_ten_thousand_is_named() -> None:
    file = SourceFile(Path("a.jsonl"), "n/a.jsonl")
    documents, skipped = load_file(file, jsonl_with_a_bad_line())
    assert len(documents) == 9_999
    assert [one.source for one in skipped] == ["n/a.jsonl#row=6001"]


def test_an_unreadable_page_is_named_and_the_others_are_read(sandbox: Sandbox) -> None:
    data = make_pdf([["The first page."], ["The second page."], ["The third page."]])
    # Object 8 is the second page's content: plain text that now claims to be compressed.
    data = data.replace(b"8 0 obj\n<< ", b"8 0 obj\n<< /Filter /FlateDecode ")
    (document,), (skipped,) = load_file(SourceFile(Path("a.pdf"), "n/a.pdf"), data, sandbox=sandbox)
    assert "first page" in document.text
    assert "third page" in document.text
    assert [mark.label for mark in document.pages] == ["1", "3"]
    assert skipped.reason.startswith("page 2 could not be read")


# --- files that are no files ------------------------------------------------------------------


def make_fifo(folder: Path) -> None:
    os.mkfifo(folder / "bad.txt")


def make_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.fspath(folder / "bad.txt"))


def make_link(target: str, folder: Path) -> None:
    (folder / "bad.txt").symlink_to(target)


def make_outside_link(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "bad.txt").symlink_to(folder.parent / "secret.txt")


def make_device(kind: int, folder: Path) -> None:
    os.mknod(folder / "bad.txt", kind | 0o600, os.makedev(1, 5))  # /dev/zero, and a disk of memory


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_fifo, "is a named pipe, not a file"),
        (make_socket, "is a socket, not a file"),
        (partial(make_device, stat.S_IFCHR), "is a device, not a file"),
        (partial(make_device, stat.S_IFBLK), "is a device, not a file"),
        (make_outside_link, "leads out of the folder"),
        (partial(make_link, "/dev/zero"), "leads out of the folder"),
        (partial(make_link, "/dev/stdin"), "leads out of the folder"),
        (partial(make_link, "bad.txt"), "leads back to itself"),
        (partial(make_link, "none.txt"), "a link to a file that is not there"),
        (partial(make_link, "."), "a link to a folder"),
        (partial(make_link, "../folder"), "a link to a folder"),
        (partial(make_link, "../../../../../../etc"), "leads out of the folder"),
        (lambda folder: (folder / "bad.txt").symlink_to("x" * 300 + "/y"), "cannot be opened"),
    ],
)
def test_what_is_no_file_is_named(
    make: Callable[[Path], None], reason: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    try:
        make(folder)
    except OSError as exc:
        pytest.skip(f"this system makes no such file: {exc}")
    for documents, skipped in (read_folder(folder, sandbox), index_folder(folder)):
        take_neighbours(documents)
        assert documents == {}
        assert reason in skipped["bad.txt"][0].reason


def test_a_device_is_named_where_no_file_can_be_one(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, for those who may not make a device: a pipe stands in for it."""
    add_neighbours(tmp_path)
    os.mkfifo(tmp_path / "bad.txt")
    monkeypatch.setattr(load.stat, "S_ISFIFO", lambda mode: False)
    monkeypatch.setattr(load.stat, "S_ISCHR", lambda mode: stat.S_IFMT(mode) == stat.S_IFIFO)
    documents, skipped = read_folder(tmp_path, sandbox)
    take_neighbours(documents)
    assert documents == {}
    assert skipped["bad.txt"][0].reason == "is a device, not a file"


def test_a_device_in_the_place_of_a_file_is_not_read() -> None:
    """Whatever its name was: opening and reading it would never end."""
    with pytest.raises(LoadError, match="is a device, not a file"):
        load._read(Path("/dev/zero"), LIMITS)


def test_links_inside_the_folder_are_followed(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / ".store").mkdir()
    (tmp_path / ".store" / "x1").write_text("Kept in the store.")
    (tmp_path / "a.txt").symlink_to(".store/x1")
    documents, skipped = read_folder(tmp_path, sandbox)
    assert documents["a.txt"][0].text == "Kept in the store."
    assert list(skipped) == [".*"]  # the store itself is hidden


def test_a_folder_with_the_name_of_a_file_is_searched(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "dir.txt").mkdir()
    (tmp_path / "dir.txt" / "a.txt").write_text(GOOD)
    documents, _ = read_folder(tmp_path, sandbox)
    assert list(documents) == ["dir.txt/a.txt"]
    _, (skipped,) = load_file(SourceFile(tmp_path / "dir.txt", "n/dir.txt"))
    assert skipped.reason == "is a folder, not a file"


@pytest.mark.parametrize(
    ("name", "shown", "reason"),
    [
        (b"caf\xe9.txt", "caf\\xe9.txt", "is not plain UTF-8 text"),
        (b"caf\xe9\n.txt", "caf\\xe9\\n.txt", "is not plain UTF-8 text"),
        (b"two\nlines.txt", "two\\nlines.txt", "holds a control or invisible character"),
        (b"esc\x1b[31m.txt", "esc\\x1b[31m.txt", "holds a control or invisible character"),
        ("fdp.\u202etxt".encode(), "fdp.\\u202etxt", "holds a control or invisible character"),
    ],
)
def test_names_that_cannot_be_shown_are_skipped(
    name: bytes, shown: str, reason: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("The text.")
    except OSError as exc:
        pytest.skip(f"this file system takes no such name: {exc}")
    for documents, skipped in (read_folder(folder, sandbox), index_folder(folder)):
        take_neighbours(documents)
        assert documents == {}
        assert skipped[shown][0].reason == f"its name {reason}; rename it"


@pytest.mark.parametrize(
    "name", ["a..txt", "a b#row=1.txt", "ÄÖ 停戦.txt", "x" * 250 + ".txt", "-rf.txt"]
)
def test_unusual_names_are_read(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / name).write_text("The text.")
    documents, skipped = read_folder(tmp_path, sandbox)
    assert documents[name][0].text == "The text."
    assert skipped == {}


def test_names_that_begin_with_dots_stay_hidden_and_are_named(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    for name in ("..txt", "...x.txt", ".a.txt"):
        (folder / name).write_text("The text.")
    for documents, skipped in (read_folder(folder, sandbox), index_folder(folder)):
        take_neighbours(documents)
        assert documents == {}
        assert [one.reason for one in skipped[".*"]] == [
            "3 hidden files or folders are not read: ...x.txt, ..txt, .a.txt"
        ]


def test_the_same_content_and_title_twice(tmp_path: Path, sandbox: Sandbox) -> None:
    for name in ("a.md", "b.md", "sub/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# The title\n\nThe text.")
    documents, _ = read_folder(tmp_path, sandbox)
    loaded = [document for (document,) in documents.values()]
    assert len({document.id for document in loaded}) == 3
    assert {document.title for document in loaded} == {"The title"}


# --- files that change under the reader -------------------------------------------------------


def found_file(tmp_path: Path) -> SourceFile:
    (tmp_path / "a.txt").write_text("The text.")
    ((file,), _) = find_files(tmp_path, "n")
    return file


def reason_for(file: SourceFile) -> str:
    documents, (skipped,) = load_file(file)
    assert documents == []
    return skipped.reason


def test_deleted_after_it_was_found(tmp_path: Path) -> None:
    file = found_file(tmp_path)
    file.path.unlink()
    assert "is gone" in reason_for(file)


def test_replaced_by_a_pipe_after_it_was_found(tmp_path: Path) -> None:
    file = found_file(tmp_path)
    file.path.unlink()
    os.mkfifo(file.path)
    assert reason_for(file) == "is a named pipe, not a file"


def test_replaced_by_a_folder_after_it_was_found(tmp_path: Path) -> None:
    file = found_file(tmp_path)
    file.path.unlink()
    file.path.mkdir()
    assert reason_for(file) == "is a folder, not a file"


@pytest.mark.parametrize("text", ["The text, now longer.", "Short.", "The tezt."])
def test_changed_while_it_is_read(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = found_file(tmp_path)
    os.utime(file.path, ns=(0, 0))
    real = os.fstat
    calls = []

    def changing(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if not calls:
            file.path.write_text(text)
        calls.append(descriptor)
        return status

    monkeypatch.setattr(load.os, "fstat", changing)
    assert "was changed while it was read" in reason_for(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good neighbours around a file that will not stand still."""
    folder = tmp_path / "folder"
    folder.mkdir()
    add_neighbours(folder)
    (folder / "bad.txt").write_text("The text.")
    return folder


def before_opening(action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Act after a build has found its files and before it opens the first."""
    real = build.find_files

    def acting(*arguments: object, **options: object) -> object:
        found = real(*arguments, **options)
        action()
        return found

    monkeypatch.setattr(build, "find_files", acting)


def before_reading(
    path: Path, action: Callable[[], object], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Act the first ``times`` times that this file was opened and is about to be read."""
    real = os.fstat
    opened: list[int] = []
    inode = path.stat().st_ino

    def acting(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if status.st_ino == inode:
            # Each reading asks before and after it.
            if len(opened) % 2 == 0 and len(opened) < 2 * times:
                action()
            opened.append(descriptor)
        return status

    monkeypatch.setattr(load.os, "fstat", acting)


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (lambda path: path.unlink(), "is gone"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is a named pipe"),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder"),
        (lambda path: (path.unlink(), path.symlink_to(path.name)), "cannot be opened"),
    ],
    ids=["deleted", "a pipe", "a folder", "a looping link"],
)
def test_an_index_of_a_file_that_is_gone_when_it_is_opened(
    action: Callable[[Path], object], reason: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_opening(lambda: action(folder / "bad.txt"), monkeypatch)
    documents, skipped = index_folder(folder)
    take_neighbours(documents)
    assert documents == {}
    assert reason in skipped["bad.txt"][0].reason


def test_an_index_of_a_file_deleted_while_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "bad.txt"
    with monkeypatch.context() as patch:
        before_reading(path, path.unlink, 1, patch)
        documents, skipped = index_folder(folder)
    take_neighbours(documents)
    # It was opened in time and read whole: it went after it was indexed, and goes with the next update.
    assert [document.text for document in documents.get("bad.txt", ())] == ["The text."]
    assert skipped == {}
    documents, skipped = index_folder(folder)
    take_neighbours(documents)
    assert documents == skipped == {}


@pytest.mark.parametrize("text", ["The text, now longer.", "Short.", "The tezt."])
def test_an_index_of_a_file_changed_while_it_is_read(
    text: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "bad.txt"

    def change() -> None:
        path.write_text(text)
        os.utime(path, ns=(0, next(ticks)))  # a clock that is fine enough, whatever the disk's

    ticks = iter(range(1, 100))
    with monkeypatch.context() as patch:
        before_reading(path, change, 99, patch)
        documents, skipped = index_folder(folder)
    take_neighbours(documents)
    assert documents == {}
    assert "was changed while it was read" in skipped["bad.txt"][0].reason
    with monkeypatch.context() as patch:
        before_reading(path, change, 1, patch)  # now it stands still when it is read once more
        documents, skipped = index_folder(folder)
    take_neighbours(documents)
    assert [document.text for document in documents["bad.txt"]] == [text]
    assert skipped == {}


# --- the sandbox itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data"),
    [("csv", b"text\n" + b"a\n" * 4_000_000), ("jsonl", b'{"text":"a"}\n' * 1_000_000)],
    ids=["csv", "jsonl"],
)
def test_a_table_that_fills_its_memory_is_named_at_once_wherever_it_does(
    kind: str, data: bytes
) -> None:
    # Which allocation fails depends on the limit; where some fail, CPython can turn in circles.
    reasons = []
    for mebibytes in range(80, 104, rounds(6, in_ci=2)):
        limits = replace(LIMITS, memory_bytes=mebibytes << 20, seconds=20)
        with Sandbox(limits) as own, pytest.raises(LoadError) as refused:
            own.parse(kind, data)
        reasons.append(str(refused.value))
    assert all(reason.startswith("needs more than") for reason in reasons), reasons


def test_a_killed_child_is_replaced(sandbox: Sandbox) -> None:
    good = make_pdf([[GOOD]])
    file = SourceFile(Path("a.pdf"), "n/a.pdf")
    with Sandbox(replace(LIMITS, seconds=3)) as impatient:
        for data, loads in ((good, True), (doubling_forms(40, 200), False), (good, True)):
            documents, skipped = load_file(file, data, sandbox=impatient)
            assert (bool(documents), bool(skipped)) == (loads, not loads)


def test_a_child_that_dies_is_named_and_replaced() -> None:
    with Sandbox(LIMITS) as own:
        assert own.parse("pdf", make_pdf([[GOOD]])).text == GOOD
        child = own._child
        assert child is not None
        child.kill()
        child.wait()
        file = SourceFile(Path("a.pdf"), "n/a.pdf")
        documents, skipped = load_file(file, make_pdf([[GOOD]]), sandbox=own)
        assert documents or "made its parser crash" in skipped[0].reason
        assert own.parse("pdf", make_pdf([[GOOD]])).text == GOOD
    assert own._child is None


def test_the_limits_are_those_that_are_promised() -> None:
    assert (Sandbox().limits.memory_bytes, Sandbox().limits.seconds) == (1 << 30, 20)
    (option,) = [one for one in cli.index.params if one.name == "max_seconds"]
    assert option.default == LoadLimits().seconds
    (option,) = [one for one in cli.index.params if one.name == "max_memory"]
    assert option.default << 20 == LoadLimits().memory_bytes


def test_the_child_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    from index._sandbox import _ROOT

    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import index._sandbox, pypdf, docx, selectolax;"
        "print(sorted({'torch', 'numpy', 'transformers', 'faiss'} & sys.modules.keys()))"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, _ROOT], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.loader}: {family.name}")
def test_doubling_a_file_at_most_doubles_the_time(family: Family) -> None:
    assert doubling_ratio(family) <= 2.5


def test_a_word_file_saved_by_hand_is_not_hostile(sandbox: Sandbox) -> None:
    made = docx.Document()
    for _ in range(3000):
        made.add_paragraph(WORDS)
    file = SourceFile(Path("a.docx"), "n/a.docx")
    (document,), skipped = load_file(file, save_docx(made), sandbox=sandbox)
    assert document.text.count("Doha") == 3000
    assert skipped == []
