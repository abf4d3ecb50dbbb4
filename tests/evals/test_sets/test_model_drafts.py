"""What a model drafts, through the real client, from a real HTTP server that speaks OpenAI's protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evals.test_sets.model_drafts import TEST_SET_PROMPT, ModelDrafts
from runtime.settings import ModelSettings, Settings
from tests.evals.test_sets.test_builder import chunks_of
from tests.model_server import model_server
from tests.provider.behaviour import Behaviour
from workers.evaluation_tasks import BlockingAnswerer

CHUNK = chunks_of({"a.md": ["Birgit Olsen founded Brackmere\nInstruments in 2009. It has 112 employees."]})[0]
GOOD = {
    "question": "Who started Brackmere Instruments?",
    "answer": "birgit olsen",
    "quote": "Birgit Olsen founded Brackmere Instruments in 2009.",
}
BAD = {
    "invented quote": GOOD | {"quote": "Birgit Olsen left Brackmere."},
    "answer elsewhere": GOOD | {"answer": "112 employees"},
    "answer in the question": GOOD | {"question": "Did Birgit Olsen found Brackmere?"},
    "points at the text": GOOD | {"question": "Who founded Brackmere according to the passage?"},
    "names nothing": GOOD | {"question": "Who founded the company?"},
    "no text": GOOD | {"answer": 3},
    "empty": GOOD | {"answer": " "},
}


def drafted(text: str, found: bool = True) -> list[Any]:
    drafts = ModelDrafts("m", lambda _request: text, lambda _question: [CHUNK.chunk_id] if found else ["other"])
    return drafts.draft(CHUNK, most=2)


def test_a_good_draft_is_kept_with_its_evidence_word_for_word() -> None:
    (item,) = drafted(json.dumps({"questions": [GOOD]}))
    assert (item.question, item.answers, item.drafted_by) == (
        GOOD["question"],
        ("birgit olsen",),
        f"{TEST_SET_PROMPT} m",
    )
    assert item.evidence[0].quote == "Birgit Olsen founded Brackmere\nInstruments in 2009."
    assert len(drafted(json.dumps({"questions": [GOOD] * 5}))) == 2


@pytest.mark.parametrize("row", BAD.values(), ids=BAD)
def test_a_draft_that_does_not_hold_is_dropped(row: dict[str, Any]) -> None:
    assert drafted(json.dumps({"questions": [row]})) == []


def test_a_question_that_does_not_find_its_passage_is_dropped() -> None:
    assert drafted(json.dumps({"questions": [GOOD]}), found=False) == []


@pytest.mark.parametrize(
    "text", ["", "I cannot do that.", "{", '{"questions": 3}', "[1]", '{"questions": [1, null]}', "[" * 99999]
)
def test_a_reply_without_form_gives_nothing(text: str) -> None:
    assert drafted(text) == []


def test_through_a_real_provider_with_the_schema() -> None:
    reply = f"Here you are:\n{json.dumps({'questions': [GOOD]})}"
    with model_server() as provider:
        provider.script("drafter", Behaviour(text=reply))
        settings = Settings(models=(ModelSettings(name="drafter", endpoint=provider.openai_url),))

        def models() -> Any:
            from generation.language_models.assembly import build_models

            return build_models(settings)

        asking = BlockingAnswerer(lambda: None, models, seconds=20)  # type: ignore[arg-type,return-value]
        try:
            drafts = ModelDrafts(
                "drafter", lambda request: asking.complete("drafter", request, lambda: None), lambda _: [CHUNK.chunk_id]
            )
            (item,) = drafts.draft(CHUNK, most=1)
        finally:
            asking.close()
        assert item.question == GOOD["question"]
        (sent,) = provider.requests
        assert "Birgit Olsen" in json.dumps(sent.body)
