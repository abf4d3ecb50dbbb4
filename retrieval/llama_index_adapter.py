"""Our retrieval inside a LlamaIndex application: the retriever as a `BaseRetriever`.

```python
engine = RetrieverQueryEngine.from_args(PlumblineRetriever(retriever, Scope(tenant="default")), llm=...)
```
Importing this module imports llama-index, which takes seconds; nothing else of the platform imports it.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from retrieval.passages import Passage, Scope
from retrieval.retriever import SearchResult

_ONLY_FOR_PROGRAMS = ["document_id", "chunk_id", "span"]


class Search(Protocol):
    """What is needed of `retrieval.retriever.Retriever`; blocking and thread-safe."""

    def search(self, text: str, scope: Scope, top_k: int) -> SearchResult: ...


class PlumblineRetriever(BaseRetriever):
    """Passages as nodes, best first. A node's text is the chunk, verbatim; its metadata says where it stands:
    `document_id`, `document_name`, `chunk_id`, `page`, `section`, `span` (offsets in the document's text), then what
    the document was uploaded with. Each field of the platform wins over an uploaded one of the same name.
    """

    def __init__(self, retriever: Search, scope: Scope, top_k: int = 10) -> None:
        super().__init__()
        self._retriever = retriever
        self._scope = scope
        self._top_k = top_k

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        result = self._retriever.search(query_bundle.query_str, self._scope, self._top_k)
        return [_node(passage) for passage in result.passages]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(passage: Passage) -> NodeWithScore:
    chunk = passage.chunk
    metadata = {
        **chunk.metadata,
        "document_id": chunk.document_id,
        "document_name": chunk.document_name,
        "chunk_id": chunk.chunk_id,
        "page": chunk.page,
        "section": chunk.section,
        "span": [chunk.start, chunk.end],
    }
    node = TextNode(
        id_=chunk.chunk_id,
        text=chunk.text,
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata=metadata,
        excluded_llm_metadata_keys=_ONLY_FOR_PROGRAMS,
        excluded_embed_metadata_keys=_ONLY_FOR_PROGRAMS,
    )
    return NodeWithScore(node=node, score=passage.score)
