"""`plumb eval test-set`: draft questions from a collection, and judge them one by one."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.connection import Connection

app = typer.Typer(no_args_is_help=True, help="Draft test questions from your documents, and judge them.")

POLL_S = 0.2
FINAL = ("succeeded", "failed", "cancelled")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def draft(
    collection: Annotated[str | None, typer.Option(help="What to ask about; all collections otherwise.")] = None,
    questions: Annotated[int, typer.Option(min=1, max=1000, help="How many, unanswerable ones included.")] = 50,
    model: Annotated[str | None, typer.Option(help="A configured model drafts; rules otherwise.")] = None,
    unanswerable: Annotated[float, typer.Option(min=0, max=1, help="Share that the documents do not answer.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Another seed drafts other questions.")] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the questions to this file.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft questions with their evidence.

    Without --out the questions are printed, one JSON object a line.
    """
    from cli.connection import connect
    from cli.evaluation.output import progress_bar
    from runtime.errors import PlumblineError

    wanted: dict[str, Any] = {
        "collection": collection,
        "questions": questions,
        "model": model,
        "unanswerable": unanswerable,
        "seed": seed,
    }
    with connect() as connection, progress_bar() as on_progress:
        path = f"/v1/test-sets/{connection.post('/v1/test-sets', wanted)['test_set_id']}"
        ended = _followed(connection, path, on_progress)
        if ended["status"] != "succeeded":
            error = ended["error"] or {"code": "cancelled", "message": "The drafting was cancelled."}
            raise PlumblineError(error["message"], code=error["code"])
        lines = connection.text(f"{path}/export")
    items = [json.loads(line) for line in lines.splitlines()]
    _show(items, lines, out, questions, as_json=as_json)


def _followed(connection: Connection, path: str, on_progress: Any) -> dict[str, Any]:
    while (job := connection.get(path))["status"] not in FINAL:
        on_progress(job["stage"] or job["status"], job["progress"])
        time.sleep(POLL_S)
    return job


def _show(items: list[dict[str, Any]], lines: str, path: Path | None, wanted: int, *, as_json: bool) -> None:
    from cli.console import err, out, print_json

    if path is not None:
        _write(path, items)
    if as_json:
        print_json({"items": items, "counts": _counts(items)})
        return
    if path is None:
        out().file.write(lines)
    fewer = f" ({wanted} were asked for; the documents give no more)" if len(items) < wanted else ""
    counts = _counts(items)
    told = f"{len(items)} questions, {counts['unanswerable']} of them unanswerable{fewer}."
    where = f" Written to {path}. Judge them with: plumb eval test-set review {path}" if path else ""
    err().print(told + where, soft_wrap=True)


def _counts(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "questions": len(items),
        "unanswerable": sum(not item["answerable"] for item in items),
        "kinds": dict(Counter(item["kind"] for item in items)),
        "status": dict(Counter(item["status"] for item in items)),
    }


@app.command()
def review(
    file: Annotated[Path, typer.Argument(help="A file that `plumb eval test-set draft` has written.")],
    again: Annotated[bool, typer.Option("--all", help="Show those that have been judged, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Accept, edit or reject questions one by one; every decision is written at once.

    With --json nothing is asked: the counts so far are printed.
    """
    from cli.console import out, print_json

    items = _read(file)
    if as_json:
        print_json(_counts(items))
        return
    console = out()
    waiting = [number for number, item in enumerate(items) if again or item["status"] == "drafted"]
    for done, number in enumerate(waiting, start=1):
        _print_item(items[number], done, len(waiting))
        decision = _decision(items[number])
        if decision is None:
            break
        items[number] = decision
        _write(file, items)
    status = _counts(items)["status"]
    console.print(", ".join(f"{count} {name}" for name, count in sorted(status.items())) + ".")


def _print_item(item: Mapping[str, Any], number: int, total: int) -> None:
    from cli.console import one_line, out

    console = out()
    console.print(f"\n{number}/{total}  {item['id']}  {item['kind']}", style="dim")
    console.print(one_line(item["question"]), style="bold", soft_wrap=True)
    answer = " | ".join(item["answers"]) if item["answerable"] else "(the documents do not say)"
    console.print(f"Answer: {one_line(answer)}", soft_wrap=True)
    for one in [*item["evidence"], *item["near"]]:
        label = "Evidence" if item["answerable"] else "Made from"
        console.print(
            f"{label}: {one_line(one['document_name'])}: {one_line(one['quote'])}", soft_wrap=True, style="dim"
        )


def _decision(item: dict[str, Any]) -> dict[str, Any] | None:
    """The item as it was judged; None to stop."""
    from evals.test_sets.items import edited

    while True:
        choice = typer.prompt("[a]ccept, [e]dit, [r]eject, [s]kip, [q]uit", default="a").strip().lower()[:1]
        if choice == "a":
            return {**item, "status": "accepted"}
        if choice == "r":
            return {**item, "status": "rejected"}
        if choice == "s":
            return item
        if choice == "q":
            return None
        if choice == "e":
            question = typer.prompt("Question", default=item["question"]).strip()
            if not item["answerable"]:
                return edited(item, question=question)
            answers = typer.prompt("Answers, with | between", default=" | ".join(item["answers"]))
            given = [answer.strip() for answer in answers.split("|") if answer.strip()]
            return edited(item, question=question, answers=given or item["answers"])


def _read(file: Path) -> list[dict[str, Any]]:
    from evals.case_files import InvalidCases
    from evals.cases import read_answers

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCases(f"{file} cannot be read: {error}.") from error
    if not all('"status": "rejected"' in line for line in lines if line.strip()):
        read_answers(file)  # complains with file and line
    items = [json.loads(line) for line in lines if line.strip()]
    wanted = ("kind", "evidence", "near", "status")
    for number, item in enumerate(items, start=1):
        missing = [name for name in wanted if name not in item]
        if missing:
            raise InvalidCases(
                f"{file}, line {number}: `{missing[0]}` is missing; only drafted questions are reviewed."
            )
    return items


def _write(path: Path, items: list[dict[str, Any]]) -> None:
    """The file is there whole, as it was or as it is to be."""
    from runtime.errors import InvalidInput

    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.") from error
