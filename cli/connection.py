"""The one way in which commands reach the platform: HTTP, to whoever owns the data folder.

When a running server (or another command) owns the folder, its address and token are in the lock file. When nobody
does, this command becomes the owner: it serves the same API from a thread on a free loopback port, for itself and for
every command started meanwhile.

A command that ends while others still use its server finishes the requests in flight and goes. The others notice at
their next call, and take the folder over or follow whoever did; work that was queued goes on there.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from cli.http_client import HttpClient, Json, RemoteProblem, ServerGone
from cli.local_server import LocalServer
from cli.owner_lock import OwnerLock, read_owner
from runtime.errors import Unavailable

if TYPE_CHECKING:
    from cli.local_server import AsgiApp
    from runtime.settings import Settings

T = TypeVar("T")
# The very first start of an owner prepares the embedding model, which takes some seconds.
OWNER_WAIT_S = 60.0
SAY_SO_AFTER_S = 2.0
LOG_BYTES = 5_000_000
# Errors that the server tells its log more of than its callers.
LOGGED_CODES = frozenset({"internal_error", "start_failed"})


class Connection:
    """Calls to the owner of `data_dir`, which may be this process. Thread-safe.

    `build_app` makes the API for a token; it is only called when nobody else owns the folder. All calls are safe to
    repeat, so one that meets a vanished owner is repeated once with the next. Raises `RemoteProblem` for what the API
    refuses and `Unavailable` when no owner can be reached.
    """

    def __init__(self, data_dir: Path, build_app: Callable[[str], AsgiApp], owner_wait_s: float = OWNER_WAIT_S) -> None:
        self._data_dir = data_dir
        self._build_app = build_app
        self._owner_wait_s = owner_wait_s
        self._lock = OwnerLock(data_dir)
        self._server: LocalServer | None = None
        self._switching = threading.Lock()
        self._client = self._open()

    @property
    def owns_server(self) -> bool:
        """Whether the platform runs in this process."""
        return self._server is not None

    def get(self, path: str, **params: Any) -> Json:
        return self._twice(lambda client: client.call("GET", path, params=params))

    def text(self, path: str) -> str:
        return self._twice(lambda client: client.text(path))

    def post(self, path: str, body: Json | None = None) -> Json:
        return self._twice(lambda client: client.call("POST", path, body=body))

    def delete(self, path: str) -> Json:
        return self._twice(lambda client: client.call("DELETE", path))

    def upload(self, open_file: Callable[[], IO[bytes]], name: str, collection: str | None) -> Json:
        """`POST /v1/documents` of one file under the relative path `name`."""

        def send(client: HttpClient) -> Json:
            fields = {} if collection is None else {"collection": collection}
            with open_file() as file:
                return client.upload("/v1/documents", file, name, fields)

        return self._twice(send)

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """Server-sent events of a POST. Repeated with the next owner only as long as nothing has arrived."""
        client, arrived = self._client, False
        try:
            for event in client.events(path, body):
                arrived = True
                yield event
        except ServerGone:
            if arrived:
                raise
            client = self._switch(client)
            yield from client.events(path, body)

    def close(self) -> None:
        """Leave; when this process is the owner, requests in flight are finished first."""
        self._retire()

    def _twice(self, call: Callable[[HttpClient], T]) -> T:
        client = self._client
        try:
            try:
                return call(client)
            except ServerGone:
                return call(self._switch(client))
        except RemoteProblem as problem:
            if problem.code in LOGGED_CODES and self.owns_server:
                problem.message += f" The log is {log_path(self._data_dir)}."
            raise

    def _switch(self, gone: HttpClient) -> HttpClient:
        """The client of the next owner, after the one behind `gone` has vanished (or has dropped the connection)."""
        with self._switching:
            if self._client is gone and not self.owns_server:
                self._client = self._open()
            return self._client

    def _open(self) -> HttpClient:
        deadline = time.monotonic() + self._owner_wait_s
        say_so = time.monotonic() + SAY_SO_AFTER_S
        pause = 0.02
        while True:
            if self._lock.acquire():
                return self._serve()
            owner = read_owner(self._data_dir)
            if owner and owner.address and owner.token:
                client = HttpClient(owner.address, owner.token)
                try:
                    client.call("GET", "/health/live")
                    return client
                except ServerGone:
                    pass  # left behind by a killed owner, or its server is just going: look again
            pid = owner.pid if owner else "unknown"
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Another plumb command (process {pid}) owns the data folder {self._data_dir} but does not answer. "
                    "Wait until it has ended, or stop it, and try again."
                )
            if time.monotonic() > say_so:
                print(f"Waiting for process {pid}, which owns the data folder {self._data_dir} ...", file=sys.stderr)
                say_so = deadline
            time.sleep(pause)
            pause = min(0.25, pause * 1.5)

    def _serve(self) -> HttpClient:
        token = secrets.token_urlsafe(32)
        try:
            self._server = LocalServer(self._build_app(token))
            address = self._server.start()
        except BaseException:
            self._server = None
            self._lock.release()
            raise
        self._lock.publish(address, token)
        return HttpClient(address, token)

    def _retire(self) -> None:
        if self._server is not None:
            # Others must wait for the lock from here on instead of calling a server that is going.
            self._lock.withdraw()
            self._server.stop()
            self._server = None
        self._lock.release()


@contextlib.contextmanager
def connect(settings: Settings | None = None) -> Iterator[Connection]:
    """A connection for one command, with the settings of the environment unless others are given."""
    if settings is None:
        from runtime.settings import load_settings

        settings = load_settings()
    chosen = settings

    def build_app(token: str) -> AsgiApp:
        from api.app import create_app

        log_to_file(chosen.data_dir)
        return create_app(chosen, token=token)

    connection = Connection(settings.data_dir, build_app)
    try:
        yield connection
    finally:
        connection.close()


def log_path(data_dir: Path) -> Path:
    """Where a command that runs the platform itself writes its log."""
    return data_dir / "plumb.log"


def log_to_file(data_dir: Path) -> None:
    """Send the log and warnings of this process to the data folder; the terminal shows answers only."""
    import logging

    from runtime.telemetry import configure_logging

    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = log_path(data_dir)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    configure_logging(stream=path.open("a", encoding="utf-8"))
    logging.captureWarnings(True)
