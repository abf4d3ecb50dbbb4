"""Is an answer in the language of its question?"""

from __future__ import annotations

import dataclasses
import re

from ingestion.parsing.outline import detect_language

_SURE = 0.95  # of English questions 2 in 1136 are then taken for another language, 6 at the 0.8 that documents need

_CITATION = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[^\W\d_]+")
# Who names a language may ask for it ("in German, please") or about it.
_LANGUAGES = frozenset(
    [
        "arabic",
        "bulgarian",
        "chinese",
        "croatian",
        "czech",
        "danish",
        "dutch",
        "english",
        "estonian",
        "finnish",
        "french",
        "german",
        "greek",
        "hebrew",
        "hindi",
        "hungarian",
        "indonesian",
        "italian",
        "japanese",
        "korean",
        "latvian",
        "lithuanian",
        "mandarin",
        "norwegian",
        "persian",
        "polish",
        "portuguese",
        "romanian",
        "russian",
        "serbian",
        "slovak",
        "slovenian",
        "spanish",
        "swedish",
        "thai",
        "turkish",
        "ukrainian",
        "vietnamese",
        "latin",
        "deutsch",
        "deutsche",
        "deutschen",
        "englisch",
        "englische",
        "englischen",
        "französisch",
        "spanisch",
        "italienisch",
        "français",
        "française",
        "anglais",
        "anglaise",
        "allemand",
        "espagnol",
        "italien",
        "español",
        "inglés",
        "francés",
        "alemán",
        "italiano",
        "inglese",
        "tedesco",
        "francese",
        "português",
        "inglês",
        "nederlands",
        "engels",
        "duits",
        "polski",
        "angielski",
        "niemiecki",
        "русский",
        "английский",
        "translate",
        "translation",
        "übersetze",
        "übersetzen",
        "übersetzung",
        "traduire",
        "traduis",
        "traducir",
        "traduce",
        "tradurre",
    ]
)


@dataclasses.dataclass(frozen=True, slots=True)
class OtherLanguage:
    """ISO 639-1 codes."""

    question: str
    answer: str


def other_language(question: str, answer: str) -> OtherLanguage | None:
    """The two languages when question and answer are surely not in the same one. Blocking: about 10 ms.

    Short texts (30 letters) tell nothing, and a question that names a language may want another one.
    """
    if _LANGUAGES.intersection(_WORD.findall(question.lower())):
        return None
    asked = detect_language([question], sure=_SURE)
    answered = detect_language([_CITATION.sub("", answer)], sure=_SURE) if asked else None
    if asked is None or answered is None or asked == answered:
        return None
    return OtherLanguage(asked, answered)
