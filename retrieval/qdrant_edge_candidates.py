"""Candidates of a search in a Qdrant Edge shard, with their scores in all arms.

Three trips: the nearest chunks; those with the question's words, together with the BM25 scores of the nearest; and what
is still missing. Only the first two look for chunks, so only they need the conditions of the scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import qdrant_edge as edge

from retrieval.vector_index import Candidates, QueryVectors, ScoreArm, SparseVector

_Scores: TypeAlias = dict[int, float]
"""Scores by the number that a point's id is: a UUID is slow to hash, and slower to write as text."""


class CandidateSearch:
    """One search in a shard that stays open meanwhile; `within` is the scope, `tenant` the corpus of the IDF."""

    def __init__(self, shard: edge.EdgeShard, within: edge.Filter, tenant: edge.Filter) -> None:
        self._shard = shard
        self._within = within
        self._idf = edge.SearchParams(idf=edge.IdfParams(corpus=tenant))
        self._points: dict[int, uuid.UUID] = {}

    def candidates(self, query: QueryVectors, limit: int) -> Candidates:
        exact, dense = edge.SearchParams(exact=True), query.dense.tolist()
        found: dict[ScoreArm, _Scores] = {"dense": {}, "bm25": {}, "maxsim": {}}
        (found["dense"],) = self._answers([_nearest(dense, "dense", self._within, limit)])
        nearest: list[int] = list(found["dense"])
        by_words: list[int] = []
        if nearest and len(query.sparse.indices):
            found["bm25"], of_nearest = self._by_words(to_edge(query.sparse), nearest, limit)
            by_words = list(found["bm25"])
            found["bm25"].update(of_nearest)
        missing = [point for point in by_words if point not in found["dense"]]
        everything = [*nearest, *missing]
        rest: dict[ScoreArm, edge.QueryRequest] = {}
        if missing:
            rest["dense"] = _nearest(dense, "dense", self._among(missing), len(missing), exact)
        if everything and len(query.tokens):
            rest["maxsim"] = _nearest(query.tokens.tolist(), "tokens", self._among(everything), len(everything), exact)
        for arm, scores in zip(rest, self._answers(list(rest.values())), strict=True):
            found[arm].update(scores)
        found["maxsim"] = {point: score / len(query.tokens) for point, score in found["maxsim"].items()}
        texts = {point: str(self._points[point]) for point in everything}
        return Candidates(
            [texts[point] for point in nearest],
            [texts[point] for point in by_words],
            {arm: {texts[point]: score for point, score in scores.items()} for arm, scores in found.items()},
        )

    def _by_words(self, sparse: edge.SparseVector, nearest: Sequence[int], limit: int) -> list[_Scores]:
        # In one batch, because to count the tenant's chunks for the IDF is two thirds of the work, and is shared.
        best = _nearest(sparse, "bm25", self._within, limit, self._idf)
        return self._answers([best, _nearest(sparse, "bm25", self._among(nearest), len(nearest), self._idf)])

    def _answers(self, requests: list[edge.QueryRequest]) -> list[_Scores]:
        """The scores that each request found, best first."""
        if not requests:
            return []
        answers = []
        for found in self._shard.query_batch(edge.QueryBatchRequest(requests)):
            ids: list[Any] = [one.id for one in found]  # UUIDs; the stub says that they might be others
            numbers = [point.int for point in ids]
            self._points.update(zip(numbers, ids, strict=True))
            answers.append(dict(zip(numbers, [one.score for one in found], strict=True)))
        return answers

    def _among(self, points: Iterable[int]) -> edge.Filter:
        return edge.Filter(must=[edge.HasIdCondition({self._points[point] for point in points})])


def to_edge(vector: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(vector.indices.tolist(), np.asarray(vector.values, dtype=np.float32).tolist())


def _nearest(
    vector: Any, using: str, within: edge.Filter, limit: int, params: edge.SearchParams | None = None
) -> edge.QueryRequest:
    query = edge.Query.Nearest(vector, using=using)
    return edge.QueryRequest(limit=limit, query=query, filter=within, params=params, with_payload=False)
