# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store of an earlier format is brought to the present one with all it holds; one of a later format is refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ansible_collections.evolve.vm.plugins.plugin_utils import libraries
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.database import database_at
from ansible_collections.evolve.vm.plugins.plugin_utils.study.formats import MIGRATIONS, migrate
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.tests.postgresql import connected

from .conftest import Player, on_both

STORES = Path(__file__).parent / "stores"
Fill = Callable[[int], None]


@pytest.fixture
def fill(store_url: str) -> Fill:
    """Writes a store as an earlier version of the collection left it, with a finished study of four trials."""

    def run(version: int) -> None:
        if store_url.startswith("sqlite"):
            with sqlite3.connect(store_url.removeprefix("sqlite:///")) as connection:
                connection.executescript((STORES / f"version_{version}.sql").read_text())
        else:
            with connected(store_url) as connection:
                connection.execute((STORES / f"version_{version}.postgresql.sql").read_text())

    return run


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Everything in the database, read without our tables."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    found = sa.MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in found.tables.values()
        }


def differences(url: str) -> list[Any]:
    """In what the tables of a database are not those of the present format."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata))


@on_both
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_earlier_format_is_brought_to_the_present_one_with_its_rows(
    store_url: str, fill: Fill, version: int
) -> None:
    fill(version)
    before = rows(store_url)
    Store(store_url).close()
    after = rows(store_url)
    assert differences(store_url) == []
    assert after.pop("alembic_version") == [{"version_num": schema.FORMAT}]
    said = before.pop("store_info", None) or before.pop("alembic_version")
    assert said in ([{"schema_version": version}], [{"version_num": f"{version:04}"}])
    for table, old in before.items():
        for row in old:
            row.pop("controller", None) if table == "studies" else None
        assert old or (version >= 3 and table in ("controllers", "hypervisors"))
        if not old:
            continue
        kept = [{name: row[name] for name in old[0]} for row in after[table]]
        assert sorted(kept, key=str) == sorted(old, key=str), table
    assert {row["revision"] for row in after["trials"]} == {0}


@on_both
def test_a_new_store_has_the_tables_that_migrations_lead_to(store_url: str, tmp_path: Path) -> None:
    database = database_at(store_url)
    with database.alteration() as connection:
        migrate(connection, None)
    assert differences(store_url) == []
    Store(f"sqlite:///{tmp_path}/new.sqlite").close()
    assert differences(f"sqlite:///{tmp_path}/new.sqlite") == []


def test_every_format_has_a_migration() -> None:
    steps = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == schema.FORMATS


@on_both
@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_study_of_an_earlier_format_goes_on(store_url: str, fill: Fill, version: int) -> None:
    fill(version)
    store = Store(store_url)
    with store.transaction() as records:
        stored = Study(records, "small")
        before = [stored.trials, stored.measurements, stored.row["verdict"]]
    player = Player(store, stored.definition)
    assert not player.open().created
    study = player.study()
    assert [study.trials, study.measurements, study.row["verdict"]] == before
    player.definition = replace(stored.definition, budget={"trials": 6})
    player.open()
    assert [run.trial for run in player.play("search")] == [5, 6]


@on_both
def test_of_several_that_open_an_earlier_format_at_once_one_brings_it_on(store_url: str, fill: Fill) -> None:
    fill(1)
    script = (
        "import sys\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store\n"
        "sys.stdin.read()\n"
        "Store(sys.argv[1])\n"
    )
    python = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{script}", store_url]
    processes = [
        subprocess.Popen(python, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for dummy in range(4)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert errors == [""] * 4
    assert differences(store_url) == []


@on_both
def test_of_several_that_create_a_store_at_once_one_does(store_url: str) -> None:
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store(store_url))) for dummy in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert differences(store_url) == []


@on_both
def test_a_store_of_a_later_format_is_refused_and_left_alone(store_url: str) -> None:
    Store(store_url).close()
    with sa.create_engine(store_url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.update(schema.alembic_version).values(version_num="0099"))
    before = rows(store_url)
    database_at.cache_clear()  # as in a process of its own
    with pytest.raises(StoreError, match=r"has format 0099; evolve\.vm \S+ knows formats up to 0005\. .* install"):
        Store(store_url)
    assert rows(store_url) == before


@on_both
def test_a_migration_that_fails_leaves_the_store_as_it_was(
    store_url: str, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(1)
    before = rows(store_url)
    with monkeypatch.context() as patched:
        patched.setattr(MigrationContext, "stamp", lambda *dummy: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store(store_url)
    assert rows(store_url) == before


def test_alembic_is_asked_for_only_where_a_migration_is_due(
    store_url: str, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = libraries.importlib.util.find_spec
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None if name == "alembic" else found(name))
    Store(f"{store_url}-new").close()
    fill(1)
    with pytest.raises(StoreError, match=r"from format 0001 to 0005 needs alembic, .* -m pip install alembic"):
        Store(store_url)


def test_opening_does_not_load_alembic(store_url: str) -> None:
    script = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store\n"
        "Store(sys.argv[1])\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    for dummy in ("created", "opened"):
        assert subprocess.run([sys.executable, "-c", script, store_url], check=False).returncode == 0
