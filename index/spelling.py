"""A question's misspelt words -> the words that were meant, as far as the texts hold them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from unicodedata import normalize

from rapidfuzz import process
from rapidfuzz.distance import OSA, Prefix

from index.lexical import STOP_WORDS, LexicalIndex

_COMMON = 30_000
"""Words of English that a misspelt one may be read as though no text holds them."""

_PLACES = 100
"""Of a word in the texts, that show whether it is a name."""

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""The letters of a QWERTY keyboard, row by row."""

_SHORTEST = 4
_ENGLISH = 6
_TWO_SLIPS = 8
_TWO_SLIPS_IN_NAME = 10
_LONGEST = 30
"""Letters of a word that may be misspelt, of one that may be read as a word that no text holds, of one that
may have two slips, of a name that may have two from a word of English, and of the longest one that is looked at. Three letters with one slip are mostly another
word, but for a stop word of which one is missing or two are swapped."""

_ASKING = frozenset({"many", "much"})
"""Words of questions, though no stop words, that any question may hold."""

_ASKED = {
    f"{word}s": f"{word}'s"
    for word in ("here", "how", "that", "there", "what", "when", "where", "who", "why")
}
"""What asks, as it is typed without its apostrophe; the dictionary of English knows "whats" as well."""

_ENDINGS = ("s", "es", "d", "ed", "ing", "er", "ers", "ly")
"""What inflects a word that the dictionary of English does not know, which knows the inflections of its own."""

_WORD = re.compile(r"[^\W\d_]+")
_HYPHENATED = re.compile(r"(?P<address>\S*(?:@|://)\S+|\b(?i:www)\.\S+)|[^\W\d_]+(?:-[^\W\d_]+)*")


