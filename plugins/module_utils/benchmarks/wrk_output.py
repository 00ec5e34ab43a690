# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what wrk and wrk2 print. Pure; gives metrics or raises BenchmarkError, never anything else.

The numbers are those of one line that our own Lua script prints in the end (REPORT), because wrk itself rounds to three
digits and leaves out the 95th percentile. Each is compared with wrk's own text, as far as that has it.
"""

from __future__ import annotations

import re

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

#: Lua, given to wrk after the user's own script: wrk calls `done` once, when the run is over.
REPORT = """done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "evolve.vm requests=%.0f microseconds=%.0f bytes=%.0f connect=%.0f read=%.0f write=%.0f status=%.0f timeout=%.0f "
      .. "mean=%.3f p50=%.0f p90=%.0f p95=%.0f p99=%.0f maximum=%.0f\\n",
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency.mean, latency:percentile(50), latency:percentile(90), latency:percentile(95), latency:percentile(99),
    latency.max))
end
"""
METRIC_NAMES = (
    "throughput_per_second",
    "transferred_mib_per_second",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p90_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_maximum_ms",
    "errors_total",
    "errors_percent",
)
_COUNTS = ("requests", "microseconds", "bytes", "connect", "read", "write", "status", "timeout")
_LATENCIES = ("p50", "p90", "p95", "p99", "maximum")
_LINE = re.compile(
    "evolve\\.vm "
    + " ".join(f"{name}=(?P<{name}>[0-9]{{1,15}})" for name in _COUNTS)
    + r" mean=(?P<mean>[0-9]{1,15}\.[0-9]{3}) "
    + " ".join(f"{name}=(?P<{name}>[0-9]{{1,15}})" for name in _LATENCIES)
)
_NUMBER = r"([0-9]{1,15}\.[0-9]{2,3})"
_TIME = _NUMBER + r"(us|ms|s|m|h)"
_BYTES = _NUMBER + r"([KMGTP]?)B"
_MICROSECONDS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_UNITS = {"": 1.0, "K": 2.0**10, "M": 2.0**20, "G": 2.0**30, "T": 2.0**40, "P": 2.0**50}
# HdrHistogram has three digits; what is printed is the upper end of a bucket in one place, the lower in another.
_BUCKET = 0.002


def metrics(output: str, spectrum: bool = False) -> dict[str, float]:
    """Metrics of a run. spectrum: of wrk2, which prints a histogram as well."""
    counts, latencies = _report(output)
    broken = counts["connect"] + counts["read"] + counts["write"]
    errors = broken + counts["status"] + counts["timeout"]
    # A connection that broke took with it a request that is counted nowhere else.
    attempts = counts["requests"] + broken
    if counts["requests"] == 0 or errors >= attempts:
        raise BenchmarkError(
            f"wrk measured nothing: {counts['requests']:.0f} requests were answered, {counts['status']:.0f} of them "
            f"with a status of 400 or more and {counts['timeout']:.0f} too late; connections failed "
            f"{counts['connect']:.0f} times to open, {counts['read']:.0f} times to read, {counts['write']:.0f} times "
            "to write. Is the address right, and does the server answer it?" + last_lines(output)
        )
    ordered = [latencies[name] for name in _LATENCIES]
    if ordered[0] <= 0 or latencies["mean"] <= 0 or ordered != sorted(ordered) or latencies["mean"] > ordered[-1]:
        raise BenchmarkError("wrk's latencies are out of order, or 0." + last_lines(output))
    _compare(output, counts, latencies)
    if spectrum:
        _compare_spectrum(output, latencies)
    seconds = counts["microseconds"] / 1e6
    found = (
        counts["requests"] / seconds,
        _positive(counts["bytes"] / seconds / 2**20, "bytes received", output),
        *(latencies[name] / 1e3 for name in ("mean", *_LATENCIES)),
        errors,
        100.0 * errors / attempts,
    )
    return dict(zip(METRIC_NAMES, found))


def _report(output: str) -> tuple[dict[str, float], dict[str, float]]:
    """The counts and the latencies (in microseconds) of our own line."""
    lines = [line for line in output.splitlines() if line.startswith("evolve.vm ")]
    if len(lines) != 1:
        what = "does not end with" if not lines else f"has {len(lines)} times"
        raise BenchmarkError(f"wrk's output {what} the line of totals 'evolve.vm requests=...'." + last_lines(output))
    match = _LINE.fullmatch(lines[0])
    if match is None:
        raise BenchmarkError("wrk's line of totals is not as expected." + last_lines(lines[0]))
    counts = {name: float(match.group(name)) for name in _COUNTS}
    _positive(counts["microseconds"], "the duration", output)
    return counts, {name: float(match.group(name)) for name in ("mean", *_LATENCIES)}


def _compare(output: str, counts: dict[str, float], latencies: dict[str, float]) -> None:
    """Raise BenchmarkError where wrk's own text says anything else."""
    requests, duration, bytes_read = _own(output, rf" +([0-9]+) requests in ({_TIME}), ({_BYTES}) read", (0, 1, 4))
    if float(requests[:20]) != counts["requests"]:
        raise _contradiction(f"{requests} requests", f"{counts['requests']:.0f}")
    _same(_time(duration), counts["microseconds"], "a duration of " + duration)
    _same(_size(bytes_read), counts["bytes"], f"{bytes_read} read")
    mean, maximum = _own(output, rf" +Latency +({_TIME}) +\S+ +({_TIME}) +\S+%", (0, 3))
    _same(_time(mean), latencies["mean"], f"a mean latency of {mean}")
    _same(_time(maximum), latencies["maximum"], f"a maximum latency of {maximum}")
    for percent in (50, 90, 99):
        (printed,) = _own(output, rf" +{percent}(?:\.000)?% +({_TIME}) *", (0,))
        _same(_time(printed), latencies[f"p{percent}"], f"a {percent}th percentile of {printed}")
    seconds = counts["microseconds"] / 1e6
    (rate,) = _own(output, rf"Requests/sec: +{_NUMBER}", (0,))
    _same((float(rate), 0.01), counts["requests"] / seconds, f"{rate} requests a second")
    (transfer,) = _own(output, rf"Transfer/sec: +({_BYTES})", (0,))
    _same(_size(transfer), counts["bytes"] / seconds, f"{transfer} a second")
    # These lines are left out where all of their numbers are 0.
    sockets = "".join(rf",? {name} {counts[name]:.0f}" for name in ("connect", "read", "write", "timeout"))
    for title, wanted, some in (
        (
            "Socket errors",
            rf" +Socket errors:{sockets}",
            any(counts[n] for n in ("connect", "read", "write", "timeout")),
        ),
        ("Non-2xx or 3xx", rf" +Non-2xx or 3xx responses: {counts['status']:.0f}", counts["status"] > 0),
    ):
        if (title in output) != some or (some and not re.search(rf"^{wanted}$", output, re.MULTILINE)):
            raise BenchmarkError(f"wrk's output contradicts itself on '{title}'." + last_lines(output))


