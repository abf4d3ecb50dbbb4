"""An ASGI application served from a thread of this process."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from runtime.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    AsgiApp = Callable[
        [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
    ]

GRACE_S = 10
SWITCH_S = 0.0005


class LocalServer:
    """Serves `app` on `host:port` (port 0: any free one) between `start` and `stop`."""

    def __init__(self, app: AsgiApp, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app = app
        self._host, self._port = host, port
        self._startup_error: BaseException | None = None
        self._settled = threading.Event()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """The base URL, once requests are answered. Raises what the application's start-up raised."""
        import uvicorn

        listener = _listen(self._host, self._port)
        config = uvicorn.Config(
            self._lifespan_watched,
            interface="asgi3",
            lifespan="on",
            proxy_headers=False,
            loop="asyncio",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        # Threads that compute give the event loop its turn ten times as often: with 200 streams it has many short ones.
        sys.setswitchinterval(SWITCH_S)
        self._server = uvicorn.Server(config)
        # A daemon, so that an application that does not come down cannot keep the process alive.
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="plumb-server", daemon=True)
        self._thread.start()
        self._settled.wait()
        if self._startup_error is not None:
            self._thread.join()
            listener.close()
            raise self._startup_error
        host, port = listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """Take no more requests, finish those in flight (for at most `GRACE_S` seconds), shut the application down."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(timeout=3 * GRACE_S)

    def hurry(self) -> None:
        """Stop without waiting for the requests in flight."""
        if self._server is not None:
            self._server.force_exit = True

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _serve(self, listener: socket.socket) -> None:
        # uvicorn leaves by SystemExit when start-up fails; its cause has been noted by then.
        with contextlib.suppress(SystemExit):
            self._server.run(sockets=[listener])
        if not self._settled.is_set():
            self._startup_error = self._startup_error or Unavailable("The server ended while it was starting.")
            self._settled.set()

    async def _lifespan_watched(self, scope: Message, receive: Any, send: Any) -> None:
        """Passes everything on, and keeps the error of a failed start, which uvicorn would only log."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def watched_send(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                # The listening socket exists already: what connects before uvicorn accepts waits in its backlog.
                self._settled.set()

        try:
            await self._app(scope, receive, watched_send)
        except BaseException as error:
            if not self._settled.is_set():
                self._startup_error = error
            raise


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Unavailable(
            f"Port {port} of {host} cannot be opened ({error.strerror}). Choose another with --port."
        ) from error
    # asyncio sets this only on sockets that name their protocol, which those of create_server do not: without it the
    # body of every small response waits 40 ms for the acknowledgement of its headers. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
