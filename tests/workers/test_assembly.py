"""From upload to index with everything real: files, SQLite, Celery, parser processes, embedding model, Qdrant Edge."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingestion.job_ledger import JobLedger
from ingestion.records import Status
from ingestion.registry import Registry
from retrieval.passages import Scope
from runtime.database import Database
from runtime.errors import ConfigurationError
from runtime.settings import Settings
from tests.workers.real_ingestion import TENANT, running_ingestion, wait_until_done
from workers.assembly import build_ingestion

SCOPE = Scope(TENANT)


def handbook(version: int, sections: int = 3) -> bytes:
    parts = [f"## Rule {n}\n\nIn edition {version}, rule {n} says that walls stand plumb." for n in range(sections)]
    return ("# Handbook\n\n" + "\n\n".join(parts)).encode()


def test_documents_come_change_and_go(tmp_path: Path) -> None:
    with running_ingestion(tmp_path / "data") as (ingestion, index):

        def upload(name: str, data: bytes):
            received = ingestion.intake.receive(TENANT, "default", name, io.BytesIO(data), {"year": 2026})
            wait_until_done(ingestion)
            return received, ingestion.registry.document(TENANT, received.document.id)

        _, first = upload("a/README.md", handbook(1))
        _, other = upload("b/README.md", handbook(1))
        assert (first.status, other.status) == (Status.READY, Status.READY)
        assert first.id != other.id
        assert first.facts is not None
        assert first.facts.title == "Handbook"
        assert index.count(SCOPE, first.id, 1) == first.facts.chunk_count > 0

        again, _ = upload("a/README.md", handbook(1))
        assert (again.unchanged, again.job) == (True, None)

        _, changed = upload("a/README.md", handbook(2, sections=5))
        assert changed.facts is not None
        assert index.count(SCOPE, first.id, 1) == 0
        assert index.count(SCOPE, first.id, 2) == changed.facts.chunk_count

        _, broken = upload("a/README.md", b"PK\x03\x04 \x00\x01\x02 no text at all \xff\xfe" * 50)
        assert (broken.status, broken.active_version) == (Status.FAILED, 2)
        assert broken.error is not None
        assert index.count(SCOPE, first.id) == index.count(SCOPE, first.id, 2) == changed.facts.chunk_count

        for document in (first, other):
            ingestion.intake.delete(TENANT, document.id)
        wait_until_done(ingestion)
        assert index.count(SCOPE) == 0
    assert [path for path in (tmp_path / "data" / "originals").rglob("*") if path.is_file()] == []


def test_a_broker_is_refused_until_there_are_workers_for_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, broker_url="redis://127.0.0.1/0")
    with pytest.raises(ConfigurationError, match="PLUMB_BROKER_URL"):
        build_ingestion(settings, None, None, None)  # type: ignore[arg-type]


@pytest.mark.faults
def test_killed_again_and_again_everything_is_there_once(tmp_path: Path) -> None:
    with running_ingestion(tmp_path) as (ingestion, _):
        ingestion.stop()
        for n in range(8):
            ingestion.intake.receive(TENANT, "default", f"{n}.md", io.BytesIO(handbook(n, sections=200)))
    database = Database(Settings(data_dir=tmp_path).resolved_database_url())
    ledger, registry = JobLedger(database), Registry(database)
    command = [sys.executable, "-m", "tests.workers.real_ingestion", str(tmp_path)]
    for stage in (Status.PARSING, Status.EMBEDDING, Status.INDEXING, Status.EMBEDDING):
        finished = 8 - len(ledger.unfinished_jobs())
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        # Each time a further document at least is done, so that none is at work in three killed processes.
        while (
            8 - len(unfinished := ledger.unfinished_jobs()) <= finished
            or all(job.status is not stage for job in unfinished)
        ):  # fmt: skip
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(ended.stdout)
    documents = registry.documents(TENANT).documents
    assert {document.status for document in documents} == {Status.READY}
    expected = {document.name: document.facts.chunk_count for document in documents if document.facts}
    assert told == {"total": sum(expected.values()), "documents": expected}
    database.close()
