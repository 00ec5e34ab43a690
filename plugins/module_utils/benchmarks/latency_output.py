# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what ping (iputils) and sockperf 3 print. Pure; metrics or BenchmarkError, never anything else.

Percentiles are made of the single round trips, because neither prints the 95th; the summaries have to agree with them.
"""

from __future__ import annotations

import re

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines
from ansible_collections.evolve.vm.plugins.module_utils.ranks import nearest_rank

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,9})?)"
_COUNT = r"([0-9]{1,12})"
_REPLY = re.compile(
    rf"^{_COUNT} bytes from [^ ]+: icmp_seq={_COUNT} ttl=[0-9]+ time={_NUMBER} ms( \(DUP!\))?$", re.MULTILINE | re.ASCII
)
_PACKETS = re.compile(
    rf"^{_COUNT} packets transmitted, {_COUNT} received,(?: \+{_COUNT} duplicates,)?(?: \+[0-9]+ corrupted,)?"
    rf"(?: \+[0-9]+ errors,)? {_NUMBER}% packet loss, time [0-9]+ms$",
    re.MULTILINE | re.ASCII,
)
_ROUND_TRIPS = re.compile(rf"^rtt min/avg/max/mdev = {_NUMBER}/{_NUMBER}/{_NUMBER}/", re.MULTILINE | re.ASCII)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OBSERVATIONS = re.compile(rf"^sockperf: Total {_COUNT} observations; ", re.MULTILINE | re.ASCII)
_VALID = re.compile(
    rf"^sockperf: \[Valid Duration\] RunTime={_NUMBER} sec; SentMessages={_COUNT}; ReceivedMessages={_COUNT}$",
    re.MULTILINE | re.ASCII,
)
_DROPPED = re.compile(rf"^sockperf: # dropped messages = {_COUNT}; ", re.MULTILINE | re.ASCII)
_MEAN = re.compile(rf"^sockperf: ====> avg-rtt= *{_NUMBER} ", re.MULTILINE | re.ASCII)
_RANKED = r"^sockperf: ---> %s = *" + _NUMBER + "$"
_TIMES = re.compile(rf"(?:{_COUNT}, )?{_NUMBER}, {_NUMBER}(?:, {_NUMBER})?", re.ASCII)


def ping(output: str) -> dict[str, float]:
    """Metrics of a run of ping that printed every reply."""
    transmitted, received, duplicates, loss = _one("ping", _PACKETS, output, "'packets transmitted'")
    sent = int(transmitted)
    arrived = int(received)
    if not arrived:
        raise BenchmarkError(f"ping got no answer: {sent} packets transmitted, 0 received." + last_lines(output))
    replies = [(int(number), float(time), bool(again)) for dummy, number, time, again in _REPLY.findall(output)]
    first = {number: time for number, time, again in replies if not again}
    if (
        len(replies) != arrived + int(duplicates or 0)
        or len(first) != arrived
        or output.count(" time=") != len(replies)
    ):
        raise BenchmarkError(f"ping printed {len(first)} replies, its summary counts {arrived}." + last_lines(output))
    if arrived > sent or not 0 < min(first) <= max(first) <= sent:
        raise BenchmarkError(f"ping printed replies to packets that it did not send: {arrived} to {sent}")
    lost_percent = 100 * (sent - arrived) / sent
    _same("ping", float(loss), lost_percent, 0.001 * lost_percent + 1e-4, f"the loss of {sent - arrived} of {sent}")
    times = sorted(first.values())
    every = [time for dummy, time, again in replies]
    lowest, mean, highest = (float(text) for text in _one("ping", _ROUND_TRIPS, output, "'rtt min/avg/max/mdev'"))
    for printed, computed, what in (
        (lowest, min(every), "the shortest round trip"),
        (mean, sum(every) / len(every), "the mean of the round trips"),
        (highest, max(every), "the longest round trip"),
    ):
        # Replies are printed with three digits, or with a thousandth of a millisecond.
        _same("ping", printed, computed, 0.0011 + 0.006 * computed, what)
    return _metrics("ping", times, lost_percent)


def sockperf(output: str, log: str) -> dict[str, float]:
    """Metrics of a run of `sockperf ping-pong --full-rtt`, and of the log of its messages."""
    output = _COLOUR.sub("", output)
    if "[Valid Duration]" not in output:
        raise BenchmarkError("sockperf measured nothing." + last_lines(output))
    (count,) = _one("sockperf", _OBSERVATIONS, output, "'observations'")
    dummy, sent, received = _one("sockperf", _VALID, output, "'[Valid Duration]'")
    (dropped,) = _one("sockperf", _DROPPED, output, "'dropped messages'")
    times = sorted(_logged(log))
    if not len(times) == int(count) == int(received) <= int(sent):
        raise BenchmarkError(
            f"sockperf's output contradicts itself: {sent} messages sent and {received} received, {count} observed, "
            f"{len(times)} in its log"
        )
    if not times:
        raise BenchmarkError("sockperf measured nothing: no message came back")
    (mean,) = _one("sockperf", _MEAN, output, "'avg-rtt'")
    _same("sockperf", float(mean) / 1000, sum(times) / len(times), 1e-5 + 1e-4 * times[-1], "the mean of its log")
    for label, share in (("<MAX> observation", 1.0), ("percentile 99.000", 0.99), ("percentile 50.000", 0.5)):
        (printed,) = _one("sockperf", re.compile(_RANKED % label, re.MULTILINE | re.ASCII), output, label)
        # Whichever way it counts: the observation of this rank, or one beside it.
        place = nearest_rank(share, len(times))
        low = times[max(0, place - 2)]
        high = times[min(len(times) - 1, place + 2)]
        if not low - 1e-5 <= float(printed) / 1000 <= high + 1e-5:
            raise BenchmarkError(
                f"sockperf's output contradicts itself: {label} is {printed} us, in its log {times[place] * 1000:.3f}"
            )
    return _metrics("sockperf", times, 100 * int(dropped) / (int(dropped) + len(times)))


def _logged(log: str) -> list[float]:
    """The round trips in the log, in ms."""
    dummy, found, rest = log.partition("txTime")
    lines = rest.splitlines()[1:]
    # The line under the table ends it; a log that was cut off lacks it.
    if not found or not lines or set(lines[-1]) != {"-"}:
        raise BenchmarkError("sockperf left no complete log of its messages." + last_lines(log))
    times = []
    for line in lines[:-1]:
        match = _TIMES.fullmatch(line.strip())
        if not match:
            raise BenchmarkError(f"sockperf's log has a line that cannot be read: {line.strip()[:80]!r}")
        dummy, sent, received, printed = match.groups()
        milliseconds = (float(received) - float(sent)) * 1000
        if milliseconds <= 0:
            raise BenchmarkError(f"sockperf's log has an answer before its message: {line.strip()[:80]!r}")
        if printed is not None:
            _same("sockperf", float(printed) / 1000, milliseconds, 1e-5, f"the time between {sent} and {received}")
        times.append(milliseconds)
    return times


def _metrics(tool: str, times: list[float], lost_percent: float) -> dict[str, float]:
    """The metrics of round trips in ms, sorted."""
    result = {"latency_mean_ms": sum(times) / len(times)}
    for rank in (50, 95, 99):
        result[f"latency_p{rank}_ms"] = times[nearest_rank(rank / 100, len(times))]
    result["latency_maximum_ms"] = times[-1]
    for name, value in result.items():
        if value <= 0:
            raise BenchmarkError(f"{tool} measured nothing: {name} is {value:g}")
    return {**result, "lost_percent": lost_percent}


def _one(tool: str, pattern: re.Pattern[str], output: str, what: str) -> tuple[str, ...]:
    """The groups of the only line that matches."""
    found = pattern.findall(output)
    if len(found) != 1:
        how_many = "no line" if not found else f"{len(found)} lines instead of one"
        raise BenchmarkError(f"{tool} printed {how_many} with {what}." + last_lines(output))
    return found[0] if isinstance(found[0], tuple) else (found[0],)


def _same(tool: str, printed: float, computed: float, tolerance: float, what: str) -> None:
    if abs(printed - computed) > tolerance:
        raise BenchmarkError(f"{tool}'s output contradicts itself: it prints {printed:g}, but {what} is {computed:g}")
