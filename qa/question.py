"""What can be asked: a question is checked before anything is searched for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from functools import cache
from typing import TYPE_CHECKING

from index.spelling import is_common_english
from qa.types import Refusal

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_QUESTION = 1000
"""Characters. The reader reads 64 word pieces of a question; no question needs more than this."""

_WORD = re.compile(r"[^\W_]+")

_HALF = re.compile("[\ud800-\udfff]")

_ENGLISH = frozenset(
    """who whom whose what when where why which how the and did does were have been that this these
    those with from there many much would should could because about before after between
    """.split()
)
"""A question with one of these, which no other language of `_LANGUAGES` writes so, is English."""

_GERMAN = frozenset("wer wie wann warum wieso welche welcher welches wieviel".split())
"""Question words after which a capital says nothing: any noun has one."""

_ASKING = _GERMAN | frozenset(
    """quoi quand pourquoi combien quel quelle
    quién quien quiénes qué cuándo cuando dónde donde cuál cuánto cuántos quando perché perche
    quanto quanti quem onde qual quantos wanneer waar waarom welke hoeveel vem vad när varför vilken
    vilket hvem hvad hvornår hvorfor hvilken hvilket mikä milloin missä miksi kuinka kto kiedy
    gdzie dlaczego czy kdo kdy proč kolik nerede neden hangi cine când""".split()
)
"""Question words that begin a question in those languages, and in English neither a question nor a
well-known name, as "dove", "kuka" and "qui" do (Dove, KUKA, Qui-Gon)."""

_FOREIGN = frozenset(
    """a al bin da de del dela della delle dem den der des di die do dos du el est et hat ist la las le les lo
    los of per por que qui san st ten ter un una une van von war was y zu""".split()
)
"""Little words of other languages; between two words with capitals they are part of a name."""

_LANGUAGES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "pl",
    "cs",
    "tr",
    "ro",
)
"""Languages in Latin script among which a question is told apart."""

_SURE = 0.6
"""Share of probability that another language needs; short lists of names look like anything."""

_FALSE_START = re.compile(
    r"\s*(?P<broken>[\w'’-]+(?:\s+[\w'’-]+){0,2})\s*,\s*"
    r"(?:(?:er|uh|um|oh)\s+)?(?:no\s*,?\s*sorry|sorry|no\s*,?\s*wait|wait|i\s+mean|no)\s*,\s*(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
"""Up to three words, a correction between commas, and the question that is meant."""

_GREETINGS = frozenset("ah and er hello hey hi i oh ok okay so thanks uh um well yes".split())

_LOANS = frozenset(
    "brûlée café cafés cliché clichés colada crème déjà entrée entrées exposé façade façades fiancé fiancée jalapeño "
    "jalapeños naïve pâté piña piñata protégé purée résumé résumés rosé sauté soufflé vu".split()
)
"""Words of English that the list of common ones has without their accents."""

_POINTS = re.compile(r"\b(?:it|its|he|him|his|she|hers?|they|them|theirs?)\b", re.IGNORECASE)

_OF_ARTICLE = re.compile(
    r"\b(?:wr(?:ite|ites|iter|iters|iting|itten|ote)|author\w*|byline\w*|publish\w*|publication|articles?|"
    r"report\w*|journalist\w*|correspondent\w*|posted|updated)\b",
    re.IGNORECASE,
)

_SHORT = re.compile(
    r"""\b(?!(?:an|is|(?-i:[Ii]t)|the|was|what)\b)(?P<short>\w[\w.&/+-]+)["”'’]?\s+(?:is\s+)?
    (?:(?:(?:acronym|abbreviation)\s+)?stands?\s+for\b|short\s+for\b
    |(?:an|the)\s+(?:acronym|abbreviation)\s+(?:for|of)(?:\s+what)?\W*\Z)
    |\bfull\s+form\s+of\s+(?:the\s+)?["“'‘]?(?P<full>\w[\w.&/+-]+)""",
    re.IGNORECASE | re.VERBOSE,
)
"""A short form, in a question for its long one."""

_WHAT_ELSE = re.compile(
    r"\b(?:(?-i:[Ww]ho)|which|what\s+(?!(?:do|does|did|exactly|precisely|actually)\b)(?:\w+\s+){1,3}(?:do|does|did))\b"
    r"|\A\W*(?:when|where|why|how|did)\b|\b\w[\"'”’]?\s+in\s+(?:the\s+)?\w[\w.&/+-]+[\"'”’]?\s+stands?\s+for\b",
    re.IGNORECASE,
)
"""What is asked for where it is no long form: "Which values does the EU stand for?", "When did UKIP stand for election?",
"What does the A in NASA stand for?"."""

_END = re.compile(r"(?<![\s?.!？！…])[\s?.!？！…]+\Z")

_BEGINS = frozenset("who whom whose what when where why which how".split())

REASONS: dict[Refusal, str] = {
    Refusal.EMPTY_QUESTION: "There is no question; type one in a few words.",
    Refusal.LONG_QUESTION: (
        f"This is too long for a question (more than {MAX_QUESTION:,} characters); "
        "ask one thing in a sentence."
    ),
    Refusal.NO_WORDS: "There are no words in this question; ask in words.",
    Refusal.OTHER_LANGUAGE: "This does not look like English, the only language Footnote reads; "
    "ask in English.",
    Refusal.EMPTY_INDEX: "The index holds no text yet; add articles and run `footnote index FOLDER`.",
    Refusal.NOTHING_CLOSE: "Nothing in the articles comes close to this question.",
    Refusal.NO_ANSWER: "The articles touch on this, but no passage answers it clearly enough.",
}
"""What a refusal says to a person."""


def whole_characters(text: str) -> str:
    """Return ``text`` with U+FFFD for halves of characters, as a terminal in another encoding sends them."""
    return _HALF.sub("\ufffd", text)


def asks_of_article(question: str) -> bool:
    """Tell whether a question may be about an article itself: who wrote it, when it was published."""
    return _OF_ARTICLE.search(question) is not None


def asked_short_form(question: str) -> str | None:
    """Return "BRAC" for "What does BRAC stand for?", ``None`` where no long form of a short one is asked for."""
    # WHO and IT are abbreviations, but where all is in capitals.
    asked = question.lower() if question.isupper() else question
    found = None if _WHAT_ELSE.search(asked) else _SHORT.search(asked)
    if found is None:
        return None
    short = found["short"] or found["full"]
    return short if asked == question else short.upper()


def unanswerable(question: str, words: Container[str] = ()) -> Refusal | None:
    """Return why ``question`` cannot be answered by any document, or ``None`` if one might.

    ``words`` are those of the documents, in lower case: what holds no other one is taken for English ("hunterian
    museum lichens").
    """
    if len(question) > MAX_QUESTION:
        return Refusal.LONG_QUESTION
    if not question.strip():
        return Refusal.EMPTY_QUESTION
    if not _WORD.search(question):
        return Refusal.NO_WORDS
    return None if _maybe_english(question, words) else Refusal.OTHER_LANGUAGE


def _maybe_english(question: str, known: Container[str]) -> bool:
    letters = [character for character in question if character.isalpha()]
    if not letters:
        return True
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    if latin < len(letters) / 2:
        return False
    words = _WORD.findall(question.lower())
    if "¿" in question:
        return False
    if words[0] in _ASKING and _BEGINS.isdisjoint(words):
        return _begins_with_name(question)
    if not _ENGLISH.isdisjoint(words) or len(words) < 3:
        return True
    language, probability = _identifier().classify(question.lower())
    if language == "en" or probability < _SURE:
        return True
    if _FOREIGN.isdisjoint(words) and all(word.isdigit() or word in known for word in words):
        return True
    return _mostly_english(_without_names(question))


def _begins_with_name(question: str) -> bool:
    """Tell whether a question word of another language only begins a name ("Quando Rondo release year").

    The word after it has a capital too, what stands beside names is English, and so the whole looks, surely.
    """
    first, *others = _WORD.findall(question)
    if first.lower() in _GERMAN or not (first[0].isupper() and others and others[0][0].isupper()):
        return False
    language, probability = _identifier().classify(question.lower())
    return (
        language == "en"
        and probability >= _SURE
        and all(map(_is_english, _without_names(question)))
    )


def _mostly_english(words: Sequence[str]) -> bool:
    return sum(map(_is_english, words)) >= len(words) / 2


def _is_english(word: str) -> bool:
    return word.isdigit() or (word not in _FOREIGN and (word in _LOANS or is_common_english(word)))


def _without_names(question: str) -> list[str]:
    """Return the words beside names, in lower case, or the first word if there are no others.

    Names are words with a capital, but for one that only begins the question, and what joins them ("Luis de
    la Fuente").
    """
    words = _WORD.findall(question)
    kept = []
    for at, word in enumerate(words):
        joined = [
            next((w[0].isupper() for w in side if w not in _FOREIGN), False)
            for side in (words[:at][::-1], words[at + 1 :])
        ]
        named = (at > 0 or joined[1]) if word[0].isupper() else word in _FOREIGN and all(joined)
        if not named and len(word) > 1:
            kept.append(word.lower())
    return kept or [words[0].lower()]


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(_LANGUAGES))
    return identifier


def without_false_start(question: str) -> str:
    """Return what is asked in the end: "who led, no sorry, who founded it?" is "who founded it?".

    At most three words are cut, and only before a question word or the word that they begin with; none that
    name what the rest then only points at ("the deposit, sorry, how much is it?").
    """
    while found := _FALSE_START.fullmatch(question):
        first, again = (found[part].split()[0].lower() for part in ("broken", "rest"))
        if again not in _BEGINS and again != first:
            break
        names = first not in _BEGINS and first not in _GREETINGS and again != first
        if names and _POINTS.search(found["rest"]):
            break
        question = found["rest"]
    return question


def with_question_mark(question: str) -> str:
    """Return ``question`` with one question mark at its end, whatever it ended with.

    Whether one is typed says nothing about what is asked, and yet the reader, which has mostly seen questions
    with one, answers a little worse without (docs/measurements.md).
    """
    return _END.sub("", question) + "?"
