from __future__ import annotations

import json
import time
from typing import Any

import pytest

from generation.writing.json_answers import InvalidSchema, checked_schema, json_answer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "years": {"type": "integer", "minimum": 1},
        "unit": {"$ref": "#/$defs/unit"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
    },
    "required": ["years"],
    "additionalProperties": False,
    "$defs": {"unit": {"enum": ["year", "month"]}},
}
GOOD = '{"years": 2, "unit": "year", "code": "AB7"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"Here it is:\n\n```\n{GOOD}\n```\nAnything else?",
        f"Sure. {GOOD} [1]",
        f"```python\nprint(1)\n```\n```json\n{GOOD}\n```",
    ],
)
def test_the_json_is_found_wherever_the_model_put_it(text: str) -> None:
    found = json_answer(text, checked_schema(SCHEMA))
    assert found.problems == ()
    assert found.text == GOOD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two years.", "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ('{"years": 2', "not JSON"),
        ('{"years": NaN}', "NaN"),
        ("", "no JSON object"),
        ('{"a":' * 5000, "nested too deeply"),
        ('{"years": ' + "9" * 6000 + "}", "not JSON"),
        ("x" * 200_001, "longer than"),
        ('{"unit": "year"}', "$: 'years' is a required property"),
        ('{"years": "two"}', "$.years: 'two' is not of type 'integer'"),
        ('{"years": 2, "unit": "week"}', "$.unit: 'week' is not one of"),
        ('{"years": 2, "code": "x"}', "$.code: 'x' does not match"),
        ('{"years": 2, "more": 1}', "'more' was unexpected"),
    ],
)
def test_what_does_not_fit_is_told_to_whoever_mends_it(text: str, words: str) -> None:
    (problem,) = json_answer(text, SCHEMA).problems
    assert words in problem


def test_of_many_problems_the_first_are_told_and_none_is_long() -> None:
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    problems = json_answer(json.dumps({f"k{n}": "x" * 500 for n in range(50)}), schema).problems
    assert len(problems) == 5
    assert max(map(len, problems)) < 300


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "objekt"}, "must be of type"),
        ({"type": ["object", "null"]}, "must be of type"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "$.properties.a.type"),
        ({"type": "object", "properties": {"a": {"pattern": "("}}}, "pattern"),
        ({"$ref": "http://127.0.0.1:1/schema.json"}, "leads out"),
        ({"properties": {"a": {"items": {"$ref": "other.json#/a"}}}}, "leads out"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "leads nowhere"),
        ({"$dynamicRef": "#a"}, "cannot be honoured"),
        ({"patternProperties": {"^(a+)+$": {}}}, "cannot be honoured"),
        ({"$defs": {"a": {"unevaluatedProperties": False}}}, "cannot be honoured"),
        ({"$defs": {"a": {"$id": "http://elsewhere/"}}}, "cannot be honoured"),
        ({"description": "x" * 50_000}, "characters"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSchema) as refusal:
        checked_schema(schema)
    assert words in refusal.value.message
    assert refusal.value.code == "invalid_schema"


def test_a_schema_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"not": schema}
    with pytest.raises(InvalidSchema, match="nested"):
        checked_schema({"type": "object", **schema})


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"$ref": {"type": "string"}, "pattern": {}, "patternProperties": {}}},
        {"properties": {"a": {"const": {"$ref": "http://x/y"}}, "b": {"enum": [{"patternProperties": 1}]}}},
        {"$defs": {"$dynamicRef": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/$dynamicRef"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
    ],
)
def test_names_and_data_are_not_taken_for_keywords(schema: dict[str, Any]) -> None:
    assert checked_schema(schema) == schema


def test_a_schema_cannot_keep_the_processor_busy() -> None:
    doubling: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    doubling["d40"] = {}
    slow = [
        ({"$defs": doubling, "$ref": "#/$defs/d0"}, "{}", "takes longer"),
        ({"properties": {"a": {"pattern": "(a|a)*b|(a|aa)+c$"}}}, json.dumps({"a": "a" * 5000}), "takes longer"),
        ({"$ref": "#"}, "{}", "without an end"),
    ]
    for schema, text, words in slow:
        started = time.monotonic()
        with pytest.raises(InvalidSchema, match=words):
            json_answer(text, checked_schema(schema))
        assert time.monotonic() - started < 5
