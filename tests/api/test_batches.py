from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from generation.batches.ledger import BatchClaim, BatchLedger
from generation.batches.records import BatchStatus, Spent
from generation.language_models.model import ModelBusy
from runtime.database import Database
from runtime.errors import ToldError
from tests.api.conftest import MAX_FILE_BYTES, answer

JSONL = {"content-type": "application/jsonl"}


@pytest.fixture
def ledger(database: Database) -> BatchLedger:
    return BatchLedger(database)


def lines(*bodies: Any) -> bytes:
    return "".join(json.dumps(body, ensure_ascii=False) + "\n" for body in bodies).encode()


def submit(client: httpx.Client, *bodies: Any, **params: Any) -> httpx.Response:
    return client.post("/v1/batches", content=lines(*bodies), headers=JSONL, params=params)


def refused(response: httpx.Response) -> str:
    assert (response.status_code, response.json()["code"]) == (422, "invalid_batch"), response.text
    return str(response.json()["detail"])


def claimed(ledger: BatchLedger, batch_id: str) -> BatchClaim:
    claim = ledger.claim(batch_id)
    assert isinstance(claim, BatchClaim)
    return claim


def test_a_batch_is_taken_shown_and_read(client: httpx.Client, ledger: BatchLedger) -> None:
    response = submit(client, {"question": "Größe?", "id": "a"}, {"question": "second?"}, {"question": "third?"})
    assert response.status_code == 202, response.text
    batch = response.json()
    assert (batch["status"], batch["progress"], batch["counts"]["open"]) == ("queued", 0, 3)
    assert batch["use_provider_batch"] is True
    claim = claimed(ledger, batch["batch_id"])
    ledger.keep_result(claim, 1, {"error": ToldError.of(ModelBusy("It has too much to do.")).to_json()}, Spent())
    ledger.keep_result(claim, 0, {"answer": answer("Größe?").to_json()}, Spent(100, 10, 0.5))
    shown = client.get(f"/v1/batches/{batch['batch_id']}").json()
    assert (shown["status"], shown["counts"]) == ("running", {"total": 3, "answered": 1, "failed": 1, "open": 1})
    assert shown["usage"] == {"prompt_tokens": 100, "completion_tokens": 10, "cost_usd": 0.5}
    results = client.get(f"/v1/batches/{batch['batch_id']}/results")
    assert results.headers["content-type"].startswith("application/jsonl")
    first, second = (json.loads(line) for line in results.text.splitlines())
    assert (first["index"], first["id"], first["answer"]["question"]) == (0, "a", "Größe?")
    assert "error" not in first
    assert (second["index"], "id" in second, "answer" in second) == (1, False, False)
    assert (second["error"]["code"], second["error"]["status"], second["error"]["retryable"]) == (
        "model_busy",
        503,
        True,
    )


def test_a_form_with_a_file_is_taken_too(client: httpx.Client) -> None:
    file = {"file": ("questions.jsonl", lines({"question": "one?"}, {"question": "two?"}))}
    response = client.post("/v1/batches", files=file)
    assert (response.status_code, response.json()["counts"]["total"]) == (202, 2)
    response = client.post("/v1/batches", files=file, data={"collection": "x"})
    assert (response.status_code, response.json()["code"]) == (400, "broken_upload")


