"""`plumb eval`: measure parts of the platform on data with known truth, compare such runs, judge one by another.

A command is a function of a module in `cli.evaluation`, registered here.
"""

from __future__ import annotations

import typer

from cli.evaluation import (
    answers,
    auditing,
    comparing,
    groundedness,
    recalibration,
    reporting,
    retrieval,
    routing,
    test_sets,
)

app = typer.Typer(no_args_is_help=True, help="Measure retrieval, answers and groundedness; compare runs.")
app.command()(retrieval.retrieval)
app.command()(answers.answers)
app.command()(groundedness.groundedness)
app.command()(recalibration.recalibrate)
app.command()(routing.routing)
app.command()(auditing.rate)
app.command()(auditing.audit)
app.command("compare-runs")(comparing.compare_runs)
app.command()(comparing.gate)
app.command()(reporting.report)
app.command()(reporting.repeat)
app.add_typer(test_sets.app, name="test-set")
