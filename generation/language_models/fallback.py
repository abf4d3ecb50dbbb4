"""One answer from several models: where one falls silent, the next goes on."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeAlias, cast

from generation.language_models.continuation import Continuation, WholeWords
from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    ModelError,
    ModelRequest,
    ModelTimeout,
    Piece,
    TokenCounts,
)
from generation.prompting.prompts import is_refusal_start


@dataclasses.dataclass(frozen=True, slots=True)
class Speaking:
    """The text from here on is this model's. Comes before its first text."""

    model: str


@dataclasses.dataclass(frozen=True, slots=True)
class FellBack:
    """This model has failed; the next is asked, if there is one. The text that it wrote so far stands."""

    model: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class PartFinished:
    """A model's part has ended, `reason` being `broken` when it failed in the middle.

    `written` is all that it wrote, repetitions included, for whoever counts its tokens: `counts` is None when the
    provider told none.
    """

    model: str
    request: ModelRequest
    written: str
    counts: TokenCounts | None
    reason: str


FallbackPiece: TypeAlias = str | Speaking | FellBack | PartFinished


class NoModelAnswers(ModelError):
    """Every model failed. `failures` are their names and errors in the order in which they were asked."""

    code = "no_model_answers"

    def __init__(self, failures: Sequence[tuple[str, ModelError]]) -> None:
        told = " ".join(error.message for _, error in failures) or "No model is configured."
        retryable = any(error.retryable for _, error in failures)
        pauses = [error.retry_after for _, error in failures if error.retry_after is not None]
        super().__init__(f"No model answers. {told}", retry_after=min(pauses, default=None), retryable=retryable)
        self.failures = tuple(failures)


async def stream_with_fallback(
    models: Sequence[LanguageModel],
    request_for: Callable[[str, LanguageModel], ModelRequest],
    deadline: Deadline,
) -> AsyncGenerator[FallbackPiece, None]:
    """The text of the first model that answers; where it breaks off, the next goes on.

    `request_for(written, model)` makes the request of a model that is to go on after `written` (empty at first). Text
    comes in whole words, so that a break never leaves half a word, number or citation mark. A model that goes on may
    repeat or begin again: that is cut; or say by the prompts' refusal mark that nothing is missing.

    Raises `NoModelAnswers` when all have failed or the time is up; what came before stays valid.
    """
    written = ""
    failures: list[tuple[str, ModelError]] = []
    for model in models:
        name = model.profile.name
        if deadline.left() == 0:
            failures.append((name, ModelTimeout(f"There was no time left to ask the model {name}.")))
            continue
        part = _Part(request_for(written, model), written)
        try:
            async with contextlib.aclosing(part.stream(model, deadline)) as texts:
                async for text in texts:
                    if not part.spoken:
                        part.spoken = True
                        yield Speaking(name)
                    written += text
                    yield text
        except ModelError as error:
            failures.append((name, error))
            if part.received:
                yield PartFinished(name, part.request, part.received, None, "broken")
            yield FellBack(name, error.message)
        else:
            yield PartFinished(name, part.request, part.received, part.counts, part.reason)
            return
    raise NoModelAnswers(failures)


class _Part:
    """One model's share of the answer."""

    def __init__(self, request: ModelRequest, written: str) -> None:
        self.request = request
        self.received = ""
        self.spoken = False
        self.counts: TokenCounts | None = None
        self.reason = "stop"
        self._goes_on = bool(written)
        self._new = Continuation(written)

    async def stream(self, model: LanguageModel, deadline: Deadline) -> AsyncGenerator[str, None]:
        """Its text in whole words, without what was written before. Raises ModelError; then the rest is lost."""
        words, begun = WholeWords(), not self._goes_on
        pieces = cast("AsyncGenerator[Piece, None]", model.stream(self.request, deadline))
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if isinstance(piece, Finished):
                    self.counts, self.reason = piece.counts, piece.reason
                    continue
                self.received += piece
                if begun:
                    whole = words.feed(piece)
                elif is_refusal_start(self.received) is False:
                    begun, whole = True, words.feed(self.received)
                else:
                    continue
                if text := self._fresh(whole):
                    yield text
        if not begun and not is_refusal_start(self.received):
            words.feed(self.received)
        rest = self._fresh(words.rest()) + self._new.rest()
        if rest:
            yield rest

    def _fresh(self, text: str) -> str:
        return self._new.feed(text) if self._goes_on else text
