"""The HTTP application. Importing this opens nothing and loads no model library."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.body_limit import BodyLimit
from api.dependencies import LifespanState
from api.error_responses import install_error_responses
from api.http_metrics import HttpMetrics
from api.local_access import LocalAccess
from api.observation import Observation
from api.platform import Platform, PlatformStart
from api.routes import (
    ask,
    batches,
    chat_completions,
    documents,
    evaluations,
    groundedness,
    health,
    jobs,
    metrics,
    page,
    search,
    test_sets,
    usage,
)
from api.schemas import Problem

if TYPE_CHECKING:
    from runtime.settings import Settings

MAX_BODY_BYTES = 2 * 1024 * 1024


def create_app(settings: Settings, *, token: str | None = None) -> FastAPI:
    """The application over the platform of `settings`, which opens when the application starts.

    `token` counts as a key with the role `admin`. Without it only programs on this machine may call, over loopback.
    """

    def open_from_settings() -> Platform:
        from api.assembly import open_platform

        return open_platform(settings)

    return create_app_over(open_from_settings, token=token)


def create_app_over(open_platform: Callable[[], Platform], *, token: str | None = None) -> FastAPI:
    """The application over whatever `open_platform` opens; it is called in a thread when the application starts."""
    http_metrics = HttpMetrics(CollectorRegistry())

    def open_measured() -> Platform:
        platform = open_platform()
        http_metrics.include(platform.collectors)

        def close() -> None:
            http_metrics.exclude(platform.collectors)
            platform.close()

        return dataclasses.replace(platform, close=close)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[LifespanState]:
        start = PlatformStart(open_measured)
        try:
            yield {"start": start, "metrics": http_metrics}
        finally:
            await start.close()

    app = FastAPI(
        title="Plumbline",
        description="Documents in, cited and checked answers out.",
        lifespan=lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        responses={"default": {"model": Problem, "description": "A problem (RFC 9457); `code` is stable"}},
    )
    for routes in (
        documents,
        jobs,
        search,
        ask,
        batches,
        chat_completions,
        evaluations,
        test_sets,
        groundedness,
        usage,
        health,
        metrics,
        page,
    ):
        app.include_router(routes.router)
    install_error_responses(app)
    streamed = frozenset(routes.router.prefix for routes in (documents, batches, evaluations))
    app.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES, streamed=streamed)
    app.add_middleware(LocalAccess, token=token)
    app.add_middleware(Observation, metrics=http_metrics)
    return app
