"""Bytes to searchable beside LlamaIndex's stock pipeline, on real PDFs and on a mixed folder, in one run.

    python -m bench.ingestion DATA            (about 30 minutes on two cores, nearly all of it the peer's)
    python -m bench.ingestion DATA --small    (seven tiny files)

DATA holds documents/10q (PDF filings), documents/contracts, documents/papers and documents/parsing. Needs the packages
of the `peers` extra. Steps, for each of the two sets of files:

1. Both sides are warmed up with one small text file, so that models and parser processes are loaded.
2. Ours, the peer, ours again: the two runs of ours show how much the machine drifted. Ours is everything that an upload
   goes through: the original stored by its hash, records written, queued, parsed in the parser process, chunked,
   embedded (dense and token vectors), indexed, made visible. Each run has an empty data folder.
3. Pages are those of the PDFs as pypdfium2 counts them, for both sides; files without pages count in files/s only.
   Pages without a text layer are read by OCR on our side and left out by the peer's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.llama_index_pipeline import StageSeconds, StockPipeline
from bench.report import parse_arguments, publish, table
from ingestion.records import JobRecord, Status
from retrieval.assembly import build_embedder, build_index
from runtime.database import Database
from runtime.settings import Settings
from workers.assembly import Ingestion, build_ingestion

MIXED_SUFFIXES = {".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".html", ".md", ".txt"}
MIXED_FOLDERS = ("contracts", "papers", "parsing/markitdown", "parsing/docling")
TENANT = "default"
COLLECTION = "default"


@dataclasses.dataclass(frozen=True, slots=True)
class OurRun:
    seconds: float
    stages: dict[str, float]
    chunks: int
    refused: list[str]


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with documents/10q, contracts, papers, parsing")
    documents = arguments.data / "documents"
    pdfs = sorted((documents / "10q").glob("*.pdf"))[:10]
    mixed = _mixed_files(documents, per_suffix=12)
    if arguments.small:
        smallest = sorted(mixed, key=lambda file: file.stat().st_size)
        pdfs, mixed = [file for file in smallest if file.suffix == ".pdf"][:2], smallest[:20:4]
    embedder_tokens = build_embedder(Settings()).max_tokens
    sections = []
    for title, files in ((f"{len(pdfs)} PDF files", pdfs), (f"{len(mixed)} mixed files", mixed)):
        first = _ingest_ours(files)
        peer = _ingest_peer(files, embedder_tokens)
        second = _ingest_ours(files)
        sections.append(_section(title, files, [first, second], peer))
        publish("ingestion", "Bytes to searchable", "\n\n".join(sections), arguments)


def _mixed_files(documents: pathlib.Path, per_suffix: int) -> list[pathlib.Path]:
    """The first files of each format in each folder, so that no format outweighs the others."""
    taken: Counter[tuple[str, str]] = Counter()
    files = []
    for folder in MIXED_FOLDERS:
        for file in sorted((documents / folder).rglob("*")):
            key = (folder, file.suffix.lower())
            fits = file.suffix.lower() in MIXED_SUFFIXES and not {"groundtruth", "expected_outputs"} & set(file.parts)
            if fits and taken[key] < per_suffix:
                taken[key] += 1
                files.append(file)
    return files


def _ingest_ours(files: Sequence[pathlib.Path]) -> OurRun:
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder, _ingestion(pathlib.Path(folder)) as ours:
        warm_up = pathlib.Path(folder) / "warm-up.md"
        warm_up.write_text("# Warm-up\n\nOne sentence, so that every process is up.\n", encoding="utf-8")
        _upload_and_wait(ours, [warm_up], pathlib.Path(folder))
        start = time.perf_counter()
        jobs = _upload_and_wait(ours, files, pathlib.Path("/"))
        seconds = time.perf_counter() - start
        stages: Counter[str] = Counter()
        for job in jobs:
            stages.update(dict(job.timings))
        chunks = 0
        for job in jobs:
            facts = ours.registry.document(TENANT, job.document_id).facts
            chunks += facts.chunk_count if facts else 0
        refused = [f"{job.document_name}: {job.error.code}" for job in jobs if job.error]
        return OurRun(seconds, dict(stages), chunks, refused)


@contextlib.contextmanager
def _ingestion(folder: pathlib.Path) -> Iterator[Ingestion]:
    settings = Settings(data_dir=folder)
    database = Database(settings.resolved_database_url())
    database.upgrade()
    embedder = build_embedder(settings)
    index = build_index(settings, embedder)
    ingestion = build_ingestion(settings, database, embedder, index)
    ingestion.start()
    try:
        yield ingestion
    finally:
        ingestion.stop()
        index.close()
        database.close()


def _upload_and_wait(ours: Ingestion, files: Sequence[pathlib.Path], root: pathlib.Path) -> list[JobRecord]:
    waiting = []
    for file in files:
        with file.open("rb") as stream:
            upload = ours.intake.receive(TENANT, COLLECTION, str(file.relative_to(root)), stream)
        if upload.job is not None:
            waiting.append(upload.job.id)
    finished = []
    while waiting:
        job = ours.registry.job(TENANT, waiting[0])
        if job.finished:
            finished.append(job)
            waiting.pop(0)
        else:
            time.sleep(0.01)
    assert all(job.status in (Status.READY, Status.FAILED) for job in finished)
    return finished


def _ingest_peer(files: Sequence[pathlib.Path], chunk_tokens: int) -> StageSeconds:
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        warm_up = pathlib.Path(folder) / "warm-up.txt"
        warm_up.write_text("One sentence, so that the model is loaded.", encoding="utf-8")
        pipeline = StockPipeline(pathlib.Path(folder) / "qdrant", chunk_tokens)
        try:
            pipeline.ingest([warm_up])
            return pipeline.ingest(list(files))
        finally:
            pipeline.close()


def _section(title: str, files: Sequence[pathlib.Path], ours: Sequence[OurRun], peer: StageSeconds) -> str:
    pages = sum(_page_count(file) for file in files)
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    rows = []
    for name, seconds, chunks in (
        ("Plumbline, first", ours[0].seconds, ours[0].chunks),
        ("LlamaIndex", peer.total, peer.chunks),
        ("Plumbline, second", ours[1].seconds, ours[1].chunks),
    ):
        speed = (f"{pages / seconds:.1f}", f"{len(files) / seconds:.2f}", f"{chunks / seconds:.0f}")
        rows.append((name, f"{seconds:.1f}", *speed, f"{peer.total / seconds:.1f}"))
    speeds = table(["", "seconds", "PDF pages/s", "files/s", "chunks/s", "times LlamaIndex"], rows)
    return "\n\n".join(
        [
            f"### {title}: {pages} PDF pages, {megabytes:.1f} MB",
            speeds,
            "Where the time goes: " + _shares(ours[0].stages) + ". LlamaIndex: " + _shares(_peer_stages(peer)) + ".",
            "Refused by ours: "
            + ("; ".join(sorted(ours[0].refused)) or "none")
            + f". Skipped by LlamaIndex: {peer.skipped} files.",
        ]
    )


def _peer_stages(peer: StageSeconds) -> dict[str, float]:
    return {stage: getattr(peer, stage) for stage in ("reading", "splitting", "embedding", "storing")}


def _shares(stages: dict[str, float]) -> str:
    total = sum(stages.values()) or 1.0
    return ", ".join(f"{stage} {taken:.1f} s ({100 * taken / total:.0f}%)" for stage, taken in stages.items())


def _page_count(file: pathlib.Path) -> int:
    if file.suffix.lower() != ".pdf":
        return 0
    import pypdfium2

    try:
        with pypdfium2.PdfDocument(file) as document:
            return len(document)
    except pypdfium2.PdfiumError:
        return 0  # encrypted or broken on purpose: no side gets pages out of it


if __name__ == "__main__":
    main()
