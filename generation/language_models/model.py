"""A language model as the rest of the platform sees it: messages in; text, then token counts, out."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias

from runtime.errors import PlumblineError, Unavailable


class Role(enum.StrEnum):
    """What a model is for: the first answer, the better answer, or many questions that may take their time."""

    FAST = "fast"
    POWERFUL = "powerful"
    BATCH = "batch"


@dataclasses.dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens."""

    prompt: float = 0.0
    cached_prompt: float = 0.0
    completion: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class TokenCounts:
    """`cached_prompt` is the part of `prompt` that the provider had in its cache."""

    prompt: int = 0
    cached_prompt: int = 0
    completion: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.prompt + other.prompt, self.cached_prompt + other.cached_prompt, self.completion + other.completion
        )

    def cost_usd(self, prices: Prices) -> float:
        fresh = self.prompt - self.cached_prompt
        return (
            fresh * prices.prompt + self.cached_prompt * prices.cached_prompt + self.completion * prices.completion
        ) / 1e6


@dataclasses.dataclass(frozen=True, slots=True)
class ModelProfile:
    """What a router needs to know of a model. `name` is what callers and answers call it."""

    name: str
    role: Role
    context_tokens: int
    max_output_tokens: int
    prices: Prices = Prices()


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclasses.dataclass(frozen=True, slots=True)
class ModelRequest:
    """`json_schema`: the answer must be a JSON object of this schema (asked of the provider where it can do that)."""

    messages: tuple[Message, ...]
    max_tokens: int
    json_schema: Mapping[str, Any] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """The end of a completion. `counts` is None when the provider told none; `reason`: `stop`, `length` or its own."""

    counts: TokenCounts | None
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that was made, with what was written; `counts` is None when the provider told none or it ended early."""

    model: str
    messages: tuple[Message, ...]
    text: str
    counts: TokenCounts | None


Piece: TypeAlias = str | Finished
"""Text as it comes, never empty; `Finished` exactly once, last."""


@dataclasses.dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock after which a call is of no use. Handed down from the request to every call."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds, never negative."""
        return max(0.0, self.at - time.monotonic())

    def within(self, seconds: float) -> Deadline:
        """The earlier of this one and `seconds` from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))


class LanguageModel(Protocol):
    """All implementations pass `tests/generation/language_models/language_model_contract.py`."""

    profile: ModelProfile

    def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        """The completion as it is made. Raises `ModelError`, before the first piece or in the middle.

        Closing the iterator (`aclose`) ends the call at the provider.
        """


class ModelError(Unavailable):
    """A call of a model failed. `retry_after` is the pause in seconds that the provider asked for."""

    code = "model_unavailable"

    def __init__(
        self, message: str, *, retry_after: float | None = None, code: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message, code=code, retryable=retryable)
        self.retry_after = retry_after


class ModelTimeout(ModelError):
    """Nothing came within the time for connecting, for the first token or for the whole call."""

    code = "model_timeout"


class ModelBusy(ModelError):
    """The provider or our own queue for it is full."""

    code = "model_busy"


class ModelRejectedRequest(ModelError):
    """The provider understood the call and will not do it: wrong key, unknown model, prompt too long."""

    code = "model_rejected_request"
    retryable = False


class UnknownModel(PlumblineError):
    """The caller asked for a model that is not configured."""

    code = "unknown_model"
