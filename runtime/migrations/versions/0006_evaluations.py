"""Jobs of the evaluation side, and the record of each item that they measured or drafted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evaluation_jobs",
        sa.Column("id", sa.String(36), nullable=False),
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
        sa.Column("result", sa.JSON),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("claim", sa.String(36)),
        sa.Column("heartbeat_at", MOMENT),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation_jobs"),
    )
    op.create_index("ix_evaluation_jobs_newest", "evaluation_jobs", ["tenant", "created_at", "id"])
    op.create_index(
        "ix_evaluation_jobs_unfinished",
        "evaluation_jobs",
        ["created_at"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "evaluation_records",
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "position", name="pk_evaluation_records"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["evaluation_jobs.id"], name="fk_evaluation_records_evaluation_jobs", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    for table in ("evaluation_records", "evaluation_jobs"):
        op.drop_table(table)
