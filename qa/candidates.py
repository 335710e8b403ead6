"""Spans of all passages on one scale, gathered into different answers. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.types import Hit
from qa.copies import repeated, runs, witnesses
from qa.metrics import exact_match, f1, normalize_answer

_TELLING = re.compile(
    r"(?<=\d)[.:/–−-](?=\d)|(?<=\d),(?=\d)(?!\d{3}(?!\d))|(?<![\w.])[−+-](?=\d)|(?<=\w)[+#]+(?!\w)"
    r"|(?<=\d)%|\$(?=\d)"
)
"""Punctuation that tells two answers apart: of figures ("1.5" and "15", "2-1" and "21", "-5", "5%" and "5", "$5"), though
not the thousands' comma, and of names ("C++" and "C#")."""

_PERCENT = re.compile(r"(?<=\d)\s%")

_LETTER_A = re.compile(r"(?<=\w )A(?=[^\w\s]*$|[\d,;:)]| \d)")
"""The last word of a name ("hepatitis A"), and no article."""

_NEGATIONS = frozenset("no not never nor neither without non".split())
_NUMBERS = frozenset(
    "half quarter quarters third thirds fifth fifths dozen hundred thousand million billion trillion two three "
    "four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety".split()
)
_OFFICES = frozenset("acting assistant deputy vice".split())
_OFFICE_WORDS = 2
"""Before an office they make another one; what is longer names who holds it."""

_MEANS = (
    r"\s*\(|,?\s+(?:which\s+|that\s+)?(?:(?:is\s+|was\s+)?short\s+for|(?:stands|stood)\s+for|"
    r"(?:is\s+|was\s+)?an\s+(?:acronym|abbreviation)\s+(?:for|of)|means|meaning)\s+(?:the\s+)?"
)
"""What stands between a short form and its long one."""

_WORD = re.compile(r"[^\W\d_]+")
_CLAUSE_END = re.compile(r"[.!?;:()\[\]\n]")

_KEPT = {ord(mark): ord(mark) - ord("!") + ord("！") for mark in ".:/-,+#%$"} | {
    ord(dash): ord("－") for dash in "–−"
}
"""To their full-width forms, which `normalize_answer` leaves alone."""

