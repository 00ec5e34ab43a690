# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading ping and sockperf: real outputs (fixtures/, iputils 20221126 and sockperf 3.7), and what is not one."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks import latency_output
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, InfrastructureError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.latency import Latency
from ansible_collections.evolve.vm.tests.benchmark_outputs import job_of, read, survive_damage

FIXTURES = Path(__file__).parent / "fixtures"
PINGS = ["ping", "ping_lost", "ping_ipv6"]
SOCKPERFS = ["sockperf_udp", "sockperf_tcp"]
NAMES = list(Latency.METRICS)
BETWEEN = "\x1c the log of it:\n"


def recorded(name):
    return (FIXTURES / f"{name}.txt").read_text()


def ping(output):
    return read(job_of({"name": "latency"}), output)


def sockperf(output, log):
    return read(job_of({"name": "latency", "method": "sockperf"}), output, {"sockperf.csv": log})


def both(text):
    """An output and a log as one text, so that both are damaged."""
    output, dummy, log = text.partition(BETWEEN)
    return sockperf(output, log)


def joined(name):
    return recorded(name) + BETWEEN + recorded(f"{name}_log")


@pytest.mark.parametrize("name", PINGS)
def test_a_real_output_of_ping_gives_every_promised_metric(name):
    metrics = ping(recorded(name))
    assert list(metrics) == NAMES == job_of({"name": "latency"}).metric_names
    assert all(isinstance(value, float) and math.isfinite(value) for value in metrics.values())
    assert metrics["latency_p50_ms"] <= metrics["latency_p95_ms"] <= metrics["latency_p99_ms"]
    assert metrics["latency_p99_ms"] <= metrics["latency_maximum_ms"]


@pytest.mark.parametrize("name", SOCKPERFS)
def test_a_real_output_of_sockperf_gives_every_promised_metric(name):
    metrics = both(joined(name))
    assert list(metrics) == NAMES
    printed = dict(re.findall(r"---> (?:percentile )?(\S+).* = +([0-9.]+)", recorded(name)))
    assert metrics["latency_p99_ms"] == pytest.approx(float(printed["99.000"]) / 1000, abs=1e-5)
    assert metrics["latency_maximum_ms"] == pytest.approx(float(printed["<MAX>"]) / 1000, abs=1e-5)
    assert float(printed["90.000"]) / 1000 <= metrics["latency_p95_ms"] <= float(printed["99.000"]) / 1000
    (mean,) = re.findall(r"avg-rtt=(\S+)", recorded(name))
    assert metrics["latency_mean_ms"] == pytest.approx(float(mean) / 1000, abs=1e-5)
    assert metrics["lost_percent"] == 0


def test_ping_s_numbers_are_those_of_the_replies():
    metrics = ping(recorded("ping_lost"))
    times = sorted(float(text) for text in re.findall(r"time=(\S+)", recorded("ping_lost")))
    assert len(times) == 15
    assert metrics == pytest.approx(
        {
            "latency_mean_ms": sum(times) / 15,
            "latency_p50_ms": times[7],
            "latency_p95_ms": times[14],
            "latency_p99_ms": times[14],
            "latency_maximum_ms": times[14],
            "lost_percent": 25.0,
        }
    )


def test_the_percentile_is_the_reply_of_that_rank():
    lines = [f"72 bytes from 10.0.0.1: icmp_seq={n} ttl=64 time={n / 1000:.3f} ms\n" for n in range(1, 201)]
    metrics = ping(
        "".join(lines) + "200 packets transmitted, 200 received, 0% packet loss, time 2009ms\n"
        "rtt min/avg/max/mdev = 0.001/0.100/0.200/0.058 ms, pipe 2\n"
    )
    assert [metrics[f"latency_p{rank}_ms"] for rank in (50, 95, 99)] == [0.1, 0.19, 0.198]


def test_a_reply_that_came_twice_counts_once():
    again = recorded("ping_ipv6").replace(
        "\n\n---", "\n72 bytes from ::1: icmp_seq=3 ttl=64 time=0.040 ms (DUP!)\n\n---"
    )
    again = again.replace("3 received,", "3 received, +1 duplicates,")
    found = ping(re.sub("min/avg/max/mdev = .*", _summary(again), again))
    assert found == ping(recorded("ping_ipv6"))


