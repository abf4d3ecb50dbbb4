"""What a writer of answers gets, and what it leaves behind beside the answer's text."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias, TypeVar

from generation.answers import Delta, OnUnsupported, SentenceChecked, Span
from generation.checking.checker import Checked
from generation.language_models.model import (
    Deadline,
    LanguageModel,
    ModelCall,
    ModelRequest,
    Role,
)

Result = TypeVar("Result")
WritingEvent: TypeAlias = Delta | SentenceChecked


class RunBlocking(Protocol):
    """Runs blocking work in a thread."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class WritingTask:
    """What is to be written, by whom, over what, and how it is judged.

    `models` in the order to try; `cascade`: whether a powerful one may take over. `request_for` makes the prompt for a
    model that goes on after this text; `prompt` is its version. `chunk_of` is the chunk id of each passage number.
    `longest` is how many characters an answer may have at most, should a model not keep to its tokens. `check` and
    `answerable` (whether the passages answer the question) are blocking.
    """

    models: tuple[LanguageModel, ...]
    cascade: bool
    request_for: Callable[[str, LanguageModel], ModelRequest]
    prompt: str
    chunk_of: Mapping[int, str]
    check: Callable[[str, Span], Checked]
    threshold: float
    answerable: Callable[[], bool]
    on_unsupported: OnUnsupported
    live: bool
    longest: int
    deadline: Deadline


@dataclasses.dataclass(slots=True)
class Outcome:
    """How an answer came about. `incomplete`: every model failed, somebody else must finish.

    `accepted` counts the sentences that stand in the answer, `unsupported` those that the passages did not support,
    whatever became of them.
    """

    speaker: str
    refused: bool = False
    escalation: str = ""
    incomplete: bool = False
    cut_short: bool = False
    accepted: int = 0
    unsupported: int = 0
    fallbacks: list[str] = dataclasses.field(default_factory=list)
    calls: list[ModelCall] = dataclasses.field(default_factory=list)
    check_seconds: float = 0.0
    first_token_at: float | None = None


def powerful(models: list[LanguageModel], speaker: str) -> list[LanguageModel]:
    """Those that may take over from the speaker."""
    return [model for model in models if model.profile.role is Role.POWERFUL and model.profile.name != speaker]
