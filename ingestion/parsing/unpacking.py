"""Checks on archive-based files (docx, pptx, xlsx, epub, odt) before any parser unpacks them."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ingestion.documents import DocumentRejected
from ingestion.parsing.limits import MIB, ParseLimits

# Deflate reaches 1:1032 at most; real office files stay below 1:200 except for tiny or very repetitive parts.
_HIGHEST_RATIO = 200
_RATIO_MATTERS_FROM = 64 * MIB
_MOST_MEMBERS = 50_000
_BLOCK = MIB


def check_archive(path: Path, limits: ParseLimits) -> None:
    """Raise DocumentRejected when the archive is damaged, encrypted, or unpacks to more than the limits allow.

    The sizes that an archive states about itself are believed only to refuse it; each member is also unpacked once,
    block by block and without keeping it, so that a member that lies about its size is found here and not in a parser.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_stated_sizes(members, path.stat().st_size, limits)
            unpacked = 0
            for member in members:
                if member.flag_bits & 0x1:
                    raise DocumentRejected(
                        "The file is protected by a password; save it without one and upload it again.",
                        code="encrypted",
                    )
                with archive.open(member) as stream:
                    while block := stream.read(_BLOCK):
                        unpacked += len(block)
                        if unpacked > limits.unpacked_bytes:
                            raise _too_large(limits)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, zipfile.LargeZipFile) as error:
        raise DocumentRejected(
            "The file is damaged or cut off (its archive cannot be unpacked); export or download it again.",
            code="damaged",
        ) from error
    except Exception as error:
        # zlib.error and lzma.LZMAError derive from Exception directly and mean the same damage.
        if isinstance(error, DocumentRejected):
            raise
        raise DocumentRejected(
            "The file is damaged: a part of its archive cannot be unpacked; export or download it again.",
            code="damaged",
        ) from error


def _check_stated_sizes(members: list[zipfile.ZipInfo], packed: int, limits: ParseLimits) -> None:
    stated = sum(member.file_size for member in members)
    suspicious = stated > _RATIO_MATTERS_FROM and stated > _HIGHEST_RATIO * max(packed, 1)
    if stated > limits.unpacked_bytes or suspicious or len(members) > _MOST_MEMBERS:
        raise _too_large(limits)


def _too_large(limits: ParseLimits) -> DocumentRejected:
    return DocumentRejected(
        f"The file unpacks to far more than its size suggests, or to more than {limits.unpacked_bytes // MIB} MiB; "
        "split it into smaller documents.",
        code="unpacks_too_large",
    )
