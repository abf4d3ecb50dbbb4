"""WordNet's dictionary files: words that mean the same, the opposite, or another thing of the same sort.

There is no tagger here, so a word is only replaced where WordNet's sense counts say that it is nearly always of one
part of speech, and mostly of one sense.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from scripts.training_data.inflection import bases, inflect
from scripts.training_data.word_lists import GRAMMATICAL

_FILES = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
_SENSE_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_OWN_SENSE = 0.6
_OWN_POS = 0.8
_TOO_GENERAL = 60
"""Words under one hypernym beyond which they have little in common."""


@dataclasses.dataclass(frozen=True, slots=True)
class Senses:
    """What may stand in place of a word, in the same inflection."""

    same: tuple[str, ...]
    wider: tuple[str, ...]
    opposite: tuple[str, ...]
    other: tuple[str, ...]


class WordNet:
    """The dictionary in `folder` (files data.noun, index.noun, noun.exc, cntlist.rev and so on)."""

    def __init__(self, folder: Path) -> None:
        self._words: dict[tuple[str, str], list[str]] = {}
        self._pointers: dict[tuple[str, str], list[tuple[str, str, str, int, int]]] = {}
        self._synsets: dict[tuple[str, str], list[str]] = {}
        self._exceptions: dict[str, dict[str, str]] = {}
        self._irregular: dict[str, dict[str, tuple[str, ...]]] = {}
        self._counts: dict[tuple[str, str], collections.Counter[int]] = collections.defaultdict(collections.Counter)
        self._cache: dict[str, Senses | None] = {}
        for pos, name in _FILES.items():
            self._read(folder, pos, name)
        for line in (folder / "cntlist.rev").read_text().splitlines():
            key, sense, count = line.split()
            lemma, _, rest = key.partition("%")
            self._counts[lemma, _SENSE_TYPES[rest[0]]][int(sense)] += int(count)

    def senses(self, word: str) -> Senses | None:
        """Replacements for a lower-case word; `None` when its part of speech or sense is in doubt."""
        if word not in self._cache:
            self._cache[word] = self._senses(word)
        return self._cache[word]

    def part_of_speech(self, word: str) -> tuple[str, str, str] | None:
        """(base form, pos, ending) of the reading that is by far the most frequent."""
        weights: dict[tuple[str, str, str], float] = {}
        for pos in _FILES:
            for base, ending in bases(word, pos, self._exceptions[pos]):
                if (base, pos) in self._synsets:
                    found = weights.get((base, pos, ending), 0.0)
                    weights[base, pos, ending] = max(found, self._counts[base, pos].total() + 0.5)
        if not weights:
            return None
        best = max(weights, key=lambda one: weights[one])
        return best if weights[best] >= _OWN_POS * sum(weights.values()) else None

    def frequency(self, word: str) -> int:
        """How often any reading of the word was counted in WordNet's tagged texts."""
        return sum(self._counts[word, pos].total() for pos in _FILES if (word, pos) in self._counts)

    def _senses(self, word: str) -> Senses | None:
        reading = self.part_of_speech(word)
        if word in GRAMMATICAL or reading is None or reading[0] in GRAMMATICAL:
            return None
        base, pos, ending = reading
        counts = self._counts[base, pos]
        synsets = self._synsets[base, pos]
        total = counts.total()
        sure = counts.get(1, 0) >= _OWN_SENSE * total if total else len(synsets) <= 2
        sense = synsets[0]

        def formed(words: Iterator[str]) -> tuple[str, ...]:
            found = []
            for one in dict.fromkeys(words):
                if one == base or "_" in one or not one.isalpha() or not one.islower() or one in GRAMMATICAL:
                    continue
                form = inflect(one, ending, pos, self._irregular[pos])
                if form is not None and form != word and base not in form and form not in base:
                    found.append(form)
            return tuple(found)

        same_of_any = {one for synset in synsets for one in self._words[pos, synset]}
        opposites = (one for synset in synsets[:3] for one in self._opposites(base, pos, synset))
        if not sure:
            return Senses((), (), formed(opposites), ())
        kin = sorted(set(self._near(pos, sense)) - same_of_any)
        return Senses(
            formed(one for one in self._words[pos, sense] if self._mostly(one, pos, sense)),
            formed(one for one in self._wider(sense) if self.frequency(one) > 2) if pos == "n" else (),
            formed(opposites),
            formed(one for one in kin if self.frequency(one) > 1),
        )

    def _mostly(self, word: str, pos: str, synset: str) -> bool:
        """Whether this sense is a main one of the word, and the word no rarity."""
        synsets = self._synsets.get((word, pos), [])
        if synset not in synsets[:2] or self.frequency(word) < 2:
            return False
        others = sum(self._counts[word, other].total() for other in _FILES if other != pos)
        return others <= self._counts[word, pos].total()

    def _wider(self, synset: str) -> Iterator[str]:
        for symbol, target, target_pos, _, _ in self._pointers["n", synset]:
            if symbol == "@":
                yield from self._words[target_pos, target][:1]

    def _opposites(self, base: str, pos: str, synset: str) -> Iterator[str]:
        for candidate in [synset, *self._similar(pos, synset)]:
            for symbol, target, target_pos, source_word, target_word in self._pointers[pos, candidate]:
                if symbol != "!":
                    continue
                words = self._words[pos, candidate]
                if candidate == synset and source_word and words[source_word - 1] != base:
                    continue
                others = self._words[target_pos, target]
                yield others[target_word - 1] if target_word else others[0]

    def _similar(self, pos: str, synset: str) -> Iterator[str]:
        for symbol, target, _, _, _ in self._pointers[pos, synset]:
            if symbol == "&":
                yield target

    def _near(self, pos: str, synset: str) -> Iterator[str]:
        """Words of the other synsets under the same hypernym."""
        for symbol, parent, parent_pos, _, _ in self._pointers[pos, synset]:
            if symbol not in ("@", "@i"):
                continue
            children = [one for one in self._pointers[parent_pos, parent] if one[0] in ("~", "~i")]
            if len(children) > _TOO_GENERAL:
                continue
            for _, target, target_pos, _, _ in children:
                if target != synset:
                    yield from self._words[target_pos, target]

    def _read(self, folder: Path, pos: str, name: str) -> None:
        for line in (folder / f"data.{name}").read_text(encoding="latin-1").splitlines():
            if line.startswith("  "):
                continue
            fields = line.partition(" |")[0].split()
            count = int(fields[3], 16)
            self._words[pos, fields[0]] = [one.partition("(")[0] for one in fields[4 : 4 + 2 * count : 2]]
            at = 4 + 2 * count
            pointers = [fields[at + 1 + 4 * n : at + 5 + 4 * n] for n in range(int(fields[at]))]
            self._pointers[pos, fields[0]] = [
                (symbol, target, "a" if target_pos == "s" else target_pos, int(words[:2], 16), int(words[2:], 16))
                for symbol, target, target_pos, words in pointers
            ]
        for line in (folder / f"index.{name}").read_text(encoding="latin-1").splitlines():
            if not line.startswith("  "):
                fields = line.split()
                self._synsets[fields[0], pos] = fields[-int(fields[2]) :]
        exceptions: dict[str, str] = {}
        irregular: dict[str, tuple[str, ...]] = {}
        for line in (folder / f"{name}.exc").read_text(encoding="latin-1").splitlines():
            form, base = line.split()[:2]
            exceptions.setdefault(form, base)
            irregular[base] = (*irregular.get(base, ()), form)
        self._exceptions[pos], self._irregular[pos] = exceptions, irregular
