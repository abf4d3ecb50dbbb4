"""Settings of one installation: `PLUMB_*` environment variables, else `plumb.toml` in the working directory.

Nothing needs to be set: the defaults are the embedded mode. A mode is only a choice of addresses. Settings are read in
assembly files and entry points; everything else receives plain values.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SETTINGS_FILE = "plumb.toml"
PREFIX = "PLUMB_"
HIDDEN = "******"
MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class SettingRow:
    """One effective setting as `plumb doctor` prints it; `origin` is `environment`, `plumb.toml` or `default`."""

    name: str
    variable: str
    value: str
    origin: str


class ModelSettings(BaseModel):
    """One language model. Times are seconds, prices USD per million tokens.

    `model` is the provider's name for it (default: `name`), `endpoint` its base URL (default: the provider's own), and
    `key_variable` the environment variable that holds its key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    role: Literal["fast", "powerful", "batch"] = "fast"
    protocol: Literal["openai", "anthropic"] = "openai"
    model: str | None = None
    endpoint: str | None = None
    key_variable: str | None = Field(default=None, max_length=100)
    context_tokens: int = Field(default=8192, ge=512)
    max_output_tokens: int = Field(default=1024, ge=16)
    usd_per_million_prompt: float = Field(default=0.0, ge=0)
    usd_per_million_cached_prompt: float | None = Field(default=None, ge=0)
    usd_per_million_completion: float = Field(default=0.0, ge=0)
    connect_seconds: float = Field(default=10.0, gt=0)
    first_token_seconds: float = Field(default=30.0, gt=0)
    total_seconds: float = Field(default=120.0, gt=0)
    retries: int = Field(default=2, ge=0, le=10)
    concurrency: int = Field(default=8, ge=1)
    queue: int = Field(default=64, ge=0)

    @field_validator("name")
    @classmethod
    def _not_ours(cls, name: str) -> str:
        if name in {"extractive", "auto", "plumbline"}:
            raise ValueError(f"{name!r} is a name of Plumbline's own; call the model something else")
        return name

    @field_validator("endpoint")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is not None and _scheme(url) not in {"http", "https"}:
            raise ValueError("must start with http:// or https://")
        return url

    @field_validator("key_variable")
    @classmethod
    def _not_the_key(cls, variable: str | None) -> str | None:
        # Names are printed and keys must not be: a key put here by mistake has small letters or dashes.
        if variable is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
            raise ValueError("must be the name of an environment variable, in capitals; never the key itself")
        return variable

    def describe(self) -> str:
        """One line for people, without secrets."""
        place = _printable(self.endpoint) if self.endpoint else self.protocol
        key = f", key from {self.key_variable}" if self.key_variable else ""
        return f"{self.name} ({self.role}: {self.model or self.name} at {place}{key})"


