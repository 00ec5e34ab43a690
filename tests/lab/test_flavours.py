# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labs can be besides small: storage pools, other buses and network cards, applications, GRUB."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import NAME, SMALL, ansible, lab_playbook
from .labs import Lab, virsh

SSD, HDD = f"{NAME}-ssd", f"{NAME}-hdd"
CUSTOM = """
menuentry 'once' --id evolve-once {{
  search --no-floppy --fs-uuid --set=root {uuid}
  linux {kernel} {arguments} evolve_once
  initrd {initrd}
}}
"""


@contextmanager
def hardware(lab: Lab, slot: str, bus: str, network: str) -> Iterator[None]:
    """The slot with its disk on another bus and another network card, and then as it was."""
    before = virsh("dumpxml", "--inactive", lab.domain(slot))
    machine = ET.fromstring(before)
    for disk in machine.findall("devices/disk"):
        for address in disk.findall("address"):
            disk.remove(address)
    for target in machine.findall("devices/disk/target"):
        target.attrib.update(bus=bus, dev="sda")
    for devices in machine.findall("devices") if bus == "scsi" else []:
        ET.SubElement(devices, "controller", type="scsi", model="virtio-scsi")
    for model in machine.findall("devices/interface/model"):
        model.set("type", network)
    try:
        lab.redefine(slot, ET.tostring(machine, encoding="unicode"))
        yield
    finally:
        lab.redefine(slot, before)


def in_use(lab: Lab, slot: str) -> tuple[str, str]:
    """What drives the disk that holds / and the network card: the name of the disk and the card's driver."""
    found = lab.shell(slot, "findmnt -no SOURCE /; basename $(readlink /sys/class/net/eth0/device/driver)")
    disk, driver = found.split()
    return disk, driver


def test_disks_are_volumes_of_a_pool(lab: Path) -> None:
    for pool, folder in ((SSD, "ssd"), (HDD, "hdd")):
        assert re.search(r"State: +running\n.*Autostart: +yes", virsh("pool-info", pool), re.DOTALL)
        assert f"<path>{SMALL.directory}/pools/{folder}</path>" in virsh("pool-dumpxml", pool)
    for slot in ("slot-1", "slot-2"):
        disk = virsh("domblklist", "--details", SMALL.domain(slot)).split()[-1]
        assert virsh("vol-pool", disk) == SSD
        volume = virsh("vol-dumpxml", disk)
        assert "<format type='qcow2'/>" in volume
        assert re.search(rf"<backingStore>\s*<path>{SMALL.directory}/image/\w+/disk.raw</path>", volume)
    variables = json.loads(ansible("ansible-inventory", "--host", "slot-1").stdout)
    assert variables["evolve_disk_classes"] == {"ssd": SSD, "hdd": HDD}


def test_pool_of_somebody_else_is_left_alone(lab: Path, tmp_path: Path) -> None:
    virsh("pool-destroy", HDD)
    virsh("pool-undefine", HDD)
    virsh("pool-define-as", HDD, "dir", "--target", str(tmp_path))
    theirs = virsh("pool-dumpxml", HDD)
    try:
        run = lab_playbook(lab_slots=2)
        assert run.returncode != 0
        assert f"libvirt has a storage pool {HDD} that is not the lab's" in " ".join(run.stdout.split())
        assert virsh("pool-dumpxml", HDD) == theirs
    finally:
        virsh("pool-undefine", HDD)
    run = lab_playbook("-v", lab_slots=2)
    # It is defined, started and set to be started.
    assert "changed=3 " in run.stdout, run.stdout
    assert f"<path>{SMALL.directory}/pools/hdd</path>" in virsh("pool-dumpxml", HDD)


def test_small_guest_comes_up_on_scsi(lab: Path) -> None:
    with hardware(SMALL, "slot-2", "scsi", "virtio"):
        assert in_use(SMALL, "slot-2") == ("/dev/sda", "virtio_net")
    assert in_use(SMALL, "slot-2") == ("/dev/vda", "virtio_net")


@pytest.mark.parametrize(("bus", "model", "driver"), [("sata", "e1000e", "e1000e"), ("scsi", "rtl8139", "8139cp")])
def test_guest_with_the_generic_kernel_comes_up_on(applications_lab: Lab, bus: str, model: str, driver: str) -> None:
    with hardware(applications_lab, "slot-1", bus, model):
        assert in_use(applications_lab, "slot-1") == ("/dev/sda1", driver)
        assert "BOOT_IMAGE=" in applications_lab.shell("slot-1", "cat /proc/cmdline")


def test_guest_boots_by_grub_from_its_own_disk(applications_lab: Lab) -> None:
    shell: Callable[[str], str] = lambda command: applications_lab.shell("slot-1", command)  # noqa: E731
    assert "<kernel>" not in virsh("dumpxml", applications_lab.domain("slot-1"))
    arguments = shell("cat /proc/cmdline").split()
    assert arguments[0].startswith("BOOT_IMAGE=/boot/vmlinuz-")
    assert shell("hostname") == "slot-1"
    # The configuration is what the guest would make of it by itself.
    made = shell("cat /boot/grub/grub.cfg")
    shell("update-grub")
    assert shell("cat /boot/grub/grub.cfg") == made

    uuid = arguments[1].rpartition("=")[2]
    kernel = arguments[0].partition("=")[2]
    initrd = kernel.replace("vmlinuz", "initrd.img")
    entry = CUSTOM.format(uuid=uuid, kernel=kernel, initrd=initrd, arguments=" ".join(arguments[1:]))
    shell(f"cat >/boot/grub/custom.cfg <<'END'\n{entry}END\ngrub-reboot evolve-once; sync")
    assert "next_entry=evolve-once" in shell("grub-editenv list")
    applications_lab.reboot("slot-1")
    assert "evolve_once" in shell("cat /proc/cmdline").split()
    assert shell("grub-editenv list") == "next_entry="
    applications_lab.reboot("slot-1")
    assert shell("cat /proc/cmdline").split() == arguments
    shell("rm /boot/grub/custom.cfg; sync")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("su postgres -c 'psql -Atc \"select 1\"'", "1"),
        ("mysql -NBe 'select 1'", "1"),
        ("redis-cli ping", "PONG"),
        ("python3 -c 'from urllib.request import *; print(urlopen(\"http://127.0.0.1/\").status)'", "200"),
        ("python3 -c 'from urllib.request import *; print(urlopen(\"http://127.0.0.1:8080/\").read().decode())'", "ok"),
        ("jcmd EvolveJava VM.flags | grep -o -- -XX:MaxHeapSize=67108864", "-XX:MaxHeapSize=67108864"),
    ],
    ids=["postgresql", "mysql", "redis", "nginx", "jvm", "jvm's flags"],
)
def test_application_answers(applications_lab: Lab, command: str, answer: str) -> None:
    assert applications_lab.shell("slot-1", command) == answer
