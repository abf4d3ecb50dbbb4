"""What a caller's limits on time and money leave of a route, computed before anything is paid."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Protocol

from generation.language_models.model import ModelProfile, TokenCounts


class TimedModel(Protocol):
    """What the router asks of a model."""

    @property
    def profile(self) -> ModelProfile: ...

    def typical_latency(self, completion_tokens: int) -> float | None:
        """Seconds that an answer of so many tokens takes as a rule; None when too few were seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """Tokens of one answer. `evidence` are those of the passages before packing, `prompt` all others of the prompt.

    An answer of `completion` tokens is expected; `room` more than that must be affordable, so that no answer is cut.
    """

    prompt: int
    evidence: int
    completion: int
    room: float
    max_tokens: int | None = None

    def longest(self, profile: ModelProfile) -> int:
        return min(self.max_tokens or profile.max_output_tokens, profile.max_output_tokens)

    def needed(self, profile: ModelProfile) -> int:
        """Completion tokens that must be affordable."""
        return min(self.longest(profile), round(self.completion * (1 + self.room)))

    def cost(self, profile: ModelProfile, ratio: float, completion: int) -> float:
        """USD, at most: nothing is taken to be in the provider's cache."""
        return TokenCounts(self.prompt + round(self.evidence / ratio), 0, completion).cost_usd(profile.prices)


@dataclasses.dataclass(frozen=True, slots=True)
class Allowed:
    """The models that fit, the packing that makes them fit, the longest answers; why the others do not fit.

    `pair`: also the first one's answer and one of the second together are within the limits.
    """

    models: tuple[str, ...]
    ratio: float
    max_tokens: Mapping[str, int]
    left_out: tuple[str, ...]
    pair: bool


def allowed(
    models: Sequence[TimedModel],
    load: Load,
    ratios: Sequence[float],
    *,
    max_cost_usd: float | None,
    max_latency_ms: float | None,
    escalates_to: str | None,
) -> Allowed:
    """Keep the models within the limits. `ratios`: packing to try, ascending; the first model decides which.

    `escalates_to` is the model that may take over from the first one. `max_latency_ms` is what is left of it.
    """
    kept: list[TimedModel] = []
    left_out: list[str] = []
    ratio = ratios[0]
    for model in models:
        profile = model.profile
        takes = milliseconds(model, load)
        if max_latency_ms is not None and takes > max_latency_ms:
            left_out.append(f"{profile.name} takes about {takes:.0f} ms")
            continue
        tried = ratios if not kept else (ratio,)
        costs = [load.cost(profile, one, load.needed(profile)) for one in tried]
        fitting = [one for one, cost in zip(tried, costs, strict=True) if max_cost_usd is None or cost <= max_cost_usd]
        if not fitting:
            left_out.append(f"{profile.name} can cost {costs[-1]:.2g} USD")
            continue
        ratio = fitting[0]
        kept.append(model)
    second = next((model for model in kept[1:] if model.profile.name == escalates_to), None)
    pair = second is not None and _both_fit(kept[0], second, load, ratio, max_cost_usd, max_latency_ms)
    return Allowed(
        models=tuple(model.profile.name for model in kept),
        ratio=ratio,
        max_tokens=_longest_answers(kept, second if pair else None, load, ratio, max_cost_usd),
        left_out=tuple(left_out),
        pair=pair,
    )


def milliseconds(model: TimedModel, load: Load) -> float:
    """Expected time of an answer; 0 for a model that nothing is known of: its deadline will tell."""
    return 1000 * (model.typical_latency(load.completion) or 0.0)


def _both_fit(
    first: TimedModel,
    second: TimedModel,
    load: Load,
    ratio: float,
    max_cost_usd: float | None,
    max_latency_ms: float | None,
) -> bool:
    costs = sum(load.cost(model.profile, ratio, load.needed(model.profile)) for model in (first, second))
    takes = milliseconds(first, load) + milliseconds(second, load)
    return (max_cost_usd is None or costs <= max_cost_usd) and (max_latency_ms is None or takes <= max_latency_ms)


def _longest_answers(
    models: Sequence[TimedModel], second: TimedModel | None, load: Load, ratio: float, max_cost_usd: float | None
) -> dict[str, int]:
    """Completion tokens that keep each model, and the first with the second, within the cost limit."""
    if max_cost_usd is None:
        return {}
    longest = {}
    first_cost = 0.0
    for position, model in enumerate(models):
        profile = model.profile
        left = max_cost_usd - load.cost(profile, ratio, 0)
        if second is not None and position == 0:
            left -= load.cost(second.profile, ratio, load.needed(second.profile))
        if model is second:
            left -= first_cost
        price = profile.prices.completion / 1e6
        affordable = max(load.needed(profile), int(left / price)) if price else load.longest(profile)
        longest[profile.name] = min(affordable, load.longest(profile))
        if position == 0:
            first_cost = load.cost(profile, ratio, longest[profile.name])
    return longest
