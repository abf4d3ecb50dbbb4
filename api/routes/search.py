"""A question to ranked passages."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.dependencies import CurrentMetrics, CurrentPlatform, CurrentTenant
from api.question_scope import scope_of
from api.schemas import SearchRequest, SearchResponse
from generation.answers import passage_to_json

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", response_model=SearchResponse)
def search(body: SearchRequest, platform: CurrentPlatform, tenant: CurrentTenant, metrics: CurrentMetrics) -> Any:
    """The passages nearest to a question, best first."""
    scope = scope_of(body, tenant, platform.registry)
    result = platform.retriever.search(body.question, scope, body.top_k or platform.top_k)
    metrics.observe_stages("search", result.timings_ms)
    return JSONResponse(
        {
            "passages": [passage_to_json(passage) for passage in result.passages],
            "timings_ms": dict(result.timings_ms),
        }
    )
