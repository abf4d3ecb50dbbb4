from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from api.schemas import AnswerBody
from generation.answers import InvalidQuestion, OnUnsupported, Turn
from runtime.errors import Unavailable
from tests.api.conftest import ScriptedParts, answer, events_of
from tests.api.serving import wait_until


def test_the_answer_is_that_of_the_contract_and_can_be_looked_up(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"question": "How often?"})
    assert response.status_code == 200
    body = response.json()
    expected = json.loads(json.dumps(answer("How often?", body["answer_id"]).to_json()))
    assert body == expected
    assert client.get(f"/v1/answers/{body['answer_id']}").json() == body


def test_the_documented_shape_holds_every_field_that_is_sent() -> None:
    sent = json.loads(json.dumps(answer("q").to_json()))
    assert json.loads(AnswerBody.model_validate(sent).model_dump_json()) == sent


def test_an_answer_that_is_not_to_be_kept_is_not(client: httpx.Client) -> None:
    def counted() -> tuple[Any, int]:
        rate, usage = client.get("/v1/groundedness/rate").json(), client.get("/v1/usage").json()
        return rate["counts"], usage["total"]["answers"]

    before = counted()
    said = client.post("/v1/ask", json={"question": "How many days?", "store": False}).json()
    assert client.get(f"/v1/answers/{said['answer_id']}").status_code == 404
    assert counted() == (before[0], before[1] + 1)  # what it cost is entered all the same


def test_an_unknown_answer(client: httpx.Client) -> None:
    response = client.get("/v1/answers/none")
    assert (response.status_code, response.json()["code"]) == (404, "unknown_answer")


def test_everything_the_caller_chose_reaches_the_answerer(client: httpx.Client, parts: ScriptedParts) -> None:
    body = {
        "question": "And then?",
        "model": "big",
        "history": [{"role": "user", "content": "First?"}, {"role": "assistant", "content": "This."}],
        "on_unsupported": "refuse",
        "max_latency_ms": 900,
        "max_cost_usd": 0,
        "cache": False,
        "filters": {"team": "sales"},
        "top_k": 4,
    }
    assert client.post("/v1/ask", json=body).status_code == 200
    question = parts.asked[0]
    assert question.text == "And then?"
    assert question.model == "big"
    assert question.history == (Turn("user", "First?"), Turn("assistant", "This."))
    assert question.on_unsupported is OnUnsupported.REFUSE
    assert (question.max_latency_ms, question.max_cost_usd, question.use_cache) == (900, 0, False)
    assert question.top_k == 4
    assert question.scope.filters == {"team": "sales"}


@pytest.mark.parametrize(
    "change",
    [
        {"on_unsupported": "ignore"},
        {"history": [{"role": "system", "content": "x"}]},
        {"history": [{"role": "user", "content": "x"}] * 51},
        {"max_latency_ms": 0},
        {"max_cost_usd": -1},
        {"stream": "perhaps"},
        {"temperature": 1},
        {"model": ""},
    ],
)
def test_a_field_that_cannot_be_used_is_refused(
    client: httpx.Client, parts: ScriptedParts, change: dict[str, object]
) -> None:
    response = client.post("/v1/ask", json={"question": "q"} | change)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert parts.asked == []


def test_a_stream_has_the_events_of_the_contract_in_order(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/ask", json={"question": "How often?", "stream": True}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [(name, json.loads(data)) for name, data in events_of(response.iter_lines())]
    assert [name for name, _ in events] == ["passages", "delta", "delta", "sentence", "answer"]
    final = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == final["answer"]
    assert events[0][1]["passages"] == final["passages"]
    assert events[3][1] == final["groundedness"]["sentences"][0]
    assert client.get(f"/v1/answers/{final['answer_id']}").json() == final


def test_tokens_arrive_while_the_answer_is_still_made(client: httpx.Client, parts: ScriptedParts) -> None:
    parts.hold = True
    with client.stream("POST", "/v1/ask", json={"question": "q", "stream": True}) as response:
        lines = response.iter_lines()
        seen = [next(lines) for _ in range(5)]
    assert "event: delta" in seen
    wait_until(parts.cancelled.is_set, 5)  # and leaving ended the work


def test_a_caller_that_leaves_ends_the_work_without_a_stream_too(client: httpx.Client, parts: ScriptedParts) -> None:
    parts.hold = True
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/ask", json={"question": "q"}, timeout=0.5)
    wait_until(parts.cancelled.is_set, 5)


def test_what_is_refused_before_a_stream_begins_has_its_own_status(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"question": " ", "stream": True})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_question")
    response = client.post("/v1/ask", json={"question": "q", "stream": True, "collection": "nowhere"})
    assert (response.status_code, response.json()["code"]) == (404, "unknown_collection")


def test_an_error_in_a_stream_is_its_last_event(client: httpx.Client, parts: ScriptedParts) -> None:
    parts.error = Unavailable("The model does not answer. Try again.")
    response = client.post("/v1/ask", json={"question": "q", "stream": True})
    name, data = events_of(iter(response.text.splitlines()))[-1]
    assert name == "error"
    problem = json.loads(data)
    assert (problem["code"], problem["status"], problem["retryable"]) == ("unavailable", 503, True)
    assert problem["request_id"] == response.headers["x-request-id"]


def test_an_error_of_the_answerer_has_its_status(client: httpx.Client, parts: ScriptedParts) -> None:
    parts.error = InvalidQuestion("Longer than this model can answer.")
    response = client.post("/v1/ask", json={"question": "q"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_question")
