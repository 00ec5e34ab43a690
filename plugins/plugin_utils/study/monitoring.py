# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is watched while a study runs: `evolve_monitoring`, checked as a whole, and the metrics that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.evolve.vm.plugins.module_utils.benchmarks.errors import Fault as ModuleFault
from ansible_collections.evolve.vm.plugins.module_utils.sampling.interval import IntervalError, interval_seconds
from ansible_collections.evolve.vm.plugins.module_utils.sampling.metrics import (
    APPLICATION_FIELDS,
    HYPERVISOR,
    METRICS,
    NETWORK_FIELDS,
)
from ansible_collections.evolve.vm.plugins.module_utils.sampling.probes.definition import read_probes
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution._numbers import is_number
from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault, listing, suggestion
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.agents.series import (
    AGENTS,
    UnknownSeriesError,
    metrics_of,
)
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import ConnectionInputError, read_connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watched import understood
from ansible_collections.evolve.vm.plugins.plugin_utils.plain import is_off

_WHERE = "evolve_monitoring"
_DATABASE = "evolve_monitoring_database"
# From outside, without anything in the guest; or what an agent in it writes to a database.
SAMPLER = "sampler"
SOURCES = (SAMPLER, *AGENTS)
# keep_days: how long the study's store keeps points; for ever where it is none.
# Where no probe asks the network, one does by itself.
_NETWORK_PROBE = {"kind": "icmp"}
DEFAULTS: Mapping[str, Any] = {"interval": 1.0, "probes": [_NETWORK_PROBE], "source": SAMPLER, "keep_days": None}
_EXAMPLE = "{interval: 5s, probes: [{kind: http, url: 'http://{target}/'}]}"


def read_monitoring(given: Any, faults: list[Fault]) -> dict[str, Any] | None:
    """The complete setting, its interval in seconds; None where nothing is to be watched."""
    if is_off(given):
        return None
    if not isinstance(given, Mapping):
        faults.append(Fault(_WHERE, f"found {given!r}, expected false, or a mapping such as {_EXAMPLE}"))
        return dict(DEFAULTS)
    faults += [
        Fault(f"{_WHERE}.{name}", f"unknown; there are: {listing(DEFAULTS)}.{suggestion(str(name), list(DEFAULTS))}")
        for name in given
        if name not in DEFAULTS
    ]
    setting = {**DEFAULTS, **given}
    try:
        setting["interval"] = interval_seconds(setting["interval"])
    except IntervalError as error:
        faults.append(Fault(f"{_WHERE}.interval", str(error)))
        setting["interval"] = DEFAULTS["interval"]
    setting["probes"] = _read_probes(setting["probes"], setting["interval"], faults)
    if setting["source"] not in SOURCES:
        hint = suggestion(str(setting["source"]), SOURCES)
        faults.append(
            Fault(f"{_WHERE}.source", f"found {setting['source']!r}, expected one of {listing(SOURCES)}.{hint}")
        )
    days = setting["keep_days"]
    if days is not None and (not is_number(days) or days <= 0):
        faults.append(Fault(f"{_WHERE}.keep_days", f"found {days!r}, expected a number of days above 0"))
    return setting


def database_faults(given: Any, setting: Any) -> list[Fault]:
    """What is wrong with `evolve_monitoring_database`, by itself and for what is to be watched."""
    source = setting.get("source", SAMPLER) if isinstance(setting, Mapping) else SAMPLER
    if not given:
        said = f"is missing, and {source} (evolve_monitoring.source) writes to a database"
        return [Fault(_DATABASE, said)] if source in AGENTS else []
    try:
        connection = read_connection(given, _DATABASE)
    except ConnectionInputError as error:
        return list(error.faults)
    if is_off(setting):
        return [Fault(_DATABASE, "is given, and evolve_monitoring is false, so that nothing would come into it")]
    if source in AGENTS:
        try:
            metrics_of(source, connection.kind)
        except UnknownSeriesError as error:
            return [Fault(f"{_WHERE}.source", str(error))]
    return []


def watched_names(setting: Mapping[str, Any] | None, wanted: Iterable[Any]) -> list[str]:
    """The metrics that goals may use beside those of the benchmark: the plain ones, and those `wanted` by them."""
    if setting is None:
        return []
    fields = fields_of(setting)
    plain = [f"{probe}.{field}" if probe else field for probe, field in fields]
    probes = [probe for probe, dummy in fields]
    more = []
    for name in wanted:
        found = understood(name, probes) if isinstance(name, str) else None
        if found is not None and name not in plain and (found[0], found[1].field) in fields:
            more.append(name)
    return [*plain, *more]


def fields_of(setting: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is watched: (probe, field), the probe '' where there is one of its sort only."""
    if setting["source"] != SAMPLER:
        return [("", metric.name) for metric in METRICS]
    found = [("", metric.name) for metric in METRICS if metric.source == HYPERVISOR]
    for probe in read_probes(setting["probes"], setting["interval"], []):
        found += [(probe.tag, field) for field in (NETWORK_FIELDS if probe.is_network else APPLICATION_FIELDS)]
    return found


def _read_probes(given: Any, seconds: float, faults: list[Fault]) -> list[Any]:
    """The probes, one of the network among them."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        faults.append(Fault(f"{_WHERE}.probes", f"found {given!r}, expected a list such as [{{kind: icmp}}]"))
        return []
    found: list[ModuleFault] = []
    probes = read_probes(given, seconds, found)
    faults += [Fault(f"{_WHERE}.{fault.where}", fault.problem) for fault in found]
    return [*given, *([] if any(probe.is_network for probe in probes) else [_NETWORK_PROBE])]
