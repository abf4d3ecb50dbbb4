"""Alembic revisions of the records; they serve SQLite and PostgreSQL."""
