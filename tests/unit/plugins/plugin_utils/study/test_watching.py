# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was watched during a run: from the sampler's points to metrics, with a database and with one that is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.connection import Connection
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Window
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.reading import points_of, within
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.watched import metrics_of
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store
from ansible_collections.evolve.vm.plugins.plugin_utils.study.watching import Place, Watched, send_rest
from ansible_collections.evolve.vm.tests.influxdb_server import InfluxServer, influxdb_server
from ansible_collections.evolve.vm.tests.servers import free_port

NOW_MS = time.time_ns() // 1_000_000 // 1000 * 1000
TAGS = {"study": "small", "host": "s 1", "slot": "s 1", "trial": "3"}
FIELDS = [("", "cpu_utilisation_percent"), ("shop", "response_time_ms"), ("", "memory_used_mib")]
# As the module sampler gives it: a point a second, of which those of the run are three.
SERIES: list[dict[str, Any]] = [
    {
        "host": "s 1",
        "probe": probe,
        "field": field,
        "points": [[NOW_MS - 5000 + 1000 * second, value + second] for second in range(5)],
    }
    for probe, field, value in (("", "cpu_utilisation_percent", 10.0), ("shop", "response_time_ms", 0.25))
]
WINDOW = Window(NOW_MS - 5000, NOW_MS - 2000)
EXPECTED = {
    "cpu_utilisation_percent": 12.0,
    "shop.response_time_ms": 2.25,
    "shop.response_time_p95_ms": 3.25,
}


def taken(place: Place) -> tuple[Watched, dict[str, float]]:
    watched = Watched(TAGS, WINDOW, FIELDS)
    return watched, metrics_of(watched.take_up(points_of(SERIES, TAGS), place), [])


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/evolve.sqlite"
    Store(url).close()
    return url


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influxdb_server(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


def test_the_points_of_the_run_count_and_all_are_kept(tmp_path: Path, store: str) -> None:
    watched, metrics = taken(Place(store, str(tmp_path), None))

    assert metrics == EXPECTED
    assert (watched.problems, watched.source) == ([], "the sampler")
    (series,) = Embedded(store).read(Selector("evolve_vm", "response_time_ms"), Window(0, NOW_MS))
    assert (len(series.points), series.tags) == (5, {**TAGS, "probe": "shop"})


def test_the_database_is_the_source_and_gives_the_same(tmp_path: Path, store: str, influxdb: InfluxServer) -> None:
    connection = Connection("influxdb", influxdb.url, "evolve")
    watched, metrics = taken(Place(store, str(tmp_path), connection))

    assert metrics == EXPECTED
    assert (watched.problems, watched.source) == ([], f"InfluxDB at {influxdb.url}")
    assert send_rest(Place(store, str(tmp_path), connection), 5) == (0, "")


def test_what_the_database_says_is_believed(tmp_path: Path, store: str, influxdb: InfluxServer) -> None:
    """The numbers are really read back: a point that somebody else has put there counts."""
    place = Place(store, str(tmp_path), Connection("influxdb", influxdb.url, "evolve"))
    extra = "study=small,host=s\\ 1,slot=s\\ 1,trial=3"
    influxdb.put(f"evolve_vm,{extra} cpu_utilisation_percent=112 {(NOW_MS - 2500) * 1_000_000}")

    assert taken(place)[1]["cpu_utilisation_percent"] == 37.0


def test_a_database_that_is_gone_changes_no_number(tmp_path: Path, store: str) -> None:
    gone = Connection("influxdb", f"http://127.0.0.1:{free_port()}", "evolve", retries=0)
    place = Place(store, str(tmp_path), gone)
    watched, metrics = taken(place)

    assert metrics == EXPECTED
    assert watched.source == "the sampler"
    (problem,) = watched.problems
    assert "does not answer" in problem
    assert "10 points wait on this controller and are sent later" in problem
    waiting, reason = send_rest(place, 5)
    assert waiting == 10
    assert "does not answer" in reason


def test_a_clock_that_is_behind_is_set_right() -> None:
    late = [{**each, "points": [[at_ms - 90_000, value] for at_ms, value in each["points"]]} for each in SERIES]

    assert within(points_of(late, TAGS, shift_ms=90_000), WINDOW) == within(points_of(SERIES, TAGS), WINDOW)


def test_points_say_whose_they_are() -> None:
    first = points_of(SERIES, TAGS)[0]

    assert first == Point("evolve_vm", "cpu_utilisation_percent", tuple(sorted(TAGS.items())), NOW_MS - 5000, 10.0)
