# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics that are watched while a machine runs: the one list of their names, with the units in them.

Each point is a gauge: what was so at its moment, or the mean since the point before it. So it stands for itself, and a
counter that begins anew (a machine that was restarted) leaves a gap, never a jump.
"""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """What is watched. source: who sees it.

    hypervisor: from outside, nothing is needed in the guest. probe: the application is asked as its users do, from
    outside. guest: an agent in the guest sees it too, and sees what the hypervisor cannot.
    """

    name: str
    source: str
    meaning: str


HYPERVISOR = "hypervisor"
PROBE = "probe"
GUEST = "guest"

METRICS: list[Metric] = [
    Metric(
        "cpu_utilisation_percent", HYPERVISOR, "the share of its vCPUs' time that the machine uses; 100 is all of them"
    ),
    Metric(
        "cpu_steal_percent", HYPERVISOR, "the share in which its vCPUs want to run and the host runs something else"
    ),
    Metric("cpu_wait_percent", GUEST, "the share in which nothing runs because it waits for a disk"),
    Metric("memory_used_mib", HYPERVISOR, "memory that is neither free nor can be given up at once (caches)"),
    Metric("memory_used_percent", HYPERVISOR, "the same, of what the machine has at that moment"),
    Metric("disk_read_operations_per_second", HYPERVISOR, "reads, all disks together"),
    Metric("disk_write_operations_per_second", HYPERVISOR, "writes"),
    Metric("disk_read_mib_per_second", HYPERVISOR, "read, 2**20 bytes"),
    Metric("disk_write_mib_per_second", HYPERVISOR, "written"),
    Metric("disk_read_latency_ms", HYPERVISOR, "the mean read of the interval; no point where there was none"),
    Metric("disk_write_latency_ms", HYPERVISOR, "the mean write of the interval; no point where there was none"),
    Metric("network_received_mbit_per_second", HYPERVISOR, "received, all interfaces but loopback; 10**6 bits"),
    Metric("network_sent_mbit_per_second", HYPERVISOR, "sent"),
    Metric(
        "network_latency_ms", PROBE, "one round trip to the machine, without its application; no point where it is lost"
    ),
    Metric("network_lost_percent", PROBE, "100 where the round trip was not answered in time, else 0"),
    Metric(
        "response_time_ms", PROBE, "one question to the application, until its whole answer; no point where it failed"
    ),
    Metric("availability_percent", PROBE, "100 where the application gave the right answer in time, else 0"),
]
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
# What a probe of the network gives, and one of an application.
NETWORK_FIELDS = ("network_latency_ms", "network_lost_percent")
APPLICATION_FIELDS = ("response_time_ms", "availability_percent")

# The measurement (InfluxDB) or first part of the name (Prometheus) of all of them.
MEASUREMENT = "evolve_vm"
# The same of the results of benchmarks, one point a run of it.
RUN_MEASUREMENT = "evolve_run"
