from __future__ import annotations

import dataclasses
import json
import pathlib
import platform

import pytest

from evals.runs.run_record import RunRecord, machine_facts, read_run_record, utc_now
from runtime.errors import InvalidInput

RECORD = RunRecord(
    command="plumb eval answers --data q.jsonl",
    settings={"top_k": 10},
    commit=None,
    machine=machine_facts(),
    started=utc_now(),
    seconds=1.5,
    metrics={"f1": 0.5},
    intervals={"f1": (0.25, 0.75)},
    records=[{"id": "1", "f1": 0.5}],
    data_hash="ab",
)


def test_a_record_survives_the_file(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "runs" / "one.json"
    RECORD.write(file)
    assert read_run_record(file) == RECORD
    assert set(json.loads(file.read_text("utf-8"))) == {field.name for field in dataclasses.fields(RunRecord)}
    assert list(file.parent.iterdir()) == [file]


def test_other_files_are_refused_in_words(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "other.json"
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_run_record(file)
    for content, complaint in (("{", "not JSON"), ("[]", "lacks command"), ('{"metrics": {}}', "lacks command")):
        file.write_text(content, "utf-8")
        with pytest.raises(InvalidInput, match=complaint):
            read_run_record(file)
    file.write_text(json.dumps(RECORD.to_json() | {"records": [1]}), "utf-8")
    with pytest.raises(InvalidInput, match="`records`"):
        read_run_record(file)
    file.write_text(json.dumps(RECORD.to_json() | {"intervals": {"f1": 0.5}}), "utf-8")
    with pytest.raises(InvalidInput, match="`intervals`"):
        read_run_record(file)


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(InvalidInput, match="could not be written"):
        RECORD.write(tmp_path / "file" / "run.json")


def test_machine_facts_do_not_name_the_host() -> None:
    assert platform.node() not in json.dumps(machine_facts())
    assert machine_facts()["cores"] >= 1
