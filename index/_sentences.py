"""Text to sentences, as offsets: which lines belong together, and where sentences end. Pure.

sentencex (MIT; Wikimedia) proposes the ends and knows the abbreviations of many fields and scripts.
It sees no lines, and before a capital it cannot tell "the U.S. Senate" from "the U.S. He". So two
small layers of our own stand around it: `_paragraphs` decides which line ends end something, and
`_ends` answers for each full stop, leaving to sentencex those of which its rules say nothing.
tests/golden/boundaries.jsonl is what both are measured on. English prose is what the word lists are
for; in other scripts sentencex and the marks decide.

Everything here takes time that grows with the text and not faster: patterns have no repetition that
a failed match could try again, and no look-back is longer than a constant.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import sentencex

from index._marks import paired_marks

__all__ = ["Offsets", "ends_sentence", "is_item_or_row", "sentence_spans"]

Offsets = tuple[int, int]
"""Start and end, in characters of the text."""


def sentence_spans(text: str) -> list[Offsets]:
    """Return the sentences of ``text`` as offsets, in order, without surrounding white space.

    Between them stands nothing but white space. A heading, an item of a list and a row of a table
    count as sentences. What stands in quotation marks or brackets stays with the sentence around it,
    unless it is long.
    """
    masked = _mask(text)
    spans: list[Offsets] = []
    for block_start, block_end in _paragraphs(text):
        paragraph = text[block_start:block_end].lstrip()
        start = block_end - len(paragraph)
        paragraph = paragraph.rstrip()
        if not paragraph:
            continue
        end = start + len(paragraph)
        opened = start
        if _may_be_cut(paragraph):
            for cut in _cuts(paragraph, masked[start:end]):
                spans.append((opened, start + cut))
                opened = start + cut
                while text[opened].isspace():
                    opened += 1
        spans.append((opened, end))
    return spans


def _mask(text: str) -> str:
    for mark, instead in _MASKS.items():
        text = text.replace(mark, instead)  # a pass for each is twenty times as fast as translate
    return text if text.isascii() else _WIDE_SPACE.sub(" ", text)


# --- lines ------------------------------------------------------------------------------------

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_ENDED = re.compile(r"[.!?…‽。！？؟।][\"'”’»)\]]*\s*$")
_ANY_END = re.compile(r"[.!?…‽。！？؟।][\"'”’»)\]]*(?:\s|$)")

_MARKER = re.compile(
    r"\s*(?:(?P<bullet>[*•‣◦▪●■□✓✔➤→]|\[[ xX]\])|(?P<dash>[-–—])|(?P<number>\(?\d{1,3}[.)])"
    r"|(?P<section>\d{1,2}(?:\.\d{1,2}){1,4}\.?(?=\s+[A-Z]))|(?P<letter>\(?[A-Za-z][.)])"
    r"|(?P<roman>\(?[ivxIVX]{1,5}[.)]))\s+(?=\S)"
)
"""What opens an item of a list; all but a bullet can also open a wrapped line by chance."""

_KEY = re.compile(
    r"\s*(?:(?P<stamp>[\[(]?(?:\d{4}([-/.])\d{2}\2\d{2}|\d{1,2}:\d{2})\b)|(?P<quoted>>)"
    r"|(?P<key>(?:[A-Z][\w .'’/-]{0,30}|\w{1,20}):\s))"
)
"""Openings that, where two lines share one, make both records: of a log, of a talk, of facts."""

_HASHES = re.compile(r"\s*#{1,6}\s")
_RULE = re.compile(r"[-=~*_|:+\s]{3,}")
_COLUMN_GAP = re.compile(r" {3,}")

_JOINING = frozenset(
    "a an the of in on at to by for from with and or but nor as than that which who whose into onto "
    "over under between among is are was were be been his her its their our your my this these those "
    "said not".split()
)
"""A line that ends in one of these goes on in the next."""

_SHORT_LINE = 0.7
"""A line shorter than this share of its block's longest one was ended on purpose, not wrapped."""

_PARAGRAPH_LINE = 200
"""Nobody wraps lines this long: in a block with one, each line is a paragraph. A row of a table that is
longer lays out prose, so its sentences are looked for."""

_CELL_WORDS = 4
"""Columns set with spaces have cells of this many words at most, on average; other gaps justify lines."""


_INITIAL = re.compile(r"(?<!\w)[A-Z]\.$")


