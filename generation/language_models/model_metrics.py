"""Prometheus metrics of the calls of language models: register a `ModelMetrics` with any registry."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric

from generation.language_models.resilience import CallReport

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class ModelMetrics:
    """Counts tries at providers, retries among them (tokens and cost of answers are counted with the answers).

    A `CallObserver` and a Prometheus collector.
    """

    def __init__(self) -> None:
        self._calls = Counter(
            "plumbline_model_calls", "Tries at language models by outcome", ["model", "outcome"], registry=None
        )
        self._first_token = Histogram(
            "plumbline_model_first_token_seconds", "Time to the first text", ["model"], buckets=_SECONDS, registry=None
        )
        self._seconds = Histogram(
            "plumbline_model_call_seconds", "Time of tries that ended well", ["model"], buckets=_SECONDS, registry=None
        )

    def call_ended(self, report: CallReport) -> None:
        self._calls.labels(report.model, report.outcome.replace(" ", "_")).inc()
        if report.first_token_seconds is not None:
            self._first_token.labels(report.model).observe(report.first_token_seconds)
        if report.outcome == "ok":
            self._seconds.labels(report.model).observe(report.seconds)

    def collect(self) -> Iterable[Metric]:
        for metric in (self._calls, self._first_token, self._seconds):
            yield from metric.collect()
