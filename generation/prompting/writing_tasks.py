"""From a question and its passages to a task for language models: packing, prompts and limits."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from generation.answers import OnUnsupported, Question
from generation.checking.checker import EvidenceCheck
from generation.extraction.extractive_model import ExtractiveModel
from generation.language_models.model import Deadline, LanguageModel, Message, ModelRequest, TokenCounts
from generation.prompting.context_packing import ContextPacker, PackedPassage
from generation.prompting.prompts import (
    ANSWER_PROMPT,
    CHAT_PROMPT,
    STATIC_PARTS,
    Packed,
    answer_messages,
    chat_messages,
)
from generation.prompting.token_estimate import estimate_tokens
from generation.routing.router import Route
from generation.writing.short_answers import ShortAnswers
from generation.writing.task import WritingTask
from retrieval.passages import Passage

TOKENS_OF_OTHERS = 1.3
"""A model's own tokenizer may need so many times the tokens of the one that counts here."""

FEWEST_PASSAGE_TOKENS = 128

UNPACKED_TOKENS = 512
"""Fewer are not worth packing: what would be saved costs less than a sentence that is missing."""

CHARACTERS_PER_TOKEN = 8
"""More than any tokenizer makes of usual text: longer is an answer only when a model does not keep to its limit."""

CHAT_CHARACTERS = 600


class WritingTasks:
    """Blocking and thread-safe. `models` by name."""

    def __init__(
        self,
        models: Mapping[str, LanguageModel],
        packer: ContextPacker,
        extractive: ExtractiveModel,
    ) -> None:
        self._models = models
        self._packer = packer
        self._extractive = extractive
        self._static_tokens = estimate_tokens(STATIC_PARTS[ANSWER_PROMPT])

    def answer(
        self,
        question: Question,
        text: str,
        passages: Sequence[Passage],
        route: Route,
        check: EvidenceCheck,
        threshold: float,
        deadline: Deadline,
    ) -> WritingTask:
        """Answer the standalone question `text` from these passages, by the models of the route."""
        models = tuple(self._models[name] for name in route.models)
        room = min(model.profile.context_tokens - _longest(question, route, model) for model in models)
        budget = int(room / TOKENS_OF_OTHERS) - self.prompt_tokens(text)
        packed = self._packer.pack(
            text,
            passages,
            budget_tokens=max(FEWEST_PASSAGE_TOKENS, budget),
            ratio=route.packing_ratio,
            least_tokens=UNPACKED_TOKENS,
        )
        code = secrets.token_hex(4)  # the same for a model that goes on, so that the provider's cache still fits
        shown: list[Packed] = [(one.number, _header(one), one.text) for one in packed.passages]

        def request_for(written: str, model: LanguageModel) -> ModelRequest:
            messages = answer_messages(
                text,
                shown,
                format_hint=question.format_hint,
                written_so_far=written,
                json_schema=question.json_schema,
                code=code,
            )
            return ModelRequest(messages, _longest(question, route, model), question.json_schema)

        return WritingTask(
            models=models,
            cascade=route.cascade,
            request_for=request_for,
            prompt=ANSWER_PROMPT,
            chunk_of={one.number: one.passage.chunk.chunk_id for one in packed.passages},
            check=ShortAnswers(text, check).check,
            threshold=threshold,
            answerable=lambda: bool(self._extractive.extract(text, passages).sentences),
            on_unsupported=question.on_unsupported,
            live=question.live and question.on_unsupported is OnUnsupported.FLAG,
            longest=CHARACTERS_PER_TOKEN * max(_longest(question, route, model) for model in models),
            deadline=deadline,
        )

    def chat(
        self, question: Question, text: str, route: Route, check: EvidenceCheck, deadline: Deadline
    ) -> WritingTask:
        """Reply to a greeting. One that claims anything is refused, since nothing supports it."""
        messages = chat_messages(text)
        return WritingTask(
            models=tuple(self._models[name] for name in route.models),
            cascade=False,
            request_for=lambda _written, model: ModelRequest(messages, _longest(question, route, model)),
            prompt=CHAT_PROMPT,
            chunk_of={},
            check=check.check,
            threshold=1.0,
            answerable=lambda: False,
            on_unsupported=OnUnsupported.REFUSE,
            live=False,
            longest=CHAT_CHARACTERS,
            deadline=deadline,
        )

    def estimate(self, messages: tuple[Message, ...], text: str) -> TokenCounts:
        """What a provider that counts nothing would have counted."""
        prompt = sum(estimate_tokens(message.content) for message in messages)
        return TokenCounts(prompt=prompt, completion=estimate_tokens(text))

    def prompt_tokens(self, text: str) -> int:
        """Tokens of a prompt beside its passages."""
        return self._static_tokens + estimate_tokens(text)


def _longest(question: Question, route: Route, model: LanguageModel) -> int:
    most = model.profile.max_output_tokens
    return min(most, question.max_tokens or most, route.max_tokens.get(model.profile.name, most))


def _header(packed: PackedPassage) -> str:
    chunk = packed.passage.chunk
    page = f", page {chunk.page}" if chunk.page is not None else ""
    section = f": {chunk.section}" if chunk.section else ""
    return f"{chunk.document_name}{page}{section}"
