"""Answers that must be JSON of a schema which the caller gives (Draft 2020-12).

Schemas come from outside: none is fetched, and none may take long. What can grow without bound (references to
references, regular expressions) runs against a clock.
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from generation.answers import InvalidQuestion

MAX_SCHEMA_CHARACTERS = 50_000
MAX_ANSWER_CHARACTERS = 200_000
_MAX_DEPTH = 60
_SECONDS = 1.0
_PROBLEMS = 5
_PROBLEM_CHARACTERS = 200

_FENCED = re.compile(r"```[\w-]*[^\S\n]*\n(.*?)```", re.DOTALL)
_NOT_HONOURED = frozenset(
    {"$dynamicRef", "$recursiveRef", "patternProperties", "unevaluatedItems", "unevaluatedProperties"}
)
_DATA = frozenset({"const", "enum", "default", "examples"})  # what is under them is no schema
_NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})  # their keys are the caller's names

_deadline: contextvars.ContextVar[float] = contextvars.ContextVar("deadline")


class InvalidSchema(InvalidQuestion):
    """The JSON schema cannot be used."""

    code = "invalid_schema"


@dataclasses.dataclass(frozen=True, slots=True)
class JsonAnswer:
    """`text` is the JSON alone, without fences and words around it; `problems` say what does not fit the schema."""

    text: str
    problems: tuple[str, ...]


def checked_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema, when answers can be checked against it. Raises InvalidSchema that says what to change."""
    if _depth(schema) > _MAX_DEPTH:
        raise InvalidSchema(f"The JSON schema is nested more than {_MAX_DEPTH} levels deep. Flatten it with $defs.")
    text = json.dumps(schema, ensure_ascii=False)
    if len(text) > MAX_SCHEMA_CHARACTERS:
        raise InvalidSchema(
            f"The JSON schema has {len(text):,} characters; at most {MAX_SCHEMA_CHARACTERS:,} can be used."
        )
    if schema.get("type", "object") != "object":
        raise InvalidSchema('The top level of the JSON schema must be of type "object".')
    _validator(text)
    return schema


def json_answer(text: str, schema: Mapping[str, Any]) -> JsonAnswer:
    """The JSON in a model's text (alone, in a code fence, or with words around it) and how it fails the schema.

    Without problems `text` parses to an object of the schema. Blocking: milliseconds, at most a second. Raises
    InvalidSchema when checking takes longer.
    """
    if len(text) > MAX_ANSWER_CHARACTERS:
        return JsonAnswer(text, (f"It is longer than {MAX_ANSWER_CHARACTERS:,} characters.",))
    found, error = _found(text)
    if found is None:
        return JsonAnswer(text.strip(), (error,))
    token = _deadline.set(time.monotonic() + _SECONDS)
    try:
        errors = sorted(_validator(json.dumps(schema, ensure_ascii=False)).iter_errors(found[1]), key=_place)
    except (RecursionError, Unresolvable):
        raise InvalidSchema("The JSON schema refers to itself without an end.") from None
    finally:
        _deadline.reset(token)
    return JsonAnswer(found[0], tuple(_told(error) for error in errors[:_PROBLEMS]))


def _found(text: str) -> tuple[tuple[str, Any] | None, str]:
    """The first piece that is a JSON object, with its value; else what is wrong with the text."""
    error = "It holds no JSON object."
    if "{" not in text:
        return None, error
    for piece in _candidates(text):
        try:
            value, end = _DECODER.raw_decode(piece)
        except RecursionError:
            error = "It is nested too deeply."
        except ValueError as wrong:
            error = f"It is not JSON: {wrong}."
        else:
            if isinstance(value, dict):
                return (piece[:end], value), ""
    return None, error


def _candidates(text: str) -> Iterator[str]:
    yield text.strip()
    for fenced in _FENCED.finditer(text):
        yield fenced.group(1).strip()
    if (start := text.find("{")) >= 0:
        yield text[start:]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


@functools.lru_cache(maxsize=64)
def _validator(schema_text: str) -> Draft202012Validator:
    schema = json.loads(schema_text)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidSchema(f"The JSON schema is wrong at {_told(error)}.") from None
    registry: Registry[Any] = Registry()  # knows no way to fetch anything
    resolver = registry.resolver_with_root(DRAFT202012.create_resource(schema))
    for keyword, value in _keywords(schema):
        if keyword in _NOT_HONOURED:
            raise InvalidSchema(f"{keyword} in the JSON schema cannot be honoured. Leave it out.")
        if keyword == "$ref":
            _check_reference(value, resolver)
        elif keyword == "pattern":
            _check_pattern(value)
        elif keyword == "$id" and value != schema.get("$id"):
            raise InvalidSchema("$id inside the JSON schema cannot be honoured. Refer to parts of it with #/$defs/...")
    return _Validator(schema, registry=registry)


def _check_reference(reference: Any, resolver: Any) -> None:
    if not str(reference).startswith("#"):
        raise InvalidSchema(
            f"$ref {str(reference)[:100]!r} leads out of the JSON schema; nothing is fetched. Put it under $defs."
        )
    try:
        resolver.lookup(reference)
    except Unresolvable:
        raise InvalidSchema(f"$ref {str(reference)[:100]!r} leads nowhere in the JSON schema.") from None


def _check_pattern(pattern: str) -> None:
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise InvalidSchema(f"The pattern {pattern[:100]!r} in the JSON schema is wrong: {error}.") from None


def _keywords(schema: Any, *, named: bool = False) -> Iterator[tuple[str, Any]]:
    """All keywords of the schema and its parts with their values."""
    if isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if not named:
                yield key, value
            if named or key not in _DATA:
                yield from _keywords(value, named=not named and key in _NAMED)


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    try:
        matches = regex.search(pattern, instance, timeout=_seconds_left())
    except TimeoutError:
        raise _too_slow() from None
    if not matches:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _reference(validator: Any, ref: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    _seconds_left()
    yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, schema)


_Validator = extend(Draft202012Validator, {"pattern": _pattern, "$ref": _reference})


def _seconds_left() -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise _too_slow()
    return left


def _too_slow() -> InvalidSchema:
    return InvalidSchema(
        f"Checking an answer against the JSON schema takes longer than {_SECONDS:g} s. Simplify its references and "
        "patterns."
    )


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= _MAX_DEPTH:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def _place(error: ValidationError) -> str:
    return str(error.json_path)


def _told(error: ValidationError | SchemaError) -> str:
    message = str(error.message)
    if len(message) > _PROBLEM_CHARACTERS:
        message = f"{message[:_PROBLEM_CHARACTERS]}…"
    return f"{error.json_path}: {message}"
