"""An evaluation as it is handed in: a form with the data as its `file`, or JSON that names stored data."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header

from api.body_limit import BodyTooLarge, drain
from api.error_responses import UnsupportedMediaType
from api.multipart_upload import receive_upload

MAX_JSON_BYTES = 256 * 1024

Shape = TypeVar("Shape", bound=BaseModel)


@dataclasses.dataclass(frozen=True, slots=True)
class HandedIn(Generic[Shape]):
    """`data` is the file with the name it was sent under; None when the body was JSON."""

    request: Shape
    data: tuple[str, BinaryIO] | None


@contextlib.asynccontextmanager
async def handed_in(
    request: Request, shape: type[Shape], folder: Path, max_bytes: int
) -> AsyncIterator[HandedIn[Shape]]:
    """The checked body, whose data live as long as the block.

    Raises UnsupportedMediaType, RequestValidationError, BodyTooLarge, and for a form as `receive_upload`.
    """
    kind = parse_options_header(request.headers.get("content-type", ""))[0].decode(errors="replace").lower()
    if kind == "multipart/form-data":
        async with receive_upload(request, folder, max_bytes, tuple(shape.model_fields)) as received:
            fields = dict(received.fields)
            yield HandedIn(_checked(lambda: shape.model_validate(fields)), (received.name, received.stream))
    elif kind == "application/json":
        body, pieces = bytearray(), request.stream()
        async for piece in pieces:
            body += piece
            if len(body) > MAX_JSON_BYTES:
                await drain(pieces)
                raise BodyTooLarge(f"The body is larger than {MAX_JSON_BYTES:,} bytes, the most that this call takes.")
        yield HandedIn(_checked(lambda: shape.model_validate_json(bytes(body))), None)
    else:
        raise UnsupportedMediaType(
            "Send the data as the `file` of multipart/form-data, or application/json that names stored data."
        )


def _checked(validate: Callable[[], Shape]) -> Shape:
    try:
        return validate()
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise RequestValidationError([{**detail, "loc": ("body", *detail["loc"])} for detail in details]) from None
