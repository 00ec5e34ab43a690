# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and edits libvirt domain XML. Pure: text in, text out, no connection.

Only the elements that carry the parameters are touched. Comments, foreign namespaces (qemu:commandline, metadata) and
everything else stay. Format: https://libvirt.org/formatdomain.html
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Iterable, Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.boot_parameters import is_boot, same
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml import (
    cmdline,
    cpu,
    cpu_share,
    disk,
    disk_bus,
    disk_limits,
    memory,
    network,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About, parse, serialise
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.table import TABLE, names_of
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_PINNING,
    DISK_CLASS,
    MEMORY_MAXIMUM_MIB,
    MEMORY_MIB,
    NAMES,
)

ANYTHING = About()
_ROUNDS = 3


class Definition(NamedTuple):
    """What a domain XML says. Of a running domain: what its process was started with, and live changes since."""

    parameters: dict[str, Value]
    vcpus_maximum: int
    vcpus_least: int
    """The fewest vCPUs that can be reached without a restart."""
    memory_kib: int
    memory_maximum_kib: int
    has_balloon: bool
    disk: str
    """Target of the disk that vm.disk.* is about; empty without one."""
    interface: str
    """What libvirt knows the interface by that vm.network.* is about; empty without one."""
    boots_directly: bool
    """Whether the hypervisor boots the guest's kernel, so that its command line is here."""

    def values(self) -> dict[str, Value]:
        """The values of this definition; none of devices that the machine does not have."""
        return dict(self.parameters)


def read_definition(xml: str, about: About = ANYTHING, boot: Iterable[str] = ()) -> Definition:
    """Read a domain XML. Raises UnsuitableMachine for unknown devices.

    boot: names of which those of kernel.boot.* are read as well.
    """
    root = parse(xml)
    found, interface = disk.find_disk(root, about), network.find_interface(root, about)
    return Definition(
        parameters=_values(root, about, boot),
        vcpus_maximum=cpu.maximum(root),
        vcpus_least=cpu.least_vcpus(root),
        memory_kib=memory.memory_kib(root),
        memory_maximum_kib=memory.maximum_kib(root),
        has_balloon=memory.has_balloon(root),
        disk="" if found is None else disk.name_of(found),
        interface="" if interface is None else network.device_of(interface),
        boots_directly=cmdline.boots_directly(root),
    )


def impossible(xml: str, target: Mapping[str, Any], about: About = ANYTHING) -> list[str]:
    """Every reason why no edit of this definition gives `target`, as sentences."""
    root = parse(xml)
    fixed = _fixed_layout(root)
    own = names_of(root)
    present = _values(root, about, ())
    faults = [
        f"{name}: {_lack(root, name, name in own)}."
        for name in target
        if name in NAMES and name != DISK_CLASS and name not in present
    ]
    having = {name: value for name, value in target.items() if name in present}
    faults += cpu.faults(root, having, fixed)
    faults += cpu_share.faults(root, having, about)
    faults += memory.faults(root, having, fixed)
    drive, interface = disk.find_disk(root, about), network.find_interface(root, about)
    if drive is not None:
        faults += disk.faults(root, drive, having)
        faults += disk_bus.faults(root, drive, having)
        faults += disk_limits.faults(drive, having)
    if interface is not None:
        faults += network.faults(interface, having)
    if cmdline.boots_directly(root):
        faults += cmdline.faults(root, {name: value for name, value in target.items() if is_boot(name)})
    if faults:
        return faults
    boot = [name for name in target if is_boot(name)]
    having.update({name: target[name] for name in boot})
    edited = _values(_edited(parse(xml), having, about), about, boot)
    return [
        f"{name}: {value} is not possible: the definition can say no more than {edited.get(name)}."
        for name, value in having.items()
        if not same(name, edited.get(name), value)
    ]


def edit_definition(xml: str, target: Mapping[str, Any], about: About = ANYTHING, exact_memory: bool = False) -> str:
    """`xml` with the values of `target`; the identical text when it has them already.

    Maxima are raised where needed and never lowered unless asked for, so that headroom and pinning given by the owner
    survive. exact_memory makes an exception: the maximum becomes the wanted amount, for guests whose balloon does not
    move.
    """
    root = parse(xml)
    boot = [name for name in target if is_boot(name)]
    have = _values(root, about, boot)
    wanted_kib = int(target.get(MEMORY_MIB, 0)) * 1024
    shrink = exact_memory and MEMORY_MIB in target and MEMORY_MAXIMUM_MIB not in target
    shrink = shrink and memory.maximum_kib(root) != wanted_kib
    if all(same(name, have.get(name), value) for name, value in target.items()) and not shrink:
        return xml
    root = _edited(parse(xml), target, about)
    if shrink:
        memory.set_memory(root, wanted_kib, exact=True)
    return serialise(root, xml)


def _edited(root: ET.Element, target: Mapping[str, Any], about: About) -> ET.Element:
    pinning = cpu_share.read_pinning(root, about)
    # One edit may undo what another had no need to do: queues follow the vCPUs until they are set.
    for _round in range(_ROUNDS):
        differing = [
            name for name in TABLE if name in target and TABLE[name].read(root, about) not in (None, target[name])
        ]
        for name in differing:
            TABLE[name].edit(root, target[name], about)
        if not differing:
            break
    if CPU_PINNING not in target:
        cpu_share.extend_pinning(root, pinning, about)
    if cmdline.boots_directly(root):
        cmdline.edit_boot(root, {name: value for name, value in target.items() if is_boot(name)})
    return root


def _values(root: ET.Element, about: About, boot: Iterable[str]) -> dict[str, Any]:
    read = {name: TABLE[name].read(root, about) for name in names_of(root)}
    values: dict[str, Any] = {name: value for name, value in read.items() if value is not None}
    if cmdline.boots_directly(root):
        values.update({name: cmdline.read_boot(root, name) for name in boot if is_boot(name)})
    return values


def _lack(root: ET.Element, name: str, own: bool) -> str:
    if not own:
        return f"libvirt has no such thing for machines of type {root.get('type')}"
    return "the machine has no disk" if name.startswith("vm.disk.") else "the machine has no network interface"


def _fixed_layout(root: ET.Element) -> str:
    """Why the maximum of vCPUs and memory cannot be changed; empty when it can."""
    if root.find("cpu/numa/cell") is not None:
        return "the machine divides its vCPUs and memory among guest NUMA cells, which only its owner can redraw"
    if root.find("devices/memory") is not None:
        return "the machine has memory devices (DIMMs), which only its owner can resize"
    return ""
