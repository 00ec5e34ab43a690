# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parameters can be applied, by family (the start of their names), and which values a machine accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import parameters as vm
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.parameters import NumericParameter
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.space import SearchSpace

SYSCTL = "kernel.sysctl."
FAMILIES = {
    vm.PREFIX: f"the virtual machine: {listing(vm.NAMES)}",
    SYSCTL: f"a kernel tunable, such as {SYSCTL}vm.swappiness",
}


def name_fault(name: str) -> Fault | None:
    """What is wrong with a parameter's name, if anything."""
    if name.startswith(SYSCTL):
        return None if name.removeprefix(SYSCTL) else Fault(name, "names no kernel tunable")
    if name in vm.NAMES:
        return None
    if name.startswith(vm.PREFIX):
        return Fault(name, f"unknown parameter; vm.* are: {listing(vm.NAMES)}.{suggestion(name, vm.NAMES)}")
    known = "; ".join(f"{prefix}* ({meaning})" for prefix, meaning in FAMILIES.items())
    return Fault(name, f"unknown parameter; names start with {known}.{suggestion(name, vm.NAMES)}")


def space_faults(specifications: Mapping[str, Any], space: SearchSpace | None) -> list[Fault]:
    """Parameters that cannot be applied, and vm.* values that no hypervisor accepts (once `space` is readable)."""
    faults = [fault for fault in map(name_fault, map(str, specifications)) if fault is not None]
    if space is None or faults:
        return faults
    for name, parameter in space.parameters.items():
        if name.startswith(vm.PREFIX):
            ends = (parameter.low, parameter.high) if isinstance(parameter, NumericParameter) else None
            values = [round(end) if end.is_integer() else end for end in ends] if ends else parameter.values()
            for value in values:
                dummy, problems = vm.parse_vm_configuration({name: value})
                faults += [Fault(name, problem.removeprefix(f"{name}: ")) for problem in problems]
    return faults


def configuration_faults(configuration: Any) -> list[Fault]:
    """Everything wrong with a configuration file, as far as it can be told without a machine."""
    where = "evolve_configuration"
    if not isinstance(configuration, Mapping) or not configuration:
        return [Fault(where, f"found {configuration!r}, expected a mapping such as {{vm.vcpus: 4}}")]
    named = {str(name): name_fault(str(name)) for name in configuration}
    faults = [fault for fault in named.values() if fault is not None]
    known = {name: value for name, value in configuration.items() if named[str(name)] is None}
    dummy, problems = vm.parse_vm_configuration(known)
    faults += [Fault(*problem.split(": ", 1)) for problem in problems]
    for name, value in configuration.items():
        if str(name).startswith(SYSCTL) and not isinstance(value, (int, float, str)):
            faults.append(Fault(str(name), f"found {value!r}, expected a number or a text"))
    return faults
