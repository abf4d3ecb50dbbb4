"""`plumb search`: the passages nearest to a question, without an answer."""

from __future__ import annotations

from typing import Annotated

import typer


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in quotation marks.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 10,
    collection: Annotated[str | None, typer.Option(help="Only this collection; all of them otherwise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Find the passages nearest to a question."""
    from cli.answer_view import print_passages
    from cli.ask import ask_body, require_documents
    from cli.connection import connect
    from cli.console import out, print_json

    with connect() as connection:
        result = connection.post("/v1/search", ask_body(query, collection=collection, top_k=top_k))
        if not result["passages"]:
            require_documents(connection, collection)
    if as_json:
        print_json(result)
    elif result["passages"]:
        print_passages(out(), result["passages"])
    else:
        out().print("Nothing found.")
