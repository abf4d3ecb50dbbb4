"""Conversations over questions and their answers, with claims that tell who said what."""

from __future__ import annotations

import collections
import random
from collections.abc import Iterator, Sequence

from scripts.training_data.edited_sentences import changed_spans
from scripts.training_data.pairs import Claim, TrainingGroup
from scripts.training_data.question_claims import Question, other_answer, statement
from scripts.training_data.rewordings import lowered
from scripts.training_data.word_lists import SPEAKERS

_ASKS = ("{a} asks {q}", "{a} wants to know {q}", "{a} asks {b} {q}", "{a} would like to know {q}")
_TELLS = (
    "{b} tells {a} that {s}",
    "{b} says that {s}",
    "{b} answers that {s}",
    "According to {b}, {s}",
    "{b} replies to {a} that {s}",
)
_OPENINGS = ("", "", "", "Well, ", "I think ", "Sure, ", "Oh, ", "Let me see, ")


def dialogue_groups(own: Sequence[Question], rng: random.Random) -> Iterator[TrainingGroup]:
    """Groups without end: two to four questions on one passage, asked and answered by two or three people."""
    by_group: dict[str, list[Question]] = collections.defaultdict(list)
    for one in own:
        by_group[one.group].append(one)
    groups = [found for found in by_group.values() if len(found) > 1]
    while True:
        found = rng.choice(groups)
        asked = rng.sample(found, min(len(found), rng.randint(2, 4)))
        people = rng.sample(SPEAKERS, 3)
        turns, claims = [], []
        for one in asked:
            a, b = rng.sample(people[: rng.choice([2, 2, 3])], 2)
            said, _ = statement(one.question, one.answer, declarative=True)
            if said.startswith(one.question[:10]) or rng.random() < 0.5:
                said = one.answer
            turns += [f"{a}: {one.question}", f"{b}: {rng.choice(_OPENINGS)}{lowered(said).rstrip('.')}."]
            claims += _claims(one, a, b, people, [other.answer for other in found], rng)
        rng.shuffle(claims)
        yield TrainingGroup("\n".join(turns), claims[:8], f"{asked[0].source} dialogues")


def _claims(
    one: Question, a: str, b: str, people: Sequence[str], answers: Sequence[str], rng: random.Random
) -> list[Claim]:
    question = lowered(one.question).rstrip("?") + "."
    question = question[0].lower() + question[1:]
    said, _ = statement(one.question, one.answer, declarative=True)
    if said.startswith(one.question[:10]):
        right = rng.choice(_ASKS).format(a=a, b=b, q=question)
    else:
        right = rng.choice(_TELLS).format(a=a, b=b, s=lowered(said))
    claims = [Claim(right, True, (), "dialogue")]
    kinds = ["other speaker"]
    wrong = other_answer(one, answers, rng)
    if wrong is not None and one.answer in said and one.answer in right:
        kinds.append("wrong answer")
    if rng.choice(kinds) == "wrong answer" and wrong is not None:
        false = right.replace(one.answer, wrong, 1)
    elif rng.random() < 0.6 and a in right and b in right:
        false = right.replace(a, "\0").replace(b, a).replace("\0", b)
    else:
        name = a if a in right else b
        absent = [other for other in SPEAKERS if other not in people]
        false = right.replace(name, rng.choice([p for p in (a, b) if p != name] + absent[:1]), 1)
    if false != right:
        claims.append(Claim(false, False, changed_spans(right, false), "dialogue turned"))
    return claims
