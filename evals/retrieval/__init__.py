"""Retrieval measured on data with relevance judgments."""
