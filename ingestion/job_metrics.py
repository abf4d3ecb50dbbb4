"""Prometheus metrics of jobs: register a `JobMetrics` with any registry."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class JobMetrics:
    """Counts what this process did. A Prometheus collector."""

    def __init__(self) -> None:
        self.running = Gauge("plumbline_jobs_running", "Jobs that this process works on", registry=None)
        self.ended = Counter("plumbline_jobs_ended", "Finished jobs", ["kind", "status", "code"], registry=None)
        self.retried = Counter("plumbline_jobs_retried", "Tries that failed and will be repeated", registry=None)
        self.chunks = Counter("plumbline_chunks_indexed", "Chunks written to the index", registry=None)
        self.stage_seconds = Histogram(
            "plumbline_job_stage_seconds", "Time a job spent in a stage", ["stage"], buckets=_SECONDS, registry=None
        )

    def collect(self) -> Iterable[Metric]:
        for metric in (self.running, self.ended, self.retried, self.chunks, self.stage_seconds):
            yield from metric.collect()
