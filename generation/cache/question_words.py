"""English words as questions use them: which are the same in meaning, which carry none, which forms belong together.

Two words share a line of `SAME` only when a question with the one and the same question with the other have the same
answer in any document that one could think of. Opposites, neighbours (manager and director) and members of one class
never do. A verb and its noun may; what does something and what it is done to (employer, employee) may not.
"""

from __future__ import annotations


def words_of(text: str) -> list[str]:
    return text.split()


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAME = """
acquire acquisition buy purchase
activate enable
advice recommendation
affect influence
allow permit
amount quantity sum
annex appendix
answer reply response respond
apartment flat
appear occur
approve approval
approximately roughly
assemble assembly
assess assessment evaluate evaluation
assist help aid assistance
attempt try
author write writer
automobile car
average mean
begin start commence beginning
big large
biggest largest
bicycle bike
boil boiling
calculate calculation compute computation
cancel cancellation
capability ability
cause
cellphone smartphone
choose select pick choice selection
clause provision
close shut
closest nearest
company firm
complain complaint
complete finish completion
component part
compose composer composition
conclude conclusion
configure configuration
connect connection
consequence
construct build construction
consume consumption
contain include
convert conversion transform transformation
cost price
create creator creation
damage
decide decision
decrease decline reduction reduce
define definition
delete remove deletion removal erase
deliver delivery
depart departure leave
describe description
design designer
develop developer development
die death
differ difference different
difficult hard
discover discoverer discovery
display show
distribute distribution
doctor physician
drug medicine medication
duration LONG
duty obligation
earn
effect
employ employment
employee worker staff
end finish conclude
error fault
establish establishment
examine examination
exchange
expand expansion
expire expiry expiration end
explain explanation
export exporter
fail failure
fast quick rapid quickly rapidly
fall
fee
film movie
final last
fix repair
found founder
frequency often frequently interval
function
garbage trash
get receive obtain
give provide
goal objective aim
grow growth
happen occur
headquarters headquarter
height elevation
identify identification
illness disease sickness
illegal unlawful
import importer
improve improvement
increase rise
inform notify notification
inhabitant resident
inspect inspection
install installation
invent inventor invention
invest investment
invoice bill
job position
keep retain retention
kid child
kilogram kg kilo
kilometre kilometer km
laptop notebook
lawyer attorney
leader head
lead
lease
legal lawful
length LONG
letter
license licence
liable liability
locate location
maintain maintenance
make
manufacture manufacturer
marry marriage
maximum maximal max
meaning mean
measure measurement
melt melting
metre meter m
gram g
method approach
minimum minimal min
modify change alter modification alteration
monitor
motorway highway freeway
move
movie film
name
necessary need require requirement
newest latest
objective
obligatory mandatory compulsory
offer
open opening
operate operation
option
order
own owner
paint painter
pay payment
percentage percent share proportion
permission authorization
person people
phone telephone
picture image photo photograph
player
pose
possible
premium
prevent prevention
produce producer production
prohibit forbid ban prohibition
promise
pupil
protect protection
publish publisher publication
purpose
put
recommend recommendation
refund reimburse reimbursement
regulation rule
relate relation
release
rent rental
replace replacement change
report
reset
resign resignation
restrict restriction limit limitation
result outcome
return
revenue turnover
rich wealthy
salary wage
say state
seat
secure safe
sell seller sale
send ship
shop store
sick ill
sign signature
small little
smallest tiniest
soluble
solve solution
stop
storey floor
study
submit submission file
sue
supplier vendor
supply
support
switch
symptom
teach teacher
team
terminate termination end
test
translate translator translation
transport transportation
treat treatment
turn
unit
use usage
usual typical normal
vacation holiday
value
verify verification check
vehicle
volume
wait
warn warning
weigh weight
win winner
yearly annual
email mail
website site webpage
login
euro eur
dollar usd
pound gbp
celsius
nonstop direct
lawsuit suit
contract agreement
document paper
colour color
centre center
programme program
aeroplane airplane plane aircraft
autumn fall
enrol enroll join enrolment enrollment
eligible qualify eligibility
favourite favorite
theatre theater
labour labor
behaviour behavior
fulfil fulfill
travel trip
staff personnel
customer client
breach violation violate
obtain get
tenant renter lessee
landlord lessor
register registration
renew renewal
extend extension
amend amendment
arrive arrival
elect election
adopt adoption
announce announcement
appoint appointment
detect detection
diagnose diagnosis
encrypt encryption
generate generation
implement implementation
introduce introduction
investigate investigation
migrate migration
negotiate negotiation
observe observation
predict prediction
prepare preparation
prescribe prescription
promote promotion
ratify ratification
react reaction
reject rejection
reserve reservation
resolve resolution
retire retirement
separate separation
suspend suspension
validate validation
vary variation
withdraw withdrawal
evolve evolution
absorb absorption
allocate allocation
authorize authorization
compensate compensation
declare declaration
deploy deployment
destroy destruction
dispose disposal
divide division
donate donation
emit emission
execute execution
extract extraction
interact interaction
merge merger
until till
defence defense
offence offense
grey gray
tyre tire
aluminium aluminum
catalogue catalog
judgement judgment
place location
tv television
ad advert advertisement
app application
info information
lab laboratory
fridge refrigerator
spec specs specification
dept department
hq headquarters headquarter
approx approximately roughly
vs versus
mother mom mum
father dad
fastest quickest
cheap inexpensive
expensive costly
easy simple
use utilize usage utilization
discard dispose
vaccine vaccination
requirement prerequisite
guarantee warranty
holiday vacation
"""

