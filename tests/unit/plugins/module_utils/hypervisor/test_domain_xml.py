# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain XML: what is read from it, and that an edit changes what it should and nothing else."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    edit_definition,
    impossible,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import DISK_LIMITS

DOMAINS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "domains").glob("*.xml")}

DISK_DRIVER = ("vm.disk.bus", "vm.disk.cache", "vm.disk.io", "vm.disk.iothread")
EVERYTHING = {
    "vm.vcpus": 6,
    "vm.memory_mib": 6144,
    "vm.disk.cache": "directsync",
    "vm.disk.io": "io_uring",
    "vm.disk.iothread": True,
}


def values(xml, disk=None):
    return read_definition(xml, About(disk)).values()


def some(xml, *names, disk=None):
    return tuple(values(xml, disk)[name] for name in names)


def rest_of(xml: str, disk: str) -> str:
    """The document in canonical form without the elements and attributes that carry vm.* parameters."""
    root = ET.fromstring(xml, ET.XMLParser(target=ET.TreeBuilder(insert_comments=True)))
    for tag in ("memory", "currentMemory", "vcpu", "vcpus", "iothreads", "iothreadids"):
        for element in root.findall(tag):
            root.remove(element)
    for metadata in root.findall("metadata"):
        for notes in metadata.findall("{urn:evolve.vm:domain:1}was"):
            metadata.remove(notes)
        if not len(metadata):
            root.remove(metadata)
    for topology in root.findall("cpu/topology"):
        topology.attrib.pop("cores", None)
    for element in root.findall("devices/disk"):
        if element.find("target").get("dev") == disk:
            for driver in element.findall("driver"):
                for name in ("cache", "io", "iothread"):
                    driver.attrib.pop(name, None)
                if driver.attrib == {"name": "qemu"}:
                    element.remove(driver)
    return ET.canonicalize(ET.tostring(root, encoding="unicode"), with_comments=True, strip_text=True)


def element(xml: str, path: str) -> ET.Element:
    found = ET.fromstring(xml).find(path)
    assert found is not None, path
    return found


def test_reads_a_plain_machine_with_libvirts_defaults():
    definition = read_definition(DOMAINS["plain"])
    assert definition.values() == {
        "vm.vcpus": 2,
        "vm.cpu.topology": "sockets",
        "vm.cpu.pinning": "none",
        "vm.cpu.shares": 1024,
        "vm.cpu.quota_percent": 0,
        "vm.memory_mib": 1024,
        "vm.memory.maximum_mib": 1024,
        "vm.memory.hugepages": False,
        "vm.disk.bus": "virtio",
        "vm.disk.cache": "writeback",
        "vm.disk.io": "threads",
        "vm.disk.iothread": False,
        "vm.disk.queues": 2,
        "vm.disk.discard": "ignore",
        **dict.fromkeys(DISK_LIMITS, 0),
        "vm.network.model": "rtl8139",
        "vm.network.queues": 1,
        "vm.network.inbound_mbit_per_second": 0,
        "vm.network.outbound_mbit_per_second": 0,
    }
    assert (definition.vcpus_maximum, definition.memory_maximum_kib, definition.has_balloon) == (2, 1048576, True)


def test_reads_current_values_below_the_maxima_in_any_unit():
    definition = read_definition(DOMAINS["rich"])
    assert (definition.values()["vm.vcpus"], definition.vcpus_maximum, definition.vcpus_least) == (2, 4, 2)
    assert (definition.memory_kib, definition.memory_maximum_kib) == (2 * 1024**2, 4 * 1024**2)


def test_first_disk_is_the_first_that_is_no_cdrom():
    assert read_definition(DOMAINS["rich"]).disk == "vda"
    assert some(DOMAINS["rich"], *DISK_DRIVER) == ("virtio", "none", "native", True)


def test_disk_can_be_named_and_cache_default_reads_as_writeback():
    assert read_definition(DOMAINS["rich"], About("vdb")).disk == "vdb"
    assert some(DOMAINS["rich"], *DISK_DRIVER, disk="vdb") == ("virtio", "writeback", "threads", False)


def test_unknown_disk_is_refused_with_those_that_exist():
    with pytest.raises(UnsuitableMachine, match=r"no disk vdc\. Did you mean vdb or vda\? It has vda, vdb, sdb\."):
        read_definition(DOMAINS["rich"], About("vdc"))


def test_machine_without_disk_or_balloon():
    definition = read_definition(DOMAINS["diskless"])
    assert (definition.values()["vm.vcpus"], definition.values()["vm.memory_mib"], definition.disk) == (1, 1024, "")
    assert not [name for name in definition.values() if name.startswith(("vm.disk.", "vm.network."))]
    assert not definition.has_balloon


