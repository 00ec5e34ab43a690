# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading JMeter's results, CSV or XML, of 2.13 and 5.x. Pure; gives metrics or raises BenchmarkError, nothing else.

They are compared with the line `summary = ...` that JMeter prints in the end.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from datetime import datetime, timezone
from typing import Iterator, Mapping, NamedTuple, Sequence
from xml.parsers import expat

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import BenchmarkError, last_lines

METRIC_NAMES = (
    "throughput_per_second",
    "latency_mean_ms",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_maximum_ms",
    "errors_total",
    "errors_percent",
)
_SUMMARY = re.compile(
    r"^summary = +(\d{1,12}) in +\S+ = +\S+/s Avg: +(\d{1,12}) Min: +(\d{1,12}) Max: +(\d{1,12}) Err: +(\d{1,12}) \(",
    re.MULTILINE | re.ASCII,
)
# Without a line of names these are the first columns, in 2.13 as in 5.x.
_COLUMNS = ("timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType", "success")
_ATTRIBUTES = ("ts", "t", "lb", "rc", "rm", "tn", "dt", "s")
_DELIMITERS = (",", "\t", ";", "|")
_DATE = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d):(\d\d):(\d\d)[.,](\d{3})(?:Z|([+-])(\d\d):?(\d\d))?", re.ASCII
)
_TRANSACTION = "Number of samples in transaction :"
_SAMPLES = ("sample", "httpSample")
_MESSAGES = 3


class Sample(NamedTuple):
    """One request: when it began (ms since 1970), how long it took (ms), whether it was good, and what was answered.

    is_sum: it stands for others, which are there as well.
    """

    start: int
    elapsed: int
    good: bool
    answer: str
    is_sum: bool


class _Tally:
    """What many samples come to."""

    def __init__(self) -> None:
        self.start = 0
        self.end = 0
        self.errors = 0
        self.count = 0
        self.elapsed: Counter[int] = Counter()
        self.answers: Counter[str] = Counter()

    def add(self, sample: Sample) -> None:
        self.start = min(self.start, sample.start) if self.count else sample.start
        self.end = max(self.end, sample.start + sample.elapsed)
        self.count += 1
        self.elapsed[sample.elapsed] += 1
        if not sample.good:
            self.errors += 1
            self.answers[sample.answer] += 1

    @property
    def sum(self) -> int:
        return sum(elapsed * count for elapsed, count in self.elapsed.items())

    def percentile(self, share: float) -> float:
        """In ms, spread evenly within the one ms that JMeter tells apart; otherwise readings would jump by that."""
        rank = share * self.count
        for elapsed, count in sorted(self.elapsed.items()):
            if count >= rank:
                low = max(0.0, elapsed - 0.5)
                return min(float(max(self.elapsed)), low + (elapsed + 0.5 - low) * max(rank, 0.5) / count)
            rank -= count
        return float(max(self.elapsed))


def metrics(results: str, output: str, log: str = "") -> dict[str, float]:
    """Metrics of a run. results: the file that it wrote; output: what it printed; log: its log, for messages."""
    every = _Tally()
    plain = _Tally()
    if results.strip():
        for sample in _xml(results) if results.lstrip().startswith("<") else _csv(results):
            every.add(sample)
            if not sample.is_sum:
                plain.add(sample)
    # A transaction stands for its requests; it counts only where these are not there.
    tally = plain if plain.count else every
    if not tally.count:
        raise BenchmarkError("JMeter made no request; is the plan right?" + last_lines(output) + _log(log))
    if tally.errors == tally.count:
        answers = "; ".join(f"{count} x {answer}" for answer, count in tally.answers.most_common(_MESSAGES))
        raise BenchmarkError(f"JMeter measured nothing: all {tally.count} requests failed. Most often: {answers}")
    _compare(output, [tally, every], log)
    seconds = (tally.end - tally.start) / 1000
    if seconds <= 0 or max(tally.elapsed) <= 0:
        raise BenchmarkError(f"JMeter measured nothing: all {tally.count} requests took 0 ms, it tells 1 ms apart")
    found = (
        tally.count / seconds,
        tally.sum / tally.count,
        *(tally.percentile(share) for share in (0.5, 0.95, 0.99)),
        float(max(tally.elapsed)),
        float(tally.errors),
        100.0 * tally.errors / tally.count,
    )
    return dict(zip(METRIC_NAMES, found))


