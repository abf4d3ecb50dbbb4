"""Words and forms of English that the drafting of questions needs: verbs with their forms, closed classes, numbers.

A closed list of verbs instead of a tagger: what it does not know is passed over, which costs a question; what a tagger
gets wrong would be a wrong question.
"""

from __future__ import annotations

import dataclasses
import re


def words_of(text: str) -> list[str]:
    """A list of words, written as one text."""
    return text.split()


_IRREGULAR = """
be was been|become became become|begin began begun|bind bound bound|break broke broken|bring brought brought
build built built|buy bought bought|catch caught caught|choose chose chosen|come came come|cost cost cost
cut cut cut|deal dealt dealt|do did done|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten
fall fell fallen|feed fed fed|feel felt felt|fight fought fought|find found found|fly flew flown
forbid forbade forbidden|get got got|give gave given|go went gone|grow grew grown|hang hung hung|have had had
hear heard heard|hide hid hidden|hit hit hit|hold held held|keep kept kept|know knew known|lay laid laid
lead led led|leave left left|lend lent lent|let let let|lie lay lain|lose lost lost|make made made
mean meant meant|meet met met|overtake overtook overtaken|pay paid paid|put put put|read read read
ride rode ridden|ring rang rung|rise rose risen|run ran run|say said said|see saw seen|sell sold sold
send sent sent|set set set|shake shook shaken|shoot shot shot|show showed shown|shut shut shut|sing sang sung
sink sank sunk|sit sat sat|speak spoke spoken|spend spent spent|split split split|spread spread spread
stand stood stood|steal stole stolen|stick stuck stuck|strike struck struck|swim swam swum|take took taken
teach taught taught|tell told told|think thought thought|throw threw thrown|understand understood understood
undergo underwent undergone|wear wore worn|win won won|withdraw withdrew withdrawn|write wrote written
""".strip()

_REGULAR = words_of(
    """
    accept access accommodate accompany account achieve acquire adapt add address adopt advise affect agree aim
    allow alter amount analyse analyze announce answer appear apply appoint approve argue arrange arrive ask assign
    assist attach attack attempt attend attract award back ban base belong bill block borrow calibrate call cancel
    capture carry cause celebrate change charge check claim classify clean clear close collect combine command
    compare compete complete compose comprise compute concern conclude conduct confirm connect conquer consider
    consist constitute construct consume contain continue contribute control convert cool correspond count cover
    create credit cross cure damage date decide declare decline decrease define deliver demand demonstrate depend
    deploy describe design destroy detect determine develop die differ direct disable discharge discover discuss
    display distribute divide document double earn educate elect eliminate emerge employ enable end enforce engage
    ensure enter equal equip establish estimate evolve examine exceed exchange exclude execute exist expand expect
    expire explain explore export express extend face fail feature fill film finance finish fit fix focus follow
    force form found freeze function fund gain generate govern grant graduate guarantee guard guide handle happen
    heat help host house identify illustrate imply import improve include increase indicate influence inform inhabit
    inherit initiate insert inspect install integrate interpret introduce invade invent invest invite invoice
    involve issue join judge jump kill label lack land last launch learn license lift limit link list live load
    locate lock log look maintain manage manufacture mark marry match measure merge migrate monitor mount move
    multiply murder name negotiate nominate note notify number obey observe obtain occupy occur offer open operate
    oppose order organise organize originate outline own participate pass perform permit place plan plant play point
    pollute possess practise predict prefer prepare present preserve press prevent print process proclaim produce
    prohibit project promise promote propose protect prove provide publish purchase push qualify quote raise range
    rank rate reach react receive recharge recognise recognize recommend record recover recruit reduce refer reflect
    refuse regard register regulate reject relate release rely remain remember remind remove rename renew rent
    repair repeat replace reply report represent require rescue research resemble reserve resign resist resolve
    respond rest restore restrict result retain retire return reveal review revise reward rotate rule sample satisfy
    save scale schedule score search seek select separate serve settle share shift ship sign simulate slow solve
    sound span specialise specialize specify stage start state stay stop store stretch strengthen study submit
    succeed suffer suggest supply support surpass surrender surround survive suspend switch target tax terminate
    test threaten tie tolerate total touch trace track trade train transfer transform translate transmit transport
    travel treat trigger triple turn type unite update upgrade upload use vary verify view visit void vote wait want
    warn wash waste weigh widen wipe wish withstand witness work worsen yield abandon abolish admit affiliate
    allocate assassinate assault assume authorise authorize ban baptise betray borrow broadcast burn bury cede
    circulate coin commission complain confer confine contract convene convict crown decommission dedicate defeat
    defend depict derive dissolve drop dry dub encourage encrypt erect escape evacuate execute exhibit fire flow
    found gather honour honor ignore impose inaugurate incorporate inspire isolate label legalise legalize modernise
    mobilise motivate omit orbit overlook peak perceive persuade pioneer plead portray pour pronounce purify ratify
    rebuild reconstruct reform reign relocate render repeal resume revive secure seize shape signal stabilise stem
    stress subdivide supervise sweep symbolise topple trap unveil urge utilise validate value wage
    """
)

_DOUBLED = frozenset(
    words_of(
        """
        ban fit plan stop ship wrap trap drop stem admit refer transfer occur prefer submit permit equip omit
        control cancel travel label model total signal regret commit confer dub log
        """
    )
)

