# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules vm_config and tunables return for a simulated machine: the same keys, from the same checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.changes import change_results
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import sizing
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import ApplyFailed, HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import (
    PREFIX,
    SysctlError,
    parse_sysctl_configuration,
    parse_sysctl_names,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.hypervisor import SimulatedHypervisor
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.kernel import SimulatedKernel
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine


def size_machine(options: Mapping[str, Any], machine: str, check_mode: bool, host: str | None = None) -> dict[str, Any]:
    """The result of `vm_config` with these options, delegated to `host`. Raises MachineLostError, SimulationError."""
    behaviour = options["simulation"]
    hypervisor = SimulatedHypervisor(
        options["simulation_directory"], host, behaviour["host_vcpus"], behaviour["host_memory_mib"]
    )
    try:
        # A simulated machine never gives reason for a warning: its live changes succeed and it shuts down when asked.
        result, dummy = sizing.size_machine(hypervisor, machine, options, check_mode)
        if options["state"] == "applied" and not check_mode:
            hypervisor.place(machine)
    except ApplyFailed as error:
        return _failed(str(error), rebooted=error.rebooted, forced_off=error.forced_off)
    except HypervisorError as error:
        return _failed(str(error), rebooted=False, forced_off=False)
    return result


def tune_kernel(options: Mapping[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
    """The result of `tunables` with these options. Raises MachineLostError, SimulationError."""
    kernel = SimulatedKernel(SimulatedMachine(options["simulation_directory"], machine))
    target, faults = parse_sysctl_configuration(options["configuration"])
    asked, name_faults = parse_sysctl_names(options["parameters"] or [])
    faults += name_faults + kernel.faults({**target, **dict.fromkeys(asked, "")})
    if faults:
        return _failed("\n".join(["Nothing was changed.", *faults]))
    changes = kernel.plan(target) if options["state"] == "applied" else []
    if changes and not check_mode:
        try:
            kernel.apply(target)
        except SysctlError as error:
            return _failed(str(error))
    if options["parameters"] is None:
        asked = list(target)
    return {**change_results(changes), "readback": {PREFIX + key: kernel.read(key) for key in asked}}


def _failed(message: str, **details: Any) -> dict[str, Any]:
    return {"failed": True, "changed": False, "msg": message, **details}
