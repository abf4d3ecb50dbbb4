"""The tests' own provider, seen by the official clients."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from generation.prompting.prompts import answer_messages
from tests.model_server import ModelServer, model_server
from tests.provider.answers import ANSWERS, Prompt, pieces_of

PACKED = [
    (1, "manual, page 2", "The scale weighs 3 kg. The battery has a warranty of two years."),
    (2, "letter", "[4] Nothing of the kind.\nThe display is blue."),
]


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def body(question: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": item.role, "content": item.content} for item in answer_messages(question, PACKED)]
    return {"model": "evidence", "messages": messages} | more


def test_answers_come_from_the_passages_and_cite_them() -> None:
    assert ANSWERS["evidence"](Prompt.of(body("Which warranty has the battery?"))) == (
        "The battery has a warranty of two years [1]."
    )
    assert ANSWERS["evidence"](Prompt.of(body("Is the display blue?"))) == "The display is blue [2]."
    assert ANSWERS["evidence"](Prompt.of(body("Who was Napoleon?"))) == "NOT IN THE SOURCES"
    assert "".join(pieces_of("Two years [1].\n\n- é, 3.5\n")) == "Two years [1].\n\n- é, 3.5\n"


def test_json_is_given_when_a_schema_is(provider: ModelServer) -> None:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="x", max_retries=0)
    schema = {"type": "object", "properties": {"answer": {"type": "string"}, "sure": {"type": "boolean"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    for model, whole in (("evidence", True), ("broken-json", False)):
        asked = body("Which warranty has the battery?", model=model, response_format=form)
        text = client.chat.completions.create(**asked).choices[0].message.content or ""
        if whole:
            assert json.loads(text) == {"answer": "The battery has a warranty of two years [1].", "sure": True}
        else:
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)


def test_openai_batches(provider: ModelServer) -> None:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="x", max_retries=0)
    lines = [
        {
            "custom_id": f"q{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": body("battery?", model=model),
        }
        for number, model in enumerate(["evidence", "refuses", "evidence?status=400"])
    ]
    content = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    states = [made.status] + [client.batches.retrieve(made.id).status for _ in range(2)]
    assert states == ["validating", "in_progress", "completed"]
    done = client.batches.retrieve(made.id)
    assert done.request_counts is not None and (done.request_counts.completed, done.request_counts.failed) == (2, 1)
    assert done.output_file_id and done.error_file_id
    results = [json.loads(line) for line in client.files.content(done.output_file_id).text.splitlines()]
    assert [result["custom_id"] for result in results] == ["q0", "q1"]
    assert results[1]["response"]["body"]["choices"][0]["message"]["content"] == "NOT IN THE SOURCES"
    (failed,) = (json.loads(line) for line in client.files.content(done.error_file_id).text.splitlines())
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("q2", 400)

    other = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert client.batches.cancel(other.id).status == "cancelling"
    assert client.batches.retrieve(other.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch-none")


def test_anthropic_batches(provider: ModelServer) -> None:
    client = anthropic.Anthropic(base_url=provider.url, api_key="x", max_retries=0)
    requests: Any = [
        {
            "custom_id": name,
            "params": body("battery?", model=model, max_tokens=50, messages=body("battery?")["messages"][1:]),
        }
        for name, model in (("a", "evidence"), ("b", "x?status=529"))
    ]
    made = client.messages.batches.create(requests=requests)
    client.messages.batches.retrieve(made.id)
    assert client.messages.batches.retrieve(made.id).processing_status == "ended"
    results = {result.custom_id: result.result.type for result in client.messages.batches.results(made.id)}
    assert results == {"a": "succeeded", "b": "errored"}
    other = client.messages.batches.create(requests=requests)
    client.messages.batches.cancel(other.id)
    assert client.messages.batches.retrieve(other.id).request_counts.canceled == 2


def test_as_a_process_it_prints_its_address() -> None:
    script = Path(__file__).with_name("model_server.py")
    with subprocess.Popen([sys.executable, script, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0) as client:
            assert "evidence" in [model.id for model in client.models.list()]
        process.terminate()
