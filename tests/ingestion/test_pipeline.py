from __future__ import annotations

import errno
import logging
import threading
import time

import pytest
import sqlalchemy as sa

from ingestion import job_progress, pipeline
from ingestion.job_ledger import Claim, JobLedger, JobLost
from ingestion.records import Status
from ingestion.registry import JobFinished, UnknownDocument
from ingestion.registry_tables import jobs
from runtime.errors import Unavailable
from tests.ingestion.small_parts import TENANT, Gate, Workshop

TEXT = "one\n\ntwo\n\nthree"


class Failing:
    """Raises in a stage as often as told."""

    def __init__(self, stage: str, error: Exception, times: int = 10**6) -> None:
        self.stage, self.error, self.times = stage, error, times

    def __call__(self, stage: str) -> None:
        if stage == self.stage and self.times:
            self.times -= 1
            raise self.error


def in_thread(workshop: Workshop, job_id: str) -> threading.Thread:
    thread = threading.Thread(target=workshop.pipeline.run, args=[job_id])
    thread.start()
    return thread


def test_a_document_passes_all_stages(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_progress, "REPORT_SECONDS", 0.0)
    seen: list[tuple[Status, float]] = []
    upload = workshop.upload("notes/a.txt", TEXT, metadata={"year": 2026})

    def look(stage: str) -> None:
        job, document = workshop.job(upload.job.id), workshop.registry.document(TENANT, upload.document.id)
        assert document.status is (Status.READY if stage == "removing" else job.status)
        seen.append((job.status, job.progress))

    workshop.hook = look
    workshop.work()
    order = [Status.PARSING, Status.CHUNKING, Status.EMBEDDING, Status.INDEXING]
    assert sorted({status for status, _ in seen}, key=order.index) == order
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] < 1.0
    job, document = workshop.job(upload.job.id), workshop.registry.document(TENANT, upload.document.id)
    assert (job.status, job.progress, job.attempts, job.error) == (Status.READY, 1.0, 1, None)
    assert {"parsing", "cleaning", "chunking", "embedding", "indexing"} == set(job.timings)
    assert job.started_at is not None and job.finished_at is not None
    assert job.created_at <= job.started_at <= job.finished_at
    assert (document.status, document.active_version, document.searchable) == (Status.READY, 1, True)
    assert document.facts is not None
    assert (document.facts.title, document.facts.chunk_count) == ("a", 3)
    assert workshop.visible() == ["one", "three", "two"]
    assert workshop.registry.collection(TENANT, "default").revision == 1


