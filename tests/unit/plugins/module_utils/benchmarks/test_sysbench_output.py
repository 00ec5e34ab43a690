# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading sysbench's output: real outputs (fixtures/, sysbench 1.0.20 of Debian 12), and everything that is not one."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.sysbench import Sysbench
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = [
    ("cpu_1", "cpu", {}),
    ("cpu_2", "cpu", {}),
    ("cpu_busy_1", "cpu", {}),
    ("cpu_busy_2", "cpu", {}),
    ("memory_1k", "memory", {"block_size_kib": 1}),
    ("memory_1m", "memory", {}),
    ("memory_1m_read", "memory", {}),
    ("memory_exhausted", "memory", {}),
    ("fileio_rndrw", "fileio", {}),
    ("fileio_rndrd", "fileio", {"mode": "rndrd"}),
    ("fileio_rndwr", "fileio", {"mode": "rndwr"}),
    ("fileio_seqrd", "fileio", {"mode": "seqrd"}),
    ("fileio_seqwr", "fileio", {"mode": "seqwr"}),
    ("fileio_seqrewr", "fileio", {"mode": "seqrewr"}),
    ("fileio_nofsync", "fileio", {"fsync_every": 0, "block_size_kib": 4}),
    ("threads", "threads", {}),
    ("mutex", "mutex", {}),
    ("mutex_8", "mutex", {"locks": 1000}),
    ("oltp_read_write_pgsql", "oltp_read_write", {}),
    ("oltp_read_write_deadlocks", "oltp_read_write", {}),
    ("oltp_write_only_mysql", "oltp_write_only", {}),
    ("oltp_point_select_mysql", "oltp_point_select", {}),
]
MAY_BE_ZERO = ("errors_total", "errors_percent", "reconnects_total")


def job(test, options=None):
    section = "oltp" if test.startswith("oltp_") else test
    return job_of({"name": "sysbench", "tests": [test], section: options or {}})


def zeros(reader):
    return [name for name in reader.metric_names if name.endswith(MAY_BE_ZERO)]


def recorded(name):
    return (FIXTURES / f"sysbench_{name}.txt").read_text()


@pytest.mark.parametrize(("name", "test", "options"), RECORDED)
def test_a_real_output_gives_every_promised_metric(name, test, options):
    reader = job(test, options)
    metrics = read(reader, recorded(name))
    assert list(metrics) == reader.metric_names
    assert all(isinstance(value, float) and math.isfinite(value) and value >= 0 for value in metrics.values())
    assert all(value > 0 for name, value in metrics.items() if name not in zeros(reader))


def test_fileio_numbers_are_the_printed_ones():
    metrics = read(job("fileio"), recorded("fileio_rndrw"))
    # reads/s: 18427.69, writes/s: 12285.13, fsyncs/s: 6146.06; read, MiB/s: 287.93; sum: 3861.11 in 73799 events
    assert metrics["fileio_operations_per_second"] == pytest.approx(18427.69 + 12285.13)
    assert metrics["fileio_fsyncs_per_second"] == 6146.06
    assert metrics["fileio_read_mib_per_second"] == pytest.approx(287.93, abs=0.005)
    assert metrics["fileio_written_mib_per_second"] == pytest.approx(191.96, abs=0.005)
    assert metrics["fileio_latency_mean_ms"] == pytest.approx(3861.11 / 73799)
    assert metrics["fileio_latency_p95_ms"] == pytest.approx(0.16, abs=0.005)


def test_cpu_and_memory_numbers_are_the_printed_ones():
    assert read(job("cpu"), recorded("cpu_1"))["cpu_events_per_second"] == 1084.01
    metrics = read(job("memory", {"block_size_kib": 1}), recorded("memory_1k"))
    assert metrics["memory_operations_per_second"] == 5137102.38
    assert metrics["memory_mib_per_second"] == pytest.approx(5016.70, abs=0.005)


def test_threads_and_mutex_numbers_are_computed_from_the_printed_ones():
    metrics = read(job("threads"), recorded("threads"))
    assert metrics["threads_events_per_second"] == pytest.approx(576 / 1.0029)
    assert metrics["threads_latency_mean_ms"] == pytest.approx(2000.81 / 576)
    metrics = read(job("mutex"), recorded("mutex"))
    assert metrics["mutex_locks_per_second"] == pytest.approx(2 * 50000 / 0.7405)
    assert metrics["mutex_latency_mean_ms"] == pytest.approx(1446.10 / 2)
    metrics = read(job("mutex", {"locks": 1000}), recorded("mutex_8"))
    assert metrics["mutex_locks_per_second"] == pytest.approx(8 * 1000 / 0.0695)


