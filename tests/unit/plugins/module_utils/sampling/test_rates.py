# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two readings of a machine make, on readings made by hand."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.counters import (
    Disk,
    Interface,
    Memory,
    Processor,
    Reading,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import BY_NAME, HYPERVISOR
from ansible_collections.evolve.vm.plugins.module_utils.sampling.rates import points

BEFORE = Reading(
    monotonic=100.0,
    run="a/1",
    processors={"0": Processor(10_000_000_000, 1_000_000_000), "1": Processor(20_000_000_000, 0)},
    memory=Memory(100.0, 1000.0),
    disks={"vda": Disk(100, 0, 200, 0, 10_000_000, 0), "vdb": Disk(0, 0, 0, 0, 0, 0)},
    interfaces={"vnet0": Interface(0, 0), "vnet1": Interface(1_000_000, 1_000_000)},
)
AFTER = Reading(
    monotonic=102.0,
    run="a/1",
    processors={"0": Processor(11_000_000_000, 1_400_000_000), "1": Processor(20_600_000_000, 0)},
    memory=Memory(250.0, 1000.0),
    disks={
        "vda": Disk(110, 4 * 2**20, 240, 2**20, 30_000_000, 60_000_000),
        "vdb": Disk(10, 2 * 2**20, 0, 0, 20_000_000, 0),
    },
    interfaces={"vnet0": Interface(250_000, 500_000), "vnet1": Interface(1_250_000, 1_000_000)},
)
EXPECTED = {
    "cpu_utilisation_percent": 40.0,  # 1.6 s of 2 vCPUs in 2 s
    "cpu_steal_percent": 10.0,
    "memory_used_mib": 250.0,
    "memory_used_percent": 25.0,
    "disk_read_operations_per_second": 10.0,
    "disk_write_operations_per_second": 20.0,
    "disk_read_mib_per_second": 3.0,
    "disk_write_mib_per_second": 0.5,
    "disk_read_latency_ms": 2.0,  # 40 ms of 20 reads
    "disk_write_latency_ms": 1.5,
    "network_received_mbit_per_second": 2.0,
    "network_sent_mbit_per_second": 2.0,
}
CPU = {"cpu_utilisation_percent", "cpu_steal_percent"}
DISK = {name for name in EXPECTED if name.startswith("disk_")}
READ = {name for name in DISK if "_read_" in name}
NETWORK = {name for name in EXPECTED if name.startswith("network_")}


def without(names):
    return {name: value for name, value in EXPECTED.items() if name not in names}


def test_every_metric():
    assert points(BEFORE, AFTER) == pytest.approx(EXPECTED)
    assert set(EXPECTED) == {name for name, metric in BY_NAME.items() if metric.source == HYPERVISOR}


def test_a_first_reading_a_restart_and_no_time_give_nothing():
    assert points(None, AFTER) == {}
    assert points(BEFORE, AFTER._replace(run="a/2")) == {}
    assert points(BEFORE, AFTER._replace(monotonic=100.0)) == {}


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"processors": {"0": AFTER.processors["0"]}}, CPU),
        ({"processors": {**AFTER.processors, "2": Processor(1, 1)}}, CPU),
        ({"processors": None}, CPU),
        ({"processors": {**AFTER.processors, "1": Processor(1, 0)}}, {"cpu_utilisation_percent"}),
        ({"processors": {**AFTER.processors, "1": Processor(20_600_000_000)}}, {"cpu_steal_percent"}),
        ({"memory": None}, {"memory_used_mib", "memory_used_percent"}),
        ({"disks": {"vda": AFTER.disks["vda"]}}, DISK),
        ({"disks": {**AFTER.disks, "vdc": Disk(0, 0, 0, 0)}}, DISK),
        ({"disks": None}, DISK),
        (
            {"disks": {**AFTER.disks, "vda": AFTER.disks["vda"]._replace(read_bytes=-1)}},
            {n for n in DISK if "_read_" in n},
        ),
        ({"disks": {**AFTER.disks, "vda": AFTER.disks["vda"]._replace(read_ns=1)}}, {"disk_read_latency_ms"}),
        ({"interfaces": {"vnet0": AFTER.interfaces["vnet0"]}}, NETWORK),
        ({"interfaces": {**AFTER.interfaces, "vnet0": Interface(250_000, -1)}}, {"network_sent_mbit_per_second"}),
    ],
)
def test_what_cannot_be_told_has_no_point_and_the_rest_has(changed, missing):
    assert points(BEFORE, AFTER._replace(**changed)) == pytest.approx(without(missing))


def test_without_a_request_there_is_no_latency():
    idle = {
        name: disk._replace(read_operations=BEFORE.disks[name].read_operations) for name, disk in AFTER.disks.items()
    }
    found = points(BEFORE, AFTER._replace(disks=idle))
    assert found["disk_read_operations_per_second"] == 0
    assert "disk_read_latency_ms" not in found
    assert "disk_write_latency_ms" in found


def test_no_more_than_all_of_the_processors_is_used():
    late = {"0": Processor(12_100_000_000, 0), "1": Processor(22_000_000_000, 0)}
    assert points(BEFORE, AFTER._replace(processors=late))["cpu_utilisation_percent"] == 100.0
