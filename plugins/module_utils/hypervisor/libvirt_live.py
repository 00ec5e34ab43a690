# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt can change on a running domain in one call, and put back raw: CPU share, pinning, limits.

A control reads what is in force, works out what it would be with other values, and writes it. What it has read can be
written again as it was, also where no value of a parameter describes it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from abc import ABC, abstractmethod
from typing import Any, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml import (
    cpu,
    cpu_share,
    disk_limits,
    network,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_PINNING,
    CPU_QUOTA_PERCENT,
    CPU_SHARES,
    DISK_LIMITS,
    NETWORK_LIMITS,
)


class LiveControl(ABC):
    """One group of parameters that one call of libvirt's sets. All methods but `values` raise libvirtError."""

    names: tuple[str, ...] = ()
    restart_helps = True
    """Whether a restart may bring about what libvirt refuses to do on the running machine."""

    def __init__(self, domain: Any, process: ET.Element, about: About) -> None:
        self._domain = domain
        self._process = process
        self._about = about

    @abstractmethod
    def read(self) -> Any:
        """What is in force, in libvirt's terms."""

    @abstractmethod
    def values(self, present: Any) -> dict[str, Value]:
        """The parameters' values for what `read` has given."""

    @abstractmethod
    def wanted(self, present: Any, target: Mapping[str, Value]) -> Any:
        """`present` with the values of `target`, of which the control need not be meant by all."""

    @abstractmethod
    def write(self, wanted: Any) -> None:
        """Bring into force what `read` or `wanted` has given."""


