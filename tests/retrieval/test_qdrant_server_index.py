"""The server index against the client's in-memory mode; against a real server too when PLUMB_TEST_QDRANT_URL names one.

Use a server of its own for that: the test removes every collection whose name begins with `plumb_`.
"""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading

import pytest
from qdrant_client import QdrantClient

from retrieval.qdrant_server_index import QdrantServerIndex, ServerGenerations, connect
from retrieval.vector_index import VectorIndex
from runtime.errors import ConfigurationError, Unavailable
from tests.retrieval.index_contract import NewGenerations, ReadingContract, WritingContract
from tests.retrieval.index_world import GENERATION

SERVER = os.environ.get("PLUMB_TEST_QDRANT_URL")


class _SharedClient:
    """One client serves all generations of a test; closing it in memory mode would lose what it holds."""

    def leave(self, index: VectorIndex) -> None:
        assert isinstance(index, QdrantServerIndex)


@pytest.fixture(scope="class")
def new_generations(request: pytest.FixtureRequest) -> NewGenerations:
    return {"memory": in_memory, "server": on_server}[request.param]


def in_memory() -> ServerGenerations:
    return ServerGenerations(QdrantClient(":memory:"))


def on_server() -> ServerGenerations:
    client = connect(SERVER or "")
    for collection in client.get_collections().collections:
        if collection.name.startswith("plumb_"):
            client.delete_collection(collection.name)
    return ServerGenerations(client)


in_memory_mode = pytest.mark.parametrize("new_generations", ["memory"], indirect=True)
real_server = pytest.mark.parametrize("new_generations", ["server"], indirect=True)
needs_server = pytest.mark.skipif(SERVER is None, reason="PLUMB_TEST_QDRANT_URL names no Qdrant server")
quiet = pytest.mark.filterwarnings("ignore:Payload indexes have no effect", "ignore:Local mode performs exact")


@quiet
@in_memory_mode
class TestReadingInMemory(_SharedClient, ReadingContract):
    pass


@quiet
@in_memory_mode
class TestWritingInMemory(_SharedClient, WritingContract):
    concurrent = False


@needs_server
@real_server
class TestReadingOnServer(_SharedClient, ReadingContract):
    pass


@needs_server
@real_server
class TestWritingOnServer(_SharedClient, WritingContract):
    pass


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(Unavailable, match="PLUMB_QDRANT_URL") as caught:
            ServerGenerations(connect(url)).open(GENERATION)
    assert caught.value.retryable


class _OldServer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"title": "qdrant - vector search engine", "version": "1.18.2"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("handler", "error", "words"),
    [
        (_OldServer, ConfigurationError, "version 1.18.2"),
        (http.server.BaseHTTPRequestHandler, Unavailable, "status 501"),
    ],
    ids=["too old", "not able"],
)
def test_a_server_that_cannot_serve_is_told_in_words(handler, error, words: str) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(error, match=words):
            ServerGenerations(connect(f"http://127.0.0.1:{server.server_port}")).open(GENERATION)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
