"""Which format a file really has: its bytes decide, its name only where bytes cannot tell."""

from __future__ import annotations

import enum
import re
import zipfile
from pathlib import Path, PurePosixPath

from ingestion.documents import DocumentRejected
from ingestion.parsing.limits import MIB, ParseLimits

_HEAD = 64 * 1024


class Format(enum.StrEnum):
    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    XLSX = "xlsx"
    XLS = "xls"
    CSV = "csv"
    TSV = "tsv"
    HTML = "html"
    MARKDOWN = "md"
    TEXT = "txt"
    EML = "eml"
    MSG = "msg"
    XML = "xml"
    JSON = "json"
    JSON_LINES = "jsonl"
    NOTEBOOK = "ipynb"
    EPUB = "epub"
    ODT = "odt"
    RTF = "rtf"
    RST = "rst"
    ORG = "org"
    IMAGE = "image"


MEDIA_TYPES = {
    Format.PDF: "application/pdf",
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.XLS: "application/vnd.ms-excel",
    Format.CSV: "text/csv",
    Format.TSV: "text/tab-separated-values",
    Format.HTML: "text/html",
    Format.MARKDOWN: "text/markdown",
    Format.TEXT: "text/plain",
    Format.EML: "message/rfc822",
    Format.MSG: "application/vnd.ms-outlook",
    Format.XML: "application/xml",
    Format.JSON: "application/json",
    Format.JSON_LINES: "application/jsonl",
    Format.NOTEBOOK: "application/x-ipynb+json",
    Format.EPUB: "application/epub+zip",
    Format.ODT: "application/vnd.oasis.opendocument.text",
    Format.RTF: "application/rtf",
    Format.RST: "text/x-rst",
    Format.ORG: "text/org",
    Format.IMAGE: "image/*",
}

ARCHIVES = frozenset({Format.DOCX, Format.PPTX, Format.XLSX, Format.EPUB, Format.ODT})
# Converted by pandoc, which comes with an extra.
CONVERTED = frozenset({Format.EPUB, Format.ODT, Format.RTF, Format.RST, Format.ORG})
_BINARY = ARCHIVES | {Format.PDF, Format.XLS, Format.MSG, Format.IMAGE}

_TEXT_SUFFIXES = {
    ".csv": Format.CSV, ".tsv": Format.TSV, ".tab": Format.TSV, ".html": Format.HTML, ".htm": Format.HTML,
    ".xhtml": Format.HTML, ".md": Format.MARKDOWN, ".markdown": Format.MARKDOWN, ".eml": Format.EML, ".xml": Format.XML,
    ".json": Format.JSON, ".jsonl": Format.JSON_LINES, ".ndjson": Format.JSON_LINES, ".ipynb": Format.NOTEBOOK,
    ".rst": Format.RST, ".org": Format.ORG, ".txt": Format.TEXT,
}  # fmt: skip
_IMAGE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
_OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIL_HEAD = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]*:[ \t].*\r?\n(?:[ \t]+.*\r?\n)*){2,}", re.MULTILINE)
_MAIL_FIELD = re.compile(rb"^(?:From|Received|Message-ID|MIME-Version|Return-Path):", re.IGNORECASE | re.MULTILINE)
READABLE = "pdf, docx, pptx, xlsx, xls, csv, tsv, html, md, txt, eml, msg, xml, json, jsonl, ipynb, png, jpg, tiff"


def detect(path: Path, name: str, limits: ParseLimits) -> Format:
    """The real format of the file at `path` that its owner calls `name`.

    Raises DocumentRejected: `empty_file`, `too_large`, `encrypted`, `damaged`, `unsupported_format`.
    """
    size = path.stat().st_size
    if size == 0:
        raise DocumentRejected("The file is empty.", code="empty_file")
    _check_size(size, limits.file_bytes)
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    detected = _by_signature(path, head) or _text_format(head, PurePosixPath(name.replace("\0", "")).suffix.lower())
    if detected not in _BINARY:
        _check_size(size, limits.text_bytes)
    return detected


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise DocumentRejected(
            f"The file has {size / MIB:.1f} MiB; at most {limit / MIB:.1f} MiB are read of this kind. Split it.",
            code="too_large",
        )


