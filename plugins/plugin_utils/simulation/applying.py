# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules vm_config and tunables return for a simulated machine: the same keys, from the same checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import sizing
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import ApplyFailed, HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.tunables import tuning
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError
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
    try:
        return tuning.tune_kernel(kernel, options, check_mode)
    except TunablesError as error:
        return _failed(str(error))
    finally:
        kernel.save()


def _failed(message: str, **details: Any) -> dict[str, Any]:
    return {"failed": True, "changed": False, "msg": message, **details}
