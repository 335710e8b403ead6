"""Bytes to clean text, and what the first lines of an article say about it. Pure functions.

The parsers (``_formats``) use these inside a process of little memory, so nothing here imports
numpy.
"""

from __future__ import annotations

import codecs
import datetime
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from itertools import islice

from index.errors import LoadError

MAX_LABEL = 300
"""Characters that a title or a heading's label keeps."""

CELL_END = " | "
"""What stands between the cells of a table's row."""

MAX_TITLE_LINE = 150
"""Characters of a first line that can still be a title."""

RAISED = re.compile(r"\s*[+\-\u2212]?[0-9]{1,3}\s*")
"""What stands above the line as a power or the mark of a note; `raised` writes it."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Those in which articles are found; also all that a page may declare (others are slow or not text).
_ENCODINGS = """
    cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 iso8859-1 iso8859-2 iso8859-5 iso8859-7 iso8859-8
    iso8859-9 iso8859-15 koi8-r koi8-u shift_jis cp932 euc_jp iso2022_jp gb2312 gbk gb18030 big5 euc_kr cp949
""".split()
_ENCODING_NAMES = frozenset(codecs.lookup(name).name for name in _ENCODINGS)
_GUESS_BYTES = 1 << 18  # the guess takes time with the sample's size; more does not change it
_MAX_MARK_SHARE = (
    0.02  # high bytes for each ASCII letter of English with its "’", "£", "°" and foreign names
)
_FOREIGN_WORD = re.compile(rb"[\xa1-\xff]{4}")  # what English in Windows-1252 has no use for

_NOT_CONTROL = bytes(b for b in range(256) if b >= 32 or b in b"\t\n\r\x0b\x0c\x1b")
_MAX_CONTROL_SHARE = 0.02  # compressed or packed data has about 10% of control bytes

_NEWLINES = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Controls, soft hyphens, zero-width marks, bidi marks, overrides and isolates, interlinear notes.
# U+200C and U+200D stay: Persian, Indic scripts and emoji are written with them.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb]+"
)
_SPACES = re.compile("[\xa0\u2007\u202f]")
# Two or three letters that a font draws as one: no word is spelt with them.
_LIGATURES = str.maketrans(
    dict(
        zip(
            "\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06",
            "ff fi fl ffi ffl st st".split(),
            strict=True,
        )
    )
)
_TO_RAISED = str.maketrans("0123456789+-\u2212", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile("\n{3,}")
# No mark is alphanumeric, so only a run of this shape can hold too many of them.
_MANY_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
_MAX_MARKS = 30  # UAX #15, Stream-Safe Text Format: longer runs make normalisation quadratic


def decode(data: bytes, declared: str | None = None) -> str:
    """Return the text that ``data`` holds.

    A byte order mark decides, then strict UTF-8, then UTF-16 seen by its zero bytes, then the
    ``declared`` encoding; text of mixed encodings is decoded line by line; what is nearly ASCII is
    Windows-1252; only then is the encoding guessed. Raises ``LoadError`` where the bytes are no text.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    wide = _wide_encoding(data)
    if wide is not None:
        return data.decode(wide, "replace")
    if len(data.translate(None, _NOT_CONTROL)) > _MAX_CONTROL_SHARE * len(data):
        raise LoadError("holds binary data, not text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if declared is not None and _is_known(declared):
        return data.decode(declared, "replace")
    return _decode_by_lines(data) or _decode_by_guess(data)


def _is_known(name: str) -> bool:
    try:
        return codecs.lookup(name).name in _ENCODING_NAMES
    except (LookupError, ValueError):
        return False


def _wide_encoding(data: bytes) -> str | None:
    """Recognise UTF-16 and UTF-32 without a mark: ASCII's high bytes are zero, and only they."""
    sample = data[: 1 << 16]
    if len(sample) < 4 or 0 not in sample:
        return None
    zero = [sample[i::4].count(0) / len(sample[i::4]) for i in range(4)]
    for name, high, low in (
        ("utf-32-le", (1, 2, 3), (0,)),
        ("utf-32-be", (0, 1, 2), (3,)),
        ("utf-16-le", (1, 3), (0, 2)),
        ("utf-16-be", (0, 2), (1, 3)),
    ):
        if all(zero[i] > 0.4 for i in high) and all(zero[i] < 0.05 for i in low):
            return name
    return None


def _decode_by_lines(data: bytes) -> str | None:
    """Decode a UTF-8 file into which other bytes were pasted; ``None`` if it is not one."""
    decoded: list[str] = []
    good = bad = 0
    for line in data.split(b"\n"):
        text = line.decode("utf-8", "replace")
        errors = text.count("\ufffd")
        wide = 0 if line.isascii() else sum(ch > "\x7f" for ch in text) - errors
        # More sequences of UTF-8 than errors are no accident: the errors are damage.
        if errors and wide < errors:
            text = line.decode("cp1252", "replace")
            bad += 1
        elif wide:
            good += 1
        decoded.append(text)
    return "\n".join(decoded) if good and good >= bad else None


def _decode_by_guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    if _is_nearly_ascii(data):  # too little to guess by: a lone "£" looks as good as "Ł"
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            pass
    sample = b"\n".join(line for line in data.split(b"\n") if not line.isascii())[:_GUESS_BYTES]
    guesses = list(from_bytes(sample, cp_isolation=_ENCODINGS))
    if guesses:
        # Western text fits the other Latin code pages as well; of equal guesses it is the likelier.
        best = [
            guess.encoding
            for guess in guesses
            if (guess.chaos, guess.coherence) == (guesses[0].chaos, guesses[0].coherence)
        ]
        return data.decode("cp1252" if "cp1252" in best else best[0], "replace")
    if len(data.translate(None, bytes(range(128, 256)))) >= 0.9 * len(data):
        return data.decode("cp1252", "replace")
    raise LoadError("its characters fit no encoding that is known; save it as UTF-8")


def _is_nearly_ascii(data: bytes) -> bool:
    """Tell whether ``data`` is English but for marks, signs and single letters."""
    letters = len(data) - len(data.translate(None, string.ascii_letters.encode()))
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return high <= _MAX_MARK_SHARE * letters and not _FOREIGN_WORD.search(data)


def clean(text: str) -> str:
    r"""Return ``text`` as documents store it.

    Newlines are ``\n`` with at most one blank line between; NFC; no controls but ``\\n`` and tab;
    no bidi controls or zero-width characters; lone surrogates become U+FFFD; no-break spaces are
    spaces, and ligatures their letters; at most 30 combining marks in a row; no white space at the end of lines or around it all.
    ``clean(clean(text)) == clean(text)``.
    """
    text = _NEWLINES.sub("\n", text)
    text = _DROPPED.sub("", text)
    if not text.isascii():
        text = _SPACES.sub(" ", _SURROGATES.sub("\ufffd", text)).translate(_LIGATURES)
        text = unicodedata.normalize("NFC", _MANY_MARKS.sub(_cut_marks, text))
        text = _MANY_MARKS.sub(_cut_marks, text)  # some marks become two
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip()


def raised(text: str) -> str:
    """Return ``text`` with its digits and signs raised (10, then 8 raised, is 10⁸ and not 108)."""
    return text.translate(_TO_RAISED)


def _cut_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    run = 0
    for character in match.group():
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def one_line(text: str, limit: int = MAX_LABEL) -> str:
    """Return ``text`` clean and on one line, cut to ``limit`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def plain(value: object, depth: int = 2) -> str:
    """Put a metadata value on one line: a string or number, a list of them, or what has a name."""
    if isinstance(value, Mapping):
        value = value.get("name", value.get("rendered"))
    if isinstance(value, list) and depth:
        return ", ".join(filter(None, (plain(item, depth - 1) for item in value[:10])))
    if isinstance(value, str | int | float):
        line = one_line(str(value)).strip()
        quoted = len(line) > 1 and line[0] == line[-1] and line[0] in "'\""
        # A pair around it all; "'Wicked' breaks records" keeps its own.
        return line[1:-1].strip() if quoted and line[0] not in line[1:-1] else line
    return ""


def has_text(text: str) -> bool:
    """Tell whether there is anything to read: a letter or a digit."""
    return any(character.isalnum() for character in text)


_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<!\d){_YEAR}-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?!\d)",
        rf"(?<!\d){_YEAR}/(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})(?!\d)",
        rf"(?<![\w.]){_DAY}(?:\s+of)?[\s-]{{1,3}}{_MONTH},?[\s-]{{1,3}}{_YEAR}(?!\d)",
        rf"(?<!\w){_MONTH}\s{{1,3}}{_DAY},?\s{{1,3}}{_YEAR}(?!\d)",
        rf"(?<!\d)(?:D:)?{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})(?=$|[TZ+-]|\d{{6}})",
        rf"(?<!\d)(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}(?!\d)",
    )
)


def find_date(text: str) -> str | None:
    """Return the first date that ``text`` writes out, in ISO 8601 (``2024-10-24``), or ``None``.

    Reads ``2024-10-24``, ``24 October 2024``, ``Oct. 24, 2024``, RFC 2822, ``24.10.2024`` and PDF's
    ``D:20241024``. ``10/11/2024`` means two days, so it is none.
    """
    found = _first_date(text)
    return None if found is None else found[2]


def _first_date(text: str) -> tuple[int, int, str] | None:
    """Return start and end of the first date, and the date."""
    found: list[tuple[int, int, str]] = []
    for pattern in _DATES:
        match = pattern.search(text)
        if match is None:
            continue
        month = match["month"].lower()
        number = int(month) if month.isdigit() else _MONTHS[month]
        try:
            date = datetime.date(int(match["year"]), number, int(match["day"]))
        except ValueError:
            continue
        found.append((*match.span(), date.isoformat()))
    return min(found, default=None)


def parse_date(value: object) -> str | None:
    """Return the date of a metadata value (a string, a date or a datetime), or ``None``."""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    value = value[:200]
    date = find_date(value)
    if date is not None:
        return date
    try:
        return parsedate_to_datetime(value).date().isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


_NAME_WORD = (
    r"(?:[^\W\d_a-z][\w'’.-]*|al-\w+|de|da|del|della|di|du|la|le|van|von|der|den|bin|ibn|of)"
)
_BYLINE = re.compile(
    r"^(?:(?:[Bb]y|BY|(?:[Ww]ritten|[Rr]eported|[Ww]ords) by)(?::\s*|\s+)|(?:Author|Byline)s?:\s*)"
    rf"(?P<name>{_NAME_WORD}(?:\s{{1,3}}{_NAME_WORD}){{0,6}}"
    rf"(?:(?:,|\s+and|\s+&)\s+{_NAME_WORD}(?:\s{{1,3}}{_NAME_WORD}){{0,6}}){{0,3}})"
    r"\s*(?=$|[|,;·•(/]|\s[–—-]\s)"
)
_BYLINE_ALONE = re.compile(r"^(?:[Bb]y|BY)\s+(?P<name>[^\W\d_a-z][^.!?:;,|\d]{1,58})$")
"""A whole line of it may name a desk or an office, whose words need no capitals."""

_DAY_OR_MONTH = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|" + "|".join(_MONTHS),
    re.IGNORECASE,
)
_CLAUSE = re.compile(
    r"\b(?!(?:desk|team|staff|news|in|on|at|of|for|and|the|published|updated|posted|modified|last|am|pm|"
    + "|".join(_MONTHS)
    + r")\b)[a-z]{2,}"
)
"""A word that hardly stands after a name or beside a date in a byline, but in a sentence: "By Christmas, all was lost."."""

_OF_DOCUMENT = re.compile(
    r"\b(?:minutes|meeting|reports?|newsletter|release|agenda|memo|letter|interview|article|page|post|story|document|"
    r"created|dated|edited|filed|issued|modified|posted|published|reviewed|revised|submitted|updated|written)\b",
    re.IGNORECASE,
)
_HAPPENED = re.compile(
    r"\b(?:birth|born|death|died|founded|deadline|due|expir\w+)\b", re.IGNORECASE
)
_TELLS_WHEN = re.compile(r"\b(?:on|of|since|until)\s(?:\w+day,?\s)?$")

_KEY_LINE = re.compile(
    r"^(?P<key>title|headline|author|byline|by|source|publisher|date|published|publication date|"
    r"posted|updated)\s*:\s*(?P<value>\S.*)$",
    re.IGNORECASE,
)
_KEYS_OF_OTHER_THINGS = {"title", "headline", "source", "date"}
"""They may as well be a document's own words: the date of a concert, the source of a river."""

TOP_LINES = 8
"""Lines at an article's top, but for empty ones, among which stands what is said about it."""
_TOP_CHARACTERS = 4000
_TOP_LINE = re.compile(r"\S[^\n]*")
_MAX_BYLINE_WORDS = 8
_MAX_TOP_LINE = 120  # longer lines are paragraphs
_MAX_DATE_REST = 45  # characters beside the date in a line that gives the date


def top_matter(lines: Iterable[str]) -> dict[str, str]:
    """Read ``title``, ``author``, ``date`` and ``source`` off an article's first non-empty lines.

    ``Author: Jane Doe`` gives its key; ``By Jane Doe`` an author; a line that is hardly more than a
    date gives the date. Only what is found is in the result.
    """
    found: dict[str, str] = {}
    for line in _first_lines(lines):
        if len(line) > _MAX_TOP_LINE:
            continue
        key_line = _KEY_LINE.match(line)
        if key_line is not None:
            _note(found, key_line["key"].lower(), key_line["value"].strip())
            continue
        byline = _byline(line)
        if byline is not None:
            found.setdefault("author", " ".join(byline["name"].split()))
            line = line[byline.end() :]
        if _is_dated(line) and _is_its_date(line) and (date := find_date(line)) is not None:
            found.setdefault("date", date)
    return found


def byline_spans(text: str, author: str | None) -> list[tuple[int, int]]:
    """Return where the lines at an article's top stand that say who wrote it, and when.

    A date by itself counts beside another such line: elsewhere it may be what the article tells, as it is
    in a line that says what happened then. Spans are without white space around, in the order of the text; ``author`` is the document's.
    """
    lines = []
    for found in islice(_TOP_LINE.finditer(text, 0, _TOP_CHARACTERS), TOP_LINES):
        line = found[0].rstrip()
        lines.append((found.start(), found.start() + len(line), line))
    named = [_is_byline(line, author) for _, _, line in lines]
    dated = [
        at > 0 and _is_dated(line) and not _CLAUSE.search(line)
        for at, (_, _, line) in enumerate(lines)
    ]
    beside = [any(named[max(0, at - 1) : at + 2]) for at in range(len(lines))]
    return [
        (start, end)
        for at, (start, end, _) in enumerate(lines)
        if named[at] or (dated[at] and beside[at])
    ]


def _is_byline(line: str, author: str | None) -> bool:
    """Tell whether a line is there to say who wrote an article, or when it came out."""
    if len(line) > _MAX_TOP_LINE:
        return False
    key = _KEY_LINE.match(line)
    if key is not None:
        return key["key"].lower() not in _KEYS_OF_OTHER_THINGS
    if _byline(line) is not None:
        return True
    low, name = line.casefold(), (author or "").casefold()
    return bool(name) and (low == name or (low.startswith("by ") and name in low))


def _is_dated(line: str) -> bool:
    """Tell whether a line is hardly more than a date."""
    return (
        len(line) <= _MAX_DATE_REST + 20 and not line.endswith(".") and find_date(line) is not None
    )


def _is_its_date(line: str) -> bool:
    """Tell whether a line that is dated says when it was written, not when something happened.

    "The storm of 15 October 1987: what we remember", "Date of birth: 3 May 1980" and "The works were founded on 3 May 1998"
    do not; "Minutes of the meeting of 4 May 2024" and "4 May 2024 · 5 min read" do.
    """
    found = _first_date(line)
    if found is None:
        return False
    before, after = line[: found[0]], line[found[1] :]
    if before.strip() and after.lstrip().startswith(":"):
        return False
    if _OF_DOCUMENT.search(line):
        return True
    tells = _CLAUSE.search(before) is not None and _TELLS_WHEN.search(before) is not None
    return not tells and _HAPPENED.search(before) is None


def _byline(line: str) -> re.Match[str] | None:
    alone = _BYLINE_ALONE.match(line)
    if alone and len(line.split()) <= _MAX_BYLINE_WORDS:
        return alone
    named = _BYLINE.match(line)
    if named is None or _DAY_OR_MONTH.fullmatch(named["name"]):
        return None
    is_sentence = line.endswith((".", "!", "?")) and _CLAUSE.search(line, named.end())
    return None if is_sentence else named


def _note(found: dict[str, str], key: str, value: str) -> None:
    if key in {"title", "headline"}:
        found.setdefault("title", value)
    elif key in {"author", "byline", "by"}:
        found.setdefault("author", value.removeprefix("By ").removeprefix("by "))
    elif key in {"source", "publisher"}:
        found.setdefault("source", value)
    elif (date := parse_date(value)) is not None and not (key == "updated" and "date" in found):
        found["date"] = date


def _first_lines(lines: Iterable[str]) -> list[str]:
    top: list[str] = []
    for line in lines:
        if line.strip():
            top.append(line.strip())
            if len(top) == TOP_LINES:
                break
    return top


def _is_rule(line: str) -> bool:
    return line.strip() != "" and set(line.strip()) <= set("=-~*_#")


def title_line(lines: list[str]) -> str | None:
    """Return the first line if it is a headline: short, and set off from the text after it.

    ``lines`` are those of a clean text; a rule above it is passed over. A headline ends in no full stop, comma or colon, and the next
    line is blank, a date, a byline, or a paragraph that is far longer.
    """
    if lines and _is_rule(lines[0]):
        lines = lines[1:]
    if len(lines) < 2 or not lines[0].strip():
        return None
    first, second = lines[0].strip(), lines[1].strip()
    if len(first) > MAX_TITLE_LINE or not has_text(first) or first.endswith((",", ":", ";")):
        return None
    if first.endswith(".") and not first.endswith("..."):
        return None
    if _KEY_LINE.match(first):
        return None
    set_off = (
        not second
        or _is_rule(second)
        or _KEY_LINE.match(second) is not None
        or _byline(second) is not None
        or (len(second) <= _MAX_TOP_LINE and find_date(second) is not None)
        or (len(second) > 100 and len(first) < len(second))
    )
    return one_line(first) if set_off else None
