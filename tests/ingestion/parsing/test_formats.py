from __future__ import annotations

import io
import os
import random
import zipfile

import docx
import pytest

from ingestion.documents import DocumentRejected


def word_file(text: str = "A few words about pumps and valves.") -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


def rejection(read, content: bytes, name: str, **limits: int) -> DocumentRejected:
    with pytest.raises(DocumentRejected) as rejected:
        read(content, name, **limits)
    return rejected.value


def test_bytes_win_over_the_name(read):
    assert "pumps" in read(word_file(), "picture.pdf").text
    assert (
        read(b"<!DOCTYPE html><html><body><p>A page about pumps.</p></body></html>", "notes.txt").media_type
        == "text/html"
    )
    assert read(b"Only words about pumps, no archive at all.", "report.docx").media_type == "text/plain"
    assert (
        read(b'<?xml version="1.0"?><pump><power>400 watts</power></pump>', "data.txt").media_type == "application/xml"
    )


def test_empty_file(read):
    assert rejection(read, b"", "empty.pdf").code == "empty_file"


def test_white_space_only(read):
    assert rejection(read, b" \n\t \n", "blank.txt").code == "no_text"


@pytest.mark.parametrize("name", ["noise.txt", "noise.docx", "noise.bin", "noise.csv", "noise.md"])
def test_binary_noise(read, name):
    noise = random.Random(7).randbytes(20_000)
    assert rejection(read, noise, name).code == "unsupported_format"


def test_old_office_files_say_what_to_do(read):
    import olefile

    header = olefile.MAGIC + b"\0" * 2000
    refused = rejection(read, header, "letter.doc")
    assert refused.code in ("damaged", "unsupported_format") and "save" in refused.message


def test_archive_that_is_no_document(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.txt", "words")
    assert rejection(read, buffer.getvalue(), "things.zip").code == "unsupported_format"


def test_truncated_docx_is_damaged(read):
    whole = word_file()
    assert rejection(read, whole[: len(whole) // 2], "letter.docx").code == "damaged"


def test_docx_with_a_broken_part_is_damaged(read):
    whole = bytearray(word_file())
    start = whole.index(b"word/document.xml") + 60
    whole[start : start + 200] = os.urandom(200)
    assert rejection(read, bytes(whole), "letter.docx").code == "damaged"


def test_zip_bomb(read):
    buffer = io.BytesIO(word_file())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/zeros.bin", b"\0" * (80 << 20))
    bomb = buffer.getvalue()
    assert len(bomb) < 1 << 20
    assert rejection(read, bomb, "bomb.docx").code == "unpacks_too_large"


def test_zip_member_that_lies_about_its_size(read):
    buffer = io.BytesIO(word_file())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/zeros.bin", b"\0" * (8 << 20))
    data = bytearray(buffer.getvalue())
    true_size = (8 << 20).to_bytes(4, "little")
    assert data.count(true_size) >= 1
    lying = bytes(data).replace(true_size, (100).to_bytes(4, "little"))
    assert rejection(read, lying, "liar.docx", unpacked_bytes=4 << 20).code in ("unpacks_too_large", "damaged")


def test_limit_on_text_files_is_lower_than_on_others(read):
    assert rejection(read, b"word " * 500_000, "long.txt", text_bytes=1 << 20).code == "too_large"
    assert rejection(read, word_file(), "long.docx", file_bytes=1000).code == "too_large"
    assert "pumps" in read(word_file(), "short.docx", text_bytes=10).text


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.txt", "C:\\folder\\notes.txt", "", ".", "x" * 5000])
def test_names_are_only_names(read, name):
    parsed = read(b"Words about pumps and valves and where they stand.", name)
    assert "pumps" in parsed.text
    assert "\0" not in parsed.title and 0 < len(parsed.title) <= 200
