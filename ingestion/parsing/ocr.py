"""Text of scanned pages and pictures by rapidocr, whose wheel carries its models."""

from __future__ import annotations

import functools
from statistics import median
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.outline import Outline
from ingestion.parsing.page_layout import Block, reading_order
from ingestion.parsing.page_text_flow import TextFlow
from ingestion.parsing.pdf_text import PageText, Span
from ingestion.parsing.source import Source

if TYPE_CHECKING:
    import numpy

# 144 dots an inch: letters of 10 points are 20 pixels high, which the recogniser reads well; more only costs time.
_SCALE = 2.0
_MOST_PIXELS = 2600
_LEAST_CONFIDENCE = 0.5
_SIZE_OF_BOX = 0.75
_MARGIN = 0.12
_SAME_SIZE = 0.25
# In font sizes.
_WORD_GAP = 0.7


class OcrBudget:
    """Reads scanned pages of one document until its limit is reached; counts the pages read and left out."""

    def __init__(self, most_pages: int) -> None:
        self._most_pages = most_pages
        self.read_pages = 0
        self.left_out = 0

    def read(self, page: pdfium.PdfPage, without: PageText) -> PageText:
        """The recognised text of the page, or `without` when the budget is spent or nothing was recognised."""
        if self.read_pages >= self._most_pages:
            self.left_out += 1
            return without
        width, height = page.get_size()
        scale = min(_SCALE, _MOST_PIXELS / max(width, height, 1.0))
        bitmap = page.render(scale=scale, rev_byteorder=False)
        spans = recognise(bitmap.to_numpy()[:, :, :3].copy(), 1 / scale)
        self.read_pages += 1
        return PageText(width, height, spans, []) if spans else without


def recognise(pixels: numpy.ndarray, scale: float) -> list[Span]:
    """Spans in a picture (height, width, BGR), their places multiplied by `scale`."""
    result = _engine()(pixels)
    if result.boxes is None or result.txts is None:
        return []
    spans = []
    for corners, text, confidence in zip(result.boxes, result.txts, result.scores, strict=True):
        if confidence < _LEAST_CONFIDENCE or not text.strip():
            continue
        x0, top = corners.min(axis=0) * scale
        x1, bottom = corners.max(axis=0) * scale
        height = float(bottom - top)
        # Boxes of the detector stand out over the letters on all sides.
        margin = min(_MARGIN * height, (x1 - x0) / 4)
        size = round(_SIZE_OF_BOX * height, 1)
        spans.append(Span(text.strip(), float(x0 + margin), float(x1 - margin), float(top), float(bottom), size))
    return _joined(_even_sizes(spans))


def _even_sizes(spans: list[Span]) -> list[Span]:
    """Heights of boxes vary with the letters in them; sizes near the middle one are taken for that one."""
    middle = median(span.size for span in spans) if spans else 0.0
    for span in spans:
        if abs(span.size - middle) < _SAME_SIZE * middle:
            span.size = middle
    return spans


def _joined(spans: list[Span]) -> list[Span]:
    """Words of one line that the detector parted."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda one: one.x0):
        for before in joined:
            overlap = min(span.bottom, before.bottom) - max(span.top, before.top)
            lower = min(span.bottom - span.top, before.bottom - before.top)
            if overlap > 0.6 * lower and -span.size < span.x0 - before.x1 < _WORD_GAP * span.size:
                before.text, before.x1 = f"{before.text} {span.text}", max(before.x1, span.x1)
                break
        else:
            joined.append(span)
    return joined


@functools.cache
def _engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error"})


def read_image(source: Source) -> ParsedDocument:
    """Pictures of pages: PNG, JPEG, and TIFF with several pages."""
    import numpy
    from PIL import Image, ImageOps, UnidentifiedImageError

    outline = Outline(source.name, "image/tiff")
    pages: list[list[Block]] = []
    try:
        with Image.open(source.path) as image:
            outline.media_type = Image.MIME.get(image.format or "", source.media_type)
            frames = getattr(image, "n_frames", 1)
            outline.page_count = frames
            for index in range(min(frames, source.limits.ocr_pages)):
                image.seek(index)
                upright = ImageOps.exif_transpose(image).convert("RGB")
                upright.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
                pages.append(reading_order(recognise(numpy.asarray(upright)[:, :, ::-1].copy(), 1 / _SCALE)))
                source.tell((index + 1) / frames)
    except Image.DecompressionBombError as error:
        raise DocumentRejected(
            "The picture has too many pixels to be read; scale it down.", code="too_large"
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise DocumentRejected("The picture is damaged; save it again.", code="damaged") from error
    if frames > len(pages):
        outline.warn(f"{frames - len(pages)} pages were left out: at most {source.limits.ocr_pages} are recognised.")
    TextFlow(outline, pages).write()
    return outline.finish()
