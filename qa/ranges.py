"""A question's numbers and the ranges that hold them: "for a child of 12 kg", "10 to 15.9 kg". Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from index.lexical import FUNCTION_WORDS

_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_UNIT = r"(?:[ -]?(?P<unit>%|°[CF]|[^\W\d_]+))?"
_ALONE, _ENDS = r"(?<![\w.,:/])(?<!\d[-–—])", r"(?![\d:/]|[.,–—-]\d)"  # no part of a date
_NUMBER = re.compile(rf"{_ALONE}(?P<figure>{_FIGURE}){_ENDS}{_UNIT}")
_RANGE = re.compile(
    rf"{_ALONE}(?:(?:from )?(?P<from>{_FIGURE})[^\W\d_]{{0,3}}\s?(?P<between>to|[-–—])\s?(?P<to>{_FIGURE})"
    rf"|(?:up to|under|below|less than) (?P<most>{_FIGURE})"
    rf"|(?:over|above|from|more than) (?P<least>{_FIGURE})"
    rf"|(?P<more>{_FIGURE})(?=\+| (?:and|or) (?:over|more|older)\b)){_ENDS}\+?{_UNIT}",
    re.IGNORECASE,
)
_PART_OF_NAME = re.compile(r"[^\W\d_] ")
"""Before "72-600" in "ATR 72-600"."""

_UNITS = dict(
    pair.split(":")
    for pair in (
        "centimetre:cm centimeter:cm gram:g hour:h hr:h inch:in kilo:kg kilogram:kg kilometre:km kilometer:km litre:l "
        "liter:l metre:m meter:m milligram:mg millilitre:ml milliliter:ml millimetre:mm millimeter:mm minute:min "
        "percent:% pound:lb yr:year"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a question: how it is written, its value, and its unit or what it counts, if that is told."""

    text: str
    value: float
    unit: str


def numbers(question: str) -> list[Number]:
    """Return the numbers that stand alone in a question, none that is a range's end, a time or a date."""
    ranges = [found.span() for found in _RANGE.finditer(question)]
    return [
        Number(found["figure"], _value(found["figure"]), _unit(found["unit"]))
        for found in _NUMBER.finditer(question)
        if not any(start <= found.start() < end for start, end in ranges)
    ]


def holds(text: str, number: Number) -> bool:
    """Tell whether ``text`` names a range, its ends included, that holds ``number`` and counts the same."""
    for found in _RANGE.finditer(text):
        before = max(0, found.start() - 2)
        if _PART_OF_NAME.fullmatch(text, before, found.start()) and found["between"] in {*"-–—"}:
            continue
        low = found["from"] or found["least"] or found["more"]
        high = found["to"] or found["most"]
        unit = _unit(found["unit"])
        if unit and number.unit and unit != number.unit:
            continue
        least, most = (_value(low) if low else -math.inf), (_value(high) if high else math.inf)
        if least <= number.value <= most:
            return True
    return False


def _value(figure: str) -> float:
    return float(figure.replace(",", ""))


def _unit(word: str | None) -> str:
    """Return a unit in one spelling, or ``""`` for a word that only goes on ("of", "and")."""
    name = (word or "").lower()
    if name in FUNCTION_WORDS:
        return ""
    name = name.removesuffix("s") if len(name) > 2 else name
    return _UNITS.get(name, name)
