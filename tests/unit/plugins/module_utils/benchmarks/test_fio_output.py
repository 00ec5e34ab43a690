# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading fio's JSON: real outputs (fixtures/, fio 3.33 of Debian 12), and everything that is not one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.fio import FioTool
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = [
    ("randrw", {}),
    ("randrw_fsync", {"fsync_every": 20, "jobs": 2}),
    ("randread_psync", {"mode": "randread", "engine": "psync", "direct": False}),
    ("randwrite_uring", {"mode": "randwrite", "engine": "io_uring"}),
    ("read_1m", {"mode": "read", "block_size_kib": 1024}),
    ("write_fsync", {"mode": "write", "block_size_kib": 64, "fsync_every": 1, "engine": "psync"}),
    ("rw", {"mode": "rw", "block_size_kib": 64}),
]


def job(options=None):
    return job_of({"name": "fio", **(options or {})})


def recorded(name):
    return (FIXTURES / f"fio_{name}.json").read_text()


def changed(name, **values):
    """A recorded output with other values; read__lat_ns__mean is that of read, below the one job."""
    content = json.loads(recorded(name))
    for path, value in values.items():
        place = content["jobs"][0]
        *above, last = path.split("__")
        for key in above:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return json.dumps(content, indent=2)


@pytest.mark.parametrize(("name", "options"), RECORDED)
def test_a_real_output_gives_every_promised_metric(name, options):
    reader = job(options)
    metrics = read(reader, recorded(name))
    assert list(metrics) == reader.metric_names
    assert all(isinstance(value, float) and math.isfinite(value) and value > 0 for value in metrics.values())
    assert set(metrics) <= set(FioTool.METRICS)


def test_the_numbers_are_the_printed_ones():
    metrics = read(job({"fsync_every": 20, "jobs": 2}), recorded("randrw_fsync"))
    found = json.loads(recorded("randrw_fsync"))["jobs"][0]
    assert metrics["read_operations_per_second"] == found["read"]["iops"] == 25204.795205
    assert metrics["write_operations_per_second"] == 10844.155844
    assert metrics["operations_per_second"] == pytest.approx(25204.795205 + 10844.155844)
    assert metrics["read_mib_per_second"] == pytest.approx(found["read"]["bw_bytes"] / 2**20)
    assert metrics["write_mib_per_second"] == pytest.approx(found["write"]["bw_bytes"] / 2**20)
    assert metrics["read_latency_mean_ms"] == pytest.approx(0.742594166072)
    assert metrics["read_latency_p50_ms"] == 0.154624
    assert metrics["write_latency_p95_ms"] == 4.685824
    assert metrics["fsync_latency_p99_ms"] == 33.42336
    assert metrics["fsyncs_per_second"] == pytest.approx(found["sync"]["total_ios"] / found["write"]["runtime"] * 1000)


def test_what_fio_says_before_and_after_its_json_does_not_matter():
    """As recorded from 3.28 (several writers) and 3.42 (normal output as well)."""
    before = (
        "fio: multiple writers may overwrite blocks that belong to other jobs. This can cause verification failures.\n"
    )
    after = (
        "\nRun status group 0 (all jobs):\n  WRITE: bw=12.5MiB/s (13.1MB/s), io=125MiB (131MB), run=10002-10002msec\n"
    )
    assert read(job(), before + recorded("randrw") + after) == read(job(), recorded("randrw"))


def test_the_oldest_outputs_are_understood_too():
    """fio 3.1: no bw_bytes, latencies without their number, the percentiles of lat_percentiles under clat_ns."""
    content = json.loads(recorded("randrw"))
    for name in ("read", "write"):
        part = content["jobs"][0][name]
        del part["bw_bytes"], part["lat_ns"]["N"], part["clat_ns"]["N"]
        part["clat_ns"]["percentile"] = part["lat_ns"].pop("percentile")
    del content["jobs"][0]["sync"]
    assert read(job(), json.dumps(content)) == read(job(), recorded("randrw"))