def ends_sentence(text: str) -> bool:
    """Tell whether ``text`` ends in a mark that ends sentences."""
    last = text[-1:]
    if last == "." or last.isalnum():
        return last == "."  # nearly all lines
    return _ENDED.search(text[-20:]) is not None


def is_item_or_row(line: str) -> bool:
    """Tell whether ``line`` opens as an item of a list does, or is a table's row."""
    return _MARKER.match(line) is not None or _has_cells(line, None)


def _is_row(line: str) -> bool:
    """Tell whether ``line`` is a table's row, with cells between bars or tabs."""
    return ("|" in line or "\t" in line) and _has_cells(line, _MARKER.match(line))


def _has_cells(line: str, marker: re.Match[str] | None) -> bool:
    if "|" not in line and "\t" not in line:
        return False
    body = line[marker.end() if marker else 0 :].strip()
    return " | " in body or "\t" in body or (len(body) > 2 and body[0] == "|" == body[-1])


def _paragraphs(text: str) -> Iterator[Offsets]:
    start = 0
    for gap in _BLANK_LINE.finditer(text):
        yield from _unwrapped(text, start, gap.start())
        start = gap.end()
    yield from _unwrapped(text, start, len(text))


def _unwrapped(text: str, start: int, end: int) -> Iterator[Offsets]:
    """Split a block at the line ends that end something; those that only wrap stay inside."""
    lines = text[start:end].splitlines(keepends=True)
    if len(lines) > 1:
        block = _Block(lines)
        at = start
        first = 0
        for number, line in enumerate(lines[:-1]):
            at += len(line)
            if block.is_end(first, number):
                yield start, at
                start, first = at, number + 1
    if start < end:
        yield start, end


class _Block:
    """Lines with no blank line between, and what they say together of how they are to be read."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._longest = max(map(len, lines))
        self._prose = self._longest > _PARAGRAPH_LINE
        self._forms = [None if self._prose or _is_plain(line) else _Form(line) for line in lines]
        self._shapes = Counter(shape for form in self._forms if form for shape in form.shapes())
        self._listing = not self._prose and len(lines) > 2 and self._is_listing()

    def _is_listing(self) -> bool:
        """Tell whether each line is a unit of its own: verses, notes, names without punctuation."""
        lines = self._lines
        if self._shapes or any(map(_ANY_END.search, lines[:-1])):
            return False
        breaks = [(line.rstrip(), following.lstrip()) for line, following in pairwise(lines)]
        if all(following[:1].isupper() or following[:1].isdigit() for _, following in breaks):
            return len(lines) > 3 or not ends_sentence(lines[-1])
        # Whether the next line's first word would have found room.
        roomy = [
            len(line) + 1 + len(following.partition(" ")[0]) < self._longest
            for line, following in breaks
            if following[:1].islower()
        ]
        return 0 < len(roomy) <= 2 * sum(roomy)

    def is_end(self, first: int, number: int) -> bool:
        """Tell whether line ``number``, of the paragraph that line ``first`` opened, ends it."""
        if self._prose:
            return True
        line, following = self._lines[number], self._lines[number + 1]
        form, next_form = self._forms[number], self._forms[number + 1]
        if next_form is not None and next_form.is_rule:
            return False  # it underlines
        if (
            (form is not None and form.is_apart)
            or (next_form is not None and (next_form.is_row or next_form.is_heading))
            or (form is not None and next_form is not None and form.columns and next_form.columns)
            or (next_form is not None and self._opens_item(line, following, next_form.marker))
            or (next_form is not None and _same_key(self._lines[first], following))
        ):
            return True
        ended = line.rstrip()
        last, head = ended[-1:], following.lstrip()[:1]
        if not ended or not head:
            return False
        if head.islower():
            return self._listing and last != ","
        if last.islower() and ended.rpartition(" ")[2] in _JOINING:
            return False
        if len(line) < _SHORT_LINE * self._longest:
            return True
        if ends_sentence(ended) or last in ",;–—-":
            return False  # whether a sentence ends here is asked below
        if last == ":":
            return head not in "\"'“‘«"
        return (
            self._listing
            or _first_word(following) in _STARTERS
            or (ended.isupper() and not following.isupper())
            or _is_title(ended)
        )

    def _opens_item(self, line: str, following: str, marker: re.Match[str] | None) -> bool:
        if marker is None:
            return False
        shape = str(marker.lastgroup)
        if shape == "bullet" or self._shapes[shape] > 1:
            return True
        if ends_sentence(line):  # unless that is an initial, before another one
            return shape not in {"letter", "roman"} or not _INITIAL.search(line.rstrip()[-3:])
        if shape == "dash":
            return not following[marker.end()].islower() or line.rstrip().endswith(":")
        return shape == "number" and marker["number"].strip("(.)") in {"0", "1"}


class _Form:
    """What a line that is not `_is_plain` is: the item of a list, a table's row, a rule, a heading."""

    __slots__ = ("columns", "is_apart", "is_heading", "is_row", "is_rule", "marker")

    def __init__(self, line: str) -> None:
        self.marker = _MARKER.match(line)
        self.is_rule = _RULE.fullmatch(line) is not None
        self.is_row = _has_cells(line, self.marker)
        self.columns = "   " in line and _columns(line)
        self.is_heading = "#" in line and _HASHES.match(line) is not None
        self.is_apart = self.is_rule or self.is_row or self.is_heading

    def shapes(self) -> list[str]:
        """Return the kinds of marker that it opens with; "i." is a letter and a Roman number."""
        if self.marker is None:
            return []
        shape = str(self.marker.lastgroup)
        is_roman = shape == "letter" and self.marker[shape].strip("(.)") in "ivxIVX"
        return [shape, "roman"] if is_roman else [shape]


