"""JSONL files of evaluation data, plain or gzipped, read line by line.

Every complaint names file and line, so that whoever wrote the file can mend it.
"""

from __future__ import annotations

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


def rows(file: pathlib.Path, digest: hashlib._Hash) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in lines(file, digest):
        place = f"{file}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidCases(f"{place}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InvalidCases(f"{place}: expected a JSON object, got {type(row).__name__}.")
        yield place, row


def lines(file: pathlib.Path, digest: hashlib._Hash) -> Iterator[tuple[int, str]]:
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


def text_field(row: Mapping[str, Any], field: str, place: str) -> str:
    if not isinstance(row.get(field), str):
        raise InvalidCases(f"{place}: `{field}` is missing or not a text.")
    return str(row[field])


def identifier(row: Mapping[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise InvalidCases(f"{place}: `{field}` is missing or not a text.")
    return str(value)
