"""Sums of what answers used and cost."""

from __future__ import annotations

import dataclasses
import enum

from generation.answers import Answer, ModelUsage

NANO = 1_000_000_000


class GroupBy(enum.StrEnum):
    DAY = "day"
    MODEL = "model"
    KEY = "key"


@dataclasses.dataclass(frozen=True, slots=True)
class UsageSums:
    """Costs are billionths of a US dollar, so that sums are exact. `cached_prompt_tokens` are part of `prompt_tokens`.

    `saved_nano_usd` is what the answers out of the cache had cost when they were made.
    """

    answers: int = 0
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_nano_usd: int = 0
    cache_hits: int = 0
    saved_nano_usd: int = 0

    def __add__(self, other: UsageSums) -> UsageSums:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return UsageSums(*(mine + theirs for mine, theirs in pairs))


def model_usages(answer: Answer) -> tuple[ModelUsage, ...]:
    """What each model that was called used; one entry for all where the answer does not tell them apart."""
    used = answer.usage
    if used.by_model or not (used.prompt_tokens or used.completion_tokens or used.cost_usd):
        return used.by_model
    return (
        ModelUsage(
            answer.model.name, used.prompt_tokens, used.cached_prompt_tokens, used.completion_tokens, used.cost_usd
        ),
    )


def nano_usd(usd: float) -> int:
    return round(usd * NANO)
