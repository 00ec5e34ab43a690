# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The noise of simulated measurements: reproducible, as large as documented, in the directions of reality."""

from __future__ import annotations

import math
import statistics

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.simulation.noise import NoiseSettings, disturbed, slot_gain

METRICS = {"fileio_operations_per_second": 3000.0, "fileio_latency_p95_ms": 4.0, "cpu_events_per_second": 1150.0}
QUIET = NoiseSettings(outlier_share=0.0, slot_effect=0.0)


def logs(metric, settings, count=2000, repeats=1, machine="sim-01"):
    return [
        [math.log(run[metric] / METRICS[metric]) for run in disturbed(METRICS, machine, number, repeats, settings)]
        for number in range(count)
    ]


def test_the_same_history_gives_the_same_numbers():
    settings = NoiseSettings(seed=7)
    assert disturbed(METRICS, "sim-01", 3, 2, settings) == disturbed(METRICS, "sim-01", 3, 2, settings)


@pytest.mark.parametrize(
    ("machine", "number", "seed"),
    [("sim-02", 3, 7), ("sim-01", 4, 7), ("sim-01", 3, 8)],
    ids=["name", "number", "seed"],
)
def test_any_other_history_gives_others(machine, number, seed):
    known = disturbed(METRICS, "sim-01", 3, 2, NoiseSettings(seed=7))
    assert disturbed(METRICS, machine, number, 2, NoiseSettings(seed=seed)) != known


def test_without_noise_it_is_the_surface():
    silent = NoiseSettings(noise=0.0, slot_effect=0.0, outlier_share=0.0)
    assert disturbed(METRICS, "sim-01", 0, 2, silent) == [METRICS, METRICS]


def test_a_run_varies_by_what_is_documented():
    for metric in ("fileio_operations_per_second", "cpu_events_per_second"):
        values = [run[0] for run in logs(metric, QUIET)]
        assert statistics.stdev(values) == pytest.approx(0.03, rel=0.1)
        assert statistics.fmean(values) == pytest.approx(0.0, abs=0.003)


def test_half_of_the_variance_is_common_to_the_repeats():
    runs = logs("cpu_events_per_second", QUIET, repeats=2)
    first, second = zip(*runs, strict=True)
    assert statistics.correlation(first, second) == pytest.approx(0.5, abs=0.07)


def test_latency_goes_against_throughput():
    throughput = [run[0] for run in logs("fileio_operations_per_second", QUIET)]
    latency = [run[0] for run in logs("fileio_latency_p95_ms", QUIET)]
    assert statistics.correlation(throughput, latency) < -0.7


def test_tests_vary_on_their_own():
    fileio = [run[0] for run in logs("fileio_operations_per_second", QUIET)]
    cpu = [run[0] for run in logs("cpu_events_per_second", QUIET)]
    assert abs(statistics.correlation(fileio, cpu)) < 0.1


def test_some_measurements_are_disturbed_for_the_worse():
    only_outliers = NoiseSettings(noise=0.0, slot_effect=0.0, outlier_share=0.03)
    throughput = [run[0] for run in logs("fileio_operations_per_second", only_outliers, count=5000)]
    outliers = [value for value in throughput if value != 0.0]
    assert len(outliers) / len(throughput) == pytest.approx(0.03, abs=0.01)
    assert all(-0.6001 < value < -0.0999 for value in outliers)
    latency = [run[0] for run in logs("fileio_latency_p95_ms", only_outliers, count=5000)]
    assert [-value for value in latency] == pytest.approx(throughput)


def test_machines_differ_by_at_most_two_per_cent_and_always_the_same():
    gains = [slot_gain(f"sim-{number:02}", NoiseSettings()) for number in range(1, 200)]
    assert all(abs(value) <= 0.02 for value in gains)
    assert max(gains) > 0.015
    assert min(gains) < -0.015
    settings = NoiseSettings(noise=0.0, outlier_share=0.0)
    readings = {run[0] for run in logs("cpu_events_per_second", settings, count=5, machine="sim-09")}
    assert len(readings) == 1
    assert readings.pop() == pytest.approx(slot_gain("sim-09", settings))
