"""A process that ingests is killed with SIGKILL; the next start finishes, and nothing is lost, doubled or half-visible."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingestion.records import Status
from runtime.database import Database
from tests.ingestion.small_parts import TENANT, Workshop

STAGES = ["parsing", "chunking", "embedding", "indexing", "flushing", "removing"]


@pytest.fixture
def workshop(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/records.db")
    database.upgrade()
    yield Workshop(tmp_path, database)
    database.close()


def start(folder: Path, *stage: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.workers.killed_worker", str(folder), *stage]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kill_in(folder: Path, stage: str) -> None:
    process = start(folder, stage)
    deadline = time.monotonic() + 30
    while not (folder / "reached").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    (folder / "reached").unlink()


def finish(folder: Path) -> None:
    process = start(folder)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, (output, errors)


def check_kill(workshop: Workshop, stage: str) -> None:
    workshop.ingest("replaced.txt", "old")
    deleted = workshop.ingest("deleted.txt", "deleted")
    revision = workshop.registry.collection(TENANT, "default").revision
    replaced = workshop.upload("replaced.txt", "new one\n\nnew two")
    workshop.upload("second.txt", "second")
    workshop.intake.delete(TENANT, deleted.id)
    kill_in(workshop.folder, stage)
    assert workshop.visible() == (["new one", "new two"] if stage == "removing" else ["old"])
    finish(workshop.folder)
    assert workshop.visible() == ["new one", "new two", "second"]
    assert len(workshop.points.rows()) == 3
    assert workshop.originals() == 2
    documents = workshop.registry.documents(TENANT).documents
    assert sorted((document.name, document.status) for document in documents) == [
        ("replaced.txt", Status.READY),
        ("second.txt", Status.READY),
    ]
    job = workshop.job(replaced.job.id)
    assert (job.status, job.attempts) == (Status.READY, 2)
    assert workshop.registry.collection(TENANT, "default").revision == revision + 3


def test_killed_while_it_writes_points(workshop: Workshop) -> None:
    check_kill(workshop, "indexing")


@pytest.mark.faults
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "indexing"])
def test_killed_in_each_stage(stage: str, workshop: Workshop) -> None:
    check_kill(workshop, stage)


@pytest.mark.faults
def test_killed_while_many_are_queued_and_a_poison_document_among_them(workshop: Workshop) -> None:
    texts = [f"text {n}" for n in range(50)]
    for n, text in enumerate(texts):
        workshop.upload(f"{n}.txt", text)
    for _ in range(3):
        kill_in(workshop.folder, "embedding")
    finish(workshop.folder)
    documents = workshop.registry.documents(TENANT).documents
    failed = [document for document in documents if document.status is Status.FAILED]
    # The first document was at work in all three ends; the others pay nothing for it.
    assert [(document.name, document.error.code) for document in failed if document.error] == [("0.txt", "worker_died")]
    assert workshop.visible() == sorted(texts[1:])
    assert len(workshop.points.rows()) == 49
