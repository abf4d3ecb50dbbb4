"""How search, ask, memory and opening grow with the index, and the wall time of `plumb ask`.

    python -m bench.latency DATA            (about 10 minutes on two cores)
    python -m bench.latency DATA --small    (300 and 1,000 chunks)

DATA holds retrieval/squad in BEIR form. Steps, for 1,000, 10,000 and 100,000 chunks:

1. An index is filled: up to 10,000 real paragraphs with their real vectors, beyond that the recombined ones of
   bench/synthetic_chunks.py; then it is optimized and closed.
2. A fresh process opens it, searches (top 10, reranked) and asks real questions one at a time.

Then the sample documents are ingested into a new data folder, and `plumb ask` is run as a whole process, interpreter
start and all, with nothing else serving that folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from bench.report import parse_arguments, percentiles, publish, table
from bench.serving_probe import TENANT
from bench.synthetic_chunks import points
from evals.cases import RetrievalData, read_retrieval
from retrieval.assembly import build_embedder, build_index
from retrieval.lexical import LexicalEncoder
from retrieval.qdrant_edge_index import QdrantEdgeIndex
from runtime.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
REAL_TEXTS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    seconds: float
    optimize_seconds: float
    disk_mb: float


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="folder with retrieval/squad")
    sizes = (300, 1_000) if arguments.small else (1_000, 10_000, 100_000)
    squad = read_retrieval(arguments.data / "retrieval" / "squad")
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder:
        rows = [_measure(size, squad, pathlib.Path(folder), small=arguments.small) for size in sizes]
        ask = _ask_wall_time(pathlib.Path(folder) / "samples", arguments)
    growth = np.quantile(rows[-1][1]["search_ms"], 0.5) / np.quantile(rows[0][1]["search_ms"], 0.5)
    body = [
        table(
            [
                "chunks",
                "search ms, p50 / p95",
                "ask ms, p50 / p95",
                "open s",
                "resident MB for the index",
                "on disk MB",
                "writes/s",
                "optimize s",
            ],
            [_row(filled, probe) for filled, probe in rows],
        ),
        f"From {sizes[0]:,} to {sizes[-1]:,} chunks the median search takes {growth:.1f} times as long. "
        f"Chunks beyond {REAL_TEXTS:,} are recombined texts with real vectors plus noise.",
        ask,
    ]
    publish("latency", "Latency and memory", "\n\n".join(body), arguments)


def _measure(size: int, squad: RetrievalData, folder: pathlib.Path, *, small: bool) -> tuple[Filled, dict[str, Any]]:
    data_dir = folder / str(size)
    filled = _fill(size, squad, data_dir)
    questions = folder / "questions.json"
    queries = list(squad.queries.values())
    wanted = 20 if small else 300
    questions.write_text(json.dumps(queries[:: max(1, len(queries) // wanted)][:wanted]), encoding="utf-8")
    command = [sys.executable, "-m", "bench.serving_probe", str(data_dir), str(questions)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the probe of {size} chunks failed:\n{done.stderr}")
    probe = json.loads(done.stdout.splitlines()[-1])
    assert probe["chunks"] == size
    return filled, probe


def _fill(size: int, squad: RetrievalData, data_dir: pathlib.Path) -> Filled:
    settings = Settings(data_dir=data_dir)
    embedder = build_embedder(Settings())
    index = build_index(settings, embedder)
    lexical = LexicalEncoder(index.generation.language, index.generation.mean_chunk_terms)
    texts = [f"{record.title}\n{record.text}" for record in squad.corpus[:REAL_TEXTS]]
    writing = 0.0
    for batch in points(texts, size, embedder, lexical, TENANT):
        start = time.perf_counter()
        index.upsert(batch)
        writing += time.perf_counter() - start
    assert isinstance(index, QdrantEdgeIndex)
    start = time.perf_counter()
    index.optimize()
    optimizing = time.perf_counter() - start
    index.flush()
    index.close()
    size_bytes = sum(file.stat().st_blocks * 512 for file in settings.index_dir.rglob("*") if file.is_file())
    return Filled(writing, optimizing, size_bytes / 1e6)


def _row(filled: Filled, probe: dict[str, Any]) -> list[str]:
    return [
        f"{probe['chunks']:,}",
        percentiles(probe["search_ms"]),
        percentiles(probe["ask_ms"]),
        f"{probe['open_seconds']:.2f}",
        f"{probe['after_mb'] - probe['before_mb']:.0f}",
        f"{filled.disk_mb:.0f}",
        f"{probe['chunks'] / filled.seconds:,.0f}",
        f"{filled.optimize_seconds:.1f}",
    ]


def _ask_wall_time(data_dir: pathlib.Path, arguments: argparse.Namespace) -> str:
    environment = {**os.environ, "PLUMB_DATA_DIR": str(data_dir)}
    question = json.loads((SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()[0])["question"]
    _plumb(["ingest", str(SAMPLES / "documents")], environment)
    _plumb(["ask", question], environment)  # files and caches are warm from here on
    seconds = [_plumb(["ask", question], environment) for _ in range(3 if arguments.small else 15)]
    p50, p95 = np.quantile(seconds, [0.5, 0.95])
    return f"`plumb ask` as a whole process, on the sample documents: {p50:.2f} s median, {p95:.2f} s p95."


def _plumb(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"plumb {command[0]} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
