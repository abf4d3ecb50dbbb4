"""Builds the language models of the settings."""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from generation.language_models.circuit_breaker import CircuitBreaker
from generation.language_models.concurrency_limit import ConcurrencyLimit
from generation.language_models.hosted_model import (
    ANTHROPIC_URL,
    OPENAI_URL,
    AnthropicProvider,
    HostedModel,
    OpenAIProvider,
)
from generation.language_models.model import ModelError, ModelProfile, Prices, Role
from generation.language_models.resilience import Patience, ResilientModel
from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from generation.language_models.resilience import CallObserver, HeldModel
    from runtime.settings import ModelSettings, Settings

logger = logging.getLogger(__name__)


def build_models(settings: Settings, observer: CallObserver | None = None) -> list[ResilientModel]:
    """The models in the order of the settings. Cheap: nothing is imported or opened before the first call or `warm_up`.

    Raises ConfigurationError for a key that is not there, and for Anthropic's protocol without its library.
    """
    return [
        ResilientModel(
            hosted_model(model),
            patience=Patience(model.first_token_seconds, model.total_seconds, model.retries),
            breaker=CircuitBreaker(),
            limit=ConcurrencyLimit(model.name, model.concurrency, model.queue),
            observer=observer,
        )
        for model in settings.models
    ]


def hosted_model(settings: ModelSettings) -> HostedModel:
    """One model without retries, limits or breaker. Raises ConfigurationError."""
    if settings.protocol == "anthropic" and importlib.util.find_spec("llama_index.llms.anthropic") is None:
        raise ConfigurationError(
            f"The model {settings.name} speaks Anthropic's protocol, whose library is not installed. "
            "Run: pip install 'plumbline[anthropic]'"
        )
    kind, own_url = (
        (AnthropicProvider, ANTHROPIC_URL) if settings.protocol == "anthropic" else (OpenAIProvider, OPENAI_URL)
    )
    provider = kind(
        name=settings.name,
        model=settings.model or settings.name,
        url=(settings.endpoint or own_url).rstrip("/"),
        key=key_of(settings),
        connect_seconds=settings.connect_seconds,
    )
    return HostedModel(_profile(settings), provider)


def warm_up_in_background(models: Sequence[HeldModel]) -> threading.Thread | None:
    """Load what the first call would wait seconds for. None without models."""
    if not models:
        return None
    thread = threading.Thread(target=_warm_up, args=(models,), name="warm up models", daemon=True)
    thread.start()
    return thread


def _warm_up(models: Sequence[HeldModel]) -> None:
    for model in models:
        try:
            model.warm_up()
        except ModelError as error:  # whoever asks this model is told the same
            logger.warning("%s", error.message)


def _profile(settings: ModelSettings) -> ModelProfile:
    cached = settings.usd_per_million_cached_prompt
    prices = Prices(
        prompt=settings.usd_per_million_prompt,
        cached_prompt=settings.usd_per_million_prompt if cached is None else cached,
        completion=settings.usd_per_million_completion,
    )
    return ModelProfile(settings.name, Role(settings.role), settings.context_tokens, settings.max_output_tokens, prices)


def key_of(settings: ModelSettings) -> str | None:
    if settings.key_variable is None:
        if settings.endpoint is None:
            raise ConfigurationError(
                f"The model {settings.name} has neither an endpoint nor a key. Set `endpoint` to the address of your "
                "server, or `key_variable` to the name of the variable that holds the provider's key."
            )
        return None
    key = os.environ.get(settings.key_variable, "").strip()
    if not key:
        raise ConfigurationError(
            f"The model {settings.name} takes its key from the environment variable {settings.key_variable}, "
            "which is not set."
        )
    return key
