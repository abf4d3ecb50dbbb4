"""Text of scanned pages and pictures by rapidocr, whose wheel carries its models."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.pdf_text import PageText, Span

if TYPE_CHECKING:
    import numpy

# 144 dots an inch: letters of 10 points are 20 pixels high, which the recogniser reads well; more only costs time.
_SCALE = 2.0
_MOST_PIXELS = 2600
_LEAST_CONFIDENCE = 0.5


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
        # Boxes of the detector stand about a third above the size of the letters.
        spans.append(Span(text.strip(), float(x0), float(x1), float(top), float(bottom), round(0.75 * height, 1)))
    return spans


@functools.cache
def _engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error"})


def read_image(path: Path, name: str, limits: ParseLimits, tell: Callable[[float], None]) -> ParsedDocument:
    raise DocumentRejected("Pictures are not read yet.", code="unsupported_format")
