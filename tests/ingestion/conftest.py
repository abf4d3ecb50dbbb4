from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from runtime.database import Database
from tests.ingestion.small_parts import Workshop

POSTGRES = os.environ.get("PLUMB_TEST_DATABASE_URL")


def database_urls() -> list[object]:
    missing = pytest.mark.skipif(POSTGRES is None, reason="PLUMB_TEST_DATABASE_URL is not set")
    return ["sqlite", pytest.param("postgresql", marks=missing)]


@pytest.fixture(params=database_urls())
def database(request: pytest.FixtureRequest, tmp_path) -> Iterator[Database]:
    """An empty database of our schema, on SQLite and, where one is given, on PostgreSQL."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/records.db")
        opened.upgrade()
        yield opened
        opened.close()
        return
    assert POSTGRES is not None
    server = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    name = f"plumbline_test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    opened = Database(sa.make_url(POSTGRES).set(database=name).render_as_string(hide_password=False))
    opened.upgrade()
    yield opened
    opened.close()
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def workshop(database: Database, tmp_path) -> Workshop:
    return Workshop(tmp_path, database)