AUXILIARIES = frozenset(
    words_of("is are was were has have had must may might can could will would shall should cannot")
)
MODALS = frozenset(words_of("must may might can could will would shall should cannot"))
FORMS_OF_BE = frozenset(words_of("is are was were"))

PREPOSITIONS = frozenset(
    words_of(
        """
        about above across after against along among around as at before behind below beneath beside between
        beyond by despite down during except for from in inside into like near of off on onto out outside over
        past per since through throughout till to toward towards under until up upon via with within without
        """
    )
)
DETERMINERS = frozenset(words_of("a an the every each all any no some both another"))
PRONOUNS = frozenset(
    words_of(
        """
        i you he she it we they me him her us them this that these those there here one such who whom whose
        which what someone somebody anyone anybody everyone everybody nobody nothing something anything
        everything others mine yours his hers ours theirs itself himself herself themselves
        """
    )
)
POSSESSIVES = frozenset(words_of("my your his her its our their"))
POINTING = frozenset(
    words_of(
        """
        above below following former latter respectively aforementioned said similarly likewise otherwise
        instead thus hence therefore however moreover furthermore nevertheless nonetheless meanwhile then
        consequently accordingly additionally too also earlier later previously again today tomorrow yesterday
        now currently recently finally next last
        """
    )
)
"""Words that point at another sentence, or at the moment of writing."""

OPENERS = (
    PRONOUNS
    | POSSESSIVES
    | POINTING
    | frozenset(
        words_of(
            """
            and but or so yet nor because although though while whereas if when whenever where wherever
            unless once as to please not only even despite given let see note e.g i.e yes no rather
            indeed perhaps maybe more most many several few other another both either neither half
            """
        )
    )
)
"""No sentence that begins with one of these is turned into a question."""

CLAUSE_WORDS = frozenset(
    words_of(
        """
        that which who whom whose where when while because although though if unless whether since until than as
        so
        """
    )
)

MONTHS = words_of("January February March April May June July August September October November December")
WEEKDAYS = words_of("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_NUMERALS = words_of(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred dozen"
)
NUMERAL = rf"(?:(?:{'|'.join(_NUMERALS)})(?:-(?:{'|'.join(_NUMERALS)}|one))?)"
DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
NUMBER = (
    rf"(?:(?:{DIGITS})(?: (?:hundred|thousand|million|billion|trillion))?|{NUMERAL}(?: (?:thousand|million|billion))?)"
)

_IRREGULAR_PLURALS = frozenset(
    words_of(
        """
        people children men women feet teeth mice police staff personnel data media criteria phenomena species
        series
        """
    )
)


@dataclasses.dataclass(frozen=True, slots=True)
class VerbForm:
    """What a word can be as a form of the verb `base`; several may hold ("cut", "asked")."""

    base: str
    third: bool  # "borrows"
    past: bool  # "borrowed"
    participle: bool  # "borrowed"
    plain: bool  # "borrow"


def verb_form(word: str) -> VerbForm | None:
    """The verb that a word is a form of; None when it is of none that is known."""
    return _FORMS.get(word.lower())


def participle_of(word: str) -> bool:
    form = verb_form(word)
    return form is not None and form.participle


def is_plural(noun: str) -> bool:
    """Whether a noun is a plural by its form."""
    word = noun.lower().rstrip("’'")
    return word in _IRREGULAR_PLURALS or (
        len(word) > 2 and word.endswith("s") and not word.endswith(("ss", "us", "is", "ics", "news"))
    )


def third_person(base: str) -> str:
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    return base + base[-1] + "ed" if base in _DOUBLED else base + "ed"


def _forms() -> dict[str, VerbForm]:
    found: dict[str, VerbForm] = {}

    def add(
        word: str, base: str, *, third: bool = False, past: bool = False, participle: bool = False, plain: bool = False
    ) -> None:
        known = found.get(word)
        if known is not None and known.base != base and base not in ("lie", "lay", "find", "found", "fall", "fell"):
            return
        before = known or VerbForm(base, False, False, False, False)
        found[word] = VerbForm(
            before.base,
            before.third or third,
            before.past or past,
            before.participle or participle,
            before.plain or plain,
        )

    for entry in re.split(r"[|\n]", _IRREGULAR):
        base, past, participle = entry.split()
        if base in ("be", "have", "do"):
            continue
        add(third_person(base), base, third=True)
        add(past, base, past=True)
        add(participle, base, participle=True)
        add(base, base, plain=True)
    for base in _REGULAR:
        add(third_person(base), base, third=True)
        for word in (
            {_past(base), base + "ed"} if base in ("travel", "label", "cancel", "signal", "total") else {_past(base)}
        ):
            add(word, base, past=True, participle=True)
        add(base, base, plain=True)
    for word, base in (("has", "have"), ("does", "do")):
        found[word] = VerbForm(base, True, False, False, False)
    found["had"] = VerbForm("have", False, True, True, False)
    found["have"] = VerbForm("have", False, False, False, True)
    found["did"] = VerbForm("do", False, True, False, False)
    found["done"] = VerbForm("do", False, False, True, False)
    found["do"] = VerbForm("do", False, False, False, True)
    return found


_FORMS = _forms()