def test_oltp_numbers_are_computed_from_the_printed_ones():
    metrics = read(job("oltp_read_write"), recorded("oltp_read_write_deadlocks"))
    # 2064 transactions, 41334 queries and 3 ignored errors in 1.0174 s; sum of latencies 8052.98 ms
    assert metrics["oltp_read_write_transactions_per_second"] == pytest.approx(2064 / 1.0174)
    assert metrics["oltp_read_write_queries_per_second"] == pytest.approx(41334 / 1.0174)
    assert metrics["oltp_read_write_latency_mean_ms"] == pytest.approx(8052.98 / 2064)
    assert metrics["oltp_read_write_latency_p95_ms"] == pytest.approx(9.56, rel=0.01)
    assert metrics["oltp_read_write_errors_total"] == 3
    assert metrics["oltp_read_write_errors_percent"] == pytest.approx(100 * 3 / 2067)
    assert metrics["oltp_read_write_reconnects_total"] == 0


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"transactions: +2064 ", "transactions: 2063 ", "counts 2063 transactions, and 2064"),
        (r"2020.45 per sec", "20.45 per sec", "contradicts itself"),
        (r"2020.45 per sec", "nan per sec", "printed 'nan'"),
        (r"queries: +41334 ", "queries: 41335 ", "counts 41335 queries, and 41334"),
        (r"total: +41334", "total: 0", "counts 41334 queries, and 0"),
        (r"write: +8254", "write: 8253", "counts 41334 queries, and 41333"),
        (r" +ignored errors:.*\n", "", "no 'ignored errors:'"),
        (r"ignored errors: +3 ", "ignored errors: 9 ", "contradicts itself"),
        (r"ignored errors: +3 ", "ignored errors: -3 ", "printed '-3'"),
        (r" +reconnects:.*\n", "", "no 'reconnects:'"),
        (r"total time: +1.0174s", "total time: 0.0000s", "measured nothing: total time is 0"),
        (r"total time: +1.0174s", "total time: 1017.4ms", "printed '1017.4m'"),
        (r"avg/stddev\): +1.0066/", "avg/stddev): 5.0066/", "contradicts itself"),
        (r"events \(avg/stddev\): +258.0000/", "events (avg/stddev): 0.0000/", "measured nothing: events of a thread"),
    ],
)
def test_an_oltp_number_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded("oltp_read_write_deadlocks"))
    assert count == 1
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        read(job("oltp_read_write"), output)


def test_a_duration_that_nothing_else_bears_out_makes_no_score():
    """Rates are number by time: with ten times the time, and rates to suit, only the threads know better."""
    output = re.sub(r"1\.0174s", "10.1740s", recorded("oltp_read_write_deadlocks"))
    output = re.sub(r"\(([0-9.]+) per sec", lambda match: f"({float(match.group(1)) / 10:.2f} per sec", output)
    with pytest.raises(BenchmarkError, match=r"10\.174 s in all, 1\.0066 s a thread"):
        read(job("oltp_read_write"), output)


def test_a_latency_printed_as_zero_is_read_from_the_histogram():
    output = recorded("fileio_rndrd")
    assert re.search(r"95th percentile: +0\.00\n", output)
    assert re.search(r"avg: +0\.00\n", output)
    metrics = read(job("fileio", {"mode": "rndrd"}), output)
    assert 0.0015 <= metrics["fileio_latency_p95_ms"] <= 0.0025
    assert metrics["fileio_latency_mean_ms"] == pytest.approx(3679.66 / 999862)


def test_a_latency_below_what_sysbench_tells_apart_is_its_floor():
    output = recorded("memory_1k")
    assert read(job("memory", {"block_size_kib": 1}), output)["memory_latency_p95_ms"] == pytest.approx(0.001, abs=2e-5)


def test_the_percentile_moves_within_a_bucket_of_the_histogram():
    """One bucket is 1.8 % wide; without interpolation a percentile could only jump by that much."""

    def p95(low, high):
        lines = f"       1.000 |****   {low}\n       1.018 |****   {high}\n"
        return read(job("cpu"), _cpu_output(lines, low + high, 1.01))["cpu_latency_p95_ms"]

    readings = [p95(900 - shift, 100 + shift) for shift in range(0, 800, 100)]
    assert readings == sorted(readings)
    assert len(set(readings)) == len(readings)
    assert 1.009 * 0.999 < readings[0] <= readings[-1] < 1.018 * 1.0091


