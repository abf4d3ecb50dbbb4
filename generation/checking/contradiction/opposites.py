"""English words that say the opposite of each other, or exclude each other, in the same place of a sentence."""

from __future__ import annotations

from collections.abc import Iterator

_PAIRS = """
increase/decrease increase/reduce increase/decline increase/drop increase/fall increase/cut increase/lower raise/lower
raise/reduce raise/cut rise/fall rise/drop rise/decline rise/decrease grow/shrink grow/decline grow/fall gain/lose
gain/loss expand/contract expand/reduce improve/worsen improve/deteriorate improve/decline improve/harm boost/reduce
boost/hinder strengthen/weaken accelerate/slow maximize/minimize save/waste save/spend earn/lose earn/spend win/lose
profit/loss success/failure succeed/fail pass/fail accept/reject accept/refuse accept/decline agree/disagree
agree/refuse allow/forbid allow/prohibit allow/prevent allow/ban permit/forbid permit/prohibit approve/reject
approve/disapprove support/oppose support/reject favor/oppose praise/criticize praise/condemn admit/deny confirm/deny
include/exclude add/remove add/subtract attach/detach connect/disconnect open/close open/shut begin/end start/end
start/stop start/finish begin/finish continue/stop enter/leave enter/exit arrive/depart arrive/leave join/leave
come/go push/pull buy/sell purchase/sell lend/borrow give/take give/receive send/receive import/export hire/fire
employ/dismiss appoint/dismiss build/destroy create/destroy construct/demolish love/hate like/dislike trust/distrust
remember/forget find/lose hide/reveal conceal/reveal ask/answer teach/learn attack/defend advance/retreat
encourage/discourage enable/disable enable/prevent activate/deactivate install/uninstall appear/disappear
exist/vanish live/die alive/dead birth/death born/died survive/die sink/float melt/freeze heat/cool absorb/emit
ascend/descend climb/descend divide/unite separate/join separate/combine merge/split simplify/complicate
more/less more/fewer most/least many/few much/little higher/lower high/low larger/smaller large/small big/small
bigger/smaller biggest/smallest largest/smallest highest/lowest greater/lesser greater/smaller greater/less
maximum/minimum major/minor majority/minority long/short longer/shorter longest/shortest tall/short deep/shallow
wide/narrow thick/thin heavy/light strong/weak stronger/weaker hard/soft hard/easy difficult/easy simple/complex
simple/complicated fast/slow faster/slower quick/slow early/late earlier/later earliest/latest old/new old/young
older/younger older/newer ancient/modern former/latter first/last first/final previous/next past/future before/after
best/worst better/worse good/bad good/poor positive/negative right/wrong right/left correct/incorrect true/false
hot/cold warm/cool warm/cold wet/dry dark/light bright/dark loud/quiet clean/dirty rich/poor cheap/expensive
full/empty safe/dangerous safe/unsafe healthy/sick healthy/unhealthy public/private domestic/foreign
internal/external inner/outer interior/exterior indoor/outdoor inside/outside upper/lower above/below over/under
top/bottom up/down front/back front/rear north/south east/west northern/southern eastern/western northeast/southwest
male/female man/woman men/women boy/girl father/mother son/daughter brother/sister husband/wife king/queen uncle/aunt
actor/actress friend/enemy ally/enemy teacher/student parent/child doctor/patient
employer/employee buyer/seller customer/supplier landlord/tenant plaintiff/defendant winner/loser victory/defeat
war/peace day/night morning/evening morning/afternoon weekday/weekend summer/winter spring/autumn today/yesterday
today/tomorrow yesterday/tomorrow annual/monthly annual/weekly daily/weekly daily/monthly weekly/monthly
monthly/yearly always/never often/rarely frequently/rarely usually/rarely usually/never sometimes/never sometimes/always
everyone/nobody everyone/someone everything/nothing everything/something somebody/nobody all/none all/some every/no
all/no each/none many/none both/neither both/none only/also always/sometimes together/separately together/apart
voluntary/mandatory voluntary/compulsory optional/mandatory optional/required optional/compulsory temporary/permanent
manual/automatic manual/automated fixed/variable fixed/flexible fixed/adjustable fixed/customizable static/dynamic
active/passive active/inactive direct/indirect absolute/relative abstract/concrete formal/informal natural/artificial
natural/synthetic odd/even solid/liquid visible/hidden rough/smooth sharp/blunt tight/loose rigid/flexible
broad/narrow general/specific common/rare similar/different same/different identical/different equal/unequal
single/multiple single/married one/several present/absent guilty/innocent broad/limited extensive/limited
comprehensive/limited limited/unlimited complete/partial complete/incomplete partial/full partially/fully
partially/completely wholly/partly entire/partial primary/secondary superior/inferior senior/junior civilian/military
urban/rural local/global local/national national/international conservative/liberal democratic/authoritarian
legal/illegal lawful/unlawful innocent/guilty free/paid free/chargeable online/offline input/output supply/demand
cause/prevent cause/effect acquire/sell acquire/divest host/guest offense/defense offensive/defensive
optimistic/pessimistic confident/doubtful certain/uncertain likely/unlikely possible/impossible able/unable
happy/sad happy/unhappy happy/angry glad/sad pleased/upset satisfied/dissatisfied disappointed/pleased
excited/bored interested/uninterested willing/unwilling aware/unaware important/unimportant popular/unpopular
famous/unknown beneficial/harmful helpful/unhelpful useful/useless effective/ineffective efficient/inefficient
advantage/disadvantage benefit/harm benefit/drawback strength/weakness opportunity/threat pro/con asset/liability
revenue/expense income/expense credit/debit surplus/deficit inflation/deflation upgrade/downgrade upload/download
introduction/conclusion beginning/end adult/child adult/teenager
"""

_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "non-", "mis", "de")
_SHORTEST_BASE = 4


def _by_word() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _PAIRS.split():
        one, other = pair.split("/")
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


OPPOSITES = _by_word()


def prefixed(word: str) -> Iterator[str]:
    """What the word would be with a prefix that denies it, and without the one that it has."""
    if len(word) >= _SHORTEST_BASE:
        yield from (prefix + word for prefix in _PREFIXES)
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= _SHORTEST_BASE:
            yield word[len(prefix) :]
    if word.endswith("less") and len(word) >= _SHORTEST_BASE + 4:
        yield word[:-4] + "ful"
    elif word.endswith("ful") and len(word) >= _SHORTEST_BASE + 3:
        yield word[:-3] + "less"
