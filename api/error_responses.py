"""Errors as `application/problem+json` (RFC 9457). The only place that knows HTTP statuses of error codes."""

from __future__ import annotations

import http
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.schemas import Problem
from runtime.errors import InvalidInput, NotFound, PlumblineError, ToldError

_log = logging.getLogger(__name__)

STATUS_OF_CODE: dict[str, int] = {
    "invalid_json": 400,
    "broken_upload": 400,
    "key_required": 401,
    "invalid_key": 401,
    "host_not_allowed": 403,
    "cross_origin": 403,
    "not_found": 404,
    "unknown_answer": 404,
    "unknown_audit": 404,
    "unknown_batch": 404,
    "unknown_collection": 404,
    "unknown_document": 404,
    "unknown_evaluation": 404,
    "unknown_job": 404,
    "unknown_record": 404,
    "unknown_route": 404,
    "method_not_allowed": 405,
    "batch_finished": 409,
    "cancelled": 409,
    "evaluation_finished": 409,
    "evaluation_unfinished": 409,
    "job_finished": 409,
    "not_cancellable": 409,
    "nothing_to_retry": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "document_rejected": 422,
    "invalid_batch": 422,
    "invalid_collection_name": 422,
    "invalid_cursor": 422,
    "invalid_document_name": 422,
    "invalid_input": 422,
    "invalid_metadata": 422,
    "invalid_question": 422,
    "nothing_to_ask": 422,
    "invalid_request": 422,
    "invalid_window": 422,
    "missing_file": 422,
    "unknown_model": 422,
    "internal_error": 500,
    "configuration_error": 500,
    "database_unavailable": 503,
    "index_damaged": 503,
    "index_locked": 503,
    "index_mismatch": 503,
    "original_missing": 503,
    "start_failed": 503,
    "starting": 503,
    "storage_unavailable": 503,
    "unavailable": 503,
    "upload_collided": 503,
    "disk_full": 507,
    "storage_full": 507,
}

_CODE_OF_STATUS = {400: "invalid_json", 404: "unknown_route", 405: "method_not_allowed", 413: "too_large"}
_RETRY_AFTER_SECONDS = 2


class UnknownRoute(NotFound):
    code = "unknown_route"


class UnsupportedMediaType(InvalidInput):
    code = "unsupported_media_type"


def status_of(error: PlumblineError) -> int:
    """HTTP status of an error: that of its code, else that of the nearest base class with a known code."""
    return _status_of(ToldError.of(error))


def _status_of(error: ToldError) -> int:
    return next((STATUS_OF_CODE[code] for code in error.codes if code in STATUS_OF_CODE), 500)


def problem_body(error: PlumblineError, request_id: str = "", errors: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The problem object of an error, as used in responses and in `error` events of streams."""
    return told_problem(ToldError.of(error), request_id, errors)


def told_problem(error: ToldError, request_id: str = "", errors: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """The problem object of an error that was kept."""
    status = _status_of(error)
    problem = Problem(
        type=f"urn:plumbline:error:{error.code}",
        title=http.HTTPStatus(status).phrase,
        status=status,
        code=error.code,
        detail=error.message,
        retryable=error.retryable,
        request_id=request_id,
        errors=list(errors) or None,
    )
    return problem.model_dump(exclude_none=True)


def problem_response(
    error: PlumblineError, request_id: str = "", errors: Sequence[dict[str, str]] = ()
) -> JSONResponse:
    body = problem_body(error, request_id, errors)
    headers = {}
    if body["status"] == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="plumbline"'
    if body["status"] == 503 and error.retryable:
        headers["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return JSONResponse(body, status_code=body["status"], headers=headers, media_type="application/problem+json")


def internal_error() -> PlumblineError:
    """What a caller may know of an unforeseen exception."""
    return PlumblineError("Something went wrong on our side. The server's log has the details under this request id.")


def install_error_responses(app: FastAPI) -> None:
    app.add_exception_handler(PlumblineError, _plumbline_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _plumbline_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PlumblineError)
    log_problem(error, request.state.request_id)
    return problem_response(error, request.state.request_id)


def log_problem(error: PlumblineError, request_id: str) -> None:
    """Log what is not the caller's mistake."""
    if status_of(error) >= 500:
        # Only what is our own fault needs a trace: a full disk, a locked index and the like are told by their sentence.
        trace = error if status_of(error) == 500 else None
        _log.error(error.message, exc_info=trace, extra={"code": error.code, "request_id": request_id})


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problem, fields = validation_problem(error)
    return problem_response(problem, request.state.request_id, fields)


def validation_problem(error: RequestValidationError) -> tuple[InvalidInput, list[dict[str, str]]]:
    """The problem, and its `field` and `message` for each part of the request that is wrong."""
    details = error.errors()
    # The values themselves are left out: they may hold anything, and answers to errors end up in logs.
    fields = [
        {"field": _field_name(detail["loc"]), "message": str(detail["msg"]).removeprefix("Value error, ")}
        for detail in details
    ]
    first = details[0]
    if first["type"] == "json_invalid":
        problem = InvalidInput(f"The body is not valid JSON: {first['ctx']['error']}.", code="invalid_json")
    elif first["type"] in STATUS_OF_CODE:
        problem = InvalidInput(str(first["msg"]), code=str(first["type"]))
    else:
        summary = "; ".join(f"{field['field']}: {field['message']}" for field in fields[:5])
        problem = InvalidInput(f"The request cannot be used. {summary}", code="invalid_request")
    return problem, fields


def _field_name(location: Sequence[str | int]) -> str:
    inner = [str(part) for part in location[1:]]
    return ".".join(inner) or str(location[0])


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = problem_response(http_problem(request, error), request.state.request_id)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def http_problem(request: Request, error: HTTPException) -> PlumblineError:
    """The problem behind an error of the web framework."""
    if isinstance(error.__cause__, PlumblineError):
        return error.__cause__
    if error.status_code == 404:
        return UnknownRoute(f"There is no {request.url.path} here. /openapi.json lists every call.")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        hint = f" Use {allowed}." if allowed else ""
        return InvalidInput(f"{request.url.path} does not take {request.method}.{hint}", code="method_not_allowed")
    if error.status_code == 413:
        return InvalidInput("The body is larger than this call accepts.", code="too_large")
    if error.status_code == 400:
        return InvalidInput("The body cannot be read: it is not JSON in UTF-8.", code="invalid_json")
    return InvalidInput(str(error.detail), code=_CODE_OF_STATUS.get(error.status_code, "invalid_request"))
