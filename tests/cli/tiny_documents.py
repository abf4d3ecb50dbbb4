"""The documents part of the outward contract over real sockets, with outcomes chosen by file name.

Jobs are done one after the other in the order of arrival, a step of time each, as one worker would.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from tests.cli.tiny_app import TinyApp

STEP_S = 0.02


class TinyDocuments(TinyApp):
    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.arrivals: list[str] = []
        self.started = time.monotonic()
        self.looks = 0

    async def _answer(self, path: str, query: dict[str, str], body: bytes, headers: dict[str, str], send: Any) -> None:
        if path == "/v1/documents":
            status, answer = self._upload(body)
        elif path.startswith("/v1/jobs/"):
            status, answer = self._look(path.removeprefix("/v1/jobs/"))
        else:
            status, answer = 200, {"pages": 2, "chunks": 5, "warnings": ["Page 2 was hard to read."]}
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _upload(self, body: bytes) -> tuple[int, dict[str, Any]]:
        found = re.search(rb'filename="([^"]*)"', body)
        assert found is not None
        name = found.group(1).decode()
        match name:
            case "refused.md":
                return 422, {"code": "invalid_document_name", "detail": "This name cannot be kept."}
            case "busy.md":
                return 503, {"code": "storage_full", "detail": "The disk is full."}
            case "known.md":
                return 200, {"document_id": name, "job_id": None, "status": "unchanged"}
        self.arrivals.append(name)
        status = "unchanged" if name == "under-way.md" else "queued"
        return 202, {"document_id": name, "job_id": name, "status": status}

    def _look(self, name: str) -> tuple[int, dict[str, Any]]:
        self.looks += 1
        steps = (time.monotonic() - self.started) / STEP_S - self.arrivals.index(name)
        if steps < 0:
            return 200, {"status": "queued", "progress": 0.0, "timings": {}, "error": None}
        if name == "waits.md" and steps < 5:
            error = {"code": "disk_full", "message": "The disk is full."}
            return 200, {"status": "queued", "progress": 0.0, "timings": {}, "error": error}
        if steps < 1:
            return 200, {"status": "parsing", "progress": 0.2, "timings": {}, "error": None}
        if name == "deleted.md":
            return 404, {"code": "unknown_job", "detail": "There is no such job."}
        if name == "fails.md":
            error = {"code": "encrypted", "message": "The file is protected."}
            return 200, {"status": "failed", "progress": 0.2, "timings": {"parsing": 0.5}, "error": error}
        return 200, {"status": "ready", "progress": 1.0, "timings": {"parsing": 0.5, "embedding": 0.25}, "error": None}
