"""The hallucination rate end to end: a model that invents, answers that are flagged, an audit, and the rate that moves."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from api.app import create_app
from runtime.settings import ModelSettings, Settings
from tests.api.conftest import events_of
from tests.api.serving import serving
from tests.api.test_observation import metric
from tests.ingestion import conftest as records
from tests.model_server import model_server

postgres = records.postgres

TEXT = b"""# Opening hours

The reading room opens at nine in the morning and closes at six in the evening.

# Loans

A member may borrow seven books for four weeks. Rare maps never leave the house.
"""
QUESTION = "How many books may a member borrow?"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with a faithful model, one that invents, and a powerful one, over one document."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")._engine.url.render_as_string(hide_password=False)
    with model_server() as provider:
        models = [
            ModelSettings(name="faithful", model="evidence", endpoint=provider.openai_url),
            ModelSettings(name="inventor", model="invents", endpoint=provider.openai_url),
            ModelSettings(name="strong", model="evidence", role="powerful", endpoint=provider.openai_url),
        ]
        settings = Settings(data_dir=tmp_path_factory.mktemp("plumb"), database_url=url, models=tuple(models))
        with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
            sent = client.post("/v1/documents", files={"file": ("library.md", TEXT)}).json()
            with client.stream("GET", f"/v1/jobs/{sent['job_id']}/events") as response:
                assert json.loads(list(events_of(response.iter_lines()))[-1][1])["status"] == "ready"
            yield client


def ask(client: httpx.Client, model: str, **fields: object) -> dict[str, object]:
    answer = client.post("/v1/ask", json={"question": QUESTION, "model": model, "cache": False, **fields}).json()
    assert "answer_id" in answer, answer
    return answer  # type: ignore[no-any-return]


def rate(client: httpx.Client, **query: str) -> dict[str, object]:
    return client.get("/v1/groundedness/rate", params=query).json()  # type: ignore[no-any-return]


def test_flagged_answers_are_audited_and_the_rate_moves(platform: httpx.Client) -> None:
    for _ in range(3):
        ask(platform, "faithful")
        ask(platform, "inventor")
    before = rate(platform, window="1h")
    assert (before["counts"]["checked"], before["counts"]["flagged"]) == (6, 3)  # type: ignore[index]
    assert before["audited"] == 0

    drawn = platform.post("/v1/groundedness/audit", json={"answers": 20, "window": "1h"})
    assert (drawn.status_code, drawn.json()) == (201, {"drawn": 6, "flagged": 3, "candidates": 6, "to_judge": 6})
    items = platform.get("/v1/groundedness/audit", params={"limit": 10}).json()["items"]
    assert all(item["checker"] is None and item["sentences"][0]["supported"] is None for item in items)
    assert not any("[1]" in item["answer"] for item in items), "marks stand only behind what was found supported"
    for item in items:
        invented = "lighthouse" in item["answer"]
        first = item["sentences"][0]
        assert item["answer"][slice(*first["span"])] == first["text"]
        verdict = {"verdict": "unsupported" if invented else "supported", "judged_by": "ada"}
        if invented:
            verdict["spans"] = [first["span"]]  # type: ignore[assignment]
        else:
            assert "seven books" in next(p["text"] for p in item["passages"] if p["chunk_id"] == first["nearest"][0])
        judged = platform.post(f"/v1/groundedness/audit/{item['audit_id']}/verdict", json=verdict).json()
        assert judged["checker"]["flagged"] == invented
        assert judged["judgement"]["verdict"] == verdict["verdict"]
    after = rate(platform, window="1h")
    assert after["audited"] == 6
    assert after["method"] in {"audit", "counts+audit"}
    assert after["interval"][0] < 0.5 < after["interval"][1], "three of six"  # type: ignore[index]
    assert after["interval"] != before["interval"]
    assert after["audit"] == {"judged": 6, "undecidable": 0, "to_judge": 0}

    assert metric(platform, "plumbline_hallucination_rate_answers", window="24h") >= 0
    assert metric(platform, "plumbline_answers_total", outcome="unsupported", model="inventor") == 3
    restarted = platform.post("/v1/groundedness/monitors/restart").json()["monitors"]
    assert all((one["answers"], one["alarm"]) == (0, False) for one in restarted)

    groups = rate(platform, window="1h", group_by="model")["groups"]
    flagged = {one["group"]: one["counts"]["flagged"] for one in groups}  # type: ignore[attr-defined]
    assert (flagged["faithful"], flagged["inventor"]) == (0, 3)
    only = rate(platform, window="1h", model="inventor")
    assert only["rate"] > after["rate"]  # type: ignore[operator]


def test_what_was_fixed_or_could_not_be_wrong_is_counted_apart(platform: httpx.Client) -> None:
    before = rate(platform)["counts"]
    assert ask(platform, "inventor", on_unsupported="refuse")["refused"]
    assert ask(platform, "inventor", on_unsupported="redact")["unsupported_removed"] == 2
    ask(platform, "faithful", on_unsupported="redact")
    ask(platform, "extractive")
    ask(platform, "faithful", question="hello")
    after = rate(platform)["counts"]
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}  # type: ignore[attr-defined,index]
    assert changed == {"fixed": 2, "verbatim": 1, "no_claims": 1, "checked": 1}


def test_every_call_that_answers_is_counted(platform: httpx.Client) -> None:
    before = rate(platform)["counts"]["checked"]  # type: ignore[index]
    counted = metric(platform, "plumbline_answers_total", model="faithful", outcome="supported")
    platform.post("/v1/ask", json={"question": QUESTION, "model": "faithful", "cache": False, "stream": True})
    message = [{"role": "user", "content": QUESTION}]
    chat = {"model": "faithful", "messages": message, "plumbline": {"cache": False}}
    assert platform.post("/v1/chat/completions", json=chat).status_code == 200
    line = json.dumps({"question": QUESTION, "model": "faithful", "cache": False})
    batch = platform.post("/v1/batches", content=line, headers={"content-type": "application/jsonl"}).json()
    with platform.stream("GET", f"/v1/batches/{batch['batch_id']}/events") as response:
        assert json.loads(list(events_of(response.iter_lines()))[-1][1])["status"] == "finished"
    assert rate(platform)["counts"]["checked"] == before + 3  # type: ignore[index]
    assert metric(platform, "plumbline_answers_total", model="faithful", outcome="supported") == counted + 3


def test_an_answer_given_again_counts_again_with_its_verdict(platform: httpx.Client) -> None:
    question = {"question": "When does the reading room close?", "model": "faithful", "cache": True}
    platform.post("/v1/ask", json=question)
    for _ in range(100):
        before = rate(platform)["counts"]
        if platform.post("/v1/ask", json=question).json()["cache"]["hit"]:
            break
    after = rate(platform)["counts"]
    assert (after["cached"], after["checked"]) == (before["cached"] + 1, before["checked"] + 1)  # type: ignore[index]


def test_readers_opinions_are_kept_apart(platform: httpx.Client) -> None:
    answer = ask(platform, "faithful")
    before = rate(platform)
    path = f"/v1/answers/{answer['answer_id']}/feedback"
    given = platform.post(path, json={"helpful": False, "comment": "wrong room"})
    assert given.status_code == 201 and given.json()["comment"] == "wrong room"
    platform.post(path, json={"helpful": True, "verdict": "supported"})
    platform.post(path, json={"helpful": False, "author": "ben"})
    after = rate(platform)
    counts = {name: after["feedback"][name] - before["feedback"][name] for name in after["feedback"]}  # type: ignore[index,attr-defined]
    assert counts == {"helpful": 1, "not_helpful": 1, "supported": 1, "unsupported": 0}
    assert (after["rate"], after["interval"]) == (before["rate"], before["interval"])
    assert platform.post("/v1/answers/none/feedback", json={"helpful": True}).json()["code"] == "unknown_answer"
    assert platform.post(path, json={}).json()["code"] == "invalid_request"


def test_an_empty_window_and_wrong_ones_are_told(platform: httpx.Client) -> None:
    nothing = rate(platform, **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    assert (nothing["rate"], nothing["interval"], nothing["slo"]) == (None, [0.0, 1.0], "cannot_tell")
    assert nothing["says"] == "No answers were given in this window."
    assert (nothing["from"], nothing["objective"]) == ("2020-01-01T00:00:00Z", 0.05)
    for query in ({"window": "yesterday"}, {"window": "1h", "from": "2020-01-01"}, {"from": "2100-01-01"}):
        refused = platform.get("/v1/groundedness/rate", params=query)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_window")
    missing = platform.get("/v1/groundedness/audit/none")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_audit")
    bad = platform.post("/v1/groundedness/audit/none/verdict", json={"verdict": "perhaps"})
    assert bad.json()["code"] == "invalid_request"