_DOLLAR = "＄"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a span stands: offsets of a document's characters."""

    doc_id: str
    start: int
    end: int

    def overlaps(self, other: Place) -> bool:
        """Tell whether the two share a character."""
        return self.doc_id == other.doc_id and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that the reader pointed at in a retrieved passage.

    ``span_score`` and ``null_score`` are the reader's, in logits; ``null_score`` is its passage's. ``looked_up`` is what
    looking up the question in a table adds to them (`qa.tables`).
    """

    hit: Hit
    place: Place
    text: str
    span_score: float
    null_score: float
    looked_up: float = 0.0

    @property
    def margin(self) -> float:
        """How much better than "no answer here" the span is, in logits."""
        return self.span_score - self.null_score + self.looked_up

    @property
    def score(self) -> float:
        """The logit that all spans of all passages compete with.

        How much better than "no answer here" the span is, and how close its passage is to the
        question (Yang et al. 2019, arXiv 1902.01718, add the retriever's score likewise). The reader
        was trained with a softmax over just these margins, so their sum is not divided by anything. Of
        the weights and temperatures tried on dev questions over their open corpora this is among the
        best (docs/measurements.md).
        """
        return self.margin + self.hit.score


@dataclass(frozen=True, slots=True)
class Group:
    """One answer: the spans that say it.

    ``text`` is its best wording (`best_wording`); ``places`` are where just this stands, up to case,
    articles and punctuation, best first; none overlaps another, and after the first come only those whose passage
    rather answers than not, by the reader's own scores: where "five" counts something else it proves nothing. ``share`` is its probability among all
    spans. ``best`` is the best span so worded; ``documents`` counts the documents that agree, copies of a
    story once.
    """

    text: str
    places: tuple[Place, ...]
    share: float
    best: Candidate
    documents: int


def group_answers(candidates: Sequence[Candidate]) -> list[Group]:
    """Gather spans that give the same answer, and return the answers, best first.

    Spans are one answer if they are the same after normalisation (`same_wording`), if they
    overlap in a document, or if the words of one hold the other's in a row ("Blinken", "Antony
    Blinken"). Their probabilities, a softmax over the spans of all passages, add up; a place that two
    overlapping passages hold counts once.
    """
    distinct: dict[Place, Candidate] = {}
    for candidate in sorted(candidates, key=_order):
        distinct.setdefault(candidate.place, candidate)
    if not distinct:
        return []
    top = next(iter(distinct.values())).score
    # At most 700 apart: beyond it, exp is 0, and a share of 0 has no logarithm.
    weights = {place: math.exp(max(c.score - top, -700.0)) for place, c in distinct.items()}
    total = sum(weights.values())
    members: list[list[Candidate]] = []
    for candidate in distinct.values():
        home = next((m for m in members if _same(m, candidate)), None)
        if home is None:
            members.append([candidate])
        else:
            home.append(candidate)
    groups = [_group(m, {c.place: weights[c.place] / total for c in m}) for m in members]
    return sorted(groups, key=lambda group: (-group.share, _order(group.best)))


def best_wording(texts: Sequence[str], weights: Sequence[float]) -> int:
    """Return which of the texts is best to give as the answer; of equal ones the first.

    ``weights`` are the texts' probabilities, up to a factor. The best is the one with the highest
    expected EM + token F1 if each text were right with its probability (the minimum Bayes risk of Kumar &
    Byrne 2004): where many similar spans share the probability, not the likeliest of them, but the one
    closest to all. Raises ``ValueError`` without texts.
    """
    expected = [
        sum(
            weight * (exact_match(text, [other]) + f1(text, [other]))
            for other, weight in zip(texts, weights, strict=True)
        )
        for text in texts
    ]
    return expected.index(max(expected))


def spells_out(text: str, short: str) -> bool:
    """Tell whether ``text`` may be the long form of ``short``: how its words begin gives those letters, in order.

    A word gives one or more of its first letters, or none: "Conference of the Parties" is COP, "radio
    detection and ranging" radar. A word that is the short form itself gives none, so nothing is its own long
    form. What is no letter does not matter ("R.F.&P."). Of fewer than two letters nothing is the long form.
    Stricter than the match of Schwartz & Hearst 2003, which takes letters from within words too, as most
    clauses have them.
    """
    letters = "".join(filter(str.isalpha, short.lower()))
    reached = {0}
    for word in _WORD.findall(text.lower()):
        if word != letters:
            begins = [word[:given] for given in range(1, min(len(word), len(letters)) + 1)]
            reached |= {
                at + len(begin)
                for at in reached
                for begin in begins
                if letters.startswith(begin, at)
            }
    return len(letters) > 1 and len(letters) in reached


def is_explanation(candidate: Candidate, short: str) -> bool:
    """Tell whether the candidate stands beside ``short`` as its long form does, whatever its letters.

    "Carbon dioxide (CO2)"; "CO2 (carbon dioxide)"; "CO2, short for carbon dioxide".
    """
    text, first = candidate.hit.chunk.text, candidate.hit.chunk.start
    before, after = text[: candidate.place.start - first], text[candidate.place.end - first :]
    name = re.escape(short)
    return bool(
        re.search(
            rf"(?<!\w){name}[”\"']?(?:{_MEANS})[“\"']?(?:the\s+|an?\s+)?$", before, re.IGNORECASE
        )
        or re.match(rf"[”\"']?\s*\((?:the\s+)?[“\"']?{name}(?!\w)", after, re.IGNORECASE)
    )


def whole_long_form(candidate: Candidate, short: str) -> Candidate:
    """Return the candidate with the words before or after it without which it does not spell ``short`` out.

    "Reconstruction and Development" beside "(EBRD)" is "European Bank for Reconstruction and Development". As in Schwartz
    & Hearst 2003 of at most min(n + 5, 2n) words for n letters; none is behind a stop, a bracket or the end of a line.
    Where it spells it out itself, without the clause that follows ("very high frequency): the band of boats");
    unchanged where nothing there does.
    """
    if spells_out(candidate.text, short):
        return _without_rest(candidate, short)
    place, text, first = candidate.place, candidate.hit.chunk.text, candidate.hit.chunk.start
    start, end = place.start - first, place.end - first
    letters = sum(map(str.isalpha, short))
    most = min(letters + 5, 2 * letters) - len(candidate.text.split())
    line = [*_CLAUSE_END.finditer(text, 0, start)]
    begin = line[-1].end() if line else 0
    stop = _CLAUSE_END.search(text, end)
    before = [(at.start(), end) for at in _WORD.finditer(text, begin, start)][::-1]
    after = [
        (start, at.end()) for at in _WORD.finditer(text, end, stop.start() if stop else len(text))
    ]
    for low, high in (*before[: max(most, 0)], *after[: max(most, 0)]):
        if spells_out(text[low:high], short):
            wider = Place(place.doc_id, first + low, first + high)
            return replace(candidate, place=wider, text=text[low:high])
    return candidate


def _without_rest(candidate: Candidate, short: str) -> Candidate:
    text, place = candidate.text, candidate.place
    for stop in _CLAUSE_END.finditer(text):
        low, high = len(text) - len(text.lstrip("([")), stop.start()
        if spells_out(text[low:high], short):
            within = replace(place, start=place.start + low, end=place.start + high)
            return replace(candidate, place=within, text=text[low:high])
    return candidate


def same_wording(text: str) -> str:
    """Return what two texts have in common that are worded alike: `normalize_answer`, which would have "1.5" be "15".

    Of the punctuation that is dropped there, what makes another figure or name stays, and so does the A of "hepatitis A".
    """
    text = _PERCENT.sub("%", _LETTER_A.sub("Ａ", text))
    return normalize_answer(_TELLING.sub(lambda found: found[0].translate(_KEPT), text))


def _order(candidate: Candidate) -> tuple[float, int, int, int]:
    place = candidate.place
    return (-candidate.score, candidate.hit.rank, place.start, place.end)


def _same(members: Sequence[Candidate], candidate: Candidate) -> bool:
    """Tell whether ``candidate`` says what the group's best span says."""
    first = members[0]
    return (
        any(member.place.overlaps(candidate.place) for member in members)
        or same_wording(first.text) == same_wording(candidate.text)
        or _holds(first.text, candidate.text)
        or _holds(candidate.text, first.text)
    )


def _holds(longer: str, shorter: str) -> bool:
    """Tell whether the words of ``shorter`` stand in ``longer`` in a row; numbers alone do not count.

    What ``longer`` denies ``shorter`` does not say, nor is "a million" said by "half a million", or "president"
    by "vice president".
    """
    # Beside a word, "billion" or "dollars", what is counted is told without the sign.
    words, others = (same_wording(text).replace(_DOLLAR, "").split() for text in (shorter, longer))
    if not any(word.isalpha() and len(word) > 2 for word in words):
        return False
    if not _NEGATIONS.isdisjoint(set(others) - set(words)):
        return False
    before, found, after = f" {' '.join(others)} ".partition(f" {' '.join(words)} ")
    last, first = before.split()[-1:], after.split()[:1]
    if not _NUMBERS.isdisjoint(words) and not _NUMBERS.isdisjoint(last + first):
        return False
    is_office = len(words) <= _OFFICE_WORDS and not _OFFICES.isdisjoint(last)
    return bool(found) and not is_office


def _group(members: Sequence[Candidate], shares: dict[Place, float]) -> Group:
    best = best_wording([m.text for m in members], [shares[m.place] for m in members])
    wording = same_wording(members[best].text)
    said = [member for member in members if same_wording(member.text) == wording]
    places: list[Place] = []
    for candidate in said:
        answers = candidate.span_score >= candidate.null_score or not places
        if answers and not any(place.overlaps(candidate.place) for place in places):
            places.append(candidate.place)
    return Group(
        text=said[0].text,
        places=tuple(places),
        share=sum(shares.values()),
        best=said[0],
        documents=_witnesses(members),
    )


def _witnesses(members: Sequence[Candidate]) -> int:
    """Count the documents that say it, those whose passages are copies of one another once."""
    passages: dict[str, set[str]] = {}
    for member in members:
        passages.setdefault(member.place.doc_id, set()).add(member.hit.chunk.text)
    if len(passages) == 1:
        return 1
    return witnesses([frozenset().union(*map(runs, texts)) for texts in passages.values()])


def also_said(group: Group, hits: Sequence[Hit]) -> list[Place]:
    """Return where else in ``hits``, read or not, the sentence of the group's best span says the same.

    Places are in the order of ``hits``; none overlaps another or one of the group's.
    """
    chunk, place = group.best.hit.chunk, group.best.place
    found: list[Place] = []
    for hit in hits:
        other = hit.chunk
        for start, end in repeated(
            chunk.text, place.start - chunk.start, place.end - chunk.start, other.text
        ):
            new = Place(other.doc_id, other.start + start, other.start + end)
            if not any(new.overlaps(known) for known in (*group.places, *found)):
                found.append(new)
    return found
