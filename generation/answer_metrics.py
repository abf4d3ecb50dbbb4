"""Prometheus metrics of calls to language models and of what became of what they wrote."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric

from generation.citations import CitationCounts
from generation.resilience import CallReport
from generation.writing import Outcome

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class AnswerMetrics:
    """A Prometheus collector, and the `CallObserver` of the models."""

    def __init__(self) -> None:
        self._calls = Counter(
            "plumbline_model_calls", "Calls of language models, retries included", ["model", "outcome"], registry=None
        )
        self._call_seconds = Histogram(
            "plumbline_model_call_seconds", "Time of a call", ["model"], buckets=_SECONDS, registry=None
        )
        self._first_token_seconds = Histogram(
            "plumbline_model_first_token_seconds", "Time to the first text", ["model"], buckets=_SECONDS, registry=None
        )
        self._escalations = Counter("plumbline_escalations", "Answers that a powerful model took over", registry=None)
        self._fallbacks = Counter("plumbline_fallbacks", "Answers in which a model fell out", registry=None)
        self._unsupported = Counter(
            "plumbline_unsupported_sentences", "Sentences of models that the passages did not support", registry=None
        )
        self._marks = Counter(
            "plumbline_citation_marks", "Citation marks of models, by what became of them", ["outcome"], registry=None
        )

    def call_ended(self, report: CallReport) -> None:
        self._calls.labels(report.model, report.outcome).inc()
        self._call_seconds.labels(report.model).observe(report.seconds)
        if report.first_token_seconds is not None:
            self._first_token_seconds.labels(report.model).observe(report.first_token_seconds)

    def answer_written(self, outcome: Outcome, marks: CitationCounts) -> None:
        self._escalations.inc(bool(outcome.escalation))
        self._fallbacks.inc(len(outcome.fallbacks))
        self._unsupported.inc(outcome.unsupported)
        for name in ("kept", "mended", "dropped", "invented"):
            self._marks.labels(name).inc(getattr(marks, name))

    def collect(self) -> Iterable[Metric]:
        for metric in (
            self._calls,
            self._call_seconds,
            self._first_token_seconds,
            self._escalations,
            self._fallbacks,
            self._unsupported,
            self._marks,
        ):
            yield from metric.collect()
