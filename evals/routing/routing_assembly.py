"""Recordings of what every model answers, and routing policies replayed over them, put together from the settings."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evals.assembly import OnProgress, describe_models, describe_settings, passages_of, reading_by
from evals.cases import AnswerCase, read_answers
from evals.runs.run_record import RunRecord, finished_run, utc_now
from runtime.errors import InvalidInput

if TYPE_CHECKING:
    from runtime.settings import Settings

AskModelOfCollection = Callable[[str, str], Mapping[str, Any]]
"""Question and model's name to the answer object of the outward contract."""


def record_routing(
    settings: Settings,
    file: pathlib.Path,
    *,
    command: str,
    ask_collection: AskModelOfCollection | None = None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Ask every question of a JSONL file of every model but those for batches, to replay routing policies over it.

    Cases with a `context` are read in this process, the others go through `ask_collection`, as in `run_answers`. Raises
    `InvalidInput` without a fast and a powerful model, and `InvalidCases`. Blocking; costs money.
    """
    from evals.routing.routing_recording import record_answers
    from evals.routing.routing_replay import MODELS_KEY, profiles_to_json
    from generation.language_models.assembly import build_models
    from generation.language_models.model import Role
    from generation.routing.router import EXTRACTIVE
    from retrieval.assembly import build_embedder

    started, start = utc_now(), time.perf_counter()
    profiles = [model.profile for model in build_models(settings) if model.profile.role is not Role.BATCH]
    if {profile.role for profile in profiles} != {Role.FAST, Role.POWERFUL}:
        raise InvalidInput("Routing chooses between models: configure a fast and a powerful one (PLUMB_MODELS).")
    data = read_answers(file)
    report = on_progress or (lambda _stage, _share: None)
    with contextlib.ExitStack() as stack:
        reads = any(case.context for case in data.cases)
        read = stack.enter_context(reading_by(settings, build_embedder(settings))) if reads else None

        def ask(case: AnswerCase, model: str) -> Mapping[str, Any]:
            if case.context and read is not None:
                return read(case, model)
            if ask_collection is None:
                raise InvalidInput(
                    f"The question {case.case_id!r} has no context, and there is no collection to search."
                )
            return ask_collection(case.question, model)

        evaluation = record_answers(
            data.cases,
            [*(profile.name for profile in profiles), EXTRACTIVE],
            ask,
            lambda case: passages_of(case.context),
            on_progress=lambda share: report("answering", share),
        )
    described = describe_settings(settings) | {"data": file.name, MODELS_KEY: profiles_to_json(profiles)}
    return finished_run(
        evaluation,
        kind="routing",
        command=command,
        settings=described,
        models=describe_models(settings),
        started=started,
        start=start,
        data_hash=data.data_hash,
    )


def replay_routing(
    settings: Settings,
    run_file: pathlib.Path,
    policy_file: pathlib.Path | None,
    *,
    command: str,
    max_latency_ms: float | None = None,
    max_cost_usd: float | None = None,
) -> RunRecord:
    """Replay the policy of a JSON file, or that of the settings, over a recorded run. Raises `InvalidInput`."""
    from evals.routing.routing_replay import replay
    from evals.runs.run_record import read_run_record
    from generation.routing.policy import RoutingPolicy

    started, start = utc_now(), time.perf_counter()
    run = read_run_record(run_file)
    policy = RoutingPolicy.from_json(settings.routing) if policy_file is None else RoutingPolicy.read(policy_file)
    evaluation = replay(run, policy, max_latency_ms=max_latency_ms, max_cost_usd=max_cost_usd)
    described = {
        "run": run_file.name,
        "data": run.settings.get("data"),
        "policy": dataclasses.asdict(policy),
        "max_latency_ms": max_latency_ms,
        "max_cost_usd": max_cost_usd,
    }
    return finished_run(
        evaluation,
        kind="routing",
        command=command,
        settings=described,
        models=run.models,
        started=started,
        start=start,
        data_hash=run.data_hash,
    )
