"""Checkers measured against people's verdicts."""
