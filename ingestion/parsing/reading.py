"""One file to one document, in this process: detects the format and calls its reader."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from ingestion.documents import ParsedDocument
from ingestion.parsing.formats import ARCHIVES, Format, detect
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.source import Source
from ingestion.parsing.unpacking import check_archive

# By name, so that a module is imported when its first file comes: those over `unstructured` cost seconds.
_READERS = {
    Format.PDF: ("pdf", "read_pdf"),
    Format.IMAGE: ("ocr", "read_image"),
    Format.DOCX: ("office", "read_docx"),
    Format.PPTX: ("office", "read_pptx"),
    Format.XLSX: ("tabular", "read_workbook"),
    Format.XLS: ("tabular", "read_old_workbook"),
    Format.CSV: ("tabular", "read_delimited"),
    Format.TSV: ("tabular", "read_delimited"),
    Format.HTML: ("web_pages", "read_html"),
    Format.MARKDOWN: ("marked_up", "read_markdown"),
    Format.TEXT: ("plain_text", "read_text"),
    Format.EML: ("mail", "read_mail"),
    Format.MSG: ("mail", "read_outlook_message"),
    Format.XML: ("records", "read_xml"),
    Format.JSON: ("records", "read_json"),
    Format.JSON_LINES: ("records", "read_json"),
    Format.NOTEBOOK: ("records", "read_notebook"),
    Format.EPUB: ("marked_up", "read_converted"),
    Format.ODT: ("marked_up", "read_converted"),
    Format.RTF: ("marked_up", "read_converted"),
    Format.RST: ("marked_up", "read_converted"),
    Format.ORG: ("marked_up", "read_converted"),
}


def read_document(path: Path, name: str, limits: ParseLimits, tell: Callable[[float], None]) -> ParsedDocument:
    """The document in the file at `path`, which its owner calls `name`; `tell` hears the share done.

    For untrusted files use `sandbox.ParserPool`, which runs this in a process with limits. Raises DocumentRejected,
    and whatever a library raises on damaged bytes.
    """
    detected = detect(path, name, limits)
    if detected in ARCHIVES:
        check_archive(path, limits)
    module, function = _READERS[detected]
    reader: Callable[[Source], ParsedDocument] = getattr(
        importlib.import_module(f"ingestion.parsing.{module}"), function
    )
    return reader(Source(path, name, detected, limits, tell))
