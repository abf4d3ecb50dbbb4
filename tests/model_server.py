"""A language model provider for tests and benches: OpenAI's and Anthropic's protocols over a real socket.

In a test:        with model_server() as provider: ... provider.url, provider.script(...), provider.requests ...
As a process:     python tests/model_server.py --port 0        (prints its URL)

What it answers is chosen by the name of the model: one of `ANSWERS` in tests/provider/answers.py (default `evidence`:
quotes the passages of the prompt), with any field of `Behaviour` behind it as in a URL:
`evidence?token_delay_s=0.01&cut_after=5`. A test can also script the next requests of a model one by one, or decide on
each request with a callable.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.provider.batches import Batches
from tests.provider.behaviour import Behaviour, Received
from tests.provider.words import AnthropicWords, OpenAIWords, Words

HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]

Decide = Callable[[Received], Behaviour | None]


class ModelServer:
    """The provider's state. Safe to script from a test while the server runs in its thread."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self.models = ["evidence", "refuses", "invents"]
        self.most_at_once = 0
        self._at_once = 0
        self._scripts: dict[str, collections.deque[Behaviour]] = collections.defaultdict(collections.deque)
        self._decide: Decide | None = None
        self.batches = Batches(self._receive, lambda: self.url)

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def script(self, model: str, *behaviours: Behaviour) -> None:
        """The next requests of this model are answered so, one by one; then as its name says."""
        self._scripts[model].extend(behaviours)

    def decide(self, decide: Decide | None) -> None:
        """Asked at each request that is not scripted; None leaves it to the model's name."""
        self._decide = decide

    def count(self, model: str | None = None) -> int:
        return sum(model in (None, request.model) for request in self.requests)

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/models", self._list_models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/messages", self._messages, methods=["POST"]),
                *self.batches.routes(),
            ]
        )

    async def _list_models(self, _: Request) -> Response:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.models]
        return JSONResponse({"object": "list", "data": data})

    def _receive(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Received:
        model = body["model"]
        received = Received(path, model, body, headers or {}, Behaviour.of_model(model))
        scripted = self._scripts[model]
        if scripted:
            received.behaviour = scripted.popleft()
        elif self._decide is not None:
            received.behaviour = self._decide(received) or received.behaviour
        self.requests.append(received)
        return received

    async def _chat(self, request: Request) -> Response:
        received = self._receive(request.url.path, await request.json(), dict(request.headers))
        return await self._answer(received, OpenAIWords(received))

    async def _messages(self, request: Request) -> Response:
        received = self._receive(request.url.path, await request.json(), dict(request.headers))
        return await self._answer(received, AnthropicWords(received))

    async def _answer(self, received: Received, words: Words) -> Response:
        behaviour = received.behaviour
        await asyncio.sleep(behaviour.connect_delay_s)
        if behaviour.status is not None:
            received.ended = "refused"
            headers = {"retry-after": behaviour.retry_after} if behaviour.retry_after is not None else None
            return JSONResponse(words.problem(behaviour.status), behaviour.status, headers=headers)
        if received.body.get("stream"):
            return _Stream(self, received, words)
        await asyncio.sleep(behaviour.first_token_delay_s + behaviour.token_delay_s * len(words.pieces))
        received.ended = "finished"
        return JSONResponse(words.whole())


class _ClientLeft(Exception):
    pass


class _Stream(Response):
    """Server-sent events, one a chunk; stops when the client goes away, and breaks as the behaviour says."""

    def __init__(self, server: ModelServer, received: Received, words: Words) -> None:
        super().__init__()
        self._server = server
        self._received = received
        self._words = words

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        left = asyncio.Event()
        watch = asyncio.ensure_future(_watch(receive, left))
        self._server._at_once += 1
        self._server.most_at_once = max(self._server.most_at_once, self._server._at_once)
        try:
            await self._send_all(send, left)
        except (_ClientLeft, OSError):
            self._received.ended = "client left"
        finally:
            self._server._at_once -= 1
            watch.cancel()

    async def _send_all(self, send: Any, left: asyncio.Event) -> None:
        behaviour, words = self._received.behaviour, self._words

        async def event(data: bytes) -> None:
            if left.is_set():
                raise _ClientLeft
            await send({"type": "http.response.body", "body": data, "more_body": True})

        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _pause(behaviour.first_token_delay_s, left)
        for opening in words.opening():
            await event(opening)
        for number, piece in enumerate([*words.pieces, None]):
            if number == behaviour.cut_after:
                self._received.ended = "cut"
                if behaviour.politely:
                    await send({"type": "http.response.body", "body": b""})
                return  # uvicorn closes a connection whose response was left unfinished
            if number == behaviour.error_after:
                await event(words.error_event())
            if number == behaviour.broken_after:
                await event(words.broken_event())
            if piece is not None:
                await _pause(behaviour.token_delay_s if number else 0.0, left)
                await event(words.piece(piece))
                self._received.sent_pieces += 1
        for closing in words.closing():
            await event(closing)
        await send({"type": "http.response.body", "body": b""})
        self._received.ended = "finished"


async def _watch(receive: Any, left: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set()


async def _pause(seconds: float, left: asyncio.Event) -> None:
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(left.wait(), seconds)
    if left.is_set():
        raise _ClientLeft


def _uvicorn(server: ModelServer) -> uvicorn.Server:
    # Streams that are cut on purpose are no news: uvicorn would log each as an error.
    config = uvicorn.Config(
        server.application(),
        log_config=None,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
        ws="none",
        lifespan="off",
        backlog=1024,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def model_server() -> Iterator[ModelServer]:
    """A provider on a free port, in a thread of this process."""
    state = ModelServer()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each small write waits for the last
        state.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = _uvicorn(state)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="model server")
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                assert thread.is_alive() and time.monotonic() < deadline, "the model server has not come up"
                time.sleep(0.005)
            yield state
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the model server has not come down"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    state = ModelServer()
    with socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=1024) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or each small write waits for the last
        state.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        print(state.url, flush=True)
        _uvicorn(state).run(sockets=[listener])


if __name__ == "__main__":
    main()
