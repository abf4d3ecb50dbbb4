"""Readers of evaluation data: folders in BEIR form and JSONL files of questions, plain or gzipped.

Every complaint names file and line, so that whoever wrote the file can mend it.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import pathlib
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.errors import InvalidInput


class InvalidCases(InvalidInput):
    """The evaluation data cannot be used; the message names file and line."""

    code = "invalid_evaluation_data"


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
    """Read questions with gold answers, one JSON object a line. Raises `InvalidCases`."""
    digest = hashlib.sha256()
    cases: dict[str, AnswerCase] = {}
    for place, row in _rows(file, digest):
        case = AnswerCase(
            case_id=_identifier(row, "id", place),
            question=_text(row, "question", place),
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
    for place, row in _rows(file, digest):
        record_id = _identifier(row, "_id", place)
        if record_id in records:
            raise InvalidCases(f"{place}: the _id {record_id!r} occurs twice.")
        title = "" if row.get("title") is None else _text(row, "title", place)
        records[record_id] = CorpusRecord(record_id, title, _text(row, "text", place))
    if not records:
        raise InvalidCases(f"{file} holds no records.")
    return tuple(records.values())


def _read_queries(file: pathlib.Path, digest: hashlib._Hash) -> dict[str, str]:
    queries: dict[str, str] = {}
    for place, row in _rows(file, digest):
        query_id = _identifier(row, "_id", place)
        if query_id in queries:
            raise InvalidCases(f"{place}: the _id {query_id!r} occurs twice.")
        queries[query_id] = _text(row, "text", place)
    return queries


def _split_file(folder: pathlib.Path, split: str) -> pathlib.Path:
    file = folder / "qrels" / f"{split}.tsv"
    if not file.is_file():
        present = sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))
        raise InvalidCases(f"There is no split {split!r} in {folder}; there is: {', '.join(present) or 'none'}.")
    return file


def _read_qrels(file: pathlib.Path, queries: Mapping[str, str], digest: hashlib._Hash) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _lines(file, digest):
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


def _rows(file: pathlib.Path, digest: hashlib._Hash) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(file, digest):
        place = f"{file}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidCases(f"{place}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InvalidCases(f"{place}: expected a JSON object, got {type(row).__name__}.")
        yield place, row


def _lines(file: pathlib.Path, digest: hashlib._Hash) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers; `.gz` is tried when the plain file is absent."""
    if not file.is_file() and file.with_name(file.name + ".gz").is_file():
        file = file.with_name(file.name + ".gz")
    number = 0
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                digest.update(raw)
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise InvalidCases(f"{file}, line {number}: not UTF-8 (byte {error.start + 1} of the line).") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidCases(f"{file}, after line {number}: the gzip data is damaged or cut off ({error}).") from error
    except OSError as error:
        raise InvalidCases(f"{file} cannot be read: {error.strerror or error}.") from error


def _text(row: Mapping[str, Any], field: str, place: str) -> str:
    if not isinstance(row.get(field), str):
        raise InvalidCases(f"{place}: `{field}` is missing or not a text.")
    return str(row[field])


def _identifier(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise InvalidCases(f"{place}: `{field}` is missing or not a text.")
    return str(value)


def _context(row: Mapping[str, Any], place: str) -> tuple[ContextText, ...]:
    items = row.get("context") or []
    if not isinstance(items, list) or any(not isinstance(item, dict) for item in items):
        raise InvalidCases(f'{place}: `context` must be a list of {{"id", "title", "text"}}.')
    texts = []
    for item in items:
        title = "" if item.get("title") is None else _text(item, "title", place)
        texts.append(ContextText(_identifier(item, "id", place), title, _text(item, "text", place)))
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
