# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From raw series to points: counters that begin anew, moments that are incomplete, devices that count twice."""

from __future__ import annotations

import re

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import BY_NAME
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.devices import DISKS, INTERFACES
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import (
    AmbiguousSeriesError,
    Formula,
    Term,
    points,
    rates,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import (
    UnknownSeriesError,
    from_series,
    metrics_of,
    selectors,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window

READ = Term("read", over=("disk",), counter=True)
TABLES = [
    ("node_exporter", "prometheus"),
    ("collectd", "influxdb"),
    ("collectd", "prometheus"),
    ("telegraf", "influxdb"),
    ("telegraf", "victoriametrics"),
]


def test_a_counter_is_the_rate_since_the_point_before():
    assert rates([(1000, 10.0), (2000, 12.0), (4000, 13.0)]) == [(2000, 2.0), (4000, 0.5)]


def test_a_counter_that_begins_anew_leaves_a_gap():
    assert rates([(1000, 10.0), (2000, 3.0), (3000, 4.0)]) == [(3000, 1.0)]


def test_disks_are_added_up():
    series = [
        Series({"disk": "vda"}, [(1000, 0.0), (2000, 4.0)]),
        Series({"disk": "vdb"}, [(1000, 0.0), (2000, 1.0)]),
    ]
    assert points(Formula((READ,), scale=10.0), [series]) == [(2000, 50.0)]


def test_what_is_stamped_a_little_apart_is_one_moment():
    series = [
        Series({"disk": "vda"}, [(1000, 0.0), (2000, 4.0)]),
        Series({"disk": "vdb"}, [(1003, 0.0), (2001, 0.998)]),
    ]
    assert points(Formula((READ,)), [series]) == [(2001, pytest.approx(5.0))]


def test_a_moment_at_which_a_series_is_lost_gives_no_point():
    series = [
        Series({"disk": "vda"}, [(0, 0.0), (1000, 1.0), (2000, 2.0), (3000, 3.0)]),
        Series({"disk": "vdb"}, [(0, 0.0), (1000, 1.0), (3000, 3.0)]),
    ]
    assert points(Formula((READ,)), [series]) == [(1000, 2.0), (3000, 2.0)]


def test_a_disk_that_comes_and_goes_counts_while_it_is_there():
    series = [
        Series({"disk": "vda"}, [(0, 0.0), (1000, 1.0), (2000, 2.0)]),
        Series({"disk": "vdb"}, [(1000, 1.0), (2000, 2.0)]),
    ]
    assert points(Formula((READ,)), [series]) == [(1000, 1.0), (2000, 2.0)]


def test_a_mean_of_nothing_is_no_point():
    time = [Series({}, [(0, 0.0), (1000, 0.0), (2000, 6.0)])]
    count = [Series({}, [(0, 0.0), (1000, 0.0), (2000, 3.0)])]
    latency = Formula((Term("time", counter=True),), (Term("count", counter=True),), 1000.0)
    assert points(latency, [time, count]) == [(2000, 2000.0)]


def test_a_series_that_comes_twice_is_not_added_to_itself():
    series = [
        Series({"disk": "vda", "job": "mine"}, [(0, 0.0), (1000, 1.0)]),
        Series({"disk": "vda", "job": "theirs"}, [(0, 0.0), (1000, 1.0)]),
    ]
    with pytest.raises(AmbiguousSeriesError, match=r"job 'mine' and 'theirs'"):
        points(Formula((READ,)), [series])


@pytest.mark.parametrize(("agent", "kind"), TABLES)
def test_every_metric_of_a_table_is_one_that_is_watched(agent: str, kind: str):
    assert set(metrics_of(agent, kind)) <= set(BY_NAME)


def test_all_agents_of_which_it_can_be_known_see_every_metric():
    assert set(metrics_of("node_exporter", "prometheus")) == set(BY_NAME)
    assert set(metrics_of("telegraf", "influxdb")) == set(BY_NAME)
    lacking = {"disk_read_latency_ms", "disk_write_latency_ms", "availability_percent"}
    assert set(metrics_of("collectd", "influxdb")) == set(BY_NAME) - lacking


def test_a_metric_that_an_agent_does_not_see_is_said_to_be_so():
    with pytest.raises(UnknownSeriesError, match=r"collectd does not see availability_percent .* it sees cpu_"):
        selectors("collectd", "influxdb", "availability_percent", "slot-1")
    with pytest.raises(UnknownSeriesError, match="node_exporter writes to influxdb is not known"):
        metrics_of("node_exporter", "influxdb")


def test_what_is_read_names_the_machine_and_the_probe():
    assert selectors(
        "node_exporter", "prometheus", "availability_percent", "a:9115", probe="w", host_tag="instance"
    ) == [Selector("probe_success", "value", (("instance", "a:9115"), ("probe", "w"), ("watches", "application")))]
    assert selectors("telegraf", "influxdb", "cpu_steal_percent", "slot-1", probe="w") == [
        Selector("cpu", "usage_steal", (("cpu", "cpu-total"), ("host", "slot-1")))
    ]


def test_the_points_lie_in_the_window():
    read = {
        Selector("node_memory_MemTotal_bytes", "value", (("host", "m"),)): [Series({}, [(1000, 400.0), (2000, 400.0)])],
        Selector("node_memory_MemAvailable_bytes", "value", (("host", "m"),)): [
            Series({}, [(1000, 100.0), (2000, 300.0)])
        ],
    }
    found = from_series("node_exporter", "prometheus", "memory_used_percent", "m", read, Window(1000, 2000))
    assert found == [(2000, 25.0)]


def test_a_failed_answer_has_no_response_time():
    tags = (("host", "m"), ("probe", "web"))
    seconds = Selector("application", "response_time", tags)
    code = Selector("application", "result_code", tags)
    read = {
        seconds: [Series({}, [(1000, 0.25), (2000, 5.0)])],
        code: [Series({}, [(1000, 0.0), (2000, 4.0)])],
    }
    window = Window(0, 9000)
    assert from_series("telegraf", "influxdb", "response_time_ms", "m", read, window, probe="web") == [(1000, 250.0)]
    assert from_series("telegraf", "influxdb", "availability_percent", "m", read, window, probe="web") == [
        (1000, 100.0),
        (2000, 0.0),
    ]


@pytest.mark.parametrize("name", ["eth0", "ens3", "enp1s0", "enx001122334455", "wlan0", "brisk0", "loki"])
def test_interfaces_that_count(name: str):
    assert re.fullmatch(INTERFACES, name)


@pytest.mark.parametrize(
    "name",
    [
        "lo",
        "all",
        "docker0",
        "br0",
        "br-0a1b2c",
        "virbr0",
        "veth12ab",
        "tun0",
        "bond0",
        "eth0.10",
        "wg0",
        "ifb1",
        "vnet3",
    ],
)
def test_interfaces_whose_bytes_pass_another(name: str):
    assert not re.fullmatch(INTERFACES, name)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("vda", True),
        ("sdab", True),
        ("nvme0n1", True),
        ("vda1", False),
        ("nvme0n1p1", False),
        ("dm-0", False),
        ("md0", False),
    ],
)
def test_whole_disks_count(name: str, counts: bool):
    assert bool(re.fullmatch(DISKS, name)) is counts
