from __future__ import annotations

import gzip
import json
import pathlib

import pytest

from evals.case_files import InvalidCases
from evals.cases import read_answers, read_retrieval


def write_lines(file: pathlib.Path, *rows: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")


@pytest.fixture
def beir(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "harbour"
    write_lines(
        folder / "corpus.jsonl",
        {"_id": "d1", "title": "Tides", "text": "High water comes twice a day."},
        {"_id": "d2", "title": None, "text": ""},
    )
    write_lines(folder / "queries.jsonl", {"_id": "q1", "text": "how often is high water"}, {"_id": "q2", "text": "x"})
    write_lines(folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\tgone\t1")
    return folder


def test_reads_a_beir_folder(beir: pathlib.Path) -> None:
    data = read_retrieval(beir)
    assert data.name == "harbour"
    assert [(record.record_id, record.title) for record in data.corpus] == [("d1", "Tides"), ("d2", "")]
    assert data.queries == {"q1": "how often is high water"}  # q2 has no judgment in this split
    assert data.qrels == {"q1": {"d1": 2, "gone": 1}}


def test_gzip_and_plain_files_are_the_same_data(beir: pathlib.Path) -> None:
    plain = read_retrieval(beir)
    corpus = beir / "corpus.jsonl"
    (beir / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.read_bytes()))
    corpus.unlink()
    assert read_retrieval(beir) == plain


def test_the_hash_changes_with_the_data(beir: pathlib.Path) -> None:
    before = read_retrieval(beir).data_hash
    with (beir / "qrels" / "dev.tsv").open("a", encoding="utf-8") as stream:
        stream.write("q2\td1\t0\n")
    assert read_retrieval(beir).data_hash != before


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("corpus.jsonl", '{"_id": "a", "text": "t"}\n{"_id": "a", "text": "t"}\n', "corpus.jsonl, line 2: the _id 'a'"),
        ("corpus.jsonl", '{"_id": "a", "text": 7}\n', "line 1: `text`"),
        ("corpus.jsonl", '\n{"_id": "a", "text": "t"\n', "line 2: not JSON"),
        ("corpus.jsonl", "[1]\n", "line 1: expected a JSON object, got list"),
        ("corpus.jsonl", "", "no records"),
        ("queries.jsonl", '{"text": "t"}\n', "queries.jsonl, line 1: `_id`"),
        ("qrels/dev.tsv", "query-id\tcorpus-id\tscore\nq1\td1\n", "dev.tsv, line 2: expected query-id"),
        ("qrels/dev.tsv", "q1\td1\thigh\n", "line 1: the score 'high'"),
        ("qrels/dev.tsv", "q9\td1\t1\n", "line 1: the query 'q9'"),
        ("qrels/dev.tsv", "q1\td1\t1\nq1\td1\t2\n", "line 2: 'd1' was judged before"),
        ("qrels/dev.tsv", "query-id\tcorpus-id\tscore\n", "no judgments"),
    ],
)
def test_complaints_name_file_and_line(beir: pathlib.Path, file: str, content: str, complaint: str) -> None:
    (beir / file).write_text(content, "utf-8")
    with pytest.raises(InvalidCases) as raised:
        read_retrieval(beir)
    assert complaint in raised.value.message


def test_bytes_that_are_not_utf8_are_located(beir: pathlib.Path) -> None:
    (beir / "corpus.jsonl").write_bytes(b'{"_id": "a", "text": "t"}\n{"_id": "b", "text": "\xff"}\n')
    with pytest.raises(InvalidCases, match="line 2: not UTF-8"):
        read_retrieval(beir)


def test_cut_off_gzip_is_refused(beir: pathlib.Path) -> None:
    corpus = beir / "corpus.jsonl"
    (beir / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.read_bytes())[:-12])
    corpus.unlink()
    with pytest.raises(InvalidCases, match="damaged or cut off"):
        read_retrieval(beir)


def test_missing_parts_say_what_would_do(beir: pathlib.Path) -> None:
    with pytest.raises(InvalidCases, match="there is: dev"):
        read_retrieval(beir, split="test")
    with pytest.raises(InvalidCases, match="not a folder"):
        read_retrieval(beir / "corpus.jsonl")
    (beir / "queries.jsonl").unlink()
    with pytest.raises(InvalidCases, match="cannot be read"):
        read_retrieval(beir)


def test_reads_questions(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "questions.jsonl"
    write_lines(
        file,
        {
            "id": 1,
            "question": "Who keeps the light?",
            "context": [{"id": "c", "title": "Light", "text": "Mara keeps it."}],
            "answers": ["Mara", ""],
            "answerable": True,
        },
        {"id": "2", "question": "Who painted it?", "answers": [], "answerable": False},
    )
    first, second = read_answers(file).cases
    assert (first.case_id, first.answers, first.context[0].text) == ("1", ("Mara",), "Mara keeps it.")
    assert (second.context, second.answerable) == ((), False)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"question": "  "}, "`question` is empty"),
        ({"question": None}, "`question` is missing"),
        ({"answers": []}, "at least one text"),
        ({"answers": "Mara"}, "`answers` must be a list"),
        ({"answerable": "yes"}, "`answerable` must be"),
        ({"context": ["text"]}, "`context` must be a list"),
        ({"context": [{"id": "c", "text": "t"}, {"id": "c", "text": "t"}]}, "same id"),
        ({"id": ""}, "`id` is missing"),
    ],
)
def test_bad_questions_are_located(tmp_path: pathlib.Path, change: dict[str, object], complaint: str) -> None:
    good = {"id": "1", "question": "Who?", "answers": ["Mara"], "answerable": True}
    file = tmp_path / "questions.jsonl"
    write_lines(file, good | {"id": "0"}, good | change)
    with pytest.raises(InvalidCases, match="line 2: ") as raised:
        read_answers(file)
    assert complaint in raised.value.message


def test_questions_need_ids_of_their_own(tmp_path: pathlib.Path) -> None:
    row = {"id": "1", "question": "Who?", "answers": ["Mara"], "answerable": True}
    write_lines(tmp_path / "questions.jsonl", row, row)
    with pytest.raises(InvalidCases, match="line 2: the id '1' occurs twice"):
        read_answers(tmp_path / "questions.jsonl")
