"""`/v1/chat/completions` as OpenAI's own client sees it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pydantic
import pytest

from api.chat_schemas import ChatCompletion, ChatRequest
from generation.answers import Answer, AnswerDone, OnUnsupported, Turn, Usage
from generation.language_models.model import UnknownModel
from runtime.errors import Unavailable
from tests.api.conftest import ScriptedParts, answer
from tests.api.serving import wait_until

ASK: Any = {"model": "plumbline", "messages": [{"role": "user", "content": "How often?"}]}
TEXT = "The scale is calibrated every two years. [1]"


@pytest.fixture(scope="module")
def official(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="sk-anything", max_retries=0, timeout=20) as client:
        yield client


def ours(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part.model_extra["plumbline"]
    return found


def give(parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The scripted answer with these changes."""
    stream = type(parts).stream

    async def changed(self: ScriptedParts, question: Any) -> Any:
        async for event in stream(self, question):
            if isinstance(event, AnswerDone):
                yield AnswerDone(dataclasses.replace(event.answer, **changes))
            else:
                yield event

    monkeypatch.setattr(type(parts), "stream", changed)


def test_a_completion_is_the_answer_with_everything_of_ours(official: openai.OpenAI, client: httpx.Client) -> None:
    completion = official.chat.completions.create(**ASK)
    assert completion.object == "chat.completion"
    assert completion.model == "scripted"
    choice = completion.choices[0]
    assert (choice.message.role, choice.message.content, choice.message.refusal) == ("assistant", TEXT, None)
    assert choice.finish_reason == "stop"
    found = ours(completion)
    expected = json.loads(json.dumps(answer("How often?", found["answer_id"]).to_json()))
    assert found == {**expected, "ignored": []}
    assert client.get(f"/v1/answers/{found['answer_id']}").json() == expected


def test_the_documented_shape_holds_every_field_that_is_sent(client: httpx.Client) -> None:
    sent = client.post("/v1/chat/completions", json=ASK).json()
    assert json.loads(ChatCompletion.model_validate(sent).model_dump_json()) == sent


def test_citations_are_annotations_that_lead_to_the_document(official: openai.OpenAI, address: str) -> None:
    annotations = official.chat.completions.create(**ASK).choices[0].message.annotations
    assert annotations is not None
    citation = annotations[0].url_citation
    assert TEXT[citation.start_index : citation.end_index] == "The scale is calibrated every two years."
    assert (citation.title, citation.url) == ("manual/scale.md", f"{address}/v1/documents/d-1#page=3")


