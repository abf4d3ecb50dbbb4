from __future__ import annotations

import concurrent.futures

import pytest

from ingestion.records import JobKind, Status
from ingestion.registry import JobFinished, NothingToRetry, UnknownCollection, UnknownDocument, UnknownJob
from runtime.errors import InvalidInput, NotFound, Unavailable
from tests.ingestion.small_parts import TENANT, Workshop


def test_identity_is_tenant_collection_and_path(workshop: Workshop) -> None:
    ids = {
        workshop.registry.register_upload(tenant, collection, name, "0" * 64, 1).document.id
        for tenant in ("t1", "t2")
        for collection in ("c1", "C1")
        for name in ("a/README.md", "b/README.md")
    }
    assert len(ids) == 8
    again = workshop.registry.register_upload("t1", "c1", "a\\README.md", "1" * 64, 1)
    assert again.document.id in ids
    assert again.document.latest_version == 2


def test_other_tenants_things_do_not_exist(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", "text")
    document_id, job_id = upload.document.id, upload.job.id
    registry = workshop.registry
    for call in [
        lambda: registry.document("other", document_id),
        lambda: registry.job("other", job_id),
        lambda: registry.retry("other", document_id),
        lambda: registry.request_delete("other", document_id),
        lambda: registry.cancel("other", job_id),
        lambda: registry.collection("other", "default"),
    ]:
        with pytest.raises(NotFound):
            call()
    workshop.work()
    assert registry.active_versions("other", [document_id]) == {}
    assert registry.documents("other").documents == ()
    assert registry.collections("other") == []
    assert registry.active_versions(TENANT, [document_id, "no-such"]) == {document_id: 1}


def test_unknown_things_say_so(workshop: Workshop) -> None:
    for error, call in [
        (UnknownCollection, lambda: workshop.registry.collection(TENANT, "nope")),
        (UnknownCollection, lambda: workshop.registry.documents(TENANT, collection="nope")),
        (UnknownDocument, lambda: workshop.registry.document(TENANT, "nope")),
        (UnknownDocument, lambda: workshop.intake.delete(TENANT, "nope")),
        (UnknownJob, lambda: workshop.registry.job(TENANT, "nope")),
    ]:
        with pytest.raises(error, match="nope"):
            call()


def test_same_bytes_change_nothing(workshop: Workshop) -> None:
    first = workshop.upload("a.txt", "one")
    pending = workshop.upload("a.txt", "one")
    assert (pending.unchanged, pending.job.id) == (True, first.job.id)
    workshop.work()
    before = workshop.registry.document(TENANT, first.document.id)
    again = workshop.upload("a.txt", "one")
    assert again.unchanged
    assert again.job is None
    assert again.document == before
    assert workshop.queue.submitted == []


def test_changed_metadata_is_a_new_version_and_missing_metadata_keeps_it(workshop: Workshop) -> None:
    workshop.ingest("a.txt", "one", metadata={"year": 2025})
    assert workshop.upload("a.txt", "one").unchanged
    changed = workshop.upload("a.txt", "one", metadata={"year": 2026})
    assert not changed.unchanged
    workshop.work()
    assert workshop.registry.document(TENANT, changed.document.id).metadata == {"year": 2026}
    assert workshop.originals() == 1


def test_a_later_upload_supersedes_a_queued_one(workshop: Workshop) -> None:
    first = workshop.upload("a.txt", "one")
    second = workshop.upload("a.txt", "two")
    assert workshop.job(first.job.id).status is Status.CANCELLED
    workshop.work()
    assert workshop.job(second.job.id).status is Status.READY
    assert workshop.visible() == ["two"]
    assert workshop.originals() == 1


def test_returning_to_the_active_bytes_gives_up_the_pending_version(workshop: Workshop) -> None:
    document = workshop.ingest("a.txt", "one")
    pending = workshop.upload("a.txt", "two")
    back = workshop.upload("a.txt", "one")
    assert (back.unchanged, back.job, back.document.status) == (True, None, Status.READY)
    assert workshop.job(pending.job.id).status is Status.CANCELLED
    workshop.work()
    assert workshop.visible() == ["one"]
    assert workshop.registry.document(TENANT, document.id).content_hash == document.content_hash


def test_retry_is_for_failed_and_cancelled_documents(workshop: Workshop) -> None:
    failed = workshop.ingest("a.txt", b"\xff\xfe\xff")
    assert failed.status is Status.FAILED
    job = workshop.intake.retry(TENANT, failed.id)
    assert (job.version, workshop.registry.document(TENANT, failed.id).status) == (2, Status.QUEUED)
    with pytest.raises(NothingToRetry):
        workshop.intake.retry(TENANT, failed.id)
    # The same bytes again count as a retry too, once the last try has failed.
    workshop.work()
    again = workshop.upload("a.txt", b"\xff\xfe\xff")
    assert (again.unchanged, again.job.version) == (False, 3)


def test_cancel_before_any_worker_had_the_job(workshop: Workshop) -> None:
    upload = workshop.upload("a.txt", "one")
    assert workshop.intake.cancel(TENANT, upload.job.id).status is Status.CANCELLED
    assert workshop.registry.document(TENANT, upload.document.id).status is Status.CANCELLED
    with pytest.raises(JobFinished):
        workshop.intake.cancel(TENANT, upload.job.id)
    workshop.work()
    assert workshop.points.rows() == []
    workshop.intake.retry(TENANT, upload.document.id)
    workshop.work()
    assert workshop.visible() == ["one"]


def test_delete_hides_at_once_frees_the_name_and_removes_everything(workshop: Workshop) -> None:
    document = workshop.ingest("a.txt", "one")
    revision = workshop.registry.collection(TENANT, "default").revision
    job = workshop.intake.delete(TENANT, document.id)
    assert job.kind is JobKind.DELETE
    assert workshop.visible() == []
    assert workshop.registry.collection(TENANT, "default").revision > revision
    assert workshop.registry.document(TENANT, document.id).status is Status.DELETING
    assert workshop.intake.delete(TENANT, document.id).id == job.id
    newer = workshop.upload("a.txt", "one")
    assert newer.document.id != document.id
    workshop.work()
    assert workshop.visible() == ["one"]
    assert workshop.originals() == 1
    with pytest.raises(UnknownDocument):
        workshop.registry.document(TENANT, document.id)
    assert workshop.job(job.id).status is Status.DELETED
    workshop.intake.delete(TENANT, newer.document.id)
    workshop.work()
    assert (workshop.points.rows(), workshop.originals()) == ([], 0)
    assert workshop.registry.collection(TENANT, "default").document_count == 0


def test_shared_content_outlives_one_of_its_documents(workshop: Workshop) -> None:
    first = workshop.ingest("a.txt", "same")
    workshop.ingest("b.txt", "same")
    workshop.intake.delete(TENANT, first.id)
    workshop.work()
    assert (workshop.originals(), workshop.visible()) == (1, ["same"])


def test_lists_are_paged_newest_first(workshop: Workshop) -> None:
    for n in range(7):
        workshop.upload(f"{n}.txt", f"text {n}", collection="even" if n % 2 == 0 else "odd")
    seen, cursor = [], None
    while True:
        page = workshop.registry.documents(TENANT, limit=3, cursor=cursor)
        seen += [document.name for document in page.documents]
        cursor = page.next_cursor
        if cursor is None:
            break
        workshop.upload(f"later-{len(seen)}.txt", "does not disturb")
    assert seen == [f"{n}.txt" for n in reversed(range(7))]
    odd = workshop.registry.documents(TENANT, collection="odd").documents
    assert [document.name for document in odd] == ["later-6.txt", "later-3.txt", "5.txt", "3.txt", "1.txt"][2:]
    assert len(workshop.registry.documents(TENANT, status=Status.QUEUED).documents) == 9
    assert workshop.registry.documents(TENANT, status=Status.READY).documents == ()
    assert [c.name for c in workshop.registry.collections(TENANT)] == ["default", "even", "odd"]
    for cursor in ["x", "", "bm90IGpzb24=", "WyIyMDI2LTAxLTAxIiwgMV0="]:
        with pytest.raises(InvalidInput) as refusal:
            workshop.registry.documents(TENANT, cursor=cursor)
        assert refusal.value.code == "invalid_cursor"


def test_names_and_metadata_are_parameters_never_sql(workshop: Workshop) -> None:
    name = "'; DROP TABLE documents; --\"%_.txt"
    document = workshop.ingest(name, "still here", metadata={"note": "' OR 1=1 --"})
    assert workshop.registry.document(TENANT, document.id).name == name
    with pytest.raises(UnknownDocument):
        workshop.registry.document(TENANT, "' OR '1'='1")
    assert workshop.registry.active_versions("' OR '1'='1", [document.id]) == {}


def test_simultaneous_uploads_of_one_document_end_with_one_active_version(workshop: Workshop) -> None:
    texts = [f"version {n}" for n in range(8)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        uploads = list(pool.map(lambda text: workshop.upload("a.txt", text), texts))
    assert len({upload.document.id for upload in uploads}) == 1
    assert sorted(upload.job.version for upload in uploads) == list(range(1, 9))
    workshop.work()
    last = max(uploads, key=lambda upload: upload.job.version)
    document = workshop.registry.document(TENANT, last.document.id)
    assert (document.active_version, document.status) == (8, Status.READY)
    assert len(workshop.visible()) == len(workshop.points.rows()) == workshop.originals() == 1
    ended = [workshop.job(upload.job.id).status for upload in uploads if upload is not last]
    assert ended == [Status.CANCELLED] * 7


def test_content_that_is_being_removed_cannot_be_registered_without_its_bytes(workshop: Workshop) -> None:
    with pytest.raises(Unavailable) as refusal:
        workshop.registry.register_upload(TENANT, "default", "a.txt", "0" * 64, 1, still_stored=workshop.store.exists)
    assert refusal.value.retryable
    assert workshop.registry.documents(TENANT).documents == ()


def test_uploads_and_deletes_of_the_same_bytes_never_lose_them(workshop: Workshop) -> None:
    """Four threads upload and delete documents that share one content; what is ready at the end has its original."""

    def churn(thread: int) -> None:
        for turn in range(4):
            try:
                upload = workshop.upload(f"{thread}.txt", "shared bytes")
            except Unavailable:
                continue
            if upload.job is not None:
                workshop.pipeline.run(upload.job.id)
            if turn % 2:
                workshop.pipeline.run(workshop.intake.delete(TENANT, upload.document.id).id)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(churn, range(4)))
    final = workshop.ingest("final.txt", "shared bytes")
    assert final.status is Status.READY
    assert workshop.store.exists(final.content_hash)
    assert workshop.originals() == 1


def test_the_revision_grows_with_what_can_be_found(workshop: Workshop) -> None:
    registry = workshop.registry
    seen = [registry.revision(TENANT)]
    first = workshop.upload("a.txt", "one")
    assert registry.revision(TENANT) == seen[-1], "nothing can be found of it yet"
    workshop.work()
    seen.append(registry.revision(TENANT))
    assert registry.revision(TENANT, "default") == seen[-1]
    assert registry.revision(TENANT, "unknown") == registry.revision("other") == 0
    registry.register_upload(TENANT, "second", "b.txt", "0" * 64, 1)
    workshop.upload("a.txt", "two")
    workshop.work()
    seen.append(registry.revision(TENANT, "default"))
    registry.request_delete(TENANT, first.document.id)
    seen.append(registry.revision(TENANT, "default"))
    workshop.work()
    seen.append(registry.revision(TENANT, "default") + 1)
    assert seen == sorted(set(seen))
