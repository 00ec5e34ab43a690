# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every hypervisor driver offers. A new platform is one class here implemented and one line in drivers.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Collection, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import same

RUNNING = "vm.running"
"""The power state in a list of changes; not a parameter of a configuration."""

NEXT_START = "definition for the next start only"
"""Note on a change of what a machine will be, not of what it is."""

NOT_LIVE = "not live: "
"""Begins the note on a change that was planned live and needed a restart; the reason follows."""


class MachineState(NamedTuple):
    """One machine as the hypervisor has it.

    values: the vm.* values in force now; of a machine that is shut off, those of its next start.
    next_start: the vm.* values its definition holds for the next start.
    live_ranges: parameter -> (lowest, highest) value that can be reached without a restart.
    live: parameters of which every value can. What is in neither costs a restart.
    A parameter the machine does not have (disk parameters of a machine without disks) is in none of these. Neither are
    kernel.boot.* that were not asked for, nor those of a machine that boots its kernel by itself.
    """

    name: str
    running: bool
    values: dict[str, Value]
    next_start: dict[str, Value]
    live_ranges: dict[str, tuple[int, int]]
    live: frozenset[str] = frozenset()


class Outcome(NamedTuple):
    """What applying did. `changes` carry the tier each one really took, which may be dearer than planned."""

    changes: list[Change]
    rebooted: bool
    forced_off: bool


class Allotment(NamedTuple):
    """What one machine may use of its host at present."""

    vcpus: int
    memory_mib: int


class Capacity(NamedTuple):
    """What a host has, in logical CPUs and MiB, and what each machine that is active on it, by name, may use of it."""

    vcpus: int
    memory_mib: int
    machines: dict[str, Allotment]
    numa_nodes: int = 1


class Hypervisor(ABC):
    """One connection to one platform. All methods raise `HypervisorError`."""

    @abstractmethod
    def read(self, machine: str, boot: Collection[str] = ()) -> MachineState:
        """The state of `machine`. Raises `UnknownMachine`, naming those that exist.

        boot: names of kernel.boot.* whose values are wanted as well, where the hypervisor has the kernel command line.
        """

    @abstractmethod
    def faults(self, current: MachineState, target: Mapping[str, Value]) -> list[str]:
        """Every reason why `target` cannot be applied to this machine, as sentences. Changes nothing."""

    @abstractmethod
    def apply(self, current: MachineState, target: Mapping[str, Value], changes: list[Change]) -> Outcome:
        """Carry out `changes` (from `plan`) and verify that every value of `target` is in force.

        Raises `ApplyFailed` after putting back what it had changed.
        """

    @abstractmethod
    def capacity(self, machine: str) -> Capacity:
        """What the host that `machine` stands on has and holds."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    def plan(
        self, current: MachineState, target: Mapping[str, Value], start: bool = True, restart: bool = False
    ) -> list[Change]:
        """What applying `target` changes and what each change costs; empty when all of it is in force already.

        start: a machine that is shut off is started. restart: a running machine is restarted in any case.
        """
        changes = []
        for name, after in target.items():
            before, next_start = current.values[name], current.next_start[name]
            if not same(name, before, after):
                changes.append(Change(name, before, after, *self._tier(current, name, after, start)))
            elif not same(name, next_start, after):
                changes.append(Change(name, next_start, after, "live", NEXT_START))
        if start and not current.running:
            changes.append(Change(RUNNING, False, True, "reboot"))
        elif restart and current.running:
            changes.append(Change(RUNNING, True, True, "reboot", "restart asked for"))
        return changes

    @staticmethod
    def _tier(current: MachineState, name: str, after: Value, start: bool) -> tuple[str, str]:
        if not current.running:
            return ("reboot", "") if start else ("live", NEXT_START)
        if name in current.live:
            return "live", ""
        if name in current.live_ranges:
            low, high = current.live_ranges[name]
            return ("live" if low <= int(after) <= high else "reboot"), ""
        return "reboot", ""
