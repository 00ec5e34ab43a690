# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counters of libvirt's machines, over one connection: all machines by one call where the driver can, else each.

Which kinds of statistics the driver gives for all machines at once is asked when connecting. The others are read
machine by machine: all of them on Xen (libxl knows no bulk statistics), those of the vCPUs on LXC.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Callable, NamedTuple, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.hypervisor.libvirt_library import libvirt
from ansible_collections.evolve.vm.plugins.module_utils.sampling import libvirt_statistics
from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import Reading
from ansible_collections.evolve.vm.plugins.module_utils.sampling.libvirt_domain import (
    Devices,
    SingleCalls,
    devices_of,
    is_unsupported,
)

UNKNOWN = "libvirt has no machine of this name"
OFF = "it is shut off"
# How long the devices of a machine are taken for known where the statistics do not name them.
_DEVICES_SECONDS = 30.0
# What a guest has said of its memory so long ago is not so any more, in periods of its balloon and in seconds.
_STALE_PERIODS = 3
_STALE_SECONDS = 10.0
# A guest that boots has no balloon driver yet.
_BALLOON_SECONDS = 120.0


class SourceLost(Exception):
    """libvirt does not answer. At the next reading it is asked anew."""


class Readings(NamedTuple):
    """machines: those that run, by name. absent: why the others are not there. warnings: what is new."""

    machines: dict[str, Reading]
    absent: dict[str, str]
    warnings: list[str]


class _Watched:
    """A machine that was found: what is known of it besides its statistics."""

    def __init__(self, domain: Any, now: float) -> None:
        self.domain = domain
        self.run = ""
        self.devices: Devices | None = None
        self.devices_at = now
        self.running_since = now