def _summary(output):
    times = [float(text) for text in re.findall(r"time=(\S+)", output)]
    return f"min/avg/max/mdev = {min(times):.3f}/{sum(times) / len(times):.3f}/{max(times):.3f}/0.001 ms"


def test_dropped_messages_are_lost():
    output = recorded("sockperf_udp").replace("dropped messages = 0", "dropped messages = 3")
    count = int(re.search(r"Total (\d+) observations", output).group(1))
    assert sockperf(output, recorded("sockperf_udp_log"))["lost_percent"] == pytest.approx(300 / (count + 3))


def test_the_log_of_older_versions_is_understood():
    """Up to 3.6 it has two columns."""
    log = re.sub(r"^\d+, (\S+, \S+), \S+$", r"\1", recorded("sockperf_udp_log"), flags=re.MULTILINE)
    log = log.replace("packet, txTime(sec), rxTime(sec), rtt(usec)", "txTime, rxTime")
    assert log != recorded("sockperf_udp_log")
    assert sockperf(recorded("sockperf_udp"), log) == both(joined("sockperf_udp"))


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"15 received", "14 received", "printed 15 replies, its summary counts 14"),
        (r"15 received", "0 received", "got no answer"),
        (r"20 packets transmitted", "12 packets transmitted", "did not send"),
        (r"25% packet loss", "0% packet loss", "contradicts itself: it prints 0, but the loss of 5 of 20 is 25"),
        (r".*packets transmitted.*\n", "", "no line with 'packets transmitted'"),
        (r"rtt min.*\n", "", "no line with 'rtt min/avg/max/mdev'"),
        (r"(rtt min.*\n)", r"\1\1", "2 lines instead of one"),
        (r"mdev = [0-9.]+/[0-9.]+/", "mdev = 0.001/22.0/", "contradicts itself"),
        (r"mdev = ", "mdev = -", "no line with 'rtt"),
        (r"72 bytes from 127.0.0.1: icmp_seq=2 .*\n", "", "printed 14 replies"),
        (r"icmp_seq=3 ", "icmp_seq=2 ", "printed 14 replies"),
        (r"icmp_seq=2 ttl=64 time=\S+", "icmp_seq=2 ttl=64 time=9.000", "contradicts itself"),
        (r"icmp_seq=2 ttl=64 time=\S+", "icmp_seq=2 ttl=64 time=0,022", "printed 14 replies"),
        (r"icmp_seq=2 ttl=64 time=\S+", "icmp_seq=2 ttl=64 time=nan", "printed 14 replies"),
        (r"icmp_seq=2 ", "icmp_seq=77 ", "did not send"),
    ],
)
def test_a_wrong_output_of_ping_makes_no_score(line, replacement, says):
    output, count = re.subn(line, replacement, recorded("ping_lost"))
    assert count == 1
    with pytest.raises(BenchmarkError, match=says) as caught:
        ping(output)
    assert caught.value.failure_class == "measurement"


def test_no_answer_is_told_in_ping_s_own_words():
    with pytest.raises(BenchmarkError, match=r"got no answer: 3 packets transmitted, 0 received(.|\n)*Unreachable"):
        ping(recorded("ping_unreachable"))


