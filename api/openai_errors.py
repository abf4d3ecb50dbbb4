"""Errors as clients made for OpenAI read them: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.error_responses import (
    http_problem,
    log_problem,
    problem_response,
    status_of,
    validation_problem,
)
from runtime.errors import PlumblineError

# What OpenAI's own API says where it says something else than we do.
_STATUS_OF_CODE = {"unknown_model": 404}
_CODE = {"unknown_model": "model_not_found", "invalid_key": "invalid_api_key", "too_large": "request_too_large"}
_PARAM_OF_CODE = {
    "unknown_model": "model",
    "invalid_question": "messages",
    "invalid_schema": "response_format",
    "needs_model": "response_format",
    "unknown_collection": "plumbline.collection",
}


class OpenAIRoute(APIRoute):
    """A route whose errors are told in OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_dialect(request: Request) -> Response:
            problem: PlumblineError
            fields: Sequence[dict[str, str]] = ()
            try:
                return await handle(request)
            except RequestValidationError as error:
                problem, fields = validation_problem(error)
            except HTTPException as error:
                problem = http_problem(request, error)
            except PlumblineError as error:
                problem = error
            log_problem(problem, request.state.request_id)
            return _response(problem, request.state.request_id, fields)

        return handle_in_dialect


class ErrorChunk(NamedTuple):
    """An error in the middle of a stream; no `[DONE]` follows, so that nobody takes what came before for the whole."""

    error: dict[str, Any]

    def encode(self) -> bytes:
        return f"data: {json.dumps({'error': self.error}, ensure_ascii=False)}\n\n".encode(errors="replace")


def error_chunk(error: PlumblineError, _request_id: str) -> ErrorChunk:
    return ErrorChunk(openai_error(error))


def openai_error(error: PlumblineError, fields: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The `error` object. `param` is the first of `fields` (`field`, `message`), else what the code is about."""
    param = fields[0]["field"] if fields else _PARAM_OF_CODE.get(error.code)
    return {
        "message": error.message,
        "type": _type_of(_status(error)),
        "param": None if param == "body" else param,
        "code": _CODE.get(error.code, error.code),
    }


def _response(error: PlumblineError, request_id: str, fields: Sequence[dict[str, str]]) -> JSONResponse:
    headers = problem_response(error, request_id).headers
    kept = {name: headers[name] for name in ("www-authenticate", "retry-after") if name in headers}
    if _status(error) >= 500:
        # OpenAI's client tries every 5xx again unless it is told not to, and an answer costs money.
        kept["x-should-retry"] = str(error.retryable).lower()
    return JSONResponse({"error": openai_error(error, fields)}, _status(error), headers=kept)


def _status(error: PlumblineError) -> int:
    status = status_of(error)
    return _STATUS_OF_CODE.get(error.code, 400 if status == 422 else status)


def _type_of(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    if status in (401, 403):
        return "authentication_error"
    return "server_error" if status >= 500 else "invalid_request_error"
