# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How it is proven that a parameter took effect: not by what our own modules say, but from inside the guest, or from
the hypervisor and its process. docs/reference/proven.md is written from this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.evolve.vm.tests.lab.labs import Lab, virsh

SLOT = "slot-1"


@dataclass(frozen=True)
class Proof:
    """value: what the parameter is set to. tier: what that costs. place: guest, hypervisor or process.

    look: a command in the guest, words for virsh (DOMAIN stands for the machine), or what the process was started with.
    expected: a pattern that is found in what it says.
    """

    parameter: str
    value: Any
    tier: str
    place: str
    look: str
    expected: str

    def seen(self, lab: Lab, slot: str = SLOT) -> str:
        """What the look shows now."""
        if self.place == "guest":
            return lab.shell(slot, self.look)
        if self.place == "hypervisor":
            return virsh(*[lab.domain(slot) if word == "DOMAIN" else word for word in self.look.split()])
        pid = Path(f"/run/libvirt/qemu/{lab.domain(slot)}.pid").read_text(encoding="utf-8").strip()
        return Path(f"/proc/{pid}/{self.look}").read_text(encoding="utf-8").replace("\0", " ")

    def holds(self, lab: Lab, slot: str = SLOT) -> bool:
        return re.search(self.expected, self.seen(lab, slot)) is not None


def _guest(parameter: str, value: Any, tier: str, command: str, expected: str) -> Proof:
    return Proof(parameter, value, tier, "guest", command, expected)


def _hypervisor(parameter: str, value: Any, tier: str, words: str, expected: str) -> Proof:
    return Proof(parameter, value, tier, "hypervisor", words, expected)


def _process(parameter: str, value: Any, tier: str, expected: str, file: str = "cmdline") -> Proof:
    return Proof(parameter, value, tier, "process", file, expected)


_QUEUES = "ls -d /sys/class/net/eth0/queues/rx-* | wc -l"
_INGRESS = "tc qdisc show; tc filter show dev eth0 ingress"
_EGRESS = "tc qdisc show dev eth0"
_EFFICIENT = "cat /sys/module/workqueue/parameters/power_efficient"
_BLKDEVIO = "blkdeviotune DOMAIN vda --live"

