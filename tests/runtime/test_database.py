from __future__ import annotations

import datetime
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import ingestion.registry_tables as tables
from evals.hallucination_rate.audit_tables import audit_items
from evals.jobs.tables import evaluation_jobs
from generation.answer_feedback import answer_feedback
from generation.answer_store import answers
from generation.batches.tables import batches
from generation.costs.usage_ledger import usage_by_day
from runtime.database import MIGRATIONS, Database, database_clock, insert_if_absent, schema
from runtime.errors import ConfigurationError, Unavailable
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres


@pytest.fixture
def sqlite_database(tmp_path: Path):
    opened = Database(f"sqlite:///{tmp_path}/deep/er/records.db")
    opened.upgrade()
    yield opened
    opened.close()


def add_original(connection: sa.Connection, name: str) -> bool:
    values = {"content_hash": name, "size_bytes": 1, "created_at": database_clock()}
    return insert_if_absent(connection, tables.originals, values)


def test_the_revisions_give_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), schema)
    assert [one for one in differences if "alembic_version" not in str(one)] == []
    declared = {tables.jobs, answers, answer_feedback, audit_items, usage_by_day, batches, evaluation_jobs}
    assert declared <= set(schema.sorted_tables)


def test_an_up_to_date_schema_is_seen_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    script = (
        "import sys; from runtime.database import Database; database = Database(sys.argv[1]); database.upgrade(); "
        "print('alembic' in sys.modules)"
    )
    run = [sys.executable, "-c", script, url]
    loaded = [subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip() for _ in range(2)]
    assert loaded == ["True", "False"]


def test_two_processes_may_upgrade_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    script = "import sys; from runtime.database import Database; Database(sys.argv[1]).upgrade()"
    started = [
        subprocess.Popen([sys.executable, "-c", script, url], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], ended


def test_newer_records_are_refused(sqlite_database: Database) -> None:
    with sqlite_database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError) as refusal:
        sqlite_database.upgrade()
    assert refusal.value.code == "newer_schema"


def test_every_revision_is_numbered_in_order() -> None:
    numbers = sorted(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    def break_off() -> None:
        with database.write() as connection:
            add_original(connection, "a")
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.originals)).scalar() == 0


def test_rows_are_inserted_once(database: Database) -> None:
    with database.write() as connection:
        assert [add_original(connection, "a"), add_original(connection, "a")] == [True, False]


def test_the_clock_is_the_databases_and_in_utc(database: Database) -> None:
    with database.write() as connection:
        add_original(connection, "a")
        written = connection.execute(sa.select(tables.originals.c.created_at)).scalar_one()
        now = connection.execute(sa.select(database_clock())).scalar_one()
        later = tables.originals.c.created_at <= now
        assert connection.execute(sa.select(sa.func.count()).where(later)).scalar() == 1
    assert written.utcoffset() == datetime.timedelta(0)
    assert abs(datetime.datetime.now(datetime.UTC) - written) < datetime.timedelta(seconds=5)


def test_sqlite_is_set_for_durability_and_concurrency(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        pragmas = {
            name: connection.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000}
    synchronous = []
    for durable in (True, False, True):
        with sqlite_database.write(durable=durable) as connection:
            synchronous.append(connection.execute(sa.text("PRAGMA synchronous")).scalar())
    assert synchronous == [2, 1, 2]
    with pytest.raises(sa.exc.IntegrityError), sqlite_database.write() as connection:
        connection.execute(
            tables.document_versions.insert().values(
                document_id="none", version=1, content_hash="none", metadata={}, created_at=database_clock()
            )
        )


def test_readers_go_on_and_writers_wait_while_another_process_writes(sqlite_database: Database, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path}/deep/er/records.db")
    writing, done = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with other.write() as connection:
            add_original(connection, "slow")
            writing.set()
            done.wait(10)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert writing.wait(5)
    started = time.monotonic()
    with sqlite_database.read() as connection:
        assert connection.execute(sa.select(tables.originals)).all() == []
    assert time.monotonic() - started < 1
    threading.Timer(0.3, done.set).start()
    with sqlite_database.write() as connection:
        assert add_original(connection, "slow") is False
    thread.join()
    other.close()


def test_a_full_disk_is_told_in_plain_words(sqlite_database: Database) -> None:
    # The same error that SQLite reports for a full disk, without filling one.
    with sqlite_database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        with sqlite_database.write() as connection:
            for n in range(1000):
                add_original(connection, f"{n:064}")

    with pytest.raises(Unavailable) as refusal:
        fill()
    assert refusal.value.code == "storage_full"
    with sqlite_database.read() as connection:
        assert connection.execute(sa.select(tables.originals)).all() == []


def test_unreachable_and_damaged_databases_say_so(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(b"this is no database at all" * 100)
    for url, code, retryable in [
        (f"sqlite:///{tmp_path}/damaged.db", "database_damaged", False),
        (f"sqlite:///{tmp_path}/no/such/folder/records.db", "database_unavailable", True),
        ("postgresql+psycopg://nobody@127.0.0.1:1/nothing", "database_unavailable", True),
    ]:
        broken = Database(url)
        with pytest.raises(Unavailable) as refusal:
            broken.ping()
        assert (refusal.value.code, refusal.value.retryable) == (code, retryable)
        broken.close()


def test_mistakes_in_statements_are_not_dressed_up_as_outages(database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError), database.read() as connection:
        connection.execute(sa.text("SELECT * FROM no_such_table"))
