# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of vm_config on any hypervisor: check, plan, apply, read back."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import change_results
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.interface import (
    NOT_LIVE,
    Capacity,
    Hypervisor,
    Outcome,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    parse_vm_configuration,
    parse_vm_names,
)


def size_machine(
    hypervisor: Hypervisor, machine: str, options: Mapping[str, Any], check_mode: bool
) -> tuple[dict[str, Any], list[str]]:
    """The module result, and warnings for people.

    options: configuration, parameters (None for those of the configuration), state, running and restart as the module
    vm_config has them. Raises HypervisorError, with every fault of the input in one message.
    """
    target, faults = parse_vm_configuration(options["configuration"])
    asked, name_faults = parse_vm_names(options["parameters"] or [])
    state = hypervisor.read(machine)
    faults += name_faults
    faults += [f"{name}: the machine has no such thing." for name in asked if name not in state.values]
    applying = options["state"] == "applied"
    if applying:
        faults += hypervisor.faults(state, target)
    if faults:
        # A name in both the configuration and the parameters has its fault twice.
        raise HypervisorError("\n".join([f"{machine}: nothing was changed.", *dict.fromkeys(faults)]))

    outcome = Outcome([], rebooted=False, forced_off=False)
    if applying:
        changes = hypervisor.plan(state, target, start=options["running"], restart=options["restart"])
        outcome = outcome._replace(changes=changes)
        if changes and not check_mode:
            outcome = hypervisor.apply(state, target, changes)
            state = hypervisor.read(machine)
    if options["parameters"] is None:
        asked = list(target or state.values)
    result = {
        **change_results(outcome.changes),
        "readback": {name: state.values[name] for name in asked},
        "running": state.running,
        "rebooted": outcome.rebooted,
        "forced_off": outcome.forced_off,
    }
    if not applying:
        result["hypervisor"] = _capacity_result(hypervisor.capacity(machine))
    return result, _warnings(machine, outcome)


def _capacity_result(capacity: Capacity) -> dict[str, Any]:
    machines = {name: allotment._asdict() for name, allotment in capacity.machines.items()}
    return {**capacity._asdict(), "machines": machines}


def _warnings(machine: str, outcome: Outcome) -> list[str]:
    warnings = [
        f"{machine}: {change.parameter} needed a restart ({change.note})."
        for change in outcome.changes
        if change.note.startswith(NOT_LIVE)
    ]
    if outcome.forced_off:
        warnings.append(f"{machine} did not shut down when asked to, and was switched off.")
    return warnings
