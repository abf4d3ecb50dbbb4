"""`plumb eval routing`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.evaluation.output import AsJson, Out, Report, command_line, progress_bar, show_run

if TYPE_CHECKING:
    from evals.runs.run_record import RunRecord


def routing(
    record: Annotated[bool, typer.Option("--record", help="Ask every question of every model. Costs money.")] = False,
    data: Annotated[Path | None, typer.Option(help="To record: JSONL as for plumb eval answers.")] = None,
    collection: Annotated[str | None, typer.Option(help="For questions without a context: where to look.")] = None,
    replay: Annotated[Path | None, typer.Option(help="A recorded run; no model is called.", metavar="RUN.json")] = None,
    policy: Annotated[Path | None, typer.Option(help="JSON of thresholds; those of the settings otherwise.")] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Replay as if every caller had this limit.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="Replay as if every caller had this limit.")] = None,
    as_json: AsJson = False,
    out: Out = None,
    report: Report = None,
) -> None:
    """Measure a routing policy against always the fast and always the powerful model.

    First --record a run, then --replay policies over it as often as you like.
    """
    if record == (replay is not None):
        raise typer.BadParameter("Say either --record --data FILE.jsonl --out RUN.json, or --replay RUN.json.")
    if replay is not None:
        _replay_routing(replay, policy, max_latency_ms, max_cost_usd, out, report, as_json=as_json)
    elif data is None or out is None:
        raise typer.BadParameter("--record needs --data FILE.jsonl and --out RUN.json.")
    else:
        _record_routing(data, collection, out, report, as_json=as_json)


def _record_routing(data: Path, collection: str | None, path: Path, page: Path | None, *, as_json: bool) -> None:
    from cli.connection import Connection, connect
    from evals.assembly import MEASURING
    from evals.routing.routing_assembly import record_routing
    from runtime.settings import load_settings

    settings = load_settings()
    with contextlib.ExitStack() as stack, progress_bar() as on_progress:
        connections: list[Connection] = []

        def ask_collection(question: str, model: str) -> Mapping[str, Any]:
            if not connections:
                connections.append(stack.enter_context(connect(settings)))
            given = {} if collection is None else {"collection": collection}
            return connections[0].post("/v1/ask", {"question": question, "model": model, **MEASURING, **given})

        run = record_routing(
            settings, data, command=command_line(), ask_collection=ask_collection, on_progress=on_progress
        )
    show_run(run, path, page, as_json=as_json)


def _replay_routing(
    run_file: Path,
    policy: Path | None,
    max_latency_ms: float | None,
    max_cost_usd: float | None,
    path: Path | None,
    page: Path | None,
    *,
    as_json: bool,
) -> None:
    from evals.routing.routing_assembly import replay_routing
    from runtime.settings import load_settings

    run = replay_routing(
        load_settings(),
        run_file,
        policy,
        command=command_line(),
        max_latency_ms=max_latency_ms,
        max_cost_usd=max_cost_usd,
    )
    show_run(run, path, page, as_json=as_json, table=_routing_table)


def _routing_table(record: RunRecord) -> Any:
    """A column a strategy, then what the policy changes; intervals that leave out 0 are the ones to believe."""
    from rich.table import Table

    strategies = ("policy", "always-fast", "always-powerful")
    table = Table("metric", box=None, pad_edge=False)
    for heading in (*strategies, "policy - always-fast", "policy - always-powerful"):
        table.add_column(heading, justify="right")
    names = [name.split("/", 1)[1] for name in record.metrics if name.startswith("policy/")]
    for name in names:
        cells = [
            f"{record.metrics[key]:.4g}" if (key := f"{one}/{name}") in record.metrics else "" for one in strategies
        ]
        table.add_row(name, *cells)
    changed = [name.split("/", 1)[1] for name in record.metrics if name.startswith("policy - ")]
    for name in dict.fromkeys(changed):
        keys = [f"policy - {one}/{name}" for one in strategies[1:]]
        cells = [_change(record, key) if key in record.metrics else "" for key in keys]
        table.add_row(f"{name} a question", "", "", "", *cells)
    return table


def _change(record: RunRecord, key: str) -> str:
    low, high = record.intervals[key]
    return f"{record.metrics[key]:+.4g} ({low:+.3g} to {high:+.3g})"
