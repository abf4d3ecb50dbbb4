"""What every store of answered questions promises. A test file subclasses it and gives the fixture `store` (4-d)."""

from __future__ import annotations

import dataclasses
import threading
import uuid

import numpy as np
import pytest

from retrieval.question_store import QuestionRecord, QuestionStore

DIMENSION = 4


def vector(*values: float) -> np.ndarray:
    full = np.array([*values, *[0.0] * (DIMENSION - len(values))], dtype=np.float32)
    return full / np.linalg.norm(full)


def record(number: int, *, key: str = "k", documents: tuple[str, ...] = ("d1",), at: float = 100.0) -> QuestionRecord:
    entry_id = str(uuid.UUID(int=number))
    return QuestionRecord(entry_id, key, f"question {number}", documents, at, at, f'{{"n": {number}}}')


class QuestionStoreContract:
    def test_the_nearest_under_the_key_come_first(self, store: QuestionStore) -> None:
        store.put(record(1), vector(1, 0))
        store.put(record(2), vector(1, 1))
        store.put(record(3), vector(0, 1))
        store.put(record(4, key="other"), vector(1, 0))
        found = store.nearest("k", vector(1, 0.1), 2)
        assert [match.record for match in found] == [record(1), record(2)]
        assert found[0].similarity == pytest.approx(float(vector(1, 0) @ vector(1, 0.1)), abs=1e-4)
        assert store.nearest("unknown", vector(1, 0), 5) == []
        assert store.count() == 4

    def test_a_put_replaces_the_entry_of_that_id(self, store: QuestionStore) -> None:
        store.put(record(1), vector(1, 0))
        store.put(record(1, key="new"), vector(0, 1))
        assert store.nearest("k", vector(1, 0), 5) == []
        assert [match.similarity for match in store.nearest("new", vector(0, 1), 5)] == pytest.approx([1.0])
        assert store.count() == 1

    def test_entries_go_by_id_and_by_document(self, store: QuestionStore) -> None:
        for number, documents in ((1, ("a", "b")), (2, ("b",)), (3, ("c",)), (4, ())):
            store.put(record(number, documents=documents), vector(1, number))
        store.forget_document("b")
        store.forget_document("unknown")
        assert {match.record.question for match in store.nearest("k", vector(1, 0), 9)} == {"question 3", "question 4"}
        store.delete([record(3).entry_id, str(uuid.uuid4())])
        store.delete([])
        assert store.count() == 1

    def test_a_sweep_takes_the_old_then_the_least_used(self, store: QuestionStore) -> None:
        for number in range(1, 7):
            store.put(record(number, at=100.0 + number), vector(1, number))
        store.touch(record(3).entry_id, 500.0)
        store.touch(str(uuid.uuid4()), 500.0)
        store.sweep(created_before=102.5, keep=2)
        left = {match.record.question: match.record.used_at for match in store.nearest("k", vector(1, 0), 9)}
        assert left == {"question 3": 500.0, "question 6": 106.0}
        store.sweep(created_before=1000.0, keep=10)
        assert store.count() == 0

    def test_a_body_changes_and_the_rest_stays(self, store: QuestionStore) -> None:
        store.put(record(1), vector(1, 0))
        store.touch(record(1).entry_id, 300.0, "new")
        changed = dataclasses.replace(record(1), used_at=300.0, body="new")
        assert [match.record for match in store.nearest("k", vector(1, 0), 1)] == [changed]

    def test_a_vector_of_another_length_is_refused(self, store: QuestionStore) -> None:
        with pytest.raises(ValueError, match=r"\(4,\)"):
            store.put(record(1), np.ones(3, dtype=np.float32))

    def test_many_threads(self, store: QuestionStore) -> None:
        failures: list[BaseException] = []

        def work(first: int) -> None:
            try:
                for number in range(first, first + 10):
                    store.put(record(number), vector(1, number))
                    assert store.nearest("k", vector(1, number), 3)
                    store.touch(record(number).entry_id, 200.0)
                    if number % 3 == 0:
                        store.delete([record(number).entry_id])
                store.sweep(0.0, 1000)
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(1 + 10 * one,)) for one in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert store.count() == sum(number % 3 != 0 for number in range(1, 41))
