"""What every language model must do. Each implementation's tests subclass `LanguageModelContract`.

The provider behind it is real: over a socket, scripted by the test. `model_named` gives a model of the implementation
that asks the provider for this model name.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    Message,
    ModelBusy,
    ModelError,
    ModelProfile,
    ModelRejectedRequest,
    ModelRequest,
    ModelTimeout,
    Prices,
    Role,
    TokenCounts,
)
from tests.model_server import ModelServer

TEXT = "The battery has a warranty of two years [1]."
PROFILE = ModelProfile("under-test", Role.FAST, 8192, 512, Prices(1.0, 0.1, 2.0))
REQUEST = ModelRequest((Message("system", "Answer."), Message("user", "Question: How long?")), 100)
PATIENT = 20.0


async def collected(model: LanguageModel, request: ModelRequest = REQUEST, seconds: float = PATIENT) -> list[Any]:
    """All that the model gives, an error as the last item."""
    pieces: list[Any] = []
    try:
        async for piece in model.stream(request, Deadline.after(seconds)):
            pieces.append(piece)
    except ModelError as error:
        pieces.append(error)
    return pieces


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


def text_of(pieces: Sequence[Any]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


class LanguageModelContract:
    """Subclasses give a fixture `provider` (ModelServer) and the method `model_named`."""

    def model_named(self, name: str, provider: ModelServer) -> Any:
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def opened(self, name: str, provider: ModelServer) -> AsyncIterator[Any]:
        model = self.model_named(name, provider)
        await asyncio.to_thread(model.warm_up)
        try:
            yield model
        finally:
            await model.aclose()

    def pieces(
        self, name: str, provider: ModelServer, request: ModelRequest = REQUEST, seconds: float = 20
    ) -> list[Any]:
        async def run() -> list[Any]:
            async with self.opened(name, provider) as model:
                return await collected(model, request, seconds)

        return asyncio.run(run())

    def run(self, name: str, provider: ModelServer, use: Callable[[Any], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with self.opened(name, provider) as model:
                return await use(model)

        return asyncio.run(run())

    def test_text_in_pieces_then_finished_once(self, provider: ModelServer) -> None:
        *texts, finished = self.pieces(f"x?token_delay_s=0.005&text={TEXT}", provider)
        assert "".join(texts) == TEXT
        assert len(texts) > 3 and all(texts)
        assert finished == Finished(TokenCounts(finished.counts.prompt, 0, len(TEXT.split()) + 3), "stop")
        assert finished.counts.prompt > 0

    def test_the_prompt_arrives_as_it_was_written(self, provider: ModelServer) -> None:
        self.pieces("x", provider)
        prompt = provider.requests[-1].prompt
        assert (prompt.system, prompt.turns) == ("Answer.", (("user", "Question: How long?"),))

    def test_cached_prompt_tokens_are_told(self, provider: ModelServer) -> None:
        counts = self.pieces(f"x?cached_tokens=4&text={TEXT}", provider)[-1].counts
        assert counts.cached_prompt == 4 < counts.prompt

    def test_no_usage_is_none(self, provider: ModelServer) -> None:
        assert self.pieces("x?usage=0", provider)[-1].counts is None

    def test_a_limit_on_the_length_is_kept_and_told(self, provider: ModelServer) -> None:
        *texts, finished = self.pieces(f"x?text={TEXT}", provider, ModelRequest(REQUEST.messages, 3))
        assert "".join(texts) == "The battery has"
        assert finished.reason == "length"

    def test_an_empty_answer_only_finishes(self, provider: ModelServer) -> None:
        (finished,) = self.pieces("silent", provider)
        assert finished.reason == "stop"

    @pytest.mark.parametrize(
        "status, kind, retryable",
        [
            (400, ModelRejectedRequest, False),
            (401, ModelRejectedRequest, False),
            (404, ModelRejectedRequest, False),
            (429, ModelBusy, True),
            (500, ModelError, True),
            (503, ModelBusy, True),
            (504, ModelTimeout, True),
            (529, ModelBusy, True),
        ],
    )
    def test_refusals_before_the_first_piece(
        self, provider: ModelServer, status: int, kind: type[ModelError], retryable: bool
    ) -> None:
        (error,) = self.pieces(f"x?status={status}", provider)
        assert (type(error), error.retryable) == (kind, retryable)
        assert "under-test" in error.message and f"scripted error {status}" in error.message

    def test_retry_after_is_told(self, provider: ModelServer) -> None:
        (error,) = self.pieces("x?status=429&retry_after=7", provider)
        assert error.retry_after == 7

    @pytest.mark.parametrize("fault", ["cut_after=3", "cut_after=3&politely=1", "broken_after=3", "error_after=3"])
    def test_errors_in_the_middle_come_after_the_text(self, provider: ModelServer, fault: str) -> None:
        *texts, error = self.pieces(f"x?{fault}&text={TEXT}", provider)
        assert "".join(texts) == "The battery has"
        assert isinstance(error, ModelError) and error.retryable

    def test_closing_ends_the_call_at_the_provider(self, provider: ModelServer) -> None:
        async def close_early(model: LanguageModel) -> None:
            stream: Any = model.stream(REQUEST, Deadline.after(PATIENT))
            assert await anext(stream)
            await stream.aclose()
            await until(lambda: provider.requests[-1].ended is not None)

        self.run("x?token_delay_s=0.05&text=" + "word " * 200, provider, close_early)
        assert provider.requests[-1].ended == "client left"
        assert provider.requests[-1].sent_pieces < 50

    def test_cancelling_ends_the_call_at_the_provider(self, provider: ModelServer) -> None:
        async def cancel(model: LanguageModel) -> None:
            task = asyncio.ensure_future(collected(model))
            await until(lambda: provider.count() == 1)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await until(lambda: provider.requests[-1].ended is not None)

        self.run("x?first_token_delay_s=5", provider, cancel)
        assert provider.requests[-1].ended == "client left"

    @pytest.mark.parametrize("slow", ["connect_delay_s=5", "first_token_delay_s=5", "token_delay_s=5"])
    def test_the_deadline_holds_at_every_step(self, provider: ModelServer, slow: str) -> None:
        started = time.monotonic()
        *_, error = self.pieces(f"x?{slow}", provider, seconds=0.3)
        assert isinstance(error, ModelTimeout)
        assert time.monotonic() - started < 2.5

    def test_many_at_once(self, provider: ModelServer) -> None:
        async def many(model: LanguageModel) -> list[list[Any]]:
            return await asyncio.gather(*(collected(model) for _ in range(30)))

        for pieces in self.run(f"x?first_token_delay_s=0.2&text={TEXT}", provider, many):
            assert text_of(pieces) == TEXT and isinstance(pieces[-1], Finished)
        assert provider.most_at_once == 30

    def test_it_can_be_used_in_one_event_loop_after_another(self, provider: ModelServer) -> None:
        model = self.model_named(f"x?text={TEXT}", provider)
        for _ in range(2):

            async def once() -> list[Any]:
                try:
                    return await collected(model)
                finally:
                    await model.aclose()

            assert text_of(asyncio.run(once())) == TEXT
