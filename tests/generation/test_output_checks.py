from __future__ import annotations

import pytest

from generation.output_checks import Cut, OutputProblems, at_sentence_end, check_output
from generation.prompts import ANSWER_PROMPT, STATIC_PARTS

PROMPT = STATIC_PARTS[ANSWER_PROMPT]
QUESTION = "How often is the large scale in the warehouse calibrated?"


def test_a_good_answer_has_no_problems() -> None:
    checked = check_output(QUESTION, "The scale is calibrated every two years. [1]", static_prompt=PROMPT)
    assert checked.text == "The scale is calibrated every two years. [1]"
    assert not checked.problems
    assert checked.problems.warnings() == ()


def test_everything_that_is_wrong_is_told() -> None:
    german = "Die Waage im Lager wird alle zwei Jahre vom Hersteller kalibriert. [1]"
    checked = check_output(QUESTION, german, static_prompt=german)
    assert checked.problems.leaked
    assert checked.problems.language is not None
    assert checked.problems
    assert len(checked.problems.warnings()) == 2


def test_json_is_freed_of_what_is_around_it_and_its_faults_are_told() -> None:
    schema = {"type": "object", "properties": {"years": {"type": "integer"}}}
    good = check_output(QUESTION, '```json\n{"years": 2}\n```', static_prompt=PROMPT, schema=schema)
    assert (good.text, good.problems) == ('{"years": 2}', OutputProblems())
    bad = check_output(QUESTION, '{"years": "two"}', static_prompt=PROMPT, schema=schema)
    assert bad.problems.for_repair() == "$.years: 'two' is not of type 'integer'"
    assert bad.problems.warnings()[0].startswith("The answer does not fit the JSON schema.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is th", Cut("One is here.", True)),
        ("One is here [1]. Two is there. [2]", Cut("One is here [1]. Two is there. [2]", False)),
        ("One is here. Version 2.", Cut("One is here. Version 2.", False)),
        ("Not even one is he", Cut("Not even one is …", True)),
        ("- The first item.\n- The second it", Cut("- The first item.", True)),
        ("| a | b |\n| c | d |", Cut("| a | b |\n| c | d |", False)),
        ("  ", Cut("", False)),
    ],
)
def test_what_a_model_broke_off_ends_with_its_last_whole_sentence(text: str, expected: Cut) -> None:
    assert at_sentence_end(text) == expected


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (100, Cut("One is here. [1] Two is there. [2]", False)),
        (33, Cut("One is here. [1]", True)),
        (20, Cut("One is here. [1]", True)),
        (8, Cut("One is …", True)),
    ],
)
def test_a_limit_is_kept_at_a_sentence_end(longest: int, expected: Cut) -> None:
    assert at_sentence_end("One is here. [1] Two is there. [2]", longest) == expected


def test_a_short_answer_without_a_full_stop_is_not_cut() -> None:
    assert at_sentence_end("Seven books", 100) == Cut("Seven books", False)
