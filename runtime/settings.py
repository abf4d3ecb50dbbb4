"""Settings of one installation: `PLUMB_*` environment variables, else `plumb.toml` in the working directory.

Nothing needs to be set: the defaults are the embedded mode. A mode is only a choice of addresses. Settings are read in
assembly files and entry points; everything else receives plain values.
"""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from runtime.errors import ConfigurationError

SETTINGS_FILE = "plumb.toml"
MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class SettingRow:
    """One effective setting as `plumb doctor` prints it; `origin` is `environment`, `plumb.toml` or `default`."""

    name: str
    variable: str
    value: str
    origin: str


class Settings(BaseSettings):
    """All settings with their defaults. Sizes are bytes, times are seconds."""

    model_config = SettingsConfigDict(env_prefix="PLUMB_", toml_file=SETTINGS_FILE, extra="forbid", frozen=True)

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

    worker_concurrency: int = Field(default=1, ge=1, le=64)
    parser_processes: int = Field(default=1, ge=1, le=64)
    max_file_bytes: int = Field(default=500 * MIB, ge=1)
    max_unpacked_bytes: int = Field(default=1024 * MIB, ge=1)
    max_pages: int = Field(default=5000, ge=1)
    parse_seconds: float = Field(default=900.0, gt=0)
    parse_memory_bytes: int = Field(default=2048 * MIB, ge=256 * MIB)

    def resolved_database_url(self) -> str:
        """SQLAlchemy URL of the records; SQLite in the data folder unless one is set."""
        raise NotImplementedError

    def resolved_originals_url(self) -> str:
        """fsspec URL or folder of the uploaded files; a folder in the data folder unless one is set."""
        raise NotImplementedError

    def resolved_broker_url(self) -> str:
        """Celery broker; `memory://` (the worker lives in this process) unless one is set."""
        raise NotImplementedError

    @property
    def has_own_worker(self) -> bool:
        """Whether this process runs the worker itself, because no broker could carry work to another one."""
        return self.broker_url is None

    @property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    def describe(self) -> list[SettingRow]:
        """Every setting with its effective value and where it came from; secrets are hidden."""
        raise NotImplementedError


def load_settings() -> Settings:
    """Read the settings. Raises ConfigurationError that names each wrong setting and what it accepts."""
    raise NotImplementedError
