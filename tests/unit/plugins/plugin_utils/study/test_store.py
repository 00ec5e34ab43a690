# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store keeps what was committed, and explains what it cannot do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

from .conftest import Player

STUDY: dict[str, Any] = {"definition": {}, "collection_version": "0", "created_at": now()}


def names(store: Store) -> list[str]:
    with store.transaction() as records:
        return [row["name"] for row in records.all(schema.studies, order_by="name")]


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def stumble() -> None:
        with store.transaction() as records:
            records.insert(schema.studies, name="half", **STUDY)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        stumble()
    assert names(store) == []


def test_what_was_committed_survives_kill_9(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/evolve.sqlite"
    script = (
        "import os, signal, sys\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "row = dict(definition={}, collection_version='0', created_at='now')\n"
        "with store.transaction() as records: records.insert(schema.studies, name='kept', **row)\n"
        "with store.transaction() as records:\n"
        "    records.insert(schema.studies, name='lost', **row)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, url], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert ended.returncode == -9
    assert names(Store(url)) == ["kept"]


def test_writers_at_the_same_time_wait_for_each_other(player: Any) -> None:
    player.open()
    player.play("baseline")
    runs: list[Run] = []
    threads = [threading.Thread(target=lambda: runs.append(player.ask("s1"))) for dummy in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.trial for run in runs) == [1, 2, 3, 4, 5, 6]


def test_a_full_disk_says_what_to_do_and_keeps_what_was_there(tmp_path: Path, player: Any) -> None:
    player.open()
    player.play("baseline")
    run = player.ask("s1")
    with player.store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    before = len(player.study().measurements)

    def fill() -> None:
        for dummy in range(100):
            player.measure(player.ask("s2"), runs=[{"filler": "x" * 5000}])

    with pytest.raises(StoreError, match="free space there and run again"):
        fill()
    assert len(player.study().measurements) >= before
    with player.store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    player.measure(run)


@pytest.mark.parametrize("content", [b"this is no database, but a text that is long enough to be looked at" * 20])
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evolve.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a store of evolve"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == content


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """A store as format 1 had it, with a finished study of four trials."""
    path = tmp_path / "evolve.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "stores" / "version_1.sql").read_text())
    return path


def test_a_store_of_an_earlier_format_is_brought_to_the_present_one(old_store: Path, tmp_path: Path) -> None:
    Store(f"sqlite:///{old_store}").close()
    Store(f"sqlite:///{tmp_path}/new.sqlite").close()

    def columns(path: Path) -> dict[str, set[tuple[Any, ...]]]:
        with sqlite3.connect(path) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {
                name: {row[1:4] for row in connection.execute(f"SELECT * FROM pragma_table_info('{name}')")}
                for name in tables
            }

    assert columns(old_store) == columns(tmp_path / "new.sqlite")
    with sqlite3.connect(old_store) as connection:
        assert connection.execute("SELECT schema_version FROM store_info").fetchall() == [(schema.VERSION,)]


def test_a_study_of_an_earlier_format_goes_on(old_store: Path) -> None:
    store = Store(f"sqlite:///{old_store}")
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
    store.close()


def test_two_that_open_an_earlier_format_at_once_bring_it_on_once(old_store: Path) -> None:
    url = f"sqlite:///{old_store}"
    opened: list[Store] = []
    threads = [threading.Thread(target=lambda: opened.append(Store(url))) for dummy in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert names(opened[0]) == ["small"]


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evolve.sqlite"
    Store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE store_info SET schema_version = 99")
    with pytest.raises(StoreError, match="format 99"):
        Store(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot create the folder"):
        Store(f"sqlite:///{tmp_path}/file/evolve.sqlite")


def test_an_address_that_is_none_is_explained() -> None:
    with pytest.raises(StoreError, match="evolve_store"):
        Store("no such thing")
