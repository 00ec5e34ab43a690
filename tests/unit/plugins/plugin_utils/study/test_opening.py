# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Studies are created, continued, refused and forked."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import take_baseline
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study, StudyError

from .conftest import BASELINE, SIZES, Player, on_both

pytestmark = on_both


def test_a_study_goes_on_where_it_stopped(player: Player) -> None:
    assert player.open().created
    player.play("baseline")
    for dummy in range(5):
        player.measure(player.ask())
    interrupted = player.ask()
    opened = player.open()
    assert not opened.created
    assert opened.interrupted == 1
    assert player.ask().trial == interrupted.trial, "the interrupted trial comes first"
    player.open()
    runs = player.play("search")
    assert [run.trial for run in runs] == list(range(interrupted.trial, 13)), (
        "nothing is measured twice, nothing left out"
    )


def test_a_changed_space_is_refused_with_what_changed_and_what_to_do(player: Player, variables: dict[str, Any]) -> None:
    player.open()
    variables["parameters"] = {**variables["parameters"], "vm.vcpus": {"type": "int", "range": [1, 16]}}
    with pytest.raises(StudyError) as raised:
        Player(player.store, read_definition(variables)).open()
    message = str(raised.value)
    assert "evolve_parameters.vm.vcpus.range: [1, 8] -> [1, 16]" in message
    assert "evolve_study: small-2" in message
    assert "evolve_fork: small" in message


def test_a_fork_takes_over_trials_that_are_still_valid(player: Player, variables: dict[str, Any]) -> None:
    player.open()
    player.play("baseline")
    player.play("search")
    narrower = {"type": "int", "range": [1, 4]}
    variables.update(name="fork", parameters={**variables["parameters"], "vm.vcpus": narrower}, budget={"trials": 40})
    fork = Player(player.store, read_definition(variables))
    opened = fork.open(fork_of="small")
    valid = [t for t in player.study().trials if t["number"] and t["configuration"]["vm.vcpus"] <= 4]
    assert 0 < len(valid) < 12
    assert opened.forked_trials == len(valid)
    assert [t["configuration"] for t in fork.study().trials[1:]] == [t["configuration"] for t in valid]
    assert fork.study().baseline_metrics == player.study().baseline_metrics
    fork.play("search")
    assert len(fork.study().trials) == 41


@pytest.mark.parametrize(
    "change",
    [
        {"benchmark": {"name": "sysbench", "tests": ["cpu"], "seconds": 99}},
        {"parameters": {"vm.vcpus": {"type": "int", "range": [2, 8]}}, "constraints": []},
    ],
)
def test_a_fork_whose_results_would_not_compare_is_refused(
    player: Player, variables: dict[str, Any], change: dict[str, Any]
) -> None:
    player.open()
    fork = Player(player.store, read_definition({**variables, "name": "fork", **change}))
    with pytest.raises(StudyError, match="cannot be forked"):
        fork.open(fork_of="small")
    with pytest.raises(StudyError, match="no study 'fork'"):
        fork.study()


def test_slots_that_differ_are_refused(player: Player) -> None:
    player.hosts = ("s1",)
    with player.store.transaction(player.definition.name) as records:
        player.create(records)
    readings = {"s1": {**BASELINE, **SIZES}, "s2": {**BASELINE, "vm.vcpus": 4, **SIZES}}
    with (
        pytest.raises(StudyError, match=r"vm.vcpus is 2 on s1 but 4 on s2"),
        player.store.transaction(player.definition.name) as records,
    ):
        take_baseline(Study(records, "small"), readings)
    with (
        pytest.raises(StudyError, match="s3: no route to host"),
        player.store.transaction(player.definition.name) as records,
    ):
        take_baseline(Study(records, "small"), {}, {"s3": "no route to host"})


def test_slots_that_left_the_inventory_are_set_aside(player: Player) -> None:
    player.open()
    player.hosts = ("s2", "s3")
    player.open()
    assert {s["host"]: s["status"] for s in player.study().slots} == {
        "s1": "quarantined",
        "s2": "ready",
        "s3": "ready",
    }
