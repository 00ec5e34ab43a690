# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sampler has written, as series of points; pure but for reading the segments."""

from __future__ import annotations

from typing import Any, Collection, Iterable, NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.sampling.segments import read_records

# Of one answer; who wants more asks again.
MOST_POINTS = 200_000


class Collected(NamedTuple):
    """series: {host, probe, field, points: [[at_ms, value], ...]}, sorted. newest_ms: what to ask from the next time.

    gaps: {host, begin_ms, end_ms, reason}, end_ms None while it lasts. failures: {host, probe, at_ms, reason}, where a
    probe began to fail in that way. more: there are further points now.
    """

    series: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    warnings: list[str]
    newest_ms: int
    more: bool


def collect(
    folder: str, since_ms: int, complete_ms: int | None, hosts: Collection[str] = (), most_points: int = MOST_POINTS
) -> Collected:
    """What is later than `since_ms` and up to `complete_ms`, of these hosts, or of all. Raises OSError.

    complete_ms: None where no sampler writes any more.
    """
    samples: list[tuple[int, str, str, list[tuple[str, float]]]] = []
    gaps: dict[tuple[str, int], dict[str, Any]] = {}
    events: list[dict[str, Any]] = []
    newest = since_ms
    last_ms = complete_ms
    more = False
    for records in read_records(folder, since_ms):
        fields: list[str] = []
        for record in records:
            if isinstance(record, list):
                at_ms, host, probe, *pairs = record
                if since_ms < at_ms and (last_ms is None or at_ms <= last_ms):
                    newest = max(newest, at_ms)
                    if not hosts or host in hosts:
                        values = [(fields[number], value) for number, value in zip(pairs[::2], pairs[1::2])]
                        samples.append((at_ms, host, probe, values))
            elif "fields" in record:
                fields = record["fields"]
            elif "gap" in record:
                host, begin_ms, end_ms, reason = record["gap"]
                # Its end is told after its beginning.
                if not hosts or not host or host in hosts:
                    gaps[host, begin_ms] = {"host": host, "begin_ms": begin_ms, "end_ms": end_ms, "reason": reason}
            elif since_ms < record["at_ms"] and (last_ms is None or record["at_ms"] <= last_ms):
                events.append(record)
        # Also what lies in later segments may be earlier: an answer that took long.
        samples.sort(key=lambda sample: sample[:3])
        samples, cut = _limited(samples, most_points)
        if cut:
            more, last_ms = True, samples[-1][0]
    newest = newest if complete_ms is None else max(complete_ms, since_ms)
    if more:
        newest = samples[-1][0]
        events = [event for event in events if event["at_ms"] <= newest]
    failures = [
        dict(zip(("host", "probe", "reason"), event["failure"]), at_ms=event["at_ms"])
        for event in events
        if "failure" in event and (not hosts or event["failure"][0] in hosts)
    ]
    warnings = [event["warning"] for event in events if "warning" in event]
    told = [gap for gap in gaps.values() if gap["end_ms"] is None or gap["end_ms"] > since_ms]
    in_order = sorted(told, key=lambda gap: (gap["begin_ms"], gap["host"]))
    return Collected(_series(samples), in_order, failures, warnings, newest, more)


def _limited(samples: list[Any], most_points: int) -> tuple[list[Any], bool]:
    """The first samples, in order, with at most so many points; all of one moment, or none of it."""
    points = 0
    for number, sample in enumerate(samples):
        points += len(sample[3])
        if points > most_points:
            kept = [earlier for earlier in samples[:number] if earlier[0] < sample[0]]
            if kept:
                return kept, True
    return samples, False


def _series(samples: Iterable[tuple[int, str, str, list[tuple[str, float]]]]) -> list[dict[str, Any]]:
    points: dict[tuple[str, str, str], list[list[float]]] = {}
    for at_ms, host, probe, values in samples:
        for field, value in values:
            points.setdefault((host, probe, field), []).append([at_ms, value])
    return [
        {"host": host, "probe": probe, "field": field, "points": found}
        for (host, probe, field), found in sorted(points.items())
    ]
