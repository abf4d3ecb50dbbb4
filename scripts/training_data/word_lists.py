"""Closed sets of words: those that mean the same, those of which one excludes the other, and scales of units."""

from __future__ import annotations


def _of(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MONTHS = _of("January February March April May June July August September October November December")
WEEKDAYS = _of("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
NUMBER_WORDS = _of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
SPEAKERS = _of(
    "Anna Ben Carla David Emma Felix Grace Hugo Irene Jack Kate Leo Maria Noah Olivia Paul Rosa Sam Tina Victor "
    "Ahmed Mei Priya Tom Laura"
)
COMMON_STARTS = frozenset(
    _of(
        "the a an in on at by for from with as of to it he she they we i you this that these those there his her its "
        "their our my when while although though after before during since until because if some many most all both "
        "each such one two three four five other another however moreover furthermore also but and or so yet not no "
        "never where what who which why how according unlike under over between among within without despite first "
        "second third new old"
    )
)
NO_NAMES = frozenset(
    _of(
        "The A An In On At It He She They This These There His Her Its Their After Before When While Many Some Most "
        "All During For From As By If Since Although To Both Each One Two Three Several Currently Another Other Such "
        "Because However According Under Over Between Until With Without We You Those That"
    )
)
GRAMMATICAL = frozenset(
    _of(
        "be have do will would can could may might must shall should not no get make take go come say one two three "
        "it he she they we i you a an the this that there here who which what as at by for from in of on to with and "
        "or but so than then also only just very more most much many some any all each every other such same own s t"
    )
)
AUXILIARIES = frozenset(_of("did do does has had have can could will would should may might"))
SAME = (
    ("such as", "like", "including"), ("because", "since", "as"), ("although", "though", "even though"),
    ("however", "but"), ("in order to", "to"), ("due to", "because of", "owing to"), ("approximately", "about",
    "around", "roughly"), ("more than", "over"), ("less than", "under"), ("began", "started"), ("begin", "start"),
    ("ended", "finished"), ("located in", "situated in"), ("was born in", "came from"), ("created", "made"),
    ("received", "got", "was given"), ("shows", "demonstrates", "indicates"), ("showed", "demonstrated", "indicated"),
    ("many", "numerous", "a lot of"), ("several", "some", "a number of"), ("often", "frequently"),
    ("usually", "normally", "generally"), ("helps", "assists"), ("used", "employed", "utilized"), ("use", "employ",
    "utilize"), ("large", "big"), ("important", "significant", "major"), ("also", "too", "as well"),
    ("said", "stated"), ("says", "states"), ("known as", "called"), ("people", "persons", "individuals"),
    ("children", "kids"), ("try to", "attempt to"), ("tried to", "attempted to"), ("wants to", "wishes to"),
    ("goes", "travels"), ("went to", "travelled to"), ("buy", "purchase"), ("bought", "purchased"),
    ("gave", "provided", "handed"), ("gives", "provides", "offers"), ("provide", "offer", "supply"),
    ("provides", "offers", "supplies"), ("provided", "offered", "supplied"), ("contains", "includes", "has"),
    ("explains", "describes", "clarifies"), ("explained", "described", "clarified"), ("discuss", "talk about"),
    ("discusses", "talks about"), ("discussed", "talked about"), ("asked", "inquired"), ("answered", "replied"),
    ("different", "various", "distinct"), ("main", "primary", "principal", "chief"), ("need to", "have to", "must"),
    ("needs to", "has to", "must"), ("enough", "sufficient"), ("the majority of", "most of"), ("whole", "entire"),
    ("quickly", "rapidly", "fast"), ("happy", "glad", "pleased"), ("sad", "unhappy"), ("hard", "difficult"),
    ("easy", "simple"), ("problem", "issue", "difficulty"), ("problems", "issues", "difficulties"),
    ("method", "approach", "technique"), ("methods", "approaches", "techniques"), ("results", "findings", "outcomes"),
    ("company", "firm", "business"), ("companies", "firms", "businesses"), ("movie", "film"), ("car", "automobile"),
    ("job", "position"), ("increase", "rise", "growth"), ("increased", "rose", "grew"), ("decreased", "fell",
    "declined", "dropped"), ("killed", "slain"), ("died", "passed away"), ("near", "close to"), ("begins", "starts"),
    ("while", "whereas"), ("therefore", "thus", "hence"), ("improve", "enhance", "better"), ("improved", "enhanced"),
    ("reduce", "lower", "cut"), ("reduced", "lowered", "cut"), ("build", "construct"), ("built", "constructed"),
    ("required", "needed"), ("requires", "needs"), ("require", "need"), ("allows", "lets", "enables"),
    ("allow", "let", "enable"), ("throughout", "all through"), ("during", "in"), ("entire", "whole"),
    ("does not", "doesn't"), ("do not", "don't"), ("did not", "didn't"), ("is not", "isn't"), ("was not", "wasn't"),
    ("were not", "weren't"), ("are not", "aren't"), ("cannot", "can't", "is unable to"), ("percent", "%", "per cent"),
    ("famous", "well-known", "renowned"), ("get", "obtain"), ("show", "demonstrate", "display"), ("find", "discover"),
    ("found", "discovered"), ("think", "believe"), ("thinks", "believes"), ("thought", "believed"), ("end", "finish"),
    ("choose", "select", "pick"), ("chose", "selected", "picked"), ("keep", "retain"), ("kept", "retained"),
    ("speak", "talk"), ("spoke", "talked"), ("house", "home"), ("beautiful", "lovely", "pretty"), ("big", "large"),
    ("small", "little", "tiny"), ("smart", "clever", "intelligent"), ("angry", "mad", "furious"), ("sick", "ill"),
    ("start", "begin"), ("started", "began"), ("worker", "employee"), ("workers", "employees"), ("gain", "obtain"),
    ("goal", "aim", "objective"), ("goals", "aims", "objectives"), ("chance", "opportunity"), ("right away",
    "immediately"), ("at once", "immediately"), ("looks for", "seeks"), ("look for", "seek"), ("looked for", "sought"),
    ("mentions", "refers to"), ("suggests", "proposes", "recommends"), ("suggested", "proposed", "recommended"),
    ("agreed", "consented"), ("refused", "declined"), ("decided", "resolved"), ("returned", "came back", "went back"),
    ("arrived", "came"), ("remained", "stayed"), ("remain", "stay"), ("permitted", "allowed"), ("forbidden",
    "prohibited", "banned"), ("purpose", "aim"), ("rich", "wealthy"), ("poor", "needy"), ("brave", "courageous"),
)  # fmt: skip
CONTRARY = (
    ("increase", "decrease"), ("increases", "decreases"), ("increased", "decreased", "stagnated"), ("increasing",
    "decreasing"), ("before", "after"), ("first", "last", "second"), ("more", "less", "fewer"), ("most", "least"),
    ("higher", "lower"), ("high", "low"), ("highest", "lowest"), ("larger", "smaller"), ("largest", "smallest"),
    ("greater", "smaller"), ("greatest", "least"), ("better", "worse"), ("best", "worst"), ("early", "late"),
    ("earlier", "later"), ("old", "young", "new"), ("older", "younger"), ("oldest", "youngest", "newest"),
    ("north", "south", "east", "west"), ("northern", "southern", "eastern", "western"), ("above", "below"),
    ("over", "under"), ("inside", "outside"), ("with", "without"), ("for", "against"), ("up", "down"), ("can",
    "cannot"), ("must", "may", "should not"), ("should", "should not"), ("will", "will not", "may"), ("always",
    "sometimes", "never"), ("often", "rarely", "never"), ("usually", "rarely"), ("all", "some", "few", "none of"),
    ("every", "no"), ("both", "neither"), ("many", "few"), ("several", "all", "no"), ("some", "all", "no"), ("few",
    "many"), ("only", "also"), ("including", "excluding"), ("accepted", "rejected"), ("agreed", "refused"),
    ("allowed", "forbidden", "required"), ("allows", "prevents", "requires"), ("allow", "prevent"), ("began",
    "ended"), ("started", "stopped"), ("opened", "closed"), ("won", "lost"), ("gained", "lost"), ("rose", "fell"),
    ("supported", "opposed"), ("support", "oppose"), ("supports", "opposes"), ("helped", "hindered"), ("helps",
    "hinders"), ("cause", "prevent"), ("causes", "prevents"), ("caused", "prevented"), ("strong", "weak"), ("rich",
    "poor"), ("good", "bad"), ("success", "failure"), ("successful", "unsuccessful"), ("possible", "impossible"),
    ("likely", "unlikely"), ("able", "unable"), ("true", "false"), ("public", "private"), ("male", "female"),
    ("men", "women"), ("man", "woman"), ("boy", "girl"), ("he", "she"), ("his", "her"), ("father", "mother"), ("son",
    "daughter"), ("brother", "sister"), ("king", "queen"), ("husband", "wife"), ("uncle", "aunt"), ("left", "right"),
    ("day", "night"), ("summer", "winter"), ("positive", "negative"), ("major", "minor"), ("internal", "external"),
    ("natural", "artificial"), ("similar", "different"), ("same", "different"), ("known", "unknown"), ("common",
    "rare"), ("rarely", "often"), ("easy", "difficult"), ("difficult", "easy"), ("cheap", "expensive"), ("fast",
    "slow"), ("hot", "cold"), ("warm", "cold"), ("dry", "wet"), ("long", "short"), ("near", "far from"), ("happy",
    "sad", "angry"), ("love", "hate"), ("loves", "hates"), ("loved", "hated"), ("like", "dislike"), ("bought",
    "sold"), ("buy", "sell"), ("gave", "took"), ("gives", "takes"), ("remember", "forget"), ("asked", "told"),
    ("asks", "tells"), ("recommended", "discouraged"), ("recommends", "discourages"), ("encouraged", "discouraged"),
    ("confirmed", "denied"), ("praised", "criticized"), ("improve", "worsen"), ("improved", "worsened"), ("reduce",
    "increase"), ("reduces", "increases"), ("reduced", "increased"), ("expand", "shrink"), ("expanded", "shrank"),
    ("majority", "minority"), ("maximum", "minimum"), ("at least", "at most"), ("more than", "less than", "exactly"),
    ("less than", "more than"), ("up to", "more than"), ("according to", "contrary to"), ("because of", "despite"),
    ("despite", "because of"), ("temporary", "permanent"), ("voluntary", "mandatory"), ("optional", "required"),
    ("free", "paid"), ("safe", "dangerous"), ("benefits", "risks"), ("advantages", "disadvantages"), ("advantage",
    "disadvantage"), ("past", "future"), ("ancient", "modern"), ("domestic", "foreign"), ("local", "national",
    "international"), ("rural", "urban"), ("teacher", "student"), ("teachers", "students"), ("buyer", "seller"),
    ("employee", "employer"), ("parents", "children", "teachers"), ("everyone", "no one"), ("everything", "nothing"),
    ("together", "alone"), ("remained", "left"), ("arrived", "left"), ("included", "excluded"), ("includes",
    "excludes"), ("approved", "rejected"), ("succeeded", "failed"), ("failed", "succeeded"), ("wants", "refuses"),
    ("wanted", "refused"), ("want to", "refuse to"), ("was born", "died"), ("died", "was born"),
)  # fmt: skip
SCALES = (
    ("minutes", "hours", "days", "weeks", "months", "years", "seconds", "decades"), ("minute", "hour", "day", "week",
    "month", "year", "decade", "century"), ("km", "miles", "m", "cm"), ("kilometers", "miles", "meters"), ("kilometres",
    "miles", "metres"), ("feet", "meters", "inches", "yards"), ("kg", "pounds", "tons", "g"), ("mg", "g", "kg"),
    ("million", "billion", "thousand"), ("hundred", "thousand", "million"), ("euros", "dollars", "pounds"), ("daily",
    "weekly", "monthly", "yearly"), ("percent", "million", "people"), ("first", "second", "third", "fourth", "fifth"),
    ("mother", "father", "sister", "brother", "uncle", "aunt", "grandmother"), ("red", "blue", "green", "yellow",
    "white", "black"), ("morning", "afternoon", "evening"), ("spring", "summer", "autumn", "winter"),
    ("one-third", "half", "one-quarter"), ("Democrats", "Republicans"), ("Catholic", "Protestant"),
)  # fmt: skip
