"""The larger passage around a found chunk, put together from its neighbours in the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from retrieval.passages import StoredChunk, chunk_id


def neighbour_ids(chunk: StoredChunk) -> list[str]:
    """Ids of the chunks that make up the passage around `chunk`, itself included, in reading order."""
    first, last = chunk.parent
    return [chunk_id(chunk.document_id, chunk.version, ordinal) for ordinal in range(first, last + 1)]


def all_neighbour_ids(chunks: Iterable[StoredChunk]) -> list[str]:
    return list(dict.fromkeys(one for chunk in chunks for one in neighbour_ids(chunk)))


def context_of(chunk: StoredChunk, found: Mapping[str, StoredChunk]) -> tuple[str, int]:
    """Text of the passage around `chunk` and its offset in the document.

    Only the unbroken run of found neighbours counts. Chunks leave out nothing but white space between them, so that gaps
    are filled with as much of it: every offset in the context stays an offset in the document.
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
    return _joined(run), run[0].start


def _joined(run: Sequence[StoredChunk]) -> str:
    parts = [run[0].text]
    for before, after in zip(run, run[1:], strict=False):
        gap = max(0, after.start - before.end)
        parts.append(" " if gap == 1 else "\n" * gap)
        parts.append(after.text)
    return "".join(parts)
