"""One uploaded file with its fields, read from a multipart body to disk as it arrives.

The fields may come before or after the file (`curl -F file=@... -F collection=...`), so the bytes wait in an unnamed
temporary file: nothing of it is left behind when the client goes away or the process is killed.
"""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from api.body_limit import BodyTooLarge, drain
from api.error_responses import UnsupportedMediaType
from ingestion.original_store import StorageFull, StorageUnavailable
from runtime.errors import InvalidInput, PlumblineError

DOCUMENT_FIELDS = ("collection", "metadata")
_MAX_FIELD_BYTES = 256 * 1024
_OVERHEAD_BYTES = 1024 * 1024  # part headers and fields beside the file
_BATCH_BYTES = 1024 * 1024


class BrokenUpload(InvalidInput):
    code = "broken_upload"


class MissingFile(InvalidInput):
    code = "missing_file"


class ReceivedUpload:
    """The file's name as sent, its bytes (rewound) and the text fields."""

    def __init__(self, name: str, stream: BinaryIO, fields: Mapping[str, str]) -> None:
        self.name = name
        self.stream = stream
        self.fields = fields


@contextlib.asynccontextmanager
async def receive_upload(
    request: Request, folder: Path, max_file_bytes: int, fields: Sequence[str] = DOCUMENT_FIELDS
) -> AsyncIterator[ReceivedUpload]:
    """Read the request's body; the temporary file lives as long as the block. `fields` are the parts beside the file.

    Raises UnsupportedMediaType, BrokenUpload, MissingFile, BodyTooLarge, StorageFull, StorageUnavailable and
    starlette's ClientDisconnect. The rest of a refused body is read off, within bounds, so that clients get to see why.
    """
    body = request.stream()
    with contextlib.ExitStack() as kept:
        try:
            received = await _read(request, body, folder, max_file_bytes, fields, kept)
        except PlumblineError:
            await drain(body)
            raise
        yield received


async def _read(
    request: Request,
    body: AsyncIterator[bytes],
    folder: Path,
    max_file_bytes: int,
    fields: Sequence[str],
    kept: contextlib.ExitStack,
) -> ReceivedUpload:
    boundary = _boundary(request.headers.get("content-type", ""))
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_file_bytes + _OVERHEAD_BYTES:
        raise _too_large(max_file_bytes)
    try:
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, `kept` closes it
    except OSError as error:
        raise _not_kept(error) from error
    kept.callback(_discard, file)
    reader = _UploadReader(boundary, cast(BinaryIO, file), max_file_bytes, fields)
    batch = bytearray()
    async for piece in body:
        batch += piece
        if len(batch) >= _BATCH_BYTES:
            await run_in_threadpool(reader.feed, bytes(batch))
            batch.clear()
    return await run_in_threadpool(reader.finish, bytes(batch))


def _discard(file: IO[bytes]) -> None:
    # Closing writes what is still buffered, which fails on a full disk and would hide the error told to the caller.
    with contextlib.suppress(OSError):
        file.close()


def _not_kept(error: OSError) -> PlumblineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk that keeps uploads is full. Free some space and send the file again.")
    return StorageUnavailable(f"The upload cannot be kept ({error.strerror}). Look at the data folder's permissions.")


def _too_large(max_file_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The file is larger than {max_file_bytes:,} bytes, the most that is accepted. Split it, or raise "
        "PLUMB_MAX_FILE_BYTES."
    )


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data, in a part named `file`.")
    if not options.get(b"boundary"):
        raise BrokenUpload("The Content-Type of a multipart body names its boundary; this one does not.")
    return options[b"boundary"]


class _UploadReader:
    """Push parser: the `file` part goes to disk, the known fields to memory, anything else is refused."""

    def __init__(
        self, boundary: bytes, file: BinaryIO, max_file_bytes: int, known: Sequence[str] = DOCUMENT_FIELDS
    ) -> None:
        self._known = known
        self._file = file
        self._max_file_bytes = max_file_bytes
        self._size = 0
        self._file_name: str | None = None
        self._fields: dict[str, bytearray] = {}
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._part = ""
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begin,
                    "on_part_data": self._part_data,
                    "on_header_field": self._header_field,
                    "on_header_value": self._header_value_data,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise BrokenUpload(f"The multipart body cannot be read: {error}") from None

    def feed(self, data: bytes) -> None:
        """Blocking."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BrokenUpload(f"The multipart body cannot be read: {error}") from None
        except OSError as error:
            raise _not_kept(error) from error

    def finish(self, data: bytes) -> ReceivedUpload:
        """Blocking: the last of the body."""
        self.feed(data)
        if not self._ended:
            raise BrokenUpload("The multipart body stops before its closing boundary. Send the file again.")
        if self._file_name is None:
            raise MissingFile("There is no part named `file` with a file name in this upload.")
        try:
            self._file.seek(0)  # writes what is still buffered
        except OSError as error:
            raise _not_kept(error) from error
        fields = {}
        for name, value in self._fields.items():
            try:
                fields[name] = value.decode()
            except UnicodeDecodeError:
                raise BrokenUpload(f"The field `{name}` is not text in UTF-8.") from None
        return ReceivedUpload(self._file_name, self._file, fields)

    def _part_begin(self) -> None:
        self._disposition = b""
        self._header_name, self._header_value = b"", b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_data(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._part = options.get(b"name", b"").decode(errors="replace")
        if self._part == "file":
            self._begin_file(options.get(b"filename"))
        elif self._part in self._known:
            if self._part in self._fields:
                raise BrokenUpload(f"The field `{self._part}` comes twice.")
            self._fields[self._part] = bytearray()
        else:
            known = ", ".join(f"`{name}`" for name in self._known)
            raise BrokenUpload(f"Unknown part `{self._part[:100]}`. An upload has one `file` and may have {known}.")

    def _begin_file(self, name: bytes | None) -> None:
        if self._file_name is not None:
            raise BrokenUpload("One call takes one `file`. Send each file in a call of its own.")
        if not name:
            raise MissingFile("The part `file` carries no file name. Send the document's relative path as its name.")
        try:
            decoded = name.decode()
        except UnicodeDecodeError:
            decoded = name.decode("latin-1")
        # Browsers percent-encode exactly these three in a file name (HTML standard, multipart/form-data encoding).
        for code, character in (("%0A", "\n"), ("%0D", "\r"), ("%22", '"')):
            decoded = decoded.replace(code, character)
        self._file_name = decoded

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._size += end - start
            if self._size > self._max_file_bytes:
                raise _too_large(self._max_file_bytes)
            self._file.write(memoryview(data)[start:end])
            return
        field = self._fields[self._part]
        if len(field) + end - start > _MAX_FIELD_BYTES:
            raise BodyTooLarge(f"The field `{self._part}` has at most {_MAX_FIELD_BYTES:,} bytes.")
        field += data[start:end]

    def _end(self) -> None:
        self._ended = True
