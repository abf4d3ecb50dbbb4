"""The whole way with real processes, real files and the real index."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.http_client import HttpClient
from cli.owner_lock import Owner
from tests.cli.processes import plumb, running, stop, wait_for_owner

TEXTS = {
    "leave.md": "# Leave\n\n## Carrying over\n\nUnused leave may be carried over until 31 March of the next year.\n",
    "sub/travel.txt": "Travel policy\n\nThe mileage rate for a private car is 42 cents per kilometre.\n",
}
NOTES = {f"{number:02}.md": f"# Note {number}\n\nRoom {number} is green.\n" for number in range(8)}
MANY_NOTES = {f"{number:03}.md": f"# Note {number}\n\nRoom {number} is green.\n" for number in range(150)}
"""More than are taken in before a signal arrives."""


def _write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory whose data folder holds two documents, and a server on it, beside which commands are quick."""
    home = tmp_path_factory.mktemp("home")
    with running("serve", "--port", "0", cwd=home):
        wait_for_owner(home / ".plumb")
        yield _filled(home)


def _filled(home: Path) -> Path:
    _write(home / "papers", TEXTS)
    (home / "papers" / "empty.md").write_text("")
    done = plumb("ingest", "papers", "--json", cwd=home)
    (home / "first.json").write_text(done.stdout)
    assert done.returncode == 1, done.stderr  # the empty file fails
    return home


def test_ingest_reports_every_file(home: Path) -> None:
    report = json.loads((home / "first.json").read_text())
    found = {Path(document["path"]).name: document for document in report["documents"]}
    assert found["leave.md"]["status"] == found["travel.txt"]["status"] == "ready"
    assert found["leave.md"]["chunks"] >= 1 and found["leave.md"]["seconds"] > 0
    assert found["empty.md"]["status"] == "failed" and found["empty.md"]["error"]
    assert set(found["leave.md"]) == {"path", "document_id", "status", "pages", "chunks", "seconds", "error"}
    assert (report["totals"]["ready"], report["totals"]["failed"]) == (2, 1)


