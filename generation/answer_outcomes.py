"""What became of an answer, as it is counted: one word for each."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class AnswerOutcome(enum.StrEnum):
    """Only `supported` and `unsupported` answers make the hallucination rate; the others are counted apart.

    `no_claims`: nothing in it could be wrong (small talk). `fixed`: sentences were flagged, and another model wrote
    them anew, they were taken out, or the answer was refused for them. `unchecked`: no checker has seen it.
    """

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    REFUSED = "refused"
    NO_CLAIMS = "no_claims"
    FIXED = "fixed"
    UNCHECKED = "unchecked"


def outcome_of(answer: Mapping[str, Any]) -> AnswerOutcome:
    """The outcome of an answer in the form of the outward contract (`Answer.to_json`)."""
    removed, groundedness = answer["unsupported_removed"], answer["groundedness"]
    if answer["refused"]:
        return AnswerOutcome.FIXED if removed else AnswerOutcome.REFUSED
    if groundedness is None:
        return AnswerOutcome.UNCHECKED
    if not groundedness["supported"]:
        return AnswerOutcome.UNSUPPORTED
    if removed:
        return AnswerOutcome.FIXED
    claims = any(sentence["is_claim"] for sentence in groundedness["sentences"])
    return AnswerOutcome.SUPPORTED if claims else AnswerOutcome.NO_CLAIMS
