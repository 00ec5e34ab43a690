# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""node_exporter and blackbox_exporter, in Prometheus or VictoriaMetrics.

The targets that the role monitoring writes carry the label `watches` where blackbox_exporter asks: `application`, or
`network` for a round trip to a machine.
"""

from __future__ import annotations

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.devices import DISKS, INTERFACES
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import Formula, Term

_MIB = 1 / 2**20
_APPLICATION = (("watches", "application"),)
_NETWORK = (("watches", "network"),)
_PROBE = "probe"
_USED = "user|nice|system|irq|softirq"


def _cpu(modes: str) -> Formula:
    over = ("cpu", "mode")
    part = Term("node_cpu_seconds_total", over=over, where={"mode": modes}, counter=True)
    return Formula((part,), (Term("node_cpu_seconds_total", over=over, counter=True),), 100.0)


def _disk(name: str) -> Term:
    return Term(f"node_disk_{name}_total", over=("device",), where={"device": DISKS}, counter=True)


def _network(name: str) -> Formula:
    counter = Term(f"node_network_{name}_bytes_total", over=("device",), where={"device": INTERFACES}, counter=True)
    return Formula((counter,), scale=8e-6)


_TOTAL = Term("node_memory_MemTotal_bytes")
_NOT_AVAILABLE = (_TOTAL, Term("node_memory_MemAvailable_bytes", weight=-1.0))
_ANSWERED = Term("probe_success", tags=_APPLICATION, probe=_PROBE)
_RETURNED = Term("probe_success", tags=_NETWORK, probe=_PROBE)

NODE_EXPORTER: dict[str, Formula] = {
    "cpu_utilisation_percent": _cpu(_USED),
    "cpu_steal_percent": _cpu("steal"),
    "cpu_wait_percent": _cpu("iowait"),
    "memory_used_mib": Formula(_NOT_AVAILABLE, scale=_MIB),
    "memory_used_percent": Formula(_NOT_AVAILABLE, (_TOTAL,), 100.0),
    "disk_read_operations_per_second": Formula((_disk("reads_completed"),)),
    "disk_write_operations_per_second": Formula((_disk("writes_completed"),)),
    "disk_read_mib_per_second": Formula((_disk("read_bytes"),), scale=_MIB),
    "disk_write_mib_per_second": Formula((_disk("written_bytes"),), scale=_MIB),
    "disk_read_latency_ms": Formula((_disk("read_time_seconds"),), (_disk("reads_completed"),), 1000.0),
    "disk_write_latency_ms": Formula((_disk("write_time_seconds"),), (_disk("writes_completed"),), 1000.0),
    "network_received_mbit_per_second": _network("receive"),
    "network_sent_mbit_per_second": _network("transmit"),
    "network_latency_ms": Formula(
        (Term("probe_icmp_duration_seconds", tags=(("phase", "rtt"), *_NETWORK), probe=_PROBE),), (_RETURNED,), 1000.0
    ),
    "network_lost_percent": Formula((_RETURNED,), scale=-100.0, offset=100.0),
    "response_time_ms": Formula(
        (Term("probe_duration_seconds", tags=_APPLICATION, probe=_PROBE),), (_ANSWERED,), 1000.0
    ),
    "availability_percent": Formula((_ANSWERED,), scale=100.0),
}
