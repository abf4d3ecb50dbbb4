"""One answer in JSON of the caller's schema, written by language models.

Half a JSON document is of no use, so the whole is taken, checked, mended once by the model that wrote it, and handed to
a powerful model when it still does not fit or says what the passages do not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from generation.answers import Delta, OnUnsupported, SentenceChecked, SentenceVerdict
from generation.checking.checker import Support
from generation.language_models.fallback import FellBack, PartFinished, Speaking, stream_with_fallback
from generation.language_models.model import LanguageModel, ModelCall, ModelError, ModelRequest
from generation.prompting.prompt_leaks import leaks
from generation.prompting.prompts import STATIC_PARTS, is_refusal, repair_messages
from generation.writing.answer_draft import AnswerDraft
from generation.writing.citations import CitationCounts, verified
from generation.writing.json_answers import json_answer
from generation.writing.json_claims import JsonClaim, claims_of
from generation.writing.task import Outcome, RunBlocking, WritingEvent, WritingTask, powerful


class InvalidOutput(ModelError):
    """No model wrote JSON of the schema."""

    code = "invalid_output"


class JsonWriter:
    """Writes one answer into a draft; `outcome` says how it came about. `events` raises `ModelError`."""

    def __init__(self, task: WritingTask, schema: Mapping[str, Any], draft: AnswerDraft, run: RunBlocking) -> None:
        self.outcome = Outcome(task.models[0].profile.name)
        self._task = task
        self._schema = schema
        self._draft = draft
        self._run = run

    async def events(self) -> AsyncIterator[WritingEvent]:
        task, outcome = self._task, self.outcome
        models = task.models
        while True:
            text = await self._whole(models, task.request_for)
            leaving, event_list = await self._judged(text)
            models = tuple(powerful(list(task.models), outcome.speaker))
            if not leaving or not models or not task.cascade or outcome.escalation:
                break
            outcome.refused, outcome.escalation = False, leaving
        if not event_list and not outcome.refused:
            raise InvalidOutput(f"No model gave JSON that fits the schema: {leaving}", retryable=False)
        for event in event_list:
            yield event

    async def _judged(self, text: str) -> tuple[str, list[WritingEvent]]:
        """Why another model should write it, if one should, and the events when it can stay."""
        task, outcome = self._task, self.outcome
        if is_refusal(text):
            outcome.refused = True
            return ("the model refused though the passages answer" if await self._run(task.answerable) else ""), []
        found = await self._run(functools.partial(json_answer, text, self._schema))
        if found.problems:
            text = await self._repaired(found.text, " ".join(found.problems))
            found = await self._run(functools.partial(json_answer, text, self._schema))
        if found.problems:
            return f"the JSON did not fit its schema: {' '.join(found.problems)}", []
        if leaks(found.text, STATIC_PARTS[task.prompt]):
            return "the JSON repeated the model's instructions", []
        began = time.perf_counter()
        written, claims = claims_of(json.loads(found.text))
        checked = [await self._run(functools.partial(self._checked, claim)) for claim in claims]
        outcome.check_seconds += time.perf_counter() - began
        bad = sum(verdict.is_claim and not verdict.supported for verdict, _, _ in checked)
        if bad and task.on_unsupported is OnUnsupported.REFUSE:
            outcome.refused = True
        outcome.unsupported += bad
        outcome.accepted = 0 if outcome.refused else len(checked)
        leaving = "a value was not supported by the passages" if bad else ""
        if outcome.refused:
            return leaving, []
        self._draft.restart(written)
        for verdict, supports, counts in checked:
            self._draft.note(verdict, supports, counts)
        if bad and task.on_unsupported is OnUnsupported.REDACT:
            self._draft.warn(
                "Values that the sources do not support are flagged: JSON cannot lose them and keep its form."
            )
        return leaving, [Delta(written), *(SentenceChecked(verdict) for verdict, _, _ in checked)]

    def _checked(self, claim: JsonClaim) -> tuple[SentenceVerdict, tuple[Support, ...], CitationCounts]:
        """The verdict on a value: that on its weakest sentence."""
        task = self._task
        each = [task.check(sentence, claim.span) for sentence in claim.sentences]
        for one in each:
            self.outcome.calls.extend(one.calls)
            self._draft.warn(one.warning)
        weakest = min(each, key=lambda one: one.verdict.score if one.verdict.is_claim else 1.0)
        named = [task.chunk_of.get(number) for number in claim.cited]
        cited = verified(weakest, named, task.threshold)
        # Places in the sentence that was checked are none of the JSON.
        return dataclasses.replace(weakest.verdict, unsupported=()), cited.supports, cited.counts

    async def _repaired(self, text: str, problems: str) -> str:
        speaker = next(model for model in self._task.models if model.profile.name == self.outcome.speaker)
        original = self._task.request_for("", speaker)
        request = dataclasses.replace(original, messages=repair_messages(text, problems, self._schema))
        return await self._whole((speaker,), lambda _written, _model: request)

    async def _whole(
        self, models: tuple[LanguageModel, ...], request_for: Callable[[str, LanguageModel], ModelRequest]
    ) -> str:
        outcome, text = self.outcome, ""
        stream = stream_with_fallback(models, request_for, self._task.deadline)
        async with contextlib.aclosing(stream):
            async for event in stream:
                match event:
                    case Speaking(name):
                        outcome.speaker = name
                    case FellBack(name, reason):
                        outcome.fallbacks.append(f"{name}: {reason}")
                    case PartFinished(name, request, written, counts, _):
                        outcome.calls.append(ModelCall(name, request.messages, written, counts))
                    case str(piece):
                        outcome.first_token_at = outcome.first_token_at or time.perf_counter()
                        text += piece
        return text
