"""`plumb demo`: the whole way on the sample documents, in a data folder of its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from runtime.settings import Settings

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


@dataclasses.dataclass(frozen=True, slots=True)
class DemoQuestion:
    """`shows` says why this one is asked."""

    text: str
    shows: str


QUESTIONS = (
    DemoQuestion(
        "How long is the warranty on a class B instrument?",
        "From a table in a Word document.",
    ),
    DemoQuestion(
        "When is the next calibration of sonde T4-20817 due?",
        "From a scanned page, read by text recognition.",
    ),
    DemoQuestion(
        "Does the API support GraphQL?",
        "No document says: a refusal, with the passages that came nearest.",
    ),
)


def demo() -> None:
    """Ingest the sample documents and ask them three questions.

    Your own data folder is not touched.
    """
    from cli.answer_view import print_answer
    from cli.connection import connect
    from cli.console import out
    from cli.file_walk import find_files
    from cli.ingest_run import IngestRun
    from cli.ingest_view import IngestView
    from runtime.errors import InvalidInput
    from runtime.settings import load_settings

    documents = SAMPLES / "documents"
    if not documents.is_dir():
        raise InvalidInput(
            "The sample documents are not installed; they come with the source tree. Run `make demo` there, "
            "or ingest your own documents with: plumb ingest PATH"
        )
    console = out()
    files = find_files([documents])
    console.print(f"Sample documents: {_near(documents)}", style="dim", soft_wrap=True)
    with connect(demo_settings(load_settings())) as connection:
        with IngestView(len(files)) as view:
            run = IngestRun(connection, files, None, view.update)
            run.run()
        view.summary(run)
        for question in QUESTIONS:
            console.print()
            console.rule(style="dim")
            console.print(question.text, style="bold green")
            console.print(question.shows + "\n", style="dim")
            print_answer(console, connection.post("/v1/ask", {"question": question.text}))
    console.print()
    console.rule(style="dim")
    console.print("Your turn:", style="bold")
    console.print("  plumb ingest PATH              your own documents, files or folders")
    console.print('  plumb ask "..."                a question to them')
    if run.failures:
        raise typer.Exit(1)


def demo_settings(settings: Settings) -> Settings:
    """The settings for the demo: embedded, in a folder below the data folder, whatever else is configured."""
    stores = dict.fromkeys(("qdrant_url", "broker_url", "database_url", "originals_url"))
    return settings.model_copy(update={"data_dir": settings.data_dir / "demo", **stores})


def _near(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