def _compare_spectrum(output: str, latencies: dict[str, float]) -> None:
    """Raise BenchmarkError where the 95th percentile does not lie where wrk2's own histogram has it."""
    rows = re.findall(r"^ *([0-9]{1,12}\.[0-9]{3}) +([01]\.[0-9]{6}) +[0-9]+ +(?:[0-9.]+|inf)$", output, re.MULTILINE)
    below = [float(value) for value, rank in rows if float(rank) <= 0.95]
    above = [float(value) for value, rank in rows if float(rank) >= 0.95]
    if not below or not above:
        raise BenchmarkError("wrk2's percentile spectrum is missing, or ends early." + last_lines(output))
    p95 = latencies["p95"] / 1e3
    if not max(below) * (1 - _BUCKET) - 0.001 <= p95 <= min(above) * (1 + _BUCKET) + 0.001:
        raise _contradiction(f"a 95th percentile from {max(below):g} to {min(above):g} ms", f"{p95:g} ms")


def _own(output: str, pattern: str, groups: tuple[int, ...]) -> list[str]:
    """Parts of the one line of wrk's own text that looks like this."""
    found = re.findall(rf"^{pattern}$", output, re.MULTILINE)
    if len(found) != 1:
        what = "no line" if not found else f"{len(found)} lines"
        raise BenchmarkError(f"wrk's output has {what} like '{pattern}', expected one." + last_lines(output))
    parts = (found[0],) if isinstance(found[0], str) else found[0]
    return [parts[group] for group in groups]


def _time(text: str) -> tuple[float, float]:
    """Microseconds, and by how much they may be off."""
    unit = text.lstrip("0123456789.")
    return float(text[: -len(unit)]) * _MICROSECONDS[unit], 0.01 * _MICROSECONDS[unit]


def _size(text: str) -> tuple[float, float]:
    """Bytes, and by how much they may be off."""
    unit = text.rstrip("B").lstrip("0123456789.")
    return float(text.rstrip("BKMGTP")) * _UNITS[unit], 0.01 * _UNITS[unit]


def _same(printed: tuple[float, float], reported: float, what: str) -> None:
    number, rounding = printed
    if abs(number - reported) > rounding + _BUCKET * reported:
        raise _contradiction(what, f"{reported:g}")


def _contradiction(printed: str, reported: str) -> BenchmarkError:
    return BenchmarkError(f"wrk's output contradicts itself: it prints {printed}, but reports {reported}")


def _positive(number: float, what: str, output: str) -> float:
    if number <= 0:
        raise BenchmarkError(f"wrk measured nothing: {what} is {number:g}." + last_lines(output))
    return number
