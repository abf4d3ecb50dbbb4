"""Answers measured: correctness, refusals, citations, groundedness."""
