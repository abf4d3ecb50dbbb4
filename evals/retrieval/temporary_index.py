"""A retriever over one evaluation corpus: ingested by the product's own parts into a folder that is gone afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast, get_args

from evals.cases import CorpusRecord
from ingestion.documents import ELEMENT_SEPARATOR, Chunk, Element, ElementKind, ParsedDocument
from retrieval.assembly import build_chunker, build_embedder, build_index, build_retriever
from retrieval.indexer import Indexer
from retrieval.passages import Passage, Scope, StoredChunk
from retrieval.retriever import Arm, Retriever
from runtime.settings import Settings

DEPTH = 100
"""Chunks that an arm returns; a record is found when one of its chunks is among them."""

_TENANT = "evaluation"
_VERSION = 1
_SCOPE = Scope(_TENANT)


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusIndex:
    retriever: Retriever
    chunks: int

    def rank(self, text: str, arm: str) -> list[str]:
        """Record ids of the chunks that an arm finds, best first; raises `ValueError` for an unknown arm."""
        if arm not in get_args(Arm):
            raise ValueError(f"unknown arm {arm!r}")
        return [chunk.document_id for chunk, _ in self.retriever.rank(text, _SCOPE, DEPTH, cast("Arm", arm))]

    def search(self, text: str, top_k: int) -> tuple[Passage, ...]:
        """What a question to the product would find."""
        return self.retriever.search(text, _SCOPE, top_k).passages


@contextlib.contextmanager
def temporary_index(
    settings: Settings,
    corpus: Sequence[CorpusRecord],
    on_progress: Callable[[str, float], None] = lambda _stage, _share: None,
) -> Iterator[CorpusIndex]:
    """Chunk, embed and index the corpus, each record as a document of its own, in the embedded index."""
    with tempfile.TemporaryDirectory(prefix="plumb-eval-") as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "qdrant_url": None})
        embedder = build_embedder(own)
        index = build_index(own, embedder)
        with contextlib.closing(index):
            chunker = build_chunker(embedder)
            drafts = [(record.record_id, chunk) for record in corpus for chunk in chunker.chunks(as_document(record))]
            chunks = [as_stored(record_id, chunk) for record_id, chunk in drafts]
            Indexer(embedder, index).index(chunks, [chunk.embedding_text for _, chunk in drafts], on_progress)
            yield CorpusIndex(build_retriever(own, embedder, index, _all_active), len(chunks))


def _all_active(_tenant: str, record_ids: Iterable[str]) -> dict[str, int]:
    return dict.fromkeys(record_ids, _VERSION)


def as_document(record: CorpusRecord) -> ParsedDocument:
    """A record as a parser would have given it; a record of a title alone has the title as its text."""
    title, text = (record.title, record.text) if record.text.strip() else ("", record.title)
    paragraphs = [part.strip() for part in text.split(ELEMENT_SEPARATOR) if part.strip()]
    elements = tuple(Element(_kind(part), part) for part in paragraphs)
    return ParsedDocument(title=title, media_type="text/plain", elements=elements)


def _kind(paragraph: str) -> ElementKind:
    return ElementKind.TABLE if paragraph.startswith("|") and "\n| ---" in paragraph else ElementKind.PARAGRAPH


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
