"""What is checked of a model's text besides its evidence: form, length, language, and that it keeps its prompt."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from generation.answer_language import OtherLanguage, other_language
from generation.prompt_leaks import leaks
from ingestion.sentences import sentence_spans

_ENDED = re.compile(r"[.!?…。！？:|][\"'”’»)\]*_`]*(?:\s*\[\d+\])*$|^$")
_MARKS = re.compile(r"(?:[^\S\n]*\[\d+\])+")


@dataclasses.dataclass(frozen=True, slots=True)
class OutputProblems:
    """What is wrong with an answer; nothing is when it is falsy. `form` says how it fails the JSON schema."""

    form: tuple[str, ...] = ()
    language: OtherLanguage | None = None
    leaked: bool = False

    def __bool__(self) -> bool:
        return bool(self.form or self.language or self.leaked)

    def warnings(self) -> tuple[str, ...]:
        """For the reader of the answer."""
        said = []
        if self.form:
            said.append(f"The answer does not fit the JSON schema. {' '.join(self.form)}")
        if self.language:
            said.append(f"The question is in {self.language.question}, the answer in {self.language.answer}.")
        if self.leaked:
            said.append("The answer repeats the model's instructions.")
        return tuple(said)

    def for_repair(self) -> str:
        """What the model is told when it may mend the form; empty when the form is right."""
        return " ".join(self.form)


@dataclasses.dataclass(frozen=True, slots=True)
class CheckedOutput:
    """`text` is the answer to hand on: of a JSON answer the JSON alone."""

    text: str
    problems: OutputProblems


def check_output(
    question: str, answer: str, *, static_prompt: str, schema: Mapping[str, Any] | None = None
) -> CheckedOutput:
    """Check a whole answer. Blocking: some 10 ms. Raises InvalidSchema for a schema that takes too long."""
    form: tuple[str, ...] = ()
    if schema is not None:
        from generation.json_answers import json_answer  # loads jsonschema

        found = json_answer(answer, schema)
        answer, form = found.text, found.problems
    # JSON is mostly names and numbers, of which no language can be told.
    language = other_language(question, answer) if schema is None else None
    return CheckedOutput(answer, OutputProblems(form, language, leaks(answer, static_prompt)))


@dataclasses.dataclass(frozen=True, slots=True)
class Cut:
    """`was_cut`: something is missing at the end."""

    text: str
    was_cut: bool


def at_sentence_end(text: str, longest: int | None = None) -> Cut:
    """The whole sentences of the first `longest` characters; of the text when a model was stopped at its limit.

    Where not even one sentence is whole, the words that are, with an ellipsis.
    """
    whole = text.rstrip()
    if longest is not None and len(whole) <= longest:
        return Cut(whole, False)
    if longest is None and _ENDED.search(whole):
        return Cut(whole, False)
    most = len(whole) - 1 if longest is None else longest
    ends = [_with_marks(whole, end) for _, end in sentence_spans(whole)]
    end = max((end for end in ends if end <= most), default=0)
    if end:
        return Cut(whole[:end], True)
    begun = whole if longest is None else whole[:longest]
    return Cut(f"{begun.rpartition(' ')[0] or begun} …", True)


def _with_marks(text: str, end: int) -> int:
    marks = _MARKS.match(text, end)
    return marks.end() if marks else end
