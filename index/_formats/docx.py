"""Word files: the paragraphs, lists, tables, notes and formulas of a .docx."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from index._formats.omml import FORMULA, formula_text
from index._formats.parsed import Block, LoadLimits, Parsed, assemble, first_lines, title_of, why
from index._text import (
    CELL_END,
    MAX_TITLE_LINE,
    clean,
    has_text,
    one_line,
    parse_date,
    plain,
    raised,
    title_line,
    top_matter,
)
from index.errors import LoadError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# What may stand around paragraphs, rows and cells: content controls, tracked insertions, a form's own marks.
_AROUND = frozenset(f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "smartTag", "customXml"))
# What of a paragraph or cell is text, or parts it.
_TEXTS = (*(f"{_W}{name}" for name in ("t", "tab", "br", "cr", "noBreakHyphen", "p")), FORMULA)
_OLE = b"\xd0\xcf\x11\xe0"
_HEADING_STYLE = re.compile(r"Heading ([1-9])$")
_CLAUSE_ENDS = (".", ";", "; and", "; or")
_CLAUSE_WORDS = 5
_MAX_BASES = 10  # styles made from one another
_DEFAULT_AUTHOR = "python-docx"
_XML_ERR_NO_MEMORY = 2  # libxml2's xmlParserErrors


def parse_docx(data: bytes, limits: LoadLimits) -> Parsed:
    """Read a Word file: paragraphs, lists and tables of its body; heading styles are headings."""
    _check_zip(data, limits)
    import docx

    try:
        document = docx.Document(io.BytesIO(data))
        body = document.element.body
        styles = {style.style_id: _style(style) for style in document.styles}
        properties = document.core_properties
        core = (properties.title, properties.author, properties.created)
        blocks = list(_blocks(body, styles))
        notes = list(_notes(document.part))
    except MemoryError:
        raise
    except Exception as exc:  # damaged files raise all there is
        if getattr(exc, "code", None) == _XML_ERR_NO_MEMORY:
            raise MemoryError from exc
        raise LoadError(f"is not a Word file that can be read ({why(exc)})") from exc
    text, headings = assemble(block for _, block in blocks)
    styled = next((clean(block.text) for style, block in blocks if style == "Title"), "")
    lines = first_lines(text)
    found = top_matter(lines)
    title, author, created = core
    made_by_library = author == _DEFAULT_AUTHOR
    return Parsed(
        text="\n\n".join(filter(None, (text, *map(clean, notes)))),
        title=one_line(styled)
        or plain(title)
        or found.get("title")
        or _title([block for _, block in blocks], lines),
        date=found.get("date") or (None if made_by_library else parse_date(created)),
        author=found.get("author") or ("" if made_by_library else plain(author)) or None,
        publisher=found.get("source"),
        headings=headings,
    )


def _style(style: Any) -> tuple[str, int]:
    """Return the name of a style, and the level of heading that it is, or is made from; else 0."""
    own = style.name or ""
    base = None if own.lower().startswith(("toc", "title", "subtitle")) else style
    for _ in range(_MAX_BASES):
        if base is None:
            break
        named = _HEADING_STYLE.match(base.name or "")
        if named is not None:
            return own, int(named[1])
        if outline := _value(base.element.find(f"{_W}pPr"), "outlineLvl"):
            return own, _outline_level(outline)
        base = getattr(base, "base_style", None)
    return own, 0


def _title(blocks: Sequence[Block], lines: list[str]) -> str | None:
    """Return the heading that tells the title, or the first line, where headings follow it that part the text."""
    parts = [block for block in blocks if block.level == 1]
    line = title_line(lines)
    # Neither a date nor a stamp ("CONFIDENTIAL").
    is_title = line is not None and not line.isupper() and not top_matter([line])
    if is_title and len(parts) > 1 and not blocks[0].level:
        return line
    return title_of(blocks) or line


def _check_zip(data: bytes, limits: LoadLimits) -> None:
    """Refuse what is no zip, and what would unpack to too much, before anything is unpacked."""
    if data.startswith(_OLE):
        raise LoadError(
            "is an old .doc file or locked with a password; save it as .docx without one"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as exc:
        raise LoadError(f"is not a Word file that can be read ({why(exc)})") from exc
    unpacked = sum(member.file_size for member in members)
    if len(members) > limits.max_zip_members:
        raise LoadError(
            f"unpacks to {len(members):,} files; {limits.max_zip_members:,} are allowed"
        )
    if unpacked > limits.max_zip_bytes:
        raise LoadError(f"unpacks to {unpacked:,} bytes; {limits.max_zip_bytes:,} are allowed")
    if unpacked > limits.max_zip_ratio * max(len(data), 10_000):
        raise LoadError(
            f"unpacks to {unpacked // max(len(data), 1)} times its size; "
            f"{limits.max_zip_ratio} times is allowed"
        )
    if any(member.flag_bits & 1 for member in members):
        raise LoadError("is locked with a password; save a copy without one")


def _blocks(body: Any, styles: Mapping[str, tuple[str, int]]) -> Iterator[tuple[str, Block]]:
    """Yield style name and block for each paragraph and table row under ``body``."""
    tight = False
    opens = True  # what stands first may be a long title
    for element in _children(body, f"{_W}p", f"{_W}tbl"):
        if element.tag == f"{_W}tbl":
            yield from (("", row) for row in _rows(element))
            continue
        properties = element.find(f"{_W}pPr")
        style, level = styles.get(_value(properties, "pStyle"), ("", 0))
        text = _text_of(element)
        if not text.strip() or style.lower().startswith("toc "):
            continue
        if outline := _value(properties, "outlineLvl"):
            level = _outline_level(outline)
        elif not (opens or _HEADING_STYLE.match(style)) and _is_clause(text):
            level = 0  # a numbered paragraph, whose style is made from a heading's
        if len(text) > MAX_TITLE_LINE and not opens:
            level = 0
        opens = False
        listed = properties is not None and properties.find(f"{_W}numPr") is not None
        listed = not level and (listed or style.startswith("List"))
        yield style, Block(f"- {text}" if listed else text, level, tight and listed)
        tight = listed


def _rows(table: Any) -> Iterator[Block]:
    """Yield the rows of a table."""
    tight = False
    for row in _children(table, f"{_W}tr"):
        cells = [_text_of(cell).strip() for cell in _children(row, f"{_W}tc")]
        # An empty cell keeps its place between others.
        yield Block(CELL_END.join(cells).strip(" |"), tight=tight)
        tight = True


def _children(element: Any, *tags: str) -> Iterator[Any]:
    """Yield the paragraphs and tables of a body, the rows of a table or the cells of a row, whatever stands around them."""
    stack = [iter(element)]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in tags:
            yield child
        elif child.tag in _AROUND:
            stack.append(iter(child))


def _is_clause(text: str) -> bool:
    """Tell whether a paragraph is a sentence, or a part of one that is set apart."""
    return text.rstrip().endswith(_CLAUSE_ENDS) and len(text.split()) >= _CLAUSE_WORDS


def _notes(part: Any) -> Iterator[str]:
    """Yield the texts of footnotes and endnotes, which are read after the body."""
    from docx.oxml import parse_xml

    for relation in part.rels.values():
        if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
            continue
        for note in parse_xml(relation.target_part.blob):
            text = "\n".join(_text_of(paragraph) for paragraph in note.iter(f"{_W}p"))
            if has_text(text):
                yield text


def _outline_level(value: str) -> int:
    """Return the level of heading: Word counts outline levels from 0; its 9 is body text."""
    return int(value) + 1 if value in set("012345678") else 0


def _value(properties: Any, name: str) -> str:
    """Return the value of a property, or nothing."""
    element = None if properties is None else properties.find(f"{_W}{name}")
    return "" if element is None else element.get(f"{_W}val") or ""


def _is_struck(run: Any) -> bool:
    """Tell whether a run is struck out or hidden."""
    for name in ("strike", "dstrike", "vanish"):
        mark = run.find(f"{_W}rPr/{_W}{name}")
        if mark is not None and mark.get(f"{_W}val", "1") not in {"0", "false", "off"}:
            return True
    return False


def _text_of(element: Any) -> str:
    """Return the text of a paragraph or cell with tracked insertions, without deletions and doubles."""
    parts: list[str] = []
    box = None  # the text box that was read last
    for node in element.iter(*_TEXTS):
        around = {parent.tag: parent for parent in node.iterancestors()}
        if not around.keys().isdisjoint((f"{_W}moveFrom", f"{_W}del", _MC_FALLBACK, FORMULA)):
            continue
        if node.tag == f"{_W}t" and _is_struck(node.getparent()):
            continue
        if box is not around.get(f"{_W}txbxContent"):
            box = around.get(f"{_W}txbxContent")
            parts.append("\n")
        if node.tag == f"{_W}t":
            text = node.text or ""
            raises = node.getparent().find(f"{_W}rPr/{_W}vertAlign[@{_W}val='superscript']")
            parts.append(text if raises is None else raised(text))
        elif node.tag == FORMULA:
            parts.append(formula_text(node))
        elif node.tag == f"{_W}noBreakHyphen":
            parts.append("-")
        elif node.tag == f"{_W}tab":
            parts.append("\t")
        elif parts:
            parts.append("\n" if node.tag != f"{_W}p" else " ")
    return "".join(parts)
