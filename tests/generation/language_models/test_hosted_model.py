from __future__ import annotations

import asyncio
import datetime
import email.utils
from collections.abc import Iterator
from typing import Any

import pytest

from generation.language_models.event_stream import EventReader
from generation.language_models.hosted_model import AnthropicProvider, HostedModel, OpenAIProvider, is_closed
from generation.language_models.model import ModelRequest
from generation.language_models.provider_errors import error_of_status, retry_after
from tests.generation.language_models.language_model_contract import (
    PROFILE,
    REQUEST,
    LanguageModelContract,
    collected,
    text_of,
)
from tests.model_server import Behaviour, ModelServer, model_server

KEY = "sk-very-secret"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def openai_model(name: str, url: str) -> HostedModel:
    return HostedModel(PROFILE, OpenAIProvider(name="under-test", model=name, url=url, key=KEY, connect_seconds=1.0))


def anthropic_model(name: str, url: str) -> HostedModel:
    return HostedModel(PROFILE, AnthropicProvider(name="under-test", model=name, url=url, key=KEY, connect_seconds=1.0))


class TestOpenAIProtocol(LanguageModelContract):
    def model_named(self, name: str, provider: ModelServer) -> HostedModel:
        return openai_model(name, provider.openai_url)

    def test_usage_key_and_parameters_are_sent(self, provider: ModelServer) -> None:
        self.pieces("x", provider)
        sent = provider.requests[-1]
        assert sent.headers["authorization"] == f"Bearer {KEY}"
        assert sent.body["stream_options"] == {"include_usage": True}
        assert (sent.body["max_tokens"], sent.body["temperature"]) == (100, 0.0)

    def test_a_schema_becomes_the_response_format(self, provider: ModelServer) -> None:
        request = ModelRequest(REQUEST.messages, 100, SCHEMA)
        assert text_of(self.pieces("x", provider, request)).startswith('{"answer"')
        described = provider.requests[-1].body["response_format"]["json_schema"]
        assert (described["schema"], described["strict"]) == (SCHEMA, True)

    def test_a_parameter_that_a_model_does_not_know_is_left_out_from_then_on(self, provider: ModelServer) -> None:
        def particular(received: Any) -> Behaviour | None:
            return Behaviour(status=400, message="Unsupported: temperature") if "temperature" in received.body else None

        provider.decide(particular)

        async def twice(model: HostedModel) -> list[str]:
            return [text_of(await collected(model)) for _ in range(2)]

        assert all(self.run("x", provider, twice))
        assert ["temperature" in request.body for request in provider.requests] == [True, False, False]


class TestAnthropicProtocol(LanguageModelContract):
    def model_named(self, name: str, provider: ModelServer) -> HostedModel:
        return anthropic_model(name, provider.url)

    def test_the_system_message_is_marked_for_the_cache_and_the_key_sent(self, provider: ModelServer) -> None:
        self.pieces("x", provider)
        sent = provider.requests[-1]
        assert sent.headers["x-api-key"] == KEY
        assert sent.body["system"] == [{"type": "text", "text": "Answer.", "cache_control": {"type": "ephemeral"}}]

    def test_a_schema_goes_to_models_that_enforce_it(self, provider: ModelServer) -> None:
        request = ModelRequest(REQUEST.messages, 100, SCHEMA)
        assert text_of(self.pieces("claude-sonnet-4-5", provider, request)).startswith('{"answer"')
        assert provider.requests[-1].body["output_config"]["format"]["schema"] == SCHEMA
        self.pieces("x", provider, request)
        assert "output_config" not in provider.requests[-1].body


def _only(model: HostedModel) -> Any:
    async def run() -> list[Any]:
        try:
            return await collected(model)
        finally:
            await model.aclose()

    (only,) = asyncio.run(run())
    return only


@pytest.mark.parametrize("make", [openai_model, anthropic_model])
def test_nobody_there_is_told_without_the_key(make: Any) -> None:
    error = _only(make("x", "http://127.0.0.1:9"))
    assert error.retryable and "cannot be reached" in error.message
    assert KEY not in error.message


@pytest.mark.parametrize("make", [openai_model, anthropic_model])
def test_a_key_that_the_provider_repeats_is_hidden(make: Any, provider: ModelServer) -> None:
    provider.script("x", Behaviour(status=401, message=f"wrong key {KEY}"))
    error = _only(make("x", provider.openai_url if make is openai_model else provider.url))
    assert "wrong key ******" in error.message


def test_no_key_of_the_environment_is_sent_to_an_endpoint_without_one(
    provider: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for kind, url in ((OpenAIProvider, provider.openai_url), (AnthropicProvider, provider.url)):
        model = HostedModel(PROFILE, kind(name="m", model="x", url=url, key=None, connect_seconds=1.0))

        async def ask(model: HostedModel = model) -> None:
            await collected(model)
            await model.aclose()

        asyncio.run(ask())
    assert provider.count() == 2
    assert all(KEY not in str(request.headers) for request in provider.requests)


def test_retry_after_as_seconds_date_or_milliseconds() -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert 28 < (retry_after({"retry-after": email.utils.format_datetime(soon)}) or 0) <= 30
    assert retry_after({"retry-after-ms": "300", "retry-after": "1"}) == 0.3
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    for nonsense in ("soon", "-1", "inf", "nan", ""):
        assert retry_after({"retry-after": nonsense}) is None
    assert retry_after({}) is None


def test_an_account_without_credit_is_not_tried_again() -> None:
    error = error_of_status("m", 429, {}, "You exceeded your current quota (insufficient_quota)")
    assert not error.retryable and "credit" in error.message


def test_events_may_be_cut_anywhere() -> None:
    stream = 'event: x\r\ndata: {"a": 1}\r\n\r\n: comment\n\ndata: two\ndata:lines é\n\ndata: [DONE]\n\n'.encode()
    wanted = ['{"a": 1}', "two\nlines é", "[DONE]"]
    assert list(EventReader().feed(stream)) == wanted
    for size in (1, 2, 3, 7):
        reader = EventReader()
        parts = [stream[place : place + size] for place in range(0, len(stream), size)]
        assert [event for part in parts for event in reader.feed(part)] == wanted


def test_only_a_closed_schema_can_be_enforced() -> None:
    assert is_closed(SCHEMA)
    assert not is_closed({"type": "object", "properties": {"a": {"type": "string"}}})
    assert not is_closed(SCHEMA | {"properties": {"answer": {"type": "array", "items": {"type": "object"}}}})
