"""`plumb ingest`: send files and follow them until each is searchable or has failed with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXIT_INTERRUPTED = 130


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files and folders; folders are walked.")],
    collection: Annotated[str | None, typer.Option(help="Collection to put the documents into.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Make documents searchable.

    Files that are known already, byte for byte, are left alone.
    """
    from cli.connection import connect
    from cli.console import err, print_json
    from cli.file_walk import find_files
    from cli.ingest_run import IngestRun
    from cli.ingest_view import IngestView
    from runtime.errors import InvalidInput
    from runtime.settings import load_settings

    settings = load_settings()
    try:
        files = find_files(paths, excluded=settings.data_dir)
    except InvalidInput as error:
        raise typer.BadParameter(error.message) from error
    if not files:
        raise InvalidInput("There is nothing to ingest there: no files, or only hidden ones, which are skipped.")
    with connect(settings) as connection, IngestView(len(files)) as view:
        run = IngestRun(connection, files, collection, view.update)
        interrupted = False
        try:
            run.run()
        except KeyboardInterrupt:
            interrupted = True
    if as_json:
        print_json(run.to_json())
    else:
        view.summary(run)
    if interrupted:
        err().print(run.resume_hint())
        raise typer.Exit(EXIT_INTERRUPTED)
    if run.failures:
        raise typer.Exit(1)
