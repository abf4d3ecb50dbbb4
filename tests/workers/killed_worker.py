"""Ingests in a process that a test kills: `python -m tests.workers.killed_worker FOLDER [STAGE]`.

Takes up what the folder's records hold. With a stage it writes the file `reached` there and hangs; without one it ends
when nothing is left to do.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from runtime.database import Database
from tests.ingestion.small_parts import TENANT, Workshop
from workers.in_process import InProcessWorker


def main(folder: Path, stage: str | None) -> None:
    def hang(reached: str) -> None:
        if reached == stage:
            (folder / "reached").touch()
            time.sleep(60)

    database = Database(f"sqlite:///{folder}/records.db")
    database.upgrade()
    workshop = Workshop(folder, database, hang)
    worker = InProcessWorker(workshop.pipeline)
    worker.start()
    while workshop.ledger.unfinished_jobs():
        time.sleep(0.02)
    worker.stop()
    print(len(workshop.registry.documents(TENANT).documents), "documents")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
