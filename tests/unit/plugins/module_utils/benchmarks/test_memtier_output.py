# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading memtier_benchmark's output. Debian 12 has no package of it, so none of these was recorded here.

fixtures/memtier_2.json has the form that version 2 writes and the numbers that are in pull request 246 of
redis/memtier_benchmark (of gets only), percentiles made up to fit; fixtures/memtier_interrupted.json is `1.json`
of that repository, a run that was interrupted, shortened.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.memtier import Memtier
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, survive_damage
from ansible_collections.evolve.vm.tests.benchmark_outputs import read as read_files

FIXTURES = Path(__file__).parent / "fixtures"
RATE = r"(?<=Totals\":\{\n\t{3}\"Count\": 2000000\n\t{3},\"Ops/sec\": )311352\.91"
JOB = job_of({"name": "memtier", "threads": 4, "ratio": "0:1"})


def recorded(name="2"):
    return (FIXTURES / f"memtier_{name}.json").read_text()


def read(text):
    return read_files(JOB, "", {"memtier.json": text})


def test_the_numbers_are_the_printed_ones():
    assert read(recorded()) == {
        "throughput_per_second": 311352.91,
        "transferred_mib_per_second": pytest.approx(20922.58 / 1024),
        "latency_mean_ms": 0.643,
        "latency_p50_ms": 0.639,
        "latency_p95_ms": 0.871,
        "latency_p99_ms": 1.039,
        "latency_maximum_ms": 5.183,
    }


def test_a_run_that_was_interrupted_makes_no_score():
    with pytest.raises(BenchmarkError, match="was interrupted"):
        read(recorded("interrupted"))


def test_no_file_is_no_result():
    with pytest.raises(BenchmarkError, match=r"left no file memtier\.json"):
        read_files(JOB, "all well\n")


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"(?s)\A.*\Z", "", "no JSON"),
        (r"(?s)\A.*\Z", "[" * 100000, "no JSON"),
        (r"(?s)\A.*\Z", "[]", "expected 'MILLISECONDS'"),
        (r"(?s).{200}\Z", "", "no JSON"),
        (RATE, "NaN", "NaN is no number"),
        (RATE, "-nan", "no JSON"),
        (RATE, "true", "'True' for 'ALL STATS / Totals / Ops/sec'"),
        (RATE, '"311352.91"', "expected a number"),
        (RATE, "-1", "expected a number of at least 0"),
        (RATE, "1e999", "expected a number of at least 0"),
        (RATE, "9" * 400, "expected a number of at least 0"),
        (RATE, "0.00", "measured nothing"),
        (RATE, "211352.91", "2000000 operations in 6.424 s"),
        ('"Count": 2000000', '"Count": 2000001', "2000001 sets and gets, 2000000 in total"),
        ('"MILLISECONDS"', '"SECONDS"', "duration is in 'SECONDS'"),
        ('"Total duration": 6424', '"Total duration": -6424', "expected a number of at least 0"),
        ('"Total duration": 6424', '"Total duration": 0', "contradicts itself"),
        ('(?s)(Totals.*)"p95.00": 0.871', r'\1"p95.00": 1.871', "out of order"),
        ('(?s)(Totals.*)"p95.00": 0.871', r'\1"p90.00": 0.871', "Percentile Latencies / p95.00"),
        ('(?s)(Totals.*)"Max Latency": 5.183', r'\1"Max Latency": 0.5', "out of order"),
        ('(?s)(Totals.*)"Average Latency": 0.643', r'\1"Average Latency": 4.643', "200 under way at most"),
        ('"Finish time"', '"Interrupted": "true", "Finish time"', "was interrupted"),
        ('(?s)(Totals.*)"Misses/sec"', r'\1"Connection Errors": 3, "Misses/sec"', "lost connections"),
        ('"Finish time"', '"Time unit": "MILLISECONDS", "Finish time"', "a key is there twice"),
    ],
)
def test_a_number_that_is_wrong_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded(), count=1)
    assert count == 1
    with pytest.raises(BenchmarkError, match=re.escape(says)):
        read(output)


def test_the_version_is_one_whose_output_is_understood():
    assert Memtier().version("memtier_benchmark 2.1.1\nCopyright (C) 2011-2024\n") == "memtier_benchmark 2.1.1"
    assert Memtier().version("memtier_benchmark 1.4.0\n") == "memtier_benchmark 1.4.0"
    for other in ("memtier_benchmark 1.3.0", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"1\.4 and later is understood"):
            Memtier().version(other)


def test_damaged_outputs_give_metrics_or_a_benchmark_error():
    assert survive_damage(read, [recorded()], JOB.metric_names)
    survive_damage(read, [recorded("interrupted")], JOB.metric_names)


@given(text=st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        read(text)
