"""The verdict on every answer, the audit of them by people, and what readers say of answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "answer_verdicts",
        sa.Column("answer_id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("route", sa.String(32), nullable=False),
        sa.Column("prompt", sa.String(200)),
        sa.Column("collection", sa.String(64)),
        sa.Column("checker", sa.String(300)),
        sa.Column("checker_version", sa.String(200)),
        sa.Column("threshold", sa.Float),
        sa.Column("score", sa.Float),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("lot", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("answer_id", name="pk_answer_verdicts"),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name="fk_answer_verdicts_answers", ondelete="CASCADE"),
    )
    op.create_index("ix_answer_verdicts_tenant_window", "answer_verdicts", ["tenant", "created_at"])
    op.create_index("ix_answer_verdicts_window", "answer_verdicts", ["created_at"])
    op.create_table(
        "audit_items",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("answer_id", sa.String(36), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("drawn_at", MOMENT, nullable=False),
        sa.Column("verdict", sa.String(16)),
        sa.Column("judged_at", MOMENT),
        sa.Column("judged_by", sa.String(200)),
        sa.PrimaryKeyConstraint("id", name="pk_audit_items"),
        sa.UniqueConstraint("answer_id", name="uq_audit_items_answer_id"),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answer_verdicts.answer_id"], name="fk_audit_items_answer_verdicts", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_audit_items_open",
        "audit_items",
        ["tenant", "drawn_at"],
        sqlite_where=sa.text("verdict IS NULL"),
        postgresql_where=sa.text("verdict IS NULL"),
    )
    op.create_table(
        "audit_verdicts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("item_id", sa.String(36), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("spans", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("judged_by", sa.String(200), nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_verdicts"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["audit_items.id"], name="fk_audit_verdicts_audit_items", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_audit_verdicts_item_id", "audit_verdicts", ["item_id"])
    op.create_table(
        "rate_monitors",
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("checker", sa.String(300), nullable=False),
        sa.Column("checker_version", sa.String(200), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_until", MOMENT, nullable=False),
        sa.Column("state", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "checker", "checker_version", name="pk_rate_monitors"),
    )
    op.create_table(
        "answer_feedback",
        sa.Column("answer_id", sa.String(36), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("helpful", sa.Boolean),
        sa.Column("verdict", sa.String(16)),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("answer_id", "author", name="pk_answer_feedback"),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name="fk_answer_feedback_answers", ondelete="CASCADE"),
    )
    op.create_index("ix_answer_feedback_given", "answer_feedback", ["tenant", "given_at"])


def downgrade() -> None:
    for table in ("answer_feedback", "rate_monitors", "audit_verdicts", "audit_items", "answer_verdicts"):
        op.drop_table(table)
