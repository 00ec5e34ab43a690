# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What slots are given to do, phase by phase."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Nothing, Run, may_wait
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study

from .conftest import BASELINE, Player


def test_every_slot_measures_the_baseline_its_share_of_times(player: Player) -> None:
    player.open()
    runs = player.play("baseline")
    assert len(runs) == 4, "3 repeats over 2 slots"
    assert all(run.trial == 0 and run.configuration == BASELINE for run in runs)


def test_nothing_is_searched_without_a_baseline(player: Player) -> None:
    player.open()
    answer = player.ask()
    assert isinstance(answer, Nothing)
    assert "baseline" in answer.reason


def test_the_budget_is_met_exactly(player: Player) -> None:
    player.open()
    player.play("baseline")
    assert [run.trial for run in player.play("search")] == list(range(1, 13))
    assert player.ask() == Nothing(False, "the budget is spent")


def test_a_larger_budget_goes_on_and_drops_the_old_verdict(player: Player) -> None:
    player.open()
    for phase in ("baseline", "search", "verification"):
        player.play(phase)
    assert player.study().row["winner"] is not None
    object.__setattr__(player.definition, "budget", {"trials": 14})
    player.open()
    assert [run.trial for run in player.play("search")] == [13, 14]
    assert player.study().row["winner"] is None


def test_a_slot_waits_while_the_last_trial_may_come_back(player: Player) -> None:
    player.open()
    player.play("baseline")
    for dummy in range(11):
        player.measure(player.ask("s1"))
    last = player.ask("s1")
    assert player.ask("s2") == Nothing(True, "the last trials are still running elsewhere")
    player.fail(last, "infrastructure")
    again = player.ask("s2")
    assert isinstance(again, Run)
    assert again.trial == last.trial


@pytest.mark.parametrize(("workers", "under_way", "allowed"), [(1, 3, 0), (2, 3, 1), (50, 3, 3), (50, 0, 0)])
def test_no_more_slots_wait_than_workers_can_be_spared_or_runs_can_come_back(
    store: Store, variables: dict[str, Any], workers: int, under_way: int, allowed: int
) -> None:
    hosts = tuple(f"s{number}" for number in range(8))
    player = Player(store, read_definition({**variables, "budget": {"trials": 3}}), hosts)
    player.open()
    player.play("baseline")
    runs = [player.ask(host) for host in hosts[:3]]
    for run in runs[under_way:]:
        player.measure(run)
    waiting = []
    for host in hosts[3:]:
        with store.transaction("small") as records:
            waiting.append(may_wait(Study(records, "small"), host, workers))
    assert sum(waiting) == allowed


def test_a_trial_that_comes_back_goes_to_another_slot_first(player: Player) -> None:
    player.open()
    player.play("baseline")
    one, two = player.ask("s1"), player.ask("s2")
    player.fail(one, "infrastructure")
    player.fail(two, "infrastructure")
    assert player.ask("s1").trial == two.trial
    assert player.ask("s2").trial == one.trial


def test_verification_runs_whole_blocks_each_on_one_slot(player: Player) -> None:
    player.open()
    player.play("baseline")
    player.play("search")
    runs = player.play("verification")
    study = player.study()
    assert len(runs) == 8
    for block in study.blocks:
        own = [m for m in study.measurements if m["block"] == block["number"]]
        assert {m["slot"] for m in own} == {block["slot"]}
        assert "".join("A" if m["trial"] == 0 else "B" for m in own) == block["order"]
        assert block["order"] in ("ABBA", "BAAB")


def test_a_block_that_fails_is_run_again_whole(player: Player) -> None:
    player.open()
    player.play("baseline")
    player.play("search")
    player.measure(player.ask("s1", "verification"))
    player.fail(player.ask("s1", "verification"), "measurement")
    player.play("verification")
    complete = [b for b in player.study().blocks if b["status"] == "complete"]
    assert len(complete) == 2
    assert all(sum(m["block"] == b["number"] for m in player.study().measurements) == 4 for b in complete)


def test_a_quarantined_slot_gets_nothing(player: Player) -> None:
    player.open()
    player.fail(player.ask("s1", "baseline"), restored=False)
    answer = player.ask("s1", "baseline")
    assert isinstance(answer, Nothing)
    assert "it broke" in answer.reason
    assert len(player.play("baseline")) == 3, "the other slot takes over the whole share"
