"""Text to sentences by rules: offsets of verbatim slices, no model, no heavy import.

Every character that is not whitespace belongs to exactly one sentence. A blank line always ends one; a single line
break ends one only before a list item or beside a table row, otherwise it counts as a space (wrapped lines).
"""

from __future__ import annotations

import re

_CLOSERS = "\"'”’»›)\\]}＂）］｝〉》」』】〕"
_OPENERS = "\"'“‘«‹([{„‚¿¡*_`"

# One pass finds every place where a sentence may end. Western stops need whitespace behind them (so that decimals,
# versions, addresses and file names never come up); a footnote mark such as [12] or ² may stand in between.
_CANDIDATES = re.compile(
    rf"(?:(?:\. )+\.|[.!?…]+)(?:[{_CLOSERS}]|\[[\w ?]{{1,20}}\]|[¹²³⁰-⁹])*(?=\s|$)"
    rf"|[。！？｡]+[{_CLOSERS}…]*"
    r"|\n"
)
_WORD = re.compile(r"[^\W_]")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
ITEM_START = re.compile(r"[^\S\n]*(?:[-*+•▪◦‣–·][^\S\n]|\(?(?:\d{1,3}|[a-zA-Z])[.)][^\S\n]|\|)")
_TABLE_ROW = re.compile(r"[^\S\n]*\|")
_TABLE_RULE = re.compile(r"[^\S\n]*\|[\s:|-]+\|?[^\S\n]*(?:\n|$)")
_NEXT_WORD = re.compile(rf"\s*[{_OPENERS}\-–—•§#$€£]*(\w+)?")
_WORD_BEFORE = re.compile(r"[^\s(\[{\"'“‘«—–/]*$")
# Tokenised text sets closing marks apart too; those that may open as well close when one has been opened.
_TOKENISED_CLOSER = re.compile(r" (?:''|”|’’|\)|-RRB-|['\"])(?=\s|$)")
_AMBIGUOUS_QUOTES = frozenset({" '", ' "'})
_LONGEST_QUOTATION = 300

# A sentence does not consist of its number alone: "1.", "IV.", "(a).", "Section 2.1.", "Art. 5."
_NUMBERING = re.compile(
    r"(?:[-*•|#>]+\s*)?"
    r"(?:(?:section|sec\.?|article|art\.?|clause|chapter|part|exhibit|schedule|appendix|annex|item|step|§+)\s*)?"
    r"\(?(?:\d+(?:\.\d+)*|[A-Za-z]|[ivxlcdm]{1,6}|[IVXLCDM]{1,6})\)?\.\)?$",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]$|[A-Z][a-z]?\.-?[A-Z]$")
