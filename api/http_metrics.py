"""Prometheus metrics of the HTTP interface, searches and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.registry import Collector

from generation.answers import ModelUsage

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpMetrics:
    """Collectors in a registry of their own application: two applications in one process do not collide."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._requests = Counter(
            "plumbline_http_requests", "Requests by route and status", ["method", "route", "status"], registry=registry
        )
        self._request_seconds = Histogram(
            "plumbline_http_request_seconds",
            "Time to the end of the response",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "plumbline_stage_seconds",
            "Time of the stages of searches and answers",
            ["operation", "stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._cost = Counter("plumbline_cost_usd", "What language models cost, in USD", ["model"], registry=registry)
        self._tokens = Counter(
            "plumbline_tokens",
            "Tokens of language models; those of kind cached_prompt are counted under prompt too",
            ["model", "kind"],
            registry=registry,
        )
        self._upload_bytes = Counter("plumbline_upload_bytes", "Bytes of accepted uploads", registry=registry)

    def include(self, collectors: Iterable[Collector]) -> None:
        """Show the metrics of other parts too."""
        for collector in collectors:
            self.registry.register(collector)

    def exclude(self, collectors: Iterable[Collector]) -> None:
        for collector in collectors:
            self.registry.unregister(collector)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        method = method if method in _METHODS else "OTHER"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def observe_stages(self, operation: str, timings_ms: Mapping[str, float]) -> None:
        """`operation` is `search` or `ask`; the stages are those of `timings_ms` in the response."""
        for stage, milliseconds in timings_ms.items():
            self._stage_seconds.labels(operation, stage).observe(milliseconds / 1000)

    def count_usage(self, used: ModelUsage) -> None:
        self._cost.labels(used.model).inc(used.cost_usd)
        for kind, tokens in (
            ("prompt", used.prompt_tokens),
            ("cached_prompt", used.cached_prompt_tokens),
            ("completion", used.completion_tokens),
        ):
            self._tokens.labels(used.model, kind).inc(tokens)

    def count_upload(self, size: int) -> None:
        self._upload_bytes.inc(size)
