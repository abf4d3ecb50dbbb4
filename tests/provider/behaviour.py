"""How the tests' provider answers one request, and what it notes about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.provider.answers import ANSWERS, Prompt


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """How one request is answered. Times are seconds; `after` counts pieces of text that were sent before.

    answer: the name of one of ANSWERS, or `text`, a fixed answer, when that is set.
    status: an HTTP error instead of an answer, with `retry_after` as its header and `message` as its text.
    cut_after: the connection breaks; with `politely` the stream only ends early, as a proxy would end it.
    error_after: an error event in the stream (Anthropic: overloaded_error; OpenAI: an `error` object).
    broken_after: a data line that is not JSON.
    """

    answer: str = "evidence"
    text: str | None = None
    connect_delay_s: float = 0.0
    first_token_delay_s: float = 0.0
    token_delay_s: float = 0.0
    status: int | None = None
    retry_after: str | None = None
    message: str | None = None
    cut_after: int | None = None
    politely: bool = False
    error_after: int | None = None
    broken_after: int | None = None
    usage: bool = True
    cached_tokens: int = 0
    finish_reason: str | None = None

    def reply(self, prompt: Prompt) -> str:
        return ANSWERS[self.answer](prompt) if self.text is None else self.text

    @classmethod
    def of_model(cls, name: str) -> Behaviour:
        """The behaviour that a name such as `refuses?token_delay_s=0.1` asks for."""
        answer, _, options = name.partition("?")
        fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}
        values = {key: _typed(fields[key], value) for key, value in parse_qsl(options)}
        return cls(**({"answer": answer if answer in ANSWERS else "evidence"} | values))


def _typed(kind: str, value: str) -> Any:
    if "bool" in kind:
        return value not in {"0", "false"}
    return int(value) if "int" in kind else float(value) if "float" in kind else value


@dataclasses.dataclass
class Received:
    """A request as it came. `ended` becomes `finished`, `cut`, `refused` or `client left`."""

    path: str
    model: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    behaviour: Behaviour
    sent_pieces: int = 0
    ended: str | None = None

    @property
    def prompt(self) -> Prompt:
        return Prompt.of(self.body)
