"""Messages between a parser process and its owner: four bytes of length (big endian), then that much JSON."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")


def encode_frame(message: Mapping[str, object]) -> bytes:
    # ASCII escapes also carry lone surrogates, which UTF-8 cannot.
    payload = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(payload)) + payload


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = stream.read(length)
    return json.loads(payload) if len(payload) == length else None


class FrameBuffer:
    """Takes bytes as they arrive and gives whole messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        self._bytes += data
        messages = []
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            end = _LENGTH.size + length
            if len(self._bytes) < end:
                break
            messages.append(json.loads(bytes(self._bytes[_LENGTH.size : end])))
            del self._bytes[:end]
        return messages
