"""At most so many calls of an endpoint at once; some more may wait, in order, each until its deadline."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator

from generation.language_models.model import Deadline, ModelBusy, ModelTimeout


class ConcurrencyLimit:
    """For one event loop at a time. `name` is the model's, for the messages."""

    def __init__(self, name: str, at_once: int, queue: int) -> None:
        self._name = name
        self._at_once = at_once
        self._queue = queue
        self._running = 0
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    @property
    def running(self) -> int:
        return self._running

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @contextlib.asynccontextmanager
    async def slot(self, deadline: Deadline) -> AsyncIterator[None]:
        """Hold one of the places. Raises ModelBusy: the queue is full; ModelTimeout: the deadline came first."""
        await self._take(deadline)
        try:
            yield
        finally:
            self._hand_on()

    async def _take(self, deadline: Deadline) -> None:
        if self._running < self._at_once and not self._waiting:
            self._running += 1
            return
        if len(self._waiting) >= self._queue:
            raise ModelBusy(f"The model {self._name} has {self._running} calls running and {self._queue} waiting.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(deadline.left()):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._hand_on()  # the turn came in the very moment in which the caller gave up
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise ModelTimeout(f"Time was up while waiting for a turn at the model {self._name}.") from None
            raise

    def _hand_on(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # done: cancelled, its task not yet told
                turn.set_result(None)  # the place stays taken: it changes hands
                return
        self._running -= 1
