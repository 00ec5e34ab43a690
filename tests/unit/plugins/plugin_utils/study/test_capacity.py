# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing over-commits a hypervisor, no more runs at once on it than allowed, and nobody waits for ever."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.history import Candidate
from ansible_collections.evolve.vm.plugins.plugin_utils.study.asking import Nothing, Restore, Run
from ansible_collections.evolve.vm.plugins.plugin_utils.study.capacity import lacks_room, size_limits
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import StudyInputError, read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.opening import insert_trial, note_hypervisors
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.study import Study
from ansible_collections.evolve.vm.plugins.plugin_utils.study.telling import tell_restored

from .conftest import BASELINE, VARIABLES, Player

HOSTS = ("s1", "s2", "s3")
WIDE = {**VARIABLES["parameters"], "vm.vcpus": {"type": "int", "range": [1, 9]}}
OVERCOMMIT = {"vcpus": 1.0, "memory": 1.0}


def hypervisor(name: str, vcpus: int | None, other: int = 0) -> dict[str, Any]:
    return {"name": name, "vcpus": vcpus, "memory_mib": 4096, "other_vcpus": other, "other_memory_mib": 0}


def slot(host: str, on: str | None = "h1", **applied: int) -> dict[str, Any]:
    return {"host": host, "hypervisor": on, "applied": {f"vm.{name}": value for name, value in applied.items()} or None}


def crowded(store: Store, variables: dict[str, Any], vcpus: int, **more: Any) -> Player:
    """A study whose slots stand on one hypervisor of so many CPUs; on the baseline each has 2."""
    player = Player(store, read_definition({**variables, "overcommit": OVERCOMMIT, **more}), HOSTS)
    player.open()
    machines = {name: {"vcpus": 2, "memory_mib": 1024} for name in ("vm-1", "vm-2", "vm-3", "db")}
    capacity = {"vcpus": vcpus, "memory_mib": 65536, "machines": machines}
    readings = {
        host: {"hypervisor": "h1", "machine": f"vm-{number}", "capacity": capacity}
        for number, host in enumerate(HOSTS, start=1)
    }
    with store.transaction("small") as records:
        note_hypervisors(Study(records, "small"), readings)
    player.play("baseline")
    return player


def restore(player: Player, host: str) -> None:
    with player.store.transaction("small") as records:
        tell_restored(Study(records, "small"), host, restored=True, message="")


def test_a_configuration_must_fit_beside_the_other_slots_and_machines() -> None:
    slots = [slot("a", vcpus=4), slot("b"), slot("c", on="h2", vcpus=8)]
    baseline = {"vm.vcpus": 2}
    on_both = [hypervisor("h1", 8, other=1), hypervisor("h2", 8)]
    assert lacks_room({"vm.vcpus": 3}, slots[1], OVERCOMMIT, on_both, slots, baseline) is None
    assert lacks_room({"vm.vcpus": 4}, slots[1], OVERCOMMIT, on_both, slots, baseline) == (
        "h1 has room for 3 of vm.vcpus, not for 4"
    )
    assert lacks_room({"vm.vcpus": 9}, slots[1], {**OVERCOMMIT, "vcpus": 2.0}, on_both, slots, baseline) is None


def test_what_cannot_be_told_is_not_limited() -> None:
    slots, baseline = [slot("a"), slot("b", on=None)], {"vm.vcpus": 2}
    assert size_limits(OVERCOMMIT, [hypervisor("h1", 2)], slots, baseline) == []
    assert size_limits(OVERCOMMIT, [hypervisor("h1", None)], [slot("a")], baseline) == []
    assert lacks_room({"vm.vcpus": 64}, slots[1], OVERCOMMIT, [hypervisor("h1", 2)], slots, baseline) is None


