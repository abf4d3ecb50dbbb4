"""`plumb eval rate` and `plumb eval audit`: the hallucination rate, and the verdicts of people that correct it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cli.evaluation.output import AsJson

if TYPE_CHECKING:
    from rich.console import Console

    from cli.connection import Connection
    from cli.http_client import Json

VERDICTS = {"s": "supported", "u": "unsupported", "?": "undecidable"}
KEYS = (
    "s supported · u something in it is not in the passages · ? cannot be decided · a all passages · n later · q quit"
)
PASSAGE_WIDTH = 900

Window = Annotated[str, typer.Option(help="How far back: 30m, 24h, 7d, 4w.")]
Model = Annotated[str | None, typer.Option(help="Only answers of this model.")]
Collection = Annotated[str | None, typer.Option(help="Only answers from this collection.")]


def rate(
    window: Window = "24h",
    model: Model = None,
    collection: Collection = None,
    group_by: Annotated[str | None, typer.Option(help="model, route, collection or day.")] = None,
    as_json: AsJson = False,
) -> None:
    """The share of answers with unsupported content.

    Corrected for the checker's errors, with a 95% interval; of the answers that were given, not of a data set.
    """
    from cli.connection import connect
    from cli.console import out, print_json

    with connect() as connection:
        report = connection.get(
            "/v1/groundedness/rate", window=window, model=model, collection=collection, group_by=group_by
        )
    if as_json:
        print_json(report)
    else:
        _print_rate(out(), report)


def audit(
    draw: Annotated[int, typer.Option(min=0, max=1000, help="Draw so many more answers first.")] = 0,
    window: Window = "7d",
    model: Model = None,
    collection: Collection = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to judge or list at most.")] = 20,
    judge: Annotated[str | None, typer.Option(help="Who judges; your user name otherwise.")] = None,
    reveal: Annotated[bool, typer.Option(help="Show what the checker said. It sways whoever judges.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge answers that were drawn at random.

    Shows each sentence with the passages nearest to it, and takes your verdict. Window, model and collection are those
    of the draw. Only such verdicts correct the hallucination rate.
    """
    from cli.connection import connect
    from cli.console import out, print_json
    from runtime.errors import InvalidInput

    if not as_json and not sys.stdin.isatty():
        raise InvalidInput("Judging takes a terminal. Use --json to list what was drawn.")
    with connect() as connection:
        drawn = None
        if draw:
            wanted = {"answers": draw, "window": window, "model": model, "collection": collection}
            drawn = connection.post("/v1/groundedness/audit", wanted)
        items = connection.get("/v1/groundedness/audit", limit=limit, reveal=reveal)["items"]
        if as_json:
            print_json({"drawn": drawn, "items": items})
            return
        console = out()
        if drawn is not None:
            console.print(f"Drawn: {drawn['drawn']} of {drawn['candidates']} answers; {drawn['to_judge']} to judge.")
        if not items:
            console.print("Nothing to judge. Draw some answers: plumb eval audit --draw 20 --window 7d")
            return
        judged = judge_all(connection, console, items, judge or getpass.getuser(), lambda: console.input("> "))
        if judged:
            console.print()
            _print_rate(console, connection.get("/v1/groundedness/rate", window=window))


def judge_all(connection: Connection, console: Console, items: list[Json], judge: str, read: Callable[[], str]) -> int:
    """Ask for a verdict on each item until `q` or the end of the input; how many were given."""
    judged = 0
    for place, item in enumerate(items, start=1):
        console.print()
        console.rule(f"{place} of {len(items)}", align="left", style="dim")
        _print_item(console, item)
        try:
            verdict = _verdict(console, item, read)
        except EOFError:
            break
        if verdict == "q":
            break
        if verdict == "n":
            continue
        body: Json = {"verdict": VERDICTS[verdict], "judged_by": judge}
        if verdict == "u":
            body["spans"] = _spans(console, item, read)
        connection.post(f"/v1/groundedness/audit/{item['audit_id']}/verdict", body)
        judged += 1
    return judged


def _verdict(console: Console, item: Json, read: Callable[[], str]) -> str:
    while True:
        console.print(KEYS, style="dim")
        answer = read().strip().lower()
        if answer in {*VERDICTS, "n", "q"}:
            return answer
        if answer == "a":
            _print_passages(console, item["passages"])


def _spans(console: Console, item: Json, read: Callable[[], str]) -> list[list[int]]:
    """The sentences that the judge names by their numbers; none when they are not said."""
    sentences = item["sentences"]
    if len(sentences) == 1:
        return [sentences[0]["span"]]
    while True:
        console.print("Which sentences are not supported? Numbers, or Enter to leave it open.", style="dim")
        numbers = read().replace(",", " ").split()
        if all(number.isdecimal() and 1 <= int(number) <= len(sentences) for number in numbers):
            return [sentences[int(number) - 1]["span"] for number in dict.fromkeys(numbers)]


def _print_item(console: Console, item: Json) -> None:
    from cli.console import one_line

    passages = {passage["chunk_id"]: passage for passage in item["passages"]}
    console.print(one_line(item["question"]), style="dim")
    for number, sentence in enumerate(item["sentences"], start=1):
        console.print(f"\n{number}. {one_line(sentence['text'])}", style="bold" if sentence["is_claim"] else "")
        if sentence["supported"] is not None:
            console.print(f"   checker: {'supported' if sentence['supported'] else 'not supported'}", style="yellow")
        _print_passages(console, [passages[chunk_id] for chunk_id in sentence["nearest"][:1]])


def _print_passages(console: Console, passages: list[Json]) -> None:
    from cli.console import one_line, shortened

    for passage in passages:
        page = f", page {passage['page']}" if passage["page"] is not None else ""
        console.print(f"   {one_line(passage['document_name'])}{page}", style="cyan")
        console.print(f"   {shortened(passage['text'], PASSAGE_WIDTH)}")


def _print_rate(console: Console, report: Json) -> None:
    from rich.table import Table

    console.print(report["says"], style="bold")
    counts = report["counts"]
    console.print(
        f"Checked {counts['checked']} (flagged {counts['flagged']}; not the rate), verbatim {counts['verbatim']}, "
        f"refused {counts['refused']}, fixed {counts['fixed']}, without claims {counts['no_claims']}, unchecked "
        f"{counts['unchecked']}. Judged {report['audit']['judged']}, to judge {report['audit']['to_judge']}.",
        style="dim",
    )
    for monitor in report["monitors"]:
        if monitor["alarm"]:
            console.print(
                f"ALARM: above the objective since {monitor['alarmed_after']} answers after {monitor['since']} "
                f"({monitor['checker']} {monitor['version']}).",
                style="bold red",
            )
    if report["groups"]:
        table = Table("group", box=None, pad_edge=False)
        for heading in ("rate", "95% interval", "answers"):
            table.add_column(heading, justify="right")
        for group in report["groups"]:
            low, high = group["interval"]
            shown = "unknown" if group["rate"] is None else f"{group['rate']:.1%}"
            table.add_row(group["group"] or "(all)", shown, f"{low:.1%} to {high:.1%}", str(group["answers"]))
        console.print(table)
