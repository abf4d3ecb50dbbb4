"""Rates of stored verdicts, with the monitors that watch them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence

from evals.hallucination_rate.monitor_store import MonitorStore, RunningMonitor
from evals.hallucination_rate.rate_report import CountsOf, GroupRate, group_rates
from evals.hallucination_rate.verdict_counts import ALL, CheckerKey, FeedbackCounts, VerdictCounts
from evals.hallucination_rate.window import AnswerFilter, GroupBy
from runtime.database import Database


@dataclasses.dataclass(frozen=True, slots=True)
class RateReport:
    """`groups` is None unless grouping was asked; `objective` is the share that is not to be passed.

    `monitors` watch all answers of a tenant, whatever was chosen here.
    """

    chosen: AnswerFilter
    objective: float
    whole: GroupRate
    groups: Mapping[str, GroupRate] | None
    feedback: FeedbackCounts
    monitors: Sequence[RunningMonitor]


class RateReports:
    """Blocking, thread-safe."""

    def __init__(self, database: Database, counts_of: CountsOf, objective: float) -> None:
        self._verdicts = VerdictCounts(database)
        self._monitors = MonitorStore(database, counts_of, objective)
        self._counts_of = counts_of
        self.objective = objective

    def report(self, chosen: AnswerFilter, group_by: GroupBy | None = None) -> RateReport:
        whole = self.rate(chosen)
        return RateReport(
            chosen=chosen,
            objective=self.objective,
            whole=whole,
            groups=self._groups(chosen, group_by) if group_by is not None else None,
            feedback=self._verdicts.feedback(chosen),
            monitors=self._monitors.look(chosen.tenant, _now(), contradicted(whole)),
        )

    def rate(self, chosen: AnswerFilter) -> GroupRate:
        tallies = self._verdicts.tallies(chosen)
        return group_rates(tallies, self._counts_of, self.objective)[ALL]

    def monitors(self, tenant: str | None, distrusted: frozenset[CheckerKey] = frozenset()) -> list[RunningMonitor]:
        return self._monitors.look(tenant, _now(), distrusted)

    def restart_monitors(self, tenant: str) -> list[RunningMonitor]:
        """Start the tenant's monitors anew: after an alarm that was seen to, or a change that makes the past moot."""
        return self._monitors.restart(tenant, _now())

    def _groups(self, chosen: AnswerFilter, group_by: GroupBy) -> Mapping[str, GroupRate]:
        return group_rates(self._verdicts.tallies(chosen, group_by), self._counts_of, self.objective)


def contradicted(one: GroupRate) -> frozenset[CheckerKey]:
    """The checkers whose error counts the audit contradicts."""
    return frozenset(part.checker for part in one.checkers if part.rate.counts_contradicted)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
