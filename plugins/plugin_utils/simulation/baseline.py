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
from ansible_collections.evolve.vm.plugins.module_utils.tunables.names import BOOT, MODULE, SYSCTL, SYSFS

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


class Tunable(NamedTuple):
    """A kernel parameter: its value after a start, and what the kernel accepts: a range, words, or true and false.

    listed: its words stand in its file, so that any other is a fault before it is written. live: it takes no restart.
    """

    default: Value
    minimum: int = 0
    maximum: int = 2**31 - 1
    words: tuple[str, ...] = ()
    listed: bool = False
    live: bool = True

    def accepts(self, value: Value) -> bool:
        """Whether the kernel takes this value."""
        if isinstance(self.default, bool):
            return isinstance(value, bool)
        if isinstance(self.default, int):
            return isinstance(value, int) and self.minimum <= value <= self.maximum
        return value in self.words


SYSCTLS: dict[str, Tunable] = {
    "fs.aio-max-nr": Tunable(65536),
    "fs.inotify.max_user_watches": Tunable(8192),
    "kernel.numa_balancing": Tunable(0, maximum=1),
    "kernel.pid_max": Tunable(32768, minimum=301, maximum=4194304),
    "kernel.sched_autogroup_enabled": Tunable(1, maximum=1),
    "kernel.timer_migration": Tunable(1, maximum=1),
    "kernel.watchdog_thresh": Tunable(10, maximum=60),
    "net.core.default_qdisc": Tunable("pfifo_fast", words=("fq", "fq_codel", "pfifo_fast")),
    "net.core.netdev_max_backlog": Tunable(1000),
    "net.core.rmem_max": Tunable(212992, minimum=2304),
    "net.core.somaxconn": Tunable(4096),
    "net.core.wmem_max": Tunable(212992, minimum=4608),
    "net.ipv4.tcp_congestion_control": Tunable("cubic", words=("bbr", "cubic", "reno")),
    "net.ipv4.tcp_fin_timeout": Tunable(60),
    "vm.compaction_proactiveness": Tunable(20, maximum=100),
    "vm.dirty_background_ratio": Tunable(10, maximum=100),
    "vm.dirty_expire_centisecs": Tunable(3000),
    "vm.dirty_ratio": Tunable(20, maximum=100),
    "vm.dirty_writeback_centisecs": Tunable(500),
    "vm.max_map_count": Tunable(65530),
    "vm.min_free_kbytes": Tunable(45056),
    "vm.nr_hugepages": Tunable(0),
    "vm.overcommit_memory": Tunable(0, maximum=2),
    "vm.overcommit_ratio": Tunable(50),
    "vm.page-cluster": Tunable(3, maximum=31),
    "vm.stat_interval": Tunable(1),
    "vm.swappiness": Tunable(60, maximum=200),
    "vm.vfs_cache_pressure": Tunable(100),
    "vm.watermark_scale_factor": Tunable(10, minimum=1, maximum=3000),
    "vm.zone_reclaim_mode": Tunable(0, maximum=7),
}

_QUEUE = f"{SYSFS}block.root.queue."
_HUGEPAGE = f"{SYSFS}kernel.mm.transparent_hugepage."

#: Those that are no sysctl, by their whole names. On the command line there may be any other, too.
TUNABLES: dict[str, Tunable] = {
    f"{SYSFS}kernel.mm.ksm.run": Tunable(0, maximum=2),
    f"{_HUGEPAGE}defrag": Tunable(
        "madvise", words=("always", "defer", "defer+madvise", "madvise", "never"), listed=True
    ),
    f"{_HUGEPAGE}enabled": Tunable("always", words=("always", "madvise", "never"), listed=True),
    f"{_HUGEPAGE}khugepaged.defrag": Tunable(1, maximum=1),
    f"{_HUGEPAGE}khugepaged.max_ptes_none": Tunable(511, maximum=511),
    f"{_HUGEPAGE}khugepaged.pages_to_scan": Tunable(4096, minimum=1),
    f"{_HUGEPAGE}khugepaged.scan_sleep_millisecs": Tunable(10000),
    f"{_QUEUE}iostats": Tunable(1, maximum=1),
    f"{_QUEUE}max_sectors_kb": Tunable(1280, minimum=4, maximum=2147483647),
    f"{_QUEUE}nomerges": Tunable(0, maximum=2),
    f"{_QUEUE}nr_requests": Tunable(256, minimum=4, maximum=1024),
    f"{_QUEUE}read_ahead_kb": Tunable(128),
    f"{_QUEUE}rq_affinity": Tunable(1, maximum=2),
    f"{_QUEUE}scheduler": Tunable("none", words=("none", "mq-deadline", "kyber", "bfq"), listed=True),
    f"{_QUEUE}write_cache": Tunable("write back", words=("write back", "write through")),
    f"{MODULE}haltpoll.guest_halt_poll_ns": Tunable(200000),
    f"{MODULE}virtio_blk.queue_depth": Tunable(0, maximum=1024, live=False),
    f"{MODULE}virtio_net.napi_tx": Tunable(True),
    f"{MODULE}workqueue.power_efficient": Tunable(False, live=False),
    f"{MODULE}zswap.compressor": Tunable("lzo", words=("lzo", "lz4", "zstd")),
    f"{MODULE}zswap.enabled": Tunable(False),
    f"{MODULE}zswap.max_pool_percent": Tunable(20, maximum=100),
}

#: What a simulated machine is usually started with.
COMMAND_LINE: dict[str, Value] = {f"{BOOT}net.ifnames": 0, f"{BOOT}root": "/dev/vda", f"{BOOT}rw": True}

#: Those of both that a usual start gives.
USUAL_START: dict[str, Value] = {**{name: tunable.default for name, tunable in TUNABLES.items()}, **COMMAND_LINE}

#: A value for every parameter that a simulated machine knows.
BASELINE: dict[str, Value] = {
    **MACHINE,
    **{SYSCTL + key: sysctl.default for key, sysctl in SYSCTLS.items()},
    **USUAL_START,
}
