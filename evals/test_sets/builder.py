"""Drafts a test set from the chunks of a collection: answerable questions spread over it, and unanswerable ones."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from evals.test_sets.candidates import Candidate, candidates
from evals.test_sets.items import Evidence, TestItem
from evals.test_sets.unanswerable import Search, Unanswerable, unanswerable
from evals.test_sets.vocabulary import Vocabulary
from retrieval.passages import StoredChunk
from runtime.errors import InvalidInput

KIND_PENALTY = 1.0
"""How much a kind of fact that already makes up the whole set loses against one that is not in it yet."""


class NothingToAsk(InvalidInput):
    """The collection holds nothing that a question could be drafted from."""

    code = "nothing_to_ask"


class ModelDrafts(Protocol):
    """`evals.test_sets.model_drafts.ModelDrafts`."""

    name: str

    def draft(self, chunk: StoredChunk, *, most: int) -> Sequence[TestItem]:
        """Checked questions over one chunk; their ids are still to be given."""


@dataclasses.dataclass(frozen=True, slots=True)
class DraftPlan:
    """`questions` in all, of which the share `unanswerable` (0..1) has no answer in the collection."""

    questions: int
    unanswerable: float = 0.2
    seed: int = 0

    @property
    def without_answer(self) -> int:
        return round(self.questions * self.unanswerable)


def draft(
    chunks: Sequence[StoredChunk],
    plan: DraftPlan,
    *,
    titles: Mapping[str, str] | None = None,
    search: Search | None = None,
    model: ModelDrafts | None = None,
    on_progress: Callable[[str, float], None] = lambda _stage, _share: None,
) -> list[TestItem]:
    """Questions with their evidence; fewer than asked for when the collection has no more to ask.

    `titles` of the documents by id name what a statement does not name itself.
    With a `model` it drafts the answerable questions, and rules what it does not bring about. The same chunks, plan and
    model replies give the same set. Raises NothingToAsk. Blocking.
    """
    rng = random.Random(plan.seed)
    on_progress("reading", 0.0)
    vocabulary = Vocabulary([chunk.text for chunk in chunks], [chunk.document_id for chunk in chunks])
    known = candidates(chunks, vocabulary, titles)
    wanted = plan.questions - plan.without_answer
    items: list[TestItem] = []
    if model is not None:
        items = _by_model(chunks, wanted, model, rng, on_progress)
    chosen = select(known, wanted - len(items), rng, taken={one.chunk_id for item in items for one in item.evidence})
    items += [_answerable(one) for one in chosen]
    on_progress("unanswerable", 0.0)
    made = _asked_once(unanswerable(known, vocabulary, search, rng), {item.question.casefold() for item in items})
    items += [_unanswerable(one) for one in _spread(made, plan.without_answer, on_progress)]
    if not items:
        raise NothingToAsk(
            "No question could be drafted: the collection holds no statement of a fact in English that stands alone, "
            "and no table."
        )
    return [dataclasses.replace(item, id=f"q{number:03}") for number, item in enumerate(items, start=1)]


def select(
    known: Sequence[Candidate], count: int, rng: random.Random, taken: set[str] | None = None
) -> list[Candidate]:
    """The best, spread over documents, chunks and kinds of fact; each sentence once. `taken`: chunks to leave out."""
    left: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in known:
        if taken is None or one.chunk.chunk_id not in taken:
            left[one.chunk.document_id].append(one)
    for ones in left.values():
        rng.shuffle(ones)
    documents = sorted(left)
    rng.shuffle(documents)
    chosen: list[Candidate] = []
    kinds: Counter[str] = Counter()
    chunks: Counter[str] = Counter()
    while documents and len(chosen) < count:
        for document in list(documents):
            ones = left[document]
            if not ones or len(chosen) == count:
                documents.remove(document)
                continue

            def worth(one: Candidate) -> float:
                share = kinds[one.fact.kind] / (len(chosen) or 1)
                return one.score - KIND_PENALTY * share - 0.5 * chunks[one.chunk.chunk_id]

            best = max(ones, key=worth)
            left[document] = [one for one in ones if one.quote != best.quote]
            chosen.append(best)
            kinds[best.fact.kind] += 1
            chunks[best.chunk.chunk_id] += 1
    return chosen


def _by_model(
    chunks: Sequence[StoredChunk],
    wanted: int,
    model: ModelDrafts,
    rng: random.Random,
    on_progress: Callable[[str, float], None],
) -> list[TestItem]:
    """A few questions a chunk, chunks in turn over the documents."""
    by_document: defaultdict[str, list[StoredChunk]] = defaultdict(list)
    for chunk in chunks:
        by_document[chunk.document_id].append(chunk)
    for ones in by_document.values():
        rng.shuffle(ones)
    items: list[TestItem] = []
    while len(items) < wanted and any(by_document.values()):
        for ones in by_document.values():
            if ones and len(items) < wanted:
                items += model.draft(ones.pop(), most=min(2, wanted - len(items)))
                on_progress("drafting", len(items) / wanted)
    return items


def _asked_once(made: Iterable[Unanswerable], asked: set[str]) -> Iterator[Unanswerable]:
    for one in made:
        if one.question.casefold() not in asked:
            asked.add(one.question.casefold())
            yield one


def _spread(made: Iterable[Unanswerable], count: int, on_progress: Callable[[str, float], None]) -> list[Unanswerable]:
    """Not more than a fair share of a document's, as long as others have some."""
    found: list[Unanswerable] = []
    documents: Counter[str] = Counter()
    spare: list[Unanswerable] = []
    for one in made:
        if len(found) == count:
            break
        document = one.source.chunk.document_id
        if documents[document] >= max(1, count // 5):
            spare.append(one)
            continue
        documents[document] += 1
        found.append(one)
        on_progress("unanswerable", len(found) / count)
    return (found + spare)[:count]


def _answerable(one: Candidate) -> TestItem:
    fact = one.fact
    return TestItem(
        "",
        one.question,
        tuple(dict.fromkeys((fact.answer, *fact.shorter))),
        True,
        fact.kind.value,
        (Evidence.of(one.chunk, one.quote),),
    )


def _unanswerable(made: Unanswerable) -> TestItem:
    source = made.source
    return TestItem("", made.question, (), False, made.way, (), near=(Evidence.of(source.chunk, source.quote),))
