# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a guest has: of a real one through the module of the same name, of a simulated one here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MIB, VCPUS
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine

_DISK_MIB = 20480


class ActionModule(SimulatedAction):
    """The machine is the one the task runs on."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
        "simulation_directory": {"type": "path"},
    }

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        found = SimulatedMachine(options["simulation_directory"], machine)
        found.require_answer()
        sizes = {"vcpus": int(found.values[VCPUS]), "memory_mib": int(found.values[MEMORY_MIB])}
        return {"changed": False, "facts": {**sizes, "disk_mib": _DISK_MIB}}
