"""What the elements of a web page are, by their tags, classes and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from index._text import has_text

NO_TEXT = frozenset(
    """
    script style noscript template iframe svg math select textarea input button canvas video audio object head title
    amp-ad amp-consent amp-sidebar
    """.split()
)
SURROUNDINGS = frozenset("nav footer aside dialog form".split())
# How words of class and id begin with which sites name what is not the article; after a separator. "widget"
# alone, and Elementor's of all its elements, may hold the article as well.
_DROPPED_NAMES = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|newsletters?|subscri\w*|signup|promos?|advert\w*|ads?|"
    r"sponsor\w*|shar(?:e|es|ing|edaddy)|social|related\w*|relatedposts|recirc\w*|"
    r"recommend(?!ation(?![\w-]))\w*|most-(?:read|popular)|trending|comments?|respond|breadcrumbs?|sidebar|menu|nav|navbar|"
    r"navigation|footer|(?<!elementor-)(?!(?<!\S)widget(?!\S))widget|skip-link|paywall|popup|modal|"
    r"screen-reader-text|sr-only|visually-hidden|topic-list|tags?-(?:list|links)|editsection|"
    # Of encyclopedias: what only editors need. Of pages of code: the numbers of the lines.
    r"noprint|ambox|catlinks|linenos?)"
    r"(?:$|[\s_-])",
    re.I,
)
_NOTE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:footnotes?|fn|noteref|references?|cite)(?:$|[\s_-])", re.I
)
_WORD_MARK = re.compile(r"\[\w{1,5}\]")
POWER = re.compile(r"\s*[+\-−]?[0-9]+[+\-−]?\s*")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Whose ids are of the layout of a page, not of a term or heading.
_LAID_OUT = frozenset("div ul ol dl table td form fieldset center p".split())
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
CELL_CHARACTERS = 400  # of a cell of several paragraphs: above, the table is for layout


def headline_selector(tree: Any) -> str:
    """Return the selector of what may be the headline: Word and Google Docs have paragraphs for it."""
    is_told = tree.css_first("head title") is not None or len(tree.css("h1")) == 1
    titles = 'p.title[id^="h."]' if is_told else "p.title"
    return f"h1, p.MsoTitle, {titles}"


def with_ancestors(node: Any) -> Iterator[Any]:
    """Yield an element and those around it, from the inside out; nothing of ``None``."""
    while node is not None:
        yield node
        node = node.parent


def text_sizes(body: Any) -> dict[int, int]:
    """Return the characters of text under each element, by ``mem_id``, but for those of a page's surroundings."""
    sizes: dict[int, int] = {}
    # An explicit stack: pages nest deeper than Python's. True: the element ends here.
    stack: list[tuple[Any, int, bool]] = [(body, 0, False)]
    while stack:
        node, parent, ends = stack.pop()
        if ends:
            sizes[parent] = sizes.get(parent, 0) + sizes[node.mem_id]
        elif node.is_text_node:
            sizes[parent] = sizes.get(parent, 0) + len((node.text_content or "").strip())
        elif node.is_element_node and not is_surrounding(node):
            own = node.mem_id
            sizes[own] = 0
            stack.append((node, parent, True))
            stack.extend((child, own, False) for child in node.iter(include_text=True))
    return sizes


def is_surrounding(node: Any) -> bool:
    """Tell whether an element is not the article by its tag; a form may be around a whole page."""
    return node.tag in NO_TEXT or (node.tag in SURROUNDINGS and node.tag != "form")


def has_dropped_name(node: Any) -> bool:
    """Tell whether class or id of an element name what is not the article.

    The id of a section is made of its heading, and does not count.
    """
    names, own = node.attributes.get("class") or "", node.attributes.get("id") or ""
    if node.tag in _LAID_OUT and "section" not in names.split():
        names = f"{names} {own}"
    return _is_named(_DROPPED_NAMES, names)


def _is_named(pattern: re.Pattern[str], names: str) -> bool:
    """Tell whether one of the names is of the pattern; "relatedPosts" is "related-Posts"."""
    return pattern.search(_CAMEL_CASE.sub("-", names[:500])) is not None


def is_note_mark(sup: Any) -> bool:
    """Tell whether a superscript refers to a note: it is a link within the page, or named as such."""
    if sup.parent.tag == "a" and sup.parent.text().strip() == sup.text().strip():
        links, unlinked = [sup.parent], ""
    else:
        links, unlinked = sup.css("a"), sup.text(deep=False)
    attributes = [node.attributes for node in (sup, *links)]
    if any(
        each.get("role") == "doc-noteref" or _is_named(_NOTE_NAMES, each.get("class") or "")
        for each in attributes
    ):
        return True
    within = all((each.get("href") or "").startswith("#") for each in attributes[1:])
    return bool(links) and within and not any(map(str.isalnum, unlinked))


def is_whole_heading(button: Any) -> bool:
    """Tell whether a button is all that a heading holds: it opens what stands below."""
    heading = button.parent
    return heading.tag in HEADINGS and heading.text().strip() == button.text().strip()


def is_permalink(link: Any) -> bool:
    """Tell whether a link shows no word and leads to a place on the page: "¶" after a heading, "^" of a note.

    So does the mark of a note in what Word writes.
    """
    href = link.attributes.get("href") or ""
    if href.startswith(("#_ftn", "#_edn")):
        return _WORD_MARK.fullmatch(link.text().strip()) is not None
    return href.startswith("#") and not has_text(link.text())


def is_power(node: Any) -> bool:
    """Tell whether an element is a superscript that is a number or the charge of an ion."""
    return node.tag == "sup" and POWER.fullmatch(node.text()) is not None


def holds_one_formula(node: Any) -> bool:
    """Tell whether all that an element holds is a formula: an encyclopedia hides it behind its picture."""
    formula = node.css_first("math")
    return formula is not None and formula.text().strip() == node.text().strip()


def is_drawn_formula(node: Any) -> bool:
    """Tell whether an element draws the formula that stands beside it (KaTeX, MathJax 2)."""
    around = node.parent
    return around.tag == "span" and around.css_first("math") is not None


def is_data_table(node: Any) -> bool:
    """Tell whether an element is a table of rows and columns, not one that lays out a page."""
    if node.tag != "table" or any(
        part.css_first("table, h1, h2, h3, h4, h5, h6") is not None for part in node.iter()
    ):
        return False
    cells = node.css("td, th")
    return len(cells) > len(node.css("tr")) and not any(
        len(cell.text()) > CELL_CHARACTERS and len(cell.css("br, div, p, li")) > 1 for cell in cells
    )
