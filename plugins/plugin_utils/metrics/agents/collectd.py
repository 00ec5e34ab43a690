# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""collectd 5, as the role monitoring configures it (CPU as percentages of all CPUs together).

In InfluxDB 1 its listener `[[collectd]]` makes a measurement of each plugin and data source (`disk_read`), with the
tags host, instance, type and type_instance. For Prometheus the plugin write_prometheus calls the same by other names.

Two metrics are left out. What collectd keeps of disk latency is rounded to 1 ms / interval, so that at 1 s a quick disk
seems to take no time. Of an application that does not answer its plugin curl says nothing at all.
"""

from __future__ import annotations

from typing import Protocol

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.devices import DISKS, INTERFACES
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import Formula, Term

_MIB = 1 / 2**20
_GOOD_HTTP_CODES = (200.0, 399.0)


class _Names(Protocol):
    """What a series is called in a database."""

    def cpu(self, state: str, weight: float = 1.0) -> Term:
        """Per cent of the time of all CPUs."""

    def memory(self, kind: str) -> Term:
        """Bytes."""

    def disk(self, kind: str, source: str) -> Term:
        """Operations or bytes (`octets`), source `read` or `write`."""

    def network(self, source: str) -> Term:
        """Bytes, source `rx` or `tx`."""

    def curl(self, kind: str, within: tuple[float, float] | None = None) -> Term:
        """Seconds until the answer, or its code."""

    def ping(self, kind: str) -> Term:
        """Milliseconds, or the share that is lost (`ping_droprate`)."""


class _InfluxDB:
    def cpu(self, state: str, weight: float = 1.0) -> Term:
        return Term("cpu_value", tags=(("type", "percent"), ("type_instance", state)), weight=weight)

    def memory(self, kind: str) -> Term:
        return Term("memory_value", tags=(("type", "memory"), ("type_instance", kind)))

    def disk(self, kind: str, source: str) -> Term:
        tags = (("type", f"disk_{kind}"),)
        return Term(f"disk_{source}", tags=tags, over=("instance",), where={"instance": DISKS}, counter=True)

    def network(self, source: str) -> Term:
        tags, where = (("type", "if_octets"),), {"instance": INTERFACES}
        return Term(f"interface_{source}", tags=tags, over=("instance",), where=where, counter=True)

    def curl(self, kind: str, within: tuple[float, float] | None = None) -> Term:
        return Term("curl_value", tags=(("type", kind),), probe="instance", within=within)

    def ping(self, kind: str) -> Term:
        return Term("ping_value", tags=(("type", kind),), probe="type_instance")


class _Prometheus:
    def cpu(self, state: str, weight: float = 1.0) -> Term:
        return Term("collectd_cpu_percent", tags=(("cpu", state),), weight=weight)

    def memory(self, kind: str) -> Term:
        return Term("collectd_memory", tags=(("memory", kind),))

    def disk(self, kind: str, source: str) -> Term:
        name = f"collectd_disk_disk_{kind}_{source}_total"
        return Term(name, over=("disk",), where={"disk": DISKS}, counter=True)

    def network(self, source: str) -> Term:
        name = f"collectd_interface_if_octets_{source}_total"
        return Term(name, over=("interface",), where={"interface": INTERFACES}, counter=True)

    def curl(self, kind: str, within: tuple[float, float] | None = None) -> Term:
        return Term(f"collectd_curl_{kind}", probe="curl", within=within)

    def ping(self, kind: str) -> Term:
        return Term("collectd_ping" if kind == "ping" else f"collectd_ping_{kind}", probe="ping")


def _table(names: _Names) -> dict[str, Formula]:
    # What is held cannot be given up at once.
    held = (names.memory("used"), names.memory("slab_unrecl"))
    all_memory = (*held, *(names.memory(kind) for kind in ("free", "buffered", "cached", "slab_recl")))
    not_used = (names.cpu("idle", -1), names.cpu("wait", -1), names.cpu("steal", -1))
    answered = names.curl("response_code", _GOOD_HTTP_CODES)
    return {
        "cpu_utilisation_percent": Formula(not_used, offset=100.0),
        "cpu_steal_percent": Formula((names.cpu("steal"),)),
        "cpu_wait_percent": Formula((names.cpu("wait"),)),
        "memory_used_mib": Formula(held, scale=_MIB),
        "memory_used_percent": Formula(held, all_memory, 100.0),
        "disk_read_operations_per_second": Formula((names.disk("ops", "read"),)),
        "disk_write_operations_per_second": Formula((names.disk("ops", "write"),)),
        "disk_read_mib_per_second": Formula((names.disk("octets", "read"),), scale=_MIB),
        "disk_write_mib_per_second": Formula((names.disk("octets", "write"),), scale=_MIB),
        "network_received_mbit_per_second": Formula((names.network("rx"),), scale=8e-6),
        "network_sent_mbit_per_second": Formula((names.network("tx"),), scale=8e-6),
        "network_latency_ms": Formula((names.ping("ping"),)),
        "network_lost_percent": Formula((names.ping("ping_droprate"),), scale=100.0),
        "response_time_ms": Formula((names.curl("response_time"),), (answered,), 1000.0),
    }


COLLECTD_INFLUXDB: dict[str, Formula] = _table(_InfluxDB())
COLLECTD_PROMETHEUS: dict[str, Formula] = _table(_Prometheus())
