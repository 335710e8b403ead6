"""Markdown, and what tools add to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from index._formats.front_matter import split_toml, split_yaml
from index._formats.markup import UNREAD_TAGS, markup_blocks
from index._formats.parsed import Block, Parsed, assemble, first_lines, title_of
from index._text import CELL_END, TOP_LINES, decode, raised, top_matter
from index.errors import LoadError

if TYPE_CHECKING:
    from markdown_it.token import Token

# The inline rules of a paragraph cost more than its length; no paragraph that is read is longer.
_MAX_INLINE = 10_000
_SOFT_BREAK = "\v"  # the end of a line within a paragraph
_MAX_NESTING = 100  # open elements: two for each list, one for each quotation
_UNREAD = re.compile(rf"<({'|'.join(UNREAD_TAGS)})(?![\w-])", re.A)
_FOOTNOTE = re.compile(r"^ {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*", re.M)
_FOOTNOTE_MARK = re.compile(r"(?<!`)\[\^[^\]\s]{1,60}\](?!`)")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.S)
_HIDDEN_CODE = re.compile("\x00([0-9]+)\x00")
_ADMONITIONS = (
    "abstract|attention|bug|caution|danger|error|example|failure|hint|important|info|note|question|quote|seealso|"
    "success|tip|warning"
)
_ATTRIBUTE = r"(?:[#.][A-Za-z]|[\w-]+=[\"']|(?:width|height|target|rel|loading)=\w)[^{}\n]{0,200}"
_IMPORTED = r"(?:[\w$]+|\*\s+as\s+\w+|(?:\w+,\s*)?\{[^{}]{0,300}\})"
_DIALECTS = tuple(
    (re.compile(pattern, re.M), plain_text)
    for pattern, plain_text in (
        # Shortcodes of Jekyll, by themselves or where a link leads, and of Hugo.
        (r"^[ \t]*(?:\{%(?:[^%]|%(?!\})){0,300}%\}[ \t]*)+$", ""),
        (r"(?<=\]\()\{%[^%\n]{0,300}%\}(?=\))", ""),
        (r"\{\{(?:<(?s:.{0,300}?)>|%(?s:.{0,300}?)%)\}\}", ""),
        (r"\A(?:[^\n]{1,40}\n)?\{:toc\}\s*\Z|\A\[(?:\[_?)?(?i:toc)(?:_?\])?\]\Z", ""),
        # Attributes of kramdown, by themselves or after what they are of, and of Pandoc after a link.
        (rf"^[ \t]*\{{:(?:[ \t]*{_ATTRIBUTE}|[:/][^{{}}\n]{{1,200}})\}}[ \t]*$", ""),
        (rf"(?<=[)\]*_\x00])\{{:[ \t]*{_ATTRIBUTE}\}}", ""),
        (rf"(\](?:\([^()\n]{{0,500}}\))?)\{{{_ATTRIBUTE}\}}", r"\1"),
        # Obsidian's pictures, links, marks, comments and names of paragraphs.
        (r"!\[\[[^\[\]\n]{1,300}\]\]", ""),
        (r"(?<![\w)\]\x00])\[\[([^\[\]|\n]{1,300})\|([^\[\]|\n]{1,300})\]\](?![(\[])", r"\2"),
        (
            r"(?<![\w)\]\x00])\[\[(?![\d\s,.;-]+\])#?([^\s\[\]|#\"][^\[\]|#\n]{0,300})(?:#[^\[\]|\n]{0,300})?\]\](?![(\[])",
            r"\1",
        ),
        (r"(?<![=\w<>!)\]\x00])==(?=[^\s=>])([^=\n]{1,300})(?<=[^\s<!])==(?![=\w>(\[\x00])", r"\1"),
        (r"^[ \t]*%%(?=\s|\w[^%\s]*\s)[^%]{1,2000}%%[ \t]*$", ""),
        (r"(?<=[^\s\d])[ \t]\^(?=[a-f]*\d)[\da-f]{6}\Z", ""),
        # Notes of GitHub and Obsidian, of MkDocs, of Docusaurus and Pandoc: their title is a line by itself.
        (r"\A\[!\w{1,30}\][+-]?[ \t]*(.*)$", r"\1  "),
        (
            rf"^(?:!!!|\?\?\?\+?) (?:{_ADMONITIONS})(?: inline(?: end)?)?(?: \"([^\"\n]*)\")?[ \t]*$",
            r"\1  ",
        ),
        (
            r"^:::+[ \t]*(?:\{[^{}\n]{0,200}\}|[\w-]{1,30})?(?:\[([^\]\n]*)\]|[ \t]+([^\s{][^\n]*))?[ \t]*$",
            r"\1\2  ",
        ),
        # MDX's modules.
        (
            rf"\A(?:import\s+(?:{_IMPORTED}\s+from\s+)?(['\"])[^'\"\n]{{1,200}}\1;?[ \t]*(?:\n|\Z))+\Z",
            "",
        ),
    )
)
"""What tools add to Markdown, and what is read in its place. What stands within a sentence may be told of."""
_DIALECT_SIGN = re.compile(
    r"\{|\[\[|\[!|\[toc\]|==|%%|[ \t]\^|^(?:!!!|\?\?\?|:::)|\Aimport\s", re.I | re.M
)
_NAME = r"[#.][\w:.-]{1,100}"
_HEADING_ATTRIBUTES = re.compile(
    rf"(?<=\S)[ \t]{{1,10}}\{{(?:-|:?[ \t]*{_NAME}(?:[ \t]+(?:{_NAME}|[\w-]{{1,30}}=\S{{1,100}})){{0,9}}[ \t]*)\}}$"
)


def parse_markdown(data: bytes) -> Parsed:
    """Read Markdown (CommonMark and tables), without its syntax."""
    source = decode(data)
    matter, body = split_toml(source) or split_yaml(source)
    blocks = list(_blocks(_without_footnote_marks(body)))
    text, headings = assemble(blocks)
    found = top_matter(first_lines(text)) | matter
    return Parsed(
        text=text,
        title=matter.get("title") or title_of(blocks) or found.get("title"),
        date=found.get("date"),
        author=found.get("author"),
        publisher=found.get("source"),
        headings=headings,
    )


def _without_footnote_marks(source: str) -> str:
    """Return Markdown without the marks of its notes, whose texts are paragraphs then."""
    marks = {f"[^{note[1]}]" for note in _FOOTNOTE.finditer(source)}
    marks &= {  # of others, such as those that tell of regular expressions, none stands after a word
        mark[0]
        for mark in _FOOTNOTE_MARK.finditer(source)
        if source[max(0, mark.start() - 1) : mark.start()].strip()
    }
    if not marks:
        return source
    return _FOOTNOTE_MARK.sub(
        lambda mark: "" if mark[0] in marks else mark[0], _FOOTNOTE.sub("\n", source)
    )


def _blocks(source: str) -> Iterator[Block]:
    """Yield the headings, paragraphs, items, rows and pieces of code of Markdown, in reading order."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.core.ruler.disable("inline")
    environment: dict[str, Any] = {}
    numbers: list[int | None] = []  # of the open lists; None: bulleted
    prefix = ""
    hidden = first = False
    level = 0
    cells: list[str] | None = None
    for token in parser.parse(source, environment):
        kind = token.type
        if token.level >= _MAX_NESTING - 1:  # the parser leaves out what is deeper
            raise LoadError(f"its lists and quotations are nested more than {_MAX_NESTING} deep")
        if kind == "heading_open":
            level, hidden = int(token.tag[1:]), False
        elif kind == "heading_close":
            level = 0
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            first = not numbers
            numbers.append(int(token.attrs.get("start", 1)) if kind[0] == "o" else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            numbers.pop()
        elif kind == "list_item_open":
            number = numbers[-1]
            prefix = "- " if number is None else f"{number}. "
            numbers[-1] = None if number is None else number + 1
        elif kind == "list_item_close":
            prefix = ""  # of an empty item
        elif kind == "paragraph_open":
            hidden = token.hidden
        elif kind == "tr_open":
            cells = []
        elif kind == "tr_close" and cells is not None:
            yield Block(CELL_END.join(cells), tight=not first)
            cells, first = None, False
        elif kind == "table_open":
            first = True
        elif kind == "inline":
            text = _inline_text(token, parser, environment, is_heading=level > 0)
            if cells is not None:
                cells.append(text)
            elif text:
                yield Block(prefix + text, level, tight=hidden and not first)
                prefix, first = "", False
        elif kind in {"fence", "code_block"}:
            yield Block(token.content)
        elif kind == "html_block":
            yield from markup_blocks(token.content)


def _inline_text(
    token: Token, parser: Any, environment: dict[str, Any], *, is_heading: bool = False
) -> str:
    """Return the text of a paragraph, heading or cell."""
    if len(token.content) > _MAX_INLINE:
        return token.content
    source = _without_dialects(token.content)
    if is_heading:
        source = _HEADING_ATTRIBUTES.sub("", source)
    children: list[Token] = []
    parser.inline.parse(source, parser, environment, children)
    parts: list[str] = []
    sup: int | None = None  # the part with which an open superscript begins
    unread: tuple[str, int] | None = None  # an open script or the like, and its first part
    struck: list[int] = []  # the parts with which what is open and struck out begins
    for child in children:
        tag = child.content.lower() if child.type == "html_inline" else ""
        if child.type == "softbreak":
            parts.append(_SOFT_BREAK)
        elif child.type == "hardbreak" or tag.startswith("<br"):
            parts.append("\n")
        elif child.type == "s_open":
            struck.append(len(parts))
        elif child.type == "s_close":
            del parts[struck.pop() :]
        elif unread is not None and tag.startswith(f"</{unread[0]}"):
            del parts[unread[1] :]
            unread = None
        elif (name := _UNREAD.match(tag)) and not tag.endswith("/>"):
            unread = unread or (name[1], len(parts))
        elif tag.startswith(("<sup>", "<sup ")):
            sup = len(parts)
        elif tag.startswith("</sup") and sup is not None:
            parts[sup:] = map(raised, parts[sup:])
            sup = None
        elif not tag:  # text, code, and an image's description
            parts.append(child.content)
    return _on_one_line("".join(parts).split(_SOFT_BREAK))


def _without_dialects(source: str) -> str:
    """Return a paragraph without what tools add to Markdown: `_DIALECTS`; code stays as it is."""
    if not _DIALECT_SIGN.search(source):  # most paragraphs
        return source
    codes: list[str] = []  # no NUL is left in a text that the parser has read

    def hide(code: re.Match[str]) -> str:
        codes.append(code[0])
        return f"\x00{len(codes) - 1}\x00"

    hidden = text = _CODE_SPAN.sub(hide, source)
    for pattern, plain_text in _DIALECTS:
        text = pattern.sub(plain_text, text)
    if text == hidden:
        return source
    text = re.sub(r"(?<=\S)[ \t]{2,}(?=\S)", " ", text)
    text = _HIDDEN_CODE.sub(lambda place: codes[int(place[1])], text)
    return re.sub(r"\n\s*\n", "\n", text).strip()


def _on_one_line(lines: Sequence[str]) -> str:
    """Join a paragraph's lines, but for those that say who wrote an article, and when."""
    if not 1 < len(lines) <= TOP_LINES:
        return " ".join(lines)
    told = [bool(top_matter([line])) for line in lines]
    gaps = ["\n" if above and below else " " for above, below in pairwise(told)]
    return "".join(chain.from_iterable(zip(lines, [*gaps, ""], strict=True)))
