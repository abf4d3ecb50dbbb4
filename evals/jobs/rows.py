"""Rows of evaluation jobs as records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from evals.jobs.records import EvaluationJob, JobData, JobKind, JobStatus
from evals.jobs.tables import evaluation_jobs
from runtime.database import database_clock


def job_record(row: sa.Row[Any]) -> EvaluationJob:
    return EvaluationJob(
        id=row.id,
        tenant=row.tenant,
        kind=JobKind(row.kind),
        status=JobStatus(row.status),
        options=row.options,
        data=None if row.data_hash is None else JobData(row.data_name, row.data_hash, row.data_bytes),
        stage=row.stage,
        progress=row.progress,
        records=row.records,
        result=row.result,
        cancel_requested=row.cancel_requested,
        attempts=row.attempts,
        error_code=row.error_code,
        error_message=row.error_message,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def end_job(connection: sa.Connection, job_id: str, status: JobStatus, **values: Any) -> None:
    """Write the final status."""
    connection.execute(
        evaluation_jobs.update()
        .where(evaluation_jobs.c.id == job_id)
        .values(status=status, stage=None, claim=None, finished_at=database_clock(), **values)
    )