def test_emulated_vcpus_cannot_be_unplugged():
    running = DOMAINS["rich"].replace("type='kvm'", "type='qemu'").replace("current='2'", "current='3'")
    assert read_definition(running).vcpus_least == 3


@pytest.mark.parametrize(("name", "disk"), [("plain", "vda"), ("rich", "vda"), ("rich", "vdb"), ("rich", "sdb")])
def test_edit_gives_every_value_and_keeps_everything_else(name, disk):
    wanted = dict(EVERYTHING)
    if disk == "sdb":
        del wanted["vm.disk.iothread"]
    edited = edit_definition(DOMAINS[name], wanted, About(disk))
    assert {name: values(edited, disk)[name] for name in wanted} == wanted
    assert rest_of(edited, disk) == rest_of(DOMAINS[name], disk)


def test_edit_keeps_prefixes_comments_and_text():
    edited = edit_definition(DOMAINS["rich"], EVERYTHING)
    for part in (
        "<qemu:commandline>",
        "<libosinfo:libosinfo xmlns:libosinfo=",
        '<owner xmlns="http://example.com/inventory" cost-centre="42">',
        "<ns0:tag xmlns:ns0=",
        "<!-- Kept by hand: ask the storage team before touching the disks. -->",
        "<!-- Two sockets: the licence counts them. -->",
        "A title with &lt;angle&gt; brackets &amp; an ampersand, grün",
        'passwd="secret"',
    ):
        assert part in edited


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_edit_to_present_values_returns_the_identical_text(name):
    xml = DOMAINS[name]
    assert edit_definition(xml, read_definition(xml).values()) is xml


def test_editing_there_and_back_gives_the_first_values_again():
    before = read_definition(DOMAINS["rich"]).values()
    back = edit_definition(edit_definition(DOMAINS["rich"], EVERYTHING), before)
    assert read_definition(back).values() == before
    assert rest_of(back, "vda") == rest_of(DOMAINS["rich"], "vda")


def test_fewer_vcpus_keep_the_maximum_and_so_the_pinning():
    edited = edit_definition(DOMAINS["rich"], {"vm.vcpus": 1})
    definition = read_definition(edited)
    assert (definition.values()["vm.vcpus"], definition.vcpus_maximum) == (1, 4)
    assert [(each.get("id"), each.get("enabled"), each.get("hotpluggable")) for each in element(edited, "vcpus")] == [
        ("0", "yes", "no"),
        # libvirt refuses one that is neither there nor hot-pluggable.
        ("1", "no", "yes"),
        ("2", "no", "yes"),
        ("3", "no", "yes"),
    ]
    assert all("order" not in each.attrib for each in element(edited, "vcpus"))


def test_more_vcpus_grow_maximum_list_and_topology_together():
    edited = edit_definition(DOMAINS["rich"], {"vm.vcpus": 5})
    # Two sockets hold an even number of cores, so the maximum is 6 and the fifth is the last one plugged in.
    assert element(edited, "vcpu").attrib == {"placement": "static", "cpuset": "0-7", "current": "5"}
    assert element(edited, "vcpu").text == "6"
    assert element(edited, "cpu/topology").attrib == {"sockets": "2", "dies": "1", "cores": "3", "threads": "1"}
    assert [each.get("enabled") for each in element(edited, "vcpus")] == ["yes"] * 5 + ["no"]


def test_vcpus_at_the_maximum_need_no_current_number():
    assert "current" not in element(edit_definition(DOMAINS["rich"], {"vm.vcpus": 4}), "vcpu").attrib


def test_machine_without_vcpu_element_gets_one():
    edited = edit_definition(DOMAINS["diskless"], {"vm.vcpus": 2})
    assert element(edited, "vcpu").text == "2"


def test_less_memory_keeps_the_maximum():
    definition = read_definition(edit_definition(DOMAINS["rich"], {"vm.memory_mib": 512}))
    assert (definition.memory_kib, definition.memory_maximum_kib) == (512 * 1024, 4 * 1024**2)


def test_exact_memory_lowers_the_maximum():
    definition = read_definition(edit_definition(DOMAINS["rich"], {"vm.memory_mib": 512}, exact_memory=True))
    assert (definition.memory_kib, definition.memory_maximum_kib) == (512 * 1024, 512 * 1024)