def _is_plain(line: str) -> bool:
    """Tell, in a hurry, that ``line`` is neither item nor row nor record: nearly all lines are not."""
    if not (line[0].isalpha() or (line[0] in "\"'“‘(" and line[1:2].isalpha())):
        return False
    opening = line[:8]
    return not (
        "." in opening
        or ")" in opening
        or ":" in line[:40]
        or "|" in line
        or "\t" in line
        or "   " in line
    )


def _same_key(first: str, following: str) -> bool:
    key = _KEY.match(following)
    if key is None:
        return False
    opening = _KEY.match(first)
    return opening is not None and opening.lastgroup == key.lastgroup


def _columns(line: str) -> bool:
    cells = _COLUMN_GAP.split(line.strip())
    return len(cells) > 1 and len(line.split()) <= _CELL_WORDS * len(cells)


def _is_title(line: str) -> bool:
    """Tell whether ``line`` is set as headlines are: every word of more than three letters large."""
    words = line.split()
    large = sum(word[0].isupper() for word in words)
    return (
        large > 1
        and words[0][0].isupper()
        and all(word[0].isupper() for word in words if len(word) > 3)
    )


# --- full stops -------------------------------------------------------------------------------

_MASKS = {**dict.fromkeys('"“”„‟«»‹›()[]{}<>（）《》「」`', " "), **dict.fromkeys("'‘’‚‛@", "_")}
"""For sentencex's eyes: it pairs quotation marks and brackets by itself, in time that grows with the
square of what is left open, and takes the apostrophe of "the '60s" for one. `paired_marks` does it here."""

_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")
"""Between a capital and a full stop it makes sentencex panic."""

_STOP = re.compile(
    r"(?P<stop>[.!?…‽؟।॥。！？｡](?<![.!?…‽؟।॥。！？｡]{2})[.!?…‽؟।॥。！？｡]*+)"
    # What closes after it: quotation marks, brackets, notes, emoji.
    r"(?P<close>(?:[\"'”’»«“)\]]|\[[^\[\]\n]{1,40}\]|[¹²³⁰⁴-⁹]"
    r"| ?[\u2600-\u26ff\u2764\U0001f000-\U0001faff][\ufe0f\u200d\U0001f3fb-\U0001f3ff]*+)*+)"
    r"(?:(?P<gap>\s++)|(?<=[。！？｡”’」])(?=\w))"
)
_MAY_END = re.compile(r"[.!?][\s\"')\][A-Z]")
"""In ASCII, what there is of a `_STOP` or a `_GLUED` one in any case; most lines of lists have none."""
_WIDE_STOP = re.compile("[。！？｡](?=[^\\W_])")
_PORTION = 2000  # characters
_OPENERS = "\"'“‘«„([{¿¡_*"
_GOES_ON = re.compile(r"[,;:)\]–—&/%|]|\.(?!\w)|[!?…]")
_BULLET = re.compile(r"[•‣◦▪●■✓✔➤](?<=\s.)(?=\s)")

