from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from api.body_limit import BodyTooLarge
from api.multipart_upload import BrokenUpload, MissingFile, _UploadReader, receive_upload
from runtime.errors import PlumblineError

BOUNDARY = "limit-7"


def part(name: str, content: bytes, file_name: str | None = None) -> bytes:
    suffix = f'; filename="{file_name}"' if file_name is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{suffix}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def receive(
    folder: Path,
    body: bytes,
    *,
    limit: int = 1000,
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
    piece: int = 7,
    cut_off: bool = False,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> tuple[str, bytes, dict[str, str]]:
    async def pieces() -> AsyncIterator[dict[str, object]]:
        for start in range(0, len(body), piece):
            yield {"type": "http.request", "body": body[start : start + piece], "more_body": True}
        if cut_off:
            yield {"type": "http.disconnect"}
        yield {"type": "http.request", "body": b"", "more_body": False}

    messages = pieces()

    async def receive_message() -> dict[str, object]:
        return await anext(messages)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", content_type.encode()), *headers],
    }

    async def run() -> tuple[str, bytes, dict[str, str]]:
        async with receive_upload(Request(scope, receive_message), folder, limit) as upload:
            return upload.name, upload.stream.read(), dict(upload.fields)

    return asyncio.run(run())


def refusal(folder: Path, body: bytes, **options: object) -> PlumblineError:
    with pytest.raises(PlumblineError) as caught:
        receive(folder, body, **options)  # type: ignore[arg-type]
    assert list(folder.iterdir()) == []
    return caught.value


CONTENT = bytes(range(256)) + b"\r\n--limit-" + b"\r\n--"


@pytest.mark.parametrize("piece", [1, 7, 64, 100_000])
def test_fields_may_come_before_or_after_the_file(tmp_path: Path, piece: int) -> None:
    field, file = part("collection", "Häuser".encode()), part("file", CONTENT, "a/b c.txt")
    for body in (field + file + END, file + field + END):
        assert receive(tmp_path, body, piece=piece) == ("a/b c.txt", CONTENT, {"collection": "Häuser"})


def test_nothing_stays_in_the_folder(tmp_path: Path) -> None:
    receive(tmp_path, part("file", CONTENT, "a.txt") + END)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("résumé 日本.md", "résumé 日本.md"),
        ("a%22b.txt", 'a"b.txt'),
        ("100%.txt", "100%.txt"),
        ("../up.txt", "../up.txt"),
    ],
)
def test_the_name_arrives_as_the_client_meant_it(tmp_path: Path, sent: str, name: str) -> None:
    assert receive(tmp_path, part("file", b"x", sent) + END)[0] == name


def test_an_empty_file_arrives_as_one(tmp_path: Path) -> None:
    assert receive(tmp_path, part("file", b"", "empty.txt") + END)[1] == b""


def test_a_file_at_the_limit_passes_and_one_byte_more_does_not(tmp_path: Path) -> None:
    assert len(receive(tmp_path, part("file", b"x" * 1000, "a") + END)[1]) == 1000
    error = refusal(tmp_path, part("file", b"x" * 1001, "a") + END)
    assert error.code == "too_large"
    assert "1,000 bytes" in error.message


def test_a_declared_size_over_the_limit_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    headers = [(b"content-length", b"999999999")]
    assert isinstance(refusal(tmp_path, part("file", b"x", "a") + END, headers=headers), BodyTooLarge)


def test_a_field_may_not_take_the_memory(tmp_path: Path) -> None:
    body = part("metadata", b"x" * 300_000) + part("file", b"x", "a") + END
    assert refusal(tmp_path, body, piece=65536).code == "too_large"


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ClientDisconnect):
        receive(tmp_path, part("file", CONTENT, "a.txt"), cut_off=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", BrokenUpload),
        (b"no multipart at all", BrokenUpload),
        (part("file", CONTENT, "a.txt"), BrokenUpload),
        (part("file", CONTENT, "a.txt")[:40], BrokenUpload),
        (END, MissingFile),
        (part("collection", b"c") + END, MissingFile),
        (part("file", b"text without a name") + END, MissingFile),
        (part("file", b"x", "") + END, MissingFile),
        (part("file", b"x", "a") + part("file", b"y", "b") + END, BrokenUpload),
        (part("collection", b"a") + part("collection", b"b") + part("file", b"x", "a") + END, BrokenUpload),
        (part("unheard", b"a") + part("file", b"x", "a") + END, BrokenUpload),
        (part("collection", b"\xff\xfe") + part("file", b"x", "a") + END, BrokenUpload),
    ],
)
def test_a_broken_body_is_refused(tmp_path: Path, body: bytes, expected: type[PlumblineError]) -> None:
    assert isinstance(refusal(tmp_path, body), expected)


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", "unsupported_media_type"),
        ("", "unsupported_media_type"),
        ("multipart/form-data", "broken_upload"),
        ("multipart/form-data; boundary=" + "x" * 1000, "broken_upload"),
    ],
)
def test_the_content_type_must_say_multipart_with_a_boundary(tmp_path: Path, content_type: str, code: str) -> None:
    assert refusal(tmp_path, part("file", b"x", "a") + END, content_type=content_type).code == code


def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "r+b", buffering=0) as full:
        reader = _UploadReader(BOUNDARY.encode(), full, 1000)  # type: ignore[arg-type]
        with pytest.raises(PlumblineError) as caught:
            reader.feed(part("file", CONTENT, "a.txt"))
    assert caught.value.code == "storage_full"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlumblineError) as caught:
        receive(tmp_path / "gone", part("file", b"x", "a.txt") + END)
    assert caught.value.code == "storage_unavailable"
