"""Batches through a provider's own batch endpoint, in both protocols, over the real clients."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.answers import Question, Turn
from generation.batches import provider_batches
from generation.batches.ledger import BatchClaim
from generation.batches.provider_ledger import ProviderLedger
from generation.batches.records import BatchOptions, BatchStatus, NewQuestion
from retrieval.assembly import build_embedder
from retrieval.passages import Scope
from runtime.database import Database
from runtime.settings import ModelSettings, Settings
from tests.generation.batches.batch_hall import CANTEEN, QUESTIONS, TENANT, BatchHall, batch_hall, model, settings_with
from tests.model_server import ModelServer, model_server
from tests.provider.behaviour import Behaviour

PROTOCOLS = ["openai", "anthropic"]
LIVE = ("/v1/chat/completions", "/v1/messages")


@pytest.fixture(scope="module")
def embedder() -> Any:
    return build_embedder(Settings())


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as provider:
        yield provider


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", "sk-secret")


@pytest.fixture
def open_hall(tmp_path: Path, embedder: Any) -> Iterator[Callable[..., BatchHall]]:
    with_halls: list[Any] = []

    def open_one(*models: ModelSettings) -> BatchHall:
        opened = batch_hall(settings_with(tmp_path, *models), embedder)
        with_halls.append(opened)
        return opened.__enter__()

    yield open_one
    for opened in with_halls:
        opened.__exit__(None, None, None)


def batch_model(
    provider: ModelServer, protocol: str = "openai", name: str = "evidence", **values: Any
) -> ModelSettings:
    url = provider.openai_url if protocol == "openai" else provider.url
    return model(name, url, "batch", protocol=protocol, key_variable="BATCH_KEY", **values)


def live(provider: ModelServer) -> int:
    """Requests that came by themselves: they stream."""
    return sum(bool(request.body.get("stream")) for request in provider.requests)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_answers_come_checked_and_cited(protocol: str, provider: ModelServer, open_hall: Any) -> None:
    hall = open_hall(batch_model(provider, protocol))
    batch = hall.submit([*QUESTIONS, "   "])
    assert hall.tasks.run(batch.id) is not None
    assert hall.now(batch).status is BatchStatus.WAITING
    assert provider.count() == 0, "nothing is asked directly"
    done = hall.run(batch)
    assert (done.status, done.answered, done.failed) == (BatchStatus.FINISHED, 2, 1)
    assert (provider.count(), live(provider)) == (2, 0)
    first, second, empty = (one.answer for one in hall.results(batch))
    assert first is not None and second is not None and empty is None
    assert "28 days" in first["answer"] and "two in the afternoon" in second["answer"]
    assert first["citations"][0]["document_name"] == "handbook.md"
    assert first["groundedness"]["supported"]
    assert first["model"]["name"] == "evidence"
    assert first["usage"]["prompt_tokens"] > 0
    assert done.spent.cost_usd == pytest.approx(first["usage"]["cost_usd"] + second["usage"]["cost_usd"])
    assert len(hall.kept) == 2


def test_the_files_with_texts_of_documents_are_removed_there(provider: ModelServer, open_hall: Any) -> None:
    hall = open_hall(batch_model(provider))
    hall.run(hall.submit())
    assert provider.batches._files == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_process_goes_on_where_one_was_killed(protocol: str, provider: ModelServer, open_hall: Any) -> None:
    hall = open_hall(batch_model(provider, protocol))
    batch = hall.submit()
    hall.tasks.run(batch.id)
    assert isinstance(hall.ledger.claim(batch.id), BatchClaim), "as if killed while it looked"
    hall.search.passages = (CANTEEN,)  # documents change, what was asked does not
    hall.tasks.close()
    hall.tasks = hall.new_tasks()
    assert hall.tasks.recover() == [batch.id]
    hall.run(batch)
    assert (provider.count(), live(provider)) == (2, 0)
    assert "28 days" in hall.texts(batch)[0]


def test_what_arrived_though_nobody_heard_is_found_again(
    provider: ModelServer, open_hall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = open_hall(batch_model(provider))
    batch = hall.submit()

    def killed(*_: Any) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(ProviderLedger, "sent", killed)
        hall.tasks.run(batch.id)
    assert len(provider.batches._batches) == 1
    hall.run(batch)
    assert (len(provider.batches._batches), provider.count()) == (1, 2)


def test_what_never_arrived_is_handed_over_again(
    provider: ModelServer, open_hall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = open_hall(batch_model(provider))
    batch = hall.submit()

    async def killed(*_: Any) -> str:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(provider_batches, "_submitted", killed)
        hall.tasks.run(batch.id)
    assert provider.batches._batches == {}
    assert hall.run(batch).answered == 2
    assert (provider.count(), live(provider)) == (2, 0)


@pytest.mark.parametrize("end", ["expired", "failed", "cancelled"])
def test_what_the_provider_does_not_answer_is_asked_directly(end: str, provider: ModelServer, open_hall: Any) -> None:
    provider.batches.ends_as = end
    hall = open_hall(batch_model(provider))
    done = hall.run(batch := hall.submit())
    assert (done.status, done.answered) == (BatchStatus.FINISHED, 2)
    assert (provider.count(), live(provider)) == (2, 2)
    assert "28 days" in hall.texts(batch)[0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_single_requests_that_fail_there_are_asked_directly(
    protocol: str, provider: ModelServer, open_hall: Any
) -> None:
    provider.script("evidence", Behaviour(status=500))
    hall = open_hall(batch_model(provider, protocol))
    done = hall.run(batch := hall.submit())
    assert done.answered == 2
    assert (provider.count(), live(provider)) == (3, 1)
    assert [one.answer is not None and one.answer["model"]["name"] for one in hall.results(batch)] == ["evidence"] * 2


def test_a_provider_without_a_batch_endpoint_is_asked_directly(
    provider: ModelServer, open_hall: Any, caplog: Any
) -> None:
    hall = open_hall(batch_model(provider).model_copy(update={"endpoint": f"{provider.url}/nowhere"}))
    done = hall.run(batch := hall.submit())
    assert (done.status, done.answered) == (BatchStatus.FINISHED, 2)
    assert "28 days" in hall.texts(batch)[0], "quoted, since the model is not to be had at all"
    assert "sk-secret" not in caplog.text


def test_cancelled_at_the_provider_too(provider: ModelServer, open_hall: Any) -> None:
    provider.batches.polls_until_done = 1000
    hall = open_hall(batch_model(provider))
    batch = hall.submit()
    hall.tasks.run(batch.id)
    hall.store.cancel(TENANT, batch.id)
    assert hall.run(batch).status is BatchStatus.CANCELLED
    (theirs,) = provider.batches._batches.values()
    assert theirs["status"] == "cancelling"


def test_who_goes_there_and_who_does_not(provider: ModelServer, open_hall: Any) -> None:
    hall = open_hall(batch_model(provider), model("uncited", provider.openai_url))
    plain = Question(QUESTIONS[0], Scope(TENANT), use_cache=False)
    wanted = [
        plain,
        dataclasses.replace(plain, model="uncited"),
        dataclasses.replace(plain, max_latency_ms=60_000),
        dataclasses.replace(plain, text="And for how many days?", history=(Turn("user", QUESTIONS[0]),)),
    ]
    batch = hall.store.submit(TENANT, [NewQuestion(one) for one in wanted], BatchOptions())
    assert hall.run(batch).answered == 4
    asked = [(request.model, bool(request.body.get("stream"))) for request in provider.requests]
    assert asked.count(("evidence", False)) == 2
    assert ("uncited", True) in asked
    assert [one.answer and one.answer["question"] for one in hall.results(batch)][3] == "And for how many days?"
    provider.requests.clear()
    hall.run(hall.submit(QUESTIONS[:1], use_provider=False))
    assert live(provider) == provider.count() > 0


def test_an_ensemble_of_one_there_and_one_here(provider: ModelServer, open_hall: Any) -> None:
    hall = open_hall(batch_model(provider), model("uncited", provider.openai_url))
    done = hall.run(batch := hall.submit(ensemble=("evidence", "uncited")))
    assert done.answered == 2
    assert (provider.count(), live(provider)) == (4, 2)
    for result in hall.results(batch):
        assert result.ensemble is not None
        assert (result.ensemble["agreement"], result.ensemble["majority"]) == (1.0, 2)


def test_many_questions_go_in_several_batches(
    provider: ModelServer, open_hall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generation.batches.work.MAX_REQUESTS", 4)
    hall = open_hall(batch_model(provider))
    assert hall.run(hall.submit(QUESTIONS * 5)).answered == 10
    assert provider.count() == 10
    assert len(provider.batches._batches) == 3


def test_a_broken_answer_of_the_provider_is_told_as_such(provider: ModelServer, open_hall: Any, caplog: Any) -> None:
    hall = open_hall(batch_model(provider))
    batch = hall.submit()
    hall.tasks.run(batch.id)
    (away,) = ProviderLedger(Database(hall._settings.resolved_database_url())).running(batch.id)
    provider.batches._batches[away.provider_id]["status"] = "completed"
    broken = {"content": b"{not json\n", "purpose": "batch_output", "name": "output"}
    provider.batches._files["file-broken"] = broken
    provider.batches._batches[away.provider_id]["output_file_id"] = "file-broken"
    # Retryable as any break of a protocol is: looked at again until it is given up.
    hall.tasks.run(batch.id)
    assert "does not answer" in caplog.text
    provider.batches._files["file-broken"]["content"] = json.dumps({"custom_id": "0", "response": None}).encode()
    assert hall.run(batch).answered == 2
    assert live(provider) == 2
