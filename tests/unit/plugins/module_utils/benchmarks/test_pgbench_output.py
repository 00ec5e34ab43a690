# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading pgbench's summary and log.

fixtures/pgbench_15*: real runs of pgbench 15.18 of Debian 12, slowed down by scripts that sleep. pgbench_13, _14 and
_17: the first of them in the layout of those versions (12 is as 13, 16 as 17), after outputs that people published.
"""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.pgbench import PgbenchTool
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = [
    ("13", "15", {}),
    ("14", "15", {}),
    ("15", "15", {}),
    ("17", "15", {}),
    ("15_failures", "15_failures", {}),
    ("15_rate", "15_rate", {"rate": 150}),
    ("15_retries", "15_retries", {"max_tries": 2}),
    ("15_rate_retries", "15_rate_retries", {"rate": 200, "max_tries": 2}),
]
ERRORS = ("errors_total", "errors_percent")


def job(options=None):
    return job_of({"name": "pgbench", **(options or {})})


def summary(name="15"):
    return (FIXTURES / f"pgbench_{name}.txt").read_text()


def logs(name="15"):
    return {f"transactions.4711.{n}": (FIXTURES / f"pgbench_{name}_log_{n}.txt").read_text() for n in (0, 1)}


@pytest.mark.parametrize(("name", "log", "options"), RECORDED)
def test_a_real_output_gives_every_promised_metric(name, log, options):
    reader = job(options)
    metrics = read(reader, summary(name), logs(log))
    assert list(metrics) == reader.metric_names
    for metric, value in metrics.items():
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert value > 0 or metric in ERRORS


@pytest.mark.parametrize("version", ["13", "14", "15", "17"])
def test_numbers_are_those_of_the_summary_and_percentiles_those_of_the_log(version):
    metrics = read(job(), summary(version), logs())
    times = sorted(int(line.split()[2]) / 1000 for text in logs().values() for line in text.splitlines())
    assert len(times) == 54
    assert metrics["throughput_per_second"] == 53.266100
    assert metrics["latency_mean_ms"] == pytest.approx(statistics.fmean(times))
    assert metrics["latency_mean_ms"] == pytest.approx(36.979, abs=0.0005)
    assert metrics["latency_p50_ms"] == times[math.ceil(0.50 * len(times)) - 1]
    assert metrics["latency_p95_ms"] == times[math.ceil(0.95 * len(times)) - 1]
    assert metrics["latency_p99_ms"] == times[math.ceil(0.99 * len(times)) - 1]
    assert metrics["latency_maximum_ms"] == times[-1]
    assert metrics["errors_total"] == metrics["errors_percent"] == 0


def test_failed_transactions_are_counted_and_have_no_latency():
    metrics = read(job(), summary("15_failures"), logs("15_failures"))
    assert metrics["errors_total"] == 54
    assert metrics["errors_percent"] == pytest.approx(68.354, abs=0.0005)
    assert metrics["latency_mean_ms"] == pytest.approx(47.213, abs=0.0005)


def test_a_failure_by_its_kind_is_one_as_well():
    """As with --failures-detailed, which somebody may have made the default of their pgbench."""
    kinds = {name: text.replace("failed", "serialization", 20) for name, text in logs("15_failures").items()}
    assert read(job(), summary("15_failures"), kinds) == read(job(), summary("15_failures"), logs("15_failures"))


def test_columns_are_those_that_the_options_bring():
    for options in ({}, {"rate": 200}, {"max_tries": 2}):
        with pytest.raises(BenchmarkError, match="not all of a transaction"):
            read(job(options), summary("15_rate_retries"), logs("15_rate_retries"))
    with pytest.raises(BenchmarkError, match="not all of a transaction"):
        read(job({"rate": 200}), summary(), logs())


def test_nothing_at_all_is_no_result():
    with pytest.raises(BenchmarkError, match="output is empty"):
        read(job(), "")


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"processed: \d+", "processed: 0", "measured nothing: no transaction succeeded"),
        (r"processed: \d+", "processed: 53", "counts 53 successful transactions, its log 54"),
        (r"processed: \d+", "processed: -1", "no line with a plain 'number of transactions actually processed:'"),
        (r"number of failed.*\n", "", "no line with a plain 'number of failed transactions:'"),
        (r"failed transactions: 0 \(0.000%\)", "failed transactions: 0 (NaN%)", "no line"),
        (r"failed transactions: 0 \(0.000%\)", "failed transactions: 9 (0.000%)", "contradicts itself"),
        (r"failed transactions: 0 \(0.000%\)", "failed transactions: 9 (14.286%)", "9 failed transactions, its log 0"),
        (r"tps = [0-9.]+", "tps = nan", "no line with a plain 'tps ="),
        (r"tps = [0-9.]+", "tps = 1e3", "no line with a plain 'tps ="),
        (r"tps = [0-9.]+", "tps = 0.000000", "measured nothing: tps is 0.000000"),
        (r"tps = [0-9]+\.", "tps = 53,", "no line with a plain 'tps ="),
        (r"tps = [0-9.]+", "tps = 5.4", "run 10.0 s, but its log covers"),
        (r"tps = [0-9.]+", "tps = 540.0", "run 0.1 s, but its log covers"),
        (r"average = [0-9.]+ ms", "average = 0.000 ms", "contradicts itself"),
        (r"average = [0-9.]+ ms", "average = 36979 us", "no line with a plain 'latency average ="),
        (r"stddev = [0-9.]+ ms", "stddev = 9.000 ms", "the latency stddev of its log"),
        (r"latency stddev.*\n", "", "no line with a plain 'latency stddev ="),
        (r"duration: 1 s", "duration: 60 s", "but it was to run 60 s"),
        (r"(tps = .*\n)", r"\1\1", "2 lines instead of one"),
    ],
)
def test_a_summary_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, summary())
    assert count == 1
    with pytest.raises(BenchmarkError, match=re.escape(says)) as caught:
        read(job(), output, logs())
    assert caught.value.failure_class == "measurement"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "its log"),
        (lambda text: text[:-10], "not all of a transaction"),
        (lambda text: text[: text.rindex("\n", 0, -1) + 1], "transactions, its log 53"),
        (lambda text: re.sub(r"(\n.*){5}\n", "\n", text, count=1), "has a gap before transaction"),
        (lambda text: text.replace("\n", "\n\n", 1), "the line ''"),
        (lambda text: re.sub(r"^(\d+ \d+) \d+", r"\1 -5", text), "not all of a transaction"),
        (lambda text: re.sub(r"^(\d+ \d+) \d+", r"\1 99999999", text), "contradicts itself"),
        (lambda text: re.sub(r"^(\d+ \d+) \d+", r"\1 skipped", text), "not all of a transaction"),
        (lambda text: re.sub(r"^(\d+ \d+) \d+", r"\1 failed", text), "successful transactions, its log 53"),
        (lambda text: re.sub(r"^(\d+ \d+ \d+ \d+) 1", r"\1 2", text), "but its log covers"),
    ],
)
def test_a_log_that_is_wrong_makes_no_score(damage, says):
    files = logs()
    damaged = damage(files["transactions.4711.0"])
    assert damaged != files["transactions.4711.0"]
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        read(job(), summary(), {**files, "transactions.4711.0": damaged})


def test_a_summary_without_a_log_is_no_result():
    with pytest.raises(BenchmarkError, match="its log 0"):
        read(job(), summary(), {})


def test_a_run_of_failures_only_is_no_result():
    """As pgbench ends when its script cannot be run, but with exit code 0."""
    output = re.sub(r"processed: \d+", "processed: 0", summary("15_failures"))
    with pytest.raises(BenchmarkError, match="no transaction succeeded"):
        read(job(), output, logs("15_failures"))


def test_the_version_is_one_whose_output_is_understood():
    tool = PgbenchTool()
    assert tool.version("pgbench (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n") == "pgbench 15.18"
    assert tool.version("pgbench (PostgreSQL) 12.3\nWarning: No existing cluster is suitable\n") == "pgbench 12.3"
    assert tool.version("pgbench (PostgreSQL) 18beta1\n") == "pgbench 18beta1"
    for other in (
        "pgbench (PostgreSQL) 9.6.24",
        "pgbench (PostgreSQL) 11.22",
        "",
        "Error: PostgreSQL is not installed",
    ):
        with pytest.raises(InfrastructureError, match="pgbench 12 and later"):
            tool.version(other)


@pytest.mark.parametrize(("name", "log", "options"), RECORDED)
def test_damaged_summaries_give_metrics_or_a_benchmark_error(name, log, options):
    reader = job(options)
    files = logs(log)
    assert survive_damage(lambda text: read(reader, text, files), [summary(name)], reader.metric_names, ERRORS)


@pytest.mark.parametrize(("name", "log", "options"), RECORDED[2:3] + RECORDED[4:])
def test_damaged_logs_give_metrics_or_a_benchmark_error(name, log, options):
    reader = job(options)
    output = summary(name)
    files = logs(log)
    second = max(files)

    def damaged(text):
        return read(reader, output, {**files, second: text})

    assert survive_damage(damaged, [files[second]], reader.metric_names, ERRORS)


@given(text=st.text(max_size=400), log=st.text(max_size=100))
@settings(max_examples=100, deadline=None)
def test_any_text_is_no_result(text, log):
    with pytest.raises(BenchmarkError):
        read(job(), text, {"transactions.1": log})
