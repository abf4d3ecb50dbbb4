from __future__ import annotations

import httpx
import pytest

from api.schemas import SearchResponse
from retrieval.passages import Range
from runtime.errors import PlumblineError, Unavailable
from tests.api.conftest import ScriptedParts


def test_passages_come_back_as_the_contract_says(client: httpx.Client, parts: ScriptedParts) -> None:
    response = client.post("/v1/search", json={"question": "How often?"})
    assert response.status_code == 200
    body = response.json()
    SearchResponse.model_validate(body, strict=False)
    assert body["passages"][0]["section"] == "Manual > Care"
    assert body["passages"][0]["span"] == [100, 140]
    assert body["passages"][0]["scores"] == {"dense": 0.6, "bm25": 9.2}
    assert body["timings_ms"] == {"retrieve": 1.5}
    assert parts.searched[0][0] == "How often?"
    assert parts.searched[0][2] == 7, "the configured number of passages"


def test_filters_reach_the_search_with_their_types(client: httpx.Client, parts: ScriptedParts) -> None:
    filters = {"team": "sales", "year": {"gte": 2024}, "level": [1, 2.5, True, "a"], "open": False, "count": 3}
    assert client.post("/v1/search", json={"question": "q", "filters": filters, "top_k": 3}).status_code == 200
    _, scope, top_k = parts.searched[0]
    assert scope.tenant == "default"
    assert scope.collection is None
    assert scope.filters == {
        "team": "sales",
        "year": Range(2024, None),
        "level": [1, 2.5, True, "a"],
        "open": False,
        "count": 3,
    }
    assert [type(value) for value in scope.filters["level"]] == [int, float, bool, str]  # type: ignore[union-attr]
    assert top_k == 3


def test_the_search_does_not_run_on_the_event_loop(client: httpx.Client, parts: ScriptedParts) -> None:
    client.post("/v1/search", json={"question": "q"})
    assert "AnyIO worker" in parts.threads[0]


@pytest.mark.parametrize("question", ["", "   \n\t", "\u00a0\u2003"])
def test_an_empty_question_is_refused(client: httpx.Client, question: str) -> None:
    response = client.post("/v1/search", json={"question": question})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_question")
    assert "empty" in response.json()["detail"]


def test_a_question_of_100000_characters_is_refused_with_the_limit(client: httpx.Client, parts: ScriptedParts) -> None:
    response = client.post("/v1/search", json={"question": "é" * 100_000})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_question")
    assert "100,000" in response.json()["detail"]
    assert "20,000" in response.json()["detail"]
    assert parts.searched == []


def test_an_unknown_collection_is_named(client: httpx.Client) -> None:
    response = client.post("/v1/search", json={"question": "q", "collection": "nowhere"})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_collection")
    assert "nowhere" in response.json()["detail"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"top_k": 0}, "top_k"),
        ({"top_k": 101}, "top_k"),
        ({"top_k": "many"}, "top_k"),
        ({"topk": 5}, "topk"),
        ({"collection": ""}, "collection"),
        ({"collection": 3}, "collection"),
        ({"filters": {"year": {"gt": 3}}}, "filters"),
        ({"filters": {"year": {}}}, "filters"),
        ({"filters": {"year": []}}, "filters"),
        ({"filters": {"year": None}}, "filters"),
        ({"filters": {"year": [[1]]}}, "filters"),
        ({"filters": {"a.b": 1}}, "filters"),
        ({"filters": {"": 1}}, "filters"),
        ({"filters": {"n": 2**70}}, "filters"),
        ({"filters": [1]}, "filters"),
        ({"question": None}, "question"),
        ({"question": ["q"]}, "question"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(client: httpx.Client, change: dict[str, object], field: str) -> None:
    response = client.post("/v1/search", json={"question": "q"} | change)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "invalid_request")
    assert problem["errors"][0]["field"].split(".")[0] == field
    assert field in problem["detail"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"question": ', 400, "invalid_json"),
        (b"\xff\xfe{", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (b'{"question": "a\\ud800b"}', 422, "invalid_request"),
        (b'{"question": "a\\u0000b"}', 422, "invalid_request"),
        (b'{"question": "q", "collection": "a\\ud800b"}', 422, "invalid_request"),
        (b'{"question": "q", "filters": {"n": "a\\ud800b"}}', 422, "invalid_request"),
        (b'{"question": "q", "filters": {"n": NaN}}', 422, "invalid_request"),
        (b'["question"]', 422, "invalid_request"),
        (b"", 422, "invalid_request"),
    ],
)
def test_a_body_that_is_no_request_is_refused(client: httpx.Client, body: bytes, status: int, code: str) -> None:
    response = client.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_over_the_limit_is_refused(client: httpx.Client) -> None:
    response = client.post("/v1/search", json={"question": "x" * 3_000_000})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")

    def pieces() -> object:
        for _ in range(50):
            yield b"x" * 65536

    response = client.post("/v1/search", content=pieces(), headers={"content-type": "application/json"})  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_errors_of_the_search_keep_their_code_and_say_whether_to_try_again(
    client: httpx.Client, parts: ScriptedParts
) -> None:
    parts.error = Unavailable("The index does not answer. Try again.")
    response = client.post("/v1/search", json={"question": "q"})
    assert (response.status_code, response.json()["code"], response.json()["retryable"]) == (503, "unavailable", True)
    assert int(response.headers["retry-after"]) > 0


def test_an_error_with_a_code_of_its_own_takes_the_status_of_its_base(
    client: httpx.Client, parts: ScriptedParts
) -> None:
    class Odd(Unavailable):
        code = "odd"

    parts.error = Odd("Odd.")
    response = client.post("/v1/search", json={"question": "q"})
    assert (response.status_code, response.json()["code"]) == (503, "odd")
    parts.error = PlumblineError("Unknown kind.", code="odd")
    assert client.post("/v1/search", json={"question": "q"}).status_code == 500


def test_an_unforeseen_error_tells_nothing_of_the_inside(
    client: httpx.Client, parts: ScriptedParts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.error = RuntimeError("secret-of-the-server")
    response = client.post("/v1/search", json={"question": "q"}, headers={"X-Request-ID": "my-request-1"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert response.json()["request_id"] == "my-request-1" == response.headers["x-request-id"]
    assert "secret-of-the-server" in caplog.text
    assert any(vars(record).get("request_id") == "my-request-1" for record in caplog.records)
