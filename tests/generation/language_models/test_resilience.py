from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from generation.language_models.circuit_breaker import CircuitBreaker
from generation.language_models.concurrency_limit import ConcurrencyLimit
from generation.language_models.model import (
    Deadline,
    Finished,
    ModelBusy,
    ModelError,
    ModelProfile,
    ModelRejectedRequest,
    ModelRequest,
    ModelTimeout,
    Piece,
    TokenCounts,
)
from generation.language_models.resilience import CallReport, Patience, ResilientModel
from tests.generation.language_models.language_model_contract import (
    PROFILE,
    REQUEST,
    LanguageModelContract,
    collected,
    text_of,
    until,
)
from tests.generation.language_models.test_hosted_model import anthropic_model, openai_model
from tests.model_server import Behaviour, ModelServer, model_server


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


class TestResilientContract(LanguageModelContract):
    """The wrapper is a language model like those it wraps."""

    def model_named(self, name: str, provider: ModelServer) -> ResilientModel:
        return ResilientModel(
            openai_model(name, provider.openai_url),
            patience=Patience(retries=0),
            breaker=CircuitBreaker(),
            limit=ConcurrencyLimit("under-test", 100, 0),
        )


class Scripted:
    """A model whose tries go as scripted: text, or an error, or seconds to wait."""

    def __init__(self, *tries: list[Any]) -> None:
        self.profile: ModelProfile = PROFILE
        self.asked = 0
        self.closed = 0
        self._tries = list(tries)

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        steps = self._tries[min(self.asked, len(self._tries) - 1)]
        self.asked += 1
        try:
            for step in steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.closed += 1

    def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


@dataclasses.dataclass
class World:
    """Everything around a resilient model, its time standing still."""

    model: Scripted
    patience: Patience = dataclasses.field(default_factory=Patience)
    at_once: int = 10
    queue: int = 10
    chance: float = 1.0
    now: float = 0.0
    slept: list[float] = dataclasses.field(default_factory=list)
    reports: list[CallReport] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        self.breaker = CircuitBreaker(failures_in_a_row=3, pause_seconds=10, clock=lambda: self.now)
        self.resilient = ResilientModel(
            self.model,  # type: ignore[arg-type]
            patience=self.patience,
            breaker=self.breaker,
            limit=ConcurrencyLimit("under-test", self.at_once, self.queue),
            observer=self,
            sleep=sleep,
            chance=lambda: self.chance,
        )

    def call_ended(self, report: CallReport) -> None:
        self.reports.append(report)

    def ask(self, seconds: float = 20.0) -> list[Any]:
        return asyncio.run(collected(self.resilient, seconds=seconds))

    @property
    def outcomes(self) -> list[str]:
        return [report.outcome for report in self.reports]


GOOD = ["a", "b", Finished(TokenCounts(10, 0, 2), "stop")]


def test_retryable_errors_before_the_first_piece_are_tried_again_with_growing_pauses() -> None:
    world = World(Scripted([ModelError("down")], [ModelBusy("busy")], GOOD))
    assert text_of(world.ask()) == "ab"
    assert world.slept == [0.25, 0.5]
    assert world.outcomes == ["error", "busy", "ok"]


def test_pauses_are_drawn_from_all_between_nothing_and_the_longest() -> None:
    patience = Patience(retries=8, first_pause_seconds=1.0, longest_pause_seconds=5.0)
    world = World(Scripted([ModelError("down")], [ModelError("down")], GOOD), patience, chance=0.5)
    world.ask()
    assert world.slept == [0.5, 1.0]
    limited = World(Scripted([ModelBusy("b", retry_after=3.0)], GOOD), patience, chance=0.0)
    limited.ask()
    assert limited.slept == [3.0]


def test_the_last_error_is_told_when_all_tries_have_failed() -> None:
    world = World(Scripted([ModelError("first")], [ModelError("second")]), Patience(retries=1))
    (error,) = world.ask()
    assert error.message == "second" and world.model.asked == 2


