# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel itself says of this machine, read while a test runs: the second source for what agents say."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.devices import DISKS, INTERFACES

_PAUSE_SECONDS = 0.1
_SECTOR_BYTES = 512


class KernelCounters(threading.Thread):
    """Reads counters ten times a second; what lies between is interpolated."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._read: list[tuple[float, dict[str, float]]] = []
        self._ended = threading.Event()

    def __enter__(self) -> KernelCounters:
        self._read_once()
        self.start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._ended.set()
        self.join()
        self._read_once()

    def run(self) -> None:
        while not self._ended.wait(_PAUSE_SECONDS):
            self._read_once()

    def _read_once(self) -> None:
        before = time.time()
        values = _counters()
        self._read.append(((before + time.time()) / 2 * 1000, values))

    def between(self, begin_ms: float, end_ms: float) -> dict[str, float]:
        """How much each counter grew."""
        begin, end = self.at(begin_ms), self.at(end_ms)
        return {name: end[name] - begin[name] for name in end}

    def at(self, at_ms: float) -> dict[str, float]:
        """What each counter, or gauge, was."""
        times = [at for at, dummy in self._read]
        assert times[0] <= at_ms <= times[-1], "the kernel was not read at that time"
        number = next(number for number, at in enumerate(times) if at >= at_ms)
        if number == 0:
            return self._read[0][1]
        (first, before), (last, after) = self._read[number - 1], self._read[number]
        share = (at_ms - first) / (last - first)
        return {name: before[name] + share * (after[name] - before[name]) for name in after}


def _counters() -> dict[str, float]:
    user, nice, system, idle, wait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    used = user + nice + system + irq + softirq
    memory = dict(re.findall(r"(\w+): +(\d+)", Path("/proc/meminfo").read_text()))
    found = {
        "cpu_used": used,
        "cpu_wait": wait,
        "cpu_steal": steal,
        "cpu_all": used + idle + wait + steal,
        "memory_kib": int(memory["MemTotal"]),
        "memory_used_kib": int(memory["MemTotal"]) - int(memory["MemAvailable"]),
        "reads": 0,
        "read_bytes": 0,
        "writes": 0,
        "written_bytes": 0,
        "write_ms": 0,
        "received_bytes": 0,
        "sent_bytes": 0,
    }
    for line in Path("/proc/diskstats").read_text().splitlines():
        dummy, dummy, name, *numbers = line.split()
        if re.fullmatch(DISKS, name):
            reads, dummy, sectors_read, dummy, writes, dummy, sectors_written, write_ms = map(int, numbers[:8])
            found["reads"] += reads
            found["read_bytes"] += sectors_read * _SECTOR_BYTES
            found["writes"] += writes
            found["written_bytes"] += sectors_written * _SECTOR_BYTES
            found["write_ms"] += write_ms
    for line in Path("/proc/net/dev").read_text().splitlines()[2:]:
        name, dummy, text = line.partition(":")
        if re.fullmatch(INTERFACES, name.strip()):
            numbers = text.split()
            found["received_bytes"] += int(numbers[0])
            found["sent_bytes"] += int(numbers[8])
    return {name: float(value) for name, value in found.items()}
