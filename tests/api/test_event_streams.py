from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.event_streams import EventStream, ServerEvent
from runtime.errors import Unavailable
from tests.api.serving import serving, wait_until

left = threading.Event()


async def _counting() -> AsyncIterator[ServerEvent]:
    for number in range(3):
        yield ServerEvent("number", {"value": number, "text": "two\nlines – é"})


async def _failing() -> AsyncIterator[ServerEvent]:
    yield ServerEvent("number", {"value": 0})
    raise Unavailable("The model does not answer. Try again.")


async def _broken() -> AsyncIterator[ServerEvent]:
    yield ServerEvent("number", {"value": 0})
    raise RuntimeError("a secret of the server")


async def _endless() -> AsyncIterator[ServerEvent]:
    try:
        yield ServerEvent("number", {"value": 0})
        await asyncio.sleep(3600)
    finally:
        left.set()


def _app() -> FastAPI:
    app = FastAPI()
    for events in (_counting, _failing, _broken, _endless):

        def stream(events: object = events) -> EventStream:
            assert callable(events)
            return EventStream(events(), "request-1", keep_alive=0.05)

        app.add_api_route(f"/{events.__name__[1:]}", stream, response_model=None)
    return app


@pytest.fixture(scope="module")
def address() -> object:
    with serving(_app()) as address:
        yield address


def test_events_arrive_in_order_with_json_on_one_line(address: str) -> None:
    response = httpx.get(f"{address}/counting")
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in response.text.split("\n\n") if block]
    assert blocks[0] == 'event: number\ndata: {"value": 0, "text": "two\\nlines – é"}'
    assert len(blocks) == 3


def test_an_error_becomes_the_last_event(address: str) -> None:
    last = httpx.get(f"{address}/failing").text.strip().split("\n\n")[-1]
    assert last.startswith("event: error\n")
    assert '"code": "unavailable"' in last
    assert '"retryable": true' in last
    assert "Try again." in last


def test_an_unforeseen_error_tells_nothing_of_the_inside(address: str) -> None:
    text = httpx.get(f"{address}/broken").text
    assert '"code": "internal_error"' in text
    assert "secret" not in text


def test_silence_is_filled_with_comments_and_a_client_that_leaves_ends_the_work(address: str) -> None:
    left.clear()
    with httpx.stream("GET", f"{address}/endless") as response:
        lines = response.iter_lines()
        seen = [next(lines) for _ in range(9)]
    assert seen.count(": keep-alive") >= 2
    wait_until(left.is_set, 5)
