from __future__ import annotations

import logging
import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import ScriptedParts
from tests.api.serving import wait_until


def metric(client: httpx.Client, name: str, **labels: str) -> float:
    """Sum of the samples with these labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_requests_are_counted_by_route_and_status(client: httpx.Client) -> None:
    labels = {"method": "GET", "route": "/v1/answers/{answer_id}", "status": "404"}
    before = metric(client, "plumbline_http_requests_total", **labels)
    client.get("/v1/answers/one")
    client.get("/v1/answers/another")
    wait_until(lambda: metric(client, "plumbline_http_requests_total", **labels) == before + 2)
    assert "another" not in client.get("/metrics").text


def test_unknown_paths_are_one_series(client: httpx.Client) -> None:
    client.get("/made/up/path")
    client.request("BREW", "/made/up/path")
    wait_until(lambda: metric(client, "plumbline_http_requests_total", route="unmatched", method="OTHER") >= 1)
    assert "made/up" not in client.get("/metrics").text


def test_stages_and_outcomes_are_measured(client: httpx.Client, parts: ScriptedParts) -> None:
    before = metric(client, "plumbline_stage_seconds_count", operation="ask", stage="retrieve")
    outcomes = metric(client, "plumbline_answers_total", model="scripted", outcome="supported")
    client.post("/v1/ask", json={"question": "q"})
    client.post("/v1/search", json={"question": "q"})
    assert metric(client, "plumbline_stage_seconds_count", operation="ask", stage="retrieve") == before + 1
    assert metric(client, "plumbline_stage_seconds_count", operation="search", stage="retrieve") >= 1
    assert metric(client, "plumbline_answers_total", model="scripted", outcome="supported") == outcomes + 1


def test_metrics_of_the_jobs_are_shown_too(client: httpx.Client) -> None:
    assert "plumbline_jobs_running 0.0" in client.get("/metrics").text


def test_every_response_carries_an_id_and_the_protecting_headers(client: httpx.Client) -> None:
    for path in ("/health/live", "/made/up", "/v1/answers/none", "/"):
        headers = client.get(path).headers
        assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("sent", ["short", "x" * 65, "a b c d e f g", "injected\\nline-of-log"])
def test_an_unusable_request_id_is_replaced(client: httpx.Client, sent: str) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": sent}).headers["x-request-id"] != sent


def test_the_access_log_has_no_bodies_paths_or_queries(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "plumbline.access"):
        client.post("/v1/search?probe=private", json={"question": "very private question"})
        # The line is written when the response has been sent.
        wait_until(lambda: any(record.name == "plumbline.access" for record in caplog.records))
    line = next(record for record in caplog.records if record.name == "plumbline.access")
    assert line.getMessage() == "POST /v1/search"
    assert vars(line)["status"] == 200
    assert vars(line)["milliseconds"] > 0
    assert "private" not in str(vars(line))


def test_unknown_routes_and_methods_are_problems(client: httpx.Client) -> None:
    response = client.get("/v1/nothing")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_route")
    assert response.headers["content-type"] == "application/problem+json"
    response = client.put("/v1/search")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["allow"]
