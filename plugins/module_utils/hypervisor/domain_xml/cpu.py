# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many vCPUs a machine has, and in which sockets, cores and threads its guest sees them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    About,
    child,
    insert_after,
    text,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import CPU_TOPOLOGY, VCPUS

CUSTOM = "custom"
"""What no accepted value describes: an arrangement of the owner's own."""

_GROUPS = ("dies", "clusters")


def maximum(root: ET.Element) -> int:
    """How many vCPUs can be plugged in."""
    vcpu = root.find("vcpu")
    return 1 if vcpu is None else int(text(vcpu))


def read_vcpus(root: ET.Element, _about: About) -> int:
    """How many are plugged in."""
    vcpu = root.find("vcpu")
    return maximum(root) if vcpu is None else int(vcpu.get("current", maximum(root)))


def at_start(root: ET.Element) -> int:
    """How many are there when the guest's firmware begins to run, before any are hot-plugged."""
    listing = root.findall("vcpus/vcpu")
    fixed = [each for each in listing if each.get("enabled") == "yes" and each.get("hotpluggable") != "yes"]
    return len(fixed) if listing else read_vcpus(root, About())


def least_vcpus(root: ET.Element) -> int:
    """The fewest that can be reached without a restart."""
    # Emulated CPUs cannot be unplugged: the guest lets go, QEMU 7.2 does not, and may die at the next plug.
    if root.get("type") == "qemu":
        return read_vcpus(root, About())
    return max(1, at_start(root)) if root.findall("vcpus/vcpu") else 1


def edit_vcpus(root: ET.Element, value: Value, _about: About) -> None:
    """Plug in so many. The maximum is raised where needed and never lowered: pinning and headroom are the owner's."""
    wanted, most = int(value), maximum(root)
    if wanted > most:
        most = _grow_topology(root, wanted)
    _set_counts(root, wanted, most)


def read_topology(root: ET.Element, _about: About) -> str:
    """How the vCPUs are presented; without a word about it each is a socket."""
    topology = root.find("cpu/topology")
    if topology is None:
        return "sockets"
    parts = {part: int(topology.get(part, 1)) for part in ("sockets", "cores", "threads", *_GROUPS)}
    plural = [part for part, count in parts.items() if count > 1]
    if plural in ([], ["sockets"]):
        return "sockets"
    if plural in (["threads"], ["cores", "threads"]):
        return "threads"
    return "cores" if plural == ["cores"] else CUSTOM


def edit_topology(root: ET.Element, value: Value, _about: About) -> None:
    """Present the vCPUs as sockets of their own, as cores of one socket, or as pairs of threads of its cores."""
    most = topology_maximum(str(value), maximum(root))
    topology = child(child(root, "cpu") if root.find("cpu") is not None else _new_cpu(root), "topology")
    shape = {
        "sockets": (most, 1, 1),
        "cores": (1, most, 1),
        "threads": (1, most // 2, 2),
    }[str(value)]
    for part, count in zip(("sockets", "cores", "threads"), shape):
        topology.set(part, str(count))
    for part in _GROUPS:
        if part in topology.attrib:
            topology.set(part, "1")
    _set_counts(root, read_vcpus(root, About()), most)


def topology_maximum(style: str, most: int) -> int:
    """The maximum of vCPUs that a style needs: a single vCPU is no core among others, and threads come in pairs."""
    if style == "sockets":
        return most
    return max(2, most + most % 2) if style == "threads" else max(2, most)


def faults(root: ET.Element, target: Mapping[str, Value], fixed_layout: str) -> list[str]:
    """Why the vCPUs cannot be as wanted."""
    most = maximum(root)
    if not fixed_layout:
        return []
    found = []
    if int(target.get(VCPUS, 0)) > most:
        found.append(f"{VCPUS}: {target[VCPUS]} is not possible: {fixed_layout}.")
    style = str(target.get(CPU_TOPOLOGY, ""))
    if style and style != read_topology(root, About()) and topology_maximum(style, most) > most:
        found.append(f"{CPU_TOPOLOGY}: {style} is not possible with at most {most} vCPUs: {fixed_layout}.")
    return found


def _new_cpu(root: ET.Element) -> ET.Element:
    return insert_after(root, ("features", "os", "vcpus", "vcpu"), "cpu")


def _grow_topology(root: ET.Element, wanted: int) -> int:
    """Room for `wanted` vCPUs in the same style; returns the maximum this topology holds."""
    topology = root.find("cpu/topology")
    if topology is None:
        return wanted
    growing = "sockets" if read_topology(root, About()) == "sockets" else "cores"
    others = 1
    for part in ("sockets", "cores", "threads", *_GROUPS):
        others *= 1 if part == growing else int(topology.get(part, 1))
    count = -(-wanted // others)
    topology.set(growing, str(count))
    return count * others


def _set_counts(root: ET.Element, wanted: int, most: int) -> None:
    vcpu = root.find("vcpu")
    if vcpu is None:
        vcpu = insert_after(root, ("currentMemory", "memory", "name"), "vcpu")
    vcpu.text = str(most)
    vcpu.attrib.pop("current", None)
    if wanted < most:
        vcpu.set("current", str(wanted))
    _set_single_vcpus(root, wanted, most)


def _set_single_vcpus(root: ET.Element, wanted: int, most: int) -> None:
    """Keep the list of single vCPUs (there once one was hot-plugged), which outranks the number, in step with it."""
    listing = root.find("vcpus")
    if listing is None:
        return
    known = {int(each.get("id", -1)): each for each in listing.findall("vcpu")}
    enabled = [number for number, each in sorted(known.items()) if each.get("enabled") == "yes"]
    if len(enabled) == wanted and len(known) == most:
        return
    for number in range(most):
        each = known[number] if number in known else ET.SubElement(listing, "vcpu", id=str(number), hotpluggable="yes")
        each.attrib.pop("order", None)
        each.set("enabled", "yes" if number < wanted else "no")
        if number >= wanted:
            each.set("hotpluggable", "yes")
