# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers work on one study: whole runs of ansible-playbook, each on its part of the inventory."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.tests.postgresql import connected

from .auditing import committed, faults_at_any_time, faults_at_the_end, off_baseline
from .conftest import Estate, said

ELSEWHERE = ("unshare", "--uts", "sh", "-c", 'hostname elsewhere && shift 0 && exec "$@"', "sh")
THEIRS = "('sim-3', 'sim-4')"
EVERY_TASK = ("env", "ANSIBLE_STDOUT_CALLBACK=ansible.builtin.default")
LEASE = ("-e", "evolve_lease_seconds=5")


@pytest.fixture
def shared(tmp_path: Path, postgresql_database: str) -> Estate:
    """Four slots, and a study in PostgreSQL that takes long enough to share."""
    estate = Estate(tmp_path, slots=4)
    estate.variables |= {
        "evolve_store": postgresql_database,
        "evolve_budget": {"trials": 12},
        "evolve_verification": {"blocks": 2},
        "evolve_simulation": {"seconds_per_run": 0.4},
    }
    return estate


@pytest.fixture
def local(shared: Estate) -> Estate:
    """The same with its store in a file."""
    del shared.variables["evolve_store"]
    return shared


def slots(*numbers: int) -> tuple[str, ...]:
    return ("--limit", ",".join(["localhost", *(f"sim-{number}" for number in numbers)]))


def measured_by(estate: Estate) -> dict[str, int]:
    """How many trials the search measured on each slot."""
    return dict(
        estate.rows(
            "select slot, count(*) from measurements where status = 'measured' and purpose = 'search' group by slot"
        )
    )


def measured(estate: Estate) -> int:
    try:
        return sum(measured_by(estate).values())
    except Exception:  # there is no store yet
        return 0


def search_has_begun(estate: Estate) -> bool:
    return measured(estate) >= 3


@pytest.mark.parametrize("place", ["shared", "local"])
def test_two_controllers_share_a_study(place: str, request: pytest.FixtureRequest) -> None:
    estate: Estate = request.getfixturevalue(place)
    with estate.start(*slots(1, 2)) as one, estate.start(*slots(3, 4)) as other:
        codes = one.end(), other.end()
    assert codes == (0, 0), one.output + other.output
    assert not faults_at_the_end(estate)
    measured = measured_by(estate)
    assert measured.get("sim-1", 0) + measured.get("sim-2", 0) >= 2, measured
    assert measured.get("sim-3", 0) + measured.get("sim-4", 0) >= 2, measured
    assert (estate.study / "best.yml").exists()


@pytest.mark.parametrize("prefix", [(), ELSEWHERE], ids=["here", "elsewhere"])
def test_a_controller_that_dies_is_replaced_by_the_others(shared: Estate, prefix: tuple[str, ...]) -> None:
    """Of a process on this machine it is known at once; of one elsewhere, when its lease has run out."""
    with shared.start(*slots(1, 2)) as survivor, shared.start(*slots(3, 4), *LEASE, prefix=prefix) as victim:
        assert victim.wait_for(lambda: search_has_begun(shared)), victim.output
        assert victim.wait_for(
            lambda: bool(shared.rows(f"select id from measurements where status = 'running' and slot in {THEIRS}"))
        )
        victim.kill(tree=True)
        before = committed(shared)
        assert survivor.end() == 0, survivor.output
    # The machines of the dead one are nobody's, until its playbook is run again.
    assert not [f for f in faults_at_the_end(shared, before) if not f.startswith(("sim-3", "sim-4"))]
    assert not [fault for fault in off_baseline(shared) if fault.startswith(("sim-1", "sim-2"))]
    assert "elsewhere" in str(shared.rows("select host from controllers")) or not prefix
    if not prefix:
        again = shared.run("evolve", *slots(3, 4))
        assert again.returncode == 0, said(again)
        assert not faults_at_the_end(shared, before)


def test_slots_in_use_are_left_alone(shared: Estate) -> None:
    shared.variables["evolve_budget"] = {"trials": 24}
    with shared.start(*slots(1, 2)) as first:
        assert first.wait_for("Search"), first.output
        # One slot of two is free.
        second = shared.start(*slots(2, 3), "-v", prefix=EVERY_TASK)
        refused = shared.run("evolve", *slots(1, 2))
        assert refused.returncode != 0
        assert "another ansible-playbook works on every slot of this inventory in study 'trying': sim-1 (by" in said(
            refused
        )
        assert "Wait for it to end, or give this one other slots" in said(refused)
        assert first.running
        with second:
            assert second.end() == 0, second.output
        assert "Left to others: sim-2 (by" in second.output
        assert "1 other controller at work on it" in second.output
        assert first.end() == 0, first.output
    included = re.findall(
        r"included: \S*/(\w+)\.yml for ([\w, -]+?) (?=TASK|included|ok|changed|skipping)", second.output
    )
    assert ("restore", "sim-3") in included, second.output
    assert not [name for name, hosts in included if "sim-2" in hosts], "it prepared or restored what is not its own"
    assert measured_by(shared).get("sim-3", 0) > 0
    assert not faults_at_the_end(shared)
    started = shared.rows("select distinct slot, controller from measurements where slot = 'sim-2'")
    assert len(started) == 1, "only one of them has worked on sim-2"


def test_a_store_of_a_newer_version_is_refused_in_plain_words(shared: Estate) -> None:
    shared.variables["evolve_budget"] = {"trials": 2}
    assert shared.run("evolve", *slots(1)).returncode == 0
    with connected(shared.variables["evolve_store"]) as server:
        server.execute("update alembic_version set version_num = '0999'")
    ended = shared.run("evolve", *slots(1))
    assert ended.returncode != 0
    assert "has format 0999; evolve.vm" in said(ended)
    assert "Where a newer evolve.vm wrote it, install that one on this controller too" in said(ended)
    assert "Traceback" not in said(ended)


def test_of_four_controllers_two_are_killed_and_the_study_goes_on(shared: Estate) -> None:
    chance = random.Random(3)
    controllers = [shared.start(*slots(number), *LEASE) for number in (1, 2, 3, 4)]
    try:
        victims = chance.sample(range(4), 2)
        for done, victim in zip(sorted(chance.sample(range(2, 12), 2)), victims, strict=True):
            assert controllers[victim].wait_for(lambda done=done: measured(shared) >= done), controllers[victim].output
            before = committed(shared)
            controllers[victim].kill(tree=chance.random() < 0.5)
            assert not faults_at_any_time(shared, before)
        for number, controller in enumerate(controllers):
            if number not in victims:
                assert controller.end() == 0, controller.output
    finally:
        for controller in controllers:
            controller.__exit__()
    lost = tuple(f"sim-{number + 1}" for number in victims)
    assert not [fault for fault in faults_at_the_end(shared, before) if not fault.startswith(lost)]
