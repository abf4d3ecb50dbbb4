"""Does a sentence of an answer claim anything about the world that evidence could support?

Rules for English; what none of them fits is a claim, so that nothing goes unchecked for want of a rule.
"""

from __future__ import annotations

import re

from generation.checking.contradiction.stated_facts import numbers

_LETTER = re.compile(r"[^\W\d_]")
_MARKUP = re.compile(r"^[\s#>*_`~|•▪◦–—-]+|[\s*_`|]+$")

_GIVEN = r"(?:the|these|those|this|your|our|any|all|provided|given|retrieved|available|supplied|uploaded|cited)"
_DOCUMENTS = (
    rf"(?:(?:{_GIVEN}\s+)+(?:documents?|passages?|sources?|texts?|contexts?|excerpts?|materials?|files?|search results)"
    r"|(?:provided|given|retrieved|available|supplied)\s+(?:evidence|information))"
)
_TELL = (
    r"(?:say|state|mention|contain|include|provide|specify|answer|address|tell|give|discuss|describe|indicate|explain|"
    r"cover|reveal|list|show|disclose|offer|define)"
)
_TOLD = r"(?:mentioned|stated|specified|given|provided|included|described|addressed|discussed|covered|found)"
_NOT = r"(?:do(?:es)?\s*n[o’']?t|did\s*n[o’']?t|do(?:es)? not|did not|cannot|can not|can[’']?t|never)"

_COURTESIES = (
    r"^(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|welcome|thanks?|thank you|you[’']re welcome|sure|"
    r"of course|certainly|absolutely|great(?: question)?|good question|okay|ok|yes|no|bye|goodbye)"
    r"(?: (?:there|all|again|so much|very much|for (?:asking|your question)))*\s*[,!.…]*$",
    r"^(?:i[’']m|i am) (?:happy|glad|sorry|afraid|here)\b.{0,80}$",
    r"^(?:i )?(?:hope (?:this|that) helps|let me know\b.{0,80}|feel free to\b.{0,80})[.!]?$",
    r"^please (?:let me know|feel free|see|refer|ask)\b.{0,80}$",
    r"^if you (?:have|need|want|would like)\b.{0,100}\b(?:ask|know|help|here|free)\b.{0,40}$",
    r"^(?:what|which|who|when|where|why|how|would|do|does|did|can|could|may|shall|should|is|are)\b[^.]*\?$",
)
_SILENCES = (
    rf"\b{_DOCUMENTS}\b.{{0,60}}?\b{_NOT}\s+(?:\w+ ){{0,2}}?{_TELL}\b",
    rf"\b{_DOCUMENTS}\b.{{0,40}}?\b(?:contains?|includes?|gives?|provides?|has|have|is|are) (?:no|nothing|silent)\b",
    rf"\bno(?:thing|t enough)?\b.{{0,60}}\b(?:in|by|from) {_DOCUMENTS}\b.{{0,40}}$",
    rf"\b(?:is|are|was|were) not (?:\w+ ){{0,2}}?{_TOLD}\b.{{0,20}}\b(?:in|by) {_DOCUMENTS}",
    r"^(?:i|we) (?:could|can|was|were|am|are)\s*(?:n[o’']?t|not|unable)\b.{0,40}\b(?:find|answer|determine|tell|say)\b",
)
_LEADS = (
    r"^(?:here (?:is|are)|below (?:is|are)|the following|these (?:are|include)|this includes|in (?:short|summary)|"
    r"to (?:summari[sz]e|sum up)|(?:first|second|third|next|finally|also|additionally|however|therefore)|"
    r"for (?:example|instance)|in other words|according to|based on)\b[^.\d]{0,80}:$",
    r"^(?:here|below) (?:is|are) (?:a|an|the|some|your)\b[^.\d]{0,60}\.$",
)


def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_WITHOUT_CONTENT, _SILENT = _any(_COURTESIES + _LEADS), _any(_SILENCES)
_BUT = re.compile(r"\b(?:but|however|although|though|yet|while|whereas|instead|nevertheless|except|only)\b|[;:] ", re.I)

_HEADING_WORDS = 8
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|might|must|shall|should|will|would|\w{3,}ed)\b",
    re.IGNORECASE,
)


def is_claim(sentence: str) -> bool:
    """False for courtesies, questions, "the documents do not say", leads such as "Here is a list:", and headings.

    "The documents do not say that, but ..." is a claim: what follows must be supported.
    """
    text = _MARKUP.sub("", sentence).strip()
    if not _LETTER.search(text):
        return any(character.isdigit() for character in text)
    if _WITHOUT_CONTENT.search(text) or (_SILENT.search(text) and not _BUT.search(text)):
        return False
    return not _is_heading(sentence.strip(), text)


def _is_heading(sentence: str, text: str) -> bool:
    """A short line marked as a heading or ending in a colon, that names a matter and says nothing of it."""
    if len(text.split()) > _HEADING_WORDS or numbers(text):
        return False
    emphasised = sentence.startswith(("**", "__")) and sentence.rstrip(": ").endswith(("**", "__"))
    return sentence.startswith("#") or ((emphasised or text.endswith(":")) and not _VERB.search(text))
