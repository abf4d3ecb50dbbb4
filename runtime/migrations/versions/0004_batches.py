"""Batches of questions, their answers, and what of them is at a provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.String(36), nullable=False),
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
        sa.Column("heartbeat_at", MOMENT),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
    )
    op.create_index(
        "ix_batches_unfinished",
        "batches",
        ["created_at"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "batch_questions",
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("caller_id", sa.String(200)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("question", sa.JSON, nullable=False),
        sa.Column("result", sa.JSON),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_batch_questions"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_questions_batches", ondelete="CASCADE"),
    )
    op.create_table(
        "provider_batches",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("provider_id", sa.String(200)),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_provider_batches"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_provider_batches_batches", ondelete="CASCADE"),
    )
    op.create_index("ix_provider_batches_batch_id", "provider_batches", ["batch_id"])
    op.create_table(
        "batch_parts",
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("member", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("provider_batch_id", sa.String(36)),
        sa.Column("prepared", sa.LargeBinary),
        sa.Column("outcome", sa.JSON),
        sa.PrimaryKeyConstraint("batch_id", "position", "member", name="pk_batch_parts"),
        sa.ForeignKeyConstraint(
            ["batch_id", "position"],
            ["batch_questions.batch_id", "batch_questions.position"],
            name="fk_batch_parts_batch_questions",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_batch_parts_provider_batch_id", "batch_parts", ["provider_batch_id"])


def downgrade() -> None:
    for table in ("batch_parts", "provider_batches", "batch_questions", "batches"):
        op.drop_table(table)
