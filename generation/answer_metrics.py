"""Prometheus metrics of answers that language models wrote: the calls, and what became of the text."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter
from prometheus_client.metrics_core import Metric

from generation.language_models.model_metrics import ModelMetrics
from generation.writing.citations import CitationCounts
from generation.writing.task import Outcome


class AnswerMetrics:
    """A Prometheus collector; `models` observes the calls."""

    def __init__(self) -> None:
        self.models = ModelMetrics()
        self._escalations = Counter("plumbline_escalations", "Answers that a powerful model took over", registry=None)
        self._fallbacks = Counter("plumbline_fallbacks", "Answers in which a model fell out", registry=None)
        self._unsupported = Counter(
            "plumbline_unsupported_sentences", "Sentences of models that the passages did not support", registry=None
        )
        self._marks = Counter(
            "plumbline_citation_marks", "Citation marks of models, by what became of them", ["outcome"], registry=None
        )

    def answer_written(self, outcome: Outcome, marks: CitationCounts) -> None:
        self._escalations.inc(bool(outcome.escalation))
        self._fallbacks.inc(len(outcome.fallbacks))
        self._unsupported.inc(outcome.unsupported)
        for name in ("kept", "mended", "dropped", "invented"):
            self._marks.labels(name).inc(getattr(marks, name))

    def collect(self) -> Iterable[Metric]:
        yield from self.models.collect()
        for metric in (
            self._escalations,
            self._fallbacks,
            self._unsupported,
            self._marks,
        ):
            yield from metric.collect()
