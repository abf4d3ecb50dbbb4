from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.evaluation.auditing import judge_all
from cli.http_client import HttpClient
from tests.api import conftest as api
from tests.api.conftest import ScriptedParts
from tests.cli.processes import plumb, running, wait_for_owner

parts, queue, fresh_parts, data_dir, database = api.parts, api.queue, api.fresh_parts, api.data_dir, api.database
open_platform, address = api.open_platform, api.address


class Calls:
    """The calls of `cli.connection.Connection`, to a server that is there already."""

    def __init__(self, address: str) -> None:
        self._client = HttpClient(address, "the-token")

    def get(self, path: str, **params: Any) -> Any:
        return self._client.call("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> Any:
        return self._client.call("POST", path, body=body)


@pytest.fixture
def server(address: str, parts: ScriptedParts) -> Calls:
    return Calls(address)


def test_answers_are_judged_one_by_one_until_one_has_enough(server: Calls) -> None:
    for _ in range(4):
        server.post("/v1/ask", {"question": "How often is the scale calibrated?"})
    server.post("/v1/groundedness/audit", {"answers": 4})
    items = server.get("/v1/groundedness/audit")["items"]
    keys = iter(["what?", "a", "s", "u", "n", "q"])
    shown = io.StringIO()
    judged = judge_all(server, Console(file=shown, width=100), items, "ada", lambda: next(keys))  # type: ignore[arg-type]
    assert judged == 2
    verdicts = [server.get(f"/v1/groundedness/audit/{item['audit_id']}")["judgement"] for item in items]
    assert [one and (one["verdict"], one["judged_by"]) for one in verdicts] == [
        ("supported", "ada"),
        ("unsupported", "ada"),
        None,
        None,
    ]
    assert verdicts[1]["spans"] == [items[1]["sentences"][0]["span"]]
    assert "The scale is calibrated every two years." in shown.getvalue()
    assert "checker" not in shown.getvalue(), "what the checker said would sway whoever judges"


def test_commands_print_one_object_and_refuse_to_judge_without_a_terminal(tmp_path: Path) -> None:
    with running("serve", "--port", "0", cwd=tmp_path):
        wait_for_owner(tmp_path / ".plumb")
        shown = json.loads(plumb("eval", "rate", "--json", cwd=tmp_path).stdout)
        assert (shown["says"], shown["rate"]) == ("No answers were given in this window.", None)
        listed = json.loads(plumb("eval", "audit", "--json", "--draw", "5", cwd=tmp_path).stdout)
        assert (listed["drawn"]["drawn"], listed["items"]) == (0, [])
        refused = plumb("eval", "audit", cwd=tmp_path)
        assert refused.returncode == 1 and "terminal" in refused.stderr
        wrong = plumb("eval", "rate", "--window", "soon", cwd=tmp_path)
        assert wrong.returncode == 1 and "24h" in wrong.stderr
