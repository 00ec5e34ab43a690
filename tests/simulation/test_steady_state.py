# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strategy steady_state on each ansible-core, and what it does about trouble."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from ansible_collections.evolve.vm.tests.relay import Relay

from .auditing import faults_at_the_end, off_baseline
from .conftest import Core, Estate, said
from .controller import descendants

VERDICTS = ("better", "equivalent", "inconclusive", "worse", "no_improvement")


def test_the_same_study_runs_under_free(estate: Estate, core: Core) -> None:
    """Under steady_state it is in test_cores.py."""
    estate.core = core
    estate.variables |= {"evolve_verification": {"blocks": 2}}
    ended = estate.run("evolve", "-e", "evolve_strategy=ansible.builtin.free")
    assert ended.returncode == 0, said(ended)
    assert not faults_at_the_end(estate)
    verdict: dict[str, Any] = json.loads(estate.rows("select verdict from studies")[0][0])
    assert verdict["verdict"] in VERDICTS
    assert verdict["blocks"] == 2 or verdict["verdict"] == "no_improvement"


def change(estate: Estate, statement: str) -> None:
    """Change the store behind the back of the controller, and let it see that something has changed."""
    with sqlite3.connect(estate.home / "evolve.sqlite", timeout=30) as store:
        store.execute(statement)
        store.execute("update studies set revision = revision + 1")


def test_a_slot_that_answers_again_is_taken_back(estate: Estate) -> None:
    estate.hosts["sim-2"] = {"evolve_simulation": {"lost_after": 3, "seconds_per_run": 0.3}}
    estate.variables |= {"evolve_budget": {"trials": 20}, "evolve_simulation": {"seconds_per_run": 0.3}}

    def status() -> str:
        return str(estate.rows("select status from slots where host = 'sim-2'")[0][0])

    with estate.start() as controller:
        assert controller.wait_for("Search"), controller.output
        assert controller.wait_for(lambda: status() == "quarantined"), controller.output
        # It is probed in vain first, then has come back. A minute later it would be probed without help.
        change(estate, "update slots set probe_at = '2020-01-01T00:00:00.000+00:00' where host = 'sim-2'")
        assert controller.wait_for("sim-2 is still in quarantine"), controller.output
        path = estate.home / "simulation" / "sim-2.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "lost": False, "measurements": -1000}))
        change(estate, "update slots set probe_at = '2020-01-01T00:00:00.000+00:00' where host = 'sim-2'")
        assert controller.wait_for("sim-2 answers again and is taken back"), controller.output
        back = "select count(*) from measurements where slot = 'sim-2' and status = 'measured' and purpose = 'search'"
        before = estate.rows(back)[0][0]
        assert controller.end() == 0, controller.output
    assert estate.rows(back)[0][0] > before
    assert not faults_at_the_end(estate)


def test_a_worker_that_is_killed_fails_its_run_and_the_slot_goes_on(estate: Estate) -> None:
    estate.variables |= {"evolve_simulation": {"seconds_per_run": 1.0}}
    with estate.start() as controller:
        assert controller.wait_for("Search"), controller.output
        assert controller.wait_for("trial 1/8"), controller.output
        killed = []

        def kill_one() -> bool:
            """As the kernel does when it is out of memory; one that is measuring, for the others are soon done."""
            before = descendants(controller.pid)
            time.sleep(0.5)
            for pid in [pid for pid in descendants(controller.pid) if pid in before][:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            return bool(killed)

        assert controller.wait_for(kill_one)
        assert controller.end() == 0, controller.output
    failed = estate.rows("select failure_class, message, slot from measurements where status = 'failed'")
    assert [failure_class for failure_class, *dummy in failed] == ["infrastructure"], failed
    assert "the worker of this task died" in failed[0][1]
    assert estate.rows(f"select status from slots where host = '{failed[0][2]}'") == [("ready",)]
    assert not faults_at_the_end(estate)


def test_a_store_that_is_away_for_some_time_costs_no_measurement(estate: Estate) -> None:
    estate.variables |= {"evolve_simulation": {"seconds_per_run": 0.3}}
    store, away = estate.home / "evolve.sqlite", estate.home / "away.sqlite"
    with estate.start() as controller:
        assert controller.wait_for("trial 1/8"), controller.output
        store.rename(away)
        # What runs is finished meanwhile.
        assert controller.wait_for("there is no store"), controller.output
        controller.wait_for(lambda: False, 3)
        assert not store.exists(), "another store was made in its place"
        away.rename(store)
        assert controller.end() == 0, controller.output
    assert "It is tried again for 600 seconds" in controller.output
    lost = estate.rows("select slot, message from measurements where status not in ('measured', 'failed')")
    assert not lost
    assert estate.rows("select count(*) from measurements where status = 'failed'") == [(0,)]
    assert not faults_at_the_end(estate)
    assert not off_baseline(estate)


@pytest.mark.parametrize("strategy", ["evolve.vm.steady_state", "ansible.builtin.free"])
def test_a_server_that_is_away_for_some_time_costs_no_measurement(
    estate: Estate, postgresql_database: str, strategy: str
) -> None:
    url = sa.make_url(postgresql_database)
    relay = Relay(int(url.port or 0))
    estate.variables |= {
        "evolve_store": url.set(port=relay.port).render_as_string(hide_password=False),
        "evolve_simulation": {"seconds_per_run": 0.3},
    }
    with estate.start("-e", f"evolve_strategy={strategy}") as controller:
        assert controller.wait_for("trial 1/8", 60), controller.output
        relay.cut()
        controller.wait_for(lambda: False, 5)
        relay.join()
        assert controller.end() == 0, controller.output
    assert "It is tried again for 600 seconds" in controller.output
    assert estate.rows("select count(*) from measurements where status = 'failed'") == [(0,)]
    assert not faults_at_the_end(estate)


def test_a_store_that_stays_away_ends_with_what_to_do(estate: Estate) -> None:
    estate.variables |= {"evolve_simulation": {"seconds_per_run": 0.3}, "evolve_store_patience_seconds": 2}
    with estate.start() as controller:
        assert controller.wait_for("trial 1/8"), controller.output
        (estate.home / "evolve.sqlite").rename(estate.home / "away.sqlite")
        assert controller.end(60) != 0, controller.output
    assert "there is no store sqlite:///" in controller.output
    assert "Traceback" not in controller.output
    (estate.home / "away.sqlite").rename(estate.home / "evolve.sqlite")
    assert estate.run().returncode == 0
    assert not faults_at_the_end(estate)
