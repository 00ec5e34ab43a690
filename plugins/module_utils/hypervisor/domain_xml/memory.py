# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a machine has and can have, and whether it is made of huge pages."""

from __future__ import annotations

import copy
import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    About,
    insert_after,
    kib,
    remove_if_empty,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.notes import (
    drop_note,
    new_note,
    note_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import MEMORY_MAXIMUM_MIB, MEMORY_MIB

_HUGEPAGES = "hugepages"


def has_balloon(root: ET.Element) -> bool:
    """Whether memory can be taken from a running guest and given back."""
    balloon = root.find("devices/memballoon")
    return balloon is None or balloon.get("model") != "none"


def memory_kib(root: ET.Element) -> int:
    """What the balloon leaves to the guest."""
    return kib(root, "currentMemory", maximum_kib(root))


def maximum_kib(root: ET.Element) -> int:
    """What the guest has when its balloon is empty."""
    return kib(root, "memory", 0)


def read_memory_mib(root: ET.Element, _about: About) -> int:
    return memory_kib(root) // 1024


def read_maximum_mib(root: ET.Element, _about: About) -> int:
    return maximum_kib(root) // 1024


def edit_memory_mib(root: ET.Element, value: Value, _about: About) -> None:
    """So much memory; the maximum is raised where needed, and follows where there is no balloon."""
    set_memory(root, int(value) * 1024, exact=not has_balloon(root))


def edit_maximum_mib(root: ET.Element, value: Value, _about: About) -> None:
    present = memory_kib(root)
    element = root.find("memory")
    if element is None:
        element = _new_memory(root)
    element.set("unit", "KiB")
    element.text = str(int(value) * 1024)
    if root.find("currentMemory") is None:
        set_memory(root, present, exact=False)


def set_memory(root: ET.Element, wanted_kib: int, exact: bool) -> None:
    """exact: the maximum becomes the wanted amount, also where it is larger."""
    memory, current = root.find("memory"), root.find("currentMemory")
    if memory is None:
        memory = _new_memory(root)
    if current is None:
        current = insert_after(root, ("memory",), "currentMemory")
    if exact or maximum_kib(root) < wanted_kib:
        memory.set("unit", "KiB")
        memory.text = str(wanted_kib)
    current.set("unit", "KiB")
    current.text = str(wanted_kib)


def read_hugepages(root: ET.Element, _about: About) -> bool:
    return root.find("memoryBacking/hugepages") is not None


def edit_hugepages(root: ET.Element, value: Value, _about: About) -> None:
    """With huge pages of the host's usual size, or of those sizes that the owner had chosen."""
    backing = root.find("memoryBacking")
    if value:
        if backing is None:
            backing = insert_after(root, ("currentMemory", "memory", "maxMemory"), "memoryBacking")
        note = note_of(root, _HUGEPAGES)
        former = None if note is None else note.find("hugepages")
        backing.insert(0, ET.Element("hugepages") if former is None else copy.deepcopy(former))
        drop_note(root, _HUGEPAGES)
        return
    pages = None if backing is None else backing.find("hugepages")
    if backing is None or pages is None:
        return
    if len(pages):
        new_note(root, _HUGEPAGES).append(copy.deepcopy(pages))
    backing.remove(pages)
    remove_if_empty(root, "memoryBacking")


def faults(root: ET.Element, target: Mapping[str, Value], fixed_layout: str) -> list[str]:
    """Why the memory cannot be as wanted."""
    found = []
    most = maximum_kib(root) // 1024
    memory = int(target.get(MEMORY_MIB, memory_kib(root) // 1024))
    maximum = int(target.get(MEMORY_MAXIMUM_MIB, max(most, memory)))
    if fixed_layout:
        reachable = most if has_balloon(root) else 0
        if target.get(MEMORY_MIB, memory_kib(root) // 1024) != memory_kib(root) // 1024 and memory > reachable:
            found.append(f"{MEMORY_MIB}: {memory} is not possible: {fixed_layout}.")
        if MEMORY_MAXIMUM_MIB in target and maximum != most:
            found.append(f"{MEMORY_MAXIMUM_MIB}: {maximum} is not possible: {fixed_layout}.")
    if MEMORY_MAXIMUM_MIB not in target:
        return found
    if maximum < memory:
        found.append(
            f"{MEMORY_MAXIMUM_MIB}: {maximum} is less than {MEMORY_MIB}, which would be {memory}. "
            "Set both in the configuration."
        )
    elif maximum != memory and not has_balloon(root):
        found.append(
            f"{MEMORY_MAXIMUM_MIB}: {maximum} is not possible: without a balloon device the machine's memory is always "
            f"its maximum, and {MEMORY_MIB} would be {memory}."
        )
    return found


def _new_memory(root: ET.Element) -> ET.Element:
    memory = insert_after(root, ("description", "title", "uuid", "name"), "memory")
    memory.text = "0"
    return memory
