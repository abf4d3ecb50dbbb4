from __future__ import annotations

import dataclasses

import pytest

from generation.language_models.model import ModelProfile, Prices, Role, TokenCounts, UnknownModel
from generation.routing.evidence_signals import EvidenceSignals
from generation.routing.intents import IntentKind, intent_of
from generation.routing.policy import RoutingPolicy
from generation.routing.router import Route, Router, RoutingFacts

FREE = Prices()


@dataclasses.dataclass(frozen=True)
class Timed:
    profile: ModelProfile
    seconds: float | None = None

    def typical_latency(self, completion_tokens: int) -> float | None:
        return None if self.seconds is None else self.seconds + completion_tokens / 1000


def model(name: str, role: Role, prices: Prices = FREE, seconds: float | None = None) -> Timed:
    return Timed(ModelProfile(name, role, 8192, 1000, prices), seconds)


SMALL = model("small", Role.FAST, Prices(1.0, 1.0, 2.0), 0.3)
LARGE = model("large", Role.POWERFUL, Prices(10.0, 10.0, 30.0), 3.0)
NIGHTLY = model("nightly", Role.BATCH)
ROUTER = Router(RoutingPolicy(), [LARGE, NIGHTLY, SMALL])
STRONG = EvidenceSignals(10, 3, 0.6, 20.0, 0.2, 1.0, 0.6, 4000)
ONE_DOCUMENT = dataclasses.replace(STRONG, documents=1)


def route(
    question: str,
    evidence: EvidenceSignals | None = STRONG,
    *,
    router: Router = ROUTER,
    prompt_tokens: int = 500,
    asked: str | None = None,
    max_latency_ms: float | None = None,
    max_cost_usd: float | None = None,
    max_tokens: int | None = None,
    spent_ms: float = 0.0,
) -> Route:
    facts = RoutingFacts(
        intent_of(question), evidence, prompt_tokens, asked, max_latency_ms, max_cost_usd, max_tokens, spent_ms
    )
    return router.route(facts)


LOOK_UP = "What is the notice period?"
COMPARISON = "Compare the leases of Basel and Bern."


def test_a_look_up_begins_with_the_fast_model_and_is_checked() -> None:
    found = route(LOOK_UP)
    assert (found.models, found.cascade, found.retrieve) == (("small", "large"), True, True)
    assert found.reason == "one question of 5 words, so the fast model small, checked, before a powerful one"
    assert found.max_tokens == {} and found.packing_ratio == 4.0


def test_a_comparison_over_documents_begins_with_the_powerful_model() -> None:
    found = route(COMPARISON)
    assert (found.models, found.cascade) == (("large", "small"), False)
    assert found.reason == "comparison ('compare') over 3 documents, so the powerful model large"
    assert found.packing_ratio == 2.0


def test_a_comparison_within_one_document_is_for_the_fast_model() -> None:
    found = route(COMPARISON, ONE_DOCUMENT)
    assert found.models == ("small", "large") and found.cascade and "over 1 document," in found.reason


def test_many_questions_in_one_are_for_the_powerful_model() -> None:
    three = route("What is the rent, when is it due, and who receives it?", ONE_DOCUMENT)
    assert three.models[0] == "large" and "3 questions in one" in three.reason
    assert route("What is the rent and when is it due?", ONE_DOCUMENT).models[0] == "small"
    assert route("What is the rent and when is it due?", STRONG).models[0] == "large"


def test_small_talk_is_not_searched_for_and_not_checked() -> None:
    found = route("Hello!", None)
    assert (found.intent, found.retrieve, found.cascade) == (IntentKind.CHAT, False, False)
    assert found.models == ("small", "large")


def test_weak_evidence_is_worth_no_model() -> None:
    weak = dataclasses.replace(STRONG, dense=0.1, covered=0.0)
    found = route(LOOK_UP, weak)
    assert (found.intent, found.models, found.retrieve) == (IntentKind.OUT_OF_SCOPE, (), True)
    assert "similarity 0.10" in found.reason and "no language model is asked" in found.reason
    assert route(LOOK_UP, dataclasses.replace(weak, covered=0.9)).models  # its words stand there
    assert route(LOOK_UP, dataclasses.replace(weak, dense=None)).models  # given passages have no scores
    assert route(LOOK_UP, dataclasses.replace(weak, same_language=False)).models  # a translation may be there
    nothing = route(LOOK_UP, EvidenceSignals(0, 0, None, None, 1.0, 0.0, None, 0))
    assert nothing.intent is IntentKind.OUT_OF_SCOPE and "nothing was found" in nothing.reason


