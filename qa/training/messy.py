"""Well-formed questions -> questions as people type them in a chat. Pure, seeded by the caller.

Every change keeps what is asked: names lose capitals and letters, the sentence its grammar, but the
words that tell one question from another stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from index.spelling import KEYBOARD

_ARTICLES = frozenset(("a", "an", "the"))

_ASKING = ("who", "what", "when", "where", "which", "why", "how")

_FUNCTION_WORDS = frozenset(
    """a an the is are was were be been do does did has have had can could will would shall should may
    might must of in on at to for by with from that this these those there it its and or as""".split()
)
"""What a person who types keywords leaves out; question words stay: they say what is wanted."""

_VERBS = ("led", "won", "wrote", "made", "bought", "met", "left", "told", "saw", "built")
"""What a false start may have meant to ask."""

_CORRECTIONS = ("no sorry", "sorry", "no wait", "wait", "i mean", "er i mean", "no")

_TYPO_EVERY = 25
"""Letters a typo, roughly: one or two in a question."""

_WORD = re.compile(r"\w[\w'’-]*")
_SPACES = re.compile(r"\s+")


def lowercase(question: str, _rng: np.random.Generator) -> str:
    """Return the question without capitals."""
    return question.lower()


def unpunctuated(question: str, _rng: np.random.Generator) -> str:
    """Return the question without its question mark."""
    return question.rstrip(" ?.!") or question


def typos(question: str, rng: np.random.Generator) -> str:
    """Return the question with a letter in about 25 replaced, swapped, doubled or dropped.

    A letter is replaced by its neighbour on the keyboard. First letters and words of fewer than
    four letters stay, as they mostly do when people type.
    """
    places = [
        at
        for word in _WORD.finditer(question)
        if len(word.group()) >= 4
        for at in range(word.start() + 1, word.end())
        if question[at].isascii() and question[at].isalpha()
    ]
    if not places:
        return question
    number = max(1, round(len(question) / _TYPO_EVERY * rng.uniform(0.4, 1.2)))
    chosen = rng.choice(len(places), size=min(number, len(places)), replace=False)
    # From the end, so that the places before keep their numbers.
    for at in sorted((places[int(one)] for one in chosen), reverse=True):
        question = question[:at] + _mistyped(question[at : at + 2], rng) + question[at + 2 :]
    return question


def _mistyped(pair: str, rng: np.random.Generator) -> str:
    """Return a letter, and the character after it, with a slip in the letter."""
    letter, after = pair[0], pair[1:]
    kind = int(rng.integers(4))
    if kind == 0:
        return _neighbour(letter, rng) + after
    if kind == 1 and after.isalpha() and after != letter:
        return after + letter
    if kind == 2:
        return letter + letter + after
    return after


def _neighbour(letter: str, rng: np.random.Generator) -> str:
    row = next(keys for keys in KEYBOARD if letter.lower() in keys)
    at = row.index(letter.lower())
    near = [row[side] for side in (at - 1, at + 1) if 0 <= side < len(row)]
    typed = near[int(rng.integers(len(near)))]
    return typed.upper() if letter.isupper() else typed


def without_articles(question: str, _rng: np.random.Generator) -> str:
    """Return the question without a, an and the."""
    return " ".join(_kept(question, _ARTICLES)) or question


def keywords(question: str, rng: np.random.Generator) -> str:
    """Return the words that matter, as typed into a search box; mostly without capitals.

    A question of which fewer than two words would be left stays as it is.
    """
    kept = _kept(unpunctuated(question, rng), _FUNCTION_WORDS)
    if len(kept) < 2:
        return question
    typed = " ".join(kept)
    return typed.lower() if rng.random() < 0.7 else typed


def _kept(question: str, dropped: frozenset[str]) -> list[str]:
    return [word for word in question.split() if word.lower() not in dropped]


def false_start(question: str, rng: np.random.Generator) -> str:
    """Return the question after another one that was broken off.

    "Who led, no sorry, who founded ...": what is broken off is "who" with a verb that the question does
    not have, or another question word. A question that does not begin with one begins twice.
    """
    words = question.split()
    if not words:
        return question
    first = words[0].lower()
    second = words[1].lower() if len(words) > 1 else ""
    if first not in _ASKING:
        broken = " ".join(words[: int(rng.integers(1, 3))])
    elif first == "who" and second not in _FUNCTION_WORDS:
        broken = f"who {_pick([verb for verb in _VERBS if verb != second], rng)}"
    else:
        others = [word for word in _ASKING if word not in (first, "which")]
        broken = f"{_pick(others, rng)} {second if second in _FUNCTION_WORDS else 'did'}"
    if question[0].isupper():
        broken = broken[0].upper() + broken[1:]
        if first in _ASKING:
            question = question[0].lower() + question[1:]
    return f"{broken}, {_pick(_CORRECTIONS, rng)}, {question}"


def _pick(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


_CHANGES: tuple[tuple[Callable[[str, np.random.Generator], str], float], ...] = (
    (false_start, 0.15),
    (without_articles, 0.3),
    (typos, 0.4),
    (lowercase, 0.7),
    (unpunctuated, 0.6),
)
"""In this order, each with its share of the questions that are not keywords."""

_KEYWORDS = 0.15


def messy_question(question: str, rng: np.random.Generator) -> str:
    """Return the question as it might be typed in a chat: one change at least, or several.

    A question that no change touches (a single word, say), or that is to be keywords and has fewer than two
    ("What was it?"), comes back as it is. The same state of
    ``rng`` gives the same question.
    """
    question = _SPACES.sub(" ", question).strip()
    if rng.random() < _KEYWORDS:
        changed = keywords(question, rng)
        return typos(changed, rng) if rng.random() < 0.3 else changed
    changed = question
    for change, share in _CHANGES:
        if rng.random() < share:
            changed = change(changed, rng)
    return changed if changed != question else unpunctuated(question.lower(), rng)
