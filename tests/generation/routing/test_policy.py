from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from generation.routing.intents import IntentKind
from generation.routing.policy import RoutingPolicy
from runtime.errors import InvalidInput
from runtime.settings import load_settings


def test_a_policy_survives_its_file(tmp_path: Path) -> None:
    policy = RoutingPolicy(comparison_documents=4, cascade=False, look_up_ratio=2)
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(dataclasses.asdict(policy)))
    assert RoutingPolicy.read(file) == policy


def test_settings_change_single_thresholds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plumb.toml").write_text("[routing]\ncascade = false\nweak_dense = 0.2\n")
    assert RoutingPolicy.from_json(load_settings().routing) == RoutingPolicy(cascade=False, weak_dense=0.2)
    monkeypatch.setenv("PLUMB_ROUTING", '{"comparison_documents": 3}')
    assert RoutingPolicy.from_json(load_settings().routing).comparison_documents == 3


@pytest.mark.parametrize(
    "data, said",
    [
        ({"comparison_docs": 3}, "comparison_docs"),
        ({"cascade": 1}, "bool"),
        ({"comparison_documents": 1.5}, "int"),
        ({"weak_dense": "low"}, "float"),
        ({"weak_dense": -1}, ">= 0"),
        ({"weak_dense": True}, "float"),
        ({"look_up_ratio": 0.5}, "below 1"),
    ],
)
def test_wrong_thresholds_are_named(data: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        RoutingPolicy.from_json(data)


@pytest.mark.parametrize("content", ["[]", "{", "\xff"])
def test_a_file_that_is_no_policy(tmp_path: Path, content: str) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InvalidInput, match="not a routing policy"):
        RoutingPolicy.read(file)
    with pytest.raises(InvalidInput, match="cannot be read"):
        RoutingPolicy.read(tmp_path / "absent.json")


def test_every_kind_has_a_ratio_and_a_length() -> None:
    for kind in IntentKind:
        assert RoutingPolicy().ratio(kind) >= 1 and RoutingPolicy().tokens(kind) > 0
