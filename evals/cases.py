"""Readers of evaluation data: folders in BEIR form and JSONL files of questions, plain or gzipped."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any

from evals.case_files import InvalidCases, identifier, lines, rows, text_field


@dataclasses.dataclass(frozen=True, slots=True)
class CorpusRecord:
    record_id: str
    title: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class RetrievalData:
    """A BEIR folder. `queries` holds the judged queries of the split only; `qrels` is query id -> record id -> grade.

    A judged record that the corpus lacks stays in `qrels`: it counts as relevant and cannot be found.
    """

    name: str
    split: str
    corpus: tuple[CorpusRecord, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    data_hash: str


@dataclasses.dataclass(frozen=True, slots=True)
class ContextText:
    context_id: str
    title: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerCase:
    """`context` given: only these texts may be used (reading). Empty: the collection is searched."""

    case_id: str
    question: str
    context: tuple[ContextText, ...]
    answers: tuple[str, ...]
    answerable: bool


@dataclasses.dataclass(frozen=True, slots=True)
class AnswerData:
    cases: tuple[AnswerCase, ...]
    data_hash: str


def read_retrieval(folder: pathlib.Path, split: str = "dev") -> RetrievalData:
    """Read `corpus.jsonl`, `queries.jsonl` (each also as `.gz`) and `qrels/SPLIT.tsv`. Raises `InvalidCases`."""
    if not folder.is_dir():
        raise InvalidCases(f"{folder} is not a folder; name one that holds corpus.jsonl, queries.jsonl and qrels/.")
    digest = hashlib.sha256()
    corpus = _read_corpus(folder / "corpus.jsonl", digest)
    queries = _read_queries(folder / "queries.jsonl", digest)
    qrels = _read_qrels(_split_file(folder, split), queries, digest)
    return RetrievalData(
        name=folder.resolve().name,
        split=split,
        corpus=corpus,
        queries={query_id: queries[query_id] for query_id in qrels},
        qrels=qrels,
        data_hash=digest.hexdigest(),
    )


def read_answers(file: pathlib.Path) -> AnswerData:
    """Read questions with gold answers, one JSON object a line. Raises `InvalidCases`.

    A line of a test set that a person has rejected (`status`) is passed over.
    """
    digest = hashlib.sha256()
    cases: dict[str, AnswerCase] = {}
    for place, row in rows(file, digest):
        if row.get("status") == "rejected":
            continue
        case = AnswerCase(
            case_id=identifier(row, "id", place),
            question=text_field(row, "question", place),
            context=_context(row, place),
            answers=_answers(row, place),
            answerable=_answerable(row, place),
        )
        if case.case_id in cases:
            raise InvalidCases(f"{place}: the id {case.case_id!r} occurs twice.")
        if not case.question.strip():
            raise InvalidCases(f"{place}: `question` is empty.")
        if case.answerable and not case.answers:
            raise InvalidCases(f"{place}: an answerable question needs at least one text in `answers`.")
        cases[case.case_id] = case
    if not cases:
        raise InvalidCases(f"{file} holds no questions.")
    return AnswerData(tuple(cases.values()), digest.hexdigest())


def _read_corpus(file: pathlib.Path, digest: hashlib._Hash) -> tuple[CorpusRecord, ...]:
    records: dict[str, CorpusRecord] = {}
    for place, row in rows(file, digest):
        record_id = identifier(row, "_id", place)
        if record_id in records:
            raise InvalidCases(f"{place}: the _id {record_id!r} occurs twice.")
        title = "" if row.get("title") is None else text_field(row, "title", place)
        records[record_id] = CorpusRecord(record_id, title, text_field(row, "text", place))
    if not records:
        raise InvalidCases(f"{file} holds no records.")
    return tuple(records.values())


def _read_queries(file: pathlib.Path, digest: hashlib._Hash) -> dict[str, str]:
    queries: dict[str, str] = {}
    for place, row in rows(file, digest):
        query_id = identifier(row, "_id", place)
        if query_id in queries:
            raise InvalidCases(f"{place}: the _id {query_id!r} occurs twice.")
        queries[query_id] = text_field(row, "text", place)
    return queries


def _split_file(folder: pathlib.Path, split: str) -> pathlib.Path:
    file = folder / "qrels" / f"{split}.tsv"
    if not file.is_file():
        present = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
        raise InvalidCases(f"There is no split {split!r} in {folder}; there is: {', '.join(present) or 'none'}.")
    return file


def _read_qrels(file: pathlib.Path, queries: Mapping[str, str], digest: hashlib._Hash) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in lines(file, digest):
        cells = line.split("\t")
        if number == 1 and cells[:1] == ["query-id"]:
            continue
        place = f"{file}, line {number}"
        if len(cells) != 3:
            raise InvalidCases(f"{place}: expected query-id, corpus-id and score with tabs between, got {line[:80]!r}.")
        query_id, record_id, score = cells
        if query_id not in queries:
            raise InvalidCases(f"{place}: the query {query_id!r} is not in queries.jsonl.")
        try:
            grade = int(score)
        except ValueError:
            raise InvalidCases(f"{place}: the score {score!r} is not a whole number.") from None
        judged = qrels.setdefault(query_id, {})
        if judged.get(record_id, grade) != grade:
            raise InvalidCases(f"{place}: {record_id!r} was judged before for {query_id!r}, with another score.")
        judged[record_id] = grade
    if not qrels:
        raise InvalidCases(f"{file} holds no judgments.")
    return qrels


def _context(row: Mapping[str, Any], place: str) -> tuple[ContextText, ...]:
    items = row.get("context") or []
    if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
        raise InvalidCases(f'{place}: `context` must be a list of {{"id", "title", "text"}}.')
    texts = []
    for item in items:
        title = "" if item.get("title") is None else text_field(item, "title", place)
        texts.append(ContextText(identifier(item, "id", place), title, text_field(item, "text", place)))
    if len({text.context_id for text in texts}) != len(texts):
        raise InvalidCases(f"{place}: two texts of `context` have the same id.")
    return tuple(texts)


def _answers(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    answers = row.get("answers")
    if not isinstance(answers, list) or any(not isinstance(answer, str) for answer in answers):
        raise InvalidCases(f"{place}: `answers` must be a list of texts.")
    return tuple(answer for answer in answers if answer.strip())


def _answerable(row: Mapping[str, Any], place: str) -> bool:
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        raise InvalidCases(f"{place}: `answerable` must be true or false.")
    return answerable
