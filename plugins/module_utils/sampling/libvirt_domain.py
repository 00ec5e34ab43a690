# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One libvirt machine: its devices, and its statistics by the calls for one machine, for drivers without the bulk call.

What these calls say is given the names of the bulk call, so that both are read in one way (libvirt_statistics.py).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import partial
from typing import Any, Callable, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt

_MEMORY = {
    "actual": "balloon.current",
    "available": "balloon.available",
    "usable": "balloon.usable",
    "unused": "balloon.unused",
    "disk_caches": "balloon.disk_caches",
    "last_update": "balloon.last-update",
}
_BLOCK = {
    "rd_operations": "rd.reqs",
    "rd_bytes": "rd.bytes",
    "rd_total_times": "rd.times",
    "wr_operations": "wr.reqs",
    "wr_bytes": "wr.bytes",
    "wr_total_times": "wr.times",
}


class Devices(NamedTuple):
    """disks: without CD-ROMs and floppies. drives: all of them. interfaces: those of the host that carry the cards.

    balloon_seconds: how often the guest's balloon reports; 0: it does not; None: there is no balloon.
    """

    disks: tuple[str, ...]
    drives: frozenset[str]
    interfaces: tuple[str, ...]
    balloon_seconds: int | None


def devices_of(xml: str) -> Devices:
    """The devices in the definition of a running machine."""
    root = ET.fromstring(xml)
    drives = {
        str(target.get("dev")): disk.get("device", "disk")
        for disk in root.iterfind("devices/disk")
        for target in disk.iterfind("target")
    }
    balloon = root.find("devices/memballoon")
    stats = root.find("devices/memballoon/stats")
    has_balloon = balloon is not None and balloon.get("model") != "none"
    return Devices(
        tuple(name for name, device in drives.items() if device not in ("cdrom", "floppy")),
        frozenset(drives),
        tuple(str(target.get("dev")) for target in root.iterfind("devices/interface/target")),
        (int(stats.get("period", 0)) if stats is not None else 0) if has_balloon else None,
    )


class SingleCalls:
    """The calls for one machine, over a connection. Those that its driver does not know are made once."""

    def __init__(self) -> None:
        self._unknown: set[str] = set()

    def state(self, domain: Any) -> dict[str, Any]:
        """Whether it runs."""
        return {"state.state": domain.info()[0]}

    def processors(self, domain: Any) -> dict[str, Any]:
        """The time of each vCPU, or of all together; how long they had to wait is not told by these calls."""
        told = self._try("vcpus", domain.vcpus)
        if told is None:
            _state, _maximum, _memory, vcpus, time_ns = domain.info()
            return {"vcpu.current": vcpus, "cpu.time": time_ns}
        times = {f"vcpu.{number}.time": time_ns for number, _state, time_ns, *_cpu in told[0]}
        return {
            "vcpu.current": len(told[0]),
            "vcpu.maximum": 1 + max((each[0] for each in told[0]), default=0),
            **times,
        }

    def memory(self, domain: Any) -> dict[str, Any]:
        """What the balloon says."""
        told = self._try("memoryStats", domain.memoryStats) or {}
        return {_MEMORY[name]: value for name, value in told.items() if name in _MEMORY}

    def disks(self, domain: Any, names: tuple[str, ...]) -> dict[str, Any]:
        """The counters of each disk; some drivers do not tell how long the requests took."""
        stats: dict[str, Any] = {"block.count": len(names)}
        for number, name in enumerate(names):
            stats[f"block.{number}.name"] = name
            told = self._try("blockStatsFlags", partial(domain.blockStatsFlags, name))
            if told is None:
                plain = self._try("blockStats", partial(domain.blockStats, name))
                words = ("rd_operations", "rd_bytes", "wr_operations", "wr_bytes")
                told = {} if plain is None else dict(zip(words, plain))
            stats.update({f"block.{number}.{_BLOCK[word]}": value for word, value in told.items() if word in _BLOCK})
        return stats

    def interfaces(self, domain: Any, names: tuple[str, ...]) -> dict[str, Any]:
        """The bytes of each card."""
        stats: dict[str, Any] = {"net.count": len(names)}
        for number, name in enumerate(names):
            told = self._try("interfaceStats", partial(domain.interfaceStats, name))
            stats[f"net.{number}.name"] = name
            if told is not None:
                stats.update({f"net.{number}.rx.bytes": told[0], f"net.{number}.tx.bytes": told[4]})
        return stats

    def _try(self, name: str, call: Callable[[], Any]) -> Any:
        """What a call says; None where the driver does not know it."""
        if name in self._unknown:
            return None
        try:
            return call()
        except libvirt.libvirtError as error:
            if not is_unsupported(error):
                raise
            self._unknown.add(name)
            return None


def is_unsupported(error: Any) -> bool:
    """Whether the driver says that it does not know this call, or this kind of statistics."""
    return error.get_error_code() in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED)
