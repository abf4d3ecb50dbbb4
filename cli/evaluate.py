"""`plumb eval`: measure retrieval and answers on data with known truth, compare two such runs, judge one by another."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from evals.compare_runs import Difference
    from evals.run_record import RunRecord

app = typer.Typer(no_args_is_help=True, help="Measure retrieval and answers, compare runs.")

Out = Annotated[Path | None, typer.Option("--out", help="Write the run, with every record, to this JSON file.")]


@app.command()
def retrieval(
    data: Annotated[Path, typer.Option(help="Folder in BEIR form: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.")],
    split: Annotated[str, typer.Option(help="Which judgments: qrels/SPLIT.tsv.")] = "dev",
    arms: Annotated[str, typer.Option(help="Which arms, with commas.")] = "bm25,dense,fused,reranked",
    out: Out = None,
) -> None:
    """Measure how well the right passages are found.

    In an index of its own, which is dropped afterwards.
    """
    from evals.assembly import run_retrieval
    from runtime.settings import load_settings

    names = [arm.strip() for arm in arms.split(",") if arm.strip()]
    with _progress() as on_progress:
        record = run_retrieval(
            load_settings(), data, split=split, arms=names, command=_command(), on_progress=on_progress
        )
    _report(record, out)


@app.command()
def answers(
    data: Annotated[Path, typer.Option(help="JSONL: id, question, answers, answerable, and context to be read.")],
    collection: Annotated[str | None, typer.Option(help="For questions without a context: where to look.")] = None,
    model: Annotated[str | None, typer.Option(help="Language model; chosen by the router otherwise.")] = None,
    out: Out = None,
) -> None:
    """Measure how often answers are right and refusals deserved.

    Questions without a context are asked of the documents.
    """
    from cli.connection import Connection, connect
    from evals.assembly import run_answers
    from runtime.settings import load_settings

    settings = load_settings()
    with contextlib.ExitStack() as stack, _progress() as on_progress:
        connections: list[Connection] = []

        def ask_collection(question: str) -> Mapping[str, Any]:
            if not connections:  # files of reading questions never need the data folder
                connections.append(stack.enter_context(connect(settings)))
            options = {"collection": collection, "model": model}
            given = {name: value for name, value in options.items() if value is not None}
            return connections[0].post("/v1/ask", {"question": question, "cache": False, **given})

        record = run_answers(
            settings, data, command=_command(), model=model, ask_collection=ask_collection, on_progress=on_progress
        )
    _report(record, out)


@app.command()
def routing(
    record: Annotated[bool, typer.Option("--record", help="Ask every question of every model. Costs money.")] = False,
    data: Annotated[Path | None, typer.Option(help="To record: JSONL as for plumb eval answers.")] = None,
    collection: Annotated[str | None, typer.Option(help="For questions without a context: where to look.")] = None,
    replay: Annotated[Path | None, typer.Option(help="A recorded run; no model is called.", metavar="RUN.json")] = None,
    policy: Annotated[Path | None, typer.Option(help="JSON of thresholds; those of the settings otherwise.")] = None,
    max_latency_ms: Annotated[float | None, typer.Option(help="Replay as if every caller had this limit.")] = None,
    max_cost_usd: Annotated[float | None, typer.Option(help="Replay as if every caller had this limit.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
    out: Out = None,
) -> None:
    """Measure a routing policy against always the fast and always the powerful model.

    First --record a run, then --replay policies over it as often as you like.
    """
    if record == (replay is not None):
        raise typer.BadParameter("Say either --record --data FILE.jsonl --out RUN.json, or --replay RUN.json.")
    if replay is not None:
        _replay_routing(replay, policy, max_latency_ms, max_cost_usd, out, as_json=as_json)
    elif data is None or out is None:
        raise typer.BadParameter("--record needs --data FILE.jsonl and --out RUN.json.")
    else:
        _record_routing(data, collection, out, as_json=as_json)


def _record_routing(data: Path, collection: str | None, path: Path, *, as_json: bool) -> None:
    from cli.connection import Connection, connect
    from evals.assembly import record_routing
    from runtime.settings import load_settings

    settings = load_settings()
    with contextlib.ExitStack() as stack, _progress() as on_progress:
        connections: list[Connection] = []

        def ask_collection(question: str, model: str) -> Mapping[str, Any]:
            if not connections:
                connections.append(stack.enter_context(connect(settings)))
            given = {} if collection is None else {"collection": collection}
            return connections[0].post("/v1/ask", {"question": question, "model": model, "cache": False, **given})

        run = record_routing(settings, data, command=_command(), ask_collection=ask_collection, on_progress=on_progress)
    _report(run, path, as_json=as_json)


def _replay_routing(
    run_file: Path,
    policy: Path | None,
    max_latency_ms: float | None,
    max_cost_usd: float | None,
    path: Path | None,
    *,
    as_json: bool,
) -> None:
    from evals.assembly import replay_routing
    from runtime.settings import load_settings

    run = replay_routing(
        load_settings(),
        run_file,
        policy,
        command=_command(),
        max_latency_ms=max_latency_ms,
        max_cost_usd=max_cost_usd,
    )
    _report(run, path, as_json=as_json, table=_routing_table)


@app.command("compare-runs")
def compare(
    a: Annotated[Path, typer.Argument(help="The run to compare with.", metavar="A.json")],
    b: Annotated[Path, typer.Argument(help="The run to compare.", metavar="B.json")],
) -> None:
    """Compare two runs over the same data.

    Differences B - A with 95% confidence intervals.
    """
    from cli.console import out
    from evals.compare_runs import compare_runs
    from evals.run_record import read_run_record

    differences = compare_runs(read_run_record(a), read_run_record(b))
    out().print(_difference_table(differences))


@app.command()
def gate(
    baseline: Annotated[Path, typer.Option(help="The run that must not be fallen behind.", metavar="A.json")],
    candidate: Annotated[Path, typer.Option(help="The run to judge.", metavar="B.json")],
) -> None:
    """Fail (exit 1) when quality fell significantly from A to B.

    For pipelines; speed and cost do not count.
    """
    from cli.console import out
    from evals.compare_runs import regressions
    from evals.run_record import read_run_record

    lost = regressions(read_run_record(baseline), read_run_record(candidate))
    if lost:
        out().print(_difference_table(lost))
        out().print("Quality fell significantly (p < 0.05 after Holm's correction).")
        raise typer.Exit(1)
    out().print("Quality did not fall significantly.")


def _report(
    record: RunRecord,
    path: Path | None,
    *,
    as_json: bool = False,
    table: Callable[[RunRecord], Any] | None = None,
) -> None:
    from cli.console import out, print_json

    console = out()
    if as_json:
        print_json(record.to_json())
    else:
        console.print((table or _metric_table)(record))
        console.print(f"{len(record.records)} records in {record.seconds:.1f} s.")
    if path is not None:
        record.write(path)
        if not as_json:
            console.print(f"Written to {path}.", soft_wrap=True)


def _metric_table(record: RunRecord) -> Any:
    from rich.table import Table

    table = Table("metric", box=None, pad_edge=False)
    table.add_column("value", justify="right")
    table.add_column("95% interval", justify="right")
    for name, value in record.metrics.items():
        interval = record.intervals.get(name)
        table.add_row(name, f"{value:.4g}", f"{interval[0]:.4g} to {interval[1]:.4g}" if interval else "")
    return table


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


def _difference_table(differences: list[Difference]) -> Any:
    from rich.table import Table

    table = Table("metric", box=None, pad_edge=False)
    for heading in ("items", "A", "B", "B - A", "95% interval", "p (Holm)"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in differences:
        interval = f"{row.low:+.4g} to {row.high:+.4g}"
        values = (
            str(row.items),
            f"{row.a:.4g}",
            f"{row.b:.4g}",
            f"{row.difference:+.4g}",
            interval,
            f"{row.p_holm:.3f}",
        )
        table.add_row(row.metric, *values, _verdict(row))
    return table


def _verdict(row: Difference) -> str:
    if row.p_holm >= 0.05 or row.difference == 0:
        return "no clear difference"
    return "B is better" if (row.difference > 0) == row.higher_is_better else "B is worse"


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from cli.console import err

    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(24), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda stage, share: progress.update(task, description=stage, completed=share)


def _command() -> str:
    return shlex.join(["plumb", *sys.argv[1:]])
