"""The calls around evaluations and test sets; their work is done in test_evaluations_end_to_end.py."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from evals.jobs.ledger import EvaluationLedger, JobClaim
from evals.jobs.records import JobStatus
from runtime.database import Database
from tests.api.conftest import MAX_FILE_BYTES

ITEM = {
    "id": "q001",
    "question": "How many books may a member borrow?",
    "answers": ["seven books", "seven"],
    "answerable": True,
    "kind": "count",
    "evidence": [
        {"document_id": "d", "document_name": "a.txt", "chunk_id": "c", "quote": "A member may borrow seven books."}
    ],
    "near": [],
    "drafted_by": "rule",
    "status": "drafted",
}
RESULT = {
    "command": "plumb eval answers --data q.jsonl",
    "settings": {},
    "commit": None,
    "machine": {},
    "models": [],
    "started": "2026-01-01T00:00:00+00:00",
    "seconds": 1.5,
    "metrics": {"accuracy": 0.5},
    "intervals": {"accuracy": [0.1, 0.9]},
    "data_hash": "x",
}


@pytest.fixture
def ledger(database: Database) -> EvaluationLedger:
    return EvaluationLedger(database)


def submit(client: httpx.Client, content: bytes = b"{}\n", name: str = "q.jsonl", **fields: Any) -> httpx.Response:
    return client.post("/v1/evaluations", files={"file": (name, content)}, data={"kind": "answers", **fields})


def ended(ledger: EvaluationLedger, job_id: str, result: dict[str, Any], records: list[dict[str, Any]]) -> None:
    claim = ledger.claim(job_id)
    assert isinstance(claim, JobClaim)
    ledger.end(claim, JobStatus.SUCCEEDED, result=result, records=records)


@pytest.mark.parametrize(
    ("fields", "status", "code", "said"),
    [
        ({"kind": "speed"}, 422, "invalid_request", "retrieval"),
        (
            {"kind": "retrieval", "model": "scripted"},
            422,
            "invalid_request",
            "an evaluation of retrieval has no `model`",
        ),
        ({"checker": "judge"}, 422, "invalid_request", "an evaluation of answers has no `checker`"),
        ({"kind": "retrieval", "arms": "bm25,guess"}, 422, "invalid_request", "arms"),
        ({"kind": "retrieval", "split": "../dev"}, 422, "invalid_request", "split"),
        ({"model": "nobody"}, 422, "unknown_model", "there are: scripted, extractive"),
        ({"collection": "nowhere"}, 404, "unknown_collection", "nowhere"),
        ({"test_set_id": "some"}, 422, "missing_file", "not both"),
        ({"colour": "red"}, 400, "broken_upload", "Unknown part `colour`"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(
    client: httpx.Client, fields: dict[str, str], status: int, code: str, said: str
) -> None:
    response = submit(client, **fields)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert said in response.json()["detail"]


def test_data_come_as_a_form_or_from_a_test_set(client: httpx.Client) -> None:
    response = client.post("/v1/evaluations", json={"kind": "answers"})
    assert (response.status_code, response.json()["code"]) == (422, "missing_file")
    response = client.post("/v1/evaluations", json={"kind": "answers", "test_set_id": "none"})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_evaluation")
    response = client.post("/v1/evaluations", content=b"a,b", headers={"content-type": "text/csv"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    response = client.post("/v1/evaluations", content=b"{", headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    response = submit(client, b" " * (MAX_FILE_BYTES + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_what_was_handed_in_is_shown_and_its_result_when_it_is_there(
    client: httpx.Client, ledger: EvaluationLedger
) -> None:
    shown = submit(client, model="scripted").json()
    assert (shown["status"], shown["progress"], shown["data"]["name"]) == ("queued", 0, "q.jsonl")
    assert shown["options"] == {"model": "scripted"} and shown["metrics"] is None
    path = f"/v1/evaluations/{shown['evaluation_id']}"
    for part in ("run", "report"):
        assert client.get(f"{path}/{part}").json()["code"] == "evaluation_unfinished"
    record = {"id": "1", "correct": True, "answer": "<script>alert(1)</script>", "answerable": True, "refused": False}
    ended(ledger, shown["evaluation_id"], RESULT, [record])
    shown = client.get(path).json()
    assert (shown["status"], shown["metrics"], shown["records"]) == ("succeeded", {"accuracy": 0.5}, 1)
    assert client.get(f"{path}/records").text == json.dumps(record) + "\n"
    assert client.get(f"{path}/run").json()["records"] == [record]
    again = client.post(f"{path}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "evaluation_finished")


def test_listed_by_kind_and_status_in_pages(client: httpx.Client) -> None:
    first = submit(client).json()["evaluation_id"]
    client.post(f"/v1/evaluations/{first}/cancel")
    second = submit(client).json()["evaluation_id"]
    listed = client.get("/v1/evaluations", params={"kind": "answers", "limit": 1}).json()
    assert [one["evaluation_id"] for one in listed["evaluations"]] == [second]
    following = client.get("/v1/evaluations", params={"limit": 1, "cursor": listed["next_cursor"]}).json()
    assert [one["evaluation_id"] for one in following["evaluations"]] == [first]
    cancelled = client.get("/v1/evaluations", params={"status": "cancelled"}).json()["evaluations"]
    assert first in {one["evaluation_id"] for one in cancelled} and second not in {
        one["evaluation_id"] for one in cancelled
    }
    assert client.get("/v1/evaluations", params={"cursor": "x"}).json()["code"] == "invalid_cursor"


@pytest.mark.parametrize("path", ["", "/records", "/run", "/events", "/report"])
def test_an_unknown_evaluation(client: httpx.Client, path: str) -> None:
    response = client.get(f"/v1/evaluations/none{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_evaluation")


def drafted(client: httpx.Client, ledger: EvaluationLedger) -> str:
    created = client.post("/v1/test-sets", json={"questions": 2})
    assert created.status_code == 202, created.text
    test_set_id = created.json()["test_set_id"]
    path = f"/v1/test-sets/{test_set_id}"
    assert client.patch(f"{path}/items/q001", json={"status": "accepted"}).json()["code"] == "evaluation_unfinished"
    other = {**ITEM, "id": "q002", "answers": [], "answerable": False, "evidence": []}
    ended(ledger, test_set_id, {"kinds": {"count": 2}}, [ITEM, other])
    return path


def test_a_person_judges_the_items(client: httpx.Client, ledger: EvaluationLedger) -> None:
    path = drafted(client, ledger)
    assert client.get(path).json()["counts"] == {"drafted": 2}
    assert [one["id"] for one in client.get(f"{path}/items").json()["items"]] == ["q001", "q002"]
    edited = client.patch(f"{path}/items/q001", json={"question": "How many books at once?"}).json()
    assert (edited["status"], edited["question"]) == ("edited", "How many books at once?")
    assert client.patch(f"{path}/items/q002", json={"status": "rejected"}).json()["status"] == "rejected"
    assert client.get(path).json()["counts"] == {"edited": 1, "rejected": 1}
    lines = [json.loads(line) for line in client.get(f"{path}/export", params={"judged": True}).text.splitlines()]
    assert [one["question"] for one in lines] == ["How many books at once?"]
    assert client.patch(f"{path}/items/q009", json={"status": "accepted"}).json()["code"] == "unknown_record"


@pytest.mark.parametrize(
    "change",
    [{}, {"status": "drafted"}, {"status": "accepted", "question": "New?"}, {"question": " "}, {"answers": [""]}],
)
def test_a_judgement_that_cannot_be(client: httpx.Client, ledger: EvaluationLedger, change: dict[str, Any]) -> None:
    assert client.patch(f"{drafted(client, ledger)}/items/q001", json=change).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [({"questions": 0}, 422), ({"unanswerable": 2}, 422), ({"model": "nobody"}, 422), ({"collection": "nowhere"}, 404)],
)
def test_a_test_set_that_cannot_be_drafted(client: httpx.Client, body: dict[str, Any], status: int) -> None:
    assert client.post("/v1/test-sets", json=body).status_code == status


def test_test_sets_are_no_evaluations(client: httpx.Client, ledger: EvaluationLedger) -> None:
    path = drafted(client, ledger)
    test_set_id = path.rpartition("/")[2]
    assert client.get(f"/v1/evaluations/{test_set_id}").status_code == 404
    evaluation = submit(client).json()["evaluation_id"]
    assert client.get(f"/v1/test-sets/{evaluation}").status_code == 404
    assert test_set_id in {one["test_set_id"] for one in client.get("/v1/test-sets").json()["test_sets"]}
    taken = client.post("/v1/evaluations", json={"kind": "answers", "test_set_id": test_set_id})
    assert (taken.status_code, taken.json()["data"]) == (202, None)
