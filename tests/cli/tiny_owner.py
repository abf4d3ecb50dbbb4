"""A process that owns a data folder with the tiny application until its standard input closes: `tiny_owner.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from cli.connection import Connection
from tests.cli.tiny_app import TinyApp

if __name__ == "__main__":
    connection = Connection(Path(sys.argv[1]), TinyApp)
    print("serving" if connection.owns_server else "visiting", flush=True)
    sys.stdin.read()
    connection.close()
