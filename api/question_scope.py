"""Where a question may look, from its body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from api.schemas import RangeFilter, ScopeChoice
from retrieval.passages import Range, Scope

if TYPE_CHECKING:
    from ingestion.records import CollectionRecord


class Collections(Protocol):
    """`ingestion.registry.Registry`."""

    def collection(self, tenant: str, name: str) -> CollectionRecord: ...


def scope_of(body: ScopeChoice, tenant: str, collections: Collections) -> Scope:
    """Blocking. Raises UnknownCollection for one that the tenant does not have."""
    if body.collection is not None:
        collections.collection(tenant, body.collection)
    filters = {
        name: Range(value.gte, value.lte) if isinstance(value, RangeFilter) else value
        for name, value in body.filters.items()
    }
    return Scope(tenant, body.collection, filters)
