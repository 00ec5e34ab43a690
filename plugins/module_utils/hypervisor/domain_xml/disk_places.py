# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names and ports of a bus are still free for a disk, and in which order names come."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import count
from typing import Iterator

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.disk import bus_of, name_of

_LETTERS = {"virtio": "vd", "scsi": "sd", "sata": "sd"}
_SATA_PORTS = 6


def free_name(root: ET.Element, disk: ET.Element, bus: str) -> str:
    """The name with the same letter where that is free, else the first that is."""
    used = {name_of(each) for each in root.findall("devices/disk") if each is not disk}
    own = _LETTERS[bus] + (re.sub(r"^(?:xvd|[a-z]d)", "", name_of(disk)) or "a")
    return next(name for name in _candidates(own, _LETTERS[bus]) if name not in used)


def _candidates(first: str, prefix: str) -> Iterator[str]:
    yield first
    for number in count():
        yield prefix + _letters(number)


def _letters(number: int) -> str:
    written = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        written = chr(ord("a") + rest) + written
    return written


def place_of(name: str) -> int:
    """The place of a name in its row: sda, sdb, ..., sdz, sdaa."""
    place = 0
    for letter in re.sub(r"^(?:xvd|[a-z]d)", "", name):
        place = 26 * place + ord(letter) - ord("a") + 1
    return place


def _indices(root: ET.Element, kind: str) -> set[int]:
    """The controllers of a kind that there are or that a disk's address takes for granted."""
    present = {int(each.get("index", 0)) for each in root.findall("devices/controller") if each.get("type") == kind}
    return present | {_port(each)[0] for each in root.findall("devices/disk") if bus_of(each) == kind}


def new_index(root: ET.Element, kind: str) -> int:
    """The lowest number that no controller of this kind has."""
    return next(number for number in count() if number not in _indices(root, kind))


def _port(disk: ET.Element) -> tuple[int, int]:
    """Controller and unit; without an address libvirt takes them from the name."""
    address = disk.find("address")
    if address is not None and address.get("type") == "drive":
        return int(address.get("controller", 0)), int(address.get("unit", 0))
    return divmod(max(0, place_of(name_of(disk)) - 1), _SATA_PORTS)


def free_port(root: ET.Element) -> tuple[int, int]:
    """Controller and unit of a SATA port that no disk is on."""
    used = {_port(each) for each in root.findall("devices/disk") if bus_of(each) == "sata"}
    present = sorted(_indices(root, "sata")) or [0]
    free = [(index, unit) for index in present for unit in range(_SATA_PORTS) if (index, unit) not in used]
    return free[0] if free else (new_index(root, "sata"), 0)
