"""The events of a streamed completion in the two protocols: text, how it ended, and what it cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from generation.language_models.model import TokenCounts
from generation.language_models.provider_errors import error_of_status

_ANTHROPIC_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
_ANTHROPIC_STATUSES = {"overloaded_error": 529, "rate_limit_error": 429, "invalid_request_error": 400}


@dataclasses.dataclass(slots=True)
class Completion:
    """What is known of a completion so far. `reason` is None until the provider has said that it is complete."""

    name: str
    prompt: int = 0
    cached_prompt: int = 0
    completion: int = 0
    reason: str | None = None

    @property
    def counts(self) -> TokenCounts | None:
        told = self.prompt or self.completion
        return TokenCounts(self.prompt, self.cached_prompt, self.completion) if told else None


ReadEvent: TypeAlias = Callable[[Mapping[str, Any], Completion], str]
"""Notes what an event tells and gives its text, often empty. Raises ModelError for an event that is an error."""


def read_openai_event(event: Mapping[str, Any], completion: Completion) -> str:
    """A chunk of `/chat/completions` (platform.openai.com/docs/api-reference/chat-streaming)."""
    problem = event.get("error")
    if problem:
        details = problem if isinstance(problem, Mapping) else {"message": problem}
        status = details.get("code") if isinstance(details.get("code"), int) else None
        raise error_of_status(completion.name, status or 500, {}, str(details.get("message") or "no reason given"))
    usage = event.get("usage")
    if usage:
        completion.prompt = usage.get("prompt_tokens") or 0
        completion.completion = usage.get("completion_tokens") or 0
        completion.cached_prompt = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    text = ""
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or {}
        text += delta.get("content") or delta.get("refusal") or ""
        completion.reason = choice.get("finish_reason") or completion.reason
    return text


def read_anthropic_event(event: Mapping[str, Any], completion: Completion) -> str:
    """An event of `/v1/messages` (docs.anthropic.com, "Streaming Messages").

    The prompt's tokens come first, split into fresh, cached and newly cached; those written come last, as a total.
    """
    kind = event.get("type")
    if kind == "error":
        problem = event.get("error") or {}
        status = _ANTHROPIC_STATUSES.get(problem.get("type", ""), 500)
        raise error_of_status(completion.name, status, {}, str(problem.get("message") or "no reason given"))
    if kind == "message_start":
        _note_usage(event["message"].get("usage") or {}, completion)
    elif kind == "message_delta":
        _note_usage(event.get("usage") or {}, completion)
        reason = (event.get("delta") or {}).get("stop_reason")
        completion.reason = _ANTHROPIC_REASONS.get(str(reason), reason) or completion.reason
    elif kind == "message_stop":
        completion.reason = completion.reason or "stop"
    elif kind == "content_block_delta":
        delta = event.get("delta") or {}
        return str(delta.get("text") or "") if delta.get("type") == "text_delta" else ""
    return ""


def _note_usage(usage: Mapping[str, Any], completion: Completion) -> None:
    fresh, cached = usage.get("input_tokens"), usage.get("cache_read_input_tokens")
    if fresh is not None or cached is not None:
        prompt = (fresh or 0) + (cached or 0) + (usage.get("cache_creation_input_tokens") or 0)
        completion.prompt, completion.cached_prompt = max(completion.prompt, prompt), cached or completion.cached_prompt
    completion.completion = usage.get("output_tokens") or completion.completion
