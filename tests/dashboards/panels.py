# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Grafana's dashboards show: rows of panels, and what their queries ask, whatever database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import (
    BY_NAME,
    MEASUREMENT,
    PROBE,
    RUN_MEASUREMENT,
)

# Grafana's names of units, by the end of a metric's name.
UNITS = {
    "operations_per_second": "iops",
    "mib_per_second": "MiBs",
    "mbit_per_second": "Mbits",
    "percent": "percent",
    "mib": "mbytes",
    "ms": "ms",
    "fitness": "percent",
}


class Scope(NamedTuple):
    """Points that a query is about: those of a measurement whose tags match Grafana's variables, or are as said."""

    measurement: str
    variables: tuple[str, ...] = ()
    equal: tuple[tuple[str, str], ...] = ()
    present: tuple[str, ...] = ()

    def where(self, **tags: str) -> Scope:
        """Those of them with these values as well."""
        return self._replace(equal=(*self.equal, *tags.items()))


# What each row of the dashboard is about.
RUNS = Scope(RUN_MEASUREMENT, ("study", "slot"), present=("trial",))
TRIALS = Scope(MEASUREMENT, ("study", "slot"), present=("trial",))
MACHINES = Scope(MEASUREMENT, ("study", "host", "version"))
SIDES = Scope(MEASUREMENT, ("rollout",))
ROLES = Scope(MEASUREMENT, ("rollout", "version"), present=("role",))


class Over(NamedTuple):
    """The mean of a field in each interval of the time that is shown, a curve for each value of the tags `by`."""

    field: str
    scope: Scope
    by: tuple[str, ...]


class Difference(NamedTuple):
    """The mean of a field with one value of a tag, less that with another, in each interval."""

    field: str
    scope: Scope
    tag: str
    first: str
    second: str


class Best(NamedTuple):
    """The largest value of a field in the time that is shown."""

    field: str
    scope: Scope


class Top(NamedTuple):
    """The `count` largest among the largest values of a field for each value of the tags `by`."""

    field: str
    scope: Scope
    by: tuple[str, ...]
    count: int


class Distinct(NamedTuple):
    """How many values a tag has among points with a field, for each value of the tags `by`."""

    field: str
    scope: Scope
    tag: str
    by: tuple[str, ...] = ()


Query = Over | Difference | Best | Top | Distinct


class Target(NamedTuple):
    """A query and what its curves are called: the values of its tags `by`, and this."""

    query: Query
    name: str = ""


class Panel(NamedTuple):
    """unit: Grafana's name of it. width: of 24 columns."""

    title: str
    description: str
    unit: str
    targets: Sequence[Target]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    points: bool = False


class Row(NamedTuple):
    title: str
    panels: Sequence[Panel]


class Variable(NamedTuple):
    """What can be chosen at the top: values of a tag, or where it is '' the fields, of a scope's points.

    several: more than one at a time, and all.
    """

    name: str
    label: str
    tag: str
    scope: Scope
    several: bool = True


VARIABLES = (
    Variable("study", "Study", "study", Scope(MEASUREMENT), several=False),
    Variable("slot", "Slot", "slot", Scope(RUN_MEASUREMENT, ("study",))),
    Variable("metric", "Metric of the runs", "", Scope(RUN_MEASUREMENT), several=False),
    Variable("host", "Host", "host", Scope(MEASUREMENT, ("study",))),
    Variable("version", "Version", "version", Scope(MEASUREMENT)),
    Variable("rollout", "Rollout", "rollout", Scope(MEASUREMENT), several=False),
)


def unit_of(field: str) -> str:
    """Grafana's name of the unit of one of our metrics."""
    return next(unit for end, unit in UNITS.items() if field == end or field.endswith(f"_{end}"))


def _machines(title: str, description: str, *fields: tuple[str, str], width: int = 8) -> Panel:
    """Metrics of the machines, a curve for each host and name."""
    targets = []
    for field, name in fields:
        by = ("host", "probe") if BY_NAME[field].source == PROBE else ("host",)
        targets.append(Target(Over(field, MACHINES, by), name))
    return Panel(title, description, unit_of(fields[0][0]), targets, width=width)


def _roles(title: str, description: str, field: str) -> Panel:
    return Panel(title, description, unit_of(field), [Target(Over(field, ROLES, ("role", "version")))], width=8)


def _less(title: str, field: str, meaning: str) -> Panel:
    return Panel(
        f"{title}: canary less control",
        f"The mean of the canary's hosts less that of the control's, at the same time. {meaning}",
        unit_of(field),
        [Target(Difference(field, SIDES, "role", "canary", "control"), "canary less control")],
        width=8,
    )