SAME: dict[str, frozenset[int]] = {}
for _group, _line in enumerate(_SAME.strip().splitlines()):
    for _word in _line.split():
        SAME[_word] = SAME.get(_word, frozenset()) | {_group}

# Phrases, replaced before anything else is looked at; the longest first. A capital-letter word is a mark of our own.
_PHRASES = """
chief executive officer = ceo
chief financial officer = cfo
chief technology officer = cto
chief operating officer = coo
chief information officer = cio
human resources = hr
united states of america = usa
united states = usa
u.s = usa
u.s.a = usa
united kingdom = uk
u.k = uk
european union = eu
united nations = un
artificial intelligence = ai
have to = MUST
has to = MUST
had to = did MUST
need to = MUST
needs to = MUST
needed to = did MUST
is needed to = MUST
are needed to = MUST
is required to = MUST
are required to = MUST
is needed for = MUST
are needed for = MUST
is required for = MUST
are required for = MUST
am required to = MUST
obliged to = MUST
obligated to = MUST
required to = MUST
must be = MUST be
allowed to = CAN
permitted to = CAN
able to = CAN
possible to = CAN
is allowed = is CAN
are allowed = are CAN
going to = WILL
supposed to = SHOULD
no longer = not anymore
any longer = anymore
any more = anymore
at least = ATLEAST
no less than = ATLEAST
no fewer than = ATLEAST
not less than = ATLEAST
at most = ATMOST
up to = ATMOST
no more than = ATMOST
not more than = ATMOST
no later than = until
more than = ABOVE
greater than = ABOVE
larger than = ABOVE
higher than = ABOVE
in excess of = ABOVE
less than = BELOW
fewer than = BELOW
lower than = BELOW
smaller than = BELOW
due to = because of
owing to = because of
as well as = and
in order to = to
with regard to = about
with respect to = about
in relation to = about
such as = like
get rid of = remove
log in = login
log into = login
sign in = login
sign into = login
log on = login
turn on = activate
switch on = activate
turned on = activated
switched on = activated
turn off = deactivate
switch off = deactivate
turned off = deactivated
switched off = deactivated
set up = install
carry out = perform
take place = happen
takes place = happens
took place = happened
come into force = effect
come out = release
came out = released
at present = currently
at the moment = currently
right now = currently
these days = currently
as of now = currently
each year = PER year
every year = PER year
per annum = PER year
a year = PER year
each month = PER month
every month = PER month
a month = PER month
each week = PER week
every week = PER week
a week = PER week
each day = PER day
every day = PER day
a day = PER day
an hour = PER hour
each hour = PER hour
every hour = PER hour
this year = THIS year
this month = THIS month
this week = THIS week
this quarter = THIS quarter
fill in = complete
fill out = complete
work from home = work remotely
home office = remote work
by default = default
is called = name
first name = firstname
last name = lastname
part of = belong to
belong to = belong
belongs to = belong
responsible for = responsible
in charge of = responsible
on behalf of = behalf
made of = material
made up of = consist
adverse effects = side effects
adverse effect = side effect
a lot of = many
number one = first
stand for = mean
stands for = means
how much money = how much
what amount of = how much
what number of = how many
kind of = type of
kinds of = types of
sort of = type of
sorts of = types of
fiscal year = fiscal
financial year = fiscal
fy = fiscal
q1 = first quarter
q2 = second quarter
q3 = third quarter
q4 = fourth quarter
throw away = discard
get in touch with = contact
adverse reactions = side effects
is it possible for = CAN
is it allowed for = CAN
is it permitted for = CAN
is it possible to = CAN
is it allowed to = CAN
is it permitted to = CAN
applies to = for
applies for = for
applies in = in
applies on = on
applies at = at
euro to dollar = eurodollar
how come = why
for what reason = why
what reason = why
what is the reason for = why
what was the reason for = why was
what was the reason that = why did
in what way = how
in which way = how
by what means = how
what is the procedure for = how to
what is the procedure to = how to
what is the process for = how to
what is the process to = how to
what is the process of = how to
what are the steps for = how to
what are the steps to = how to
what are the steps of = how to
what is the way to = how to
what is the best way to = how best to
what is the way of = how to
what steps do i take to = how to
what do i MUST do to = how to
what do i have to do to = how to
what do i need to do to = how to
"""
PHRASES: dict[tuple[str, ...], tuple[str, ...]] = {
    tuple(_left.split()): tuple(_right.split())
    for _left, _, _right in (_line.partition(" = ") for _line in _PHRASES.strip().splitlines())
}
LONGEST_PHRASE = max(map(len, PHRASES))

