"""A language model that outlasts its provider's bad moments, within the deadline of whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Literal, Protocol, TypeAlias, cast

from generation.language_models.circuit_breaker import CircuitBreaker
from generation.language_models.concurrency_limit import ConcurrencyLimit
from generation.language_models.latency_estimate import LatencyEstimate
from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    ModelBusy,
    ModelError,
    ModelRejectedRequest,
    ModelRequest,
    ModelTimeout,
    Piece,
    TokenCounts,
)

CHARACTERS_PER_TOKEN = 4

Outcome: TypeAlias = Literal["ok", "error", "timeout", "busy", "rejected", "broken", "abandoned", "not tried"]
"""`broken`: failed after text had come. `abandoned`: the caller closed the stream. `not tried`: breaker or queue."""


class HeldModel(LanguageModel, Protocol):
    """A model with something to load before, and to close after."""

    def warm_up(self) -> None: ...

    async def aclose(self) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class CallReport:
    """One try at the provider. `first_token_seconds` is None when no text came, `counts` when none were told."""

    model: str
    outcome: Outcome
    seconds: float
    first_token_seconds: float | None = None
    counts: TokenCounts | None = None


class CallObserver(Protocol):
    """Metrics. Called on the event loop: it must not block."""

    def call_ended(self, report: CallReport) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """Seconds; the pause before retry n is drawn from [0, min(longest_pause, first_pause · 2ⁿ)] ("full jitter",
    Brooker, "Exponential Backoff And Jitter", AWS 2015), on top of the Retry-After that the provider asked for."""

    first_token_seconds: float = 30.0
    total_seconds: float = 120.0
    retries: int = 2
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 8.0


class ResilientModel:
    """Timeouts, retries, a circuit breaker and a bounded queue around a model.

    Only a call of which no text has come is tried again: what was shown stays, and another model can go on from there
    (`fallback.py`). When the pause that the provider asks for would outlast the deadline, the error comes at once, so
    that there is time left for the fallback.
    """

    def __init__(
        self,
        model: HeldModel,
        *,
        patience: Patience,
        breaker: CircuitBreaker,
        limit: ConcurrencyLimit,
        observer: CallObserver | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.profile = model.profile
        self._model = model
        self._patience = patience
        self._breaker = breaker
        self._limit = limit
        self._observer = observer
        self._sleep = sleep
        self._chance = chance
        self._latency = LatencyEstimate()

    @property
    def available(self) -> bool:
        """False while the circuit breaker is open: a router can pass this model over."""
        return self._breaker.closed_for_seconds == 0

    def typical_latency(self, completion_tokens: int) -> float | None:
        """Seconds that an answer of this length would take, by the calls seen so far; None before the first."""
        return self._latency.seconds(completion_tokens)

    def warm_up(self) -> None:
        """See the model; blocks."""
        self._model.warm_up()

    async def aclose(self) -> None:
        await self._model.aclose()

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        """See `LanguageModel.stream`."""
        deadline = deadline.within(self._patience.total_seconds)
        for earlier_tries in range(self._patience.retries + 1):
            begun = False
            async with self._admitted(deadline):
                try:
                    async with contextlib.aclosing(self._one_try(request, deadline)) as pieces:
                        async for piece in pieces:
                            begun = True
                            yield piece
                    return
                except ModelError as error:
                    pause = self._pause(earlier_tries, error)
                    last = earlier_tries == self._patience.retries or not self.available or pause >= deadline.left()
                    if begun or last or not error.retryable:
                        raise
            await self._sleep(pause)

    def _pause(self, earlier_tries: int, error: ModelError) -> float:
        longest = min(self._patience.longest_pause_seconds, self._patience.first_pause_seconds * 2.0**earlier_tries)
        return (error.retry_after or 0.0) + self._chance() * longest

    @contextlib.asynccontextmanager
    async def _admitted(self, deadline: Deadline) -> AsyncIterator[None]:
        """A place for one call. Raises ModelError when breaker or queue say no, or the wait took too long."""
        async with contextlib.AsyncExitStack() as places:
            try:
                self._refuse_while_open()
                await places.enter_async_context(self._limit.slot(deadline))
                if not self._breaker.admit():  # it opened while this call waited for its turn
                    self._refuse_while_open()
            except ModelError:
                if self._observer is not None:
                    self._observer.call_ended(CallReport(self.profile.name, "not tried", 0.0))
                raise
            yield

    def _refuse_while_open(self) -> None:
        wait = self._breaker.closed_for_seconds
        if wait > 0:
            told = f"The model {self.profile.name} has failed repeatedly and is left alone for {wait:.0f} s."
            raise ModelError(told, retry_after=wait)

    async def _one_try(self, request: ModelRequest, deadline: Deadline) -> AsyncGenerator[Piece, None]:
        watch = _Watch()
        settled = False
        try:
            async with contextlib.aclosing(self._timed(request, deadline, watch)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Finished):  # before it is handed on: who asked may listen no further
                        settled = True
                        self._breaker.succeeded()
                        self._report("ok", watch)
                    yield piece
        except ModelError as error:
            settled = True
            self._judge(error, deadline, watch)
            raise
        finally:
            if not settled:
                self._breaker.withdrawn()
                self._report("abandoned", watch)

    async def _timed(self, request: ModelRequest, deadline: Deadline, watch: _Watch) -> AsyncGenerator[Piece, None]:
        """The model's pieces, the first within its time."""
        stream = cast("AsyncGenerator[Piece, None]", self._model.stream(request, deadline))
        async with contextlib.aclosing(stream) as pieces:
            try:
                async with asyncio.timeout(min(self._patience.first_token_seconds, deadline.left())):
                    piece = await anext(pieces)
            except TimeoutError:
                told = f"The model {self.profile.name} had not begun to answer after {watch.seconds:.1f} s."
                raise ModelTimeout(told) from None
            watch.saw(piece)
            yield piece
            async for piece in pieces:
                watch.saw(piece)
                yield piece

    def _judge(self, error: ModelError, deadline: Deadline, watch: _Watch) -> None:
        """What a failed try says about the endpoint.

        Nothing, when the request was wrong, or when the caller allowed less time than the endpoint is allowed.
        """
        hurried = isinstance(error, ModelTimeout) and watch.seconds < self._patience.first_token_seconds
        if isinstance(error, ModelRejectedRequest) or (hurried and deadline.left() == 0):
            self._breaker.withdrawn()
        else:
            self._breaker.failed()
        if watch.first_token_seconds is not None:
            self._report("broken", watch)
        else:
            self._report(_outcome(error), watch)
            if isinstance(error, ModelTimeout):
                self._latency.saw(watch.seconds)

    def _report(self, outcome: Outcome, watch: _Watch) -> None:
        if outcome == "ok" and watch.first_token_seconds is not None:
            rest = watch.seconds - watch.first_token_seconds
            self._latency.saw(watch.first_token_seconds, rest, watch.tokens - 1)
        if self._observer is not None:
            seconds, first = watch.seconds, watch.first_token_seconds
            self._observer.call_ended(CallReport(self.profile.name, outcome, seconds, first, watch.counts))


def _outcome(error: ModelError) -> Outcome:
    if isinstance(error, ModelTimeout):
        return "timeout"
    if isinstance(error, ModelBusy):
        return "busy"
    return "rejected" if isinstance(error, ModelRejectedRequest) else "error"


class _Watch:
    """The times and tokens of one try."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._characters = 0
        self.first_token_seconds: float | None = None
        self.counts: TokenCounts | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def tokens(self) -> float:
        """Those told, else a guess from the length of the text."""
        told = self.counts.completion if self.counts is not None else 0
        return told or self._characters / CHARACTERS_PER_TOKEN

    def saw(self, piece: Piece) -> None:
        if isinstance(piece, Finished):
            self.counts = piece.counts
        else:
            self._characters += len(piece)
            if self.first_token_seconds is None:
                self.first_token_seconds = self.seconds
