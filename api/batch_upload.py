"""The JSONL of a batch, as the body itself or as the `file` of a form."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from api.body_limit import BodyTooLarge, drain
from api.error_responses import UnsupportedMediaType
from api.multipart_upload import BrokenUpload, receive_upload

ACCEPTED = ("application/jsonl", "application/x-ndjson", "application/json", "application/octet-stream", "text/plain")


async def batch_body(request: Request, folder: Path, max_bytes: int) -> bytes:
    """Raises UnsupportedMediaType, BodyTooLarge, and for a form as `receive_upload`."""
    kind = parse_options_header(request.headers.get("content-type", ""))[0].decode(errors="replace").lower()
    if kind == "multipart/form-data":
        return await _file(request, folder, max_bytes)
    if kind and kind not in ACCEPTED and not kind.endswith("jsonl"):
        raise UnsupportedMediaType(
            "Send the questions as application/jsonl, one JSON object a line, or as the `file` of multipart/form-data."
        )
    body, pieces = bytearray(), request.stream()
    async for piece in pieces:
        body += piece
        if len(body) > max_bytes:
            await drain(pieces)
            raise _too_large(max_bytes)
    return bytes(body)


async def _file(request: Request, folder: Path, max_bytes: int) -> bytes:
    try:
        async with receive_upload(request, folder, max_bytes) as received:
            if received.fields:
                raise BrokenUpload("A batch has one `file` and no other part; its settings are query parameters.")
            return await run_in_threadpool(received.stream.read)
    except BodyTooLarge:
        raise _too_large(max_bytes) from None


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The batch is larger than {max_bytes:,} bytes, the most that is accepted. Split it, or raise "
        "PLUMB_MAX_BATCH_BYTES."
    )