_REFERENCE_TARGET = re.compile(r"\d|(?!I$)(?:[IVXLC]+|[A-Z])$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Never the last word of a sentence.
_TITLES = _words(
    """dr mr mrs ms mx prof rev hon gen lt col maj capt cpt cmdr sgt adm gov sen rep pres supt msgr mme mlle fr hr
    messrs eg e.g ie i.e cf vs v viz resp approx ca incl esp z.b bzw d.h u.a"""
)
# Part of a reference when a number follows.
_REFERENCES = _words(
    """no nos nr fig figs eq eqs ref refs vol vols p pp sec secs art arts ch chap para paras cl ex tab app pt ed
    jan feb mar apr jun jul aug sep sept oct nov dec abs kap bd"""
)
# Ends a sentence only before a word that usually begins one.
_COMPANY_LIKE = _words(
    """inc ltd corp co llc plc bros assn dept univ st mt est al jr sr esq ave blvd rd bldg u.s u.k u.n e.u u.s.a ph.d
    m.d b.a m.a m.sc b.sc d.c l.p s.a n.v mfg intl natl govt gmbh"""
)
_TIMES = frozenset(["a.m", "p.m", "am", "pm"])
_AFTER_TIMES = _words(
    """est edt pst pdt cst cdt mst mdt et pt ct gmt utc cet cest bst ist monday tuesday wednesday thursday friday
    saturday sunday"""
)
_STARTERS = _words(
    """the a an this that these those it its he she his her they their we our you your i my there here in on at by for
    from with without to as of if when while where who what which why how after before since until during under over
    about because although though however moreover furthermore therefore thus hence then also but and or so yet not no
    all any both each every some many most other such another one two three in addition please see is are was were do
    does did can could may might must shall should will would have has had let now today only once first second third
    finally instead unlike like despite through between among upon according additionally"""
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Offsets `[start, end)` of the sentences of `text`, in order; each slice is verbatim and trimmed of whitespace."""
    spans: list[tuple[int, int]] = []
    caseless = text == text.lower()
    start = 0
    in_row = bool(_TABLE_ROW.match(text))
    for match in _CANDIDATES.finditer(text):
        if match.start() < start:
            continue
        end = match.end()
        first = text[match.start()]
        if first == "\n":
            was_in_row, in_row = in_row, bool(_TABLE_ROW.match(text, end))
            if not _line_ends_sentence(text, match.start(), was_in_row):
                continue
        elif in_row:
            continue
        elif first in ".!?…":
            if text[match.start() - 1 : match.start()] == " " and (closer := _TOKENISED_CLOSER.match(text, end)):
                mark = closer.group()
                recent = max(start, end - _LONGEST_QUOTATION)
                if mark not in _AMBIGUOUS_QUOTES or text.count(f"{mark} ", recent, end) % 2:
                    end = closer.end()
            if not _stop_ends_sentence(text, start, match.start(), end, caseless):
                continue
        _append_trimmed(spans, text, start, end)
        start = end
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return
    begin = start + len(piece) - len(piece.lstrip())
    finish = begin + len(stripped)
    if spans and not _WORD.search(stripped) and not _BLANK_LINE.search(text, spans[-1][1], begin):
        spans[-1] = (spans[-1][0], finish)  # stray marks belong to what they follow
    else:
        spans.append((begin, finish))


def _line_ends_sentence(text: str, newline: int, after_row: bool) -> bool:
    if _BLANK_LINE.match(text, newline):
        return True
    if after_row:
        return not _TABLE_RULE.match(text, newline + 1)
    return bool(ITEM_START.match(text, newline + 1))


def _stop_ends_sentence(text: str, start: int, stop: int, end: int, caseless: bool) -> bool:
    """Whether the marks `text[stop:end]` end the sentence that began at `start`."""
    following = _NEXT_WORD.match(text, end, end + 60)
    word = (following.group(1) or "") if following else ""
    if not word:
        # Nothing but punctuation follows: a dash or comma carries on, anything else begins something new.
        rest = text[end : end + 4].lstrip()
        return not rest or rest[0] not in ",;:&"
    marks = text[stop:end]
    tokenised = text[stop - 1 : stop] == " "  # tokenised text sets its stops apart, so the next word tells less
    if word[0].islower() and not caseless and not (tokenised and marks == "."):
        return False
    if marks[0] != ".":
        return True
    if marks.startswith(("..", ". .")):
        return word[0].isupper() or caseless
    return _period_ends_sentence(text, start, stop, word, closed=end > stop + 1)


def _period_ends_sentence(text: str, start: int, stop: int, next_word: str, *, closed: bool) -> bool:
    if stop - start < 40 and _NUMBERING.match(text[start : stop + 1].strip()):
        return False
    stop -= text[stop - 1] == " "
    window = _WORD_BEFORE.search(text, max(start, stop - 24), stop)
    before = window.group() if window else ""
    key = before.lower() if len(before) > 1 else before  # "p. 3" is a page, "P. Smith" a person
    if key in _TITLES:
        return closed and next_word.lower() in _STARTERS
    if key in _REFERENCES:
        return not _REFERENCE_TARGET.match(next_word)
    if key in _TIMES:
        return next_word.lower() not in _AFTER_TIMES
    if key in _COMPANY_LIKE or _INITIALS.match(before):
        return next_word.lower() in _STARTERS
    return True
