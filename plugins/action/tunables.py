# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set kernel parameters: of a real machine through the module of the same name, of a simulated one here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.applying import tune_kernel


class ActionModule(SimulatedAction):
    """The machine is the one the task runs on."""

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "configuration": {"type": "dict", "default": {}},
        "parameters": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
        "stage": {"type": "str", "choices": ["boot", "running", "all"], "default": "all"},
        "boot_loader": {"type": "str", "choices": ["auto", "grub", "direct"], "default": "auto"},
        "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
        "simulation_directory": {"type": "path"},
    }

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        return tune_kernel(options, machine, check_mode)
