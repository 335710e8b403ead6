"""Sentence and chunk boundaries against golden cases, and in time that grows with the text."""

from __future__ import annotations

from collections import Counter

import pytest
from benchmarks.bench_sentences import FAMILIES, Family, doubling_ratio

from tests.boundaries import CASES, Case

SENTENCES = [case for case in CASES if case.sentences is not None]
CHUNKS = [case for case in CASES if case.chunks is not None]


@pytest.mark.parametrize("case", SENTENCES, ids=lambda case: case.id)
def test_sentences(case: Case) -> None:
    assert case.found_sentences() == case.sentences


@pytest.mark.parametrize("case", CHUNKS, ids=lambda case: case.id)
def test_chunks(case: Case) -> None:
    assert case.found_chunks() == case.chunks


def test_the_golden_file_is_whole() -> None:
    """Its parts are slices of its texts, in order, between which stands nothing but white space."""
    assert len(SENTENCES) >= 150
    assert len({case.id for case in CASES}) == len({(c.text, c.max_pieces) for c in CASES})
    kinds = Counter(case.kind for case in SENTENCES)
    for kind in (
        "abbreviation initial decimal quotation list heading table dialogue unpunctuated ellipsis "
        "url bracket time unicode"
    ).split():
        assert kinds[kind] >= 10, kind
    for case in SENTENCES:
        at = 0
        for sentence in case.sentences or ():
            start = case.text.index(sentence, at)
            assert sentence == sentence.strip() != ""
            assert not case.text[at:start].strip(), case.id
            at = start + len(sentence)
        assert at == len(case.text), case.id
    assert all(chunk in case.text for case in CHUNKS for chunk in case.chunks or ())


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_doubling_a_text_at_most_doubles_the_time(family: Family) -> None:
    assert doubling_ratio(family) <= 2.5
