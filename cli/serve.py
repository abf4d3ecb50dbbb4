"""`plumb serve`: the API, the web page and, without a broker, the worker, until told to stop."""

from __future__ import annotations

import ipaddress
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from types import FrameType

    from cli.http_client import HttpClient
    from cli.local_server import LocalServer
    from cli.owner_lock import OwnerLock
    from runtime.settings import Settings


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; only this machine's own for now.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8000,
) -> None:
    """Serve the web page and the HTTP interface.

    SIGTERM or Ctrl-C ends it after the requests in flight; a second Ctrl-C ends it at once.
    """
    from cli.owner_lock import OwnerLock, read_owner
    from runtime.errors import Unavailable
    from runtime.settings import load_settings

    if not _is_loopback(host):
        raise typer.BadParameter(
            f"{host} can be reached from other machines, and access keys do not exist yet. "
            "Use --host 127.0.0.1, and a tunnel or a proxy with its own access control to reach it from elsewhere."
        )
    settings = load_settings()
    lock = OwnerLock(settings.data_dir)
    if not lock.acquire():
        owner = read_owner(settings.data_dir)
        who = f"process {owner.pid}" + (f" at {owner.address}" if owner.address else "") if owner else "another process"
        raise Unavailable(f"The data folder {settings.data_dir} is already served by {who}. Stop that first.")
    try:
        _serve(settings, lock, host, port)
    finally:
        lock.release()


def _serve(settings: Settings, lock: OwnerLock, host: str, port: int) -> None:
    import secrets

    from api.app import create_app
    from cli.http_client import HttpClient
    from cli.local_server import LocalServer
    from runtime.telemetry import configure_logging

    configure_logging()
    token = secrets.token_urlsafe(32)
    server = LocalServer(create_app(settings, token=token), host, port)
    stopping = _stop_on_signal(server)
    address = server.start()
    lock.publish(address, token)
    try:
        _wait_until_open(HttpClient(address, token), stopping)
        if not stopping.is_set():
            print(f"Plumbline serves {settings.data_dir}. Web page: {address}/  API: {address}/openapi.json")
            print("No key is needed on this machine: every user of it can read and change the documents.")
            print("Ctrl-C stops.", flush=True)
        while server.running and not stopping.wait(timeout=0.5):
            pass
    finally:
        lock.withdraw()
        server.stop()


def _wait_until_open(client: HttpClient, stopping: threading.Event) -> None:
    """Return when the platform answers. Raises its own error when it cannot be opened."""
    from cli.http_client import RemoteProblem

    while not stopping.is_set():
        try:
            client.call("GET", "/v1/documents", params={"limit": 1})
            return
        except RemoteProblem as problem:
            if problem.code != "starting":
                raise


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stop_on_signal(server: LocalServer) -> threading.Event:
    stopping = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            server.hurry()
        stopping.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stopping
