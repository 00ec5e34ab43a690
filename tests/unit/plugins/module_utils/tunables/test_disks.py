# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk holds / : partitions, mapped devices, arrays, file systems on no disk."""

from __future__ import annotations

import os

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.disks import Disks
from ansible_collections.evolve.vm.plugins.module_utils.tunables.errors import TunablesError


@pytest.fixture
def disks(machine):
    return Disks(str(machine.root / "proc"), str(machine.root / "sys"))


def mapped(machine, name, number, *below):
    folder = machine.device(f"devices/virtual/block/{name}", number)
    (folder / "dm").mkdir()
    for device in below:
        machine.link(
            f"sys/devices/virtual/block/{name}/slaves/{device}", (machine.root / "sys/class/block" / device).resolve()
        )


def test_a_partition_is_on_its_disk(disks):
    assert disks.root_disk() == "vda"


def test_a_whole_disk(machine, disks):
    machine.mounted("22 1 254:16 / / rw - ext4 /dev/root rw")
    assert disks.root_disk() == "vdb"


def test_what_is_mounted_last_is_seen(machine, disks):
    machine.mounted("1 1 0:2 / / rw - rootfs rootfs rw", "22 1 254:16 / / rw - ext4 /dev/vdb rw")
    assert disks.root_disk() == "vdb"


def test_a_mapped_device_on_one_disk(machine, disks):
    mapped(machine, "dm-0", "253:0", "vda1")
    mapped(machine, "dm-1", "253:1", "dm-0")
    machine.mounted("22 1 253:1 / / rw - ext4 /dev/mapper/vg-root rw")
    assert disks.root_disk() == "vda"


def test_a_mapped_device_on_several_disks_is_told_with_their_names(machine, disks):
    mapped(machine, "dm-0", "253:0", "vda1", "vdb")
    machine.mounted("22 1 253:0 / / rw - ext4 /dev/mapper/vg-root rw")
    with pytest.raises(TunablesError, match=r"/ stands on several disks\. Name one instead of root: vda, vdb\."):
        disks.root_disk()
    (fault,) = machine.kernel.faults({"kernel.sysfs.block.root.queue.scheduler": "none"}, [])
    assert fault.startswith("kernel.sysfs.block.root.queue.scheduler: / stands on several disks.")


def test_btrfs_names_its_device(machine, disks):
    machine.mounted("22 1 0:31 /@ / rw - btrfs /dev/vda1 rw")
    assert disks.root_disk() == "vda"


def test_a_file_system_on_no_disk_is_told(machine, disks):
    machine.mounted("22 1 0:31 / / rw - overlay overlay rw,lowerdir=/a - b")
    with pytest.raises(
        TunablesError, match=r"/ \(overlay, overlay\) is on no disk .* Name a disk instead of root: vda, vdb"
    ):
        disks.root_disk()


def test_which_file_system_holds_a_path(machine, disks):
    assert disks.mount_of("/mnt/with space/x").source == "/dev/vdb"
    assert disks.mount_of("/mnt/with").point == "/"
    assert disks.mount_of("/procedure").point == "/"
    assert disks.mount_of("/proc/cmdline").kind == "proc"


def test_this_machine():
    mount = Disks().mount_of("/")
    assert mount.point == "/"
    assert os.stat("/").st_dev == os.makedev(*map(int, mount.device.split(":")))
