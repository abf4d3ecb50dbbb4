"""Runs as an HTML page that stands alone."""
