"""Measurements of retrieval, answers and groundedness."""
