# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers on one store: what one decides rests on all that others committed, and none waits needlessly."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store

from .conftest import Player, on_both

PROCESSES, ROUNDS = 6, 15
# Creates the study if nobody has, then adds trials, each numbered by how many there are: two that do not see each other
# would give the same number.
SCRIPT = f"""
import sys
sys.path[:] = {sys.path!r}
from ansible_collections.evolve.vm.plugins.plugin_utils.study import schema
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
study, url = sys.argv[1:]
sys.stdin.read()
for dummy in range({ROUNDS}):
    with Store(url).transaction(study) as records:
        if records.first(schema.studies, name=study) is None:
            row = dict(definition={{}}, harvest=0, collection_version="0", created_at="now")
            records.insert(schema.studies, name=study, **row)
        harvest = records.first(schema.studies, name=study)["harvest"]
        records.insert(
            schema.trials, study=study, number=records.count(schema.trials, study=study), configuration={{}},
            origin="initial", generation=0, parents=[], status="pending", created_at="now",
        )
        records.update(schema.studies, {{"harvest": harvest + 1}}, name=study)
"""


@on_both
def test_of_what_processes_do_at_once_nothing_is_lost(store_url: str) -> None:
    command = [sys.executable, "-c", SCRIPT]
    processes = [
        subprocess.Popen([*command, study, store_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for study in ("one", "two")
        for dummy in range(PROCESSES // 2)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert errors == [""] * PROCESSES
    done = ROUNDS * PROCESSES // 2
    with Store(store_url).transaction() as records:
        for study in ("one", "two"):
            row = records.first(schema.studies, name=study)
            assert (row["harvest"], row["revision"]) == (done, done)
            trials = records.all(schema.trials, study=study)
            assert [(trial["number"], trial["revision"]) for trial in trials] == [(n, n + 1) for n in range(done)]


@on_both
def test_slots_that_ask_at_once_get_different_trials(player: Player) -> None:
    player.hosts = tuple(f"s{number}" for number in range(6))
    player.open()
    player.play("baseline")
    runs: list[Run] = []
    threads = [
        threading.Thread(target=lambda host=host: runs.append(player.ask(host)))  # type: ignore[misc]
        for host in player.hosts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.trial for run in runs) == [1, 2, 3, 4, 5, 6]


@on_both
def test_a_study_waits_for_its_own_transactions(store: Store) -> None:
    assert _seconds_until_entered(store, held="one", wanted="one") >= 0.5


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("wanted", ["two", None])
def test_a_study_does_not_wait_for_another_and_looking_waits_for_none(store: Store, wanted: str | None) -> None:
    assert _seconds_until_entered(store, held="one", wanted=wanted) < 0.5


def _seconds_until_entered(store: Store, held: str, wanted: str | None) -> float:
    """How long one waits for a transaction while another holds one for a second."""
    entered = threading.Event()

    def hold() -> None:
        with store.transaction(held):
            entered.set()
            time.sleep(1)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    started = time.monotonic()
    with store.transaction(wanted):
        waited = time.monotonic() - started
    holder.join()
    return waited
