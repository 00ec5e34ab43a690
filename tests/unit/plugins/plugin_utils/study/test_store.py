# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store keeps what was committed, counts what changes, and explains what it cannot do."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.clock import now, seconds_between
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Records, Store, StoreError

from .conftest import on_both

STUDY: dict[str, Any] = {"definition": {}, "collection_version": "0", "created_at": now()}
TRIAL: dict[str, Any] = {
    "study": "one",
    "configuration": {},
    "origin": "initial",
    "generation": 0,
    "parents": [],
    "status": "pending",
    "created_at": now(),
}


def names(store: Store) -> list[str]:
    with store.transaction() as records:
        return [row["name"] for row in records.all(schema.studies)]


@on_both
def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def stumble() -> None:
        with store.transaction("half") as records:
            records.insert(schema.studies, name="half", **STUDY)
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        stumble()
    assert names(store) == []


@on_both
def test_what_was_committed_survives_kill_9(store_url: str) -> None:
    script = (
        "import os, signal, sys\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema\n"
        "from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "row = dict(definition={}, collection_version='0', created_at='now')\n"
        "with store.transaction('kept') as records: records.insert(schema.studies, name='kept', **row)\n"
        "with store.transaction('lost') as records:\n"
        "    records.insert(schema.studies, name='lost', **row)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, store_url],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ended.returncode == -9
    assert names(Store(store_url)) == ["kept"]


@on_both
def test_rows_carry_the_revision_they_were_written_in(store: Store) -> None:
    with store.transaction("one") as records:
        assert records.revision == 1
        records.insert(schema.studies, name="one", **STUDY)
        for number in (3, 1, 2):
            records.insert(schema.trials, number=number, **TRIAL)
    with store.transaction("one") as records:
        assert records.revision == 2
        records.update(schema.trials, {"status": "running"}, number=2)
        records.insert(schema.trials, number=0, **TRIAL)
    with store.transaction("other") as records:
        records.insert(schema.studies, name="other", **STUDY)
        records.insert(schema.trials, **{**TRIAL, "study": "other", "number": 0})

    def seen(records: Records, since: int) -> list[tuple[int, int]]:
        return [(row["number"], row["revision"]) for row in records.changed(schema.trials, since, study="one")]

    with store.transaction() as records:
        assert records.first(schema.studies, name="one")["revision"] == 2
        assert seen(records, 0) == [(0, 2), (1, 1), (2, 2), (3, 1)]
        assert seen(records, 2) == [(0, 2), (2, 2)]
        assert seen(records, 3) == []


@on_both
@pytest.mark.parametrize(("study", "place"), [(None, "on no study"), ("two", "on study 'two'")])
def test_trials_are_written_only_in_a_transaction_on_their_study(store: Store, study: str | None, place: str) -> None:
    with store.transaction(study) as records:
        with pytest.raises(RuntimeError, match=f"trials of study 'one' .* {place}"):
            records.insert(schema.trials, number=1, **TRIAL)
        with pytest.raises(RuntimeError, match=place):
            records.update(schema.trials, {"status": "failed"}, study="one")


@on_both
def test_measurements_are_not_written_where_one_only_looks(store: Store) -> None:
    with store.transaction() as records, pytest.raises(RuntimeError, match="on no study"):
        records.update(schema.measurements, {"status": "failed"}, id=1)


@on_both
def test_an_update_by_number_stays_within_the_study(store: Store) -> None:
    for study in ("one", "two"):
        with store.transaction(study) as records:
            records.insert(schema.studies, name=study, **STUDY)
            records.insert(schema.trials, **{**TRIAL, "study": study, "number": 7})
    with store.transaction("two") as records:
        assert records.update(schema.trials, {"status": "failed"}, number=7) == 1
        assert [row["status"] for row in records.all(schema.trials)] == ["pending", "failed"]


@on_both
def test_any_text_that_a_program_prints_can_be_kept(store: Store) -> None:
    said = "half a record: \0\0 'quoted' %s {} \N{SNOWMAN}"
    with store.transaction("one") as records:
        records.insert(schema.studies, name="one", **STUDY)
        records.insert(schema.trials, number=1, message=said, **TRIAL)
        records.update(schema.trials, {"configuration": {"said": said}}, number=1)
        trial = records.first(schema.trials, number=1)
    assert trial["message"] == said.replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert trial["configuration"]["said"] == said


@on_both
def test_the_present_is_written_as_everywhere(store: Store) -> None:
    with store.transaction() as records:
        present = records.now()
    assert abs(seconds_between(now(), present)) < 5
    assert datetime.fromisoformat(present).isoformat(timespec="milliseconds") == present


@on_both
def test_the_format_is_looked_at_once_in_a_process(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*dummy: Any) -> None:
        raise AssertionError("a query was made")

    with monkeypatch.context() as patched:
        patched.setattr(store._database.engine.pool, "connect", connect)
        Store(store.url)


def test_a_file_that_was_removed_is_made_again(store: Store, tmp_path: Path) -> None:
    (tmp_path / "evolve.sqlite").unlink()
    assert names(Store(store.url)) == []


def test_a_file_that_was_put_in_its_place_is_looked_at(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"this is no database, but a text that is long enough to be looked at" * 20)
    (tmp_path / "other").replace(tmp_path / "evolve.sqlite")
    with pytest.raises(StoreError, match="not a store of evolve"):
        Store(store.url)


def test_a_full_disk_says_what_to_do_and_keeps_what_was_there(store: Store, player: Any) -> None:
    player.open()
    player.play("baseline")
    run = player.ask("s1")
    before = len(player.study().measurements)
    engine = store._database.engine
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(connection: Any, dummy: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for dummy in range(100):
            player.measure(player.ask("s2"), runs=[{"filler": "x" * 5000}])

    from ansible_collections.evolve.vm.plugins.plugin_utils.libraries import sa

    sa.event.listen(engine, "connect", limit)
    with pytest.raises(StoreError, match="free space there and run again"):
        fill()
    assert len(player.study().measurements) >= before
    sa.event.remove(engine, "connect", limit)
    player.measure(run)


@pytest.mark.parametrize("content", [b"this is no database, but a text that is long enough to be looked at" * 20])
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "evolve.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a store of evolve"):
        Store(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot create the folder"):
        Store(f"sqlite:///{tmp_path}/file/evolve.sqlite")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("no such thing", "is not the address of a database"),
        ("postgresql://user:secret@host:5432a/database", "is not the address of a database"),
        ("postgresql://user:12@secret/5@host/database", "is not the address of a database"),
        ("mysql://user:secret@host/database", "names mysql, which no store can live in"),
        ("postgresql+psycopg2://user:secret@host/database", r"names postgresql\+psycopg2"),
        ("postgresql://user:secret@host", "names no database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_an_address_that_cannot_hold_a_store_is_explained_and_not_repeated(address: str, told: str) -> None:
    with pytest.raises(StoreError, match=f"evolve_store .*{told}.*postgresql\\+psycopg://user:password@host") as caught:
        Store(address)
    assert "secret" not in str(caught.value)
