"""What an answer cost."""

from __future__ import annotations

from collections.abc import Mapping

from generation.answers import ModelUsage, Usage
from generation.language_models.model import Prices, TokenCounts


def usage_of(counts: Mapping[str, TokenCounts], prices: Mapping[str, Prices]) -> Usage:
    """Tokens by model, and what they cost at these prices; both by the names of models."""
    by_model = tuple(
        ModelUsage(
            model=name,
            prompt_tokens=one.prompt,
            cached_prompt_tokens=one.cached_prompt,
            completion_tokens=one.completion,
            cost_usd=one.cost_usd(prices[name]),
        )
        for name, one in counts.items()
    )
    total = sum(counts.values(), start=TokenCounts())
    return Usage(
        prompt_tokens=total.prompt,
        completion_tokens=total.completion,
        cost_usd=sum(one.cost_usd for one in by_model),
        cached_prompt_tokens=total.cached_prompt,
        by_model=by_model,
    )
