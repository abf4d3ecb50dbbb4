"""The body of an ask to a question of ours."""

from __future__ import annotations

from api.chat_question import ROUTED
from api.question_scope import Collections, scope_of
from api.schemas import AskRequest
from generation.answers import OnUnsupported, Question, Turn


def question_of(body: AskRequest, tenant: str, collections: Collections) -> Question:
    """Blocking. Raises UnknownCollection for one that the tenant does not have."""
    return Question(
        text=body.question,
        scope=scope_of(body, tenant, collections),
        model=None if body.model in ROUTED else body.model,
        history=tuple(Turn(turn.role, turn.content) for turn in body.history),
        on_unsupported=OnUnsupported(body.on_unsupported),
        max_latency_ms=body.max_latency_ms,
        max_cost_usd=body.max_cost_usd,
        use_cache=body.cache,
        top_k=body.top_k,
        live=body.stream,
    )
