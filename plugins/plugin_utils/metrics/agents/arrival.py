# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the points of an agent really arrive: how old the newest of each metric is, and what to look at else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import (
    metrics_of,
    selectors,
    without_probes,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series

ARRIVES = "arrives"
MISSING = "missing"
STALE = "stale"
AHEAD = "ahead"
# Clocks that are kept differ by less.
CLOCK_SECONDS = 1.0
_AHEAD_SECONDS = 2.0
_NAMES_SHOWN = 3


class Expected(NamedTuple):
    """A metric that an agent is to write, of a probe or of the machine itself, and the series that it follows from."""

    metric: str
    probe: str
    selectors: tuple[Selector, ...]

    @property
    def shown(self) -> str:
        """For messages."""
        return f"{self.metric} of probe {self.probe}" if self.probe else self.metric


class Arrival(NamedTuple):
    """How it is with one of them. age_seconds: of the newest point, None where there is none."""

    expected: Expected
    status: str
    age_seconds: float | None


def expected_of(
    agent: str, kind: str, machine: str, probes: Sequence[Mapping[str, str]], host_tag: str
) -> list[Expected]:
    """What is to arrive. probes: with `name`, `kind` (http, tcp, icmp) and `target` each. Raises UnknownSeriesError."""
    known = metrics_of(agent, kind)
    wanted = [(metric, "", "") for metric in without_probes(known)]
    for probe in probes:
        network = probe["kind"] == "icmp"
        # collectd knows those whom it pings by their address alone.
        name = probe["target"] if network and agent == "collectd" else probe["name"]
        names = (
            ("network_latency_ms", "network_lost_percent") if network else ("response_time_ms", "availability_percent")
        )
        wanted += [(metric, name, probe["name"]) for metric in names if metric in known]
    return [
        Expected(metric, shown, tuple(selectors(agent, kind, metric, machine, probe=name, host_tag=host_tag)))
        for metric, name, shown in wanted
    ]


def arrival(
    expected: Expected, series_by_selector: Mapping[Selector, Sequence[Series]], now_ms: int, fresh_seconds: float
) -> Arrival:
    """How it is with a metric. It is as old as the oldest of the series that it needs."""
    newest = []
    for selector in expected.selectors:
        times = [series.points[-1][0] for series in series_by_selector.get(selector, ()) if series.points]
        if not times:
            return Arrival(expected, MISSING, None)
        newest.append(max(times))
    age = (now_ms - min(newest)) / 1000.0
    if (now_ms - max(newest)) / 1000.0 < -_AHEAD_SECONDS:
        return Arrival(expected, AHEAD, age)
    return Arrival(expected, STALE if age > fresh_seconds else ARRIVES, age)


def told(arrivals: Sequence[Arrival], agent: str, kind: str, machine: str, shown: str, skew_seconds: float) -> str:
    """What people are told about a machine, in sentences. shown: the database. skew_seconds: its clock less ours."""
    good = [each for each in arrivals if each.status == ARRIVES]
    count = f"{len(good)}" if len(good) == len(arrivals) else f"{len(good)} of {len(arrivals)}"
    sentences = [f"{machine}: {count} metrics of {agent} arrive in {shown}."]
    sentences += [_sentence(arrivals, status) for status in (MISSING, STALE, AHEAD)]
    if any(each.status == MISSING for each in arrivals):
        sentences.append(f"Look at: {_hint(agent, kind, machine)}")
    if abs(skew_seconds) > CLOCK_SECONDS:
        sentences.append(_clock(agent, kind, machine, skew_seconds))
    return " ".join(sentence for sentence in sentences if sentence)


def _sentence(arrivals: Sequence[Arrival], status: str) -> str:
    found = [each for each in arrivals if each.status == status]
    if not found:
        return ""
    names = ", ".join(each.expected.shown for each in found)
    ages = [each.age_seconds for each in found if each.age_seconds is not None]
    if status == MISSING:
        series = dict.fromkeys(s.measurement for each in found for s in each.expected.selectors)
        shown = ", ".join(list(series)[:_NAMES_SHOWN]) + (" ..." if len(series) > _NAMES_SHOWN else "")
        return f"Missing: {names} (there is no series {shown} of this machine)."
    if status == STALE:
        return f"Stale: {names} (the newest points are {min(ages):.0f} to {max(ages):.0f} s old)."
    return f"In the future: {names} (by up to {-min(ages):.0f} s)."


def _hint(agent: str, kind: str, machine: str) -> str:
    if kind != "influxdb":
        return (
            "the page /targets of Prometheus (or VictoriaMetrics), which says why a target is not read; whether it "
            "reads the prometheus.yml that the role has written; and whether the agent listens on an address that it "
            "reaches (monitoring_listen_address; 127.0.0.1 is for the machine itself only)."
        )
    if agent == "collectd":
        return (
            f"`journalctl -u collectd` on {machine}; in influxdb.conf the section [[collectd]] (enabled, bind-address, "
            "database, typesdb, and security-level as monitoring_collectd_security), and whether UDP to it is let "
            "through."
        )
    return f"`journalctl -u {agent}` on {machine}, which says what the database answers."


def _clock(agent: str, kind: str, machine: str, skew_seconds: float) -> str:
    way = "ahead" if skew_seconds > 0 else "behind"
    text = f"The clock of {machine} is {abs(skew_seconds):.1f} s {way} of the controller's"
    if agent == "node_exporter":
        return f"{text}; the database stamps the points of this agent itself, so that they lie right all the same."
    where = "in the future" if skew_seconds > 0 else "in the past"
    return (
        f"{text}; points of it lie {where}, and count for another trial than the one they were taken in. "
        "Have the machine keep time (chrony or systemd-timesyncd)."
    )
