from __future__ import annotations

import json
import pathlib

from evals.hallucination_rate.error_counts import ANSWERS, ErrorTable
from evals.runs.run_record import RunRecord
from scripts.count_checker_errors import counted, whole_answers, write


def test_sentences_of_an_answer_are_put_together(tmp_path: pathlib.Path) -> None:
    sentence = {"context": ["Rain fell."], "question": "What fell?", "model": "m"}
    rows = [
        {**sentence, "id": "a-0", "answer": "Rain fell.", "label": 1, "preceding": []},
        {**sentence, "id": "a-1", "answer": "So did snow.</s>", "label": 0, "preceding": ["Rain fell."]},
        {**sentence, "id": "b-0", "answer": "Rain.", "label": 1, "preceding": [], "model": "other"},
    ]
    path = tmp_path / "sentences.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = list(whole_answers(path))
    assert [(one["id"], one["answer"], one["label"]) for one in found] == [
        ("a-0", "Rain fell. So did snow.", 0),
        ("b-0", "Rain.", 1),
    ]
    assert found[0]["context"] == ["Rain fell."]


def test_other_rows_are_answers_as_they_are(tmp_path: pathlib.Path) -> None:
    rows = [{"id": str(n), "context": ["x"], "answer": "y", "label": 1, "document": "d"} for n in range(2)]
    path = tmp_path / "summaries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [dict(one) for one in whole_answers(path)] == rows


def test_counts_reach_the_table_and_replace_earlier_ones(tmp_path: pathlib.Path) -> None:
    records = [
        {"id": str(n), "group": str(n), "label": int(n >= 4), "supported": n in (3, 5, 6, 7), "score": 0.5}
        for n in range(8)
    ]
    run = RunRecord("c", {}, None, {}, "2026-01-01T00:00:00Z", 1.0, {}, {}, records, "0" * 64)
    kind = counted(run, "a_set")
    assert (kind["unsupported"]["flagged"], kind["unsupported"]["answers"]) == (3, 4)
    assert (kind["supported"]["flagged"], kind["supported"]["answers"]) == (1, 4)
    path = tmp_path / "table.json"
    for name in ("one", "two", "one"):
        write(path, {"name": name, "version": "1", "threshold": 0.5, "kinds": {ANSWERS: kind}})
    assert len(json.loads(path.read_text())["checkers"]) == 2
    counts = ErrorTable.load(path).of("one", "1")
    assert counts is not None
    assert counts.sensitivity == 0.75
    assert counts.source.startswith("a_set, 8 answers")
