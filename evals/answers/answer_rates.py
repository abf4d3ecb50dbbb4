"""The share of a run's answers with unsupported content, corrected for the errors of the checker that judged them.

Counted as over the answers of the platform in use (evals/hallucination_rate): those that a model wrote and that were
checked. Refusals, small talk and answers that were repaired before anyone saw them are not among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from evals.hallucination_rate.corrected_rate import Interval, corrected_rate
from evals.hallucination_rate.rate_report import CountsOf, combined
from evals.hallucination_rate.verdict_counts import CheckerKey
from generation.answer_outcomes import AnswerOutcome, outcome_of
from generation.routing.router import EXTRACTIVE

_RATED = (AnswerOutcome.SUPPORTED, AnswerOutcome.UNSUPPORTED)


def rate_fields(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the rate needs to know of an answer object: `outcome`, `route`, and the checker's name and version."""
    groundedness = answer["groundedness"]
    checker = groundedness["checker"] if groundedness else None
    return {
        "outcome": str(outcome_of(answer)),
        "route": answer["model"]["route"],
        "checker": [checker["name"], checker["version"]] if checker else None,
    }


def hallucination_rate(
    records: Sequence[Mapping[str, Any]], counts_of: CountsOf
) -> tuple[float | None, Interval] | None:
    """The corrected rate with its 95% interval; a rate of `None` is unknown (a checker that was never counted).

    Over sentences quoted word for word from the documents it is 0 by construction, and they are counted only where no
    model wrote anything. `None` when nothing was rated.
    """
    rated = [record for record in records if record.get("outcome") in _RATED and record.get("checker")]
    written = [record for record in rated if record["route"] != EXTRACTIVE]
    if not written:
        return (0.0, (0.0, 0.0)) if rated else None
    by_checker: dict[CheckerKey, list[bool]] = defaultdict(list)
    for record in written:
        name, version = record["checker"]
        by_checker[CheckerKey(name, version)].append(record["outcome"] == AnswerOutcome.UNSUPPORTED)
    rates = [corrected_rate(sum(flags), len(flags), counts_of(key)) for key, flags in sorted(by_checker.items())]
    return combined([(one.answers, one.rate, one.interval) for one in rates])
