"""Clients made for OpenAI against the whole platform, with a language model behind it and without."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pydantic
import pytest

from api.app import create_app
from runtime.settings import ModelSettings, Settings
from tests.api.serving import serving, wait_until
from tests.model_server import ModelServer, model_server
from tests.provider.behaviour import Behaviour

TEXT = b"""# Opening hours

The reading room opens at nine in the morning and closes at six in the evening.

# Loans

A member may borrow seven books for four weeks. Rare maps never leave the house.
"""
QUESTION = "How many books may a member borrow?"
ASK: Any = {"model": "plumbline", "messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture(scope="module")
def provider() -> Iterator[ModelServer]:
    with model_server() as provider:
        yield provider


@pytest.fixture(scope="module")
def library(provider: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The platform's address, over one document and two models."""
    models = tuple(
        ModelSettings(
            name=name,
            role=role,  # type: ignore[arg-type]
            model="evidence",
            endpoint=provider.openai_url,
            usd_per_million_prompt=price,
            usd_per_million_completion=4 * price,
        )
        for name, role, price in (("small", "fast", 0.15), ("large", "powerful", 2.5))
    )
    settings = Settings(data_dir=tmp_path_factory.mktemp("plumb"), models=models)
    with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
        accepted = client.post("/v1/documents", files={"file": ("guides/library.txt", TEXT)}).json()

        def ready() -> bool:
            state = client.get(f"/v1/jobs/{accepted['job_id']}").json()["status"]
            assert state != "failed"
            return state == "ready"

        wait_until(ready, 60)
        yield address


@pytest.fixture(scope="module")
def official(library: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{library}/v1", api_key="sk-anything", max_retries=0, timeout=60) as client:
        yield client


def fresh(**more: Any) -> dict[str, Any]:
    """A body that is not answered from the cache."""
    return {**ASK, "extra_body": {"plumbline": {"cache": False}}, **more}


def ours(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part.model_extra["plumbline"]
    return found


def test_a_routed_model_answers_with_citations(official: openai.OpenAI, library: str) -> None:
    completion = official.chat.completions.create(**fresh())
    message = completion.choices[0].message
    assert message.content is not None and "seven books" in message.content
    assert completion.model in {"small", "large"}
    found = ours(completion)
    assert {citation["document_name"] for citation in found["citations"]} == {"guides/library.txt"}
    assert any("seven books" in citation["quote"] for citation in found["citations"])
    assert found["groundedness"]["supported"]
    assert completion.usage is not None and completion.usage.total_tokens > 0
    assert found["usage"]["cost_usd"] > 0
    assert message.annotations is not None
    places = [annotation.url_citation for annotation in message.annotations]
    assert any("seven books" in message.content[place.start_index : place.end_index] for place in places)
    assert httpx.get(places[0].url).json()["name"] == "guides/library.txt"


def test_a_stream_adds_up_to_the_answer_and_keeps_its_citations(official: openai.OpenAI) -> None:
    chunks = list(official.chat.completions.create(**fresh(), stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    found = ours(chunks[-2])
    assert text == found["answer"]
    assert "seven books" in text
    assert found["citations"]
    assert [ours(chunk)["sentence"] for chunk in chunks[:-2] if chunk.model_extra] == found["groundedness"]["sentences"]
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == found["usage"]["completion_tokens"]


@pytest.mark.parametrize("name", ["small", "large", "extractive"])
def test_a_model_is_picked_by_its_name(official: openai.OpenAI, name: str) -> None:
    assert name in [model.id for model in official.models.list()]
    completion = official.chat.completions.create(**fresh(model=name))
    assert completion.model == name
    assert "seven books" in (completion.choices[0].message.content or "")


def test_an_unknown_model_is_told_as_openai_tells_it(official: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        official.chat.completions.create(**fresh(model="gpt-4o", stream=True))
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")


def test_what_the_documents_do_not_say_is_refused(official: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": "What is the boiling point of tungsten on Venus?"}]
    completion = official.chat.completions.create(**fresh(messages=messages))
    assert ours(completion)["refused"]
    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.annotations == []


def test_the_callers_wish_for_a_form_reaches_the_model(official: openai.OpenAI, provider: ModelServer) -> None:
    messages: Any = [{"role": "system", "content": "Answer as a Markdown table."}, *ASK["messages"]]
    official.chat.completions.create(**fresh(messages=messages, model="small", max_tokens=50))
    sent = provider.requests[-1].body
    assert "Answer as a Markdown table." in json.dumps(sent["messages"])
    assert 50 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


def test_a_model_that_changes_the_language_is_noticed(official: openai.OpenAI, provider: ModelServer) -> None:
    german = "Ein Mitglied darf sieben Bücher für vier Wochen ausleihen, aber seltene Karten bleiben im Haus [1]."
    asked = fresh(model="small")
    asked["messages"] = [
        {"role": "user", "content": "How many of the books may a member of the library borrow at once?"}
    ]
    provider.script("evidence", Behaviour(text=german))
    completion = official.chat.completions.create(**asked)
    assert any("another language (en) than the answer (de)" in warning for warning in ours(completion)["warnings"])
    assert ours(official.chat.completions.create(**asked))["warnings"] == []


class Loan(pydantic.BaseModel):
    """What the caller's program wants."""

    books: str


def test_json_of_the_callers_schema(official: openai.OpenAI) -> None:
    parsed = official.chat.completions.parse(**fresh(model="small"), response_format=Loan).choices[0].message.parsed
    assert parsed is not None
    assert "seven books" in parsed.books


def test_leaving_ends_the_call_of_the_model(official: openai.OpenAI, provider: ModelServer) -> None:
    provider.script("evidence", Behaviour("wordy", token_delay_s=0.05))
    before = provider.count()
    with official.chat.completions.create(**fresh(model="small"), stream=True) as stream:
        next(stream)
        wait_until(lambda: provider.count() > before and provider.requests[before].sent_pieces > 3)
    wait_until(lambda: provider.requests[before].ended == "client left")


def test_many_streams_at_once(library: str) -> None:
    async def ask_all() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{library}/v1", api_key="x", max_retries=0) as client:

            async def ask() -> str:
                stream = await client.chat.completions.create(**fresh(), stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*(ask() for _ in range(20)))

    assert all("seven books" in text for text in asyncio.run(ask_all()))


def test_llama_index_can_use_us_as_its_model(library: str) -> None:
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    options: Any = {
        "model": "plumbline",
        "api_base": f"{library}/v1",
        "api_key": "x",
        "is_chat_model": True,
        "max_retries": 0,
        "additional_kwargs": {"extra_body": {"plumbline": {"cache": False, "top_k": 5}}},
    }
    messages = [ChatMessage(role="system", content="Be short."), ChatMessage(role="user", content=QUESTION)]

    async def ask() -> str | None:
        async with httpx.AsyncClient() as http:
            reply = await OpenAILike(**options, async_http_client=http).achat(messages)
        return reply.message.content

    with httpx.Client() as http:
        model = OpenAILike(**options, http_client=http)
        reply = model.chat(messages)
        assert "seven books" in (reply.message.content or "")
        assert reply.raw.model_extra["plumbline"]["citations"]
        pieces = list(model.stream_chat(messages))
        assert "seven books" in (pieces[-1].message.content or "")
        assert "seven books" in model.complete(QUESTION).text
    assert "seven books" in (asyncio.run(ask()) or "")