_LABEL = re.compile(
    r"[\"'“‘(\[]?(?:\(?\d{1,3}[.)]|\d{1,2}(?:\.\d{1,2}){1,4}\.|\(?[A-Za-z][.)]|\(?[ivxIVX]{1,5}[.)]"
    r"|(?:Act|Annex|Appendix|Art|Article|Box|Chapter|Chart|Clause|Exhibit|Fig|Figure|Lesson|Map|Para|Paragraph|Part|Question"
    r"|Rule|Scene|Schedule|Sec|Sect|Section|Step|Table|Unit|Vol|Volume)\.?\s(?:\d{1,3}(?:\.\d{1,2})?|[IVXLC]{1,6}|[A-Z])\.)"
)
"""No sentence by itself: the number of an item, the name of a figure."""
_MAX_LABEL = 24

_ABBREVIATIONS = {
    abbreviation: kind
    for kind, abbreviations in {
        # A name follows.
        "open": "Mr Mrs Ms Mx Dr Drs Prof Profs Rev Fr Hon Gen Gens Brig Lt Col Maj Capt Cpl Sgt Spc Pvt Cmdr Adm Sen Sens "
        "Rep Reps Gov Govs Pres Amb Insp Supt Det Atty Msgr Messrs Mme Mlle Mt Ft "
        # Something follows, whatever its first letter.
        "vs Vs v cf Cf c.f viz ca esp Esp incl Incl approx Approx e.g E.g i.e I.e eg ie a.k.a",
        # Abbreviations only before a number.
        "number": "c No Nos no nos Fig Figs fig figs Vol Vols vol vols Ch ch Sec Art Eq p pp Rs par "
        "para paras reg regs cl cls op ext tel chap chaps secs ss "
        "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec",
        # A number, a day or a place's time may follow.
        "hour": "a.m p.m am pm A.M P.M AM PM Mon Tue Tues Wed Thu Thur Thurs Fri",
        # They end sentences as well.
        "both": "Para Paras Sch Reg Regs Op Ext Exh Chap Chaps Secs Apt Rte Ste Inc Corp Co Cos Ltd Plc plc LLC Bros Jr Sr Esq St Ave Blvd Rd Dept Univ Assn Gov't al Nr "
        "Tel Ph oz lb lbs tsp tbsp pkg pkt qt pt gal ft yd sq fl mg ml kg hrs mins max min deg sched "
        + " ".join(string.ascii_uppercase),
        # Words, whatever sentencex says.
        "word": "May OK",
    }.items()
    for abbreviation in abbreviations.split()
}
_UNITS = frozenset("oz lb lbs gal ft yd mg ml kg hrs mins max min deg".split())
_CLAUSE_BEGINS = re.compile(r"[A-Z][a-z]+ [a-z]+\b")
"""With which a sentence rather begins than goes on after a unit: "He lost 12 kg. Peter was proud."."""
_AFTER_HOUR = re.compile(
    r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|"
    r"Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December|"
    r"Sept|[ECMP][DS]?T|GMT|UTC|BST|CES?T|IST|JST|MSK|(?:[A-Z]\w{1,20}\s){1,2}[Tt]ime|Eastern|Pacific|Greenwich)\b"
)
_ONLY_HOUR = re.compile(
    r"[\"'“‘(]?(?:(?:Shortly|Just|Soon)\s(?:after|before)|At|By|Around|About|Until|Till|Since|Before|After|From)\s"
    r"(?:(?:about|around|roughly|exactly|just\s(?:after|before))\s)?\d{1,2}(?:[:.]\d\d)?\s?[AaPp]\.?[Mm]"
)
"""No sentence by itself: when what follows happened."""
_DOTTED = re.compile(r"(?:[A-Za-z]{1,2}\.){1,6}[A-Za-z]{1,2}")
_STARTERS = frozenset(
    "He She It They We You His Her Its Their Our Your My The This That These Those There Then Here An And But "
    "Or Nor So Yet In On At By For From To With Without After Before During Since Until While Because If Unless "
    "Although Though Despite According Among Between About As When Where Why How What Who Which Whether Not Now "
    "Today Yesterday Tomorrow Later Earlier Meanwhile However Instead Indeed Perhaps Maybe Moreover Still Also "
    "Even Only Once Both All Some Many Most Few Several Each Every Any Another Others Other Such Nobody Nothing "
    "None Everyone Everybody Everything Someone Somebody Something Anyone Is Are Was Were Did Does Do Has Have "
    "Had Can Could Would Should Must It's He's She's They're We're That's There's I'm I've I'll It’s He’s She’s "
    "They’re We’re That’s There’s I’m I’ve I’ll Most".split()
)
"""Words that are large only where a sentence begins: hardly any name begins with one."""
_SMALL_I = re.compile(r"i(?<![\w.]i)(?=[ '’])")
"""Who writes "i" begins sentences small."""
_LONG_WORD = re.compile(r"[a-z]{5,30}")
"""Hardly an abbreviation, so a sentence ends after it even where the next begins small."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_SPEECH_TAG = re.compile(
    r"(?:[A-Z][\w.'’-]{0,30}\s){1,4}(?:said|says|asked|asks|replied|answered|added|cried|called|shouted|yelled|"
    r"screamed|whispered|muttered|murmured|told|wrote|wondered|exclaimed|demanded|insisted|declared|"
    r"joked|thought|snapped|sighed|roared|begged|warned|urged|repeated|inquired|remarked|tweeted|quipped)\b"
)
_QUOTES = frozenset("\"'”’»“«")

_GLUED = re.compile(r"(?<=[a-z]{2})[.!?](?=[A-Z][a-z]*(?:['’][a-z]{1,3})?[\s,;:!?])")
"""A full stop after which the space was forgotten; what stands around it must be no `_ADDRESS`."""
_ADDRESS = re.compile(r"[/@_\\]|:\S|\.\S*\.\S")
_TOKEN = 60


def _may_be_cut(paragraph: str) -> bool:
    """Tell, in a hurry, whether a sentence could end before the end of ``paragraph``."""
    if paragraph.isascii() and not _MAY_END.search(paragraph):
        return False
    return len(paragraph) > _PARAGRAPH_LINE or not _is_row(paragraph)


def _cuts(text: str, masked: str) -> Sequence[int]:
    """Find where the sentences of one paragraph end but the last; both strings are stripped."""
    proposed = _proposed(masked)
    stops = [*_STOP.finditer(text)]
    cuts = _decided(text, stops, proposed)
    if others := _others(text, stops, proposed):
        cuts = sorted({*cuts, *others})
    if not cuts or masked == text:
        return cuts  # without marks nothing is enclosed
    enclosed = iter(_enclosed(text))
    start, end = next(enclosed, (len(text), len(text)))
    kept = []
    for cut in cuts:
        while end < cut:
            start, end = next(enclosed, (len(text), len(text)))
        if cut <= start:
            kept.append(cut)
    return kept


def _proposed(text: str) -> Sequence[int]:
    """Ask sentencex where the sentences of a paragraph end but the last; white space is the earlier's."""
    # What `segment` returns is the whole text in slices; `get_sentence_boundaries` takes four times as long.
    try:
        slices = [each for part in _portions(text) for each in sentencex.segment("en", part)]
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # a bug in its Rust, which is no `Exception`
            raise
        return []
    return [*accumulate(map(len, slices[:-1]))]


