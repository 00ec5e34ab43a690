# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and edits libvirt domain XML. Pure: text in, text out, no connection.

Only the elements that carry vm.* parameters are touched. Comments, foreign namespaces (qemu:commandline, metadata) and
everything else stay. Format: https://libvirt.org/formatdomain.html
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Mapping, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    DISK_CACHE,
    DISK_IO,
    DISK_IOTHREAD,
    MEMORY_MIB,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

_BYTES: dict[str, int] = {"b": 1, "bytes": 1}
for _power, _letter in enumerate("kmgtpe", start=1):
    _BYTES[_letter] = _BYTES[f"{_letter}ib"] = 1024**_power
    _BYTES[f"{_letter}b"] = 1000**_power

_CACHE_WITH_NATIVE_IO = ("none", "directsync")


class Disk(NamedTuple):
    """The disk that the vm.disk.* parameters are about. `target` is its name inside the guest definition (vda)."""

    target: str
    bus: str
    cache: str
    io: str
    iothread: bool


class Definition(NamedTuple):
    """What a domain XML says about the vm.* parameters. Of a running domain: what its process was started with."""

    vcpus: int
    vcpus_maximum: int
    vcpus_least: int
    """The fewest vCPUs that can be reached without a restart."""
    memory_kib: int
    memory_maximum_kib: int
    has_balloon: bool
    fixed_layout: str
    """Why the maximum of vCPUs and memory cannot be changed here; empty when it can."""
    disk: Disk | None

    def values(self) -> dict[str, Value]:
        """The vm.* values of this definition; no vm.disk.* without a disk."""
        values: dict[str, Value] = {VCPUS: self.vcpus, MEMORY_MIB: self.memory_kib // 1024}
        if self.disk is not None:
            values[DISK_CACHE] = self.disk.cache
            values[DISK_IO] = self.disk.io
            values[DISK_IOTHREAD] = self.disk.iothread
        return values


def read_definition(xml: str, disk: str | None = None) -> Definition:
    """Read a domain XML. disk: target such as vda; None takes the first. Raises UnsuitableMachine if unknown."""
    root = ET.fromstring(xml)
    vcpu = root.find("vcpu")
    maximum = 1 if vcpu is None else int(_text(vcpu))
    current = maximum if vcpu is None else int(vcpu.get("current", maximum))
    memory = _kib(root, "memory", 0)
    found = _find_disk(root, disk)
    balloon = root.find("devices/memballoon")
    return Definition(
        vcpus=current,
        vcpus_maximum=maximum,
        vcpus_least=_least_vcpus(root, current),
        memory_kib=_kib(root, "currentMemory", memory),
        memory_maximum_kib=memory,
        has_balloon=balloon is None or balloon.get("model") != "none",
        fixed_layout=_fixed_layout(root),
        disk=None if found is None else _describe_disk(found),
    )


def impossible(definition: Definition, target: Mapping[str, Value]) -> list[str]:
    """Every reason why no edit of this definition gives `target`, as sentences."""
    faults = []
    if definition.fixed_layout:
        reachable = {
            VCPUS: definition.vcpus_maximum,
            MEMORY_MIB: definition.memory_maximum_kib // 1024 if definition.has_balloon else 0,
        }
        faults = [
            f"{name}: {target[name]} is not possible: {definition.fixed_layout}."
            for name, maximum in reachable.items()
            if name in target and target[name] != definition.values()[name] and int(target[name]) > maximum
        ]
    disk = definition.disk
    if disk is None:
        return faults + [f"{name}: the machine has no disk." for name in target if name.startswith("vm.disk.")]
    if target.get(DISK_IOTHREAD) is True and not disk.iothread and disk.bus != "virtio":
        faults.append(f"{DISK_IOTHREAD}: disk {disk.target} is on bus {disk.bus}; only bus virtio takes an iothread.")
    cache, io_mode = target.get(DISK_CACHE, disk.cache), target.get(DISK_IO, disk.io)
    if {DISK_CACHE, DISK_IO} & set(target) and io_mode == "native" and cache not in _CACHE_WITH_NATIVE_IO:
        faults.append(
            f"{DISK_IO}: native needs {DISK_CACHE} {' or '.join(_CACHE_WITH_NATIVE_IO)}, but the machine would have "
            f"{DISK_CACHE} {cache} with {DISK_IO} native. Set both in the configuration."
        )
    return faults


def edit_definition(xml: str, target: Mapping[str, Value], disk: str | None = None, exact_memory: bool = False) -> str:
    """`xml` with the values of `target`; the identical text when it has them already.

    Maxima are raised where needed and never lowered, so that headroom and pinning given by the owner survive.
    exact_memory makes an exception: the maximum becomes the wanted amount, for guests whose balloon does not move.
    """
    definition = read_definition(xml, disk)
    have = definition.values()
    differing = {name: value for name, value in target.items() if have.get(name) != value}
    shrink_maximum = exact_memory and MEMORY_MIB in target and definition.memory_maximum_kib != _wanted_kib(target)
    if not differing and not shrink_maximum:
        return xml
    _keep_prefixes(xml)
    root = ET.fromstring(xml, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True, insert_pis=True)))
    if VCPUS in differing:
        _set_vcpus(root, int(differing[VCPUS]))
    if MEMORY_MIB in differing or shrink_maximum:
        _set_memory(root, _wanted_kib(target), exact_memory or not definition.has_balloon)
    element = _find_disk(root, disk)
    if element is not None:
        if DISK_CACHE in differing:
            _driver(element).set("cache", str(differing[DISK_CACHE]))
        if DISK_IO in differing:
            _driver(element).set("io", str(differing[DISK_IO]))
        if DISK_IOTHREAD in differing:
            _set_iothread(root, _driver(element), bool(differing[DISK_IOTHREAD]))
    return ET.tostring(root, encoding="unicode")


