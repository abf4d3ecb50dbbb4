"""Routing policies measured by recording once and replaying."""
