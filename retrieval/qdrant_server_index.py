"""The index on a Qdrant server or cluster, for many API processes and workers.

One collection a generation, named `plumb_<generation>`; the alias `plumb` points to the active one. In a collection of
several shards BM25's IDF is that of the tenant's chunks in each shard, nearly the same for more than a few chunks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrieval.index_generations import check_active, next_name
from retrieval.index_payload import (
    KEYWORD_FIELDS,
    TENANT_FIELD,
    AnyOf,
    Between,
    RangeFields,
    from_payload,
    range_path,
    scope_conditions,
    to_payload,
    valid_ids,
)
from retrieval.passages import Scope, StoredChunk
from retrieval.vector_index import (
    Candidates,
    Generation,
    IndexPoint,
    QueryVectors,
    ScoreArm,
    SparseVector,
    StoredGeneration,
    VectorIndex,
)
from runtime.errors import ConfigurationError, NotFound, Unavailable

ALIAS = "plumb"
_PREFIX = "plumb_"
_WRITE_BATCH = 64
_TIMEOUT_S = 30
_MIN_SERVER = (1, 19)


class QdrantServerIndex:
    """A `VectorIndex` over one collection. `ServerGenerations` makes one."""

    def __init__(self, client: QdrantClient, collection: str, generation: Generation) -> None:
        self._client = client
        self._collection = collection
        self.name = collection.removeprefix(_PREFIX)
        self.generation = generation
        self._range_fields: RangeFields | None = None

    def upsert(self, points: Sequence[IndexPoint]) -> None:
        self._index_numbers(points)
        for start in range(0, len(points), _WRITE_BATCH):
            batch = [_point(point) for point in points[start : start + _WRITE_BATCH]]
            with _answering():
                self._client.upsert(self._collection, batch, wait=True)

    def delete_document(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        condition = models.Filter(
            must=[_equals(TENANT_FIELD, tenant), _equals("document_id", document_id)],
            must_not=[_equals("version", keep_version)] if keep_version is not None else None,
        )
        with _answering():
            self._client.delete(self._collection, models.FilterSelector(filter=condition), wait=True)

    def candidates(self, scope: Scope, query: QueryVectors, limit: int) -> Candidates:
        found: dict[ScoreArm, dict[str, float]] = {"dense": {}, "bm25": {}, "maxsim": {}}
        if limit < 1:
            return Candidates([], [], found)
        exact, idf = models.SearchParams(exact=True), _idf(scope)
        dense, sparse, tokens = query.dense.tolist(), _sparse(query.sparse), query.tokens.tolist()
        within = models.Filter(must=_conditions(scope))
        first: dict[ScoreArm, models.QueryRequest] = {"dense": _nearest(dense, "dense", within, limit)}
        if sparse.indices:
            first["bm25"] = _nearest(sparse, "bm25", within, limit, idf)
        found.update(self._query(first))
        nearest, by_words = list(found["dense"]), list(found["bm25"])
        without_dense = [key for key in by_words if key not in found["dense"]]
        without_bm25 = [key for key in nearest if key not in found["bm25"]]
        everything = [*nearest, *without_dense]
        rest: dict[ScoreArm, models.QueryRequest] = {}
        if without_dense:
            rest["dense"] = _nearest(dense, "dense", _among(scope, without_dense), len(without_dense), exact)
        if without_bm25 and sparse.indices:
            rest["bm25"] = _nearest(sparse, "bm25", _among(scope, without_bm25), len(without_bm25), idf)
        if everything and tokens:
            rest["maxsim"] = _nearest(tokens, "tokens", _among(scope, everything), len(everything), exact)
        for arm, scores in self._query(rest).items():
            found[arm].update(scores)
        found["maxsim"] = {key: score / len(tokens) for key, score in found["maxsim"].items()}
        return Candidates(nearest, by_words, found)

    def fetch(self, scope: Scope, chunk_ids: Iterable[str]) -> Mapping[str, StoredChunk]:
        ids = valid_ids(chunk_ids)
        if not ids:
            return {}
        with _answering():
            records, _ = self._client.scroll(self._collection, _among(scope, ids), limit=len(ids), with_payload=True)
        return {str(record.id): from_payload(record.payload or {}) for record in records}

    def count(self, scope: Scope, document_id: str | None = None, version: int | None = None) -> int:
        conditions = _conditions(scope)
        if document_id is not None:
            conditions.append(_equals("document_id", document_id))
        if version is not None:
            conditions.append(_equals("version", version))
        with _answering():
            return self._client.count(self._collection, models.Filter(must=conditions), exact=True).count

    def sample_lexical(self, limit: int) -> list[SparseVector]:
        # In the order of ids, which are hashes.
        with _answering():
            records, _ = self._client.scroll(self._collection, limit=limit, with_payload=False, with_vectors=["bm25"])
        vectors = [record.vector["bm25"] for record in records if isinstance(record.vector, dict)]
        return [_from_server(vector) for vector in vectors if isinstance(vector, models.SparseVector)]

    def flush(self) -> None:
        """Nothing to do: a write that was answered is in the server's log."""

    def close(self) -> None:
        self._client.close()

    def _index_numbers(self, points: Sequence[IndexPoint]) -> None:
        with _answering():
            if self._range_fields is None:
                self._range_fields = RangeFields(self._client.get_collection(self._collection).payload_schema)
            for field in self._range_fields.missing(point.chunk for point in points):
                kind = models.PayloadSchemaType.FLOAT
                self._client.create_payload_index(self._collection, range_path(field), kind, wait=True)
                self._range_fields.add(field)

    def _query(self, requests: Mapping[ScoreArm, models.QueryRequest]) -> dict[ScoreArm, dict[str, float]]:
        """The scores by chunk id that each request found, best first."""
        if not requests:
            return {}
        with _answering():
            answers = self._client.query_batch_points(self._collection, list(requests.values()))
        return {
            arm: {str(found.id): found.score for found in answer.points}
            for arm, answer in zip(requests, answers, strict=True)
        }


