from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from evals.jobs.ledger import EvaluationLedger, JobClaim, JobLost
from evals.jobs.progress import JobProgress
from evals.jobs.records import EVALUATIONS, EvaluationJob, JobKind, JobStatus
from evals.jobs.runner import MAX_WORKER_DEATHS, EvaluationRunner, JobOutcome
from evals.jobs.store import EvaluationFinished, JobStore, UnknownEvaluation
from evals.jobs.tables import evaluation_jobs
from runtime.database import Database
from runtime.errors import InvalidInput, Unavailable
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres

TENANT = "one"


class Counting:
    """Counts to `items`, a record each; `hook` is called before each."""

    stages: Mapping[str, float] = {"first": 1.0, "second": 3.0}

    def __init__(self, items: int = 5, hook: Callable[[int], None] = lambda _: None) -> None:
        self.items, self.hook = items, hook
        self.done: list[int] = []

    def do(self, job: EvaluationJob, kept: Sequence[Mapping[str, Any]], progress: JobProgress) -> JobOutcome:
        progress("first", 1.0)
        for number in range(len(kept), self.items):
            self.hook(number)
            self.done.append(number)
            progress.keep({"id": str(number)})
            progress("second", (number + 1) / self.items)
        return JobOutcome({"metrics": {"items": self.items}})


def runner_of(database: Database, work: Counting, **options: Any) -> EvaluationRunner:
    return EvaluationRunner(EvaluationLedger(database, **options), {JobKind.ANSWERS: work}, retry_pauses=(0.01, 0.02))


def submitted(database: Database) -> EvaluationJob:
    return JobStore(database).submit(TENANT, JobKind.ANSWERS, {"model": "x"}, None)


def ids(database: Database, job: EvaluationJob) -> list[str]:
    return [one["id"] for one in JobStore(database).records(TENANT, job.id)]


def test_a_job_ends_with_its_result_and_records(database: Database) -> None:
    job, work = submitted(database), Counting()
    assert runner_of(database, work).run(job.id) is None
    # What has not been written on the way is written at the end.
    ended = JobStore(database).job(TENANT, job.id)
    assert (ended.status, ended.progress, ended.stage, ended.records) == (JobStatus.SUCCEEDED, 1.0, None, 5)
    assert ended.result == {"metrics": {"items": 5}}
    assert ids(database, job) == list("01234")
    assert runner_of(database, work).run(job.id) is None
    assert len(work.done) == 5, "a message that comes twice does nothing"


def test_what_an_interrupted_run_has_kept_is_not_done_again(database: Database) -> None:
    job = submitted(database)
    work = Counting(hook=lambda number: runner.interrupt() if number == 2 else None)
    runner = runner_of(database, work)
    assert runner.run(job.id) is None
    assert JobStore(database).job(TENANT, job.id).status is JobStatus.QUEUED
    again = Counting()
    assert runner_of(database, again).run(job.id) is None
    assert (work.done, again.done) == ([0, 1, 2], [3, 4])
    assert ids(database, job) == list("01234")


def test_cancelled_between_two_items(database: Database) -> None:
    job, store = submitted(database), JobStore(database)

    def hook(number: int) -> None:
        if number == 2:
            store.cancel(TENANT, job.id)
            time.sleep(0.6)  # progress is written twice a second

    work = Counting(100, hook)
    runner_of(database, work).run(job.id)
    ended = store.job(TENANT, job.id)
    assert (ended.status, ended.cancel_requested, len(work.done)) == (JobStatus.CANCELLED, True, 3)
    assert ids(database, job) == list("012")
    with pytest.raises(EvaluationFinished):
        store.cancel(TENANT, job.id)


def test_cancelled_before_it_began_it_ends_at_once(database: Database) -> None:
    job, work = submitted(database), Counting()
    assert JobStore(database).cancel(TENANT, job.id).status is JobStatus.CANCELLED
    assert runner_of(database, work).run(job.id) is None
    assert work.done == []


def raising(error: Exception) -> Callable[[int], None]:
    def hook(number: int) -> None:
        if number == 1:
            raise error

    return hook


def test_bad_data_fail_with_their_sentence_and_are_not_tried_again(database: Database) -> None:
    job = submitted(database)
    assert runner_of(database, Counting(hook=raising(InvalidInput("Line 3 is wrong.")))).run(job.id) is None
    ended = JobStore(database).job(TENANT, job.id)
    assert (ended.status, ended.error_code, ended.error_message) == (
        JobStatus.FAILED,
        "invalid_input",
        "Line 3 is wrong.",
    )


