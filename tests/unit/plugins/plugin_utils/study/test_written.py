# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search space written with names, profiles and facts becomes plain numbers once, and stays what it became."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.study.configuration import (
    ConfigurationError,
    check_configuration,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import (
    Definition,
    StudyInputError,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.study.facts import facts_from
from ansible_collections.evolve.vm.plugins.plugin_utils.study.written import facts_to_find, searched_names

FACTS = {
    "guest.memory_mib": 2048.0,
    "guest.vcpus": 2.0,
    "guest.disk_mib": 20480.0,
    "hypervisor.vcpus": 8.0,
    "hypervisor.memory_mib": 16384.0,
    "hypervisor.free_memory_mib": 8192.0,
    "hypervisor.numa_nodes": 1.0,
}


@pytest.fixture
def by_name(variables: dict[str, Any]) -> dict[str, Any]:
    return {**variables, "parameters": {"vm.vcpus": None, "vm.disk.cache": None}, "constraints": []}


def test_a_name_alone_takes_its_entry_and_its_range_from_the_facts(by_name: dict[str, Any]) -> None:
    definition = read_definition(by_name, facts=FACTS)
    assert definition.parameters["vm.vcpus"]["range"] == [1, 8]
    assert "unsafe" not in definition.parameters["vm.disk.cache"]["values"]
    assert any("hypervisor.vcpus = 8" in line for line in definition.derived)
    assert Definition(**definition.as_dict()) == definition


def test_it_is_known_which_facts_it_takes(by_name: dict[str, Any], variables: dict[str, Any]) -> None:
    assert facts_to_find(by_name) == ["hypervisor.vcpus"]
    assert facts_to_find(variables) == []
    assert searched_names(by_name) == ["vm.vcpus", "vm.disk.cache"]


def test_what_was_derived_stays_though_the_machines_change(by_name: dict[str, Any]) -> None:
    stored = read_definition(by_name, facts=FACTS)
    assert facts_to_find(by_name, stored) == []
    again = read_definition(by_name, facts={**FACTS, "hypervisor.vcpus": 64.0}, stored=stored)
    assert again.parameters == stored.parameters
    assert list(stored.differences(again)) == []


def test_another_wording_is_derived_anew_and_told_apart(by_name: dict[str, Any]) -> None:
    stored = read_definition(by_name, facts=FACTS)
    by_name["parameters"]["vm.vcpus"] = {"range": [1, 4]}
    again = read_definition(by_name, facts=FACTS, stored=stored)
    assert list(stored.differences(again)) == ["evolve_parameters.vm.vcpus.range: [1, 8] -> [1, 4]"]


def test_a_study_of_an_earlier_version_goes_on_as_it_was_written(variables: dict[str, Any]) -> None:
    variables["parameters"] = {
        "vm.disk.cache": {"type": "choice", "values": ["none", "writeback"]},
        "vm.disk.io": {"type": "choice", "values": ["threads", "native"]},
    }
    variables["constraints"] = []
    fresh = read_definition(variables)
    assert fresh.constraints, "the catalogue knows that native needs a cache that fits"
    stored = replace(fresh, constraints=[], written={}, derived=[])
    again = read_definition(variables, stored=stored)
    assert again.constraints == []
    assert list(stored.differences(again)) == []


def test_a_profile_is_enough(variables: dict[str, Any]) -> None:
    del variables["parameters"]
    variables |= {"profile": "kernel-network", "constraints": []}
    definition = read_definition(variables, facts=FACTS)
    assert sum(name.startswith("kernel.sysctl.net.") for name in definition.parameters) >= 5


def test_a_risk_has_to_be_allowed_by_name(by_name: dict[str, Any]) -> None:
    by_name["allow_risk"] = ["durability"]
    assert "unsafe" in read_definition(by_name, facts=FACTS).parameters["vm.disk.cache"]["values"]


def test_faults_of_names_ranges_and_profiles_come_together(variables: dict[str, Any]) -> None:
    variables |= {
        "parameters": {
            "vm.vcpu": None,
            "vm.memory_mib": {"type": "int", "range": ["0.5 * guest.memori", 4096]},
            "app.postgress.work_mem_mib": {"type": "int", "range": [1, 8]},
        },
        "constraints": [],
        "profile": "postgresql-oltpp",
    }
    with pytest.raises(StudyInputError) as raised:
        read_definition(variables, facts=FACTS)
    found = {fault.where: fault.problem for fault in raised.value.faults}
    assert "Did you mean vm.vcpus?" in found["vm.vcpu"]
    assert "guest.memory_mib" in found["vm.memory_mib.range"]
    assert "Did you mean postgresql?" in found["app.postgress.work_mem_mib"]
    assert "Did you mean postgresql-oltp?" in found["evolve_profile"]


def test_own_applications_are_known(variables: dict[str, Any]) -> None:
    variables |= {"parameters": {"app.shop.workers": {"type": "int", "range": [1, 8]}}, "constraints": []}
    with pytest.raises(StudyInputError, match="evolve_apps"):
        read_definition(variables)
    assert list(read_definition(variables, own_apps=["shop"]).parameters) == ["app.shop.workers"]


def test_facts_are_those_of_the_first_guest_and_the_smallest_hypervisor() -> None:
    guest = {"vcpus": 2, "memory_mib": 2048, "disk_mib": 4096}
    large = {"vcpus": 16, "memory_mib": 65536, "numa_nodes": 2, "machines": {"a": {"vcpus": 2, "memory_mib": 2048}}}
    small = {"vcpus": 8, "memory_mib": 16384, "numa_nodes": 1, "machines": {}}
    facts, silent = facts_from(
        {
            "lost": {"message": "no route to host"},
            "first": {"guest": guest, "hypervisor": large},
            "second": {"guest": {**guest, "vcpus": 4}, "hypervisor": small},
        }
    )
    assert facts == {
        **{"guest.vcpus": 2.0, "guest.memory_mib": 2048.0, "guest.disk_mib": 4096.0},
        **{"hypervisor.vcpus": 8.0, "hypervisor.memory_mib": 16384.0, "hypervisor.free_memory_mib": 16384.0},
        "hypervisor.numa_nodes": 1.0,
    }
    assert silent == ["lost: no route to host"]


def test_a_file_written_by_hand_is_held_against_what_the_catalogue_knows() -> None:
    with pytest.raises(ConfigurationError, match=r"not satisfied: vm\.disk\.io"):
        check_configuration({"vm.disk.io": "native", "vm.disk.cache": "writeback"})
    assert check_configuration({"vm.disk.io": "native", "vm.disk.cache": "none"})
    assert check_configuration({"vm.disk.io": "native"}), "of what is not said nothing is known"
