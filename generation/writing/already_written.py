"""Answers that a model writes elsewhere, in its own time: the question made ready, and its text taken up later."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

from generation.answer_making import AnswerMaking
from generation.language_models.model import Deadline, Finished, ModelProfile, ModelRequest, Piece, TokenCounts
from generation.writing.task import WritingTask


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """A question ready to be answered by the first model of `task`, with this request."""

    making: AnswerMaking
    task: WritingTask
    request: ModelRequest


class AlreadyWritten:
    """A `LanguageModel` that has said what it has to say."""

    def __init__(self, profile: ModelProfile, text: str, counts: TokenCounts | None) -> None:
        self.profile = profile
        self._text = text
        self._counts = counts

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:  # noqa: ARG002
        if self._text:
            yield self._text
        yield Finished(self._counts, "stop")
