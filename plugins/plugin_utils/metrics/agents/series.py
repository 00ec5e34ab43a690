# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a metric from what an agent has written: what to read, and what follows from it.

The points are gauges as those of the sampler are (module_utils/sampling/metrics.py), so that both are aggregated alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import BY_NAME, PROBE
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.collectd import (
    COLLECTD_INFLUXDB,
    COLLECTD_PROMETHEUS,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.formula import Formula, points
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.node_exporter import NODE_EXPORTER
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.telegraf import TELEGRAF
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Selector, Series, Window

_SCRAPED = ("prometheus", "victoriametrics")
# Which agents' series there are in which kind of database, and what they mean.
_TABLES: dict[tuple[str, str], dict[str, Formula]] = {
    ("collectd", "influxdb"): COLLECTD_INFLUXDB,
    ("telegraf", "influxdb"): TELEGRAF,
    **{("node_exporter", kind): NODE_EXPORTER for kind in _SCRAPED},
    **{("collectd", kind): COLLECTD_PROMETHEUS for kind in _SCRAPED},
    **{("telegraf", kind): TELEGRAF for kind in _SCRAPED},
}
AGENTS = ("node_exporter", "collectd", "telegraf")
# The tag that names the machine. Targets that the role monitoring writes carry it in Prometheus too; those of a user's
# own scrape jobs are told apart by `instance`, which is host:port.
HOST_TAG = "host"


class UnknownSeriesError(ValueError):
    """An agent does not write such series, or not to such a database. The text says what there is."""


def metrics_of(agent: str, kind: str) -> list[str]:
    """The metrics that an agent sees, where its series are in a database of this kind. Raises UnknownSeriesError."""
    return list(_table(agent, kind))


def without_probes(metrics: Sequence[str]) -> list[str]:
    """Those that need no probe."""
    return [metric for metric in metrics if BY_NAME[metric].source != PROBE]


def selectors(
    agent: str, kind: str, metric: str, machine: str, *, probe: str = "", host_tag: str = HOST_TAG
) -> list[Selector]:
    """What to read for a metric of a machine. Raises UnknownSeriesError.

    machine: the value of `host_tag`. probe: its name (with collectd's ping the address that is asked), where a machine
    has several of a kind.
    """
    found = [term.selector((host_tag, machine), probe) for term in _formula(agent, kind, metric).terms]
    return list(dict.fromkeys(found))


def from_series(
    agent: str,
    kind: str,
    metric: str,
    machine: str,
    series_by_selector: Mapping[Selector, Sequence[Series]],
    window: Window,
    *,
    probe: str = "",
    host_tag: str = HOST_TAG,
) -> list[tuple[int, float]]:
    """The points (at_ms, value) of a metric in a window, from what was read of `selectors`.

    Read from one or two of the agent's intervals before the window: the rate of a counter at a point needs the point
    before it. Raises UnknownSeriesError and AmbiguousSeriesError.
    """
    formula = _formula(agent, kind, metric)
    read = [series_by_selector.get(term.selector((host_tag, machine), probe), ()) for term in formula.terms]
    return [(at_ms, value) for at_ms, value in points(formula, read) if window.holds(at_ms)]


def _table(agent: str, kind: str) -> dict[str, Formula]:
    table = _TABLES.get((agent, kind))
    if table is None:
        known = ", ".join(f"{name} in {database}" for name, database in _TABLES)
        raise UnknownSeriesError(f"what {agent} writes to {kind} is not known here; known: {known}")
    return table


def _formula(agent: str, kind: str, metric: str) -> Formula:
    table = _table(agent, kind)
    if metric not in table:
        raise UnknownSeriesError(f"{agent} does not see {metric} (in {kind}); it sees {', '.join(table)}")
    return table[metric]
