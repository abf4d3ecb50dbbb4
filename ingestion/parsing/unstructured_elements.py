"""The one home of `unstructured`: its partitioners, made to work without network, and its elements as ours."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from ingestion.documents import ElementKind
from ingestion.parsing.html_tables import html_table_to_markdown
from ingestion.parsing.outline import Outline

_DROPPED = frozenset({"Header", "Footer", "PageBreak", "PageNumber", "Image"})
_KINDS = {
    "ListItem": ElementKind.LIST_ITEM,
    "CodeSnippet": ElementKind.CODE,
}
_DEEPEST_HEADING = 6


@functools.cache
def _prepared() -> None:
    """Makes `unstructured` fit for a place without network, before any of its partitioners is imported.

    To guess whether a short text is a title or a sentence, it loads spaCy's English model, and downloads it when it is
    missing. Both guesses are switched off: headings are known from styles and tags, and a paragraph is a paragraph.
    Where it still cuts sentences, rules do it, which need no model.
    """
    os.environ.update(
        DO_NOT_TRACK="1",
        SCARF_NO_ANALYTICS="true",
        UNSTRUCTURED_DISABLE_NOTICE="1",
        UNSTRUCTURED_TITLE_MAX_WORD_LENGTH="0",
    )
    import spacy
    from unstructured.nlp import tokenize
    from unstructured.partition import text_type

    def sentences_by_rules() -> spacy.language.Language:
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    def never(*_arguments: object, **_options: object) -> bool:
        return False

    tokenize._load_spacy_model = sentences_by_rules
    text_type.is_possible_narrative_text = never


def partition_docx(data: IO[bytes]) -> list[Any]:
    _prepared()
    from unstructured.partition.docx import partition_docx as partition

    data.seek(0)
    return list(partition(file=data))


def partition_pptx(data: IO[bytes]) -> list[Any]:
    _prepared()
    from unstructured.partition.pptx import partition_pptx as partition

    data.seek(0)
    return list(partition(file=data, include_slide_notes=True))


def partition_html(source: str) -> list[Any]:
    _prepared()
    from unstructured.partition.html import partition_html as partition

    return list(partition(text=source)) if source.strip() else []


def partition_markdown(source: str) -> list[Any]:
    _prepared()
    from unstructured.partition.md import partition_md as partition

    return list(partition(text=source)) if source.strip() else []


def partition_message(path: Path) -> list[Any]:
    """The body of an Outlook message."""
    _prepared()
    from unstructured.partition.msg import partition_msg as partition

    return list(partition(filename=str(path), process_attachments=False))


def add_elements(
    outline: Outline,
    elements: Iterable[Any],
    *,
    kind_of: Callable[[str], ElementKind | None] | None = None,
    tables: Sequence[str] = (),
) -> None:
    """Adds the elements to the outline.

    `kind_of` may know better what a text is; `tables` replaces the tables, in their order, when there are as many.
    Consecutive pieces of code become one.
    """
    code: list[str] = []
    code_page: int | None = None

    def end_code() -> None:
        if code:
            outline.add(ElementKind.CODE, "\n".join(code), page=code_page)
            code.clear()

    elements = list(elements)
    known_tables = iter(tables)
    if len(tables) != sum(element.category == "Table" for element in elements):
        known_tables = iter(())
    for element in elements:
        category, metadata = element.category, element.metadata
        if category in _DROPPED:
            continue
        page = metadata.page_number
        kind = (kind_of(element.text) if kind_of is not None else None) or _KINDS.get(category)
        if kind is ElementKind.CODE and category != "CodeSnippet":
            code.append(element.text)
            code_page = page if len(code) == 1 else code_page
            continue
        end_code()
        if category == "Table":
            known = next(known_tables, None)
            outline.table(known or html_table_to_markdown(metadata.text_as_html or ""), page=page)
        elif kind is ElementKind.TITLE:
            outline.add(kind, element.text, page=page)
        elif category == "Title":
            level = min((metadata.category_depth or 0) + 1, _DEEPEST_HEADING)
            outline.heading(element.text, level, page=page)
        elif kind is ElementKind.LIST_ITEM:
            outline.add(kind, f"- {element.text}", page=page)
        else:
            outline.add(kind or ElementKind.PARAGRAPH, element.text, page=page)
    end_code()
