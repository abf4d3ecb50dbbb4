"""One owner for a data folder, everybody else through its HTTP interface, and what happens when the owner goes."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.connection import Connection
from cli.http_client import HttpClient, RemoteProblem, ServerGone
from cli.owner_lock import LOCK_NAME, OwnerLock, is_owned, read_owner
from runtime.errors import ConfigurationError, Unavailable
from tests.cli.tiny_app import TinyApp

ROOT = Path(__file__).resolve().parents[2]
StartOwner = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def start_owner() -> Iterator[StartOwner]:
    """Starts a real process that owns a folder; it has taken the folder when the call returns."""
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.tiny_owner", str(data_dir)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        return process

    yield start
    for process in started:
        with process:  # closes the pipes and waits
            process.kill()


@pytest.fixture
def connect() -> Iterator[Callable[[Path], Connection]]:
    opened: list[Connection] = []

    def open_connection(data_dir: Path) -> Connection:
        opened.append(Connection(data_dir, TinyApp, owner_wait_s=15.0))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


def test_nobody_there_makes_us_the_owner(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    data_dir = tmp_path / "deep" / "data"
    connection = connect(data_dir)
    assert connection.owns_server
    assert connection.get("/who", a=1, b=None) == {"pid": os.getpid(), "query": {"a": "1"}}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / LOCK_NAME).stat().st_mode) == 0o600
    assert is_owned(data_dir)
    connection.close()
    assert not is_owned(data_dir)
    assert read_owner(data_dir) is None


def test_second_command_uses_the_first(
    tmp_path: Path, start_owner: StartOwner, connect: Callable[[Path], Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    owner = start_owner(tmp_path)
    connection = connect(tmp_path)
    assert not connection.owns_server
    assert connection.get("/who")["pid"] == owner.pid


def test_killed_owner_is_succeeded_by_whoever_calls_next(
    tmp_path: Path, start_owner: StartOwner, connect: Callable[[Path], Connection]
) -> None:
    owner = start_owner(tmp_path)
    connection = connect(tmp_path)
    owner.kill()
    owner.wait()
    left_behind = read_owner(tmp_path)
    assert left_behind is not None and left_behind.pid == owner.pid
    assert connection.get("/who")["pid"] == os.getpid()
    assert connection.owns_server


def test_parallel_calls_agree_on_one_successor(
    tmp_path: Path, start_owner: StartOwner, connect: Callable[[Path], Connection]
) -> None:
    owner = start_owner(tmp_path)
    connection = connect(tmp_path)
    owner.kill()
    owner.wait()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(connection.get("/who")["pid"])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [os.getpid()] * 6


def test_owner_that_leaves_finishes_requests_in_flight(
    tmp_path: Path, start_owner: StartOwner, connect: Callable[[Path], Connection]
) -> None:
    owner = start_owner(tmp_path)
    connection = connect(tmp_path)
    answers: list[dict[str, object]] = []
    asking = threading.Thread(target=lambda: answers.append(connection.get("/slow", seconds=0.8)))
    asking.start()
    time.sleep(0.3)
    assert owner.stdin is not None
    owner.stdin.close()
    asking.join(timeout=10)
    assert answers == [{"done": True}]
    assert not connection.owns_server
    assert owner.wait(timeout=10) == 0
    assert connection.get("/who")["pid"] == os.getpid()


def test_lock_held_by_a_process_that_never_serves(tmp_path: Path) -> None:
    lock = OwnerLock(tmp_path)
    assert lock.acquire()
    with pytest.raises(Unavailable, match=f"process {os.getpid()}"):
        Connection(tmp_path, TinyApp, owner_wait_s=0.2)
    lock.release()


def test_address_of_a_dead_owner_is_not_believed(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    (tmp_path / LOCK_NAME).write_text(json.dumps({"pid": 1, "address": "http://127.0.0.1:9", "token": "old"}))
    assert connect(tmp_path).owns_server
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / LOCK_NAME).write_text("{ torn")
    assert connect(tmp_path / "other").owns_server


def test_failed_start_says_why_and_frees_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="broken setting"):
        Connection(tmp_path, lambda token: TinyApp(token, start_error=ConfigurationError("broken setting")))
    assert not is_owned(tmp_path)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="PLUMB_DATA_DIR"):
        Connection(tmp_path / "file" / "data", TinyApp)


def test_problems_become_errors(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    connection = connect(tmp_path)
    with pytest.raises(RemoteProblem, match="The question is empty") as caught:
        connection.post("/problem", {})
    assert (caught.value.code, caught.value.status) == ("invalid_question", 422)
    with pytest.raises(RemoteProblem, match="status 502"):
        connection.get("/plain")


def test_token_is_required_by_what_we_start(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    connect(tmp_path)
    owner = read_owner(tmp_path)
    assert owner is not None and owner.address is not None
    with pytest.raises(RemoteProblem) as caught:
        HttpClient(owner.address, "another").call("GET", "/who")
    assert caught.value.status == 401


def test_events_are_parsed_and_a_broken_stream_is_told(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    connection = connect(tmp_path)
    assert list(connection.events("/events", {})) == [("delta", {"text": "a"}), ("answer", {"answer": "a"})]
    broken = connection.events("/half", {})
    assert next(broken) == ("delta", {"text": "a"})
    with pytest.raises(ServerGone):
        next(broken)


def test_upload_carries_the_relative_path(tmp_path: Path, connect: Callable[[Path], Connection]) -> None:
    received = connect(tmp_path).upload(lambda: io.BytesIO(b"words"), 'a/Größe "\u4e2d".md', "handbook")["received"]
    assert 'filename="a/Größe %22\u4e2d%22.md"' in received
    assert "words" in received and "handbook" in received
