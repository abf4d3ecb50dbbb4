"""Questions, and what was found for them, as JSON from which they can be made again in another process."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Mapping
from typing import Any

from generation.answers import OnUnsupported, Question, Turn
from retrieval.index_payload import from_payload, to_payload
from retrieval.passages import Filter, Passage, Range, Scope

_PLAIN = (
    "text",
    "model",
    "max_latency_ms",
    "max_cost_usd",
    "use_cache",
    "top_k",
    "max_tokens",
    "json_schema",
    "format_hint",
    "key",
)


def question_to_json(question: Question) -> dict[str, Any]:
    """Everything but `live` (a batch shows nothing while it is made) and given passages."""
    scope = question.scope
    return {
        **{name: getattr(question, name) for name in _PLAIN},
        "tenant": scope.tenant,
        "collection": scope.collection,
        "filters": {name: _filter_to_json(value) for name, value in scope.filters.items()},
        "history": [[turn.role, turn.content] for turn in question.history],
        "on_unsupported": question.on_unsupported.value,
    }


def question_from_json(data: Mapping[str, Any]) -> Question:
    filters = {name: _filter_from_json(value) for name, value in data["filters"].items()}
    return Question(
        **{name: data[name] for name in _PLAIN},
        scope=Scope(data["tenant"], data["collection"], filters),
        history=tuple(Turn(role, content) for role, content in data["history"]),
        on_unsupported=OnUnsupported(data["on_unsupported"]),
    )


def _filter_to_json(value: Filter) -> Any:
    if isinstance(value, Range):
        return {"gte": value.gte, "lte": value.lte}
    return value if isinstance(value, str | int | float) else list(value)


def _filter_from_json(value: Any) -> Filter:
    return Range(**value) if isinstance(value, Mapping) else value


@dataclasses.dataclass(frozen=True, slots=True)
class FoundEvidence:
    """What a request to a model rests on: the question as it was understood, its passages, and which chunk each passage
    number of the request stands for.
    """

    text: str
    passages: tuple[Passage, ...]
    chunk_of: Mapping[int, str]

    def packed(self) -> bytes:
        """Compressed: the neighbours around ten passages are tens of kilobytes of text."""
        data = {
            "text": self.text,
            "passages": [_passage_to_json(passage) for passage in self.passages],
            "chunk_of": list(self.chunk_of.items()),
        }
        return zlib.compress(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())

    @classmethod
    def unpacked(cls, data: bytes) -> FoundEvidence:
        read = json.loads(zlib.decompress(data))
        passages = tuple(_passage_from_json(passage) for passage in read["passages"])
        return cls(read["text"], passages, dict(read["chunk_of"]))


def _passage_to_json(passage: Passage) -> dict[str, Any]:
    return {
        "chunk": to_payload(passage.chunk),
        "score": passage.score,
        "scores": dict(passage.scores),
        "context": passage.context,
        "context_start": passage.context_start,
        "context_chunks": [to_payload(chunk) for chunk in passage.context_chunks],
    }


def _passage_from_json(data: Mapping[str, Any]) -> Passage:
    return Passage(
        chunk=from_payload(data["chunk"]),
        score=data["score"],
        scores=data["scores"],
        context=data["context"],
        context_start=data["context_start"],
        context_chunks=tuple(from_payload(chunk) for chunk in data["context_chunks"]),
    )
