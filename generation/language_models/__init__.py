"""Calls of language models: protocols, patience, fallback."""