class CpuShare(LiveControl):
    """Shares and quota."""

    names = (CPU_SHARES, CPU_QUOTA_PERCENT)

    def read(self) -> dict[str, int]:
        found = self._domain.schedulerParametersFlags(libvirt.VIR_DOMAIN_AFFECT_LIVE)
        return {key: int(found[key]) for key in ("cpu_shares", "vcpu_quota", "vcpu_period") if key in found}

    def values(self, present: dict[str, int]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        if "cpu_shares" in present:
            values[CPU_SHARES] = present["cpu_shares"]
        if "vcpu_quota" in present:
            values[CPU_QUOTA_PERCENT] = cpu_share.percent(present["vcpu_quota"], present.get("vcpu_period", 0))
        return values

    def wanted(self, present: dict[str, int], target: Mapping[str, Value]) -> dict[str, int]:
        wanted = dict(present)
        if CPU_SHARES in target:
            wanted["cpu_shares"] = int(target[CPU_SHARES])
        if CPU_QUOTA_PERCENT in target:
            percent, period = int(target[CPU_QUOTA_PERCENT]), present.get("vcpu_period", 0)
            quota, period = cpu_share.quota_and_period(percent, period) if percent else (-1, period)
            wanted.update(vcpu_quota=quota, vcpu_period=period or cpu_share.PERIOD_US)
        return wanted

    def write(self, wanted: dict[str, int]) -> None:
        settings = dict(wanted)
        if not 0 < settings.get("vcpu_quota", -1) < cpu_share.NO_QUOTA_US:
            settings["vcpu_quota"] = -1
        self._domain.setSchedulerParametersFlags(settings, libvirt.VIR_DOMAIN_AFFECT_LIVE)


class Pinning(LiveControl):
    """Which host CPUs each vCPU may run on, of those plugged in and those that may be.

    definition: that of the next start, which has the pins wanted already.
    """

    names = (CPU_PINNING,)

    def __init__(self, domain: Any, process: ET.Element, about: About, definition: ET.Element) -> None:
        super().__init__(domain, process, about)
        self._definition = definition

    def read(self) -> list[tuple[bool, ...]]:
        return [tuple(each) for each in self._domain.vcpuPinInfo(libvirt.VIR_DOMAIN_AFFECT_LIVE)]

    def values(self, present: list[tuple[bool, ...]]) -> dict[str, Value]:
        # libvirt gives a vCPU that nobody has pinned every CPU.
        pins = [None if all(each) else _chosen(each) for each in present]
        kind = cpu_share.kind_of_pinning(pins, cpu_share.allowed_cpus(self._process, self._about), self._about.nodes)
        if kind in ("one_to_one", "numa_node") and not self._is_obeyed(pins):
            kind = cpu.CUSTOM
        return {CPU_PINNING: kind}

    def wanted(self, present: list[tuple[bool, ...]], target: Mapping[str, Value]) -> list[tuple[bool, ...]]:
        everywhere = frozenset(cpu_share.allowed_cpus(self._process, self._about))
        pins = [each or everywhere for each in cpu_share.pinned(self._definition)]
        if len(pins) < len(present):
            kind = str(target[CPU_PINNING])
            pins = cpu_share.wanted_pins(kind, len(present), self._process, self._about) or [everywhere] * len(present)
        return [_map(pins[number], len(each)) for number, each in enumerate(present)]

    def write(self, wanted: list[tuple[bool, ...]]) -> None:
        for number, cpus in enumerate(wanted):
            self._domain.pinVcpu(number, cpus)

    def _is_obeyed(self, pins: list[frozenset[int] | None]) -> bool:
        """Whether the kernel says of every thread what libvirt says of its vCPU."""
        information, maps = self._domain.vcpus()
        numbers = [each[0] for each in information]
        return all(_chosen(cpus) == pins[number] for number, cpus in zip(numbers, maps))


class DiskLimits(LiveControl):
    """Operations and bytes per second of the disk."""

    names = DISK_LIMITS

    def __init__(self, domain: Any, process: ET.Element, about: About, disk: str) -> None:
        super().__init__(domain, process, about)
        self._disk = disk

    def read(self) -> dict[str, int]:
        found = self._domain.blockIoTune(self._disk, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        return {tag: int(found.get(tag, 0)) for tag, dummy in disk_limits.LIBVIRT_NAMES.values()}

    def values(self, present: dict[str, int]) -> dict[str, Value]:
        return {
            name: disk_limits.in_our_unit(present[tag], unit) for name, (tag, unit) in disk_limits.LIBVIRT_NAMES.items()
        }

    def wanted(self, present: dict[str, int], target: Mapping[str, Value]) -> dict[str, int]:
        units = disk_limits.LIBVIRT_NAMES
        return {**present, **{units[name][0]: int(target[name]) * units[name][1] for name in units if name in target}}

    def write(self, wanted: dict[str, int]) -> None:
        self._domain.setBlockIoTune(self._disk, wanted, libvirt.VIR_DOMAIN_AFFECT_LIVE)


class Bandwidth(LiveControl):
    """What the interface may receive and send."""

    names = NETWORK_LIMITS
    restart_helps = False

    def __init__(self, domain: Any, process: ET.Element, about: About, interface: str) -> None:
        super().__init__(domain, process, about)
        self._interface = interface

    def read(self) -> dict[str, int]:
        found = self._domain.interfaceParameters(self._interface, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        return {key: int(value) for key, value in found.items() if value or key.endswith(".average")}

    def values(self, present: dict[str, int]) -> dict[str, Value]:
        return {
            name: network.in_mbit(present.get(f"{direction}.average", 0))
            for name, direction in network.DIRECTIONS.items()
        }

    def wanted(self, present: dict[str, int], target: Mapping[str, Value]) -> dict[str, int]:
        asked = {name: int(target[name]) * network.KILOBYTES_PER_MBIT for name in self.names if name in target}
        return {**present, **{f"{network.DIRECTIONS[name]}.average": value for name, value in asked.items()}}

    def write(self, wanted: dict[str, int]) -> None:
        self._domain.setInterfaceParameters(self._interface, wanted, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def _chosen(cpus: Any) -> frozenset[int]:
    return frozenset(number for number, chosen in enumerate(cpus) if chosen)


def _map(cpus: frozenset[int], length: int) -> tuple[bool, ...]:
    return tuple(number in cpus for number in range(length))
