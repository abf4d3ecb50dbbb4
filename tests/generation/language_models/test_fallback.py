from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from generation.language_models.continuation import Continuation, WholeWords
from generation.language_models.fallback import FellBack, NoModelAnswers, PartFinished, Speaking, stream_with_fallback
from generation.language_models.model import (
    Deadline,
    Finished,
    LanguageModel,
    Message,
    ModelError,
    ModelProfile,
    ModelRequest,
    Piece,
    Role,
    TokenCounts,
)
from generation.prompting.prompts import answer_messages
from tests.generation.language_models.language_model_contract import until
from tests.generation.language_models.test_hosted_model import anthropic_model, openai_model
from tests.model_server import ModelServer, model_server

PACKED = [(1, "manual, page 2", "The scale weighs 3 kg. The battery has a warranty of two years.")]
QUESTION = "How long is the warranty of the battery?"


class Spoken:
    """A model that says these pieces; an exception among them is raised."""

    def __init__(self, name: str, *steps: Any) -> None:
        self.profile = ModelProfile(name, Role.FAST, 8192, 512)
        self.requests: list[ModelRequest] = []
        self._steps = steps

    async def stream(self, request: ModelRequest, deadline: Deadline) -> AsyncIterator[Piece]:
        self.requests.append(request)
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            yield step
        yield Finished(TokenCounts(7, 0, len(self._steps)), "stop")


def request_for(written: str, model: LanguageModel) -> ModelRequest:
    return ModelRequest((Message("user", f"go on: {written}"),), 100)


def told(*models: Any, seconds: float = 20.0) -> list[Any]:
    async def run() -> list[Any]:
        pieces: list[Any] = []
        try:
            async for piece in stream_with_fallback(models, request_for, Deadline.after(seconds)):
                pieces.append(piece)
        except NoModelAnswers as error:
            pieces.append(error)
        return pieces

    return asyncio.run(run())


