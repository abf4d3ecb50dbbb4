"""Questions with their answers as claims: the right answer, and another of the same kind from the same text."""

from __future__ import annotations

import collections
import dataclasses
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.training_data.corpora import TUNING_ARTICLES, rows, split
from scripts.training_data.evidence import packed
from scripts.training_data.facts import facts
from scripts.training_data.pairs import Claim, TrainingGroup
from scripts.training_data.word_lists import AUXILIARIES

_SETS = {"squad": "squad_dev", "ares": "ares", "fairytaleqa": "fairytaleqa", "qed": "qed_dev", "covidqa": "covidqa"}
_WITH_CLEAR_RIGHTS = frozenset(("nq", "hotpotqa", "fever", "wow"))
_LONGEST_ANSWER = 120
_LONGEST_EVIDENCE = 600


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    question: str
    answer: str
    passage: str
    group: str
    source: str


def questions(data: Path) -> list[Question]:
    found = []
    for source, name in _SETS.items():
        for row in rows(data / f"qa_training/{name}.jsonl"):
            if (source == "ares" and row["source"] not in _WITH_CLEAR_RIGHTS) or row.get("kind") == "implicit":
                continue
            if row.get("title", "").replace("_", " ") in TUNING_ARTICLES:
                continue
            answers = row.get("answers") or []
            if answers and 0 < len(answers[0]) <= _LONGEST_ANSWER:
                group = row.get("story") or row["positive"][:80]
                found.append(Question(row["question"].strip(), answers[0].strip(" ."), row["positive"], group, source))
    return found


def question_groups(own: Sequence[Question], rng: random.Random) -> Iterator[TrainingGroup]:
    """Groups without end: right and wrong answers over the same evidence."""
    by_group: dict[str, list[str]] = collections.defaultdict(list)
    for one in own:
        by_group[one.group].append(one.answer)
    while True:
        asked = rng.choice(own)
        wrong = other_answer(asked, by_group[asked.group], rng)
        sentences = split(asked.passage)
        if wrong is None or not sentences:
            continue
        # Chosen for question and right answer both times: the place is there, whatever the claim says.
        evidence = packed(sentences, f"{asked.question} {asked.answer}", rng.randint(150, _LONGEST_EVIDENCE))
        if not all(word.lower() in evidence.lower() for word in re.findall(r"\w{3,}", asked.answer)):
            continue
        claims = []
        declarative = rng.random() < 0.7
        for answer, supported in ((asked.answer, True), (wrong, False)):
            text, start = statement(asked.question, answer, declarative=declarative)
            spans = () if supported else ((start, start + len(answer)),)
            claims.append(Claim(text, supported, spans, "right answer" if supported else "wrong answer"))
        yield TrainingGroup(evidence, claims, f"{asked.source} questions")


def other_answer(asked: Question, answers: Sequence[str], rng: random.Random) -> str | None:
    """An answer of the same kind that shares no word with the right one."""
    kind = answer_kind(asked.answer)
    options = {one for one in answers if answer_kind(one) == kind}
    if kind != "words":
        options |= {one.text for one in facts(asked.passage) if one.kind == kind}
    right = set(re.findall(r"\w{2,}", asked.answer.lower()))
    known = asked.question.lower()
    options = {
        one for one in options
        if one.lower() not in known
        and not right & set(re.findall(r"\w{2,}", one.lower()))
        and len(one) < 3 * len(asked.answer) + 8
    }  # fmt: skip
    return rng.choice(sorted(options)) if options else None


def answer_kind(answer: str) -> str:
    """The kind of fact that an answer is, or `words`."""
    found = facts(f"it: {answer}")
    return found[0].kind if found and len(found[0].text) > 0.6 * len(answer) else "words"


def statement(question: str, answer: str, *, declarative: bool) -> tuple[str, int]:
    """The claim, and where the answer stands in it: `Who wrote X?` as `A wrote X.` where a rule can."""
    words = question.rstrip(" ?").split()
    if declarative and len(words) > 2 and words[1].lower() not in AUXILIARIES:
        first, verb = words[0].lower(), words[1].lower()
        if first == "who" or (first == "what" and (verb in ("is", "was", "are", "were") or verb.endswith("ed"))):
            return f"{answer[0].upper()}{answer[1:]} {' '.join(words[1:])}.", 0
    asked = question if question.endswith("?") else question + "?"
    return f"{asked} {answer}.", len(asked) + 1
