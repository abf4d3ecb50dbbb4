"""Answers in JSON of the caller's schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from generation.answers import OnUnsupported
from generation.checking.checker import VerbatimChecker
from generation.language_models.model import Deadline, LanguageModel, Message, ModelRequest, Role
from generation.prompting.prompts import ANSWER_PROMPT, REFUSAL_MARK
from generation.writing.answer_draft import AnswerDraft
from generation.writing.json_claims import claims_of
from generation.writing.json_writer import InvalidOutput, JsonWriter
from generation.writing.task import Outcome, WritingTask
from tests.generation.passage_making import passage
from tests.generation.said import Says

LEAVE = passage("Annual leave is 28 days a year. leave days: 28", document="handbook")
SCHEMA = {
    "type": "object",
    "properties": {"leave_days": {"type": "integer"}, "reason": {"type": "string"}},
    "required": ["leave_days", "reason"],
}
RIGHT = json.dumps({"leave_days": 28, "reason": "Annual leave is 28 days a year. [1]"})
WRONG = json.dumps({"leave_days": 30, "reason": "Annual leave is 28 days a year."})
T = TypeVar("T")


async def run(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


def written(*models: LanguageModel, **changes: Any) -> tuple[AnswerDraft, Outcome]:
    given: dict[str, Any] = {
        "models": models,
        "cascade": True,
        "request_for": lambda _written, _model: ModelRequest((Message("user", "?"),), 100, SCHEMA),
        "prompt": ANSWER_PROMPT,
        "chunk_of": {1: LEAVE.chunk.chunk_id},
        "check": VerbatimChecker().against([LEAVE]).check,
        "threshold": 0.5,
        "answerable": lambda: True,
        "on_unsupported": OnUnsupported.FLAG,
        "live": False,
        "longest": 4000,
        "deadline": Deadline.after(20),
    }
    draft = AnswerDraft()
    writer = JsonWriter(WritingTask(**given | changes), SCHEMA, draft, run)

    async def collect() -> None:
        async for _ in writer.events():
            pass

    asyncio.run(collect())
    return draft, writer.outcome


def test_values_are_checked_and_cited_and_marks_leave_the_json() -> None:
    draft, outcome = written(Says("fast", f"Here it is:\n```json\n{RIGHT}\n```"))
    assert json.loads(draft.text) == {"leave_days": 28, "reason": "Annual leave is 28 days a year."}
    assert [draft.text[slice(*one.span)] for one in draft.verdicts] == ["28", '"Annual leave is 28 days a year."']
    assert all(one.supported for one in draft.verdicts) and len(draft.cited.citations) == 2
    assert outcome.accepted == 2


def test_json_that_does_not_fit_is_mended_once() -> None:
    fast = Says("fast", '{"leave_days": "many"}', RIGHT)
    draft, outcome = written(fast)
    assert json.loads(draft.text)["leave_days"] == 28 and len(outcome.calls) == 2
    assert "leave_days" in fast.requests[1].messages[-1].content


def test_json_that_cannot_be_mended_goes_to_the_powerful_model_and_then_fails() -> None:
    bad = Says("fast", "no JSON at all")
    draft, outcome = written(bad, Says("powerful", RIGHT, role=Role.POWERFUL))
    assert json.loads(draft.text)["leave_days"] == 28 and "schema" in outcome.escalation
    with pytest.raises(InvalidOutput, match="schema"):
        written(bad)


def test_an_unsupported_value_escalates_or_is_flagged_or_refused() -> None:
    draft, outcome = written(Says("fast", WRONG), Says("powerful", RIGHT, role=Role.POWERFUL))
    assert json.loads(draft.text)["leave_days"] == 28 and outcome.speaker == "powerful"
    draft, _ = written(Says("fast", WRONG))
    assert [one.supported for one in draft.verdicts] == [False, True]
    draft, outcome = written(Says("fast", WRONG), on_unsupported=OnUnsupported.REFUSE)
    assert outcome.refused and not draft.text


def test_a_refusal_in_words_or_in_the_values() -> None:
    for text in (REFUSAL_MARK, json.dumps({"leave_days": 0, "reason": REFUSAL_MARK})):
        _, outcome = written(Says("fast", text), answerable=lambda: False)
        assert outcome.refused


def test_claims_of_nested_json_keep_their_places() -> None:
    value = {
        "name": "Teal",
        "parts": [{"count": 3, "ok": True}, {"note": 'It says "no" to this. And more [2].'}],
        "x": None,
    }
    text, claims = claims_of(value)
    parsed = json.loads(text)
    assert parsed["parts"][1]["note"] == 'It says "no" to this. And more.' and parsed["x"] is None
    assert [text[slice(*claim.span)] for claim in claims][:2] == ['"Teal"', "3"]
    assert [claim.sentences for claim in claims] == [
        ("name: Teal",),
        ("count: 3",),
        ('It says "no" to this.', "And more."),
    ]
    assert claims[2].cited == (2,)
