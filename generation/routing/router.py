"""Which models answer a question, in which order, over how much evidence, and why.

Deterministic: the same facts and policy give the same route, so that a policy can be replayed over a recorded run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from generation.language_models.model import Role, UnknownModel
from generation.routing.evidence_signals import EvidenceSignals
from generation.routing.intents import Intent, IntentKind
from generation.routing.limits import Load, TimedModel, allowed
from generation.routing.policy import RoutingPolicy

EXTRACTIVE = "extractive"
"""Always there, after the last model of every route."""


@dataclasses.dataclass(frozen=True, slots=True)
class RoutingFacts:
    """All that decides a route besides the policy and the models. Plain values: they are recorded for replays.

    `evidence` is None before or without a search. `prompt_tokens` are those beside the passages. `model`,
    `max_latency_ms`, `max_cost_usd` and `max_tokens` are the caller's; `spent_ms` of the latency have passed already.
    """

    intent: Intent
    evidence: EvidenceSignals | None = None
    prompt_tokens: int = 0
    model: str | None = None
    max_latency_ms: float | None = None
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    spent_ms: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """`models` in the order to try, `extractive` not among them: it follows always, alone when there are none.

    `packing_ratio`: how many times fewer tokens of evidence than were found. `cascade`: the first model's answer is
    checked and a powerful one may take over. `max_tokens`: the longest answer of a model that the caller's cost limit
    pays for. `reason` is a sentence for people.
    """

    intent: IntentKind
    retrieve: bool
    models: tuple[str, ...]
    packing_ratio: float
    cascade: bool
    reason: str
    max_tokens: Mapping[str, int] = dataclasses.field(default_factory=dict)


class Router:
    """Knows the models, in the order of the settings."""

    def __init__(self, policy: RoutingPolicy, models: Sequence[TimedModel]) -> None:
        self._policy = policy
        self._models = {model.profile.name: model for model in models}

    @property
    def names(self) -> tuple[str, ...]:
        """What a caller may ask for."""
        return (*self._models, EXTRACTIVE)

    def route(self, facts: RoutingFacts) -> Route:
        """The route of a question. Raises `UnknownModel` for a requested model that is not configured."""
        if facts.model is not None:
            return self._requested(facts, facts.model)
        kind = facts.intent.kind
        if kind is not IntentKind.CHAT and facts.evidence and (weak := self._policy.weak(facts.evidence)):
            reason = f"out of scope: {weak}, so no language model is asked"
            return Route(IntentKind.OUT_OF_SCOPE, True, (), self._policy.ratio(kind), False, reason)
        fast, powerful = self._names_of(Role.FAST), self._names_of(Role.POWERFUL)
        hard = self._policy.hard(facts.intent, facts.evidence)
        order = (*powerful, *fast) if hard else (*fast, *powerful)
        cascades = self._policy.cascade and kind is not IntentKind.CHAT and not hard and bool(fast)
        what = hard or _described(facts)
        if not order:
            return self._route(facts, (), f"{what}; no language model is configured")
        return self._route(facts, order, what, escalates_to=next(iter(powerful), None) if cascades else None)

    def _requested(self, facts: RoutingFacts, name: str) -> Route:
        if name not in self.names:
            raise UnknownModel(f"There is no model {name!r}; there are: {', '.join(self.names)}.")
        what = f"{name} was asked for"
        return self._route(facts, () if name == EXTRACTIVE else (name,), what)

    def _names_of(self, role: Role) -> tuple[str, ...]:
        return tuple(name for name, model in self._models.items() if model.profile.role is role)

    def _route(self, facts: RoutingFacts, order: Sequence[str], what: str, escalates_to: str | None = None) -> Route:
        """The route over those of the models that the caller's limits leave."""
        kind = facts.intent.kind
        wanted = self._policy.ratio(kind)
        load = Load(
            prompt=facts.prompt_tokens,
            evidence=facts.evidence.tokens if facts.evidence else 0,
            completion=self._policy.tokens(kind),
            room=self._policy.room,
            max_tokens=facts.max_tokens,
        )
        left_ms = None if facts.max_latency_ms is None else facts.max_latency_ms - facts.spent_ms
        fits = allowed(
            [self._models[name] for name in order],
            load,
            sorted({wanted, max(wanted, self._policy.most_ratio)}),
            max_cost_usd=facts.max_cost_usd,
            max_latency_ms=left_ms,
            escalates_to=escalates_to,
        )
        reason = what
        if order and facts.model is None:
            reason += f", so {self._chosen(fits.models, cascade=fits.pair)}" if fits.models else ""
        if fits.left_out:
            reason += f"; left out for the caller's limits: {', '.join(fits.left_out)}"
            reason += "" if fits.models else f", so {EXTRACTIVE} answers"
        if escalates_to in fits.models[1:] and not fits.pair:
            reason += "; the caller's limits leave no room for a second model"
        if fits.ratio > wanted:
            reason += f"; the cost limit asks for evidence {fits.ratio:g} times shorter"
        retrieve = kind is not IntentKind.CHAT
        return Route(kind, retrieve, fits.models, fits.ratio, fits.pair, reason, fits.max_tokens)

    def _chosen(self, names: tuple[str, ...], *, cascade: bool) -> str:
        role = self._models[names[0]].profile.role.value
        return f"the {role} model {names[0]}" + (", checked, before a powerful one" if cascade else "")


def _described(facts: RoutingFacts) -> str:
    intent = facts.intent
    over = "" if facts.evidence is None else f" over {facts.evidence.documents} document"
    over += "s" if facts.evidence and facts.evidence.documents != 1 else ""
    match intent.kind:
        case IntentKind.CHAT:
            return "small talk, nothing to search for"
        case IntentKind.COMPARISON:
            return f"comparison ({intent.compares!r}){over}"
        case IntentKind.MULTI_PART:
            return f"{intent.parts} questions in one{over}"
        case IntentKind.FORMAT:
            return f"one question, a form is wanted ({intent.form})"
        case _:
            return f"one question of {intent.words} words"
