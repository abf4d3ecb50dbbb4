"""A batch over the whole platform: documents, index, worker, records, and the HTTP interface around them."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from api.app import create_app
from runtime.settings import Settings
from tests.api.conftest import events_of
from tests.api.serving import serving

TEXT = b"""# Loans

A member may borrow seven books for four weeks. Rare maps never leave the house.

# Hours

The reading room opens at nine in the morning.
"""
LINES = [
    {"id": "loans", "question": "How many books may a member borrow?", "collection": "library"},
    {"id": "empty", "question": "Who won the chess tournament of 1911?"},
    {"question": "When does the reading room open?", "cache": False},
]


def test_a_batch_is_answered_from_the_documents(tmp_path: Path) -> None:
    with (
        serving(create_app(Settings(data_dir=tmp_path))) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        upload = client.post(
            "/v1/documents", files={"file": ("library.txt", TEXT)}, data={"collection": "library"}
        ).json()
        assert _last(client, f"/v1/jobs/{upload['job_id']}/events")["status"] == "ready"
        body = "".join(json.dumps(line) + "\n" for line in LINES)
        batch = client.post("/v1/batches", content=body, headers={"content-type": "application/jsonl"}).json()
        assert batch["use_provider_batch"] is False
        path = f"/v1/batches/{batch['batch_id']}"
        ended = _last(client, f"{path}/events")
        assert (ended["status"], ended["counts"]["answered"]) == ("finished", 3)
        first, second, third = (json.loads(line) for line in client.get(f"{path}/results").text.splitlines())
        assert (first["id"], "seven books" in first["answer"]["answer"]) == ("loans", True)
        assert first["answer"]["citations"][0]["document_name"] == "library.txt"
        assert second["answer"]["refused"]
        assert (third["index"], "nine in the morning" in third["answer"]["answer"]) == (2, True)
        kept = client.get(f"/v1/answers/{first['answer']['answer_id']}").json()
        assert kept == first["answer"]
        assert client.get("/v1/usage").json()["total"]["answers"] == 3
        asked = client.post("/v1/ask", json={key: LINES[0][key] for key in ("question", "collection")}).json()
        assert asked["answer"] == first["answer"]["answer"]


def _last(client: httpx.Client, path: str) -> dict[str, object]:
    with client.stream("GET", path) as response:
        return json.loads(list(events_of(response.iter_lines()))[-1][1])  # type: ignore[no-any-return]
