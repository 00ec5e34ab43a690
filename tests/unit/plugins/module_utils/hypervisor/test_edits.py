# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk is on another bus, what a machine's vCPUs are pinned to, and the other edits one by one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.cpu_sets import parse_cpus, write_cpus
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.definition import (
    edit_definition,
    impossible,
    read_definition,
)
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.document import About
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.domain_xml.table import TABLE
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.errors import UnsuitableMachine
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import DISK_CLASS, NAMES, PARAMETERS

FOLDER = Path(__file__).parent / "domains"
DOMAINS = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("**/*.xml")}
LAB = DOMAINS["direct_kernel"]
HOST = About(nodes=((0, 1, 2, 3), (4, 5, 6, 7)))


def element(xml, path):
    found = ET.fromstring(xml).find(path)
    assert found is not None, path
    return found


def pins(xml):
    return {each.get("vcpu"): each.get("cpuset") for each in ET.fromstring(xml).findall("cputune/vcpupin")}


def values(xml, about=HOST):
    return read_definition(xml, about).values()


def test_the_table_knows_every_parameter_that_a_definition_can_say():
    assert set(TABLE) == set(NAMES) - {DISK_CLASS}
    assert all(TABLE[name].accepted is PARAMETERS[name] for name in TABLE)


@pytest.mark.parametrize(
    ("written", "cpus", "shortest"),
    [("0-3,^2,8", {0, 1, 3, 8}, "0-1,3,8"), ("5", {5}, "5"), ("", set(), ""), ("0,1,2", {0, 1, 2}, "0-2")],
)
def test_sets_of_cpus(written, cpus, shortest):
    assert parse_cpus(written) == cpus
    assert write_cpus(cpus) == shortest


def test_a_disk_on_scsi_has_a_virtio_scsi_controller_of_its_own_in_the_slot_it_had():
    edited = edit_definition(LAB, {"vm.disk.bus": "scsi"})
    disk = element(edited, "devices/disk")
    assert disk.find("target").attrib == {"dev": "sda", "bus": "scsi"}
    assert disk.find("address").attrib == {
        "type": "drive",
        "controller": "0",
        "bus": "0",
        "target": "0",
        "unit": "0",
    }
    controller = element(edited, "devices/controller[@type='scsi']")
    assert (controller.get("model"), controller.get("index")) == ("virtio-scsi", "0")
    assert controller.find("address").attrib == element(LAB, "devices/disk/address").attrib


def test_the_kernel_that_the_hypervisor_boots_is_told_the_new_name_of_its_root():
    line = element(edit_definition(LAB, {"vm.disk.bus": "sata"}), "os/cmdline").text
    assert line == element(LAB, "os/cmdline").text.replace("root=/dev/vda", "root=/dev/sda")


def test_a_moved_disk_is_still_known_by_its_former_name_and_by_being_the_first():
    moved = edit_definition(DOMAINS["ceph_and_iscsi"], {"vm.disk.bus": "sata"}, About("vdb"))
    assert read_definition(moved, About("vdb")).disk == "sdb"
    assert read_definition(moved, About("sdb")).disk == "sdb"
    assert read_definition(moved).disk == "vda"
    with pytest.raises(UnsuitableMachine, match=r"no disk vdx\."):
        read_definition(moved, About("vdx"))
    first = edit_definition(DOMAINS["ceph_and_iscsi"], {"vm.disk.bus": "sata"})
    # libvirt sorts by name what is on one bus.
    swapped = ET.fromstring(first)
    devices = swapped.find("devices")
    disk = next(each for each in devices if each.tag == "disk" and each.find("target").get("bus") == "sata")
    devices.remove(disk)
    devices.append(disk)
    text = ET.tostring(swapped, encoding="unicode")
    assert values(text)["vm.disk.bus"] == "sata"
    back = edit_definition(text, {"vm.disk.bus": "virtio"})
    assert read_definition(back).disk == "vda"


