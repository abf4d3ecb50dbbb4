from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.http_metrics import HttpMetrics
from api.local_access import LocalAccess, is_loopback
from api.observation import Observation


def _app(token: str | None) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/v1/things", lambda: {"served": True}, methods=["GET", "POST"])
    app.add_api_route("/health/live", lambda: {"served": True})
    app.add_api_route("/", lambda: {"served": True})
    app.add_middleware(LocalAccess, token=token)
    app.add_middleware(Observation, metrics=HttpMetrics(CollectorRegistry()))
    return app


def _call(
    address: str, path: str = "/v1/things", method: str = "POST", token: str | None = "right", **headers: str
) -> httpx.Response:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def call() -> httpx.Response:
        # The transport gives the application the host of the address as the server's own address.
        transport = httpx.ASGITransport(_app(token))
        async with httpx.AsyncClient(transport=transport, base_url=address) as client:
            return await client.request(method, path, headers=sent)

    return asyncio.run(call())


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_programs_on_this_machine_need_no_key(address: str) -> None:
    assert _call(address).status_code == 200


def test_other_addresses_need_the_key() -> None:
    refused = _call("http://10.1.2.3:8000")
    assert (refused.status_code, refused.json()["code"]) == (401, "key_required")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert _call("http://10.1.2.3:8000", Authorization="Bearer right").status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic right", "right", "Bearer", "Bearer \u00e9"])
def test_a_wrong_key_is_refused_where_one_is_needed(authorization: str) -> None:
    refused = _call("http://10.1.2.3:8000", Authorization=authorization)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_key")


@pytest.mark.parametrize("token", ["right", None])
@pytest.mark.parametrize("authorization", ["Bearer sk-anything", "bearer None", "Bearer", "Bearer \u00e9"])
def test_where_no_key_is_needed_an_unknown_one_opens_as_much_as_none(authorization: str, token: str | None) -> None:
    key = {"token": token, "Authorization": authorization}
    assert _call("http://127.0.0.1:8000", **key).status_code == 200
    assert _call("http://127.0.0.1:8000", **key, Host="evil.example").json()["code"] == "host_not_allowed"
    assert _call("http://127.0.0.1:8000", **key, Origin="http://evil.example").json()["code"] == "cross_origin"


@pytest.mark.parametrize("authorization", ["Basic right", "right"])
def test_what_is_no_bearer_key_is_a_mistake_everywhere(authorization: str) -> None:
    refused = _call("http://127.0.0.1:8000", Authorization=authorization)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_key")


def test_no_key_matches_when_the_server_has_none() -> None:
    assert _call("http://10.1.2.3:8000", token=None, Authorization="Bearer None").status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.1.2.3", "[", ""])
def test_a_name_rebound_to_this_machine_is_refused(host: str) -> None:
    refused = _call("http://127.0.0.1:8000", Host=host)
    assert (refused.status_code, refused.json()["code"]) == (403, "host_not_allowed")
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3000", "https://localhost:8000", "null"])
def test_pages_of_other_origins_are_refused(origin: str) -> None:
    refused = _call("http://localhost:8000", Origin=origin)
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")


def test_the_own_page_may_call() -> None:
    own = _call("http://localhost:8000", Origin="http://localhost:8000", Sec_Fetch_Site="same-origin")
    assert own.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_requests_that_other_pages_cause_are_refused_but_links_to_the_page_work(site: str) -> None:
    assert _call("http://localhost:8000", method="GET", Sec_Fetch_Site=site).json()["code"] == "cross_origin"
    assert _call("http://localhost:8000", path="/", method="GET", Sec_Fetch_Site=site).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/"])
def test_probes_and_the_page_itself_are_answered_on_any_address(path: str) -> None:
    assert _call("http://10.1.2.3:8000", path=path, method="GET").status_code == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.evil.example", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
