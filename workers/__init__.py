"""The Celery application, its thin tasks and the in-process worker."""
