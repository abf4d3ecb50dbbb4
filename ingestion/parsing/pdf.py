"""PDF files to documents: text layer, layout, furniture, and OCR for pages without text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.limits import ParseLimits
from ingestion.parsing.ocr import OcrBudget
from ingestion.parsing.outline import Outline
from ingestion.parsing.page_furniture import drop_furniture
from ingestion.parsing.page_layout import Block, group_lines, reading_order
from ingestion.parsing.page_text_flow import TextFlow
from ingestion.parsing.pdf_text import PageText, has_images, read_page_text
from ingestion.parsing.source import Source

# Fewer letters than this on a page that shows a picture: a stamp or a page number over a scan, not its text.
_FEW_LETTERS = 12
# Shares of the progress: reading characters, then laying pages out.
_READING = 0.8


def read_pdf(source: Source) -> ParsedDocument:
    """Raises DocumentRejected: `encrypted`, `damaged`, `too_many_pages`, `no_text`."""
    with _open(source.path) as document:
        count = len(document)
        if count == 0:
            raise DocumentRejected("The PDF has no pages.", code="no_text")
        if count > source.limits.pages:
            raise DocumentRejected(
                f"The PDF has {count} pages; at most {source.limits.pages} are read. Split it.", code="too_many_pages"
            )
        outline = Outline(source.name, source.media_type)
        outline.page_count = count
        outline.stated_title = _metadata_title(document)
        pages = _read_pages(document, outline, source.limits, source.tell)
    drop_furniture(pages)
    blocks = []
    for number, page in enumerate(pages, 1):
        blocks.append(_blocks(page))
        source.tell(_READING + (1 - _READING) / 2 * number / count)
    TextFlow(outline, blocks).write(lambda number: source.tell(1 - (1 - _READING) / 2 * (1 - number / count)))
    for number, page in enumerate(pages, 1):
        for text in page.aside:
            outline.paragraph(text, page=number)
    return outline.finish()


def _open(path: Path) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if error.err_code in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise DocumentRejected(
                "The PDF is protected by a password; save it without one and upload it again.", code="encrypted"
            ) from error
        raise DocumentRejected(
            "The PDF is damaged or cut off and cannot be opened; export or download it again.", code="damaged"
        ) from error


def _metadata_title(document: pdfium.PdfDocument) -> str | None:
    title = document.get_metadata_value("Title")
    # Some writers put the bytes of another encoding there; a title that is mostly not words is none.
    return title if title and sum(c.isalnum() or c.isspace() for c in title) > 0.6 * len(title) else None


def _read_pages(
    document: pdfium.PdfDocument, outline: Outline, limits: ParseLimits, tell: Callable[[float], None]
) -> list[PageText]:
    pages: list[PageText] = []
    budget = OcrBudget(limits.ocr_pages)
    unreadable: list[int] = []
    count = len(document)
    for index in range(count):
        try:
            page = document[index]
        except pdfium.PdfiumError:
            unreadable.append(index + 1)
            pages.append(PageText(612.0, 792.0, [], []))
            continue
        text = read_page_text(page)
        # More spans than this hold more letters than that.
        letters = sum(sum(map(str.isalnum, span.text)) for span in text.spans[:_FEW_LETTERS])
        if letters < _FEW_LETTERS and has_images(page):
            text = budget.read(page, text)
        pages.append(text)
        page.close()
        tell(_READING * (index + 1) / count)
    if len(unreadable) == count:
        raise DocumentRejected("No page of the PDF can be read: it is damaged; export it again.", code="damaged")
    if unreadable:
        outline.warn(f"Pages that are damaged and could not be read: {_listed(unreadable)}.")
    if budget.left_out:
        outline.warn(f"{budget.left_out} scanned pages were left out: at most {limits.ocr_pages} a document are read.")
    if budget.read_pages:
        without = "1 page has" if budget.read_pages == 1 else f"{budget.read_pages} pages have"
        outline.warn(f"{without} no text layer; the text was recognised from the picture and may contain errors.")
    return pages


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:20])
    return shown if len(numbers) <= 20 else f"{shown} and {len(numbers) - 20} more"


def _blocks(page: PageText) -> list[Block]:
    if not page.right_to_left:
        return reading_order(page.spans)
    # Spans of right-to-left text are lines already, in the order of the file.
    lines = [line for span in page.spans for line in group_lines([span])]
    return [Block(lines, min(line.x0 for line in lines), max(line.x1 for line in lines))] if lines else []
