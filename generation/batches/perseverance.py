"""Trying again with growing pauses, for work that may take its time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from runtime.errors import PlumblineError

PAUSES = (2.0, 8.0, 30.0, 90.0)
IN_VAIN_AT_MOST = 3

Result = TypeVar("Result")


class Perseverance:
    """Repeats what failed for a reason that can pass. For one event loop.

    When that has been in vain for some pieces of work in a row, the rest gets one try each until something succeeds
    again: ten thousand questions to a service that is gone must not wait minutes each.
    """

    def __init__(self, pauses: Sequence[float] = PAUSES, *, in_vain_at_most: int = IN_VAIN_AT_MOST) -> None:
        self._pauses = pauses
        self._in_vain_at_most = in_vain_at_most
        self._in_vain = 0

    async def call(
        self, work: Callable[[], Awaitable[Result]], falls_short: Callable[[Result], bool] = lambda _: False
    ) -> Result:
        """The first good result, else the last. Raises what is not retryable at once, anything else at the end.

        `falls_short`: a result that is worth another try. A pause is at least as long as the error's `retry_after`.
        """
        pauses = self._pauses if self._in_vain < self._in_vain_at_most else ()
        for pause in pauses:
            asked_for = 0.0
            try:
                result = await work()
            except PlumblineError as error:
                if not error.retryable:
                    raise
                asked_for = getattr(error, "retry_after", None) or 0.0
            else:
                if not falls_short(result):
                    self._in_vain = 0
                    return result
            await asyncio.sleep(min(max(pause * random.uniform(0.8, 1.2), asked_for), self._pauses[-1] * 1.2))
        try:
            result = await work()
        except PlumblineError as error:
            self._in_vain += error.retryable
            raise
        self._in_vain = self._in_vain + 1 if falls_short(result) else 0
        return result