def _portions(text: str) -> Sequence[str]:
    """Cut a paragraph of sentences without spaces between them, for which sentencex takes the square."""
    if len(text) < _PORTION or text.isascii():
        return [text]
    portions = []
    opened = 0
    for stop in _WIDE_STOP.finditer(text):
        if stop.end() - opened >= _PORTION:
            portions.append(text[opened : stop.end()])
            opened = stop.end()
    return [*portions, text[opened:]]


def _decided(text: str, stops: Sequence[re.Match[str]], proposed: Sequence[int]) -> list[int]:
    """Find the ends of those of ``stops`` that end a sentence."""
    ends = []
    is_cased: bool | None = None
    opened = 0
    proposals = iter(proposed)
    nearest = next(proposals, len(text))
    for stop in stops:
        at, start = stop.span()
        end = stop.end("close")
        while nearest <= at:
            nearest = next(proposals, len(text))
        if (
            nearest <= start
            and end - at == 1
            and text[start].isupper()
            and at - opened > _MAX_LABEL
            and _LONG_WORD.fullmatch(text, at - 5, at)
        ):
            opened = start  # by far the most common case
            ends.append(end)
            continue
        while start < len(text) and text[start] in _OPENERS:
            start += 1
        is_small = text[start : start + 1].islower() and not text[start + 1 : start + 2].isupper()
        if is_small:
            if is_cased is None:
                is_cased = not (text.islower() or _SMALL_I.search(text))
            is_small = is_cased
        if _ends(text, stop, opened, start, is_small, nearest <= start):
            opened = stop.end()
            ends.append(end)
    return ends


