"""HTTP calls to a running Plumbline, their errors as `PlumblineError`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from runtime.errors import PlumblineError

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]
# A language model may think for minutes, and a server-sent stream sends comments meanwhile.
READ_TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 5.0


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
    """JSON calls to the server at `address`. Thread-safe. Raises `RemoteProblem` and `ServerGone`."""

    def __init__(self, address: str, token: str) -> None:
        import httpx

        self.address = address
        # `trust_env=False`: a proxy of the environment must not see, nor break, calls to this machine.
        # `verify=False`: the address is loopback without TLS; loading the certificate store would cost 30 ms.
        transport = httpx.HTTPTransport(verify=False, trust_env=False, limits=httpx.Limits(max_connections=None))
        self._client = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        form: Mapping[str, str] | None = None,
        file: tuple[str, IO[bytes]] | None = None,
    ) -> Json:
        """The JSON object that the server answers (`{}` for an empty body). `file` is (name, opened file)."""
        import httpx

        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = self._client.request(
                method,
                path,
                params=given,
                json=body,
                data=form,
                files={"file": (*file, "application/octet-stream")} if file else None,
            )
        except httpx.TransportError as error:
            raise _gone(error) from error
        _raise_problem(response)
        return response.json() if response.content else {}

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """POST `body` and yield the server-sent events as (event, data)."""
        import httpx

        try:
            with self._client.stream("POST", path, json=body, headers={"Accept": "text/event-stream"}) as response:
                if response.is_error:
                    response.read()
                _raise_problem(response)
                yield from parse_events(response.iter_lines())
        except httpx.TransportError as error:
            raise _gone(error) from error


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


def _raise_problem(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        fields = response.json()
    except ValueError:
        fields = None
    raise problem_from(fields, response.status_code)


def _gone(error: httpx.TransportError) -> ServerGone:
    return ServerGone(f"The server of this data folder does not answer any more ({error or type(error).__name__}).")
