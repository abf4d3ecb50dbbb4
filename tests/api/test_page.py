from __future__ import annotations

import re
from pathlib import Path

import httpx

WEB = Path(__file__).parents[2] / "api" / "web"


def test_everything_that_the_page_names_is_served_by_this_server_alone(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    wanted = set(re.findall(r'(?:src|href)="([^"#]+)"', page.text))
    assert wanted
    for script in [name for name in wanted if name.endswith(".js")]:
        wanted |= {f"/web/{name}" for name in re.findall(r'from "\./([^"]+)"', client.get(script).text)}
    for name in wanted:
        assert name.startswith("/web/"), "nothing comes from elsewhere"
        assert client.get(name).status_code == 200, name
    assert {f"/web/{file.name}" for file in WEB.iterdir()} - {"/web/page.html"} == wanted, "every file is used"


def test_nothing_of_the_page_needs_more_than_its_own_policy_allows() -> None:
    for file in WEB.iterdir():
        text = file.read_text()
        assert not re.search(r"\son\w+=\"|style=\"|<style|javascript:|innerHTML|eval\(", text), file.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), file.name


def test_every_id_that_the_scripts_look_up_is_on_the_page() -> None:
    page = (WEB / "page.html").read_text()
    ids = set(re.findall(r'id="([^"]+)"', page))
    for script in WEB.glob("*.js"):
        assert set(re.findall(r'getElementById\("([^"]+)"\)', script.read_text())) <= ids