def test_exact_memory_also_where_the_current_amount_is_right_already():
    definition = read_definition(edit_definition(DOMAINS["rich"], {"vm.memory_mib": 2048}, exact_memory=True))
    assert definition.memory_maximum_kib == 2048 * 1024


def test_without_balloon_the_maximum_follows_the_memory():
    definition = read_definition(edit_definition(DOMAINS["diskless"], {"vm.memory_mib": 512}))
    assert (definition.memory_kib, definition.memory_maximum_kib) == (512 * 1024, 512 * 1024)


def test_first_iothread_is_added():
    edited = edit_definition(DOMAINS["plain"], {"vm.disk.iothread": True})
    assert element(edited, "iothreads").text == "1"
    assert element(edited, "devices/disk/driver").attrib == {"name": "qemu", "iothread": "1"}


def test_idle_iothread_is_used_before_one_is_added():
    # Present are 2 and 5, and 1 by the number 3; vda uses 2.
    edited = edit_definition(DOMAINS["rich"], {"vm.disk.iothread": True}, About("vdb"))
    assert element(edited, "devices/disk[3]/driver").get("iothread") == "1"
    assert element(edited, "iothreads").text == "3"


def test_iothread_is_added_when_all_are_in_use():
    busy = (
        DOMAINS["rich"]
        .replace("<iothreads>3<", "<iothreads>2<")
        .replace("bus='sata'/>\n    </disk>", "bus='virtio'/></disk>")
    )
    busy = busy.replace("<driver name='qemu' type='raw'/>", "<driver name='qemu' type='raw' iothread='5'/>")
    edited = edit_definition(busy, {"vm.disk.iothread": True}, About("vdb"))
    assert element(edited, "iothreads").text == "3"
    assert element(edited, "devices/disk[3]/driver").get("iothread") == "1"
    assert {each.get("id") for each in element(edited, "iothreadids")} == {"1", "2", "5"}


def test_iothread_is_taken_off_one_disk_only():
    edited = edit_definition(DOMAINS["rich"], {"vm.disk.iothread": False})
    assert "iothread" not in element(edited, "devices/disk[2]/driver").attrib
    assert element(edited, "iothreads").text == "3"


def test_mapping_to_several_iothreads_counts_and_can_be_removed():
    xml = DOMAINS["plain"].replace(
        "<source file='/images/plain.img'/>",
        "<driver name='qemu'><iothreads><iothread id='1'/></iothreads></driver><source file='/images/plain.img'/>",
    )
    assert values(xml)["vm.disk.iothread"] is True
    assert values(edit_definition(xml, {"vm.disk.iothread": False}))["vm.disk.iothread"] is False


@pytest.mark.parametrize("cache", ["writeback", "writethrough", "unsafe"])
def test_native_io_with_a_caching_mode_is_impossible(cache):
    faults = impossible(DOMAINS["plain"], {"vm.disk.io": "native", "vm.disk.cache": cache})
    assert len(faults) == 1
    assert (
        f"native needs vm.disk.cache none or directsync, but the machine would have vm.disk.cache {cache}" in faults[0]
    )


def test_native_io_is_judged_with_the_half_that_stays():
    assert impossible(DOMAINS["plain"], {"vm.disk.io": "native"})
    assert impossible(DOMAINS["rich"], {"vm.disk.cache": "writeback"})
    assert not impossible(DOMAINS["rich"], {"vm.disk.cache": "directsync"})
    assert not impossible(DOMAINS["rich"], {"vm.disk.cache": "writeback", "vm.disk.io": "threads"})


def test_iothread_needs_a_bus_that_has_queues():
    faults = impossible(DOMAINS["rich"], {"vm.disk.iothread": True}, About("sdb"))
    assert faults == [
        "vm.disk.iothread: disk sdb is on bus sata; only buses virtio and scsi (model virtio-scsi) take an iothread."
    ]


def test_disk_parameters_of_a_machine_without_disk():
    faults = impossible(DOMAINS["diskless"], {"vm.disk.cache": "none", "vm.disk.io": "native"})
    assert faults == ["vm.disk.cache: the machine has no disk.", "vm.disk.io: the machine has no disk."]


def test_numa_machine_cannot_outgrow_its_cells_but_can_shrink():
    faults = impossible(DOMAINS["numa"], {"vm.vcpus": 5, "vm.memory_mib": 8192})
    assert [fault.split(":")[0] for fault in faults] == ["vm.vcpus", "vm.memory_mib"]
    assert all("guest NUMA cells" in fault for fault in faults)
    assert not impossible(DOMAINS["numa"], {"vm.vcpus": 3, "vm.memory_mib": 2048})
