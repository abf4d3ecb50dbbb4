from __future__ import annotations

import dataclasses
import datetime
import subprocess
import sys
from pathlib import Path

import pytest

from generation.answers import Answer, CacheUse, ModelUsage, ModelUse, Usage
from generation.costs.usage_ledger import UsageLedger
from generation.costs.usage_sums import GroupBy, UsageSums, model_usages
from runtime.database import Database
from tests.ingestion import conftest

database, postgres = conftest.database, conftest.postgres

MONDAY = datetime.date(2026, 11, 16)
TUESDAY = datetime.date(2026, 11, 17)


def answer(model: str = "small", usage: Usage | None = None, cache: CacheUse | None = None) -> Answer:
    return Answer(
        answer_id="a",
        question="q",
        answer="a",
        refused=False,
        citations=(),
        groundedness=None,
        passages=(),
        model=ModelUse(model, "fast", "because"),
        usage=usage or Usage(100, 20, 0.00015),
        cache=cache or CacheUse(),
        timings_ms={},
    )


def test_the_same_day_key_and_model_add_up(database: Database) -> None:
    ledger = UsageLedger(database)
    for _ in range(3):
        ledger.record("one", "", answer(), MONDAY)
    sums = ledger.sums("one", MONDAY, MONDAY, GroupBy.DAY)
    assert sums == {MONDAY: UsageSums(3, 300, 0, 60, 450_000)}


def test_costs_add_up_exactly(database: Database) -> None:
    ledger = UsageLedger(database)
    for _ in range(10):
        ledger.record("one", "", answer(usage=Usage(1, 0, 0.1)), MONDAY)
    (sums,) = ledger.sums("one", MONDAY, MONDAY, GroupBy.MODEL).values()
    assert sums.cost_nano_usd == 1_000_000_000


def test_each_model_that_was_called_bears_its_own_part(database: Database) -> None:
    parts = (ModelUsage("small", 100, 60, 5, 0.001), ModelUsage("large", 200, 0, 50, 0.02))
    ledger = UsageLedger(database)
    ledger.record("one", "", answer("large", Usage(300, 55, 0.021, 60, parts)), MONDAY)
    assert ledger.sums("one", MONDAY, MONDAY, GroupBy.MODEL) == {
        "large": UsageSums(1, 200, 0, 50, 20_000_000),
        "small": UsageSums(0, 100, 60, 5, 1_000_000),
    }


def test_what_the_cache_saved_is_kept_apart(database: Database) -> None:
    ledger = UsageLedger(database)
    ledger.record("one", "", answer(usage=Usage(), cache=CacheUse(True, 0.98, 0.002)), MONDAY)
    ledger.record("one", "", answer("extractive", Usage()), MONDAY)
    assert ledger.sums("one", MONDAY, MONDAY, GroupBy.MODEL) == {
        "extractive": UsageSums(answers=1),
        "small": UsageSums(answers=1, cache_hits=1, saved_nano_usd=2_000_000),
    }


def test_groups_and_bounds(database: Database) -> None:
    ledger = UsageLedger(database)
    ledger.record("one", "k1", answer(), MONDAY)
    ledger.record("one", "k2", answer(), TUESDAY)
    ledger.record("one", "k2", answer("large"), TUESDAY)
    ledger.record("two", "k3", answer(), MONDAY)

    def answers(first: datetime.date, last: datetime.date, group: GroupBy) -> dict[object, int]:
        return {name: sums.answers for name, sums in ledger.sums("one", first, last, group).items()}

    assert answers(MONDAY, TUESDAY, GroupBy.DAY) == {MONDAY: 1, TUESDAY: 2}
    assert answers(MONDAY, TUESDAY, GroupBy.KEY) == {"k1": 1, "k2": 2}
    assert answers(MONDAY, TUESDAY, GroupBy.MODEL) == {"large": 1, "small": 2}
    assert answers(TUESDAY, TUESDAY, GroupBy.KEY) == {"k2": 2}
    assert answers(datetime.date(2025, 1, 1), datetime.date(2025, 1, 2), GroupBy.DAY) == {}


def test_today_is_that_of_utc(database: Database) -> None:
    ledger = UsageLedger(database)
    before = datetime.datetime.now(datetime.UTC).date()
    ledger.record("one", "", answer())
    after = datetime.datetime.now(datetime.UTC).date()
    assert set(ledger.sums("one", before, after, GroupBy.DAY)) <= {before, after}
    assert len(ledger.sums("one", before, after, GroupBy.DAY)) == 1


def test_an_answer_without_parts_is_its_models_own() -> None:
    assert model_usages(answer()) == (ModelUsage("small", 100, 0, 20, 0.00015),)
    assert model_usages(answer("extractive", Usage())) == ()
    parts = (ModelUsage("large", 1),)
    assert model_usages(answer(usage=dataclasses.replace(Usage(), by_model=parts))) == parts


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_several_processes_lose_nothing(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/records.db"
        opened = Database(url)
        opened.upgrade()
    else:
        opened = request.getfixturevalue("postgres")
        url = opened._engine.url.render_as_string(hide_password=False)
    script = (
        "import sys\n"
        "from generation.costs.usage_ledger import UsageLedger\n"
        "from runtime.database import Database\n"
        "from tests.generation.costs.test_usage_ledger import TUESDAY, answer\n"
        "from generation.answers import ModelUsage, Usage\n"
        "ledger = UsageLedger(Database(sys.argv[1]))\n"
        "names = ['a', 'b'] if sys.argv[2] == '0' else ['b', 'a']\n"
        "parts = tuple(ModelUsage(name, 1, 0, 1, 0.001) for name in names)\n"
        "for _ in range(50): ledger.record('many', '', answer('a', Usage(by_model=parts)), TUESDAY)\n"
    )
    root = Path(__file__).parents[3]
    run = [sys.executable, "-c", script, url]
    started = [subprocess.Popen([*run, str(n)], cwd=root, stderr=subprocess.PIPE, text=True) for n in range(3)]
    ended = [(process.communicate()[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert UsageLedger(opened).sums("many", TUESDAY, TUESDAY, GroupBy.MODEL) == {
        "a": UsageSums(150, 150, 0, 150, 150_000_000),
        "b": UsageSums(0, 150, 0, 150, 150_000_000),
    }
    if kind == "sqlite":
        opened.close()