def _wanted_kib(target: Mapping[str, Value]) -> int:
    return int(target[MEMORY_MIB]) * 1024


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()


def _kib(root: ET.Element, tag: str, default: int) -> int:
    element = root.find(tag)
    if element is None:
        return default
    return int(_text(element)) * _BYTES[element.get("unit", "KiB").lower()] // 1024


def _least_vcpus(root: ET.Element, current: int) -> int:
    # Emulated CPUs cannot be unplugged: the guest lets go, QEMU 7.2 does not, and may die at the next plug.
    if root.get("type") == "qemu":
        return current
    present_since_start = [
        each
        for each in root.findall("vcpus/vcpu")
        if each.get("enabled") == "yes" and each.get("hotpluggable") != "yes"
    ]
    return max(1, len(present_since_start))


def _fixed_layout(root: ET.Element) -> str:
    if root.find("cpu/numa/cell") is not None:
        return "the machine divides its vCPUs and memory among guest NUMA cells, which only its owner can redraw"
    if root.find("devices/memory") is not None:
        return "the machine has memory devices (DIMMs), which only its owner can resize"
    return ""


def _find_disk(root: ET.Element, target: str | None) -> ET.Element | None:
    disks = {
        each.get("dev", ""): disk
        for disk in root.findall("devices/disk")
        if disk.get("device", "disk") == "disk"
        for each in disk.findall("target")
    }
    if target is None:
        return next(iter(disks.values()), None)
    if target not in disks:
        listing = f"It has {', '.join(disks)}." if disks else "It has none."
        raise UnsuitableMachine(f"The machine has no disk {target}.{did_you_mean(target, disks)} {listing}")
    return disks[target]


def _describe_disk(disk: ET.Element) -> Disk:
    driver, target = disk.find("driver"), disk.find("target")
    settings: Mapping[str, str] = {} if driver is None else driver.attrib
    cache = settings.get("cache", "default")
    return Disk(
        target="" if target is None else target.get("dev", ""),
        bus="" if target is None else target.get("bus", ""),
        cache="writeback" if cache == "default" else cache,
        io=settings.get("io", "threads"),
        iothread="iothread" in settings or (driver is not None and driver.find("iothreads") is not None),
    )


def _set_vcpus(root: ET.Element, wanted: int) -> None:
    vcpu = root.find("vcpu")
    if vcpu is None:
        vcpu = _insert_after(root, ("currentMemory", "memory", "name"), "vcpu")
        vcpu.text = "1"
    maximum = int(_text(vcpu))
    if wanted > maximum:
        maximum = _set_topology(root, wanted)
    vcpu.text = str(maximum)
    vcpu.attrib.pop("current", None)
    if wanted < maximum:
        vcpu.set("current", str(wanted))
    _set_single_vcpus(root, wanted, maximum)


