"""One answer written by language models and checked while it is written.

The first model of the route begins. What it says is cut into sentences, and each is checked against the passages. When
a sentence is not supported, or the model refuses though the passages answer, a powerful model goes on after the
sentences that were accepted. Unless text is shown live, a sentence is sent only after its verdict, so nothing that was
sent is ever withdrawn.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator

from generation.answers import Delta, OnUnsupported, SentenceChecked, SentenceVerdict
from generation.checking.checker import Support
from generation.language_models.fallback import FellBack, NoModelAnswers, PartFinished, Speaking, stream_with_fallback
from generation.language_models.model import LanguageModel, ModelCall, ModelRequest
from generation.prompting.prompt_leaks import leaks
from generation.prompting.prompts import ANSWER_PROMPT, STATIC_PARTS, is_refusal_start
from generation.writing.answer_draft import AnswerDraft
from generation.writing.citations import verified
from generation.writing.sentence_stream import SentencePart, SentenceStream, Shown, WrittenSentence
from generation.writing.task import Outcome, RunBlocking, WritingEvent, WritingTask, powerful

SECRET = STATIC_PARTS[ANSWER_PROMPT]
REDACTED = "[removed: the sources do not support this sentence]"

_ENDED = re.compile(r"[.!?…。！？:|][\"'”’»)\]*_]*$")


class Cascade:
    """Writes one answer into a draft; `outcome` says how it came about."""

    def __init__(self, task: WritingTask, draft: AnswerDraft, run: RunBlocking) -> None:
        self.outcome = Outcome(task.models[0].profile.name)
        self._task = task
        self._draft = draft
        self._run = run
        self._left = list(task.models)
        self._kept = ""  # accepted text with the model's own passage numbers
        self._fragment = ""  # what was shown of the unfinished sentence
        self._leaving = ""  # why another model must take over
        self._stopped = False
        self._redacted: tuple[str, SentenceVerdict] | None = None  # lead and verdict of what was just removed
        self._request: ModelRequest | None = None  # of the call that is under way
        self._received = ""  # its text

    async def events(self) -> AsyncIterator[WritingEvent]:
        """Deltas and verdicts, in the order in which a reader may see them."""
        outcome, held = self.outcome, list[WritingEvent]()
        hold = self._task.on_unsupported is OnUnsupported.REFUSE and not self._task.live
        while True:
            self._leaving = ""
            async for event in self._attempt(tuple(self._left)):
                if hold:
                    held.append(event)
                else:
                    yield event
            if outcome.refused and not self._stopped and await self._wrongly_refused():
                self._leaving = "the model refused though the passages answer"
            if not self._leaving:
                break
            outcome.refused, outcome.escalation = False, self._leaving
            self._left = powerful(self._left, outcome.speaker)
        if self._redacted is not None and not outcome.accepted:
            outcome.refused = True  # nothing of it stays
        if not outcome.refused:
            for event in (*held, *self._placeholder()):
                yield event

    async def _attempt(self, models: tuple[LanguageModel, ...]) -> AsyncIterator[WritingEvent]:
        task, before, outcome = self._task, self._kept, self.outcome

        def request_for(written: str, model: LanguageModel) -> ModelRequest:
            between = "" if not (before and written) or written[:1].isspace() else " "
            self._request = task.request_for(f"{before}{between}{written}", model)
            return self._request

        sentences = SentenceStream()
        opening: str | None = ""  # held until it is clear that it is no refusal
        stream = stream_with_fallback(models, request_for, task.deadline)
        async with contextlib.aclosing(stream):
            try:
                async for event in stream:
                    match event:
                        case Speaking(name):
                            outcome.speaker, self._received = name, ""
                        case FellBack(name, reason):
                            self._left = [model for model in self._left if model.profile.name != name]
                            outcome.fallbacks.append(f"{name}: {reason}")
                        case PartFinished(name, request, written, counts, reason):
                            outcome.calls.append(ModelCall(name, request.messages, written, counts))
                            outcome.cut_short = reason == "length"
                        case str(piece):
                            outcome.first_token_at = outcome.first_token_at or time.perf_counter()
                            self._received += piece
                            if opening is not None:
                                opening += piece
                                if is_refusal_start(opening) is not False:
                                    continue
                                piece, opening = opening, None
                            async for shown in self._parts(sentences.feed(piece)):
                                yield shown
                            if self._leaving or self._stopped:
                                assert self._request is not None
                                outcome.calls.append(
                                    ModelCall(outcome.speaker, self._request.messages, self._received, None)
                                )
                                break
            except NoModelAnswers:
                outcome.incomplete, self._left = True, []
        if self._leaving:
            return
        if opening and is_refusal_start(opening):
            outcome.refused = not before  # after sentences that stay, it says that nothing is to be added
            return
        rest = [*sentences.feed(opening or ""), *([] if self._stopped else sentences.close())]
        async for shown in self._parts(self._finished(rest)):
            yield shown
        if not (self._kept or outcome.refused or self._leaving or self._redacted):
            outcome.incomplete = True  # not a word

    def _finished(self, rest: list[SentencePart]) -> list[SentencePart]:
        """The last sentences: one that was cut off stays only where its beginning was shown already."""
        if self.outcome.cut_short:
            self._draft.warn("The answer was cut off at its greatest length.")
        elif not (self.outcome.incomplete or self._stopped):
            return rest
        if self._stopped:
            text = self._fragment.lstrip()
            lead = self._fragment[: len(self._fragment) - len(text)]
            return [WrittenSentence(lead, f"{text} …", (), 0)] if text and not self.outcome.refused else []
        if rest and isinstance(rest[-1], WrittenSentence) and not _ENDED.search(rest[-1].text):
            cut = rest.pop()
            if self._task.live and isinstance(cut, WrittenSentence):
                rest.append(dataclasses.replace(cut, text=f"{cut.text} …"))
        return rest

    async def _parts(self, parts: Iterable[SentencePart]) -> AsyncIterator[WritingEvent]:
        for part in parts:
            if isinstance(part, Shown):
                if self._task.live and not self._begins_to_leak():
                    text = part.text if self._draft.text or self._fragment else part.text.lstrip()
                    self._fragment += text
                    if text:
                        yield Delta(text)
            else:
                async for event in self._sentence(part):
                    yield event
            if self._leaving or self._stopped:
                return

    async def _sentence(self, part: WrittenSentence) -> AsyncIterator[WritingEvent]:
        task, outcome = self._task, self.outcome
        text, lead = part.text, part.lead or " "
        if len(self._draft.text) + len(text) > task.longest:
            outcome.cut_short = self._stopped = True
            return
        if not task.live and leaks(text, SECRET):
            self._draft.warn("A sentence that repeated the model's instructions was left out.")
            return
        span = self._draft.span_of(lead, text)
        started = time.perf_counter()
        checked = await self._run(lambda: task.check(text, span))
        outcome.check_seconds += time.perf_counter() - started
        outcome.calls.extend(checked.calls)
        self._draft.warn(checked.warning)
        verdict = checked.verdict
        supports: tuple[Support, ...] = ()
        if verdict.supported or not verdict.is_claim:
            cited = verified(checked, [task.chunk_of.get(number) for number in part.cited], task.threshold)
            self._draft.citation_counts += cited.counts
            supports = cited.supports
        else:
            outcome.unsupported += 1
            if not task.live:
                if task.cascade and powerful(self._left, outcome.speaker):
                    self._leaving = "a sentence was not supported by the passages"
                    return
                if task.on_unsupported is OnUnsupported.REFUSE:
                    outcome.refused = self._stopped = True
                    return
                if task.on_unsupported is OnUnsupported.REDACT:
                    self._redacted = self._redacted or (lead, verdict)
                    return
        for event in self._placeholder():
            yield event
        verdict = verdict.moved_to(self._draft.span_of(lead, text)[0])
        marks = "".join(f" [{number}]" for number in part.cited)
        self._kept += f"{lead if self._kept else ''}{part.text}{marks}"
        outcome.accepted += 1
        added = self._draft.add(lead, text, verdict, supports)
        yield Delta(added[len(self._fragment) :])
        self._fragment = ""
        yield SentenceChecked(verdict)

    def _placeholder(self) -> Iterator[WritingEvent]:
        """What stands for the sentences that were removed since the last one that stays."""
        if self._redacted is None:
            return
        (lead, verdict), self._redacted = self._redacted, None
        span = self._draft.span_of(lead, REDACTED)
        verdict = dataclasses.replace(verdict, span=span, is_claim=False, evidence=(), unsupported=())
        self._draft.warn("Sentences that the sources do not support were removed.")
        yield Delta(self._draft.add(lead, REDACTED, verdict, ()))
        yield SentenceChecked(verdict)

    async def _wrongly_refused(self) -> bool:
        may = self._task.cascade and bool(powerful(self._left, self.outcome.speaker))
        return may and await self._run(self._task.answerable)

    def _begins_to_leak(self) -> bool:
        if not leaks(self._received[-500:], SECRET):
            return False
        self._draft.warn("The answer was stopped because it began to repeat the model's instructions.")
        self._stopped = True
        return True
