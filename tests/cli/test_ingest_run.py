from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.connection import Connection
from cli.file_walk import SourceFile
from cli.http_client import RemoteProblem
from cli.ingest_run import IngestRun, Outcome
from cli.ingest_view import IngestView
from tests.cli.tiny_documents import TinyDocuments


class Fixture:
    """A run over files of the given names, and the application that it talks to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._apps: list[TinyDocuments] = []
        self._connection = Connection(folder / "data", self._make)

    def _make(self, token: str) -> TinyDocuments:
        self._apps.append(TinyDocuments(token))
        return self._apps[-1]

    @property
    def app(self) -> TinyDocuments:
        return self._apps[-1]

    def start(self, *names: str) -> IngestRun:
        for name in names:
            if not (self._folder / name).exists():
                (self._folder / name).write_text("words")
        self.seen: list[list[str]] = []

        def note(outcomes: list[Outcome]) -> None:
            self.seen.append([outcome.status for outcome in outcomes])

        files = [SourceFile(self._folder / name, name) for name in names]
        return IngestRun(self._connection, files, None, note)  # type: ignore[arg-type]

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Fixture]:
    fixture = Fixture(tmp_path)
    yield fixture
    fixture.close()


def test_files_are_followed_until_they_are_searchable(platform: Fixture) -> None:
    run = platform.start("a.md", "known.md", "under-way.md")
    run.run()
    assert [outcome.status for outcome in run.outcomes] == ["ready", "unchanged", "ready"]
    assert not run.failures
    first = run.to_json()["documents"][0]
    assert first["path"].endswith("a.md")
    assert (first["document_id"], first["pages"], first["chunks"], first["error"]) == ("a.md", 2, 5, None)
    assert first["seconds"] >= 0.75
    totals = run.totals()
    assert (totals["ready"], totals["unchanged"], totals["failed"], totals["pages"]) == (2, 1, 0, 6)
    assert platform.seen[-1] == ["ready", "unchanged", "ready"]


def test_one_bad_file_does_not_stop_the_others(platform: Fixture, tmp_path: Path) -> None:
    (tmp_path / "unreadable.md").mkdir()
    run = platform.start("fails.md", "refused.md", "unreadable.md", "deleted.md", "b.md")
    run.run()
    errors = {outcome.file.name: outcome.error for outcome in run.failures}
    assert errors["fails.md"] == "The file is protected."
    assert errors["refused.md"] == "This name cannot be kept."
    assert "cannot be read" in str(errors["unreadable.md"])
    assert "deleted" in str(errors["deleted.md"])
    assert run.outcomes[-1].status == "ready"


def test_a_file_that_waits_for_another_try_says_why(platform: Fixture, capsys: pytest.CaptureFixture[str]) -> None:
    run = platform.start("waits.md")
    view = IngestView(1)
    run._on_change = view.update
    run.run()
    assert (run.outcomes[0].status, run.outcomes[0].error) == ("ready", None)
    said = capsys.readouterr().err
    assert said.startswith("waiting ") and said.count("The disk is full.") == 1


def test_name_that_is_not_utf8(platform: Fixture, tmp_path: Path) -> None:
    name = b"caf\xe9.md".decode("utf-8", "surrogateescape")
    run = platform.start(name)
    run.run()
    assert "UTF-8" in str(run.outcomes[0].error)


def test_what_concerns_everybody_ends_the_run(platform: Fixture) -> None:
    with pytest.raises(RemoteProblem, match="disk is full"):
        platform.start("a.md", "busy.md").run()


def test_many_waiting_jobs_are_not_all_asked_after(platform: Fixture) -> None:
    names = [f"{number:03}.md" for number in range(30)]
    run = platform.start(*names)
    run.run()
    assert all(outcome.status == "ready" for outcome in run.outcomes)
    assert platform.app.looks <= 8 * len(names)


def test_interruption_is_told_in_words(platform: Fixture) -> None:
    run = platform.start("a.md", "b.md")
    run.outcomes[0].status = "parsing"
    assert run.totals()["unfinished"] == 2
    assert "1 were taken in" in run.resume_hint() and "1 were not sent" in run.resume_hint()