PER = {
    "hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
    "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip

# "how tall" asks for the height.
DEGREES = {
    "tall": "height", "high": "height", "long": "LONG", "old": "age", "far": "distance", "wide": "width",
    "deep": "depth", "thick": "thickness", "heavy": "weight", "fast": "speed", "big": "size", "large": "size",
    "often": "frequency", "frequently": "frequency", "expensive": "cost", "hot": "temperature", "quickly": "speed",
    "costly": "cost",
}  # fmt: skip

_IRREGULAR = """
be am is are was were been being
have has had having
do does did done doing
go goes went gone
come came
become became
begin began begun
break broke broken
bring brought
build built
buy bought
catch caught
choose chose chosen
cut
deal dealt
draw drew drawn
drink drank drunk
drive drove driven
eat ate eaten
fall fell fallen
feed fed
feel felt
fight fought
find
flee fled
fly flew flown
forbid forbade forbidden
forget forgot forgotten
freeze froze frozen
get got gotten
give gave given
grow grew grown
hear heard
hide hid hidden
hold held
keep kept
know knew known
lay laid
lead led
leave left
lend lent
lose lost
make made
mean meant
meet met
overcome overcame
pay paid
read
ride rode ridden
ring rang rung
rise rose risen
run ran
say said
see saw seen
seek sought
sell sold
send sent
set
shoot shot
show shown
shrink shrank shrunk
shut
sing sang sung
sink sank sunk
sit sat
sleep slept
speak spoke spoken
spend spent
spread
stand stood
steal stole stolen
strike struck
swear swore sworn
sweep swept
swim swam swum
take took taken
teach taught
tear tore torn
tell told
think thought
throw threw thrown
understand understood
wake woke woken
wear wore worn
win won
withdraw withdrew withdrawn
write wrote written
man men
woman women
child children
foot feet
tooth teeth
mouse mice
goose geese
datum data
medium media
criterion criteria
phenomenon phenomena
bacterium bacteria
virus viruses
analysis analyses
crisis crises
basis bases
thesis theses
index indices indexes
appendix appendices
person persons people
life lives
leaf leaves
half halves
knife knives
wife wives
shelf shelves
wolf wolves
loaf loaves
good better best
bad worse worst
"""
# Comparison is meaning: these keep their forms.
_KEPT_FORMS = {"better", "best", "worse", "worst"}
BASE: dict[str, str] = {}
PARTICIPLES: set[str] = set()
PASTS: set[str] = set()
_NOUNS_BEGIN = "man"
_in_verbs = True
for _line in _IRREGULAR.strip().splitlines():
    _base, *_forms = _line.split()
    _in_verbs = _in_verbs and _base != _NOUNS_BEGIN
    for _form in _forms:
        if _form not in _KEPT_FORMS:
            BASE[_form] = _base
    if _in_verbs and _base not in {"be", "have", "do"}:
        PARTICIPLES.add(_forms[-1] if _forms else _base)
        if _forms:
            PASTS.add(_forms[0])
PARTICIPLES |= {"found", "born"}

# Look like a form of another word and are words of their own.
WHOLE = word_set(
    """training building meeting housing banking marketing accounting engineering boarding parking holding bearing
    clothing drawing painting wedding evening morning ceiling thing something nothing anything everything king
    ring string spring wing sling being need speed feed seed bed red hundred indeed exceed proceed succeed breed
    weed reed bleed shed sled wed ted embed news always series species means lens gas bus plus minus bias atlas
    canvas focus status campus virus bonus census corpus genus radius thus this its his is was as us has does
    physics mathematics economics politics ethics statistics analytics diabetes rabies headquarters premises
    earnings savings proceeds goods clothes glasses customs arms shipping reading writing finding setting
    hearing listing rating pudding lightning interesting interested wing during string pricing billing bring
    sing swing cling sting fling king sibling duckling outstanding according regarding concerning including
    excluding existing following hosting coding staffing funding lending borrowing mining fishing farming
    hunting wiring plumbing heating cooling lighting learning computing networking publishing manufacturing
    consulting tuning sewing dyeing process access address business progress success loss class mass glass grass
    cross dress press stress boss illness fitness witness harness congress princess chess mess less unless
    across gross bless pass united limited hatred sacred naked wicked aged christmas texas paris wales
    netherlands kansas arkansas"""
)

ARTICLES = word_set("a an the")
BE = word_set("is are was were be been being am")
PRESENT = word_set("is are am do does has have")
PAST = word_set("was were did had")
DO = word_set("do does did")
HAVE = word_set("have has had having")
MODALS = {
    "can": "can", "CAN": "can", "may": "can", "must": "must", "MUST": "must", "should": "should", "ought": "should",
    "SHOULD": "should", "will": "will", "shall": "will", "WILL": "will", "could": "could", "would": "would",
    "might": "might",
}  # fmt: skip
WH = word_set("who whom whose when where why how what which")
NEGATIONS = word_set("not no never neither nor none nobody nothing nowhere")
GENERIC_PERSONS = word_set("i me we us you one someone somebody anyone anybody")
POSSESSIVES = {"my": "1", "our": "1", "mine": "1", "ours": "1", "your": "2", "yours": "2"}
PRONOUNS = {
    "he": "he", "him": "he", "his": "he", "she": "she", "her": "she", "hers": "she", "they": "they", "them": "they",
    "their": "they", "theirs": "they", "its": "its",
}  # fmt: skip
MARKERS = word_set(
    """of for in on at between to into onto from by with than as about regarding concerning around during among via
    through against upon towards toward"""
)
NEUTRAL = frozenset({"", "of", "for", "in", "on", "at", "about", "regarding", "concerning", "during", "among", "upon"})
EMPTY = word_set(
    "it there that this these those any some please exactly actually really just-in-case kindly and also so"
)
# Prepositions that say so much that they count as words of content.
BINDING = word_set("after before until since within without if over under ABOVE BELOW ATLEAST ATMOST because despite")
NOW = word_set("current currently now presently nowadays")
NUMBERS = {
    word: float(value)
    for value, word in enumerate(
        words_of(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty"""
        )
    )
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0}
SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3, "mn": 1e6,
          "bn": 1e9}  # fmt: skip
ORDINALS = {
    word: str(value)
    for value, word in enumerate(
        words_of("""first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"""),
        start=1,
    )
}
MONTHS = {
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july",
    "aug": "august", "sep": "september", "sept": "september", "oct": "october", "nov": "november", "dec": "december",
}  # fmt: skip
SYMBOLS = {"%": "percent", "$": "dollar", "€": "euro", "£": "pound", "°": "degree", "°c": "celsius", "°f": "fahrenheit"}

# Their subject is what changes or is measured, so that "what does X cost" asks for the cost of X. Of other verbs the
# subject and the object differ: "what does X cause" is not the cause of X.
INTRANSITIVE = word_set(
    """cost price mean expire begin start end finish conclude close open depart leave arrive last differ boil melt
    freeze occur happen die fall weigh live retire grow increase decrease rise decline fail succeed expand
    resign crash sink erupt long exist boiling melting"""
)
AGENTS = word_set(
    "author writer founder inventor discoverer creator painter composer designer translator publisher winner"
)
PEOPLE = word_set("person people individual author company firm organization party team artist")
# Verbs whose subject in the active is what the passive leaves without an agent: "it was opened", "it opened".
ERGATIVE = word_set(
    """open close shut start begin end finish stop change move freeze melt boil expand increase decrease launch
    break burn sink update restart reopen"""
)
# "How high is the rate" asks for the rate, not for a height.
QUANTITIES = word_set(
    """rate temperature price cost fee percentage percent share income salary wage revenue profit voltage pressure
    limit unemployment inflation rent tax budget turnover discount penalty fine deductible premium interest
    number population"""
)
