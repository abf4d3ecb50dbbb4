"""Drawn answers, and what people say of them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from typing import Any

from generation.answers import Span


class AuditVerdict(enum.StrEnum):
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    UNDECIDABLE = "undecidable"


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """`spans` are the unsupported parts of the answer, in its characters."""

    verdict: AuditVerdict
    judged_by: str
    spans: tuple[Span, ...] = ()
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class GivenJudgement:
    judgement: Judgement
    judged_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class AuditItem:
    """A drawn answer. `answer` is as it was given; `flagged` is the checker's verdict, which a judge is not to see.

    `history` has all judgements, the last one last: that one counts.
    """

    audit_id: str
    answer: Mapping[str, Any]
    flagged: bool
    probability: float
    drawn_at: datetime.datetime
    history: tuple[GivenJudgement, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class AuditDraw:
    """`candidates` is how many answers of the window could be drawn, those drawn before included."""

    flagged: int
    unflagged: int
    candidates: int
