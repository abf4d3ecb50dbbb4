"""Recalibration on a team's own verdicts: from the audit's records, and from a run over labelled answers."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.evaluate import app
from evals.groundedness.recalibration import recalibrate
from evals.hallucination_rate.audit_queue import AuditQueue
from evals.hallucination_rate.judged_scores import judged_scores
from evals.hallucination_rate.judgements import AuditVerdict, Judgement
from evals.hallucination_rate.verdict_counts import CheckerKey
from evals.hallucination_rate.window import AnswerFilter
from evals.runs.run_record import RunRecord
from generation.answer_verdicts import answer_verdicts
from generation.checking.assembly import build_checker
from generation.checking.calibration import Calibration, CalibrationImpossible
from retrieval.assembly import build_embedder
from runtime.database import Database
from runtime.errors import InvalidInput
from runtime.settings import Settings
from tests.evals.hallucination_rate.given_answers import ALL_TIME, give


@pytest.fixture(scope="module")
def checker() -> CheckerKey:
    info = build_checker(Settings(), build_embedder(Settings())).info
    return CheckerKey(info.name, info.version)


def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a checker that is far too sure, and what people say."""
    chance = np.random.default_rng(7)
    scores = chance.uniform(0.03, 0.97, count)
    odds = 0.4 * np.log(scores / (1 - scores)) - 0.8
    return scores, chance.uniform(size=count) < 1 / (1 + np.exp(-odds))


def run_of(path: pathlib.Path, checker: CheckerKey, count: int = 400, **changes: Any) -> pathlib.Path:
    scores, labels = drawn(count)
    records = [
        {"id": str(n), "group": f"question {n // 2}", "score": float(score), "label": int(label)}
        for n, (score, label) in enumerate(zip(scores, labels, strict=True))
    ]
    models = {"checker": {"name": checker.name, "version": checker.version, "threshold": 0.5}}
    fields = {"kind": "groundedness", "models": models, "settings": {"data": "ours.jsonl"}, **changes}
    RunRecord(
        command="c",
        commit=None,
        machine={},
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        metrics={},
        intervals={},
        records=records,
        data_hash="hash",
        **fields,
    ).write(path)
    return path


def test_a_run_over_labelled_answers_makes_a_calibration_that_the_settings_take(
    tmp_path: pathlib.Path, checker: CheckerKey
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    found = recalibrate(settings, run=run_of(tmp_path / "run.json", checker))
    assert found.path == settings.data_dir / "checker_calibration.json"
    assert found.after is not None and found.after < 0.6 * found.before
    assert "400 labelled answers (ours.jsonl)" in found.fitted.source
    in_use = settings.model_copy(update={"checker_calibration": found.path})
    assert build_checker(in_use, build_embedder(settings)).info.version == found.version
    assert found.version.startswith(f"{checker.version}+cal-")


def test_a_run_of_another_checker_or_kind_is_refused(tmp_path: pathlib.Path, checker: CheckerKey) -> None:
    settings = Settings(data_dir=tmp_path)
    other = run_of(tmp_path / "other.json", CheckerKey("plumbline", "0"))
    with pytest.raises(InvalidInput, match="is a run of the checker plumbline 0, and"):
        recalibrate(settings, run=other)
    with pytest.raises(InvalidInput, match="lacks labels"):
        recalibrate(settings, run=run_of(tmp_path / "answers.json", checker, kind="answers"))
    with pytest.raises(CalibrationImpossible, match="At least 30"):
        recalibrate(settings, run=run_of(tmp_path / "few.json", checker, 20))
    assert not (tmp_path / "checker_calibration.json").exists()


def test_audited_answers_make_one_too(tmp_path: pathlib.Path, checker: CheckerKey) -> None:
    settings = Settings(data_dir=tmp_path)
    database = Database(settings.resolved_database_url())
    database.upgrade()
    audited(database, checker, 80)
    give(database, version="0", supported=3)  # another version's, judged below
    queue = AuditQueue(database)
    queue.draw(AnswerFilter("one", ALL_TIME), 3)
    for item in queue.to_judge("one", 3):
        queue.judge("one", item.audit_id, Judgement(AuditVerdict.SUPPORTED, "ann"))
    read = judged_scores(database, checker)
    assert (len(read.ids), read.of_others) == (80, 3)
    database.close()
    found = recalibrate(settings)
    assert (found.fitted.supported + found.fitted.unsupported, found.left_out) == (80, 3)
    assert "80 audited answers" in found.fitted.source
    assert Calibration.load(found.path).of("any").slope < 1  # the checker was too sure


def audited(database: Database, checker: CheckerKey, count: int) -> None:
    """So many answers with scores, every one drawn and judged but one that nobody can decide."""
    scores, labels = drawn(count + 1)
    ids = give(database, version=checker.version, supported=count + 1)
    with database.write() as connection:
        for answer_id, score in zip(ids, scores, strict=True):
            own = sa.update(answer_verdicts).where(answer_verdicts.c.answer_id == answer_id)
            connection.execute(own.values(score=float(score)))
    queue = AuditQueue(database)
    queue.draw(AnswerFilter("one", ALL_TIME), count + 1)
    label_of = dict(zip(ids, labels, strict=True))
    for place, item in enumerate(queue.to_judge("one", count + 1)):
        supported = label_of[item.answer["answer_id"]]
        verdict = AuditVerdict.SUPPORTED if supported else AuditVerdict.UNSUPPORTED
        queue.judge("one", item.audit_id, Judgement(AuditVerdict.UNDECIDABLE if place == count else verdict, "ann"))


def test_the_command_says_what_it_did_and_how_to_use_it(
    tmp_path: pathlib.Path, checker: CheckerKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMB_DATA_DIR", str(tmp_path / "data"))
    run = run_of(tmp_path / "run.json", checker)
    told = CliRunner().invoke(app, ["recalibrate", "--run", str(run), "--out", str(tmp_path / "cal.json")])
    assert told.exit_code == 0, told.output
    assert f"PLUMB_CHECKER_CALIBRATION={tmp_path / 'cal.json'}" in told.output
    assert "before" in told.output and "cross-validated" in told.output
    as_json = CliRunner().invoke(app, ["recalibrate", "--run", str(run), "--json"])
    assert json.loads(as_json.stdout)["supported"] + json.loads(as_json.stdout)["unsupported"] == 400
