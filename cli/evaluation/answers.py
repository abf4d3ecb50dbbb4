"""`plumb eval answers`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.evaluation.output import AsJson, Out, Report, command_line, progress_bar, show_run


def answers(
    data: Annotated[Path, typer.Option(help="JSONL: id, question, answers, answerable, and context to be read.")],
    collection: Annotated[str | None, typer.Option(help="For questions without a context: where to look.")] = None,
    model: Annotated[str | None, typer.Option(help="Language model; chosen by the router otherwise.")] = None,
    out: Out = None,
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often answers are right and refusals deserved.

    Questions without a context are asked of the documents.
    """
    from cli.connection import Connection, connect
    from evals.assembly import MEASURING, run_answers
    from runtime.settings import load_settings

    settings = load_settings()
    with contextlib.ExitStack() as stack, progress_bar() as on_progress:
        connections: list[Connection] = []

        def ask_collection(question: str) -> Mapping[str, Any]:
            if not connections:  # files of reading questions never need the data folder
                connections.append(stack.enter_context(connect(settings)))
            options = {"collection": collection, "model": model}
            given = {name: value for name, value in options.items() if value is not None}
            return connections[0].post("/v1/ask", {"question": question, **MEASURING, **given})

        record = run_answers(
            settings, data, command=command_line(), model=model, ask_collection=ask_collection, on_progress=on_progress
        )
    show_run(record, out, report, as_json=as_json)
