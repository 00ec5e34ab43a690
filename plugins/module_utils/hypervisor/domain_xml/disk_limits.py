# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a disk may do in a second."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    child,
    remove_if_empty,
    text,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    DISK_LIMITS,
    DISK_READ_IOPS,
    DISK_READ_MIB_PER_SECOND,
    DISK_TOTAL_IOPS,
    DISK_TOTAL_MIB_PER_SECOND,
    DISK_WRITE_IOPS,
    DISK_WRITE_MIB_PER_SECOND,
    disk_limit_faults,
)

MIB = 1024 * 1024

LIBVIRT_NAMES: dict[str, tuple[str, int]] = {
    DISK_READ_IOPS: ("read_iops_sec", 1),
    DISK_WRITE_IOPS: ("write_iops_sec", 1),
    DISK_TOTAL_IOPS: ("total_iops_sec", 1),
    DISK_READ_MIB_PER_SECOND: ("read_bytes_sec", MIB),
    DISK_WRITE_MIB_PER_SECOND: ("write_bytes_sec", MIB),
    DISK_TOTAL_MIB_PER_SECOND: ("total_bytes_sec", MIB),
}
"""Parameter -> libvirt's name of it, in XML and in its API alike, and how many of libvirt's units one of ours is."""


def read_limit(disk: ET.Element, name: str) -> int:
    """A limit in the parameter's unit; 0 for none."""
    tag, unit = LIBVIRT_NAMES[name]
    return in_our_unit(_number(disk, tag), unit)


def in_our_unit(found: int, unit: int) -> int:
    """A limit that is less than one of our units is still no absence of limits."""
    return max(1, round(found / unit)) if found else 0


def edit_limit(disk: ET.Element, name: str, value: Value) -> None:
    tag, unit = LIBVIRT_NAMES[name]
    tune = child(disk, "iotune")
    if value:
        child(tune, tag).text = str(int(value) * unit)
    else:
        for element in tune.findall(tag):
            tune.remove(element)
    remove_if_empty(disk, "iotune")


def faults(disk: ET.Element, target: Mapping[str, Value]) -> list[str]:
    """Limits that exclude each other, and those that the owner's own limits on bursts forbid."""
    if not set(DISK_LIMITS) & set(target):
        return []
    found = disk_limit_faults({name: target.get(name, read_limit(disk, name)) for name in DISK_LIMITS})
    for name, (tag, unit) in LIBVIRT_NAMES.items():
        burst = _number(disk, f"{tag}_max")
        if name not in target or not burst or target[name] == read_limit(disk, name):
            continue
        if not 0 < int(target[name]) * unit <= burst:
            found.append(
                f"{name}: {target[name]} is not possible: the disk's definition allows bursts of {burst} "
                f"({tag}_max), for which the limit must be between 1 and that. Remove {tag}_max first."
            )
    return found


def _number(disk: ET.Element, tag: str) -> int:
    element = disk.find(f"iotune/{tag}")
    return 0 if element is None else int(text(element))
