"""Whole evaluations through the real embedder, index and answerer, on a few records written for this."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import pytest

from evals.assembly import ARMS, run_answers, run_retrieval
from evals.case_files import InvalidCases
from evals.cases import CorpusRecord
from evals.retrieval.temporary_index import as_document
from evals.runs.run_record import read_run_record
from runtime.errors import InvalidInput
from runtime.settings import Settings

RECORDS = {
    "ferry": ("Ferry", "The night ferry leaves the north pier at eleven and reaches the island before dawn."),
    "crane": ("Crane", "The harbour crane lifts containers of forty tonnes. Its operator needs a licence."),
    "tides": ("Tides", "High water comes twice a day, about fifty minutes later each day than the day before."),
    "title only": ("Opening hours of the customs office", ""),
    "empty": ("", ""),
    "long": ("Harbour rules", " ".join(f"Rule {n} of the harbour concerns berth number {n}." for n in range(120))),
}
QUESTIONS = {
    "q1": ("When does the night ferry leave?", "ferry"),
    "q2": ("How much can the crane lift?", "crane"),
    "q3": ("customs office opening hours", "title only"),
    "q4": ("Which rule concerns berth number 117?", "long"),
}


@pytest.fixture
def beir(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "harbour"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": key, "title": title, "text": text} for key, (title, text) in RECORDS.items()]
    queries = [{"_id": key, "text": text} for key, (text, _) in QUESTIONS.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    judgments = "".join(f"{query}\t{record}\t1\n" for query, (_, record) in QUESTIONS.items())
    (folder / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n" + judgments, "utf-8")
    return folder


def test_retrieval_is_measured_on_the_real_index(beir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    user_data = tmp_path / "user-data"
    stages: list[str] = []
    run = run_retrieval(
        Settings(data_dir=user_data),
        beir,
        command="plumb eval retrieval --data harbour",
        on_progress=lambda stage, share: stages.append(stage),
    )
    for arm in ARMS:
        assert run.metrics[f"{arm}/recall@100"] == 1.0, arm
    assert run.metrics["reranked/mrr@10"] == 1.0
    assert run.metrics["records"] == 6 and run.metrics["chunks"] > 6  # the long record became several
    assert [record["id"] for record in run.records] == list(QUESTIONS)
    assert run.records[3]["reranked/top"].count("long") == 1
    assert {"embedding", "indexing", "searching"} <= set(stages)
    assert run.settings["arms"] == list(ARMS) and run.settings["split"] == "dev"
    assert not user_data.exists(), "an evaluation must not touch the user's data folder"
    run.write(tmp_path / "run.json")
    assert read_run_record(tmp_path / "run.json").metrics == run.metrics


def test_unknown_arms_are_refused_before_any_work(beir: pathlib.Path) -> None:
    with pytest.raises(InvalidInput, match="Unknown arm sparse; there are bm25, dense"):
        run_retrieval(Settings(), beir, arms=["bm25", "sparse"], command="")
    with pytest.raises(InvalidCases):
        run_retrieval(Settings(), beir, split="test", command="")


def test_a_record_becomes_a_document_as_a_parser_would_give_it() -> None:
    document = as_document(CorpusRecord("1", "Rules", "First rule.\n\n\n\nSecond rule.\n"))
    assert [element.text for element in document.elements] == ["First rule.", "Second rule."]
    assert document.title == "Rules"
    title_only = as_document(CorpusRecord("2", "Rules", " "))
    assert (title_only.title, title_only.text) == ("", "Rules")
    assert as_document(CorpusRecord("3", "", "")).elements == ()


def write_questions(file: pathlib.Path, *, with_context: bool) -> None:
    texts = [{"id": key, "title": title, "text": text} for key, (title, text) in RECORDS.items() if text][:3]
    rows: list[dict[str, Any]] = [
        {"question": "When does the night ferry leave the north pier?", "answers": ["at eleven"], "answerable": True},
        {"question": "Who composed the opera about migrating geese?", "answers": [], "answerable": False},
    ]
    lines = (json.dumps({"id": str(n), "context": texts if with_context else [], **row}) for n, row in enumerate(rows))
    file.write_text("\n".join(lines), "utf-8")


def test_answers_are_read_from_the_given_context_alone(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "questions.jsonl"
    write_questions(file, with_context=True)
    run = run_answers(Settings(data_dir=tmp_path / "user-data"), file, command="plumb eval answers", model="extractive")
    answered, refused = run.records
    assert answered["correct"] and "at eleven" in answered["answer"]
    assert answered["citations"][0]["document_id"] == "ferry"
    assert refused["refused"] and refused["correct"] and refused["citations"] == []
    assert run.metrics["accuracy"] == 1.0 and run.metrics["refusal_recall"] == 1.0
    assert run.metrics["cost_per_1000_usd"] == 0.0 and run.metrics["p95_ms"] > 0
    assert not (tmp_path / "user-data").exists()


def test_questions_without_context_are_asked_of_the_collection(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "questions.jsonl"
    write_questions(file, with_context=False)
    asked: list[str] = []

    def ask_collection(question: str) -> Mapping[str, Any]:
        asked.append(question)
        refused = "opera" in question
        return {
            "answer": "no" if refused else "It leaves at eleven. [1]",
            "refused": refused,
            "citations": [],
            "groundedness": None,
            "usage": {"cost_usd": 0.5},
            "unsupported_removed": 0,
            "model": {"name": "extractive", "route": "extractive"},
        }

    run = run_answers(Settings(), file, command="", ask_collection=ask_collection)
    assert run.metrics["accuracy"] == 1.0 and run.metrics["cost_per_1000_usd"] == 500.0
    assert len(asked) == 3  # the first once more, to warm up
    with pytest.raises(InvalidInput, match="no collection to search"):
        run_answers(Settings(), file, command="")
