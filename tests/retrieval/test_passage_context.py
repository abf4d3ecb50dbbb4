"""The larger passage is a slice of the document, whatever was found of it."""

from __future__ import annotations

from retrieval.passage_context import context_chunks, joined
from retrieval.passages import StoredChunk

DOCUMENT = "One. Two.\n\nThree.   Four.\n\nFive."
SPANS = [(0, 4), (5, 9), (11, 17), (20, 25), (27, 32)]


def chunk(ordinal: int) -> StoredChunk:
    start, end = SPANS[ordinal]
    return StoredChunk("t", "c", "d", 1, "d.md", ordinal, DOCUMENT[start:end], start, end, 1, (), (0, 4))


def test_offsets_in_the_context_are_offsets_in_the_document() -> None:
    chunks = [chunk(ordinal) for ordinal in range(5)]
    around = context_chunks(chunks[2], {one.chunk_id: one for one in chunks})
    text = joined(around)
    assert len(text) == len(DOCUMENT)
    for start, end in SPANS:
        assert text[start:end] == DOCUMENT[start:end]
    assert text.split() == DOCUMENT.split()


def test_a_missing_neighbour_ends_the_context_there() -> None:
    found = {one.chunk_id: one for one in (chunk(0), chunk(3), chunk(4))}
    around = context_chunks(chunk(3), found)
    assert [one.ordinal for one in around] == [3, 4]
    assert around[0].start == 20
