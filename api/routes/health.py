"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.dependencies import CurrentPlatformStart
from api.schemas import Live, Ready
from runtime.errors import PlumblineError

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> Live:
    return Live(status="live")


@router.get("/ready", responses={503: {"model": Ready}})
async def ready(start: CurrentPlatformStart, response: Response) -> Ready:
    """503 until the embedding model, the index and the records answer; `checks` says what is missing."""
    checks = {"start": "ok", "records": "unknown"}
    try:
        platform = await start.ready(wait_seconds=0)
    except PlumblineError as error:
        checks["start"] = error.message
    else:
        try:
            await run_in_threadpool(platform.check)
            checks["records"] = "ok"
        except PlumblineError as error:
            checks["records"] = error.message
    is_ready = all(state == "ok" for state in checks.values())
    if not is_ready:
        response.status_code = 503
    return Ready(status="ready" if is_ready else "not_ready", checks=checks)
