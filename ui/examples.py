"""Example questions that fit the index: built from its own sentences, kept if they are answered.

A candidate comes from a sentence whose shape shows what it answers ("The bridge was opened in
1932" answers "When was the bridge opened?"). A candidate becomes an example only if the product,
asked, answers it from that very document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from index.types import Document
from qa.types import Answer

BATCH = 8
"""Candidates that are asked at a time, so that a short search stays short."""

MOST_CANDIDATES = 32
"""Candidates that are asked at most."""

MOST_DOCUMENTS = 60
"""Documents that are looked at, evenly spread over the index."""

SURE = 0.6
"""Confidence of an answer that makes a good first impression."""

_READ = 6_000  # characters of a document that are looked at: an article's first screens

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = rf"(?:\d{{1,2}} (?:{_MONTH})(?: \d{{4}})?|(?:{_MONTH})(?: \d{{1,2}},)? \d{{4}}|\d{{4}})"
_NAME = r"[A-Z][\w’'-]*(?: (?:of |the |and |de |al-)?[A-Z0-9][\w’'-]*){0,4}"
_SUBJECT = rf"(?P<subject>(?:The |An? )?(?:{_NAME}|[a-z]+(?: [a-z]+)?))"
_PARTICIPLE = (
    r"(?P<participle>[a-z]+ed|born|built|held|found|begun|sunk|won|lost|made|shot|hit|sent|struck"
    r"|set up|drawn|grown|known|shown|sold|brought|signed)"
)
_WHEN_PASSIVE = re.compile(
    rf"^{_SUBJECT} (?P<be>was|were) {_PARTICIPLE}(?P<rest>(?: [\w’'-]+){{0,5}}?) (?:on|in) {_DATE}\b"
)
_WHERE_PASSIVE = re.compile(
    rf"^{_SUBJECT} (?P<be>was|were) {_PARTICIPLE} (?:in|at|near) (?:the )?{_NAME}"
)
_BASES = {
    "began": "begin", "broke": "break", "closed": "close", "collapsed": "collapse",
    "crashed": "crash", "died": "die", "ended": "end", "entered": "enter", "erupted": "erupt",
    "fell": "fall", "flew": "fly", "joined": "join", "landed": "land", "launched": "launch",
    "left": "leave", "lost": "lose", "made": "make", "met": "meet", "opened": "open",
    "passed": "pass", "ran": "run", "reached": "reach", "resigned": "resign",
    "returned": "return", "sailed": "sail", "sank": "sink", "set": "set", "signed": "sign",
    "started": "start", "struck": "strike", "took": "take", "voted": "vote", "won": "win",
}  # fmt: skip
_WHEN_ACTIVE = re.compile(
    rf"^{_SUBJECT} (?P<verb>{'|'.join(_BASES)})(?P<rest>(?: [\w’'-]+){{0,6}}?) (?:on|in) {_DATE}\b"
)
_IS_A = re.compile(
    rf"^(?P<subject>(?:The )?{_NAME}) (?P<be>is|are|was|were) (?:an?|the) (?P<kind>[\w -]+)"
)
# Offices that one person holds at a time.
_OFFICE = (
    r"(?:ambassador|chairman|chairwoman|chancellor|chief executive|chief negotiator|director general"
    r"|director|foreign minister|governor|head|king|leader|mayor|president|prime minister|queen"
    r"|secretary[- ]general|secretary of state)"
)
_PERSON = re.compile(
    rf"\b(?:{_OFFICE}|actor|actress|architect|artist|astronaut|astronomer|author|biologist|captain"
    r"|chemist|composer|cosmonaut|economist|engineer|explorer|general|historian|inventor|judge"
    r"|lawyer|mathematician|minister|painter|philosopher|physician|physicist|pilot|player|poet"
    r"|politician|professor|researcher|scientist|senator|singer|writer)\b"
)
_FULL_NAME = r"[A-Z][\w’'-]+(?: (?:bin |al-|de |van |von )?[A-Z][\w’'.-]*)+"
# "US Secretary of State Antony Blinken"; "Ana Ruiz, the mayor of Lisbon,"
_OFFICE_AND_NAME = re.compile(
    r"\b(?P<office>(?!(?:Prime|Foreign|Vice|Deputy|Former|Acting|The|An?|Mr|Mrs|Ms)\b)"
    rf"[A-Z][\w-]* (?i:{_OFFICE})) (?={_FULL_NAME})"
)
_NAME_AND_OFFICE = re.compile(
    rf"{_FULL_NAME}, (?:the )?(?P<office>{_OFFICE} (?:of|at) (?:the )?{_NAME}),"
)
# What a question that stands alone does not point back with, and what a sentence, not a name,
# begins with.
_POINTING = re.compile(
    r"\b(?:he|she|it|they|we|i|you|his|her|its|their|our|this|that|these|those|there|such|who|which"
    r"|what|one|some|many|most|all|both|each|another|others|more|none)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:after|also|although|and|as|at|because|before|but|by|even|for|from|if|in|last|later|next|now"
    r"|on|once|only|since|so|still|then|though|today|until|when|where|while|with|yet)\b",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(r"\b[A-Z0-9][\w’'-]*")
_NAME_INSIDE = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n{2,}")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that one sentence of the document with ``doc_id`` seems to answer."""

    question: str
    doc_id: str


