"""Server-sent events read from bytes as they arrive."""

from __future__ import annotations

from collections.abc import Iterator


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
