# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hypervisor of simulated machines, behind the interface that the real drivers have."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import ApplyFailed
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.interface import (
    Allotment,
    Capacity,
    Hypervisor,
    MachineState,
    Outcome,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    DISK_CACHE,
    DISK_IO,
    MEMORY_MIB,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine, machines_in

#: Up to these amounts a running machine is changed live; beyond them it is restarted.
LIVE = {VCPUS: (1, 8), MEMORY_MIB: (1, 4096)}
#: What the simulated host can give one machine.
MOST = {VCPUS: 16, MEMORY_MIB: 16384}
_CACHE_WITH_NATIVE_IO = ("none", "directsync")


class SimulatedHypervisor(Hypervisor):
    """Machines in the files of one directory. A machine that nobody has touched yet is in its baseline.

    host: the name of the host they stand on, of those whose files name one; None takes all as standing on one host.
    vcpus, memory_mib: what the host has.
    """

    def __init__(self, directory: str | os.PathLike[str], host: str | None, vcpus: int, memory_mib: int) -> None:
        self._directory = directory
        self._host = host
        self._vcpus = vcpus
        self._memory_mib = memory_mib

    def read(self, machine: str) -> MachineState:
        values = self._machine(machine).values
        return MachineState(machine, True, dict(values), dict(values), dict(LIVE))

    def faults(self, current: MachineState, target: Mapping[str, Value]) -> list[str]:
        faults = [
            f"{name}: {target[name]} is not possible: the simulated host gives a machine at most {most}."
            for name, most in MOST.items()
            if int(target.get(name, 0)) > most
        ]
        wanted = {**current.values, **target}
        if wanted[DISK_IO] == "native" and wanted[DISK_CACHE] not in _CACHE_WITH_NATIVE_IO:
            faults.append(
                f"{DISK_IO}: native works only with {DISK_CACHE} {' or '.join(_CACHE_WITH_NATIVE_IO)}, and the cache "
                f"would be {wanted[DISK_CACHE]}. Set both in the configuration."
            )
        return faults

    def apply(self, current: MachineState, target: Mapping[str, Value], changes: list[Change]) -> Outcome:
        machine = self._machine(current.name)
        restarted = any(change.tier == "reboot" for change in changes)
        if restarted:
            machine.reset_sysctls()
        fault = surface.start_fault({**machine.values, **target})
        if fault is None:
            machine.values.update(target)
        # Also after a failure: putting back restarts the machine as well.
        machine.save()
        if fault is not None:
            raise ApplyFailed(f"{fault} The previous values were put back.", rebooted=restarted, forced_off=restarted)
        return Outcome(changes, rebooted=restarted, forced_off=False)

    def capacity(self, machine: str) -> Capacity:
        here = [other for other in machines_in(self._directory) if self._is_here(other)]
        # The machine asked about may have no file yet.
        machines = {
            present.name: Allotment(int(present.values[VCPUS]), int(present.values[MEMORY_MIB]))
            for present in (*here, self._machine(machine))
        }
        return Capacity(self._vcpus, self._memory_mib, machines)

    def place(self, name: str) -> None:
        """Have the machine's file name the host that it stands on."""
        machine = self._machine(name)
        if self._host not in (None, machine.hypervisor):
            machine.hypervisor = self._host
            machine.save()

    def close(self) -> None:
        """There is no connection."""

    def _is_here(self, machine: SimulatedMachine) -> bool:
        return None in (self._host, machine.hypervisor) or machine.hypervisor == self._host

    def _machine(self, name: str) -> SimulatedMachine:
        machine = SimulatedMachine(self._directory, name)
        machine.require_answer()
        return machine
