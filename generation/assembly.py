"""Builds the answering side from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.settings import Settings

if TYPE_CHECKING:
    from generation.answer_metrics import AnswerMetrics
    from generation.answerer import Answerer, Search
    from generation.answers import CheckerInfo
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

    Raises ConfigurationError for a model or a checker that cannot be used as it is configured.
    """
    from generation.answer_metrics import AnswerMetrics
    from generation.answerer import Answerer
    from generation.cache.cached_answers import CachedAnswers
    from generation.checking.assembly import build_checker
    from generation.checking.assembly import warm_up_in_background as warm_up_checker
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
    metrics = metrics or AnswerMetrics()
    models = {model.profile.name: model for model in build_models(settings, metrics.models)}
    checker = build_checker(settings, embedder, models=list(models.values()))
    warm_up_in_background(list(models.values()))
    warm_up_checker(checker)
    cached = None
    if cache is not None and revision is not None:
        cached = CachedAnswers(cache, embedder, revision, _policy(settings, checker.info))
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


def _policy(settings: Settings, checker: CheckerInfo) -> str:
    """What answers are made with: another set of models, prompt or checker gives other answers."""
    from generation.prompting.prompts import ANSWER_PROMPT

    models = ",".join(f"{model.name}={model.endpoint}/{model.model}" for model in settings.models)
    checked = f"{checker.name} {checker.version} {checker.threshold:g}"
    return f"{ANSWER_PROMPT}/{checked}/{settings.top_k}/{settings.routing}/{models}"
