# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading JMeter's results: real ones (fixtures/, 2.13 of Debian 12), and everything that is not one.

Each has what JMeter printed beside it, `.txt`. fixtures/jmeter_5.csv has rows of JMeter 5 that are in the tests of
ICTU/quality-time, with a transaction controller; what 5.x prints was written after outputs in public repositories.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import jmeter_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.jmeter import JMeter
from ansible_collections.evolve.vm.tests.benchmark_outputs import survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
RECORDED = ["csv.csv", "csv_no_names.csv", "csv_dates.csv", "xml.xml", "5.csv"]
NAMES = list(jmeter_output.METRIC_NAMES)


def recorded(name):
    printed = FIXTURES / f"jmeter_{name.rpartition('.')[0]}.txt"
    return (FIXTURES / f"jmeter_{name}").read_text(), printed.read_text()


def summary(count, average, minimum, maximum, errors):
    return (
        f"summary = {count:6} in 2s = 1.0/s Avg: {average:5} Min: {minimum:5} Max: {maximum:5} Err: {errors:5} (0%)\n"
    )


def csv_of(*samples):
    """Results of (start, elapsed, success)."""
    rows = (
        f"{1500000000000 + start},{elapsed},a,200,OK,t 1-1,text,{good},1,1,1,1\n" for start, elapsed, good in samples
    )
    return "".join(rows)


@pytest.mark.parametrize("name", RECORDED)
def test_a_real_result_gives_every_promised_metric(name):
    metrics = jmeter_output.metrics(*recorded(name))
    assert list(metrics) == NAMES
    latencies = [metrics[f"latency_{which}_ms"] for which in ("p50", "p95", "p99", "maximum")]
    assert latencies == sorted(latencies)


def test_the_numbers_are_those_of_the_file():
    metrics = jmeter_output.metrics(*recorded("5.csv"))
    # Two transactions, which stand for the four requests beside them, are left out.
    assert metrics == {
        "throughput_per_second": pytest.approx(4 / ((1638325734752 + 1214 - 1638325618779) / 1000)),
        "latency_mean_ms": (57 + 360 + 10 + 1214) / 4,
        "latency_p50_ms": 57.5,
        "latency_p95_ms": pytest.approx(1214, abs=0.5),
        "latency_p99_ms": pytest.approx(1214, abs=0.5),
        "latency_maximum_ms": 1214.0,
        "errors_total": 1.0,
        "errors_percent": 25.0,
    }


def test_a_sample_within_another_is_no_sample_of_its_own():
    text, printed = recorded("xml.xml")
    assert len(re.findall("^  <httpSample", text, re.MULTILINE)) > 2
    outer = len(re.findall("^<httpSample", text, re.MULTILINE))
    metrics = jmeter_output.metrics(text, printed)
    assert f"summary = {outer:6} in" in printed
    good = text.count('" s="true" lb="request"')
    assert metrics["errors_total"] == outer - good > 0


def test_a_transaction_that_holds_its_requests_is_one_sample():
    part = '<httpSample t="40" ts="1500000000000" s="true" lb="a" rc="200" rm="OK"/>'
    sums = [
        f'<sample t="{elapsed}" ts="1500000000000" s="true" lb="t" rc="200" rm="Number of samples in transaction : 1, '
        f'number of failing samples : 0">{part}</sample>'
        for elapsed in (40, 60)
    ]
    text = f'<?xml version="1.0"?><testResults version="1.2">{"".join(sums)}</testResults>'
    metrics = jmeter_output.metrics(text, summary(2, 50, 40, 60, 0))
    assert metrics["latency_mean_ms"] == 50


def test_dates_are_times():
    text, printed = recorded("csv_dates.csv")
    shifted = text.replace("+0000", "+0230")
    assert shifted != text
    assert jmeter_output.metrics(text, printed) == jmeter_output.metrics(shifted, printed)
    one = "timeStamp;elapsed;success\n2026/11/05 10:00:00.000;100;true\n2026/11/05 10:00:01.900;100;true\n"
    assert jmeter_output.metrics(one, summary(2, 100, 100, 100, 0))["throughput_per_second"] == 1.0
    mixed = (
        "timeStamp\telapsed\tsuccess\n2026-11-05T10:00:00.000+0100\t100\ttrue\n2026-11-05 09:00:01.900Z\t100\ttrue\n"
    )
    assert jmeter_output.metrics(mixed, summary(2, 100, 100, 100, 0))["throughput_per_second"] == 1.0


def test_percentiles_move_within_the_millisecond_that_jmeter_tells_apart():
    def p95(slow):
        samples = [(i, 2 if i < slow else 1, "true") for i in range(999)]
        return jmeter_output.metrics(csv_of((0, 9, "true"), *samples), summary(1000, 1, 1, 9, 0))["latency_p95_ms"]

    readings = [p95(slow) for slow in range(1, 900, 100)]
    assert readings == sorted(readings)
    assert len(set(readings)) > 8
    assert 0.5 < readings[0] < 1.5 < readings[1] < readings[-1] <= 2.5


