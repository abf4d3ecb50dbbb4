from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cli.doctor_checks import Check, _checker, _chunk_length, _groundedness, _language_models
from retrieval.index_metrics import IndexMetrics
from retrieval.qdrant_edge_index import open_edge_index
from runtime.settings import ModelSettings, Settings
from tests.model_server import model_server
from tests.retrieval.index_world import GENERATION, WORDS, point, stored


class Metrics:
    """A connection to a server that shows these metrics."""

    def __init__(self, folder: Path, chunks: int, terms: int) -> None:
        index = open_edge_index(folder, GENERATION)
        index.upsert([point(stored("a", n, text=" ".join(WORDS[:terms]))) for n in range(chunks)])
        registry = CollectorRegistry()
        registry.register(IndexMetrics(index))
        self._text = generate_latest(registry).decode()
        index.close()

    def text(self, path: str) -> str:
        assert path == "/metrics"
        return self._text


@pytest.mark.parametrize(
    ("chunks", "terms", "state", "words"),
    [
        (120, 30, "note", "mean chunk length 30 terms, index built for 10"),
        (120, 5, "note", "mean chunk length 5 terms"),
        (120, 10, "ok", "mean chunk length 10 terms"),
        (20, 30, None, ""),
        (0, 0, None, ""),
    ],
)
def test_doctor_tells_when_chunks_have_become_longer_than_the_index_reckons(
    tmp_path: Path, chunks: int, terms: int, state: str | None, words: str
) -> None:
    checks: list[Check] = list(_chunk_length(Metrics(tmp_path, chunks, terms)))  # type: ignore[arg-type]
    assert [check.state for check in checks] == ([state] if state else [])
    assert all(words in check.detail for check in checks)
    assert [check.remedy for check in checks if check.state == "note"] == [
        "Run `plumb reindex` (comes with server mode)."
    ] * (state == "note")


class Report:
    """A connection to a server with this hallucination rate."""

    def __init__(self, **fields: object) -> None:
        self._report = {"answers": 100, "slo": "within", "says": "2% of 100 answers.", "monitors": [], **fields}

    def get(self, path: str, **params: str) -> object:
        assert (path, params) == ("/v1/groundedness/rate", {"window": "30d"})
        return self._report


@pytest.mark.parametrize(
    ("fields", "state", "remedy"),
    [
        ({}, "ok", ""),
        ({"slo": "above"}, "note", "runbook"),
        ({"monitors": [{"alarm": True}]}, "note", "runbook"),
        ({"slo": "cannot_tell"}, "note", "plumb eval audit"),
        ({"answers": 0, "slo": "cannot_tell"}, None, ""),
    ],
)
def test_doctor_tells_the_hallucination_rate(fields: dict[str, object], state: str | None, remedy: str) -> None:
    checks = list(_groundedness(Report(**fields)))  # type: ignore[arg-type]
    assert [check.state for check in checks] == ([state] if state else [])
    assert all(remedy in check.remedy and "2% of" in check.detail for check in checks)


def test_doctor_asks_each_language_model_for_one_token() -> None:
    with model_server() as provider:
        settings = Settings(
            models=(
                ModelSettings(name="good", model="evidence", endpoint=provider.openai_url),
                ModelSettings(name="barred", model="x?status=401", endpoint=provider.url, protocol="anthropic"),
                ModelSettings(name="gone", endpoint="http://127.0.0.1:9/v1"),
                ModelSettings(name="slow", model="x?first_token_delay_s=9", endpoint=provider.openai_url)
                .model_copy(update={"first_token_seconds": 0.2, "connect_seconds": 0.2}),
                ModelSettings(name="keyless", key_variable="NOT_THERE_AT_ALL"),
            )
        )  # fmt: skip
        good, barred, gone, slow, keyless = _language_models(settings)
        assert {request.body["max_tokens"] for request in provider.requests} == {1}
    assert good.state == "ok" and good.detail.startswith("said 'Hello' after ")
    assert barred.state == "problem" and "Check its key" in barred.detail and "docs/models.md" in barred.remedy
    assert gone.state == "problem" and "cannot be reached" in gone.detail and "Start it" in gone.remedy
    assert slow.state == "problem" and "its time was up" in slow.detail
    assert keyless.state == "problem" and "NOT_THERE_AT_ALL" in keyless.detail


def test_doctor_says_when_no_language_model_is_configured() -> None:
    (check,) = _language_models(Settings(models=()))
    assert (check.state, "verbatim" in check.detail) == ("ok", True)


def test_doctor_tells_which_checker_is_in_use_and_whether_it_can_be_loaded(tmp_path: Path) -> None:
    default = _checker(Settings())
    assert default.state == "ok"
    assert default.detail.startswith("plumbline ") and "supported from" in default.detail
    wrong = _checker(Settings(checker="plumblime"))
    assert wrong.state == "problem" and "`judge:MODEL`" in wrong.detail and "PLUMB_CHECKER" in wrong.remedy
    (tmp_path / "config.json").write_text('{"architectures": ["BertModel"]}')
    unloadable = _checker(Settings(checker=str(tmp_path)))
    assert unloadable.state == "problem" and "BertModel" in unloadable.detail
