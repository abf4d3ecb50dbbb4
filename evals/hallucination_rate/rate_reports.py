"""Rates of stored verdicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from evals.hallucination_rate.rate_report import CountsOf, GroupRate, group_rates
from evals.hallucination_rate.verdict_counts import ALL, FeedbackCounts, VerdictCounts
from evals.hallucination_rate.window import AnswerFilter, GroupBy
from runtime.database import Database


@dataclasses.dataclass(frozen=True, slots=True)
class RateReport:
    """`groups` is None unless grouping was asked; `objective` is the share that is not to be passed."""

    chosen: AnswerFilter
    objective: float
    whole: GroupRate
    groups: Mapping[str, GroupRate] | None
    feedback: FeedbackCounts


class RateReports:
    """Blocking, thread-safe."""

    def __init__(self, database: Database, counts_of: CountsOf, objective: float) -> None:
        self._verdicts = VerdictCounts(database)
        self._counts_of = counts_of
        self.objective = objective

    def report(self, chosen: AnswerFilter, group_by: GroupBy | None = None) -> RateReport:
        tallies = dict(self._verdicts.tallies(chosen))
        return RateReport(
            chosen=chosen,
            objective=self.objective,
            whole=group_rates(tallies, self._counts_of, self.objective)[ALL],
            groups=self._groups(chosen, group_by) if group_by is not None else None,
            feedback=self._verdicts.feedback(chosen),
        )

    def _groups(self, chosen: AnswerFilter, group_by: GroupBy) -> Mapping[str, GroupRate]:
        return group_rates(self._verdicts.tallies(chosen, group_by), self._counts_of, self.objective)
