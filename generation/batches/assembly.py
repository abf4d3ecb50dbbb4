"""Builds the running of batches from the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.answers import Answer, Question
    from generation.batches.provider_batches import BatchEndpoint
    from generation.batches.runner import BatchRunner
    from generation.batches.work import BatchAnswerer
    from retrieval.embedding import Embedder
    from runtime.database import Database
    from runtime.settings import Settings


def build_batch_endpoints(settings: Settings) -> dict[str, BatchEndpoint]:
    """The batch endpoint of each model with the role `batch`, by its name, in the order of the settings."""
    from generation.batches.anthropic_batches import AnthropicBatchEndpoint
    from generation.batches.openai_batches import OpenAIBatchEndpoint
    from generation.language_models.assembly import key_of
    from generation.language_models.hosted_model import ANTHROPIC_URL, OPENAI_URL

    endpoints: dict[str, BatchEndpoint] = {}
    for model in settings.models:
        if model.role != "batch":
            continue
        kind, own_url = (
            (AnthropicBatchEndpoint, ANTHROPIC_URL)
            if model.protocol == "anthropic"
            else (OpenAIBatchEndpoint, OPENAI_URL)
        )
        url = (model.endpoint or own_url).rstrip("/")
        endpoints[model.name] = kind(name=model.name, model=model.model or model.name, url=url, key=key_of(model))
    return endpoints


def build_batch_runner(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    answerer: Callable[[], BatchAnswerer],
    keep: Callable[[Question, Answer], None],
) -> BatchRunner:
    """`answerer` makes one for batches alone: it belongs to their event loop, as do the connections inside.

    `keep` stores an answer and enters what it cost.
    """
    from generation.batches.ensemble import Ensemble
    from generation.batches.ledger import BatchLedger
    from generation.batches.provider_batches import ProviderBatches
    from generation.batches.provider_ledger import ProviderLedger
    from generation.batches.runner import BatchRunner

    ledger = BatchLedger(database)
    provider = ProviderBatches(ProviderLedger(database), ledger, build_batch_endpoints(settings))
    return BatchRunner(ledger, provider, Ensemble(embedder), answerer, keep, concurrency=settings.batch_concurrency)
