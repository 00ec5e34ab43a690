# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every parameter on definitions as other tools write them: what is not its own stays, byte for byte in canonical form.

What belongs to a parameter is listed here by hand (CARRIERS), independently of the editors.
"""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    edit_definition,
    impossible,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.table import TABLE
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    NAMES,
    PARAMETERS,
    parse_vm_configuration,
)

FOLDER = Path(__file__).parent / "domains"
DOMAINS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("**/*.xml"))}
HOST = About(nodes=(tuple(range(8)), tuple(range(8, 24))))

NUMBERS = {
    "vm.vcpus": (1, 3, 6, 9),
    "vm.cpu.shares": (2, 2048),
    "vm.cpu.quota_percent": (0, 1, 35, 100),
    "vm.memory_mib": (256, 3000, 20000),
    "vm.memory.maximum_mib": (4096, 20000),
    "vm.disk.queues": (1, 3),
    "vm.network.queues": (1, 4),
}
NOTE = "{urn:evolve.vm:domain:1}was"
ELEMENTS_OF_A_BUS = {"address", "wwn", "vendor", "product", "alias"}
DRIVER_OF_A_BUS = {"iothread", "queues", "ioeventfd", "event_idx", "packed", "iommu", "ats", "queue_size"}

#: Parameter -> the elements that are its own.
CARRIERS = {
    "vm.vcpus": ("vcpu", "vcpus", "cpu/topology", "cputune/vcpupin"),
    "vm.cpu.topology": ("vcpu", "vcpus", "cpu/topology", "cputune/vcpupin"),
    "vm.cpu.pinning": ("cputune/vcpupin",),
    "vm.cpu.shares": ("cputune/shares",),
    "vm.cpu.quota_percent": ("cputune/quota", "cputune/period"),
    "vm.memory_mib": ("memory", "currentMemory"),
    "vm.memory.maximum_mib": ("memory", "currentMemory"),
    "vm.memory.hugepages": ("memoryBacking/hugepages",),
}
DRIVER = {"vm.disk.cache": "cache", "vm.disk.io": "io", "vm.disk.discard": "discard", "vm.disk.queues": "queues"}
LIMITS = {
    "vm.disk.read_iops": "read_iops_sec",
    "vm.disk.write_iops": "write_iops_sec",
    "vm.disk.total_iops": "total_iops_sec",
    "vm.disk.read_mib_per_second": "read_bytes_sec",
    "vm.disk.write_mib_per_second": "write_bytes_sec",
    "vm.disk.total_mib_per_second": "total_bytes_sec",
}
#: What follows from a parameter by its nature: a maximum that is too small, queues that nobody has set.
FOLLOWERS = {
    "vm.vcpus": {"vm.disk.queues"},
    "vm.memory_mib": {"vm.memory.maximum_mib"},
    "vm.disk.bus": {"vm.disk.queues"},
    "vm.cpu.topology": set(),
}


def values_for(name):
    accepted = PARAMETERS[name]
    if accepted.kind == "choice":
        return accepted.choices
    if accepted.kind == "switch":
        return (True, False)
    return NUMBERS.get(name, (0, 7, 250))


def values(xml, about=HOST):
    return read_definition(xml, about).values()


def is_accepted(name, value):
    return not parse_vm_configuration({name: value})[1]


def disk_of(root):
    """The first hard disk; of one that an edit has moved a note says that it was."""
    disks = {each.find("target").get("dev"): each for each in root.findall("devices/disk") if is_hard_disk(each)}
    noted = [each.get("about")[5:] for each in root.iter("note") if each.get("first") == "yes"]
    return disks[noted[0]] if noted else next(iter(disks.values()), None)


def is_hard_disk(disk):
    return disk.get("device", "disk") == "disk" and disk.find("target") is not None


def interface_of(root):
    found = [each for each in root.findall("devices/interface") if each.get("type") not in ("hostdev", "vdpa")]
    return found[0] if found else None


def take(parent, path):
    above, _slash, tag = path.rpartition("/")
    for holder in [parent] if not above else parent.findall(above):
        for each in holder.findall(tag):
            holder.remove(each)


def drop(element, *names):
    for name in names if element is not None else ():
        element.attrib.pop(name, None)


def rest_of(xml, names):
    """The canonical form without what carries the parameters `names`, and what stands around the root element."""
    root = ET.fromstring(xml, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True, insert_pis=True)))
    disk, interface = disk_of(root), interface_of(root)
    scsi = [each for each in root.findall("devices/controller") if each.get("type") == "scsi"]
    held = [] if disk is None else [disk, *scsi]
    for name in names:
        for path in CARRIERS.get(name, ()):
            take(root, path)
        if disk is not None:
            drop(disk.find("driver"), DRIVER.get(name))
            take(disk, f"iotune/{LIMITS.get(name)}")
        if name in ("vm.disk.queues", "vm.disk.iothread"):
            for each in held:
                drop(each.find("driver"), name.rpartition(".")[2])
        if name == "vm.disk.iothread":
            for path in ("iothreads", "iothreadids"):
                take(root, path)
            for each in held:
                take(each, "driver/iothreads")
        if name == "vm.disk.bus":
            drop(disk, "model")
            drop(disk.find("driver"), *DRIVER_OF_A_BUS)
            drop(disk.find("target"), "dev", "bus", "rotation_rate", "removable")
            for tag in (*ELEMENTS_OF_A_BUS, "driver/iothreads"):
                take(disk, tag)
            for added in root.findall(f"metadata/{NOTE}/note/controller"):
                for each in root.findall("devices/controller"):
                    if each.get("type") == added.get("type") and each.get("index") == added.get("index"):
                        root.find("devices").remove(each)
            for line in root.findall("os/cmdline"):
                line.text = " ".join(word for word in line.text.split(" ") if not word.startswith("root="))
        if name.startswith("vm.network.") and interface is not None:
            if name == "vm.network.model":
                drop(interface.find("model"), "type")
                take(interface, "driver")
            if name == "vm.network.queues":
                drop(interface.find("driver"), "queues")
            for direction in ("inbound", "outbound"):
                if direction in name:
                    drop(interface.find(f"bandwidth/{direction}"), "average")
    take(root, f"metadata/{NOTE}")
    prune(root)
    before, after = xml[: xml.index("<domain")], xml[xml.rindex("</domain>") :]
    written = ET.tostring(root, encoding="unicode")
    return before, ET.canonicalize(written, with_comments=True, strip_text=True), after


def prune(root):
    """Without elements that an edit may make or leave, and that say nothing by themselves."""
    for tag in ("cputune", "cpu", "memoryBacking", "metadata"):
        for each in root.findall(tag):
            if not len(each) and not each.attrib:
                root.remove(each)
    for device in root.findall("devices/*"):
        for tag in ("driver", "iotune", "model", "inbound", "outbound", "bandwidth"):
            for above in [device, *device.findall("bandwidth")]:
                for each in above.findall(tag):
                    if not len(each) and each.attrib in ({}, {"name": "qemu"}):
                        above.remove(each)


def cases_of_single_edits():
    for machine in DOMAINS:
        for name in NAMES:
            if name in TABLE:
                yield pytest.param(machine, name, id=f"{machine}-{name}")


def canonical(xml):
    return ET.canonicalize(xml, with_comments=True, strip_text=True)


def in_full(xml):
    """Canonical, with what libvirt drops by itself dropped and what it fills in filled in."""
    root = ET.fromstring(xml, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    for disk in root.findall("devices/disk"):
        for alias in disk.findall("alias"):
            if not alias.get("name").startswith("ua-"):
                disk.remove(alias)
    for interface in root.findall("devices/interface"):
        if interface.get("type") not in ("hostdev", "vdpa") and interface.find("model") is None:
            ET.SubElement(interface, "model", type="rtl8139")
    return canonical(ET.tostring(root, encoding="unicode"))


def test_there_are_enough_machines_and_none_is_like_another():
    assert len(DOMAINS) >= 20
    assert len({canonical(xml) for xml in DOMAINS.values()}) == len(DOMAINS)


@pytest.mark.parametrize(("machine", "name"), list(cases_of_single_edits()))
def test_an_edit_changes_its_own_and_nothing_else_and_can_be_undone(machine, name):
    xml = DOMAINS[machine]
    before = values(xml)
    for value in values_for(name):
        if name not in before or impossible(xml, {name: value}, HOST):
            assert name in before or impossible(xml, {name: value}, HOST)
            continue
        edited = edit_definition(xml, {name: value}, HOST)
        after = values(edited)
        assert after[name] == value
        followers = FOLLOWERS.get(name, set())
        assert {key: after[key] for key in after if key not in {name, *followers}} == {
            key: before[key] for key in before if key not in {name, *followers}
        }
        assert rest_of(edited, {name}) == rest_of(xml, {name})
        assert edit_definition(edited, {name: value}, HOST) is edited
        if before[name] == value:
            assert edited is xml
        elif is_accepted(name, before[name]) and not impossible(edited, {name: before[name]}, HOST):
            back = edit_definition(edited, {name: before[name]}, HOST)
            assert rest_of(back, {name}) == rest_of(xml, {name})
            if name in ("vm.disk.bus", "vm.network.model", "vm.memory.hugepages"):
                assert in_full(back) == in_full(xml)
            if name not in ("vm.vcpus", "vm.cpu.topology", "vm.memory_mib", "vm.cpu.pinning"):
                # Maxima stay where an edit has raised them.
                assert values(back) == before


@pytest.mark.parametrize("machine", DOMAINS)
@pytest.mark.parametrize("seed", range(8))
def test_many_edits_at_once_and_all_of_them_back(machine, seed):
    xml = DOMAINS[machine]
    before = values(xml)
    draw = random.Random(f"{machine} {seed}")
    target = {}
    for name in draw.sample(sorted(before), len(before)):
        value = draw.choice(values_for(name))
        attempt = {**target, name: value}
        if is_accepted(name, before[name]):
            target = target if impossible(xml, attempt, HOST) else attempt
    assert target
    edited = edit_definition(xml, target, HOST)
    assert {name: values(edited)[name] for name in target} == target
    assert rest_of(edited, target) == rest_of(xml, target)
    assert edit_definition(edited, target, HOST) == edited
    back = {name: before[name] for name in target}
    if impossible(edited, back, HOST):
        return
    returned = edit_definition(edited, back, HOST)
    assert {name: values(returned)[name] for name in target} == back
    assert rest_of(returned, target) == rest_of(xml, target)
