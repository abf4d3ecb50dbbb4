"""Texts to BM25 sparse vectors.

A passage's vector holds, for each of its terms, the part of BM25 that depends on the passage; the index multiplies it
with the IDF of the term and sums over the terms of the question (Robertson and Zaragoza, "The Probabilistic Relevance
Framework: BM25 and Beyond", 2009):

    score(q, d) = sum over t in q of  idf(t) * tf * (k + 1) / (tf + k * (1 - b + b * |d| / avg))
    idf(t) = ln(1 + (N - n_t + 0.5) / (n_t + 0.5))
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import qdrant_edge

from retrieval.vector_index import SparseVector
from runtime.errors import ConfigurationError

K = 1.2
B = 0.75
KNOWN_TEXTS = 8192
_COUNTING_K = 1e6


class LexicalEncoder:
    """BM25 vectors in one language. Thread-safe.

    `language` is an English name in lower case ("english", "german", ...); it chooses the stop words and the stemmer.
    `mean_chunk_terms` is the mean number of terms of a chunk, as `terms` counts them. Raises `ConfigurationError` for a
    language that the tokenizer does not know.
    """

    def __init__(self, language: str, mean_chunk_terms: float) -> None:
        self.language = language
        self.mean_chunk_terms = mean_chunk_terms
        self._bm25 = _model(language, k=K, b=B, avg_len=mean_chunk_terms)
        # Without length normalisation a weight is a function of the term's frequency alone, so that it can be read
        # back: the terms are those of the index by construction, without a second tokenizer.
        self._counter = _model(language, k=_COUNTING_K, b=0.0, avg_len=1.0)
        self._known = functools.lru_cache(maxsize=KNOWN_TEXTS)(self._terms)

    def encode_passages(self, texts: Sequence[str]) -> list[SparseVector]:
        return [_sparse(self._bm25.embed_document(text)) for text in texts]

    def encode_query(self, text: str) -> SparseVector:
        """Each distinct term of the question with weight 1; empty when only stop words are left."""
        return _sparse(self._bm25.embed_query(text))

    def terms(self, text: str) -> list[int]:
        """The terms of a text as the index sees them (ids of stemmed words), each as often as it occurs, sorted.

        Those of the last `KNOWN_TEXTS` texts are kept: one answer needs the same sentences again and again.
        """
        return list(self._known(text))

    def _terms(self, text: str) -> tuple[int, ...]:
        vector = self._counter.embed_document(text)
        ids, weights = np.asarray(vector.indices, dtype=np.uint32), np.asarray(vector.values, dtype=np.float64)
        counts = np.rint(weights * _COUNTING_K / (_COUNTING_K + 1 - weights)).astype(np.int64)
        return tuple(np.repeat(ids, counts).tolist())

    def length(self, vector: SparseVector) -> int:
        """How many terms the passage has that this encoder made a vector of: the |d| of the formula, solved for it.

        With m the frequency of its rarest term, the smallest weight gives l = (1 - b + b * |d| / avg) / m, each weight
        then tf / m, and their sum |d| / m; m follows from the two.
        """
        if not len(vector.values):
            return 0
        weights = vector.values.astype(np.float64)
        norm = ((K + 1) / weights.min() - 1) / K
        share = float((weights * K * norm / (K + 1 - weights)).sum())
        return int(np.rint(share * (1 - B) / (norm - B * share / self.mean_chunk_terms)))


def _model(language: str, *, k: float, b: float, avg_len: float) -> qdrant_edge.Bm25:
    try:
        return qdrant_edge.Bm25(qdrant_edge.Bm25Config(language=language, k=k, b=b, avg_len=avg_len))
    except ValueError as error:
        raise ConfigurationError(
            f"BM25 cannot work with language {language!r} and a mean length of {avg_len:g} terms ({error}). "
            'Set PLUMB_LANGUAGE to a language by its English name, such as "english" or "german".'
        ) from error


def _sparse(vector: qdrant_edge.SparseVector) -> SparseVector:
    return SparseVector(np.asarray(vector.indices, dtype=np.uint32), np.asarray(vector.values, dtype=np.float32))
