"""Take out of a text what people do not see but programs read, and write the same letters in one way.

What a reader sees stays as it is, so that quotations match the page: only invisible characters go, look-alike forms
of the same letter or space (ligatures, full-width and mathematical letters, no-break spaces) become the plain one,
long rows of spaces or of one mark become short, and canonical composition (Unicode NFC) is applied. NFKC is not: it
would turn x² into x2 and ½ into 1⁄2.

Attacks that hide instructions this way: Unicode tag characters ("ASCII smuggling"), bytes in variation selectors, bits
in runs of zero-width characters, and reordering by bidirectional controls ("Trojan Source", Boucher and Anderson,
USENIX Security 2023).
"""

from __future__ import annotations

import collections
import dataclasses
import re
import unicodedata
from collections.abc import Mapping

# Bytes or text can be hidden in these; the others (soft hyphens, single zero-width spaces) are typesetting.
_CAN_CARRY_A_MESSAGE = frozenset({"tag", "variation_selector", "bidi_control", "zero_width_run"})

_JOINING_SCRIPTS = "\u0600-\u061b\u061d-\u109f\u1780-\u180d\u180f-\u18af"  # Arabic to Burmese, Khmer, Mongolian
_PICTURES = "\u00a9\u00ae\u2010-\u2027\u2030-\u205e\u2070-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_HAS_VARIANTS = (
    f"0-9#*{_PICTURES}\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u1000-\u109f\u1800-\u180d\u180f-\u18af"
)
_VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ZERO_WIDTH = "\u200b-\u200d\u2060-\u2064\ufeff\u180e\u034f"
_BRITISH_FLAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)

# The first alternative that matches decides; `seen` has a visible effect and stays.
_HIDDEN = re.compile(
    rf"(?P<seen>(?<=\U0001f3f4)(?:{_BRITISH_FLAGS})"
    rf"|(?<=[{_JOINING_SCRIPTS}])[\u200c\u200d](?=[{_JOINING_SCRIPTS}])"
    rf"|(?:(?<=[{_PICTURES}])|(?<=[{_PICTURES}]\ufe0f))\u200d(?=[{_PICTURES}])"
    rf"|(?<=[{_HAS_VARIANTS}])[{_VARIATION}](?![{_VARIATION}]))"
    r"|(?P<tag>[\U000e0000-\U000e007f]+)"
    rf"|(?P<variation_selector>[{_VARIATION}]+)"
    r"|(?P<bidi_control>[\u202a-\u202e\u2066-\u2069\u206a-\u206f]+)"
    r"|(?P<direction_mark>[\u200e\u200f\u061c])"
    rf"|(?P<zero_width_run>[{_ZERO_WIDTH}]{{4,}})"
    rf"|(?P<zero_width>[{_ZERO_WIDTH}])"
    r"|(?P<soft_hyphen>\u00ad)"
    r"|(?P<filler>[\u115f\u1160\u3164\uffa0])"
    r"|(?P<control>[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f])"
    r"|(?P<annotation>[\ufff9-\ufffc\U0001d173-\U0001d17a])"
    r"|(?P<not_a_character>[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff])"
    r"|(?P<private_use>[\ue000-\uf8ff\U000f0000-\U0010ffff])"
)
# Every character with which an alternative above begins: finding these first is many times faster.
_ANY_HIDDEN = re.compile(
    rf"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u115f\u1160\u3164\uffa0\u200e\u200f\u061c{_ZERO_WIDTH}"
    rf"\u202a-\u202e\u2066-\u206f{_VARIATION}\ud800-\uf8ff\ufdd0-\ufdef\ufff9-\ufffc\ufffe\uffff"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e007f\U000f0000-\U0010ffff]+"
)

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_WIDE_GAP = re.compile(r"[ \t]{40,}")
_BLANKS_AT_LINE_END = re.compile(r"[ \t]+\n")
# Leader dots of a table of contents, lines to sign on, rules: a token for every mark, and nothing said.
_ROW_OF_MARKS = re.compile(r"([._·…=~*#-])\1{9,}|(?<!\.)\.(?: \.){5,}(?!\.)")
_MANY_LINES = re.compile(r"\n{4,}")


_SPACE_OR_HYPHEN = dict.fromkeys(
    [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x2800, 0x3000], " "
) | dict.fromkeys([0x2010, 0x2011], "-")
# Word and PowerPoint take their bullets and ticks from symbol fonts, at private code points.
_SYMBOLS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0A8: "▫", 0xF0D8: "➢", 0xF0FC: "✓", 0xF0E0: "→", 0xF02D: "-"}
_SAME_LOOKING = _SPACE_OR_HYPHEN | _SYMBOLS
# Ligatures, full-width digits and letters, mathematical letters: their compatibility form is the plain letter.
_LETTER_FORMS = "\ufb00-\ufb06\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff"
_ANY_SAME_LOOKING = re.compile(f"[{''.join(map(chr, _SAME_LOOKING))}{_LETTER_FORMS}]")


def _plain(match: re.Match[str]) -> str:
    character = match.group()
    return _SAME_LOOKING.get(ord(character)) or unicodedata.normalize("NFKC", character)


@dataclasses.dataclass(frozen=True, slots=True)
class CleanedText:
    """`removed` counts the characters taken out, by kind: `tag`, `variation_selector`, `bidi_control`,
    `direction_mark`, `zero_width_run`, `zero_width`, `soft_hyphen`, `filler`, `control`, `annotation`,
    `not_a_character`, `private_use`."""

    text: str
    removed: Mapping[str, int]


def clean_text(text: str) -> CleanedText:
    """The text as a reader sees it. Cleaning a clean text changes nothing."""
    removed: collections.Counter[str] = collections.Counter()
    text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = _ANY_SAME_LOOKING.sub(_plain, text)

    def take_out(run: re.Match[str]) -> str:
        kept, position = [], run.start()
        while position < run.end():
            match = _HIDDEN.match(text, position)
            assert match and match.lastgroup
            if match.lastgroup == "seen":
                kept.append(match.group())
            else:
                removed[match.lastgroup] += match.end() - position
            position = match.end()
        return "".join(kept)

    text = _ANY_HIDDEN.sub(take_out, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    text = _ROW_OF_MARKS.sub(lambda match: (match.group(1) or ".") * 3, _WIDE_GAP.sub(" ", text))
    text = _BLANKS_AT_LINE_END.sub("\n", text)
    return CleanedText(_MANY_LINES.sub("\n\n\n", text), removed)


def possible_message_length(removed: Mapping[str, int]) -> int:
    """How many of the removed characters are of kinds that can carry a hidden message."""
    return sum(count for kind, count in removed.items() if kind in _CAN_CARRY_A_MESSAGE)
