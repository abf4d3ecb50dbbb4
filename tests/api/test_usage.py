from __future__ import annotations

import datetime

import httpx
import pytest

from generation.answers import CacheUse, ModelUsage, Usage
from generation.costs.usage_ledger import UsageLedger
from runtime.database import Database
from tests.api.conftest import ScriptedParts, answer
from tests.api.test_chat_completions import ASK, give


def test_every_answer_is_entered_whichever_call_asked_for_it(
    client: httpx.Client, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = (ModelUsage("small", 1000, 400, 10, 0.0005), ModelUsage("scripted", 1000, 0, 100, 0.01))
    give(parts, monkeypatch, usage=Usage(2000, 110, 0.0105, 400, used), cache=CacheUse(True, 0.97, 0.25))
    assert client.post("/v1/ask", json={"question": "q"}).status_code == 200
    assert client.post("/v1/ask", json={"question": "q", "stream": True}).status_code == 200
    assert client.post("/v1/chat/completions", json=ASK).status_code == 200
    assert client.post("/v1/chat/completions", json={**ASK, "stream": True}).status_code == 200
    today = datetime.datetime.now(datetime.UTC).date()
    report = client.get("/v1/usage", params={"from": str(today - datetime.timedelta(1)), "group_by": "model"}).json()
    assert report["to"] == str(today)
    assert report["group_by"] == "model"
    assert [row["group"] for row in report["rows"]] == ["scripted", "small"]
    assert report["rows"][1] == {
        "group": "small",
        "answers": 0,
        "prompt_tokens": 4000,
        "cached_prompt_tokens": 1600,
        "completion_tokens": 40,
        "cost_usd": 0.002,
        "cache_hits": 0,
        "saved_usd": 0.0,
    }
    total = report["total"]
    assert (total["answers"], total["cost_usd"], total["cache_hits"], total["saved_usd"]) == (4, 0.042, 4, 1.0)
    assert total["prompt_tokens"] == 8000
    shown = client.get("/metrics").text
    assert 'plumbline_cost_usd_total{model="scripted"} 0.04' in shown
    assert 'plumbline_tokens_total{kind="cached_prompt",model="small"} 1600.0' in shown


def test_days_are_bounded_on_both_sides(client: httpx.Client, database: Database) -> None:
    ledger = UsageLedger(database)
    for day in (1, 2, 3):
        ledger.record("default", "k", answer("q"), datetime.date(2025, 3, day))
    report = client.get("/v1/usage", params={"from": "2025-03-02", "to": "2025-03-03"}).json()
    assert [row["group"] for row in report["rows"]] == ["2025-03-02", "2025-03-03"]
    report = client.get("/v1/usage", params={"to": "2025-03-02", "group_by": "key"}).json()
    assert report["from"] == "2025-02-01"
    assert [(row["group"], row["answers"]) for row in report["rows"]] == [("k", 2)]
    nothing = client.get("/v1/usage", params={"from": "2024-01-01", "to": "2024-01-02"}).json()
    assert (nothing["rows"], nothing["total"]["answers"]) == ([], 0)


@pytest.mark.parametrize(
    "query", [{"from": "yesterday"}, {"group_by": "colour"}, {"from": "2025-03-02", "to": "2025-03-01"}]
)
def test_what_cannot_be_asked(client: httpx.Client, query: dict[str, str]) -> None:
    response = client.get("/v1/usage", params=query)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] in {"invalid_input", "invalid_request"}
