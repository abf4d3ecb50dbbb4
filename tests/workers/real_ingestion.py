"""Ingestion with the real parser, model and index in a process that a test kills.

`python -m tests.workers.real_ingestion FOLDER` takes up what the folder's records hold, and tells at the end, as JSON,
the chunks in the index: `{"total", "documents": {name: chunks}}`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from retrieval.assembly import build_embedder, build_index
from retrieval.passages import Scope
from retrieval.vector_index import VectorIndex
from runtime.database import Database
from runtime.settings import Settings
from workers.assembly import Ingestion, build_ingestion

TENANT = "default"


@contextlib.contextmanager
def running_ingestion(folder: Path) -> Iterator[tuple[Ingestion, VectorIndex]]:
    settings = Settings(data_dir=folder)
    database = Database(settings.resolved_database_url())
    database.upgrade()
    embedder = build_embedder(settings)
    index = build_index(settings, embedder)
    ingestion = build_ingestion(settings, database, embedder, index)
    ingestion.start()
    try:
        yield ingestion, index
    finally:
        ingestion.stop()
        index.close()
        database.close()


def wait_until_done(ingestion: Ingestion, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while any(
        not ingestion.registry.job(TENANT, document.job_id).finished
        for document in ingestion.registry.documents(TENANT).documents
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def main(folder: Path) -> None:
    with running_ingestion(folder) as (ingestion, index):
        wait_until_done(ingestion)
        documents = ingestion.registry.documents(TENANT).documents
        counts = {document.name: index.count(Scope(TENANT), document.id) for document in documents}
        print(json.dumps({"total": index.count(Scope(TENANT)), "documents": counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
