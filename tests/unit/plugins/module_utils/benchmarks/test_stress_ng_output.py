# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading stress-ng's reports: real ones (fixtures/, 0.15.06 of Debian 12), and everything that is not one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.stress_ng import StressNg
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = ["cpu", "sem-sysv", "matrix", "vm"]


def job(name):
    return job_of({"name": "stress-ng", "stressors": [name]})


def recorded(name):
    return (FIXTURES / f"stress_ng_{name}.txt").read_text()


def metrics_of(name, report):
    return read(job(name), "", {"stress-ng.yaml": report})


@pytest.mark.parametrize("name", RECORDED)
def test_a_real_report_gives_the_promised_metric(name):
    metrics = metrics_of(name, recorded(name))
    assert list(metrics) == job(name).metric_names
    assert all(isinstance(value, float) and value > 0 for value in metrics.values())


def test_the_number_is_the_one_in_real_time():
    """Not the one beside it, per second of the processor."""
    assert metrics_of("vm", recorded("vm")) == {"vm_operations_per_second": 22802.886783}
    assert metrics_of("sem-sysv", recorded("sem-sysv")) == {"sem_sysv_operations_per_second": 623429.412842}


def test_other_versions_are_understood():
    """0.13 ends with system-time; 0.17 writes more for each stressor; --sn gives exponents; times may follow."""
    expected = metrics_of("matrix", recorded("matrix"))
    oldest = re.sub(r" +(cpu-usage-per-instance|max-rss|\S+-ops-per-sec): .*\n", "", recorded("matrix"))
    assert oldest != recorded("matrix")
    newest = recorded("matrix").replace(
        "      max-rss:", "      7-zip MB/sec (harmonic mean): 12.5\n      harmonic-mean: nan\n      max-rss:"
    )
    assert metrics_of("matrix", oldest) == expected
    assert metrics_of("matrix", newest) == expected
    assert metrics_of("matrix", recorded("matrix").replace("\n...", "\ntimes:\n      run-time: 1.0\n...")) == expected
    exponents = re.sub(r"(time: |real-time: )([0-9.]+)", lambda m: f"{m[1]}{float(m[2]):e}", recorded("matrix"))
    assert metrics_of("matrix", exponents) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"real-time: 22802\S+", "real-time: 0.000000", "measured nothing: bogo-ops-per-second-real-time is 0"),
        (r"real-time: 22802\S+", "real-time: 44787.219714", "contradicts itself"),
        (r"real-time: 22802\S+", "real-time: -1", "has '-1' for"),
        (r"real-time: 22802\S+", "real-time: nan", "has 'nan' for"),
        (r"real-time: 22802\S+", "real-time: inf", "has 'inf' for"),
        (r"real-time: 22802\S+", "real-time: 22802,886783", "has '22802,886783' for"),
        (r" +\S+real-time: 22802\S+\n", "", "has nothing for 'bogo-ops-per-second-real-time'"),
        (r"bogo-ops: 22944", "bogo-ops: 0", "measured nothing: bogo-ops is 0"),
        (r"bogo-ops: 22944", "bogo-ops: 22944\n      bogo-ops: 22944", "has 'bogo-ops' twice"),
        (r"wall-clock-time: 1\.", "wall-clock-time: 2.", "contradicts itself"),
        (r"stressor: vm", "stressor: vm-rw", "reported on vm-rw, expected vm"),
        (r"    - stressor: vm\n", "", "reported on no stressor, expected vm"),
        (
            r"    - stressor: vm\n",
            "    - stressor: cpu\n      bogo-ops: 1\n    - stressor: vm\n",
            "reported on cpu, vm",
        ),
        (r"metrics:\n", "", "no complete report"),
        (r"\n\.\.\.\n", "\n", "no complete report"),
    ],
)
def test_a_report_that_is_wrong_makes_no_score(line, replacement, says):
    report, count = re.subn(line, replacement, recorded("vm"))
    assert count == 1
    with pytest.raises(BenchmarkError, match=says) as caught:
        metrics_of("vm", report)
    assert caught.value.failure_class == "measurement"


def test_no_report_is_no_result():
    """What is there when a stressor was skipped: the file as it was made before the run."""
    with pytest.raises(BenchmarkError, match="no complete report"):
        metrics_of("vm", "")


def test_the_version_is_one_whose_report_is_understood():
    printed = "stress-ng, version 0.15.06 (gcc 12.2.0, x86_64 Linux 6.1.0)\n"
    assert StressNg().version(printed) == "stress-ng 0.15.06"
    assert StressNg().version("stress-ng, version 0.13.12 (gcc 11.2, x86_64 Linux 5.15.0) 💻🔥") == "stress-ng 0.13.12"
    assert StressNg().version("stress-ng, version 0.17.06 (gcc 13.2.0)") == "stress-ng 0.17.06"
    for other in ("stress-ng, version 0.12.06 (gcc 10.2.1)", "stress 1.0.7", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"stress-ng 0\.13 and later"):
            StressNg().version(other)


@pytest.mark.parametrize("name", RECORDED)
def test_damaged_reports_give_metrics_or_a_benchmark_error(name):
    assert survive_damage(lambda text: metrics_of(name, text), [recorded(name)], job(name).metric_names)


@given(
    text=st.text(max_size=400) | st.text(max_size=100).map(lambda text: f"metrics:\n    - stressor: cpu\n{text}\n...")
)
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        metrics_of("cpu", text)
