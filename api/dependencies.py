"""What routes ask for, as `Annotated` names of the domain."""

from __future__ import annotations

from typing import Annotated, TypedDict

from fastapi import Depends, Request

from api.http_metrics import HttpMetrics
from api.platform import Platform, PlatformStart

START_TIMEOUT_SECONDS = 60.0


class LifespanState(TypedDict):
    """State of the running application; requests see it as `request.state`."""

    start: PlatformStart
    metrics: HttpMetrics


def _start(request: Request) -> PlatformStart:
    start: PlatformStart = request.state.start
    return start


async def _platform(start: Annotated[PlatformStart, Depends(_start)]) -> Platform:
    return await start.ready(START_TIMEOUT_SECONDS)


def _metrics(request: Request) -> HttpMetrics:
    metrics: HttpMetrics = request.state.metrics
    return metrics


async def _tenant() -> str:
    return "default"


async def _request_id(request: Request) -> str:
    request_id: str = request.state.request_id
    return request_id


CurrentPlatformStart = Annotated[PlatformStart, Depends(_start)]
CurrentPlatform = Annotated[Platform, Depends(_platform)]
CurrentMetrics = Annotated[HttpMetrics, Depends(_metrics)]
CurrentTenant = Annotated[str, Depends(_tenant)]
CurrentRequestId = Annotated[str, Depends(_request_id)]
