"""Lines of laid-out pages to headings, paragraphs, list items, code and tables."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median

from ingestion.documents import ElementKind
from ingestion.parsing.broken_words import BrokenWords, ends_in_hyphen
from ingestion.parsing.outline import Outline
from ingestion.parsing.page_layout import Block, Line, line_of
from ingestion.parsing.page_tables import as_lines, as_table, find_runs
from ingestion.parsing.pdf_text import Span

_BULLET = re.compile(r"^[•‣▪▫◦●○■□◆◇►▶➢➤✓✔·∙\uf0b7\uf0a7\uf076\uf0d8\-–—*o](?=\s|$)")
_ENUMERATION = re.compile(r"^(?:\(?(?:[a-zA-Z]|[ivxIVX]{1,5}|\d{1,3})\)|\d{1,2}\.)(?=\s|$)")
_SECTION_NUMBER = re.compile(r"^(?:\d{1,2}(?:\.\d{1,3})*\.?|[A-Z]\.|[IVX]{1,5}\.)$")
_CHECK_BOX = re.compile("[☐☑☒□■]")
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
_TERMINAL = re.compile(r"[.!?:]['\"”’)\]]*\d{0,2}$")
_CAPTION = re.compile(r"(?:figure|fig\.|table|exhibit|chart|listing)\s+(?:\d|[A-Z]\b)", re.IGNORECASE)
_PRIVATE_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf076": "•", "\uf0d8": "•"})
_LONGEST_HEADING = 160
_MOST_HEADING_LINES = 3
_LEVELS = 6
# Letters of a line of running text.
_LEAST_FULL_LINE = 30
_LEAST_LETTERS = 20
# Footnotes and captions are set smaller than the text by at least this.
_SMALLER = 0.93

# Of a heading, in the order of importance: size in points (rounded to halves, negative), rank of its first word (part,
# item, note, none), not bold, depth of its numbering, italic.
_Style = tuple[float, int, bool, int, bool]
_RANKS = (
    re.compile(r"(?:part|chapter|article|appendix|annex|schedule|title)\s+(?:\d|[IVXLC]+\b|[A-Z]\b)", re.IGNORECASE),
    re.compile(r"(?:item|section|§)\s*\d", re.IGNORECASE),
    re.compile(r"note\s+\d", re.IGNORECASE),
)
_NUMBERING = re.compile(r"\d{1,2}((?:\.\d{1,3})*)\.?\s")


@dataclasses.dataclass(slots=True)
class _Open:
    """A paragraph or list item that may go on."""

    kind: ElementKind
    parts: list[str]
    last: Line
    page: int
    block: Block
    lines: int = 1


class TextFlow:
    """Turns the blocks of all pages into elements of an outline. Statistics are those of the whole document."""

    def __init__(self, outline: Outline, pages: Sequence[Sequence[Block]]) -> None:
        self._outline = outline
        self._pages = pages
        for block in (block for blocks in pages for block in blocks):
            block.lines = [_with_marker(line) for line in block.lines]
        self._open: _Open | None = None
        # A paragraph that a footnote or figure interrupts, and what interrupts it.
        self._interrupted: _Open | None = None
        self._held: list[_Open] = []
        self._title_size = 0.0
        self._broken_words = BrokenWords(pages)
        lines = [line for blocks in pages for block in blocks for line in block.lines]
        letters: Counter[float] = Counter()
        bold = mono = 0
        for line in lines:
            length = len(line.text)
            letters[round(2 * line.size) / 2] += length
            bold += line.bold * length
            mono += line.mono * length
        total = letters.total() or 1
        self._body = letters.most_common(1)[0][0] if letters else 10.0
        self._body_bold, self._body_mono = bold > 0.5 * total, mono > 0.4 * total
        self._gap = self._usual_gap()
        self._level_of = self._rank_headings()

    def write(self, tell: Callable[[int], None] | None = None) -> None:
        """Adds the elements of all pages; `tell` hears the number of each page done."""
        for number, blocks in enumerate(self._pages, 1):
            for block in blocks:
                self._write_block(block, number)
            if tell is not None:
                tell(number)
        self._close()

    def _usual_gap(self) -> float:
        """Space between lines of running text, in font sizes."""
        gaps = [
            (below.top - above.bottom) / above.size
            for blocks in self._pages[:200]
            for block in blocks
            for above, below in zip(block.lines, block.lines[1:], strict=False)
            if abs(above.size - self._body) <= 0.5 and abs(below.size - self._body) <= 0.5 and len(above.cells) == 1
        ]
        tight = [gap for gap in gaps if gap < 1.6]
        return median(tight) if tight else 0.2

    def _heading_style(self, line: Line) -> _Style | None:
        """The style of the line when it looks like a heading."""
        text = line.text
        if len(text) > _LONGEST_HEADING or (line.mono and not self._body_mono):
            return None
        size = round(2 * line.size) / 2
        larger = size >= 1.12 * self._body
        bold = line.bold and not self._body_bold
        if not (larger or bold or text.isupper()) or size < 0.93 * self._body:
            return None
        if text[-1] == ";" or (text[-1] == "," and size < 1.3 * self._body):
            return None
        if sum(map(str.isalpha, text)) < 3 or _BULLET.match(text) or _CHECK_BOX.search(text):
            return None
        if text[0].islower() and not text[:2].isupper():
            return None
        ended = bool(_ENDED.search(text)) and not _NUMBERING.match(text)
        if larger and (size >= 1.3 * self._body or not ended or bold):
            return -size, _rank(text), not line.bold, _depth(text), line.italic
        if (bold and len(text) < 120) or (text.isupper() and 5 < len(text) < 90 and text[-1] != "."):
            return -max(size, self._body), _rank(text), not bold, _depth(text), line.italic
        return None

    def _rank_headings(self) -> dict[_Style, int]:
        """Levels of heading styles. A style of a single page (a cover) takes no level of its own."""
        pages_of: dict[_Style, set[int]] = {}
        for number, blocks in enumerate(self._pages):
            for block in blocks:
                for line in block.lines:
                    if len(line.cells) == 1 and (style := self._heading_style(line)) is not None:
                        pages_of.setdefault(style, set()).add(number)
        short = len(self._pages) <= 3
        levels: dict[_Style, int] = {}
        level, last = 0, None
        for style in sorted(pages_of):
            if not short and len(pages_of[style]) == 1:
                levels[style] = min(level + 1, _LEVELS)
                continue
            # Half a point is rounding, not a level.
            if last is None or style[0] - last[0] > 0.5 or style[1:] != last[1:]:
                level, last = level + 1, style
            levels[style] = min(level, _LEVELS)
        return levels

    def _write_block(self, block: Block, page: int) -> None:
        lines = block.lines
        runs = dict(find_runs(lines))
        index = 0
        first = True
        while index < len(lines):
            if index in runs:
                end = runs[index]
                self._write_rows(lines[index:end], block, page)
                index = end
            else:
                limit = min((start for start in runs if start > index), default=len(lines))
                index = self._write_lines(lines[:limit], index, block, page, first)
            first = False

    def _write_rows(self, lines: Sequence[Line], block: Block, page: int) -> None:
        table = None if _filled(lines, block) else as_table(lines)
        if table is not None:
            self._close()
            self._outline.table(table, page=page)
        elif _filled(lines, block) or _stretched(lines):
            for line in lines:
                self._continue(line, block, page, False)
        else:
            self._close()
            self._outline.paragraph(as_lines(lines), page=page)

    def _write_lines(self, lines: Sequence[Line], index: int, block: Block, page: int, first: bool) -> int:
        """Writes one heading, one stretch of code or one line of text; gives the index of the next line."""
        line = lines[index]
        if line.mono and not self._body_mono:
            end = index
            while end < len(lines) and lines[end].mono:
                end += 1
            if end - index > 1:
                self._close()
                self._outline.add(ElementKind.CODE, _code(lines[index:end]), page=page)
                return end
        style = self._heading_style(line)
        if style is not None:
            end = index + 1
            while (
                end < len(lines)
                and (self._heading_style(lines[end]) or _goes_on_as_heading(lines[end], line)) in (style, True)
                and lines[end].top - lines[end - 1].bottom < 0.8 * line.size
                and not _starts_section(lines[end].text)
            ):
                end += 1
            text = " ".join(one.text for one in lines[index:end])
            if end - index <= _MOST_HEADING_LINES and len(text) <= 1.5 * _LONGEST_HEADING:
                self._close()
                self._outline.heading(text, self._level_of.get(style, _LEVELS), page=page)
                if page == 1 and -style[0] > max(self._title_size, 1.15 * self._body):
                    self._title_size = -style[0]
                    self._outline.suggested_title = text
                return end
        self._continue(line, block, page, first)
        return index + 1

    def _continue(self, line: Line, block: Block, page: int, first: bool) -> None:
        text = line.text.translate(_PRIVATE_BULLETS)
        marked = bool(_BULLET.match(text) or _ENUMERATION.match(text))
        current = self._open
        if current is not None and not marked and self._goes_on(current, line, block, first):
            self._append(current, line, block, text)
            return
        item = _Open(ElementKind.LIST_ITEM if marked else ElementKind.PARAGRAPH, [text], line, page, block)
        if current is not None and self._interrupts(current, line):
            self._interrupted, self._open = current, None
        elif self._interrupted is not None and self._resumes(line, marked):
            if current is not None:
                self._held.append(current)
            resumed, self._interrupted = self._interrupted, None
            self._open = resumed
            self._append(resumed, line, block, text)
            return
        elif self._interrupted is not None and line.size < _SMALLER * self._interrupted.last.size:
            if current is not None:
                self._held.append(current)
        else:
            self._close()
        self._open = item

    def _interrupts(self, current: _Open, line: Line) -> bool:
        """A footnote, which is smaller, comes between the parts of a sentence."""
        return (
            self._interrupted is None
            and line.size < _SMALLER * current.last.size
            and current.lines > 1
            and not _TERMINAL.search(current.last.text)
        )

    def _resumes(self, line: Line, marked: bool) -> bool:
        assert self._interrupted is not None
        last = self._interrupted.last
        return (
            not marked
            and abs(line.size - last.size) <= 0.07 * last.size
            and (line.text[0].islower() or last.text.endswith("-"))
        )

    def _goes_on(self, current: _Open, line: Line, block: Block, first: bool) -> bool:
        """Whether the line continues the open paragraph."""
        last, size = current.last, line.size
        if abs(last.size - size) > 0.12 * max(last.size, size):
            return False
        ended = bool(_TERMINAL.search(last.text))
        if first:
            # Another column or page: only what obviously goes on.
            return not ended and (
                line.text[0].islower() or last.text.endswith("-") or _flows_over(current, line, block)
            )
        gap = (line.top - last.bottom) / size
        if gap > self._gap + 0.45 or gap < -1.5:
            return False
        if not ended and line.text[0].islower():
            return True
        indent = line.x0 - last.x0
        if current.kind is ElementKind.LIST_ITEM and current.lines == 1:
            return indent > -0.5 * size
        if indent > 0.8 * size and line.x0 > block.x0 + 0.8 * size and ended:
            return False
        if indent < -0.8 * size and current.lines > 1:
            return False
        short = last.x1 < block.x1 - 0.12 * (block.x1 - block.x0)
        return not (ended and short)

    def _append(self, current: _Open, line: Line, block: Block, text: str) -> None:
        if ends_in_hyphen(current.parts[-1]) and text[0].isalnum():
            current.parts[-1] = self._broken_words.joined(current.parts[-1], text)
        else:
            current.parts.append(self._joint(current, line, text) + text)
        current.last, current.block, current.lines = line, block, current.lines + 1

    def _joint(self, current: _Open, line: Line, text: str) -> str:
        """What stands between the open paragraph and the line: a space or a line break."""
        last = current.last
        if text[0].islower() and not _TERMINAL.search(last.text):
            return " "
        first_word = (line.x1 - line.x0) * len(text.split(" ", 1)[0]) / max(1, len(text))
        column = current.block
        room = column.x1 - last.x1
        # The first word would have fitted on the line before: the break was meant (addresses, verses, signatures).
        deliberate = room > 1.5 * first_word + 2 * line.size and room > 0.25 * (column.x1 - column.x0)
        return "\n" if deliberate and last.top != line.top else " "

    def _close(self) -> None:
        ending = [self._interrupted, *self._held, self._open] if self._interrupted else [self._open, *self._held]
        self._interrupted, self._held, self._open = None, [], None
        for item in ending:
            if item is not None:
                self._outline.add(item.kind, "".join(item.parts), page=item.page)


def _with_marker(line: Line) -> Line:
    """A bullet or a section number set apart by a tab is part of its line, not the first cell of a row."""
    if len(line.cells) != 2:
        return line
    marker, rest = line.cells
    text = marker.text.strip()
    is_marker = _BULLET.fullmatch(text) or _ENUMERATION.fullmatch(text) or _SECTION_NUMBER.match(text)
    if not is_marker or sum(map(str.isalpha, rest.text)) < 3:
        return line
    joined = Span(
        f"{text} {rest.text}", marker.x0, rest.x1, min(marker.top, rest.top), max(marker.bottom, rest.bottom),
        rest.size, rest.bold, rest.mono, rest.italic,
    )  # fmt: skip
    return line_of([joined])


def _flows_over(current: _Open, line: Line, block: Block) -> bool:
    """A line full to the margin without an end, and a line of text at the top of the next column of the same width."""
    last, column = current.last, current.block
    width = column.x1 - column.x0
    return (
        current.lines > 1
        and len(last.text) > _LEAST_FULL_LINE
        and last.x1 > column.x1 - line.size
        and abs(line.x0 - block.x0) < 0.5 * line.size
        and abs(block.x1 - block.x0 - width) < 0.1 * width
        and line.x1 - line.x0 > 0.8 * width
        and (last.bold, last.italic, last.mono) == (line.bold, line.italic, line.mono)
        and len(line.cells) == len(last.cells) == 1
        and not _CAPTION.match(line.text)
    )


def _goes_on_as_heading(line: Line, head: Line) -> bool:
    """The second line of a heading may begin in lower case."""
    same_style = abs(line.size - head.size) < 0.3 and line.bold == head.bold
    return same_style and line.text[0].islower() and head.text[-1] not in ".:"


def _rank(text: str) -> int:
    """0 for parts and articles, 1 for items, 2 for notes, 3 for other headings."""
    return next((rank for rank, pattern in enumerate(_RANKS) if pattern.match(text)), len(_RANKS))


def _depth(text: str) -> int:
    """How many dots a section number has."""
    numbering = _NUMBERING.match(text)
    return min(3, numbering.group(1).count(".")) if numbering else 0


def _starts_section(text: str) -> bool:
    return bool(
        re.match(r"(?:\d{1,2}(?:\.\d{1,3})*\.?|[A-Z]\.|item \d+[a-z]?\.|article|section)\s", text, re.IGNORECASE)
    )


def _filled(lines: Sequence[Line], block: Block) -> bool:
    """Justified text: every line reaches both margins of its column, and one does so without a wide space."""
    return (
        any(len(line.cells) == 1 for line in lines)
        and all(line.x0 - block.x0 < line.size and abs(block.x1 - line.x1) < line.size for line in lines)
        and sum(sum(map(str.isalpha, line.text)) for line in lines) > _LEAST_LETTERS * len(lines)
    )


def _stretched(lines: Sequence[Line]) -> bool:
    """Justified text with wide spaces: long lines whose cells are phrases, hardly a number among them."""
    texts = [line.text for line in lines]
    letters, digits = (sum(sum(map(kind, text)) for text in texts) for kind in (str.isalpha, str.isdigit))
    few_cells = sum(len(line.cells) for line in lines) < 2.6 * len(lines)
    return letters > 35 * len(lines) and digits < 0.1 * letters and few_cells


def _code(lines: Sequence[Line]) -> str:
    left = min(line.x0 for line in lines)
    rows = []
    for above, line in zip([None, *lines], lines, strict=False):
        if above is not None and line.top - above.bottom > 0.9 * line.size:
            rows.append("")
        rows.append(" " * round((line.x0 - left) / (0.6 * line.size)) + line.text)
    return "\n".join(rows)
