"""Which names of documents, collections and metadata fields are accepted, and in which form they are kept."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

from ingestion.records import MetadataValue
from runtime.errors import InvalidInput

MAX_NAME_BYTES = 1024
MAX_METADATA_FIELDS = 64
MAX_METADATA_TEXT = 4096

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_METADATA_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_DRIVE = re.compile(r"[A-Za-z]:/")


class InvalidDocumentName(InvalidInput):
    code = "invalid_document_name"


class InvalidCollectionName(InvalidInput):
    code = "invalid_collection_name"


class InvalidMetadata(InvalidInput):
    code = "invalid_metadata"


def document_name(name: str) -> str:
    """The name as a relative POSIX path: backslashes become slashes, `.` and doubled slashes go, Unicode is NFC.

    Raises InvalidDocumentName for names that are empty, absolute, leave their folder, hold control characters or take
    more than `MAX_NAME_BYTES` bytes.
    """
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in path):
        raise InvalidDocumentName("The document name holds control characters or broken text. Rename the file.")
    if path.startswith("/") or _DRIVE.match(path):
        raise InvalidDocumentName("The document name must be a relative path such as reports/2026.pdf.")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise InvalidDocumentName("The document name must not contain '..'.")
    path = "/".join(parts)
    if not path.strip():
        raise InvalidDocumentName("The document has no name. Send one such as reports/2026.pdf.")
    if len(path.encode()) > MAX_NAME_BYTES:
        raise InvalidDocumentName(f"The document name is longer than {MAX_NAME_BYTES} bytes. Shorten it.")
    return path


def collection_name(name: str) -> str:
    """The name as it is (case counts). Raises InvalidCollectionName."""
    if not _COLLECTION.fullmatch(name):
        raise InvalidCollectionName(
            "A collection name has 1 to 64 letters, digits, dots, hyphens and underscores and begins with a letter or "
            "digit."
        )
    return name


def checked_metadata(metadata: Mapping[str, MetadataValue]) -> dict[str, MetadataValue]:
    """A plain copy. Raises InvalidMetadata for what could not be filtered by later."""
    if len(metadata) > MAX_METADATA_FIELDS:
        raise InvalidMetadata(f"At most {MAX_METADATA_FIELDS} metadata fields are kept a document.")
    for field, value in metadata.items():
        if not _METADATA_FIELD.fullmatch(field):
            raise InvalidMetadata(
                f"Metadata field {field[:80]!r}: a name has up to 64 letters, digits, hyphens and underscores."
            )
        if not isinstance(value, str | int | float | bool):
            raise InvalidMetadata(f"Metadata field {field!r} must be a text, a number, true or false.")
        if isinstance(value, str) and (len(value) > MAX_METADATA_TEXT or "\0" in value):
            raise InvalidMetadata(f"Metadata field {field!r}: a text has up to {MAX_METADATA_TEXT} characters, no NUL.")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidMetadata(f"Metadata field {field!r} must be a finite number.")
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InvalidMetadata(f"Metadata field {field!r} must fit into 64 bits.")
    return dict(metadata)
