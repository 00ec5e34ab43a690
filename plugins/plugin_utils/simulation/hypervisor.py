# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hypervisor of simulated machines, behind the interface that the real drivers have."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

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
    CACHE_WITH_NATIVE_IO,
    CPU_PINNING,
    CPU_QUOTA_PERCENT,
    CPU_SHARES,
    DISK_BUS,
    DISK_CACHE,
    DISK_CLASS,
    DISK_IO,
    DISK_IOTHREAD,
    DISK_LIMITS,
    DISK_QUEUES,
    MEMORY_MAXIMUM_MIB,
    MEMORY_MIB,
    NETWORK_LIMITS,
    NETWORK_MODEL,
    NETWORK_QUEUES,
    VCPUS,
    disk_limit_faults,
)
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation import surface
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.baseline import DISK_CLASSES
from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.machine import SimulatedMachine, machines_in

#: Up to so many vCPUs, and up to its maximum of memory, a running machine is changed live; beyond, it is restarted.
LIVE_VCPUS = 8
#: What it takes over whatever the value.
LIVE = frozenset([CPU_SHARES, CPU_QUOTA_PERCENT, CPU_PINNING, *DISK_LIMITS, *NETWORK_LIMITS])
#: What the simulated host can give one machine.
MOST = {VCPUS: 16, MEMORY_MIB: 16384, MEMORY_MAXIMUM_MIB: 16384}


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

    def read(self, machine: str, boot: Collection[str] = ()) -> MachineState:
        """A simulated machine boots by its own boot loader: it has no `boot` parameters here."""
        values = self._machine(machine).values
        ranges = {VCPUS: (1, LIVE_VCPUS), MEMORY_MIB: (1, int(values[MEMORY_MAXIMUM_MIB]))}
        return MachineState(machine, True, dict(values), dict(values), ranges, LIVE)

    def faults(self, current: MachineState, target: Mapping[str, Any]) -> list[str]:
        faults = [
            f"{name}: {target[name]} is not possible: the simulated host gives a machine at most {most}."
            for name, most in MOST.items()
            if int(target.get(name, 0)) > most
        ]
        wanted = {**current.values, **target}
        if wanted[DISK_IO] == "native" and wanted[DISK_CACHE] not in CACHE_WITH_NATIVE_IO:
            faults.append(
                f"{DISK_IO}: native works only with {DISK_CACHE} {' or '.join(CACHE_WITH_NATIVE_IO)}, and the cache "
                f"would be {wanted[DISK_CACHE]}. Set both in the configuration."
            )
        if MEMORY_MAXIMUM_MIB in target and int(wanted[MEMORY_MAXIMUM_MIB]) < int(wanted[MEMORY_MIB]):
            faults.append(
                f"{MEMORY_MAXIMUM_MIB}: {wanted[MEMORY_MAXIMUM_MIB]} is less than {MEMORY_MIB}, which would be "
                f"{wanted[MEMORY_MIB]}. Set both in the configuration."
            )
        return faults + _device_faults(wanted)

    def apply(self, current: MachineState, target: Mapping[str, Value], changes: list[Change]) -> Outcome:
        machine = self._machine(current.name)
        restarted = any(change.tier == "reboot" for change in changes)
        if restarted:
            machine.reset_sysctls()
        fault = surface.start_fault({**machine.values, **target})
        if fault is None:
            machine.values.update(target)
            most = max(int(machine.values[MEMORY_MAXIMUM_MIB]), int(machine.values[MEMORY_MIB]))
            machine.values[MEMORY_MAXIMUM_MIB] = most
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


def _device_faults(wanted: Mapping[str, Value]) -> list[str]:
    """What the disk and the network card of a machine with these values cannot have."""
    faults = disk_limit_faults(wanted)
    if wanted[DISK_CLASS] not in DISK_CLASSES:
        faults.append(
            f"{DISK_CLASS}: the simulated host has no class {wanted[DISK_CLASS]}."
            f"{did_you_mean(str(wanted[DISK_CLASS]), DISK_CLASSES)} It has {', '.join(DISK_CLASSES)}."
        )
    if wanted[DISK_BUS] == "sata":
        if wanted[DISK_IOTHREAD]:
            faults.append(f"{DISK_IOTHREAD}: the disk would be on bus sata, which takes no iothread.")
        if int(wanted[DISK_QUEUES]) > 1:
            faults.append(f"{DISK_QUEUES}: the disk would be on bus sata, which has only one queue.")
    if wanted[NETWORK_MODEL] != "virtio" and int(wanted[NETWORK_QUEUES]) > 1:
        faults.append(
            f"{NETWORK_QUEUES}: the card would be {wanted[NETWORK_MODEL]}; only virtio has more than one queue."
        )
    return faults
