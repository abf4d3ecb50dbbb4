"""A follow-up made to stand alone: by a model where one is there and its answer can be trusted, else by rule."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncGenerator, Sequence
from typing import Literal, cast

from generation.answers import Turn
from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    Message,
    ModelCall,
    ModelError,
    ModelRequest,
    Piece,
    TokenCounts,
)
from generation.prompting.follow_up_rules import by_rule
from generation.prompting.prompts import REWRITE_PROMPT, is_refusal_start, rewrite_messages
from generation.routing.evidence_signals import stems

REWRITE_SECONDS = 5.0
_MOST_TOKENS = 160
_MOST_CHARACTERS = 400
_NEW_WORDS = 2
"""Words that a rewritten question may have from nowhere: a model also adds "company" or "mentioned"."""

_LABEL = re.compile(r"^(?:(?:standalone|rewritten|the)? ?question|answer)\s*:\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<=[^\s.?!:] )(?!I\b)[^\W\d_a-z][\w’'-]+")
_NEGATION = re.compile(
    r"\b(?:not|no|never|without|none|nobody|nor|cannot|\w+n['’]t|nicht|kein\w*|nie|ohne|pas|jamais|sans|aucun\w*|nunca|"
    r"sin|ningun\w*)\b",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Standalone:
    """`text` can be understood without the history; `prompt` is the version of the prompt when a model wrote it."""

    text: str
    by: Literal["unchanged", "rule", "model"]
    call: ModelCall | None = None

    @property
    def prompt(self) -> str | None:
        return REWRITE_PROMPT if self.by == "model" else None

    @property
    def counts(self) -> TokenCounts:
        return self.call.counts if self.call and self.call.counts else TokenCounts()


async def standalone(
    question: str, history: Sequence[Turn], model: LanguageModel | None, deadline: Deadline
) -> Standalone:
    """The question with what it leaves to the history filled in.

    A question that by rule needs nothing is left as it is and costs no call. Never fails: a model that does not answer
    in time, or writes something else than this question, leaves it to the rule.
    """
    ruled = by_rule(question, history)
    if ruled == question:
        return Standalone(question, "unchanged")
    if model is None:
        return Standalone(ruled, "rule")
    call = await _ask(model, rewrite_messages(history, question), deadline.within(REWRITE_SECONDS))
    written = _LABEL.sub("", call.text.strip()).strip("\"'“”„«» \n")
    if not trusted(written, question, history):
        return Standalone(ruled, "rule", call)
    return Standalone(written, "unchanged" if written == question else "model", call)


def trusted(written: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether a text can be the question itself: one line, its numbers, names and negations, hardly a new word."""
    if not written or "\n" in written or len(written) > max(_MOST_CHARACTERS, 2 * len(question)):
        return False
    if is_refusal_start(written) is not False or written.count("?") > max(1, question.count("?")):
        return False
    said = written.casefold()
    kept = [*_NUMBER.findall(question), *_NAME.findall(question)]
    if not all(one.casefold().removesuffix("'s").removesuffix("’s") in said for one in kept):
        return False
    if bool(_NEGATION.search(question)) and not _NEGATION.search(written):
        return False
    if question.rstrip().endswith("?") and not written.endswith("?"):
        return False  # an answer instead of the question
    known = stems(" ".join([question, *(turn.content for turn in history)]))
    numbers = {number for turn in history for number in _NUMBER.findall(turn.content)} | set(_NUMBER.findall(question))
    return len(stems(written) - known) <= _NEW_WORDS and set(_NUMBER.findall(written)) <= numbers


async def _ask(model: LanguageModel, messages: tuple[Message, ...], deadline: Deadline) -> ModelCall:
    """What the model writes; as much as came when it fails or takes too long."""
    text, counts, broken = "", None, False
    stream = cast("AsyncGenerator[Piece, None]", model.stream(ModelRequest(messages, _MOST_TOKENS), deadline))
    try:
        async with asyncio.timeout(deadline.left()), contextlib.aclosing(stream) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    counts, broken = piece.counts, piece.reason == "length"
                else:
                    text += piece
    except (ModelError, TimeoutError):
        broken = True
    return ModelCall(model.profile.name, messages, "" if broken else text, counts)