def _compare(output: str, tallies: list[_Tally], log: str) -> None:
    """Raise BenchmarkError unless JMeter's own summary is that of one of the tallies."""
    found = _SUMMARY.findall(output)
    if not found:
        raise BenchmarkError("JMeter printed no line 'summary = ...': it did not end." + last_lines(output) + _log(log))
    count, average, minimum, maximum, errors = (int(text) for text in found[-1])
    for tally in tallies:
        numbers = (tally.count, min(tally.elapsed), max(tally.elapsed), tally.errors)
        if numbers == (count, minimum, maximum, errors) and abs(tally.sum / tally.count - average) <= 1:
            return
    best = tallies[0]
    raise BenchmarkError(
        f"JMeter's output contradicts itself: its summary has {count} requests of {minimum} to {maximum} ms, {average} "
        f"on average, and {errors} errors; its results have {best.count} of {min(best.elapsed)} to "
        f"{max(best.elapsed)} ms, {best.sum / best.count:.1f} on average, and {best.errors} errors"
    )


def _csv(text: str) -> Iterator[Sample]:
    """The samples of a CSV file, with names of the columns or without."""
    if not text.endswith("\n"):
        raise BenchmarkError("JMeter's results end within a line." + last_lines(text))
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    names: list[str] = []
    width = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if not names:
                names = row if "elapsed" in row else list(_COLUMNS)
                width = len(row)
                missing = [name for name in ("timeStamp", "elapsed", "success") if name not in names]
                if missing or width < len(names) or len(set(names)) != len(names):
                    raise BenchmarkError(
                        f"JMeter's results have no column {', '.join(missing or _COLUMNS)}." + last_lines(first)
                    )
                if "elapsed" in row:
                    continue
            if len(row) != width:
                raise BenchmarkError(
                    f"JMeter's results have a line of {len(row)} columns, expected {width}: {row!r:.200}"
                )
            yield _sample(dict(zip(names, row)), _COLUMNS)
    except csv.Error as error:
        raise BenchmarkError(f"JMeter's results are no CSV: {error}") from error


def _xml(text: str) -> list[Sample]:
    """The samples of an XML file. What lies within a sample is a part of it and no sample of its own."""
    found: list[Sample] = []
    reader = _XmlReader(found)
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except (expat.ExpatError, ValueError) as error:
        raise BenchmarkError(f"JMeter's results are no XML: {error}." + last_lines(text)) from error
    return found


class _XmlReader:
    """Takes the samples out of the events of an XML parser."""

    def __init__(self, found: list[Sample]) -> None:
        self._found = found
        self._depth = 0
        self._parts = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and name != "testResults":
            raise BenchmarkError(f"JMeter's results begin with <{name[:40]}>, expected <testResults>")
        if self._depth == 2:
            if name not in _SAMPLES:
                raise BenchmarkError(f"JMeter's results have <{name[:40]}>, expected <sample> or <httpSample>")
            self._parts = 0
            self._found.append(_sample(attributes, _ATTRIBUTES))
        elif self._depth == 3 and name in _SAMPLES:
            self._parts += 1

    def end(self, _name: str) -> None:
        if self._depth == 2 and self._parts and self._found[-1].is_sum:
            # Its requests are within it, and counted nowhere else.
            self._found[-1] = self._found[-1]._replace(is_sum=False)
        self._depth -= 1

    def refuse(self, *_words: object) -> None:
        # With it come entities, which can grow without end or read files.
        raise BenchmarkError("JMeter's results have a DOCTYPE, which JMeter does not write")


def _sample(found: Mapping[str, str], names: Sequence[str]) -> Sample:
    """One sample; names: what the format calls the things that are in _COLUMNS."""
    start, elapsed, dummy, code, message, dummy, dummy, good = (found.get(name, "") for name in names)
    if not re.fullmatch(r"[0-9]{1,10}", elapsed) or good not in ("true", "false"):
        raise BenchmarkError(
            f"JMeter's results have a request with elapsed {elapsed[:40]!r} and success {good[:40]!r}, expected "
            "milliseconds, and true or false"
        )
    answer = f"{code} {message}".strip()[:200] or "no message"
    return Sample(_milliseconds(start), int(elapsed), good == "true", answer, message.startswith(_TRANSACTION))


def _milliseconds(text: str) -> int:
    """A time, in ms since 1970 where it says so, or a date."""
    if re.fullmatch(r"[1-9][0-9]{9,14}", text):
        return int(text)
    match = _DATE.fullmatch(text)
    if match is None:
        raise BenchmarkError(
            f"JMeter's results have a time {text[:40]!r}, expected milliseconds since 1970 or a date with "
            "milliseconds; set jmeter.save.saveservice.timestamp_format to ms"
        )
    year, month, day, hour, minute, second, thousandth = (int(part) for part in match.groups()[:7])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc).timestamp()
    except (ValueError, OverflowError) as error:
        raise BenchmarkError(f"JMeter's results have a time {text!r}: {error}") from error
    ahead = (int(match.group(9)) * 60 + int(match.group(10))) * 60 if match.group(8) else 0
    return int(moment - (ahead if match.group(8) == "+" else -ahead)) * 1000 + thousandth


def _log(log: str) -> str:
    return f" Its log:{last_lines(log)}" if log.strip() else ""
