"""The one door to the relational database: SQLite in a file, or PostgreSQL.

Packages declare their tables on `schema`; the revisions under `runtime/migrations` create them.
"""

from __future__ import annotations

import contextlib
import datetime
import importlib
import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from runtime.errors import ConfigurationError, Unavailable

schema = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_WAIT_SECONDS = 30
# Any number that no other program uses on the same PostgreSQL server.
MIGRATION_LOCK = 7_092_217_301

log = logging.getLogger(__name__)


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"


class DatabaseDamaged(Unavailable):
    code = "database_damaged"
    retryable = False


class DatabaseFull(Unavailable):
    code = "storage_full"


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """An aware moment in UTC; SQLite, which knows no time zones, keeps it as text that sorts by time."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> datetime.datetime | None:
        return None if value is None else value.astimezone(datetime.UTC)

    def process_result_value(
        self,
        value: datetime.datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002
    ) -> datetime.datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or datetime.UTC)


class database_clock(FunctionElement[datetime.datetime]):
    """The present moment by the database's own clock, so that hosts whose clocks differ agree on what is late."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(database_clock, "sqlite")
def _sqlite_clock(_element: object, _compiler: object, **_options: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(database_clock, "postgresql")
def _postgresql_clock(_element: object, _compiler: object, **_options: object) -> str:
    return "clock_timestamp()"


def insert_if_absent(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique values exists; true when it was inserted."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    added = insert(table).values(**values).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(added).first() is not None


def insert_or_add(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], amounts: Mapping[str, int]
) -> None:
    """Add the amounts to the row of this primary key, which begins with them; safe beside other writers."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table).values(**key, **amounts)
    sums = {name: table.c[name] + statement.excluded[name] for name in amounts}
    connection.execute(statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=sums))


class Database:
    """Connections to the records. Thread-safe; opens nothing until first used.

    Errors of the database reach callers as `Unavailable` (code `storage_full` when the disk is full, else
    `database_unavailable`); mistakes in a statement stay SQLAlchemy's.
    """

    def __init__(self, url: str) -> None:
        # Statements look into this module when it is there, and fail while another thread is half through importing it
        # (a library that we load in the background does): so it is there before there are threads.
        importlib.import_module("sqlalchemy.orm")
        address = sa.make_url(url)
        # SQLite's own lock makes writers sleep and look again; threads of this process need not wait that way.
        self._writers: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        self._file = Path(address.database or "") if address.get_backend_name() == "sqlite" else None
        if self._file is not None:
            self._writers = threading.Lock()
            self._engine = sa.create_engine(address, connect_args={"timeout": LOCK_WAIT_SECONDS})
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = sa.create_engine(
                address, pool_pre_ping=True, pool_recycle=1800, connect_args={"connect_timeout": 10}
            )

    def upgrade(self) -> None:
        """Bring the schema to the newest revision; costs one small query when it already is.

        Raises ConfigurationError when a newer Plumbline wrote the data.
        """
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
        revisions = sorted(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        present = self._revision()
        if present == revisions[-1]:
            return
        if present is not None and present not in revisions:
            raise ConfigurationError(
                f"These records were written by a newer Plumbline (schema {present}, this one knows {revisions[-1]}). "
                "Install that version or choose another data folder.",
                code="newer_schema",
            )
        with self.write() as connection:
            if self._file is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            _migrate(connection)

    def _revision(self) -> str | None:
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading; on SQLite it never waits for a writer."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction, committed when the block ends and rolled back when it raises.

        What is not `durable` survives a crash of the process at once and one of the machine only a moment later, which
        spares a wait for the disk.
        """
        with (
            _translated(),
            self._writers,
            self._engine.connect().execution_options(writes=True, durable=durable) as connection,
            connection.begin(),
        ):
            if not durable and self._file is None:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield connection

    def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        with self.read() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions on its own and too late; `_begin_sqlite` does instead.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    # In WAL mode only FULL keeps a commit through a power failure.
    connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options['durable'] else 'NORMAL'}")
    # A deferred transaction that reads before it writes fails at once (SQLITE_BUSY) when another writer was faster.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    log.info("Database schema brought up to date")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError):
        raise
    except (sa.exc.DatabaseError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        cause = getattr(error, "orig", None)
        sqlite_code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if sqlite_code == sqlite3.SQLITE_ERROR:
            raise
        if sqlite_code == sqlite3.SQLITE_FULL or getattr(cause, "sqlstate", None) == "53100":
            raise DatabaseFull("The disk that holds the records is full. Free some space and try again.") from error
        if sqlite_code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise DatabaseDamaged("The file with the records is damaged. Restore it from a backup.") from error
        if sqlite_code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            message = "The records are busy: another process has been writing to them for too long. Try again."
        elif sqlite_code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            message = (
                f"The file with the records cannot be used ({_first_line(cause or error)}). See whether its disk is "
                "full or its folder may not be written, and try again."
            )
        else:
            message = f"The database does not answer ({_first_line(cause or error)}). Check that it runs and try again."
        raise DatabaseUnavailable(message) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
