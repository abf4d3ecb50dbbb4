"""What becomes of facts that a model invents, by the caller's choice, over HTTP: whole answers and streams."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from generation.writing.cascade import REDACTED
from runtime.settings import ModelSettings, Settings
from tests.api.conftest import events_of
from tests.api.serving import serving, wait_until
from tests.model_server import ModelServer, model_server
from tests.provider.answers import INVENTED
from tests.provider.behaviour import Behaviour

TEXT = b"""# Leave

Annual leave is 28 days a year for full-time employees. Leave that is not taken lapses on 31 March of the next year.
"""
QUESTION = "How many days of annual leave do full-time employees have?"
TRUE = "Annual leave is 28 days a year for full-time employees [1]."
FALSE = "Astronauts of Kandinsky Bay are given 4711 days and a lighthouse [1]."
MORE = "Leave that is not taken lapses on 31 March of the next year [1]."


@dataclasses.dataclass
class Told:
    """An answer as it was given, with the events of its stream (none where it was not streamed)."""

    answer: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]

    @property
    def text(self) -> str:
        return str(self.answer["answer"])

    @property
    def sent(self) -> str:
        """All that a reader of the stream has ever seen."""
        return "".join(data["text"] for name, data in self.events if name == "delta")


class Office:
    """A platform with a document, a fast model and a powerful one."""

    def __init__(self, client: httpx.Client, provider: ModelServer) -> None:
        self._client, self._provider = client, provider

    def says(self, model: str, *texts: str) -> None:
        self._provider.script(model, Behaviour(text=" ".join(texts)))

    def ask(self, choice: str, *, stream: bool, **fields: Any) -> Told:
        body = {"question": QUESTION, "on_unsupported": choice, "cache": False, "stream": stream, **fields}
        response = self._client.post("/v1/ask", json=body)
        assert response.status_code == 200, response.text
        if not stream:
            return Told(response.json(), [])
        events = [(name, json.loads(data)) for name, data in events_of(iter(response.text.splitlines()))]
        assert events[0][0] == "passages" and events[-1][0] == "answer"
        told = Told(events[-1][1], events)
        assert told.sent == told.text, "what was sent is the answer: nothing is withdrawn"
        return told


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with model_server() as provider:
        model = {"endpoint": provider.openai_url, "retries": 0}
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("plumb"),
            models=(
                ModelSettings(name="fast", usd_per_million_prompt=1, **model),
                ModelSettings(name="strong", role="powerful", usd_per_million_prompt=10, **model),
            ),
        )
        with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
            client.post("/v1/documents", files={"file": ("leave.txt", TEXT)})
            wait_until(lambda: client.get("/v1/documents").json()["documents"][0]["status"] == "ready", 60)
            yield Office(client, provider)


both_ways = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@both_ways
def test_flag_leaves_it_and_says_so(office: Office, stream: bool) -> None:
    office.says("fast", TRUE, FALSE, MORE)
    told = office.ask("flag", stream=stream, model="fast")
    grounded = told.answer["groundedness"]
    assert "Kandinsky" in told.text and not grounded["supported"]
    assert [one["supported"] for one in grounded["sentences"]] == [True, False, True]
    bad = grounded["sentences"][1]
    assert "Kandinsky" in told.text[slice(*bad["span"])]
    assert grounded["score"] == bad["score"] < grounded["checker"]["threshold"]
    assert grounded["unsupported_spans"]
    for start, end in grounded["unsupported_spans"]:
        assert bad["span"][0] <= start < end <= bad["span"][1]
    assert {citation["marker"] for citation in told.answer["citations"]} == {1, 2}  # none for what was invented
    if stream:
        names = [name for name, _ in told.events]
        verdict = next(i for i, (name, data) in enumerate(told.events) if name == "sentence" and not data["supported"])
        seen = "".join(data["text"] for name, data in told.events[:verdict] if name == "delta")
        assert "Kandinsky" in seen, "with `flag` the text comes first, its verdict after it"
        assert names.count("delta") > names.count("sentence")


@both_ways
def test_redact_takes_it_out_and_tells_that_something_was(office: Office, stream: bool) -> None:
    office.says("fast", TRUE, FALSE, FALSE, MORE)
    told = office.ask("redact", stream=stream, model="fast")
    assert "Kandinsky" not in told.text and "4711" not in told.text
    assert told.text.count(REDACTED) == 1, "neighbours that are removed leave one mark"
    assert told.text.index("28 days") < told.text.index(REDACTED) < told.text.index("31 March")
    assert told.answer["groundedness"]["supported"] and not told.answer["refused"]
    assert any("removed" in warning for warning in told.answer["warnings"])
    assert not told.answer["model"]["escalated"]


@both_ways
def test_redact_of_everything_is_a_refusal(office: Office, stream: bool) -> None:
    office.says("fast", INVENTED)
    told = office.ask("redact", stream=stream, model="fast")
    assert told.answer["refused"] and "lighthouse" not in told.text
    assert told.answer["groundedness"] is None and told.answer["citations"] == []


@both_ways
def test_refuse_sends_not_a_word_of_it(office: Office, stream: bool) -> None:
    office.says("fast", TRUE, FALSE)
    told = office.ask("refuse", stream=stream, model="fast")
    assert told.answer["refused"] and "28 days" not in told.text and "Kandinsky" not in told.text
    assert told.answer["citations"] == [] and told.answer["groundedness"] is None and told.answer["passages"]
    assert told.answer["usage"]["completion_tokens"] > 0, "what was refused was paid for"
    assert [name for name, _ in told.events if name == "sentence"] == []


@both_ways
def test_refuse_leaves_alone_what_is_supported(office: Office, stream: bool) -> None:
    office.says("fast", TRUE, MORE)
    told = office.ask("refuse", stream=stream, model="fast")
    assert not told.answer["refused"] and "31 March" in told.text and told.answer["groundedness"]["supported"]


@both_ways
def test_escalate_has_a_powerful_model_go_on_after_what_stands(office: Office, stream: bool) -> None:
    office.says("fast", TRUE, FALSE, FALSE)
    office.says("strong", MORE)
    told = office.ask("escalate", stream=stream)
    assert "Kandinsky" not in told.text
    assert told.text.index("28 days") < told.text.index("31 March")
    model = told.answer["model"]
    assert model["name"] == "strong" and model["route"] == "powerful" and model["escalated"]
    assert "not supported" in model["reason"]
    assert told.answer["groundedness"]["supported"]
    usage = {one["model"]: one for one in told.answer["usage"]["by_model"]}
    assert usage["fast"]["completion_tokens"] > 0 and usage["strong"]["completion_tokens"] > 0
    assert told.answer["usage"]["cost_usd"] == pytest.approx(sum(one["cost_usd"] for one in usage.values()))


@both_ways
def test_where_the_powerful_model_invents_too_it_is_flagged(office: Office, stream: bool) -> None:
    office.says("fast", FALSE)
    office.says("strong", TRUE, FALSE)
    told = office.ask("escalate", stream=stream)
    assert told.answer["model"]["escalated"] and "28 days" in told.text and "Kandinsky" in told.text
    assert not told.answer["groundedness"]["supported"]
    assert told.text.count("Kandinsky") == 1, "the fast model's is gone, the powerful one's is flagged"


@both_ways
@pytest.mark.parametrize("choice", ["redact", "refuse"])
def test_the_callers_choice_is_for_what_the_powerful_model_invents(office: Office, choice: str, stream: bool) -> None:
    office.says("fast", FALSE)
    office.says("strong", TRUE, FALSE)
    told = office.ask(choice, stream=stream)
    assert told.answer["model"]["escalated"] and "Kandinsky" not in told.text
    assert told.answer["refused"] == (choice == "refuse")
    assert (REDACTED in told.text) == (choice == "redact")


@both_ways
def test_escalate_without_another_model_flags(office: Office, stream: bool) -> None:
    office.says("strong", TRUE, FALSE)
    told = office.ask("escalate", stream=stream, model="strong")
    assert not told.answer["model"]["escalated"] and "Kandinsky" in told.text
    assert not told.answer["groundedness"]["supported"]


def test_only_the_four_choices_are_taken(office: Office) -> None:
    refused = office._client.post("/v1/ask", json={"question": QUESTION, "on_unsupported": "ignore"})
    assert refused.status_code == 422 and "escalate" in refused.text
