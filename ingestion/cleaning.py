"""A parsed document without what its readers cannot see."""

from __future__ import annotations

import collections
import dataclasses

from ingestion.documents import ParsedDocument
from safety.hidden_text import clean_text, possible_message_length


def clean(document: ParsedDocument) -> ParsedDocument:
    """Title, headings and texts cleaned as in `safety.hidden_text`; elements without any text left are dropped.

    A warning is added when characters were removed that can carry instructions to a language model unseen.
    """
    removed: collections.Counter[str] = collections.Counter()
    headings: dict[str, str] = {}

    def cleaned(text: str) -> str:
        result = clean_text(text)
        removed.update(result.removed)
        return result.text

    def cleaned_heading(text: str) -> str:
        if text not in headings:
            headings[text] = clean_text(text).text  # what it lost is counted where the heading itself stands
        return headings[text]

    elements = tuple(
        dataclasses.replace(element, text=text, heading_path=tuple(map(cleaned_heading, element.heading_path)))
        for element in document.elements
        if (text := cleaned(element.text)).strip()
    )
    title = cleaned(document.title)
    warnings = document.warnings
    if hidden := possible_message_length(removed):
        warnings += (
            f"{hidden} invisible characters that can hide instructions to a language model were removed from this"
            " document; check where it comes from.",
        )
    return dataclasses.replace(document, title=title, elements=elements, warnings=warnings)
