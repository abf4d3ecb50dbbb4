from __future__ import annotations

import asyncio
import time

import pytest

from generation.batches.perseverance import Perseverance
from generation.language_models.model import ModelBusy, ModelRejectedRequest
from runtime.errors import PlumblineError

PAUSES = (0.01, 0.02)


class Work:
    """Fails as told, then succeeds."""

    def __init__(self, *failures: PlumblineError | str) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, PlumblineError):
                raise failure
            return failure
        return "done"


def call(work: Work, perseverance: Perseverance | None = None) -> str:
    return asyncio.run((perseverance or Perseverance(PAUSES)).call(work, lambda result: result == "short"))


def test_what_can_pass_is_tried_again() -> None:
    work = Work(ModelBusy("busy"), "short")
    assert call(work) == "done"
    assert work.calls == 3


def test_the_last_try_counts() -> None:
    work = Work(*[ModelBusy("busy")] * 3)
    with pytest.raises(ModelBusy):
        call(work)
    assert work.calls == 3
    assert call(Work("short", "short", "short")) == "short"


def test_what_cannot_pass_is_not() -> None:
    work = Work(ModelRejectedRequest("never"))
    with pytest.raises(ModelRejectedRequest):
        call(work)
    assert work.calls == 1


def test_a_pause_is_as_long_as_asked_for_within_bounds() -> None:
    perseverance = Perseverance((0.01, 0.3))
    began = time.monotonic()
    assert call(Work(ModelBusy("busy", retry_after=0.2)), perseverance) == "done"
    assert time.monotonic() - began >= 0.2
    began = time.monotonic()
    assert call(Work(ModelBusy("busy", retry_after=3600)), perseverance) == "done"
    assert time.monotonic() - began < 1


def test_in_vain_often_enough_it_ends_until_something_succeeds() -> None:
    perseverance = Perseverance(PAUSES, in_vain_at_most=2)
    for _ in range(2):
        assert call(Work(*["short"] * 9), perseverance) == "short"
    hopeless = Work(*["short"] * 9)
    call(hopeless, perseverance)
    assert hopeless.calls == 1
    assert call(Work(), perseverance) == "done"
    hopeful = Work("short")
    assert call(hopeful, perseverance) == "done"
    assert hopeful.calls == 2
