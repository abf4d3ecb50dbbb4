"""What answers used and cost."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.dependencies import CurrentPlatform, CurrentTenant
from api.schemas import UsageReport, UsageRowBody, UsageSumsBody
from generation.costs.usage_sums import NANO, GroupBy, UsageSums
from runtime.errors import InvalidInput

DEFAULT_DAYS = 30

router = APIRouter(prefix="/v1", tags=["usage"])


@router.get("/usage", response_model=UsageReport, response_model_by_alias=True)
def usage(
    platform: CurrentPlatform,
    tenant: CurrentTenant,
    first: Annotated[datetime.date | None, Query(alias="from", description="First day (UTC); absent: 30 days")] = None,
    last: Annotated[
        datetime.date | None, Query(alias="to", description="Last day (UTC), included; absent: today")
    ] = None,
    group_by: GroupBy = GroupBy.DAY,
) -> UsageReport:
    """Answers, tokens and costs by day (UTC), model or key; costs are summed in billionths of a dollar."""
    last = last or datetime.datetime.now(datetime.UTC).date()
    first = first or last - datetime.timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise InvalidInput(f"`from` ({first}) is later than `to` ({last}). Swap them.")
    groups = platform.usage.sums(tenant, first, last, group_by)
    return UsageReport(
        first=first,
        last=last,
        group_by=group_by.value,
        rows=[UsageRowBody(group=str(name), **_sums(sums)) for name, sums in groups.items()],
        total=UsageSumsBody(**_sums(sum(groups.values(), UsageSums()))),
    )


def _sums(sums: UsageSums) -> dict[str, Any]:
    return {
        "answers": sums.answers,
        "prompt_tokens": sums.prompt_tokens,
        "cached_prompt_tokens": sums.cached_prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "cost_usd": sums.cost_nano_usd / NANO,
        "cache_hits": sums.cache_hits,
        "saved_usd": sums.saved_nano_usd / NANO,
    }
