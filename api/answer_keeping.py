"""What happens to every finished answer before it is sent, whichever call asked for it."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.http_metrics import HttpMetrics
from api.platform import Platform
from generation.answers import Answer
from generation.costs.usage_sums import model_usages


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerKeeper:
    """Stores an answer before it is sent, so that whoever has its id can look it up, and enters what it cost.

    `key_id` is the key that pays, empty where none was needed. Without `store` only the cost is entered: the answer is
    for a measurement, and users' answers are what rates are made of.
    """

    platform: Platform
    tenant: str
    collection: str | None
    metrics: HttpMetrics
    key_id: str = ""
    store: bool = True

    async def __call__(self, answer: Answer) -> dict[str, Any]:
        """The answer in the form of the outward contract."""
        body = answer.to_json()
        await run_in_threadpool(self._store, answer, body)
        self.metrics.observe_stages("ask", answer.timings_ms)
        for used in model_usages(answer):
            self.metrics.count_usage(used)
        return body

    def _store(self, answer: Answer, body: dict[str, Any]) -> None:
        if self.store:
            self.platform.answers.save(self.tenant, self.collection, body)
        self.platform.usage.record(self.tenant, self.key_id, answer)
