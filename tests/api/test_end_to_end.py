"""The whole platform behind the HTTP interface: real parser, model, index, queue and records."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from api.app import create_app
from runtime.settings import Settings
from tests.api.conftest import events_of
from tests.api.serving import serving, wait_until

TEXT = b"""# Opening hours

The reading room opens at nine in the morning and closes at six in the evening.

# Loans

A member may borrow seven books for four weeks. Rare maps never leave the house.
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("plumb"))
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def follow(client: httpx.Client, job_id: str) -> list[dict[str, object]]:
    with client.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        return [json.loads(data) for _, data in events_of(response.iter_lines())]


def test_a_document_is_taken_in_asked_replaced_and_deleted(library: httpx.Client) -> None:
    sent = {"files": {"file": ("guides/library.txt", TEXT)}, "data": {"metadata": '{"year": 2026}'}}
    accepted = library.post("/v1/documents", **sent).json()  # type: ignore[arg-type]
    states = follow(library, accepted["job_id"])
    assert states[-1]["status"] == "ready", states[-1]["error"]
    assert "\nplumbline_index_mean_chunk_terms " in library.get("/metrics").text
    assert library.post("/v1/documents", **sent).json()["status"] == "unchanged"  # type: ignore[arg-type]

    ask = {"question": "How many books may a member borrow?", "filters": {"year": {"gte": 2026}}}
    answer = library.post("/v1/ask", json=ask).json()
    assert not answer["refused"], answer
    assert "seven books" in answer["answer"]
    citation = answer["citations"][0]
    assert citation["document_name"] == "guides/library.txt"
    passage = next(p for p in answer["passages"] if p["chunk_id"] == citation["chunk_id"])
    start, end = (offset - passage["span"][0] for offset in citation["quote_span"])
    assert passage["text"][start:end] == citation["quote"], "the page marks exactly the quoted words"
    assert library.get(f"/v1/answers/{answer['answer_id']}").json() == answer

    streamed = library.post("/v1/ask", json=ask | {"stream": True})
    events = [(name, json.loads(data)) for name, data in events_of(iter(streamed.text.splitlines()))]
    assert events[0][0] == "passages"
    assert events[-1][0] == "answer"
    assert events[-1][1]["answer"] == answer["answer"]
    assert "".join(data["text"] for name, data in events if name == "delta") == answer["answer"]

    ask["filters"] = {"year": {"gte": 2027}}
    assert library.post("/v1/ask", json=ask).json()["refused"]

    changed = TEXT.replace(b"seven books", b"nine books")
    accepted = library.post("/v1/documents", files={"file": ("guides/library.txt", changed)}).json()
    assert follow(library, accepted["job_id"])[-1]["status"] == "ready"
    found = library.post("/v1/search", json={"question": "How many books may a member borrow?"}).json()["passages"]
    assert "nine books" in found[0]["text"]
    assert not any("seven books" in passage["text"] for passage in found)

    deleted = library.delete(f"/v1/documents/{accepted['document_id']}").json()
    assert library.post("/v1/search", json={"question": "books"}).json()["passages"] == []
    assert follow(library, deleted["job_id"])[-1]["status"] == "deleted"
    assert library.get("/v1/documents").json()["documents"] == []


def cached_entries(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith("plumbline_cache_entries ")).split()[1])


def test_an_answer_from_the_cache_goes_with_what_it_rests_on(library: httpx.Client) -> None:
    accepted = library.post("/v1/documents", files={"file": ("maps.txt", TEXT)}, data={"collection": "maps"}).json()
    assert follow(library, accepted["job_id"])[-1]["status"] == "ready"
    ask = {"question": "For how many weeks may a member borrow books?", "collection": "maps"}
    first = library.post("/v1/ask", json=ask).json()
    wait_until(lambda: cached_entries(library) == 1)
    again = library.post("/v1/ask", json=ask | {"question": "for how many weeks may a member borrow books"}).json()
    assert again["cache"]["hit"] and not first["cache"]["hit"]
    assert (again["answer"], again["citations"]) == (first["answer"], first["citations"])
    assert not library.post("/v1/ask", json=ask | {"cache": False}).json()["cache"]["hit"]

    changed = TEXT.replace(b"four weeks", b"six weeks")
    replaced = library.post("/v1/documents", files={"file": ("maps.txt", changed)}, data={"collection": "maps"}).json()
    assert follow(library, replaced["job_id"])[-1]["status"] == "ready"
    answer = library.post("/v1/ask", json=ask).json()
    assert not answer["cache"]["hit"] and "six weeks" in answer["answer"]

    wait_until(lambda: cached_entries(library) == 1)
    deleted = library.delete(f"/v1/documents/{accepted['document_id']}").json()
    assert follow(library, deleted["job_id"])[-1]["status"] == "deleted"
    assert cached_entries(library) == 0, "nothing of a deleted document stays"


def test_a_file_that_cannot_be_read_fails_with_its_reason(library: httpx.Client) -> None:
    accepted = library.post("/v1/documents", files={"file": ("empty.txt", b"")}).json()
    assert follow(library, accepted["job_id"])[-1]["status"] == "failed"
    document = library.get(f"/v1/documents/{accepted['document_id']}").json()
    assert document["error"]["code"] == "empty_file"
    assert "empty" in document["error"]["message"]
