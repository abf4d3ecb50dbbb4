"""An answer on its way: what is known of it so far, and the whole of it in the end."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Container, Mapping

from generation.answers import Answer, CacheUse, CheckerInfo, ModelUse, Question
from generation.checking.checker import overall
from generation.costs.token_costs import usage_of
from generation.language_models.model import Deadline, ModelCall, Prices, TokenCounts
from generation.prompting.follow_up import Standalone
from generation.routing.router import EXTRACTIVE, Route
from generation.writing.answer_draft import AnswerDraft
from generation.writing.task import Outcome, WritingTask
from retrieval.passages import Passage

REFUSAL = "The documents do not answer this question. The passages nearest to it are listed with this answer."


@dataclasses.dataclass(slots=True)
class AnswerMaking:
    """`task` and `outcome` are None while no language model was asked, `probability` while no sentence was looked for:
    it is that of the passages answering the question.
    """

    question: Question
    asked: Standalone
    deadline: Deadline
    started: float = dataclasses.field(default_factory=time.perf_counter)
    passages: tuple[Passage, ...] = ()
    timings: dict[str, float] = dataclasses.field(default_factory=dict)
    route: Route | None = None
    draft: AnswerDraft = dataclasses.field(default_factory=AnswerDraft)
    task: WritingTask | None = None
    outcome: Outcome | None = None
    probability: float | None = None
    calls: list[ModelCall] = dataclasses.field(default_factory=list)
    counts: dict[str, TokenCounts] = dataclasses.field(default_factory=dict)

    def count(self, model: str, counts: TokenCounts) -> None:
        """Add the tokens of a call."""
        self.counts[model] = self.counts.get(model, TokenCounts()) + counts

    def finished(self, checker: CheckerInfo, prices: Mapping[str, Prices]) -> Answer:
        """The answer, or the refusal, that the draft amounts to."""
        draft = self.draft
        refused = not draft.text or (self.outcome is not None and self.outcome.refused)
        cited = [] if refused else draft.cited.citations
        return Answer(
            answer_id=str(uuid.uuid4()),
            question=self.question.text,
            answer=REFUSAL if refused else draft.text,
            refused=refused,
            citations=tuple(cited),
            groundedness=None if refused else overall(draft.verdicts, checker),
            passages=self._with_cited({citation.chunk_id for citation in cited}),
            model=self._model_use(),
            usage=usage_of(self.counts, prices),
            cache=CacheUse(),
            timings_ms={**self.timings, "total": self._total()},
            warnings=tuple(draft.warnings),
            cut_short=self.outcome is not None and self.outcome.cut_short,
            unsupported_removed=self._unsupported_removed(refused),
        )

    def served_again(self, answer: Answer, prices: Mapping[str, Prices]) -> Answer:
        """An answer that was given before, for this question."""
        return dataclasses.replace(
            answer,
            answer_id=str(uuid.uuid4()),
            question=self.question.text,
            usage=usage_of(self.counts, prices),
            timings_ms={**self.timings, "generate": 0.0, "check": 0.0, "total": self._total()},
        )

    def _unsupported_removed(self, refused: bool) -> int:
        """Of the unsupported sentences, those that were written anew by another model, taken out, or refused."""
        if self.outcome is None:
            return 0
        stay = 0 if refused else sum(one.is_claim and not one.supported for one in self.draft.verdicts)
        return max(0, self.outcome.unsupported - stay)

    def _total(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def _with_cited(self, cited: Container[str]) -> tuple[Passage, ...]:
        """The passages found, then neighbours from whose text something is cited: every cited chunk can be shown."""
        shown = {passage.chunk.chunk_id: passage for passage in self.passages}
        for passage in self.passages:
            for chunk in passage.context_chunks:
                if chunk.chunk_id in cited and chunk.chunk_id not in shown:
                    shown[chunk.chunk_id] = dataclasses.replace(passage, chunk=chunk, scores={})
        return tuple(shown.values())

    def _model_use(self) -> ModelUse:
        route, outcome = self.route, self.outcome
        assert route is not None, "an answer is routed before it is finished"
        if outcome is None or self.task is None or (outcome.incomplete and not outcome.accepted):
            speaker, role, prompt = EXTRACTIVE, EXTRACTIVE, None
        else:
            speaker, prompt = outcome.speaker, self.task.prompt
            role = next(str(one.profile.role) for one in self.task.models if one.profile.name == speaker)
        reasons = [route.reason]
        if outcome is not None and outcome.escalation:
            reasons.append(f"escalated: {outcome.escalation}")
        if outcome is not None and outcome.incomplete:
            reasons.append("no model finished the answer, so sentences are quoted")
        if self.probability is not None:
            reasons.append(f"the passages answer with probability {self.probability:.2f}")
        return ModelUse(
            name=speaker,
            route=role,
            reason="; ".join(reasons),
            escalated=outcome is not None and bool(outcome.escalation),
            fallbacks=tuple(outcome.fallbacks) if outcome is not None else (),
            prompt=prompt,
        )
