# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What labs can be besides small: storage pools, other buses and network cards, applications, GRUB."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
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


def with_hardware(definition: str, bus: str, network: str) -> str:
    """The definition with its disk on another bus, and another network card."""
    machine = ET.fromstring(definition)
    for disk in machine.findall("devices/disk"):
        for address in disk.findall("address"):
            disk.remove(address)
    for target in machine.findall("devices/disk/target"):
        target.attrib.update(bus=bus, dev="sda")
    for model in machine.findall("devices/interface/model"):
        model.set("type", network)
    return ET.tostring(machine, encoding="unicode")


@contextmanager
def put_back(lab: Lab, slot: str) -> Iterator[str]:
    """The slot has the definition it had before, in the end."""
    before = virsh("dumpxml", "--inactive", lab.domain(slot))
    try:
        yield before
    finally:
        lab.redefine(slot, before)


def in_use(lab: Lab, slot: str) -> tuple[str, str]:
    """What drives the disk that holds / and the network card: the name of the disk and the card's driver."""
    found = lab.shell(slot, "findmnt -no SOURCE /; basename $(readlink /sys/class/net/eth0/device/driver)")
    disk, driver = found.split()
    return disk, driver


def huge_pages_in_use() -> int:
    sizes = dict(re.findall(r"HugePages_(\w+): +(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8")))
    return int(sizes["Total"]) - int(sizes["Free"])


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


def test_grub_boots_an_entry_once_and_then_the_usual_one_on_any_hardware(applications_lab: Lab) -> None:
    def shell(command: str) -> str:
        return applications_lab.shell("slot-1", command)

    assert "<kernel>" not in virsh("dumpxml", applications_lab.domain("slot-1"))
    usual = shell("cat /proc/cmdline").split()
    assert usual[0].startswith("BOOT_IMAGE=/boot/vmlinuz-")
    assert shell("hostname") == "slot-1"
    # The configuration is what the guest would make of it by itself.
    made = shell("cat /boot/grub/grub.cfg")
    shell("update-grub")
    assert shell("cat /boot/grub/grub.cfg") == made

    kernel, uuid = (argument.rpartition("=")[2] for argument in usual[:2])
    initrd = kernel.replace("vmlinuz", "initrd.img")
    entry = CUSTOM.format(uuid=uuid, kernel=kernel, initrd=initrd, arguments=" ".join(usual[1:]))
    shell(f"cat >/boot/grub/custom.cfg <<'END'\n{entry}END\ngrub-reboot evolve-once")
    assert "next_entry=evolve-once" in shell("grub-editenv list")
    applications_lab.reboot("slot-1")
    assert shell("cat /proc/cmdline").split() == [*usual, "evolve_once"]
    assert shell("grub-editenv list") == "next_entry="

    with put_back(applications_lab, "slot-1") as definition:
        huge = definition.replace("<os>", "<memoryBacking><hugepages/></memoryBacking><os>")
        applications_lab.redefine("slot-1", with_hardware(huge, "sata", "rtl8139"))
        assert in_use(applications_lab, "slot-1") == ("/dev/sda1", "8139cp")
        assert shell("cat /proc/cmdline").split() == usual
        assert huge_pages_in_use() == 512
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
