# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of vm_config on any hypervisor: check, plan, apply, read back."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import change_results
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import (
    boot_names,
    parse_boot_configuration,
    same,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.interface import (
    NOT_LIVE,
    Capacity,
    Hypervisor,
    Outcome,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    NETWORK_LIMITS,
    parse_vm_configuration,
    parse_vm_names,
)


def size_machine(
    hypervisor: Hypervisor, machine: str, options: Mapping[str, Any], check_mode: bool
) -> tuple[dict[str, Any], list[str]]:
    """The module result, and warnings for people.

    options: configuration, parameters (None for those of the configuration), state, running, restart and network_limits
    as the module vm_config has them. Raises HypervisorError, with every fault of the input in one message.
    """
    elsewhere = NETWORK_LIMITS if options.get("network_limits") == "guest" else ()
    configuration = {name: value for name, value in options["configuration"].items() if name not in elsewhere}
    names = [name for name in options["parameters"] or [] if name not in elsewhere]
    sizes, faults = parse_vm_configuration(configuration)
    target: dict[str, Any] = dict(sizes)
    boot, boot_faults = parse_boot_configuration(configuration)
    asked, name_faults = parse_vm_names(names)
    asked_boot = boot_names(names)
    state = hypervisor.read(machine, boot=[*boot, *asked_boot])
    # Where the guest has its own boot loader, its command line is no business of the hypervisor's.
    target.update({name: value for name, value in boot.items() if name in state.values})
    asked = [name for name in names if name in asked or name in state.values]
    faults += boot_faults + name_faults
    applying = options["state"] == "applied"
    wanted = asked if applying or options["parameters"] is not None else target
    faults += [f"{name}: the machine has no such thing." for name in wanted if name not in state.values]
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
            state = hypervisor.read(machine, boot=[*boot, *asked_boot])
    if options["parameters"] is None:
        # A disk that lies in no known pool is of no class that could be given back to it.
        asked = [
            name
            for name in target or state.values
            if name not in elsewhere and (name in target or state.values[name] != "")
        ]
    result = {
        **change_results(outcome.changes),
        "readback": {name: _as_asked(name, state.values[name], target) for name in asked},
        "running": state.running,
        "rebooted": outcome.rebooted,
        "forced_off": outcome.forced_off,
    }
    if not applying:
        result["hypervisor"] = _capacity_result(hypervisor.capacity(machine))
    return result, _warnings(machine, outcome)


def _as_asked(name: str, value: Any, target: Mapping[str, Any]) -> Any:
    """The value in the words of the configuration, where those mean the same: of boot parameters false or default."""
    return target[name] if name in target and same(name, value, target[name]) else value


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
