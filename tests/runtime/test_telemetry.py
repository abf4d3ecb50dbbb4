from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from runtime.telemetry import configure_logging


@pytest.fixture(autouse=True)
def restored_root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_carry_fields_and_tracebacks() -> None:
    stream = io.StringIO()
    configure_logging(json_lines=True, stream=stream)
    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        logging.getLogger("ingestion.pipeline").exception("Job failed", extra={"job_id": "j1"})
    logging.getLogger("celery.worker").info("Task received")
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"], entry["job_id"]) == (
        "error",
        "ingestion.pipeline",
        "Job failed",
        "j1",
    )
    assert "ValueError: broken" in entry["exception"]
    assert entry["time"].endswith("+00:00")


def test_plain_lines_show_fields_and_cannot_be_forged() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    logging.getLogger("api").warning("Refused %s", "a\n12:00:00 ERROR forged", extra={"code": "too_large"})
    (line,) = stream.getvalue().splitlines()
    assert "WARNING api  Refused a\\n12:00:00 ERROR forged  code=too_large" in line
