"""Batches in the records, on SQLite and, where a server is there, on PostgreSQL."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from generation.answers import OnUnsupported, Question, Turn
from generation.batches.batch_json import FoundEvidence, question_from_json, question_to_json
from generation.batches.ledger import BatchClaim, BatchLedger, BatchLost
from generation.batches.provider_ledger import ProviderLedger
from generation.batches.records import BatchOptions, BatchRecord, BatchStatus, NewQuestion, PartState, Spent
from generation.batches.store import BatchFinished, BatchStore, UnknownBatch
from generation.language_models.model import ModelBusy
from retrieval.passages import Range, Scope
from runtime.database import Database
from runtime.errors import InvalidInput, ToldError
from tests.generation.passage_making import passage
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres

TENANT = "t"


@pytest.fixture
def store(database: Database) -> BatchStore:
    return BatchStore(database)


@pytest.fixture
def ledger(database: Database) -> BatchLedger:
    return BatchLedger(database)


def questions(count: int) -> list[NewQuestion]:
    return [NewQuestion(Question(f"question {n}?", Scope(TENANT)), f"id-{n}") for n in range(count)]


def submitted(store: BatchStore, count: int = 3) -> BatchRecord:
    return store.submit(TENANT, questions(count), BatchOptions())


def claimed(ledger: BatchLedger, batch_id: str) -> BatchClaim:
    claim = ledger.claim(batch_id)
    assert isinstance(claim, BatchClaim)
    return claim


def answer(text: str) -> dict[str, Any]:
    return {"answer": {"answer": text, "größe": "日本"}}


def failure(message: str) -> dict[str, Any]:
    return {"error": ToldError.of(ModelBusy(message)).to_json()}


def test_a_question_and_its_evidence_come_back_as_they_were() -> None:
    filters = {"year": Range(2020, None), "kind": ["a", "b"], "draft": False, "name": "x"}
    question = Question(
        "What?",
        Scope(TENANT, "handbook", filters),
        model="m",
        history=(Turn("user", "before"), Turn("assistant", "said")),
        on_unsupported=OnUnsupported.REDACT,
        max_cost_usd=0.5,
        use_cache=False,
        top_k=3,
        key="k",
    )
    assert question_from_json(question_to_json(question)) == question
    found = FoundEvidence("What?", (passage("Text – größer.", heading=("A", "B"), page=2),), {1: "c-1", 2: "c-2"})
    assert FoundEvidence.unpacked(found.packed()) == found


def test_a_batch_is_worked_off_in_order_and_read_in_order(store: BatchStore, ledger: BatchLedger) -> None:
    batch = submitted(store)
    assert (batch.status, batch.total, batch.progress) == (BatchStatus.QUEUED, 3, 0)
    assert ledger.unfinished() == [batch.id]
    claim = claimed(ledger, batch.id)
    assert [(one.position, one.question.text) for one in ledger.open_questions(batch.id, 0, 1)] == [(1, "question 1?")]
    assert ledger.begin(claim, 2)
    ledger.keep_result(claim, 2, answer("two"), Spent(10, 5, 0.25))
    ledger.keep_result(claim, 0, failure("busy"), Spent())
    assert [(one.index, one.caller_id) for one in store.results(TENANT, batch.id)] == [(0, "id-0"), (2, "id-2")]
    now = store.batch(TENANT, batch.id)
    assert (now.status, now.answered, now.failed, now.spent) == (BatchStatus.RUNNING, 1, 1, Spent(10, 5, 0.25))
    ledger.keep_result(claim, 1, answer("one"), Spent(1, 1, 0.5))
    ledger.end(claim, BatchStatus.FINISHED)
    now = store.batch(TENANT, batch.id)
    assert (now.status, now.progress, now.spent.cost_usd) == (BatchStatus.FINISHED, 1, 0.75)
    results = list(store.results(TENANT, batch.id))
    assert [one.answer and one.answer["answer"] for one in results] == [None, "one", "two"]
    assert results[0].error is not None
    assert (results[0].error.code, results[0].error.retryable) == ("model_busy", True)
    assert results[0].error.codes == ("model_busy", "model_unavailable", "unavailable", "internal_error")
    assert ledger.claim(batch.id) is None
    assert ledger.unfinished() == []


def test_a_result_is_written_once(store: BatchStore, ledger: BatchLedger) -> None:
    batch = submitted(store)
    claim = claimed(ledger, batch.id)
    ledger.keep_result(claim, 0, answer("first"), Spent(1, 1, 1.0))
    ledger.keep_result(claim, 0, answer("second"), Spent(1, 1, 1.0))
    (result,) = store.results(TENANT, batch.id)
    assert result.answer == answer("first")["answer"]
    assert store.batch(TENANT, batch.id).spent.cost_usd == 1.0
    assert store.batch(TENANT, batch.id).answered == 1


def test_a_long_batch_is_read_in_pieces(store: BatchStore, ledger: BatchLedger) -> None:
    batch = submitted(store, 1203)
    claim = claimed(ledger, batch.id)
    for position in range(120):
        ledger.keep_result(claim, position, answer(str(position)), Spent())
    assert [one.index for one in store.results(TENANT, batch.id)] == list(range(120))


def test_one_worker_has_a_batch_until_it_dies(store: BatchStore, database: Database) -> None:
    batch = submitted(store)
    patient, hasty = BatchLedger(database), BatchLedger(database, claim_expires_after=0.0)
    first = claimed(patient, batch.id)
    assert patient.claim(batch.id) == 60.0
    assert patient.begin(first, 0)
    second = claimed(hasty, batch.id)
    for write in (
        lambda: patient.heartbeat(first),
        lambda: patient.begin(first, 1),
        lambda: patient.keep_result(first, 0, answer("late"), Spent()),
        lambda: patient.end(first, BatchStatus.FINISHED),
    ):
        with pytest.raises(BatchLost):
            write()
    assert [one.begun for one in patient.open_questions(batch.id, -1, 9)] == [1, 0, 0]
    patient.release(first)  # of no effect
    patient.keep_result(second, 0, answer("in time"), Spent())
    assert store.batch(TENANT, batch.id).attempts == 2


def test_what_is_given_back_is_no_sign_of_a_question_that_ends_processes(
    store: BatchStore, ledger: BatchLedger
) -> None:
    batch = submitted(store)
    claim = claimed(ledger, batch.id)
    ledger.begin(claim, 0)
    ledger.release(claim, waiting=True)
    assert store.batch(TENANT, batch.id).status is BatchStatus.WAITING
    assert ledger.open_questions(batch.id, -1, 1)[0].begun == 0
    claimed(ledger, batch.id)
    ledger.release_all()
    assert isinstance(ledger.claim(batch.id), BatchClaim)


def test_cancelled_before_and_while_it_is_worked_on(store: BatchStore, ledger: BatchLedger) -> None:
    early, late = submitted(store), submitted(store)
    assert store.cancel(TENANT, early.id).status is BatchStatus.CANCELLED
    with pytest.raises(BatchFinished):
        store.cancel(TENANT, early.id)
    claim = claimed(ledger, late.id)
    ledger.keep_result(claim, 1, answer("one"), Spent())
    assert not ledger.heartbeat(claim)
    assert store.cancel(TENANT, late.id).cancel_requested
    assert ledger.heartbeat(claim)
    assert not ledger.begin(claim, 2)
    ledger.end(claim, BatchStatus.CANCELLED)
    assert [one.error.code if one.error else "-" for one in store.results(TENANT, late.id)] == [
        "cancelled",
        "-",
        "cancelled",
    ]


def test_nobody_else_sees_a_batch(store: BatchStore) -> None:
    batch = submitted(store)
    for call in (store.batch, store.cancel, lambda tenant, one: list(store.results(tenant, one))):
        with pytest.raises(UnknownBatch):
            call("other", batch.id)
        with pytest.raises(UnknownBatch):
            call(TENANT, "no-such-batch")


def test_a_batch_without_questions_is_refused(store: BatchStore) -> None:
    with pytest.raises(InvalidInput, match="no question"):
        store.submit(TENANT, [], BatchOptions())


def test_parts_wait_for_the_others(store: BatchStore, ledger: BatchLedger) -> None:
    batch = submitted(store)
    claim = claimed(ledger, batch.id)
    ledger.begin(claim, 1)
    ledger.keep_part(claim, 1, "a", {"answer": "from a"})
    ledger.keep_part(claim, 1, "a", {"answer": "again"})
    one = ledger.open_question(batch.id, 1)
    assert one is not None
    assert one.begun == 0
    assert {name: part.outcome for name, part in one.parts.items()} == {"a": {"answer": "again"}}
    ledger.keep_result(claim, 1, answer("both"), Spent())
    assert ledger.open_question(batch.id, 1) is None
    assert ledger.open_question(batch.id, 7) is None


def test_what_is_at_a_provider(store: BatchStore, ledger: BatchLedger, database: Database) -> None:
    batch = submitted(store)
    provider = ProviderLedger(database)
    claim = claimed(ledger, batch.id)
    mark = provider.add(claim, "m", {0: b"zero", 2: b"two"})
    (away,) = provider.running(batch.id)
    assert (away.id, away.model, away.provider_id, away.polls) == (mark, "m", None, 0)
    assert 0 <= away.age_seconds < 30
    provider.sent(claim, mark, "their-id")
    provider.polled(claim, mark)
    (away,) = provider.running(batch.id)
    assert (away.provider_id, away.polls) == ("their-id", 1)
    part = provider.part_away(mark, 2)
    assert part is not None
    assert (part.prepared, part.state) == (b"two", PartState.AWAY)
    assert provider.part_away(mark, 1) is None
    ledger.keep_result(claim, 0, answer("came"), Spent())
    assert provider.part_away(mark, 0) is None
    provider.ended(claim, mark)
    assert provider.running(batch.id) == []
    left = {one.position: one.parts for one in ledger.open_questions(batch.id, -1, 9)}
    assert left[2]["m"].state is PartState.LIVE
    lost = provider.add(claim, "n", {1: b"one"})
    provider.never_sent(claim, lost)
    assert provider.running(batch.id) == []
    assert ledger.open_questions(batch.id, 0, 1)[0].parts == {}
    stranger = dataclasses.replace(claim, token="other")
    with pytest.raises(BatchLost):
        provider.add(stranger, "m", {1: b"one"})


def test_results_of_many_threads_are_all_counted(store: BatchStore, ledger: BatchLedger) -> None:
    batch = submitted(store, 40)
    claim = claimed(ledger, batch.id)

    def answer_some(first: int) -> None:
        for position in range(first, 40, 4):
            ledger.begin(claim, position)
            ledger.keep_result(claim, position, answer("a"), Spent(1, 2, 0.5))

    threads = [threading.Thread(target=answer_some, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = store.batch(TENANT, batch.id)
    assert (now.answered, now.spent) == (40, Spent(40, 80, 20.0))
