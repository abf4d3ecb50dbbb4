from __future__ import annotations

from evals.test_sets.question_rules import question
from evals.test_sets.table_facts import table_facts

PROPERTIES = """| Property | Value |
|---|---|
| Depth rating | 100 m |
| Interfaces | RS-485 with Modbus |
| Wiper | yes |
"""
HEADS = """| Head | Accuracy | May be sent to | List price EUR |
|---|---|---|---|
| DO-3 | 0.1 mg/l | Anyone | 1240 |
| 2025-01-01 to 2025-01-06 | closed | | |
"""
SIDE_BY_SIDE = """| | Teal 400 | Teal 200 |
|---|---|---|
| Depth | 100 m | 30 m |
"""


def asked(text: str) -> dict[str | None, str]:
    return {question(one.fact): one.fact.answer for one in table_facts(text)[0]}


def test_a_table_of_properties_is_asked_about_what_it_belongs_to() -> None:
    facts, _ = table_facts(PROPERTIES)
    assert {question(one.fact): one.fact.answer for one in facts} == {
        "What is the depth rating?": "100 m",
        "What are the interfaces?": "RS-485 with Modbus",
    }
    assert {one.subject for one in facts} == {""}
    assert facts[0].row == "| Depth rating | 100 m |"


def test_a_row_and_a_column_give_a_question() -> None:
    assert asked(HEADS) == {
        "What is the accuracy of DO-3?": "0.1 mg/l",
        "What is the list price in EUR of DO-3?": "1240",
    }


def test_things_side_by_side_are_asked_by_column() -> None:
    assert asked(SIDE_BY_SIDE) == {
        "What is the depth of Teal 400?": "100 m",
        "What is the depth of Teal 200?": "30 m",
    }


def test_a_table_that_goes_on_in_the_next_chunk_keeps_its_header() -> None:
    _, header = table_facts(PROPERTIES)
    facts, _ = table_facts("| Clock drift | 2 seconds per day |", header)
    assert [question(one.fact) for one in facts] == ["What is the clock drift?"]
    assert table_facts("| Clock drift | 2 seconds per day |")[0] == []
    assert table_facts("Some text.\n\n| Clock drift | 2 s |", header)[0] == []


def test_ragged_and_empty_tables_do_no_harm() -> None:
    for text in ("|", "||", "|---|", "| a |\n|---|", "| a | b |\n|---|---|\n| c |", "| | |\n|---|---|\n| | x |"):
        assert table_facts(text)[0] == []