class Spelling:
    """Corrects questions by the words of the texts in ``lexical``.

    A word is misspelt if the texts hold neither it nor an inflection of it, no dictionary of English does,
    and ``is_word``, which may know names, does not know it either. What was meant is then the word of the
    texts, or the stop word ("which", and so "many" and "much"), with the same first letter at one slip's distance (two for long words; a
    slip is a letter wrong, missing, too many, or swapped with its neighbour; optimal string alignment): the
    nearest; of several one that is a likely slip away, and of these the one that most texts hold. A word of four
    letters is only read as one a likely slip away ("opec" is no "open"). Of three letters, not all capitals, only a stop word is made, by one more letter ("wht") or two swapped ("teh"). Without such a word one of
    six letters or more and no capital, which would often be a name, is read as a common word of English a likely
    slip away, so that the question makes sense at least; one slip away from such a word it is not read as one of the
    texts two slips away ("garantee" is no "granted"), unless the two are a slip apart ("organzation" is
    "organisation" where that is held). Without that one too it stays. A contraction without
    its apostrophe gets it ("didnt").

    A name that the texts lack is no slip in another one. A word in capitals ("OPEC"), unless the whole question is
    in capitals, is read only as one that two letters swapped or one doubled make of it ("HTLM"). One with a capital ("Ruto") is read only as a word a likely slip away ("Ruth" is
    none); if it has eight letters or more, also as one that is no word of English ("Djokovitch"); and at the
    beginning, where any word has a capital, also as a stop word. Elsewhere it is a word of English only if that
    is a name as well ("Israel"; "Gove" is no "Give"), which ``is_name`` says, or if it has five letters or more, two
    swapped or one doubled ("Wolrd"), or eight; and two slips away ("Holyrood", "Hollywood") only a name, if it is long. What a hyphen joins to a word with a capital counts as one with a capital
    itself ("Kai-shek"). Whether the texts write a word with a capital the index does not say: `names_of` looks there.
    """

    def __init__(
        self,
        lexical: LexicalIndex,
        is_word: Callable[[str], bool],
        is_name: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._lexical = lexical
        self._is_word = is_word
        self._is_name = is_name
        self._initials: dict[str, dict[str, int]] = defaultdict(dict)
        everywhere = dict.fromkeys(filter(str.isalpha, STOP_WORDS | _ASKING), len(lexical))
        for word, texts in {**lexical.words, **everywhere}.items():
            self._initials[word[0]][word] = texts

    def corrected(self, question: str) -> str:
        """Return ``question`` with its misspelt words put right; their case stays, and so do addresses.

        What comes out is not changed by a second time.
        """
        first = _WORD.search(question)

        def meant(found: re.Match[str]) -> str:
            if found["address"]:
                return found.group()
            begins = first is not None and first.start() == found.start()
            head, *rest = found.group().split("-")
            is_name = head[0].isupper() and not begins
            shouted = question.isupper()
            return "-".join(
                [
                    self._meant(head, is_name=is_name, begins=begins, shouted=shouted),
                    *(self._meant(part, is_name=is_name, shouted=shouted) for part in rest),
                ]
            )

        return _HYPHENATED.sub(meant, question)

    def _meant(self, typed: str, *, is_name: bool, shouted: bool, begins: bool = False) -> str:
        word = typed.lower()
        if word in _ASKED and word not in self._lexical.words:
            return _as_typed(_ASKED[word], typed)
        if (
            not _SHORTEST - 1 <= len(word) <= _LONGEST
            or self._holds(word)
            or self._is_word(word)
            or word in _english()
        ):
            return typed
        choices: Mapping[str, int] = self._initials.get(word[0], {})
        if word in choices:  # a part of a word, such as "b" in "plan_b"
            return typed
        if word in _contractions():
            return _as_typed(_contractions()[word], typed)
        if len(word) < _SHORTEST:
            if typed.isupper():
                return typed
            choices = {
                one: n
                for one, n in choices.items()
                if one in _SHORT_STOP_WORDS or (one in STOP_WORDS and sorted(one) == sorted(word))
            }
        near = process.extract(
            word,
            choices.keys(),
            scorer=OSA.distance,
            score_cutoff=1 if len(word) < _TWO_SLIPS else 2,
            limit=None,
        )
        if len(typed) > 1 and typed.isupper() and not shouted:
            near = [one for one in near if _is_rearranged(word, one[0])]
        elif is_name or typed != word:
            near = [one for one in near if self._is_same_name(word, one[0], one[1], begins=begins)]
        elif len(word) == _SHORTEST:
            near = [one for one in near if not _unlikely(word, one[0])]
        is_close = any(slips <= 1 for _, slips, _ in near)
        if not is_close and len(word) >= _ENGLISH and typed.islower() and not is_name:
            common = _common_english().get(word[0], {})
            found = process.extract(
                word, common.keys(), scorer=OSA.distance, score_cutoff=1, limit=None
            )
            if not near:
                found = [one for one in found if not _unlikely(word, one[0])]
            english = self._likeliest(word, found, common)
            if english and not any(OSA.distance(english, held) <= 1 for held, *_ in near):
                return _as_typed(english, typed)
        meant = self._likeliest(word, near, choices)
        return _as_typed(meant, typed) if meant else typed

    @staticmethod
    def _likeliest(
        word: str, near: Sequence[tuple[str, float, object]], texts: Mapping[str, int]
    ) -> str | None:
        """Return which of the words near ``word`` was meant: the nearest, then the one that most texts hold."""
        return min(
            (one[:2] for one in near),
            key=lambda one: (one[1], _unlikely(word, one[0]), -texts[one[0]], one[0]),
            default=(None,),
        )[0]

    def _holds(self, word: str) -> bool:
        """Tell whether a text holds ``word`` or an inflection of it: "presidant" has the stem of "president", and is none."""
        words = self._lexical.words
        if word in words or word in STOP_WORDS:
            return True
        return self._lexical.holds(word) and any(
            word + ending in words or (word.endswith(ending) and word.removesuffix(ending) in words)
            for ending in _ENDINGS
        )

    def _is_same_name(self, typed: str, meant: str, slips: float, *, begins: bool) -> bool:
        """Tell whether ``typed``, which had a capital, is rather ``meant`` than the name of something else."""
        if meant in STOP_WORDS:
            return begins
        if _unlikely(typed, meant):
            return len(typed) >= _TWO_SLIPS and meant not in _english()
        if begins or meant not in _english():
            return True
        if slips > 1:
            return len(typed) >= _TWO_SLIPS_IN_NAME and self._is_name(meant)
        is_long = min(len(typed), len(meant)) > _SHORTEST
        return (
            len(typed) >= _TWO_SLIPS
            or (is_long and _is_rearranged(typed, meant))
            or self._is_name(meant)
        )


def _as_typed(meant: str, typed: str) -> str:
    if len(typed) > 1 and typed.isupper():
        return meant.upper()
    return meant.capitalize() if typed[0].isupper() else meant


def is_common_english(word: str) -> bool:
    """Tell whether ``word``, in lower case, is one of the 30,000 words of English that are used most."""
    return word in _common_english().get(word[:1], {})


def names_of(texts: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a word, in lower case, is a name: ``texts`` often write it with a capital.

    Where it stands after a small word or a comma, that is: at the beginning of a sentence any word has one. More
    than a quarter must be such places, of the first hundred. Each word is looked for once.
    """

    @cache
    def is_name(word: str) -> bool:
        large = re.compile(rf"(?<=[a-z,]\s){re.escape(word.capitalize())}\b")
        small = re.compile(rf"\b{re.escape(word)}\b")
        capitals = others = 0
        for text in texts:
            if word[1:] in text:
                capitals += len(large.findall(text))
                others += len(small.findall(text))
                if capitals + others >= _PLACES:
                    break
        return 4 * capitals > capitals + others

    return is_name


_SHORT_STOP_WORDS = frozenset(word for word in STOP_WORDS if len(word) == _SHORTEST)


def _is_rearranged(typed: str, meant: str) -> bool:
    """Tell whether two letters of ``meant`` were swapped, or one typed twice."""
    return not _unlikely(typed, meant) and (
        len(typed) > len(meant) or sorted(typed) == sorted(meant)
    )


def _unlikely(typed: str, meant: str) -> bool:
    """Tell whether one slip hardly makes ``typed`` of ``meant``: a letter of another key, or one too many.

    A letter that is missing, doubled, swapped with its neighbour or replaced by one beside it on the
    keyboard is likely, and so is an accent; of two slips nothing is said.
    """
    if len(typed) < len(meant):
        return False
    at = Prefix.similarity(typed, meant)
    if len(typed) > len(meant):
        return typed[at] != typed[at - 1]
    if typed[at + 1 :] != meant[at + 1 :]:
        return False  # two letters swapped, or two slips
    one, other = (normalize("NFD", word[at])[0] for word in (typed, meant))
    return one != other and not any(one + other in row + " " + row[::-1] for row in KEYBOARD)


@cache
def _english() -> dict[str, int]:
    """Return the 82,765 words of symspellpy's dictionary (of Google Books, those that SCOWL knows).

    Each with how often it is used.
    """
    file = resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    rows = map(str.split, file.read_text(encoding="utf-8-sig").splitlines())
    return {word: int(count) for word, count in rows}


@cache
def _contractions() -> dict[str, str]:
    """Return "didn't" by "didnt", and the like; of three letters they are mostly something else ("Ive")."""
    found = {word.replace("'", ""): word for word in _english() if "'" in word}
    return {typed: word for typed, word in found.items() if len(typed) >= _SHORTEST}


@cache
def _common_english() -> dict[str, dict[str, int]]:
    """Return the 30,000 words that are used most, by their first letters."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for word in sorted(_english(), key=_english().__getitem__, reverse=True)[:_COMMON]:
        found[word[0]][word] = _english()[word]
    return found
