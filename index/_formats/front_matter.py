"""What stands above an article, in YAML or TOML, for the tool that publishes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from index._text import parse_date, plain

_YAML = re.compile(
    r"\A\s{0,20}---[ \t]*\n(?P<yaml>.{0,16384}?)^(?:---|\.\.\.)[ \t]*$\n?", re.S | re.M
)
_TOML = re.compile(
    r"\A\s{0,20}\+\+\+[ \t]*\r?\n(?P<toml>.{0,16384}?)^\+\+\+[ \t]*\r?$\n?", re.S | re.M
)
_LINE = re.compile(r"[\w-]+:(?:\s|\Z)|\s|[-#]\s|\Z")  # of YAML as it stands above articles
_KEYS = {
    "title": "title",
    "headline": "title",
    "date": "date",
    "published": "date",
    "pubdate": "date",
    "publishdate": "date",
    "created": "date",
    "author": "author",
    "authors": "author",
    "byline": "author",
    "source": "source",
    "publisher": "source",
}
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")  # of Obsidian


def split_yaml(text: str) -> tuple[dict[str, str], str]:
    """Split YAML front matter off, and return its known keys, and the text after it."""
    import yaml

    text = text.replace("\r\n", "\n").replace("\r", "\n")
    match = _YAML.match(text)
    if match is None:
        return {}, text
    try:
        loaded = yaml.safe_load(match["yaml"])
    except (yaml.YAMLError, ValueError, RecursionError):
        lines = match["yaml"].split("\n")
        if not all(map(_LINE.match, lines)):  # a paragraph between two rules
            return {}, text
        # `title: Talks: what we know` is no YAML, yet what everyone writes.
        loaded = dict(line.split(":", 1) for line in lines if re.match(r"\w+:\s", line))
    if not isinstance(loaded, dict):
        return {}, text
    found = _known(loaded)
    if not found and any(_is_prose(str(key), value) for key, value in loaded.items()):
        return {}, text
    return found, text[match.end() :]


def split_toml(text: str) -> tuple[dict[str, str], str] | None:
    """Split TOML front matter off, as `split_yaml` does; ``None`` where there is none."""
    match = _TOML.match(text)
    if match is None:
        return None
    try:
        loaded = tomllib.loads(match["toml"].replace("\r\n", "\n"))
    except (ValueError, RecursionError):
        return None
    return _known(loaded), text[match.end() :]


def _is_prose(key: str, value: object) -> bool:
    """Tell "The minister said: no deal" and "Update: The minister resigned." from keys and values."""
    if " " in key.strip():
        return True
    ends = isinstance(value, str) and value.rstrip().endswith((".", "!", "?"))
    return ends and not key[:1].islower()


def _known(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return what is said of the article under keys that are known, under their usual names."""
    found: dict[str, str] = {}
    # When a note was made is its date where it has no other.
    for key, value in sorted(
        values.items(), key=lambda item: item[0] in ("created", "Created", "CREATED")
    ):
        name = _KEYS.get(key.strip().lower()) if isinstance(key, str) else None
        if name is None:
            continue
        try:
            text = parse_date(value) if name == "date" else plain(value)
        except ValueError:  # a number of more digits than Python writes out
            continue
        if text:
            found.setdefault(name, text if name == "title" else _LINK.sub(r"\1", text))
    return found
