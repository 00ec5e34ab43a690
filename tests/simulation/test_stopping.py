# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C: once finishes what runs, twice cuts it short; either way the slots are put back and the study goes on."""

from __future__ import annotations

import time

import pytest

from .auditing import committed, faults_at_the_end, off_baseline
from .conftest import Core, Estate, said
from .controller import RunningController


@pytest.fixture
def slow(estate: Estate, core: Core) -> Estate:
    """Two slots, and a short study."""
    estate.core = core
    estate.hosts = {"sim-1": {}, "sim-2": {}}
    estate.variables |= {
        "evolve_budget": {"trials": 4},
        "evolve_baseline_repeats": 2,
        "evolve_verification": {"blocks": 1},
    }
    return estate


def running(estate: Estate) -> int:
    return int(estate.rows("select count(*) from measurements where status = 'running' and purpose = 'search'")[0][0])


def searching(estate: Estate, run_seconds: float) -> RunningController:
    """A controller in the midst of a run on each of its slots."""
    # The other phases are quick.
    seconds = f"{{{{ {run_seconds / 2} if evolve_phase | default('') == 'search' else 0 }}}}"
    estate.variables["evolve_simulation"] = {"seconds_per_run": seconds}
    controller = estate.start()
    assert controller.wait_for("Search"), controller.output
    assert controller.wait_for(lambda: running(estate) == 2), controller.output
    time.sleep(0.5)
    return controller


def goes_on(estate: Estate, before: dict[int, tuple[object, ...]]) -> None:
    estate.variables["evolve_simulation"] = {}
    ended = estate.run()
    assert ended.returncode == 0, said(ended)
    assert not faults_at_the_end(estate, before)


def test_once_finishes_what_runs(slow: Estate) -> None:
    with searching(slow, 2.0) as controller:
        before = committed(slow)
        controller.interrupt()
        assert controller.end(60) == 0, controller.output
    assert "Stopping once what runs is finished, which Ctrl-C cuts short" in controller.output
    assert "No verdict, because it was stopped. Run it again to go on." in controller.output
    now = committed(slow)
    assert len(now) == len(before) + 2, "both runs were finished, and no other was begun"
    assert slow.rows("select count(*) from measurements where status in ('running', 'abandoned')") == [(0,)]
    assert slow.rows("select coalesce(verdict, 'null') from studies") == [("null",)]
    assert slow.rows("select count(*) from controllers where ended_at is null") == [(0,)]
    assert not off_baseline(slow)
    goes_on(slow, now)


def test_twice_cuts_short_what_runs(slow: Estate) -> None:
    # Long enough that it cannot have been finished.
    with searching(slow, 8.0) as controller:
        before = committed(slow)
        controller.interrupt()
        time.sleep(0.5)
        controller.interrupt()
        interrupted = controller.seconds
        assert controller.end(60) == 0, controller.output
        assert controller.seconds - interrupted < 6, controller.output
    assert "Stopping now. What ran is done again when the study is continued" in controller.output
    assert committed(slow) == before, "nothing was finished"
    given_back = "select count(*), count(distinct message) from measurements where status = 'abandoned'"
    assert slow.rows(given_back) == [(2, 1)]
    assert slow.rows("select count(*) from controllers where ended_at is null") == [(0,)]
    assert not off_baseline(slow)
    goes_on(slow, before)
