"""Formulas of web pages on a line."""

from __future__ import annotations

import re
from typing import Any

from index._formats.html_elements import POWER
from index._text import has_text, raised

_TOKENS = frozenset("mi mn mo ms mtext".split())  # the elements that hold signs
_ANY_TOKEN = ", ".join(_TOKENS)
_UNSEEN = frozenset("annotation annotation-xml mphantom".split())
_LIMITS = frozenset("munder munderover msubsup".split())  # below and above a sum
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\|[^|]*\|")
_RELATIONS = frozenset("=≠<>≤≥≈≡∼≪≫→⇒⇔∈")  # with a space around


def formula_text(math: Any) -> str:
    """Return a formula of MathML as it is written on a line: E = mc², (a+b)/2."""
    parts: list[str] = []
    stack: list[Any] = [math]  # elements, and signs between them
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
        elif node.tag in _TOKENS:
            token = node.text().strip().replace("\u2061", " ")  # after the name of a function
            apart = token in _RELATIONS or (node.tag == "mtext" and (not token or has_text(token)))
            parts.append(f" {token} " if apart else token)
        elif node.tag == "mspace":
            parts.append(" ")
        elif node.tag not in _UNSEEN:
            if node.tag == "mfrac" and parts and parts[-1][-1:].isdigit():
                parts.append(" ")  # 1 1/2
            stack.extend(reversed(_signed(node.tag, list(node.iter()))))
    return " ".join("".join(parts).split())


def _signed(tag: str, children: list[Any]) -> list[Any]:
    """Return the children of an element of a formula with the signs that its place says."""
    if tag == "mfrac" and len(children) == 2:
        return [*_bracketed(children[:1]), "/", *_bracketed(children[1:])]
    if tag == "msqrt":
        return ["√", *_bracketed(children)]
    if tag == "mroot" and len(children) == 2:
        return [*_bracketed(children[:1]), "^(1/", children[1], ")"]
    if tag in _LIMITS and len(children) > 1 and (tag != "msubsup" or children[0].tag == "mo"):
        over = ["^", *_bracketed(children[2:])] if len(children) > 2 else []
        return [children[0], "_", *_bracketed(children[1:2]), *over, " "]
    if tag in {"msup", "msubsup"} and len(children) > 1:
        power = children[-1].text().strip()
        base = _bracketed(children[:1]) + children[1:-1]
        if POWER.fullmatch(power):
            return [*base, raised(power)]
        if has_text(power):  # no prime
            return [*base, "^", *_bracketed(children[-1:])]
    return [" ", *children] if tag in {"mtr", "mtd"} else children


def _bracketed(nodes: list[Any]) -> list[Any]:
    """Put brackets around elements of a formula with more than one sign, but for those that have them."""
    text = "".join(node.text() for node in nodes).strip()
    if _BRACKETED.fullmatch(text):
        return nodes
    several = len(text.split()) > 1 or any(len(node.css(_ANY_TOKEN)) > 1 for node in nodes)
    return ["(", *nodes, ")"] if several or len(nodes) > 1 else nodes
