# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading wrk's output: real outputs (fixtures/, wrk 4.1.0 of Debian 12), and everything that is not one.

wrk2 has no package in Debian 12. fixtures/wrk_wrk2.txt holds numbers that its README prints, fewer of its histogram,
and the line that our script would have added to them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.wrk import Wrk, Wrk2
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
WRK = {"name": "wrk"}
WRK2 = {"name": "wrk2", "rate": 2000}
RECORDED = [("answers", WRK), ("some_errors", WRK), ("slow", WRK), ("wrk2", WRK2)]


def recorded(name):
    return (FIXTURES / f"wrk_{name}.txt").read_text()


def test_the_numbers_are_the_printed_ones():
    metrics = read(job_of(WRK), recorded("answers"))
    assert metrics == {
        "throughput_per_second": pytest.approx(34353.77, abs=0.01),
        "transferred_mib_per_second": pytest.approx(52.19, abs=0.005),
        "latency_mean_ms": pytest.approx(0.552093),
        "latency_p50_ms": 0.185,
        "latency_p90_ms": 1.612,
        "latency_p95_ms": 2.931,
        "latency_p99_ms": 5.39,
        "latency_maximum_ms": 8.467,
        "errors_total": 0.0,
        "errors_percent": 0.0,
    }


def test_errors_are_statuses_timeouts_and_broken_connections():
    metrics = read(job_of(WRK), recorded("some_errors"))
    assert metrics["errors_total"] == 6558
    assert metrics["errors_percent"] == pytest.approx(100 * 6558 / 65570)
    # 184 requests were answered, 48 with status 503; 19 answers came too late, and 24 connections broke.
    metrics = read(job_of(WRK), recorded("slow"))
    assert metrics["errors_total"] == 48 + 19 + 24
    assert metrics["errors_percent"] == pytest.approx(100 * 91 / (184 + 24))
    assert metrics["latency_p95_ms"] == pytest.approx(1644.139)


def test_wrk2_is_read_with_its_histogram():
    metrics = read(job_of(WRK2), recorded("wrk2"))
    assert metrics["throughput_per_second"] == pytest.approx(2000.28, abs=0.01)
    assert metrics["transferred_mib_per_second"] == pytest.approx(676.18 / 1024, abs=1e-4)
    assert metrics["latency_p95_ms"] == 10.015
    assert metrics["latency_mean_ms"] == 6.602


@pytest.mark.parametrize(
    ("name", "says"),
    [("all_errors", "8983 of them with a status of 400 or more"), ("cut_off", "10075 times to read")],
)
def test_a_run_of_errors_only_measured_nothing(name, says):
    with pytest.raises(BenchmarkError, match=f"measured nothing.*{says}"):
        read(job_of(WRK), recorded(name))


def test_nothing_at_all_is_no_result():
    with pytest.raises(BenchmarkError, match="output is empty"):
        read(job_of(WRK), "")


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        ("evolve.vm requests=.*\n", "", "does not end with the line of totals"),
        (r"\Z", "evolve.vm requests=1", "has 2 times"),
        ("p95=2931", "p95=nan", "not as expected"),
        ("p95=2931", "p95=-2931", "not as expected"),
        ("p95=2931", "p95=2,931", "not as expected"),
        ("p95=2931", "p95=1500", "out of order"),
        ("p50=185", "p50=0", "out of order"),
        ("p50=185", "p50=285", "a 50th percentile of 185.00us, but reports 285"),
        ("99% +5.39ms", "99%   5.39s", "a 99th percentile of 5.39s"),
        ("mean=552.093", "mean=952.093", "a mean latency of 552.09us"),
        ("maximum=8467", "maximum=9467", "a maximum latency of 8.47ms"),
        ("requests=72123", "requests=72124", "72123 requests"),
        ("72123 requests in 2.10s", "72123 requests in 2.10m", "a duration of 2.10m"),
        ("Requests/sec:  34353.77", "Requests/sec:  343537.7", "expected one"),
        ("Requests/sec:  34353.77", "Requests/sec:  44353.77", "44353.77 requests a second"),
        ("52.19MB", "52.19KB", "52.19KB a second"),
        ("109.57MB read", "109,57MB read", "no line like"),
        ("status=0", "status=5", "contradicts itself on 'Non-2xx or 3xx'"),
        ("read=0", "read=5", "contradicts itself on 'Socket errors'"),
        ("Requests/sec", "  Socket errors: connect 0, read 1, write 0, timeout 0\nRequests/sec", "'Socket errors'"),
    ],
)
def test_a_number_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded("answers"), count=1)
    assert count == 1
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        read(job_of(WRK), output)


def test_a_percentile_that_is_not_in_wrk2s_histogram_makes_no_score():
    with pytest.raises(BenchmarkError, match=r"from 10\.015 to 10\.015 ms, but reports 10\.5 ms"):
        read(job_of(WRK2), recorded("wrk2").replace("p95=10015", "p95=10500"))
    with pytest.raises(BenchmarkError, match="percentile spectrum is missing"):
        read(job_of(WRK2), re.sub(r"(?m)^ +[0-9.]+ +[01]\.\d{6} .*\n", "", recorded("wrk2")))


def test_the_version_is_one_whose_output_is_understood():
    usage = "Usage: wrk <options> <url>\n  -R, --rate  <T>  work rate (throughput)\n"
    assert Wrk().version("wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012\n") == "wrk debian/4.1.0-3+b2"
    assert Wrk().version("wrk 4.2.0 [kqueue] Copyright") == "wrk 4.2.0"
    assert Wrk2().version(f"wrk 4.0.0 [epoll] Copyright (C) 2012 Will Glozer\n{usage}") == "wrk2 4.0.0"
    assert Wrk2().version(f"wrk  [epoll] Copyright (C) 2012 Will Glozer\n{usage}") == "wrk2"
    with pytest.raises(InfrastructureError, match="is wrk2, which has the name wrk2 here"):
        Wrk().version(f"wrk 4.0.0 [epoll] Copyright\n{usage}")
    with pytest.raises(InfrastructureError, match="no option --rate"):
        Wrk2().version("wrk 4.1.0 [epoll] Copyright")
    for other in ("", "wrk 3.1.2 [epoll]", "command not found"):
        with pytest.raises(InfrastructureError, match=r"wrk 4\.x is understood"):
            Wrk().version(other)


@pytest.mark.parametrize(("name", "definition"), RECORDED)
def test_damaged_outputs_give_metrics_or_a_benchmark_error(name, definition):
    reader = job_of(definition)
    zeros = ("errors_total", "errors_percent")
    assert survive_damage(lambda text: read(reader, text), [recorded(name)], reader.metric_names, zeros)


@given(text=st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        read(job_of(WRK), text)