def test_empty_lines_and_a_byte_order_mark_are_no_questions(client: httpx.Client) -> None:
    body = (
        b"\xef\xbb\xbf\r\n" + lines({"question": "one\u2028line?"}) + b"\n  \r\n" + lines({"question": "two?"}).rstrip()
    )
    response = client.post("/v1/batches", content=body, headers=JSONL)
    assert (response.status_code, response.json()["counts"]["total"]) == (202, 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{not json}", "not valid JSON"),
        (b'"text"', "not a JSON object"),
        (b'{"question": "  "}', "The question is empty"),
        (b'{"query": "q?"}', "question: Field required, query: Extra inputs"),
        (b'{"question": "q?", "stream": true}', "leave `stream` out"),
        (b'{"question": "q?", "model": "nobody"}', "there is no model 'nobody'; there are: scripted, extractive"),
        (b'{"question": "q?", "collection": "nowhere"}', "There is no collection 'nowhere'"),
        (b'{"question": "q?", "id": "one"}', "the id 'one' stands in line 1 already"),
        (b'{"question": "\xff"}', "not valid JSON in UTF-8"),
        (b'{"question": "\\ud800"}', "lone surrogates"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(client: httpx.Client, line: bytes, said: str) -> None:
    body = lines({"question": "fine?", "id": "one"}) + b"\n" + line + b"\n" + lines({"question": "fine?"})
    detail = refused(client.post("/v1/batches", content=body, headers=JSONL))
    assert "line 3: " in detail and said in detail, detail


def test_a_batch_of_nothing_or_too_much_is_refused(client: httpx.Client) -> None:
    assert "no question" in refused(client.post("/v1/batches", content=b"\n\n", headers=JSONL))
    assert "more than 1,000 questions" in refused(submit(client, *[{"question": "q?"}] * 1001))
    large = client.post("/v1/batches", content=b" " * (MAX_FILE_BYTES + 1), headers=JSONL)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert "PLUMB_MAX_BATCH_BYTES" in large.json()["detail"]
    large = client.post("/v1/batches", files={"file": ("q.jsonl", b" " * (MAX_FILE_BYTES + 1))})
    assert "PLUMB_MAX_BATCH_BYTES" in large.json()["detail"]
    other = client.post("/v1/batches", content=b"<a/>", headers={"content-type": "application/xml"})
    assert (other.status_code, other.json()["code"]) == (415, "unsupported_media_type")


def test_an_ensemble_is_checked(client: httpx.Client) -> None:
    taken = submit(client, {"question": "q?"}, ensemble="scripted, extractive", use_provider_batch=False).json()
    assert (taken["ensemble"], taken["use_provider_batch"]) == (["scripted", "extractive"], False)
    assert "'nobody'" in refused(submit(client, {"question": "q?"}, ensemble="scripted,nobody"))
    for wrong in ("scripted", "", "scripted,scripted"):
        assert "2 to 5 different models" in refused(submit(client, {"question": "q?"}, ensemble=wrong))
    both = submit(client, {"question": "q?", "model": "scripted"}, ensemble="scripted,extractive")
    assert "leave one of them out" in refused(both)


def test_cancelled_before_it_began_and_after_it_ended(client: httpx.Client) -> None:
    batch_id = submit(client, {"question": "q?"}, {"question": "r?"}).json()["batch_id"]
    response = client.post(f"/v1/batches/{batch_id}/cancel")
    assert (response.status_code, response.json()["status"]) == (202, "cancelled")
    again = client.post(f"/v1/batches/{batch_id}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "batch_finished")
    results = [json.loads(line) for line in client.get(f"/v1/batches/{batch_id}/results").text.splitlines()]
    assert [(one["index"], one["error"]["code"]) for one in results] == [(0, "cancelled"), (1, "cancelled")]


def test_events_follow_the_batch_to_its_end(client: httpx.Client, ledger: BatchLedger) -> None:
    batch_id = submit(client, {"question": "q?"}).json()["batch_id"]
    seen: list[dict[str, Any]] = []
    with client.stream("GET", f"/v1/batches/{batch_id}/events") as response:
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "data":
                seen.append(json.loads(value))
                if len(seen) == 1:
                    claim = claimed(ledger, batch_id)
                    ledger.keep_result(claim, 0, {"answer": answer("q?").to_json()}, Spent())
                    ledger.end(claim, BatchStatus.FINISHED)
    assert (seen[0]["status"], seen[-1]["status"], seen[-1]["progress"]) == ("queued", "finished", 1)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/results"), ("GET", "/events"), ("POST", "/cancel")]
)
def test_an_unknown_batch(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, f"/v1/batches/none{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_batch")


def test_the_description_names_the_forms(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    taken = described["paths"]["/v1/batches"]["post"]["requestBody"]["content"]
    assert set(taken) == {"application/jsonl", "multipart/form-data"}
    given = described["paths"]["/v1/batches/{batch_id}/results"]["get"]["responses"]["200"]["content"]
    assert "application/jsonl" in given
    assert "BatchResultLine" in described["components"]["schemas"]