def test_over_a_third_bus_a_disk_comes_back_to_where_it_was():
    away = edit_definition(edit_definition(LAB, {"vm.disk.bus": "scsi"}), {"vm.disk.bus": "sata"})
    assert not ET.fromstring(away).findall("devices/controller[@type='scsi']")
    back = edit_definition(away, {"vm.disk.bus": "virtio"})
    assert ET.canonicalize(back, strip_text=True) == ET.canonicalize(LAB, strip_text=True)


def test_iothread_and_queues_go_along_to_the_scsi_controller():
    threaded = edit_definition(LAB, {"vm.disk.iothread": True, "vm.disk.queues": 3})
    moved = edit_definition(threaded, {"vm.disk.bus": "scsi"})
    assert element(moved, "devices/controller[@type='scsi']/driver").attrib == {"queues": "3", "iothread": "1"}
    assert (values(moved)["vm.disk.iothread"], values(moved)["vm.disk.queues"]) == (True, 3)
    assert edit_definition(moved, {"vm.disk.bus": "virtio"}).count("iothread='") == threaded.count("iothread='")


@pytest.mark.parametrize(
    ("machine", "target", "expected"),
    [
        (
            "direct_kernel",
            {"vm.disk.bus": "sata", "vm.disk.iothread": True},
            "disk vda would be on bus sata; only buses",
        ),
        ("tuned", {"vm.disk.bus": "sata"}, "It has one now: set vm.disk.iothread to false as well."),
        ("q35_server", {"vm.disk.bus": "sata"}, "It has 2 now: set vm.disk.queues to 1 as well."),
        ("q35_uefi_tpm", {"vm.disk.queues": 2}, "vm.disk.queues: disk sda is on bus sata; only buses"),
        ("q35_uefi_tpm", {"vm.network.queues": 2}, "the card would be e1000e; only virtio has more than one queue."),
        ("q35_server", {"vm.network.model": "e1000"}, "It has 4 now: set vm.network.queues to 1 as well."),
        ("qemu_commandline", {"vm.network.queues": 2}, "an interface of type user has only one queue."),
        ("qemu_commandline", {"vm.network.inbound_mbit_per_second": 9}, "cannot limit an interface of type user."),
        ("ceph_and_iscsi", {"vm.disk.total_iops": 100}, "100 excludes vm.disk.read_iops 2000"),
        ("tuned", {"vm.disk.write_iops": 9000}, "allows bursts of 5000 (write_iops_sec_max)"),
        ("direct_kernel", {"vm.memory.maximum_mib": 512}, "512 is less than vm.memory_mib, which would be 1024."),
        (
            "s390",
            {"vm.memory.maximum_mib": 4096},
            "without a balloon device the machine's memory is always its maximum",
        ),
        ("numa_cells", {"vm.memory.maximum_mib": 20000}, "guest NUMA cells"),
        ("numa_cells", {"vm.vcpus": 5}, "guest NUMA cells"),
        ("xen_pv", {"vm.disk.cache": "none"}, "libvirt has no such thing for machines of type xen."),
        ("xen_pv", {"vm.cpu.shares": 5}, "libvirt has no such thing for machines of type xen."),
        ("diskless", {"vm.disk.bus": "sata", "vm.network.model": "e1000"}, "the machine has no network interface."),
    ],
)
def test_what_a_machine_cannot_have_is_told(machine, target, expected):
    faults = impossible(DOMAINS[machine], target, HOST)
    assert any(expected in fault for fault in faults), faults
    assert all(fault.startswith("vm.") and fault.endswith(".") for fault in faults)


def test_every_fault_is_told_at_once():
    target = {"vm.disk.bus": "sata", "vm.disk.total_iops": 5, "vm.disk.read_iops": 6, "vm.network.model": "e1000"}
    names = [fault.split(":")[0] for fault in impossible(DOMAINS["q35_server"], target, HOST)]
    assert names == ["vm.disk.queues", "vm.disk.total_iops", "vm.network.queues"]


