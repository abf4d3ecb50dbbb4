"""Bytes of text files to characters, whatever their encoding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9._-]{2,40})""", re.IGNORECASE)
_SINGLE_BYTE = ("cp", "latin", "iso8859", "mac", "hp")
# Detection by statistics is slow on long texts and gains nothing from more than this.
_SAMPLE = 64 * 1024
BROKEN_BYTES_WARNING = (
    "Some bytes of the file are not valid text; they were replaced by the sign \N{REPLACEMENT CHARACTER}."
)


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of `data` and warnings for its owner.

    In this order: a byte order mark, UTF-16 without one, UTF-8, the encoding that the file declares in its head (HTML,
    XML), UTF-8 with a few broken bytes, statistics (`charset_normalizer`), cp1252. Never raises.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_as(data, encoding)
    if guessed := _utf16_without_mark(data):
        return _decode_as(data, guessed)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    if (declared := _DECLARED.search(data[:2048])) is not None:
        encoding = declared.group(1).decode("ascii")
        try:
            if codecs.lookup(encoding).name != "utf-8":
                return data.decode(encoding), ()
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    if _mostly_utf8(data):
        return _decode_as(data, "utf-8")
    return _decode_as(data, _by_statistics(data))


def decode_file(path: Path, warn: Callable[[str], None]) -> str:
    """The text of the file; `warn` hears what its owner should know."""
    text, warnings = decode(path.read_bytes())
    for warning in warnings:
        warn(warning)
    return text


def _decode_as(data: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), (BROKEN_BYTES_WARNING,)


def _utf16_without_mark(data: bytes) -> str | None:
    """Western text in UTF-16 has a zero in every other byte; no other text has zeros at all."""
    head = data[:4096]
    if len(head) < 4 or b"\0" not in head:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _mostly_utf8(data: bytes) -> bool:
    """Valid multi-byte sequences outnumber broken bytes: UTF-8 with damage rather than another encoding."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    multi_byte = sum(character > "\x7f" for character in text) - broken
    return multi_byte > 2 * broken


def _by_statistics(data: bytes) -> str:
    from charset_normalizer import from_bytes

    # The sample takes the places around the first bytes beyond ASCII: the head alone is often plain ASCII.
    first = next((i for i, byte in enumerate(data) if byte > 0x7F), 0)
    start = max(0, first - _SAMPLE // 2)
    best = from_bytes(data[start : start + _SAMPLE]).best()
    # A few accented letters in a Western text are too little evidence for the rarer code pages that it then proposes.
    if best is None or best.encoding.startswith(
        ("cp125", "latin", "iso8859", "mac", "cp4", "cp8", "cp7", "cp10", "hp")
    ):
        return "cp1252" if best is None or _western(data) else best.encoding
    return best.encoding


def _western(data: bytes) -> bool:
    beyond_ascii = sum(byte > 0x7F for byte in data[: 4 * _SAMPLE])
    return beyond_ascii < 0.1 * len(data[: 4 * _SAMPLE])
