# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers on one study: who may do what, and what becomes of the work of those who are gone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study import leases
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Nothing, Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.leases import Controller
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import close_study, seconds_to_wait
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError

from .conftest import Player, on_both

LEASE_SECONDS = 60.0


class Estate:
    """Two controllers on other machines, each with slots of its own, and a clock to turn."""

    def __init__(self, player: Player) -> None:
        self.present = datetime.now(UTC)
        self.one = player
        self.one.clock = self.clock
        self.two = Player(player.store, player.definition, ("s3", "s4"), Controller("afar", 2, "2"))
        self.two.clock = self.clock

    def clock(self) -> str:
        return self.present.isoformat(timespec="milliseconds")

    def wait(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)

    def begin(self) -> None:
        for player in (self.one, self.two):
            player.open()
            # Opening took its lease by the time of day, however long it took.
            with player.store.transaction(player.definition.name) as records:
                leases.renew(Study(records, player.definition.name, self.clock), player.controller)
        for player in (self.one, self.two):
            player.play("baseline")


@pytest.fixture
def estate(player: Player) -> Iterator[Estate]:
    return Estate(player)


def view(player: Player) -> Any:
    return player.store.transaction(player.definition.name)


def statuses(player: Player) -> list[str]:
    return [trial["status"] for trial in player.study().trials]


@on_both
def test_controllers_share_the_trials_and_never_the_same(estate: Estate) -> None:
    estate.begin()
    runs = [player.ask(slot) for player in (estate.one, estate.two) for slot in player.hosts]
    assert [run.trial for run in runs if isinstance(run, Run)] == [1, 2, 3, 4]
    assert len({str(run.configuration) for run in runs if isinstance(run, Run)}) == 4
    found = estate.one.study()
    assert {m["slot"]: m["controller"] for m in found.running} == {
        "s1": "elsewhere:1:1",
        "s2": "elsewhere:1:1",
        "s3": "afar:2:2",
        "s4": "afar:2:2",
    }


@on_both
def test_what_a_lost_controller_ran_goes_to_others_when_its_lease_is_over(estate: Estate) -> None:
    estate.begin()
    lost = [estate.two.ask(slot).trial for slot in estate.two.hosts]
    estate.wait(LEASE_SECONDS - 1)
    with view(estate.one) as records:
        leases.renew(Study(records, "small", estate.clock), estate.one.controller)
    assert estate.one.ask("s1").trial not in lost, "its lease is not over yet"
    estate.wait(2)
    again = estate.one.ask("s2").trial
    assert again in lost
    assert [statuses(estate.one)[trial] for trial in lost if trial != again] == ["pending"]
    assert [s["controller"] for s in estate.one.study().slots] == ["elsewhere:1:1"] * 2 + [None] * 2


def test_a_result_that_comes_after_its_lease_counts_and_is_not_measured_again(estate: Estate) -> None:
    estate.begin()
    late, later = (estate.two.ask(slot) for slot in estate.two.hosts)
    estate.wait(LEASE_SECONDS + 1)
    with view(estate.one) as records:
        leases.renew(Study(records, "small", estate.clock), estate.one.controller)
        assert leases.give_up_lost(Study(records, "small", estate.clock)) == 2
    estate.two.measure(late)
    assert statuses(estate.one)[late.trial] == "measured"
    assert estate.two.fail(later, "infrastructure")["follows"].startswith("its lease had ended")
    assert estate.two.ask("s3").trial == later.trial, "it has come back, and does what was given back"
    assert [m["status"] for m in estate.one.study().runs(late.trial)] == ["measured"]


def test_a_late_result_of_a_trial_that_runs_again_leaves_that_run_alone(estate: Estate) -> None:
    estate.begin()
    late = estate.two.ask("s3")
    estate.wait(LEASE_SECONDS + 1)
    with view(estate.one) as records:
        leases.join(Study(records, "small", estate.clock), estate.one.controller, LEASE_SECONDS)
    again = estate.one.ask("s1")
    assert again.trial == late.trial
    estate.two.measure(late)
    assert statuses(estate.one)[late.trial] == "running"
    estate.one.measure(again)
    assert len(estate.one.study().measured(late.trial)) == 2, "both readings are kept"


def test_slots_of_another_controller_are_left_to_it(estate: Estate) -> None:
    estate.one.open()
    estate.two.hosts = ("s2", "s3")
    opened = estate.two.open()
    assert opened.taken == ("s2 (by elsewhere:1:1)",)
    assert opened.company == 1
    answer = estate.two.ask("s2", "baseline")
    assert isinstance(answer, Nothing)
    assert "another controller" in answer.reason
    estate.two.hosts = ("s1", "s2")
    with pytest.raises(StudyError, match=r"works on every slot of this inventory.*elsewhere:1:1"):
        estate.two.open()


def test_slots_of_others_stay_ready_when_one_opens_with_its_own(estate: Estate) -> None:
    estate.begin()
    assert {s["host"]: s["status"] for s in estate.one.study().slots} == dict.fromkeys(
        ("s1", "s2", "s3", "s4"), "ready"
    )


def test_who_comes_back_waits_until_it_is_known_what_became_of_the_holder(estate: Estate) -> None:
    estate.begin()
    again = Player(estate.one.store, estate.one.definition, ("s1", "s2"), Controller("new", 3, "3"))
    again.clock = estate.clock

    def seconds() -> float:
        with view(again) as records:
            return seconds_to_wait(Study(records, "small", estate.clock), again.hosts, again.controller)

    estate.wait(20)
    assert seconds() == pytest.approx(LEASE_SECONDS - 20, abs=1)
    estate.wait(LEASE_SECONDS)
    assert seconds() == 0
    again.open()
    assert isinstance(again.ask(), Run)


def test_a_controller_that_stops_is_handed_out_nothing_and_another_goes_on(estate: Estate) -> None:
    estate.begin()
    kept = estate.two.ask("s3")
    with view(estate.two) as records:
        leases.stop(Study(records, "small", estate.clock), estate.two.controller, give_back=False)
    assert estate.two.ask("s4") == Nothing(False, "stopped on request")
    estate.two.measure(kept)
    cut = estate.one.ask("s1")
    with view(estate.one) as records:
        leases.stop(Study(records, "small", estate.clock), estate.one.controller, give_back=True)
    assert statuses(estate.one)[cut.trial] == "pending"
    with view(estate.one) as records:
        close_study(Study(records, "small", estate.clock), estate.one.controller)
    estate.one.open()
    assert estate.one.ask("s1").trial == cut.trial, "opened again, it goes on"


def test_a_run_that_was_never_told_of_goes_back_when_its_slot_asks_again(estate: Estate) -> None:
    estate.begin()
    lost = estate.one.ask("s1")
    assert estate.one.ask("s1").trial == lost.trial
    assert [m["status"] for m in estate.one.study().runs(lost.trial)] == ["abandoned", "running"]


def test_of_a_process_on_this_machine_it_is_known_when_it_is_gone() -> None:
    process = subprocess.Popen(["sleep", "60"])
    present = Controller.present()
    other = Controller(present.host, process.pid, leases._process_start(process.pid))
    try:
        assert present.pid == os.getpid()
        assert not present.gone
        assert not other.gone
        assert Controller(present.host, process.pid, "1").gone, "its number was given to another process"
        assert not Controller(present.host, process.pid, None).gone, "without /proc only the lease tells"
    finally:
        process.kill()
        process.wait()
    assert other.gone
    assert not Controller("elsewhere", process.pid, "1").gone
