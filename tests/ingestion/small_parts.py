"""Small but real implementations of what the pipeline stands on: files, SQLite, threads; a text parser, a point table."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ingestion.documents import Chunk, DocumentRejected, Element, ElementKind, ParsedDocument
from ingestion.intake import Intake
from ingestion.job_ledger import JobLedger
from ingestion.job_metrics import JobMetrics
from ingestion.original_store import open_original_store
from ingestion.pipeline import DocumentPipeline
from ingestion.records import JobKind, JobRecord, MetadataValue, Status
from ingestion.registry import Registry
from runtime.database import Database

TENANT = "default"
MAX_BYTES = 10_000


class ParagraphParser:
    """One element a paragraph; refuses files that are not UTF-8."""

    def parse(self, path: Path, name: str, on_progress: Callable[[float], None]) -> ParsedDocument:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise DocumentRejected("This file is not a text.", code="damaged") from None
        paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
        on_progress(1.0)
        return ParsedDocument(
            title=Path(name).stem,
            media_type="text/plain",
            elements=tuple(Element(ElementKind.PARAGRAPH, part) for part in paragraphs),
        )

    def close(self) -> None: ...


class ParagraphChunks:
    def chunks(self, document: ParsedDocument) -> list[Chunk]:
        return [
            Chunk(n, element.text, element.text, start, start + len(element.text), None, (), (n, n))
            for n, (element, start) in enumerate(zip(document.elements, document.element_starts(), strict=True))
        ]


class PointTable:
    """Points in an SQLite file: idempotent by (document, version, ordinal) and durable, like the real index."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS points (tenant, document_id, version, ordinal, text, metadata, "
                "PRIMARY KEY (document_id, version, ordinal))"
            )

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        @contextlib.contextmanager
        def transaction():
            connection = sqlite3.connect(self._path, timeout=10)
            connection.execute("PRAGMA synchronous = OFF")  # survives the end of the process, which is what tests end
            try:
                with connection:
                    yield connection
            finally:
                connection.close()

        return transaction()

    def index(
        self,
        job: JobRecord,
        metadata: dict[str, MetadataValue],
        chunks: Sequence[Chunk],
        on_progress: Callable[[Status, float], None],
    ) -> None:
        for done, chunk in enumerate(chunks, start=1):
            on_progress(Status.EMBEDDING, done / len(chunks))
            row = (job.tenant, job.document_id, job.version, chunk.ordinal, chunk.text, str(metadata))
            with self._open() as connection:
                connection.execute("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?)", row)
            on_progress(Status.INDEXING, done / len(chunks))

    def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
        with self._open() as connection:
            connection.execute(
                "DELETE FROM points WHERE tenant = ? AND document_id = ? AND version IS NOT ?",
                (tenant, document_id, keep_version),
            )

    def flush(self) -> None: ...

    def rows(self) -> list[tuple[str, int, str]]:
        """(document id, version, text), sorted."""
        with self._open() as connection:
            return sorted(
                connection.execute("SELECT document_id, version, text FROM points ORDER BY ordinal").fetchall()
            )


class WaitingQueue:
    """Keeps what was submitted until the test runs it."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, JobKind, float]] = []

    def submit(self, job_id: str, kind: JobKind, size_bytes: int, *, delay: float = 0.0) -> None:
        self.submitted.append((job_id, kind, delay))


@dataclasses.dataclass
class Workshop:
    """Everything from upload to point table in one folder. `hook(stage)` is called inside the stages."""

    folder: Path
    database: Database
    hook: Callable[[str], None] = lambda stage: None

    def __post_init__(self) -> None:
        self.registry = Registry(self.database)
        self.ledger = JobLedger(self.database)
        self.store = open_original_store(str(self.folder / "originals"), MAX_BYTES)
        self.points = PointTable(self.folder / "points.db")
        self.queue = WaitingQueue()
        self.intake = Intake(self.store, self.registry, self.queue)
        self.metrics = JobMetrics()
        self.pipeline = self.new_pipeline()

    def new_pipeline(self) -> DocumentPipeline:
        workshop = self

        class HookedParser(ParagraphParser):
            def parse(self, path: Path, name: str, on_progress: Callable[[float], None]) -> ParsedDocument:
                workshop.hook("parsing")
                return super().parse(path, name, on_progress)

        class HookedChunks(ParagraphChunks):
            def chunks(self, document: ParsedDocument) -> list[Chunk]:
                workshop.hook("chunking")
                return super().chunks(document)

        class HookedPoints:
            def index(self, job, metadata, chunks, on_progress) -> None:
                def report(stage: Status, share: float) -> None:
                    workshop.hook(stage.value)
                    on_progress(stage, share)

                workshop.points.index(job, metadata, chunks, report)

            def remove(self, tenant: str, document_id: str, *, keep_version: int | None = None) -> None:
                workshop.hook("removing")
                workshop.points.remove(tenant, document_id, keep_version=keep_version)

            def flush(self) -> None:
                workshop.hook("flushing")

        return DocumentPipeline(
            parser=HookedParser(),
            clean=lambda document: document,
            chunker=HookedChunks(),
            index=HookedPoints(),
            store=self.store,
            registry=self.registry,
            ledger=self.ledger,
            metrics=self.metrics,
        )

    def upload(self, name: str, text: str | bytes, *, collection: str = "default", metadata=None):
        data = text.encode() if isinstance(text, str) else text
        return self.intake.receive(TENANT, collection, name, io.BytesIO(data), metadata)

    def work(self) -> None:
        """Run everything that is queued, once, in order; pauses are not waited for."""
        waiting, self.queue.submitted = self.queue.submitted, []
        for job_id, kind, _ in waiting:
            pause = self.pipeline.run(job_id)
            if pause is not None:
                self.queue.submit(job_id, kind, 0, delay=pause)

    def ingest(self, name: str, text: str | bytes, **options):
        """Upload, work, and return the document."""
        upload = self.upload(name, text, **options)
        self.work()
        return self.registry.document(TENANT, upload.document.id)

    def job(self, job_id: str) -> JobRecord:
        return self.registry.job(TENANT, job_id)

    def visible(self) -> list[str]:
        """Texts that a search may show: points of active versions."""
        rows = self.points.rows()
        active = self.registry.active_versions(TENANT, {document_id for document_id, _, _ in rows})
        return sorted(text for document_id, version, text in rows if active.get(document_id) == version)

    def originals(self) -> int:
        return sum(1 for path in (self.folder / "originals").rglob("*") if path.is_file())


class Gate:
    """Lets a test hold a worker inside a stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, stage: str) -> None:
        if stage == self._stage and not self.opened.is_set():
            self.reached.set()
            assert self.opened.wait(20)
