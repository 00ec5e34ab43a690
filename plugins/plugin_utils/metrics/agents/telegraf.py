# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telegraf, as the role monitoring configures it.

In InfluxDB its inputs are measurements with fields; its output for Prometheus joins both with an underscore, as is done
with every field there, so that one table is right for all.
"""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.devices import DISKS, INTERFACES
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import Formula, Term

_MIB = 1 / 2**20
_SUCCESS = (0.0, 0.0)


def _cpu(name: str, weight: float = 1.0) -> Term:
    return Term("cpu", f"usage_{name}", tags=(("cpu", "cpu-total"),), weight=weight)


def _disk(name: str) -> Term:
    return Term("diskio", name, over=("name",), where={"name": DISKS}, counter=True)


def _network(name: str) -> Formula:
    counter = Term("net", name, over=("interface",), where={"interface": INTERFACES}, counter=True)
    return Formula((counter,), scale=8e-6)


def _application(name: str, within: tuple[float, float] | None = None) -> Term:
    # The role calls what asks over HTTP and what only connects alike.
    return Term("application", name, probe="probe", within=within)


def _ping(name: str) -> Term:
    return Term("ping", name, probe="probe")


_TOTAL = Term("mem", "total")
_NOT_AVAILABLE = (_TOTAL, Term("mem", "available", weight=-1.0))
_ANSWERED = _application("result_code", _SUCCESS)

TELEGRAF: dict[str, Formula] = {
    "cpu_utilisation_percent": Formula((_cpu("idle", -1), _cpu("iowait", -1), _cpu("steal", -1)), offset=100.0),
    "cpu_steal_percent": Formula((_cpu("steal"),)),
    "cpu_wait_percent": Formula((_cpu("iowait"),)),
    "memory_used_mib": Formula(_NOT_AVAILABLE, scale=_MIB),
    "memory_used_percent": Formula(_NOT_AVAILABLE, (_TOTAL,), 100.0),
    "disk_read_operations_per_second": Formula((_disk("reads"),)),
    "disk_write_operations_per_second": Formula((_disk("writes"),)),
    "disk_read_mib_per_second": Formula((_disk("read_bytes"),), scale=_MIB),
    "disk_write_mib_per_second": Formula((_disk("write_bytes"),), scale=_MIB),
    "disk_read_latency_ms": Formula((_disk("read_time"),), (_disk("reads"),)),
    "disk_write_latency_ms": Formula((_disk("write_time"),), (_disk("writes"),)),
    "network_received_mbit_per_second": _network("bytes_recv"),
    "network_sent_mbit_per_second": _network("bytes_sent"),
    "network_latency_ms": Formula((_ping("average_response_ms"),)),
    "network_lost_percent": Formula((_ping("percent_packet_loss"),)),
    "response_time_ms": Formula((_application("response_time"),), (_ANSWERED,), 1000.0),
    "availability_percent": Formula((_ANSWERED,), scale=100.0),
}
