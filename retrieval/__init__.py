"""Chunks into the index; a question to ranked passages."""
