"""One file to one document, in this process: detects the format and calls its reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingestion.documents import ParsedDocument
from ingestion.parsing.formats import ARCHIVES, Format, detect
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.unpacking import check_archive


def read_document(
    path: Path, name: str, limits: ParseLimits, tell: Callable[[float], None] = lambda share: None
) -> ParsedDocument:
    """The document in the file at `path`, which its owner calls `name`; `tell` hears the share done.

    For untrusted files use `sandbox.ParserPool`, which runs this in a process with limits. Readers are imported when
    first needed: those over `unstructured` cost seconds. Raises DocumentRejected, and whatever a library raises on
    damaged bytes.
    """
    detected = detect(path, name, limits)
    if detected in ARCHIVES:
        check_archive(path, limits)
    if detected is Format.PDF:
        from ingestion.parsing.pdf import read_pdf

        return read_pdf(path, name, limits, tell)
    raise NotImplementedError(detected)
