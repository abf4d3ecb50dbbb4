"""The shipped head on sentences written here: an edit that contradicts is judged worse than a rewording."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from generation.checking.contradiction.contradiction_head import (
    WEIGHTS,
    ContradictionHead,
    HeadVerdict,
    graph_inputs,
    output_lines,
)
from generation.checking.contradiction.pair_encoding import row

BRIDGE = (
    "The Harlan Bridge was opened to traffic in 1934 after four years of construction. It carries the coastal road over "
    "the river Orle and is 612 metres long. The engineer Ida Mornay designed it for the city of Veld."
)
FERRY = (
    "Passengers must show a valid ticket before boarding. Dogs are not allowed on the upper deck. The crossing takes "
    "about 40 minutes in summer and an hour in winter. Captain Roth hired Mrs. Lund as his first officer."
)
TRIALS = (
    "In the first trial the new drug lowered blood pressure in most patients. The second trial, with 240 volunteers, "
    "found no effect on heart rate. Side effects were more common among women than among men."
)

EDITS = [
    pytest.param(BRIDGE, "The Harlan Bridge opened in 1934.", "The Harlan Bridge opened in 1951.", "1951", id="year"),
    pytest.param(BRIDGE, "The bridge is 612 metres long.", "The bridge is 475 metres long.", "475", id="number"),
    pytest.param(BRIDGE, "It was designed by Ida Mornay.", "It was designed by Paul Tessen.", "Tessen", id="name"),
    pytest.param(BRIDGE, "It was built over four years.", "It was built over four months.", "months", id="unit"),
    pytest.param(FERRY, "Passengers must show a ticket.", "Passengers must not show a ticket.", "not", id="negation"),
    pytest.param(FERRY, "Show the ticket before boarding.", "Show the ticket after boarding.", "after", id="order"),
    pytest.param(TRIALS, "The drug lowered blood pressure.", "The drug raised blood pressure.", "raised", id="antonym"),
    pytest.param(
        TRIALS,
        "Side effects were more common among women than among men.",
        "Side effects were more common among men than among women.",
        None,
        id="comparison turned round",
    ),
    pytest.param(FERRY, "Captain Roth hired Mrs. Lund.", "Mrs. Lund hired Captain Roth.", None, id="roles"),
]


@pytest.fixture(scope="module")
def head() -> ContradictionHead:
    return ContradictionHead.load(threads=2)


def _worst(verdict: HeadVerdict) -> float:
    return max(token.unsupported for token in verdict.tokens)


@pytest.mark.parametrize(("evidence", "right", "wrong", "word"), EDITS)
def test_a_contradicting_edit_is_worse_than_the_sentence(
    head: ContradictionHead, evidence: str, right: str, wrong: str, word: str | None
) -> None:
    supported, contradicted = head.judge([(evidence, right), (evidence, wrong)])
    assert contradicted.supported < supported.supported - 0.1
    if word is not None:
        by_word = {wrong[token.start : token.end]: token.unsupported for token in contradicted.tokens}
        assert by_word[word] == max(by_word.values())


def test_a_copied_sentence_is_supported_and_one_about_something_else_is_not(head: ContradictionHead) -> None:
    copied, foreign = head.judge(
        [
            (TRIALS, "The second trial, with 240 volunteers, found no effect on heart rate."),
            (TRIALS, "The museum bought two landscapes by a painter from the south."),
        ]
    )
    assert copied.supported > 0.8
    assert foreign.supported < 0.2
    assert _worst(copied) < 0.5 < _worst(foreign)


def test_tokens_are_words_with_their_places(head: ContradictionHead) -> None:
    claim = "Mornay redesigned  the bridge's parapet."
    (verdict,) = head.judge([(BRIDGE, claim)])
    assert [claim[one.start : one.end] for one in verdict.tokens] == [
        "Mornay", "redesigned", "the", "bridge", "'", "s", "parapet", ".",
    ]  # fmt: skip


def test_a_verdict_does_not_depend_on_its_company(head: ContradictionHead) -> None:
    pairs = [(evidence, text) for evidence, right, wrong, _ in (one.values for one in EDITS) for text in (right, wrong)]
    alone = [head.judge([pair])[0] for pair in pairs]
    together = head.judge(pairs)
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(lambda pair: head.judge([pair])[0], pairs))
    assert [one.supported for one in threads] == [one.supported for one in alone]
    # int8 activations have one scale a row: other claims in it move a verdict a little.
    assert np.abs(np.array([one.supported for one in together]) - [one.supported for one in alone]).max() < 0.1


def test_empty_texts_have_verdicts(head: ContradictionHead) -> None:
    empty, unread = head.judge([("", "A claim."), (BRIDGE, "")])
    assert 0 <= empty.supported <= 1
    assert unread.tokens == ()
    assert head.judge([]) == []


def test_int8_agrees_with_fp32(head: ContradictionHead) -> None:
    from safetensors.numpy import load_file

    from generation.checking.contradiction import contradiction_head
    from retrieval.minilm_graph import build_reader
    from retrieval.onnx_session import open_session
    from runtime.model_files import minilm_weights

    own = dict(load_file(Path(contradiction_head.__file__).with_name(WEIGHTS)))
    for name in [one.removesuffix(".scale") for one in own if one.endswith(".scale")]:
        own[f"{name}.weight"] = own[f"{name}.weight"].astype(np.float32) * own.pop(f"{name}.scale")
        own[f"{name}.weight"] *= own.pop(f"{name}.smoothing")[:, None]
    exact = open_session(build_reader(load_file(minilm_weights()), own, own["head.marks"], output_lines(own)))
    ids = np.random.default_rng(1).integers(1000, 20000, 60).tolist()
    for claim in (ids[5:30], ids[30:10:-1]):
        read = row(ids, [claim])
        expected = exact.run(["logits"], graph_inputs(read))[0][0][len(ids) + 2 :]
        found = head.logits(read)[len(ids) + 2 :]
        assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.99