def test_a_disk_that_the_machine_boots_from_by_order_never_gets_behind_another():
    by_order = DOMAINS["q35_server"].replace("<boot order='1'/>", "").replace(" queues='2'", "")
    (fault,) = impossible(by_order, {"vm.disk.bus": "scsi"}, HOST)
    assert "disk vda would be sdb behind sda, and the machine boots from the first disk." in fault
    assert not impossible(DOMAINS["q35_server"], {"vm.disk.bus": "scsi"}, HOST)


def test_each_vcpu_on_a_cpu_of_its_own_in_turn():
    edited = edit_definition(LAB, {"vm.vcpus": 10, "vm.cpu.pinning": "one_to_one"}, HOST)
    assert list(pins(edited).values()) == ["0", "1", "2", "3", "4", "5", "6", "7", "0", "1"]


def test_cpus_that_the_owner_has_left_out_stay_out():
    edited = edit_definition(LAB.replace("<vcpu ", "<vcpu cpuset='2,6-7' "), {"vm.cpu.pinning": "one_to_one"}, HOST)
    assert pins(edited) == {"0": "2", "1": "6"}


def test_all_vcpus_on_the_node_of_the_memory_else_on_the_first():
    assert pins(edit_definition(LAB, {"vm.cpu.pinning": "numa_node"}, HOST)) == {"0": "0-3", "1": "0-3"}
    bound = LAB.replace("<os>", "<numatune><memory mode='strict' nodeset='1'/></numatune><os>")
    assert pins(edit_definition(bound, {"vm.cpu.pinning": "numa_node"}, HOST)) == {"0": "4-7", "1": "4-7"}


def test_one_node_is_none_to_choose_from():
    (fault,) = impossible(LAB, {"vm.cpu.pinning": "numa_node"}, About(nodes=((0, 1),)))
    assert fault == "vm.cpu.pinning: numa_node is not possible: the host has no NUMA nodes to choose from, only one."
    (fault,) = impossible(LAB, {"vm.cpu.pinning": "one_to_one"})
    assert "libvirt does not say which CPUs the host has" in fault


def test_added_vcpus_are_pinned_like_the_others_which_keep_their_cpus():
    xml = LAB.replace("<os>", "<cputune><vcpupin vcpu='0' cpuset='5'/><vcpupin vcpu='1' cpuset='3'/></cputune><os>", 1)
    assert values(xml)["vm.cpu.pinning"] == "one_to_one"
    edited = edit_definition(xml, {"vm.vcpus": 4}, HOST)
    assert pins(edited) == {"0": "5", "1": "3", "2": "0", "3": "1"}
    assert values(edited)["vm.cpu.pinning"] == "one_to_one"


def test_the_owners_pins_come_back_with_the_kind_they_were():
    xml = DOMAINS["tuned"]
    host = About(nodes=(tuple(range(8)), tuple(range(8, 16))))
    assert values(xml, host)["vm.cpu.pinning"] == "one_to_one"
    freed = edit_definition(xml, {"vm.cpu.pinning": "none"}, host)
    assert pins(freed) == {}
    assert pins(edit_definition(freed, {"vm.cpu.pinning": "one_to_one"}, host)) == pins(xml)


def test_pins_of_no_kind_are_custom():
    xml = LAB.replace("<os>", "<cputune><vcpupin vcpu='0' cpuset='5-6'/></cputune><os>", 1)
    assert values(xml)["vm.cpu.pinning"] == "custom"


@pytest.mark.parametrize(
    ("style", "shape", "most"),
    [("sockets", ("3", "1", "1"), "3"), ("cores", ("1", "3", "1"), "3"), ("threads", ("1", "2", "2"), "4")],
)
def test_topology_holds_all_vcpus_and_threads_come_in_pairs(style, shape, most):
    xml = LAB.replace("<cpu ", "<cpu id='x' ").replace("</cpu>", "<topology sockets='2' cores='1' threads='1'/></cpu>")
    edited = edit_definition(edit_definition(xml, {"vm.vcpus": 3}), {"vm.cpu.topology": style})
    topology = element(edited, "cpu/topology")
    assert tuple(topology.get(part) for part in ("sockets", "cores", "threads")) == shape
    assert (element(edited, "vcpu").text, values(edited)["vm.vcpus"]) == (most, 3)