def _by_signature(path: Path, head: bytes) -> Format | None:
    if b"%PDF-" in head[:1024]:
        return Format.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _archive_format(path)
    if head.startswith(_OLE_HEAD):
        return _ole_format(path)
    if head.startswith(b"{\\rtf"):
        return Format.RTF
    if head.startswith(_IMAGE_HEADS):
        return Format.IMAGE
    return None


def _archive_format(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            media_type = archive.read("mimetype")[:100].decode("latin-1").strip() if "mimetype" in names else ""
    except Exception as error:
        # A damaged archive fails in many ways (zipfile, zlib, struct, unicode); each means the same to its owner.
        raise DocumentRejected(
            "The file is damaged or cut off (its archive cannot be opened); export or download it again.",
            code="damaged",
        ) from error
    if media_type == MEDIA_TYPES[Format.EPUB] or "META-INF/container.xml" in names:
        return Format.EPUB
    if media_type.startswith(MEDIA_TYPES[Format.ODT]):
        return Format.ODT
    for folder, detected in (("word/", Format.DOCX), ("ppt/", Format.PPTX), ("xl/", Format.XLSX)):
        if "[Content_Types].xml" in names and any(member.startswith(folder) for member in names):
            return detected
    if media_type.startswith("application/vnd.oasis.opendocument."):
        kind = media_type.rsplit(".", 1)[1]
        raise _unsupported(f"OpenDocument files of the kind '{kind}' are not read; export it as PDF or Office file.")
    raise _unsupported("The file is an archive, not a document; unpack it and upload the documents inside.")


def _ole_format(path: Path) -> Format:
    import olefile  # type: ignore[import-untyped]

    try:
        with olefile.OleFileIO(path) as ole:
            streams = {"/".join(entry) for entry in ole.listdir()}
    except Exception as error:
        # olefile raises its own errors, struct.error, IndexError and OSError on damage alike.
        raise DocumentRejected(
            "The file is a damaged old Office file; open and save it again.", code="damaged"
        ) from error
    if "EncryptedPackage" in streams or "EncryptionInfo" in streams:
        raise DocumentRejected(
            "The file is protected by a password; save it without one and upload it again.", code="encrypted"
        )
    if "__properties_version1.0" in streams:
        return Format.MSG
    if "Workbook" in streams or "Book" in streams:
        return Format.XLS
    if "WordDocument" in streams:
        raise _unsupported("This is an old Word file (.doc); save it as .docx or PDF and upload that.")
    if "PowerPoint Document" in streams:
        raise _unsupported("This is an old PowerPoint file (.ppt); save it as .pptx or PDF and upload that.")
    raise _unsupported("The file is an OLE container of an unknown kind; save it in a current format.")


def _text_format(head: bytes, suffix: str) -> Format:
    from ingestion.parsing.text_decoding import decode

    if suffix in (".eml",) or (_MAIL_HEAD.match(head) and _MAIL_FIELD.search(head[:4096])):
        return Format.EML
    text, _ = decode(head[: len(head) - len(head) % 4] if len(head) == _HEAD else head)
    if _is_noise(head, text):
        raise _unsupported(
            f"The content is neither text nor a known document format, whatever its name says; known are {READABLE}."
        )
    start = text.lstrip("\ufeff \t\r\n")[:2000].lower()
    if suffix in (".md", ".markdown", ".rst", ".org", ".csv", ".tsv", ".tab"):
        return _TEXT_SUFFIXES[suffix]
    if re.match(r"(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*(<!doctype html|<html[\s>])", start, re.DOTALL):
        return Format.HTML
    if start.startswith("<?xml") or re.match(r"<!doctype\s+(?!html)[a-z]", start):
        return Format.XML
    if suffix in _TEXT_SUFFIXES:
        return _TEXT_SUFFIXES[suffix]
    return Format.TEXT


def _is_noise(data: bytes, text: str) -> bool:
    """Control characters in number, or text that no encoding makes sense of, never come from a text file."""
    sample = text[:20_000]
    odd = sum(1 for c in sample if (c < "\x20" and c not in "\t\n\r\f\x1b") or "\x7f" <= c < "\xa0" or c == "\ufffd")
    return odd > 0.02 * len(sample) + 2 or (b"\0" * 8 in data and odd > 8)


def _unsupported(message: str) -> DocumentRejected:
    return DocumentRejected(message, code="unsupported_format")
