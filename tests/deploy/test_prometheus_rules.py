"""The alert rules by Prometheus' own tool; scripts/with_services.py installs it where it can."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from evals.hallucination_rate.burn_rate import ALERTS
from evals.hallucination_rate.corrected_rate import ErrorCounts
from evals.hallucination_rate.rate_metrics import RateMetrics
from evals.hallucination_rate.rate_reports import RateReports
from generation.answer_store import AnswerStore
from generation.verdict_metrics import VerdictMetrics
from runtime.database import Database
from tests.evals.hallucination_rate.given_answers import answer_body

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@needs_promtool
@pytest.mark.parametrize("command", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
def test_prometheus_accepts_the_rules_and_they_fire_when_they_should(command: list[str]) -> None:
    done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_burn_alerts_are_those_of_the_code() -> None:
    rules = (FOLDER / "alerts.yml").read_text()
    found = re.findall(r"hallucination_burn:(\w+) > ([\d.]+) and plumbline:hallucination_burn:(\w+) >", rules)
    severities = re.findall(r"alert: HallucinationBurn.*?severity: (\w+)", rules, re.DOTALL)
    hours = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72}
    assert [
        (word, float(burn), hours[long], hours[short])
        for word, (long, burn, short) in zip(severities, found, strict=True)
    ] == [(alert.severity, alert.burn, alert.long_hours, alert.short_hours) for alert in ALERTS]


def test_every_alert_says_what_to_do() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    sections = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", runbook, re.M)
    }
    for alert in re.split(r"- alert: ", (FOLDER / "alerts.yml").read_text())[1:]:
        name = alert.split("\n", 1)[0]
        assert "summary:" in alert and "description:" in alert, name
        assert re.search(r"runbook: docs/runbook\.md#(\S+)", alert)[1] in sections, name  # type: ignore[index]


def test_rules_and_dashboard_use_metrics_that_there_are(tmp_path: Path) -> None:
    """A renamed metric would leave an alert silent for ever."""
    database = Database(f"sqlite:///{tmp_path}/records.db")
    database.upgrade()
    kept, registry = VerdictMetrics(), CollectorRegistry()
    counts = ErrorCounts(90, 100, 5, 100, "a test")
    AnswerStore(database, kept.answer_kept).save("one", None, answer_body("supported"))
    registry.register(kept)
    registry.register(RateMetrics(RateReports(database, lambda _: counts, 0.05)))
    shown = {sample.name: set(sample.labels) for family in registry.collect() for sample in family.samples}
    rules = (FOLDER / "alerts.yml").read_text()
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "groundedness.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    recorded = set(re.findall(r"record: (\S+)", rules))
    for text in [rules, *queries]:
        for name, labels in re.findall(r"(?<![\w:])(plumbline_\w+)(\{[^}]*\})?", text):
            assert name in shown, name
            assert set(re.findall(r"(\w+)=", labels)) <= shown[name], (name, labels)
        assert set(re.findall(r"plumbline:\w+(?::\w+)?", text)) <= recorded
