"""Quotation marks and brackets: which belong together. Pure, and loads nothing."""

from __future__ import annotations

import re

_MARKS = re.compile(r"[\"“”„«»()\[\]‘’'](?<!\w['’](?=\w))")
_PAIRS = {"”": "“", "’": "‘", ")": "(", "]": "[", "»": "«", "“": "„"}

_MAX_QUOTED = 300
"""A quotation or bracket longer than this, in characters, is a text by itself: its marks belong to no pair."""


def paired_marks(text: str) -> list[tuple[int, int]]:
    """Return the quotation marks and brackets of ``text`` that belong together, as the offsets of the two marks.

    A mark that is never closed, as where a quotation goes on in the next paragraph, has no partner,
    and one that is closed too late begins anew.
    """
    found: list[tuple[int, int]] = []
    opened: dict[str, list[int]] = {}
    for mark in _MARKS.finditer(text):
        at, kind = mark.start(), mark.group()
        if kind in "([":
            opened.setdefault(kind, []).append(at)
            continue
        if kind in "\"'":
            before = text[at - 1 : at]
            closes = before != "" and not before.isspace() and before not in "([{“‘—–-/"
        else:
            closes = kind in "”’»)]" or (kind == "“" and bool(opened.get("„")))
        if not closes:
            if not text[at + 1 : at + 2].isspace():
                opened[kind] = [at]
            continue
        # After a letter an apostrophe ends no sentence: "the players' bus".
        if kind in "'’" and (text[at + 1 : at + 2].isalnum() or text[at - 1 : at].isalnum()):
            continue
        starts = opened.get(_PAIRS.get(kind, kind))
        if starts and at - (start := starts.pop()) <= _MAX_QUOTED:
            found.append((start, at))
    return sorted(found)