def test_a_run_of_errors_only_is_told_with_what_was_answered_most():
    with pytest.raises(BenchmarkError, match=r"measured nothing: all \d+ requests failed.*Connection refused"):
        jmeter_output.metrics(*recorded("down.csv"))


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"(?s)\A.*\Z", "", "made no request"),
        (r"\n\Z", "", "end within a line"),
        (r"\n[^\n]*\n\Z", "\n", "contradicts itself: its summary has"),
        ("timeStamp,elapsed", "timeStamp,took", "expected milliseconds"),
        ("timeStamp,", "time,", "no column timeStamp"),
        ("success", "label", "no column success"),
        ("success", "success,success", "no column"),
        ("(?m)^([0-9]+),[0-9]+,", r"\1,-5,", "elapsed '-5'"),
        ("(?m)^([0-9]+),[0-9]+,", r"\1,1.5,", "elapsed '1.5'"),
        ("(?m)^([0-9]+),[0-9]+,", r"\1,99999999999,", "elapsed '99999999999'"),
        ("(?m)^[0-9]+,", "02/06/03 08:21:42,", "set jmeter.save.saveservice.timestamp_format to ms"),
        ("(?m)^[0-9]+,", "2026-13-45T10:00:00.000,", "a time '2026-13-45T10:00:00.000'"),
        (",true,", ",yes,", "success 'yes'"),
        (",true,", ",true,1,", "columns, expected 12"),
        (",OK,", ',"OK,', "no CSV|columns, expected"),
        ("\n", "\n\n", "columns, expected 12"),
    ],
)
def test_a_file_that_is_wrong_makes_no_score(line, replacement, says):
    text, printed = recorded("csv.csv")
    text, count = re.subn(line, replacement, text, count=1)
    assert count == 1
    with pytest.raises(BenchmarkError, match=says):
        jmeter_output.metrics(text, printed)


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        ("</testResults>", "", "no XML"),
        ("testResults", "results", "no XML|expected <testResults>"),
        ("(?s)<testResults.*", "<results/>", "expected <testResults>"),
        ("(?m)^<httpSample ", "<other/><httpSample ", "have <other>"),
        (' t="', ' took="', "elapsed ''"),
        (' s="true"', "", "success ''"),
        (
            "<testResults",
            '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><testResults',
            "a DOCTYPE, which JMeter does not write",
        ),
        (r"\Z", "<a/>", "no XML"),
    ],
)
def test_xml_that_is_wrong_makes_no_score(line, replacement, says):
    text, printed = recorded("xml.xml")
    text, count = re.subn(line, replacement, text, count=1)
    assert count == 1
    with pytest.raises(BenchmarkError, match=says):
        jmeter_output.metrics(text, printed)


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ((3, 20, 10, 30, 0), "its summary has 3 requests"),
        ((2, 20, 10, 31, 0), "of 10 to 31 ms"),
        ((2, 24, 10, 30, 0), "24 on average"),
        ((2, 20, 10, 30, 1), "and 1 errors"),
    ],
)
def test_results_that_are_not_those_of_the_summary_make_no_score(numbers, says):
    results = csv_of((0, 10, "true"), (10, 30, "true"))
    assert jmeter_output.metrics(results, summary(2, 20, 10, 30, 0))["latency_mean_ms"] == 20
    with pytest.raises(BenchmarkError, match=f"contradicts itself.*{says}"):
        jmeter_output.metrics(results, summary(*numbers))


def test_no_summary_or_no_time_is_no_result():
    with pytest.raises(BenchmarkError, match=r"no line 'summary = \.\.\.'(.|\n)*Its log:(.|\n)*trouble"):
        jmeter_output.metrics(csv_of((0, 10, "true")), "Starting the test\n", "trouble\n")
    with pytest.raises(BenchmarkError, match="took 0 ms"):
        jmeter_output.metrics(csv_of((0, 0, "true"), (1, 0, "true")), summary(2, 0, 0, 0, 0))


def test_the_version_is_one_whose_results_are_understood():
    drawn = r"/_/   \_\_|  |_____|_| \_\ {}" + "\n\nCopyright (c) 1999-2020 The Apache Software Foundation\n"
    old = "Copyright (c) 1998-2015 The Apache Software Foundation\nVersion {}\n"
    assert JMeter().version(drawn.format("5.3")) == "jmeter 5.3"
    assert JMeter().version(drawn.format("5.6.3")) == "jmeter 5.6.3"
    assert JMeter().version(old.format("2.13.19691222")) == "jmeter 2.13.19691222"
    for other in (old.format("2.11"), "", "command not found", "Version 5.3"):
        with pytest.raises(InfrastructureError, match=r"2\.13 and later"):
            JMeter().version(other)


@pytest.mark.parametrize("name", RECORDED)
def test_damaged_results_give_metrics_or_a_benchmark_error(name):
    text, printed = recorded(name)
    zeros = ("errors_total", "errors_percent")
    assert survive_damage(lambda damaged: jmeter_output.metrics(damaged, printed), [text], NAMES, zeros)
    assert survive_damage(lambda damaged: jmeter_output.metrics(text, damaged), [printed], NAMES, zeros)


@given(text=st.text(max_size=400), start=st.sampled_from(["", "<", "timeStamp,elapsed,success\n"]))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text, start):
    with pytest.raises(BenchmarkError):
        jmeter_output.metrics(start + text, "summary = 1 in 1s = 1.0/s Avg: 1 Min: 1 Max: 1 Err: 0 (0.00%)\n")
