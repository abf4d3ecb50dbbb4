"""Server-sent events: typed events out, comments while nothing happens, work stopped when the client goes away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.error_responses import internal_error, problem_body
from runtime.errors import PlumblineError

KEEP_ALIVE_SECONDS = 15.0

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Finishing(Protocol):
    """A record of work that comes to an end."""

    @property
    def finished(self) -> bool: ...


Followed = TypeVar("Followed", bound=Finishing)


class SentEvent(Protocol):
    def encode(self) -> bytes: ...


class ServerEvent(NamedTuple):
    name: str
    data: Any

    def encode(self) -> bytes:
        # JSON escapes newlines, so one data line is enough.
        return f"event: {self.name}\ndata: {json.dumps(self.data, ensure_ascii=False)}\n\n".encode(errors="replace")


def problem_event(error: PlumblineError, request_id: str) -> ServerEvent:
    return ServerEvent("error", problem_body(error, request_id))


class EventStream(StreamingResponse):
    """Sends events as they come; an error becomes a last event, by default `error` with the problem object.

    A proxy that closes silent connections is kept awake by a comment every `keep_alive` seconds. When the client goes
    away the events' generator is closed, which ends whatever it was waiting for.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[SentEvent],
        request_id: str,
        keep_alive: float = KEEP_ALIVE_SECONDS,
        error_event: Callable[[PlumblineError, str], SentEvent] = problem_event,
    ) -> None:
        super().__init__(
            _encoded(events, request_id, keep_alive, error_event),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


async def _encoded(
    events: AsyncIterator[SentEvent],
    request_id: str,
    keep_alive: float,
    error_event: Callable[[PlumblineError, str], SentEvent],
) -> AsyncGenerator[bytes, None]:
    reader = _Reader(events)
    try:
        while True:
            try:
                event = await asyncio.wait_for(reader.next(), keep_alive)
            except TimeoutError:
                yield b": keep-alive\n\n"
                continue
            if event is None:
                break
            yield event.encode()
        # The response has begun: an error can only be told as an event.
        if (error := reader.error()) is not None:
            yield error_event(_told(error, request_id), request_id).encode()
    finally:
        await reader.close()


async def begun(events: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same events, once the first of them is there. An error that comes instead of it is raised here.

    All are read by one task: an iterator that holds a time-out or a task group may not change its task.
    """
    reader = _Reader(events)
    try:
        first = await reader.next()
        if first is None and (error := reader.error()) is not None:
            raise error
    except BaseException:
        await reader.close()
        raise
    return _rest(first, reader)


async def _rest(event: T | None, reader: _Reader[T]) -> AsyncGenerator[T, None]:
    try:
        while event is not None:
            yield event
            event = await reader.next()
        if (error := reader.error()) is not None:
            raise error
    finally:
        await reader.close()


class _Reader(Generic[T]):
    """A task of its own reads the events: waiting for one with a time-out would cancel the generator inside."""

    def __init__(self, events: AsyncIterator[T]) -> None:
        self._waiting: asyncio.Queue[T | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._read(events))
        self._task.add_done_callback(lambda _: self._waiting.put_nowait(None))

    async def next(self) -> T | None:
        """The next event, or None when there is none any more."""
        return await self._waiting.get()

    def error(self) -> BaseException | None:
        """What ended the events that have all been read, if it was an error."""
        return self._task.exception()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _read(self, events: AsyncIterator[T]) -> None:
        try:
            async for event in events:
                self._waiting.put_nowait(event)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()


def _told(error: BaseException, request_id: str) -> PlumblineError:
    if isinstance(error, PlumblineError):
        return error
    _log.error("A stream broke off", exc_info=error, extra={"request_id": request_id})
    return internal_error()


async def changes(
    record: Followed, look: Callable[[], Followed], event: Callable[[Followed], ServerEvent], pause_seconds: float
) -> AsyncIterator[ServerEvent]:
    """The record as it is and whenever it has changed, until it is finished; `look` is blocking.

    The records are the truth, wherever the worker runs, so they are looked at rather than told of.
    """
    yield event(record)
    while not record.finished:
        await asyncio.sleep(pause_seconds)
        latest = await run_in_threadpool(look)
        if latest != record:
            record = latest
            yield event(record)
