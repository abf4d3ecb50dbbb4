from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from ingestion.documents import DocumentRejected

SIZE = (420, 90)


def picture() -> Image.Image:
    image = Image.new("RGB", SIZE, "white")
    ImageDraw.Draw(image).text((15, 25), "Valve seven leaks", fill="black", font=ImageFont.load_default(40))
    return image


def scanned(pages: int) -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=(SIZE[0] / 2, SIZE[1] / 2))
    for _ in range(pages):
        page.drawImage(ImageReader(picture()), 0, 0, SIZE[0] / 2, SIZE[1] / 2)
        page.showPage()
    page.save()
    return buffer.getvalue()


def test_scanned_page_is_recognised_and_pages_beyond_the_limit_are_named(read):
    parsed = read(scanned(2), "scan.pdf", ocr_pages=1)
    assert "Valve seven leaks" in parsed.text
    assert parsed.elements[0].page == 1 and parsed.page_count == 2
    assert any("1 scanned pages were left out" in warning for warning in parsed.warnings)


def test_picture_file_is_recognised(read):
    buffer = io.BytesIO()
    picture().save(buffer, "PNG")
    parsed = read(buffer.getvalue(), "photo.png")
    assert "Valve seven leaks" in parsed.text
    assert parsed.media_type == "image/png"


def test_damaged_picture(read):
    with pytest.raises(DocumentRejected) as rejected:
        read(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "photo.png")
    assert rejected.value.code == "damaged"
