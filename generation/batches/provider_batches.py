"""Questions through a provider's batch endpoint: cheaper, in the provider's own time (within a day).

What each request rests on is kept with it, so that an answer can be checked and cited when it comes, whatever became of
the documents, this process or its memory meanwhile. A request without an answer (refused, expired, failed, never
arrived) is asked directly.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from generation.answers import Answer, Question
from generation.batches.batch_json import FoundEvidence
from generation.batches.ledger import BatchClaim, BatchLedger
from generation.batches.perseverance import Perseverance
from generation.batches.provider_ledger import ProviderBatch, ProviderLedger
from generation.language_models.model import ModelError, ModelRequest, TokenCounts

if TYPE_CHECKING:
    from generation.writing.already_written import Prepared

MAX_REQUESTS = 2000
"""In one provider batch. OpenAI takes 50,000 and 200 MB, Anthropic 100,000 and 256 MB; these stay in memory."""

GIVE_UP_SECONDS = 26 * 3600.0
"""Providers promise an end within 24 hours."""

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderReply:
    """What became of the request `custom_id`: its text, or why there is none."""

    custom_id: str
    text: str | None
    counts: TokenCounts | None = None
    problem: str = ""


class BatchEndpoint(Protocol):
    """A model's batch endpoint. Everything raises ModelError."""

    async def submit(self, mark: str, requests: Mapping[str, ModelRequest]) -> str:
        """Hand requests over, by their custom ids; the provider's id. `mark` identifies them for `find`."""

    async def find(self, mark: str) -> str | None:
        """The provider's id of what was handed over under this mark, where the provider can tell."""

    async def ended(self, provider_id: str) -> bool:
        """Whether nothing more will come of it, for good or ill."""

    def replies(self, provider_id: str) -> AsyncIterator[ProviderReply]:
        """What came of each request, in any order; requests may be missing."""

    async def cancel(self, provider_id: str) -> None: ...

    async def forget(self, provider_id: str) -> None:
        """Remove what was stored there: it holds text of documents."""


class PreparingAnswerer(Protocol):
    async def prepare(self, question: Question, model: str) -> Prepared | Answer: ...

    async def finish(self, prepared: Prepared, text: str, counts: TokenCounts | None) -> Answer: ...


Ready = tuple[ModelRequest, FoundEvidence]
"""What is sent, and what it rests on."""

AnswerCame = Callable[[int, str, Answer], Awaitable[None]]
"""Told of each answer: position, member, answer."""


