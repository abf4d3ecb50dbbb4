"""Reader of answers that people judged against the texts they were written over: JSONL, plain or gzipped."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

from evals.case_files import InvalidCases, identifier, rows, text_field
from generation.answers import Span


@dataclasses.dataclass(frozen=True, slots=True)
class GroundednessCase:
    """`supported` is what people found. `spans` are the parts of the answer that they found unsupported, where known.

    `group` tells which cases hang together: those of one `document`, else of one `question`, else of one context. They
    are drawn together in intervals and stay together in cross-validation.
    """

    case_id: str
    context: tuple[str, ...]
    answer: str
    supported: bool
    group: str
    question: str = ""
    kind: str = ""
    domain: str = ""
    spans: tuple[Span, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class GroundednessData:
    cases: tuple[GroundednessCase, ...]
    data_hash: str


def read_groundedness(file: pathlib.Path, *, limit: int | None = None, group_by: str | None = None) -> GroundednessData:
    """Read {"id", "context": [text, ...], "answer", "label": 1 | 0} and, where given, `spans`, `question`, `document`,
    `kind` and `domain`, one object a line; the first `limit` of them.

    With `group_by`, that field says what hangs together. Raises `InvalidCases` (file and line).
    """
    digest = hashlib.sha256()
    cases: dict[str, GroundednessCase] = {}
    for place, row in rows(file, digest):
        case = _case(row, place, group_by)
        if case.case_id in cases:
            raise InvalidCases(f"{place}: the id {case.case_id!r} occurs twice.")
        cases[case.case_id] = case
        if len(cases) == limit:
            break
    if not cases:
        raise InvalidCases(f"{file} holds no answers.")
    return GroundednessData(tuple(cases.values()), digest.hexdigest())


def _case(row: Mapping[str, Any], place: str, group_by: str | None) -> GroundednessCase:
    answer = text_field(row, "answer", place)
    if not answer.strip():
        raise InvalidCases(f"{place}: `answer` is empty.")
    context = _context(row, place)
    question = _optional(row, "question", place)
    return GroundednessCase(
        case_id=identifier(row, "id", place),
        context=context,
        answer=answer,
        supported=_label(row, place),
        group=f"{group_by} {identifier(row, group_by, place)}"
        if group_by
        else _group(_optional(row, "document", place), question, context),
        question=question,
        kind=_optional(row, "kind", place),
        domain=_optional(row, "domain", place),
        spans=_spans(row, answer, place),
    )


def _context(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    context = row.get("context")
    if not isinstance(context, list) or any(not isinstance(text, str) for text in context):
        raise InvalidCases(f"{place}: `context` must be a list of texts.")
    texts = tuple(text for text in context if text.strip())
    if not texts:
        raise InvalidCases(f"{place}: `context` is empty: there is nothing to check the answer against.")
    return texts


def _label(row: Mapping[str, Any], place: str) -> bool:
    label = row.get("label")
    if label not in (0, 1):  # true and false are 1 and 0
        raise InvalidCases(f"{place}: `label` must be 1 (supported) or 0 (not supported), not {label!r}.")
    return bool(label)


def _spans(row: Mapping[str, Any], answer: str, place: str) -> tuple[Span, ...] | None:
    if row.get("spans") is None:
        return None
    spans = row["spans"]
    if not isinstance(spans, list) or any(not _is_pair(span) for span in spans):
        raise InvalidCases(f"{place}: `spans` must be a list of [start, end).")
    for start, end in spans:
        if not 0 <= start < end <= len(answer):
            raise InvalidCases(
                f"{place}: the span [{start}, {end}) is not in the answer, which has {len(answer)} characters."
            )
    return tuple(sorted((start, end) for start, end in spans))


def _is_pair(span: Any) -> bool:
    return isinstance(span, list) and len(span) == 2 and all(type(place) is int for place in span)


def _optional(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    return "" if value is None else str(value) if isinstance(value, int | float) else text_field(row, field, place)


def _group(document: str, question: str, context: tuple[str, ...]) -> str:
    if document:
        return f"document {document}"
    if question:
        return f"question {question}"
    return f"context {hashlib.sha256(chr(0).join(context).encode(errors='replace')).hexdigest()[:16]}"
