from __future__ import annotations

import gzip
import json
import pathlib
from typing import Any

import pytest

from evals.case_files import InvalidCases
from evals.groundedness.groundedness_cases import read_groundedness

GOOD = {"id": "1", "context": ["The pier closes at nine."], "answer": "It closes at nine.", "label": 1}


def written(file: pathlib.Path, *rows: dict[str, Any]) -> pathlib.Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def test_reads_plain_and_gzipped_lines_alike(tmp_path: pathlib.Path) -> None:
    spans = GOOD | {"id": 2, "label": False, "spans": [[13, 17], [0, 2]], "kind": "number_swap", "domain": "harbour"}
    file = written(tmp_path / "judged.jsonl", GOOD, spans)
    data = read_groundedness(file)
    first, second = data.cases
    assert (first.supported, first.spans, first.kind) == (True, None, "")
    assert (second.case_id, second.supported, second.spans) == ("2", False, ((0, 2), (13, 17)))
    assert (second.kind, second.domain) == ("number_swap", "harbour")
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert read_groundedness(tmp_path / "packed.jsonl.gz") == data
    assert read_groundedness(tmp_path / "packed.jsonl") == data, "the .gz is found under the plain name"
    assert len(read_groundedness(file, limit=1).cases) == 1


def test_what_hangs_together(tmp_path: pathlib.Path) -> None:
    rows = [
        GOOD | {"id": "a", "document": "d1", "question": "q1"},
        GOOD | {"id": "b", "document": "d1", "question": "q2"},
        GOOD | {"id": "c", "question": "q1"},
        GOOD | {"id": "d"},
        GOOD | {"id": "e", "answer": "Never."},
        GOOD | {"id": "f", "context": ["Another text."]},
    ]
    a, b, c, d, e, f = (case.group for case in read_groundedness(written(tmp_path / "x.jsonl", *rows)).cases)
    assert a == b and d == e and len({a, c, d, f}) == 4
    by_id = read_groundedness(tmp_path / "x.jsonl", group_by="id").cases
    assert len({case.group for case in by_id}) == 6
    with pytest.raises(InvalidCases, match="line 3: `document` is missing"):
        read_groundedness(tmp_path / "x.jsonl", group_by="document")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label": None}, "`label` must be 1"),
        ({"label": 2}, "not 2"),
        ({"label": "yes"}, "not 'yes'"),
        ({"answer": " "}, "`answer` is empty"),
        ({"answer": None}, "`answer` is missing"),
        ({"context": []}, "`context` is empty"),
        ({"context": ["", "\n"]}, "`context` is empty"),
        ({"context": "text"}, "`context` must be a list"),
        ({"context": [{"text": "x"}]}, "`context` must be a list"),
        ({"spans": [[3, 99]]}, "the span [3, 99) is not in the answer, which has 18 characters"),
        ({"spans": [[5, 5]]}, "the span [5, 5)"),
        ({"spans": [[-1, 5]]}, "the span [-1, 5)"),
        ({"spans": [[0, 1.5]]}, "`spans` must be a list"),
        ({"spans": [[True, 2]]}, "`spans` must be a list"),
        ({"question": ["x"]}, "`question` is missing or not a text"),
        ({"id": "0"}, "the id '0' occurs twice"),
        ({"id": None}, "`id` is missing"),
    ],
)
def test_bad_lines_are_named(tmp_path: pathlib.Path, change: dict[str, object], complaint: str) -> None:
    file = written(tmp_path / "judged.jsonl", GOOD | {"id": "0"}, GOOD | change)
    with pytest.raises(InvalidCases) as raised:
        read_groundedness(file)
    assert "judged.jsonl, line 2: " in raised.value.message and complaint in raised.value.message


def test_an_empty_file_holds_nothing(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidCases, match="holds no answers"):
        read_groundedness(written(tmp_path / "x.jsonl"))