def test_a_requested_model_is_used_alone() -> None:
    found = route(COMPARISON, asked="small")
    assert (found.models, found.cascade, found.reason) == (("small",), False, "small was asked for")
    assert route(LOOK_UP, asked="nightly").models == ("nightly",)
    assert route(LOOK_UP, asked="extractive").models == ()
    weak = dataclasses.replace(STRONG, dense=0.1, covered=0.0)
    assert route(LOOK_UP, weak, asked="large").models == ("large",)  # an explicit wish is not second-guessed
    with pytest.raises(UnknownModel, match=r"'gpt'.*large, nightly, small, extractive"):
        route(LOOK_UP, asked="gpt")


def test_without_models_extractive_answers() -> None:
    found = route(LOOK_UP, router=Router(RoutingPolicy(), []))
    assert found.models == () and not found.cascade and "no language model is configured" in found.reason
    only_large = route(LOOK_UP, router=Router(RoutingPolicy(), [LARGE]))
    assert only_large.models == ("large",) and not only_large.cascade
    only_small = route(COMPARISON, router=Router(RoutingPolicy(), [SMALL]))
    assert only_small.models == ("small",) and "so the fast model small" in only_small.reason
    assert route(LOOK_UP, router=Router(RoutingPolicy(), [NIGHTLY])).models == ()


def test_a_slow_model_is_left_out_for_a_latency_limit() -> None:
    found = route(COMPARISON, max_latency_ms=2000)
    assert found.models == ("small",) and "large takes about 3300 ms" in found.reason
    assert route(COMPARISON, max_latency_ms=4000).models == ("large", "small")
    assert route(COMPARISON, max_latency_ms=4000, spent_ms=1000).models == ("small",)
    none = route(LOOK_UP, max_latency_ms=100)
    assert none.models == () and none.reason.endswith("so extractive answers")


def test_the_cascade_must_fit_in_time_as_a_whole() -> None:
    assert route(LOOK_UP, max_latency_ms=3600).cascade
    alone = route(LOOK_UP, max_latency_ms=3200)
    assert alone.models == ("small", "large") and not alone.cascade
    assert "no room for a second model" in alone.reason


def test_a_model_that_nothing_is_known_of_is_tried() -> None:
    unknown = Router(RoutingPolicy(), [model("new", Role.FAST)])
    assert route(LOOK_UP, router=unknown, max_latency_ms=50).models == ("new",)


def worst(found: Route, models: tuple[str, ...], prompt: int, evidence: int) -> float:
    """What the longest answers of these models can cost."""
    total = 0.0
    for one in (SMALL, LARGE):
        if one.profile.name in models:
            completion = found.max_tokens[one.profile.name]
            counts = TokenCounts(prompt + round(evidence / found.packing_ratio), 0, completion)
            total += counts.cost_usd(one.profile.prices)
    return total


@pytest.mark.parametrize("limit", [0.05, 0.03, 0.022, 0.02, 0.017, 0.012, 0.005, 0.002, 0.0015, 0.001])
@pytest.mark.parametrize("question", [LOOK_UP, COMPARISON])
def test_a_cost_limit_is_never_broken(question: str, limit: float) -> None:
    found = route(question, max_cost_usd=limit)
    for name in found.models:
        assert worst(found, (name,), 500, 4000) <= limit * (1 + 1e-9)
    if found.cascade:
        assert worst(found, found.models, 500, 4000) <= limit * (1 + 1e-9)


def test_a_cost_limit_first_saves_evidence_then_models() -> None:
    assert route(COMPARISON, max_cost_usd=0.05).models == ("large", "small")
    packed = route(COMPARISON, max_cost_usd=0.03)
    assert packed.models == ("large", "small") and packed.packing_ratio == 8.0
    assert "an 8th" not in packed.reason and "8 times shorter" in packed.reason
    cheap = route(COMPARISON, max_cost_usd=0.01)
    assert cheap.models == ("small",) and "large can cost" in cheap.reason
    assert route(LOOK_UP, max_cost_usd=0.00001).models == ()


def test_a_callers_longest_answer_counts() -> None:
    assert route(COMPARISON, max_cost_usd=0.02).models == ("small",)
    assert route(COMPARISON, max_cost_usd=0.02, max_tokens=100).models == ("large", "small")


def test_the_same_facts_give_the_same_route() -> None:
    assert route(COMPARISON, max_cost_usd=0.02) == route(COMPARISON, max_cost_usd=0.02)
