"""Answered questions in a collection of their own on a Qdrant server, shared by all API processes.

The collection is named by the embedding model, so that processes of two configurations do not meet in one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrieval.question_store import (
    CREATED_FIELD,
    DOCUMENTS_FIELD,
    KEY_FIELD,
    USED_FIELD,
    Match,
    QuestionRecord,
    changed_fields,
    from_payload,
    to_payload,
)
from runtime.errors import Unavailable

FORMAT = 1
PREFIX = "plumb_cache_"
_CONFLICT = 409
_REMOVE_BATCH = 256


class ServerQuestionStore:
    """A `QuestionStore`. `built_with` names the embedding model, `dimension` its vectors' length.

    The collection is created at first use, so that a process can start while the server is down. Every method raises
    `Unavailable` when the server does not answer.
    """

    def __init__(self, client: QdrantClient, built_with: str, dimension: int) -> None:
        self._client = client
        self._dimension = dimension
        self.collection = PREFIX + hashlib.sha256(f"{FORMAT}/{built_with}/{dimension}".encode()).hexdigest()[:12]
        self._ready = False

    def nearest(self, key: str, embedding: NDArray[np.float32], limit: int) -> list[Match]:
        with self._answering():
            found = self._client.query_points(
                self.collection,
                query=embedding.tolist(),
                query_filter=_where(KEY_FIELD, key),
                limit=limit,
                with_payload=True,
                search_params=models.SearchParams(exact=True),
            ).points
        return [Match(from_payload(point.payload or {}), point.score) for point in found]

    def put(self, record: QuestionRecord, embedding: NDArray[np.float32]) -> None:
        if embedding.shape != (self._dimension,):
            raise ValueError(f"a question's vector has {embedding.shape}, the store takes ({self._dimension},)")
        point = models.PointStruct(id=record.entry_id, vector=embedding.tolist(), payload=to_payload(record))
        with self._answering():
            self._client.upsert(self.collection, [point], wait=True)

    def touch(self, entry_id: str, used_at: float, body: str | None = None) -> None:
        only = models.Filter(must=[models.HasIdCondition(has_id=[entry_id])])
        with self._answering():
            self._client.set_payload(self.collection, changed_fields(used_at, body), points=only, wait=True)

    def delete(self, entry_ids: Iterable[str]) -> None:
        if ids := list(entry_ids):
            self._remove(models.Filter(must=[models.HasIdCondition(has_id=list(ids))]))

    def forget_document(self, document_id: str) -> None:
        self._remove(_where(DOCUMENTS_FIELD, document_id))

    def sweep(self, created_before: float, keep: int) -> None:
        self._remove(
            models.Filter(must=[models.FieldCondition(key=CREATED_FIELD, range=models.Range(lt=created_before))])
        )
        while (surplus := self.count() - keep) > 0:
            with self._answering():
                records, _ = self._client.scroll(
                    self.collection,
                    limit=min(surplus, _REMOVE_BATCH),
                    order_by=models.OrderBy(key=USED_FIELD),
                    with_payload=False,
                )
            if not records:
                return
            self.delete([str(record.id) for record in records])

    def count(self) -> int:
        with self._answering():
            return self._client.count(self.collection, exact=True).count

    def close(self) -> None:
        self._client.close()

    def _remove(self, which: models.Filter) -> None:
        with self._answering():
            self._client.delete(self.collection, models.FilterSelector(filter=which), wait=True)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            if not self._ready:
                self._create()
                self._ready = True
            yield
        except (ResponseHandlingException, UnexpectedResponse) as error:
            self._ready = False  # somebody may have removed the collection
            raise Unavailable(f"The semantic cache on the Qdrant server cannot be used ({error}).") from error

    def _create(self) -> None:
        if not self._client.collection_exists(self.collection):
            vectors = models.VectorParams(
                size=self._dimension, distance=models.Distance.COSINE, hnsw_config=models.HnswConfigDiff(m=0)
            )
            try:
                self._client.create_collection(self.collection, vectors_config=vectors, on_disk_payload=True)
            except UnexpectedResponse as error:
                if error.status_code != _CONFLICT:  # another process was faster
                    raise
        for field in (KEY_FIELD, DOCUMENTS_FIELD):
            self._client.create_payload_index(self.collection, field, models.PayloadSchemaType.KEYWORD, wait=True)
        for field in (CREATED_FIELD, USED_FIELD):
            self._client.create_payload_index(self.collection, field, models.PayloadSchemaType.FLOAT, wait=True)


def _where(field: str, value: str) -> models.Filter:
    return models.Filter(must=[models.FieldCondition(key=field, match=models.MatchValue(value=value))])
