"""Documents and chunks as the bytes of a generation's files, and back."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.types import Chunk, Document, Mark


def chunks_to_bytes(documents: Sequence[Document], chunks: Sequence[Chunk]) -> bytes:
    """Return an int64 array, shape ``(len(chunks), 3)``: row of the document, start, end."""
    row = {document.id: number for number, document in enumerate(documents)}
    rows = np.array(
        [(row[chunk.doc_id], chunk.start, chunk.end) for chunk in chunks], dtype=np.int64
    ).reshape(len(chunks), 3)
    buffer = io.BytesIO()
    np.save(buffer, rows, allow_pickle=False)
    return buffer.getvalue()


def chunks_from_bytes(data: bytes, documents: Sequence[Document]) -> tuple[Chunk, ...]:
    """Read what `chunks_to_bytes` gave; raises ``ValueError`` or ``IndexError`` if it does not fit."""
    rows: NDArray[np.int64] = np.load(io.BytesIO(data), allow_pickle=False)
    chunks = []
    for row, start, end in rows.tolist():
        document = documents[row]
        if row < 0 or not 0 <= start < end <= len(document.text):
            raise ValueError(f"chunk {start}-{end} lies outside of '{document.source}'")
        chunks.append(
            Chunk(f"{document.id}:{start}-{end}", document.id, start, end, document.text[start:end])
        )
    return tuple(chunks)


def documents_to_bytes(documents: Sequence[Document]) -> bytes:
    """Return one JSON object a line."""
    return b"".join(
        json.dumps(_document_to_json(document), ensure_ascii=False, sort_keys=True).encode() + b"\n"
        for document in documents
    )


def documents_from_bytes(data: bytes) -> tuple[Document, ...]:
    """Read what `documents_to_bytes` gave."""
    return tuple(_document_from_json(json.loads(line)) for line in data.split(b"\n") if line)


def _document_to_json(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "source": document.source,
        "date": document.date,
        "author": document.author,
        "publisher": document.publisher,
        "language": document.language,
        "pages": [[mark.start, mark.end, mark.label] for mark in document.pages],
        "headings": [[mark.start, mark.end, mark.label] for mark in document.headings],
    }


def _document_from_json(content: dict[str, Any]) -> Document:
    return Document(
        id=content["id"],
        title=content["title"],
        text=content["text"],
        source=content["source"],
        date=content["date"],
        author=content["author"],
        publisher=content.get("publisher"),  # an older index has none
        language=content["language"],
        pages=tuple(Mark(*mark) for mark in content["pages"]),
        headings=tuple(Mark(*mark) for mark in content["headings"]),
    )
