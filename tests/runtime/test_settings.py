from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.errors import ConfigurationError
from runtime.settings import load_settings


@pytest.fixture(autouse=True)
def bare_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PLUMB_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_set_is_the_embedded_mode() -> None:
    settings = load_settings()
    assert settings.resolved_database_url() == "sqlite:///.plumb/records.db"
    assert settings.resolved_originals_url() == ".plumb/originals"
    assert (settings.broker_url, settings.qdrant_url) == (None, None)
    assert {row.origin for row in settings.describe()} == {"default"}


def test_environment_wins_over_file_wins_over_default(bare_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_folder / "plumb.toml").write_text('top_k = 7\nlanguage = "german"\n')
    monkeypatch.setenv("PLUMB_TOP_K", "9")
    monkeypatch.setenv("PLUMB_QDRANT_URL", "")
    settings = load_settings()
    assert (settings.top_k, settings.language, settings.qdrant_url) == (9, "german", None)
    origins = {row.name: row.origin for row in settings.describe()}
    assert (origins["top_k"], origins["language"], origins["reranker"]) == ("environment", "plumb.toml", "default")


def test_postgres_addresses_name_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ("postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"):
        monkeypatch.setenv("PLUMB_DATABASE_URL", given)
        assert load_settings().resolved_database_url() == "postgresql+psycopg://u@h/d"


def test_secrets_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMB_QDRANT_API_KEY", "qdrant-secret")
    monkeypatch.setenv("PLUMB_DATABASE_URL", "postgresql://plumb:db-secret@db:5432/records?sslpassword=ssl-secret")
    monkeypatch.setenv("PLUMB_BROKER_URL", "redis://:redis-secret@cache/0")
    settings = load_settings()
    printed = " ".join(row.value for row in settings.describe()) + repr(settings.qdrant_api_key)
    assert "secret" not in printed
    assert "plumb:******@db:5432/records" in printed
    assert settings.qdrant_api_key is not None
    assert settings.qdrant_api_key.get_secret_value() == "qdrant-secret"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PLUMB_TOP_K", "many", "PLUMB_TOP_K"),
        ("PLUMB_TOP_K", "0", "greater than or equal to 1"),
        ("PLUMB_EMBEDDING_BACKEND", "onnx-int4", "onnx-int8"),
        ("PLUMB_DATABASE_URL", "mysql://u@h/d", "postgresql://"),
        ("PLUMB_QDRANT_URL", "localhost:6333", "http://"),
    ],
)
def test_wrong_values_name_the_setting_and_what_it_accepts(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert variable in refusal.value.message
    assert told in refusal.value.message


def test_a_wrong_value_is_not_repeated_since_it_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMB_DATABASE_URL", "mysql://u:db-secret@h/d")
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert "db-secret" not in refusal.value.message


def test_typing_errors_are_told(bare_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMB_QDRANT_ULR", "http://localhost:6333")
    rows = [row for row in load_settings().describe() if not row.name]
    assert [(row.variable, row.value) for row in rows] == [
        ("PLUMB_QDRANT_ULR", "not a setting; did you mean PLUMB_QDRANT_URL?")
    ]
    (bare_folder / "plumb.toml").write_text("top_kk = 7\n")
    with pytest.raises(ConfigurationError, match=r"top_kk is not a setting \(did you mean top_k\?\)"):
        load_settings()
    (bare_folder / "plumb.toml").write_text("top_k = \n")
    with pytest.raises(ConfigurationError, match=r"plumb\.toml is not valid TOML"):
        load_settings()


MODELS = """
[[models]]
name = "local"
endpoint = "http://user:model-secret@gpu:8000/v1?token=model-secret"
model = "qwen"
context_tokens = 32768

[[models]]
name = "claude"
protocol = "anthropic"
role = "powerful"
key_variable = "ANTHROPIC_API_KEY"
"""


def test_models_in_the_file_are_shown_one_by_one_without_secrets(
    bare_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-model-secret")
    (bare_folder / "plumb.toml").write_text(MODELS)
    settings = load_settings()
    assert [model.name for model in settings.models] == ["local", "claude"]
    (shown,) = (row.value for row in settings.describe() if row.name == "models")
    assert shown == (
        "local (fast: qwen at http://user:******@gpu:8000/v1?******); "
        "claude (powerful: claude at anthropic, key from ANTHROPIC_API_KEY)"
    )


def test_models_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMB_MODELS", '[{"name": "m", "endpoint": "http://gpu/v1", "role": "batch", "retries": 0}]')
    (model,) = load_settings().models
    assert (model.name, model.role, model.retries) == ("m", "batch", 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('[{"name": "a"}, {"name": "m", "role": "quick"}]', "PLUMB_MODELS: model m: role: Input should be 'fast'"),
        ('[{"name": "m", "api_key": "sk-secret"}]', "model m: api_key is not a setting"),
        ('[{"name": "m", "key_variable": "sk-secret"}]', "model m: key_variable: must be the name of an environment"),
        ('[{"name": "m", "key_variable": "gsk_secret"}]', "never the key itself"),
        ('[{"name": "m", "endpoint": "gpu:8000"}]', "model m: endpoint: must start with http://"),
        ('[{"role": "fast"}]', "model number 1: name: Field required"),
        ('[{"name": "extractive"}]', "call the model something else"),
        ('[{"name": "m"}, {"name": "m"}]', "two models have the same name"),
        ('{"name": "m"}', "PLUMB_MODELS: must be a list of models"),
        ('[{"name": "sk-secret]', "PLUMB_MODELS is not valid JSON"),
    ],
)
def test_a_wrong_model_is_told_by_name_and_field(value: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMB_MODELS", value)
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert told in refusal.value.message
    assert "secret" not in refusal.value.message
