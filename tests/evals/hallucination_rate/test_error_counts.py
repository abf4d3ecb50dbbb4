from __future__ import annotations

import json
import pathlib

import pytest

from evals.hallucination_rate.corrected_rate import ErrorCounts
from evals.hallucination_rate.error_counts import (
    ANSWERS,
    ANY_KIND,
    ErrorTable,
    effective,
    expected_of_another_kind,
    shipped_table,
)


def entry(flagged: int, unsupported: int, alarms: int, sound: int) -> dict[str, object]:
    return {
        "unsupported": {"flagged": flagged, "answers": unsupported, "effective": unsupported / 2},
        "supported": {"flagged": alarms, "answers": sound, "effective": sound},
        "source": "test",
    }


@pytest.fixture
def table(tmp_path: pathlib.Path) -> ErrorTable:
    path = tmp_path / "counts.json"
    kinds = {ANSWERS: entry(80, 100, 10, 100), "summaries": entry(40, 100, 30, 100)}
    path.write_text(json.dumps({"checkers": [{"name": "one", "version": "1", "threshold": 0.5, "kinds": kinds}]}))
    return ErrorTable.load(path)


def test_counts_are_those_of_name_version_and_kind(table: ErrorTable) -> None:
    counts = table.of("one", "1")
    assert counts == ErrorCounts(40, 50, 10, 100, "test")  # 80 of 100, which say as much as 40 of 50
    assert table.kinds("one", "1") == [ANSWERS, "summaries"]
    assert table.of("one", "2") is None
    assert table.of("other", "1") is None


def test_another_kind_carries_how_kinds_differ(table: ErrorTable) -> None:
    counts = table.of("one", "1", ANY_KIND)
    assert counts is not None
    assert 0.4 < counts.sensitivity < 0.8
    assert 0.7 < counts.specificity < 0.9
    # Two kinds 40 points apart: what they say of a third is worth a handful of answers.
    assert 1 < counts.unsupported_total < 10


def test_kinds_that_agree_say_much_of_another() -> None:
    alike = [ErrorCounts(80, 100, 10, 100, "test"), ErrorCounts(82, 100, 11, 100, "test")]
    expected = expected_of_another_kind(alike)
    assert expected is not None
    assert expected.unsupported_total > 100
    assert expected.sensitivity == pytest.approx(0.81, abs=0.01)
    assert expected_of_another_kind(alike[:1]) is None


def test_answers_that_hang_together_count_less() -> None:
    flags = [True] * 50 + [False] * 50
    assert effective(flags, [str(place) for place in range(100)])[1] == pytest.approx(99, abs=1)
    in_tens = effective(flags, [str(place // 10) for place in range(100)])
    assert in_tens[0] / in_tens[1] == pytest.approx(0.5)
    assert in_tens[1] == pytest.approx(9, abs=1)  # ten questions, all answers alike within each
    assert effective([True, False], ["a", "a"]) == (0.5, 1.0)
    assert effective([True, True], ["a", "a"]) == (2, 2)
    assert effective([], []) == (0, 0)


def test_a_table_that_is_none_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "counts.json"
    kinds = {ANSWERS: entry(101, 100, 10, 100)}
    path.write_text(json.dumps({"checkers": [{"name": "one", "version": "1", "kinds": kinds}]}))
    with pytest.raises(ValueError):
        ErrorTable.load(path)


def test_the_shipped_table_can_be_read() -> None:
    assert shipped_table().of("nobody", "0") is None
