"""The whole way of a question with real clients, a real provider over a socket, the real checker and the real cache."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.answer_outcomes import AnswerOutcome, outcome_of
from generation.answerer import Answerer
from generation.answers import (
    Answer,
    AnswerDone,
    AnswerEvent,
    Delta,
    OnUnsupported,
    PassagesFound,
    Question,
    SentenceChecked,
    Turn,
)
from generation.assembly import build_answerer
from generation.cache.assembly import build_semantic_cache
from retrieval.assembly import build_embedder
from retrieval.passages import Passage, Scope
from retrieval.retriever import SearchResult
from runtime.settings import ModelSettings, Settings
from tests.api.serving import wait_until
from tests.generation.passage_making import passage
from tests.model_server import ModelServer, model_server
from tests.provider.answers import REFUSAL
from tests.provider.behaviour import Behaviour

LEAVE = passage(
    "Annual leave is 28 days a year for full-time employees. Part-time employees receive a share of it. "
    "Leave that is not taken lapses on 31 March of the following year.",
    document="handbook",
    page=7,
)
CANTEEN = passage(
    "The canteen opens at eleven and closes at two. Guests pay 9.50 euros for a lunch.", document="canteen"
)
TRUE = "Annual leave is 28 days a year for full-time employees [1]."
FALSE = "Annual leave is 45 days a year for astronauts of Kandinsky Bay [1]."
QUESTION = "How many days of annual leave do full-time employees have?"


class Shelf:
    """Finds always the same passages, which a test may exchange."""

    def __init__(self) -> None:
        self.passages: tuple[Passage, ...] = (LEAVE, CANTEEN)
        self.revision = 1
        self.searches = 0

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        self.searches += 1
        return SearchResult(self.passages, {"retrieve": 1.0, "rerank": 0.5})


class World:
    """An answerer with a fast and a powerful model at the provider, on one event loop."""

    def __init__(
        self, provider: ModelServer, shelf: Shelf, folder: Path, runner: asyncio.Runner, **changes: Any
    ) -> None:
        model = {"endpoint": provider.openai_url, "retries": 0, **changes}
        settings = Settings(
            data_dir=folder,
            models=(
                ModelSettings(name="fast", usd_per_million_prompt=1, usd_per_million_completion=2, **model),
                ModelSettings(name="strong", role="powerful", usd_per_million_prompt=10, **model),
            ),
        )
        embedder = build_embedder(settings)
        self.cache = build_semantic_cache(settings, embedder)
        self.provider, self.shelf, self.runner = provider, shelf, runner
        self.answerer: Answerer = build_answerer(
            settings, shelf, embedder, cache=self.cache, revision=lambda _tenant, _collection: shelf.revision
        )

    def close(self) -> None:
        self.runner.run(self.answerer.close())
        assert self.cache is not None
        self.cache.close()

    def cached(self) -> float:
        assert self.cache is not None
        samples = [sample for metric in self.cache.metrics.collect() for sample in metric.samples]
        return next(sample.value for sample in samples if sample.name == "plumbline_cache_entries")

    def says(self, model: str, *texts: str | Behaviour) -> None:
        behaviours = [one if isinstance(one, Behaviour) else Behaviour(text=one) for one in texts]
        self.provider.script(model, *behaviours)

    def events(self, text: str = QUESTION, **options: Any) -> list[AnswerEvent]:
        async def collect() -> list[AnswerEvent]:
            asked = Question(text, Scope("t"), **{"use_cache": False, **options})
            return [event async for event in self.answerer.stream(asked)]

        events = self.runner.run(collect())
        done = events[-1]
        assert isinstance(done, AnswerDone) and isinstance(events[0], PassagesFound)
        assert "".join(event.text for event in events if isinstance(event, Delta)) == done.answer.answer
        if done.answer.groundedness is not None:
            told = [event.verdict for event in events if isinstance(event, SentenceChecked)]
            assert sorted(told, key=lambda one: one.span) == list(done.answer.groundedness.sentences)
        return events

    def answer(self, text: str = QUESTION, **options: Any) -> Answer:
        done = self.events(text, **options)[-1]
        assert isinstance(done, AnswerDone)
        return done.answer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with model_server() as provider, asyncio.Runner() as runner:
        made = World(provider, Shelf(), tmp_path, runner)
        yield made
        made.close()


def test_the_fast_model_answers_with_citations_that_were_checked(world: World) -> None:
    world.says("fast", f"{TRUE} The canteen opens at eleven and closes at two [1].")
    answer = world.answer()
    assert answer.answer == (
        "Annual leave is 28 days a year for full-time employees. [1] The canteen opens at eleven and closes at two. [2]"
    )
    assert [(one.document_name, one.page) for one in answer.citations] == [("handbook.md", 7), ("canteen.md", None)]
    assert answer.groundedness is not None and answer.groundedness.supported
    assert (answer.model.name, answer.model.route, answer.model.prompt) == ("fast", "fast", "answer-1")
    assert answer.usage.prompt_tokens > 0 and answer.usage.cost_usd == pytest.approx(
        (answer.usage.prompt_tokens + 2 * answer.usage.completion_tokens) / 1e6
    )
    sent = world.provider.requests[-1].prompt
    assert "28 days" in sent.user_text and sent.system.startswith("You answer questions from passages")


def test_an_invented_sentence_escalates_and_only_supported_text_is_sent(world: World) -> None:
    world.says("fast", f"{TRUE} {FALSE} And more.")
    world.says("strong", "Part-time employees receive a share of it [1].")
    answer = world.answer(live=True, on_unsupported=OnUnsupported.ESCALATE)
    assert "Kandinsky" not in answer.answer and answer.answer.startswith("Annual leave is 28 days")
    assert answer.answer.endswith("Part-time employees receive a share of it. [2]")
    assert answer.model.name == "strong" and answer.model.escalated and "not supported" in answer.model.reason
    assert answer.unsupported_removed >= 1 and outcome_of(answer.to_json()) == AnswerOutcome.FIXED
    assert {one.model for one in answer.usage.by_model} == {"fast", "strong"}


def test_flagged_text_is_streamed_as_it_comes_with_its_verdict(world: World) -> None:
    world.says("fast", f"{TRUE} {FALSE}")
    answer = world.answer(live=True)
    assert answer.groundedness is not None and not answer.groundedness.supported
    first, last = answer.groundedness.sentences[1].span
    assert "Kandinsky" in answer.answer[first:last] and not answer.model.escalated
    assert answer.unsupported_removed == 0 and outcome_of(answer.to_json()) == AnswerOutcome.UNSUPPORTED
    assert all(first <= start < end <= last for start, end in answer.groundedness.unsupported_spans)


def test_a_refusal_though_the_evidence_is_strong_escalates(world: World) -> None:
    world.says("fast", REFUSAL)
    world.says("strong", TRUE)
    answer = world.answer()
    assert not answer.refused and answer.model.name == "strong" and "refused" in answer.model.reason


def test_both_models_refuse_and_so_does_the_answer(world: World) -> None:
    world.says("fast", REFUSAL)
    world.says("strong", REFUSAL)
    answer = world.answer()
    assert answer.refused and answer.citations == () and answer.groundedness is None and answer.passages


def test_errors_fall_back_along_the_order_and_at_last_to_quoted_sentences(world: World) -> None:
    world.says("fast", Behaviour(status=500))
    world.says("strong", TRUE)
    answer = world.answer()
    assert answer.model.name == "strong" and "fast" in answer.model.fallbacks[0] and not answer.model.escalated

    world.says("fast", Behaviour(status=529))
    world.says("strong", Behaviour(status=429, retry_after="600"))
    answer = world.answer()
    assert answer.model.name == "extractive" and len(answer.model.fallbacks) == 2
    assert answer.answer.startswith("Annual leave is 28 days a year for full-time employees. [1]")


@pytest.mark.parametrize("live", [True, False])
def test_a_stream_that_breaks_is_finished_by_the_next_model(world: World, live: bool) -> None:
    world.says("fast", Behaviour(text=f"{TRUE} Part-time employees receive a share of it [1].", cut_after=18))
    world.says("strong", "Part-time employees receive a share of it [1].")
    answer = world.answer(live=live)
    assert answer.answer.startswith("Annual leave is 28 days a year for full-time employees. [1]")
    assert "share of it" in answer.answer and answer.answer.count("28 days") == 1
    assert answer.model.name == "strong" and answer.model.fallbacks


@pytest.mark.parametrize("live", [True, False])
def test_a_stream_that_breaks_for_good_is_finished_with_quoted_sentences(world: World, live: bool) -> None:
    world.says("fast", Behaviour(text=f"{TRUE} Part-time people get a shar", cut_after=18))
    world.says("strong", Behaviour(status=500))
    answer = world.answer(live=live)
    assert answer.answer.startswith("Annual leave is 28 days") and answer.groundedness is not None
    assert "sentences are quoted" in answer.model.reason and not answer.refused


def test_the_callers_time_is_kept(world: World) -> None:
    world.answer()  # what is loaded late is loaded
    world.says("fast", Behaviour(text=TRUE, first_token_delay_s=30))
    answer = world.answer(max_latency_ms=800)
    assert answer.model.name == "extractive" and answer.timings_ms["total"] < 3000
    assert answer.answer.startswith("Annual leave is 28 days")


def test_tokens_are_estimated_when_the_provider_counts_none(world: World) -> None:
    world.says("fast", Behaviour(text=TRUE, usage=False))
    usage = world.answer().usage
    assert usage.prompt_tokens > 200 and 5 < usage.completion_tokens < 40 and usage.cost_usd > 0


def test_json_of_the_callers_schema(world: World) -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
    world.says("fast", '{"days": "28"', '{"days": 28}')
    answer = world.answer(json_schema=schema)
    assert json.loads(answer.answer) == {"days": 28} and len(world.provider.requests) == 2


def test_a_follow_up_is_understood_from_the_conversation(world: World) -> None:
    history = (Turn("user", "How many days of annual leave do employees have?"), Turn("assistant", "28 days."))
    world.says("fast", "How many days of annual leave do part-time employees have?", "They receive a share of it [1].")
    answer = world.answer("And part-timers?", history=history)
    assert answer.question == "And part-timers?"
    assert "annual leave" in world.provider.requests[-1].prompt.question
    assert answer.usage.completion_tokens > 10, "the rewriting is paid for too"


def test_a_greeting_is_answered_without_a_search(world: World) -> None:
    answer = world.answer("Hello!")
    assert world.shelf.searches == 0 and answer.passages == () and not answer.refused


def test_a_model_that_was_asked_for_answers_alone(world: World) -> None:
    world.says("strong", TRUE)
    assert world.answer(model="strong").model.name == "strong"
    assert world.answer(model="extractive").model.name == "extractive"
    world.says("fast", Behaviour(status=500))
    assert world.answer(model="fast").model.name == "extractive"


def test_the_cache_answers_again_only_while_the_passages_are_the_same(world: World) -> None:
    world.says("fast", TRUE)
    first = world.answer(use_cache=True)
    wait_until(lambda: world.cached() == 1)  # it is kept beside the answer
    again = world.answer("how many days of annual leave do full-time employees have", use_cache=True)
    assert again.cache.hit and again.answer == first.answer and again.answer_id != first.answer_id
    assert again.usage.cost_usd == 0 and again.cache.saved_usd == pytest.approx(first.usage.cost_usd)
    assert world.shelf.searches == 1 and len(world.provider.requests) == 1

    world.shelf.revision = 2  # something else changed in the collection
    assert world.answer(use_cache=True).cache.hit and world.shelf.searches == 2

    world.shelf.revision, world.shelf.passages = 3, (CANTEEN,)
    world.says("fast", "The canteen opens at eleven and closes at two [1].")
    assert not world.answer(use_cache=True).cache.hit
    assert not world.answer(use_cache=False).cache.hit


def test_a_prepared_question_is_finished_with_the_text_of_another_time(world: World) -> None:
    async def both() -> Answer:
        prepared = await world.answerer.prepare(Question(QUESTION, Scope("t")), "fast")
        assert not isinstance(prepared, Answer) and "28 days" in prepared.request.messages[-1].content
        return await world.answerer.finish(prepared, f"{TRUE} {FALSE}", None)

    answer = world.runner.run(both())
    assert answer.model.name == "fast" and len(answer.citations) == 1 and answer.usage.prompt_tokens > 100
    assert answer.groundedness is not None and not answer.groundedness.supported
    assert world.provider.requests == []


def test_who_stops_listening_ends_the_call_at_the_provider(world: World) -> None:
    world.says("fast", Behaviour(text=f"{TRUE} " * 40, token_delay_s=0.02))

    async def leave_early() -> None:
        events = world.answerer.stream(Question(QUESTION, Scope("t"), use_cache=False, live=True))
        async for event in events:
            if isinstance(event, Delta):
                break
        await events.aclose()  # type: ignore[attr-defined]
        for _ in range(100):
            if world.provider.requests[-1].ended is not None:
                break
            await asyncio.sleep(0.02)

    world.runner.run(leave_early())
    assert world.provider.requests[-1].ended == "client left"
