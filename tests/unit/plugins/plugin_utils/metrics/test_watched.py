# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of metrics that follow from points."""

from __future__ import annotations

import pytest

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.registry import TOOLS
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watched import KEPT, NAMES, metrics_of, understood


@pytest.mark.parametrize(
    ("name", "field", "aggregation"),
    [
        ("cpu_utilisation_percent", "cpu_utilisation_percent", "mean"),
        ("cpu_utilisation_maximum_percent", "cpu_utilisation_percent", "maximum"),
        ("response_time_p95_ms", "response_time_ms", "p95"),
        ("disk_read_p99_operations_per_second", "disk_read_operations_per_second", "p99"),
        ("disk_write_mib_per_second", "disk_write_mib_per_second", "mean"),
        ("memory_used_minimum_mib", "memory_used_mib", "minimum"),
    ],
)
def test_an_aggregation_stands_before_the_unit(name: str, field: str, aggregation: str) -> None:
    assert understood(name) == ("", (field, aggregation))


def test_a_probe_stands_before_a_dot() -> None:
    assert understood("shop.response_time_ms", ["shop"]) == ("shop", ("response_time_ms", "mean"))
    assert understood("shop.response_time_ms", ["other"]) is None
    assert understood("throughput_per_second") is None


def test_no_benchmark_has_a_metric_of_such_a_name() -> None:
    told = {name for tool in TOOLS.values() for name in tool.METRICS}

    assert len(told) > 50
    assert not told & set(NAMES)


def test_means_are_kept_and_what_was_asked_for_and_nothing_is_made_up() -> None:
    found = {
        ("", "cpu_utilisation_percent"): [(1, 20.0), (2, 40.0)],
        ("shop", "response_time_ms"): [(1, 5.0), (2, 9.0)],
    }

    assert metrics_of(found, ["cpu_utilisation_maximum_percent", "memory_used_mib", "throughput"]) == {
        "cpu_utilisation_percent": 30.0,
        "cpu_utilisation_maximum_percent": 40.0,
        "shop.response_time_ms": 7.0,
        "shop.response_time_p95_ms": 9.0,
    }
    assert "response_time_p95_ms" in KEPT
