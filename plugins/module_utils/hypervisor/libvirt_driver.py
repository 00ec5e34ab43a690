# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libvirt driver: QEMU/KVM now; any libvirt connection that sets vCPUs, memory and disks the same way."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import Any, Collection, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Change, Value, shown
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import same
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.disk_class import DiskMove, disk_class_of
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    Definition,
    edit_definition,
    impossible,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
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
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_host import LibvirtHost
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_machine import LibvirtMachine, Patience
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    DISK_CLASS,
    MEMORY_MIB,
    NETWORK_LIMITS,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean


class LibvirtHypervisor(Hypervisor):
    """A connection to libvirt.

    disk: the target (vda) that vm.disk.* is about; None takes each machine's first disk. interface: the MAC address of
    the interface that vm.network.* is about; None takes the first. disk_classes: class of disks -> storage pool, where
    that has another name.
    """

    def __init__(
        self,
        uri: str,
        disk: str | None = None,
        patience: Patience | None = None,
        interface: str | None = None,
        pools: Mapping[str, str] | None = None,
    ) -> None:
        if libvirt is None:
            raise NotAvailable(
                "The Python library for libvirt is missing for the Python that runs this module. Install it on the "
                "hypervisor: package python3-libvirt (Debian, Fedora) or libvirt-python from PyPI."
            )
        self._devices = About(disk, interface)
        self._patience = patience or Patience()
        self._pools = dict(pools or {})
        # libvirt prints every error on stderr unless it is given a handler; ours reach the user as exceptions.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        try:
            self._connection = libvirt.open(uri)
        except libvirt.libvirtError as error:
            raise NotAvailable(_connection_trouble(uri, error)) from error
        self._host = LibvirtHost(self._connection)

    def close(self) -> None:
        with suppress(libvirt.libvirtError):
            self._connection.close()

    def read(self, machine: str, boot: Collection[str] = ()) -> MachineState:
        with _speaking(f"Reading {machine} failed"):
            found = self._find(machine)
            definition, running = found.definition(boot), found.running
            values, next_start = found.values(boot), definition.values()
            next_start.update(self._disk_class(found.xml(), definition))
            live_ranges: dict[str, tuple[int, int]] = {}
            if running:
                process = found.process()
                values.update(self._disk_class(found.process_xml(), process))
                live_ranges[VCPUS] = (process.vcpus_least, process.vcpus_maximum)
                if process.has_balloon:
                    live_ranges[MEMORY_MIB] = (1, process.memory_maximum_kib // 1024)
            else:
                values = dict(next_start)
            live = found.live_names() & set(values) if running else frozenset()
            return MachineState(machine, running, values, next_start, live_ranges, live)

    def faults(self, current: MachineState, target: Mapping[str, Any]) -> list[str]:
        with _speaking(f"Reading {current.name} failed"):
            machine = self._find(current.name)
            trouble, xml = machine.trouble(), machine.xml()
            faults = [trouble] if trouble else []
            faults += impossible(xml, target, machine.about)
            faults += self._host.faults(xml, current.values, target)
            faults += self._disk_class_faults(current, target)
            if current.running:
                differing = [name for name, value in target.items() if not same(name, current.values.get(name), value)]
                faults += [
                    f"{name}: this host cannot change it: {reason}."
                    for name, reason in machine.unreachable(differing).items()
                ]
            return faults

    def apply(self, current: MachineState, target: Mapping[str, Any], changes: list[Change]) -> Outcome:
        with _speaking(f"Nothing was changed: libvirt does not accept the new definition of {current.name}"):
            machine = self._find(current.name)
            previous = machine.xml()
            machine.define(edit_definition(previous, _without_class(target), machine.about))
        moves: list[DiskMove] = []
        try:
            with _speaking(f"Applying to {current.name} failed"):
                changes = self._bring_about(machine, current, target, changes, moves)
                self._verify(machine, target)
        except HypervisorError as error:
            ending = self._put_back(machine, previous, current, moves)
            text = f"{error}{_network_hint(str(error), target)}"
            raise ApplyFailed(f"{text} {ending}", machine.rebooted, machine.forced_off) from error
        return Outcome(changes, machine.rebooted, machine.forced_off)

    def capacity(self, machine: str) -> Capacity:
        """A connection to libvirt is one host, whichever machine is asked about."""
        with _speaking("Reading what the hypervisor has and holds failed"):
            _model, memory_mib, cpus, _frequency, nodes = self._connection.getInfo()[:5]
            active = self._connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
            machines = {domain.name(): _allotment(domain) for domain in active}
        return Capacity(cpus, memory_mib, {name: held for name, held in machines.items() if held is not None}, nodes)

    def _bring_about(
        self,
        machine: LibvirtMachine,
        before: MachineState,
        target: Mapping[str, Any],
        changes: list[Change],
        moves: list[DiskMove],
    ) -> list[Change]:
        """Make the definition just written real; returns the changes with the tier each has really taken."""
        refused: dict[str, str] = {}
        moving = any(change.parameter == DISK_CLASS for change in changes)
        restart = any(change.tier == "reboot" for change in changes)
        if machine.running:
            if restart or moving:
                # What a start would fail with as well is found out while the machine still runs.
                machine.change_controls(target, only_where_restart_is_vain=True)
            else:
                refused = machine.change_live(target)
            if MEMORY_MIB in refused:
                self._define_exact_memory(machine, target)
        if moving:
            self._move_disk(machine, before, target, moves)
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

    def _move_disk(
        self, machine: LibvirtMachine, before: MachineState, target: Mapping[str, Any], moves: list[DiskMove]
    ) -> None:
        """Move the disk to the pool of its new class, with the machine off; `moves` then holds what can be undone."""
        machine.power_off()
        if target[DISK_CLASS] == before.next_start[DISK_CLASS]:
            return
        xml = machine.xml()
        name = read_definition(xml, machine.about).disk
        move = DiskMove(self._connection, xml, name, str(target[DISK_CLASS]), self._pools)
        moves.append(move)
        machine.define(move.perform())

    def _disk_class(self, xml: str, definition: Definition) -> dict[str, Value]:
        if not definition.disk:
            return {}
        try:
            return {DISK_CLASS: disk_class_of(self._connection, xml, definition.disk, self._pools)}
        except HypervisorError:
            # A libvirt without storage pools has no classes of disks.
            return {}

    def _disk_class_faults(self, current: MachineState, target: Mapping[str, Any]) -> list[str]:
        wanted = target.get(DISK_CLASS)
        if wanted is None or wanted == current.values.get(DISK_CLASS) == current.next_start.get(DISK_CLASS):
            return []
        if DISK_CLASS not in current.values:
            return [f"{DISK_CLASS}: this machine has no disk that could be moved to another class."]
        machine = self._find(current.name)
        xml = machine.xml()
        name = read_definition(xml, machine.about).disk
        return DiskMove(self._connection, xml, name, str(wanted), self._pools).faults()

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
        machine.define(edit_definition(machine.xml(), _without_class(target), machine.about, exact_memory=True))

    def _verify(self, machine: LibvirtMachine, target: Mapping[str, Any]) -> None:
        in_force, definition = machine.values(target), machine.definition(target)
        next_start = definition.values()
        if DISK_CLASS in target:
            in_force.update(self._disk_class(machine.process_xml(), machine.process()))
            next_start.update(self._disk_class(machine.xml(), definition))
        differences = [
            f"{name}: asked for {shown(value)}, {where} {shown(found[name])}"
            for name, value in target.items()
            for where, found in (("in force is", in_force), ("the definition says", next_start))
            if not same(name, found[name], value)
        ]
        if differences:
            raise HypervisorError(f"Read back from the machine: {'; '.join(differences)}.")

    def _put_back(self, machine: LibvirtMachine, previous: str, before: MachineState, moves: list[DiskMove]) -> str:
        """Return to the state before; says in a sentence how that went."""
        try:
            if moves:
                machine.power_off()
            machine.define(previous)
            for move in moves:
                move.undo()
            if not before.running:
                machine.power_off()
                return "The previous definition was put back; the machine is shut off, as it was."
            if machine.running and not machine.rebooted:
                machine.undo_controls()
            if machine.rebooted or not machine.running or machine.change_size(before.values):
                machine.power_off()
                machine.start()
                memory = [int(values[MEMORY_MIB]) for values in (before.values, before.next_start)]
                machine.wait_for_memory(memory, self._patience.boot_seconds)
            now = machine.values()
            differences = [
                f"{name} is {shown(now[name])} instead of {shown(value)}"
                for name, value in before.values.items()
                if name in now and now[name] not in (value, before.next_start[name])
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
        about = self._devices._replace(nodes=self._host.nodes(), shares=self._host.default_shares(domain))
        return LibvirtMachine(domain, about, self._patience)


def _without_class(target: Mapping[str, Any]) -> dict[str, Any]:
    """What the definition alone says; the class of a disk is where its volume lies."""
    return {name: value for name, value in target.items() if name != DISK_CLASS}


def _network_hint(trouble: str, target: Mapping[str, Any]) -> str:
    """What to do about a host that cannot limit networks, where that is what `trouble` is about."""
    about_networks = any(word in trouble for word in ("tc ", "qdisc", "sfq", "RTNETLINK"))
    if not about_networks or not set(NETWORK_LIMITS) & set(target):
        return ""
    return (
        " The kernel of this host lacks what libvirt limits networks with (queueing disciplines htb and sfq, modules "
        "sch_htb and sch_sfq). Load them there, or have the guest limit itself with evolve_network_limits: guest."
    )


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