def test_newer_outputs_are_understood_too():
    """fio 3.42 has job_start and more under latency_window and disk_util."""
    content = json.loads(recorded("randrw"))
    content["fio version"] = "fio-3.42-6-g219f"
    content["jobs"][0].update(job_start=1783516269595, latency_target_ns=0, latency_window_us=0)
    assert read(job(), json.dumps(content)) == read(job(), recorded("randrw"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"error": 5}, r"stopped with error 5 \(errno\)"),
        ({"error": None}, "has nothing for 'error'"),
        ({"read__total_ios": 0}, r"measured nothing: jobs\[0\].read.total_ios is 0"),
        ({"read__total_ios": 1}, "contradicts itself: .*4096 bytes"),
        ({"read__total_ios": -1}, "has -1 for 'total_ios'"),
        ({"read__total_ios": True}, "has True for 'total_ios'"),
        ({"read__total_ios": "39816"}, "expected a number"),
        ({"read__iops": 0.0}, "measured nothing: .*iops is 0"),
        ({"read__iops": 39.7}, "contradicts itself: .*operations in"),
        ({"read__iops": None}, "has nothing for 'iops'"),
        ({"read__bw": 155}, "contradicts itself: .*in KiB/s"),
        ({"read__io_bytes": 0}, "measured nothing: .*io_bytes is 0"),
        ({"read__runtime": 1}, "contradicts itself"),
        ({"write__short_ios": 3}, "has 3 for 'short_ios'"),
        ({"write__drop_ios": 3}, "has 3 for 'drop_ios'"),
        ({"write": None}, "expected an object"),
        ({"write__lat_ns__mean": 0.0}, "measured nothing"),
        ({"write__lat_ns__mean": 1e12}, "which is not between"),
        ({"write__lat_ns__mean": 1e9, "write__lat_ns__max": 10**10}, "more than 16 at a time can be"),
        ({"write__lat_ns__N": 3}, "contradicts itself: .*the number of operations"),
        ({"write__lat_ns__percentile": None}, "has nothing for 'percentile'"),
        ({"write__lat_ns__percentile__95.000000": None}, "has nothing for '95.000000'"),
        ({"write__lat_ns__percentile__95.000000": 1}, "not in order"),
        ({"write__lat_ns__percentile__99.000000": 10**12}, "not in order"),
        ({"write__lat_ns__percentile__50.000000": 0}, "measured nothing"),
    ],
)
def test_a_number_that_is_wrong_makes_no_score(values, says):
    with pytest.raises(BenchmarkError, match=says) as caught:
        read(job(), changed("randrw", **values))
    assert caught.value.failure_class == "measurement"


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("", "output is empty"),
        ("fio: engine nosuch not loadable\n", "no JSON object"),
        ("{}", "has nothing for 'jobs'"),
        ('{"jobs": []}', "expected a list of objects"),
        ('{"jobs": [1]}', "expected a list of objects"),
        ('{"jobs": [{}, {}]}', "2 jobs, expected one group"),
        ('{"jobs": NaN}', "NaN is no number"),
        ('{"jobs": 1e999}', "1e999 is no number"),
        ('{"jobs": [], "jobs": []}', "has two values for 'jobs'"),
        ('{"jobs": 1' + "0" * 5000 + "}", "a number of 5001 digits"),
        ('{"jobs": ' + "[" * 100000, "torn or wrong"),
        ("{}\n{}\n", "2 JSON objects"),
    ],
)
def test_what_is_no_result_is_told(output, says):
    with pytest.raises(BenchmarkError, match=says):
        read(job(), output)


def test_a_torn_output_is_told():
    with pytest.raises(BenchmarkError, match="torn or wrong"):
        read(job(), recorded("randrw")[:-20])


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("randrw", {"mode": "randread"}, "operations of the kind write"),
        ("read_1m", {"mode": "write", "block_size_kib": 1024}, "operations of the kind read"),
        ("read_1m", {"mode": "read", "block_size_kib": 512}, "contradicts itself"),
        ("randrw", {"fsync_every": 20}, r"measured nothing: jobs\[0\].sync.total_ios is 0"),
        ("randrw", {"io_depth": 1}, "more than 1 at a time can be"),
    ],
)
def test_the_output_of_another_job_is_no_result(name, options, says):
    with pytest.raises(BenchmarkError, match=says):
        read(job(options), recorded(name))


def test_the_version_is_one_whose_output_is_understood():
    assert FioTool().version("fio-3.33\n") == "fio-3.33"
    assert FioTool().version("fio-3.42-6-g219f\n") == "fio-3.42-6-g219f"
    for other in ("fio-2.21", "fio-4.0", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"fio 3\.x"):
            FioTool().version(other)


@pytest.mark.parametrize(("name", "options"), RECORDED)
def test_damaged_outputs_give_metrics_or_a_benchmark_error(name, options):
    reader = job(options)
    assert survive_damage(lambda text: read(reader, text), [recorded(name)], reader.metric_names)


@given(text=st.text(max_size=400) | st.text(max_size=100).map(lambda text: '{"jobs": [{"error": 0, ' + text))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        read(job(), text)
