"""JSON, JSON Lines, notebooks and XML: records that people can read, with the names of their fields.

Readers of our own: `unstructured` gives both back as raw text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from lxml import etree

from ingestion.documents import DocumentRejected, ElementKind, ParsedDocument
from ingestion.parsing.markdown_tables import markdown_table
from ingestion.parsing.outline import Outline
from ingestion.parsing.source import Source
from ingestion.parsing.text_decoding import decode, decode_file

_TITLE_KEYS = ("title", "name", "subject", "headline")
# Records with more columns, or with longer values, are easier to read one below the other.
_MOST_COLUMNS = 20
_LONGEST_CELL = 200
_DEEPEST = 200


def read_json(source: Source) -> ParsedDocument:
    """JSON and JSON Lines. Raises DocumentRejected `damaged` when it is neither."""
    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    value = _parsed(text.lstrip("\ufeff"), outline)
    source.tell(0.5)
    if isinstance(value, dict):
        outline.stated_title = next((str(value[key]) for key in _TITLE_KEYS if isinstance(value.get(key), str)), None)
    _add(outline, "", value, 1)
    return outline.finish()


def _parsed(text: str, outline: Outline) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DocumentRejected("The JSON is nested too deeply to be read.", code="damaged") from error
    except ValueError as error:
        records, broken = [], 0
        for line in text.splitlines():
            if line.strip():
                try:
                    records.append(json.loads(line))
                except (ValueError, RecursionError):
                    broken += 1
        if not records or broken > len(records):
            raise DocumentRejected(f"The file is not valid JSON: {error}.", code="damaged") from error
        if broken:
            outline.warn(f"{broken} lines are not valid JSON and were left out.")
        return records


def _add(outline: Outline, path: str, value: object, level: int) -> None:
    if isinstance(value, list) and (table := _as_table(value)):
        if path:
            outline.heading(path, min(level, 6))
        outline.table(table)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, item in enumerate(value, 1):
            label = _label(item) or f"{path.rsplit('.', 1)[-1] or 'Record'} {number}"
            outline.heading(label, min(level, 6))
            _add_record(outline, item, level + 1)
    elif isinstance(value, dict):
        if path:
            outline.heading(path, min(level, 6))
        _add_record(outline, value, level + bool(path))
    else:
        outline.paragraph("\n".join(_lines(path, value)))


def _add_record(outline: Outline, record: object, level: int) -> None:
    """Plain fields as `name: value` lines; lists of records and nested objects under headings of their own."""
    if not isinstance(record, dict):
        _add(outline, "", record, level)
        return
    lines: list[str] = []
    nested: list[tuple[str, object]] = []
    for key, value in record.items():
        is_list_of_records = isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
        large = isinstance(value, dict) and _size(value) > 8
        if is_list_of_records or large:
            nested.append((str(key), value))
        else:
            lines.extend(_lines(str(key), value))
    if lines:
        outline.paragraph("\n".join(lines))
    for key, value in nested:
        if level > _DEEPEST:
            outline.paragraph("\n".join(_lines(key, value)))
        else:
            _add(outline, key, value, level)


def _size(value: object) -> int:
    return sum(1 for _ in _lines("", value))


def _lines(path: str, value: object) -> Iterator[str]:
    """`path: value` for every plain value below."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list) and all(not isinstance(item, (dict, list)) for item in value):
        yield f"{path}: {', '.join(_plain(item) for item in value)}" if path else ", ".join(map(_plain, value))
    elif isinstance(value, list):
        for number, inner in enumerate(value, 1):
            yield from _lines(f"{path}[{number}]", inner)
    else:
        yield f"{path}: {_plain(value)}" if path else _plain(value)


def _plain(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (bool, float)) else str(value)


def _label(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    return next((item[key] for key in _TITLE_KEYS if isinstance(item.get(key), str) and item[key].strip()), None)


def _as_table(records: list[object]) -> str | None:
    """Flat records of mostly the same fields as a table."""
    if len(records) < 2 or not all(isinstance(record, dict) for record in records):
        return None
    columns: dict[str, None] = {}
    rows: list[dict[str, object]] = [record for record in records if isinstance(record, dict)]
    for record in rows:
        for key, value in record.items():
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(i, (dict, list)) for i in value)):
                return None
            if len(str(value)) > _LONGEST_CELL:
                return None
            columns[str(key)] = None
    if not 0 < len(columns) <= _MOST_COLUMNS or sum(map(len, rows)) < 0.5 * len(columns) * len(rows):
        return None
    body = [
        [next(iter(_lines("", record[column])), "") if column in record else "" for column in columns]
        for record in rows
    ]
    return markdown_table([list(columns), *body])


