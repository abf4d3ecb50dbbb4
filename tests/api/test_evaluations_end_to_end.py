"""Evaluations over the whole platform: HTTP, worker, records, the real index and the extractive model."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from runtime.settings import Settings
from tests.api.conftest import events_of
from tests.api.serving import serving

TEXT = b"""# Loans

A member may borrow seven books for four weeks. Rare maps never leave the house.

# Hours

The reading room opens at nine in the morning.
"""
CASES = [
    {"id": "books", "question": "How many books may a member borrow?", "answers": ["seven"]},
    {"id": "hours", "question": "When does the reading room open?", "answers": ["nine"]},
    {"id": "chess", "question": "Who won the chess tournament of 1911?", "answers": [], "answerable": False},
    {
        "id": "read",
        "question": "How deep is the lake?",
        "context": [{"id": "1", "title": "Lake", "text": "The lake is 31 metres deep at its northern end."}],
        "answers": ["31 metres"],
    },
]
CORPUS = [
    {"_id": "a", "title": "Boats", "text": "A canoe is moved by a paddle."},
    {"_id": "b", "title": "Bread", "text": "Rye bread is baked with sourdough."},
    {"_id": "c", "title": "Bees", "text": "A bee dances to tell where flowers are."},
]
QUERIES = [{"_id": "1", "text": "How is a canoe moved?"}, {"_id": "2", "text": "What is rye bread baked with?"}]
QRELS = "query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n"


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def beir_zip(prefix: str = "set/", **changed: bytes) -> bytes:
    files = {"corpus.jsonl": lines(CORPUS), "queries.jsonl": lines(QUERIES), "qrels/dev.tsv": QRELS.encode()} | changed
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(prefix + name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def client(data_dir: Path) -> Iterator[httpx.Client]:
    settings = Settings(data_dir=data_dir, max_unpacked_bytes=200_000, max_file_bytes=1_000_000)
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        upload = client.post("/v1/documents", files={"file": ("a.txt", TEXT)}, data={"collection": "library"}).json()
        assert followed(client, f"/v1/jobs/{upload['job_id']}")[-1]["status"] == "ready"
        yield client


def followed(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    with client.stream("GET", f"{path}/events") as response:
        return [json.loads(data) for _, data in events_of(response.iter_lines())]


def submit(client: httpx.Client, name: str, content: bytes, **fields: str) -> str:
    response = client.post("/v1/evaluations", files={"file": (name, content)}, data=fields)
    assert response.status_code == 202, response.text
    assert response.json()["status"] == "queued"
    return f"/v1/evaluations/{response.json()['evaluation_id']}"


def test_answers_are_measured_on_the_callers_collection(client: httpx.Client) -> None:
    spent = client.get("/v1/usage").json()["total"]["answers"]
    path = submit(client, "questions.jsonl.gz", gzip.compress(lines(CASES)), kind="answers", collection="library")
    last = followed(client, path)[-1]
    assert (last["status"], last["progress"], last["records"]) == ("succeeded", 1.0, 4), last
    assert last["metrics"]["accuracy"] == 1.0 and last["metrics"]["refusal_recall"] == 1.0
    low, high = last["intervals"]["accuracy"]
    assert low <= 1.0 <= high
    assert last["options"] == {"collection": "library"}
    records = [json.loads(line) for line in client.get(f"{path}/records").text.splitlines()]
    assert [one["id"] for one in records] == ["books", "hours", "chess", "read"]
    assert "seven books" in records[0]["answer"] and records[2]["refused"]
    run = client.get(f"{path}/run").json()
    assert run["command"] == "plumb eval answers --data questions.jsonl.gz --collection library"
    assert run["records"] == records and run["metrics"] == last["metrics"]
    assert client.get("/v1/usage").json()["total"]["answers"] == spent + 5  # the first one warms up


def test_the_cache_is_not_asked(client: httpx.Client) -> None:
    question = {"question": CASES[0]["question"], "collection": "library"}
    client.post("/v1/ask", json=question)
    deadline = time.monotonic() + 10
    while not client.post("/v1/ask", json=question).json()["cache"]["hit"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    hits = client.get("/v1/usage").json()["total"]["cache_hits"]
    followed(client, submit(client, "q.jsonl", lines(CASES[:1]), kind="answers", collection="library"))
    assert client.get("/v1/usage").json()["total"]["cache_hits"] == hits


def test_two_runs_are_compared_item_by_item(client: httpx.Client, tmp_path: Path) -> None:
    kinds = [{"model": "extractive"}, {}]
    paths = [submit(client, "q.jsonl", lines(CASES), kind="answers", collection="library", **one) for one in kinds]
    assert [followed(client, path)[-1]["status"] for path in paths] == ["succeeded", "succeeded"]
    a, b = (path.rpartition("/")[2] for path in paths)
    differences = client.get("/v1/evaluations/compare", params={"a": a, "b": b}).json()["differences"]
    assert {one["metric"]: one["difference"] for one in differences}["correct"] == 0
    other = submit(client, "q.jsonl", lines(CASES[:2]), kind="answers", collection="library")
    followed(client, other)
    refused = client.get("/v1/evaluations/compare", params={"a": a, "b": other.rpartition("/")[2]})
    assert (refused.status_code, "different data" in refused.json()["detail"]) == (422, True)


def test_retrieval_is_measured_on_a_zip(client: httpx.Client) -> None:
    path = submit(client, "set.zip", beir_zip(), kind="retrieval", arms="bm25,fused")
    seen = followed(client, path)
    assert seen[-1]["status"] == "succeeded", seen[-1]["error"]
    assert seen[-1]["metrics"]["bm25/ndcg@10"] == 1.0 and "dense/ndcg@10" not in seen[-1]["metrics"]
    assert [one["progress"] for one in seen] == sorted(one["progress"] for one in seen)
    listed = client.get("/v1/evaluations", params={"kind": "retrieval"}).json()["evaluations"]
    assert [one["data"]["name"] for one in listed] == ["set.zip"]


BOMB = gzip.compress(b"0" * 300_000)


@pytest.mark.parametrize(
    ("kind", "name", "content", "said"),
    [
        ("answers", "q.jsonl", lines(CASES[:1]) + b"{broken\n", "q.jsonl, line 2: not JSON"),
        ("answers", "../../q.jsonl", lines([{"id": "1"}]), "q.jsonl, line 1: `question` is missing"),
        ("answers", "q.jsonl.gz", BOMB, "q.jsonl: the data unpack to more than 200,000 bytes"),
        ("answers", "q.jsonl.gz", gzip.compress(lines(CASES))[:-20], "damaged or cut off"),
        ("answers", "q.jsonl", beir_zip(), "is a zip archive"),
        ("retrieval", "set.zip", beir_zip(**{"qrels/dev.tsv": b"1\ta\tx\n"}), "set/qrels/dev.tsv, line 1: the score"),
        ("retrieval", "set.zip", beir_zip(**{"corpus.jsonl": b"0" * 300_000}), "more than 200,000 bytes"),
        ("retrieval", "set.zip", beir_zip(**{"corpus.jsonl.gz": BOMB}), "two files of the same name"),
        ("retrieval", "set.zip", beir_zip()[:-30], "not a zip archive that can be read"),
        ("retrieval", "set.zip", lines(CASES), "not a zip archive that can be read"),
        ("retrieval", "set.zip", beir_zip(**{"qrels/dev.tsv": b""}), "holds no judgments"),
    ],
)
def test_bad_data_fail_with_file_and_line(
    client: httpx.Client, kind: str, name: str, content: bytes, said: str
) -> None:
    path = submit(client, name, content, kind=kind)
    last = followed(client, path)[-1]
    assert (last["status"], last["error"]["code"]) == ("failed", "invalid_evaluation_data")
    assert said in last["error"]["message"] and "/tmp" not in last["error"]["message"], last["error"]
    response = client.get(f"{path}/run")
    assert (response.status_code, response.json()["code"]) == (409, "evaluation_unfinished")


def test_members_outside_the_folder_are_never_written(client: httpx.Client, data_dir: Path) -> None:
    before = {path.name for path in data_dir.parent.iterdir()}
    content = io.BytesIO(beir_zip(prefix=""))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("../../escaped.jsonl", b"x")
        archive.writestr("/etc/qrels/escaped.tsv", b"x")
    assert followed(client, submit(client, "s.zip", content.getvalue(), kind="retrieval"))[-1]["status"] == "succeeded"
    assert {path.name for path in data_dir.parent.iterdir()} == before


def test_cancelled_in_the_middle(client: httpx.Client) -> None:
    many = [{**CASES[0], "id": str(number)} for number in range(2000)]
    path = submit(client, "many.jsonl", lines(many), kind="answers", collection="library")
    while client.get(path).json()["records"] < 3:
        time.sleep(0.02)
    assert client.post(f"{path}/cancel").status_code == 202
    last = followed(client, path)[-1]
    assert (last["status"], 3 <= last["records"] < 2000) == ("cancelled", True)
    assert len(client.get(f"{path}/records").text.splitlines()) == last["records"]
    again = client.post(f"{path}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "evaluation_finished")


def test_questions_are_answered_meanwhile(client: httpx.Client) -> None:
    many = [{**CASES[0], "id": str(number)} for number in range(300)]
    path = submit(client, "many.jsonl", lines(many), kind="answers", collection="library")
    ask = {"question": "When does the reading room open?", "collection": "library", "cache": False}
    while client.get(path).json()["status"] == "queued":
        time.sleep(0.02)
    began = time.monotonic()
    threads = [threading.Thread(target=client.post, args=("/v1/ask",), kwargs={"json": ask}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 3
    client.post(f"{path}/cancel")
    followed(client, path)


JUDGED = [
    {"id": "a", "context": ["The canteen opens at noon."], "answer": "The canteen opens at noon.", "label": 1},
    {"id": "b", "context": ["The canteen opens at noon."], "answer": "Rockets are launched at dawn.", "label": 0},
]


def test_groundedness_is_measured_with_the_configured_checker(client: httpx.Client) -> None:
    last = followed(client, submit(client, "judged.jsonl", lines(JUDGED), kind="groundedness"))[-1]
    assert last["status"] == "succeeded", last["error"]
    assert last["metrics"]["auroc"] == 1.0
    unknown = followed(client, submit(client, "j.jsonl", lines(JUDGED), kind="groundedness", checker="no-such"))[-1]
    assert (unknown["status"], "no-such" in unknown["error"]["message"]) == ("failed", True)


def test_a_report_can_be_opened_by_anybody_and_runs_nothing(client: httpx.Client) -> None:
    hostile = [{**CASES[3], "question": "How deep is the lake? <script>alert(1)</script>"}]
    path = submit(client, "q.jsonl", lines(hostile), kind="answers")
    assert followed(client, path)[-1]["status"] == "succeeded"
    report = client.get(f"{path}/report")
    assert report.headers["content-type"].startswith("text/html")
    assert "sandbox" in report.headers["content-security-policy"]
    assert "<script" not in report.text and "accuracy" in report.text


def test_a_test_set_is_drafted_judged_and_evaluated(client: httpx.Client) -> None:
    created = client.post("/v1/test-sets", json={"collection": "library", "questions": 5, "unanswerable": 0}).json()
    path = f"/v1/test-sets/{created['test_set_id']}"
    last = followed(client, path)[-1]
    assert last["status"] == "succeeded", last["error"]
    items = client.get(f"{path}/items").json()["items"]
    by_answer = {one["answers"][0]: one for one in items}
    books = by_answer["seven books"]
    assert books["evidence"][0]["document_name"] == "a.txt" and "seven books" in books["evidence"][0]["quote"]
    for item in items:
        judged = "accepted" if item is books else "rejected"
        assert client.patch(f"{path}/items/{item['id']}", json={"status": judged}).status_code == 200
    body = {"kind": "answers", "collection": "library", "test_set_id": created["test_set_id"]}
    evaluation = client.post("/v1/evaluations", json=body).json()
    last = followed(client, f"/v1/evaluations/{evaluation['evaluation_id']}")[-1]
    assert (last["status"], last["records"], last["metrics"]["accuracy"]) == ("succeeded", 1, 1.0), last


def test_a_collection_without_facts_gives_no_test_set(client: httpx.Client) -> None:
    upload = client.post(
        "/v1/documents", files={"file": ("p.txt", b"Hello there.\n\nSee you.")}, data={"collection": "greetings"}
    ).json()
    followed(client, f"/v1/jobs/{upload['job_id']}")
    created = client.post("/v1/test-sets", json={"collection": "greetings"}).json()
    last = followed(client, f"/v1/test-sets/{created['test_set_id']}")[-1]
    assert (last["status"], last["error"]["code"]) == ("failed", "nothing_to_ask")
