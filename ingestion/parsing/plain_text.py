"""Plain text: paragraphs, list items and the headings that text can show."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingestion.documents import ElementKind, ParsedDocument
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode_file

_BLANK = re.compile(r"\n[ \t\f]*\n+")
_UNDERLINE = re.compile(r"^\s*([=\-~^*#])\1{2,}\s*$")
_HEADING = re.compile(r"^(?:chapter|part|section|article|appendix)\s+(?:\d+|[IVXLC]+|[A-Z])\b.{0,80}$", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,4})\.?\s+[A-Z][^.;:!?]{2,78}$")
_ITEM = re.compile(r"^\s*(?:[-*+•‣◦·–—]|\(?\w{1,3}[.)])\s+\S")
# Subtitles: a block is a note, a style, or a cue of an optional name, its times and its words.
_CUE = re.compile(r"(?:[^\n]*\n)?(?:\d+:)?\d\d:\d\d[.,]\d{3}[ \t]+-->[^\n]*\n(.*)", re.DOTALL)
_NO_CUE = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)\b")
_SPEAKER = re.compile(r"<v(?:\.[^ >]*)?[ \t]+([^>]+)>")
_MARKUP = re.compile(r"</?[a-z0-9:.]+[^>]*>")
# Lines as long as this were broken by a program, not by their writer.
_WRAPPED = 45
_LONGEST_CAPITALS = 80
# A paragraph longer than this is a log or a data dump; it is cut at line ends.
_LONGEST_PARAGRAPH = 8000


def read_text(source: Source) -> ParsedDocument:
    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    if text.lstrip("\ufeff").startswith("WEBVTT"):
        text = _subtitles(text)
    source.tell(0.3)
    add_plain_text(outline, text)
    return outline.finish()


def _subtitles(text: str) -> str:
    """The words of WebVTT subtitles; speakers are named before their words."""
    spoken = []
    for block in _BLANK.split(text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")):
        cue = _CUE.match(block)
        if cue is not None:
            spoken.append(_MARKUP.sub("", _SPEAKER.sub(r"\1: ", cue.group(1))))
        elif not _NO_CUE.match(block):
            spoken.append(block)
    return "\n".join(spoken)


def add_plain_text(outline: Outline, text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for block in _BLANK.split(text):
        lines = [line.rstrip() for line in block.split("\n") if line.strip()]
        if lines:
            _add_block(outline, lines)


def _add_block(outline: Outline, lines: list[str]) -> None:
    if len(lines) > 1 and _UNDERLINE.match(lines[1]) and len(lines[0].strip()) <= _LONGEST_CAPITALS:
        outline.heading(lines[0], 1 if lines[1].strip()[0] in "=#*" else 2)
        lines = lines[2:]
    elif len(lines) == 1 and (level := _heading_level(lines[0].strip())) is not None:
        outline.heading(lines[0], level)
        return
    for group in _groups(lines):
        kind = ElementKind.LIST_ITEM if _ITEM.match(group[0]) else ElementKind.PARAGRAPH
        joined = _joined(group)
        for start in range(0, len(joined), _LONGEST_PARAGRAPH):
            outline.add(kind, joined[start : start + _LONGEST_PARAGRAPH])


def _heading_level(line: str) -> int | None:
    if _HEADING.match(line):
        return 1
    if (numbered := _NUMBERED.match(line)) is not None:
        return 1 + numbered.group(1).count(".")
    letters = [c for c in line if c.isalpha()]
    if len(letters) > 3 and len(line) <= _LONGEST_CAPITALS and line.isupper() and line[-1] not in ".,;":
        return 1
    return None


def _groups(lines: Sequence[str]) -> list[list[str]]:
    """List items with the lines that belong to them, and what stands between."""
    groups: list[list[str]] = []
    for line in lines:
        if not groups or _ITEM.match(line):
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _joined(lines: Sequence[str]) -> str:
    """One line where a program wrapped the text; the writer's lines (addresses, verses, logs) stay."""
    *wrapped, _ = lines
    longest = max(map(len, lines))
    is_wrapped = wrapped and longest <= 120 and all(len(line) > max(_WRAPPED, 0.6 * longest) for line in wrapped)
    return (" " if is_wrapped else "\n").join(line.strip() for line in lines)
