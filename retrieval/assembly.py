"""Builds the retrieval side from the settings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import ConfigurationError
from runtime.settings import Settings

if TYPE_CHECKING:
    from ingestion.chunking import Chunker
    from retrieval.embedding import Embedder
    from retrieval.reranking import CrossEncoderReranker, LateInteraction
    from retrieval.retriever import ActiveVersions, Retriever
    from retrieval.vector_index import Generation, IndexGenerations, VectorIndex

DEFAULT_MODEL = "all-MiniLM-L6-v2"
SPECIAL_TOKENS = 2

INITIAL_MEAN_CHUNK_TERMS = 80.0
"""`avg_len` of BM25 for a new index, when the real mean is not known yet: that of the development sets."""

LATE_INTERACTION_WEIGHT = 0.3


def build_embedder(settings: Settings) -> Embedder:
    """The embedding model of the settings. Raises `ConfigurationError`, `DamagedModel`."""
    if settings.embedding_backend == "sentence-transformers":
        from retrieval.sentence_transformers_embedder import SentenceTransformersEmbedder
        from runtime.model_files import minilm_folder

        model = str(minilm_folder()) if settings.embedding_model == DEFAULT_MODEL else settings.embedding_model
        return SentenceTransformersEmbedder(model, device=settings.embedding_device)
    if settings.embedding_model != DEFAULT_MODEL:
        raise ConfigurationError(
            f"The ONNX back ends carry {DEFAULT_MODEL} alone. For {settings.embedding_model} set "
            "PLUMB_EMBEDDING_BACKEND=sentence-transformers."
        )
    from retrieval.onnx_embedder import OnnxEmbedder
    from runtime.model_files import minilm_tokenizer

    precision = settings.embedding_backend.removeprefix("onnx-")
    graph = minilm_graph_file(int8=precision == "int8")
    return OnnxEmbedder(f"{DEFAULT_MODEL}/{precision}", graph, minilm_tokenizer())


def minilm_graph_file(*, int8: bool) -> Path:
    """The ONNX graph in the cache, written there at first use. Its name tells which weights, code and axes it has."""
    from runtime.model_files import MINILM_SHA256, derived_file, minilm_weights

    here = Path(__file__).parent
    calibration = here / "minilm_calibration.npz"
    recipe = hashlib.sha256(MINILM_SHA256.encode())
    for source in (here / "minilm_graph.py", calibration):
        recipe.update(source.read_bytes())

    def write(target: Path) -> None:
        import numpy as np

        from retrieval.minilm_graph import write as write_graph

        with np.load(calibration) as arrays:
            known = dict(arrays)
        projection = known.pop("projection")
        write_graph(minilm_weights(), projection, known if int8 else None, target)

    return derived_file(f"minilm-{'int8' if int8 else 'fp32'}-{recipe.hexdigest()[:12]}.onnx", write)


def build_chunker(embedder: Embedder) -> Chunker:
    """Chunks for the tokenizer and the limit of this embedding model."""
    from ingestion.chunking import Chunker

    return Chunker(embedder.count_tokens, embedder.max_tokens - SPECIAL_TOKENS)


def generation_for(settings: Settings, embedder: Embedder) -> Generation:
    """What an index for these settings is built with."""
    from retrieval.vector_index import Generation

    return Generation(
        embedding_model=embedder.name,
        dimension=embedder.dimension,
        token_dimension=embedder.token_dimension,
        chunker_version=build_chunker(embedder).version,
        mean_chunk_terms=INITIAL_MEAN_CHUNK_TERMS,
        language=settings.language,
    )


def build_generations(settings: Settings) -> IndexGenerations:
    if settings.qdrant_url is not None:
        from retrieval.qdrant_server_index import ServerGenerations, connect

        api_key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        return ServerGenerations(connect(settings.qdrant_url, api_key))
    from retrieval.qdrant_edge_index import EdgeGenerations

    return EdgeGenerations(settings.index_dir)


def build_index(settings: Settings, embedder: Embedder) -> VectorIndex:
    """The active index. Raises `IndexMismatch`, and for the embedded one `IndexLocked`."""
    return build_generations(settings).open(generation_for(settings, embedder))


def build_reranker(settings: Settings) -> LateInteraction | CrossEncoderReranker | None:
    from retrieval.reranking import CrossEncoderReranker, LateInteraction

    if settings.reranker == "none":
        return None
    if settings.reranker == "late-interaction":
        return LateInteraction(LATE_INTERACTION_WEIGHT)
    return CrossEncoderReranker(settings.reranker, settings.embedding_device)


def build_retriever(
    settings: Settings, embedder: Embedder, index: VectorIndex, active_versions: ActiveVersions
) -> Retriever:
    from retrieval.retriever import Retriever

    return Retriever(embedder, index, active_versions, build_reranker(settings))
