"""Answers as they were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("collection", sa.String(64)),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("refused", sa.Boolean, nullable=False),
        sa.Column("groundedness", sa.Float),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    op.create_index("ix_answers_newest", "answers", ["tenant", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("answers")
