"""Tables of the registry.

A document row points at its newest job and at the version that searches show. Every ingest job builds a version of its
own, so what a late or interrupted job leaves in the index can never be mistaken for another job's work.
"""

from __future__ import annotations

import sqlalchemy as sa

from runtime.database import UtcDateTime, schema

collections = sa.Table(
    "collections",
    schema,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# Locked while content is registered or removed, so that neither can slip between the other's check and action.
originals = sa.Table(
    "originals",
    schema,
    sa.Column("content_hash", sa.String(64), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

documents = sa.Table(
    "documents",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("collection", sa.String(64), nullable=False),
    sa.Column("name", sa.String(1024), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("active_version", sa.Integer),
    # The version that the last upload in force made; `latest_version` only counts, so that no number is used twice.
    sa.Column("upload_version", sa.Integer, nullable=False),
    sa.Column("latest_version", sa.Integer, nullable=False),
    sa.Column("job_id", sa.String(36), nullable=False),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant", "collection"], ["collections.tenant", "collections.name"]),
    sa.Index("ix_documents_newest", "tenant", "created_at", "id"),
    # A name is free again as soon as its document is being deleted.
    sa.Index(
        "uq_documents_identity",
        "tenant",
        "collection",
        "name",
        unique=True,
        sqlite_where=sa.text("status <> 'deleting'"),
        postgresql_where=sa.text("status <> 'deleting'"),
    ),
)

document_versions = sa.Table(
    "document_versions",
    schema,
    sa.Column(
        "document_id",
        sa.String(36),
        sa.ForeignKey("documents.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content_hash", sa.String(64), sa.ForeignKey("originals.content_hash"), nullable=False, index=True),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("facts", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

# No foreign key to documents: the job that deleted a document can still be looked up.
jobs = sa.Table(
    "jobs",
    schema,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("collection", sa.String(64), nullable=False),
    sa.Column("document_id", sa.String(36), nullable=False, index=True),
    sa.Column("document_name", sa.String(1024), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("timings", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("retries", sa.Integer, nullable=False),
    sa.Column("worker_deaths", sa.Integer, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    # Drawn anew by each worker that takes the job up: whoever does not hold the present one has lost the job.
    sa.Column("claim", sa.String(36)),
    sa.Column("heartbeat_at", UtcDateTime),
    sa.Column("error_code", sa.String(64)),
    sa.Column("error_message", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Index(
        "ix_jobs_unfinished",
        "created_at",
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    ),
)
