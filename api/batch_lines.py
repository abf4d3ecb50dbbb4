"""The JSONL of a batch to questions: all lines are looked at before any is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from api.ask_question import question_of
from api.batch_schemas import BatchLine
from generation.batches.records import NewQuestion
from ingestion.records import CollectionRecord
from runtime.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from api.question_scope import Collections

NAMED_PROBLEMS = 5


class InvalidBatch(InvalidInput):
    code = "invalid_batch"


def questions_of(
    body: bytes,
    tenant: str,
    collections: Collections,
    *,
    models: tuple[str, ...],
    ensemble: bool,
    max_questions: int,
) -> list[NewQuestion]:
    """One question a line, empty lines left out. Blocking: reads records.

    Raises InvalidBatch that names the first wrong lines by their number (from 1) and what is wrong with them.
    """
    known, problems, found = _CheckedOnce(collections), list[str](), list[NewQuestion]()
    seen: dict[str, int] = {}
    for number, line in _lines(body):
        if len(found) == max_questions:
            raise InvalidBatch(
                f"The batch has more than {max_questions:,} questions, the most that one batch takes. Split it, or "
                "raise PLUMB_MAX_BATCH_QUESTIONS."
            )
        try:
            found.append(_question(line, tenant, known, models, ensemble=ensemble))
            _check_id(found[-1].caller_id, number, seen)
        except InvalidBatch as problem:
            problems.append(f"line {number}: {problem.message}")
            if len(problems) == NAMED_PROBLEMS:
                break
    if problems:
        more = " There may be more." if len(problems) == NAMED_PROBLEMS else ""
        raise InvalidBatch(f"The batch cannot be used, nothing of it was asked. {'; '.join(problems)}{more}")
    return found


class _CheckedOnce:
    """A batch names the same few collections in thousands of lines."""

    def __init__(self, collections: Collections) -> None:
        self._collections = collections
        self._known: dict[str, CollectionRecord] = {}

    def collection(self, tenant: str, name: str) -> CollectionRecord:
        if name not in self._known:
            self._known[name] = self._collections.collection(tenant, name)
        return self._known[name]


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    # Only line feeds part lines: JSON texts may hold the other separators that `splitlines` knows.
    for number, line in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _question(
    line: bytes, tenant: str, collections: Collections, models: tuple[str, ...], *, ensemble: bool
) -> NewQuestion:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidBatch(f"not valid JSON in UTF-8 ({error})") from None
    if not isinstance(data, dict):
        raise InvalidBatch('not a JSON object such as {"question": "..."}')
    try:
        body = BatchLine.model_validate(data)
    except ValidationError as error:
        raise InvalidBatch(_problems(error)) from None
    if body.stream:
        raise InvalidBatch("a batch streams nothing; leave `stream` out")
    if not body.store:
        raise InvalidBatch("the answers of a batch are its results and kept; leave `store` out")
    try:
        question = question_of(body, tenant, collections)
    except NotFound as error:
        raise InvalidBatch(error.message) from None
    if question.model is not None and ensemble:
        raise InvalidBatch("it names a `model`, though the batch's ensemble answers; leave one of them out")
    if question.model is not None and question.model not in models:
        raise InvalidBatch(f"there is no model {question.model[:80]!r}; there are: {', '.join(models)}")
    return NewQuestion(question, body.id)


def _problems(error: ValidationError) -> str:
    told = []
    for detail in error.errors(include_url=False, include_input=False)[:3]:
        field = ".".join(str(part) for part in detail["loc"])
        told.append(f"{field}: {detail['msg'].removeprefix('Value error, ')}" if field else str(detail["msg"]))
    return ", ".join(told)


def _check_id(caller_id: str | None, number: int, seen: dict[str, int]) -> None:
    if caller_id is None:
        return
    if caller_id in seen:
        raise InvalidBatch(f"the id {caller_id[:80]!r} stands in line {seen[caller_id]} already")
    seen[caller_id] = number
