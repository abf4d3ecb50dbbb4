"""What the index holds, measured on a sample of its chunks."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from retrieval.lexical import LexicalEncoder
from retrieval.vector_index import VectorIndex
from runtime.errors import PlumblineError

SAMPLE = 400


class IndexMetrics:
    """A Prometheus collector: the mean length of the chunks now, and the one that BM25 reckons with.

    The second is fixed for the life of a generation; when the first has moved away from it, a new generation is due.
    Without chunks, or while the index does not answer, the first is absent.
    """

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._lexical = LexicalEncoder(index.generation.language, index.generation.mean_chunk_terms)

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "plumbline_index_built_for_chunk_terms",
            "Mean number of terms of a chunk that the index was built for",
            self._index.generation.mean_chunk_terms,
        )
        try:
            vectors = self._index.sample_lexical(SAMPLE)
        except PlumblineError:
            return
        if vectors:
            mean = sum(self._lexical.length(vector) for vector in vectors) / len(vectors)
            yield GaugeMetricFamily(
                "plumbline_index_mean_chunk_terms", "Mean number of terms of a chunk, in a sample", mean
            )
            yield GaugeMetricFamily("plumbline_index_sampled_chunks", "Chunks in that sample", len(vectors))
