"""Server-sent events read from bytes as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator


class EventReader:
    """Cuts bytes into the data of events (WHATWG HTML, 9.2.6; only `data` lines matter to us).

    One call takes what one read of the socket brought, and gives every event that it completes: a consumer that is
    slower than its provider gets several at once, and can treat them as one.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, arrived: bytes) -> Iterator[str]:
        """The data of each event that is complete now. Raises UnicodeDecodeError."""
        *lines, self._rest = (self._rest + arrived).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data).decode()
                self._data.clear()


class BytePump:
    """Reads a stream ahead of its consumer, who takes all that has arrived in between as one.

    An HTTP client gives each chunk by itself, though one read of the socket often brings many. What is read ahead is
    bounded by the length of a completion.
    """

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._arrived = bytearray()
        self._news = asyncio.Event()
        self._failure: Exception | None = None
        self._task = asyncio.ensure_future(self._run())

    async def take(self) -> bytes:
        """What arrived since the last call; waits for it. Empty at the end. Raises what the source raised."""
        await self._news.wait()
        if self._arrived:
            arrived = bytes(self._arrived)
            self._arrived.clear()
            if not self._task.done():
                self._news.clear()
            return arrived
        if self._failure is not None:
            raise self._failure
        return b""

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            async for part in self._source:
                self._arrived += part
                self._news.set()
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is the consumer's: `take` raises it
            self._failure = failure
        finally:
            self._news.set()
