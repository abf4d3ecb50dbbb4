"""What the vector indexes store beside the vectors, and how a scope becomes conditions on it.

Metadata is stored twice: as it came (`metadata`, for answers and ranges) and as terms `"field":value` under one keyword
index (`metadata_terms`), so that equality on any field is an index lookup without an index per field. Ranges do need
one each: the first `MAX_RANGE_FIELDS` numeric fields get it; a range on another is answered by looking at every chunk.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from retrieval.passages import MetadataValue, Range, Scope, StoredChunk
from runtime.errors import InvalidInput

KEYWORD_FIELDS = ("tenant", "collection", "document_id", "metadata_terms")
TENANT_FIELD = "tenant"
MAX_RANGE_FIELDS = 32
_METADATA = "metadata."
_CHUNK_FIELDS = tuple(field.name for field in dataclasses.fields(StoredChunk))
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclasses.dataclass(frozen=True, slots=True)
class AnyOf:
    """The payload field holds one of these strings; without any, nothing matches."""

    key: str
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Between:
    """The payload field holds a number within inclusive bounds."""

    key: str
    gte: float | None
    lte: float | None


def to_payload(chunk: StoredChunk) -> dict[str, Any]:
    payload: dict[str, Any] = {name: getattr(chunk, name) for name in _CHUNK_FIELDS}
    payload["heading_path"] = list(chunk.heading_path)
    payload["parent"] = list(chunk.parent)
    payload["page_turns"] = [list(turn) for turn in chunk.page_turns]
    payload["metadata"] = dict(chunk.metadata)
    payload["metadata_terms"] = [_term(key, value) for key, value in chunk.metadata.items()]
    return payload


def from_payload(payload: Mapping[str, Any]) -> StoredChunk:
    fields = {name: payload[name] for name in _CHUNK_FIELDS if name in payload}
    first, last = fields["parent"]
    return StoredChunk(
        **{
            **fields,
            "heading_path": tuple(fields["heading_path"]),
            "parent": (first, last),
            "page_turns": tuple((start, page) for start, page in fields.get("page_turns", ())),
        }
    )


def scope_conditions(scope: Scope) -> list[AnyOf | Between]:
    """Conditions that all must hold. Raises `InvalidInput` for a filter that cannot be applied."""
    conditions: list[AnyOf | Between] = [AnyOf(TENANT_FIELD, (scope.tenant,))]
    if scope.collection is not None:
        conditions.append(AnyOf("collection", (scope.collection,)))
    for key, wanted in scope.filters.items():
        if isinstance(wanted, Range):
            conditions.append(_between(key, wanted))
        elif isinstance(wanted, str | int | float):
            conditions.append(AnyOf("metadata_terms", (_term(key, wanted),)))
        else:
            conditions.append(AnyOf("metadata_terms", tuple(_term(key, value) for value in wanted)))
    return conditions


def satisfies(payload: Mapping[str, Any], conditions: Iterable[AnyOf | Between]) -> bool:
    """Whether a payload meets all conditions of a scope, as the index itself would say."""
    for condition in conditions:
        if isinstance(condition, Between):
            number = payload["metadata"].get(_range_field(condition.key))
            if isinstance(number, bool) or not isinstance(number, int | float):
                return False
            low, high = condition.gte, condition.lte
            if (low is not None and number < low) or (high is not None and number > high):
                return False
        else:
            stored = payload[condition.key]
            if not any(value in condition.values for value in ([stored] if isinstance(stored, str) else stored)):
                return False
    return True


def range_path(key: str) -> str:
    """Where the numbers of a metadata field are in the payload."""
    return f'{_METADATA}"{key}"'


def _range_field(path: str) -> str:
    return path.removeprefix(_METADATA).strip('"')


class RangeFields:
    """The metadata fields that have an index for ranges, told from the names of all payload indexes."""

    def __init__(self, indexed: Iterable[str]) -> None:
        self._indexed = {_range_field(name) for name in indexed if name.startswith(_METADATA)}

    def missing(self, chunks: Iterable[StoredChunk]) -> list[str]:
        """Numeric fields of these chunks that have no index yet and are to get one."""
        fields = {
            key: None
            for chunk in chunks
            for key, value in chunk.metadata.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
            if key not in self._indexed and _has_path(key)
        }
        return list(fields)[: MAX_RANGE_FIELDS - len(self._indexed)]

    def add(self, key: str) -> None:
        self._indexed.add(key)


def valid_ids(chunk_ids: Iterable[str]) -> list[str]:
    """The ids that can be point ids at all, each once; an index refuses a request that names another."""
    return [chunk_id for chunk_id in dict.fromkeys(chunk_ids) if _UUID.fullmatch(chunk_id)]


def _between(key: str, bounds: Range) -> Between:
    if bounds.gte is None and bounds.lte is None:
        raise InvalidInput(f"The filter on {key!r} needs a lower bound (gte), an upper bound (lte) or both.")
    if not _has_path(key):
        raise InvalidInput(
            f"A range cannot be asked of the field {key!r}: its name is empty or holds a quotation mark."
        )
    return Between(range_path(key), bounds.gte, bounds.lte)


def _has_path(key: str) -> bool:
    return key != "" and '"' not in key


def _term(key: str, value: MetadataValue) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"{json.dumps(key, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False)}"
