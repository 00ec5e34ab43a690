# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened between two readings of a machine, as the metrics of metrics.py. Pure.

Whatever cannot be told for certain gives no point: a wrong one would be judged by.
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import (
    Disk,
    Interface,
    Memory,
    Processor,
    Reading,
)

_MIB = 2.0**20
_MBIT_BYTES = 10.0**6 / 8


def points(before: Reading | None, after: Reading) -> dict[str, float]:
    """Metric -> mean since the reading before (memory: as it is now). Empty for a first reading, or after a restart."""
    if before is None or before.run != after.run:
        return {}
    seconds = after.monotonic - before.monotonic
    if seconds <= 0:
        return {}
    return {
        **_processor_points(before.processors, after.processors, seconds),
        **_memory_points(after.memory),
        **_disk_points(before.disks, after.disks, seconds),
        **_interface_points(before.interfaces, after.interfaces, seconds),
    }


def _processor_points(
    before: Mapping[str, Processor] | None, after: Mapping[str, Processor] | None, seconds: float
) -> dict[str, float]:
    if not before or not after or before.keys() != after.keys():
        return {}
    result = {}
    for name, index in (("cpu_utilisation_percent", 0), ("cpu_steal_percent", 1)):
        grown = _grown([before[key][index] for key in after], [after[key][index] for key in after])
        if grown is not None:
            # The clocks of the readings are not those of the counters: a little above 100 is 100.
            result[name] = min(100.0, 100.0 * grown / 1e9 / seconds / len(after))
    return result


def _memory_points(memory: Memory | None) -> dict[str, float]:
    if memory is None or memory.total_mib <= 0:
        return {}
    return {
        "memory_used_mib": memory.used_mib,
        "memory_used_percent": 100.0 * memory.used_mib / memory.total_mib,
    }


def _disk_points(
    before: Mapping[str, Disk] | None, after: Mapping[str, Disk] | None, seconds: float
) -> dict[str, float]:
    if not before or not after or before.keys() != after.keys():
        return {}
    old, new = [before[key] for key in after], list(after.values())
    result = {}
    for kind in ("read", "write"):
        operations, size, time = (
            _grown([getattr(disk, field) for disk in old], [getattr(disk, field) for disk in new])
            for field in (f"{kind}_operations", f"{kind}_bytes", f"{kind}_ns")
        )
        if operations is not None and size is not None:
            result[f"disk_{kind}_operations_per_second"] = operations / seconds
            result[f"disk_{kind}_mib_per_second"] = size / _MIB / seconds
            if operations and time is not None:
                result[f"disk_{kind}_latency_ms"] = time / operations / 1e6
    return result


def _interface_points(
    before: Mapping[str, Interface] | None, after: Mapping[str, Interface] | None, seconds: float
) -> dict[str, float]:
    if not before or not after or before.keys() != after.keys():
        return {}
    result = {}
    for name, index in (("network_received_mbit_per_second", 0), ("network_sent_mbit_per_second", 1)):
        grown = _grown([before[key][index] for key in after], [after[key][index] for key in after])
        if grown is not None:
            result[name] = grown / _MBIT_BYTES / seconds
    return result


def _grown(before: Sequence[int | None], after: Sequence[int | None]) -> int | None:
    """By how much all counters together have grown; None where one is missing or went back."""
    total = 0
    for old, new in zip(before, after):
        if old is None or new is None or new < old:
            return None
        total += new - old
    return total
