"""The larger passage around a found chunk, put together from its neighbours in the index."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from retrieval.passages import StoredChunk, chunk_id


def neighbour_ids(chunks: Iterable[StoredChunk]) -> list[str]:
    """Ids of the chunks that make up the passages around `chunks`, without themselves."""
    wanted: dict[str, None] = {}
    for chunk in chunks:
        first, last = chunk.parent
        for ordinal in range(first, last + 1):
            if ordinal != chunk.ordinal:
                wanted[chunk_id(chunk.document_id, chunk.version, ordinal)] = None
    return list(wanted)


def context_chunks(chunk: StoredChunk, found: Mapping[str, StoredChunk]) -> tuple[StoredChunk, ...]:
    """The chunks of the passage around `chunk`, in reading order.

    Only the unbroken run of found neighbours counts.
    """
    first, last = chunk.parent
    run: list[StoredChunk] = []
    for ordinal in range(first, last + 1):
        own = ordinal == chunk.ordinal
        neighbour = chunk if own else found.get(chunk_id(chunk.document_id, chunk.version, ordinal))
        if neighbour is not None:
            run.append(neighbour)
        elif ordinal > chunk.ordinal:
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
