"""A conversation in OpenAI's shape to a question of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from api.chat_schemas import ChatRequest, JsonObjectFormat, JsonSchemaFormat, instruction_of
from api.question_scope import scope_of
from api.schemas import MAX_HISTORY_TURNS
from generation.answers import OnUnsupported, Question, Turn

if TYPE_CHECKING:
    from ingestion.registry import Registry

ROUTED = ("plumbline", "auto")
"""Names under which the platform chooses the model itself; the first is the one it is listed under."""


def question_of(body: ChatRequest, tenant: str, registry: Registry) -> Question:
    """The last user message with the turns before it. Blocking.

    Of a long conversation the latest turns are taken. System messages become the wish for a form: they come from the
    caller, who may say how an answer looks, not what it may rest on.
    Raises UnknownCollection, and InvalidSchema for a `response_format` that is no usable JSON schema.
    """
    turns = [message for message in body.messages if message.role in ("user", "assistant")]
    history = tuple(Turn(turn.role, turn.content) for turn in turns[:-1] if turn.content.strip())
    choice = body.plumbline
    json_schema = _json_schema(body)
    return Question(
        text=turns[-1].content,
        scope=scope_of(choice, tenant, registry),
        model=None if body.model in ROUTED else body.model,
        history=history[-MAX_HISTORY_TURNS:],
        on_unsupported=OnUnsupported(choice.on_unsupported),
        max_latency_ms=choice.max_latency_ms,
        max_cost_usd=choice.max_cost_usd,
        use_cache=choice.cache,
        top_k=choice.top_k,
        live=bool(body.stream) and json_schema is None,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        json_schema=json_schema,
        format_hint=instruction_of(body.messages),
    )


def _json_schema(body: ChatRequest) -> Mapping[str, Any] | None:
    match body.response_format:
        case JsonObjectFormat():
            return {"type": "object"}
        case JsonSchemaFormat(json_schema=named):
            from generation.writing.json_answers import checked_schema  # loads jsonschema

            return checked_schema(named.schema_)
    return None
