"""Prometheus gauges of the hallucination rate: the corrected one, and what it takes to correct counts of flags.

They are about all tenants together; neither tenants nor collections are labels, since each would be a series.
"""

from __future__ import annotations

import datetime
import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from evals.hallucination_rate.burn_rate import ALERTS, least_answers
from evals.hallucination_rate.rate_report import GroupRate
from evals.hallucination_rate.rate_reports import RateReports, contradicted
from evals.hallucination_rate.verdict_counts import CheckerKey
from evals.hallucination_rate.window import AnswerFilter, Window
from runtime.errors import Unavailable

WINDOWS = {"24h": datetime.timedelta(days=1), "30d": datetime.timedelta(days=30)}
CACHE_SECONDS = 30.0
LONG_FOR = 20
"""A rate over thirty days serves that much longer: it changes little, and reads a month."""

_log = logging.getLogger(__name__)


class RateMetrics:
    """A Prometheus collector. It reads the records: whoever collects does so off the event loop.

    What was read serves for `cache_seconds`, so that several scrapers cost no more than one.
    """

    def __init__(self, reports: RateReports, cache_seconds: float = CACHE_SECONDS) -> None:
        self._reports = reports
        self._cache_seconds = cache_seconds
        self._reading = threading.Lock()
        self._read_at = -math.inf
        self._known: list[Metric] = []
        self._long: GroupRate | None = None
        self._long_at = -math.inf

    def describe(self) -> Iterable[Metric]:
        return ()  # or registering would read the records

    def collect(self) -> Iterable[Metric]:
        with self._reading:
            if time.monotonic() - self._read_at > self._cache_seconds:
                try:
                    self._known = list(self._read())
                except Unavailable as error:  # the other metrics are still of use, most of all now
                    _log.warning("The rate cannot be read", extra={"code": error.code})
                    self._known = []
                self._read_at = time.monotonic()
            return self._known

    def _read(self) -> Iterator[Metric]:
        if self._long is None or time.monotonic() - self._long_at > LONG_FOR * self._cache_seconds:
            self._long, self._long_at = self._rate("30d"), time.monotonic()
        longest = self._long
        rates = {"24h": self._rate("24h"), "30d": longest}
        yield _gauge(
            "hallucination_objective",
            "Share of answers with unsupported content that is not to be passed (PLUMB_HALLUCINATION_SLO)",
            [],
            [([], self._reports.objective)],
        )
        yield from _rates(rates)
        yield from _checkers(longest, self._reports.objective)
        yield from self._monitors(contradicted(longest))
        yield _gauge(
            "audit_to_judge",
            "Answers of 30 days drawn for the audit and not judged",
            [],
            [([], longest.tally.to_judge)],
        )

    def _rate(self, window: str) -> GroupRate:
        now = datetime.datetime.now(datetime.UTC)
        return self._reports.rate(AnswerFilter(None, Window(now - WINDOWS[window], now)))

    def _monitors(self, distrusted: frozenset[CheckerKey]) -> Iterator[Metric]:
        # A checker's monitors of several tenants are one series: the worst of them.
        alarms: dict[str, float] = {}
        evidence: dict[str, float] = {}
        for one in self._reports.monitors(None, distrusted):
            name = _name(one.checker)
            alarms[name] = max(alarms.get(name, 0.0), float(one.monitor.alarm))
            evidence[name] = max(evidence.get(name, 0.0), one.monitor.evidence / one.monitor.threshold)
        yield _gauge(
            "hallucination_alarm",
            "1: the sequential monitor says that the rate is above the objective",
            ["checker"],
            [([name], value) for name, value in alarms.items()],
        )
        yield _gauge(
            "hallucination_evidence",
            "Evidence against the objective as a share of what gives the alarm",
            ["checker"],
            [([name], value) for name, value in evidence.items()],
        )


def _rates(rates: dict[str, GroupRate]) -> Iterator[Metric]:
    def series(values: Iterable[float | None]) -> list[tuple[list[str], float]]:
        return [([name], math.nan if value is None else value) for name, value in zip(rates, values, strict=True)]

    every = rates.values()
    yield _gauge(
        "hallucination_rate",
        "Share of answers with unsupported content, corrected for the checker's errors; NaN: unknown",
        ["window"],
        series(one.rate for one in every),
    )
    yield _gauge(
        "hallucination_rate_low", "Lower end of its 95% interval", ["window"], series(one.interval[0] for one in every)
    )
    yield _gauge(
        "hallucination_rate_high", "Upper end of its 95% interval", ["window"], series(one.interval[1] for one in every)
    )
    yield _gauge("hallucination_rate_answers", "Answers it is about", ["window"], series(one.answers for one in every))
    yield _gauge("hallucination_rate_audited", "Verdicts it uses", ["window"], series(one.audited for one in every))


def _checkers(one: GroupRate, objective: float) -> Iterator[Metric]:
    """Of the checkers of the last 30 days; those without error counts have only `contradicted`."""
    counted = [(_name(part.checker), part.counts) for part in one.checkers if part.counts is not None]
    yield _gauge(
        "checker_sensitivity",
        "Share of answers with unsupported content that the checker flags",
        ["checker"],
        [([name], counts.sensitivity) for name, counts in counted],
    )
    yield _gauge(
        "checker_specificity",
        "Share of sound answers that the checker does not flag",
        ["checker"],
        [([name], counts.specificity) for name, counts in counted],
    )
    yield _gauge(
        "checker_contradicted",
        "1: the audit of the last 30 days contradicts the checker's error counts",
        ["checker"],
        [([_name(part.checker)], float(part.rate.counts_contradicted)) for part in one.checkers],
    )
    least = {
        (name, alert.burn): least_answers(alert.burn, counts.sensitivity, counts.specificity, objective)
        for name, counts in counted
        for alert in ALERTS
    }
    yield _gauge(
        "hallucination_least_answers",
        "Answers that a window needs for a burn rate in it to mean something",
        ["checker", "burn"],
        [([name, f"{burn:g}"], number) for (name, burn), number in least.items() if number is not None],
    )


def _name(checker: CheckerKey) -> str:
    """As the counter `plumbline_answers_total` names it."""
    return f"{checker.name} {checker.version}"


def _gauge(name: str, words: str, labels: list[str], values: Iterable[tuple[list[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"plumbline_{name}", words, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family
