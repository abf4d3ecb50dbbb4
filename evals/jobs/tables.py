"""The tables of evaluation jobs: one row a job, and one an item that it has a record of."""

from __future__ import annotations

import sqlalchemy as sa

from runtime.database import UtcDateTime, schema

evaluation_jobs = sa.Table(
    "evaluation_jobs",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("data_name", sa.Text),
    sa.Column("data_hash", sa.String(64)),
    sa.Column("data_bytes", sa.BigInteger),
    sa.Column("stage", sa.String(64)),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),  # how often it was begun since something last came of it
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Column("claim", sa.String(36)),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Index("ix_evaluation_jobs_newest", "tenant", "created_at", "id"),
    sa.Index(
        "ix_evaluation_jobs_unfinished",
        "created_at",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
)

evaluation_records = sa.Table(
    "evaluation_records",
    schema,
    sa.Column("job_id", sa.ForeignKey(evaluation_jobs.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("record", sa.JSON, nullable=False),
)
