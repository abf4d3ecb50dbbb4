"""`plumb ask`: one question, answered from the documents with citations, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.connection import Connection


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    collection: Annotated[str | None, typer.Option(help="Only this collection; all of them otherwise.")] = None,
    model: Annotated[str | None, typer.Option(help="Language model; chosen by the router otherwise.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer while it is being made.")] = False,
) -> None:
    """Ask the documents a question."""
    from cli.answer_view import print_answer
    from cli.connection import connect
    from cli.console import out, print_json

    if stream and as_json:
        raise typer.BadParameter("--json prints one finished object; leave --stream out.")
    body = ask_body(question, collection=collection, model=model)
    with connect() as connection:
        if stream:
            _print_stream(connection, body)
            return
        answer = connection.post("/v1/ask", body)
        if not answer["passages"]:
            require_documents(connection, collection)
        if as_json:
            print_json(answer)
        else:
            print_answer(out(), answer)


def ask_body(question: str, **options: Any) -> dict[str, Any]:
    """The body of `POST /v1/ask`; options that are `None` are left to the server."""
    return {"question": question, **{name: value for name, value in options.items() if value is not None}}


def require_documents(connection: Connection, collection: str | None) -> None:
    """Raise, with what to do, when there is nothing that a question could be answered from."""
    from runtime.errors import NotFound

    if connection.get("/v1/documents", collection=collection, status="ready", limit=1)["documents"]:
        return
    where = f"the collection {collection!r}" if collection else "the data folder"
    others = connection.get("/v1/documents", collection=collection)["documents"]
    if any(document["searchable"] for document in others):  # an older version, while the new one is under way
        return
    if others:
        raise NotFound(
            f"No document of {where} is searchable yet. `plumb documents list` shows how far they are.",
            code="nothing_searchable",
        )
    raise NotFound(f"There are no documents in {where} yet. Add some with: plumb ingest PATH", code="no_documents")


def _print_stream(connection: Connection, body: dict[str, Any]) -> None:
    import sys

    from cli.answer_view import print_grounds
    from cli.console import out, printable
    from cli.http_client import problem_from
    from runtime.errors import Unavailable

    shown = ""
    for event, data in connection.events("/v1/ask", {**body, "stream": True}):
        if event == "passages" and not data["passages"]:
            require_documents(connection, body.get("collection"))
        elif event == "delta":
            text = printable(data["text"])
            shown += text
            sys.stdout.write(text)
            sys.stdout.flush()
        elif event == "error":
            sys.stdout.write("\n" if shown else "")
            raise problem_from(data, int(data.get("status", 500)))
        elif event == "answer":
            # Checks may have changed what was streamed; the final answer is what counts.
            final = printable(data["answer"])
            if not shown:
                sys.stdout.write(final)
            elif shown.strip() != final.strip():
                sys.stdout.write(f"\n\nAfter the check:\n{final}")
            sys.stdout.write("\n")
            print_grounds(out(), data)
            return
    raise Unavailable("The answer broke off before it was complete. Ask again.")
