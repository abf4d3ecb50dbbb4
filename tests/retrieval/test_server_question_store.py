"""Against the client's in-memory mode; against a real server too when PLUMB_TEST_QDRANT_URL names one."""

from __future__ import annotations

import os
import socket

import pytest
from qdrant_client import QdrantClient

from retrieval.qdrant_server_index import connect
from retrieval.server_question_store import ServerQuestionStore
from runtime.errors import Unavailable
from tests.retrieval.question_store_contract import DIMENSION, QuestionStoreContract, record, vector

SERVER = os.environ.get("PLUMB_TEST_QDRANT_URL")


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect", "ignore:Local mode performs exact")
class TestInMemory(QuestionStoreContract):
    @pytest.fixture
    def store(self) -> ServerQuestionStore:
        return ServerQuestionStore(QdrantClient(":memory:"), "m", DIMENSION)

    @pytest.mark.skip(reason="the client's in-memory mode is not made for threads")
    def test_many_threads(self) -> None: ...  # type: ignore[override]


@pytest.mark.skipif(SERVER is None, reason="PLUMB_TEST_QDRANT_URL names no Qdrant server")
class TestOnServer(QuestionStoreContract):
    @pytest.fixture
    def store(self) -> ServerQuestionStore:
        client = connect(SERVER or "")
        store = ServerQuestionStore(client, "test", DIMENSION)
        client.delete_collection(store.collection)
        return store


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        store = ServerQuestionStore(connect(f"http://127.0.0.1:{nobody.getsockname()[1]}"), "m", DIMENSION)
        with pytest.raises(Unavailable):
            store.nearest("k", vector(1, 0), 1)
        with pytest.raises(Unavailable):
            store.put(record(1), vector(1, 0))
