"""A routing policy over a recorded run: what it would have cost, how long it would have taken, how good it would be.

No model is called. The cascade is replayed too: when the first model's answer was not supported, or it refused though
verbatim sentences answer (the extractive arm did not refuse), the powerful model's answer counts, and the cost and time
of both. That is a little pessimistic: the live cascade keeps supported sentences and begins again after them.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from evals.answers.evaluate_answers import aggregate_answers
from evals.runs.compare_runs import Difference, item_values, paired_differences
from evals.runs.run_record import Evaluation, RunRecord
from generation.language_models.model import ModelProfile, Prices, Role
from generation.routing.evidence_signals import EvidenceSignals
from generation.routing.intents import Intent, IntentKind
from generation.routing.policy import RoutingPolicy
from generation.routing.router import EXTRACTIVE, Route, Router, RoutingFacts
from runtime.errors import InvalidInput

POLICY, FAST, POWERFUL = "policy", "always-fast", "always-powerful"
COMPARED = ("correct", "f1", "unsupported", "cost_usd", "latency_ms")

MODELS_KEY = "routed_models"
"""Where the settings of a recorded run keep the profiles of its models."""


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedModel:
    """A model of the recorded run: its profile, and the median time of its answers in it."""

    profile: ModelProfile
    seconds: float | None

    def typical_latency(self, completion_tokens: int) -> float | None:  # noqa: ARG002  # lengths were not recorded
        return self.seconds


def profiles_to_json(profiles: Sequence[ModelProfile]) -> list[dict[str, Any]]:
    """For the settings of a recorded run, under `MODELS_KEY`."""
    return [dataclasses.asdict(profile) for profile in profiles]


def replay(
    run: RunRecord, policy: RoutingPolicy, *, max_latency_ms: float | None = None, max_cost_usd: float | None = None
) -> Evaluation:
    """Replay the policy, as if every caller had these limits. Raises `InvalidInput` for a run of another kind.

    Metrics are `STRATEGY/METRIC` for the policy, always-fast and always-powerful, and `policy - STRATEGY/METRIC` with
    the paired bootstrap interval; records are the policy's.
    """
    try:
        models = _models(run)
        strategies = _strategies(run.records, policy, models, max_latency_ms, max_cost_usd)
    except (KeyError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"
        raise InvalidInput(
            f"This run cannot be replayed ({told}); make one with plumb eval routing --record."
        ) from error
    metrics: dict[str, float] = {"questions": float(len(run.records))}
    intervals: dict[str, tuple[float, float]] = {}
    for name, records in strategies.items():
        found, around = aggregate_answers(records)
        metrics |= {f"{name}/{metric}": value for metric, value in found.items() if metric != "questions"}
        intervals |= {f"{name}/{metric}": interval for metric, interval in around.items()}
    chosen = strategies[POLICY]
    metrics[f"{POLICY}/escalated"] = statistics.fmean(record["escalated"] for record in chosen)
    for model in {record["answered_by"] for record in chosen}:
        metrics[f"{POLICY}/answered_by/{model}"] = statistics.fmean(record["answered_by"] == model for record in chosen)
    for name in (FAST, POWERFUL):
        for row in _differences(strategies[name], chosen) if name in strategies else ():
            metrics[f"{POLICY} - {name}/{row.metric}"] = row.difference
            intervals[f"{POLICY} - {name}/{row.metric}"] = (row.low, row.high)
    return Evaluation(metrics, intervals, chosen)


def _models(run: RunRecord) -> list[RecordedModel]:
    models = []
    for row in run.settings[MODELS_KEY]:
        profile = ModelProfile(**{**row, "role": Role(row["role"]), "prices": Prices(**row["prices"])})
        times = [record["arms"][profile.name]["latency_ms"] for record in run.records]
        models.append(RecordedModel(profile, statistics.median(times) / 1000 if times else None))
    return models


def _strategies(
    records: Sequence[Mapping[str, Any]],
    policy: RoutingPolicy,
    models: Sequence[RecordedModel],
    max_latency_ms: float | None,
    max_cost_usd: float | None,
) -> dict[str, list[dict[str, Any]]]:
    """Records in the form of `score_answer`, a list for each strategy."""
    if not records:
        raise ValueError("it has no questions")
    router = Router(policy, models)
    roles = {model.profile.name: model.profile.role for model in models}
    strategies: dict[str, list[dict[str, Any]]] = {POLICY: []}
    for record in records:
        evidence = EvidenceSignals(**record["evidence"]) if record["evidence"] else None
        facts = RoutingFacts(_intent(record["intent"]), evidence, 0, None, max_latency_ms, max_cost_usd)
        strategies[POLICY].append(_outcome(record, router.route(facts), roles))
    for name, role in ((FAST, Role.FAST), (POWERFUL, Role.POWERFUL)):
        if model := next((name for name, one in roles.items() if one is role), None):
            strategies[name] = [_single(record, model) for record in records]
    return strategies


def _intent(data: Mapping[str, Any]) -> Intent:
    return Intent(**{**data, "kind": IntentKind(data["kind"])})


def _outcome(record: Mapping[str, Any], route: Route, roles: Mapping[str, Role]) -> dict[str, Any]:
    """What the user would have got by this route."""
    first = route.models[0] if route.models else EXTRACTIVE
    arms = record["arms"]
    outcome = _single(record, first)
    second = next((name for name in route.models[1:] if roles[name] is Role.POWERFUL), None)
    escalated = route.cascade and second is not None and _falls_short(arms[first], arms[EXTRACTIVE])
    if escalated and second is not None:
        outcome = _single(record, second)
        outcome["cost_usd"] += arms[first]["cost_usd"]
        outcome["latency_ms"] += arms[first]["latency_ms"] - arms[second]["search_ms"]  # the search is made once
    return outcome | {
        "intent": route.intent.value,
        "reason": route.reason,
        "escalated": escalated,
        "answered_by": second if escalated else first,
    }


def _falls_short(answer: Mapping[str, Any], extractive: Mapping[str, Any]) -> bool:
    return not extractive["refused"] if answer["refused"] else answer["supported"] is False


def _single(record: Mapping[str, Any], model: str) -> dict[str, Any]:
    arm = record["arms"][model]
    supported = arm["supported"]
    return {
        "id": record["id"],
        "answerable": record["answerable"],
        **{name: value for name, value in arm.items() if name not in ("search_ms", "fell_back")},
        "unsupported": None if supported is None else not supported,
    }


def _differences(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> list[Difference]:
    return paired_differences({metric: (item_values(a, metric), item_values(b, metric)) for metric in COMPARED})
