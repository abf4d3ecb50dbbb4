"""Bodies read into memory may not be larger than calls need; uploads go to disk and have a limit of their own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.errors import InvalidInput

_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 10.0


class BodyTooLarge(InvalidInput):
    code = "too_large"


class BodyLimit:
    """ASGI middleware: reading more than `max_bytes` raises BodyTooLarge, except on the paths in `streamed`."""

    def __init__(self, app: ASGIApp, max_bytes: int, streamed: frozenset[str]) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._streamed:
            await self._app(scope, receive, send)
            return
        size = 0

        async def receive_counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                await drain(_rest(receive, message))
                raise BodyTooLarge(f"The body is larger than {self._max_bytes:,} bytes, the most that this call takes.")
            return message

        await self._app(scope, receive_counted, send)


async def drain(pieces: AsyncIterator[bytes]) -> None:
    """Read off the rest of a refused body, within bounds.

    Clients that listen only after they have sent everything would see a reset instead of the answer.
    """
    deadline, rest = time.monotonic() + _DRAIN_SECONDS, _DRAIN_BYTES
    async for piece in pieces:
        rest -= len(piece)
        if rest < 0 or time.monotonic() > deadline:
            return


async def _rest(receive: Receive, message: Message) -> AsyncIterator[bytes]:
    while message.get("more_body", False):
        message = await receive()
        yield message.get("body", b"")