class ServerGenerations:
    """The generations of the index on a server; what each was built with is in its collection's metadata.

    Every method raises `Unavailable` when the server does not answer, `open` also `ConfigurationError` when it is too
    old.
    """

    def __init__(self, client: QdrantClient) -> None:
        self._client = client

    def stored(self) -> list[StoredGeneration]:
        with _answering():
            active = self._active_collection()
            names = sorted(one.name for one in self._client.get_collections().collections)
            return [
                StoredGeneration(name.removeprefix(_PREFIX), generation, name == active)
                for name in names
                if name.startswith(_PREFIX) and (generation := self._generation(name)) is not None
            ]

    def open(self, generation: Generation) -> QdrantServerIndex:
        _check_version(self._client)
        active = check_active(self.stored(), generation, "the Qdrant server")
        if active is not None:
            return QdrantServerIndex(self._client, _PREFIX + active.name, active.generation)
        index = self.build(generation)
        self.activate(index)
        return index

    def build(self, generation: Generation) -> QdrantServerIndex:
        stored = self.stored()
        unfinished = [one for one in stored if not one.active and one.generation == generation]
        name = _PREFIX + (unfinished[-1].name if unfinished else next_name([one.name for one in stored], generation))
        with _answering():
            if not unfinished:
                self._create(name, generation)
            for field in KEYWORD_FIELDS:
                kind = models.KeywordIndexParams(
                    type=models.KeywordIndexType.KEYWORD, is_tenant=True if field == TENANT_FIELD else None
                )
                self._client.create_payload_index(name, field, kind, wait=True)
        return QdrantServerIndex(self._client, name, generation)

    def activate(self, index: VectorIndex) -> None:
        assert isinstance(index, QdrantServerIndex)
        changes: list[Any] = []
        with _answering():
            if self._active_collection() is not None:
                changes.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=ALIAS)))
            create = models.CreateAlias(collection_name=_PREFIX + index.name, alias_name=ALIAS)
            changes.append(models.CreateAliasOperation(create_alias=create))
            self._client.update_collection_aliases(changes)

    def remove(self, name: str) -> None:
        if name not in [one.name for one in self.stored() if not one.active]:
            raise NotFound(f"There is no inactive index generation {name!r} on the Qdrant server.")
        with _answering():
            self._client.delete_collection(_PREFIX + name)

    def _active_collection(self) -> str | None:
        aliases = self._client.get_aliases().aliases
        return next((one.collection_name for one in aliases if one.alias_name == ALIAS), None)

    def _generation(self, collection: str) -> Generation | None:
        metadata = self._client.get_collection(collection).config.metadata or {}
        built_with = metadata.get("generation")
        return Generation(**built_with) if built_with else None

    def _create(self, name: str, generation: Generation) -> None:
        self._client.create_collection(
            name,
            vectors_config={
                "dense": models.VectorParams(size=generation.dimension, distance=models.Distance.COSINE),
                "tokens": models.VectorParams(
                    size=generation.token_dimension,
                    distance=models.Distance.DOT,
                    datatype=models.Datatype.FLOAT16,
                    multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
                    hnsw_config=models.HnswConfigDiff(m=0),
                    on_disk=True,
                ),
            },
            sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
            on_disk_payload=True,
            metadata={"generation": dataclasses.asdict(generation)},
        )