def test_what_may_pass_is_tried_again_and_then_told(database: Database) -> None:
    job = submitted(database)
    runner = runner_of(database, Counting(hook=raising(Unavailable("The model does not answer."))))
    assert [runner.run(job.id) for _ in range(3)] == [0.01, 0.02, None]
    ended = JobStore(database).job(TENANT, job.id)
    assert (ended.status, ended.error_message) == (JobStatus.FAILED, "The model does not answer.")
    assert ids(database, job) == ["0"], "what came before is kept once"


def test_a_defect_is_told_without_its_details(database: Database) -> None:
    job = submitted(database)
    assert runner_of(database, Counting(hook=raising(KeyError("secret")))).run(job.id) is None
    ended = JobStore(database).job(TENANT, job.id)
    assert ended.error_code == "internal_error" and job.id in (ended.error_message or "")
    assert "secret" not in (ended.error_message or "")


def test_one_worker_at_a_time_until_it_counts_as_dead(database: Database) -> None:
    job, ledger = submitted(database), EvaluationLedger(database, claim_expires_after=0.2)
    claim = ledger.claim(job.id)
    assert isinstance(claim, JobClaim)
    assert ledger.claim(job.id) == 0.2
    time.sleep(0.25)
    work = Counting()
    assert runner_of(database, work, claim_expires_after=0.2).run(job.id) is None
    assert len(work.done) == 5
    with pytest.raises(JobLost):
        ledger.report(claim, "second", 0.5, [{"id": "late"}])
    assert ids(database, job) == list("01234")


def test_whoever_loses_the_job_stops_and_writes_nothing(database: Database) -> None:
    job = submitted(database)

    def steal(number: int) -> None:
        if number == 1:
            with database.write() as connection:
                connection.execute(evaluation_jobs.update().values(claim="another"))
            time.sleep(0.6)

    work = Counting(50, steal)
    assert runner_of(database, work).run(job.id) is None
    assert len(work.done) == 2
    now = JobStore(database).job(TENANT, job.id)
    assert (now.status, ids(database, job)) == (JobStatus.RUNNING, ["0"]), "nothing is written after that"


def test_a_job_that_ends_processes_is_left_alone(database: Database) -> None:
    job, ledger = submitted(database), EvaluationLedger(database)
    for _ in range(MAX_WORKER_DEATHS):
        assert isinstance(ledger.claim(job.id), JobClaim)
        ledger.release_all()  # as the next process does after a kill
    work = Counting()
    assert runner_of(database, work).run(job.id) is None
    ended = JobStore(database).job(TENANT, job.id)
    assert (ended.status, ended.error_code, work.done) == (JobStatus.FAILED, "worker_died", [])


def test_a_heartbeat_holds_the_job_while_an_item_takes_long(database: Database) -> None:
    job, begun = submitted(database), threading.Event()

    def slow(number: int) -> None:
        if number == 0:
            begun.set()
            time.sleep(1.0)

    runner = EvaluationRunner(
        EvaluationLedger(database, claim_expires_after=0.4),
        {JobKind.ANSWERS: Counting(hook=slow)},
        heartbeat_seconds=0.1,
    )
    thread = threading.Thread(target=runner.run, args=(job.id,))
    thread.start()
    assert begun.wait(5)
    time.sleep(0.6)
    assert EvaluationLedger(database, claim_expires_after=0.4).claim(job.id) == 0.4
    thread.join()
    assert JobStore(database).job(TENANT, job.id).status is JobStatus.SUCCEEDED


def test_another_tenants_job_does_not_exist(database: Database) -> None:
    job, store = submitted(database), JobStore(database)
    for look in (
        lambda: store.job("two", job.id),
        lambda: store.cancel("two", job.id),
        lambda: list(store.records("two", job.id)),
        lambda: store.change_record("two", job.id, 0, {}),
        lambda: store.job(TENANT, job.id, (JobKind.TEST_SET,)),
    ):
        with pytest.raises(UnknownEvaluation):
            look()
    assert store.jobs("two", EVALUATIONS).jobs == ()


def test_listed_newest_first_in_pages(database: Database) -> None:
    store, made = JobStore(database), [submitted(database).id for _ in range(5)]
    with database.write() as connection:  # made within one tick of the clock
        connection.execute(sa.update(evaluation_jobs).values(created_at=store.job(TENANT, made[0]).created_at))
    seen, cursor = list[str](), None
    while True:
        page = store.jobs(TENANT, EVALUATIONS, cursor=cursor, limit=2)
        seen += [job.id for job in page.jobs]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(made) and len(seen) == 5
    with pytest.raises(InvalidInput):
        store.jobs(TENANT, EVALUATIONS, cursor="nonsense")
