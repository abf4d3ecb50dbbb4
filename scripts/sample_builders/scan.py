"""PDFs that look as if they came from an office scanner: pictures of pages, without a text layer.

Only integer operations touch the pixels (nearest-neighbour rotation of an enlarged page, box reduction, seeded
noise), so that every machine makes the same picture.
"""

from __future__ import annotations

import io
import math
import pathlib
import random

import reportlab
from PIL import Image, ImageChops, ImageDraw, ImageFont
from reportlab import rl_config
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from sample_builders.source import Block, Source, plain

DPI = 150
ENLARGED = 3
PAGE = (1240, 1754)
PAPER, INK = 247, 32
MARGIN = 130
FONTS = pathlib.Path(reportlab.__file__).parent / "fonts"


def build_scan(source: Source, target: pathlib.Path) -> None:
    """One page, turned by `tilt` degrees, signed at the foot by the people named in `signed` (separated by ;)."""
    rl_config.useA85 = 0
    page = _draw(source)
    picture = _as_scanned(page, float(source.fields["tilt"]), seed=len(source.title))
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=62, dpi=(DPI, DPI))
    canvas = Canvas(str(target), pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle(source.fields["scanner_title"])
    encoded.seek(0)
    canvas.drawImage(ImageReader(encoded), 0, 0, *A4)
    canvas.save()


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / ("VeraBd.ttf" if bold else "Vera.ttf")), size * ENLARGED)


def _draw(source: Source) -> Image.Image:
    page = Image.new("L", (PAGE[0] * ENLARGED, PAGE[1] * ENLARGED), PAPER)
    pen = _Pen(ImageDraw.Draw(page))
    pen.write(source.fields["letterhead"], _font(15), after=6)
    pen.rule()
    pen.write(source.title, _font(30, bold=True), before=40, after=30)
    for block in source.blocks:
        _draw_block(pen, block)
    for number, name in enumerate(source.fields["signed"].split(";")):
        pen.sign(name.strip(), number)
    return page


def _draw_block(pen: _Pen, block: Block) -> None:
    if block.kind == "heading":
        pen.write(block.text, _font(22, bold=True), before=22, after=10)
    elif block.kind == "table":
        pen.table(block.rows)
    elif block.kind == "paragraph":
        pen.write(plain(block.text), _font(19), after=16)
    else:
        for number, item in enumerate(block.lines, start=1):
            mark = f"{number}." if block.kind == "steps" else "-"
            pen.write(f"{mark} {plain(item)}", _font(19), after=8, indent=20)


class _Pen:
    """Writes down a page; all measures are in pixels of the final picture."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw
        self._y = 110

    def write(
        self, text: str, font: ImageFont.FreeTypeFont, *, before: int = 0, after: int = 0, indent: int = 0
    ) -> None:
        self._y += before
        width = (PAGE[0] - 2 * MARGIN - indent) * ENLARGED
        line: list[str] = []
        for word in [*text.split(), ""]:
            if word and font.getlength(" ".join([*line, word])) <= width:
                line.append(word)
                continue
            self._text(MARGIN + indent, self._y, " ".join(line), font)
            self._y += int(font.size) * 3 // 2 // ENLARGED
            line = [word]
        self._y += after

    def rule(self) -> None:
        self._line(MARGIN, self._y, PAGE[0] - MARGIN, self._y)

    def table(self, rows: tuple[tuple[str, ...], ...]) -> None:
        height, width = 40, (PAGE[0] - 2 * MARGIN) // len(rows[0])
        self._y += 6
        for number, row in enumerate(rows):
            self._line(MARGIN, self._y, PAGE[0] - MARGIN, self._y)
            for column, cell in enumerate(row):
                self._text(MARGIN + 10 + column * width, self._y + 9, plain(cell), _font(17, bold=number == 0))
            self._y += height
        self._line(MARGIN, self._y, PAGE[0] - MARGIN, self._y)
        self._y += 26

    def sign(self, name: str, number: int) -> None:
        """A scrawl, a line and the printed name; signatures stand side by side."""
        left, base = MARGIN + 20 + number * 500, 1560
        points = [
            (left + 20 + 3 * t, base - 30 + round(26 * math.sin(t * (0.31 + 0.07 * number)) * math.cos(t * 0.11)))
            for t in range(70)
        ]
        self._draw.line([(x * ENLARGED, y * ENLARGED) for x, y in points], fill=70, width=3 * ENLARGED, joint="curve")
        self._line(left, base, left + 400, base)
        self._text(left, base + 10, name, _font(16))

    def _text(self, x: int, y: int, text: str, font: ImageFont.FreeTypeFont) -> None:
        self._draw.text((x * ENLARGED, y * ENLARGED), text, fill=INK, font=font)

    def _line(self, x0: int, y0: int, x1: int, y1: int) -> None:
        ends = [(x * ENLARGED, y * ENLARGED) for x, y in ((x0, y0), (x1, y1))]
        self._draw.line(ends, fill=90, width=ENLARGED)


def _as_scanned(page: Image.Image, tilt: float, seed: int) -> Image.Image:
    turned = page.rotate(tilt, resample=Image.Resampling.NEAREST, fillcolor=PAPER).reduce(ENLARGED)
    grain = Image.frombytes("L", turned.size, random.Random(seed).randbytes(turned.width * turned.height))
    speckled = ImageChops.subtract(turned, grain.point([level // 16 for level in range(256)]))
    shade = Image.new("L", turned.size, 0)
    edge = ImageDraw.Draw(shade)
    for column in range(40):
        edge.line([(column, 0), (column, turned.height)], fill=(40 - column) * 2)
    return ImageChops.subtract(speckled, shade)
