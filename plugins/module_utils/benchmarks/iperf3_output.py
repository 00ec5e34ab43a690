# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the JSON of iperf3. Pure; it gives metrics or raises BenchmarkError, never anything else.

What counts is what arrived: the receiver's numbers. Bytes, time and rates, the whole and its streams are compared.
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError
from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.json_output import Document, document

_MBIT = 1e6
#: A run that ends before this share of its time was broken off.
_COMPLETE = 0.9


class Expected(NamedTuple):
    """What a run was asked for."""

    udp: bool
    reverse: bool
    streams: int


def metrics(output: str, expected: Expected) -> dict[str, float]:
    """Metrics of a run."""
    found = document(output, "iperf3")
    if "error" in found.content:
        raise BenchmarkError(f"iperf3 says: {found.text('error')[:300]}")
    test = found.object("start").object("test_start")
    asked = ("UDP" if expected.udp else "TCP", float(expected.streams), float(expected.reverse))
    made = (test.text("protocol"), test.number("num_streams"), test.number("reverse"))
    if made != asked:
        raise BenchmarkError(
            "iperf3's output is of another run than was asked for: "
            f"protocol, streams and reverse are {made}, not {asked}"
        )
    end = found.object("end")
    streams = end.objects("streams")
    if len(streams) != expected.streams:
        end.refuse(f"has {len(streams)} streams, expected {expected.streams}")
    if expected.udp:
        return _udp(end, streams, test.positive("duration"))
    return _tcp(end, streams, test.positive("duration"), expected.reverse)


def _tcp(end: Document, streams: list[Document], duration: float, reverse: bool) -> dict[str, float]:
    sent = end.object("sum_sent")
    received = end.object("sum_received")
    for whole, part in ((sent, "sender"), (received, "receiver")):
        _rate(whole, duration)
        whole.same(
            whole.number("bytes"),
            sum(stream.object(part).number("bytes") for stream in streams),
            "the sum of the streams",
        )
    if received.number("bytes") > sent.number("bytes"):
        received.refuse(f"has more bytes than were sent: {received.number('bytes'):.0f}")
    retransmits = sent.number("retransmits")
    parts = sum(stream.object("sender").number("retransmits") for stream in streams)
    if retransmits != parts:
        sent.refuse(f"has {retransmits:.0f} for 'retransmits', its streams {parts:.0f} together")
    result = {
        "throughput_mbit_per_second": received.positive("bits_per_second") / _MBIT,
        "retransmits_total": retransmits,
    }
    if not reverse:
        round_trips = [_round_trip_ms(stream.object("sender")) for stream in streams]
        result["latency_mean_ms"] = sum(round_trips) / len(round_trips)
    return result


def _round_trip_ms(sender: Document) -> float:
    """The mean of what TCP took for the round trip; iperf3 writes microseconds."""
    mean = sender.positive("mean_rtt")
    if not sender.number("min_rtt") <= mean <= sender.number("max_rtt"):
        sender.refuse(f"has {mean:g} for 'mean_rtt', which is not between 'min_rtt' and 'max_rtt'")
    return mean / 1000


def _udp(end: Document, streams: list[Document], duration: float) -> dict[str, float]:
    # Before 3.10 or so there is one sum, with the bytes that were sent and the packets that were lost of them.
    separate = "sum_received" in end.content
    whole = end.object("sum_received" if separate else "sum")
    packets = whole.positive("packets")
    lost = whole.number("lost_packets")
    lost_percent = whole.number("lost_percent")
    whole.same(lost_percent, 100 * lost / packets, f"{lost:.0f} of {packets:.0f} packets, in per cent", rounding=1e-3)
    if lost >= packets:
        raise BenchmarkError(f"iperf3 measured nothing: {lost:.0f} of {packets:.0f} packets were lost")
    parts = [stream.object("udp") for stream in streams]
    whole.same(packets, sum(part.number("packets") for part in parts), "the sum of the streams")
    rate = _rate(whole, duration)
    if separate:
        sent = end.object("sum_sent")
        arrived = sent.positive("bytes") * (1 - lost / sent.positive("packets"))
        whole.same(whole.number("bytes"), arrived, "what was sent and not lost", tolerance=0.05)
    else:
        rate *= 1 - lost / packets
    return {
        "throughput_mbit_per_second": rate / _MBIT,
        "jitter_ms": whole.number("jitter_ms"),
        "lost_percent": lost_percent,
    }


def _rate(whole: Document, duration: float) -> float:
    """Bits per second of a sum, which has to agree with its bytes and its time."""
    seconds = whole.positive("seconds")
    if seconds < _COMPLETE * duration:
        whole.refuse(f"has {seconds:g} for 'seconds': it was broken off before its {duration:g} s were over")
    rate = whole.positive("bits_per_second")
    what = f"{whole.positive('bytes'):.0f} bytes in {seconds:g} s, in bits a second"
    whole.same(rate, whole.positive("bytes") * 8 / seconds, what)
    return rate
