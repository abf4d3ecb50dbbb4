"""Server-sent events: typed events out, comments while nothing happens, work stopped when the client goes away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol

from fastapi.responses import StreamingResponse

from api.error_responses import internal_error, problem_body
from runtime.errors import PlumblineError

KEEP_ALIVE_SECONDS = 15.0

_log = logging.getLogger(__name__)


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
    # A task of its own reads the events: waiting for one with a time-out would cancel the generator inside.
    waiting: asyncio.Queue[SentEvent | None] = asyncio.Queue()

    async def read() -> None:
        try:
            async for event in events:
                waiting.put_nowait(event)
        finally:
            if isinstance(events, AsyncGenerator):
                await events.aclose()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: waiting.put_nowait(None))
    try:
        while True:
            try:
                event = await asyncio.wait_for(waiting.get(), keep_alive)
            except TimeoutError:
                yield b": keep-alive\n\n"
                continue
            if event is None:
                break
            yield event.encode()
        # The response has begun: an error can only be told as an event.
        if (error := reader.exception()) is not None:
            yield error_event(_told(error, request_id), request_id).encode()
    finally:
        reader.cancel()
        await asyncio.wait({reader})


def _told(error: BaseException, request_id: str) -> PlumblineError:
    if isinstance(error, PlumblineError):
        return error
    _log.error("A stream broke off", exc_info=error, extra={"request_id": request_id})
    return internal_error()
