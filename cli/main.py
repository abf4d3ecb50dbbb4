"""The command `plumb`. Everything heavy is imported inside the commands, so that `--help` is instant."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import NoReturn

import typer

from cli import ask, demo, doctor, documents, evaluate, ingest, search, serve
from runtime.errors import PlumblineError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
EXIT_UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h

app = typer.Typer(
    name="plumb",
    help="Ask your documents, and see what every answer stands on.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(ingest.ingest)
app.command()(search.search)
app.command()(ask.ask)
app.add_typer(documents.app, name="documents")
app.command()(serve.serve)
app.add_typer(evaluate.app, name="eval")
app.command()(doctor.doctor)


def main() -> NoReturn:
    """Run the command line; every error becomes one sentence and an exit code (2 for wrong usage)."""
    try:
        app(prog_name="plumb")
    except PlumblineError as error:
        _complain(error.message)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (`plumb search x | head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            _give_up(error)
        _complain("The disk is full. Free some space and try again.")
        sys.exit(EXIT_FAILED)
    except Exception as error:  # noqa: BLE001  # the last resort: users get a sentence, the log gets the trace
        _give_up(error)
    sys.exit(0)


def _give_up(error: Exception) -> NoReturn:
    _complain(f"Something unexpected went wrong ({type(error).__name__}: {error}). {_write_trace()}")
    sys.exit(EXIT_UNEXPECTED)


def _complain(message: str) -> None:
    from cli.console import err, printable

    console = err()
    console.print("error: ", end="", style="bold red")
    console.print(printable(message), soft_wrap=True)


def _write_trace() -> str:
    """Append the current trace to the log; a sentence that says where it is."""
    import tempfile
    import traceback

    from cli.connection import log_path

    try:
        from runtime.settings import load_settings

        path = log_path(load_settings().data_dir)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _append(path, traceback.format_exc())
    except (OSError, PlumblineError):
        path = Path(tempfile.mkdtemp(prefix="plumb-")) / "plumb.log"
        _append(path, traceback.format_exc())
    return f"The details are in {path}; please report them."


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
