"""The larger passage around a found chunk, put together from its neighbours in the index."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from retrieval.passages import StoredChunk, chunk_id


def neighbour_ids(chunk: StoredChunk) -> list[str]:
    """Ids of the chunks that make up the passage around `chunk`, itself included, in reading order."""
    first, last = chunk.parent
    return [chunk_id(chunk.document_id, chunk.version, ordinal) for ordinal in range(first, last + 1)]


def all_neighbour_ids(chunks: Iterable[StoredChunk]) -> list[str]:
    return list(dict.fromkeys(one for chunk in chunks for one in neighbour_ids(chunk)))


def context_chunks(chunk: StoredChunk, found: Mapping[str, StoredChunk]) -> tuple[StoredChunk, ...]:
    """The chunks of the passage around `chunk`, in reading order.

    Only the unbroken run of found neighbours counts.
    """
    run: list[StoredChunk] = []
    for one in neighbour_ids(chunk):
        neighbour = chunk if one == chunk.chunk_id else found.get(one)
        if neighbour is not None:
            run.append(neighbour)
        elif chunk in run:
            break
        else:
            run.clear()
    return tuple(run)


def joined(chunks: Sequence[StoredChunk]) -> str:
    """The text from the first chunk's start to the last one's end.

    Chunks leave out nothing but white space between them, so that gaps are filled with as much of it: an offset in the
    joined text plus the first chunk's start is an offset in the document.
    """
    parts = [chunks[0].text]
    for before, after in itertools.pairwise(chunks):
        gap = max(0, after.start - before.end)
        parts.append(" " if gap == 1 else "\n" * gap)
        parts.append(after.text)
    return "".join(parts)
