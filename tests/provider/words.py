"""A reply of the tests' provider in the words of the two protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from tests.provider.answers import pieces_of
from tests.provider.behaviour import Received


class OpenAIWords:
    """A reply in the words of /v1/chat/completions."""

    def __init__(self, received: Received) -> None:
        self._body = received.body
        self._behaviour = received.behaviour
        limit = received.body.get("max_completion_tokens") or received.body.get("max_tokens")
        pieces = pieces_of(received.behaviour.reply(received.prompt))
        self.pieces = pieces[:limit]
        natural = "length" if len(pieces) > len(self.pieces) else "stop"
        self._finish = received.behaviour.finish_reason or natural
        self._usage = {
            "prompt_tokens": received.prompt.tokens,
            "completion_tokens": len(self.pieces),
            "total_tokens": received.prompt.tokens + len(self.pieces),
            "prompt_tokens_details": {"cached_tokens": received.behaviour.cached_tokens},
        }

    def whole(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.pieces)}
        choice = {"index": 0, "message": message, "finish_reason": self._finish, "logprobs": None}
        whole = self._frame("chat.completion", [choice])
        return whole | ({"usage": self._usage} if self._behaviour.usage else {})

    def opening(self) -> list[bytes]:
        return [self._event(self._chunk({"role": "assistant", "content": ""}))]

    def piece(self, text: str) -> bytes:
        return self._event(self._chunk({"content": text}))

    def closing(self) -> list[bytes]:
        events = [self._event(self._chunk({}, self._finish))]
        if self._behaviour.usage and (self._body.get("stream_options") or {}).get("include_usage"):
            events.append(self._event(self._frame("chat.completion.chunk", []) | {"usage": self._usage}))
        return [*events, b"data: [DONE]\n\n"]

    def broken_event(self) -> bytes:
        return b'data: {"choices": [{"delta": {"cont\n\n'

    def error_event(self) -> bytes:
        return self._event(self.problem(500))

    def problem(self, status: int) -> dict[str, Any]:
        message = self._behaviour.message or f"scripted error {status}"
        return {"error": {"message": message, "type": "scripted", "param": None, "code": None}}

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return self._frame("chat.completion.chunk", [{"index": 0, "delta": delta, "finish_reason": finish}])

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": self._body["model"], "choices": choices}

    @staticmethod
    def _event(data: Mapping[str, Any]) -> bytes:
        return f"data: {json.dumps(data)}\n\n".encode()


class AnthropicWords:
    """A reply in the words of /v1/messages."""

    ERRORS: ClassVar[Mapping[int, str]] = {
        400: "invalid_request_error",
        401: "authentication_error",
        404: "not_found_error",
    } | {
        429: "rate_limit_error",
        500: "api_error",
        529: "overloaded_error",
    }

    def __init__(self, received: Received) -> None:
        self._body = received.body
        pieces = pieces_of(received.behaviour.reply(received.prompt))
        self.pieces = pieces[: received.body["max_tokens"]]
        natural = "max_tokens" if len(pieces) > len(self.pieces) else "end_turn"
        self._finish = received.behaviour.finish_reason or natural
        cached = received.behaviour.cached_tokens
        self._usage = received.behaviour.usage
        self._message = received.behaviour.message
        self._prompt_usage = {
            "input_tokens": received.prompt.tokens - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
        }

    def whole(self) -> dict[str, Any]:
        content = [{"type": "text", "text": "".join(self.pieces)}]
        return self._frame(content, self._finish, len(self.pieces))

    def opening(self) -> list[bytes]:
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        start = {"type": "message_start", "message": self._frame([], None, 1)}
        return [self._event(start), self._event({"type": "ping"}), self._event(block)]

    def piece(self, text: str) -> bytes:
        delta = {"type": "text_delta", "text": text}
        return self._event({"type": "content_block_delta", "index": 0, "delta": delta})

    def closing(self) -> list[bytes]:
        usage = {"output_tokens": len(self.pieces) if self._usage else 0}
        delta = {"type": "message_delta", "delta": {"stop_reason": self._finish, "stop_sequence": None}, "usage": usage}
        stop = {"type": "content_block_stop", "index": 0}
        return [self._event(stop), self._event(delta), self._event({"type": "message_stop"})]

    def broken_event(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type": "content_block_del\n\n'

    def error_event(self) -> bytes:
        return self._event(self.problem(529))

    def problem(self, status: int) -> dict[str, Any]:
        kind = self.ERRORS.get(status, "api_error")
        message = self._message or f"scripted error {status}"
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _frame(self, content: list[dict[str, Any]], finish: str | None, output_tokens: int) -> dict[str, Any]:
        usage = self._prompt_usage if self._usage else {"input_tokens": 0}
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": self._body["model"],
            "content": content,
            "stop_reason": finish,
            "stop_sequence": None,
            "usage": usage | {"output_tokens": output_tokens if self._usage else 0},
        }

    @staticmethod
    def _event(data: Mapping[str, Any]) -> bytes:
        return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


Words: TypeAlias = OpenAIWords | AnthropicWords
