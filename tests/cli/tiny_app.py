"""A small ASGI application with the outward contract's manners, served by the real server over real sockets."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

Send = Callable[[dict[str, Any]], Awaitable[None]]


class TinyApp:
    """`/who` names its process, `/slow?seconds=` takes its time, `/problem` refuses, `/events` streams."""

    def __init__(self, token: str, start_error: Exception | None = None) -> None:
        self._token = token
        self._start_error = start_error
        self.stopped = False

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            if self._start_error is not None:
                raise self._start_error
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.stopped = True
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if scope["path"] != "/health/live" and headers.get("authorization") != f"Bearer {self._token}":
            await _json(send, 401, {"code": "key_required", "detail": "No key."})
            return
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        await self._answer(scope["path"], query, body, headers, send)

    async def _answer(self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str], send: Send) -> None:
        match path:
            case "/health/live":
                await _json(send, 200, {"status": "live"})
            case "/who":
                await _json(send, 200, {"pid": os.getpid(), "query": query})
            case "/slow":
                await asyncio.sleep(float(query["seconds"]))
                await _json(send, 200, {"done": True})
            case "/problem":
                await _json(send, 422, {"code": "invalid_question", "detail": "The question is empty.", "status": 422})
            case "/plain":
                await _respond(send, 502, b"<html>Bad gateway</html>", "text/html")
            case "/v1/documents":
                await _json(send, 202, {"received": body.decode("utf-8", "replace")})
            case "/events":
                text = ': hello\n\nevent: delta\ndata: {"text": "a"}\n\nevent: answer\ndata: {"answer":\ndata: "a"}\n\n'
                await _respond(send, 200, text.encode(), "text/event-stream")
            case "/half":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                part = b'event: delta\ndata: {"text": "a"}\n\n'
                await send({"type": "http.response.body", "body": part, "more_body": True})
                raise RuntimeError("the application dies in the middle of a stream")


async def _json(send: Send, status: int, value: Any) -> None:
    await _respond(send, status, json.dumps(value).encode(), "application/json")


async def _respond(send: Send, status: int, body: bytes, media_type: str) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", media_type.encode())]})
    await send({"type": "http.response.body", "body": body})
