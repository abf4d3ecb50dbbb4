"""Parses untrusted files in long-lived child processes with limits, so that no file can harm or stop the service."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import queue
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.frames import FrameBuffer, encode_frame
from ingestion.parsing.limits import MIB, ParseLimits

logger = logging.getLogger(__name__)

_LOOK_INTERVAL = 0.1
_READ_BYTES = 1 << 20
_STDERR_TAIL = 2000
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
# Nothing else of the owner's environment (keys, addresses of databases) reaches a process that reads strangers' files.
_INHERITED_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_FIXED_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "HF_HUB_OFFLINE": "1",
    # One thread each: a parser works on one core, and every further BLAS thread reserves memory.
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class ParserPool:
    """Up to `processes` parser processes; each parses one file at a time and is replaced after some files.

    Thread-safe. Processes start when first needed and end with `close()`, with the pool's owner, or when a file has
    crashed, hung or bloated them; that file is refused with a reason, and the next one gets a fresh process.
    """

    def __init__(self, limits: ParseLimits, processes: int = 1) -> None:
        if processes < 1:
            raise ValueError("a parser pool needs at least one process")
        self._limits = limits
        self._children: list[_Child | None] = [None] * processes
        # Last in, first out: the process that is warm is used again, further ones start only under load.
        self._free: queue.LifoQueue[int] = queue.LifoQueue()
        for slot in reversed(range(processes)):
            self._free.put(slot)
        self._closed = threading.Event()

    def parse(self, path: Path, name: str, on_progress: Callable[[float], None] | None = None) -> ParsedDocument:
        """The document in the file at `path`, which its owner calls `name`. Blocks until it is there.

        `on_progress` gets the share done (0 to 1), at most five times a second; what it raises ends the parsing.
        Raises DocumentRejected.
        """
        slot = self._free.get()
        try:
            child = self._ready_child(slot)
            try:
                return child.parse(path.absolute(), name, on_progress)
            finally:
                if child.spent:
                    child.kill()
                    self._children[slot] = None
        finally:
            self._free.put(slot)

    def _ready_child(self, slot: int) -> _Child:
        if self._closed.is_set():
            raise RuntimeError("the parser pool is closed")
        child = self._children[slot]
        if child is not None and not child.alive():
            child.kill()
            child = None
        if child is None:
            child = self._children[slot] = _Child(self._limits)
            if self._closed.is_set():
                child.kill()
                raise RuntimeError("the parser pool is closed")
        return child

    def close(self) -> None:
        """Ends all parser processes; a file that is being parsed is refused as `parser_crashed`."""
        self._closed.set()
        for child in list(self._children):
            if child is not None:
                child.interrupt()
        # Each interrupted call gives its slot back; only then may the streams of its process be closed.
        slots = [self._free.get() for _ in self._children]
        for slot in slots:
            if (child := self._children[slot]) is not None:
                child.kill()
            self._free.put(slot)

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Child:
    """One parser process."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limits = limits
        self._parsed = 0
        # Work files of a process that had to be killed go with this folder.
        self._folder = tempfile.mkdtemp(prefix="parser-")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by kill()
        lifeline, self._lifeline_end = os.pipe()
        environment = {key: os.environ[key] for key in _INHERITED_ENVIRONMENT if key in os.environ}
        environment |= _FIXED_ENVIRONMENT
        environment |= {"PYTHONPATH": str(_PACKAGE_ROOT), "TMPDIR": self._folder, "HOME": self._folder}
        command = [sys.executable, "-P", "-X", "utf8", "-m", "ingestion.parsing.parser_process"]
        try:
            self._process = subprocess.Popen(
                [*command, json.dumps(dataclasses.asdict(limits)), str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                cwd=self._folder,
                env=environment,
                pass_fds=(lifeline,),
                start_new_session=True,
            )
        finally:
            os.close(lifeline)
        self._measured = psutil.Process(self._process.pid)
        self._busy = False
        self._ended = False

    @property
    def spent(self) -> bool:
        """No further file may go to this process: it is dead, in an unknown state, or has done its number."""
        return self._busy or not self.alive() or self._parsed >= self._limits.recycle_after

    def alive(self) -> bool:
        return not self._ended and self._process.poll() is None

    def parse(self, path: Path, name: str, on_progress: Callable[[float], None] | None) -> ParsedDocument:
        # Stays set when anything is raised before the answer is complete: the process is then not used again.
        self._busy = True
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_frame({"path": os.fspath(path), "name": name}))
            self._process.stdin.flush()
        except OSError as error:
            raise self._crashed(name) from error
        answer = self._await_answer(name, on_progress)
        self._busy = False
        self._parsed += 1
        if (rejected := answer.get("rejected")) is not None:
            if "detail" in answer:
                logger.warning("parsing %r failed: %s", name, answer["detail"])
            raise DocumentRejected(rejected["message"], code=rejected["code"])
        return ParsedDocument.from_json(answer["document"])

    def _await_answer(self, name: str, on_progress: Callable[[float], None] | None) -> dict[str, Any]:
        assert self._process.stdout is not None
        answers, buffer = self._process.stdout.fileno(), FrameBuffer()
        started = last_progress = time.monotonic()
        share_done = 0.0
        while True:
            readable, _, _ = select.select([answers], [], [], _LOOK_INTERVAL)
            self._check_memory()
            if readable:
                data = os.read(answers, _READ_BYTES)
                if not data:
                    raise self._crashed(name)
                for message in buffer.feed(data):
                    if "progress" not in message:
                        return message
                    if message["progress"] > share_done:
                        share_done, last_progress = message["progress"], time.monotonic()
                    if on_progress is not None:
                        on_progress(message["progress"])
            now = time.monotonic()
            if now - last_progress > self._limits.seconds or now - started > self._limits.total_seconds:
                raise DocumentRejected(
                    f"Reading the file was stopped after {now - started:.0f} seconds without a result; "
                    "split it or save it in a simpler format.",
                    code="parse_timeout",
                )

    def _check_memory(self) -> None:
        try:
            resident = self._measured.memory_info().rss
        except psutil.Error:
            return  # It has just ended; the closed pipe tells so next.
        if resident > self._limits.memory_bytes:
            raise DocumentRejected(
                f"Reading the file needs more than {self._limits.memory_bytes // MIB} MiB of memory; split it.",
                code="parse_memory",
            )

    def _crashed(self, name: str) -> DocumentRejected:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        logger.warning(
            "parser process ended with %s while reading %r: %s", self._process.returncode, name, self._stderr_tail()
        )
        return DocumentRejected(
            "The program that reads such files crashed on this one; open and save it again, or export it as PDF.",
            code="parser_crashed",
        )

    def _stderr_tail(self) -> str:
        if self._stderr.closed:
            return ""
        size = os.fstat(self._stderr.fileno()).st_size
        return os.pread(self._stderr.fileno(), _STDERR_TAIL, max(0, size - _STDERR_TAIL)).decode("utf-8", "replace")

    def interrupt(self) -> None:
        """Kills the process and whatever it started; may be called from any thread."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Ends the process and releases what it held. Only for the thread that holds the slot; may be called twice."""
        if self._ended:
            return
        self._ended = True
        self.interrupt()
        self._process.wait()
        os.close(self._lifeline_end)
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
