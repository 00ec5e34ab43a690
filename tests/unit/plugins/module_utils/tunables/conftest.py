# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of plain files: enough of /proc, /sys and /boot for the tunables to be read, written and prepared."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.tunables.kernel import LinuxKernel
from ansible_collections.evolve.vm.plugins.module_utils.tunables.tuning import tune_kernel

FIXTURES = Path(__file__).parent / "fixtures"
COMMAND_LINE = "root=/dev/vda ro console=tty0 console=ttyS0,115200 quiet"


class Machine:
    """A folder that stands for / of a machine with two CPUs (a third is not at work) and / on a partition of vda."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounted(
            "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
            "23 22 0:21 / /proc rw - proc proc rw",
            "24 22 254:16 / /mnt/with\\040space rw - ext4 /dev/vdb rw",
        )
        self.write("proc/cmdline", COMMAND_LINE + "\n")
        self.boots("first")
        for key, value, mode in [
            ("vm/swappiness", "60\n", 0o644),
            ("vm/dirty_ratio", "20\n", 0o644),
            ("vm/dirty_bytes", "0\n", 0o644),
            ("vm/compact_memory", "", 0o200),
            ("net/ipv4/tcp_rmem", "4096\t131072\t6291456\n", 0o644),
            ("net/ipv4/conf/eth0.100/rp_filter", "0\n", 0o644),
            ("kernel/ostype", "Linux\n", 0o444),
        ]:
            self.write(f"proc/sys/{key}", value, mode)
        self.write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
        for disk in ("vda", "vdb"):
            self.disk(disk, {"vda": "254:0", "vdb": "254:16"}[disk])
            self.write(f"sys/devices/pci/block/{disk}/queue/scheduler", "[none] mq-deadline\n")
            self.write(f"sys/devices/pci/block/{disk}/queue/read_ahead_kb", "128\n")
            self.write(f"sys/devices/pci/block/{disk}/queue/rotational", "0\n", 0o444)
        self.device("devices/pci/block/vda/vda1", "254:1")
        self.write("sys/devices/pci/block/vda/vda1/partition", "1\n")
        self.device("devices/virtual/block/loop0", "7:0")
        for cpu in range(3):
            self.write(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "powersave\n")
        self.write("sys/devices/system/cpu/cpu2/online", "0\n")
        for parameter, value, mode in [
            ("zswap/parameters/enabled", "N\n", 0o644),
            ("zswap/parameters/compressor", "lzo\n", 0o644),
            ("virtio_blk/parameters/queue_depth", "64\n", 0o444),
            ("workqueue/parameters/power_efficient", "N\n", 0o444),
            ("pcie_aspm/parameters/policy", "[default] performance powersave\n", 0o644),
            ("bare/refcnt", "1\n", 0o444),
        ]:
            self.write(f"sys/module/{parameter}", value, mode)

    def write(self, path: str, content: str, mode: int = 0o644) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def mounted(self, *lines: str) -> None:
        self.write("proc/self/mountinfo", "".join(f"{line}\n" for line in lines))

    def disk(self, name: str, number: str) -> None:
        self.device(f"devices/pci/block/{name}", number)
        (self.root / f"sys/devices/pci/block/{name}/device").mkdir(exist_ok=True)

    def device(self, path: str, number: str) -> Path:
        """A block device with its number, as /sys has it."""
        folder = self.root / "sys" / path
        folder.mkdir(parents=True, exist_ok=True)
        for link in (f"sys/dev/block/{number}", f"sys/class/block/{folder.name}"):
            self.link(link, folder)
        if folder.parent.name == "block":
            self.link(f"sys/block/{folder.name}", folder)
        return folder

    def link(self, path: str, target: Path) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        if not (self.root / path).exists():
            (self.root / path).symlink_to(target)

    def schedulers(self, alias: str, dependencies: str) -> None:
        folder = f"lib/modules/{platform.release()}"
        self.write(f"{folder}/modules.alias", alias)
        self.write(f"{folder}/modules.dep", dependencies)

    def boots(self, number: str) -> None:
        self.write("proc/sys/kernel/random/boot_id", f"{number}\n")

    def with_grub(self, fixture: str, folder: str = "boot/grub") -> None:
        """A GRUB that has started this machine."""
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(FIXTURES / f"{fixture}.out", self.root / folder / "grub.cfg")
        self.write("proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-6.1.0-44-cloud-amd64 {COMMAND_LINE}\n")

    @property
    def kernel(self) -> LinuxKernel:
        return LinuxKernel(str(self.root))

    def tune(self, configuration=None, check_mode=False, **options):
        """The result of the module with these options."""
        given = {"parameters": None, "state": "applied", "stage": "all", "boot_loader": "auto", **options}
        return tune_kernel(self.kernel, {"configuration": configuration or {}, **given}, check_mode)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)
