"""Builds the ingestion side from the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from ingestion.intake import Intake
from ingestion.original_store import OriginalStore
from ingestion.registry import Registry
from runtime.database import Database
from runtime.settings import Settings

if TYPE_CHECKING:
    from retrieval.embedding import Embedder
    from retrieval.vector_index import VectorIndex


@dataclasses.dataclass(frozen=True, slots=True)
class Ingestion:
    """Everything that takes documents in. `start()` and `stop()` the worker with the process that serves.

    Without a broker in the settings the worker lives in this process; with one they only open and close the queue.
    """

    registry: Registry
    store: OriginalStore
    intake: Intake
    start: Callable[[], None]
    stop: Callable[[], None]


def build_ingestion(
    settings: Settings, database: Database, embedder: Embedder, index: VectorIndex
) -> Ingestion:
    """Assemble without starting anything: no thread, no process, no connection yet."""
    raise NotImplementedError