CPU = "cpu_utilisation_percent"
ROWS = (
    Row(
        "Study",
        (
            Panel(
                "Best fitness so far",
                "The best reading of a trial of the search, in the time that is shown. It flatters: what is claimed is "
                "what the verification finds.",
                "percent",
                [Target(Best("fitness", RUNS.where(purpose="search")), "best")],
                kind="stat",
                width=4,
            ),
            Panel(
                "Trials",
                "Begun, and measured with a fitness. Others still run, have failed, or are the first of the baseline.",
                "none",
                [
                    Target(Distinct(CPU, TRIALS, "trial"), "begun"),
                    Target(Distinct("fitness", RUNS, "trial"), "measured"),
                ],
                kind="stat",
                width=4,
            ),
            Panel(
                "Trials measured by slot",
                "Slots that fall behind are slower, or fail more often.",
                "none",
                [Target(Distinct("fitness", RUNS, "trial", ("slot",)))],
                kind="bargauge",
                width=6,
            ),
            Panel(
                "Best trials",
                "The ten best readings of trials of the search, in the time that is shown.",
                "percent",
                [Target(Top("fitness", RUNS.where(purpose="search"), ("trial", "slot"), 10))],
                kind="table",
                width=10,
            ),
            Panel(
                "Fitness of each trial",
                "0 is the baseline, higher is better. A point is a trial, or the mean of those of one interval.",
                "percent",
                [Target(Over("fitness", RUNS, ("slot", "purpose")))],
                width=12,
                points=True,
            ),
            Panel(
                "Metric of the runs: $metric",
                "What the benchmark gave, in the unit at the end of the metric's name. Another is chosen at the top.",
                "short",
                [Target(Over("$metric", RUNS, ("slot", "benchmark")))],
                width=12,
                points=True,
            ),
        ),
    ),
    Row(
        "Slots and hosts",
        (
            _machines("CPU", "The share of its vCPUs' time that the machine uses.", (CPU, "")),
            _machines(
                "CPU: stolen and waiting",
                "Stolen: it wants to run, and its host runs something else. Waiting: for a disk; agents see it.",
                ("cpu_steal_percent", "stolen"),
                ("cpu_wait_percent", "waiting"),
            ),
            _machines("Memory", "Neither free nor a cache.", ("memory_used_mib", ""), width=4),
            _machines(
                "Memory in per cent", "Of what the machine has at that moment.", ("memory_used_percent", ""), width=4
            ),
            _machines(
                "Disk operations",
                "All disks together.",
                ("disk_read_operations_per_second", "read"),
                ("disk_write_operations_per_second", "written"),
            ),
            _machines(
                "Disk throughput",
                "All disks together.",
                ("disk_read_mib_per_second", "read"),
                ("disk_write_mib_per_second", "written"),
            ),
            _machines(
                "Disk latency",
                "The mean operation, as the hypervisor sees it. No point where there was none.",
                ("disk_read_latency_ms", "read"),
                ("disk_write_latency_ms", "written"),
            ),
            _machines(
                "Network throughput",
                "All interfaces but loopback.",
                ("network_received_mbit_per_second", "received"),
                ("network_sent_mbit_per_second", "sent"),
            ),
            _machines(
                "Network latency", "A round trip to the machine, without its application.", ("network_latency_ms", "")
            ),
            _machines("Network loss", "Round trips that were not answered in time.", ("network_lost_percent", "")),
            _machines(
                "Response time",
                "One question to the application, until its whole answer. No point where it failed.",
                ("response_time_ms", ""),
                width=12,
            ),
            _machines(
                "Availability",
                "How many questions the application answered rightly and in time.",
                ("availability_percent", ""),
                width=12,
            ),
        ),
    ),
    Row(
        "Canary and control",
        (
            Panel(
                "Hosts",
                "How many hosts of the rollout sent points in the time that is shown.",
                "none",
                [Target(Distinct(CPU, ROLES, "host", ("role", "version")))],
                kind="stat",
                width=24,
                height=4,
            ),
            _roles("CPU by role", "The mean of the hosts of a role.", CPU),
            _roles("Response time by role", "The mean of the hosts of a role.", "response_time_ms"),
            _roles("Availability by role", "The mean of the hosts of a role.", "availability_percent"),
            _less("CPU", CPU, "Below 0 the canary uses less."),
            _less("Response time", "response_time_ms", "Below 0 the canary is quicker."),
            _less("Availability", "availability_percent", "Below 0 the canary answers less often."),
        ),
    ),
)
