"""`plumb eval recalibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.evaluation.output import AsJson


def recalibrate(
    run: Annotated[
        Path | None,
        typer.Option(help="A run of plumb eval groundedness over answers you have labelled; the audit otherwise."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; one in the data folder otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit the checker's probabilities to verdicts of your own people.

    From the answers judged in the audit, or from a run over labelled answers. The file is used once
    PLUMB_CHECKER_CALIBRATION names it; the checker's version then says so.
    """
    from cli.console import out as console
    from cli.console import print_json
    from evals.groundedness.recalibration import recalibrate as fit_and_write
    from runtime.settings import load_settings

    found = fit_and_write(load_settings(), run=run, out=out)
    if as_json:
        print_json(
            {
                "path": str(found.path),
                "checker": found.checker,
                "version": found.version,
                "slope": found.fitted.slope,
                "intercept": found.fitted.intercept,
                "supported": found.fitted.supported,
                "unsupported": found.fitted.unsupported,
                "left_out": found.left_out,
                "ece_before": found.before,
                "ece_after_cross_validated": found.after,
            }
        )
        return
    fitted = found.fitted
    after = "" if found.after is None else f", {found.after:.3f} after it (cross-validated)"
    say = console().print
    say(f"Fitted on {fitted.source}: {fitted.supported} supported, {fitted.unsupported} not.", soft_wrap=True)
    if found.left_out:
        say(f"{found.left_out} left out: quotations, or scored by another version of the checker.", soft_wrap=True)
    say(f"Calibration error on these verdicts: {found.before:.3f} before{after}.", soft_wrap=True)
    say(f"Written to {found.path}. To use it: PLUMB_CHECKER_CALIBRATION={found.path}", soft_wrap=True)
    say(f"The checker is then {found.checker} {found.version}; its error counts begin anew.", soft_wrap=True)
