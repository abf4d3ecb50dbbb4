"""Prometheus counters of answers by what became of them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter
from prometheus_client.metrics_core import Metric

from generation.answer_outcomes import AnswerOutcome
from generation.answer_verdicts import AnswerVerdict


class VerdictMetrics:
    """A Prometheus collector that is told of every verdict that is kept.

    Neither tenant nor collection is a label: there can be any number of them, and each would be a series.
    """

    def __init__(self) -> None:
        self._answers = Counter(
            "plumbline_answers",
            "Answers by model, route, checker (name, version) and outcome; `unsupported` is what was flagged",
            ["model", "route", "checker", "outcome"],
            registry=None,
        )

    def answer_kept(self, verdict: AnswerVerdict) -> None:
        checker = f"{verdict.checker} {verdict.checker_version}" if verdict.checker is not None else ""
        if verdict.checker is not None:
            # Both series from the same moment on: the first answer of one that comes later would be lost to `increase`.
            for outcome in (AnswerOutcome.SUPPORTED, AnswerOutcome.UNSUPPORTED):
                self._answers.labels(verdict.model, verdict.route, checker, outcome)
        self._answers.labels(verdict.model, verdict.route, checker, verdict.outcome).inc()

    def collect(self) -> Iterable[Metric]:
        return self._answers.collect()
