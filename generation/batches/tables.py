"""The tables of batches: one row a batch, a question, a part of a question's answer, a provider's own batch."""

from __future__ import annotations

import sqlalchemy as sa

from runtime.database import UtcDateTime, schema

batches = sa.Table(
    "batches",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("ensemble", sa.JSON, nullable=False),
    sa.Column("use_provider", sa.Boolean, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("answered", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost_usd", sa.Float, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Column("claim", sa.String(36)),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Index(
        "ix_batches_unfinished",
        "created_at",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
)

batch_questions = sa.Table(
    "batch_questions",
    schema,
    sa.Column("batch_id", sa.ForeignKey(batches.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("caller_id", sa.String(200)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("begun", sa.Integer, nullable=False),  # how often it was begun since something last came of it
    sa.Column("question", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON(none_as_null=True)),
)

provider_batches = sa.Table(
    "provider_batches",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("batch_id", sa.ForeignKey(batches.c.id, ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("model", sa.String(200), nullable=False),
    sa.Column("provider_id", sa.String(200)),  # None: not known to have arrived there
    sa.Column("polls", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
)

batch_parts = sa.Table(
    "batch_parts",
    schema,
    sa.Column("batch_id", sa.String(36), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("member", sa.String(200), primary_key=True),  # the model that is to answer; "": the router chooses
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("provider_batch_id", sa.String(36), index=True),
    sa.Column("prepared", sa.LargeBinary),
    sa.Column("outcome", sa.JSON(none_as_null=True)),
    sa.ForeignKeyConstraint(
        ["batch_id", "position"],
        ["batch_questions.batch_id", "batch_questions.position"],
        name="fk_batch_parts_batch_questions",
        ondelete="CASCADE",
    ),
)
