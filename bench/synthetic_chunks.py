"""Any number of index points that look real, from a few thousand that are.

The first points are real records with their real vectors. Further ones carry the text of two half records, its real
BM25 vector, and the vectors of the first of the two with noise of `NOISE` of their length added (cosine to the original
about 0.96): close neighbours for the dense search to tell apart, at the cost of no further embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.embedding import Embedder, Embedding
from retrieval.lexical import LexicalEncoder
from retrieval.passages import StoredChunk
from retrieval.vector_index import IndexPoint

NOISE = 0.3
CHUNKS_A_DOCUMENT = 20


def points(
    texts: Sequence[str], count: int, embedder: Embedder, lexical: LexicalEncoder, tenant: str, batch: int = 1000
) -> Iterator[list[IndexPoint]]:
    """`count` points in batches; all of `texts` are embedded, at most `count` of them."""
    real = list(texts[:count])
    embeddings = embedder.embed_passages(real)
    generator = np.random.default_rng(0)
    for start in range(0, count, batch):
        numbers = range(start, min(start + batch, count))
        drafts = [_draft(number, real, embeddings, generator) for number in numbers]
        sparse = lexical.encode_passages([text for text, _ in drafts])
        yield [
            IndexPoint(_chunk(number, text, tenant), embedding.dense, weights, embedding.tokens)
            for number, (text, embedding), weights in zip(numbers, drafts, sparse, strict=True)
        ]


def _draft(
    number: int, real: Sequence[str], embeddings: Sequence[Embedding], generator: np.random.Generator
) -> tuple[str, Embedding]:
    if number < len(real):
        return real[number], embeddings[number]
    first, second = number % len(real), int(generator.integers(len(real)))
    source = embeddings[first]
    text = f"{_half(real[first], 0)} {_half(real[second], 1)}"
    return text, Embedding(_noisy(source.dense, generator), _noisy(source.tokens, generator))


def _half(text: str, which: int) -> str:
    sentences = text.split(". ")
    middle = (len(sentences) + 1) // 2
    return ". ".join(sentences[middle:] if which else sentences[:middle])


def _noisy(vectors: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    noise = generator.standard_normal(vectors.shape, dtype=np.float32)
    noise *= NOISE / np.linalg.norm(noise, axis=-1, keepdims=True)
    moved = vectors + noise
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True), dtype=np.float32)


def _chunk(number: int, text: str, tenant: str) -> StoredChunk:
    document, ordinal = divmod(number, CHUNKS_A_DOCUMENT)
    return StoredChunk(
        tenant=tenant,
        collection="default",
        document_id=f"document-{document}",
        version=1,
        document_name=f"document-{document}.txt",
        ordinal=ordinal,
        text=text,
        start=0,
        end=len(text),
        page=None,
        heading_path=(),
        parent=(ordinal, ordinal),
    )
