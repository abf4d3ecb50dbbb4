"""What our own path adds around a language model that answers in no time, and 200 streams at once.

    python -m bench.model_path DATA            (about 3 minutes on two cores)
    python -m bench.model_path DATA --small    (20 questions, 20 streams)

DATA is not read: the sample documents and their questions are. Steps:

1. tests/model_server.py is started as a process, and `plumb serve` as another with that server as its one model.
2. Questions are asked one at a time with the cache off. Of each answer's wall time, seen from the client, the search
   (retrieve and rerank) and the check of its sentences are taken off: what is left is routing, packing, prompt, the
   call itself over a socket, citations, keeping and HTTP.
3. All streams are opened at once; one that does not end with an answer written by the model counts as an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import httpx

from bench.report import parse_arguments, percentiles, publish, table

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
MODEL = "evidence"


def main() -> None:
    arguments = parse_arguments(__doc__, data_help="any folder")
    asked, streams = (20, 20) if arguments.small else (150, 200)
    lines = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [row["question"] for row in map(json.loads, lines) if row["answerable"]]
    with tempfile.TemporaryDirectory(prefix="plumb-bench-") as folder, _provider() as endpoint:
        models = [
            {
                "name": MODEL,
                "endpoint": f"{endpoint}/v1",
                "concurrency": 256,
                "queue": 1024,
                "usd_per_million_prompt": 1.0,
                "usd_per_million_completion": 4.0,
            }
        ]
        environment = {**os.environ, "PLUMB_DATA_DIR": folder, "PLUMB_MODELS": json.dumps(models)}
        subprocess.run(
            [sys.executable, "-m", "cli.main", "ingest", str(SAMPLES / "documents")],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
        )
        with _served(environment) as url:
            alone = asyncio.run(_one_at_a_time(url, (questions * 2)[:asked]))
            together = asyncio.run(_all_at_once(url, (questions * 3)[:streams]))
    publish("model_path", "Our own path around a language model", _body(alone, together), arguments)


def _body(alone: list[dict[str, float]], together: list[dict[str, Any]]) -> str:
    names = ["wall", "retrieve", "rerank", "check", "pack", "own path"]
    rows = [[name, percentiles([answer.get(name, 0.0) for answer in alone])] for name in names]
    errors = [stream["error"] for stream in together if stream["error"]]
    seconds = max(stream["seconds"] for stream in together)
    first = [1000 * stream["first"] for stream in together if stream["first"] is not None]
    return "\n\n".join(
        [
            f"{len(alone)} questions one at a time, to a model that answers in no time; `own path` is the wall time "
            "without retrieve, rerank and check (packing is part of it):",
            table(["part", "ms, p50 / p95"], rows),
            f"{len(together)} streams at once: {len(errors)} errors, all done after {seconds:.1f} s, first text after "
            f"{percentiles(first)} ms (p50 / p95)." + "".join(f"\n- {error}" for error in sorted(set(errors))[:5]),
        ]
    )


async def _one_at_a_time(url: str, questions: list[str]) -> list[dict[str, float]]:
    found = []
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        for number, question in enumerate([questions[0], *questions]):
            start = time.perf_counter()
            answer = (await client.post("/v1/ask", json={"question": question, "cache": False})).json()
            wall = 1000 * (time.perf_counter() - start)
            if answer["model"]["name"] != MODEL:
                continue  # refused before a model was asked
            timings = answer["timings_ms"]
            taken_off = sum(timings.get(name, 0.0) for name in ("retrieve", "rerank", "check"))
            if number:
                found.append({**timings, "wall": wall, "own path": wall - taken_off})
    return found


async def _all_at_once(url: str, questions: list[str]) -> list[dict[str, Any]]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        return await asyncio.gather(*(_one_stream(client, question) for question in questions))


async def _one_stream(client: httpx.AsyncClient, question: str) -> dict[str, Any]:
    start = time.perf_counter()
    seen: dict[str, Any] = {"first": None, "error": "the stream ended without an answer", "seconds": 0.0}
    try:
        body = {"question": question, "cache": False, "stream": True}
        async with client.stream("POST", "/v1/ask", json=body) as response:
            event = ""
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    _note(seen, event, json.loads(line.removeprefix("data: ")), time.perf_counter() - start)
    except httpx.HTTPError as error:
        seen["error"] = f"{type(error).__name__}: {error}"
    seen["seconds"] = time.perf_counter() - start
    return seen


def _note(seen: dict[str, Any], event: str, data: dict[str, Any], at: float) -> None:
    if event == "delta" and seen["first"] is None:
        seen["first"] = at
    elif event == "error":
        seen["error"] = f"{data['code']}: {data['detail']}"
    elif event == "answer":
        fallbacks = data["model"]["fallbacks"]
        seen["error"] = f"fell back: {fallbacks[0]}" if fallbacks else None


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    command = [sys.executable, str(ROOT / "tests" / "model_server.py"), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cli.main", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{url}/health/ready").status_code == 200:
                        break
                assert process.poll() is None and time.monotonic() < deadline, "plumb serve has not come up"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
