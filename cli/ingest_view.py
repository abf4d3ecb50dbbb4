"""How an ingest run looks on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cli.console import err, one_line, out, shortened

if TYPE_CHECKING:
    from cli.ingest_run import IngestRun, Outcome

_STAGES = ("parsing", "chunking", "embedding", "indexing", "deleting")


class IngestView:
    """A progress bar on standard error while it is a terminal, and one line a failed file in any case."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = err()
        self._progress = Progress(
            TextColumn("Ingesting"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[doing]}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total, doing="")
        self._reported: set[tuple[str, bool]] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, outcomes: Sequence[Outcome]) -> None:
        """Show where the run stands."""
        finished, doing = 0.0, ""
        for outcome in outcomes:
            finished += 1.0 if outcome.finished else outcome.progress
            if not doing and outcome.status in _STAGES:
                doing = f"{outcome.status} {shortened(outcome.file.name, 40)}"
            failed = outcome.status in ("failed", "cancelled")
            # A wait can last minutes (a full disk), so it is told once, as a failure is.
            if (failed or outcome.error) and (outcome.file.name, failed) not in self._reported:
                self._reported.add((outcome.file.name, failed))
                self._console.print(_failure_line(outcome), style="red" if failed else "yellow", soft_wrap=True)
        self._progress.update(self._task, completed=finished, doing=doing)

    def summary(self, run: IngestRun) -> None:
        """Totals on standard output, and what owners should know of documents that were read with difficulty."""
        console = out()
        for outcome in run.outcomes:
            for warning in outcome.warnings if outcome.status == "ready" else ():
                console.print(f"note    {one_line(outcome.file.name)}: {one_line(warning)}", soft_wrap=True)
        console.print(_totals_line(run.totals()), soft_wrap=True)


def _failure_line(outcome: Outcome) -> str:
    word = outcome.status if outcome.finished else "waiting"
    return f"{word:<7} {one_line(str(outcome.file.path))}: {one_line(outcome.error or 'no reason given')}"


def _totals_line(totals: dict[str, Any]) -> str:
    names = {"ready": "ingested", "unchanged": "unchanged", "failed": "failed", "unfinished": "unfinished"}
    words = [f"{totals[name]} {word}" for name, word in names.items() if totals[name]]
    amount = f" ({totals['pages']} pages, {totals['chunks']} chunks)" if totals["chunks"] else ""
    number = totals["documents"]
    return f"{number} document{'s' * (number != 1)} in {totals['seconds']:.1f} s: {', '.join(words)}{amount}."
