# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt's statistics of a machine say, in the names of its bulk call (virConnectGetAllDomainStats). Pure."""

from __future__ import annotations

from typing import Any, Collection, Iterator, Mapping

from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import Disk, Interface, Memory, Processor

_KIB_PER_MIB = 1024.0


def processors(stats: Mapping[str, Any]) -> dict[str, Processor] | None:
    """The vCPUs that are there."""
    highest = max(int(stats.get("vcpu.maximum", 0)), int(stats.get("vcpu.current", 0)))
    found = {
        str(number): Processor(stats[f"vcpu.{number}.time"], stats.get(f"vcpu.{number}.delay"))
        for number in range(highest)
        if f"vcpu.{number}.time" in stats
    }
    if not found and "cpu.time" in stats and highest:
        # Some drivers only know the sum.
        found = {str(number): Processor(stats["cpu.time"] if number == 0 else 0) for number in range(highest)}
    return found or None


def memory(stats: Mapping[str, Any], oldest: float) -> Memory | None:
    """What the guest says through its balloon, unless it said it before `oldest` (seconds since 1970)."""
    total, free = stats.get("balloon.available"), stats.get("balloon.usable")
    if free is None and "balloon.unused" in stats and "balloon.disk_caches" in stats:
        # The kernel of the guest is older than 3.14.
        free = stats["balloon.unused"] + stats["balloon.disk_caches"]
    if not total or free is None or stats.get("balloon.last-update", 0) < oldest:
        return None
    return Memory(max(0, total - free) / _KIB_PER_MIB, total / _KIB_PER_MIB)


def disk_names(stats: Mapping[str, Any]) -> list[str]:
    """The drives of the machine that have statistics, CD-ROMs included."""
    return list(dict.fromkeys(name for dummy, name in _blocks(stats)))


def disks(stats: Mapping[str, Any], counted: Collection[str]) -> dict[str, Disk] | None:
    """The disks whose names are in `counted`. None where one of them has no statistics at this moment."""
    found: dict[str, Disk] = {}
    for number, name in _blocks(stats):
        key = f"block.{number}"
        if name not in counted or name in found:
            continue
        if f"{key}.rd.reqs" not in stats:
            return None
        found[name] = Disk(
            stats[f"{key}.rd.reqs"],
            stats[f"{key}.rd.bytes"],
            stats[f"{key}.wr.reqs"],
            stats[f"{key}.wr.bytes"],
            stats.get(f"{key}.rd.times"),
            stats.get(f"{key}.wr.times"),
        )
    return found or None


def interfaces(stats: Mapping[str, Any]) -> dict[str, Interface] | None:
    """The network cards that have statistics; those passed through from the host have none."""
    found = {}
    for number in range(int(stats.get("net.count", 0))):
        key = f"net.{number}"
        if f"{key}.rx.bytes" in stats and f"{key}.tx.bytes" in stats:
            name = str(stats.get(f"{key}.name", number))
            found[name] = Interface(stats[f"{key}.rx.bytes"], stats[f"{key}.tx.bytes"])
    return found or None


def _blocks(stats: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    for number in range(int(stats.get("block.count", 0))):
        # An image that another is based on has no statistics of its own.
        if f"block.{number}.backingIndex" not in stats or f"block.{number}.rd.reqs" in stats:
            yield number, str(stats.get(f"block.{number}.name", ""))
