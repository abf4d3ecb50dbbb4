from __future__ import annotations

import json
import threading

import httpx
import pytest

from api.event_streams import ServerEvent
from ingestion.job_ledger import Claim, JobLedger
from ingestion.records import Status, VersionFacts
from runtime.database import Database
from tests.api.conftest import events_of


@pytest.fixture
def ledger(database: Database) -> JobLedger:
    return JobLedger(database)


def new_job(client: httpx.Client, name: str) -> str:
    job_id: str = client.post("/v1/documents", files={"file": (name, name.encode())}).json()["job_id"]
    return job_id


def claimed(ledger: JobLedger, job_id: str) -> Claim:
    claim = ledger.claim(job_id)
    assert isinstance(claim, Claim)
    return claim


def test_a_job_shows_its_stage_progress_and_timings(client: httpx.Client, ledger: JobLedger) -> None:
    job_id = new_job(client, "staged.md")
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["stage"], job["progress"], job["error"]) == ("queued", None, 0, None)
    assert (job["kind"], job["document_name"]) == ("ingest", "staged.md")
    claim = claimed(ledger, job_id)
    ledger.report(claim, Status.EMBEDDING, 0.4, {"parsing": 1.25})
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["stage"], job["progress"]) == ("embedding", "embedding", 0.4)
    assert job["timings"] == {"parsing": 1.25}
    assert job["started_at"] is not None
    assert job["finished_at"] is None


def test_events_follow_the_job_to_its_end(client: httpx.Client, ledger: JobLedger) -> None:
    job_id = new_job(client, "followed.md")
    seen: list[dict[str, object]] = []
    first = threading.Event()

    def follow() -> None:
        with client.stream("GET", f"/v1/jobs/{job_id}/events") as response:
            for name, data in _as_they_come(response):
                assert name == "status"
                seen.append(json.loads(data))
                first.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert first.wait(10)
    claim = claimed(ledger, job_id)
    ledger.report(claim, Status.PARSING, 0.1, {})
    _until(lambda: seen[-1]["status"] == "parsing")
    ledger.report(claim, Status.EMBEDDING, 0.6, {"parsing": 0.1})
    _until(lambda: seen[-1]["progress"] == 0.6)
    ledger.end_ready(ledger.activate(claim, VersionFacts("t", "text/plain", None, 1, None)), {"parsing": 0.1})
    follower.join(10)
    assert not follower.is_alive(), "the stream ends with the job"
    assert (seen[0]["status"], seen[-1]["status"], seen[-1]["progress"]) == ("queued", "ready", 1)
    assert len(seen) == len({json.dumps(job) for job in seen}), "an event means a change"


def _as_they_come(response: httpx.Response) -> object:
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, value


def _until(condition: object) -> None:
    from tests.api.serving import wait_until

    wait_until(condition, 10)


def test_the_events_of_a_finished_job_are_its_final_state(client: httpx.Client, ledger: JobLedger) -> None:
    job_id = new_job(client, "finished.md")
    client.post(f"/v1/jobs/{job_id}/cancel")
    response = client.get(f"/v1/jobs/{job_id}/events")
    (event,) = events_of(iter(response.text.splitlines()))
    assert json.loads(event[1])["status"] == "cancelled"


def test_a_running_job_is_asked_to_stop_and_a_finished_one_refuses(client: httpx.Client, ledger: JobLedger) -> None:
    job_id = new_job(client, "cancelled.md")
    claim = claimed(ledger, job_id)
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json()["cancel_requested"]) == (202, True)
    ledger.end_cancelled(claim)
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "job_finished")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/events"), ("POST", "/cancel")])
def test_an_unknown_job(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, f"/v1/jobs/none{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_job")


def test_an_event_is_one_block_whatever_its_text_holds() -> None:
    encoded = ServerEvent("status", {"error": "line\r\nline\n\nevent: fake\u2028"}).encode()
    assert encoded.count(b"\n\n") == 1
    assert encoded.count(b"\n") == 3
