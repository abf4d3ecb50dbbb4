"""A rate in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generation.answer_outcomes import AnswerOutcome

if TYPE_CHECKING:
    from evals.hallucination_rate.rate_report import GroupRate

_STANDING = {
    "within": "This is within the objective of {objective}.",
    "above": "This is above the objective of {objective}.",
    "cannot_tell": "Whether this keeps the objective of {objective} cannot be told yet.",
}


def in_words(one: GroupRate, objective: float) -> str:
    """What the rate of a window is, what it rests on, and what to do where it is not known well enough."""
    tally = one.tally
    if not one.answers:
        others = sum(tally.outcomes.values()) + tally.verbatim
        if not others:
            return "No answers were given in this window."
        verbatim = (
            f", {tally.verbatim} of them with sentences of the documents, word for word" if tally.verbatim else ""
        )
        return f"No answer of this window was written by a model and checked; {others} were given otherwise{verbatim}."
    low, high = one.interval
    if one.rate is None:
        told = f"The rate is unknown (between {_percent(low)} and {_percent(high)})."
    else:
        told = (
            f"{_percent(one.rate)} of {one.answers:,} answers have unsupported content "
            f"(95% interval {_percent(low)} to {_percent(high)})."
        )
    parts = [told, _STANDING[one.standing].format(objective=_percent(objective))]
    if any(part.rate.counts_contradicted for part in one.checkers):
        parts.append("The audit contradicts the checker's error counts, which were left out.")
    if one.standing == "cannot_tell":
        parts.append("Judge more drawn answers (plumb eval audit).")
    if unchecked := tally.outcomes[AnswerOutcome.UNCHECKED]:
        parts.append(f"{unchecked:,} more answers were not checked.")
    return " ".join(parts)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"
