"""Answers without a language model: sentences of the passages."""
