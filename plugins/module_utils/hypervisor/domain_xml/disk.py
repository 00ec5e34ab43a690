# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk that the vm.disk.* parameters are about, and what its <driver> says: cache, io, discard, iothread, queues.

A disk on bus virtio has its iothread and its queues itself; one on bus scsi has those of its virtio-scsi controller.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Mapping

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.cpu import at_start
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import (
    About,
    insert_after,
    remove_if_empty,
    text,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.notes import (
    drop_note,
    new_note,
    note_of,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CACHE_WITH_NATIVE_IO,
    DISK_BUS,
    DISK_CACHE,
    DISK_IO,
    DISK_IOTHREAD,
    DISK_QUEUES,
)
from ansible_collections.evolve.vm.plugins.module_utils.suggestions import did_you_mean

QUEUED_BUSES = ("virtio", "scsi")
"""Buses on which a disk can have an iothread and several queues."""

_VIRTIO_SCSI = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")
_BUS_BY_NAME = {"hd": "ide", "sd": "scsi", "vd": "virtio", "xv": "xen", "ub": "usb", "fd": "fdc"}


def find_disk(root: ET.Element, about: About) -> ET.Element | None:
    """The disk meant; None in a machine without disks. Raises UnsuitableMachine for a target that it does not have.

    One that was moved to another bus is still known by its former name, or by having been the first.
    """
    disks = {name_of(disk): disk for disk in hard_disks(root)}
    notes = {name: note_of(root, note_name(name)) for name in disks}
    if about.disk is None:
        first = [disks[name] for name, note in notes.items() if note is not None and note.get("first") == "yes"]
        return next(iter(first or disks.values()), None)
    if about.disk not in disks:
        for name, note in notes.items():
            former = None if note is None else note.find("target")
            if former is not None and former.get("dev") == about.disk:
                return disks[name]
        listing = f"It has {', '.join(disks)}." if disks else "It has none."
        raise UnsuitableMachine(f"The machine has no disk {about.disk}.{did_you_mean(about.disk, disks)} {listing}")
    return disks[about.disk]


def hard_disks(root: ET.Element) -> list[ET.Element]:
    """Every disk that is no CD-ROM, floppy or pass-through LUN, and has a target."""
    return [
        disk
        for disk in root.findall("devices/disk")
        if disk.get("device", "disk") == "disk" and disk.find("target") is not None
    ]


def note_name(name: str) -> str:
    """What the note about the disk of this name is called."""
    return f"disk:{name}"


def name_of(disk: ET.Element) -> str:
    """Its target, such as vda."""
    target = disk.find("target")
    return "" if target is None else target.get("dev", "")


def bus_of(disk: ET.Element) -> str:
    """Its bus, which libvirt takes from the target's name where nothing is said."""
    target = disk.find("target")
    named = "" if target is None else target.get("bus", "")
    return named or _BUS_BY_NAME.get(name_of(disk)[:2], "")


def controller_of(root: ET.Element, disk: ET.Element) -> ET.Element | None:
    """The controller that a disk on bus scsi, sata or ide hangs on."""
    address = disk.find("address")
    index = "0" if address is None else address.get("controller", "0")
    kind = bus_of(disk)
    return next(
        (
            each
            for each in root.findall("devices/controller")
            if each.get("type") == kind and each.get("index", "0") == index
        ),
        None,
    )


def neighbours(root: ET.Element, disk: ET.Element) -> list[str]:
    """The other devices on the controller of this disk, by their targets."""
    mine = controller_of(root, disk)
    others = [other for other in root.findall("devices/disk") if other is not disk and bus_of(other) == bus_of(disk)]
    return [name_of(other) for other in others if mine is not None and controller_of(root, other) is mine]


def holder(root: ET.Element, disk: ET.Element) -> ET.Element | None:
    """The element whose <driver> has the iothread and the queues of this disk; None where there can be none."""
    if bus_of(disk) == "virtio":
        return disk
    controller = controller_of(root, disk) if bus_of(disk) == "scsi" else None
    return controller if controller is not None and controller.get("model") in _VIRTIO_SCSI else None


def driver_settings(element: ET.Element | None) -> Mapping[str, str]:
    driver = None if element is None else element.find("driver")
    return {} if driver is None else driver.attrib


def driver(element: ET.Element) -> ET.Element:
    """The <driver> of a disk or controller, made where there is none."""
    found = element.find("driver")
    if found is None:
        found = ET.Element("driver", {"name": "qemu"} if element.tag == "disk" else {})
        element.insert(0, found)
    return found


def read_cache(disk: ET.Element) -> str:
    cache = driver_settings(disk).get("cache", "default")
    return "writeback" if cache == "default" else cache


def edit_cache(disk: ET.Element, value: Value) -> None:
    driver(disk).set("cache", str(value))


def read_io(disk: ET.Element) -> str:
    return driver_settings(disk).get("io", "threads")


def edit_io(disk: ET.Element, value: Value) -> None:
    driver(disk).set("io", str(value))


def read_discard(disk: ET.Element) -> str:
    return driver_settings(disk).get("discard", "ignore")


def edit_discard(disk: ET.Element, value: Value) -> None:
    driver(disk).set("discard", str(value))


def read_queues(root: ET.Element, disk: ET.Element) -> int:
    """Queues of the disk. Where nobody says how many, QEMU gives one for each vCPU since 5.2, and one before."""
    held = holder(root, disk)
    if held is None:
        return 1
    return int(driver_settings(held).get("queues", 0)) or (at_start(root) if _as_many_as_vcpus(root) else 1)


def edit_queues(root: ET.Element, disk: ET.Element, value: Value) -> None:
    held = holder(root, disk)
    if held is not None:
        driver(held).set("queues", str(value))


def read_iothread(root: ET.Element, disk: ET.Element) -> bool:
    held = holder(root, disk)
    return "iothread" in driver_settings(held) or (held is not None and held.find("driver/iothreads") is not None)


def edit_iothread(root: ET.Element, disk: ET.Element, value: Value) -> None:
    held = holder(root, disk)
    if held is None:
        return
    if value:
        present, used = _iothread_ids(root)
        free = sorted(present - used)
        driver(held).set("iothread", str(free[0] if free else _add_iothread(root, present)))
        return
    number = driver(held).attrib.pop("iothread", None)
    for mapping in driver(held).findall("iothreads"):
        driver(held).remove(mapping)
    if held.tag == "controller":
        remove_if_empty(held, "driver")
    if number is not None:
        _remove_iothread(root, number)


def faults(root: ET.Element, disk: ET.Element, target: Mapping[str, Value]) -> list[str]:
    """Why this disk cannot have these values of cache, io, iothread and queues, on the bus that it would be on."""
    found = []
    name, bus = name_of(disk), str(target.get(DISK_BUS, bus_of(disk)))
    moves = bus != bus_of(disk)
    on = f"disk {name} {'would be' if moves else 'is'} on bus {bus}"
    can = bus in QUEUED_BUSES if moves else holder(root, disk) is not None
    threaded, queues = read_iothread(root, disk), read_queues(root, disk)
    explicit = int(driver_settings(holder(root, disk)).get("queues", 1))
    if not can:
        only = f"only buses {' and '.join(QUEUED_BUSES)} (model virtio-scsi) take"
        if target.get(DISK_IOTHREAD, threaded):
            hint = "" if DISK_IOTHREAD in target else f" It has one now: set {DISK_IOTHREAD} to false as well."
            found.append(f"{DISK_IOTHREAD}: {on}; {only} an iothread.{hint}")
        if int(target.get(DISK_QUEUES, explicit)) > 1:
            hint = "" if DISK_QUEUES in target else f" It has {explicit} now: set {DISK_QUEUES} to 1 as well."
            found.append(f"{DISK_QUEUES}: {on}; {only} more than one queue.{hint}")
    elif not moves and bus == "scsi" and neighbours(root, disk):
        for parameter, present in ((DISK_IOTHREAD, threaded), (DISK_QUEUES, queues)):
            if target.get(parameter, present) != present:
                found.append(
                    f"{parameter}: disk {name} shares its controller with {', '.join(neighbours(root, disk))}, which "
                    "would be changed with it. Give it a controller of its own."
                )
    cache, io_mode = target.get(DISK_CACHE, read_cache(disk)), target.get(DISK_IO, read_io(disk))
    if {DISK_CACHE, DISK_IO} & set(target) and io_mode == "native" and cache not in CACHE_WITH_NATIVE_IO:
        found.append(
            f"{DISK_IO}: native needs {DISK_CACHE} {' or '.join(CACHE_WITH_NATIVE_IO)}, but the machine would have "
            f"{DISK_CACHE} {cache} with {DISK_IO} native. Set both in the configuration."
        )
    return found


def _as_many_as_vcpus(root: ET.Element) -> bool:
    kind = root.find("os/type")
    machine = "" if kind is None else kind.get("machine", "")
    numbered = re.search(r"-(rhel)?(\d+)\.(\d+)", machine)
    if numbered is None:
        return True
    version = (int(numbered.group(2)), int(numbered.group(3)))
    return version >= ((8, 4) if numbered.group(1) else (5, 2))


def _iothread_ids(root: ET.Element) -> tuple[set[int], set[int]]:
    """The ids of the machine's iothreads, and those of them that a device uses."""
    count = root.find("iothreads")
    present = {int(each.get("id", 0)) for each in root.findall("iothreadids/iothread")}
    # libvirt fills up to the number with the lowest ids that are free.
    number = 1
    while count is not None and len(present) < int(text(count)):
        present.add(number)
        number += 1
    used = {int(each.get("iothread", 0)) for each in root.findall("devices//driver[@iothread]")}
    used |= {int(each.get("id", 0)) for each in root.findall("devices//driver/iothreads/iothread")}
    return present, used


def _add_iothread(root: ET.Element, present: set[int]) -> int:
    count = root.find("iothreads")
    if count is None:
        count = insert_after(root, ("vcpus", "vcpu"), "iothreads")
    count.text = str(len(present) + 1)
    number = next(each for each in range(1, len(present) + 2) if each not in present)
    listing = root.find("iothreadids")
    if listing is not None:
        ET.SubElement(listing, "iothread", id=str(number))
    new_note(root, f"iothread:{number}")
    return number


def _remove_iothread(root: ET.Element, number: str) -> None:
    """Take away an iothread that was added for a disk, once nothing else speaks of it."""
    count, listing = root.find("iothreads"), root.find("iothreadids")
    present, used = _iothread_ids(root)
    about = f"iothread:{number}"
    pinned = [each for each in root.findall("cputune/iothreadpin") if each.get("iothread") == number]
    if note_of(root, about) is None or count is None or int(number) in used or pinned:
        return
    listed = [] if listing is None else [each for each in listing if each.get("id") == number]
    # Without a list of numbers libvirt takes away the last one.
    if not listed and int(number) != max(present):
        return
    if listing is not None:
        for each in listed:
            listing.remove(each)
    if len(present) > 1:
        count.text = str(len(present) - 1)
    else:
        root.remove(count)
        remove_if_empty(root, "iothreadids")
    drop_note(root, about)
