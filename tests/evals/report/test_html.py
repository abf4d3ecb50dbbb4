from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as reader

from evals.report.html import Html, element, escaped, marked_text, table

TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), max_size=40)  # fmt: skip


def test_everything_is_escaped_but_what_was_made_here() -> None:
    made = element("p", "<b>", element("i", "&"), class_='x" onclick="y')
    assert made == '<p class="x&quot; onclick=&quot;y">&lt;b&gt;<i>&amp;</i></p>'
    assert isinstance(made, Html) and not isinstance("<b>" + made, Html), "what is added as text is text again"
    assert "<td>&lt;x&gt;</td>" in table(["a"], [["r", "<x>"]])


def test_what_would_trick_the_eye_is_not_shown() -> None:
    assert escaped("a\u202eb\x07c\ud800d") == "a\ufffdb\ufffdc\ufffdd"


@settings(max_examples=50, deadline=None)
@given(TEXT, st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50), st.sampled_from(["flagged", "labelled"]))))
def test_marks_change_no_text(text: str, marks: list[tuple[int, int, str]]) -> None:
    made = f"<p>{marked_text(text, marks)}</p>"
    shown = reader.fragment_fromstring(made, parser=reader.HTMLParser(encoding="utf-8")) if text else None
    plain = re.sub(r"<[^>]+>", "", made)
    assert plain == f"{escaped(text)}"
    if shown is not None:
        for name in ("flagged", "labelled"):
            marked = sum(len(one.text or "") for one in shown.iter("mark") if name in str(one.get("class")).split())
            places = {
                place for start, end, own in marks if own == name for place in range(max(0, start), min(end, len(text)))
            }
            assert marked == len(places)