def test_no_time_is_no_latency():
    zero = re.sub(r"time=\S+", "time=0.000", recorded("ping_ipv6"))
    with pytest.raises(BenchmarkError, match="measured nothing: latency_mean_ms is 0"):
        ping(re.sub("min/avg/max/mdev = .*", "min/avg/max/mdev = 0.000/0.000/0.000/0.000 ms", zero))


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"(observation = +)", r"\g<1>9", "2 lines instead|contradicts itself: <MAX>"),
        (r"(percentile 99.000 = +)", r"\g<1>9", "contradicts itself: percentile 99.000"),
        (r"(percentile 50.000 = +)", r"\g<1>9", "contradicts itself: percentile 50.000"),
        (r".*percentile 50.000.*\n", "", "no line with percentile 50.000"),
        (r"avg-rtt=", "avg-rtt=9", "contradicts itself: .*the mean of its log"),
        (r"avg-rtt=", "avg-latency=", "no line with 'avg-rtt'"),
        (r".*dropped messages.*\n", "", "no line with 'dropped messages'"),
        (r"Total \d+ observations", "Total 3 observations", "3 observed"),
        (r"Total \d+ observations", "Total -3 observations", "no line with 'observations'"),
        (r".*Valid Duration.*\n", "", "measured nothing"),
        (r"(Valid Duration.*ReceivedMessages=)", r"\g<1>9", "contradicts itself: .*messages sent"),
    ],
)
def test_a_wrong_output_of_sockperf_makes_no_score(line, replacement, says):
    output = re.sub(line, replacement, recorded("sockperf_tcp"), count=1)
    assert output != recorded("sockperf_tcp")
    with pytest.raises(BenchmarkError, match=says):
        sockperf(output, recorded("sockperf_tcp_log"))


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        (r"-+\n$", "", "no complete log"),
        (r"\n5, .*", "", "in its log"),
        (r"\n5, [0-9.]+,", "\n5, nan,", "cannot be read"),
        (r"\n5, [0-9.]+,", "\n5, 99.0,", "an answer before its message"),
        (r"(\n5, [0-9.]+, [0-9.]+), [0-9.]+", r"\1, 1.000", "the time between"),
        (r"txTime", "", "no complete log"),
    ],
)
def test_a_wrong_log_of_sockperf_makes_no_score(line, replacement, says):
    log, count = re.subn(line, replacement, recorded("sockperf_tcp_log"))
    assert count == 1
    with pytest.raises(BenchmarkError, match=says):
        sockperf(recorded("sockperf_tcp"), log)


def test_the_log_of_another_run_is_no_log_of_this_one():
    with pytest.raises(BenchmarkError, match="contradicts itself"):
        sockperf(recorded("sockperf_tcp"), recorded("sockperf_udp_log"))


def test_a_server_that_is_down_is_told_in_sockperf_s_own_words():
    with pytest.raises(BenchmarkError, match="No messages were received from the server"):
        sockperf(recorded("sockperf_down"), recorded("sockperf_udp_log"))
    refused = "sockperf: == version #3.7 ==\nsockperf: ERROR: Can`t connect socket (errno=111 Connection refused)\n"
    with pytest.raises(BenchmarkError, match="Connection refused"):
        sockperf(refused, recorded("sockperf_udp_log"))


def test_the_version_is_one_whose_output_is_understood():
    both_printed = "ping from iputils 20221126\nlibcap: yes\nsockperf, version 3.7-no.git\n   compiled 2021"
    assert Latency().version(both_printed) == "ping iputils 20221126, sockperf 3.7-no.git"
    alone = "ping from iputils s20190709\nsh: 1: sockperf: not found"
    assert Latency().version(alone) == "ping iputils s20190709"
    assert Latency().version("ping utility, iputils-s20180629") == "ping iputils s20180629"
    for other in ("BusyBox v1.35.0 (Debian) multi-call binary", "ping (GNU inetutils) 2.4", ""):
        with pytest.raises(InfrastructureError, match="ping of iputils is understood"):
            Latency().version(other)


@pytest.mark.parametrize("name", PINGS)
def test_damaged_outputs_of_ping_give_metrics_or_a_benchmark_error(name):
    assert survive_damage(latency_output.ping, [recorded(name)], NAMES, {"lost_percent"})


@pytest.mark.parametrize("name", SOCKPERFS)
def test_damaged_outputs_of_sockperf_give_metrics_or_a_benchmark_error(name):
    assert survive_damage(both, [joined(name)], NAMES, {"lost_percent"})


@given(text=st.text(max_size=400), log=st.text(max_size=100))
@settings(max_examples=200, deadline=None)
def test_any_text_is_no_result(text, log):
    with pytest.raises(BenchmarkError):
        ping(text)
    with pytest.raises(BenchmarkError):
        sockperf(text, log)