def _ends(
    text: str, stop: re.Match[str], opened: int, start: int, is_small: bool, is_proposed: bool
) -> bool:
    """Tell whether a sentence ends at ``stop``.

    It would be the one ``opened`` there; the first word of the next would be at ``start``, and is one
    with which none begins where ``is_small``. ``is_proposed`` is what sentencex says.
    """
    at = stop.start()
    if at - opened < _MAX_LABEL and _LABEL.fullmatch(text, opened, at + 1):
        return False
    following = text[stop.end()]
    if not following.isalnum() and _GOES_ON.match(text, stop.end()):
        return False
    mark, close = stop.group("stop", "close")
    if mark != ".":
        if is_small:
            return False
        if close and not _QUOTES.isdisjoint(close):
            if following in "([":
                return False
            word = _first_word(text[start : start + 40])
            return word in _STARTERS or not _SPEECH_TAG.match(text, start)
        return is_proposed or "!" not in mark
    before = text[max(opened, at - 24) : at].rsplit(None, 1)
    word = before[-1].lstrip(_OPENERS).rpartition("-")[2] if before else ""
    if is_small and (close or not _LONG_WORD.fullmatch(word)):
        return False
    kind = _ABBREVIATIONS.get(word)
    if kind == "open":
        return False
    if kind == "number" or kind == "hour":
        if text[start : start + 1].isdigit():
            return False
        if kind == "hour" and text[start : start + 2].islower():
            return False  # "9 a.m. to 4 p.m.", where nothing has a capital too
        if kind == "hour" and _ONLY_HOUR.fullmatch(text, opened, at):
            return _starts(text, start)
        return kind == "number" or not _AFTER_HOUR.match(text, start)
    if word in _UNITS and _CLAUSE_BEGINS.match(text, start):
        return True
    is_short = kind == "both" or ("." in word and _DOTTED.fullmatch(word) is not None)
    if not is_short and not is_proposed and kind != "word":
        # sentencex takes "me" and "ill" for states of America.
        is_short = not word.islower() or following in "(["
    return not is_short or _starts(text, start)


def _starts(text: str, start: int) -> bool:
    """Tell whether what begins at ``start`` can only be the beginning of a sentence."""
    word = _first_word(text[start : start + 40])
    end = start + len(word)
    if word in {"A", "I"}:
        return text[end : end + 1] == " " and text[end + 1 : end + 2].islower()
    return word in _STARTERS and text[end : end + 1] not in {"-", "."}


def _first_word(text: str) -> str:
    word = _WORD.match(text)
    return word.group() if word else ""


def _others(text: str, stops: Sequence[re.Match[str]], proposed: Sequence[int]) -> list[int]:
    """Find ends that are no full stop before a space: bullets, forgotten spaces, other scripts'."""
    ends = []
    if text.isascii():
        proposed = [cut for cut in proposed if text[cut - 1] != " "]
    else:
        ends += [_last(text, bullet.start()) for bullet in _BULLET.finditer(text)]
    at = 0
    for cut in proposed:
        while at < len(stops) and stops[at].end() < cut:
            at += 1
        if at < len(stops) and stops[at].start() < cut:
            continue
        end = _last(text, cut)
        mark = text[end - 1]
        if mark.isascii():
            if _GLUED.match(text, end - 1) and not _ADDRESS.search(_token(text, end - 1)):
                ends.append(end)
        elif mark not in _MASKS:
            ends.append(end)
    return ends


def _last(text: str, end: int) -> int:
    """Return ``end`` without the white space before it."""
    while end > 1 and text[end - 1].isspace():
        end -= 1
    return end


def _token(text: str, at: int) -> str:
    """Return what stands around ``at`` without a space in it, at most `_TOKEN` characters away."""
    before = text[max(0, at - _TOKEN) : at].split(" ")[-1]
    after = text[at : at + _TOKEN].split(None, 1)[0]
    return before + after


def _enclosed(text: str) -> list[Offsets]:
    """Return what stands in quotation marks or brackets, as the marks' offsets; overlaps are one."""
    merged: list[Offsets] = []
    for start, end in paired_marks(text):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
