"""The batch endpoints of the tests' provider: files, OpenAI's batches, Anthropic's message batches.

A batch is done after `polls_until_done` polls; each of its requests is answered as its model's name says, an HTTP error
going into the error file.
"""

from __future__ import annotations

import collections
import itertools
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.provider.behaviour import Received
from tests.provider.words import AnthropicWords, OpenAIWords

Receive = Callable[[str, Mapping[str, Any]], Received]


class Batches:
    """`receive(path, body)` notes a request of a batch as if it had come by itself."""

    def __init__(self, receive: Receive, address: Callable[[], str]) -> None:
        self.polls_until_done = 1
        self.ends_as: str | None = None  # e.g. `expired`, instead of being answered
        self._receive = receive
        self._address = address
        self._files: dict[str, dict[str, Any]] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def routes(self) -> list[Route]:
        return [
            Route("/v1/files", self._upload, methods=["POST"]),
            Route("/v1/files/{id}", self._file, methods=["GET", "DELETE"]),
            Route("/v1/files/{id}/content", self._content),
            Route("/v1/batches", self._create_batch, methods=["POST"]),
            Route("/v1/batches", self._list_batches),
            Route("/v1/batches/{id}", self._batch),
            Route("/v1/batches/{id}/cancel", self._cancel_batch, methods=["POST"]),
            Route("/v1/messages/batches", self._create_message_batch, methods=["POST"]),
            Route("/v1/messages/batches/{id}", self._message_batch, methods=["GET"]),
            Route("/v1/messages/batches/{id}", self._delete_message_batch, methods=["DELETE"]),
            Route("/v1/messages/batches/{id}/cancel", self._cancel_message_batch, methods=["POST"]),
            Route("/v1/messages/batches/{id}/results", self._message_batch_results),
        ]

    def _new_id(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers)}"

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            upload = form["file"]
            assert not isinstance(upload, str)
            content, purpose = await upload.read(), form["purpose"]
            name = upload.filename
        file_id = self._new_id("file")
        self._files[file_id] = {"content": content, "purpose": purpose, "name": name}
        return JSONResponse(self._file_object(file_id))

    def _file_object(self, file_id: str) -> dict[str, Any]:
        stored = self._files[file_id]
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(stored["content"]),
            "created_at": 0,
            "filename": stored["name"],
            "purpose": stored["purpose"],
            "status": "processed",
        }

    async def _file(self, request: Request) -> Response:
        file_id = request.path_params["id"]
        if file_id not in self._files:
            return _missing("file")
        if request.method == "DELETE":
            del self._files[file_id]
            return JSONResponse({"id": file_id, "object": "file", "deleted": True})
        return JSONResponse(self._file_object(file_id))

    async def _content(self, request: Request) -> Response:
        stored = self._files.get(request.path_params["id"])
        return _missing("file") if stored is None else Response(stored["content"], media_type="application/jsonl")

    async def _create_batch(self, request: Request) -> Response:
        body = await request.json()
        if body["input_file_id"] not in self._files:
            return _missing("file")
        batch_id = self._new_id("batch")
        self._batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": body["completion_window"],
            "created_at": int(time.time()),
            "metadata": body.get("metadata"),
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "polls": 0,
        }
        return self._batch_object(batch_id)

    async def _list_batches(self, _: Request) -> Response:
        newest = [self._shown(batch) for batch in reversed(self._batches.values()) if batch.get("object") == "batch"]
        return JSONResponse({"object": "list", "data": newest[:100], "has_more": False})

    def _batch_object(self, batch_id: str) -> Response:
        return JSONResponse(self._shown(self._batches[batch_id]))

    @staticmethod
    def _shown(batch: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in batch.items() if key != "polls"}

    async def _batch(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["id"])
        if batch is None:
            return _missing("batch")
        batch["polls"] += 1
        if batch["status"] == "cancelling":
            batch["status"] = "cancelled"
        elif batch["status"] in {"validating", "in_progress"} and self.ends_as is not None:
            batch["status"] = self.ends_as
        elif batch["status"] in {"validating", "in_progress"}:
            batch["status"] = "in_progress"
            lines = [json.loads(line) for line in self._files[batch["input_file_id"]]["content"].splitlines() if line]
            batch["request_counts"]["total"] = len(lines)
            if batch["polls"] > self.polls_until_done:
                self._complete(batch, lines)
        return self._batch_object(batch["id"])

    def _complete(self, batch: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        written: dict[str, list[dict[str, Any]]] = {"output": [], "error": []}
        for line in lines:
            received = self._receive(line["url"], line["body"])
            received.ended = "finished"
            words, status = OpenAIWords(received), received.behaviour.status
            body = words.whole() if status is None else words.problem(status)
            written["output" if status is None else "error"].append(
                {
                    "id": self._new_id("request"),
                    "custom_id": line["custom_id"],
                    "response": {"status_code": status or 200, "request_id": "r", "body": body},
                    "error": None,
                }
            )
        for kind, records in written.items():
            if records:
                content = "".join(json.dumps(record) + "\n" for record in records).encode()
                batch[f"{kind}_file_id"] = file_id = self._new_id("file")
                self._files[file_id] = {"content": content, "purpose": "batch_output", "name": f"{kind}.jsonl"}
        batch["status"] = "completed"
        batch["request_counts"] |= {"completed": len(written["output"]), "failed": len(written["error"])}

    async def _cancel_batch(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["id"])
        if batch is None:
            return _missing("batch")
        if batch["status"] in {"validating", "in_progress"}:
            batch["status"] = "cancelling"
        return self._batch_object(batch["id"])

    async def _create_message_batch(self, request: Request) -> Response:
        batch_id = self._new_id("msgbatch")
        self._batches[batch_id] = {
            "requests": (await request.json())["requests"],
            "status": "in_progress",
            "polls": 0,
            "results": [],
        }
        return self._message_batch_object(batch_id)

    def _message_batch_object(self, batch_id: str) -> Response:
        batch = self._batches[batch_id]
        kinds = collections.Counter(record["result"]["type"] for record in batch["results"])
        counts = {kind: kinds[kind] for kind in ("succeeded", "errored", "canceled", "expired")}
        counts["processing"] = len(batch["requests"]) - sum(counts.values())
        ended = batch["status"] == "ended"
        now = "2026-01-01T00:00:00Z"
        return JSONResponse(
            {
                "id": batch_id,
                "type": "message_batch",
                "processing_status": batch["status"],
                "request_counts": counts,
                "created_at": now,
                "expires_at": now,
                "ended_at": now if ended else None,
                "archived_at": None,
                "cancel_initiated_at": None,
                "results_url": f"{self._address()}/v1/messages/batches/{batch_id}/results" if ended else None,
            }
        )

    async def _message_batch(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["id"])
        if batch is None:
            return _missing("batch")
        batch["polls"] += 1
        if batch["status"] == "canceling" or (
            batch["status"] == "in_progress" and batch["polls"] > self.polls_until_done
        ):
            cancelled = batch["status"] == "canceling"
            for item in batch["requests"]:
                result = {"type": "canceled"} if cancelled else self._message_result(item["params"])
                batch["results"].append({"custom_id": item["custom_id"], "result": result})
            batch["status"] = "ended"
        return self._message_batch_object(request.path_params["id"])

    def _message_result(self, body: Mapping[str, Any]) -> dict[str, Any]:
        received = self._receive("/v1/messages", body)
        words, status = AnthropicWords(received), received.behaviour.status
        if status is not None:
            return {"type": "errored", "error": words.problem(status)}
        return {"type": "succeeded", "message": words.whole()}

    async def _cancel_message_batch(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["id"])
        if batch is None:
            return _missing("batch")
        if batch["status"] == "in_progress":
            batch["status"] = "canceling"
        return self._message_batch_object(request.path_params["id"])

    async def _delete_message_batch(self, request: Request) -> Response:
        batch_id = request.path_params["id"]
        if self._batches.pop(batch_id, None) is None:
            return _missing("batch")
        return JSONResponse({"id": batch_id, "type": "message_batch_deleted"})

    async def _message_batch_results(self, request: Request) -> Response:
        batch = self._batches.get(request.path_params["id"])
        if batch is None or batch["status"] != "ended":
            return _missing("results of the batch")
        lines = "".join(json.dumps(record) + "\n" for record in batch["results"])
        return Response(lines, media_type="application/x-jsonl")


def _missing(what: str) -> Response:
    error = {"message": f"No such {what}.", "type": "not_found_error", "code": "not_found"}
    return JSONResponse({"type": "error", "error": error}, 404)
