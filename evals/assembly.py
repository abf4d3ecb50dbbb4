"""Evaluations put together from the settings: what `plumb eval`, the scripts and the jobs call.

Each returns a `RunRecord`; the caller prints it, and writes it with `record.write(path)`.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.run_record import RunRecord

if TYPE_CHECKING:
    from runtime.settings import Settings

OnProgress = Callable[[str, float], None]
"""Gets the stage ("embedding", "indexing", an arm's name, "answering") and the share of it that is done, 0 to 1."""

AskCollection = Callable[[str], Mapping[str, Any]]
"""A question's text to the answer object of the outward contract, for cases without a context of their own."""

ARMS = ("bm25", "dense", "fused", "reranked")


def run_retrieval(
    settings: Settings,
    folder: pathlib.Path,
    *,
    split: str = "dev",
    arms: Sequence[str] = ARMS,
    command: str,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Measure retrieval on a folder in BEIR form, in a temporary index of its own; the user's index is not touched.

    Raises `evals.cases.InvalidCases` (file and line) and `InvalidInput` for an unknown arm. Blocking.
    """
    raise NotImplementedError


def run_answers(
    settings: Settings,
    file: pathlib.Path,
    *,
    command: str,
    model: str | None = None,
    ask_collection: AskCollection | None = None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Measure answers on a JSONL file. Cases with a `context` are read in this process; the user's index is not opened.

    Cases without one go through `ask_collection` (the command line passes a call of `POST /v1/ask` with the cache off);
    without it such a file is refused with `InvalidInput`. Raises `evals.cases.InvalidCases` (file and line). Blocking.
    """
    raise NotImplementedError
