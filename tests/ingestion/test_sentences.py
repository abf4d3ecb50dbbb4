import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sentences import sentence_spans

# Each case is written with a "¦" where a sentence ends and another begins.
CASES = [
    "Dr. Smith met Mrs. O'Neil at St. Mary's. ¦They talked.",
    "Acme Inc. reported a loss. ¦Its rival, Foo Ltd., did not.",
    "She joined Acme Inc. ¦The company grew.",
    "He moved to the U.S. in May. ¦The U.S. Government agreed.",
    "He left the U.S. ¦He never came back.",
    "See No. 5 and Fig. 3 for details. ¦No. ¦I did not.",
    "Did it work? ¦Yes! ¦It did.",
    "J. K. Rowling wrote it. ¦J.R.R. Tolkien did not. ¦So did B. Lee.",
    "Take vitamin C. ¦It helps.",
    "Section 3.2.1 applies. ¦Version 2.0.1 costs $3.50. ¦Call 1.800.555.",
    "Section 2.1. Term. ¦This agreement lasts 3 years.",
    "1. Introduction. ¦We begin.",
    "IV. Results were mixed. ¦V. Discussion follows.",
    "A. Definitions apply. ¦B. Scope is limited.",
    "Visit www.example.com. ¦Open README.md. ¦Then run app.py now. ¦See https://a.b/c?d=e.f for more.",
    "Wait... what? ¦Well... ¦Nobody came.",
    "Er sagte… ¦Dann ging er. ¦And so… it went on.",
    'He said "Stop." ¦Then he left. ¦(It was late.) ¦Nobody saw.',
    '"Really?" he asked. ¦"Yes!" she said. ¦“Fine.” ¦They left.',
    "The war ended.[12] ¦Peace came.[citation needed] ¦All was well.² ¦People sang.",
    "It starts at 5 p.m. on Monday. ¦Doors open at 4 p.m. ¦Bring a ticket. ¦Closing is 9 p.m. EST sharp.",
    "We use cats, dogs, etc. in tests. ¦There are birds, etc. ¦The end.",
    "Smith et al. (2019) agree. ¦So do Lee et al. in their reply.",
    "Compare e.g. Argo Navis, i.e. the ship. ¦Cf. Lyra vs. Cygnus.",
    "On Jan. 5 it rained. ¦It was dry in Jan. ¦Snow fell in Dec. 2020.",
    "He was born in 1999. ¦20 people came. ¦It cost £5. ¦$6 was refunded.",
    "これは文です。¦次の文です！¦本当？¦「はい。」¦終わり",
    "你好。¦我叫小明。¦你呢？",
    "Hello there . ¦It is tokenised , he said . ¦Look at this ! ¦Fine .",
    "He cried `` Look at you ! '' and left . ¦`` Stay . '' ¦She stayed .",
    "the slipstream is thin . ¦an experiment was made . ¦it failed.",
    "hello there. ¦how are you? ¦all is lower case here.",
    "It was left ' empty . ' ¦What is left is a cell . ¦' Here , ' he said , ' we stay . '",
    "It was bought by Robert P. McCulloch. ¦See p. 4 and pp. 5 to 7. ¦Roe v. Wade followed.",
    "They were hostile . . . openly so . ¦Then it stopped.",
    "First paragraph without stop\n\n¦Second paragraph\n \n¦third",
    "A line that is wrapped\nin the middle goes on. ¦Another\none.",
    "You need:\n¦- a pen.\n¦- some paper\n¦* glue\n¦1. scissors. ¦Sharp ones.\n¦2) tape\n¦• a ruler",
    "| Name | Age |\n|------|-----|\n¦| Ann. B | 3 |\n¦| Bob | 4 |\n¦Text after the table.",
    "no stop at all",
    "Ends with a stop.",
    "Mixed?! ¦Yes... ¦No!!! ¦OK.",
    "The price is 5. ¦- That is a lot.",
    "Prof. Dr. A. Müller spricht. ¦Das ist z.B. gut, d.h. sehr gut. ¦Ende.",
    "It costs approx. 5 EUR, i.e. little. ¦Pay in Co. Kerry.",
]


@pytest.mark.parametrize("marked", CASES)
def test_tricky_texts(marked: str) -> None:
    expected = [piece.strip() for piece in marked.split("¦")]
    text = marked.replace("¦", "")
    assert [text[start:end] for start, end in sentence_spans(text)] == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n\t ", "\u00a0"])
def test_nothing_to_say(text: str) -> None:
    assert sentence_spans(text) == []


def test_blank_line_always_ends_even_before_lower_case() -> None:
    assert len(sentence_spans("one two\r\n\r\nthree. four\n\n\nfive")) == 4


@given(st.text(alphabet=st.sampled_from(list("aB1 .!?…。\n|-*\"')]([·,;:\u00a0\tDrU.")), max_size=200))
def test_spans_are_ordered_trimmed_and_cover_everything(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip() != ""
        position = end
    assert text[position:].strip() == ""


@pytest.mark.parametrize(
    "unit", ["a", "a. ", "A.", ". ", "\n", "| ", "1. ", "x\n", "[", "A.B. ", "A. I. ", "|a. ", '"', ". . "]
)
def test_time_grows_with_length_only(unit: str) -> None:
    text = unit * (400_000 // len(unit))
    started = time.perf_counter()
    sentence_spans(text)
    assert time.perf_counter() - started < 6.0
