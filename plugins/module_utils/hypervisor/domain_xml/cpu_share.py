# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the host's CPUs a machine may use, and which of them."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from collections import Counter
from typing import Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.cpu import CUSTOM, maximum
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.cpu_sets import parse_cpus, write_cpus
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    About,
    child,
    insert_after,
    remove_if_empty,
    text,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.notes import (
    drop_note,
    new_note,
    note_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import CPU_PINNING

_PINS = "pins"

PERIOD_US = 100_000
"""The kernel's period of CPU bandwidth, unless the owner has given another."""
LEAST_QUOTA_US = 1000
"""The kernel takes no shorter one."""
NO_QUOTA_US = 17_592_186_044_415
"""The longest that libvirt takes, and the least that it may report where there is none."""


def read_shares(root: ET.Element, about: About) -> int:
    """Weight against other machines."""
    return _number(root, "shares") or about.shares


def edit_shares(root: ET.Element, value: Value, _about: About) -> None:
    child(_cputune(root), "shares").text = str(value)


def read_quota_percent(root: ET.Element, _about: About) -> int:
    """Percent of one CPU that each vCPU may use; 0 where nothing limits it."""
    return percent(_number(root, "quota"), _number(root, "period"))


def edit_quota_percent(root: ET.Element, value: Value, _about: About) -> None:
    tune = _cputune(root)
    if not value:
        for quota in tune.findall("quota"):
            tune.remove(quota)
        remove_if_empty(root, "cputune")
        return
    quota_us, period_us = quota_and_period(int(value), _number(root, "period"))
    if _number(root, "period") or period_us != PERIOD_US:
        child(tune, "period").text = str(period_us)
    child(tune, "quota").text = str(quota_us)


def percent(quota_us: int, period_us: int) -> int:
    """Percent of one CPU; a quota of 0 or less is none, and so is that of the kernel's highest number."""
    if not 0 < quota_us < NO_QUOTA_US:
        return 0
    return max(1, round(100 * quota_us / (period_us or PERIOD_US)))


def quota_and_period(wanted_percent: int, period_us: int) -> tuple[int, int]:
    """Quota and period in microseconds for a percentage of one CPU, in the present period (0: none given) if it can."""
    period_us = period_us or PERIOD_US
    if wanted_percent * period_us // 100 < LEAST_QUOTA_US:
        period_us = PERIOD_US
    return wanted_percent * period_us // 100, period_us


def read_pinning(root: ET.Element, about: About) -> str:
    """The kind of pinning there is."""
    return kind_of_pinning(pinned(root), allowed_cpus(root, about), about.nodes)


def kind_of_pinning(
    pins: Sequence[frozenset[int] | None], allowed: Sequence[int], nodes: Sequence[Sequence[int]]
) -> str:
    """What the host CPUs that each vCPU is pinned to (None: not at all) come to, on a host with these NUMA nodes."""
    every = frozenset(allowed)
    if all(each is None or (every and each >= every and len(every) > 1) for each in pins):
        return "none"
    chosen = [every if each is None else each for each in pins]
    single = [next(iter(each)) for each in chosen if len(each) == 1]
    if len(single) == len(pins) and set(single) <= every:
        uses = Counter(single)
        least = min(uses[cpu] for cpu in allowed) if len(pins) >= len(allowed) else 0
        if max(uses.values()) - least <= 1:
            return "one_to_one"
    if len(nodes) > 1 and any(set(chosen) == {frozenset(node) & every} for node in nodes):
        return "numa_node"
    return CUSTOM


def edit_pinning(root: ET.Element, value: Value, about: About) -> None:
    """Pin every vCPU anew; the owner's pins, which a note keeps, come back with the kind that they were."""
    tune, note, former = _cputune(root), note_of(root, _PINS), read_pinning(root, about)
    pins = tune.findall("vcpupin")
    if note is None:
        note = new_note(root, _PINS)
        note.set("kind", former)
        note.extend(copy.deepcopy(pins))
    for pin in pins:
        tune.remove(pin)
    if note.get("kind") == value:
        tune.extend(copy.deepcopy(each) for each in note)
        drop_note(root, _PINS)
        extend_pinning(root, str(value), about)
        remove_if_empty(root, "cputune")
        return
    for number, cpus in enumerate(wanted_pins(str(value), maximum(root), root, about)):
        _pin(tune, number, cpus)
    remove_if_empty(root, "cputune")


def extend_pinning(root: ET.Element, kind: str, about: About) -> None:
    """Pin vCPUs that have been added in the way in which the others are, which stay as they are."""
    allowed = allowed_cpus(root, about)
    pins = pinned(root)
    known = [each for each in pins if each is not None]
    if kind not in ("one_to_one", "numa_node") or len(known) == len(pins) or not allowed or not known:
        return
    uses = Counter(cpu for each in known for cpu in each)
    for number, present in enumerate(pins):
        if present is None:
            cpus = known[0] if kind == "numa_node" else frozenset([min(allowed, key=lambda cpu: (uses[cpu], cpu))])
            uses.update(cpus)
            _pin(_cputune(root), number, cpus)


def wanted_pins(kind: str, vcpus: int, root: ET.Element, about: About) -> list[frozenset[int]]:
    """The CPUs for each of so many vCPUs; an empty list to leave them free."""
    allowed = allowed_cpus(root, about)
    if kind == "one_to_one":
        return [frozenset([allowed[number % len(allowed)]]) for number in range(vcpus)] if allowed else []
    if kind == "numa_node":
        return [_node(root, about)] * vcpus
    return []


def allowed_cpus(root: ET.Element, about: About) -> list[int]:
    """The host CPUs that the machine may use at all: those its owner has given it, else every one."""
    present = {cpu for node in about.nodes for cpu in node}
    vcpu = root.find("vcpu")
    given = parse_cpus(vcpu.get("cpuset", "")) if vcpu is not None else frozenset()
    return sorted((given & present if present else given) or present)


def pinned(root: ET.Element) -> list[frozenset[int] | None]:
    """For each vCPU the host CPUs it is pinned to, None where it is not."""
    pins: list[frozenset[int] | None] = [None] * maximum(root)
    for pin in root.findall("cputune/vcpupin"):
        number = int(pin.get("vcpu", -1))
        if 0 <= number < len(pins):
            pins[number] = parse_cpus(pin.get("cpuset", ""))
    return pins


def faults(root: ET.Element, target: Mapping[str, Value], about: About) -> list[str]:
    """Why the vCPUs cannot be pinned as wanted."""
    kind = target.get(CPU_PINNING)
    if kind in (None, "none") or kind == read_pinning(root, about):
        return []
    if not allowed_cpus(root, about):
        return [f"{CPU_PINNING}: {kind} is not possible: libvirt does not say which CPUs the host has."]
    if kind == "numa_node":
        if len(about.nodes) < 2:
            return [f"{CPU_PINNING}: numa_node is not possible: the host has no NUMA nodes to choose from, only one."]
        if not _node(root, about):
            return [f"{CPU_PINNING}: numa_node is not possible: the machine may use no CPU of the node of its memory."]
    return []


def _node(root: ET.Element, about: About) -> frozenset[int]:
    """The CPUs of the node that holds the machine's memory, else of the first with the most it may use."""
    allowed = frozenset(allowed_cpus(root, about))
    memory = root.find("numatune/memory")
    bound = parse_cpus(memory.get("nodeset", "")) if memory is not None else frozenset()
    nodes = [frozenset(cpus) & allowed for number, cpus in enumerate(about.nodes) if not bound or number in bound]
    return max(nodes, key=len, default=frozenset())


def _pin(tune: ET.Element, vcpu: int, cpus: frozenset[int]) -> None:
    ET.SubElement(tune, "vcpupin", vcpu=str(vcpu), cpuset=write_cpus(cpus))


def _cputune(root: ET.Element) -> ET.Element:
    tune = root.find("cputune")
    return (
        tune
        if tune is not None
        else insert_after(
            root, ("defaultiothread", "iothreadids", "iothreads", "vcpus", "vcpu", "blkiotune", "memtune"), "cputune"
        )
    )


def _number(root: ET.Element, tag: str) -> int:
    element = root.find(f"cputune/{tag}")
    return 0 if element is None else int(text(element))
