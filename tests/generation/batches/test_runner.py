"""Batches are asked, over the real answerer and models of the tests' provider."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.batches import runner as batch_runner
from generation.batches.records import BatchStatus
from retrieval.assembly import build_embedder
from runtime.settings import Settings
from tests.generation.batches.batch_hall import QUESTIONS, TENANT, BatchHall, batch_hall, model, settings_with
from tests.model_server import ModelServer, model_server
from tests.provider.behaviour import Behaviour


@pytest.fixture(scope="module")
def embedder() -> Any:
    return build_embedder(Settings())


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as provider:
        yield provider


@pytest.fixture
def extractive(tmp_path: Path, embedder: Any) -> Iterator[BatchHall]:
    with batch_hall(settings_with(tmp_path), embedder) as hall:
        yield hall


@pytest.fixture
def hosted(tmp_path: Path, embedder: Any, provider: ModelServer) -> Iterator[BatchHall]:
    with batch_hall(settings_with(tmp_path, model("evidence", provider.openai_url)), embedder) as hall:
        yield hall


def test_every_question_gets_its_answer_in_its_place(extractive: BatchHall) -> None:
    texts = [QUESTIONS[n % 2] for n in range(9)] + ["Who painted the ceiling of the Sistine Chapel?"]
    done = extractive.run(batch := extractive.submit(texts))
    assert (done.status, done.answered, done.failed, done.progress) == (BatchStatus.FINISHED, 10, 0, 1)
    answers = extractive.texts(batch)
    assert all("28 days" in answers[n] for n in range(0, 9, 2))
    assert all("two in the afternoon" in answers[n] for n in range(1, 9, 2))
    results = extractive.results(batch)
    assert [one.index for one in results] == list(range(10))
    assert results[0].answer is not None
    assert results[0].answer["citations"][0]["document_name"] == "handbook.md"
    assert len(extractive.kept) == 10


def test_what_models_used_is_summed_and_kept(hosted: BatchHall, provider: ModelServer) -> None:
    done = hosted.run(batch := hosted.submit())
    assert done.status is BatchStatus.FINISHED
    assert "28 days" in hosted.texts(batch)[0]
    used = [one.answer["usage"] for one in hosted.results(batch) if one.answer]
    assert done.spent.prompt_tokens == sum(one["prompt_tokens"] for one in used) > 0
    assert done.spent.cost_usd == pytest.approx(sum(one["cost_usd"] for one in used))
    assert sorted(hosted.kept) == sorted((text, "evidence") for text in QUESTIONS)
    assert provider.count() == 2


def test_one_bad_question_does_not_harm_the_others(hosted: BatchHall) -> None:
    done = hosted.run(batch := hosted.submit([QUESTIONS[0], "   ", QUESTIONS[1]]))
    assert (done.status, done.answered, done.failed) == (BatchStatus.FINISHED, 2, 1)
    assert hosted.texts(batch)[1] == "error invalid_question"


def test_a_defect_is_one_questions_error(extractive: BatchHall) -> None:
    def break_down(text: str) -> None:
        if text == QUESTIONS[1]:
            raise RuntimeError("a defect")

    extractive.search.hook = break_down
    done = extractive.run(batch := extractive.submit())
    assert (done.answered, done.failed) == (1, 1)
    assert extractive.texts(batch)[1] == "error internal_error"


def test_a_model_that_has_too_much_to_do_is_asked_again(hosted: BatchHall, provider: ModelServer) -> None:
    provider.script("evidence", Behaviour(status=429), Behaviour(status=503))
    hosted.run(batch := hosted.submit(QUESTIONS[:1]))
    (result,) = hosted.results(batch)
    assert result.answer is not None
    assert result.answer["model"]["name"] == "evidence"
    assert provider.count() == 3


def test_a_model_that_never_answers_leaves_quoted_sentences(hosted: BatchHall, provider: ModelServer) -> None:
    provider.decide(lambda _: Behaviour(status=500))
    done = hosted.run(batch := hosted.submit(QUESTIONS * 6))
    assert (done.status, done.answered) == (BatchStatus.FINISHED, 12)
    assert "28 days" in hosted.texts(batch)[0]
    assert provider.count() < 3 * 12, "when trying again has been in vain some times, it ends"


def test_a_batch_is_cancelled_between_two_questions(tmp_path: Path, embedder: Any) -> None:
    asked = threading.Event()
    with batch_hall(settings_with(tmp_path, batch_concurrency=1), embedder, lambda _: asked.set()) as hall:
        batch = hall.submit(QUESTIONS * 100)
        runner = threading.Thread(target=hall.run, args=(batch,))
        runner.start()
        assert asked.wait(10)
        hall.store.cancel(TENANT, batch.id)
        runner.join(10)
        assert not runner.is_alive()
        now = hall.now(batch)
        assert now.status is BatchStatus.CANCELLED
        results = hall.results(batch)
        assert len(results) == 200
        assert {one.error.code for one in results if one.error} == {"cancelled"}
        assert sum(one.answer is not None for one in results) == now.answered < 200


def interrupted(hall: BatchHall, batch: Any, until: Callable[[], bool]) -> float:
    """Seconds that stopping took."""
    runner = threading.Thread(target=hall.run, args=(batch,))
    runner.start()
    deadline = time.monotonic() + 10
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    hall.tasks.interrupt()
    runner.join(10)
    assert not runner.is_alive()
    return time.monotonic() - began


def test_interrupted_between_questions_and_taken_up_again(tmp_path: Path, embedder: Any, provider: ModelServer) -> None:
    slow = model("evidence?token_delay_s=0.01", provider.openai_url)
    with batch_hall(settings_with(tmp_path, slow, batch_concurrency=2), embedder) as hall:
        batch = hall.submit(QUESTIONS * 6)
        interrupted(hall, batch, lambda: hall.now(batch).answered >= 3)
        now = hall.now(batch)
        assert (now.status, now.finished) == (BatchStatus.QUEUED, False)
        assert now.answered < 12
        assert provider.count() == now.answered, "what was begun was let come to its end"
        hall.tasks.close()
        hall.tasks = hall.new_tasks()
        assert hall.tasks.recover() == [batch.id]
        assert hall.run(batch).answered == 12
        assert provider.count() == len(hall.kept) == 12, "none is asked twice"


def test_a_question_that_takes_long_is_given_up_at_the_end_of_the_process(
    tmp_path: Path, embedder: Any, provider: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_runner, "GRACE_SECONDS", 0.2)
    stuck = model("evidence?first_token_delay_s=30", provider.openai_url)
    with batch_hall(settings_with(tmp_path, stuck), embedder) as hall:
        batch = hall.submit()
        assert interrupted(hall, batch, lambda: provider.count() == 2) < 2
        assert hall.now(batch).status is BatchStatus.QUEUED
        assert [one.begun for one in hall.ledger.open_questions(batch.id, -1, 9)] == [0, 0]


def test_a_question_that_ends_processes_is_left_alone(extractive: BatchHall) -> None:
    batch = extractive.submit()
    for _ in range(3):
        claim = extractive.ledger.claim(batch.id)
        assert not isinstance(claim, float | None)
        extractive.ledger.begin(claim, 0)
        extractive.tasks.recover()
    done = extractive.run(batch)
    assert (done.answered, done.failed) == (1, 1)
    assert extractive.texts(batch)[0] == "error worker_died"


def test_an_ensemble_shows_where_it_disagrees(tmp_path: Path, embedder: Any, provider: ModelServer) -> None:
    models = [model(name, provider.openai_url) for name in ("evidence", "uncited", "refuses")]
    with batch_hall(settings_with(tmp_path, *models), embedder) as hall:
        names = tuple(one.name for one in models)
        done = hall.run(batch := hall.submit(QUESTIONS[:1], ensemble=names))
        (result,) = hall.results(batch)
        assert result.answer is not None and result.ensemble is not None
        assert "28 days" in result.answer["answer"]
        told = result.ensemble
        assert [one["model"] for one in told["answers"]] == list(names)
        assert [one["refused"] for one in told["answers"]] == [False, False, True]
        assert told["majority"] == 2
        assert told["agreement"] == pytest.approx(1 / 3, abs=0.05)
        assert len([one for one in told["disagreements"] if one.startswith("refusal")]) == 2
        assert len(hall.kept) == 3
        assert done.spent.cost_usd > result.answer["usage"]["cost_usd"]
        assert [one.parts for one in hall.ledger.open_questions(batch.id, -1, 9)] == []


def test_two_batches_do_not_disturb_each_other(hosted: BatchHall) -> None:
    batches = [hosted.submit(QUESTIONS * 3) for _ in range(2)]
    threads = [threading.Thread(target=hosted.run, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [hosted.now(batch).answered for batch in batches] == [6, 6]
    assert len(hosted.kept) == 12


def test_running_what_has_ended_does_nothing(extractive: BatchHall) -> None:
    batch = extractive.submit()
    extractive.run(batch)
    assert extractive.tasks.run(batch.id) is None
    assert extractive.tasks.run("no-such-batch") is None
    assert len(extractive.kept) == 2