def test_running_a_finished_job_again_does_nothing(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", TEXT)
    workshop.work()
    before = (
        workshop.job(upload.job.id),
        workshop.registry.document(TENANT, upload.document.id),
        workshop.points.rows(),
    )
    assert workshop.pipeline.run(upload.job.id) is None
    assert workshop.pipeline.run("no-such-job") is None
    after = (
        workshop.job(upload.job.id),
        workshop.registry.document(TENANT, upload.document.id),
        workshop.points.rows(),
    )
    assert after == before


def test_new_bytes_replace_old_ones_without_a_gap_and_without_both(workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old one\n\nold two")
    shown: set[tuple[str, ...]] = set()
    workshop.hook = lambda stage: shown.add(tuple(workshop.visible()))
    document = workshop.ingest("a.txt", "new one\n\nnew two")
    shown.add(tuple(workshop.visible()))
    assert shown == {("old one", "old two"), ("new one", "new two")}
    assert document.active_version == 2
    assert [row[1] for row in workshop.points.rows()] == [2, 2]
    assert workshop.originals() == 1
    assert workshop.registry.collection(TENANT, "default").revision == 2


def test_a_failed_new_version_leaves_the_old_one_searchable(workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old")
    document = workshop.ingest("a.txt", b"\xff\xfe\xff")
    assert (document.status, document.active_version, document.searchable) == (Status.FAILED, 1, True)
    assert document.error is not None
    assert (document.error.code, document.error.message) == ("damaged", "This file is not a text.")
    assert workshop.visible() == ["old"]
    back = workshop.upload("a.txt", "old")
    assert (back.unchanged, back.document.status, back.document.error) == (True, Status.READY, None)
    document = workshop.ingest("a.txt", "new")
    assert (document.status, document.error, workshop.visible()) == (Status.READY, None, ["new"])
    assert workshop.originals() == 1


def test_a_document_without_text_fails_with_a_reason(workshop: Workshop) -> None:
    document = workshop.ingest("a.txt", "   \n\n  ")
    assert document.status is Status.FAILED
    assert document.error is not None and document.error.code == "no_text"
    assert document.active_version is None


@pytest.mark.parametrize("stage", ["parsing", "chunking", "embedding", "indexing", "flushing"])
def test_a_defect_is_told_in_a_sentence_and_logged_with_its_traceback(
    stage: str, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.ingest("a.txt", "old")
    workshop.hook = Failing(stage, ZeroDivisionError("secret detail"))
    upload = workshop.upload("a.txt", TEXT)
    with caplog.at_level(logging.ERROR):
        workshop.work()
    job = workshop.job(upload.job.id)
    assert job.status is Status.FAILED and job.error is not None
    assert job.error.code == "internal_error"
    assert job.id in job.error.message
    assert "secret" not in job.error.message
    assert "ZeroDivisionError" in caplog.text
    assert [row[2] for row in workshop.points.rows()] == ["old"]


def test_what_can_pass_is_tried_again_with_growing_pauses(workshop: Workshop) -> None:
    workshop.hook = Failing("indexing", Unavailable("The index does not answer.", code="index_unavailable"), times=3)
    upload = workshop.upload("a.txt", TEXT)
    pauses = [workshop.pipeline.run(upload.job.id) for _ in range(3)]
    job = workshop.job(upload.job.id)
    assert job.status is Status.QUEUED and job.error is not None and job.error.code == "index_unavailable"
    assert all(pause is not None for pause in pauses)
    assert [round(pause or 0, 4) for pause in pauses] == sorted(round(pause or 0, 4) for pause in pauses)
    assert workshop.pipeline.run(upload.job.id) is None
    job = workshop.job(upload.job.id)
    assert (job.status, job.error, job.attempts) == (Status.READY, None, 4)
    assert len(workshop.points.rows()) == 3


def test_what_does_not_pass_fails_in_the_end(workshop: Workshop) -> None:
    workshop.hook = Failing("indexing", OSError(errno.ENOSPC, "No space left on device"))
    upload = workshop.upload("a.txt", TEXT)
    pauses = [workshop.pipeline.run(upload.job.id) for _ in range(len(pipeline.RETRY_PAUSES) + 1)]
    assert pauses[-1] is None and None not in pauses[:-1]
    document = workshop.registry.document(TENANT, upload.document.id)
    assert document.status is Status.FAILED and document.error is not None
    assert document.error.code == "storage_full"
    assert "disk is full" in document.error.message
    assert workshop.points.rows() == []
    workshop.hook = lambda stage: None
    workshop.intake.retry(TENANT, document.id)
    workshop.work()
    assert len(workshop.visible()) == 3


@pytest.mark.parametrize("stage", ["parsing", "embedding", "flushing"])
def test_cancelling_a_running_job_removes_its_points(stage: str, workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(job_progress, "REPORT_SECONDS", 0.0)
    gate = workshop.hook = Gate(stage)
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    assert workshop.intake.cancel(TENANT, upload.job.id).cancel_requested
    gate.opened.set()
    thread.join(10)
    document = workshop.registry.document(TENANT, upload.document.id)
    assert (workshop.job(upload.job.id).status, document.status) == (Status.CANCELLED, Status.CANCELLED)
    assert workshop.points.rows() == []
    workshop.intake.retry(TENANT, document.id)
    workshop.work()
    assert len(workshop.visible()) == 3


def test_cancelling_a_new_version_keeps_the_old_one(workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(job_progress, "REPORT_SECONDS", 0.0)
    old = workshop.ingest("a.txt", "old")
    gate = workshop.hook = Gate("indexing")
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    workshop.intake.cancel(TENANT, upload.job.id)
    gate.opened.set()
    thread.join(10)
    document = workshop.registry.document(TENANT, old.id)
    assert (document.status, document.content_hash) == (Status.READY, old.content_hash)
    assert [row[2] for row in workshop.points.rows()] == ["old"]
    assert workshop.originals() == 1


def test_too_late_to_cancel_once_the_version_serves(workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old")
    gate = workshop.hook = Gate("removing")
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    with pytest.raises(JobFinished):
        workshop.intake.cancel(TENANT, upload.job.id)
    gate.opened.set()
    thread.join(10)
    assert workshop.job(upload.job.id).status is Status.READY


@pytest.mark.parametrize("stage", ["parsing", "embedding", "flushing", "removing"])
def test_a_newer_upload_wins_over_a_running_one(stage: str, workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old")
    gate = workshop.hook = Gate(stage)
    first = workshop.upload("a.txt", "first")
    thread = in_thread(workshop, first.job.id)
    assert gate.reached.wait(10)
    second = workshop.upload("a.txt", "second")
    # One document is worked on by one job at a time.
    assert workshop.pipeline.run(second.job.id) == 1.0
    gate.opened.set()
    thread.join(10)
    assert workshop.job(first.job.id).status is (Status.READY if stage == "removing" else Status.CANCELLED)
    workshop.work()
    document = workshop.registry.document(TENANT, first.document.id)
    assert (document.status, document.active_version) == (Status.READY, 3)
    assert (workshop.visible(), len(workshop.points.rows())) == (["second"], 1)
    assert workshop.originals() == 1


@pytest.mark.parametrize("stage", ["parsing", "embedding", "flushing", "removing"])
def test_delete_during_ingest_removes_everything(stage: str, workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old")
    gate = workshop.hook = Gate(stage)
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    delete = workshop.intake.delete(TENANT, upload.document.id)
    assert workshop.visible() == []
    assert workshop.pipeline.run(delete.id) == 1.0
    gate.opened.set()
    thread.join(10)
    assert workshop.visible() == []
    workshop.work()
    assert (workshop.points.rows(), workshop.originals()) == ([], 0)
    assert workshop.job(delete.id).status is Status.DELETED
    assert workshop.job(upload.job.id).finished
    with pytest.raises(UnknownDocument):
        workshop.registry.document(TENANT, upload.document.id)


@pytest.mark.parametrize("error", [Unavailable("The index does not answer."), ZeroDivisionError()])
def test_cleaning_up_and_deleting_never_give_up(error: Exception, workshop: Workshop) -> None:
    workshop.ingest("a.txt", "old")
    tries = len(pipeline.RETRY_PAUSES) + 3
    workshop.hook = Failing("removing", error, times=tries)
    upload = workshop.upload("a.txt", "new")
    for _ in range(tries):
        assert workshop.pipeline.run(upload.job.id) is not None
        document = workshop.registry.document(TENANT, upload.document.id)
        assert (document.status, workshop.visible()) == (Status.READY, ["new"])
    assert workshop.pipeline.run(upload.job.id) is None
    assert [row[2] for row in workshop.points.rows()] == ["new"]
    workshop.hook = Failing("removing", error, times=tries)
    delete = workshop.intake.delete(TENANT, upload.document.id)
    assert None not in [workshop.pipeline.run(delete.id) for _ in range(tries)]
    assert workshop.pipeline.run(delete.id) is None
    assert (workshop.points.rows(), workshop.originals()) == ([], 0)


@pytest.mark.parametrize("stage", ["parsing", "chunking", "embedding", "indexing", "removing"])
def test_an_interrupted_job_is_taken_up_at_the_next_start(stage: str, workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(job_progress, "REPORT_SECONDS", 0.0)
    workshop.ingest("a.txt", "old")
    gate = workshop.hook = Gate(stage)
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    workshop.pipeline.interrupt()
    gate.opened.set()
    thread.join(10)
    if stage != "removing":  # from there on it is quicker to finish
        assert workshop.job(upload.job.id).status is Status.QUEUED
        assert workshop.registry.document(TENANT, upload.document.id).status is Status.QUEUED
    workshop.pipeline = workshop.new_pipeline()
    for job in workshop.pipeline.recover():
        workshop.pipeline.run(job.id)
    assert workshop.job(upload.job.id).status is Status.READY
    assert len(workshop.visible()) == len(workshop.points.rows()) == 3


def test_what_breaks_because_the_process_ends_is_not_the_documents_fault(workshop: Workshop) -> None:
    def closed_under_our_feet(stage: str) -> None:
        if stage == "parsing":
            workshop.pipeline.interrupt()
            raise RuntimeError("parser closed")

    workshop.hook = closed_under_our_feet
    upload = workshop.upload("a.txt", TEXT)
    assert workshop.pipeline.run(upload.job.id) is None
    assert workshop.job(upload.job.id).status is Status.QUEUED


def test_a_document_that_ends_its_worker_three_times_is_left_alone(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", TEXT)
    for deaths in range(1, 4):
        assert isinstance(workshop.ledger.claim(upload.job.id), Claim)
        assert [job.id for job in workshop.pipeline.recover()] == [upload.job.id]
        assert workshop.job(upload.job.id).attempts == deaths
    workshop.pipeline.run(upload.job.id)
    document = workshop.registry.document(TENANT, upload.document.id)
    assert document.status is Status.FAILED and document.error is not None
    assert document.error.code == "worker_died"
    workshop.intake.retry(TENANT, document.id)
    workshop.work()
    assert len(workshop.visible()) == 3


def test_a_silent_worker_loses_its_job_and_touches_nothing_more(workshop: Workshop) -> None:
    """The first worker stalls in the midst of indexing; another one takes the job over and finishes it."""
    workshop.ledger = JobLedger(workshop.database, claim_expires_after=0.2)
    workshop.pipeline = workshop.new_pipeline()
    gate = workshop.hook = Gate("flushing")
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    second = workshop.new_pipeline()
    assert second.run(upload.job.id) == pytest.approx(0.2)
    time.sleep(0.3)
    workshop.hook = lambda stage: None
    assert second.run(upload.job.id) is None
    newer = workshop.upload("a.txt", "newer")
    assert second.run(newer.job.id) is None
    gate.opened.set()
    thread.join(10)
    job = workshop.job(upload.job.id)
    assert (job.status, job.attempts) == (Status.READY, 2)
    document = workshop.registry.document(TENANT, upload.document.id)
    assert (document.active_version, workshop.visible(), len(workshop.points.rows())) == (2, ["newer"], 1)


def test_a_heartbeat_keeps_a_job_through_a_long_stage(workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(job_progress, "HEARTBEAT_SECONDS", 0.05)
    workshop.ledger = JobLedger(workshop.database, claim_expires_after=0.4)
    workshop.pipeline = workshop.new_pipeline()
    gate = workshop.hook = Gate("parsing")
    upload = workshop.upload("a.txt", TEXT)
    thread = in_thread(workshop, upload.job.id)
    assert gate.reached.wait(10)
    time.sleep(0.8)
    assert workshop.new_pipeline().run(upload.job.id) == pytest.approx(0.4)
    gate.opened.set()
    thread.join(10)
    assert workshop.job(upload.job.id).attempts == 1


def test_lost_claims_cannot_write(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", TEXT)
    lost = workshop.ledger.claim(upload.job.id)
    assert isinstance(lost, Claim)
    workshop.ledger.release_all()
    workshop.pipeline.run(upload.job.id)
    before = workshop.job(upload.job.id)
    for write in [
        lambda: workshop.ledger.heartbeat(lost),
        lambda: workshop.ledger.report(lost, Status.PARSING, 0.1, {}),
        lambda: workshop.ledger.end_ready(lost, {}),
        lambda: workshop.ledger.end_cancelled(lost),
        lambda: workshop.ledger.end_deleted(lost),
    ]:
        with pytest.raises(JobLost):
            write()
    workshop.ledger.release(lost)
    assert workshop.job(upload.job.id) == before
    assert workshop.registry.document(TENANT, upload.document.id).status is Status.READY


def test_the_same_job_delivered_twice_at_once_runs_once(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", TEXT)
    threads = [in_thread(workshop, upload.job.id) for _ in range(6)]
    for thread in threads:
        thread.join(20)
    assert workshop.job(upload.job.id).attempts == 1
    assert len(workshop.points.rows()) == 3


def test_records_that_do_not_answer_are_waited_for(workshop: Workshop, monkeypatch) -> None:
    monkeypatch.setattr(pipeline, "RECORDS_PAUSE_SECONDS", 0.01)
    answers = iter([Unavailable("full", code="storage_full")] * 3)
    end_ready = workshop.ledger.end_ready

    def sometimes(claim, timings):
        if (error := next(answers, None)) is not None:
            raise error
        return end_ready(claim, timings)

    monkeypatch.setattr(workshop.ledger, "end_ready", sometimes)
    upload = workshop.upload("a.txt", TEXT)
    assert workshop.pipeline.run(upload.job.id) is None
    assert workshop.job(upload.job.id).status is Status.READY


def test_removal_of_content_is_finished_at_the_next_start(workshop: Workshop, monkeypatch) -> None:
    document = workshop.ingest("a.txt", TEXT)

    def broken(content_hash: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(workshop.store, "delete", broken)
    workshop.intake.delete(TENANT, document.id)
    workshop.work()
    assert workshop.originals() == 1
    monkeypatch.undo()
    assert workshop.pipeline.recover() == []
    assert workshop.originals() == 0


def test_what_was_done_is_counted(workshop: Workshop) -> None:
    workshop.ingest("a.txt", TEXT)
    workshop.ingest("b.txt", b"\xff\xfe\xff")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for metric in workshop.metrics.collect()
        for sample in metric.samples
    }
    assert samples["plumbline_jobs_ended_total", "", "ingest", "ready"] == 1
    assert samples["plumbline_jobs_ended_total", "damaged", "failed", "ingest"] == 1
    assert samples["plumbline_chunks_indexed_total",] == 3
    assert samples["plumbline_jobs_running",] == 0
    assert samples["plumbline_job_stage_seconds_count", "embedding"] == 1


def test_no_claim_is_left_when_all_is_done(workshop: Workshop) -> None:
    workshop.ingest("a.txt", TEXT)
    workshop.ingest("b.txt", b"\xff\xfe\xff")
    with workshop.database.read() as connection:
        assert connection.execute(sa.select(jobs.c.claim).where(jobs.c.claim.is_not(None))).all() == []
