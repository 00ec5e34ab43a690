# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated machine is before anything is applied: a small virtual machine with the defaults of Debian."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.changes import Value
from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.parameters import (
    CPU_PINNING,
    CPU_QUOTA_PERCENT,
    CPU_SHARES,
    CPU_TOPOLOGY,
    DISK_BUS,
    DISK_CACHE,
    DISK_CLASS,
    DISK_DISCARD,
    DISK_IO,
    DISK_IOTHREAD,
    DISK_LIMITS,
    DISK_QUEUES,
    MEMORY_HUGEPAGES,
    MEMORY_MAXIMUM_MIB,
    MEMORY_MIB,
    NETWORK_LIMITS,
    NETWORK_MODEL,
    NETWORK_QUEUES,
    VCPUS,
)
from ansible_collections.evolve.vm.plugins.module_utils.tunables.sysctl import PREFIX

MACHINE: dict[str, Value] = {
    VCPUS: 2,
    MEMORY_MIB: 1024,
    DISK_CACHE: "writeback",
    DISK_IO: "threads",
    DISK_IOTHREAD: False,
    CPU_TOPOLOGY: "sockets",
    CPU_PINNING: "none",
    CPU_SHARES: 100,
    CPU_QUOTA_PERCENT: 0,
    MEMORY_MAXIMUM_MIB: 4096,
    MEMORY_HUGEPAGES: False,
    DISK_CLASS: "hdd",
    DISK_BUS: "virtio",
    DISK_QUEUES: 1,
    DISK_DISCARD: "ignore",
    **dict.fromkeys(DISK_LIMITS, 0),
    NETWORK_MODEL: "virtio",
    NETWORK_QUEUES: 1,
    **dict.fromkeys(NETWORK_LIMITS, 0),
}

#: The classes of disks that the simulated host has.
DISK_CLASSES = ("hdd", "ssd")


class Sysctl(NamedTuple):
    """A kernel parameter: its value after a start, and what the kernel accepts: a range, or a list of words."""

    default: Value
    minimum: int = 0
    maximum: int = 2**31 - 1
    words: tuple[str, ...] = ()

    def accepts(self, value: Value) -> bool:
        """Whether the kernel takes this value."""
        if isinstance(self.default, int):
            return isinstance(value, int) and self.minimum <= value <= self.maximum
        return value in self.words


SYSCTLS: dict[str, Sysctl] = {
    "fs.aio-max-nr": Sysctl(65536),
    "fs.inotify.max_user_watches": Sysctl(8192),
    "kernel.numa_balancing": Sysctl(0, maximum=1),
    "kernel.pid_max": Sysctl(32768, minimum=301, maximum=4194304),
    "kernel.sched_autogroup_enabled": Sysctl(1, maximum=1),
    "kernel.timer_migration": Sysctl(1, maximum=1),
    "kernel.watchdog_thresh": Sysctl(10, maximum=60),
    "net.core.default_qdisc": Sysctl("pfifo_fast", words=("fq", "fq_codel", "pfifo_fast")),
    "net.core.netdev_max_backlog": Sysctl(1000),
    "net.core.rmem_max": Sysctl(212992, minimum=2304),
    "net.core.somaxconn": Sysctl(4096),
    "net.core.wmem_max": Sysctl(212992, minimum=4608),
    "net.ipv4.tcp_congestion_control": Sysctl("cubic", words=("bbr", "cubic", "reno")),
    "net.ipv4.tcp_fin_timeout": Sysctl(60),
    "vm.compaction_proactiveness": Sysctl(20, maximum=100),
    "vm.dirty_background_ratio": Sysctl(10, maximum=100),
    "vm.dirty_expire_centisecs": Sysctl(3000),
    "vm.dirty_ratio": Sysctl(20, maximum=100),
    "vm.dirty_writeback_centisecs": Sysctl(500),
    "vm.max_map_count": Sysctl(65530),
    "vm.min_free_kbytes": Sysctl(45056),
    "vm.nr_hugepages": Sysctl(0),
    "vm.overcommit_memory": Sysctl(0, maximum=2),
    "vm.overcommit_ratio": Sysctl(50),
    "vm.page-cluster": Sysctl(3, maximum=31),
    "vm.stat_interval": Sysctl(1),
    "vm.swappiness": Sysctl(60, maximum=200),
    "vm.vfs_cache_pressure": Sysctl(100),
    "vm.watermark_scale_factor": Sysctl(10, minimum=1, maximum=3000),
    "vm.zone_reclaim_mode": Sysctl(0, maximum=7),
}

#: A value for every parameter that a simulated machine knows.
BASELINE: dict[str, Value] = {**MACHINE, **{PREFIX + key: sysctl.default for key, sysctl in SYSCTLS.items()}}
