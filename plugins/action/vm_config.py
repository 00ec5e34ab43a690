# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Size a virtual machine: a real one through the module of the same name, a simulated one here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.action import SimulatedAction
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.applying import size_machine


class ActionModule(SimulatedAction):
    """`name`, `uri`, the options about devices and the timeouts mean nothing to a simulated machine. It stands on the
    host that the task is delegated to, if it is.
    """

    OPTIONS: ClassVar[Mapping[str, Any]] = {
        "name": {"type": "str", "required": True},
        "hypervisor": {"type": "str", "choices": ["libvirt", "simulated"], "default": "libvirt"},
        "uri": {"type": "str", "default": "qemu:///system"},
        "configuration": {"type": "dict", "default": {}},
        "parameters": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["applied", "read"], "default": "applied"},
        "disk": {"type": "str"},
        "interface": {"type": "str"},
        "disk_classes": {"type": "dict", "default": {}},
        "network_limits": {"type": "str", "choices": ["host", "guest"], "default": "host"},
        "running": {"type": "bool", "default": True},
        "restart": {"type": "bool", "default": False},
        "shutdown_timeout_seconds": {"type": "int", "default": 60},
        "boot_timeout_seconds": {"type": "int", "default": 120},
        "simulation_directory": {"type": "path"},
        "simulation": {
            "type": "dict",
            "default": {},
            "options": {
                "host_vcpus": {"type": "int", "default": 64},
                "host_memory_mib": {"type": "int", "default": 262144},
            },
        },
    }

    def simulate(self, options: dict[str, Any], machine: str, check_mode: bool) -> dict[str, Any]:
        host = self._task.delegate_to
        return size_machine(options, machine, check_mode, host=str(host) if host else None)
