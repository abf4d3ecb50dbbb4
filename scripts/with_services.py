"""Run a command with what the tests can use: a PostgreSQL server in PLUMB_TEST_DATABASE_URL, promtool on the PATH.

    python scripts/with_services.py pytest -m "not faults"

Takes, in this order: the address in PLUMB_TEST_DATABASE_URL; a server that answers on 127.0.0.1:5432; a private one
from binaries on this machine, in a temporary folder and as a user other than root (PostgreSQL refuses root); the same
after installing Debian's package, when this is root on Debian; none, and then says so in the last line.

`promtool` checks the alert rules. Where there is none it is taken out of Debian's package, which is not installed: that
would start a server.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "PLUMB_TEST_DATABASE_URL"
START_SECONDS = 30


@contextlib.contextmanager
def postgres() -> Iterator[str | None]:
    running = os.environ.get(VARIABLE) or answering()
    if running:
        yield running
        return
    binaries = find_binaries() or (install() and find_binaries())
    if not binaries:
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="plumb-postgres-") as folder,
        private_server(Path(binaries), Path(folder)) as address,
    ):
        yield address


def answering() -> str | None:
    """A server on the standard port that lets us in without a password."""
    import psycopg

    for user in ("postgres", pwd.getpwuid(os.getuid()).pw_name):
        address = f"postgresql://{user}@127.0.0.1:5432/postgres"
        with contextlib.suppress(psycopg.Error), psycopg.connect(address, connect_timeout=2):
            return address
    return None


def find_binaries() -> str | None:
    if found := shutil.which("initdb"):
        return str(Path(found).resolve().parent)
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return str(versions[-1].parent) if versions else None


def install() -> bool:
    return debian(["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"])


def debian(*commands: list[str], folder: Path | None = None) -> bool:
    """Run these one after another, when this is root on Debian; whether all went well."""
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    silent = {"env": environment, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return all(subprocess.run(one, **silent).returncode == 0 for one in commands)


@contextlib.contextmanager
def promtool() -> Iterator[str | None]:
    """The folder with `promtool`, when it is not on the PATH and can be had."""
    if shutil.which("promtool") is not None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="plumb-prometheus-") as name:
        folder = Path(name)
        fetch = ["apt-get", "download", "-qq", "prometheus"]
        unpack = ["sh", "-c", "dpkg-deb -x prometheus_*.deb ."]
        if debian(fetch, unpack, folder=folder) or debian(["apt-get", "update", "-qq"], fetch, unpack, folder=folder):
            yield str(folder / "usr" / "bin")
        else:
            yield None


@contextlib.contextmanager
def private_server(binaries: Path, folder: Path) -> Iterator[str | None]:
    data, log = folder / "data", folder / "log"
    as_user: list[str] = []
    if os.getuid() == 0:
        owner = next(user for user in ("postgres", "nobody") if user_exists(user))
        folder.chmod(0o755)
        shutil.chown(folder, owner)
        as_user = ["runuser", "-u", owner, "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    subprocess.run(
        [*as_user, binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    with log.open("wb") as output:
        server = subprocess.Popen([*as_user, binaries / "postgres", "-D", data, *options], stderr=output, cwd=folder)
        try:
            yield await_answer(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)


def await_answer(address: str) -> str | None:
    import psycopg

    for _ in range(START_SECONDS * 10):
        with contextlib.suppress(psycopg.Error), psycopg.connect(address, connect_timeout=2):
            return address
        time.sleep(0.1)
    return None


def user_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def main() -> int:
    with postgres() as address, promtool() as folder:
        environment = {**os.environ, VARIABLE: address} if address else dict(os.environ)
        if folder is not None:
            environment["PATH"] = os.pathsep.join([folder, environment.get("PATH", "")])
        code = subprocess.run(sys.argv[1:], env=environment).returncode
    if address is None:
        print("note: no PostgreSQL here (no server answers, no binaries found): its tests were skipped.")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
