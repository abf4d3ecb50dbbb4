"""Answers that were drawn for people to judge, and what they said."""

from __future__ import annotations

import sqlalchemy as sa

from runtime.database import UtcDateTime, schema

audit_items = sa.Table(
    "audit_items",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column(
        "answer_id",
        sa.String(36),
        sa.ForeignKey("answer_verdicts.answer_id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("drawn_at", UtcDateTime, nullable=False),
    sa.Column("verdict", sa.String(16)),
    sa.Column("judged_at", UtcDateTime),
    sa.Column("judged_by", sa.String(200)),
    sa.Index(
        "ix_audit_items_open",
        "tenant",
        "drawn_at",
        sqlite_where=sa.text("verdict IS NULL"),
        postgresql_where=sa.text("verdict IS NULL"),
    ),
)
"""`verdict` is the last one of `audit_verdicts`; `probability` that of being drawn by any of the draws so far."""

audit_verdicts = sa.Table(
    "audit_verdicts",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column(
        "item_id", sa.String(36), sa.ForeignKey("audit_items.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("spans", sa.JSON, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("judged_by", sa.String(200), nullable=False),
    sa.Column("judged_at", UtcDateTime, nullable=False),
)
"""Every verdict that was given, so that a changed one stays visible."""

rate_monitors = sa.Table(
    "rate_monitors",
    schema,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("checker", sa.String(300), primary_key=True),
    sa.Column("checker_version", sa.String(200), primary_key=True),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_until", UtcDateTime, nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
)
"""`state` is that of `sequential_monitor.Monitor` over everything from `started_at` to before `seen_until`."""
