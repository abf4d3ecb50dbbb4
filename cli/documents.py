"""`plumb documents`: what has been ingested, how it fares, and what to do with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.connection import Connection

app = typer.Typer(no_args_is_help=True, help="List, show, delete and retry documents.")

PAGE = 100
POLL_S = 0.1

Identifier = Annotated[str, typer.Argument(metavar="ID", help="Document id, as `plumb documents list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]


@app.command("list")
def list_documents(
    collection: Annotated[str | None, typer.Option(help="Only this collection.")] = None,
    status: Annotated[str | None, typer.Option(help="Only documents in this state, such as failed.")] = None,
    cursor: Annotated[str | None, typer.Option(help="Where the page before this one ended.")] = None,
    as_json: AsJson = False,
) -> None:
    """Documents, newest first."""
    from cli.connection import connect
    from cli.console import one_line, out, print_json

    with connect() as connection:
        page = connection.get("/v1/documents", collection=collection, status=status, cursor=cursor, limit=PAGE)
    if as_json:
        print_json({"documents": page["documents"], "next_cursor": page["next_cursor"]})
        return
    console = out()
    if not page["documents"]:
        console.print("No documents. Add some with: plumb ingest PATH")
    for document in page["documents"]:
        reason = f"  {one_line(document['error']['message'])}" if document["error"] else ""
        console.print(
            f"{document['document_id']}  {document['status']:<9} {one_line(document['collection'])}  "
            f"{one_line(document['name'])}{_size(document)}{reason}",
            soft_wrap=True,
        )
    if page["next_cursor"]:
        console.print(f"More: plumb documents list --cursor {page['next_cursor']}", style="dim", soft_wrap=True)


@app.command()
def show(document_id: Identifier, as_json: AsJson = False) -> None:
    """Everything known of one document."""
    from cli.connection import connect
    from cli.console import one_line, out, print_json

    with connect() as connection:
        document = connection.get(f"/v1/documents/{_quoted(document_id)}")
    if as_json:
        print_json(document)
        return
    for name, value in document.items():
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            label = name.replace("_", " ") if number == 0 else ""
            out().print(f"{label:<14} {one_line(_words(item))}", soft_wrap=True)


@app.command()
def delete(document_id: Identifier, as_json: AsJson = False) -> None:
    """Remove a document, its passages and its original."""
    from cli.connection import connect
    from cli.console import out, print_json

    with connect() as connection:
        job = _followed(connection, connection.delete(f"/v1/documents/{_quoted(document_id)}"))
    if as_json:
        print_json(job)
    else:
        out().print("Deleted.")


@app.command()
def retry(document_id: Identifier, as_json: AsJson = False) -> None:
    """Ingest a failed or cancelled document once more."""
    from cli.connection import connect
    from cli.console import out, print_json

    with connect() as connection:
        job = _followed(connection, connection.post(f"/v1/documents/{_quoted(document_id)}/retry"))
    if as_json:
        print_json(job)
    else:
        out().print("Ready.")


def _followed(connection: Connection, accepted: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended well. Raises when it failed."""
    from runtime.errors import PlumblineError

    while True:
        job = connection.get(f"/v1/jobs/{accepted['job_id']}")
        if job["status"] in ("ready", "deleted"):
            return job
        if job["status"] in ("failed", "cancelled"):
            reason = job["error"] or {"message": f"The job was {job['status']}.", "code": "job_ended"}
            raise PlumblineError(reason["message"], code=reason["code"])
        time.sleep(POLL_S)


def _quoted(identifier: str) -> str:
    from urllib.parse import quote

    return quote(identifier, safe="")


def _size(document: dict[str, Any]) -> str:
    facts = [f"{document[name]} {name}" for name in ("pages", "chunks") if document[name]]
    return f" ({', '.join(facts)})" if facts else ""


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {item}" for name, item in value.items()) or "-"
    return "-" if value is None else str(value)
