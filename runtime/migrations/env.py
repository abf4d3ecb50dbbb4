"""Runs the revisions inside the transaction that `Database.upgrade` has begun.

A new revision: write `versions/NNNN_what.py` by hand (its number is its id); a test compares the result with the tables
in the code.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
context.run_migrations()
