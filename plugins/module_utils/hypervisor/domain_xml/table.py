# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of parameters in a domain XML: for each what it accepts, who reads it, who edits it, and what that costs.

In the order of editing: a disk is on its bus before it gets queues, and a machine has its vCPUs before they are pinned.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any, Callable, NamedTuple, Optional

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor import parameters as vm
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml import (
    cpu,
    cpu_share,
    disk,
    disk_bus,
    disk_limits,
    memory,
    network,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About

Reader = Callable[[ET.Element, About], Optional[Value]]
Editor = Callable[[ET.Element, Value, About], None]


class Entry(NamedTuple):
    """One parameter. `read` gives None in a machine without such a thing. live: a running machine can take it over."""

    accepted: vm.Accepted
    read: Reader
    edit: Editor
    live: bool = False
    xen: bool = False
    """Whether libvirt's Xen driver has it, too."""


def _of_disk(read: Callable[..., Value], edit: Callable[..., None], whole: bool = False) -> tuple[Reader, Editor]:
    return _of_device(disk.find_disk, read, edit, whole)


def _of_interface(read: Callable[..., Value], edit: Callable[..., None]) -> tuple[Reader, Editor]:
    return _of_device(network.find_interface, read, edit, False)


def _of_device(
    find: Callable[[ET.Element, About], ET.Element | None],
    read: Callable[..., Value],
    edit: Callable[..., None],
    whole: bool,
) -> tuple[Reader, Editor]:
    """Readers and editors of a device, which take the document first where they need the `whole` of it."""

    def reader(root: ET.Element, about: About) -> Value | None:
        device = find(root, about)
        if device is None:
            return None
        return read(root, device) if whole else read(device)

    def editor(root: ET.Element, value: Value, about: About) -> None:
        device = find(root, about)
        if device is not None:
            arguments: tuple[Any, ...] = (root, device, value) if whole else (device, value)
            edit(*arguments)

    return reader, editor


def _disk_limit(name: str) -> tuple[Reader, Editor]:
    return _of_disk(
        lambda found: disk_limits.read_limit(found, name),
        lambda found, value: disk_limits.edit_limit(found, name, value),
    )


def _network_limit(name: str) -> tuple[Reader, Editor]:
    return _of_interface(
        lambda found: network.read_limit(found, name),
        lambda found, value: network.edit_limit(found, name, value),
    )


_ENTRIES: dict[str, tuple[Reader, Editor]] = {
    vm.VCPUS: (cpu.read_vcpus, cpu.edit_vcpus),
    vm.CPU_TOPOLOGY: (cpu.read_topology, cpu.edit_topology),
    vm.CPU_PINNING: (cpu_share.read_pinning, cpu_share.edit_pinning),
    vm.CPU_SHARES: (cpu_share.read_shares, cpu_share.edit_shares),
    vm.CPU_QUOTA_PERCENT: (cpu_share.read_quota_percent, cpu_share.edit_quota_percent),
    vm.MEMORY_MIB: (memory.read_memory_mib, memory.edit_memory_mib),
    vm.MEMORY_MAXIMUM_MIB: (memory.read_maximum_mib, memory.edit_maximum_mib),
    vm.MEMORY_HUGEPAGES: (memory.read_hugepages, memory.edit_hugepages),
    vm.DISK_BUS: _of_device(disk.find_disk, lambda _root, found: disk.bus_of(found), disk_bus.edit_bus, whole=True),
    vm.DISK_CACHE: _of_disk(disk.read_cache, disk.edit_cache),
    vm.DISK_IO: _of_disk(disk.read_io, disk.edit_io),
    vm.DISK_IOTHREAD: _of_disk(disk.read_iothread, disk.edit_iothread, whole=True),
    vm.DISK_QUEUES: _of_disk(disk.read_queues, disk.edit_queues, whole=True),
    vm.DISK_DISCARD: _of_disk(disk.read_discard, disk.edit_discard),
    **{name: _disk_limit(name) for name in vm.DISK_LIMITS},
    vm.NETWORK_MODEL: _of_device(
        network.find_interface, lambda _root, found: network.read_model(found), network.edit_model, whole=True
    ),
    vm.NETWORK_QUEUES: _of_interface(network.read_queues, network.edit_queues),
    **{name: _network_limit(name) for name in vm.NETWORK_LIMITS},
}

LIVE = frozenset(
    [vm.VCPUS, vm.MEMORY_MIB, vm.CPU_SHARES, vm.CPU_QUOTA_PERCENT, vm.CPU_PINNING, *vm.DISK_LIMITS, *vm.NETWORK_LIMITS]
)
"""What a running machine can take over; of vCPUs and memory, what lies between its limits."""

XEN = frozenset([vm.VCPUS, vm.CPU_PINNING, vm.MEMORY_MIB, vm.MEMORY_MAXIMUM_MIB])

TABLE: dict[str, Entry] = {
    name: Entry(vm.PARAMETERS[name], read, edit, live=name in LIVE, xen=name in XEN)
    for name, (read, edit) in _ENTRIES.items()
}


def names_of(root: ET.Element) -> list[str]:
    """The parameters that a machine of this kind can have, whatever devices it has."""
    return [name for name, entry in TABLE.items() if entry.xen or root.get("type") != "xen"]