def find_examples(
    documents: Sequence[Document],
    ask_batch: Callable[[Sequence[str]], Sequence[Answer]],
    wanted: int = 3,
) -> tuple[str, ...]:
    """Return up to ``wanted`` questions that are answered, each from another document.

    ``ask_batch`` answers at the product's own threshold. Asking stops as soon as there are enough
    answers that are `SURE`.
    """
    tried = iter(candidates(documents)[:MOST_CANDIDATES])
    found: dict[str, tuple[float, str]] = {}  # by document, in the order of the candidates
    sure: list[str] = []
    while len(sure) < wanted and (batch := list(islice(tried, BATCH))):
        answers = ask_batch([candidate.question for candidate in batch])
        for candidate, answer in zip(batch, answers, strict=True):
            if _answered(candidate, answer) and candidate.doc_id not in found:
                found[candidate.doc_id] = (answer.confidence, candidate.question)
        sure = [question for confidence, question in found.values() if confidence >= SURE]
    unsure = sorted((pair for pair in found.values() if pair[0] < SURE), reverse=True)
    return tuple([*sure, *(question for _, question in unsure)][:wanted])


def _answered(candidate: Candidate, answer: Answer) -> bool:
    """Tell whether this answers the candidate: from its document, not in the question's words."""
    if answer.text is None or answer.citations[0].document.id != candidate.doc_id:
        return False
    asked = set(_WORD.findall(candidate.question.casefold()))
    return not asked.issuperset(_WORD.findall(answer.text.casefold()))


def candidates(documents: Sequence[Document]) -> list[Candidate]:
    """Return candidates without repeating a question, one of each document in turn.

    Those about what a title names come first: that is what the article is about.
    """
    step = max(1, len(documents) // MOST_DOCUMENTS)
    looked_at = documents[::step][:MOST_DOCUMENTS]
    named = {document.id: set(_NAME_WORD.findall(document.title)) for document in looked_at}
    rows = zip_longest(*map(_of_document, looked_at))
    turns = [candidate for row in rows for candidate in row if candidate is not None]
    turns.sort(key=lambda one: named[one.doc_id].isdisjoint(_NAME_WORD.findall(one.question[1:])))
    return list({candidate.question: candidate for candidate in reversed(turns)}.values())[::-1]


def _of_document(document: Document) -> Iterator[Candidate]:
    text = document.text[:_READ]
    names = frozenset(_NAME_INSIDE.findall(text)).union(_NAME_WORD.findall(document.title))
    for sentence in _SENTENCE.split(text):
        question = question_of(" ".join(sentence.split()), names)
        if question is not None:
            yield Candidate(question, document.id)


_LONGEST = 500
"""Characters of a sentence that is looked at: names in a row take the square of their length."""


def question_of(sentence: str, names: frozenset[str] = frozenset()) -> str | None:
    """Return a question that ``sentence`` answers, or ``None`` if its shape shows none.

    A single word that begins the sentence is a name only if it is among ``names``.
    """
    if len(sentence) > _LONGEST:
        return None
    if match := _WHEN_PASSIVE.match(sentence):
        asked = f"When {match['be']} {_subject(match)} {match['participle']}{match['rest']}?"
    elif match := _WHEN_ACTIVE.match(sentence):
        asked = f"When did {_subject(match)} {_BASES[match['verb']]}{match['rest']}?"
    elif match := _WHERE_PASSIVE.match(sentence):
        asked = f"Where {match['be']} {_subject(match)} {match['participle']}?"
    elif match := _IS_A.match(sentence):
        person = _PERSON.search(match["kind"])
        thing = match["be"] in {"is", "are"} and match["subject"].startswith("The ")
        if not person and not thing:
            return None  # "Ian is a friend" would make "What is Ian?"
        asked = f"{'Who' if person else 'What'} {match['be']} {_subject(match)}?"
    elif match := _OFFICE_AND_NAME.search(sentence) or _NAME_AND_OFFICE.search(sentence):
        if _OPENING.match(match["office"]):
            return None
        asked = f"Who is the {match['office']}?"
    else:
        return None
    subject = match.groupdict().get("subject")
    if subject and (_OPENING.match(subject) or (" " not in subject and subject not in names)):
        return None
    # A question must stand alone: without a name, "When was the ship built?" could be any ship.
    stands_alone = _NAME_WORD.search(asked, 1) and not _POINTING.search(asked.partition(" ")[2])
    return asked if stands_alone and len(asked) <= 90 else None


def _subject(match: re.Match[str]) -> str:
    """Return the subject as it stands inside a sentence: a leading article loses its capital."""
    subject = match["subject"]
    first, _, rest = subject.partition(" ")
    return f"{first.lower()} {rest}" if first in {"The", "A", "An"} and rest else subject
