"""What bench/latency.py runs in a fresh process for each index size, so that memory is that index's alone.

    python -m bench.serving_probe FOLDER QUESTIONS.json

Opens the index in the data folder FOLDER, searches and asks every question once after one to warm up, and prints one
JSON object: seconds to open, resident megabytes before and after, latencies in ms.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterable

import psutil

from generation.answers import Question
from generation.assembly import build_answerer
from retrieval.assembly import build_embedder, build_index, build_retriever
from retrieval.passages import Scope
from runtime.settings import Settings

TENANT = "default"
TOP_K = 10


def main() -> None:
    settings = Settings(data_dir=pathlib.Path(sys.argv[1]))
    questions: list[str] = json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
    scope = Scope(TENANT)
    embedder = build_embedder(Settings())  # the exported model is taken from the usual place
    embedder.embed_query(questions[0])
    before = _resident_mb()
    start = time.perf_counter()
    index = build_index(settings, embedder)
    open_seconds = time.perf_counter() - start
    retriever = build_retriever(settings, embedder, index, _all_first_versions)
    answerer = build_answerer(settings, retriever, embedder)
    with asyncio.Runner() as runner:
        search_ms = _latencies(lambda text: retriever.search(text, scope, TOP_K), questions)
        ask_ms = _latencies(lambda text: runner.run(answerer.answer(Question(text, scope, use_cache=False))), questions)
    found = {
        "chunks": index.count(scope),
        "open_seconds": open_seconds,
        "before_mb": before,
        "after_mb": _resident_mb(),
        "search_ms": search_ms,
        "ask_ms": ask_ms,
    }
    index.close()
    print(json.dumps(found))


def _all_first_versions(_tenant: str, document_ids: Iterable[str]) -> dict[str, int]:
    return dict.fromkeys(document_ids, 1)


def _latencies(call: Callable[[str], object], questions: list[str]) -> list[float]:
    call(questions[0])
    taken = []
    for question in questions:
        start = time.perf_counter()
        call(question)
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