#: What changes while the machine runs.
LIVE = (
    _guest("vm.vcpus", 3, "live", "nproc", r"^3$"),
    _hypervisor("vm.memory_mib", 896, "live", "dommemstat DOMAIN", r"actual 917504\b"),
    _hypervisor("vm.cpu.shares", 512, "live", "schedinfo DOMAIN --live", r"cpu_shares +: 512\b"),
    _hypervisor("vm.cpu.quota_percent", 80, "live", "schedinfo DOMAIN --live", r"vcpu_quota +: 80000\b"),
    _hypervisor("vm.cpu.pinning", "one_to_one", "live", "vcpupin DOMAIN --live", r" 0 +0\n +1 +1\n +2 +0"),
    _hypervisor("vm.disk.read_iops", 5000, "live", _BLKDEVIO, r"read_iops_sec *: 5000\b"),
    _hypervisor("vm.disk.write_iops", 4000, "live", _BLKDEVIO, r"write_iops_sec *: 4000\b"),
    _hypervisor("vm.disk.read_mib_per_second", 60, "live", _BLKDEVIO, r"read_bytes_sec *: 62914560\b"),
    _hypervisor("vm.disk.write_mib_per_second", 50, "live", _BLKDEVIO, r"write_bytes_sec *: 52428800\b"),
    _guest("vm.network.inbound_mbit_per_second", 200, "live", _INGRESS, r"200Mbit"),
    _guest("vm.network.outbound_mbit_per_second", 100, "live", _EGRESS, r"tbf e701: root .*100Mbit"),
)
#: Limits that exclude those above.
LIVE_TOTALS = (
    _hypervisor("vm.disk.total_iops", 6000, "live", _BLKDEVIO, r"total_iops_sec *: 6000\b"),
    _hypervisor("vm.disk.total_mib_per_second", 70, "live", _BLKDEVIO, r"total_bytes_sec *: 73400320\b"),
)
#: What takes one restart of the machine, all of it together.
REBOOT = (
    _guest("vm.cpu.topology", "cores", "reboot", "lscpu | grep Socket", r"Socket\(s\): +1\b"),
    _hypervisor("vm.memory.maximum_mib", 1536, "reboot", "dumpxml DOMAIN", r"<memory unit='KiB'>1572864<"),
    _process("vm.disk.cache", "none", "reboot", r'"cache":\{"direct":true'),
    _process("vm.disk.io", "native", "reboot", r'"aio":"native"'),
    _process("vm.disk.iothread", True, "reboot", r'"iothread":"iothread1"'),
    _guest("vm.disk.queues", 2, "reboot", "ls /sys/block/vda/mq | wc -l", r"^2$"),
    _guest("vm.disk.discard", "unmap", "reboot", "lsblk -Dnbo DISC-MAX /dev/vda | head -1", r"[1-9]"),
    _guest("vm.network.queues", 2, "reboot", _QUEUES, r"^2$"),
    _guest("kernel.boot.transparent_hugepage", "never", "reboot", "cat /proc/cmdline", r"_hugepage=never\b"),
    _guest("kernel.module.workqueue.power_efficient", True, "reboot", _EFFICIENT, r"^Y$"),
)
#: Another restart: the same machine with other devices, and its disk in another pool.
OTHER_DEVICES = (
    _process("vm.memory.hugepages", True, "reboot", r"/dev/hugepages"),
    _guest("vm.disk.bus", "scsi", "reboot", "findmnt -no SOURCE /", r"^/dev/sda"),
    _hypervisor("vm.disk.class", "hdd", "reboot", "domblklist DOMAIN", r"/pools/hdd/"),
    _guest(
        "vm.network.model", "e1000e", "reboot", "basename $(readlink /sys/class/net/eth0/device/driver)", r"^e1000e$"
    ),
)
_RMEM = "kernel.sysctl.net.ipv4.tcp_rmem"
_DEFRAG = "kernel.sysfs.kernel.mm.transparent_hugepage.defrag"
_QUEUE = "cat /sys/block/vda/queue/{}"
KERNEL = (
    _guest("kernel.sysctl.vm.swappiness", 11, "live", "cat /proc/sys/vm/swappiness", r"^11$"),
    _guest(_RMEM, "4096 100000 4000000", "live", "sysctl -n net.ipv4.tcp_rmem", r"4096\s100000\s4000000"),
    _guest(_DEFRAG, "defer", "live", "cat /sys/kernel/mm/transparent_hugepage/defrag", r"\[defer\]"),
    _guest("kernel.sysfs.block.root.queue.read_ahead_kb", 256, "live", _QUEUE.format("read_ahead_kb"), r"^256$"),
    _guest("kernel.sysfs.block.root.queue.scheduler", "mq-deadline", "live", _QUEUE.format("scheduler"), r"\[mq-"),
    _guest("kernel.module.printk.time", False, "live", "cat /sys/module/printk/parameters/time", r"^N$"),
)
_PSQL = "su postgres -c \"psql -Atc 'show {}'\""
_MYSQL = "mysql -NBe 'select @@{}'"
_JVM = "jcmd EvolveJava VM.flags -all | grep -w {}"
APPLICATIONS = (
    _guest("app.postgresql.shared_buffers_mib", 48, "restart", _PSQL.format("shared_buffers"), r"^48MB$"),
    _guest("app.postgresql.work_mem_mib", 6, "reload", _PSQL.format("work_mem"), r"^6MB$"),
    _guest("app.postgresql.random_page_cost", 1.5, "reload", _PSQL.format("random_page_cost"), r"^1.5$"),
    _guest("app.mysql.innodb_log_buffer_size_mib", 8, "restart", _MYSQL.format("innodb_log_buffer_size"), r"^8388608$"),
    _guest("app.mysql.table_open_cache", 1234, "live", _MYSQL.format("table_open_cache"), r"^1234$"),
    _guest("app.redis.hz", 25, "live", "redis-cli config get hz", r"hz\s25"),
    _guest("app.redis.io_threads", 2, "restart", "redis-cli config get io-threads", r"io-threads\s2"),
    _guest("app.nginx.worker_connections", 640, "reload", "nginx -T 2>/dev/null", r"worker_connections\s+640;"),
    _guest("app.nginx.worker_processes", "2", "reload", "pgrep -c -f '^nginx: worker'", r"^2$"),
    _guest("app.jvm.heap_max_mib", 80, "restart", _JVM.format("MaxHeapSize"), r"= 83886080\b"),
    _guest("app.jvm.gc", "serial", "restart", _JVM.format("UseSerialGC"), r"= true\b"),
)
GROUPS = {
    "live": LIVE,
    "live, totals": LIVE_TOTALS,
    "one restart": REBOOT,
    "other devices": OTHER_DEVICES,
    "kernel": KERNEL,
    "applications": APPLICATIONS,
}
#: In a machine whose kernel the hypervisor starts, that has the kernel's command line.
DIRECT = (
    _guest("kernel.boot.transparent_hugepage", "never", "reboot", "cat /proc/cmdline", r"_hugepage=never\b"),
    _guest("vm.disk.bus", "scsi", "reboot", "findmnt -no SOURCE /", r"^/dev/sda"),
)
