"""Answers given before, for questions that ask the same again."""