def _cpu_output(histogram, events, mean):
    return (
        "Latency histogram (values are in milliseconds)\n"
        "       value  ------------- distribution ------------- count\n"
        f"{histogram} \n"
        "CPU speed:\n"
        "    events per second:   100.00\n\n"
        f"    total number of events:              {events}\n"
        f"         avg:                                    {mean:.2f}\n"
        f"         95th percentile:                        {mean:.2f}\n"
        f"         sum:                                 {mean * events:.2f}\n"
    )


@pytest.mark.parametrize(
    ("name", "test", "says"),
    [
        ("fileio_unprepared", "fileio", "Did you forget to run the prepare step?"),
        ("memory_refused", "memory", "Invalid value for memory-block-size"),
        ("cpu_one_long_event", "cpu", "measured nothing: events per second is 0"),
        ("cpu_1", "fileio", "no 'reads/s:'"),
        ("fileio_rndrw", "cpu", "no 'events per second:'"),
        ("memory_1k", "memory", "contradicts itself"),
        ("oltp_no_server", "oltp_read_only", '"/nowhere/.s.PGSQL.5432" failed: No such file or directory'),
        ("cpu_1", "oltp_read_only", "no 'transactions:'"),
    ],
)
def test_an_output_without_a_result_is_told_with_its_reason(name, test, says):
    with pytest.raises(BenchmarkError, match=re.escape(says)) as caught:
        read(job(test), recorded(name))
    assert caught.value.failure_class == "measurement"


def test_nothing_at_all_is_no_result():
    with pytest.raises(BenchmarkError, match="output is empty"):
        read(job("cpu"), "")


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        ("reads/s: +18427.69", "reads/s:   0.00", "contradicts itself"),
        ("reads/s: +18427.69", "reads/s:   -1.00", "printed '-1.00'"),
        ("reads/s: +18427.69", "reads/s:   nan", "printed 'nan'"),
        ("reads/s: +18427.69", "reads/s:   inf", "printed 'inf'"),
        ("reads/s: +18427.69", "reads/s:   1e5", "printed '1e5'"),
        ("fsyncs/s: +6146.06", "fsyncs/s:  0.00", "fsyncs_per_second is 0"),
        ("fsyncs/s: +6146.06", "", "no 'fsyncs/s:'"),
        ("read, MiB/s: +287.93", "read, MiB/s:  301923.0", "contradicts itself"),
        ("read, MiB/s: ", "read, MB/s: ", "no 'read, MiB/s:'"),
        ("events: +73799", "events:  0", "measured nothing"),
        ("events: +73799", "events:  73798", "histogram counts 73799 events"),
        ("avg: +0.05", "avg:  0.50", "contradicts itself"),
        ("95th percentile: +0.16", "95th percentile:  1.60", "contradicts itself"),
        ("writes/s: ", "reads/s: 1\n writes/s: ", "2 lines"),
    ],
)
def test_a_number_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded("fileio_rndrw"))
    assert count == 1
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        read(job("fileio"), output)


def test_a_number_without_end_makes_no_score():
    output = recorded("cpu_1").replace("1084.01", "9" * 400)
    with pytest.raises(BenchmarkError, match="printed '9999"):
        read(job("cpu"), output)


def test_a_run_of_zeros_makes_no_score():
    zeros = re.sub(r"(/s: +)[0-9.]+", r"\g<1>0.00", recorded("fileio_rndrw"))
    with pytest.raises(BenchmarkError, match="measured nothing: fileio_operations_per_second is 0"):
        read(job("fileio"), zeros)


def test_the_version_is_one_whose_output_is_understood():
    assert Sysbench().version("sysbench 1.0.20\n") == "sysbench 1.0.20"
    assert Sysbench().version("sysbench 1.0.20-6f6117dc4\n") == "sysbench 1.0.20-6f6117dc4"
    for other in ("sysbench 0.4.12", "sysbench 1.1.0-df89d34", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"1\.0\.x"):
            Sysbench().version(other)


@pytest.mark.parametrize(("name", "test", "options"), RECORDED)
def test_damaged_outputs_give_metrics_or_a_benchmark_error(name, test, options):
    reader = job(test, options)
    assert survive_damage(lambda text: read(reader, text), [recorded(name)], reader.metric_names, zeros(reader))


@given(text=st.text(max_size=400), test=st.sampled_from(["cpu", "memory", "fileio", "threads", "mutex", "oltp_insert"]))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text, test):
    with pytest.raises(BenchmarkError):
        read(job(test), text)
