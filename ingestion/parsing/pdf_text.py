"""The text layer of a PDF page as runs of words with their places; the one home of pypdfium2's raw functions.

Asking pdfium for every character costs 20 ms a page in calls alone. Here one call fetches the text of a page and only
the first and the last character of each word are asked for their boxes: about 2 ms a page.
"""

from __future__ import annotations

import ctypes
import dataclasses
import re
import unicodedata

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

# pdfium marks a hyphen at the end of a line, which it takes for a broken word, by one of these.
_LINE_HYPHENS = "\ufffe\x02"
_WORD = re.compile(rf"[^\s{_LINE_HYPHENS}]+[{_LINE_HYPHENS}]?|[{_LINE_HYPHENS}]")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_LIGATURE = re.compile("[ﬀ-ﬆ]")
# In units of the font size: wider than a stretched space, narrower than a gap between columns.
_GAP = 0.9
_OVERLAP = 0.6
_SAME_BASELINE = 0.3
_BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi|-bd\b|medi(?:um)?$|cmbx", re.IGNORECASE)
_BOLD_WEIGHT = 600
# Flags of font descriptors (ISO 32000-1, table 123).
_FIXED_PITCH = 1
_ITALIC = 64
_ITALIC_NAME = re.compile(r"italic|oblique|-it\b|cmti", re.IGNORECASE)
_MONO_NAME = re.compile(r"courier|mono|consol|menlo|cmtt|typewriter", re.IGNORECASE)


@dataclasses.dataclass(slots=True)
class Span:
    """Words that stand next to each other on one baseline: a line of a column, or a cell of a table.

    Points, with the origin at the top left and y growing downwards. `bottom` is the lower edge of the font's box.
    """

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool = False
    mono: bool = False
    italic: bool = False


@dataclasses.dataclass(slots=True)
class PageText:
    """`spans` in the order of the file; `aside` are texts that run in another direction than the rest."""

    width: float
    height: float
    spans: list[Span]
    aside: list[str]
    right_to_left: bool = False


# Directions in which the words of a page may run; bold, mono, italic; and a word as (text, x0, bottom, x1, top, size,
# style) in pdfium's coordinates (y grows upwards).
_RIGHT, _UP, _DOWN, _LEFT = range(4)
_Style = tuple[bool, bool, bool]
_Word = tuple[str, float, float, float, float, float, _Style]


def read_page_text(page: pdfium.PdfPage) -> PageText:
    """All visible words of the page; empty spans when it has no text layer."""
    width, height = page.get_mediabox()[2:4] if page.get_rotation() % 180 else page.get_size()
    text_page = page.get_textpage()
    try:
        words = _words(text_page.raw)
    finally:
        text_page.close()
    if not words:
        return PageText(width, height, [], [])
    main = max(words, key=lambda direction: len(words[direction]))
    right_to_left = _is_right_to_left(words[main])
    if right_to_left:
        main = _RIGHT
        words = {_RIGHT: [word for run in words.values() for word in run]}
    spans: list[Span] = []
    for word in words[main]:
        _append(spans, word if main == _RIGHT else _turned(word, main, width, height), right_to_left)
    if main in (_UP, _DOWN):
        width, height = height, width
    for span in spans:
        span.top, span.bottom = height - span.top, height - span.bottom
    aside = [" ".join(word[0] for word in run) for direction, run in words.items() if direction != main]
    return PageText(width, height, spans, aside, right_to_left)


def has_images(page: pdfium.PdfPage) -> bool:
    return next(page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=4), None) is not None


def _words(raw: ctypes.c_void_p) -> dict[int, list[_Word]]:
    """The words of the page by the direction in which they run."""
    count = pdfium_c.FPDFText_CountChars(raw)
    if count <= 0:
        return {}
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    units = pdfium_c.FPDFText_GetText(raw, 0, count, buffer)
    text = bytes(buffer)[: 2 * max(0, units - 1)].decode("utf-16-le", "replace")
    # Characters without a Unicode value are left out of the text, so that its indexes may differ from pdfium's.
    shifted = len(text) != count
    index_of, get_box = pdfium_c.FPDFText_GetCharIndexFromTextIndex, pdfium_c.FPDFText_GetLooseCharBox
    box, style_of = pdfium_c.FS_RECTF(), _Fonts(raw).of
    words: dict[int, list[_Word]] = {}
    for match in _WORD.finditer(text):
        word = match.group()
        first, last = match.start(), match.end() - 1
        if shifted:
            first, last = max(0, index_of(raw, first)), max(0, index_of(raw, last))
        get_box(raw, first, box)
        x0, bottom, x1, top = box.left, box.bottom, box.right, box.top
        direction = _RIGHT
        size, style = style_of(first, top - bottom)
        if last != first:
            get_box(raw, last, box)
            if box.left > x0:
                x1 = box.right
            else:
                direction = _direction(box.left - x0, box.bottom - bottom)
                x0, bottom = min(x0, box.left), min(bottom, box.bottom)
                x1, top = max(x1, box.right), max(top, box.top)
        if word[-1] in _LINE_HYPHENS:
            word = word[:-1] + "-"
        if not word.isascii():
            word = _LIGATURE.sub(lambda m: _LIGATURES[m.group()], word)
        words.setdefault(direction, []).append((word, x0, bottom, x1, top, size, style))
    return words


