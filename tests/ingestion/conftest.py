from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from runtime.database import Database, schema
from tests.ingestion.small_parts import Workshop

POSTGRES = os.environ.get("PLUMB_TEST_DATABASE_URL")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """A database of its own on the server of the tests, with our schema."""
    if POSTGRES is None:
        pytest.skip("PLUMB_TEST_DATABASE_URL is not set")
    address = sa.make_url(POSTGRES).set(drivername="postgresql+psycopg")
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
    name = f"plumbline_test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    opened = Database(address.set(database=name).render_as_string(hide_password=False))
    opened.upgrade()
    yield opened
    opened.close()
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of our schema, on SQLite and, where a server is there, on PostgreSQL."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/records.db")
        opened.upgrade()
        yield opened
        opened.close()
        return
    opened = request.getfixturevalue("postgres")
    with opened.write() as connection:
        for table in reversed(schema.sorted_tables):
            connection.execute(table.delete())
    yield opened


@pytest.fixture
def workshop(database: Database, tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, database)
