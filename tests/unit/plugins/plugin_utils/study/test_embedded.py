# Copyright (c) 2026, evolve.vm contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points in the study's store."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.backend import BackendError
from ansible_collections.evolve.vm.plugins.plugin_utils.metrics.points import Point, Selector, Series, Window, tagged
from ansible_collections.evolve.vm.plugins.plugin_utils.study.embedded import Embedded
from ansible_collections.evolve.vm.plugins.plugin_utils.study.store import Store

CPU = "cpu_utilisation_percent"


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Embedded:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/evolve.sqlite" if sqlite else request.getfixturevalue("postgresql_database")
    Store(url).close()
    return Embedded(url)


def point(at_ms: int, value: float, field: str = CPU, **tags: str) -> Point:
    return Point("evolve_vm", field, tagged(host="slot-1", **tags), at_ms, value)


def test_points_come_back_as_they_were_within_the_window(backend: Embedded) -> None:
    values = [0.1 + 0.2, 1e-300, 12345678.901234567, 100.0]
    backend.write([point(1_700_000_000_000 + 1000 * n, value) for n, value in enumerate(values)])
    backend.write([point(1_700_000_010_000, 5.0, field="memory_used_mib")])

    found = backend.read(Selector("evolve_vm", CPU), Window(1_700_000_000_000, 1_700_000_002_000))

    assert found == [
        Series({"host": "slot-1"}, [(1_700_000_001_000, values[1]), (1_700_000_002_000, values[2])]),
    ]


def test_series_are_told_apart_by_their_tags_and_selected_by_some(backend: Embedded) -> None:
    backend.write([point(2, 1.0, study="a"), point(1, 2.0, study="b"), point(3, 3.0, study="a")])
    backend.write([Point("evolve_vm", CPU, tagged(host="slot-2", study="a"), 2, 4.0)])

    everything = backend.read(Selector("evolve_vm", CPU), Window(0, 10))
    of_one = backend.read(Selector("evolve_vm", CPU, tagged(host="slot-1", study="a")), Window(0, 10))

    assert [(s.tags["host"], s.tags["study"]) for s in everything] == [
        ("slot-1", "a"),
        ("slot-1", "b"),
        ("slot-2", "a"),
    ]
    assert of_one == [Series({"host": "slot-1", "study": "a"}, [(2, 1.0), (3, 3.0)])]
    assert backend.read(Selector("evolve_vm", CPU, tagged(host="slot-3")), Window(0, 10)) == []


def test_what_is_written_twice_is_there_once(backend: Embedded) -> None:
    points = [point(1, 1.0), point(2, 2.0)]
    backend.write(points)
    backend.write([*points, point(3, 3.0)])

    assert backend.read(Selector("evolve_vm", CPU), Window(0, 10))[0].points == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_old_points_are_forgotten(backend: Embedded) -> None:
    backend.write([point(1, 1.0, study="a"), point(2, 2.0, study="a"), point(1, 1.0, study="b")])
    backend.write([point(5, 1.0, study="a")])

    assert backend.forget("a", 5) == 1
    assert [each.points for each in backend.read(Selector("evolve_vm", CPU), Window(0, 10))] == [[(5, 1.0)], [(1, 1.0)]]


def test_a_hundred_thousand_points_are_read_quickly(backend: Embedded) -> None:
    for begin in range(0, 100_000, 1000):
        backend.write([point(1_700_000_000_000 + 1000 * n, n / 7) for n in range(begin, begin + 1000)])
    started = time.process_time()

    (series,) = backend.read(Selector("evolve_vm", CPU, tagged(host="slot-1")), Window(0, 2_000_000_000_000))

    assert len(series.points) == 100_000
    # CPU time, which does not depend on what else the machine does: about 0.2 s.
    assert time.process_time() - started < 2


def test_a_store_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="there is no store") as error:
        Embedded(f"sqlite:///{tmp_path}/evolve.sqlite").write([point(1, 1.0)])

    assert error.value.passing
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("no database")

    with pytest.raises(BackendError, match="is not a store"):
        Embedded(f"sqlite:///{tmp_path}/store").check()
