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
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store, StoreError

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