class Settings(BaseSettings):
    """All settings with their defaults. Sizes are bytes, times are seconds.

    `routing` changes thresholds of the router by name, a table `[routing]` in the file (generation/routing/policy.py).
    `checker` is `plumbline`, `verbatim`, `judge:MODEL`, or the folder or name of a cross-encoder, how which is read the
    other `checker_...` say (generation/checking/cross_encoders/pair_models.py); `checker_calibration` is a file of
    `plumb eval recalibrate`.
    `hallucination_slo` is the share of answers with unsupported content that is not to be passed.
    `parse_seconds` is the longest time that parsing may show no progress, `parse_total_seconds` the longest in all.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, toml_file=SETTINGS_FILE, extra="forbid", frozen=True
    )

    data_dir: Path = Path(".plumb")
    qdrant_url: str | None = None
    qdrant_api_key: SecretStr | None = None
    broker_url: str | None = None
    database_url: str | None = None
    originals_url: str | None = None

    embedding_model: str = "all-MiniLM-L6-v2"
    embedding_backend: Literal["onnx-int8", "onnx-fp32", "sentence-transformers"] = "onnx-int8"
    embedding_device: str | None = None
    reranker: str = "late-interaction"
    language: str = "english"
    top_k: int = Field(default=10, ge=1, le=1000)

    models: tuple[ModelSettings, ...] = ()
    routing: Mapping[str, bool | int | float] = Field(default_factory=dict)
    answer_seconds: float = Field(default=120.0, gt=0)

    checker: str = Field(default="plumbline", min_length=1)
    checker_calibration: Path | None = None
    checker_input: Literal["auto", "pair", "minicheck"] = "auto"
    checker_supported_label: str | None = None
    checker_trust_remote_code: bool = False
    hallucination_slo: float = Field(default=0.05, gt=0, lt=1)

    semantic_cache: bool = True
    cache_ttl_seconds: float = Field(default=7 * 86_400.0, gt=0)
    cache_max_entries: int = Field(default=10_000, ge=1)
    cache_similarity: float = Field(default=0.8, ge=0, le=1)

    batch_concurrency: int = Field(default=4, ge=1, le=256)
    max_batch_questions: int = Field(default=10_000, ge=1)
    max_batch_bytes: int = Field(default=32 * MIB, ge=1)

    worker_concurrency: int = Field(default=1, ge=1, le=64)
    parser_processes: int = Field(default=1, ge=1, le=64)
    max_file_bytes: int = Field(default=500 * MIB, ge=1)
    max_text_bytes: int = Field(default=50 * MIB, ge=1)
    max_unpacked_bytes: int = Field(default=1024 * MIB, ge=1)
    max_pages: int = Field(default=5000, ge=1)
    max_ocr_pages: int = Field(default=200, ge=0)
    parse_seconds: float = Field(default=300.0, gt=0)
    parse_total_seconds: float = Field(default=3600.0, gt=0)
    parse_memory_bytes: int = Field(default=2048 * MIB, ge=256 * MIB)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and _scheme(url) not in {"sqlite", "postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must start with postgresql:// or sqlite:///")
        return url

    @field_validator("models", mode="before")
    @classmethod
    def _told_by_name(cls, models: object) -> object:
        """Errors name the model and its field: `models.1.role` says little to whoever wrote them."""
        if not isinstance(models, list | tuple):
            raise ValueError("must be a list of models")
        return tuple(_model(item, number) for number, item in enumerate(models, start=1))

    @field_validator("models")
    @classmethod
    def _distinct(cls, models: tuple[ModelSettings, ...]) -> tuple[ModelSettings, ...]:
        names = [model.name for model in models]
        if len(set(names)) < len(names):
            raise ValueError("two models have the same name")
        return models

    @field_validator("qdrant_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is not None and _scheme(url) not in {"http", "https"}:
            raise ValueError("must start with http:// or https://")
        return url

    def resolved_database_url(self) -> str:
        """SQLAlchemy URL of the records; SQLite in the data folder unless one is set."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'records.db'}"
        scheme, rest = self.database_url.split(":", 1)
        return f"postgresql+psycopg:{rest}" if scheme in {"postgres", "postgresql"} else self.database_url

    def resolved_originals_url(self) -> str:
        """fsspec URL or folder of the uploaded files; a folder in the data folder unless one is set."""
        return self.originals_url or str(self.data_dir / "originals")

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def describe(self) -> list[SettingRow]:
        """Every setting with its effective value and where it came from, secrets hidden.

        `PLUMB_*` variables that name no setting follow with the nearest name, since a typing error would otherwise
        silently leave a default in force.
        """
        in_environment = {name.upper() for name in os.environ}
        in_file = TomlConfigSettingsSource(type(self))()
        rows = []
        for name in type(self).model_fields:
            variable = PREFIX + name.upper()
            origin = "environment" if variable in in_environment else SETTINGS_FILE if name in in_file else "default"
            rows.append(SettingRow(name, variable, _printable(getattr(self, name)), origin))
        known = [row.variable for row in rows]
        for variable in sorted(in_environment.difference(known)):
            if variable.startswith(PREFIX) and (nearest := difflib.get_close_matches(variable, known, n=1)):
                rows.append(SettingRow("", variable, f"not a setting; did you mean {nearest[0]}?", "environment"))
        return rows


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names each wrong setting and what it accepts."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors(include_url=False, include_input=False))
        raise ConfigurationError(f"Wrong settings: {problems}.", code="wrong_settings") from None
    except SettingsError as error:
        told = str(error) if '"models"' not in str(error) else f"{PREFIX}MODELS is not valid JSON (a list of objects)"
        raise ConfigurationError(f"Wrong settings: {told}.", code="wrong_settings") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{SETTINGS_FILE} is not valid TOML: {error}.", code="wrong_settings") from None


def _model(item: object, number: int) -> ModelSettings:
    if isinstance(item, ModelSettings):
        return item
    try:
        return ModelSettings.model_validate(item)
    except ValidationError as error:
        name = item.get("name") if isinstance(item, dict) else None
        details = error.errors(include_url=False, include_input=False)
        problems = "; ".join(_problem(detail, ModelSettings, "") for detail in details)
        raise ValueError(f"model {name if isinstance(name, str) else f'number {number}'}: {problems}") from None


def _problem(detail: ErrorDetails, owner: type[BaseModel] = Settings, prefix: str = PREFIX) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(name, owner.model_fields, n=1)
        return f"{name} is not a setting" + (f" (did you mean {nearest[0]}?)" if nearest else "")
    shown = f"{prefix}{name.upper()}" if prefix else name
    return f"{shown}: {detail['msg'].removeprefix('Value error, ')}"


def _scheme(url: str) -> str:
    return url.split(":", 1)[0].lower() if ":" in url else ""


def _printable(value: object) -> str:
    """Passwords inside addresses are secrets too, wherever a URL allows one."""
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, tuple):
        return (
            "; ".join(item.describe() if isinstance(item, ModelSettings) else _printable(item) for item in value) or "-"
        )
    text = str(value)
    if "://" not in text:
        return text
    parts = urlsplit(text)
    if "@" in parts.netloc:
        user, _, _ = parts.netloc.rpartition("@")[0].partition(":")
        parts = parts._replace(netloc=f"{user}:{HIDDEN}@{parts.netloc.rpartition('@')[2]}")
    if parts.query:
        parts = parts._replace(query=HIDDEN)
    return parts.geturl()
