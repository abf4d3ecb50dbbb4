"""Takes batches up, keeps hold of them, and ends, interrupts or postpones their work.

All state is in the records: a worker that is killed leaves a batch that any other goes on with, at the questions that
have no result.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from generation.batches.ensemble import Ensemble
from generation.batches.ledger import BatchClaim, BatchLedger, BatchLost
from generation.batches.perseverance import PAUSES, Perseverance
from generation.batches.provider_batches import ProviderBatches
from generation.batches.records import BatchStatus
from generation.batches.work import RECORDS_PAUSE_SECONDS, BatchAnswerer, BatchWork, KeepAnswer
from runtime.errors import PlumblineError, Unavailable

HEARTBEAT_SECONDS = 10.0
GRACE_SECONDS = 3.0
RETRY_PAUSES = (5.0, 60.0, 300.0)

log = logging.getLogger(__name__)


class BatchRunner:
    """Runs batches on one event loop; `concurrency` questions of a batch at a time.

    `answerer` is called once, in a thread, before the first question: what it makes belongs to this runner's event
    loop, and so do the connections inside.
    """

    def __init__(
        self,
        ledger: BatchLedger,
        provider: ProviderBatches,
        ensemble: Ensemble,
        answerer: Callable[[], BatchAnswerer],
        keep: KeepAnswer,
        *,
        concurrency: int,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._ledger = ledger
        self._provider = provider
        self._ensemble = ensemble
        self._new_answerer = answerer
        self._keep = keep
        self._concurrency = concurrency
        self._pauses = pauses
        self._answerer: BatchAnswerer | None = None
        self._opening = asyncio.Lock()
        self._interrupted = asyncio.Event()

    async def run(self, batch_id: str) -> float | None:
        """Do the work of a batch. Returns the seconds after which it wants to run again, None when it is done.

        Never raises for what is wrong with a question or a service. A batch that another worker has is asked for again
        later, in case that worker dies.
        """
        if self._interrupted.is_set():
            return None
        try:
            claim = await asyncio.to_thread(self._ledger.claim, batch_id)
        except Unavailable as error:
            log.warning("Cannot take up a batch", extra={"batch_id": batch_id, "code": error.code})
            return RECORDS_PAUSE_SECONDS
        if not isinstance(claim, BatchClaim):
            return claim
        try:
            return await self._run_claimed(claim)
        except BatchLost:
            log.warning("Another worker took this batch over", extra={"batch_id": batch_id})
        except Unavailable as error:
            log.warning("A batch cannot go on", extra={"batch_id": batch_id, "code": error.code})
            await self._release(claim)
            return RECORDS_PAUSE_SECONDS
        except Exception as error:  # a defect must not take the worker down
            log.error("A batch broke off", exc_info=error, extra={"batch_id": batch_id})
            return await self._after_defect(claim)
        return None

    def interrupt(self) -> None:
        """Begin no further question, and give up those that take longer than a moment. For the end of the process."""
        self._interrupted.set()

    async def close(self) -> None:
        """End the connections to models."""
        if self._answerer is not None:
            await self._answerer.close()

    async def _run_claimed(self, claim: BatchClaim) -> float | None:
        doing = asyncio.create_task(self._do(claim))
        beside = [asyncio.create_task(self._interrupted.wait()), asyncio.create_task(self._beat(claim))]
        try:
            # The heartbeat ends when another worker has the batch.
            await asyncio.wait({doing, *beside}, return_when=asyncio.FIRST_COMPLETED)
            if self._interrupted.is_set() and not doing.done():
                await asyncio.wait({doing}, timeout=GRACE_SECONDS)
        finally:
            for task in (doing, *beside):
                task.cancel()
            await asyncio.wait({doing, *beside})
        if not doing.cancelled():
            return doing.result()
        if not self._interrupted.is_set():
            raise BatchLost
        log.info("Batch interrupted; the next start takes it up", extra={"batch_id": claim.batch.id})
        await self._release(claim)
        return None

    async def _do(self, claim: BatchClaim) -> float | None:
        async with self._opening:
            if self._answerer is None:
                self._answerer = await asyncio.to_thread(self._new_answerer)
        work = BatchWork(
            claim,
            self._ledger,
            self._provider,
            self._ensemble,
            self._answerer,
            self._keep,
            Perseverance(self._pauses),
            self._interrupted,
            self._concurrency,
        )
        pause = await work.do()
        if work.cancelled:
            await self._provider.cancel(claim)
            await work.settle(lambda: self._ledger.end(claim, BatchStatus.CANCELLED))
        elif await asyncio.to_thread(self._ledger.open_questions, claim.batch.id, -1, 1):
            await work.settle(lambda: self._ledger.release(claim, waiting=pause is not None))
            return None if self._interrupted.is_set() else pause or 0.0
        else:
            await work.settle(lambda: self._ledger.end(claim, BatchStatus.FINISHED))
        log.info("Batch ended", extra={"batch_id": claim.batch.id, "cancelled": work.cancelled})
        return None

    async def _beat(self, claim: BatchClaim) -> None:
        """Tell the records every few seconds that this worker lives, until another has the batch."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                await asyncio.to_thread(self._ledger.heartbeat, claim)
            except BatchLost:
                return
            except PlumblineError as error:  # the next beat may get through; the work itself meets the same error
                log.warning("Heartbeat failed", extra={"batch_id": claim.batch.id, "code": error.code})

    async def _release(self, claim: BatchClaim, *, failed: bool = False) -> None:
        with contextlib.suppress(Unavailable):  # then whoever comes next finds it claimed by a dead worker
            await asyncio.to_thread(self._ledger.release, claim, failed=failed)

    async def _after_defect(self, claim: BatchClaim) -> float | None:
        if claim.retries < len(RETRY_PAUSES):
            await self._release(claim, failed=True)
            return RETRY_PAUSES[claim.retries]
        message = f"Something went wrong on our side. The log has the details under batch {claim.batch.id}."
        with contextlib.suppress(Unavailable, BatchLost):
            await asyncio.to_thread(self._ledger.end, claim, BatchStatus.FAILED, "internal_error", message)
        return None