def test_tokens_are_those_of_the_answer(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(parts, monkeypatch, usage=Usage(120, 30, 0.002, cached_prompt_tokens=100), cut_short=True)
    completion = official.chat.completions.create(**ASK)
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (120, 30)
    assert completion.usage.total_tokens == 150
    assert completion.usage.prompt_tokens_details is not None
    assert completion.usage.prompt_tokens_details.cached_tokens == 100
    assert completion.choices[0].finish_reason == "length"


def test_a_stream_is_the_same_answer_piece_by_piece(official: openai.OpenAI, client: httpx.Client) -> None:
    chunks = list(official.chat.completions.create(**ASK, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert chunks[0].choices[0].delta.role == "assistant"
    assert len({(chunk.id, chunk.created, chunk.object) for chunk in chunks}) == 1
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    verdicts = [ours(chunk)["sentence"] for chunk in chunks[:-1] if chunk.model_extra]
    last = ours(chunks[-1])
    assert verdicts == last["groundedness"]["sentences"]
    assert last["answer"] == TEXT
    assert chunks[-1].model == "scripted"
    annotations = chunks[-1].choices[0].delta.model_extra["annotations"]  # type: ignore[index]
    assert [one["url_citation"]["title"] for one in annotations] == ["manual/scale.md"]
    assert client.get(f"/v1/answers/{last['answer_id']}").json()["answer"] == TEXT


def test_the_lines_of_a_stream(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json={**ASK, "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in response.text.splitlines() if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"


def test_tokens_come_in_a_chunk_of_their_own_when_asked_for(official: openai.OpenAI) -> None:
    chunks = list(official.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None


def test_the_clients_own_gathering_of_a_stream_works(official: openai.OpenAI) -> None:
    with official.chat.completions.stream(**ASK) as stream:
        kinds = [event.type for event in stream]
        completion = stream.get_final_completion()
    assert completion.choices[0].message.content == TEXT
    assert completion.choices[0].finish_reason == "stop"
    assert "content.delta" in kinds


def test_the_asynchronous_client(address: str) -> None:
    async def ask() -> tuple[str | None, str]:
        async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="x", max_retries=0) as client:
            whole = await client.chat.completions.create(**ASK)
            stream = await client.chat.completions.create(**ASK, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return whole.choices[0].message.content, "".join(pieces)

    assert asyncio.run(ask()) == (TEXT, TEXT)


def test_a_conversation_becomes_a_question_with_its_history(official: openai.OpenAI, parts: ScriptedParts) -> None:
    messages: Any = [
        {"role": "system", "content": "Answer in a table."},
        {"role": "user", "content": "First?"},
        {"role": "assistant", "content": "This. [1]", "refusal": None, "annotations": [], "plumbline": {}},
        {"role": "developer", "content": [{"type": "text", "text": "Be short."}]},
        {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": "then?"}]},
    ]
    official.chat.completions.create(model="auto", messages=messages)
    question = parts.asked[0]
    assert question.text == "And\nthen?"
    assert question.history == (Turn("user", "First?"), Turn("assistant", "This. [1]"))
    assert question.format_hint == "Answer in a table.\nBe short."
    assert (question.model, question.live, question.json_schema, question.max_tokens) == (None, False, None, None)


def test_of_a_long_conversation_the_latest_turns_are_kept(official: openai.OpenAI, parts: ScriptedParts) -> None:
    turns: Any = [{"role": ("user", "assistant")[n % 2], "content": f"{n}"} for n in range(201)]
    official.chat.completions.create(model="auto", messages=turns)
    assert [turn.content for turn in parts.asked[0].history] == [str(n) for n in range(150, 200)]


def test_everything_the_caller_chose_reaches_the_answerer(official: openai.OpenAI, parts: ScriptedParts) -> None:
    choices = {
        "filters": {"team": "sales"},
        "top_k": 4,
        "on_unsupported": "refuse",
        "cache": False,
        "max_latency_ms": 900,
        "max_cost_usd": 0.5,
    }
    body = {**ASK, "model": "big", "max_tokens": 7, "max_completion_tokens": 70, "extra_body": {"plumbline": choices}}
    list(official.chat.completions.create(**body, stream=True))
    question = parts.asked[0]
    assert (question.model, question.max_tokens, question.top_k, question.use_cache) == ("big", 70, 4, False)
    assert question.on_unsupported is OnUnsupported.REFUSE
    assert (question.max_latency_ms, question.max_cost_usd, question.live) == (900, 0.5, True)
    assert question.scope.filters == {"team": "sales"}


def test_what_has_no_effect_is_named_in_the_answer(official: openai.OpenAI) -> None:
    completion = official.chat.completions.create(
        **ASK,
        temperature=0,
        top_p=0.5,
        seed=3,
        stop=["\n"],
        user="me",
        n=1,
        tools=[],
        tool_choice="none",
        logprobs=False,
    )
    assert ours(completion)["ignored"] == ["temperature", "top_p", "seed", "stop", "user"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"plumbline": {"colection": "x"}}, "plumbline.colection"),
        ({"plumbline": {"filters": {"a": {}}}}, "plumbline.filters.a"),
        ({"plumbine": {}}, "plumbine"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages"),
        ({"messages": [*ASK["messages"], {"role": "assistant", "content": "So"}]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "x" * 20_001}]}, "messages.0.content"),
        ({"messages": [{"role": "system", "content": "x" * 2001}, *ASK["messages"]]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]},
            "messages.0.content",
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"$ref": "http://x/y"}},
                }
            },
            "response_format",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    official: openai.OpenAI, parts: ScriptedParts, change: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        official.chat.completions.create(**ASK, extra_body=change)
    assert refusal.value.type == "invalid_request_error"
    assert refusal.value.param is not None and refusal.value.param.startswith(param)
    assert refusal.value.body["message"]  # type: ignore[index]
    assert refusal.value.request_id
    assert parts.asked == []


def test_every_parameter_of_the_official_client_is_known() -> None:
    from openai.types.chat.completion_create_params import (
        CompletionCreateParamsNonStreaming,
        CompletionCreateParamsStreaming,
    )

    theirs = {*CompletionCreateParamsNonStreaming.__annotations__, *CompletionCreateParamsStreaming.__annotations__}
    for base in CompletionCreateParamsStreaming.__orig_bases__:  # type: ignore[attr-defined]
        theirs |= set(base.__annotations__)
    assert len(theirs) > 30
    assert theirs - set(ChatRequest.model_fields) == set()


@pytest.mark.parametrize("streamed", [True, False])
def test_errors_before_the_first_word_have_their_status(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    async def unknown(self: ScriptedParts, question: Any) -> Any:
        raise UnknownModel("There is no model 'gpt-9'.")
        yield

    monkeypatch.setattr(ScriptedParts, "stream", unknown)
    with pytest.raises(openai.NotFoundError) as missing:
        official.chat.completions.create(**ASK, stream=streamed)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError) as missing:
        official.chat.completions.create(**ASK, stream=streamed, extra_body={"plumbline": {"collection": "nowhere"}})
    assert missing.value.code == "unknown_collection"


def test_an_error_of_a_part_is_one_that_the_client_tries_again(official: openai.OpenAI, parts: ScriptedParts) -> None:
    parts.error = Unavailable("The model does not answer. Try again.")
    with pytest.raises(openai.InternalServerError) as failure:
        official.chat.completions.create(**ASK)
    assert (failure.value.status_code, failure.value.type, failure.value.code) == (503, "server_error", "unavailable")
    assert failure.value.response.headers["retry-after"]
    assert failure.value.response.headers["x-should-retry"] == "true"
    parts.error = Unavailable("No model gave JSON.", retryable=False)
    asked = len(parts.asked)
    with pytest.raises(openai.InternalServerError):
        official.with_options(max_retries=2).chat.completions.create(**ASK)
    assert len(parts.asked) == asked + 1


def test_an_error_in_the_middle_of_a_stream_is_raised_by_the_client(
    official: openai.OpenAI, parts: ScriptedParts, client: httpx.Client
) -> None:
    parts.error = Unavailable("The model does not answer. Try again.")
    pieces: list[str] = []
    chunks = official.chat.completions.create(**ASK, stream=True)
    with pytest.raises(openai.APIError, match="does not answer") as failure:
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "".join(pieces) == "The scale is calibrated "
    assert failure.value.code == "unavailable"
    assert "[DONE]" not in client.post("/v1/chat/completions", json={**ASK, "stream": True}).text


def test_a_body_that_is_no_json_is_told_in_their_shape_too(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", content=b"{", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_json")
    response = client.post("/v1/chat/completions", content=b"[" + b" " * 3_000_000 + b"]")
    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("streamed", [True, False])
def test_a_caller_that_leaves_ends_the_work(official: openai.OpenAI, parts: ScriptedParts, streamed: bool) -> None:
    parts.hold = True
    if streamed:
        with official.chat.completions.create(**ASK, stream=True) as stream:
            assert next(stream).choices[0].delta.role == "assistant"
    else:
        with pytest.raises(openai.APITimeoutError):
            official.with_options(timeout=0.5).chat.completions.create(**ASK)
    wait_until(parts.cancelled.is_set, 5)


class Interval(pydantic.BaseModel):
    """The answer that the caller's program wants."""

    years: int


def test_json_answers_come_whole_and_parsed(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(parts, monkeypatch, answer='{"years": 2}')
    parsed = official.chat.completions.parse(**ASK, response_format=Interval)
    assert parsed.choices[0].message.parsed == Interval(years=2)
    assert parts.asked[0].json_schema == {**Interval.model_json_schema(), "additionalProperties": False}
    official.chat.completions.create(**ASK, response_format={"type": "json_object"})
    assert parts.asked[1].json_schema == {"type": "object"}
    with official.chat.completions.stream(**ASK, response_format=Interval) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.parsed == Interval(years=2)
    assert not parts.asked[2].live


def test_words_never_stand_where_json_is_expected(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(parts, monkeypatch, answer="Hello! Ask me about the documents.")
    parsed = official.chat.completions.parse(**ASK, response_format=Interval).choices[0].message
    assert (parsed.content, parsed.parsed, parsed.refusal) == (None, None, "Hello! Ask me about the documents.")


def test_a_refusal_never_stands_where_json_is_expected(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(parts, monkeypatch, answer="The documents do not say.", refused=True, citations=(), groundedness=None)
    said = official.chat.completions.create(**ASK).choices[0].message
    assert (said.content, said.refusal) == ("The documents do not say.", None)
    parsed = official.chat.completions.parse(**ASK, response_format=Interval).choices[0].message
    assert (parsed.content, parsed.parsed, parsed.refusal) == (None, None, "The documents do not say.")
    chunks = list(official.chat.completions.create(**ASK, response_format={"type": "json_object"}, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ""
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == "The documents do not say."
    assert ours(chunks[-1])["refused"]


def test_models_can_be_listed_and_looked_up(official: openai.OpenAI) -> None:
    assert [model.id for model in official.models.list()] == ["plumbline", "scripted", "extractive"]
    assert official.models.retrieve("extractive").object == "model"
    assert official.models.retrieve("auto").id == "auto"
    with pytest.raises(openai.NotFoundError) as missing:
        official.models.retrieve("meta/llama")
    assert missing.value.code == "model_not_found"


def test_an_answer_without_pages_or_citations(
    official: openai.OpenAI, parts: ScriptedParts, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    plain: Answer = answer("q")
    give(parts, monkeypatch, citations=(dataclasses.replace(plain.citations[0], page=None),))
    annotations = official.chat.completions.create(**ASK).choices[0].message.annotations
    assert annotations is not None
    assert annotations[0].url_citation.url == f"{address}/v1/documents/d-1"
