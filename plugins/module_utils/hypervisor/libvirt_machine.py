# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One libvirt domain: what it is now, and the single steps by which it becomes something else.

Talks to libvirt; knows nothing about plans. Every wait is bounded by `Patience`.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Callable, Collection, Iterable, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    Definition,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About, parse
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.table import LIVE, names_of
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import HypervisorError
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_live import (
    Bandwidth,
    CpuShare,
    DiskLimits,
    LiveControl,
    Pinning,
)
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

    def __init__(self, domain: Any, about: About, patience: Patience) -> None:
        self._domain = domain
        self._about = about
        self._patience = patience
        self._put_back: list[tuple[LiveControl, Any]] = []
        self.rebooted = False
        self.forced_off = False

    @property
    def about(self) -> About:
        """Which devices its parameters are about."""
        return self._about

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

    def definition(self, boot: Iterable[str] = ()) -> Definition:
        """What the next start will give."""
        return read_definition(str(self._domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)), self._about, boot)

    def process(self, boot: Iterable[str] = ()) -> Definition:
        """What the running process has."""
        return read_definition(str(self._domain.XMLDesc(0)), self._about, boot)

    def process_xml(self) -> str:
        """The definition that the running process was started with, with the live changes since."""
        return str(self._domain.XMLDesc(0))

    def values(self, boot: Iterable[str] = ()) -> dict[str, Value]:
        """The values in force: vCPUs plugged in, balloon, share and limits as they are, not as they were asked for."""
        if not self.running:
            return self.definition(boot).values()
        values = self.process(boot).values()
        values[VCPUS] = self._vcpus()
        values[MEMORY_MIB] = self._memory_mib()
        for control in self._controls():
            # What a driver cannot tell stands in the definition of the process.
            with suppress(libvirt.libvirtError):
                values.update(control.values(control.read()))
        return values

    def live_names(self) -> frozenset[str]:
        """The parameters that the running process can take over whatever their value, unlike vCPUs and memory."""
        return frozenset(name for name in names_of(parse(self.process_xml())) if name in LIVE) - {
            VCPUS,
            MEMORY_MIB,
        }

    def unreachable(self, names: Collection[str]) -> dict[str, str]:
        """Name -> libvirt's reason, for those that libvirt cannot even read from the running machine."""
        reasons: dict[str, str] = {}
        for control in self._controls():
            concerned = [name for name in control.names if name in names]
            if concerned:
                try:
                    control.read()
                except libvirt.libvirtError as error:
                    reasons.update(dict.fromkeys(concerned, error.get_error_message()))
        return reasons

    def define(self, xml: str) -> None:
        """Make `xml` the definition for the next start."""
        if xml != self.xml():
            self._domain.connect().defineXML(xml)

    def change_live(self, target: Mapping[str, Value]) -> dict[str, str]:
        """Change the running machine; returns name -> reason for those that did not come about."""
        # What is refused for good comes first; a vCPU can be pinned once it is there.
        refused = self.change_controls(target, only_where_restart_is_vain=True)
        refused.update(self.change_size(target))
        return {**refused, **self.change_controls(target)}

    def change_controls(self, target: Mapping[str, Value], only_where_restart_is_vain: bool = False) -> dict[str, str]:
        """Change what libvirt changes in one call: share, pinning, limits. Remembers what was, for `undo_controls`.

        Raises HypervisorError for what it refuses and would refuse at a start as well.
        """
        refused: dict[str, str] = {}
        for control in self._controls():
            names = [name for name in control.names if name in target]
            if not names or (only_where_restart_is_vain and control.restart_helps):
                continue
            try:
                present = control.read()
                differing = [name for name in names if control.values(present).get(name) != target[name]]
                if differing:
                    self._put_back.append((control, present))
                    control.write(control.wanted(present, {name: target[name] for name in differing}))
            except libvirt.libvirtError as error:
                if not control.restart_helps:
                    raise HypervisorError(f"{', '.join(names)}: {error.get_error_message()}.") from error
                refused.update(dict.fromkeys(names, error.get_error_message()))
        return refused

    def undo_controls(self) -> None:
        """Put back what `change_controls` has found, of a machine that has been running since. Raises libvirtError."""
        while self._put_back:
            control, before = self._put_back.pop()
            if control.read() != before:
                control.write(before)

    def change_size(self, target: Mapping[str, Value]) -> dict[str, str]:
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

    def _controls(self) -> list[LiveControl]:
        xml = self.process_xml()
        process, definition = parse(xml), read_definition(xml, self._about)
        controls: list[LiveControl] = [
            CpuShare(self._domain, process, self._about),
            Pinning(self._domain, process, self._about, parse(self.xml())),
        ]
        if definition.disk:
            controls.append(DiskLimits(self._domain, process, self._about, definition.disk))
        if definition.interface:
            controls.append(Bandwidth(self._domain, process, self._about, definition.interface))
        own = names_of(process)
        return [control for control in controls if control.names[0] in own]

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
