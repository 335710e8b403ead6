"""The real embedding model, and the export that embeds questions without torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from index.build import update_index
from index.embed import DEFAULT_MODEL, QuestionEncoder, SentenceEmbedder, passage_text
from index.errors import EmbedderError
from index.store import Store
from tests.conftest import ROOT
from tests.fakes import article, write_articles

TEXTS = [
    "Who will fly to Qatar?",
    "",
    "An " + "extraordinarily " * 300 + "long text that the model cuts off.",
    "Ünïcödé, 😀 and שלום",
    "a",
]


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    """The model itself, loaded once and exported once."""
    made = SentenceEmbedder()
    made.export_encoder = cache(made.export_encoder)  # type: ignore[method-assign]
    return made


def required(extra: str = "") -> set[str]:
    """Return the names of all that the package requires, with or without an extra."""
    found: set[str] = set()
    pending = [("footnote-qa", extra)]
    while pending:
        name, asked = pending.pop()
        if name not in found:
            found.add(name)
            with suppress(PackageNotFoundError):  # one for another platform
                needs = map(Requirement, requires(name) or ())
                pending += [
                    (canonicalize_name(need.name), "")
                    for need in needs
                    if need.marker is None or need.marker.evaluate({"extra": asked})
                ]
    return found


@pytest.fixture(scope="module")
def files(embedder: SentenceEmbedder) -> Mapping[str, bytes]:
    """The export, made as a user makes it: without what only training requires."""
    absent = required("train") - required()
    assert "matplotlib" in absent
    with pytest.MonkeyPatch.context() as patch:
        for module, owners in packages_distributions().items():
            if absent & set(map(canonicalize_name, owners)):
                patch.setitem(sys.modules, module, None)
        return embedder.export_encoder()


def test_vectors_have_unit_length_and_keep_the_order(embedder: SentenceEmbedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    assert vectors == pytest.approx(alone, abs=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_progress_counts_every_text_once(embedder: SentenceEmbedder) -> None:
    done: list[int] = []
    embedder.embed(["x"] * 40, done.append)
    assert sum(done) == 40


def test_meaning_is_close(embedder: SentenceEmbedder) -> None:
    question, near, far = embedder.embed(
        ["Who won the tennis final?", "Alcaraz beat Djokovic at Wimbledon.", "Boil the rice."]
    )
    assert question @ near > question @ far + 0.2


def test_the_exported_encoder_gives_the_same_vectors(
    embedder: SentenceEmbedder, files: Mapping[str, bytes]
) -> None:
    encoder = QuestionEncoder(files)
    assert encoder.embed(TEXTS) == pytest.approx(embedder.embed(TEXTS), abs=1e-5)
    assert encoder.count_pieces(TEXTS) == embedder.count_pieces(TEXTS)
    assert (encoder.name, encoder.fingerprint, encoder.dimension) == (
        DEFAULT_MODEL,
        embedder.fingerprint,
        384,
    )
    assert encoder.embed([]).shape == (0, 384)


def test_an_update_embeds_by_the_question_encoder_of_the_index(
    embedder: SentenceEmbedder, tmp_path: Path
) -> None:
    index, folder = tmp_path / "index", tmp_path / "news"
    write_articles(folder, {f"{number}.txt": article(number) for number in range(3)})
    update_index(index, [folder], embedder=embedder)
    (folder / "new.txt").write_text("New\n\nThe new bridge was opened by the mayor.")
    unloaded = SentenceEmbedder(embedder.name)
    report = update_index(index, [folder], embedder=unloaded)
    assert report.embedded == 1
    assert vars(unloaded) == {"name": embedder.name}  # no model was loaded
    updated = Store(index).open()
    update_index(index, [folder], embedder=embedder, rebuild=True)
    assert updated.embeddings() == pytest.approx(Store(index).open().embeddings(), abs=1e-5)


def test_the_fingerprint_is_that_of_the_weights_not_of_the_object(
    embedder: SentenceEmbedder,
) -> None:
    assert SentenceEmbedder().fingerprint == embedder.fingerprint


def test_the_encoder_needs_no_torch(files: Mapping[str, bytes], tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    code = (
        "import sys, pathlib\n"
        "from index.embed import QuestionEncoder\n"
        f"files = {{p.name: p.read_bytes() for p in pathlib.Path({str(tmp_path)!r}).iterdir()}}\n"
        "print(QuestionEncoder(files).embed(['Who?']).shape)\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "(1, 384)"


@pytest.mark.parametrize("missing", ["encoder.onnx", "tokenizer.json", "encoder.json"])
def test_an_encoder_with_a_part_missing_says_what_to_run(
    files: Mapping[str, bytes], missing: str
) -> None:
    with pytest.raises(EmbedderError, match="footnote index --rebuild"):
        QuestionEncoder({name: data for name, data in files.items() if name != missing})


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(EmbedderError, match="no/such-model"):
        SentenceEmbedder("no/such-model").embed(["x"])


def test_the_title_is_embedded_with_the_text() -> None:
    assert passage_text("Title", "Text.") == "Title\nText."
    assert passage_text("", "Text.") == "Text."
