# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading iperf3's JSON: real outputs (fixtures/, iperf 3.12 of Debian 12), and everything that is not one."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.iperf3 import Iperf3Tool
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
UDP = {"protocol": "udp"}
RECORDED = [
    ("tcp", {}),
    ("tcp_streams", {"streams": 2}),
    ("tcp_reverse", {"streams": 2, "reverse": True}),
    ("tcp_rate", {"rate_mbit_per_second": 200}),
    ("udp", UDP),
    ("udp_lost", {**UDP, "streams": 2, "rate_mbit_per_second": 0}),
    ("udp_reverse", {**UDP, "reverse": True}),
]
MAY_BE_ZERO = {"retransmits_total", "jitter_ms", "lost_percent"}


def job(options=None):
    return job_of({"name": "iperf3", **(options or {})})


def recorded(name):
    return (FIXTURES / f"iperf3_{name}.json").read_text()


def changed(name, **values):
    """A recorded output with other values; sum_sent__bytes is that of sum_sent, below end."""
    content = json.loads(recorded(name))
    for path, value in values.items():
        *above, last = path.split("__")
        place = content["end"]
        for key in above:
            place = place[int(key) if key.isdigit() else key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return json.dumps(content)


@pytest.mark.parametrize(("name", "options"), RECORDED)
def test_a_real_output_gives_every_promised_metric(name, options):
    reader = job(options)
    metrics = read(reader, recorded(name))
    assert list(metrics) == reader.metric_names
    assert all(isinstance(value, float) and math.isfinite(value) and value >= 0 for value in metrics.values())
    assert metrics["throughput_mbit_per_second"] > 0
    assert set(metrics) <= set(Iperf3Tool.METRICS)


def test_tcp_numbers_are_those_of_the_receiver():
    metrics = read(job({"streams": 2, "reverse": True}), recorded("tcp_reverse"))
    end = json.loads(recorded("tcp_reverse"))["end"]
    assert metrics["throughput_mbit_per_second"] == pytest.approx(end["sum_received"]["bits_per_second"] / 1e6)
    assert metrics["throughput_mbit_per_second"] == pytest.approx(11519.805967)
    assert metrics["retransmits_total"] == 36
    assert end["sum_sent"]["bits_per_second"] != end["sum_received"]["bits_per_second"]


def test_the_round_trip_is_the_mean_of_the_streams():
    """iperf3 writes microseconds."""
    streams = json.loads(recorded("tcp_streams"))["end"]["streams"]
    mean = sum(stream["sender"]["mean_rtt"] for stream in streams) / 2000
    assert read(job({"streams": 2}), recorded("tcp_streams"))["latency_mean_ms"] == pytest.approx(mean) == 0.7715


def test_udp_numbers_are_the_printed_ones():
    metrics = read(job({**UDP, "streams": 2}), recorded("udp_lost"))
    assert metrics["lost_percent"] == 83.4165400477534
    assert metrics["jitter_ms"] == 0.06249630219344385
    assert metrics["throughput_mbit_per_second"] == pytest.approx(3915.8634658918468)


def test_the_oldest_outputs_are_understood_too():
    """3.7: of UDP one sum, with the bytes that were sent."""
    old = changed("udp_lost", sum_sent=None, sum_received=None)
    metrics = read(job({**UDP, "streams": 2}), old)
    # Counted over the sender's time, not the receiver's.
    assert metrics["throughput_mbit_per_second"] == pytest.approx(3915.86, rel=0.03)
    assert metrics["lost_percent"] == 83.4165400477534


def test_newer_outputs_are_understood_too():
    """3.16 and later say more of the test, and nothing twice."""
    content = json.loads(recorded("tcp"))
    content["start"]["test_start"].update(bidir=0, fqrate=0, interval=1)
    content["start"]["version"] = "iperf 3.16"
    assert read(job(), json.dumps(content)) == read(job(), recorded("tcp"))


@pytest.mark.parametrize(
    ("name", "says"), [("down", "unable to connect to server: Connection refused"), ("busy", "server is busy")]
)
def test_an_error_is_told_in_iperf3_s_own_words(name, says):
    with pytest.raises(BenchmarkError, match=f"iperf3 says: .*{says}") as caught:
        read(job(), recorded(name))
    assert caught.value.failure_class == "measurement"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"sum_received__bits_per_second": 0}, "measured nothing"),
        ({"sum_received__bits_per_second": 14453383.65}, "contradicts itself: .*in bits a second"),
        ({"sum_received__bits_per_second": -5}, "has -5 for"),
        ({"sum_received__bits_per_second": "14453"}, "expected a number"),
        ({"sum_received__bits_per_second": True}, "has True for"),
        ({"sum_received__bytes": 0}, "measured nothing"),
        ({"sum_received__bytes": 5}, "contradicts itself"),
        ({"sum_received__seconds": 0.1}, "broken off before its 1 s were over"),
        ({"sum_received": None}, "has nothing for 'sum_received'"),
        ({"sum_sent__retransmits": None}, "has nothing for 'retransmits'"),
        ({"sum_sent__retransmits": 5}, "has 5 for 'retransmits', its streams 4 together"),
        ({"streams__0__receiver__bytes": 10}, "contradicts itself: .*the sum of the streams"),
        ({"streams__0__sender__mean_rtt": 0}, "measured nothing"),
        ({"streams__0__sender__mean_rtt": 10**9}, "not between 'min_rtt' and 'max_rtt'"),
        ({"streams": []}, "expected a list of objects"),
    ],
)
def test_a_tcp_number_that_is_wrong_makes_no_score(values, says):
    with pytest.raises(BenchmarkError, match=says):
        read(job(), changed("tcp", **values))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"sum_received__lost_percent": 0}, "contradicts itself: .*packets, in per cent"),
        ({"sum_received__lost_percent": None}, "has nothing for 'lost_percent'"),
        ({"sum_received__lost_packets": -1}, "has -1 for 'lost_packets'"),
        ({"sum_received__lost_packets": 0, "sum_received__lost_percent": 0}, "what was sent and not lost"),
        ({"sum_received__packets": 0}, "measured nothing"),
        ({"streams__1__udp__packets": 0}, "the sum of the streams"),
        ({"sum_received__jitter_ms": None}, "has nothing for 'jitter_ms'"),
    ],
)
def test_a_udp_number_that_is_wrong_makes_no_score(values, says):
    with pytest.raises(BenchmarkError, match=says):
        read(job({**UDP, "streams": 2}), changed("udp_lost", **values))


