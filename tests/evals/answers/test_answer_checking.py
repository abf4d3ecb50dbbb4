"""Given answers through the checker that the platform uses."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from evals.answers.answer_checking import verify
from evals.assembly import passages_of, run_groundedness
from evals.cases import ContextText
from evals.groundedness.groundedness_cases import GroundednessCase
from generation.checking.checker import VerbatimChecker
from runtime.settings import ModelSettings, Settings
from tests.model_server import model_server
from tests.provider.behaviour import Behaviour, Received

PIER = "The night ferry leaves the north pier at eleven. Dogs travel free. The harbour office opens at seven."
PASSAGES = passages_of([ContextText("0", "", PIER)])


def checked(answer: str, question: str = "") -> dict[str, Any]:
    case = GroundednessCase("1", (PIER,), answer, True, "g", question=question)
    return verify(VerbatimChecker(), case, PASSAGES)


def test_places_are_those_of_the_answer_with_its_marks() -> None:
    answer = "Dogs travel free. [1] Cats pay double [2]. The harbour office opens at seven [1, 2]."
    found = checked(answer)
    spans = [answer[slice(*sentence["span"])] for sentence in found["sentences"]]
    assert spans == ["Dogs travel free.", "Cats pay double [2].", "The harbour office opens at seven [1, 2]."]
    assert [sentence["supported"] for sentence in found["sentences"]] == [True, False, True]
    assert found["sentences"][0]["quote"] == "Dogs travel free." and "quote" not in found["sentences"][1]
    assert [answer[start:end] for start, end in found["unsupported_spans"]] == ["Cats pay double [2]."]
    assert found["score"] == 0.0 and not found["supported"] and found["latency_ms"] > 0


def judged(file: pathlib.Path) -> pathlib.Path:
    rows = [
        {"answer": "The night ferry leaves the north pier at eleven.", "label": 1},
        {"answer": "Dogs travel free on the ferry.", "label": 1, "spans": []},
        {"answer": "Giraffes are insured by the Bank of Zurich.", "label": 0, "spans": [[0, 8], [28, 42]]},
        {"answer": "At eleven.", "question": "When does the night ferry leave the north pier?", "label": 1},
    ]
    lines = (json.dumps({"id": str(n), "context": [PIER, "Tides turn twice."], **row}) for n, row in enumerate(rows))
    file.write_text("\n".join(lines), "utf-8")
    return file


def test_the_platforms_own_checker_is_measured(tmp_path: pathlib.Path) -> None:
    shares: list[float] = []
    run = run_groundedness(
        Settings(data_dir=tmp_path / "data"),
        judged(tmp_path / "judged.jsonl"),
        command="plumb eval groundedness --data judged.jsonl",
        on_progress=lambda stage, share: shares.append(share),
    )
    assert run.metrics["auroc"] == 1.0 and run.metrics["span_recall"] == 1.0
    assert [record["supported"] for record in run.records] == [True, True, False, True]
    assert shares[-1] == 1.0 and not (tmp_path / "data").exists()
    assert run.kind == "groundedness" and len(run.models["embedding"]["sha256"]) == 64
    assert run.models["checker"].keys() == {"name", "version", "threshold"}


def test_a_checker_that_does_not_exist_is_a_clear_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Exception, match="oracle"):
        run_groundedness(Settings(), judged(tmp_path / "judged.jsonl"), checker="oracle", command="")


def test_a_run_of_a_judge_tells_of_the_answers_that_it_did_not_judge(tmp_path: pathlib.Path) -> None:
    """Or the figures of the checker that took its place would pass for its own."""
    rows = [
        {"id": str(n), "context": [PIER], "answer": f"Dogs on ferry {n} travel without paying.", "label": n % 2}
        for n in range(6)
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    with model_server() as provider:
        model = ModelSettings(name="auditor", model="judges", endpoint=provider.openai_url, retries=0)
        settings = Settings(data_dir=tmp_path, models=(model,))

        def decide(received: Received) -> Behaviour | None:
            return Behaviour(status=500) if "ferry 4" in received.prompt.user_text else None

        provider.decide(decide)
        run = run_groundedness(settings, file, checker="judge:auditor", threads=3, command="c")
    assert run.models["checker"]["name"] == "judge:auditor"
    assert run.metrics["warned_share"] == pytest.approx(1 / 6)
    (warned,) = [record for record in run.records if "warnings" in record]
    assert warned["id"] == "4" and "plumbline" in warned["warnings"][0]
