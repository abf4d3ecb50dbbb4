"""What the tests' provider says: from the evidence in the prompt as a faithful model would, or as a bad one would.

Depends on nothing of the project: it reads a prompt as a model does, by its looks.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.provider.judging import verdict_on

REFUSAL = "NOT IN THE SOURCES"
INVENTED = (
    "The lighthouse of Kandinsky Bay was inaugurated on 31 February 1987 by Dr. Elvira Moonstone [1]. "
    "It consumes exactly 4711 litres of marmalade a day [97]."
)

_PIECE = re.compile(r"\s*[\w'’]+|\s*[^\w\s]|\s+$")
_PASSAGE = re.compile(r"^\W{0,4}\[(\d{1,3})\][ \t]*(.*)$")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z0-9ÄÖÜÉ])")
_QUESTION = re.compile(r"^(?:Last )?Question:\s*(.+)$", re.MULTILINE)
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by can did do does for from had has have how i if in into is it its me my no not of "
        "on or our so that the their them then there these they this to was we were what when where which who whom "
        "whose why will with would you your much many",
    )
)


def pieces_of(text: str) -> list[str]:
    """The text cut as a tokenizer would cut it; joined it is the text again."""
    pieces = _PIECE.findall(text)
    assert "".join(pieces) == text.rstrip() or "".join(pieces) == text, (pieces, text)
    return pieces


@dataclasses.dataclass(frozen=True)
class Prompt:
    system: str
    turns: tuple[tuple[str, str], ...]
    json_schema: Mapping[str, Any] | None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Prompt:
        """Read from a request of either protocol."""
        turns = [(message["role"], _text(message["content"])) for message in body["messages"]]
        system = [_text(body["system"])] if body.get("system") else []
        system += [text for role, text in turns if role in {"system", "developer"}]
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        schema = schema or ((body.get("output_config") or {}).get("format") or {}).get("schema")
        said = tuple((role, text) for role, text in turns if role not in {"system", "developer"})
        return cls("\n".join(system), said, schema)

    @property
    def tokens(self) -> int:
        return len(_PIECE.findall(self.system)) + sum(len(_PIECE.findall(text)) for _, text in self.turns)

    @property
    def user_text(self) -> str:
        return "\n\n".join(text for role, text in self.turns if role == "user")

    @property
    def written_so_far(self) -> str:
        """What an earlier model had written of this answer."""
        return self.turns[-2][1] if len(self.turns) > 2 and self.turns[-2][0] == "assistant" else ""

    @property
    def question(self) -> str:
        """The last `Question:` line outside the passages, else the last line said."""
        found = _QUESTION.findall(self.user_text)
        lines = [line for line in self.user_text.splitlines() if line.strip()]
        return str(found[-1]) if found else (lines[-1] if lines else "")

    @property
    def passages(self) -> list[tuple[int, str]]:
        """Each numbered passage with its text, the marks of quotation taken off."""
        found: list[tuple[int, list[str]]] = []
        for line in self.user_text.splitlines():
            head = _PASSAGE.match(line)
            if head:
                found.append((int(head.group(1)), []))
            elif found and line.startswith(">") and not line.startswith(">>"):
                found[-1][1].append(line.removeprefix(">").strip())
        return [(number, " ".join(lines)) for number, lines in found]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


def _words(text: str) -> list[str]:
    """Content words by their first letters, which is stemming enough here."""
    return [word[:6] for word in re.findall(r"\w+", text.casefold()) if word not in _STOP]


def best_sentences(question: str, passages: list[tuple[int, str]], most: int = 2) -> list[tuple[int, str]]:
    """The passages' sentences that share most with the question, rare words counting more. None: nothing is shared."""
    sentences = [(number, part) for number, text in passages for part in _SENTENCE_END.split(text) if part.strip()]
    seen = collections.Counter(word for _, text in sentences for word in set(_words(text)))
    wanted = set(_words(question))

    def score(text: str) -> float:
        shared = wanted & set(_words(text))
        return sum(math.log(1 + len(sentences) / seen[word]) for word in shared)

    ranked = sorted(sentences, key=lambda item: -score(item[1]))
    if not ranked or score(ranked[0][1]) <= 0:
        return []
    enough = 0.8 * score(ranked[0][1])
    return [(number, text.strip()) for number, text in ranked[:most] if score(text) >= enough]


def from_evidence(prompt: Prompt) -> str:
    """The best sentences, quoted and cited; JSON when that is asked; a refusal when nothing fits."""
    passages = prompt.passages
    if not passages:
        return _without_passages(prompt)
    chosen = best_sentences(prompt.question, passages)
    new = [(number, text) for number, text in chosen if text.rstrip(".!?") not in prompt.written_so_far]
    said = " ".join(_cited(number, text) for number, text in new) or REFUSAL
    return json.dumps(instance_of(prompt.json_schema, said)) if prompt.json_schema is not None else said


def _cited(number: int, text: str) -> str:
    end = text[-1] if text[-1] in ".!?" else "."
    return f"{text.rstrip('.!?')} [{number}]{end}"


def _without_passages(prompt: Prompt) -> str:
    """A conversation to rewrite is answered by its question; anything else by a greeting."""
    if prompt.json_schema is not None:
        return json.dumps(instance_of(prompt.json_schema, prompt.question))
    rewrites = _QUESTION.search(prompt.user_text) is not None
    return prompt.question if rewrites else "Hello! I can answer questions about your documents."


def instance_of(schema: Mapping[str, Any], text: str) -> Any:
    """A value that fits a plain JSON schema, with `text` in its texts."""
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance_of(part, text) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {"type": "string"}), text)]
    plain = {"string": text, "integer": 1, "number": 1.0, "boolean": True, "null": None}
    return plain[kind]


def _broken_json(prompt: Prompt) -> str:
    whole = from_evidence(prompt) if prompt.json_schema is not None else '{"answer": "broken off in the middle"}'
    return whole[: len(whole) * 2 // 3]


ANSWERS: Mapping[str, Callable[[Prompt], str]] = {
    "evidence": from_evidence,
    "refuses": lambda _: REFUSAL,
    "invents": lambda _: INVENTED,
    "miscites": lambda prompt: re.sub(r"\[\d+\]", "[98]", from_evidence(prompt)),
    "uncited": lambda prompt: re.sub(r" ?\[\d+\]", "", from_evidence(prompt)),
    "broken-json": _broken_json,
    "echoes-prompt": lambda prompt: prompt.system,
    "wordy": lambda prompt: " ".join([from_evidence(prompt)] * 50),
    "silent": lambda _: "",
    "judges": lambda prompt: verdict_on(prompt.user_text),
}
