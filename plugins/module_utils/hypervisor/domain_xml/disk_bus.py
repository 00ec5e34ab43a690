# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moving a disk to another bus: its name, its controller and its addresses, and all the way back.

What the other bus does not have is kept in a note, with the former name and address, so that a guest gets back the
disk in the very slot in which it was. The controller that a move needs is added by it and taken away again.
"""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.disk import (
    bus_of,
    controller_of,
    driver,
    driver_settings,
    hard_disks,
    holder,
    name_of,
    note_name,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.disk_places import (
    free_name,
    free_port,
    new_index,
    place_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import remove_if_empty
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.notes import (
    drop_note,
    new_note,
    note_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import DISK_BUS
from ansible_collections.evolve.vm.plugins.module_utils.tunables.command_line import edited, value_of

_VIRTIO = ("virtio",)
#: What libvirt takes on some buses only: as attributes of the disk, of its driver and of its target, and as elements.
_DISK_ATTRIBUTES = {"model": _VIRTIO}
_DRIVER_ATTRIBUTES = dict.fromkeys(
    ("ioeventfd", "event_idx", "packed", "iommu", "ats", "page_per_vq", "queue_size"), _VIRTIO
)
_TARGET_ATTRIBUTES = {"rotation_rate": ("scsi", "sata", "ide"), "removable": ("usb",)}
_ELEMENTS = {"wwn": ("scsi", "ide"), "vendor": ("scsi",), "product": ("scsi",)}


def edit_bus(root: ET.Element, disk: ET.Element, value: Value) -> None:
    """Put the disk on bus `value`. Its place among the devices, and so the order of booting, stays."""
    wanted, old_name = str(value), name_of(disk)
    if wanted == bus_of(disk):
        return
    carried = _take_off_queues(root, disk)
    note = note_of(root, note_name(old_name))
    for added in [] if note is None else note.findall("controller"):
        _remove_controller(root, added)
    if note is not None and _restores(root, disk, note, wanted):
        new_name = _restore(disk, note)
        if note.get("first") == "yes":
            _put_first(root, disk)
        drop_note(root, note_name(old_name))
    else:
        new_name = _move(root, disk, note, wanted)
    _give_queues(root, disk, carried)
    _rename_root(root, old_name, new_name)


def faults(root: ET.Element, disk: ET.Element, target: Mapping[str, Value]) -> list[str]:
    """Why the disk cannot be moved to the bus asked for."""
    wanted = target.get(DISK_BUS)
    if wanted is None or wanted == bus_of(disk) or not _boots_by_order(root) or hard_disks(root)[0] is not disk:
        return []
    trial = copy.deepcopy(root)
    moved = hard_disks(trial)[0]
    edit_bus(trial, moved, wanted)
    # libvirt sorts the disks of a bus by name.
    first = [name_of(each) for each in hard_disks(trial)[1:] if bus_of(each) == wanted]
    before = [name for name in first if place_of(name) < place_of(name_of(moved))]
    if not before:
        return []
    return [
        f"{DISK_BUS}: {wanted} is not possible: disk {name_of(disk)} would be {name_of(moved)} behind "
        f"{', '.join(before)}, and the machine boots from the first disk. Give the disk itself a <boot order='1'/>."
    ]


def _restores(root: ET.Element, disk: ET.Element, note: ET.Element, wanted: str) -> bool:
    former = note.find("target")
    others = {name_of(each) for each in root.findall("devices/disk") if each is not disk}
    return former is not None and former.get("bus") == wanted and former.get("dev", "") not in others


def _restore(disk: ET.Element, note: ET.Element) -> str:
    """Name, address and all else as the note has them."""
    _strip(disk, "")
    target, former = disk.find("target"), note.find("target")
    if target is not None and former is not None:
        target.attrib.update(former.attrib)
    kept = note.find("disk")
    disk.attrib.update({} if kept is None else kept.attrib)
    settings = note.find("driver")
    if settings is not None:
        driver(disk).attrib.update(settings.attrib)
    for element in note:
        if element.tag in ("address", *_ELEMENTS):
            disk.append(copy.deepcopy(element))
    return name_of(disk)


def _put_first(root: ET.Element, disk: ET.Element) -> None:
    """libvirt, which sorts the disks of a bus by name, may have put it behind others."""
    devices, first = root.find("devices"), hard_disks(root)[0]
    if devices is not None and first is not disk:
        devices.remove(disk)
        devices.insert(list(devices).index(first), disk)


def _move(root: ET.Element, disk: ET.Element, note: ET.Element | None, wanted: str) -> str:
    """A fresh place on the bus; what the disk loses goes into the note of the first move away."""
    old_name = name_of(disk)
    address = disk.find("address") if note is None else note.find("address")
    slot = address if address is not None and address.get("type") in ("pci", "ccw") else None
    name, place = free_name(root, disk, wanted), None
    if wanted == "scsi":
        place = (new_index(root, "scsi"), 0)
    elif wanted == "sata":
        place = free_port(root)
    kept = new_note(root, note_name(name))
    if note is None:
        _write_note(kept, disk)
        if hard_disks(root)[0] is disk:
            kept.set("first", "yes")
    else:
        kept.set("first", note.get("first", "no"))
        kept.extend(each for each in note if each.tag != "controller")
        if name != old_name:
            drop_note(root, note_name(old_name))
    _strip(disk, wanted)
    target = disk.find("target")
    if target is not None:
        target.set("dev", name)
        target.set("bus", wanted)
    if place is not None:
        index, unit = place
        _add_controller(root, kept, wanted, index, slot)
        ET.SubElement(disk, "address", type="drive", controller=str(index), bus="0", target="0", unit=str(unit))
    return name


def _write_note(note: ET.Element, disk: ET.Element) -> None:
    kept = {key: value for key, value in disk.attrib.items() if key in _DISK_ATTRIBUTES}
    if kept:
        ET.SubElement(note, "disk", kept)
    kept = {key: value for key, value in driver_settings(disk).items() if key in _DRIVER_ATTRIBUTES}
    if kept:
        ET.SubElement(note, "driver", kept)
    note.extend(copy.deepcopy(each) for each in disk if each.tag in ("target", "address", *_ELEMENTS))


def _strip(disk: ET.Element, bus: str) -> None:
    """Take away the address, and what a disk on `bus` cannot have."""
    for element in list(disk):
        invented = element.tag == "alias" and not element.get("name", "").startswith("ua-")
        if element.tag == "address" or invented or bus not in _ELEMENTS.get(str(element.tag), (bus,)):
            disk.remove(element)
    for parent, table in (
        (disk, _DISK_ATTRIBUTES),
        (disk.find("driver"), _DRIVER_ATTRIBUTES),
        (disk.find("target"), _TARGET_ATTRIBUTES),
    ):
        if parent is not None:
            for name in [each for each in parent.attrib if bus not in table.get(each, (bus,))]:
                del parent.attrib[name]


def _add_controller(root: ET.Element, note: ET.Element, kind: str, index: int, slot: ET.Element | None) -> None:
    """The controller, where it is missing, in the slot that the disk has left; `note` remembers that it is ours."""
    devices = root.find("devices")
    present = [each for each in root.findall("devices/controller") if each.get("type") == kind]
    if devices is None or any(each.get("index", "0") == str(index) for each in present):
        return
    if kind == "sata" and index == 0 and _has_sata_of_its_own(root):
        return
    settings = {"type": kind, "index": str(index)}
    controller = ET.Element("controller", {**settings, "model": "virtio-scsi"} if kind == "scsi" else settings)
    if slot is not None:
        controller.append(copy.deepcopy(slot))
    places = [number for number, each in enumerate(devices) if each.tag in ("emulator", "disk", "controller")]
    devices.insert(places[-1] + 1 if places else 0, controller)
    ET.SubElement(note, "controller", settings)


def _has_sata_of_its_own(root: ET.Element) -> bool:
    kind = root.find("os/type")
    return kind is not None and "q35" in kind.get("machine", "")


def _remove_controller(root: ET.Element, added: ET.Element) -> None:
    devices = root.find("devices")
    for each in root.findall("devices/controller"):
        if devices is not None and each.get("type") == added.get("type") and each.get("index") == added.get("index"):
            used = [disk for disk in root.findall("devices/disk") if controller_of(root, disk) is each]
            # The disk that leaves is still on it here.
            if len(used) <= 1:
                devices.remove(each)


def _take_off_queues(root: ET.Element, disk: ET.Element) -> tuple[dict[str, str], list[ET.Element]]:
    """The iothread and queues of a disk, taken from it; those of a controller stay there, it may not go."""
    held = holder(root, disk)
    found = None if held is None else held.find("driver")
    if held is None or found is None:
        return {}, []
    settings: dict[str, str] = {key: found.attrib[key] for key in ("iothread", "queues") if key in found.attrib}
    mappings = found.findall("iothreads")
    if held is disk:
        for key in settings:
            del found.attrib[key]
        for mapping in mappings:
            found.remove(mapping)
    return settings, mappings


def _give_queues(root: ET.Element, disk: ET.Element, carried: tuple[dict[str, str], list[ET.Element]]) -> None:
    settings, mappings = carried
    held = holder(root, disk)
    if held is not None and (settings or mappings):
        driver(held).attrib.update(settings)
        for mapping in mappings:
            driver(held).insert(0, mapping)
        remove_if_empty(held, "driver")


def _boots_by_order(root: ET.Element) -> bool:
    """Whether the machine boots from whatever hard disk comes first."""
    if root.find("os/kernel") is not None or root.find("devices//boot") is not None:
        return False
    named = [each.get("dev") for each in root.findall("os/boot")]
    return not named or "hd" in named


def _rename_root(root: ET.Element, old: str, new: str) -> None:
    """Where the hypervisor boots the kernel itself, tell it the disk's new name if it is told the old one."""
    line = root.find("os/cmdline")
    if line is None or root.find("os/kernel") is None or old == new:
        return
    named = re.match(rf"/dev/{re.escape(old)}(p?\d*)\Z", str(value_of(line.text or "", "root")))
    if named:
        line.text = edited(line.text or "", {"root": f"/dev/{new}{named.group(1)}"})
