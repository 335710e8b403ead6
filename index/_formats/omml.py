"""Formulas of Word files on a line."""

from __future__ import annotations

import re
from typing import Any

from index._text import RAISED, has_text, raised

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"

FORMULA = f"{_M}oMath"
"""The tag of a formula."""


def formula_text(node: Any) -> str:
    """Return a part of a formula of Word as it is written on a line: E=mc², (a+b)/2, √x."""
    kind = node.tag.rpartition("}")[2]
    if kind == "t":
        return str(node.text or "")
    if kind in {"del", "moveFrom"}:
        return ""
    children = [
        (child.tag.rpartition("}")[2], formula_text(child)) for child in node.iterchildren("*")
    ]
    part: dict[str, str] = dict(children)
    base = part.get("e", "")
    if kind == "f":
        return f"{_bracketed(part.get('num', ''))}/{_bracketed(part.get('den', ''))}"
    if kind == "rad":
        return f"{raised(part.get('deg', ''))}√{_bracketed(base)}"
    if kind in {"sSup", "sSubSup"}:
        return base + part.get("sub", "") + _power(part.get("sup", ""))
    if kind == "nary":
        sign = _sign(node, "chr", "∫")
        return f"{sign}{part.get('sub', '')}{_power(part.get('sup', ''))} {base}"
    if kind == "d":
        between = _sign(node, "sepChr", "|").join(t for name, t in children if name == "e")
        return f"{_sign(node, 'begChr', '(')}{between}{_sign(node, 'endChr', ')')}"
    joined = ""
    for name, text in children:
        mixed = name == "f" and joined[-1:].isdigit()  # 1 1/2
        joined += f" {text}" if mixed else text
    return joined + (" " if kind == "fName" else "")


def _sign(node: Any, name: str, usual: str) -> str:
    """Return the sign that a sum or a pair of brackets is drawn with."""
    sign = node.find(f"{_M}{node.tag.rpartition('}')[2]}Pr/{_M}{name}")
    return usual if sign is None else str(sign.get(f"{_M}val", ""))


def _power(text: str) -> str:
    """Write what stands above the line: raised, where it is a number, or after a "^"."""
    if RAISED.fullmatch(text):
        return raised(text)
    return f"^{_bracketed(text)}" if has_text(text) else text  # no prime


def _bracketed(text: str) -> str:
    """Put brackets around a part of a formula that is more than one number or name."""
    return text if text.isalpha() or re.fullmatch(r"[\d.,]*", text) else f"({text})"
