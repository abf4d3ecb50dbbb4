"""A browser driven over the WebDriver protocol (W3C), by Debian's chromium and chromium-driver."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.api.serving import wait_until

MISSING = shutil.which("chromedriver") is None or shutil.which("chromium") is None
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
]


class Browser:
    """One window. Elements are found by CSS selectors; `says` waits for a text."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client = client
        self._path = f"/session/{session}"

    def open(self, url: str) -> None:
        self._call("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._call("/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector: str) -> None:
        self._call(f"/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        self._call(f"/element/{self._find(selector)}/value", {"text": text})

    def text(self, selector: str) -> str:
        """What a reader sees of all such elements."""
        return str(
            self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText).join('|')", selector)
        )

    def says(self, selector: str, *words: str, seconds: float = 20.0) -> None:
        wait_until(lambda: all(word in self.text(selector) for word in words), seconds)

    def screenshot(self, path: Path) -> None:
        import base64

        path.write_bytes(base64.b64decode(self._client.get(f"{self._path}/screenshot").json()["value"]))

    def errors(self) -> list[str]:
        """What the page complained of since the last time: errors of scripts and breaches of its policy."""
        entries = self._call("/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def _find(self, selector: str) -> str:
        return str(self._call("/element", {"using": "css selector", "value": selector})[_ELEMENT])

    def _call(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._client.post(self._path + path, json=body).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A headless browser with an empty profile in this folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:

            def ready() -> bool:
                with contextlib.suppress(httpx.TransportError):
                    return bool(client.get("/status").json()["value"]["ready"])
                return False

            wait_until(ready, 20)
            options = {"args": [*_ARGUMENTS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
            wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            made = client.post("/session", json={"capabilities": {"alwaysMatch": wanted}}).json()["value"]
            assert "sessionId" in made, made
            try:
                yield Browser(client, made["sessionId"])
            finally:
                client.delete(f"/session/{made['sessionId']}")
    finally:
        driver.terminate()
        driver.wait(20)
