"""What is seen of every request: its id, a log line without bodies, metrics, and the headers of every response."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.error_responses import internal_error, problem_response
from api.http_metrics import HttpMetrics

_access_log = logging.getLogger("plumbline.access")
_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_CLIENT_CLOSED = 499  # as nginx logs it; never sent
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
}


class Observation:
    """Outermost ASGI middleware, so that refused and failed requests are seen too."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["X-Request-ID"] = request_id
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_observed)
        except ClientDisconnect:
            status = _CLIENT_CLOSED
        except Exception:
            # Nothing is above this: the caller gets a problem without details, the log gets the trace.
            _log.exception("A request failed", extra={"request_id": request_id})
            if status:
                raise
            await problem_response(internal_error(), request_id)(scope, receive, send_observed)
        finally:
            seconds = time.perf_counter() - started
            route = _route_template(scope)
            self._metrics.observe_request(scope["method"], route, status or _CLIENT_CLOSED, seconds)
            _access_log.info(
                "%s %s",
                scope["method"],
                route,
                extra={
                    "status": status or _CLIENT_CLOSED,
                    "milliseconds": round(seconds * 1000, 1),
                    "request_id": request_id,
                },
            )


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route_template(scope: Scope) -> str:
    """`/v1/documents/{document_id}`, never the path itself: its values would make as many time series."""
    route = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return path if isinstance(path, str) else "unmatched"
