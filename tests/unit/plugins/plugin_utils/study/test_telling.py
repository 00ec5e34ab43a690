# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results are checked before they count, and failures are put down to whom they belong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import StudyError
from ansible_collections.evolve.vm.plugins.plugin_utils.study.telling import ResultError

from .conftest import SIZES, Player, on_both

pytestmark = on_both


@pytest.fixture
def searching(player: Player) -> Player:
    player.open()
    player.play("baseline")
    return player


def status(player: Player, trial: int) -> tuple[str, str | None]:
    row = next(t for t in player.study().trials if t["number"] == trial)
    return row["status"], row["failure_class"]


def test_the_cost_is_computed_from_what_was_read_back(searching: Player) -> None:
    run = searching.ask()
    row = searching.measure(run)
    assert row["metrics"]["vm_cost"] == 20.0 * run.configuration["vm.vcpus"] + 4.0 * SIZES["vm.memory_mib"] / 1024


def test_a_machine_in_another_configuration_is_no_datum(searching: Player) -> None:
    run = searching.ask()
    readback = {**run.configuration, "vm.vcpus": 99, **SIZES}
    with pytest.raises(ResultError, match=r"vm.vcpus should be \d but is 99") as raised:
        searching.measure(run, readback=readback)
    assert raised.value.failure_class == "configuration"
    with pytest.raises(ResultError, match="was not read back"):
        searching.measure(run, readback={})


@pytest.mark.parametrize(
    "metrics", [{}, {"cpu_events_per_second": 0.0}, {"cpu_events_per_second": -5.0}, {"other": 1.0}]
)
def test_metrics_that_cannot_be_scored_are_failures(searching: Player, metrics: dict[str, Any]) -> None:
    run = searching.ask()
    with pytest.raises(ResultError) as raised:
        searching.measure(run, metrics=metrics)
    assert raised.value.failure_class == "measurement"
    assert status(searching, run.trial) == ("running", None), "nothing was recorded"


def test_a_run_is_told_once(searching: Player) -> None:
    run = searching.ask()
    row = searching.measure(run)
    again = searching.measure(run, 2.0)
    assert again["metrics"] == row["metrics"], "who could not know whether it was written may tell it again"
    with pytest.raises(StudyError, match="measured already"):
        searching.measure(run, runs=[{"another": 1.0}])
    with pytest.raises(StudyError, match="measured already"):
        searching.fail(run)
    with pytest.raises(StudyError, match="no run 999"):
        searching.measure(replace(run, id=999))


def test_a_configuration_that_broke_the_machine_is_learnt_from(searching: Player) -> None:
    run = searching.ask()
    row = searching.fail(run, restored=True)
    assert (row["failure_class"], row["follows"]) == ("configuration", "learnt from")
    assert status(searching, run.trial) == ("failed", "configuration")
    assert searching.ask().trial == run.trial + 1


def test_a_machine_that_does_not_come_back_is_to_blame_itself(searching: Player) -> None:
    run = searching.ask("s1")
    assert searching.fail(run, restored=False)["failure_class"] == "infrastructure"
    assert status(searching, run.trial) == ("pending", None)
    assert searching.ask("s2").trial == run.trial


def test_one_machine_lost_may_be_chance_a_second_is_not(searching: Player) -> None:
    first = searching.ask("s1")
    assert searching.fail(first, lost=True)["failure_class"] == "infrastructure"
    second = searching.ask("s2")
    assert second.trial == first.trial
    assert searching.fail(second, lost=True)["failure_class"] == "configuration"


def test_a_bad_measurement_is_tried_once_more(searching: Player) -> None:
    run = searching.ask()
    assert searching.fail(run, "measurement")["follows"] == "it is run again"
    again = searching.ask()
    assert again.trial == run.trial
    assert searching.fail(again, "measurement")["follows"] == "given up"
    assert status(searching, run.trial) == ("failed", "measurement")


def test_trouble_again_and_again_quarantines_a_slot_and_success_forgives(searching: Player) -> None:
    for expected in ("ready", "ready"):
        searching.fail(searching.ask("s1"), "infrastructure")
        assert searching.study().slots[0]["status"] == expected
    searching.measure(searching.ask("s1"))
    for expected in ("ready", "ready", "quarantined"):
        searching.fail(searching.ask("s1"), "infrastructure")
        assert searching.study().slots[0]["status"] == expected


def test_a_trial_that_only_meets_broken_machines_is_given_up_but_not_blamed(searching: Player) -> None:
    run = searching.ask("s1")
    for host in ("s1", "s2", "s1"):
        if host != "s1" or run is None:
            run = searching.ask(host)
        searching.fail(run, "infrastructure")
        searching.open()
        run = None
    assert status(searching, 1) == ("failed", "infrastructure")
    individual = next(i for i in searching.study().evolution.individuals if i.candidate.number == 1)
    assert not individual.told


def test_the_baseline_is_never_at_fault(player: Player) -> None:
    player.open()
    row = player.fail(player.ask("s1", "baseline"), restored=True)
    assert row["failure_class"] == "infrastructure"


def test_junk_from_the_baseline_ends_in_quarantine_not_in_a_loop(player: Player) -> None:
    player.open()
    for dummy in range(3):
        player.fail(player.ask("s1", "baseline"), "measurement")
    assert player.study().slots[0]["status"] == "quarantined"