def test_growing_keeps_the_style():
    for style in ("sockets", "cores", "threads"):
        xml = edit_definition(LAB, {"vm.vcpus": 4, "vm.cpu.topology": style})
        assert values(edit_definition(xml, {"vm.vcpus": 7}))["vm.cpu.topology"] == style


def test_quota_keeps_the_owners_period_unless_that_is_too_short_for_it():
    xml = DOMAINS["tuned"]
    assert values(xml)["vm.cpu.quota_percent"] == 80
    edited = edit_definition(xml, {"vm.cpu.quota_percent": 20})
    assert (element(edited, "cputune/quota").text, element(edited, "cputune/period").text) == ("10000", "50000")
    edited = edit_definition(xml, {"vm.cpu.quota_percent": 1})
    assert (element(edited, "cputune/quota").text, element(edited, "cputune/period").text) == ("1000", "100000")


def test_bandwidth_is_in_thousands_of_bytes():
    edited = edit_definition(LAB, {"vm.network.inbound_mbit_per_second": 100})
    assert element(edited, "devices/interface/bandwidth/inbound").attrib == {"average": "12500"}
    assert values(DOMAINS["q35_server"])["vm.network.inbound_mbit_per_second"] == 1000


def test_the_interface_can_be_chosen_by_its_address():
    router = DOMAINS["several_interfaces"]
    assert values(router)["vm.network.model"] == "e1000"
    assert values(router, About(interface="52:54:00:00:00:21"))["vm.network.queues"] == 2
    with pytest.raises(UnsuitableMachine, match=r"no interface with the MAC address 1:2\. It has: 52:54:00:00:00:20, "):
        values(router, About(interface="1:2"))


def test_boot_parameters_are_words_of_the_command_line():
    names = ["kernel.boot.mitigations", "kernel.boot.quiet", "kernel.boot.net.ifnames", "kernel.boot.my.text"]
    read = read_definition(LAB, boot=[*names, "kernel.boot.nosmt"]).values()
    assert [read[name] for name in names] == ["auto", True, 0, "two words"]
    assert read["kernel.boot.nosmt"] is False
    target = {"kernel.boot.mitigations": "off", "kernel.boot.quiet": False, "kernel.boot.nvme.poll_queues": 2}
    edited = edit_definition(LAB, target)
    assert element(edited, "os/cmdline").text == (
        "root=/dev/vda rw net.ifnames=0 console=tty0 console=ttyS0,115200 mitigations=off "
        '"my.text=two words" nvme.poll_queues=2'
    )
    assert edit_definition(edited, {**target, "kernel.boot.quiet": "default"}) is edited


def test_boot_parameters_stay_before_what_is_for_init():
    edited = edit_definition(DOMAINS["xen_pv"], {"kernel.boot.quiet": True})
    assert element(edited, "os/cmdline").text == (
        'root=/dev/xvda1 ro  console=hvc0   "dyndbg=file drivers/usb/* +p" quiet -- single'
    )


def test_a_machine_with_a_boot_loader_of_its_own_has_no_boot_parameters():
    xml = DOMAINS["q35_server"]
    assert "kernel.boot.quiet" not in read_definition(xml, boot=["kernel.boot.quiet"]).values()


def test_words_that_are_there_several_times_do_not_all_go():
    (fault,) = impossible(LAB, {"kernel.boot.console": "default"})
    assert fault.startswith("kernel.boot.console: stands 2 times on the kernel command line;")
    edited = edit_definition(LAB, {"kernel.boot.console": "ttyS1"})
    assert "console=tty0 console=ttyS1 " in element(edited, "os/cmdline").text


def test_a_line_that_the_kernel_would_cut_off_is_told():
    (fault,) = impossible(LAB, {"kernel.boot.x": "y" * 3000})
    assert "only 2047 are sure to be read." in fault