def test_a_run_whose_packets_were_all_lost_measures_nothing():
    packets = json.loads(recorded("udp"))["end"]["sum_received"]["packets"]
    lost = changed("udp", sum_received__lost_packets=packets, sum_received__lost_percent=100)
    with pytest.raises(BenchmarkError, match=r"measured nothing: .* packets were lost"):
        read(job(UDP), lost)


@pytest.mark.parametrize(
    ("name", "options"), [("tcp", UDP), ("udp", {}), ("tcp", {"streams": 2}), ("tcp_reverse", {"streams": 2})]
)
def test_the_output_of_another_run_is_no_result(name, options):
    with pytest.raises(BenchmarkError, match="of another run than was asked for"):
        read(job(options), recorded(name))


def test_what_is_there_twice_is_not_guessed_at():
    """Buffer sizes are, once for each stream, and nobody asks for them."""
    assert recorded("tcp_streams").count('"sndbuf_actual"') == 2
    twice = recorded("tcp").replace('"sum_received":', '"sum_received": {}, "sum_received":')
    with pytest.raises(BenchmarkError, match="has two values for 'sum_received'"):
        read(job(), twice)


def test_the_version_is_one_whose_output_is_understood():
    assert Iperf3Tool().version("iperf 3.12 (cJSON 1.7.15)\nLinux vm 6.1.0\n") == "iperf 3.12"
    assert Iperf3Tool().version("iperf 3.1.3\n") == "iperf 3.1.3"
    for other in ("iperf version 2.1.8 (12 August 2022) pthreads", "", "command not found"):
        with pytest.raises(InfrastructureError, match=r"iperf 3\.x"):
            Iperf3Tool().version(other)


@pytest.mark.parametrize(("name", "options"), RECORDED)
def test_damaged_outputs_give_metrics_or_a_benchmark_error(name, options):
    reader = job(options)
    assert survive_damage(lambda text: read(reader, text), [recorded(name)], reader.metric_names, MAY_BE_ZERO)


@given(text=st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text):
    with pytest.raises(BenchmarkError):
        read(job(), text)
