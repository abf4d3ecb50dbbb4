"""The page as a reader meets it: an answer that invents, a thumb, drawn answers judged by keys, the rate that moves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from runtime.settings import ModelSettings, Settings
from tests.api.browser import MISSING, Browser, browser
from tests.api.conftest import events_of
from tests.api.serving import serving, wait_until
from tests.model_server import model_server

pytestmark = pytest.mark.skipif(MISSING, reason="chromium and chromium-driver are not installed")

TEXT = b"# Loans\n\nA member may borrow seven books for four weeks. Rare maps never leave the house.\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with model_server() as provider:
        model = ModelSettings(name="inventor", model="invents", endpoint=provider.openai_url)
        settings = Settings(data_dir=tmp_path_factory.mktemp("plumb"), models=(model,))
        with serving(create_app(settings)) as address, httpx.Client(base_url=address, timeout=60) as client:
            sent = client.post("/v1/documents", files={"file": ("library.md", TEXT)}).json()
            with client.stream("GET", f"/v1/jobs/{sent['job_id']}/events") as response:
                assert json.loads(list(events_of(response.iter_lines()))[-1][1])["status"] == "ready"
            yield client


@pytest.fixture(scope="module")
def page(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.open(str(client.base_url))
        yield opened


def test_an_invented_answer_is_flagged_thumbed_and_judged(page: Browser, client: httpx.Client) -> None:
    page.says("#rate-says", "No answers were given in this window.")
    page.type("#question", "How many books may a member borrow?")
    page.click("#send")
    page.says("#answers .verdict.unsupported", "?")
    page.says("#answers .summary", "Not fully grounded")
    assert page.text("#answers mark.unsupported"), "the parts that the sources do not carry are marked"
    page.says("#rate-counts", "1 checked (1 flagged, which is not the rate)")

    page.click("#answers .unhelpful")
    page.says("#ask-says", "Noted as not helpful.")
    report = client.get("/v1/groundedness/rate").json()
    assert (report["feedback"]["not_helpful"], report["audited"]) == (1, 0)
    interval = page.run("return document.getElementById('scale-interval').getBoundingClientRect().width")
    whole = page.run("return document.getElementById('rate-scale').getBoundingClientRect().width")
    low, high = report["interval"]
    assert interval / whole == pytest.approx((high - low) / min(1, max(high, 0.05) * 1.15), abs=0.02)

    page.click("#audit-draw")
    page.says("#audit-question", "How many books may a member borrow?")
    page.says("#audit-sentences", "lighthouse", "library.md")
    assert "unsupported" not in page.text("#audit-sentences").lower(), "the checker's verdict is not shown"
    if folder := os.environ.get("PLUMB_TEST_SCREENSHOTS"):
        page.screenshot(Path(folder) / "groundedness.png")
    page.click("#audit-sentences input")
    page.run("document.getElementById('audit').focus()")
    page.type("#audit", "u")
    page.says("#audit-says", "Nothing is left to judge")
    page.says("#rate-counts", "1 judged, 0 to judge")
    report = client.get("/v1/groundedness/rate").json()
    assert report["audited"] == 1
    wait_until(lambda: page.text("#rate-says") == report["says"])
    assert page.errors() == []
