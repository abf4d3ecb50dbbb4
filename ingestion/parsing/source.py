"""What every reader is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ingestion.parsing.formats import MEDIA_TYPES, Format
from ingestion.parsing.limits import ParseLimits


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A file to read: where it lies, what its owner calls it, and what it really is.

    Readers call `tell` with the share that is done (0 to 1).
    """

    path: Path
    name: str
    format: Format
    limits: ParseLimits
    tell: Callable[[float], None]

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.format]
