"""Works on evaluations in a process that a test kills: `python -m tests.workers.killed_evaluation FOLDER`.

Takes up what the folder's records hold and ends when nothing is left. Each question that is asked is a line of the
file `asked`, written before anything comes of it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from evals.jobs.ledger import EvaluationLedger
from generation.assembly import build_answerer
from retrieval.assembly import build_embedder
from runtime.database import Database
from runtime.settings import Settings
from tests.generation.batches.batch_hall import Finds
from workers.assembly import build_evaluations


def main(folder: Path) -> None:
    settings = Settings(data_dir=folder)
    database = Database(settings.resolved_database_url())
    database.upgrade()
    embedder = build_embedder(settings)

    def note(text: str) -> None:
        with (folder / "asked").open("a") as file:
            file.write(f"{text}\n")
        time.sleep(0.02)

    evaluations = build_evaluations(
        settings,
        database,
        lambda: build_answerer(settings, Finds(note), embedder),
        lambda *_: None,
        None,  # type: ignore[arg-type]
    )
    evaluations.start()
    while EvaluationLedger(database).unfinished():
        time.sleep(0.02)
    evaluations.stop()
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
