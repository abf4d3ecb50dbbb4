"""The rules of index generations that both indexes share: names, and which one may be opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from retrieval.vector_index import Generation, IndexMismatch, StoredGeneration


def next_name(existing: Iterable[str], generation: Generation) -> str:
    """A name that sorts after all existing ones and tells model and chunker: `0002-all-minilm-l6-v2-int8-3`."""
    number = max((int(name[:4]) for name in existing if name[:4].isdigit()), default=0) + 1
    words = re.sub(r"[^a-z0-9]+", "-", f"{generation.embedding_model}-{generation.chunker_version}".lower()).strip("-")
    return f"{number:04}-{words[:80]}"


def check_active(stored: Sequence[StoredGeneration], wanted: Generation, place: str) -> StoredGeneration | None:
    """The active generation, `None` when there is none; raises `IndexMismatch` when its vectors do not fit."""
    active = next((one for one in stored if one.active), None)
    if active is not None and not active.generation.same_vectors(wanted):
        raise IndexMismatch(
            f"The index in {place} was built with {_describe(active.generation)}, but the settings ask for "
            f"{_describe(wanted)}. Go back to the former settings, or set PLUMB_DATA_DIR to another folder and "
            "ingest the documents there."
        )
    return active


def _describe(generation: Generation) -> str:
    return (
        f"embedding model {generation.embedding_model} "
        f"({generation.dimension}/{generation.token_dimension} dimensions), chunker {generation.chunker_version} "
        f"and language {generation.language}"
    )
