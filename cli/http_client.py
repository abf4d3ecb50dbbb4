"""HTTP calls to a running Plumbline over loopback, their errors as `PlumblineError`.

On `http.client`, because importing a larger client takes a tenth of the time that `plumb ask` may take.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from runtime.errors import PlumblineError

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

Json = dict[str, Any]
# A language model may think for minutes, and a server-sent stream sends comments meanwhile.
READ_TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 5.0
PIECE_BYTES = 256 * 1024


class RemoteProblem(PlumblineError):
    """The server refused the call: its problem+json as an error, with the HTTP `status`."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message, code=code, retryable=status in (429, 503))
        self.status = status


class ServerGone(PlumblineError):
    """The connection could not be made or broke before the answer was complete."""

    code = "server_gone"
    retryable = True


class HttpClient:
    """JSON calls to the server at `address`. Thread-safe. Raises `RemoteProblem` and `ServerGone`.

    Every call has a connection of its own, which costs 0.2 ms on loopback. Proxies of the environment are not asked.
    """

    def __init__(self, address: str, token: str) -> None:
        parts = urllib.parse.urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port
        self._token = token

    def call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Json | None = None
    ) -> Json:
        """The JSON object that the server answers (`{}` for an empty body). Parameters that are `None` are left out."""
        given = {name: value for name, value in (params or {}).items() if value is not None}
        target = f"{path}?{urllib.parse.urlencode(given)}" if given else path
        content, pieces = _json_body(body)
        with self._exchange(method, target, content, pieces) as response:
            return _answer(response)

    def text(self, path: str) -> str:
        """What GET answers, as text. Raises `RemoteProblem` with nothing but the status."""
        with self._exchange("GET", path, {}, []) as response, _translated():
            if response.status >= 400:
                raise problem_from(None, response.status)
            return response.read().decode()

    def upload(self, path: str, file: IO[bytes], name: str, fields: Mapping[str, str]) -> Json:
        """POST a file under `name`, with text fields, as multipart/form-data. Raises OSError when it cannot be read."""
        boundary = secrets.token_hex(16)
        content = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        with self._exchange("POST", path, content, _multipart(boundary, file, name, fields)) as response:
            return _answer(response)

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """POST `body` and yield the server-sent events as (event, data)."""
        content, pieces = _json_body(body)
        with self._exchange("POST", path, {**content, "Accept": "text/event-stream"}, pieces) as response:
            if response.status >= 400:
                _answer(response)
            yield from parse_events(_lines(response))

    @contextlib.contextmanager
    def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], pieces: Iterable[bytes]
    ) -> Iterator[HTTPResponse]:
        """Send a request, its body piece by piece, and give the response while its connection is open."""
        import http.client

        connection = http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_TIMEOUT_S)
        try:
            with _translated():
                connection.connect()
                connection.sock.settimeout(READ_TIMEOUT_S)
                connection.putrequest(method, target)
                framing = {"Connection": "close", "Transfer-Encoding": "chunked"}
                for name, value in {"Authorization": f"Bearer {self._token}", **framing, **headers}.items():
                    connection.putheader(name, value)
                connection.endheaders()
            _send_chunks(connection, pieces)
            with _translated():
                response = connection.getresponse()
            yield response
        finally:
            connection.close()


def _send_chunks(connection: HTTPConnection, pieces: Iterable[bytes]) -> None:
    # Errors of `pieces` (a file that cannot be read) are the caller's, so only sending is guarded. A server that
    # refuses before the end closes its side: what it said is waiting to be read.
    for piece in pieces:
        try:
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        except OSError:
            return
    with contextlib.suppress(OSError):
        connection.send(b"0\r\n\r\n")


def _json_body(body: Json | None) -> tuple[dict[str, str], list[bytes]]:
    return ({}, []) if body is None else ({"Content-Type": "application/json"}, [json.dumps(body).encode()])


def _multipart(boundary: str, file: IO[bytes], name: str, fields: Mapping[str, str]) -> Iterator[bytes]:
    """The body of an upload (RFC 7578); quotes and line ends in the file name as browsers send them."""
    for field, value in fields.items():
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
    escapes = {"\\": "\\\\", '"': "%22", "\r": "%0D", "\n": "%0A"}
    quoted = "".join(escapes.get(character, character) for character in name)
    disposition = f'Content-Disposition: form-data; name="file"; filename="{quoted}"'
    yield f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
    while piece := file.read(PIECE_BYTES):
        yield piece
    yield f"\r\n--{boundary}--\r\n".encode()


def _answer(response: HTTPResponse) -> Json:
    """The JSON object of a response. Raises `RemoteProblem` when it is not a success."""
    with _translated():
        content = response.read()
    if response.status < 400 and not content:
        return {}
    try:
        fields = json.loads(content)
    except ValueError:
        fields = None
    if response.status < 400 and isinstance(fields, dict):
        return fields
    raise problem_from(fields, response.status)


def _lines(response: HTTPResponse) -> Iterator[str]:
    # Not `readline`, which takes a connection that broke off for the end of the stream.
    rest = b""
    while True:
        with _translated():
            piece = response.read1()
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace").rstrip("\r")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    import http.client

    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        words = str(error) or type(error).__name__
        raise ServerGone(f"The server of this data folder does not answer any more ({words}).") from error


def parse_events(lines: Iterator[str]) -> Iterator[tuple[str, Json]]:
    """Server-sent events with JSON data; comments and unknown fields are skipped, as the HTML standard says."""
    event, data = "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield event, json.loads("\n".join(data))
            event, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event = value
        elif field == "data":
            data.append(value)


def problem_from(fields: object, status: int) -> RemoteProblem:
    """The error that a problem+json object (RFC 9457) describes; readable even when it is something else."""
    problem = fields if isinstance(fields, dict) else {}
    message = problem.get("detail") or problem.get("title") or f"The server answered with HTTP status {status}."
    return RemoteProblem(str(message), code=str(problem.get("code", "internal_error")), status=status)
