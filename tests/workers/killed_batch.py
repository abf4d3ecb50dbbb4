"""Answers a batch in a process that a test kills: `python -m tests.workers.killed_batch FOLDER`.

Takes up what the folder's records hold and ends when nothing is left. Each question that is asked is a line of the
file `asked`, written before anything comes of it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from generation.answer_store import AnswerStore
from generation.answers import Answer, Question
from generation.assembly import build_answerer
from generation.batches.ledger import BatchLedger
from retrieval.assembly import build_embedder
from runtime.database import Database
from runtime.settings import Settings
from tests.generation.batches.batch_hall import Finds
from workers.assembly import build_batches


def main(folder: Path) -> None:
    settings = Settings(data_dir=folder, batch_concurrency=2)
    database = Database(settings.resolved_database_url())
    database.upgrade()
    embedder = build_embedder(settings)
    answers = AnswerStore(database)

    def note(text: str) -> None:
        with (folder / "asked").open("a") as file:
            file.write(f"{text}\n")
        time.sleep(0.03)

    def keep(question: Question, answer: Answer) -> None:
        answers.save(question.scope.tenant, None, answer.to_json())

    def new_answerer() -> object:
        return build_answerer(settings, Finds(note), embedder)

    batches = build_batches(settings, database, embedder, new_answerer, keep)  # type: ignore[arg-type]
    batches.start()
    while BatchLedger(database).unfinished():
        time.sleep(0.02)
    batches.stop()
    database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
