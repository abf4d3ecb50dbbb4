"""A retriever over one evaluation corpus: ingested by the product's own parts into a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evals.cases import CorpusRecord
from ingestion.documents import ELEMENT_SEPARATOR, Chunk, Element, ElementKind, ParsedDocument
from retrieval.passages import Scope, StoredChunk
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from retrieval.retriever import Retriever
    from runtime.settings import Settings

DEPTH = 100
"""Chunks that an arm returns; a record is found when one of its chunks is among them."""

_TENANT = "evaluation"
_VERSION = 1
_CHUNKS_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusIndex:
    retriever: Retriever
    chunks: int

    def rank(self, text: str, arm: str) -> list[tuple[str, float]]:
        """(record id, score) of the chunks that an arm finds, best first."""
        found = self.retriever.rank(text, Scope(_TENANT), DEPTH, arm)
        return [(chunk.document_id, score) for chunk, score in found]


@contextlib.contextmanager
def temporary_index(
    settings: Settings,
    corpus: Sequence[CorpusRecord],
    on_progress: Callable[[str, float], None] = lambda stage, share: None,
) -> Iterator[CorpusIndex]:
    """Chunk, embed and index the corpus, each record as a document of its own, in the embedded index.

    Raises `InvalidInput` when no record has any text.
    """
    from retrieval.assembly import build_embedder, build_index, build_retriever

    with tempfile.TemporaryDirectory(prefix="plumb-eval-") as folder, contextlib.ExitStack() as stack:
        own = settings.model_copy(update={"data_dir": Path(folder), "qdrant_url": None})
        embedder = build_embedder(settings)
        index = build_index(own, embedder)
        stack.callback(index.close)
        raise NotImplementedError


def as_document(record: CorpusRecord) -> ParsedDocument:
    """A record as a parser would have given it; a record of a title alone has the title as its text."""
    paragraphs = [part for part in (record.text.strip() or record.title).split(ELEMENT_SEPARATOR) if part.strip()]
    elements = tuple(Element(ElementKind.PARAGRAPH, part) for part in paragraphs)
    return ParsedDocument(title=record.title, media_type="text/plain", elements=elements)


def as_stored(record_id: str, chunk: Chunk) -> StoredChunk:
    return StoredChunk(
        tenant=_TENANT,
        collection=_TENANT,
        document_id=record_id,
        version=_VERSION,
        document_name=record_id,
        ordinal=chunk.ordinal,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading_path=chunk.heading_path,
        parent=chunk.parent,
    )
