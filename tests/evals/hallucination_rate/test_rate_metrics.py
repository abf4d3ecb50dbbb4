from __future__ import annotations

import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from evals.hallucination_rate.corrected_rate import ErrorCounts
from evals.hallucination_rate.rate_metrics import RateMetrics
from evals.hallucination_rate.rate_reports import RateReports
from runtime.database import Database
from tests.evals.hallucination_rate.given_answers import give

COUNTS = ErrorCounts(900, 1000, 100, 1000, "a test")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/records.db")
    database.upgrade()
    return database


def sample(metrics: RateMetrics, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(metrics)
    return registry.get_sample_value(f"plumbline_{name}", labels)


def test_what_is_shown_is_the_corrected_rate_of_all_tenants(database: Database) -> None:
    give(database, supported=70, unsupported=10)
    give(database, supported=70, unsupported=50, tenant="two", collection="secret")
    metrics = RateMetrics(RateReports(database, lambda _: COUNTS, 0.05), cache_seconds=0)
    rate = sample(metrics, "hallucination_rate", window="24h")
    assert rate == pytest.approx(0.25, abs=0.01), "(0.3 - 0.1) / 0.8"
    low, high = (sample(metrics, f"hallucination_rate_{end}", window="24h") for end in ("low", "high"))
    assert low < rate < high  # type: ignore[operator]
    assert sample(metrics, "hallucination_rate_answers", window="30d") == 200
    assert sample(metrics, "checker_sensitivity", checker="plumbline 1") == 0.9
    assert sample(metrics, "checker_specificity", checker="plumbline 1") == 0.9
    assert sample(metrics, "checker_contradicted", checker="plumbline 1") == 0
    assert sample(metrics, "hallucination_objective") == 0.05
    assert sample(metrics, "hallucination_least_answers", checker="plumbline 1", burn="6") >= 50  # type: ignore[operator]
    assert sample(metrics, "hallucination_alarm", checker="plumbline 1") in (0, 1)
    registry = CollectorRegistry()
    registry.register(metrics)
    assert not {"two", "secret"} & set(generate_latest(registry).decode().replace('"', " ").split())


def test_a_checker_that_was_never_counted_has_no_rate_and_no_gauges_to_correct_by(database: Database) -> None:
    give(database, supported=5, unsupported=5)
    metrics = RateMetrics(RateReports(database, lambda _: None, 0.05), cache_seconds=0)
    assert math.isnan(sample(metrics, "hallucination_rate", window="24h"))  # type: ignore[arg-type]
    assert sample(metrics, "checker_sensitivity", checker="plumbline 1") is None
    assert sample(metrics, "hallucination_rate_high", window="24h") == 1


def test_scrapes_one_after_another_read_once_and_none_reads_at_start(database: Database) -> None:
    metrics = RateMetrics(RateReports(database, lambda _: COUNTS, 0.05), cache_seconds=60)
    assert sample(metrics, "hallucination_rate_answers", window="24h") == 0
    give(database, supported=1)
    assert sample(metrics, "hallucination_rate_answers", window="24h") == 0
    fresh = RateMetrics(RateReports(Database("sqlite:////no/such/folder/records.db"), lambda _: COUNTS, 0.05))
    CollectorRegistry().register(fresh)


def test_records_that_do_not_answer_cost_only_these_metrics(tmp_path: Path) -> None:
    gone = Database(f"sqlite:///{tmp_path}/no/such/folder/records.db")
    assert list(RateMetrics(RateReports(gone, lambda _: COUNTS, 0.05)).collect()) == []