def _set_single_vcpus(root: ET.Element, wanted: int, maximum: int) -> None:
    """Keep the list of single vCPUs (there once one was hot-plugged), which outranks the number, in step with it."""
    listing = root.find("vcpus")
    if listing is None:
        return
    known = {int(each.get("id", -1)): each for each in listing.findall("vcpu")}
    for number in range(maximum):
        each = known[number] if number in known else ET.SubElement(listing, "vcpu", id=str(number), hotpluggable="yes")
        each.attrib.pop("order", None)
        each.set("enabled", "yes" if number < wanted else "no")
        if number >= wanted:
            each.set("hotpluggable", "yes")


def _set_topology(root: ET.Element, wanted: int) -> int:
    """Give every socket as many cores as `wanted` vCPUs need; returns the maximum this topology holds."""
    topology = root.find("cpu/topology")
    if topology is None:
        return wanted
    per_core = 1
    for part in ("sockets", "dies", "clusters", "threads"):
        per_core *= int(topology.get(part, 1))
    cores = -(-wanted // per_core)
    topology.set("cores", str(cores))
    return cores * per_core


def _set_memory(root: ET.Element, wanted_kib: int, exact: bool) -> None:
    memory, current = root.find("memory"), root.find("currentMemory")
    if memory is None:
        memory = _insert_after(root, ("description", "title", "uuid", "name"), "memory")
        memory.text = "0"
    if current is None:
        current = _insert_after(root, ("memory",), "currentMemory")
    if exact or _kib(root, "memory", 0) < wanted_kib:
        memory.set("unit", "KiB")
        memory.text = str(wanted_kib)
    current.set("unit", "KiB")
    current.text = str(wanted_kib)


def _driver(disk: ET.Element) -> ET.Element:
    driver = disk.find("driver")
    if driver is None:
        driver = ET.Element("driver", name="qemu")
        disk.insert(0, driver)
    return driver


def _set_iothread(root: ET.Element, driver: ET.Element, wanted: bool) -> None:
    if not wanted:
        driver.attrib.pop("iothread", None)
        for mapping in driver.findall("iothreads"):
            driver.remove(mapping)
        return
    present, used = _iothread_ids(root)
    free = sorted(present - used)
    number = free[0] if free else _add_iothread(root, present)
    driver.set("iothread", str(number))


def _iothread_ids(root: ET.Element) -> tuple[set[int], set[int]]:
    """The ids of the machine's iothreads, and those of them that a device uses."""
    count = root.find("iothreads")
    present = {int(each.get("id", 0)) for each in root.findall("iothreadids/iothread")}
    # libvirt fills up to the number with the lowest ids that are free.
    number = 1
    while count is not None and len(present) < int(_text(count)):
        present.add(number)
        number += 1
    used = {int(each.get("iothread", 0)) for each in root.findall("devices//driver[@iothread]")}
    used |= {int(each.get("id", 0)) for each in root.findall("devices//driver/iothreads/iothread")}
    return present, used


def _add_iothread(root: ET.Element, present: set[int]) -> int:
    count = root.find("iothreads")
    if count is None:
        count = _insert_after(root, ("vcpus", "vcpu"), "iothreads")
    count.text = str(len(present) + 1)
    number = next(each for each in range(1, len(present) + 2) if each not in present)
    listing = root.find("iothreadids")
    if listing is not None:
        ET.SubElement(listing, "iothread", id=str(number))
    return number


def _insert_after(root: ET.Element, tags: tuple[str, ...], new: str) -> ET.Element:
    """A new child element behind the last one that has one of `tags`."""
    element = ET.Element(new)
    places = [index for index, child in enumerate(root) if child.tag in tags]
    root.insert(places[-1] + 1 if places else 0, element)
    return element


def _keep_prefixes(xml: str) -> None:
    """Have ElementTree write the namespace prefixes it finds; by itself it would invent ns0, ns1."""
    for _event, (prefix, uri) in ET.iterparse(io.StringIO(xml), events=("start-ns",)):
        # Prefixes such as ns1 are reserved for the invented ones.
        if prefix and not (prefix.startswith("ns") and prefix[2:].isdigit()):
            ET.register_namespace(prefix, uri)