class LibvirtSource:
    """One connection to libvirt, read every `period_seconds`. For one thread at a time."""

    def __init__(
        self,
        uri: str,
        period_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.uri = uri
        self.period_seconds = period_seconds
        self._monotonic = monotonic
        self._wall = wall
        self._connection: Any = None
        self._in_bulk = 0
        self._single = SingleCalls()
        self._watched: dict[str, _Watched] = {}
        self._without_memory: set[str] = set()

    def open(self) -> None:
        """Connect where there is no connection. Raises SourceLost."""
        if libvirt is None:
            raise SourceLost(
                "The Python library for libvirt is missing for the Python that runs this module. Install it where the "
                "sampler runs: package python3-libvirt (Debian, Fedora) or libvirt-python from PyPI."
            )
        if self._connection is not None:
            return
        # libvirt prints every error on stderr unless it is given a handler.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        try:
            self._connection = libvirt.open(self.uri)
            self._in_bulk = _kinds_in_bulk(self._connection)
        except libvirt.libvirtError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Disconnect; `read` connects anew."""
        if self._connection is not None:
            with suppress(libvirt.libvirtError):
                self._connection.close()
        self._connection = None
        self._single = SingleCalls()
        self._watched.clear()

    def read(self, names: Sequence[str]) -> Readings:
        """A reading of each machine that runs. Raises SourceLost."""
        self.open()
        try:
            return self._read(names)
        except libvirt.libvirtError as error:
            raise self._lost(error) from error

    def _lost(self, error: Any) -> SourceLost:
        self.close()
        return SourceLost(f"libvirt at {self.uri} does not answer: {error.get_error_message()}")

    def _read(self, names: Sequence[str]) -> Readings:
        machines: dict[str, Reading] = {}
        absent: dict[str, str] = {}
        warnings: list[str] = []
        self._look_up(names)
        began = self._monotonic()
        bulk = self._bulk()
        # A machine's turn comes at about the same moment of each call, whenever the call begins.
        moment = (began + self._monotonic()) / 2
        for name in names:
            watched = self._watched.get(name)
            if watched is None or name not in bulk:
                # Undefined, or defined anew, since it was looked up.
                self._watched.pop(name, None)
                absent[name] = UNKNOWN
                continue
            reading = self._reading(name, watched, bulk[name], moment, warnings)
            if reading is None:
                watched.run = ""
                absent[name] = OFF
            else:
                machines[name] = reading
        return Readings(machines, absent, warnings)

    def _look_up(self, names: Sequence[str]) -> None:
        for name in set(self._watched).difference(names):
            del self._watched[name]
        for name in names:
            if name not in self._watched:
                try:
                    self._watched[name] = _Watched(self._connection.lookupByName(name), self._monotonic())
                except libvirt.libvirtError as error:
                    if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                        raise

    def _bulk(self) -> dict[str, dict[str, Any]]:
        """Name -> statistics, as far as one call gives them, of all machines that are there."""
        if not self._watched:
            return {}
        if self._in_bulk:
            answer = self._connection.domainListGetStats(
                [watched.domain for watched in self._watched.values()],
                self._in_bulk,
                # Of a machine that is busy (migrating, being saved) fewer statistics come, and nobody waits for it.
                libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
            )
            # These objects know the present run, those that were looked up before need not.
            return {domain.name(): {**stats, "run": f"{domain.UUIDString()}/{domain.ID()}"} for domain, stats in answer}
        found = {}
        for name, watched in list(self._watched.items()):
            try:
                domain = self._connection.lookupByName(name)
                found[name] = {**self._single.state(domain), "run": f"{domain.UUIDString()}/{domain.ID()}"}
                watched.domain = domain
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    raise
        return found

    def _reading(
        self, name: str, watched: _Watched, stats: dict[str, Any], moment: float, warnings: list[str]
    ) -> Reading | None:
        if stats["state.state"] in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
            return None
        now = self._monotonic()
        try:
            if watched.run != stats["run"]:
                watched.run, watched.running_since, watched.devices = stats["run"], now, None
            devices = self._devices(watched, stats, now)
            if not self._gives(libvirt.VIR_DOMAIN_STATS_VCPU):
                moment = now
                stats.update(self._single.processors(watched.domain))
            if not self._gives(libvirt.VIR_DOMAIN_STATS_BALLOON):
                stats.update(self._single.memory(watched.domain))
            if not self._gives(libvirt.VIR_DOMAIN_STATS_BLOCK):
                stats.update(self._single.disks(watched.domain, devices.disks))
            if not self._gives(libvirt.VIR_DOMAIN_STATS_INTERFACE):
                stats.update(self._single.interfaces(watched.domain, devices.interfaces))
        except libvirt.libvirtError as error:
            code = error.get_error_code()
            if code in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
                # It has gone down meanwhile.
                return None
            if code == libvirt.VIR_ERR_INVALID_ARG and watched.devices is not None:
                # A device was unplugged.
                watched.devices = None
                return self._reading(name, watched, stats, moment, warnings)
            raise
        oldest = self._wall() - max(_STALE_SECONDS, _STALE_PERIODS * self.period_seconds)
        memory = libvirt_statistics.memory(stats, oldest)
        if memory is None and now - watched.running_since > _BALLOON_SECONDS and name not in self._without_memory:
            self._without_memory.add(name)
            warnings.append(
                f"{name}: its balloon tells nothing of its memory, so there is no memory_used_mib. The machine needs "
                "<memballoon model='virtio'/> and its guest the driver virtio_balloon."
            )
        return Reading(
            moment,
            stats["run"],
            libvirt_statistics.processors(stats),
            memory,
            libvirt_statistics.disks(stats, devices.disks),
            libvirt_statistics.interfaces(stats),
        )

    def _gives(self, kind: int) -> bool:
        return bool(self._in_bulk & kind)

    def _devices(self, watched: _Watched, stats: dict[str, Any], now: float) -> Devices:
        """Read again where a drive is new, or where nothing would say so, now and then."""
        known = watched.devices
        if known is not None and self._gives(libvirt.VIR_DOMAIN_STATS_BLOCK):
            if known.drives.issuperset(libvirt_statistics.disk_names(stats)):
                return known
        elif known is not None and now - watched.devices_at < _DEVICES_SECONDS:
            return known
        found = devices_of(watched.domain.XMLDesc(0))
        if known is None:
            self._have_memory_told(watched.domain, found)
        watched.devices, watched.devices_at = found, now
        return found

    def _have_memory_told(self, domain: Any, devices: Devices) -> None:
        """Have the balloon of this run report as often as it is read; the definition stays as it is."""
        period = max(1, int(self.period_seconds))
        if devices.balloon_seconds is None or 0 < devices.balloon_seconds <= period:
            return
        # Without it there are no points of memory, which is told.
        with suppress(libvirt.libvirtError):
            domain.setMemoryStatsPeriod(period, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def _kinds_in_bulk(connection: Any) -> int:
    """The kinds of statistics that the driver gives for many machines at once; 0 where that call is unknown to it."""
    given = 0
    for kind in (
        libvirt.VIR_DOMAIN_STATS_STATE,
        libvirt.VIR_DOMAIN_STATS_VCPU,
        libvirt.VIR_DOMAIN_STATS_BALLOON,
        libvirt.VIR_DOMAIN_STATS_BLOCK,
        libvirt.VIR_DOMAIN_STATS_INTERFACE,
    ):
        flags = (
            libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS
            # No machine is both, so that none is read.
            | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE
            | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT
        )
        try:
            connection.getAllDomainStats(kind, flags)
        except libvirt.libvirtError as error:
            if not is_unsupported(error):
                raise
        else:
            given |= kind
    return given if given & libvirt.VIR_DOMAIN_STATS_STATE else 0
