"""A question to ranked passages: dense and BM25 candidates, exact scores, fusion, reranking, context."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

from retrieval.embedding import Embedder
from retrieval.fusion import convex_combination, ordered, reciprocal_rank
from retrieval.lexical import LexicalEncoder
from retrieval.near_duplicates import distinct
from retrieval.passage_context import context_chunks, joined, neighbour_ids
from retrieval.passages import Passage, Scope, StoredChunk
from retrieval.reranking import CrossEncoderReranker, LateInteraction
from retrieval.vector_index import Candidates, QueryVectors, VectorIndex

ActiveVersions: TypeAlias = Callable[[str, Iterable[str]], Mapping[str, int]]
"""Tenant and document ids to the version of each that may be shown; a document that may not is absent."""

Arm = Literal["bm25", "dense", "rrf", "fused", "reranked"]
Reranker: TypeAlias = LateInteraction | CrossEncoderReranker | None

NEAR_DUPLICATE = 0.9

_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True, slots=True)
class Tuning:
    """How the arms are mixed; chosen by measurement (docs/experiments.md). `depth` is candidates an arm."""

    depth: int = 100
    dense_weight: float = 0.6
    bm25_weight: float = 0.4
    rerank_depth: int = 50


@dataclasses.dataclass(frozen=True, slots=True)
class SearchResult:
    passages: tuple[Passage, ...]
    timings_ms: Mapping[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """Candidates; `shown` when those of versions that may not be shown have been left out."""

    candidates: Candidates
    shown: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Scored:
    """Scores by arm and chunk id; those of the last arm that ran give the order."""

    arms: dict[str, Mapping[str, float]]
    order: list[str]
    chunks: dict[str, StoredChunk]


class _VersionHidden(Exception):
    """A chunk about to be shown is of a version that may not be."""


class Retriever:
    """Blocking and thread-safe."""

    def __init__(
        self,
        embedder: Embedder,
        index: VectorIndex,
        active_versions: ActiveVersions,
        reranker: Reranker,
        tuning: Tuning | None = None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._lexical = LexicalEncoder(index.generation.language, index.generation.mean_chunk_terms)
        self._active_versions = active_versions
        self._reranker = reranker
        self._tuning = tuning or Tuning()

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        """The best `top_k` passages, near-duplicates removed, each with the larger passage around it."""
        started = time.perf_counter()
        query = self._query(text)

        def passages(found: _Found) -> SearchResult:
            scored = self._fused(found)
            retrieved = time.perf_counter()
            scored = self._reranked(text, scored, scope, found)
            best = self._passages(scored, scope, found, top_k)
            ended = time.perf_counter()
            return SearchResult(best, {"retrieve": (retrieved - started) * 1000, "rerank": (ended - retrieved) * 1000})

        depth = max(self._tuning.depth, top_k)
        return self._over_shown(query, scope, depth, passages)

    def rank(self, text: str, scope: Scope, depth: int, arm: Arm) -> list[tuple[StoredChunk, float]]:
        """The best `depth` chunks by one arm alone, for measurements; `rrf` is fusion by ranks."""
        query = self._query(text)

        def ranked(found: _Found) -> list[tuple[StoredChunk, float]]:
            if arm in ("fused", "reranked"):
                scored = self._fused(found)
                scored = self._reranked(text, scored, scope, found) if arm == "reranked" else scored
                order, scores = scored.order[:depth], scored.arms["rerank" if arm == "reranked" else "fused"]
            else:
                by_arm, exact = found.candidates, found.candidates.scores
                if arm == "rrf":
                    scores = reciprocal_rank((by_arm.bm25, by_arm.dense))
                elif arm == "bm25":
                    scores = {key: exact["bm25"][key] for key in by_arm.bm25}
                else:
                    scores = {key: exact["dense"][key] for key in by_arm.dense}
                order = ordered(scores)[:depth]
            chunks = self._chunks(scope, order, found)
            return [(chunks[key], scores.get(key, 0.0)) for key in order if key in chunks]

        return self._over_shown(query, scope, depth, ranked)

    def _query(self, text: str) -> QueryVectors:
        embedding = self._embedder.embed_query(text)
        tokens = embedding.tokens if isinstance(self._reranker, LateInteraction) else embedding.tokens[:0]
        return QueryVectors(embedding.dense, self._lexical.encode_query(text), tokens)

    def _over_shown(
        self, query: QueryVectors, scope: Scope, depth: int, attempt: Callable[[_Found], _Result]
    ) -> _Result:
        """What `attempt` makes of the candidates, none of which is of a version that may not be shown.

        To read the versions of all candidates costs more than to find them, and nearly always all may be shown. So the
        attempt is made first with candidates of all versions, and only what it is about to show is looked at.
        """
        candidates = self._index.candidates(scope, query, depth)
        try:
            return attempt(_Found(candidates, shown=False))
        except _VersionHidden:
            shown = self._shown(scope, candidates)
        if _lost_many(candidates, shown):
            shown = self._shown(scope, self._index.candidates(scope, query, depth * 3))
        return attempt(_Found(shown, shown=True))

    def _shown(self, scope: Scope, candidates: Candidates) -> Candidates:
        chunks = self._index.fetch(scope, [*candidates.dense, *candidates.bm25])
        return candidates.only(self._shown_ids(scope, chunks))

    def _shown_ids(self, scope: Scope, chunks: Mapping[str, StoredChunk]) -> set[str]:
        versions = self._active_versions(scope.tenant, {chunk.document_id for chunk in chunks.values()})
        return {key for key, chunk in chunks.items() if versions.get(chunk.document_id) == chunk.version}

    def _chunks(self, scope: Scope, keys: Sequence[str], found: _Found) -> Mapping[str, StoredChunk]:
        """Raises `_VersionHidden` unless versions have been looked at before."""
        chunks = self._index.fetch(scope, keys)
        if chunks and not found.shown and len(self._shown_ids(scope, chunks)) < len(chunks):
            raise _VersionHidden
        return chunks

    def _fused(self, found: _Found) -> _Scored:
        exact = found.candidates.scores
        keys = dict.fromkeys((*found.candidates.dense, *found.candidates.bm25), 0.0)
        arms: dict[str, Mapping[str, float]] = {
            "dense": exact["dense"],
            "bm25": {**keys, **exact["bm25"]},
            "maxsim": exact["maxsim"],
        }
        fused = convex_combination(
            [(arms["dense"], self._tuning.dense_weight), (arms["bm25"], self._tuning.bm25_weight)]
        )
        arms["fused"] = fused
        return _Scored(arms, ordered(fused), {})

    def _reranked(self, text: str, scored: _Scored, scope: Scope, found: _Found) -> _Scored:
        if self._reranker is None or not scored.order:
            return scored
        head, tail = scored.order[: self._tuning.rerank_depth], scored.order[self._tuning.rerank_depth :]
        chunks = scored.chunks
        if isinstance(self._reranker, LateInteraction):
            fused = {key: scored.arms["fused"][key] for key in head}
            scores: Mapping[str, float] = self._reranker.rerank(fused, scored.arms["maxsim"])
        else:
            chunks = dict(self._chunks(scope, head, found))
            head = [key for key in head if key in chunks]
            predicted = self._reranker.scores(text, [chunks[key].text for key in head])
            scores = dict(zip(head, predicted, strict=True))
        return _Scored({**scored.arms, "rerank": scores}, [*ordered(scores), *tail], chunks)

    def _passages(self, scored: _Scored, scope: Scope, found: _Found, top_k: int) -> tuple[Passage, ...]:
        chunks = dict(scored.chunks)
        kept: list[str] = []
        # A few more than asked for, since duplicates go; in the rare case that these do not suffice, all the rest.
        for end in (top_k + max(5, top_k // 2), len(scored.order)):
            wanted = scored.order[:end]
            chunks.update(self._chunks(scope, [key for key in wanted if key not in chunks], found))
            texts = ((key, chunks[key].text) for key in wanted if key in chunks)
            kept = distinct(texts, NEAR_DUPLICATE, top_k)
            if len(kept) == top_k:
                break
        neighbours = neighbour_ids(chunks[key] for key in kept)
        chunks.update(self._index.fetch(scope, [key for key in neighbours if key not in chunks]))
        ordering = scored.arms.get("rerank", scored.arms["fused"])
        names = ("dense", "bm25", "fused", "rerank")
        passages = []
        for key in kept:
            scores = {name: scored.arms[name][key] for name in names if key in scored.arms.get(name, {})}
            around_it = context_chunks(chunks[key], chunks)
            context = joined(around_it)
            passages.append(
                Passage(chunks[key], ordering.get(key, 0.0), scores, context, around_it[0].start, around_it)
            )
        return tuple(passages)


def _lost_many(found: Candidates, shown: Candidates) -> bool:
    """Whether so many candidates were of versions not shown that the search must look deeper."""
    before = len(found.dense) + len(found.bm25)
    return before > 0 and len(shown.dense) + len(shown.bm25) < before * 0.75
