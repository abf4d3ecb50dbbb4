"""A small random world of chunks, and what an exact index would answer about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from retrieval.lexical import B, K, LexicalEncoder
from retrieval.passages import MetadataValue, Range, Scope, StoredChunk
from retrieval.vector_index import Generation, IndexPoint, QueryVectors

GENERATION = Generation("tiny-test-model", dimension=16, token_dimension=8, chunker_version="1", mean_chunk_terms=9.5)
ENCODER = LexicalEncoder(GENERATION.language, GENERATION.mean_chunk_terms)
WORDS = [
    "harbour",
    "lantern",
    "meadow",
    "cobalt",
    "engine",
    "thunder",
    "orchard",
    "velvet",
    "granite",
    "compass",
    "falcon",
    "saddle",
    "copper",
    "glacier",
    "timber",
    "walnut",
    "beacon",
    "marble",
    "canyon",
    "ribbon",
    "pepper",
    "anchor",
    "bridge",
    "candle",
    "dragon",
    "feather",
    "garden",
    "hammer",
    "island",
    "jungle",
    "kettle",
    "ladder",
    "mirror",
    "needle",
    "oyster",
    "pillow",
    "quarry",
    "rocket",
    "shadow",
    "tunnel",
]


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def stored(
    document_id: str,
    ordinal: int = 0,
    *,
    text: str = "A lantern in the harbour.",
    tenant: str = "acme",
    collection: str = "handbook",
    version: int = 1,
    metadata: dict[str, MetadataValue] | None = None,
) -> StoredChunk:
    return StoredChunk(
        tenant=tenant,
        collection=collection,
        document_id=document_id,
        version=version,
        document_name=f"{document_id}/ünïcode name.pdf",
        ordinal=ordinal,
        text=text,
        start=10 * ordinal,
        end=10 * ordinal + len(text),
        page=None if ordinal % 3 == 0 else ordinal,
        heading_path=("Part one", f"Section {ordinal}"),
        parent=(ordinal, ordinal + 1),
        metadata=metadata or {},
    )


def point(chunk: StoredChunk, seed: int = 0, tokens: int = 5, dimension: int = GENERATION.dimension) -> IndexPoint:
    random = np.random.default_rng([seed, *chunk.chunk_id.encode()])
    return IndexPoint(
        chunk=chunk,
        dense=unit(random.normal(size=dimension)),
        sparse=ENCODER.encode_passages([chunk.text])[0],
        tokens=unit(random.normal(size=(tokens, GENERATION.token_dimension))),
    )


def sentence(random: np.random.Generator) -> str:
    ranks = np.minimum(random.zipf(1.4, size=random.integers(3, 16)) - 1, len(WORDS) - 1)
    return " ".join(WORDS[rank] for rank in ranks)


def world(documents: int = 24, chunks: int = 5, tenants: Sequence[str] = ("acme", "globex")) -> list[IndexPoint]:
    random = np.random.default_rng(7)
    points = []
    for number in range(documents):
        metadata: dict[str, MetadataValue] = {
            "year": 2015 + number % 10,
            "price": number / 4,
            "lang": ("en", "de", "fr")[number % 3],
            "public": number % 2 == 0,
            'odd "key".name': number % 2,
        }
        for ordinal in range(chunks):
            chunk = stored(
                f"document-{number}",
                ordinal,
                text=sentence(random),
                tenant=tenants[number % len(tenants)],
                collection=("handbook", "products")[number // 2 % 2],
                metadata=metadata,
            )
            points.append(point(chunk))
    return points


def question(text: str = "copper meadow near the engine", seed: int = 3) -> QueryVectors:
    random = np.random.default_rng(seed)
    return QueryVectors(
        dense=unit(random.normal(size=GENERATION.dimension)),
        sparse=ENCODER.encode_query(text),
        tokens=unit(random.normal(size=(4, GENERATION.token_dimension))),
    )


def matches(chunk: StoredChunk, scope: Scope) -> bool:
    if chunk.tenant != scope.tenant or scope.collection not in (None, chunk.collection):
        return False
    for key, wanted in scope.filters.items():
        value = chunk.metadata.get(key)
        if isinstance(wanted, Range):
            if not isinstance(value, int | float) or isinstance(value, bool):
                return False
            if (wanted.gte is not None and value < wanted.gte) or (wanted.lte is not None and value > wanted.lte):
                return False
        else:
            choices = [wanted] if isinstance(wanted, str | int | float) else list(wanted)
            if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in choices):
                return False
    return True


def exact_dense(points: Iterable[IndexPoint], scope: Scope, query: QueryVectors) -> dict[str, float]:
    return {p.chunk.chunk_id: float(p.dense @ query.dense) for p in points if matches(p.chunk, scope)}


def exact_maxsim(points: Iterable[IndexPoint], scope: Scope, query: QueryVectors) -> dict[str, float]:
    return {
        p.chunk.chunk_id: float((query.tokens @ p.tokens.T).max(axis=1).mean())
        for p in points
        if len(p.tokens) and matches(p.chunk, scope)
    }


def exact_bm25(points: Iterable[IndexPoint], scope: Scope, text: str) -> dict[str, float]:
    """By rank-bm25 over the tenant's chunks, with the IDF that does not floor and the generation's mean length."""
    tenant = [p.chunk for p in points if p.chunk.tenant == scope.tenant]
    terms = [ENCODER.terms(chunk.text) for chunk in tenant]
    reference = BM25Okapi(terms, k1=K, b=B)
    reference.avgdl = GENERATION.mean_chunk_terms
    for term in reference.idf:
        holding = sum(term in chunk for chunk in terms)
        reference.idf[term] = math.log(1 + (len(terms) - holding + 0.5) / (holding + 0.5))
    scores = reference.get_scores(list(dict.fromkeys(ENCODER.terms(text))))
    return {
        chunk.chunk_id: float(score)
        for chunk, score in zip(tenant, scores, strict=True)
        if score > 0 and matches(chunk, scope)
    }
