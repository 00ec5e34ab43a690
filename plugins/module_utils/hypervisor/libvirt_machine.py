# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One libvirt domain: what it is now, and the single steps by which it becomes something else.

Talks to libvirt; knows nothing about plans. Every wait is bounded by `Patience`.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Collection, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml import Definition, read_definition
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MIB, VCPUS


class Patience(NamedTuple):
    """How long the driver waits for a guest, in seconds."""

    shutdown_seconds: float = 60.0
    shutdown_again_seconds: float = 5.0
    """A guest that is still booting misses the first request."""
    unplug_seconds: float = 10.0
    balloon_seconds: float = 10.0
    """How long a balloon may stand still before it counts as stuck."""
    boot_seconds: float = 120.0
    """Until the balloon driver of a guest that has just been started is at work."""
    poll_seconds: float = 0.1


class LibvirtMachine:
    """One domain. `rebooted` and `forced_off` record what the guest has gone through here."""

    def __init__(self, domain: Any, disk: str | None, patience: Patience) -> None:
        self._domain = domain
        self._disk = disk
        self._patience = patience
        self.rebooted = False
        self.forced_off = False

    @property
    def running(self) -> bool:
        """Whether a process runs for it, paused or not."""
        return bool(self._domain.isActive())

    def trouble(self) -> str:
        """Why nothing may be applied to it in its present state; empty when nothing speaks against it."""
        name = self._domain.name()
        if not self._domain.isPersistent():
            return f"{name} is transient: libvirt keeps no definition of it that could be changed. Define it first."
        if self._domain.state()[0] in (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PMSUSPENDED):
            return f"{name} is paused or suspended. Resume it (virsh resume {name}) or shut it off, then try again."
        if not self.running and self._domain.hasManagedSaveImage():
            return (
                f"{name} has a saved state, and starting it would bring back the hardware it was saved with. "
                f"Start it and shut it down, or give the state up (virsh managedsave-remove {name})."
            )
        return ""

    def xml(self) -> str:
        """The definition for the next start, passwords included, so that defining it again loses nothing."""
        return str(self._domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE))

    def definition(self) -> Definition:
        """What the next start will give."""
        return read_definition(str(self._domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)), self._disk)

    def process(self) -> Definition:
        """What the running process has."""
        return read_definition(str(self._domain.XMLDesc(0)), self._disk)

    def values(self) -> dict[str, Value]:
        """The vm.* values in force: vCPUs plugged in and balloon as they are, not as they were asked for."""
        if not self.running:
            return self.definition().values()
        values = self.process().values()
        values[VCPUS] = self._vcpus()
        values[MEMORY_MIB] = self._memory_mib()
        return values

    def define(self, xml: str) -> None:
        """Make `xml` the definition for the next start."""
        if xml != self.xml():
            self._domain.connect().defineXML(xml)

    def change_live(self, target: Mapping[str, Value]) -> dict[str, str]:
        """Change vCPUs and memory of the running guest; returns name -> reason for those that did not come about."""
        refused: dict[str, str] = {}
        steps: list[tuple[str, Callable[[int], object], Callable[[int], bool]]] = [
            (MEMORY_MIB, self._ask_memory, self._memory_arrives),
            (VCPUS, self._ask_vcpus, self._vcpus_arrive),
        ]
        differing = [step for step in steps if step[0] in target and self.values()[step[0]] != target[step[0]]]
        for name, ask, _arrived in differing:
            if name == VCPUS and int(target[name]) < self.process().vcpus_least:
                refused[name] = "vCPUs of this machine cannot be unplugged while it runs"
                continue
            try:
                ask(int(target[name]))
            except libvirt.libvirtError as error:
                # A request that ran out of time in libvirt may still be met by a slow guest.
                if error.get_error_code() != libvirt.VIR_ERR_OPERATION_TIMEOUT:
                    refused[name] = error.get_error_message()
        for name, _ask, arrived in differing:
            if name not in refused and not arrived(int(target[name])):
                refused[name] = f"the guest stayed at {self.values()[name]}"
        return refused

    def wait_for_memory(self, wanted_mib: Collection[int], seconds: float) -> bool:
        """Wait until the balloon is at one of `wanted_mib`.

        Gives up when it has not begun to move within `seconds`, or has stood still for `balloon_seconds` since.
        """
        last, moved = self._memory_mib(), time.monotonic()
        while last not in wanted_mib:
            if time.monotonic() - moved > seconds or not self.running:
                return False
            time.sleep(self._patience.poll_seconds)
            now = self._memory_mib()
            if now != last:
                last, moved, seconds = now, time.monotonic(), self._patience.balloon_seconds
        return True

    def power_off(self) -> None:
        """Shut the guest down cleanly; as a last resort switch it off, which `forced_off` then records."""
        if not self.running:
            return
        self.rebooted = True
        asked_at = None
        deadline = time.monotonic() + self._patience.shutdown_seconds
        while self.running:
            now = time.monotonic()
            if now >= deadline or self._domain.state()[0] == libvirt.VIR_DOMAIN_CRASHED:
                self.forced_off = True
                self._ignoring_absence(self._domain.destroy)
                return
            if asked_at is None or now - asked_at >= self._patience.shutdown_again_seconds:
                asked_at = now
                self._ignoring_absence(self._domain.shutdown)
            time.sleep(self._patience.poll_seconds)

    def start(self) -> None:
        """Start it from its definition."""
        self._domain.create()
        self.rebooted = True
        if not self.running:
            raise HypervisorError(f"{self._domain.name()} stopped right after its start.")

    def _vcpus(self) -> int:
        return int(self._domain.info()[3])

    def _memory_mib(self) -> int:
        try:
            return int(self._domain.memoryStats()["actual"]) // 1024
        except (libvirt.libvirtError, KeyError):
            # Not every driver has statistics, and without a balloon there are none.
            return int(self._domain.info()[2]) // 1024

    def _ask_memory(self, wanted_mib: int) -> None:
        self._domain.setMemoryFlags(wanted_mib * 1024, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def _ask_vcpus(self, wanted: int) -> None:
        self._domain.setVcpusFlags(wanted, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def _memory_arrives(self, wanted_mib: int) -> bool:
        return self.wait_for_memory([wanted_mib], self._patience.balloon_seconds)

    def _vcpus_arrive(self, wanted: int) -> bool:
        deadline = time.monotonic() + self._patience.unplug_seconds
        while self._vcpus() != wanted and self.running:
            if time.monotonic() > deadline:
                return False
            time.sleep(self._patience.poll_seconds)
        return self.running

    @staticmethod
    def _ignoring_absence(request: Callable[[], object]) -> None:
        """A guest that went down by itself in the same moment, or one that knows no ACPI, is no error here."""
        try:
            request()
        except libvirt.libvirtError as error:
            if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
                raise
