# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is watched, and which metrics goals may name for it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.evolution.faults import Fault
from ansible_collections.evolve.vm.plugins.plugin_utils.study.definition import StudyInputError, read_definition
from ansible_collections.evolve.vm.plugins.plugin_utils.study.monitoring import (
    DEFAULTS,
    database_faults,
    fields_of,
    read_monitoring,
    watched_names,
)

HTTP = {"kind": "http", "url": "http://{target}/"}
INFLUXDB = {"kind": "influxdb", "url": "http://127.0.0.1:8086", "database": "evolve"}


def read(given: Any) -> dict[str, Any]:
    faults: list[Fault] = []
    setting = read_monitoring(given, faults)
    assert faults == []
    assert setting is not None
    return setting


def test_without_a_word_machine_and_network_are_watched_each_second() -> None:
    assert read({}) == {"interval": 1.0, "probes": [{"kind": "icmp"}], "source": "sampler", "keep_days": None}
    fields = fields_of(read({}))
    assert ("", "cpu_utilisation_percent") in fields
    assert ("", "network_latency_ms") in fields
    assert ("", "response_time_ms") not in fields, "nobody asks an application"
    assert ("", "cpu_wait_percent") not in fields, "that is seen from inside only"


def test_a_probe_of_the_network_is_added_unless_there_is_one() -> None:
    assert read({"probes": [HTTP]})["probes"] == [HTTP, {"kind": "icmp"}]
    own = {"kind": "tcp", "port": 22, "network": True}
    assert read({"probes": [own]})["probes"] == [own]


def test_several_applications_are_told_apart_by_name() -> None:
    setting = read({"probes": [{**HTTP, "name": "shop"}, {"kind": "tcp", "port": 5432, "name": "db"}]})
    names = watched_names(setting, ["shop.response_time_p99_ms", "db.availability_percent", "response_time_p99_ms"])
    assert {"shop.response_time_ms", "db.availability_percent", "shop.response_time_p99_ms"} <= set(names)
    assert "response_time_p99_ms" not in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("off", [False, "false"])
def test_nothing_is_watched_on_request(off: Any) -> None:
    assert read_monitoring(off, []) is None
    assert watched_names(None, ["cpu_utilisation_percent"]) == []


def test_every_fault_is_told_at_once() -> None:
    faults: list[Fault] = []
    given = {"interval": 0, "probes": [{"kind": "http"}, 3], "source": "collectdd", "keep_days": -1, "intervall": 1}
    read_monitoring(given, faults)
    where = {fault.where for fault in faults}
    assert {
        "evolve_monitoring.interval",
        "evolve_monitoring.probes[0].url",
        "evolve_monitoring.probes[1]",
        "evolve_monitoring.source",
        "evolve_monitoring.keep_days",
        "evolve_monitoring.intervall",
    } <= where


@pytest.mark.parametrize("given", [True, 5, "1s", ["icmp"]])
def test_what_is_no_mapping_is_refused(given: Any) -> None:
    faults: list[Fault] = []
    assert read_monitoring(given, faults) == DEFAULTS
    assert [fault.where for fault in faults] == ["evolve_monitoring"]


def test_a_goal_may_name_what_is_watched(variables: dict[str, Any]) -> None:
    goals = [{"metric": "cpu_utilisation_p95_percent", "direction": "minimize"}]
    assert read_definition({**variables, "goals": goals}).scoring.metrics == ["cpu_utilisation_p95_percent"]
    with pytest.raises(StudyInputError, match="unknown metric 'cpu_utilisation_p95_percent'"):
        read_definition({**variables, "goals": goals, "monitoring": False})
    with pytest.raises(StudyInputError, match="unknown metric 'response_time_ms'"):
        read_definition({**variables, "goals": [{"metric": "response_time_ms", "direction": "minimize"}]})


@pytest.mark.parametrize(
    ("database", "setting", "said"),
    [
        ({}, {"source": "collectd"}, "collectd (evolve_monitoring.source) writes to a database"),
        (INFLUXDB, False, "evolve_monitoring is false"),
        (INFLUXDB, {"source": "node_exporter"}, "what node_exporter writes to influxdb is not known here"),
        ({**INFLUXDB, "database": ""}, {}, "is missing: the database"),
    ],
)
def test_database_and_source_must_fit(database: Any, setting: Any, said: str) -> None:
    (fault,) = database_faults(database, setting)
    assert said in fault.problem


def test_a_database_that_fits_is_fine() -> None:
    assert database_faults({}, {}) == []
    assert database_faults(None, None) == []
    assert database_faults(INFLUXDB, {"source": "collectd"}) == []