@pytest.mark.parametrize("error", [ModelRejectedRequest("no"), ModelBusy("no credit", retryable=False)])
def test_what_cannot_help_is_not_tried_again(error: ModelError) -> None:
    world = World(Scripted([error]))
    assert world.ask() == [error]
    assert world.model.asked == 1


def test_after_text_has_come_nothing_is_tried_again() -> None:
    world = World(Scripted(["a", ModelError("cut")]))
    text, error = world.ask()
    assert (text, error.message, world.model.asked, world.outcomes) == ("a", "cut", 1, ["broken"])


def test_a_pause_beyond_the_deadline_gives_up_at_once() -> None:
    world = World(Scripted([ModelBusy("later", retry_after=60.0)]))
    started = time.monotonic()
    (error,) = world.ask(seconds=5)
    assert error.retry_after == 60.0 and world.slept == []
    assert time.monotonic() - started < 1


def test_the_first_token_has_its_own_time() -> None:
    world = World(Scripted([5.0, "late"], GOOD), Patience(first_token_seconds=0.05))
    assert text_of(world.ask()) == "ab"
    assert world.outcomes == ["timeout", "ok"]
    assert world.model.closed == 2


def test_the_breaker_opens_probes_once_and_closes() -> None:
    world = World(Scripted([ModelError("down")]), Patience(retries=0))
    for _ in range(3):
        world.ask()
    assert not world.resilient.available
    (error,) = world.ask()
    assert "left alone for 10 s" in error.message and error.retry_after == 10 and world.model.asked == 3
    assert world.outcomes[-1] == "not tried"
    world.now = 10.5
    world.ask()  # the probe fails: twice the pause
    assert world.model.asked == 4
    world.now = 21
    world.ask()
    assert world.model.asked == 4
    world.now = 31
    world.model._tries = [GOOD]
    assert text_of(world.ask()) == "ab"
    assert world.resilient.available and text_of(world.ask()) == "ab"


def test_only_one_probe_at_a_time() -> None:
    world = World(Scripted([ModelError("down")]), Patience(retries=0))
    for _ in range(3):
        world.ask()
    world.now = 11
    world.model._tries = [[0.05, *GOOD]]

    async def together() -> list[list[Any]]:
        return await asyncio.gather(*(collected(world.resilient) for _ in range(5)))

    answers = asyncio.run(together())
    assert sorted(text_of(answer) for answer in answers) == ["", "", "", "", "ab"]
    assert world.model.asked == 4


def test_a_share_of_failures_opens_it_too() -> None:
    breaker = CircuitBreaker(failures_in_a_row=100, failure_share=0.5, window=10, clock=lambda: 0.0)
    for number in range(9):
        assert breaker.admit()
        breaker.failed() if number % 2 else breaker.succeeded()
    assert breaker.closed_for_seconds == 0
    breaker.failed()
    assert breaker.closed_for_seconds > 0


def test_rejected_requests_and_hurried_callers_say_nothing_about_the_endpoint() -> None:
    for steps, seconds in (([ModelRejectedRequest("wrong key")], 20.0), ([5.0, "late"], 0.02)):
        world = World(Scripted(steps), Patience(retries=0))
        for _ in range(5):
            world.ask(seconds)
        assert world.resilient.available and world.model.asked == 5


def test_a_probe_that_the_caller_abandons_leaves_room_for_another() -> None:
    world = World(Scripted([ModelError("down")]), Patience(retries=0))
    for _ in range(3):
        world.ask()
    world.now = 11
    world.model._tries = [["a", 5.0]]

    async def abandon() -> None:
        stream: Any = world.resilient.stream(REQUEST, Deadline.after(5))
        assert await anext(stream) == "a"
        await stream.aclose()

    asyncio.run(abandon())
    assert world.outcomes[-1] == "abandoned" and world.model.closed == 4
    world.model._tries = [GOOD]
    assert text_of(world.ask()) == "ab"