def _direction(across: float, up: float) -> int:
    if abs(up) > abs(across):
        return _UP if up > 0 else _DOWN
    return _LEFT if across < 0 else _RIGHT


class _Fonts:
    """Size in points on the page and style of characters, remembered per font of the page."""

    def __init__(self, raw: ctypes.c_void_p) -> None:
        self._raw = raw
        self._sizes: dict[tuple[float, int], float] = {}
        self._styles: dict[int, _Style] = {}

    def of(self, index: int, box_height: float) -> tuple[float, _Style]:
        stated = pdfium_c.FPDFText_GetFontSize(self._raw, index)
        key = (stated, int(10 * box_height))
        size = self._sizes.get(key)
        if size is None:
            # The stated size is that before the text matrix, which many writers use to scale a font of size 1.
            matrix = pdfium_c.FS_MATRIX()
            pdfium_c.FPDFText_GetMatrix(self._raw, index, matrix)
            scale = (matrix.c**2 + matrix.d**2) ** 0.5
            size = self._sizes[key] = round(stated * scale if scale else stated, 1) or round(box_height, 1) or 1.0
        font = pdfium_c.FPDFTextObj_GetFont(pdfium_c.FPDFText_GetTextObject(self._raw, index))
        if not font:
            return size, (False, False, False)
        address = ctypes.addressof(font.contents)
        style = self._styles.get(address)
        if style is None:
            name = ctypes.create_string_buffer(128)
            pdfium_c.FPDFFont_GetBaseFontName(font, name, 128)
            readable = name.value.decode("utf-8", "replace")
            flags = pdfium_c.FPDFFont_GetFlags(font)
            style = self._styles[address] = (
                pdfium_c.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT or bool(_BOLD_NAME.search(readable)),
                bool(flags & _FIXED_PITCH) or bool(_MONO_NAME.search(readable)),
                bool(flags & _ITALIC) or bool(_ITALIC_NAME.search(readable)),
            )
        return size, style


def _is_right_to_left(words: list[_Word]) -> bool:
    sample = words[:200]
    return sum(unicodedata.bidirectional(word[0][0]) in ("R", "AL") for word in sample) > 0.5 * len(sample)


def _turned(word: _Word, direction: int, width: float, height: float) -> _Word:
    """The word as it stands once the page is turned so that it runs to the right."""
    text, x0, bottom, x1, top, size, style = word
    if direction == _UP:
        turned = (bottom, width - x1, top, width - x0)
    elif direction == _DOWN:
        turned = (height - top, x0, height - bottom, x1)
    else:
        turned = (width - x1, height - top, width - x0, height - bottom)
    return (text, *turned, size, style)


def _append(spans: list[Span], word: _Word, right_to_left: bool) -> None:
    """Joins the word to the span before it when it goes on there."""
    text, x0, bottom, x1, top, size, style = word
    if spans:
        last = spans[-1]
        larger = size if size > last.size else last.size
        gap = last.x0 - x1 if right_to_left else x0 - last.x1
        if -_OVERLAP * larger < gap < _GAP * larger and abs(bottom - last.bottom) < _SAME_BASELINE * larger + abs(
            size - last.size
        ):
            last.text = f"{last.text} {text}" if gap > 0 or last.text[-1] != "-" else last.text + text
            if x1 > last.x1:
                last.x1 = x1
            if x0 < last.x0:
                last.x0 = x0
            if size > last.size:
                last.size, last.top, last.bottom = size, top, bottom
            # A heading is bold throughout; a bold word inside a paragraph does not make it one.
            if style != (last.bold, last.mono, last.italic):
                bold, mono, italic = style
                last.bold, last.mono, last.italic = last.bold and bold, last.mono and mono, last.italic and italic
            return
    spans.append(Span(text, x0, x1, top, bottom, size, *style))
