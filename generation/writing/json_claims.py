"""What a JSON answer claims: each text and number in it, with its place in the JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

from generation.answers import Span
from generation.writing.sentence_stream import SentenceStream, WrittenSentence

_SPEAKS_FOR_ITSELF = 4
"""Words from which on a text is checked without the name of its field."""

_WORD_BOUNDARY = re.compile(r"[_\-\s]+|(?<=[a-z])(?=[A-Z])")


@dataclasses.dataclass(frozen=True, slots=True)
class JsonClaim:
    """`span` is the value's place in the JSON text; `sentences` is what to check, `cited` the passage numbers named."""

    span: Span
    sentences: tuple[str, ...]
    cited: tuple[int, ...]


def claims_of(value: Any) -> tuple[str, list[JsonClaim]]:
    """The value as JSON text, citation marks taken out of its strings, and its claims in order."""
    text, claims = "", list[JsonClaim]()
    for piece, claim in _pieces(value, "", ""):
        start = len(text)
        text += piece
        if claim is not None:
            claims.append(dataclasses.replace(claim, span=(start, len(text))))
    return text, claims


def _pieces(value: Any, field: str, indent: str) -> Iterator[tuple[str, JsonClaim | None]]:
    deeper = f"{indent}  "
    if isinstance(value, dict) and value:
        yield "{", None
        for position, (key, item) in enumerate(value.items()):
            yield f"{',' if position else ''}\n{deeper}{_dumped(key)}: ", None
            yield from _pieces(item, key, deeper)
        yield f"\n{indent}}}", None
    elif isinstance(value, list) and value:
        yield "[", None
        for position, item in enumerate(value):
            yield f"{',' if position else ''}\n{deeper}", None
            yield from _pieces(item, field, deeper)
        yield f"\n{indent}]", None
    elif isinstance(value, str):
        stream = SentenceStream()
        parts = [one for one in (*stream.feed(value), *stream.close()) if isinstance(one, WrittenSentence)]
        whole = "".join(one.lead + one.text for one in parts)
        sentences = tuple(one.text for one in parts)
        if len(whole.split()) < _SPEAKS_FOR_ITSELF:
            sentences = (f"{_words(field)}: {whole}",) if whole else ()
        cited = tuple(dict.fromkeys(number for one in parts for number in one.cited))
        yield _dumped(whole), JsonClaim((0, 0), sentences, cited) if sentences else None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield _dumped(value), JsonClaim((0, 0), (f"{_words(field)}: {_dumped(value)}",), ())
    else:
        yield _dumped(value), None


def _words(field: str) -> str:
    return " ".join(_WORD_BOUNDARY.split(field)).lower()


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
