"""Builds the answering side from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.settings import Settings

if TYPE_CHECKING:
    from generation.answerer import Answerer, Search
    from retrieval.embedding import Embedder


def build_answerer(settings: Settings, retriever: Search, embedder: Embedder) -> Answerer:
    from generation.answerer import Answerer
    from generation.extractive_model import Calibration, ExtractiveModel
    from generation.groundedness import VerbatimChecker
    from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS
    from retrieval.lexical import LexicalEncoder

    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    model = ExtractiveModel(embedder, lexical, Calibration.load())
    return Answerer(retriever, model, VerbatimChecker(), top_k=settings.top_k)
