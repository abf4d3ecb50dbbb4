"""Markdown, and the formats that pandoc converts to HTML: epub, odt, rtf, rst, org."""

from __future__ import annotations

import functools
import re
import resource
import shutil
import subprocess

from ingestion.documents import DocumentRejected, ParsedDocument
from ingestion.parsing.formats import Format
from ingestion.parsing.limits import MIB, ParseLimits
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode_file
from ingestion.parsing.unstructured_elements import add_elements, partition_markdown

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_TEXTUAL = frozenset({Format.RST, Format.ORG})


def read_markdown(source: Source) -> ParsedDocument:
    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    add_markdown(outline, text)
    return outline.finish()


def add_markdown(outline: Outline, source: str) -> None:
    """Adds the content to the outline; front matter gives the title and is kept as text."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff")
    if (front := _FRONT_MATTER.match(source)) is not None:
        if (title := _FRONT_TITLE.search(front.group(1))) is not None:
            outline.stated_title = title.group(1).strip().strip("\"'")
        outline.paragraph(front.group(1))
        source = source[front.end() :]
    add_elements(outline, partition_markdown(source))


def read_converted(source: Source) -> ParsedDocument:
    """Formats that need pandoc. Raises DocumentRejected `missing_converter` when it is not installed."""
    from ingestion.parsing.web_pages import add_html

    outline = Outline(source.name, source.media_type)
    if source.format in _TEXTUAL:
        text = decode_file(source.path, outline.warn)
        data = text.encode("utf-8", "replace")
    else:
        data = source.path.read_bytes()
    converted = _pandoc(data, source.format, source.limits)
    source.tell(0.5)
    add_html(outline, converted)
    return outline.finish()


def _pandoc(data: bytes, detected: Format, limits: ParseLimits) -> str:
    """The document as HTML. `--sandbox` keeps pandoc from reading any other file or address."""
    heap = max(256, limits.memory_bytes // (2 * MIB))
    command = [
        _pandoc_path(), "+RTS", f"-M{heap}m", "-RTS", "--sandbox", "--standalone", "--from", detected.value,
        "--to", "html", "--wrap", "none", "--metadata", "pagetitle= ", "--mathjax",
    ]  # fmt: skip
    seconds = int(limits.seconds)

    def limit_time() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=limits.seconds, preexec_fn=limit_time)
    except subprocess.TimeoutExpired as error:
        raise DocumentRejected(
            "Converting the file took too long; save it as PDF or .docx.", code="parse_timeout"
        ) from error
    if done.returncode == 251:  # GHC's exit status when the heap limit is reached
        raise DocumentRejected("Converting the file needs more memory than allowed; split it.", code="parse_memory")
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DocumentRejected(
            f"The file cannot be converted: {reason[-1][:200] if reason else 'pandoc failed'}.", code="damaged"
        )
    return done.stdout.decode("utf-8", "replace")


@functools.cache
def _pandoc_path() -> str:
    try:
        import pypandoc

        return str(pypandoc.get_pandoc_path())
    except (ImportError, OSError):
        pass
    if (found := shutil.which("pandoc")) is not None:
        return found
    raise DocumentRejected(
        "This format needs the converter pandoc: install it with `pip install plumbline[pandoc]`.",
        code="missing_converter",
    )
