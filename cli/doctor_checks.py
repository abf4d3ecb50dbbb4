"""The single checks of `plumb doctor`. None changes anything; none starts a server where no data folder exists yet."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import importlib.util
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from cli.connection import connect
from cli.http_client import RemoteProblem
from cli.owner_lock import is_owned, read_owner
from runtime.errors import PlumblineError

if TYPE_CHECKING:
    from cli.connection import Connection
    from runtime.settings import ModelSettings, Settings

LITTLE_SPACE_BYTES = 1_000_000_000
NO_SPACE_BYTES = 100_000_000
SERVICE_TIMEOUT_S = 3.0
MODEL_TIMEOUT_S = 30.0
# A mean of fewer chunks says little about those to come.
CHUNKS_FOR_A_MEAN = 100
DRIFT = 1.25
PAGE = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """`note` needs no action to work; `problem` does. `remedy` says what to do."""

    name: str
    state: Literal["ok", "note", "problem"]
    detail: str
    remedy: str = ""


def all_checks(settings: Settings) -> list[Check]:
    """Every check that applies to these settings, in the order in which a person would look."""
    return [
        *_data_folder(settings.data_dir),
        _owner(settings.data_dir),
        *_services(settings),
        *_model(settings),
        *_language_models(settings),
        _checker(settings),
        *_index(settings),
        *_platform(settings),
        _pandoc(),
        _ocr(),
        _sentence_transformers(settings),
    ]


def _data_folder(data_dir: Path) -> Iterator[Check]:
    name = "data folder"
    existing = next(folder for folder in (data_dir.absolute(), *data_dir.absolute().parents) if folder.exists())
    if not os.access(existing, os.W_OK | os.X_OK) or not existing.is_dir():
        yield Check(name, "problem", f"{existing} cannot be written.", "Set PLUMB_DATA_DIR to a folder of yours.")
        return
    free = shutil.disk_usage(existing).free
    words = f"{data_dir}, {free / 1e9:.1f} GB free"
    if free < NO_SPACE_BYTES:
        yield Check(name, "problem", words, "Free some space, or set PLUMB_DATA_DIR to another disk.")
    elif free < LITTLE_SPACE_BYTES:
        yield Check(name, "note", words, "Free some space before you ingest more.")
    else:
        yield Check(name, "ok", words if data_dir.exists() else f"{words}; made by the first command that needs it")
    if data_dir.exists() and stat.S_IMODE(data_dir.stat().st_mode) & 0o077:
        remedy = f"chmod 700 {data_dir}"
        yield Check(name, "note", "Other users of this machine can look into it.", remedy)


def _owner(data_dir: Path) -> Check:
    owner = read_owner(data_dir) if is_owned(data_dir) else None
    if owner is None:
        return Check("owner", "ok", "No server is running on this data folder; commands start their own.")
    where = f"at {owner.address}" if owner.address else "and is starting"
    return Check("owner", "ok", f"Process {owner.pid} serves this data folder {where}; commands use it.")


def _services(settings: Settings) -> Iterator[Check]:
    addresses = (
        ("queue", "PLUMB_BROKER_URL", settings.broker_url, 6379),
        ("vectors", "PLUMB_QDRANT_URL", settings.qdrant_url, 6333),
        ("records", "PLUMB_DATABASE_URL", settings.database_url, 5432),
    )
    for name, variable, url, usual_port in addresses:
        parts = urlsplit(url or "")
        if parts.hostname is None:
            continue  # not configured, or a file
        place = f"{parts.hostname}:{parts.port or usual_port}"
        try:
            socket.create_connection((parts.hostname, parts.port or usual_port), SERVICE_TIMEOUT_S).close()
        except OSError as error:
            remedy = f"Start it, or correct {variable}; without {variable} the embedded one is used."
            yield Check(name, "problem", f"Nothing answers at {place} ({error.strerror or error}).", remedy)
        else:
            yield Check(name, "ok", f"{place} answers.")


def _model(settings: Settings) -> Iterator[Check]:
    from retrieval.assembly import DEFAULT_MODEL
    from runtime.model_files import minilm_weights

    name = "embedding model"
    if settings.embedding_model != DEFAULT_MODEL:
        yield Check(name, "ok", f"{settings.embedding_model}, loaded by sentence-transformers when first used.")
        return
    try:
        yield Check(name, "ok", f"{DEFAULT_MODEL}, its weights have the right SHA-256 ({minilm_weights()}).")
    except PlumblineError as error:
        yield Check(name, "problem", error.message)


def _language_models(settings: Settings) -> Iterator[Check]:
    """Each configured model is asked for one token, all at the same time and without retries."""
    if not settings.models:
        yield Check("language model", "ok", "None is configured: answers are sentences of the documents, verbatim.")
        return

    async def ask_all() -> list[Check]:
        return await asyncio.gather(*(_language_model(model) for model in settings.models))

    yield from asyncio.run(ask_all())


async def _language_model(settings: ModelSettings) -> Check:
    from generation.language_models.assembly import hosted_model
    from generation.language_models.model import (
        Deadline,
        Finished,
        Message,
        ModelError,
        ModelRejectedRequest,
        ModelRequest,
    )

    name, text, counts = f"language model {settings.name}", "", None
    correct = f"Correct the entry of {settings.name} in plumb.toml or PLUMB_MODELS; docs/models.md has examples."
    try:
        model = hosted_model(settings)
        await asyncio.to_thread(model.warm_up)
        started = time.monotonic()
        try:
            request = ModelRequest((Message("user", "Say hello."),), max_tokens=1)
            deadline = Deadline.after(min(settings.first_token_seconds + settings.connect_seconds, MODEL_TIMEOUT_S))
            async for piece in model.stream(request, deadline):
                if isinstance(piece, Finished):
                    counts = piece.counts
                else:
                    text += piece
        finally:
            await model.aclose()
    except ModelRejectedRequest as error:
        return Check(name, "problem", error.message, correct)
    except ModelError as error:
        return Check(name, "problem", error.message, f"Start it, or wait until it answers. {correct}")
    except PlumblineError as error:
        return Check(name, "problem", error.message, correct)
    said = f"said {text!r}" if text else "answered, without text"
    told = "told" if counts else "did not tell"
    return Check(name, "ok", f"{said} after {time.monotonic() - started:.2f} s and {told} the tokens it used.")


def _checker(settings: Settings) -> Check:
    """A cross-encoder is loaded and asked once: what is wrong with it would otherwise meet the first answer."""
    from generation.checking.assembly import build_checker
    from generation.checking.cross_encoders.cross_encoder_checker import CrossEncoderChecker
    from retrieval.assembly import build_embedder

    name = "checker"
    try:
        checker = build_checker(settings, build_embedder(settings))
        words = f"{checker.info.name} {checker.info.version}, supported from {checker.info.threshold:g}"
        if isinstance(checker, CrossEncoderChecker):
            started = time.monotonic()
            checker.warm_up()
            words += f", loaded in {time.monotonic() - started:.1f} s"
    except PlumblineError as error:
        return Check(name, "problem", error.message, "PLUMB_CHECKER=plumbline is the default, which needs nothing.")
    if settings.checker_calibration is not None:
        words += f", calibrated by {settings.checker_calibration}"
    return Check(name, "ok", f"{words}.")


def _index(settings: Settings) -> Iterator[Check]:
    if settings.qdrant_url is not None or not settings.index_dir.exists():
        return
    from retrieval.qdrant_edge_index import EdgeGenerations

    for stored in EdgeGenerations(settings.index_dir).stored():
        made = stored.generation
        words = f"{stored.name}: model {made.embedding_model}, chunker {made.chunker_version}, language {made.language}"
        if stored.active:
            yield Check("index", "ok", f"{words} (active)")
        else:
            yield Check("index", "note", f"{words} is not in use.", "It is left from an unfinished or former build.")


def _platform(settings: Settings) -> Iterator[Check]:
    """Model files with their hash, index, records schema: all are opened by whoever serves, and it is asked."""
    if not settings.data_dir.exists():
        yield Check("platform", "note", "Nothing has been ingested yet.", "Run: plumb ingest PATH")
        return
    try:
        with connect(settings) as connection:
            ready = _readiness(connection)
            yield ready
            if ready.state == "ok":
                yield from _documents(connection)
                yield from _chunk_length(connection)
                yield from _groundedness(connection)
    except PlumblineError as error:
        yield Check("platform", "problem", error.message)


def _readiness(connection: Connection) -> Check:
    connection.get("/v1/documents", limit=1)  # waits while a server is still opening
    try:
        checks = connection.get("/health/ready")["checks"]
    except RemoteProblem as problem:
        return Check("platform", "problem", problem.message, "The log of the server says more.")
    return Check("platform", "ok", f"Answers ({', '.join(sorted(checks))}).")


def _documents(connection: Connection) -> Iterator[Check]:
    by_status: collections.Counter[str] = collections.Counter()
    chunks, cursor = 0, None
    while True:
        page = connection.get("/v1/documents", limit=PAGE, cursor=cursor)
        for document in page["documents"]:
            by_status[document["status"]] += 1
            chunks += document["chunks"] or 0
        cursor = page["next_cursor"]
        if cursor is None:
            break
    counts = ", ".join(f"{number} {word}" for word, number in sorted(by_status.items())) or "none yet"
    failed = by_status["failed"]
    remedy = "plumb documents list --status failed shows the reasons." if failed else ""
    yield Check("documents", "note" if failed else "ok", f"{counts}; {chunks} chunks are searchable.", remedy)


def _chunk_length(connection: Connection) -> Iterator[Check]:
    """The keyword search reckons with one mean length for the life of an index generation."""
    found = dict(line.rsplit(" ", 1) for line in connection.text("/metrics").splitlines() if line.startswith("plumb"))
    mean, built_for, sampled = (
        float(found.get(f"plumbline_index_{name}", 0))
        for name in ("mean_chunk_terms", "built_for_chunk_terms", "sampled_chunks")
    )
    if sampled < CHUNKS_FOR_A_MEAN:
        return
    words = f"mean chunk length {mean:.0f} terms, index built for {built_for:.0f}"
    if max(mean, built_for) <= DRIFT * min(mean, built_for):
        yield Check("keyword search", "ok", f"{words}.")
    else:
        detail = f"{words}: chunks of unlike length are not weighed quite evenly."
        yield Check("keyword search", "note", detail, "Run `plumb reindex` (comes with server mode).")


def _groundedness(connection: Connection) -> Iterator[Check]:
    """The hallucination rate of thirty days, where answers of models were checked."""
    report = connection.get("/v1/groundedness/rate", window="30d")
    if not report["answers"]:
        return
    if any(monitor["alarm"] for monitor in report["monitors"]) or report["slo"] == "above":
        remedy = "docs/runbook.md says what to do; plumb eval rate --group-by model shows where it is."
    elif report["slo"] == "cannot_tell":
        remedy = "Judge some answers: plumb eval audit --draw 20 --window 30d"
    else:
        remedy = ""
    yield Check("hallucination rate", "note" if remedy else "ok", f"30 days: {report['says']}", remedy)


def _pandoc() -> Check:
    if importlib.util.find_spec("pypandoc") and (shutil.which("pandoc") or _bundled_pandoc()):
        return Check("pandoc", "ok", "epub, odt, rtf, rst and org can be read.")
    detail = "Not installed: epub, odt, rtf, rst and org are refused with that reason."
    return Check("pandoc", "note", detail, "pip install 'plumbline[pandoc]'")


def _bundled_pandoc() -> bool:
    found = importlib.util.find_spec("pypandoc")
    locations = (found.submodule_search_locations or []) if found else []
    return any((Path(location) / "files" / "pandoc").exists() for location in locations)


def _ocr() -> Check:
    if importlib.util.find_spec("rapidocr"):
        return Check("ocr", "ok", "Scanned pages can be read.")
    return Check("ocr", "note", "Not installed: scanned pages stay without text.", "pip install rapidocr")


def _sentence_transformers(settings: Settings) -> Check:
    needed = settings.embedding_backend == "sentence-transformers" or settings.reranker not in (
        "late-interaction",
        "none",
    )
    if importlib.util.find_spec("sentence_transformers"):
        return Check("sentence-transformers", "ok", "Installed" + (", and used." if needed else "; not used."))
    detail = "Not installed" + (", but the settings need it." if needed else "; only other models need it.")
    return Check("sentence-transformers", "problem" if needed else "note", detail, "pip install sentence-transformers")