def test_the_queue_is_bounded_ordered_and_left_at_the_deadline() -> None:
    world = World(Scripted([0.2, *GOOD]), Patience(retries=0), at_once=1, queue=2)

    async def five() -> list[list[Any]]:
        patient = [asyncio.ensure_future(collected(world.resilient)) for _ in range(2)]
        await asyncio.sleep(0)
        hurried = asyncio.ensure_future(collected(world.resilient, seconds=0.05))
        await asyncio.sleep(0.01)
        refused = asyncio.ensure_future(collected(world.resilient))
        return await asyncio.gather(*patient, hurried, refused)

    first, second, hurried, refused = asyncio.run(five())
    assert text_of(first) == text_of(second) == "ab"
    assert isinstance(hurried[0], ModelTimeout) and "waiting for a turn" in hurried[0].message
    assert isinstance(refused[0], ModelBusy) and "1 calls running and 2 waiting" in refused[0].message
    assert world.resilient.available and world.model.asked == 2


def test_a_place_is_never_lost_when_waiting_callers_are_cancelled() -> None:
    limit = ConcurrencyLimit("m", 2, 100)

    async def visit(number: int) -> None:
        async with limit.slot(Deadline.after(5)):
            await asyncio.sleep(0.001 * (number % 3))

    async def run() -> None:
        tasks = [asyncio.ensure_future(visit(number)) for number in range(60)]
        for round_ in range(20):
            await asyncio.sleep(0.001)
            tasks[3 * round_].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (limit.running, limit.waiting) == (0, 0)

    asyncio.run(run())


def test_typical_latency_follows_the_calls_seen() -> None:
    world = World(Scripted([0.1, "a", 0.1, "b", Finished(TokenCounts(5, 0, 11), "stop")]))
    assert world.resilient.typical_latency(100) is None
    world.ask()
    first, hundred = world.resilient.typical_latency(0), world.resilient.typical_latency(100)
    assert first is not None and hundred is not None
    assert 0.09 < first < 0.2 and 0.9 < hundred - first < 2.0
    report = world.reports[-1]
    assert report.counts == TokenCounts(5, 0, 11) and 0.09 < (report.first_token_seconds or 0) < report.seconds


@pytest.mark.parametrize("make", [openai_model, anthropic_model])
def test_against_a_provider_that_recovers(make: Any, provider: ModelServer) -> None:
    bad = [Behaviour(status=529), Behaviour(status=429, retry_after="0.1"), Behaviour(cut_after=0)]
    provider.script("x", *bad)
    model = ResilientModel(
        make("x", provider.openai_url if make is openai_model else provider.url),
        patience=Patience(retries=3, first_pause_seconds=0.01),
        breaker=CircuitBreaker(),
        limit=ConcurrencyLimit("under-test", 4, 4),
    )

    async def ask() -> list[Any]:
        try:
            return await collected(model)
        finally:
            await model.aclose()

    assert isinstance(asyncio.run(ask())[-1], Finished)
    assert [request.ended for request in provider.requests] == ["refused", "refused", "cut", "finished"]


def test_the_limit_holds_at_the_provider(provider: ModelServer) -> None:
    model = ResilientModel(
        openai_model("x?first_token_delay_s=0.05", provider.openai_url),
        patience=Patience(),
        breaker=CircuitBreaker(),
        limit=ConcurrencyLimit("under-test", 4, 100),
    )

    async def ask() -> list[list[Any]]:
        with contextlib.suppress(ModelError):
            return await asyncio.gather(*(collected(model) for _ in range(20)))
        return []

    async def run() -> None:
        answers = await ask()
        await until(lambda: provider.count() == 20)
        assert all(isinstance(answer[-1], Finished) for answer in answers)
        await model.aclose()

    asyncio.run(run())
    assert provider.most_at_once == 4
