"""Who may call: holders of the key, and programs on this machine while no key is needed.

Without a key only calls over a loopback address are served, and a browser is not let in on behalf of another site: a
page elsewhere can point its own name at 127.0.0.1 (DNS rebinding, seen in the Host header) or send simple requests
across origins (seen in Origin and Sec-Fetch-Site). A key in the Authorization header cannot be sent by such a page.

Clients made for OpenAI always send some key. Where none is needed, one that is not ours opens as much as no key at all.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.error_responses import problem_response
from runtime.errors import PlumblineError

# Probes, and the page itself, which asks for the key when its calls are refused.
_OPEN_PATHS = ("/health/live", "/health/ready", "/")
_OPEN_PREFIX = "/web/"


class AccessDenied(PlumblineError):
    """Codes: `invalid_key`, `key_required`, `host_not_allowed`, `cross_origin`."""

    code = "key_required"


class LocalAccess:
    """ASGI middleware; `token` counts as a key with the role `admin`."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path not in _OPEN_PATHS and not path.startswith(_OPEN_PREFIX):
            try:
                self._check(scope)
            except AccessDenied as error:
                response = problem_response(error, scope["state"]["request_id"])
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        scheme, _, key = headers.get("authorization", "").partition(" ")
        bears_key = scheme.lower() == "bearer"
        if bears_key and self._token is not None and hmac.compare_digest(key.strip().encode(), self._token.encode()):
            return
        server = scope.get("server")
        needs_key = server is None or not is_loopback(server[0])
        if scheme and (needs_key or not bears_key):
            raise AccessDenied("The key is not valid. Send it as `Authorization: Bearer KEY`.", code="invalid_key")
        if needs_key:
            raise AccessDenied("This address needs a key: send it as `Authorization: Bearer KEY`.")
        host = headers.get("host", "")
        if not is_loopback(_hostname(host)):
            raise AccessDenied(
                "Without a key this server answers only under a name of this machine, such as 127.0.0.1 or localhost.",
                code="host_not_allowed",
            )
        origin = headers.get("origin")
        foreign = origin is not None and origin != f"{scope['scheme']}://{host}"
        sent_by_other_site = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if foreign or sent_by_other_site:
            raise AccessDenied("Pages of other sites may not call this server.", code="cross_origin")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine: 127.0.0.0/8, ::1, localhost."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
