"""Prometheus metrics of the semantic cache: register a `CacheMetrics` with any registry."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge
from prometheus_client.metrics_core import Metric


class CacheMetrics:
    """Counts what this process did; `entries` is what the store holds now. A Prometheus collector.

    What was saved is an estimate: what the answers served from the cache had cost when they were made.
    """

    def __init__(self) -> None:
        self.lookups = Counter("plumbline_cache_lookups", "Questions looked up in the semantic cache", registry=None)
        self.hits = Counter("plumbline_cache_hits", "Answers served from the semantic cache", registry=None)
        self.misses = Counter(
            "plumbline_cache_misses", "Lookups without an answer, by reason", ["reason"], registry=None
        )
        self.stale = Counter("plumbline_cache_stale", "Entries dropped because their passages changed", registry=None)
        self.errors = Counter("plumbline_cache_errors", "Calls of the cache's store that failed", registry=None)
        self.entries = Gauge("plumbline_cache_entries", "Answers in the semantic cache", registry=None)
        self.saved_usd = Counter("plumbline_cache_saved_usd", "Cost of the answers served, estimated", registry=None)
        self.saved_tokens = Counter(
            "plumbline_cache_saved_tokens", "Tokens of the answers served, estimated", registry=None
        )
        self.saved_seconds = Counter(
            "plumbline_cache_saved_seconds", "Time that the answers served had taken, estimated", registry=None
        )

    def collect(self) -> Iterable[Metric]:
        for metric in (
            self.lookups,
            self.hits,
            self.misses,
            self.stale,
            self.errors,
            self.entries,
            self.saved_usd,
            self.saved_tokens,
            self.saved_seconds,
        ):
            yield from metric.collect()
