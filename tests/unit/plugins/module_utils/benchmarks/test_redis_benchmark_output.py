# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading redis-benchmark's output: real outputs (fixtures/, 7.0.15 of Debian 12), and everything that is not one.

fixtures/redis_benchmark_vm.txt holds numbers of a slow machine that are in the source of microsoft/VirtualClient;
fixtures/redis_benchmark_6_0.txt has the form of the versions before 6.2.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.redis_benchmark import TESTS, RedisBenchmark
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
SET_GET = {"name": "redis-benchmark", "clients": 10}
ALL = {"name": "redis-benchmark", "clients": 10, "pipeline": 4, "tests": list(TESTS)}
VM = {"name": "redis-benchmark"}
RECORDED = [("7", SET_GET), ("7_all", ALL), ("vm", VM)]


def recorded(name):
    return (FIXTURES / f"redis_benchmark_{name}.txt").read_text()


def test_the_numbers_are_the_printed_ones():
    assert read(job_of(SET_GET), recorded("7")) == {
        "set_requests_per_second": 29197.08,
        "set_latency_mean_ms": 0.272,
        "set_latency_p50_ms": 0.063,
        "set_latency_p95_ms": 1.623,
        "set_latency_p99_ms": 4.335,
        "set_latency_maximum_ms": 20.719,
        "get_requests_per_second": 30303.03,
        "get_latency_mean_ms": 0.286,
        "get_latency_p50_ms": 0.063,
        "get_latency_p95_ms": 2.055,
        "get_latency_p99_ms": 4.447,
        "get_latency_maximum_ms": 15.999,
    }


def test_every_test_has_its_own_metrics_in_the_order_of_the_definition():
    job = job_of({**ALL, "tests": list(reversed(TESTS))})
    metrics = read(job, recorded("7_all"))
    assert list(metrics) == job.metric_names
    assert metrics["lpush_requests_per_second"] == 140845.06, "not what LRANGE needs"
    assert metrics["lrange_600_latency_p99_ms"] == 9.671
    assert metrics["mset_latency_maximum_ms"] == 8.319


def test_another_machine_is_read_alike():
    metrics = read(job_of(VM), recorded("vm"))
    assert metrics["set_requests_per_second"] == 3340.12
    assert metrics["get_latency_p95_ms"] == 16.511


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"(?s)\A.*\Z", "", "output is empty"),
        (r"(?s)\A.*\Z", '"SET","118343.20"\n"GET","165289.25"\n', "before 6.2, which has no latencies"),
        (r"\A.*\n", "", "does not begin with"),
        ("p95_latency_ms", "p90_latency_ms", "does not begin with"),
        (r"\n\Z", "", "ends within a line"),
        ('"GET".*\n', "", "results of set, expected set, get"),
        ('"GET"', '"INCR"', "results of set, incr, expected set, get"),
        ('"GET"', '"SET"', "printed set twice"),
        ('"30303.03"', '"0.00"', "get has a rate or a latency of 0"),
        ('"30303.03"', '"-30303.03"', "no result"),
        ('"30303.03"', '"nan"', "no result"),
        ('"30303.03"', '"30303,03"', "no result"),
        ('"30303.03"', '"30303"', "no result"),
        ('"0.286"', '"0.000"', "a rate or a latency of 0"),
        ('"2.055"', '"5.055"', "out of order"),
        ('"0.286"', '"16.286"', "out of order"),
        ('"0.286"', '"1.286"', "keep 39.0 clients busy, and there were 10"),
        (r"\Z", "Error from server: OOM command not allowed\n", "no result(.|\n)*OOM command"),
    ],
)
def test_an_output_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded("7"), count=1)
    assert count == 1
    with pytest.raises(BenchmarkError, match=says):
        read(job_of(SET_GET), output)


def test_the_version_is_one_whose_output_is_understood():
    assert RedisBenchmark().version("redis-benchmark 7.0.15\n") == "redis-benchmark 7.0.15"
    assert RedisBenchmark().version("redis-benchmark 6.2.14 (git:00000000)\n") == "redis-benchmark 6.2.14"
    for other in ("redis-benchmark 6.0.16", "redis-benchmark 5.0.7", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"6\.2 and later is understood"):
            RedisBenchmark().version(other)


@pytest.mark.parametrize(("name", "definition"), RECORDED)
def test_damaged_outputs_give_metrics_or_a_benchmark_error(name, definition):
    reader = job_of(definition)
    assert survive_damage(lambda text: read(reader, text), [recorded(name)], reader.metric_names)


@given(text=st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        read(job_of(SET_GET), text)
