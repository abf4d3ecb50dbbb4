"""Sentences of documents, reworded; half of them then changed in one place that makes them wrong.

Both claims of a sentence are read against the same evidence. A supported claim gets one rewording more than the wrong
one gets beside its edit, so that the number of changed words is the same in both classes on average.
"""

from __future__ import annotations

import difflib
import random
import re
from collections.abc import Iterator, Sequence

from scripts.training_data.corpora import Document
from scripts.training_data.edits import Edits, Surroundings
from scripts.training_data.pairs import Claim, Spans, TrainingGroup
from scripts.training_data.rewordings import Rewordings, lowered

_TOKEN = re.compile(r"\w+(?:[.,’']\w+)*|[^\w\s]")
_REWORDINGS = ((0, 0.18), (1, 0.25), (2, 0.27), (3, 0.2), (4, 0.1))
_SHORTEST, _LONGEST = 25, 260


def edited_groups(
    documents: Sequence[Document], rewordings: Rewordings, edits: Edits, rng: random.Random
) -> Iterator[TrainingGroup]:
    """Groups without end: documents are drawn with replacement."""
    while True:
        document = rng.choice(documents)
        position = rng.randrange(len(document.sentences))
        if not _usable(document.sentences[position]):
            continue
        evidence, used = window(document, position, rng)
        nearby = [one for at, one in enumerate(document.sentences) if at not in used] + list(document.siblings)
        around = Surroundings(evidence, nearby)
        claims: list[Claim] = []
        for at in {position, rng.choice(sorted(used))}:
            if _usable(document.sentences[at]):
                original = _fused(document, at, used, rewordings, rng)
                for _ in range(2):
                    claims += _contrast(original, around, rewordings, edits, rng)
        if rng.random() < 0.08 and document.siblings:
            other = rng.choice(document.siblings)
            if _usable(other) and other not in evidence:
                claims.append(Claim(rewordings.reword(other, rng.randint(0, 2), rng)[0], False, None, "sibling"))
        if claims:
            yield TrainingGroup(evidence, claims, document.source)


def _usable(sentence: str) -> bool:
    return _SHORTEST <= len(sentence) <= _LONGEST and sentence[0].isupper() and sentence.endswith((".", '."'))


def _fused(document: Document, at: int, used: set[int], rewordings: Rewordings, rng: random.Random) -> str:
    """The sentence; in one of four cases joined with another of the evidence, as summaries do."""
    sentence = document.sentences[at]
    others = [one for one in used if one != at and _usable(document.sentences[one])]
    if not others or rng.random() > 0.25:
        return sentence
    first, second = (rewordings.shorten(document.sentences[one], rng) for one in sorted((at, rng.choice(others))))
    if len(first) + len(second) > _LONGEST or not first.endswith(".") or not second.endswith("."):
        return sentence
    return f"{first[:-1]}, {rng.choice(['and', 'and', 'while'])} {lowered(second)}"


def _contrast(
    original: str, around: Surroundings, rewordings: Rewordings, edits: Edits, rng: random.Random
) -> list[Claim]:
    """A supported and a wrong claim from one sentence."""
    count = rng.choices([one for one, _ in _REWORDINGS], [one for _, one in _REWORDINGS])[0]
    base, _ = rewordings.reword(original, count, rng)
    edited = edits.edit(base, around, rng)
    if edited is None:
        return []
    more = int(rng.random() < 0.7)
    if rng.random() < 0.5:
        supported, _ = rewordings.reword(base, more, rng)
    else:
        supported, _ = rewordings.reword(original, count + more, rng)
    wrong, kind = edited
    return [Claim(supported, True, (), "supported"), Claim(wrong, False, changed_spans(base, wrong), kind)]


def window(document: Document, position: int, rng: random.Random) -> tuple[str, set[int]]:
    """One to four sentences around a position, or it and some from elsewhere; with the positions that were used."""
    sentences = document.sentences
    before, after = rng.choice([(0, 0), (0, 1), (1, 0), (0, 1), (1, 0), (1, 1), (1, 1), (0, 2), (2, 0), (1, 2)])
    used = {at for at in range(position - before, position + after + 1) if 0 <= at < len(sentences)}
    if rng.random() < 0.3 and len(sentences) > 4:
        used = {position, *rng.sample(range(len(sentences)), min(len(sentences), rng.randint(1, 3)))}
    while len(used) > 1 and sum(len(sentences[at]) for at in used) > 600:
        used.remove(rng.choice([at for at in used if at != position]))
    kept = [sentences[at] for at in sorted(used)]
    if rng.random() < 0.12 and document.siblings:
        kept.insert(rng.randint(0, len(kept)), rng.choice(document.siblings)[:_LONGEST])
    return " ".join(kept), used


def changed_spans(before: str, after: str) -> Spans:
    """The words of `after` that an edit brought in; where it only took words away, those around the gap."""
    old = [match.group() for match in _TOKEN.finditer(before)]
    new = list(_TOKEN.finditer(after))
    spans = []
    matcher = difflib.SequenceMatcher(None, old, [match.group() for match in new], autojunk=False)
    for operation, _, _, first, last in matcher.get_opcodes():
        if operation in ("insert", "replace"):
            spans.append((new[first].start(), new[last - 1].end()))
        elif operation == "delete" and new:
            around = new[max(0, first - 1) : first + 1]
            spans.append((around[0].start(), around[-1].end()))
    return tuple(spans)
