"""Who is to answer a question of a batch, and how what they said is kept until all have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from generation.answer_json import answer_from_json, answer_to_json
from generation.answers import Question
from generation.batches.ensemble import Member
from generation.batches.records import BatchOptions, Spent
from runtime.errors import ToldError

ROUTED = ""
"""The share of whichever model the router chooses."""


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """`away`: through the model's batch endpoint at its provider."""

    member: str
    away: bool


def shares_of(question: Question, options: BatchOptions, endpoints: Sequence[str]) -> tuple[Share, ...]:
    """One share for each model of the ensemble, else one.

    With `use_provider` the models that have a batch `endpoint` go there, and the first of them answers what names no
    model. A question with a limit of time is asked directly.
    """
    wanted = options.ensemble or (question.model or ROUTED,)
    may_wait = options.use_provider and bool(endpoints) and question.max_latency_ms is None
    if may_wait and wanted == (ROUTED,):
        wanted = (endpoints[0],)
    return tuple(Share(name, may_wait and name in endpoints) for name in wanted)


def for_share(question: Question, share: Share) -> Question:
    """The question as this member is asked it."""
    return dataclasses.replace(question, model=share.member or None, live=False)


def member_to_json(member: Member) -> dict[str, Any]:
    if member.answer is not None:
        return {"answer": answer_to_json(member.answer)}
    return {"error": None if member.error is None else member.error.to_json()}


def member_from_json(name: str, data: Mapping[str, Any]) -> Member:
    if "answer" in data:
        return Member(name, answer_from_json(data["answer"]))
    return Member(name, None, None if data["error"] is None else ToldError.from_json(data["error"]))


def spent_by(members: Sequence[Member]) -> Spent:
    used = [member.answer.usage for member in members if member.answer is not None]
    return Spent(
        prompt_tokens=sum(one.prompt_tokens for one in used),
        completion_tokens=sum(one.completion_tokens for one in used),
        cost_usd=sum(one.cost_usd for one in used),
    )
