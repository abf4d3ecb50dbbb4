"""What a question wants, told from its words alone, before anything is searched.

Rules, no model: the same question always gets the same intent, and the intent can say why. English, with the plain
forms of German, French and Spanish.
"""

from __future__ import annotations

import dataclasses
import enum
import re

from generation.routing.small_talk import small_talk


class IntentKind(enum.StrEnum):
    CHAT = "chat"
    LOOK_UP = "look_up"
    COMPARISON = "comparison"
    MULTI_PART = "multi_part"
    FORMAT = "format"
    OUT_OF_SCOPE = "out_of_scope"  # told after the search only


@dataclasses.dataclass(frozen=True, slots=True)
class Intent:
    """`kind`, and the signals it was told from.

    `compares` and `form` are the words that gave it away, empty when none did: `vs`, `list all`; `a Markdown table`.
    `names` are capitalised words in a row and numbers other than the first word.
    """

    kind: IntentKind
    words: int
    parts: int
    names: int
    compares: str = ""
    form: str = ""


def intent_of(question: str) -> Intent:
    """The intent of a question. A form can be wanted of any kind; it is the kind when nothing else is special."""
    text = " ".join(question.split())
    words, parts, names = len(text.split()), _parts(question), _names(text)
    if small_talk(text) is not None:
        return Intent(IntentKind.CHAT, words, parts, names)
    compares, form = _first(_COMPARES, text), _form(text)
    if compares:
        kind = IntentKind.COMPARISON
    elif parts > 1:
        kind = IntentKind.MULTI_PART
    else:
        kind = IntentKind.FORMAT if form else IntentKind.LOOK_UP
    return Intent(kind, words, parts, names, compares, form)


_PAPERS = (
    "documents|reports|contracts|agreements|files|papers|policies|articles|filings|leases|offers|companies|suppliers|"
    "vendors"
)
_SETS = (
    f"{_PAPERS}|document|report|contract|agreement|file|paper|filing|lease|countries|products|quarters|years|sources"
)
_COMPARES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bcompar(?:e[ds]?|ing|isons?|ative|ativel?y)\b",
        r"\b(?:versus|vs)\b\.?",
        r"\bdifferences?\b(?= (?:between|among)\b| in .{1,80} between\b)",
        r"\bhow (?:do|does|did|are|is)\b.{1,80}\bdiffer(?:ent|s)?\b",
        r"\bdiffer(?:s|ed)? from\b|\bin contrast to\b|\bas opposed to\b",
        r"\b(?:in common|similarit(?:y|ies) (?:between|of)|similar are)\b",
        r"\b(?!rather|other|whether|either|after|over|under|ever)(?:[a-z]{2,}er|more|less|fewer|worse)\b"
        r"(?: [\w-]+){0,3} than "
        r"(?:the|in|at|its|their|our|his|her|other|any|previous|last|that|those|(?-i:[A-Z])\w+)\b",
        r"\b(?:list|name|give|show|summari[sz]e|which are|what are) (?:me )?all\b",
        rf"\b(?:all|each|every|across|among|any) (?:of )?(?:the |these |those |our |their )?(?:\w+ )?(?:{_SETS})\b",
        rf"\b(?:how many|which|what) of (?:the|these|our) (?:\w+ )?(?:{_SETS})\b",
        rf"\b(?:how many|which) (?:{_PAPERS})\b(?= (?:\w+ )?(?:have|has|contain|mention|state|say|include|require|"
        r"allow|use|report|are|do|does|did|had|were|offer)\w*\b)",
        r"\bacross (?:all|these|different|several|both)\b|\bin each of\b|\bon average\b|\baverage (?:of|across)\b",
        r"\b(?:rank|order) (?:all|these|them|the \w+ by)\b|\b(?:trends?|evolution) (?:of|in|over)\b",
        r"\bchang(?:e|ed|es)\b.{0,60}\b(?:from|between|since|over)\b.{0,40}\b(?:to|and|until|years|quarters)\b",
        r"\bbetween (?:19|20)\d\d and (?:19|20)\d\d\b|\bfrom (?:19|20)\d\d to (?:19|20)\d\d\b|\byear[- ]over[- ]year\b",
        r"\b(?:vergleich\w*|verglichen|unterschied\w*|unterscheide\w*|im gegensatz zu|alle[rn]? (?:dokumente|verträge|"
        r"berichte)n?)\b",
        r"\b(?:compar(?:er|ez|aison|ons)|différences? entre|par rapport à|tous les (?:documents|contrats|rapports))\b",
        r"\b(?:compar(?:ar|a|e|ación)|diferencias? entre|frente a|todos los (?:documentos|contratos|informes))\b",
    )
)
_NUMBER = r"(?:\d{1,4}|one|two|three|four|five|six|seven|eight|nine|ten|a single|a)"
_AS = r"(?:as|in|into|using|with|by means of|als|in form|sous forme d['’e]|en|como)"
_FORMS = tuple(
    (re.compile(pattern, re.IGNORECASE), form)
    for pattern, form in (
        (rf"\b{_AS} (?:an? |the form of an? |eine[mr]? |une? )?(?:markdown )?(?:table|tabelle|tableau|tabla)\b(?! \d)|"
         r"\btabular (?:form|format)\b|(?:^|please |you )tabulate\b|\b(?:make|create|draw|give me|produce|build|"
         r"erstelle|show me) (?:an? |me an? |eine )?(?:markdown )?(?:table|tabelle)\b", "a Markdown table"),
        (rf"\b{_AS} (?:valid |an? )?json\b|\bjson (?:object|array|format|output)\b|\breturn json\b", "a JSON object"),
        (r"\bbullet(?:ed)?[ -](?:points?|list)\b|\bbullets\b|\bstichpunkt\w*|\baufzählung\b|\bliste à puces\b|"
         r"\bviñetas\b|\bas an? (?:unordered )?list\b|\bals liste\b|\bcomo (?:una )?lista\b", "a bullet list"),
        (r"\bnumbered list\b|\b(?:explain|describe|how|show|list|give|tell|walk|write)\b.{0,200}\bstep[- ]by[- ]step\b|"
         r"\bin numbered steps\b|\bschritt für schritt\b|\bétape par étape\b|\bpaso a paso\b", "a numbered list"),
    )
)  # fmt: skip
_LENGTH = re.compile(
    rf"\b(?:in|with|within|of|to|using|auf|en|con|mit)? ?(?:at most|no more than|not more than|under|fewer than|less "
    rf"than|about|around|exactly|up to|maximum|max\.?|höchstens|maximal|au plus|como máximo)? ?\b({_NUMBER})[- ]"
    r"(words?|sentences?|paragraphs?|lines?|wörtern?|worte[n]?|sätzen?|mots|phrases|palabras|frases)\b",
    re.IGNORECASE,
)
_WRITE = re.compile(
    r"\b(?:summar\w*|answer|explain|describe|outline|write|tell|say|sum up|zusammenfass\w*|fasse?|erklär\w*|"
    r"beschreib\w*|antwort\w*|résum\w*|expliqu\w*|décri\w*|répond\w*|resum\w*|expli\w*|describ\w*|respond\w*|"
    r"overview|abstract|briefly)\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"(?:^|\bplease |\byou |[,.] )(?:summari[sz]e|sum up|tl;?dr)\b|\b(?:an? |the |^)?summary (?:of|about)\b|"
    r"\bfasse?\b.{0,200}\bzusammen|^zusammenfassung\b|^résum(?:e[rz]?|é)\b|^resum(?:e|en|ir|a)\b",
    re.IGNORECASE,
)


