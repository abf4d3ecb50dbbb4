"""A follow-up made to stand alone by rule: its pronouns and omissions are filled from the questions before it.

For English; of a follow-up in German, French or Spanish the question before it is put beside it. A question that can
be understood alone comes back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from generation.answers import Turn
from generation.prompting.mentions import NO_THINGS, Mention, mentions, simple_mentions
from generation.routing.small_talk import small_talk

_LAST_TURNS = 8
_LONGEST_QUESTION = 400
"""Who writes more characters has said what is meant."""
_LONGEST_ANSWER = 1500

_WH = r"(?:who(?:se|m)?|what|when|where|why|which|how)"
_VERB = re.compile(
    rf"\b(?:{_WH}|is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|compare|list|"
    r"show|tell|explain|describe|summari[sz]e|give|name|find)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:(?:ok(?:ay)?|and|but|so|or|then|also|thanks|great|yes|no)\b[\s,.!]*)+", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:(?:what|how) about|what of|same (?:question )?for|what if it(?:'s| is))\s+", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"^(in|for|at|on|from|by|with|without|since|until|before|after|during|under|over|of|to|per|between)\s+",
    re.IGNORECASE,
)
_EXTENT = r"so|not|exactly|else|long|much|many|often|far|old|big|large|high|then|is that|was that"
_BARE_WH = re.compile(rf"^({_WH}(?: (?:{_EXTENT}))?)[?.!\s]*$", re.IGNORECASE)
_EXPLETIVE = re.compile(
    r"\b(?:is|was|isn't|does|did|will|would|can|may) it (?:\w+ )?(?:true|possible|allowed|necessary|required|legal|"
    r"permitted|safe|correct|clear|known|likely|important|take to|cost to|mean to|rain|say anywhere)\b|"
    r"\b(?:is|was|be|makes?|made) it (?:\w+ ){1,2}(?:for|to|that|if|when)\b|\bdoes it mean (?:when|if|to|that)\b|"
    r"\bit (?:is|was|takes?|costs?) (?:\w+ ){0,3}(?:to|that)\b|\btake it\b",
    re.IGNORECASE,
)
# "this" and "that" stand for a thing after these words only; elsewhere they join clauses.
_BEFORE_THIS = """
of in for about with to from by on does did do is was are were will can has have after before since explain compare
"""
_AFTER_THIS = (
    "is are was were has have do does did can will would mean apply happen work change cost end in on of for to the a "
    "an and or any at by from with all"
)
_PLACES_OF_THIS = "|".join(rf"(?<=\b{word} )" for word in _BEFORE_THIS.split())
_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|will|would|shall|should|may|might|must)"
_PRONOUN = re.compile(
    r"\b(?P<thing>it|its|itself)\b|\b(?P<person>he|she|him|his|her|hers)\b|\b(?P<many>they|them|their|theirs)\b|"
    rf"\b(?P<two>the two|both|each of them|the latter|the former)(?=\W*$|,| {_AUXILIARY}\b)|"
    rf"(?P<this>{_PLACES_OF_THIS}|^)(?:this|that|these|those)"
    rf"(?: (?P<noun>(?!(?:{_AFTER_THIS.replace(' ', '|')})\b)[a-z][\w-]+))?(?=\W|$)|"
    r"\b(?P<place>there)\b(?! (?:is|are|was|were|any|a|an|be|been)\b)",
    re.IGNORECASE,
)
_THERE_IS = re.compile(r"\b(?:is|are|was|were|will|has|have|can|could) there\b", re.IGNORECASE)
_ASKS = re.compile(rf"{_VERB.pattern}", re.IGNORECASE)
_NOT_MEANT = re.compile(r"(?:(?:in|on|at|for|by|during)|.*\b(?:which|what)) $", re.IGNORECASE)
"""Before a mention that no pronoun after it means: "In March, did it ...?", "What benefits does it offer?"."""
_ENOUGH_SAID = 3
"""So many words of content before a pronoun give it something to refer to, whatever their form."""
_LATER_CLAUSE = re.compile(
    r"\b(?:and|or|but)\b|\b(?:after|before|when|if|because|while|until|since|that|as|than|once|unless|although|how) $",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset(("its", "his", "her", "hers", "their", "theirs"))
_YEAR = re.compile(
    r"\b(?:(?:Q[1-4]|(?:fiscal(?: year)?|FY)) ?)?(?:19|20)\d\d(?:[-/–]\d{2,4})?\b|\bQ[1-4]\b", re.IGNORECASE
)
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_MARK = re.compile(r"\s*\[\d{1,3}\]")
_OTHER_LANGUAGES = re.compile(
    r"^(?:und|aber|was ist mit|wie (?:ist|sieht) es (?:mit|bei)|et|mais|qu['’]en est-il|¿?y|¿?pero|"
    r"¿?qué (?:pasa con|hay de))\b|"
    r"\b(?:davon|dafür|darin|dazu|dessen|deren|dieser?|dieses|diesem|dort|celui-ci|celle-ci|là-bas|ce dernier|eso|ese|"
    r"esa|este|ello|allí)\b|"
    r"^\W*(?:warum|wieso|wann|wo|wer|pourquoi|quand|où|qui|por qué|cuándo|dónde|quién)\W*$|"
    r"\b(?:kostet|gilt|dauert|endet|beginnt|ist|war) (?:er|es|sie)\b|\b(?:est|était|coûte|dure)-(?:il|elle)\b",
    re.IGNORECASE,
)
_LIKELY_OTHER = re.compile(
    r"[äöüßéèêàçñ¿¡]|\b(?:und|der|die|das|ist|war|wie|was|wer|wann|für|et|le|la|les|est|quel|quelle|qui|dans|y|el|los|"
    r"qué|en|es|mit|bei|pour|por|warum|wieso|pourquoi)\b",
    re.IGNORECASE,
)


def by_rule(question: str, history: Sequence[Turn]) -> str:
    """The question as it can be understood without the history (the same object when it can already)."""
    if len(question) > _LONGEST_QUESTION or small_talk(question) is not None:
        return question
    context = _Context()
    for turn in history[-_LAST_TURNS:]:
        if (
            turn.role == "user"
            and 0 < len(turn.content.strip()) <= _LONGEST_QUESTION
            and small_talk(turn.content) is None
        ):
            context.asked(_resolved(turn.content.strip(), context))
        elif turn.role == "assistant":
            context.answered(turn.content)
    return _resolved(question, context)


class _Context:
    """The last question, standing alone, and the answer to it."""

    def __init__(self) -> None:
        self.question = ""
        self.answer = ""

    def asked(self, question: str) -> None:
        if _VERB.search(question) or len(question.split()) > 1:
            self.question, self.answer = question, ""

    def answered(self, answer: str) -> None:
        self.answer = _MARK.sub("", answer[:_LONGEST_ANSWER])


def _resolved(question: str, context: _Context) -> str:
    if not context.question:
        return question
    text = " ".join(question.split())
    if _LIKELY_OTHER.search(text) and not _VERB.search(text):
        return _beside(text, context) if _OTHER_LANGUAGES.search(text) else question
    if match := _BARE_WH.match(_LEAD.sub("", text)):
        return _with_question_word(match.group(1), context)
    fragment = _fragment(text)
    if fragment:
        return _substituted(fragment, context.question)
    without_lead = _capital(_LEAD.sub("", text)) if _LEAD.match(text) else text
    spoken = _pronouns_filled(without_lead, context)
    spoken = _narrowed(spoken, context) if spoken == without_lead else spoken
    return question if spoken == text else spoken


def _fragment(text: str) -> str:
    """What is left of "and in 2023?" or "what about Basel?"; empty when the text is a question of its own."""
    led = _LEAD.sub("", text)
    about = _ABOUT.sub("", led)
    rest = about.rstrip("?!. ")
    if about != led:
        return rest if len(rest.split()) <= 10 and not _PRONOUN.fullmatch(rest) else ""
    if _VERB.search(rest) or not rest:
        return ""
    words = len(rest.split())
    said = led != text or bool(_PREPOSITION.match(rest)) or (text.endswith("?") and words <= 3)
    return rest if said and words <= 8 else ""


def _with_question_word(word: str, context: _Context) -> str:
    """ "Why?" after "Did the board agree?" is "Why did the board agree?"."""
    asked = context.question.rstrip("?.! ")
    if re.match(r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must|may)\b", asked, re.I):
        return f"{_capital(word)} {asked[0].lower()}{asked[1:]}?"
    return f"{asked}, and {word.lower()}?"


def _substituted(fragment: str, question: str) -> str:
    """The last question with the fragment in the place of its like: year for year, name for name, "in X" for "in Y"."""
    body = question.rstrip("?.! ")
    end = question[len(body) :] or "?"
    bare = _PREPOSITION.sub("", fragment)
    preposition = match.group(1).casefold() if (match := _PREPOSITION.match(fragment)) else ""
    fragment = f"{preposition} {bare}" if preposition else fragment
    for pattern in (_YEAR, _NUMBER):
        if pattern.fullmatch(bare):
            if old := list(pattern.finditer(body)):
                return body[: old[-1].start()] + bare + body[old[-1].end() :] + end
            return f"{body} {fragment if preposition else f'in {bare}'}{end}"
    wanted = simple_mentions(bare)
    if wanted and (old_one := _like(wanted[-1], body, preposition)):
        if preposition and not body[: old_one.start].casefold().rstrip().endswith(preposition):
            return f"{body} {fragment}{end}"
        return body[: old_one.start] + bare + body[old_one.end :] + end
    if preposition:
        return f"{body} {fragment}{end}"
    if not wanted and (simple := [one for one in simple_mentions(body) if not one.name]):
        article = "the " if simple[0].text.casefold().startswith("the ") and not bare.casefold().endswith("s") else ""
        return body[: simple[0].start] + article + bare + body[simple[0].end :] + end
    return f"{body}, and {fragment}{end}"


def _like(wanted: Mention, body: str, preposition: str) -> Mention | None:
    """The mention that the wanted one stands in for: the same noun, else the last name, or the first thing."""
    old = simple_mentions(body)
    same_noun = [one for one in old if one.head == wanted.head and not wanted.name]
    if same_noun:
        return same_noun[0]
    if preposition:
        near = [one for one in old if body[: one.start].casefold().rstrip().endswith(f" {preposition}")]
        if near:
            return near[-1]
    if wanted.name:
        names = [one for one in old if one.name]
        joined = [one for one in mentions(body) if one.plural and one.name]
        if joined:
            return None
        return names[-1] if names else None
    things = [one for one in old if not one.name]
    return things[0] if things else None


def _pronouns_filled(text: str, context: _Context) -> str:
    if _EXPLETIVE.search(text) or not (text.endswith("?") or _ASKS.match(text)):
        return text
    topic: str | None = None
    position = 0
    filled = ""
    for match in _PRONOUN.finditer(text):
        word = match.group()
        if match["place"] and _THERE_IS.search(text):
            continue
        if topic is None:
            if _said_before(text, match):
                return text
            topic = _antecedent(match, context)
            if topic is None:
                return _beside(text, context)
        filled += text[position : match.start()] + _in_place(word, topic, match, repeated=bool(position))
        position = match.end()
    return filled + text[position:]


def _said_before(text: str, match: re.Match[str]) -> bool:
    """Whether what the pronoun refers to stands in the question itself."""
    before = text[: match.start()]
    if any(one.end <= match.start() and not _NOT_MEANT.match(text[: one.start]) for one in mentions(text)):
        return True
    said = [word for word in re.findall(r"[^\W\d_]+", before.casefold()) if word not in NO_THINGS]
    if len(said) >= _ENOUGH_SAID or (said and _LATER_CLAUSE.search(before)):
        return True
    # "Which author is known for his book": whose, if not the author's? But not "Which companies are its customers".
    person = match.group().casefold() in _POSSESSIVE and not re.search(rf"\b{_AUXILIARY} $", before, re.IGNORECASE)
    asks_for = re.match(rf"(?:which|what|how many|whose) (?!{_AUXILIARY}\b)\w|who (?!{_AUXILIARY}\b)\w", before, re.I)
    of_people = before[:8].casefold().startswith(("who", "how many"))
    return person and asks_for is not None and not (of_people and match["thing"])


def _antecedent(match: re.Match[str], context: _Context) -> str | None:
    in_question, in_answer = mentions(context.question), mentions(context.answer)
    if match["person"]:
        asked = context.question.casefold()
        named = [one for one in in_answer if one.name and one.text.casefold() not in asked]
        people = [one for one in in_question if one.name and " " in one.text]
        return _first(named, people) if asked.startswith("who") else _first(people, named, in_question)
    if match["place"]:
        places = [one for one in (*in_question, *in_answer) if _after_place_preposition(one, context)]
        return f"in {places[-1].text}" if places else None
    several = [one for one in in_question if one.plural] or [one for one in in_answer if one.plural]
    if match["two"]:
        return _first(several) if match["two"].casefold() in ("the two", "both") else None
    if match["many"]:
        return _first(several, in_question, in_answer)
    if noun := match["noun"]:
        return _first([one for one in (*in_question, *in_answer) if _has_noun(one, noun)])
    return _first([one for one in in_question if not one.plural], in_question, in_answer)


def _first(*choices: Sequence[Mention]) -> str | None:
    """The first mention of the first choice that has any."""
    return next((mentioned[0].text for mentioned in choices if mentioned), None)


def _has_noun(one: Mention, noun: str) -> bool:
    return any(word.casefold().rstrip("s") == noun.casefold().rstrip("s") for word in re.findall(r"[\w-]+", one.text))


def _after_place_preposition(one: Mention, context: _Context) -> bool:
    return any(
        re.search(rf"\b(?:in|at|from|to|near|of) (?:the )?{re.escape(one.text)}", text) is not None
        for text in (context.question, context.answer)
    )


def _in_place(word: str, topic: str, match: re.Match[str], *, repeated: bool) -> str:
    if word.casefold() in _POSSESSIVE:
        is_object = word.casefold() == "her" and not re.match(r" [a-z]", match.string[match.end() :])
        if not is_object:
            return topic if topic.endswith(("'s", "’s")) else f"{topic}'" if topic.endswith("s") else f"{topic}'s"
    if match["two"] and word.casefold() == "both":
        return f"both {topic}"
    return word if repeated and word.casefold() not in _POSSESSIVE else topic


def _narrowed(text: str, context: _Context) -> str:
    """ "the contract" after a question on "the contract with Acme" means that one, if nothing else is named."""
    own = mentions(text)
    if any(one.name or _NUMBER.search(one.text) for one in own) or _YEAR.search(text):
        return text
    for one in own:
        words = one.text.split()
        told_more = re.match(
            r" (?:of|for|in|with|between|to|from|on|at)\b", text[text.find(one.text) + len(one.text) :]
        )
        if len(words) != 2 or words[0].casefold() != "the" or told_more:
            continue
        for known in mentions(context.question):
            longer = len(known.text.split()) > 2 or "'s" in known.text
            if longer and _names_something(known.text) and _first_noun(known).casefold() == words[1].casefold():
                return text[: one.start] + known.text + text[one.end :]
    return text


def _first_noun(one: Mention) -> str:
    return simple_mentions(one.text)[0].head if simple_mentions(one.text) else one.head


def _names_something(text: str) -> bool:
    return any(word[:1].isupper() or word[:1].isdigit() for word in text.split()[1:]) or "'s" in text


def _beside(text: str, context: _Context) -> str:
    return f"{text} ({context.question})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
