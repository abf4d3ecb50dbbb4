"""How an answer and passages look on the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli.console import one_line, printable, shortened
from cli.http_client import Json

if TYPE_CHECKING:
    from rich.console import Console

QUOTE_WIDTH = 300
PASSAGE_WIDTH = 240
NEAREST_SHOWN = 3


def print_answer(console: Console, answer: Json) -> None:
    """The answer with its sources and verdict, or the refusal with the passages that came nearest."""
    console.print(printable(answer["answer"]).strip(), style="bold" if not answer["refused"] else "")
    print_grounds(console, answer)


def print_grounds(console: Console, answer: Json) -> None:
    """What an answer stands on; for a refusal, the nearest passages."""
    if answer["refused"]:
        if answer["passages"]:
            console.print("\nNearest passages", style="dim")
            print_passages(console, answer["passages"][:NEAREST_SHOWN])
        return
    if answer["citations"]:
        console.print("\nSources", style="dim")
    for citation in answer["citations"]:
        console.print(f"[{citation['marker']}] {_place(citation)}", style="cyan")
        console.print(_indented(f"“{shortened(citation['quote'], QUOTE_WIDTH)}”", console))
    console.print("\n" + groundedness_line(answer), style="dim")


def print_passages(console: Console, passages: Sequence[Json]) -> None:
    """Passages, best first, with their rank, place and score."""
    for rank, passage in enumerate(passages, start=1):
        section = f" · {shortened(passage['section'], 60)}" if passage["section"] else ""
        console.print(f"{rank}. {_place(passage)}{section}  ({passage['score']:.2f})", style="cyan")
        console.print(_indented(shortened(passage["text"], PASSAGE_WIDTH), console))


def groundedness_line(answer: Json) -> str:
    """In words, whether the sources support the answer."""
    verdict = answer["groundedness"]
    if verdict is None:
        return "Groundedness was not checked."
    claims = [sentence for sentence in verdict["sentences"] if sentence["is_claim"]]
    supported = sum(sentence["supported"] for sentence in claims)
    checker = verdict["checker"]
    line = (
        f"Grounded: {supported} of {len(claims)} sentences supported by their sources, "
        f"score {verdict['score']:.2f} ({checker['name']}, threshold {checker['threshold']:.2f})"
    )
    doubtful = [answer["answer"][start:end] for start, end in verdict["unsupported_spans"]]
    return line + "".join(f"\nNot supported: {one_line(text)}" for text in doubtful)


def _place(source: Json) -> str:
    page = f", page {source['page']}" if source["page"] is not None else ""
    return one_line(source["document_name"]) + page


def _indented(text: str, console: Console) -> str:
    margin = " " * 4
    lines = textwrap.wrap(text, console.width - 1, initial_indent=margin, subsequent_indent=margin)
    return "\n".join(lines)