def _form(text: str) -> str:
    """The form that the answer is wanted in, in words for the prompt: "a Markdown table, at most 50 words"."""
    wanted = [form for pattern, form in _FORMS if pattern.search(text)]
    if (length := _LENGTH.search(text)) and (_WRITE.search(text) or wanted):
        wanted.append(" ".join(length.group().split()))
    if not wanted and _SUMMARY.search(text):
        wanted.append("a summary")
    return ", ".join(dict.fromkeys(wanted))


_WH = (
    r"(?:who(?:se|m)?|what|when|where|why|which|how|wer|was|wann|wo|warum|wie|welche[rsnm]?|qui|que|quand|où|pourquoi|"
    r"comment|quel(?:le)?s?|quién|qué|cuándo|dónde|cómo|cuál(?:es)?)"
)
_AND = r"(?:and|und|et|y|sowie|ainsi que)"
_WHAT = r"(?:what|who|which|was|wer|quoi|qui|qué|quién)"
"""Left out at the end of "capitalism and what?": the gap of one question, not a second one."""
_SUBORDINATE = re.compile(
    r"(?:when|where|if|while|although|since|because|after|before|as|once|unless|wenn|falls|si|cuando|quand|lorsque)\b"
    r"(?! (?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|must)\b)",
    re.IGNORECASE,
)
_NEW_PART = re.compile(
    rf"(?<=\w),? {_AND},? (?:also |then |for |in |at |by |to |on |from )?(?={_WH}\b)(?!{_WHAT}\W*$)|"
    rf"(?<=\w), (?=(?:{_WH}) )|; ?(?=\w)|"
    r"(?<=\w),? (?:and|then|und|et|y) (?:also |then )?(?=(?:explain|describe|list|name|give|tell|state|calculate|show|"
    r"summari[sz]e|say|erkläre|nenne|explique|nomme|explica|nombra)\b)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*•]|\(?(?:\d{1,2}|[a-z])[.)])\s+\S", re.MULTILINE | re.IGNORECASE)
_ASKED = re.compile(r"\?[\"'”’»)\]]*\s*")
_ASKING = re.compile(
    rf"\b{_WH}\b|\b(?:explain|describe|list|name|give|tell|state|calculate|show|summari[sz]e|say|is|are|was|were|do|"
    r"does|did|can|could|should|would|will|has|have|had)\b",
    re.IGNORECASE,
)


def _parts(question: str) -> int:
    """How many things are asked: questions, joined questions ("who ... and when ..."), items of a list."""
    items = len(_ITEM.findall(question))
    asked = [piece for piece in _ASKED.split(question) if len(piece.split()) > 1 or _ASKING.search(piece)]
    parts = 0
    for position, piece in enumerate(asked):
        ends_with_mark = position < len(asked) - 1 or question.rstrip().rstrip("\"'”’»)]").endswith("?")
        # "I rent a flat. May I sublet?" is one question: what stands before it only tells the story.
        if ends_with_mark or _ASKING.search(piece):
            told = [part for part in _NEW_PART.split(piece.split(". ")[-1]) if part is not None]
            # Nothing is asked before the comma of "Hello, what ..." and "For Basel, what ...".
            asks = _ASKING.search(told[0]) and not _SUBORDINATE.match(told[0].strip())
            parts += max(1, len(told) - (len(told) > 1 and not asks))
    return max(parts, items if items > 1 else 0, 1)


_NAME = re.compile(
    r"(?<=[^\s.?!:] )(?!I\b)[^\W\d_a-z][\w’'&-]*(?: (?:of |de |von )?[^\W\d_a-z][\w’'&-]*)*|\b\d[\d.,/]*\b"
)


def _names(text: str) -> int:
    return len({match.group().casefold() for match in _NAME.finditer(text)})


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str:
    return next((match.group().casefold()[:60] for pattern in patterns if (match := pattern.search(text))), "")
