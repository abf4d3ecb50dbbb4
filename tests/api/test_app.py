from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import httpx

from api.app import create_app_over
from api.platform import Platform
from runtime.errors import ConfigurationError
from tests.api.serving import serving, wait_until

LATE = (
    "torch",
    "sentence_transformers",
    "spacy",
    "llama_index",
    "onnxruntime",
    "unstructured",
    "qdrant_client",
    "sqlalchemy",
)


def test_importing_the_application_loads_no_heavy_library() -> None:
    program = f"import sys, api.app; print([name for name in {LATE!r} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_description_of_the_interface_names_every_call(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    calls = {(method, path) for path, methods in paths.items() for method in methods}
    assert calls >= {
        ("post", "/v1/documents"),
        ("get", "/v1/documents"),
        ("get", "/v1/documents/{document_id}"),
        ("delete", "/v1/documents/{document_id}"),
        ("post", "/v1/documents/{document_id}/retry"),
        ("get", "/v1/jobs/{job_id}"),
        ("get", "/v1/jobs/{job_id}/events"),
        ("post", "/v1/jobs/{job_id}/cancel"),
        ("post", "/v1/search"),
        ("post", "/v1/ask"),
        ("get", "/v1/answers/{answer_id}"),
        ("get", "/health/live"),
        ("get", "/health/ready"),
        ("get", "/metrics"),
    }
    upload = paths["/v1/documents"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(upload["properties"]) == {"file", "collection", "metadata"}


def test_the_port_answers_while_the_platform_opens_and_calls_wait_for_it(open_platform: object) -> None:
    assert callable(open_platform)
    may_open = threading.Event()

    def open_slowly() -> Platform:
        may_open.wait(20)
        platform: Platform = open_platform()
        return platform

    with serving(create_app_over(open_slowly)) as address, httpx.Client(base_url=address) as client:
        assert client.get("/health/live").status_code == 200
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
        assert "still being opened" in ready.json()["checks"]["start"]
        answers: list[int] = []
        waiting = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{address}/v1/search", json={"question": "q"}).status_code)
        )
        waiting.start()
        may_open.set()
        waiting.join(20)
        assert answers == [200]
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        assert client.get("/health/ready").json() == {"status": "ready", "checks": {"start": "ok", "records": "ok"}}


def test_a_start_that_fails_says_why_to_probes_and_callers() -> None:
    def open_in_vain() -> Platform:
        raise ConfigurationError("The index was built with another model. Run `plumb reindex`.", code="index_mismatch")

    with serving(create_app_over(open_in_vain)) as address, httpx.Client(base_url=address) as client:
        wait_until(lambda: "plumb reindex" in client.get("/health/ready").text)
        response = client.post("/v1/search", json={"question": "q"})
        assert (response.status_code, response.json()["code"]) == (503, "index_mismatch")
        assert client.get("/health/live").status_code == 200


def test_an_unforeseen_failure_to_start_is_not_told_in_detail() -> None:
    def open_in_vain() -> Platform:
        raise RuntimeError("secret")

    with serving(create_app_over(open_in_vain)) as address, httpx.Client(base_url=address) as client:
        wait_until(lambda: "log" in client.get("/health/ready").text)
        response = client.post("/v1/search", json={"question": "q"})
        assert (response.status_code, response.json()["code"]) == (503, "start_failed")
        assert "secret" not in response.text + client.get("/health/ready").text


def test_what_was_opened_is_closed_when_the_application_stops(open_platform: object) -> None:
    import dataclasses

    assert callable(open_platform)
    closed = threading.Event()
    with serving(create_app_over(lambda: dataclasses.replace(open_platform(), close=closed.set))):
        pass
    assert closed.is_set()
