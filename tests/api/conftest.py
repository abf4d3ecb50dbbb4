"""An application over real records and files, with a retriever and an answerer that do as the test says."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from api.app import create_app_over
from api.platform import Platform
from evals.hallucination_rate.audit_queue import AuditQueue
from evals.hallucination_rate.rate_reports import RateReports
from evals.jobs.store import EvaluationIntake, JobStore
from generation.answer_feedback import FeedbackStore
from generation.answer_store import AnswerStore
from generation.answers import (
    Answer,
    AnswerDone,
    AnswerEvent,
    CacheUse,
    CheckerInfo,
    Citation,
    Delta,
    Groundedness,
    ModelUse,
    PassagesFound,
    Question,
    SentenceChecked,
    SentenceVerdict,
    Usage,
)
from generation.batches.store import BatchIntake, BatchStore
from generation.costs.usage_ledger import UsageLedger
from generation.verdict_metrics import VerdictMetrics
from ingestion.intake import Intake
from ingestion.job_metrics import JobMetrics
from ingestion.original_store import open_original_store
from ingestion.records import JobKind
from ingestion.registry import Registry
from retrieval.passages import Passage, Scope, StoredChunk
from retrieval.retriever import SearchResult
from runtime.database import Database
from tests.api.serving import serving

MAX_FILE_BYTES = 1_000_000


def passage(text: str = "The scale is calibrated every two years.") -> Passage:
    chunk = StoredChunk(
        tenant="default",
        collection="default",
        document_id="d-1",
        version=1,
        document_name="manual/scale.md",
        ordinal=0,
        text=text,
        start=100,
        end=100 + len(text),
        page=3,
        heading_path=("Manual", "Care"),
        parent=(0, 0),
    )
    return Passage(chunk, 0.7, {"dense": 0.6, "bm25": 9.2}, text, 100)


def answer(question: str, answer_id: str = "a-1") -> Answer:
    source = passage()
    verdict = SentenceVerdict((0, 44), True, 0.94, True, (source.chunk.chunk_id,))
    return Answer(
        answer_id=answer_id,
        question=question,
        answer="The scale is calibrated every two years. [1]",
        refused=False,
        citations=(
            Citation(1, "d-1", "manual/scale.md", source.chunk.chunk_id, 3, source.chunk.text, (100, 140), (0, 40)),
        ),
        groundedness=Groundedness(0.94, True, (verdict,), (), CheckerInfo("scripted", "1", 0.5)),
        passages=(source,),
        model=ModelUse("scripted", "fast", "the only one"),
        usage=Usage(),
        cache=CacheUse(),
        timings_ms={"retrieve": 2.0, "total": 5.0},
    )


@dataclasses.dataclass
class ScriptedParts:
    """Retriever and answerer at once. `error` is raised when it is set; with `hold` an answer never comes."""

    error: Exception | None = None
    hold: bool = False
    asked: list[Question] = dataclasses.field(default_factory=list)
    searched: list[tuple[str, Scope, int]] = dataclasses.field(default_factory=list)
    threads: list[str] = dataclasses.field(default_factory=list)
    begun: threading.Event = dataclasses.field(default_factory=threading.Event)
    cancelled: threading.Event = dataclasses.field(default_factory=threading.Event)
    answers: int = 0

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        self.threads.append(threading.current_thread().name)
        self.searched.append((text, scope, top_k))
        if self.error:
            raise self.error
        return SearchResult((passage(),), {"retrieve": 1.5})

    async def close(self) -> None:
        pass

    async def answer(self, question: Question) -> Answer:
        async for event in self.stream(question):
            if isinstance(event, AnswerDone):
                return event.answer
        raise AssertionError("no answer in the stream")

    async def stream(self, question: Question) -> AsyncIterator[AnswerEvent]:
        self.asked.append(question)
        self.answers += 1
        done = answer(question.text, f"a-{self.answers}")
        assert done.groundedness is not None
        yield PassagesFound(done.passages)
        yield Delta("The scale is calibrated ")
        self.begun.set()
        if self.error:
            raise self.error
        if self.hold:
            try:
                await asyncio.sleep(3600)
            finally:
                self.cancelled.set()
        yield Delta("every two years. [1]")
        yield SentenceChecked(done.groundedness.sentences[0])
        yield AnswerDone(done)


class RecordingQueue:
    """A queue without a worker: the tests do its work."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, JobKind]] = []

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        self.submitted.append((job_id, kind))


class RecordingBatchQueue:
    def __init__(self) -> None:
        self.submitted: list[str] = []

    def submit(self, batch_id: str, *, delay: float = 0.0) -> None:
        self.submitted.append(batch_id)


@pytest.fixture(scope="module")
def parts() -> ScriptedParts:
    return ScriptedParts()


@pytest.fixture(scope="module")
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture(autouse=True)
def fresh_parts(request: pytest.FixtureRequest) -> None:
    """Every test starts with the script's defaults, while the server goes on."""
    if "parts" in request.fixturenames:
        parts: ScriptedParts = request.getfixturevalue("parts")
        parts.error, parts.hold = None, False
        for seen in (parts.asked, parts.searched, parts.threads):
            seen.clear()
        parts.begun.clear()
        parts.cancelled.clear()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def database(data_dir: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{data_dir / 'records.db'}")
    database.upgrade()
    yield database
    database.close()


@pytest.fixture(scope="module")
def open_platform(
    data_dir: Path, database: Database, parts: ScriptedParts, queue: RecordingQueue
) -> Callable[[], Platform]:
    registry = Registry(database)
    store = open_original_store(str(data_dir / "originals"), MAX_FILE_BYTES)
    uploads = data_dir / "uploads"
    uploads.mkdir()
    verdicts = VerdictMetrics()
    platform = Platform(
        registry=registry,
        intake=Intake(store, registry, queue),
        batches=BatchIntake(
            BatchStore(database),
            RecordingBatchQueue(),
            endpoints=("scripted",),
            max_questions=1000,
            max_bytes=MAX_FILE_BYTES,
        ),
        evaluations=EvaluationIntake(
            JobStore(database),
            open_original_store(str(data_dir / "evaluations"), MAX_FILE_BYTES),
            RecordingBatchQueue(),
            max_bytes=MAX_FILE_BYTES,
        ),
        retriever=parts,
        answerer=parts,
        models=("scripted", "extractive"),
        answers=AnswerStore(database, verdicts.answer_kept),
        feedback=FeedbackStore(database),
        rates=RateReports(database, lambda _checker: None, 0.05),
        audit=AuditQueue(database),
        usage=UsageLedger(database),
        upload_dir=uploads,
        max_file_bytes=MAX_FILE_BYTES,
        top_k=7,
        collectors=(JobMetrics(), verdicts),
        check=database.ping,
        close=lambda: None,
    )
    return lambda: platform


@pytest.fixture(scope="module")
def address(open_platform: Callable[[], Platform]) -> Iterator[str]:
    with serving(create_app_over(open_platform, token="the-token")) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


def events_of(lines: Iterator[str]) -> Sequence[tuple[str, str]]:
    """(name, data) of server-sent events, comments left out."""
    found, name = [], ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            found.append((name, value))
    return found
