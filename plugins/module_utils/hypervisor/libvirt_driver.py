# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libvirt driver: QEMU/KVM now; any libvirt connection that sets vCPUs, memory and disks the same way."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from contextlib import contextmanager, suppress
from typing import Any, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml import edit_definition, impossible
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import (
    ApplyFailed,
    HypervisorError,
    NotAvailable,
    UnknownMachine,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.interface import (
    NOT_LIVE,
    Allotment,
    Capacity,
    Hypervisor,
    MachineState,
    Outcome,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_machine import LibvirtMachine, Patience
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MIB, VCPUS
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean


class LibvirtHypervisor(Hypervisor):
    """A connection to libvirt. disk: the target (vda) that vm.disk.* is about; None takes each machine's first disk."""

    def __init__(self, uri: str, disk: str | None = None, patience: Patience | None = None) -> None:
        if libvirt is None:
            raise NotAvailable(
                "The Python library for libvirt is missing for the Python that runs this module. Install it on the "
                "hypervisor: package python3-libvirt (Debian, Fedora) or libvirt-python from PyPI."
            )
        self._disk = disk
        self._patience = patience or Patience()
        # libvirt prints every error on stderr unless it is given a handler; ours reach the user as exceptions.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        try:
            self._connection = libvirt.open(uri)
        except libvirt.libvirtError as error:
            raise NotAvailable(_connection_trouble(uri, error)) from error

    def close(self) -> None:
        with suppress(libvirt.libvirtError):
            self._connection.close()

    def read(self, machine: str) -> MachineState:
        with _speaking(f"Reading {machine} failed"):
            found = self._find(machine)
            definition, running = found.definition(), found.running
            live_ranges: dict[str, tuple[int, int]] = {}
            if running:
                process = found.process()
                live_ranges[VCPUS] = (process.vcpus_least, process.vcpus_maximum)
                if process.has_balloon:
                    live_ranges[MEMORY_MIB] = (1, process.memory_maximum_kib // 1024)
            return MachineState(machine, running, found.values(), definition.values(), live_ranges)

    def faults(self, current: MachineState, target: Mapping[str, Value]) -> list[str]:
        with _speaking(f"Reading {current.name} failed"):
            machine = self._find(current.name)
            trouble = machine.trouble()
            definition = machine.definition()
            faults = [trouble] if trouble else []
            faults += impossible(definition, target)
            if int(target.get(VCPUS, 0)) > definition.vcpus_maximum:
                most = self._most_vcpus(machine.xml())
                if int(target[VCPUS]) > most > 0:
                    faults.append(f"{VCPUS}: {target[VCPUS]} is not possible: this machine type takes at most {most}.")
            return faults

    def apply(self, current: MachineState, target: Mapping[str, Value], changes: list[Change]) -> Outcome:
        with _speaking(f"Nothing was changed: libvirt does not accept the new definition of {current.name}"):
            machine = self._find(current.name)
            previous = machine.xml()
            machine.define(edit_definition(previous, target, self._disk))
        try:
            with _speaking(f"Applying to {current.name} failed"):
                changes = self._bring_about(machine, current, target, changes)
                self._verify(machine, target)
        except HypervisorError as error:
            ending = self._put_back(machine, previous, current)
            raise ApplyFailed(f"{error} {ending}", machine.rebooted, machine.forced_off) from error
        return Outcome(changes, machine.rebooted, machine.forced_off)

    def capacity(self, machine: str) -> Capacity:
        """A connection to libvirt is one host, whichever machine is asked about."""
        with _speaking("Reading what the hypervisor has and holds failed"):
            _model, memory_mib, cpus = self._connection.getInfo()[:3]
            active = self._connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
            machines = {domain.name(): _allotment(domain) for domain in active}
        return Capacity(cpus, memory_mib, {name: held for name, held in machines.items() if held is not None})

    def _bring_about(
        self, machine: LibvirtMachine, before: MachineState, target: Mapping[str, Value], changes: list[Change]
    ) -> list[Change]:
        """Make the definition just written real; returns the changes with the tier each has really taken."""
        refused: dict[str, str] = {}
        restart = any(change.tier == "reboot" for change in changes)
        if not restart and machine.running:
            refused = machine.change_live(target)
            if MEMORY_MIB in refused:
                self._define_exact_memory(machine, target)
        if restart or refused:
            machine.power_off()
            machine.start()
            for exact in (False, True):
                if self._memory_settles(machine, before, MEMORY_MIB in target) or MEMORY_MIB not in target:
                    break
                # Once more as it is, for a guest may hang in its boot; then in a way that needs no balloon.
                if exact:
                    self._define_exact_memory(machine, target)
                machine.power_off()
                machine.start()
        return [
            change._replace(tier="reboot", note=f"{NOT_LIVE}{refused[change.parameter]}")
            if change.parameter in refused
            else change
            for change in changes
        ]

    def _memory_settles(self, machine: LibvirtMachine, before: MachineState, asked_for: bool) -> bool:
        """Wait until a guest that has just been started has the memory its definition says.

        With a maximum above that, it boots with the maximum and its balloon driver gives the rest back. Where memory
        was not asked for, a guest whose balloon has not followed its definition before is not waited for.
        """
        wanted = [int(machine.definition().values()[MEMORY_MIB])]
        in_step = not before.running or before.values[MEMORY_MIB] == before.next_start[MEMORY_MIB]
        return machine.wait_for_memory(wanted, self._patience.boot_seconds if asked_for or in_step else 0)

    def _define_exact_memory(self, machine: LibvirtMachine, target: Mapping[str, Value]) -> None:
        """Have the next start give the wanted memory without a balloon: this guest does not move its own."""
        machine.define(edit_definition(machine.xml(), target, self._disk, exact_memory=True))

    def _verify(self, machine: LibvirtMachine, target: Mapping[str, Value]) -> None:
        in_force, next_start = machine.values(), machine.definition().values()
        differences = [
            f"{name}: asked for {shown(value)}, {where} {shown(found[name])}"
            for name, value in target.items()
            for where, found in (("in force is", in_force), ("the definition says", next_start))
            if found[name] != value
        ]
        if differences:
            raise HypervisorError(f"Read back from the machine: {'; '.join(differences)}.")

    def _put_back(self, machine: LibvirtMachine, previous: str, before: MachineState) -> str:
        """Return to the state before; says in a sentence how that went."""
        try:
            machine.define(previous)
            if not before.running:
                machine.power_off()
                return "The previous definition was put back; the machine is shut off, as it was."
            if machine.rebooted or not machine.running or machine.change_live(before.values):
                machine.power_off()
                machine.start()
                memory = [int(values[MEMORY_MIB]) for values in (before.values, before.next_start)]
                machine.wait_for_memory(memory, self._patience.boot_seconds)
            now = machine.values()
            differences = [
                f"{name} is {shown(now[name])} instead of {shown(value)}"
                for name, value in before.values.items()
                if now[name] not in (value, before.next_start[name])
            ]
            if differences:
                raise HypervisorError("; ".join(differences) + ".")
        except (HypervisorError, libvirt.libvirtError) as error:
            return f"PUTTING BACK FAILED: {error} Look after the machine yourself."
        if machine.rebooted:
            return "The previous definition was put back and the machine started with it."
        return "The previous values were put back."

    def _find(self, name: str) -> LibvirtMachine:
        try:
            domain = self._connection.lookupByName(name)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
            known = sorted(domain.name() for domain in self._connection.listAllDomains())
            listing = f"It has: {', '.join(known)}." if known else "It has no machine at all."
            raise UnknownMachine(
                f"{self._connection.getURI()} on {self._connection.getHostname()} has no machine named {name}."
                f"{did_you_mean(name, known)} {listing}"
            ) from error
        return LibvirtMachine(domain, self._disk, self._patience)

    def _most_vcpus(self, xml: str) -> int:
        """The most vCPUs a machine of this type can have; 0 when libvirt cannot say."""
        root = ET.fromstring(xml)
        kind = root.find("os/type")
        settings: Mapping[str, str] = {} if kind is None else kind.attrib
        try:
            capabilities = self._connection.getDomainCapabilities(
                root.findtext("devices/emulator"), settings.get("arch"), settings.get("machine"), root.get("type"), 0
            )
        except libvirt.libvirtError:
            return 0
        most = ET.fromstring(capabilities).find("vcpu")
        return 0 if most is None else int(most.get("max", 0))


def _allotment(domain: Any) -> Allotment | None:
    """What an active domain may use at present; None when it has gone since it was listed."""
    try:
        state, _maximum_kib, memory_kib, vcpus = domain.info()[:4]
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return None
    if state == libvirt.VIR_DOMAIN_SHUTOFF:
        return None
    # The balloon as it is. A guest cannot outgrow it by itself, so the maximum, which a search raises and never lowers,
    # would count memory that nobody has. The target would leave out what a guest was asked for and still holds.
    return Allotment(vcpus, -(-memory_kib // 1024))


@contextmanager
def _speaking(what: str) -> Iterator[None]:
    """Turn libvirt's exceptions into ours."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise HypervisorError(f"{what}: {error.get_error_message()}.") from error


def _connection_trouble(uri: str, error: Any) -> str:
    text = error.get_error_message()
    if "Permission denied" in text or error.get_error_code() in (
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_ACCESS_DENIED,
    ):
        hint = "No permission: run the task with become, or add the user to group libvirt."
    elif "No such file or directory" in text or "Connection refused" in text:
        hint = (
            "libvirt is not running there, or the URI is wrong. Start it (systemctl start libvirtd, on newer systems "
            "virtqemud) or set the option uri; usual is qemu:///system."
        )
    else:
        hint = "Check the option uri; usual is qemu:///system."
    return f"No connection to libvirt at {uri}: {text}. {hint}"
