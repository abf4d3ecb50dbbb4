"""Runs as files: kept, compared, repeated."""
