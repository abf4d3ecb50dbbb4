from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
from pathlib import Path

import httpx
import pytest

from ingestion.job_ledger import JobLedger
from ingestion.records import ErrorInfo, JobKind, VersionFacts
from runtime.database import Database
from tests.api.conftest import MAX_FILE_BYTES, RecordingQueue
from tests.api.serving import wait_until

FACTS = VersionFacts("The scale", "text/markdown", 3, 12, "en", ("Page 2 could not be read.",))


@pytest.fixture
def ledger(database: Database) -> JobLedger:
    return JobLedger(database)


def upload(client: httpx.Client, name: str, content: bytes = b"text", **fields: str) -> httpx.Response:
    return client.post("/v1/documents", files={"file": (name, content)}, data=fields)


def finish(ledger: JobLedger, job_id: str) -> None:
    claim = ledger.claim(job_id)
    assert claim is not None and not isinstance(claim, float)
    ledger.end_ready(ledger.activate(claim, FACTS), {"parsing": 0.5})


def fail(ledger: JobLedger, job_id: str) -> None:
    claim = ledger.claim(job_id)
    assert claim is not None and not isinstance(claim, float)
    ledger.end_failed(claim, ErrorInfo("encrypted", "The file is protected by a password."), {})


def test_an_upload_is_accepted_queued_and_shown(
    client: httpx.Client, queue: RecordingQueue, ledger: JobLedger, data_dir: Path
) -> None:
    response = upload(client, "shelf/a.md", b"# A", metadata='{"team": "sales", "year": 2026, "draft": false}')
    assert response.status_code == 202
    accepted = response.json()
    assert accepted["status"] == "queued"
    assert (accepted["job_id"], JobKind.INGEST) in queue.submitted
    document = client.get(f"/v1/documents/{accepted['document_id']}").json()
    assert document["name"] == "shelf/a.md"
    assert document["collection"] == "default"
    assert document["metadata"] == {"team": "sales", "year": 2026, "draft": False}
    assert document["content_hash"] == hashlib.sha256(b"# A").hexdigest()
    assert (document["searchable"], document["pages"], document["error"]) == (False, None, None)
    finish(ledger, accepted["job_id"])
    document = client.get(f"/v1/documents/{accepted['document_id']}").json()
    assert (document["status"], document["searchable"]) == ("ready", True)
    assert (document["title"], document["pages"], document["chunks"]) == ("The scale", 3, 12)
    assert document["warnings"] == ["Page 2 could not be read."]
    assert list((data_dir / "uploads").iterdir()) == []


def test_the_same_bytes_again_are_unchanged(client: httpx.Client, ledger: JobLedger) -> None:
    first = upload(client, "same.md", b"same").json()
    finish(ledger, first["job_id"])
    again = upload(client, "same.md", b"same")
    assert again.status_code == 200
    assert again.json() == {"document_id": first["document_id"], "job_id": None, "status": "unchanged"}
    changed = upload(client, "same.md", b"other")
    assert (changed.status_code, changed.json()["document_id"]) == (202, first["document_id"])


def test_the_same_name_in_two_folders_or_collections_is_two_documents(client: httpx.Client) -> None:
    ids = {
        upload(client, "a/README.md", b"x").json()["document_id"],
        upload(client, "b/README.md", b"x").json()["document_id"],
        upload(client, "a/README.md", b"x", collection="other").json()["document_id"],
    }
    assert len(ids) == 3


