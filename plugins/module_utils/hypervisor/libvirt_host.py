# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a libvirt host has: its CPUs by NUMA node, its memory and huge pages, and what a type of machine can have."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_QUOTA_PERCENT,
    CPU_SHARES,
    DISK_BUS,
    DISK_IOTHREAD,
    MEMORY_HUGEPAGES,
    MEMORY_MAXIMUM_MIB,
    MEMORY_MIB,
    VCPUS,
)

_UNIFIED_CGROUPS = "/sys/fs/cgroup/cgroup.controllers"
_MOST_SHARES_UNIFIED = 10000


class LibvirtHost:
    """The host behind a connection. Raises libvirtError."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._nodes: tuple[tuple[int, ...], ...] | None = None

    def nodes(self) -> tuple[tuple[int, ...], ...]:
        """The CPUs of each NUMA node; none where libvirt cannot say."""
        if self._nodes is None:
            cells = self._capabilities().findall("host/topology/cells/cell")
            listed = [[int(cpu.get("id", 0)) for cpu in cell.findall("cpus/cpu")] for cell in cells]
            self._nodes = tuple(tuple(sorted(cpus)) for cpus in listed if cpus)
        return self._nodes

    def memory_mib(self) -> int:
        return int(self._connection.getInfo()[1])

    def free_huge_mib(self) -> int:
        """The most that huge pages of one size can give now, all NUMA nodes together."""
        cells = self._capabilities().findall("host/topology/cells/cell")
        reserved: dict[int, int] = {}
        for cell in cells:
            for pages in cell.findall("pages"):
                size = int(pages.get("size", 4))
                reserved[size] = reserved.get(size, 0) + int(pages.text or 0)
        huge = [size for size, count in reserved.items() if size > min(reserved) and count]
        return max((self._free_mib(size, len(cells), reserved[size]) for size in huge), default=0)

    @staticmethod
    def default_shares(domain: Any) -> int:
        """The CPU shares of a machine whose definition says nothing of them: cgroups of version 2 count otherwise."""
        if domain.isActive() and "<shares>" not in domain.XMLDesc(0):
            try:
                return int(domain.schedulerParametersFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE)["cpu_shares"])
            except (libvirt.libvirtError, KeyError):
                pass
        return 100 if os.path.exists(_UNIFIED_CGROUPS) else 1024

    def faults(self, xml: str, present: Mapping[str, Any], target: Mapping[str, Any]) -> list[str]:
        """What is more than the host has to give a machine with this definition, as sentences.

        present: the values the machine has now; what it has already is not asked of the host once more.
        """
        root = ET.fromstring(xml)
        new = {name: value for name, value in target.items() if present.get(name) != value}
        most = self.memory_mib()
        faults = [
            f"{name}: {new[name]} is not possible: the host has {most} MiB."
            for name in (MEMORY_MIB, MEMORY_MAXIMUM_MIB)
            if int(new.get(name, 0)) > most > 0
        ]
        if {VCPUS, DISK_BUS, DISK_IOTHREAD} & set(new):
            faults += self._type_faults(root, new)
        return faults + self._hugepage_faults(present, target) + self._cgroup_faults(new)

    def _type_faults(self, root: ET.Element, new: Mapping[str, Any]) -> list[str]:
        able = self._domain_capabilities(root)
        if able is None:
            return []
        faults = []
        vcpu, threads = able.find("vcpu"), able.find("iothreads")
        most = 0 if vcpu is None else int(vcpu.get("max", 0))
        if int(new.get(VCPUS, 0)) > most > 0:
            faults.append(f"{VCPUS}: {new[VCPUS]} is not possible: this machine type takes at most {most}.")
        if new.get(DISK_IOTHREAD) and threads is not None and threads.get("supported") == "no":
            faults.append(f"{DISK_IOTHREAD}: this machine type takes no iothreads.")
        buses = [each.text for each in able.findall("devices/disk/enum[@name='bus']/value")]
        if DISK_BUS in new and buses and new[DISK_BUS] not in buses:
            faults.append(
                f"{DISK_BUS}: {new[DISK_BUS]} is not possible: this machine type takes {', '.join(map(str, buses))}."
            )
        return faults

    def _hugepage_faults(self, present: Mapping[str, Any], target: Mapping[str, Any]) -> list[str]:
        if not target.get(MEMORY_HUGEPAGES, present.get(MEMORY_HUGEPAGES)):
            return []
        now = int(present.get(MEMORY_MAXIMUM_MIB, 0))
        needed = int(target.get(MEMORY_MAXIMUM_MIB, max(now, int(target.get(MEMORY_MIB, 0)))))
        own = now if present.get(MEMORY_HUGEPAGES) else 0
        if needed <= own:
            return []
        free = self.free_huge_mib()
        if needed <= own + free:
            return []
        return [
            f"{MEMORY_HUGEPAGES}: the machine would need {needed - own} MiB more of huge pages, and the host has "
            f"{free} MiB of them free. Reserve more on the host (sysctl vm.nr_hugepages), or leave it off."
        ]

    def _cgroup_faults(self, new: Mapping[str, Any]) -> list[str]:
        faults = []
        if self._connection.getURI().split("?")[0].endswith("/session"):
            faults = [
                f"{name}: an unprivileged connection ({self._connection.getURI()}) has no say in how CPUs are shared. "
                "Use qemu:///system."
                for name in (CPU_SHARES, CPU_QUOTA_PERCENT)
                if name in new
            ]
        elif int(new.get(CPU_SHARES, 0)) > _MOST_SHARES_UNIFIED and os.path.exists(_UNIFIED_CGROUPS):
            faults.append(
                f"{CPU_SHARES}: {new[CPU_SHARES]} is not possible: the host has cgroups of version 2, where a weight "
                f"is from 1 to {_MOST_SHARES_UNIFIED} and usually 100."
            )
        return faults

    def _free_mib(self, size_kib: int, cells: int, reserved: int) -> int:
        try:
            free = self._connection.getFreePages([size_kib], 0, cells)
        except libvirt.libvirtError:
            return reserved * size_kib // 1024
        return sum(int(each.get(size_kib, 0)) for each in _per_cell(free)) * size_kib // 1024

    def _capabilities(self) -> ET.Element:
        return ET.fromstring(self._connection.getCapabilities())

    def _domain_capabilities(self, root: ET.Element) -> ET.Element | None:
        """What a machine of this type can have; None when libvirt cannot say."""
        kind = root.find("os/type")
        settings: Mapping[str, str] = {} if kind is None else kind.attrib
        try:
            return ET.fromstring(
                self._connection.getDomainCapabilities(
                    root.findtext("devices/emulator"),
                    settings.get("arch"),
                    settings.get("machine"),
                    root.get("type"),
                    0,
                )
            )
        except libvirt.libvirtError:
            return None


def _per_cell(free: Any) -> list[Any]:
    """What libvirt-python gives is a mapping of cell to a mapping of page size to count."""
    return list(free.values()) if hasattr(free, "values") else list(free)
