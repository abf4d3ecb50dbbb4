"""The embedded index: Qdrant Edge, in this process, no server.

One folder holds all generations (see `EdgeGenerations`), each generation one shard (see `index_folder`). Edge has no
background optimizer; `qdrant_edge_optimizer` does that work beside the running searches.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from retrieval.index_folder import IndexFolder, write_atomically
from retrieval.index_generations import check_active, next_name
from retrieval.index_payload import (
    KEYWORD_FIELDS,
    TENANT_FIELD,
    AnyOf,
    Between,
    RangeFields,
    from_payload,
    range_path,
    satisfies,
    scope_conditions,
    to_payload,
    valid_ids,
)
from retrieval.live_shard import WRITE_BATCH, LiveShard
from retrieval.passages import Scope, StoredChunk
from retrieval.qdrant_edge_candidates import CandidateSearch, to_edge
from retrieval.qdrant_edge_optimize_copy import sync_tree
from retrieval.qdrant_edge_optimizer import EdgeOptimizer, OptimizePolicy
from retrieval.vector_index import (
    Candidates,
    Generation,
    IndexPoint,
    QueryVectors,
    SparseVector,
    StoredGeneration,
    VectorIndex,
)
from runtime.errors import NotFound, PlumblineError

_MIN_FREE_BYTES = 256 << 20
_MIN_FREE_BYTES_TO_OPEN = 64 << 20


class DiskFull(PlumblineError):
    """There is no room to write to the index; nothing was written."""

    code = "disk_full"
    retryable = True


class IndexDamaged(PlumblineError):
    """The files of the index cannot be read; the message says how to build it anew."""

    code = "index_damaged"


class QdrantEdgeIndex:
    """A `VectorIndex` over one shard. `open_edge_index` and `EdgeGenerations` make one."""

    def __init__(self, path: Path, generation: Generation, policy: OptimizePolicy) -> None:
        self.name = path.name
        self.generation = generation
        self._folder = IndexFolder(path)
        self._folder.lock()
        try:
            self._refuse_full_disk(_MIN_FREE_BYTES_TO_OPEN)
            self._folder.clean()
            if (current := self._folder.current()) is not None:
                shard_path, optimized_points = current
                shard = _load(shard_path)
            else:
                shard_path, optimized_points = self._folder.new_shard(), 0
                shard = _create(shard_path, generation)
                self._folder.switch(shard_path, optimized_points)
        except BaseException:
            self._folder.unlock()
            raise
        self._live = LiveShard(shard, shard_path)
        self._optimizer = EdgeOptimizer(self._folder, self._live, policy, optimized_points)
        self._range_fields = RangeFields(shard.info().payload_schema)
        self._optimizer.changed(max(0, shard.count(edge.CountRequest()) - optimized_points))
        self._closed = False

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        self._refuse_full_disk()
        for field in self._range_fields.missing(point.chunk for point in points):
            self._live.index_number(range_path(field))
            self._range_fields.add(field)
        for start in range(0, len(points), WRITE_BATCH):
            self._refuse_full_disk()
            batch = [_point(point, self.generation) for point in points[start : start + WRITE_BATCH]]
            self._live.upsert(batch)
            self._optimizer.changed(len(batch))

    def delete_document(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        document: list[edge.ConditionType] = [_equals(TENANT_FIELD, tenant), _equals("document_id", document_id)]
        kept: list[edge.ConditionType] = [] if keep_version is None else [_equals("version", keep_version)]
        self._refuse_full_disk(_MIN_FREE_BYTES_TO_OPEN)
        self._optimizer.changed(self._live.delete(edge.Filter(must=document, must_not=kept)))

    def candidates(self, scope: Scope, query: QueryVectors, limit: int) -> Candidates:
        if limit < 1:
            return Candidates([], [], {"dense": {}, "bm25": {}, "maxsim": {}})
        tenant = edge.Filter(must=[_equals(TENANT_FIELD, scope.tenant)])
        with self._live.reading() as shard:
            return CandidateSearch(shard, edge.Filter(must=_conditions(scope)), tenant).candidates(query, limit)

    def fetch(self, scope: Scope, chunk_ids: Iterable[str]) -> Mapping[str, StoredChunk]:
        ids = valid_ids(chunk_ids)
        if not ids:
            return {}
        conditions = scope_conditions(scope)
        with self._live.reading() as shard:
            # A third of the time of a scroll with a filter.
            records = shard.retrieve(list(ids), with_payload=True, with_vector=False)
        payloads = ((str(record.id), record.payload or {}) for record in records)
        return {key: from_payload(payload) for key, payload in payloads if satisfies(payload, conditions)}

    def count(self, scope: Scope, document_id: str | None = None, version: int | None = None) -> int:
        conditions = _conditions(scope)
        if document_id is not None:
            conditions.append(_equals("document_id", document_id))
        if version is not None:
            conditions.append(_equals("version", version))
        with self._live.reading() as shard:
            return shard.count(edge.CountRequest(exact=True, filter=edge.Filter(must=conditions)))

    def sample_lexical(self, limit: int) -> list[SparseVector]:
        # In the order of ids, which are hashes.
        with self._live.reading() as shard:
            records, _ = shard.scroll(edge.ScrollRequest(limit=limit, with_vector=["bm25"], with_payload=False))
        vectors = [record.vector["bm25"] for record in records if isinstance(record.vector, dict)]
        return [_from_edge(vector) for vector in vectors if isinstance(vector, edge.SparseVector)]

    def optimize(self) -> None:
        """Optimize now instead of when the policy would; returns when searches use the result."""
        self._optimizer.optimize()

    def flush(self) -> None:
        self._live.flush()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._optimizer.stop()
        self._live.close()
        self._folder.unlock()

    def _refuse_full_disk(self, needed: int = _MIN_FREE_BYTES) -> None:
        # Edge writes through memory maps over files with holes: on a full disk that is a SIGBUS, not an error.
        free = shutil.disk_usage(self._folder.path).free
        if free < needed:
            raise DiskFull(
                f"Only {free >> 20} MB are free on the disk of {self._folder.path}; the index needs "
                f"{needed >> 20} MB to work safely. Free some space and try again."
            )


class EdgeGenerations:
    """The generations of the embedded index in one folder; `active.json` names the one that searches use."""

    def __init__(self, folder: Path, policy: OptimizePolicy | None = None) -> None:
        self._folder = folder
        self._policy = policy or OptimizePolicy()

    def stored(self) -> list[StoredGeneration]:
        active = self._active_name()
        return [
            StoredGeneration(path.parent.name, Generation(**json.loads(path.read_text())), path.parent.name == active)
            for path in sorted(self._folder.glob("*/generation.json"))
        ]

    def open(self, generation: Generation) -> QdrantEdgeIndex:
        stored = self.stored()
        active = check_active(stored, generation, str(self._folder))
        if active is not None:
            return self._open(active.name, active.generation)
        index = self.build(generation)
        self.activate(index)
        return index

    def build(self, generation: Generation) -> QdrantEdgeIndex:
        stored = self.stored()
        unfinished = [one for one in stored if not one.active and one.generation == generation]
        name = unfinished[-1].name if unfinished else next_name([one.name for one in stored], generation)
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / name / "generation.json", dataclasses.asdict(generation))
        return self._open(name, generation)

    def activate(self, index: VectorIndex) -> None:
        assert isinstance(index, QdrantEdgeIndex)
        index.flush()
        write_atomically(self._folder / "active.json", {"generation": index.name})

    def remove(self, name: str) -> None:
        if name == self._active_name() or name not in [one.name for one in self.stored()]:
            raise NotFound(f"There is no inactive index generation {name!r} in {self._folder}.")
        folder = IndexFolder(self._folder / name)
        folder.lock()
        (folder.path / "generation.json").unlink()
        shutil.rmtree(folder.path)
        folder.unlock()

    def _open(self, name: str, generation: Generation) -> QdrantEdgeIndex:
        return QdrantEdgeIndex(self._folder / name, generation, self._policy)

    def _active_name(self) -> str | None:
        try:
            return str(json.loads((self._folder / "active.json").read_text())["generation"])
        except FileNotFoundError:
            return None


def open_edge_index(folder: Path, generation: Generation) -> QdrantEdgeIndex:
    """Open the active generation in a folder, or create the first one.

    Raises `IndexMismatch` when it was built with another model, chunker or language, `IndexLocked` when another process
    has it open.
    """
    return EdgeGenerations(folder).open(generation)


def _create(path: Path, generation: Generation) -> edge.EdgeShard:
    path.mkdir()
    shard = edge.EdgeShard.create(str(path), _config(generation))
    for field in KEYWORD_FIELDS:
        parameters = edge.KeywordIndexParams(is_tenant=field == TENANT_FIELD)
        shard.update(edge.UpdateOperation.create_field_index(field, parameters))
    sync_tree(path)
    return shard


def _load(path: Path) -> edge.EdgeShard:
    try:
        return edge.EdgeShard.load(str(path))
    except Exception as error:  # Edge raises bare ones
        raise IndexDamaged(
            f"The index in {path} cannot be read ({error}). Restore the data folder from a backup, or set "
            "PLUMB_DATA_DIR to another folder and ingest the documents there."
        ) from error


def _config(generation: Generation) -> edge.EdgeConfig:
    no_graph = edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10_000)
    return edge.EdgeConfig(
        vectors={
            "dense": edge.EdgeVectorParams(size=generation.dimension, distance=edge.Distance.Cosine),
            "tokens": edge.EdgeVectorParams(
                size=generation.token_dimension,
                distance=edge.Distance.Dot,
                datatype=edge.VectorStorageDatatype.Float16,
                multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
                hnsw_config=no_graph,
                memory=edge.Memory.Cold,
            ),
        },
        sparse_vectors={"bm25": edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
    )


def _point(point: IndexPoint, generation: Generation) -> edge.Point:
    # Edge panics on a multivector without rows, so a chunk without tokens has none; an empty sparse vector is stored,
    # because the N of the IDF counts the points that have one.
    if point.dense.shape != (generation.dimension,):
        raise ValueError(f"a dense vector has {point.dense.shape}, the index takes ({generation.dimension},)")
    vectors: dict[str, Any] = {"dense": point.dense.tolist(), "bm25": to_edge(point.sparse)}
    if len(point.tokens):
        if point.tokens.shape[1] != generation.token_dimension:
            raise ValueError(f"token vectors have {point.tokens.shape[1]} values, not {generation.token_dimension}")
        vectors["tokens"] = point.tokens.tolist()
    return edge.Point(point.chunk.chunk_id, vectors, to_payload(point.chunk))


def _from_edge(vector: edge.SparseVector) -> SparseVector:
    return SparseVector(np.asarray(vector.indices, dtype=np.uint32), np.asarray(vector.values, dtype=np.float32))


def _conditions(scope: Scope) -> list[edge.ConditionType]:
    return [_condition(condition) for condition in scope_conditions(scope)]


def _condition(condition: AnyOf | Between) -> edge.FieldCondition:
    if isinstance(condition, Between):
        return edge.FieldCondition(condition.key, range=edge.RangeFloat(gte=condition.gte, lte=condition.lte))
    return edge.FieldCondition(condition.key, match=edge.MatchAny(list(condition.values)))


def _equals(key: str, value: str | int) -> edge.FieldCondition:
    return edge.FieldCondition(key, match=edge.MatchValue(value))