def test_what_fits_nowhere_is_never_bred() -> None:
    slots = [slot("a"), slot("b"), slot("c", on="h2")]
    both = [hypervisor("h1", 8), hypervisor("h2", 5)]
    assert size_limits(OVERCOMMIT, both, slots, {"vm.vcpus": 2}) == ["vm.vcpus <= 6"]
    assert size_limits(OVERCOMMIT, both, slots, {"kernel.sysctl.vm.swappiness": 2}) == []
    # What the machines had before the study is allowed in any case.
    assert size_limits(OVERCOMMIT, [hypervisor("h1", 1)], slots[:2], {"vm.vcpus": 2}) == ["vm.vcpus <= 2"]


@settings(max_examples=12, deadline=None)
@given(vcpus=st.integers(6, 30), seed=st.integers(0, 1000), order=st.lists(st.sampled_from(HOSTS), max_size=40))
def test_slots_never_take_more_than_there_is_and_all_trials_are_run(vcpus: int, seed: int, order: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/evolve.sqlite")
        player = crowded(store, {**VARIABLES, "budget": {"trials": 8}, "seed": seed}, vcpus)
        allowed = max(6, vcpus - 2)  # one machine there is no slot
        running: dict[str, Run] = {}
        for host in [*order, *HOSTS * 30]:
            if host in running:
                player.measure(running.pop(host))
            answer = player.ask(host)
            if isinstance(answer, Run):
                running[host] = answer
            elif isinstance(answer, Restore):
                restore(player, host)
            slots = player.study().slots
            assert sum((s["applied"] or {"vm.vcpus": 2})["vm.vcpus"] for s in slots) <= allowed
        study = player.study()
        assert len(study.trials) == 9
        assert all(trial["status"] == "measured" for trial in study.trials)
        assert all(trial["configuration"]["vm.vcpus"] <= allowed - 4 for trial in study.trials)
        store.close()


def test_an_idle_slot_is_put_back_to_make_room(store: Store, variables: dict[str, Any]) -> None:
    player = crowded(store, {**variables, "budget": {"trials": 3}, "parameters": WIDE}, 15)
    with store.transaction("small") as records:
        for number, vcpus in enumerate((5, 5, 9), start=1):
            insert_trial(Study(records, "small"), Candidate(number, {**BASELINE, "vm.vcpus": vcpus}, "initial"))
    one, two = player.ask("s1"), player.ask("s2")
    assert player.ask("s3") == Nothing(True, "h1 has room for 3 of vm.vcpus, not for 9")
    player.measure(one)
    player.measure(two)
    assert player.ask("s1") == Restore("to make room: h1 has room for 6 of vm.vcpus, not for 9")
    restore(player, "s1")
    assert player.study().slots[0]["applied"] is None
    assert isinstance(player.ask("s1"), Nothing)
    last = player.ask("s2")
    assert isinstance(last, Run)
    assert last.configuration["vm.vcpus"] == 9


def test_no_more_runs_at_once_than_a_hypervisor_may_have(store: Store, variables: dict[str, Any]) -> None:
    player = crowded(store, {**variables, "runs_per_hypervisor": 2}, 64)
    one, two = player.ask("s1"), player.ask("s2")
    assert player.ask("s3") == Nothing(True, "h1 runs 2 at once already")
    player.measure(one)
    assert isinstance(player.ask("s3"), Run)
    player.measure(two)


def test_what_is_wrong_with_the_options_is_said_at_once(variables: dict[str, Any]) -> None:
    wrong = {"overcommit": {"vcpu": 2, "memory": 0}, "runs_per_hypervisor": 0, "scheduling": "steady"}
    with pytest.raises(StudyInputError) as refused:
        read_definition({**variables, **wrong})
    assert [fault.where for fault in refused.value.faults] == [
        "evolve_overcommit.vcpu",
        "evolve_overcommit.memory",
        "evolve_scheduling",
        "evolve_runs_per_hypervisor",
    ]
    with pytest.raises(StudyInputError, match="evolve_overcommit: found 2"):
        read_definition({**variables, "overcommit": 2})
