"""The work of a job that drafts a test set; its records are the items, which a person then judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from evals.jobs.progress import JobProgress
from evals.jobs.records import EvaluationJob
from evals.jobs.runner import JobOutcome
from evals.test_sets.builder import DraftPlan, draft
from evals.test_sets.model_drafts import ModelDrafts
from generation.language_models.model import ModelRequest
from retrieval.passages import StoredChunk


class Collections(Protocol):
    """`evals.test_sets.stored_collections.StoredCollections`."""

    def chunks(self, tenant: str, collection: str | None) -> tuple[list[StoredChunk], dict[str, str]]: ...

    def search(self, tenant: str, collection: str | None, text: str) -> Sequence[tuple[str, str]]: ...


Complete = Callable[[str, ModelRequest, Callable[[], None]], str]
"""A model's name and a request to what it writes; calls its third argument while it waits. Raises `ModelError`."""


class TestSetJob:
    """Repeated from the start when it is taken up; with the same seed and replies it drafts the same."""

    __test__ = False  # no test for pytest
    stages: Mapping[str, float] = {"reading": 0.1, "drafting": 0.6, "unanswerable": 0.3}

    def __init__(self, collections: Collections, complete: Complete) -> None:
        self._collections = collections
        self._complete = complete

    def do(self, job: EvaluationJob, _kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        options = job.options
        tenant, collection, model = job.tenant, options["collection"], options.get("model")
        progress("reading", 0.0)
        chunks, titles = self._collections.chunks(tenant, collection)

        def texts(question: str) -> list[str]:
            progress.check()
            return [text for _, text in self._collections.search(tenant, collection, question)]

        drafts = None
        if model is not None:
            name = str(model)
            drafts = ModelDrafts(
                name,
                lambda request: self._complete(name, request, progress.check),
                lambda question: [key for key, _ in self._collections.search(tenant, collection, question)],
            )
        plan = DraftPlan(options["questions"], options["unanswerable"], options["seed"])
        items = draft(chunks, plan, titles=titles, search=texts, model=drafts, on_progress=progress)
        kinds = Counter(item.kind for item in items)
        result = {
            "questions": len(items),
            "answerable": sum(item.answerable for item in items),
            "kinds": dict(kinds.most_common()),
            "chunks": len(chunks),
        }
        return JobOutcome(result, [item.to_json() for item in items])
