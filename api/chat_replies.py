"""An answer of ours in OpenAI's shapes: a completion, or the chunks of one that is still being made."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from generation.answers import Answer, SentenceVerdict


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What all parts of one reply share.

    `documents_url` is where documents are found, ending in a slash. `as_json`: the caller wants JSON, so words (a
    refusal, a greeting) may not stand where the JSON would be. `ignored` are the parameters that had no effect.
    """

    documents_url: str
    as_json: bool
    ignored: Sequence[str]
    asked_model: str
    include_usage: bool = False
    reply_id: str = dataclasses.field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = dataclasses.field(default_factory=lambda: int(time.time()))

    def completion(self, answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
        """The whole reply; `body` is the answer in the form of the contract."""
        message = {"role": "assistant", **self._text_of(answer), "annotations": self._annotations(answer)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
        return {
            "id": self.reply_id,
            "object": "chat.completion",
            "created": self.created,
            "model": answer.model.name,
            "choices": [choice],
            "usage": _usage(answer),
            "plumbline": self._ours(body),
        }

    def first_chunk(self) -> Chunk:
        return self._chunk(self.asked_model, {"role": "assistant", "content": ""})

    def text_chunk(self, text: str) -> Chunk:
        return self._chunk(self.asked_model, {"content": text})

    def sentence_chunk(self, verdict: SentenceVerdict) -> Chunk:
        return self._chunk(self.asked_model, {}, plumbline={"sentence": dataclasses.asdict(verdict)})

    def last_chunks(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[Chunk | Done]:
        """The end of a stream: the answer as JSON where that was held back, all our fields, the tokens used."""
        name = answer.model.name
        if self.as_json:
            yield self._chunk(name, {part: text for part, text in self._text_of(answer).items() if text is not None})
        delta = {"annotations": self._annotations(answer)}
        yield self._chunk(name, delta, _finish_reason(answer), plumbline=self._ours(body))
        if self.include_usage:
            yield Chunk({**self._frame(name), "choices": [], "usage": _usage(answer)})
        yield Done()

    def _chunk(self, model: str, delta: Mapping[str, Any], finish_reason: str | None = None, **ours: Any) -> Chunk:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self.include_usage else {}
        return Chunk({**self._frame(model), "choices": [choice], **usage, **ours})

    def _frame(self, model: str) -> dict[str, Any]:
        return {"id": self.reply_id, "object": "chat.completion.chunk", "created": self.created, "model": model}

    def _text_of(self, answer: Answer) -> dict[str, str | None]:
        if self.as_json and (answer.refused or not _is_json(answer.answer)):
            return {"content": None, "refusal": answer.answer}
        return {"content": answer.answer, "refusal": None}

    def _annotations(self, answer: Answer) -> list[dict[str, Any]]:
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    "start_index": citation.answer_span[0],
                    "end_index": citation.answer_span[1],
                    "title": citation.document_name,
                    "url": f"{self.documents_url}{citation.document_id}"
                    + ("" if citation.page is None else f"#page={citation.page}"),
                },
            }
            for citation in answer.citations
        ]

    def _ours(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {**body, "ignored": list(self.ignored)}


class Chunk(NamedTuple):
    data: Mapping[str, Any]

    def encode(self) -> bytes:
        return f"data: {json.dumps(self.data, ensure_ascii=False)}\n\n".encode(errors="replace")


class Done(NamedTuple):
    def encode(self) -> bytes:
        return b"data: [DONE]\n\n"


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _finish_reason(answer: Answer) -> str:
    return "length" if answer.cut_short else "stop"


def _usage(answer: Answer) -> dict[str, Any]:
    used = answer.usage
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_prompt_tokens},
    }