def text_of(pieces: list[Any]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def test_the_first_model_that_answers_is_the_only_one_asked() -> None:
    second = Spoken("b", "never")
    pieces = told(Spoken("a", "Two ", "years [", "1", "]."), second)
    assert pieces[0] == Speaking("a") and text_of(pieces) == "Two years [1]."
    assert (pieces[-1].model, pieces[-1].counts, pieces[-1].reason) == ("a", TokenCounts(7, 0, 4), "stop")
    assert not second.requests


def test_one_that_fails_before_its_first_word_is_passed_over() -> None:
    pieces = told(Spoken("a", ModelError("down")), Spoken("b", "Two years."))
    assert pieces[:2] == [FellBack("a", "down"), Speaking("b")]
    assert text_of(pieces) == "Two years."


def test_one_that_breaks_in_the_middle_is_continued_between_words() -> None:
    second = Spoken("b", "warranty of ", "two years [1].")
    pieces = told(Spoken("a", "The battery", " has a warr", ModelError("cut")), second)
    assert text_of(pieces) == "The battery has a warranty of two years [1]."
    assert second.requests[0].messages[0].content == "go on: The battery has a "
    broken, finished = (piece for piece in pieces if isinstance(piece, PartFinished))
    assert (broken.model, broken.written, broken.counts, broken.reason) == (
        "a",
        "The battery has a warr",
        None,
        "broken",
    )
    assert (finished.model, finished.written) == ("b", "warranty of two years [1].")
    kinds = [type(piece).__name__ for piece in pieces if not isinstance(piece, str)]
    assert kinds == ["Speaking", "PartFinished", "FellBack", "Speaking", "PartFinished"]


def test_what_is_there_already_is_not_said_again() -> None:
    first = "One is red [1]. Two is blue [2]. Three"
    for continuation in (
        "Three is green [3].",
        "Two is blue [2]. Three is green [3].",
        "One is red [1]. Two is blue [2]. Three is green [3].",
        "[2]. Three is green [3].",
        "  Two  is blue\n[2]. Three is green [3].",
    ):
        halves = [continuation[:9], continuation[9:11], continuation[11:]]
        pieces = told(Spoken("a", first, ModelError("cut")), Spoken("b", *halves))
        assert text_of(pieces) == "One is red [1]. Two is blue [2]. Three is green [3].", continuation


def test_a_model_that_has_nothing_to_add_says_so_by_the_refusal_mark() -> None:
    pieces = told(Spoken("a", "Two years [1]. ", ModelError("cut")), Spoken("b", "NOT IN", " THE SOURCES"))
    assert text_of(pieces) == "Two years [1]. "
    assert pieces[-1].model == "b"
    refusal = told(Spoken("a", "NOT IN", " THE SOURCES"))
    assert text_of(refusal) == "NOT IN THE SOURCES"


def test_a_continuation_that_only_begins_like_a_refusal_is_kept() -> None:
    pieces = told(Spoken("a", "It is ", ModelError("cut")), Spoken("b", "NOT", " red [1]."))
    assert text_of(pieces) == "It is NOT red [1]."


def test_when_all_fail_the_text_stays_and_the_failures_are_told() -> None:
    pieces = told(Spoken("a", "Two years ", ModelError("cut")), Spoken("b", ModelError("down", retry_after=4.0)))
    error = pieces[-1]
    assert text_of(pieces) == "Two years "
    assert isinstance(error, NoModelAnswers) and error.retryable and error.retry_after == 4.0
    assert [(name, failure.message) for name, failure in error.failures] == [("a", "cut"), ("b", "down")]
    assert "cut" in error.message and "down" in error.message
    assert isinstance(told()[-1], NoModelAnswers)


def test_no_model_is_asked_when_the_time_is_up() -> None:
    model = Spoken("a", "late")
    (error,) = told(model, seconds=0)
    assert "no time left" in error.message and not model.requests


@pytest.mark.parametrize(
    "written, continued, joined",
    [
        ("It costs 1 ", "1,000 euro", "It costs 1 1,000 euro"),  # another number: no repetition
        ("see page 12 ", "12 and 13", "see page 12 and 13"),
        ("The a ", "apple", "The a apple"),
        ("two years", "[1]. More.", "two years [1]. More."),
        ("two years", ", not three.", "two years, not three."),
        ("two years", "and more", "two years and more"),
        ("保証は二年", "です。", "保証は二年です。"),
        ("保証は二年", "二年です。", "保証は二年です。"),
        ("Item:\n", "\n- one", "Item:\n\n- one"),
        ("all said.", "all said.", "all said."),
        ("", "fresh", "fresh"),
    ],
)
def test_joins(written: str, continued: str, joined: str) -> None:
    for cut in range(len(continued) + 1):
        new, words = Continuation(written), WholeWords()
        text = "".join(new.feed(words.feed(part)) for part in (continued[:cut], continued[cut:]))
        text += new.feed(words.rest()) + new.rest()
        if written:
            assert written + text == joined, cut


def test_words_numbers_and_marks_are_never_cut() -> None:
    text = "Costs 1,000 euro [12]. 保証は二年。 and 3.5 more [1][2]."
    for size in (1, 2, 5):
        words = WholeWords()
        parts = [words.feed(text[place : place + size]) for place in range(0, len(text), size)]
        assert "".join(parts) + words.rest() == text
        assert all(part.endswith((" ", *"保証は二年。")) for part in parts if part)


def test_a_text_without_an_end_is_not_held_for_ever() -> None:
    words = WholeWords()
    assert len(words.feed("x" * 1000)) == 940


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.mark.parametrize("fault", ["cut_after=6", "error_after=6", "broken_after=6", "cut_after=6&politely=1"])
def test_through_real_providers_a_broken_answer_is_completed(provider: ModelServer, fault: str) -> None:
    models = [openai_model(f"evidence?{fault}", provider.openai_url), anthropic_model("evidence", provider.url)]

    def go_on(written: str, model: LanguageModel) -> ModelRequest:
        return ModelRequest(answer_messages(QUESTION, PACKED, written_so_far=written), 100)

    async def run() -> list[Any]:
        pieces = [piece async for piece in stream_with_fallback(models, go_on, Deadline.after(20))]
        for model in models:
            await model.aclose()
        return pieces

    pieces = asyncio.run(run())
    assert text_of(pieces) == "The battery has a warranty of two years [1]."
    assert provider.requests[1].prompt.written_so_far == "The battery has a warranty "


def test_closing_closes_the_stream_of_the_model_that_speaks(provider: ModelServer) -> None:
    async def run() -> None:
        model = openai_model("wordy?token_delay_s=0.02", provider.openai_url)
        stream = stream_with_fallback([model], request_for, Deadline.after(20))
        assert await anext(stream) == Speaking("under-test")
        assert await anext(stream)
        await stream.aclose()
        await until(lambda: provider.requests[0].ended == "client left")
        await model.aclose()

    asyncio.run(run())
