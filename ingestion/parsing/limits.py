"""How much one document may cost before it is refused."""

from __future__ import annotations

import dataclasses

MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class ParseLimits:
    """Limits on one document; beyond them it is refused with a reason.

    `memory_bytes` bounds the resident memory of a parser process. `seconds` is the longest time without progress and
    `total_seconds` the longest time in all (a long scan makes progress with every page). `pages` counts PDF pages,
    slides and sheets; `ocr_pages` how many pages without a text layer are read by OCR before the rest is left out with
    a warning. `file_bytes` bounds the file, `text_bytes` a file that is plain text in any form (mark-up, tables and
    mail included), `unpacked_bytes` what an archive-based file may unpack to. A parser process is replaced after
    `recycle_after` files, so that what libraries leak stays bounded.
    """

    memory_bytes: int = 2048 * MIB
    seconds: float = 300.0
    total_seconds: float = 3600.0
    pages: int = 5000
    ocr_pages: int = 200
    file_bytes: int = 500 * MIB
    text_bytes: int = 50 * MIB
    unpacked_bytes: int = 1024 * MIB
    recycle_after: int = 50
