"""Passages for tests, as a retriever would give them."""

from __future__ import annotations

from retrieval.passages import Passage, StoredChunk


def passage(
    text: str, *, document: str = "d", heading: tuple[str, ...] = (), page: int | None = None, start: int = 0
) -> Passage:
    chunk = StoredChunk(
        "t", "c", document, 1, f"{document}.md", 0, text, start, start + len(text), page, heading, (0, 0)
    )
    return Passage(chunk, 1.0, {}, text, start)