def connect(url: str, api_key: str | None = None) -> QdrantClient:
    """A client for a server; does not talk to it yet, so that a process can start while the server is down."""
    return QdrantClient(url=url, api_key=api_key, timeout=_TIMEOUT_S, check_compatibility=False)


def _check_version(client: QdrantClient) -> None:
    # An older server ignores the corpus of the IDF: one tenant's words would show in another's scores.
    with _answering():
        version = client.info().version
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < _MIN_SERVER:
        raise ConfigurationError(
            f"The Qdrant server at PLUMB_QDRANT_URL has version {version}; Plumbline needs "
            f"{'.'.join(map(str, _MIN_SERVER))} or later. Upgrade the server."
        )


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except ResponseHandlingException as error:
        raise Unavailable(f"The Qdrant server does not answer ({error.source}). Check PLUMB_QDRANT_URL.") from error
    except UnexpectedResponse as error:
        if error.status_code is not None and (error.status_code >= 500 or error.status_code == 429):
            raise Unavailable(f"The Qdrant server cannot answer at present (status {error.status_code}).") from error
        if error.status_code in (401, 403):
            raise Unavailable(
                "The Qdrant server refuses the key. Check PLUMB_QDRANT_API_KEY.", retryable=False
            ) from error
        raise


def _point(point: IndexPoint) -> models.PointStruct:
    vectors: dict[str, Any] = {"dense": point.dense.tolist(), "bm25": _sparse(point.sparse)}
    if len(point.tokens):  # a multivector without rows is refused
        vectors["tokens"] = point.tokens.tolist()
    return models.PointStruct(id=point.chunk.chunk_id, vector=vectors, payload=to_payload(point.chunk))


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())


def _from_server(vector: models.SparseVector) -> SparseVector:
    return SparseVector(np.asarray(vector.indices, dtype=np.uint32), np.asarray(vector.values, dtype=np.float32))


def _nearest(
    vector: Any, using: str, within: models.Filter, limit: int, params: models.SearchParams | None = None
) -> models.QueryRequest:
    return models.QueryRequest(query=vector, using=using, filter=within, limit=limit, params=params, with_payload=False)


def _idf(scope: Scope) -> models.SearchParams:
    tenant = models.Filter(must=[_equals(TENANT_FIELD, scope.tenant)])
    return models.SearchParams(idf=models.IdfCorpusParams(corpus=tenant))


def _among(scope: Scope, ids: Sequence[str]) -> models.Filter:
    return models.Filter(must=[*_conditions(scope), models.HasIdCondition(has_id=list(ids))])


def _conditions(scope: Scope) -> list[Any]:
    return [_condition(condition) for condition in scope_conditions(scope)]


def _condition(condition: AnyOf | Between) -> models.FieldCondition:
    if isinstance(condition, Between):
        return models.FieldCondition(key=condition.key, range=models.Range(gte=condition.gte, lte=condition.lte))
    return models.FieldCondition(key=condition.key, match=models.MatchAny(any=list(condition.values)))


def _equals(key: str, value: str | int) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
