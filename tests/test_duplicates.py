"""Near-duplicates: which edits keep a story the same, and what only looks alike."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.chunk import sentence_spans
from index.duplicates import COMMON, LEAST_RUNS, LIKE, Duplicate, find_duplicates
from index.types import Document
from tests.conftest import ROOT, SEEDS, rounds

ARTICLES = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted(SEEDS.iterdir())
    if path.suffix in {".txt", ".md"}
}
STORY = ARTICLES["gaza-truce-talks-doha.md"]


def document(source: str, text: str) -> Document:
    return Document(source, source, text, source)


def find(*texts: str) -> tuple[Duplicate, ...]:
    return find_duplicates([document(f"{row:05}.txt", text) for row, text in enumerate(texts)])


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def with_changed_sentences(text: str, count: int) -> str:
    """Put sentences of another article in the place of some."""
    foreign = sentences(ARTICLES["titanic-sinking.txt"])[3:]
    for at, sentence in enumerate(sentences(text)[2 : 2 + 2 * count : 2]):
        text = text.replace(sentence, foreign[at])
    return text


def without_a_paragraph(text: str) -> str:
    paragraphs = text.split("\n\n")
    return "\n\n".join(paragraphs[:-3] + paragraphs[-2:])


def with_typos(text: str, every: int) -> str:
    return " ".join(
        word[0] + word[2] + word[1] + word[3:] if at % every == 0 and len(word) > 3 else word
        for at, word in enumerate(text.split(" "))
    )


EDITS = {
    "another headline": lambda text: (
        f"Diplomats hope for a breakthrough\n{text.split(chr(10), 1)[1]}"
    ),
    "one sentence": lambda text: with_changed_sentences(text, 1),
    "three sentences": lambda text: with_changed_sentences(text, 3),
    "a paragraph less": without_a_paragraph,
    "another notice": lambda text: (
        f"{text}\n\nReporting by Jane Roe in Doha. Follow us for more news."
    ),
    "typos": lambda text: with_typos(text, 40),
    "new lines and capitals": lambda text: text.replace(". ", ".\n").upper(),
    "some of each": lambda text: (
        with_typos(with_changed_sentences(f"New: {text}", 2), 80) + " End."
    ),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ARTICLES)
def test_a_lightly_edited_article_is_found(name: str, edit: str) -> None:
    edited = EDITS[edit](ARTICLES[name])
    assert edited != ARTICLES[name]
    others = [text for other, text in ARTICLES.items() if other != name]
    [found] = find(ARTICLES[name], *others, edited)
    assert (found.original, found.source) == ("00000.txt", f"{len(ARTICLES):05}.txt")
    assert LIKE <= found.similarity <= 1
    assert not found.identical


def test_the_seeds_hold_none_though_some_tell_of_the_same_events() -> None:
    assert {"wimbledon-2023-final.txt", "wimbledon-2024-final.md"} <= ARTICLES.keys()
    assert {"gaza-truce-november-2023.md", "gaza-truce-talks-doha.md"} <= ARTICLES.keys()
    assert find(*ARTICLES.values()) == ()


def test_two_reports_of_one_event_in_different_words_are_two() -> None:
    one = """A freight train carrying timber left the rails near the village of Oster on Tuesday
    morning and blocked the only line to the coast. Nobody was hurt, the railway said. The driver,
    who had noticed a strange sound from the third wagon, had slowed down to walking speed before the
    wagon tipped over. A crane is on its way from the depot at Lund and is to lift the wagons back on
    the rails during the night. Until then, buses will carry passengers between Lund and the harbour,
    and travellers should expect to be an hour late. It is the second accident on the line this year;
    in March a tree fell on the rails in a storm. The railway's union has asked for years for new
    sleepers on this stretch, some of which were laid in 1962. The ministry promised an inquiry."""
    other = """Passengers to the coast have to take the bus: since Tuesday morning the railway line at
    Oster is closed after a goods train derailed. According to the railway no one was injured. Logs
    from the overturned wagon lie scattered on the bank, and a crane that should put the wagons back
    cannot be there before evening. The man at the controls probably prevented something worse. He
    had heard a noise and braked in time, so that the train was hardly moving when the wagon fell on
    its side. Delays are about an hour. Critics point to the age of the track, parts of which are more
    than sixty years old, and to a fallen tree that had closed the line in spring. Whether the
    sleepers were to blame is now for the ministry's investigators to find out, a spokesman said."""
    assert len(one.split()) > LEAST_RUNS < len(other.split())
    assert find(one, other) == ()


def test_a_story_cut_to_the_least_that_is_alike_is_found() -> None:
    whole = [f"word{at}" for at in range(202)]  # 200 runs, of which the beginning has 108
    [found] = find(" ".join(whole), " ".join(whole[:110]))
    assert found.similarity == pytest.approx(2 * 108 / (200 + 108))
    assert find(" ".join(whole), " ".join(whole[:109])) == ()


def test_two_parts_of_a_series_with_a_background_in_common_are_two() -> None:
    background = " ".join(sentences(ARTICLES["suez-ever-given.md"])[3:13])
    parts = [
        " ".join(sentences(ARTICLES[name])[:12]) + "\n\n" + background
        for name in ("cop29-baku.txt", "panama-canal-drought.txt")
    ]
    shared = [len(background.split()) / len(part.split()) for part in parts]
    assert min(shared) > 0.3
    assert find(*parts) == ()


