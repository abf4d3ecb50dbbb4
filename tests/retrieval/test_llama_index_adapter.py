import asyncio
import threading

from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode

from retrieval.llama_index_adapter import PlumblineRetriever
from retrieval.passages import Passage, Scope, StoredChunk
from retrieval.retriever import SearchResult

TEXTS = ["Holidays are 30 days a year.", "Sick leave needs a note after three days.", "Holidays must be booked early."]


class WordSearch:
    """Ranks three chunks by the words that they share with the question."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.threads: set[int] = set()

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult:
        self.scopes.append(scope)
        self.threads.add(threading.get_ident())
        words = set(text.lower().split())
        passages = [
            Passage(
                chunk=StoredChunk(
                    tenant=scope.tenant,
                    collection="handbook",
                    document_id="d1",
                    version=2,
                    document_name="handbook/leave.pdf",
                    ordinal=number,
                    text=chunk,
                    start=100 * number,
                    end=100 * number + len(chunk),
                    page=number + 1,
                    heading_path=("Leave", "Rules"),
                    parent=(0, 2),
                    metadata={"owner": "people team", "page": 99},
                ),
                score=float(len(words & set(chunk.lower().split()))),
                scores={},
                context=" ".join(TEXTS),
                context_start=0,
            )
            for number, chunk in enumerate(TEXTS)
        ]
        passages.sort(key=lambda passage: -passage.score)
        return SearchResult(passages=tuple(passages[:top_k]), timings_ms={})


def test_nodes_say_where_they_stand() -> None:
    search = WordSearch()
    nodes = PlumblineRetriever(search, Scope("default", "handbook"), top_k=2).retrieve("holidays are how long")
    assert search.scopes == [Scope("default", "handbook")]
    assert [node.text for node in nodes] == [TEXTS[0], TEXTS[2]]
    assert nodes[0].score == 2.0
    assert nodes[0].metadata == {
        "owner": "people team",
        "document_id": "d1",
        "document_name": "handbook/leave.pdf",
        "chunk_id": nodes[0].node_id,
        "page": 1,
        "section": "Leave > Rules",
        "span": [0, 28],
    }
    seen_by_model = nodes[0].get_content(MetadataMode.LLM)
    assert "page: 1" in seen_by_model
    assert "span" not in seen_by_model


def test_a_query_engine_of_llama_index_runs_on_it() -> None:
    retriever = PlumblineRetriever(WordSearch(), Scope("default"), top_k=1)
    engine = RetrieverQueryEngine.from_args(retriever, llm=MockLLM())  # answers with its prompt
    response = engine.query("is a note for sick leave needed")
    assert [source.text for source in response.source_nodes] == [TEXTS[1]]
    assert TEXTS[1] in str(response)
    assert "document_name: handbook/leave.pdf" in str(response)


def test_asynchronous_callers_are_not_blocked() -> None:
    search = WordSearch()
    nodes = asyncio.run(PlumblineRetriever(search, Scope("default"), top_k=1).aretrieve("booked early"))
    assert nodes[0].text == TEXTS[2]
    assert search.threads != {threading.get_ident()}
