"""Builds the answering side from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.settings import Settings

if TYPE_CHECKING:
    from generation.answer_metrics import AnswerMetrics
    from generation.answerer import Answerer, Search
    from generation.cache.cached_answers import Revision
    from generation.cache.semantic_cache import SemanticCache
    from retrieval.embedding import Embedder


def build_answerer(
    settings: Settings,
    retriever: Search,
    embedder: Embedder,
    *,
    cache: SemanticCache | None = None,
    revision: Revision | None = None,
    metrics: AnswerMetrics | None = None,
    threads: int | None = None,
) -> Answerer:
    """The way of a question with the models of the settings. A cache needs the collections' `revision`.

    `metrics` of another answerer: both count together.

    Raises ConfigurationError for a model that cannot be used as it is configured.
    """
    from generation.answer_metrics import AnswerMetrics
    from generation.answerer import Answerer
    from generation.cache.cached_answers import CachedAnswers
    from generation.checking.coverage_checker import CoverageCalibration, CoverageChecker
    from generation.extraction.extractive_model import Calibration, ExtractiveModel
    from generation.language_models.assembly import build_models, warm_up_in_background
    from generation.prompting.context_packing import ContextPacker
    from generation.prompting.writing_tasks import WritingTasks
    from generation.routing.policy import RoutingPolicy
    from generation.routing.router import Router
    from retrieval.assembly import INITIAL_MEAN_CHUNK_TERMS
    from retrieval.lexical import LexicalEncoder

    lexical = LexicalEncoder(settings.language, INITIAL_MEAN_CHUNK_TERMS)
    extractive = ExtractiveModel(embedder, lexical, Calibration.load())
    checker = CoverageChecker(embedder, lexical, CoverageCalibration.load())
    metrics = metrics or AnswerMetrics()
    models = {model.profile.name: model for model in build_models(settings, metrics.models)}
    warm_up_in_background(list(models.values()))
    cached = None
    if cache is not None and revision is not None:
        cached = CachedAnswers(cache, embedder, revision, _policy(settings, checker.info.version))
    return Answerer(
        search=retriever,
        extractive=extractive,
        checker=checker,
        models=models,
        router=Router(RoutingPolicy.from_json(settings.routing), list(models.values())),
        tasks=WritingTasks(models, ContextPacker(lexical), extractive),
        cached=cached,
        metrics=metrics,
        top_k=settings.top_k,
        answer_seconds=settings.answer_seconds,
        threads=threads,
    )


def _policy(settings: Settings, checker: str) -> str:
    """What answers are made with: another set of models, prompt or checker gives other answers."""
    from generation.prompting.prompts import ANSWER_PROMPT

    models = ",".join(f"{model.name}={model.endpoint}/{model.model}" for model in settings.models)
    return f"{ANSWER_PROMPT}/{checker}/{settings.top_k}/{settings.routing}/{models}"