def rows_by_a_template(count: int, words: int) -> list[str]:
    template = STORY.split()[: words - 4]
    return [f"Station {row}: {' '.join(template)} {row * 7 % 97} mm" for row in range(count)]


def test_rows_of_a_table_that_differ_in_a_number_are_no_duplicates() -> None:
    assert find(*rows_by_a_template(40, words=20)) == ()
    assert find(*rows_by_a_template(40, words=LEAST_RUNS)) == ()
    assert find(*rows_by_a_template(COMMON + 1, words=200)) == ()


def test_tiny_documents_are_only_the_same_to_the_character() -> None:
    assert find("Profit: 3", "Profit: -3", "profit: 3", "", "Yes.", "No.") == ()
    [found] = find("Yes.", "No.", "Yes.")
    assert found == Duplicate("00002.txt", "00000.txt", 1.0, identical=True)
    assert found.note == "the same as 00000.txt"


def test_what_every_page_of_a_site_says_does_not_count() -> None:
    notice = " ".join(STORY.split()[:150])
    pages = [
        f"{notice} {' '.join(f'word{page}x{at}' for at in range(120))}"
        for page in range(COMMON + 1)
    ]
    assert find(*pages) == ()
    [found] = find(*pages, pages[0].replace("word0x60", "another"))
    assert found.similarity == pytest.approx(2 * 117 / (2 * 120), abs=0.01)


def test_of_a_group_each_is_named_with_the_one_it_is_most_like() -> None:
    first = STORY
    second = with_changed_sentences(first, 2)
    third = with_typos(second, 60)
    found = find(first, second, third, ARTICLES["cop29-baku.txt"], third)
    assert [(one.source[4], one.original[4]) for one in found] == [
        ("1", "0"),
        ("2", "1"),
        ("4", "2"),
    ]
    assert [one.identical for one in found] == [False, False, True]


def test_a_text_that_is_edited_again_and_again_stays_in_the_group() -> None:
    versions = [STORY]
    for _ in range(3):
        parts = versions[-1].split(" ")
        versions.append(" ".join(parts[: len(parts) * 4 // 5]))
    assert len(find(*versions)) == 3
    assert find(versions[0], versions[-1]) == ()


def test_a_figure_is_not_rounded_to_the_same() -> None:
    assert Duplicate("b", "a", 0.9999).note == "99% the same as a"
    assert Duplicate("b", "a", 0.7).note == "70% the same as a"


def reference(texts: Sequence[str]) -> dict[tuple[int, int], float]:
    """Compare every pair, as the definition says."""

    def runs(text: str) -> set[tuple[str, ...]]:
        found = text.split()
        return set(zip(found, found[1:], found[2:], strict=False))

    every = [runs(text) for text in texts]
    similar = {
        (a, b): 2 * len(every[a] & every[b]) / (len(every[a]) + len(every[b]))
        for b in range(len(texts))
        for a in range(b)
        if min(len(every[a]), len(every[b])) >= LEAST_RUNS
    }
    return {pair: share for pair, share in similar.items() if share >= LIKE}


@settings(max_examples=rounds(15, in_ci=60))
@given(seed=st.integers(0, 10_000), count=st.integers(2, 12), edits=st.integers(0, 14))
def test_it_finds_what_comparing_every_pair_finds(seed: int, count: int, edits: int) -> None:
    draw = random.Random(seed)
    bases = [[f"w{draw.randrange(60)}" for _ in range(130)] for _ in range(3)]
    texts = []
    for _ in range(count):
        parts = list(draw.choice(bases))
        for _ in range(edits):
            parts[draw.randrange(len(parts))] = f"w{draw.randrange(60)}"
        texts.append(" ".join(parts))
    expected = reference(texts)
    found = find(*texts)
    places = [(int(one.original[:5]), int(one.source[:5])) for one in found]
    for pair, one in zip(places, found, strict=True):
        if pair in expected:
            assert one.similarity == pytest.approx(expected[pair])
        else:
            assert one.identical
    # What the pairs found hold together is what all pairs hold together.
    assert components(places, count) == components(
        [*expected, *((a, b) for b in range(count) for a in range(b) if texts[a] == texts[b])],
        count,
    )
    assert len(places) == count - len(set(components(places, count)))


def components(pairs: Sequence[tuple[int, int]], size: int) -> list[int]:
    label = list(range(size))
    for a, b in pairs:
        low, high = sorted((label[a], label[b]))
        label = [low if one == high else one for one in label]
    return label


@settings(max_examples=rounds(15, in_ci=30))
@given(st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(draw: random.Random) -> None:
    texts = [*ARTICLES.values(), STORY, without_a_paragraph(STORY), with_typos(STORY, 50), "a", "a"]
    documents = [document(f"{row:02}.txt", text) for row, text in enumerate(texts)]
    found = find_duplicates(documents)
    assert len(found) == 4
    draw.shuffle(documents)
    assert find_duplicates(documents) == found


@given(st.lists(st.text(max_size=400), max_size=6))
def test_any_text_can_be_compared(texts: list[str]) -> None:
    for one in find(*texts):
        assert one.original < one.source


def test_the_benchmark_needs_only_what_is_installed(tmp_path: Path) -> None:
    benchmark = ROOT / "tests" / "benchmarks" / "duplicates.py"
    done = subprocess.run(
        [sys.executable, "-c", f"import runpy; runpy.run_path({str(benchmark)!r})"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