def read_notebook(source: Source) -> ParsedDocument:
    """Jupyter notebooks: text cells as Markdown, code cells as code, and what they printed."""
    from ingestion.parsing.marked_up import add_markdown

    outline = Outline(source.name, source.media_type)
    text = decode_file(source.path, outline.warn)
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        for cell in cells:
            content = "".join(cell.get("source", ""))
            if cell.get("cell_type") == "markdown":
                add_markdown(outline, content)
            elif cell.get("cell_type") == "code":
                outline.add(ElementKind.CODE, content)
                for output in cell.get("outputs", []):
                    printed = output.get("text") or output.get("data", {}).get("text/plain") or ""
                    outline.add(ElementKind.CODE, "".join(printed))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DocumentRejected("The notebook is damaged: it does not have the form of one.", code="damaged") from error
    return outline.finish()


# Elements of common vocabularies (JATS, DocBook, RSS, patents) that head a section or hold a paragraph.
_HEADINGS = frozenset({"title", "article-title", "heading", "head", "invention-title", "h1", "h2", "h3", "h4"})
_SKIPPED = frozenset({"style", "script", "object-id", "mimetype"})
# Elements that stand within a sentence.
_INLINE = frozenset(
    {
        "a", "b", "i", "o", "u", "em", "br", "strong", "italic", "bold", "sub", "sup", "sc", "span", "code", "emph",
        "term", "xref", "ref", "emphasis", "link", "ext-link", "monospace", "underline", "figref", "crossref", "math",
        "claim-ref", "smallcaps", "highlight",
    }
)  # fmt: skip


def read_xml(source: Source) -> ParsedDocument:
    """XML of any vocabulary: headings, paragraphs, tables, and `name: value` for data. No entity is ever fetched."""
    outline = Outline(source.name, source.media_type)
    data = source.path.read_bytes()
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        root = _recovered(data, outline, error)
    source.tell(0.5)
    _walk(outline, root, 1)
    return outline.finish()


def _recovered(data: bytes, outline: Outline, error: etree.XMLSyntaxError) -> etree._Element:
    """What can be read of broken XML, decoded by us when its stated encoding is wrong."""
    text, _ = decode(data)
    start = text.find("<", text.find("?>") + 1) if text.lstrip("\ufeff").startswith("<?xml") else 0
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    root = etree.fromstring(text[max(0, start) :].encode("utf-8"), parser)
    if root is None:
        raise DocumentRejected(f"The file is not valid XML: {error}.", code="damaged") from error
    outline.warn("The XML is not well formed; what could be read of it was kept.")
    return root


def _walk(outline: Outline, root: etree._Element, level: int) -> None:
    """Depth first with a stack of our own: XML may be nested deeper than Python's."""
    stack: list[tuple[etree._Element, int]] = [(root, level)]
    while stack:
        element, level = stack.pop()
        if not isinstance(element.tag, str):
            continue
        tag = _tag(element)
        if tag in _SKIPPED:
            continue
        children = [child for child in element if isinstance(child.tag, str)]
        if tag in ("table", "tgroup") and (rows := list(_table_rows(element))):
            outline.table(markdown_table(rows))
        elif tag in _HEADINGS:
            outline.heading(_joined(element), min(level, 6))
        elif all(_tag(child) in _INLINE for child in children):
            _add_leaf(outline, element, tag)
        elif _is_record(children):
            outline.paragraph("\n".join(_record_lines(children)))
        else:
            if element.text and element.text.strip():
                outline.paragraph(element.text)
            for child in reversed(children):
                if child.tail and child.tail.strip():
                    tail = etree.Element("p")
                    tail.text = child.tail
                    stack.append((tail, level + 1))
                stack.append((child, level + 1))


def _add_leaf(outline: Outline, element: etree._Element, tag: str) -> None:
    text = _joined(element)
    attributes = " ".join(f"{etree.QName(key).localname}: {value}" for key, value in element.attrib.items())
    if not text:
        # Data kept in attributes only, as many exports do.
        if len(element.attrib) > 1:
            outline.paragraph(f"{tag}: {attributes}")
        return
    if tag in ("p", "para", "paragraph", "li", "item", "text", "body", "description", "abstract", "claim-text"):
        outline.add(ElementKind.LIST_ITEM if tag in ("li", "item") else ElementKind.PARAGRAPH, text)
    elif len(text) > 200 or " " in tag:
        outline.paragraph(text)
    else:
        outline.paragraph(f"{tag}: {text}")


def _is_record(children: list[etree._Element]) -> bool:
    """Children that are short plain fields of different names: one record."""
    names = [_tag(child) for child in children]
    return (
        len(children) > 1
        and len(set(names)) > 0.6 * len(names)
        and all(len(child) == 0 and len(child.text or "") <= 200 for child in children)
        and not set(names) & (_HEADINGS | {"p", "para", "li"})
    )


def _record_lines(children: list[etree._Element]) -> Iterator[str]:
    for child in children:
        if text := _joined(child):
            yield f"{_tag(child)}: {text}"


def _table_rows(table: etree._Element) -> Iterator[list[str]]:
    for row in table.iter():
        if isinstance(row.tag, str) and _tag(row) in ("tr", "row"):
            yield [_joined(cell) for cell in row if isinstance(cell.tag, str) and _tag(cell) in ("td", "th", "entry")]


def _tag(element: etree._Element) -> str:
    return str(etree.QName(element).localname).lower()


def _joined(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())
