"""Greetings, thanks, goodbyes and "who are you?" in English, German, French and Spanish: nothing to search for.

The whole text must be small talk: "Hello, what is the rent?" is a question.
"""

from __future__ import annotations

import dataclasses
import re

_LONGEST = 120
_EDGE = r"[\s,.;:!?¡¿…()'’\"❤️\U0001f300-\U0001faff-]*"

_PHRASES = {
    ("greeting", "en"): (
        r"hi|hello|hey|hiya|howdy|greetings|yo|good (?:morning|afternoon|evening|day)|how are (?:you|things)"
        r"(?: (?:doing|today))*|how do you do|how(?:'s| is) it going|nice to meet you|what'?s up"
    ),
    ("greeting", "de"): (
        r"hallo|guten (?:morgen|tag|abend)|moin(?: moin)?|servus|gr(?:ü|ue)(?:ß|ss) (?:gott|dich)|"
        r"wie geht(?:'s| es)(?: (?:dir|ihnen))?"
    ),
    ("greeting", "fr"): r"bonjour|bonsoir|salut|coucou|(?:comment )?(?:ç|c)a va|comment (?:allez-vous|vas-tu)",
    ("greeting", "es"): r"hola|buen(?:os|as) (?:d(?:í|i)as|tardes|noches)|(?:cómo|como|qué|que) (?:est(?:á|a)s?|tal)",
    ("thanks", "en"): (
        r"thanks?(?: (?:you|a lot|a million|so much|very much))*|thx|cheers|much appreciated|well done|good job|"
        r"that(?:'s| is| was) (?:very |really )?(?:great|helpful|all|perfect|good|nice|it)|that helps|"
        r"(?:very |really )?(?:great|perfect|nice|awesome|cool|ok(?:ay)?|got it|i see|understood|alright)"
    ),
    ("thanks", "de"): r"dank(?:e|esch(?:ö|oe)n)(?: (?:sch(?:ö|oe)n|sehr|dir|ihnen))?|(?:vielen|besten|herzlichen) dank",
    ("thanks", "fr"): r"merci(?: (?:beaucoup|bien|à (?:toi|vous)))?",
    ("thanks", "es"): r"(?:muchas |mil )?gracias",
    ("goodbye", "en"): (
        r"(?:good)?bye(?:[ -]bye)?|see you(?: (?:later|soon|tomorrow))?|good night|have a (?:nice|good|great) day"
    ),
    ("goodbye", "de"): r"tsch(?:ü|ue)(?:ss|ß)|auf wiedersehen|bis (?:bald|morgen|sp(?:ä|ae)ter)|gute nacht|ciao",
    ("goodbye", "fr"): r"au revoir|(?:à|a) (?:bient(?:ô|o)t|demain|plus)|bonne (?:nuit|journ(?:é|e)e)",
    ("goodbye", "es"): r"adi(?:ó|o)s|hasta (?:luego|pronto|mañana|la vista)",
    ("identity", "en"): (
        r"who are you|what are you|what(?:'s| is) your name|are you (?:a |an )?(?:bot|robot|human|ai|real)|"
        r"what (?:can|do) you do|how can you help(?: me)?|what can i ask(?: you)?|can you help(?: me)?|help(?: me)?|"
        r"introduce yourself"
    ),
    ("identity", "de"): (
        r"wer (?:bist du|sind sie)|was (?:kannst du|k(?:ö|oe)nnen sie)|wie (?:hei(?:ß|ss)t du|hei(?:ß|ss)en sie)|hilfe"
    ),
    ("identity", "fr"): (
        r"qui (?:es[- ]tu|(?:ê|e)tes[- ]vous)|que (?:peux-tu|pouvez-vous) faire|comment (?:t'appelles-tu|vous "
        r"appelez-vous)"
    ),
    ("identity", "es"): r"qui(?:é|e)n (?:eres|es usted)|(?:qué|que) puedes? hacer|c(?:ó|o)mo te llamas",
}  # fmt: skip
_FILLER = (
    r"there|again|everyone|everybody|team|friend|plumbline|please|and|too|so|much|for (?:your|the) help|for that|"
    r"today|bitte|und|et|y|zusammen|alle|à tous|a todos|my friend|everything|dear assistant|assistant"
)
_ANY = {key: re.compile(rf"{_EDGE}(?:{pattern})(?!\w){_EDGE}") for key, pattern in _PHRASES.items()}
_FILLERS = re.compile(rf"(?:{_FILLER})(?!\w){_EDGE}")

_REPLIES = {
    ("greeting", "en"): "Hello! Ask me something about your documents; I answer from them and cite the places.",
    ("greeting", "de"): "Hallo! Fragen Sie mich etwas zu Ihren Dokumenten; ich antworte daraus und nenne die Stellen.",
    ("greeting", "fr"): "Bonjour ! Posez-moi une question sur vos documents ; j'y réponds en citant les passages.",
    ("greeting", "es"): "¡Hola! Pregúnteme algo sobre sus documentos; respondo con ellos y cito los pasajes.",
    ("thanks", "en"): "You are welcome. Ask me anything else about your documents.",
    ("thanks", "de"): "Gern geschehen. Fragen Sie mich gern noch etwas zu Ihren Dokumenten.",
    ("thanks", "fr"): "Avec plaisir. Posez-moi d'autres questions sur vos documents.",
    ("thanks", "es"): "De nada. Pregúnteme lo que quiera sobre sus documentos.",
    ("goodbye", "en"): "Goodbye!",
    ("goodbye", "de"): "Auf Wiedersehen!",
    ("goodbye", "fr"): "Au revoir !",
    ("goodbye", "es"): "¡Hasta luego!",
    ("identity", "en"): "I am Plumbline. I answer questions from the documents uploaded here and cite every place.",
    ("identity", "de"): "Ich bin Plumbline. Ich beantworte Fragen aus den hier hochgeladenen Dokumenten, mit Belegen.",
    (
        "identity",
        "fr",
    ): "Je suis Plumbline. Je réponds aux questions à partir des documents déposés ici, avec citations.",
    ("identity", "es"): "Soy Plumbline. Respondo preguntas con los documentos subidos aquí y cito cada pasaje.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class SmallTalk:
    """`kind`: greeting, thanks, goodbye, identity (the last one said); `language`: en, de, fr, es."""

    kind: str
    language: str

    @property
    def reply(self) -> str:
        """What is said when no language model is there to say it."""
        return _REPLIES[self.kind, self.language]


def small_talk(text: str) -> SmallTalk | None:
    """What kind of small talk the text is; None when it is more than that."""
    left = " ".join(text.casefold().replace("’", "'").split())
    if len(left) > _LONGEST:
        return None
    found = None
    while left:
        matches = [(match.end(), key) for key, pattern in _ANY.items() if (match := pattern.match(left))]
        if matches:
            length, key = max(matches)
            found = SmallTalk(*key)
        elif found and (match := _FILLERS.match(left)):
            length = match.end()
        else:
            return None
        left = left[length:]
    return found
