"""Is an answer in the language of its question?"""

from __future__ import annotations

import dataclasses
import re
import unicodedata

from ingestion.parsing.outline import detect_language

_SURE = 0.95  # of English questions 2 in 1136 are then taken for another language, 6 at the 0.8 that documents need

_CITATION = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Who names a language may ask for it ("in German, please") or about it.
_LANGUAGES = _words(
    """arabic bulgarian chinese croatian czech danish dutch english estonian finnish french german greek hebrew hindi
    hungarian indonesian italian japanese korean latvian lithuanian mandarin norwegian persian polish portuguese
    romanian russian serbian slovak slovenian spanish swedish thai turkish ukrainian vietnamese latin deutsch
    deutsche deutschen englisch englische englischen französisch spanisch italienisch français française anglais
    anglaise allemand espagnol italien español inglés francés alemán italiano inglese tedesco francese português
    inglês nederlands engels duits polski angielski niemiecki русский английский translate translation übersetze
    übersetzen übersetzung traduire traduis traducir traduce tradurre"""
)

# The commonest words of each language. They cost microseconds where the detector takes 30 ms of a processor, and almost
# all answers are in the language of their question.
_COMMON = {
    "en": _words(
        """the of and to in is was are were be by for with that this it its on at from as an or how what when where
        which who why does do did can may must not many much has have"""
    ),
    "de": _words(
        """der die das den dem des und ist sind war wird werden ein eine einen einer mit von für auf im zu nicht wie
        was wer wann wo welche welcher warum viele darf kann hat haben bei nach oder"""
    ),
    "fr": _words(
        """le la les des du de et est sont un une dans pour par sur au aux que qui quand où quel quelle quels quelles
        combien comment pourquoi ne pas avec ce cette il elle peut"""
    ),
    "es": _words(
        """el la los las de del y es son un una en para por con que qué quién cuándo dónde cuál cuánto cuántos
        cuántas cómo no se su al está puede más"""
    ),
    "it": _words(
        """il lo la gli le di del della dei e è sono un una in per con che chi quando dove quale quali quanti quanto
        come perché non si può al nel alla"""
    ),
    "pt": _words(
        """o a os as de do da dos das e é são um uma em para por com que quem quando onde qual quais quantos como não
        se no na ao pode mais"""
    ),
    "nl": _words(
        """de het een van en is zijn was wordt worden in op voor met dat die niet hoe wat wie wanneer waar welke
        hoeveel waarom mag kan heeft aan bij door"""
    ),
    "sv": _words(
        """och att det som en ett är var av för på med till den inte hur vad vem när vilken vilka många får kan har"""
    ),
    "da": _words(
        """og at det som en et er var af for på med til den ikke hvordan hvad hvem hvornår hvor hvilken mange må kan"""
    ),
    "pl": _words("""i w na z do nie się jest są to że jak co kto kiedy gdzie który ile dla przez może od po"""),
}


@dataclasses.dataclass(frozen=True, slots=True)
class OtherLanguage:
    """ISO 639-1 codes."""

    question: str
    answer: str

    def __str__(self) -> str:
        return f"The question seems to be in another language ({self.question}) than the answer ({self.answer})."


def other_language(question: str, answer: str, format_hint: str = "") -> OtherLanguage | None:
    """The two languages when question and answer are surely not in the same one.

    Short texts (30 letters) tell nothing, and who names a language in the question or in the wish for a form may want
    another one. Blocking: microseconds, and some 30 ms of the detector where common words speak for two languages.
    """
    asked_words = _WORD.findall(question.lower())
    answer = _CITATION.sub("", answer)
    likely_asked, likely_answered = _likely(asked_words), _likely(_WORD.findall(answer.lower()))
    if likely_asked is None or likely_answered is None or likely_asked == likely_answered:
        return None
    if _LANGUAGES.intersection([*asked_words, *_WORD.findall(format_hint.lower())]):
        return None
    asked = detect_language([question], sure=_SURE)
    answered = detect_language([answer], sure=_SURE) if asked else None
    if asked is None or answered is None or asked == answered:
        return None
    return OtherLanguage(asked, answered)


def _likely(words: list[str]) -> str | None:
    """A language by its commonest words, or a script other than Latin; None when that is undecided."""
    if not words:
        return None
    script = unicodedata.name(max(words, key=len)[0], "LATIN").split()[0]
    if script != "LATIN":
        return script
    votes = {language: sum(word in common for word in words) for language, common in _COMMON.items()}
    best = max(votes.values())
    first = [language for language, count in votes.items() if count == best]
    return first[0] if best and len(first) == 1 else None
