"""Answered questions in a Qdrant Edge shard of their own, in this process.

    <folder>/
        lock         held (flock) by the process that has it open
        state.json   which shard folder is valid, what it was built with, how many removed points it still carries
        shard-…/     that shard

It is only a cache: a shard that cannot be read, or was built for another embedding model, is thrown away and begun
anew. There is no HNSW graph: all vectors under a key are compared, 2 ms for 10,000. Edge keeps the room of removed
points, so when there are more of them than living ones the living are copied into a fresh shard; searches go on
meanwhile.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from retrieval.index_folder import IndexFolder, write_atomically
from retrieval.live_shard import LiveShard
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
MIN_GARBAGE = 1000
_MIN_FREE_BYTES = 256 << 20
_COPY_BATCH = 32
_REMOVE_BATCH = 256
# The write-ahead log holds every answer once more until a flush, and a flush holds the interpreter lock for 0.15 s.
_FLUSH_BYTES = 64 << 20
_VECTOR = "question"
_STATE = "state.json"

_log = logging.getLogger(__name__)


class EdgeQuestionStore:
    """A `QuestionStore`. `built_with` names the embedding model, `dimension` its vectors' length.

    Raises `IndexLocked` when another process has the folder open.
    """

    def __init__(self, folder: Path, built_with: str, dimension: int, *, min_garbage: int = MIN_GARBAGE) -> None:
        self._path = folder
        self._dimension = dimension
        self._built_with = f"{FORMAT}/{built_with}/{dimension}"
        self._min_garbage = min_garbage
        self._writing = threading.RLock()
        self._closed = False
        self._unflushed = 0
        self._folder = IndexFolder(folder)
        self._folder.lock()
        try:
            self._live, self._garbage = self._open()
        except BaseException:
            self._folder.unlock()
            raise

    def nearest(self, key: str, embedding: NDArray[np.float32], limit: int) -> list[Match]:
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(embedding.tolist(), using=_VECTOR),
            filter=_where(KEY_FIELD, key),
            params=edge.SearchParams(exact=True),
            with_payload=True,
        )
        with self._live.reading() as shard:
            found = shard.query(request)
        return [Match(from_payload(point.payload or {}), point.score) for point in found]

    def put(self, record: QuestionRecord, embedding: NDArray[np.float32]) -> None:
        """Raises `Unavailable` when the disk is nearly full: Edge would meet that with a signal, not an error."""
        if embedding.shape != (self._dimension,):
            raise ValueError(f"a question's vector has {embedding.shape}, the store takes ({self._dimension},)")
        if shutil.disk_usage(self._path).free < _MIN_FREE_BYTES:
            raise Unavailable(f"The disk of {self._path} is nearly full; answers are not cached.")
        point = edge.Point(record.entry_id, {_VECTOR: embedding.tolist()}, to_payload(record))
        with self._writing:
            self._live.upsert([point])
            self._unflushed += len(record.body)

    def touch(self, entry_id: str, used_at: float, body: str | None = None) -> None:
        only = edge.Filter(must=[edge.HasIdCondition({entry_id})])
        operation = edge.UpdateOperation.set_payload_by_filter(only, changed_fields(used_at, body))
        with self._writing, self._live.reading() as shard:
            shard.update(operation)

    def delete(self, entry_ids: Iterable[str]) -> None:
        ids: set[int | uuid.UUID | str] = set(entry_ids)
        if ids:
            self._remove(edge.Filter(must=[edge.HasIdCondition(ids)]))

    def forget_document(self, document_id: str) -> None:
        self._remove(_where(DOCUMENTS_FIELD, document_id))

    def sweep(self, created_before: float, keep: int) -> None:
        with self._writing:
            self._remove(
                edge.Filter(must=[edge.FieldCondition(CREATED_FIELD, range=edge.RangeFloat(lt=created_before))])
            )
            while (surplus := self.count() - keep) > 0:
                oldest = edge.ScrollRequest(
                    limit=min(surplus, _REMOVE_BATCH), order_by=edge.OrderBy(USED_FIELD), with_payload=False
                )
                with self._live.reading() as shard:
                    records, _ = shard.scroll(oldest)
                self.delete([str(record.id) for record in records])
            if self._garbage > max(self._min_garbage, self.count()):
                self._rebuild()
            else:
                self._write_state(self._live.path)
            if self._unflushed > _FLUSH_BYTES:
                self._unflushed = 0
                with self._live.reading() as shard:
                    shard.flush()

    def count(self) -> int:
        with self._live.reading() as shard:
            return shard.count(edge.CountRequest(exact=True))

    def close(self) -> None:
        with self._writing:
            if self._closed:
                return
            self._closed = True
            self._write_state(self._live.path)
            self._live.close()
            self._folder.unlock()

    def _remove(self, which: edge.Filter) -> None:
        with self._writing:
            self._garbage += self._live.delete(which)

    def _open(self) -> tuple[LiveShard, int]:
        try:
            state: dict[str, Any] = json.loads((self._path / _STATE).read_text())
            path = self._path / state["shard"]
            if state["built_with"] == self._built_with:
                return LiveShard(edge.EdgeShard.load(str(path)), path), int(state["garbage"])
            _log.info("The semantic cache was made with another embedding model; it begins anew")
        except FileNotFoundError:
            pass
        except Exception:  # noqa: BLE001  Edge raises bare ones; whatever is wrong with a cache, a new one is right
            _log.warning("The semantic cache in %s cannot be read; it begins anew", self._path, exc_info=True)
        for former in self._path.glob("shard-*"):
            shutil.rmtree(former, ignore_errors=True)
        shard, path = self._create()
        self._garbage = 0
        self._write_state(path)
        return LiveShard(shard, path), 0

    def _create(self) -> tuple[edge.EdgeShard, Path]:
        path = self._path / f"shard-{uuid.uuid4().hex[:12]}"
        path.mkdir()
        no_graph = edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10_000)
        vectors = edge.EdgeVectorParams(size=self._dimension, distance=edge.Distance.Cosine, hnsw_config=no_graph)
        shard = edge.EdgeShard.create(str(path), edge.EdgeConfig(vectors={_VECTOR: vectors}))
        for field in (KEY_FIELD, DOCUMENTS_FIELD):
            shard.update(edge.UpdateOperation.create_field_index(field, edge.KeywordIndexParams()))
        for field in (CREATED_FIELD, USED_FIELD):
            shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Float))
        return shard, path

    def _rebuild(self) -> None:
        fresh, path = self._create()
        offset: edge.PointId | None = None
        while True:
            page = edge.ScrollRequest(offset=offset, limit=_COPY_BATCH, with_payload=True, with_vector=True)
            with self._live.reading() as shard:
                records, offset = shard.scroll(page)
            points = [edge.Point(record.id, record.vector or {}, record.payload) for record in records]
            if points:
                fresh.update(edge.UpdateOperation.upsert_points(points))
            if offset is None:
                break
        former = self._live.exchange(fresh, path)
        self._garbage = 0
        self._write_state(path)
        shutil.rmtree(former, ignore_errors=True)

    def _write_state(self, shard: Path) -> None:
        state = {"shard": shard.name, "built_with": self._built_with, "garbage": self._garbage}
        write_atomically(self._path / _STATE, state)


def _where(field: str, value: str) -> edge.Filter:
    return edge.Filter(must=[edge.FieldCondition(field, match=edge.MatchValue(value))])
