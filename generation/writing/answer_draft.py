"""An answer that is being put together, sentence by sentence, with its verdicts and citations."""

from __future__ import annotations

from collections.abc import Sequence

from generation.answers import SentenceVerdict, Span
from generation.checking.checker import Support
from generation.writing.citations import CitationCounts, CitationList, with_marks


class AnswerDraft:
    """`text` is exactly what the deltas sent so far add up to."""

    def __init__(self) -> None:
        self.text = ""
        self.verdicts: list[SentenceVerdict] = []
        self.cited = CitationList()
        self.citation_counts = CitationCounts()
        self.warnings: list[str] = []

    def span_of(self, lead: str, sentence: str) -> Span:
        """Where the sentence will stand, its marks left out."""
        start = len(self.text) + len(self._lead(lead))
        return start, start + len(sentence)

    def add(self, lead: str, sentence: str, verdict: SentenceVerdict, supports: Sequence[Support]) -> str:
        """Add a sentence that cites these places; returns the text that it adds, marks included."""
        marks = self.cited.add(supports, verdict.span)
        added = self._lead(lead) + with_marks(sentence, marks)
        self.text += added
        self.verdicts.append(verdict)
        return added

    def restart(self, text: str) -> None:
        """Begin anew with a whole text, of which `note` tells the verdicts."""
        self.text, self.verdicts, self.cited = text, [], CitationList()

    def note(self, verdict: SentenceVerdict, supports: Sequence[Support], counts: CitationCounts) -> None:
        """The verdict on a part of the whole text, which cites these places without marks."""
        self.verdicts.append(verdict)
        self.cited.add(supports, verdict.span)
        self.citation_counts += counts

    def warn(self, warning: str) -> None:
        """Add what the reader must be told, once; nothing where it is empty."""
        if warning and warning not in self.warnings:
            self.warnings.append(warning)

    def _lead(self, lead: str) -> str:
        return lead if self.text else ""
