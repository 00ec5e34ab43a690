# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel parameters of a simulated machine, with the methods that the real ones have."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MIB
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import PREFIX, SysctlError
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import SYSCTLS
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.surface import HUGEPAGE_MIB

_HUGEPAGES = "vm.nr_hugepages"
# As a real kernel, it finds free memory for so many huge pages and silently leaves out the rest.
_MOST_HUGEPAGES_SHARE = 0.8


class SimulatedKernel:
    """The kernel of one machine. Keys are written without `kernel.sysctl.`."""

    def __init__(self, machine: SimulatedMachine) -> None:
        machine.require_answer()
        self._machine = machine

    def read(self, key: str) -> Value:
        """The value in force."""
        return self._machine.sysctls[key]

    def faults(self, keys: Mapping[str, Value]) -> list[str]:
        """One sentence for each key that this kernel does not have."""
        return [
            f"{PREFIX}{key}: this kernel has no such key.{did_you_mean(key, SYSCTLS)}"
            for key in keys
            if key not in SYSCTLS
        ]

    def plan(self, target: Mapping[str, Value]) -> list[Change]:
        """What applying `target` changes."""
        return [
            Change(PREFIX + key, self.read(key), after, "live")
            for key, after in target.items()
            if self.read(key) != after
        ]

    def apply(self, target: Mapping[str, Value]) -> None:
        """Set all of `target`, or nothing and raise SysctlError with everything that does not come into force."""
        problems = []
        for key, value in target.items():
            if not SYSCTLS[key].accepts(value):
                problems.append(f"{PREFIX}{key}: the kernel refuses {shown(value)}: Invalid argument (errno 22)")
            elif self._settled(key, value) != value:
                found = shown(self._settled(key, value))
                problems.append(f"{PREFIX}{key}: wrote {shown(value)}, but the kernel has {found} in force")
        if problems:
            raise SysctlError(f"{'; '.join(problems)}. What had been written before was put back.")
        self._machine.sysctls.update(target)
        self._machine.save()

    def _settled(self, key: str, value: Value) -> Value:
        """What the kernel makes of a value that it accepts."""
        if key != _HUGEPAGES:
            return value
        return min(int(value), int(_MOST_HUGEPAGES_SHARE * int(self._machine.values[MEMORY_MIB]) / HUGEPAGE_MIB))