def test_fields_after_the_file_count_too(client: httpx.Client) -> None:
    files = [("file", ("late.md", b"x")), ("collection", (None, "late")), ("metadata", (None, '{"a": 1}'))]
    accepted = client.post("/v1/documents", files=files).json()
    document = client.get(f"/v1/documents/{accepted['document_id']}").json()
    assert (document["collection"], document["metadata"]) == ("late", {"a": 1})


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("../up.md", {}, "invalid_document_name"),
        ("a/../../up.md", {}, "invalid_document_name"),
        ("/etc/passwd", {}, "invalid_document_name"),
        ("a\x00b.md", {}, "invalid_document_name"),
        ("x" * 2000, {}, "invalid_document_name"),
        ("a.md", {"collection": "no such/name"}, "invalid_collection_name"),
        ("a.md", {"collection": ""}, "invalid_collection_name"),
        ("a.md", {"metadata": "{"}, "invalid_metadata"),
        ("a.md", {"metadata": "[1]"}, "invalid_metadata"),
        ("a.md", {"metadata": '{"a": null}'}, "invalid_metadata"),
        ("a.md", {"metadata": '{"a": {"b": 1}}'}, "invalid_metadata"),
        ("a.md", {"metadata": '{"a": NaN}'}, "invalid_metadata"),
        ("a.md", {"metadata": '{"a b": 1}'}, "invalid_metadata"),
        ("a.md", {"metadata": '{"a": "\\ud800"}'}, "invalid_metadata"),
        ("a.md", {"metadata": "[" * 5000}, "invalid_metadata"),
        ("a.md", {"metadata": json.dumps({f"f{n}": n for n in range(65)})}, "invalid_metadata"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(
    client: httpx.Client, queue: RecordingQueue, data_dir: Path, name: str, fields: dict[str, str], code: str
) -> None:
    before = len(queue.submitted)
    # Names are sent raw: a client library would escape them.
    body = b""
    for field, value in fields.items():
        body += f'--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
    body += f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\nunique\r\n--b--'.encode()
    response = client.post("/v1/documents", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert 400 <= response.status_code < 500
    assert response.json()["code"] == code
    assert response.json()["detail"]
    assert len(queue.submitted) == before
    assert list((data_dir / "uploads").iterdir()) == []
    assert not list((data_dir / "originals").rglob(hashlib.sha256(b"unique").hexdigest() + "*"))


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "unsupported_media_type"),
        ("multipart/form-data", b"x", 400, "broken_upload"),
        ("multipart/form-data; boundary=b", b"--b\r\nno", 400, "broken_upload"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422, "missing_file"),
    ],
)
def test_a_broken_upload_is_refused(
    client: httpx.Client, content_type: str, body: bytes, status: int, code: str
) -> None:
    response = client.post("/v1/documents", content=body, headers={"content-type": content_type})
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_file_over_the_limit_is_refused_with_the_limit(client: httpx.Client, data_dir: Path) -> None:
    response = upload(client, "big.bin", b"x" * (MAX_FILE_BYTES + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert f"{MAX_FILE_BYTES:,}" in response.json()["detail"]
    response = upload(client, "huge.bin", b"x" * (5 * MAX_FILE_BYTES))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert list((data_dir / "uploads").iterdir()) == []


def test_a_client_that_leaves_in_the_middle_of_an_upload_leaves_nothing(
    client: httpx.Client, address: str, data_dir: Path, queue: RecordingQueue
) -> None:
    before = len(queue.submitted), client.get("/v1/documents").json()
    port = int(address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="half.bin"\r\n\r\n'
        connection.sendall(
            b"POST /v1/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n" + head + os.urandom(200_000)
        )
        # The temporary file has no name; only /proc shows that the upload is under way.
        wait_until(lambda: open_uploads(data_dir) == 1)
    wait_until(lambda: open_uploads(data_dir) == 0)
    assert (len(queue.submitted), client.get("/v1/documents").json()) == before
    assert list((data_dir / "uploads").iterdir()) == []


def open_uploads(data_dir: Path) -> int:
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            count += os.readlink(descriptor).startswith(str(data_dir / "uploads"))
        except OSError:
            continue
    return count


def test_a_large_upload_does_not_take_the_memory_nor_the_event_loop(client: httpx.Client, address: str) -> None:
    """The server goes on answering while a slow client sends."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/v1/documents")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()

    def send(piece: bytes) -> None:
        connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    send(b'--b\r\nContent-Disposition: form-data; name="file"; filename="slow.bin"\r\n\r\n')
    for _ in range(10):
        send(b"y" * 50_000)
        assert client.get("/health/live").status_code == 200
    send(b"\r\n--b--\r\n")
    connection.send(b"0\r\n\r\n")
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    assert response.status == 202
    assert client.get(f"/v1/documents/{body['document_id']}").json()["size_bytes"] == 500_000


def test_listing_pages_and_filters(client: httpx.Client, ledger: JobLedger) -> None:
    names = [f"{number}.md" for number in range(5)]
    jobs = [upload(client, name, name.encode(), collection="listed").json()["job_id"] for name in names]
    fail(ledger, jobs[0])
    first = client.get("/v1/documents", params={"collection": "listed", "limit": 3}).json()
    rest = client.get(
        "/v1/documents", params={"collection": "listed", "limit": 3, "cursor": first["next_cursor"]}
    ).json()
    assert [d["name"] for d in first["documents"] + rest["documents"]] == names[::-1]
    assert rest["next_cursor"] is None
    failed = client.get("/v1/documents", params={"collection": "listed", "status": "failed"}).json()["documents"]
    assert [d["name"] for d in failed] == ["0.md"]
    assert failed[0]["error"] == {"code": "encrypted", "message": "The file is protected by a password."}


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"collection": "nowhere"}, 404, "unknown_collection"),
        ({"status": "lost"}, 422, "invalid_request"),
        ({"cursor": "made-up"}, 422, None),
        ({"limit": "0"}, 422, "invalid_request"),
        ({"limit": "501"}, 422, "invalid_request"),
    ],
)
def test_a_listing_that_cannot_be_made_is_refused(
    client: httpx.Client, params: dict[str, str], status: int, code: str | None
) -> None:
    response = client.get("/v1/documents", params=params)
    assert response.status_code == status
    assert code is None or response.json()["code"] == code


def test_only_failed_documents_can_be_tried_again(
    client: httpx.Client, ledger: JobLedger, queue: RecordingQueue
) -> None:
    accepted = upload(client, "again.md", b"again").json()
    refused = client.post(f"/v1/documents/{accepted['document_id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")
    fail(ledger, accepted["job_id"])
    retried = client.post(f"/v1/documents/{accepted['document_id']}/retry")
    assert retried.status_code == 202
    assert retried.json()["job_id"] != accepted["job_id"]
    assert (retried.json()["job_id"], JobKind.INGEST) in queue.submitted


def test_delete_hides_at_once_and_leaves_the_rest_to_a_job(
    client: httpx.Client, ledger: JobLedger, queue: RecordingQueue
) -> None:
    accepted = upload(client, "gone.md", b"gone").json()
    finish(ledger, accepted["job_id"])
    response = client.delete(f"/v1/documents/{accepted['document_id']}")
    assert (response.status_code, response.json()["document_id"]) == (202, accepted["document_id"])
    assert (response.json()["job_id"], JobKind.DELETE) in queue.submitted
    shown = client.get(f"/v1/documents/{accepted['document_id']}")
    assert shown.status_code == 404 or shown.json()["searchable"] is False


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/retry")])
def test_an_unknown_document(client: httpx.Client, method: str, path: str) -> None:
    response = client.request(method, f"/v1/documents/none{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_document")


@pytest.mark.parametrize("document_id", ["%00", "a%0Ab", "x" * 200, "%ff%fe"])
def test_an_identifier_that_cannot_be_one(client: httpx.Client, document_id: str) -> None:
    response = client.get(f"/v1/documents/{document_id}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert response.json()["errors"][0]["field"] == "document_id"
