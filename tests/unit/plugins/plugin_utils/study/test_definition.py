# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault of a study's variables is reported at once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import (
    Definition,
    StudyInputError,
    read_definition,
)


def problems(variables: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(StudyInputError) as raised:
        read_definition(variables)
    return {fault.where: fault.problem for fault in raised.value.faults}


def test_a_good_definition_survives_the_store(variables: dict[str, Any]) -> None:
    definition = read_definition(variables)
    assert Definition(**definition.as_dict()) == definition
    assert definition.trials == 12
    assert definition.constraints == variables["constraints"]


def test_all_faults_of_all_variables_are_reported_together(variables: dict[str, Any]) -> None:
    found = problems(
        {
            **variables,
            "name": "../escape",
            "parameters": {
                "vm.vcpu": {"type": "int", "range": [1, 8]},
                "vm.memory_mib": {"type": "int", "range": [4096, 512]},
                "vm.disk.cache": {"type": "choice", "values": ["none", "fast"]},
            },
            "constraints": ["vm.memory_mib <"],
            "goals": [{"metric": "speed", "direction": "up", "weight": -1}],
            "benchmark": {"name": "sysbench", "tests": ["cpu"], "second": 3},
            "budget": {"trials": 0},
            "prices": {"vcpus": 3},
            "seed": -1,
            "algorithm": "magic",
            "verification": {"confidence": 95},
        }
    )
    assert "folder" in found["evolve_study"]
    assert "Did you mean vm.vcpus?" in found["vm.vcpu"]
    assert "write [512, 4096]" in found["vm.memory_mib.range"]
    assert "evolve_constraints[1]" in found
    assert "maximize" in found["evolve_goals[1].direction"]
    assert "0 or more" in found["evolve_goals[1].weight"]
    assert "Did you mean seconds?" in found["evolve_benchmark.second"]
    assert {"evolve_budget.trials", "evolve_seed", "evolve_verification.confidence"} <= set(found)
    assert "Did you mean vcpu?" in found["evolve_prices.vcpus"]
    assert "textbook" in found["evolve_algorithm"]


def test_values_that_no_hypervisor_accepts_are_faults(variables: dict[str, Any]) -> None:
    variables["parameters"] = {
        "vm.disk.cache": {"type": "choice", "values": ["none", "fast"]},
        "vm.vcpus": {"type": "int", "range": [0, 4]},
    }
    variables["constraints"] = []
    found = problems(variables)
    assert "'fast'" in found["vm.disk.cache"]
    assert "at least 1" in found["vm.vcpus"]


def test_an_unknown_metric_names_those_that_will_be_measured(variables: dict[str, Any]) -> None:
    variables["goals"] = [{"metric": "cpu_events_per_secnd", "direction": "maximize"}]
    problem = problems(variables)["evolve_goals[1].metric"]
    assert "Did you mean cpu_events_per_second?" in problem
    assert "vm_cost" in problem


def test_weights_that_are_all_zero_are_a_fault(variables: dict[str, Any]) -> None:
    variables["goals"] = [{"metric": "vm_cost", "direction": "minimize", "weight": 0}]
    assert "weights are 0" in problems(variables)["evolve_goals"]


def test_missing_variables_are_all_named() -> None:
    assert set(problems({"name": "x"})) == {
        "evolve_parameters",
        "evolve_goals",
        "evolve_benchmark",
        "evolve_budget",
    }


def test_constraints_that_nothing_satisfies_are_a_fault(variables: dict[str, Any]) -> None:
    variables["constraints"] = ["vm.vcpus > 4", "vm.vcpus < 3"]
    assert "no configuration satisfies" in problems(variables)["evolve_constraints"]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("seed", 2, "evolve_seed: 1 -> 2"),
        ("constraints", [], "evolve_constraints"),
        ("benchmark", {"name": "sysbench", "tests": ["cpu"], "seconds": 9}, "evolve_benchmark.seconds: added (9)"),
    ],
)
def test_differences_that_make_results_incomparable_are_named(
    variables: dict[str, Any], key: str, value: Any, line: str
) -> None:
    old, new = read_definition(variables), read_definition({**variables, key: value})
    assert any(line in difference for difference in old.differences(new))


def test_a_larger_budget_is_no_difference(variables: dict[str, Any]) -> None:
    old, new = read_definition(variables), read_definition({**variables, "budget": {"trials": 500, "hours": 3}})
    assert list(old.differences(new)) == []


def test_other_weights_are_no_difference_but_anything_else_about_a_goal_is(variables: dict[str, Any]) -> None:
    old = read_definition(variables)
    first, second = variables["goals"]
    assert list(old.differences(read_definition({**variables, "goals": [{**first, "weight": 9}, second]}))) == []
    stricter = read_definition({**variables, "goals": [{**first, "limit": 5}, second]})
    assert list(old.differences(stricter)) == ["evolve_goals.cpu_events_per_second.limit: None -> 5.0"]
    assert "evolve_goals.vm_cost: removed" in next(old.differences(read_definition({**variables, "goals": [first]})))


def test_faults_found_elsewhere_are_reported_with_the_others(variables: dict[str, Any]) -> None:
    with pytest.raises(StudyInputError) as raised:
        read_definition({**variables, "seed": -1}, [Fault("evolve_learn_from", "the store holds no study 'x'")])
    assert [fault.where for fault in raised.value.faults] == ["evolve_seed", "evolve_learn_from"]
