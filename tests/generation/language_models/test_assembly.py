from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from generation.language_models.assembly import build_models, warm_up_in_background
from generation.language_models.model import Finished, Prices, Role
from generation.language_models.model_metrics import ModelMetrics
from runtime.errors import ConfigurationError
from runtime.settings import ModelSettings, Settings
from tests.generation.language_models.language_model_contract import collected
from tests.model_server import ModelServer, model_server


@pytest.fixture
def provider() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def settings_of(*models: dict[str, Any]) -> Settings:
    return Settings(models=tuple(ModelSettings(**model) for model in models))


def test_models_are_built_in_order_and_answer(provider: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", " sk-local\n")
    metrics = ModelMetrics()
    local = {"name": "local", "model": "evidence", "endpoint": f"{provider.openai_url}/", "key_variable": "LOCAL_KEY"}
    cheap = {"usd_per_million_prompt": 2.0, "usd_per_million_completion": 4.0}
    claude = {"name": "claude", "protocol": "anthropic", "role": "powerful", "endpoint": provider.url} | cheap
    models = build_models(settings_of(local, claude), metrics)
    assert [(model.profile.name, model.profile.role) for model in models] == [
        ("local", Role.FAST),
        ("claude", Role.POWERFUL),
    ]
    assert models[1].profile.prices == Prices(2.0, 2.0, 4.0)
    warming = warm_up_in_background(models)
    assert warming is not None
    warming.join(60)

    async def ask_all() -> None:
        for model in models:
            assert isinstance((await collected(model))[-1], Finished)
            await model.aclose()

    asyncio.run(ask_all())
    assert provider.requests[0].headers["authorization"] == "Bearer sk-local"
    registry = CollectorRegistry()
    registry.register(metrics)
    assert 'plumbline_model_calls_total{model="claude",outcome="ok"} 1.0' in generate_latest(registry).decode()


@pytest.mark.parametrize(
    "model, told",
    [
        ({"name": "m", "key_variable": "NOT_THERE"}, "NOT_THERE, which is not set"),
        ({"name": "m"}, "neither an endpoint nor a key"),
    ],
)
def test_a_missing_key_names_its_variable(model: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        build_models(settings_of(model))
    assert told in refusal.value.message


def test_anthropic_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"plumbline\[anthropic\]"):
        build_models(settings_of({"name": "m", "protocol": "anthropic", "endpoint": "http://127.0.0.1:1"}))


def test_without_models_nothing_is_warmed_up() -> None:
    assert build_models(Settings(models=())) == []
    assert warm_up_in_background([]) is None


def test_building_imports_none_of_the_heavy_libraries() -> None:
    heavy = ("llama_index", "openai", "anthropic", "httpx")
    program = (
        "import sys; from runtime.settings import *; from generation.language_models.assembly import build_models\n"
        "build_models(Settings(models=(ModelSettings(name='a', endpoint='http://127.0.0.1:1'),"
        "ModelSettings(name='b', endpoint='http://127.0.0.1:1', protocol='anthropic'))))\n"
        f"print([name for name in {heavy} if name + '.core' in sys.modules or name in sys.modules"
        " and sys.modules[name].__file__])"
    )
    root = Path(__file__).parents[3]
    shown = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