def test_same_bytes_again_are_unchanged(home: Path) -> None:
    done = plumb("ingest", "papers/leave.md", "papers/sub", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "1 unchanged" in done.stdout  # sub/travel.txt is travel.txt when its folder is named


def test_ask_answers_with_sources(home: Path) -> None:
    done = plumb("ask", "Until when may unused leave be carried over?", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "31 March" in done.stdout and "[1] leave.md" in done.stdout and "Grounded:" in done.stdout


def test_ask_streams_and_speaks_json(home: Path) -> None:
    question = "What is the mileage rate for a private car?"
    streamed = plumb("ask", question, "--stream", cwd=home)
    assert streamed.returncode == 0 and "42 cents" in streamed.stdout and "Sources" in streamed.stdout
    answer = _json(plumb("ask", question, "--json", cwd=home))
    assert "42 cents" in answer["answer"] and answer["citations"][0]["document_name"].endswith("travel.txt")


def test_search_shows_passages(home: Path) -> None:
    done = plumb("search", "mileage", "--top-k", "1", cwd=home)
    assert done.returncode == 0 and done.stdout.startswith("1. ") and "travel.txt" in done.stdout
    assert len(_json(plumb("search", "mileage", "--top-k", "2", "--json", cwd=home))["passages"]) == 2


def test_refused_calls_are_one_sentence(home: Path) -> None:
    for arguments in (("ask", " "), ("ask", "x", "--collection", "nowhere"), ("documents", "show", "nothing")):
        done = plumb(*arguments, cwd=home)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def test_documents_are_listed_shown_and_deleted(home: Path) -> None:
    _write(home, {"gone.md": "The caretaker is called Ilse Brandt.\n"})
    document_id = _json(plumb("ingest", "gone.md", "--json", cwd=home))["documents"][0]["document_id"]
    assert document_id in plumb("documents", "list", "--status", "ready", cwd=home).stdout
    assert "gone.md" in plumb("documents", "show", document_id, cwd=home).stdout
    deleted = plumb("documents", "delete", document_id, cwd=home)
    assert deleted.returncode == 0, deleted.stderr
    listed = _json(plumb("documents", "list", "--json", cwd=home))
    assert document_id not in [document["document_id"] for document in listed["documents"]]


def test_retry_says_why_it_failed_again(home: Path) -> None:
    failed = _json(plumb("documents", "list", "--status", "failed", "--json", cwd=home))["documents"]
    done = plumb("documents", "retry", failed[0]["document_id"], cwd=home)
    assert done.returncode == 1 and failed[0]["error"]["message"] in done.stderr


def test_doctor_counts_what_is_there(home: Path) -> None:
    done = plumb("doctor", "--json", cwd=home)
    checks = {check["name"]: check for check in _json(done)["checks"]}
    assert done.returncode == 0 and checks["platform"]["state"] == "ok"
    assert "ready" in checks["documents"]["detail"] and "1 failed" in checks["documents"]["detail"]


def test_nothing_ingested_yet(tmp_path: Path) -> None:
    done = plumb("ask", "Why?", "--stream", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "plumb ingest" in done.stderr


def test_commands_started_at_once_share_one_platform(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(running("documents", "list", "--json", cwd=tmp_path)) for _ in range(3)]
        ended = [(process.communicate(timeout=60), process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert [json.loads(out)["documents"] for (out, _), _ in ended] == [[], [], []]


@pytest.mark.faults
def test_two_commands_beside_a_server_that_is_then_stopped(tmp_path: Path) -> None:
    _write(tmp_path, TEXTS)
    with running("serve", "--port", "0", cwd=tmp_path) as server:
        owner = wait_for_owner(tmp_path / ".plumb")
        assert owner.pid == server.pid
        assert plumb("ingest", "leave.md", cwd=tmp_path).returncode == 0
        with contextlib.ExitStack() as stack:
            question = ("ask", "Until when may leave be carried over?")
            asking = [stack.enter_context(running(*question, cwd=tmp_path)) for _ in range(2)]
            assert all("31 March" in process.communicate(timeout=60)[0] for process in asking)
        second = plumb("serve", "--port", "0", cwd=tmp_path)
        assert second.returncode == 1 and str(server.pid) in second.stderr
        code, out, err = stop(server)
    assert code == 0 and str(owner.address) in out and "key" in out, err
    assert "Traceback" not in err


@pytest.mark.faults
def test_ingest_goes_on_when_the_server_beside_it_ends(tmp_path: Path) -> None:
    _write(tmp_path / "papers", NOTES)
    with running("serve", "--port", "0", cwd=tmp_path) as server:
        owner = wait_for_owner(tmp_path / ".plumb")
        with running("ingest", "papers", "--json", cwd=tmp_path) as ingesting:
            _wait_for_documents(owner)
            stop(server)
            out, err = ingesting.communicate(timeout=90)
    assert ingesting.returncode == 0, err
    assert json.loads(out)["totals"]["ready"] == len(NOTES)


@pytest.mark.faults
def test_interrupted_ingest_is_finished_by_the_next(tmp_path: Path) -> None:
    _write(tmp_path / "papers", MANY_NOTES)
    with running("ingest", "papers", cwd=tmp_path) as ingesting:
        _wait_for_documents(wait_for_owner(tmp_path / ".plumb"))
        code, _, err = stop(ingesting, signal.SIGINT)
    assert code == 130
    assert "Run the same command again" in err and "Traceback" not in err
    report = _json(plumb("ingest", "papers", "--json", cwd=tmp_path))
    assert {document["status"] for document in report["documents"]} <= {"ready", "unchanged"}
    assert "green" in plumb("ask", "Which colour is room 3?", cwd=tmp_path).stdout


def _wait_for_documents(owner: Owner) -> None:
    """Return when the platform has taken in a document; the first then takes seconds, for which the parser starts."""
    client = HttpClient(str(owner.address), str(owner.token))
    for _ in range(600):
        if client.call("GET", "/v1/documents")["documents"]:
            return
        time.sleep(0.1)
    raise AssertionError("no document arrived")
