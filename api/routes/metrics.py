"""Metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.dependencies import CurrentMetrics

router = APIRouter(tags=["metrics"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(metrics: CurrentMetrics) -> Response:
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
