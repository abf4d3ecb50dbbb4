"""One go at one claimed batch: take in what providers have answered, hand over what is theirs, ask the rest."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol, TypeVar

from generation.answers import Answer, Question
from generation.batches.bounded_work import each
from generation.batches.ensemble import Ensemble, Member
from generation.batches.ledger import BatchClaim, BatchLedger, OpenQuestion
from generation.batches.perseverance import Perseverance
from generation.batches.provider_batches import MAX_REQUESTS, PreparingAnswerer, ProviderBatches, Ready
from generation.batches.records import PartState
from generation.batches.shares import Share, for_share, member_from_json, member_to_json, shares_of, spent_by
from generation.routing.router import EXTRACTIVE
from runtime.errors import PlumblineError, ToldError, Unavailable

QUESTIONS_AT_ONCE = 50
MAX_WORKER_DEATHS = 3
RECORDS_PAUSE_SECONDS = 2.0

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class BatchAnswerer(PreparingAnswerer, Protocol):
    async def answer(self, question: Question) -> Answer: ...

    async def close(self) -> None: ...


KeepAnswer = Callable[[Question, Answer], None]
"""Stores an answer and enters what it cost. Blocking."""


class WorkerDied(PlumblineError):
    code = "worker_died"


class BatchWork:
    """Made for one claim, used once, on one event loop.

    `interrupted`: the process is ending. What is begun may be cancelled at any point: it is done again.
    """

    def __init__(
        self,
        claim: BatchClaim,
        ledger: BatchLedger,
        provider: ProviderBatches,
        ensemble: Ensemble,
        answerer: BatchAnswerer,
        keep: KeepAnswer,
        perseverance: Perseverance,
        interrupted: asyncio.Event,
        concurrency: int,
    ) -> None:
        self.cancelled = claim.batch.cancel_requested
        self._claim = claim
        self._ledger = ledger
        self._provider = provider
        self._ensemble = ensemble
        self._answerer = answerer
        self._keep = keep
        self._perseverance = perseverance
        self._interrupted = interrupted
        self._concurrency = concurrency

    def _stops(self) -> bool:
        return self.cancelled or self._interrupted.is_set()

    async def do(self) -> float | None:
        """Everything that can be done now. Returns the seconds until providers should be looked at, None: not at all.

        Raises BatchLost, and Unavailable when the records cannot be read.
        """
        if self._stops():
            return None
        pause = await self._provider.collect(self._claim, self._answerer, self._came)
        if await self._hand_over():
            pause = min(self._provider.first_pause, pause or self._provider.first_pause)
        await each(self._to_ask(), self._ask, self._concurrency)
        await self._notice_cancel()
        return pause

    async def settle(self, write: Callable[[], Result]) -> Result:
        """Write, waiting for the records when they do not answer (a full disk, a restart)."""
        while True:
            try:
                return await asyncio.to_thread(write)
            except Unavailable as error:
                if self._interrupted.is_set():
                    raise
                log.warning("The records do not answer", extra={"code": error.code})
                await asyncio.sleep(RECORDS_PAUSE_SECONDS)

    async def _open_questions(self) -> AsyncIterator[OpenQuestion]:
        after, batch_id = -1, self._claim.batch.id
        while not self._stops():
            found = await asyncio.to_thread(self._ledger.open_questions, batch_id, after, QUESTIONS_AT_ONCE)
            if not found:
                return
            for one in found:
                if self._stops():
                    return
                yield one
            after = found[-1].position

    async def _to_ask(self) -> AsyncIterator[OpenQuestion]:
        async for one in self._open_questions():
            if self._to_ask_directly(one):
                yield one

    def _shares(self, question: Question) -> tuple[Share, ...]:
        return shares_of(question, self._claim.batch.options, self._provider.models)

    def _to_ask_directly(self, one: OpenQuestion) -> list[Share]:
        shares = []
        for share in self._shares(one.question):
            part = one.parts.get(share.member)
            if part.state is PartState.LIVE if part is not None else not share.away:
                shares.append(share)
        return shares

    async def _hand_over(self) -> bool:
        """Send what goes to providers and has not been sent yet; whether there was any."""
        if not (self._claim.batch.options.use_provider and self._provider.models):
            return False
        ready: dict[str, dict[int, Ready]] = {model: {} for model in self._provider.models}
        sent = False

        async def send(model: str) -> None:
            nonlocal sent
            requests, ready[model] = ready[model], {}  # others go on preparing while these are sent
            await self._notice_cancel()
            if requests and not self._stops():
                await self._provider.hand_over(self._claim, model, requests, self._perseverance)
                sent = True

        async def prepare(one: OpenQuestion) -> None:
            for share in self._shares(one.question):
                if not share.away or share.member in one.parts or self._stops():
                    continue
                prepared = await self._prepared(one, share)
                if prepared is not None:
                    ready[share.member][one.position] = prepared
                if len(ready[share.member]) >= MAX_REQUESTS:
                    await send(share.member)

        await each(self._open_questions(), prepare, self._concurrency)
        for model in ready:
            await send(model)
        return sent

    async def _prepared(self, one: OpenQuestion, share: Share) -> Ready | None:
        """What is to be sent; None when the answer, or that there will be none, is known at once."""
        question = for_share(one.question, share)
        try:
            prepared = await self._perseverance.call(
                lambda: self._provider.prepare(self._answerer, question, share.member)
            )
        except PlumblineError as error:
            await self._done(one.position, Member(share.member, None, ToldError.of(error)))
            return None
        if isinstance(prepared, Answer):
            await self._came(one.position, share.member, prepared)
            return None
        return prepared

    async def _ask(self, one: OpenQuestion) -> None:
        """Ask the members that are to be asked directly."""
        for share in self._to_ask_directly(one):
            if one.begun >= MAX_WORKER_DEATHS:
                error: PlumblineError = WorkerDied(
                    f"The program ended {one.begun} times while it answered this question, so it is left alone now. "
                    "Send it again if the program was stopped from outside."
                )
                await self._done(one.position, Member(share.member, None, ToldError.of(error)))
                continue
            if self._stops() or not await self._begin(one.position):
                return
            question = for_share(one.question, share)
            try:
                answer = await self._perseverance.call(
                    functools.partial(self._answerer.answer, question), _no_model_spoke
                )
            except PlumblineError as error:
                await self._done(one.position, Member(share.member, None, ToldError.of(error)))
            except Exception as error:  # a defect: it must not take the other questions with it
                extra = {"batch_id": self._claim.batch.id, "position": one.position}
                log.error("A question of a batch failed unexpectedly", exc_info=error, extra=extra)
                unexpected = PlumblineError(
                    f"Something went wrong on our side. The log has it under batch {self._claim.batch.id}."
                )
                await self._done(one.position, Member(share.member, None, ToldError.of(unexpected)))
            else:
                await self._came(one.position, share.member, answer)

    async def _notice_cancel(self) -> None:
        self.cancelled = await self.settle(lambda: self._ledger.heartbeat(self._claim)) or self.cancelled

    async def _begin(self, position: int) -> bool:
        begun = await self.settle(lambda: self._ledger.begin(self._claim, position))
        self.cancelled = self.cancelled or not begun
        return begun

    async def _came(self, position: int, member: str, answer: Answer) -> None:
        one = await self.settle(lambda: self._ledger.open_question(self._claim.batch.id, position))
        if one is not None:
            await self.settle(lambda: self._keep(one.question, answer))
            await self._done(position, Member(member, answer))

    async def _done(self, position: int, member: Member) -> None:
        """Write a member's share, or the question's result when it was the last."""
        one = await self.settle(lambda: self._ledger.open_question(self._claim.batch.id, position))
        if one is None:
            return
        members = []
        for share in self._shares(one.question):
            part = one.parts.get(share.member)
            if share.member == member.model:
                members.append(member)
            elif part is not None and part.outcome is not None:
                members.append(member_from_json(share.member, part.outcome))
            else:
                keep = self._ledger.keep_part
                await self.settle(functools.partial(keep, self._claim, position, member.model, member_to_json(member)))
                return
        result = await asyncio.to_thread(self._result, members)
        spent = spent_by(members)
        await self.settle(lambda: self._ledger.keep_result(self._claim, position, result, spent))

    def _result(self, members: list[Member]) -> Mapping[str, object]:
        """Blocking."""
        if not any(member.answer for member in members):
            error = next(member.error for member in members if member.error is not None)
            return {"error": error.to_json()}
        if len(members) == 1 and members[0].answer is not None:
            return {"answer": members[0].answer.to_json()}
        consensus = self._ensemble.consensus(members)
        return {"answer": consensus.chosen.to_json(), "ensemble": consensus.to_json()}


def _no_model_spoke(answer: Answer) -> bool:
    """Every model failed and sentences were quoted instead: a batch has the time to try the models again."""
    return answer.model.name == EXTRACTIVE and bool(answer.model.fallbacks)