class ProviderBatches:
    """The questions of batches that are at providers. `endpoints` by model name."""

    def __init__(
        self,
        ledger: ProviderLedger,
        questions: BatchLedger,
        endpoints: Mapping[str, BatchEndpoint],
        *,
        poll_pauses: Sequence[float] = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0),
    ) -> None:
        self._ledger = ledger
        self._questions = questions
        self._endpoints = endpoints
        self._poll_pauses = poll_pauses

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self._endpoints)

    @property
    def first_pause(self) -> float:
        """Seconds before what was handed over is first looked at."""
        return self._poll_pauses[0]

    async def prepare(self, answerer: PreparingAnswerer, question: Question, model: str) -> Ready | Answer:
        """The request to hand over and what it rests on, or the answer itself where no model is needed."""
        prepared = await answerer.prepare(question, model)
        if isinstance(prepared, Answer):
            return prepared
        making = prepared.making
        evidence = FoundEvidence(making.asked.text, making.passages, prepared.task.chunk_of)
        return prepared.request, evidence

    async def hand_over(
        self, claim: BatchClaim, model: str, ready: Mapping[int, Ready], perseverance: Perseverance
    ) -> None:
        """Send requests, by position. What the provider does not take is to be asked directly."""
        prepared = {position: evidence.packed() for position, (_, evidence) in ready.items()}
        mark = await asyncio.to_thread(self._ledger.add, claim, model, prepared)
        requests = {str(position): request for position, (request, _) in ready.items()}
        endpoint = self._endpoints[model]
        try:
            provider_id = await perseverance.call(lambda: _submitted(endpoint, mark, requests))
        except ModelError as error:
            log.warning("A provider's batch endpoint takes nothing", extra={"model": model, "code": error.code})
            await asyncio.to_thread(self._ledger.ended, claim, mark)
            return
        await asyncio.to_thread(self._ledger.sent, claim, mark, provider_id)

    async def collect(self, claim: BatchClaim, answerer: PreparingAnswerer, came: AnswerCame) -> float | None:
        """Look at everything that is away, and take in what has come back.

        Returns the seconds until the next look, None when nothing is away any more.
        """
        pauses = []
        for batch in await asyncio.to_thread(self._ledger.running, claim.batch.id):
            try:
                done = await self._collected(claim, batch, answerer, came)
            except ModelError as error:
                done = not error.retryable or batch.age_seconds > GIVE_UP_SECONDS
                extra = {"model": batch.model, "code": error.code, "given_up": done}
                log.warning("A provider's batch endpoint does not answer", extra=extra)
            if done:
                await asyncio.to_thread(self._ledger.ended, claim, batch.id)
                await self._forget(batch)
            else:
                await asyncio.to_thread(self._ledger.polled, claim, batch.id)
                pauses.append(self._poll_pauses[min(batch.polls, len(self._poll_pauses) - 1)])
        return min(pauses, default=None)

    async def cancel(self, claim: BatchClaim) -> None:
        """Tell the providers to stop; what they have not done by then is not charged."""
        for batch in await asyncio.to_thread(self._ledger.running, claim.batch.id):
            endpoint = self._endpoints.get(batch.model)
            if endpoint is None:
                continue
            try:
                provider_id = batch.provider_id or await endpoint.find(batch.id)
                if provider_id is not None:
                    await endpoint.cancel(provider_id)
            except ModelError as error:
                log.warning("A provider was not told to stop", extra={"model": batch.model, "code": error.code})

    async def _collected(
        self, claim: BatchClaim, batch: ProviderBatch, answerer: PreparingAnswerer, came: AnswerCame
    ) -> bool:
        """Whether the provider has ended this one; its answers are taken in then."""
        endpoint = self._endpoints.get(batch.model)
        if endpoint is None:  # no longer configured
            return True
        provider_id = batch.provider_id
        if provider_id is None:  # the process ended while it was being sent
            provider_id = await endpoint.find(batch.id)
            if provider_id is None:
                await asyncio.to_thread(self._ledger.never_sent, claim, batch.id)
                return True
            await asyncio.to_thread(self._ledger.sent, claim, batch.id, provider_id)
        if not await endpoint.ended(provider_id):
            return batch.age_seconds > GIVE_UP_SECONDS
        async for reply in endpoint.replies(provider_id):
            if reply.text is None or not reply.custom_id.isdecimal():
                continue
            position = int(reply.custom_id)
            part = await asyncio.to_thread(self._ledger.part_away, batch.id, position)
            asked = await asyncio.to_thread(self._questions.open_question, claim.batch.id, position)
            if part is None or part.prepared is None or asked is None:
                continue
            evidence = FoundEvidence.unpacked(part.prepared)
            answer = await _finished(answerer, asked.question, evidence, batch.model, reply)
            if answer is not None:
                await came(position, part.member, answer)
        return True

    async def _forget(self, batch: ProviderBatch) -> None:
        endpoint = self._endpoints.get(batch.model)
        if endpoint is None or batch.provider_id is None:
            return
        try:
            await endpoint.forget(batch.provider_id)
        except ModelError as error:  # providers remove it themselves after some weeks
            log.warning("A provider keeps the texts of a batch", extra={"model": batch.model, "code": error.code})


async def _submitted(endpoint: BatchEndpoint, mark: str, requests: Mapping[str, ModelRequest]) -> str:
    """Hand over, unless an earlier try did arrive though its answer was lost."""
    return await endpoint.find(mark) or await endpoint.submit(mark, requests)


async def _finished(
    answerer: PreparingAnswerer, asked: Question, evidence: FoundEvidence, model: str, reply: ProviderReply
) -> Answer | None:
    """The checked answer. None when another version of this program numbers the passages otherwise."""
    assert reply.text is not None
    understood = dataclasses.replace(asked, text=evidence.text, history=(), passages=evidence.passages)
    prepared = await answerer.prepare(understood, model)
    if isinstance(prepared, Answer) or dict(prepared.task.chunk_of) != dict(evidence.chunk_of):
        return None
    answer = await answerer.finish(prepared, reply.text, reply.counts)
    return dataclasses.replace(answer, question=asked.text)
